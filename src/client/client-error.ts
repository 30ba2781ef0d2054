import { PacketType } from '../codec/packet-type.ts'
import type { Connack } from '../codec/packets/connack.ts'
import type { Disconnect } from '../codec/packets/disconnect.ts'
import type { Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { formatReasonCode, formatReturnCode, ReasonCode, ReturnCode, reasonCodeFor } from '../codec/reason-code.ts'
import type { ProtocolViolation } from '../codec/violation.ts'

/** What ended a client, a connection or a publication. The values are stable: scripts see them. */
export const ClientErrorKind = {
  /** DNS, TCP or the like; the cause is a TransportError */
  CANNOT_CONNECT: 'CANNOT_CONNECT',
  /** connected, but CONNACK did not come in time, or the connection ended before */
  NO_CONNACK: 'NO_CONNACK',
  /** the Server said no in CONNACK */
  CONNECT_REFUSED: 'CONNECT_REFUSED',
  /** closed by the Server without a word, broken, or silent for too long */
  CONNECTION_LOST: 'CONNECTION_LOST',
  /** the Server sent DISCONNECT (5.0) */
  DISCONNECTED: 'DISCONNECTED',
  /** DISCONNECT 0x8E: another connection with our Client Identifier */
  TAKEN_OVER: 'TAKEN_OVER',
  /** the Server broke MQTT, or WebSocket beneath it; the cause is a ProtocolViolation or a TransportError */
  PROTOCOL: 'PROTOCOL',
  /** what answers is no MQTT server */
  NOT_MQTT: 'NOT_MQTT',
  /** a publication was refused, by the Server or because it must not be sent to it */
  PUBLISH_REFUSED: 'PUBLISH_REFUSED',
  /** the client was ended by its owner */
  CLOSED: 'CLOSED',
} as const
export type ClientErrorKind = (typeof ClientErrorKind)[keyof typeof ClientErrorKind]

/** What a ClientError may say beside kind and message. */
export interface ClientErrorDetails {
  readonly reasonCode?: number
  readonly returnCode?: number | null
  readonly reasonString?: string | undefined
  readonly cause?: unknown
}

/** The one error in which every failure of a Client ends. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly kind: ClientErrorKind
  /** Reason Code of 5.0, for 3.1.1 the one that says the same as its return code; null when the failure has none */
  readonly reasonCode: number | null
  /** return code of a 3.1 or 3.1.1 CONNACK; null otherwise */
  readonly returnCode: number | null
  /** as the Server wrote it: text of a stranger */
  readonly reasonString: string | null

  constructor(kind: ClientErrorKind, message: string, details: ClientErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.kind = kind
    this.reasonCode = details.reasonCode ?? null
    this.returnCode = details.returnCode ?? null
    this.reasonString = details.reasonString ?? null
  }
}

/** True when a Server says in CONNACK that it does not know the version; older ones use return code 1 whatever they were asked. */
export function isVersionRefused(connack: Connack): boolean {
  return connack.code === ReasonCode.UNSUPPORTED_PROTOCOL_VERSION || isOldRefusal(connack)
}

function isOldRefusal(connack: Connack): boolean {
  return connack.code === ReturnCode.UNACCEPTABLE_PROTOCOL_VERSION
}

/** The error for a CONNACK that refuses. */
export function connectRefused(connack: Connack, version: ProtocolVersion): ClientError {
  const { code, properties } = connack
  const isOld = version !== ProtocolVersion.V5 || isOldRefusal(connack)
  const said = isOld ? formatReturnCode(code) : formatReasonCode(code, PacketType.CONNACK)
  const { serverReference } = properties
  const elsewhere = serverReference === undefined ? '' : `, it names ${JSON.stringify(serverReference)}`
  return new ClientError(
    ClientErrorKind.CONNECT_REFUSED,
    `the server refuses the connection: ${said}${quoted(properties)}${elsewhere}`,
    {
      reasonCode: isOld ? reasonCodeFor(code) : code,
      returnCode: isOld ? code : null,
      reasonString: properties.reasonString,
    },
  )
}

/** The error for a DISCONNECT of the Server. */
export function disconnectedByServer(disconnect: Disconnect): ClientError {
  const { reasonCode, properties } = disconnect
  const isTakenOver = reasonCode === ReasonCode.SESSION_TAKEN_OVER
  const said = formatReasonCode(reasonCode, PacketType.DISCONNECT)
  const hint = isTakenOver ? '; another client uses the same client id' : ''
  return new ClientError(
    isTakenOver ? ClientErrorKind.TAKEN_OVER : ClientErrorKind.DISCONNECTED,
    `the server ended the connection: ${said}${quoted(properties)}${hint}`,
    { reasonCode, reasonString: properties.reasonString },
  )
}

/** The error for a publication that was answered with 0x80 or more, or not sent for that reason. */
export function publishRefused(reasonCode: number, properties: Properties): ClientError {
  return new ClientError(
    ClientErrorKind.PUBLISH_REFUSED,
    `the message was refused: ${formatReasonCode(reasonCode)}${quoted(properties)}`,
    { reasonCode, reasonString: properties.reasonString },
  )
}

/** The error for a rule that the Server broke. */
export function brokenByServer(violation: ProtocolViolation): ClientError {
  return new ClientError(ClientErrorKind.PROTOCOL, `the server broke the protocol: ${violation.message}`, {
    reasonCode: violation.reasonCode,
    cause: violation,
  })
}

// In quotation marks with escapes: it is a stranger's text.
function quoted({ reasonString }: Properties): string {
  return reasonString === undefined ? '' : ` (${JSON.stringify(reasonString)})`
}
