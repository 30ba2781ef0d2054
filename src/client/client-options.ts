import type { Connack } from '../codec/packets/connack.ts'
import { Connect, type Will, willMessage } from '../codec/packets/connect.ts'
import type { Publish } from '../codec/packets/publish.ts'
import type { Suback } from '../codec/packets/suback.ts'
import { NO_PROPERTIES, type Properties } from '../codec/property.ts'
import { ProtocolVersion, protocolVersionName } from '../codec/protocol-version.ts'
import type { ClientBounds } from '../session/server-terms.ts'
import type { Address } from '../transport/address.ts'
import type { TlsClientTerms } from '../transport/tls-terms.ts'
import type { ClientError } from './client-error.ts'
import type { AuthenticationMethod } from './enhanced-authentication.ts'
import { checkOwnPacket } from './own-packet.ts'
import type { ReconnectPolicy } from './reconnect.ts'
import type { Trace } from './server-connection.ts'

/** How to connect, and who we are. */
export interface ClientOptions {
  readonly address: Address
  /** default 5.0 */
  readonly version?: ProtocolVersion
  /** default '': the Server makes one; not with MQTT 3.1, and with 3.1.1 only beside cleanStart */
  readonly clientId?: string
  /**
   * Default true. False takes up the Session that the Server may hold for the Client Identifier; what an earlier run of the
   * program had in flight is not known here, so it is the Server's side of the Session alone that goes on.
   */
  readonly cleanStart?: boolean
  /** 0 to 65,535, 0: off; default 60 */
  readonly keepAliveSeconds?: number
  readonly userName?: string | null
  readonly password?: Buffer | null
  /** enhanced authentication, 5.0 only and instead of userName and password; null (default): none */
  readonly authentication?: AuthenticationMethod | null
  readonly will?: Will | null
  /** of CONNECT; left out before 5.0 */
  readonly connectProperties?: Properties
  /** for DNS, TCP and CONNACK together; default 10,000 */
  readonly connectTimeoutMs?: number
  /** QoS 1 and 2 messages sent and not acknowledged, capped by the Server's Receive Maximum; default 1024, before 5.0 20 */
  readonly maximumInFlight?: number
  /** what may wait to be sent, for QoS 0 and for QoS 1 and 2 each; a message above it is refused with 0x97. Default 64 MiB */
  readonly maximumQueuedBytes?: number
  /** Topic Aliases that the client makes for its messages, capped by the Server's Topic Alias Maximum; default 0 */
  readonly maximumTopicAliases?: number
  /** null (default): the first loss ends the client */
  readonly reconnect?: ReconnectPolicy | null
  /** IP address of this machine to connect from */
  readonly bindAddress?: string
  /** for mqtts and wss; default: the certificate is verified by the authorities that Node knows */
  readonly tls?: TlsClientTerms
  /** a Server that does not know 5.0 is asked once more at 3.1.1; default false */
  readonly fallbackToV311?: boolean
}

/** What a Client tells its owner: plain methods, called synchronously. */
export interface ClientHandler {
  /** A message came; its payload is a view, good for this turn. It is acknowledged when this returns. */
  message?(publish: Publish): void
  /** @param attempt 0 for the first connection; else the attempts that it took to come back */
  connected?(connack: Connack, attempt: number): void
  /** @param retryInMs null: for good, and `closed` follows */
  connectionLost?(error: ClientError, retryInMs: number | null): void
  /** @param retryInMs null: for good, and `closed` follows */
  reconnectFailed?(error: ClientError, retryInMs: number | null): void
  /** Subscriptions were made again, because the Server had lost the Session; codes of 0x80 and above are refusals. */
  resubscribed?(topicFilters: readonly string[], suback: Suback): void
  /** send() returned false, and now there is room again. */
  drained?(): void
  /** Exactly once, when nothing is left open; null after our own disconnect() or destroy(). */
  closed?(error: ClientError | null): void
  /** The Server does not know 5.0; 3.1.1 is tried. */
  versionFallback?(): void
  /** Every packet; slows all down. */
  trace?: Trace
}

/**
 * The end of a publication.
 * @param reasonCode of the last acknowledgement, 0 at QoS 0; 0x80 and above: refused; NEVER_ACKNOWLEDGED (-1): the client or,
 *   at QoS 2, the Server's Session ended before
 */
export type PublishDone = (reasonCode: number, properties: Properties) => void

/** A publication that was accepted: 0x00, or 0x10 when there was no subscriber. */
export interface PublishOutcome {
  readonly reasonCode: number
  readonly properties: Properties
}

const DEFAULT_KEEP_ALIVE_SECONDS = 60
const DEFAULT_CONNECT_TIMEOUT_MS = 10_000
const DEFAULT_IN_FLIGHT = 1024
/** Older Servers do not say what they take; Mosquitto takes 20 from a client unless told otherwise. */
const DEFAULT_IN_FLIGHT_BEFORE_V5 = 20
const DEFAULT_QUEUED_BYTES = 64 * 1_048_576

/** Options without gaps, judged. */
export type CompleteOptions = Required<Omit<ClientOptions, 'bindAddress'>> &
  ClientBounds & { bindAddress: string | null }

/**
 * Fills in the defaults.
 * @throws RangeError naming the option; ProtocolViolation (ours) for what CONNECT must not say
 */
export function completeOptions(options: ClientOptions): CompleteOptions {
  const version = options.version ?? ProtocolVersion.V5
  const complete: CompleteOptions = {
    address: options.address,
    version,
    clientId: options.clientId ?? '',
    cleanStart: options.cleanStart ?? true,
    keepAliveSeconds: options.keepAliveSeconds ?? DEFAULT_KEEP_ALIVE_SECONDS,
    userName: options.userName ?? null,
    password: options.password ?? null,
    authentication: options.authentication ?? null,
    will: options.will ?? null,
    connectProperties: options.connectProperties ?? NO_PROPERTIES,
    connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
    maximumInFlight: options.maximumInFlight ?? defaultInFlight(version),
    maximumQueuedBytes: options.maximumQueuedBytes ?? DEFAULT_QUEUED_BYTES,
    maximumTopicAliases: options.maximumTopicAliases ?? 0,
    reconnect: options.reconnect ?? null,
    bindAddress: options.bindAddress ?? null,
    tls: options.tls ?? {},
    fallbackToV311: options.fallbackToV311 ?? false,
  }
  checkNumber('keepAliveSeconds', complete.keepAliveSeconds, 0, 65_535)
  checkNumber('connectTimeoutMs', complete.connectTimeoutMs, 1, Number.MAX_SAFE_INTEGER)
  checkNumber('maximumInFlight', complete.maximumInFlight, 1, 65_535)
  checkNumber('maximumQueuedBytes', complete.maximumQueuedBytes, 0, Number.MAX_SAFE_INTEGER)
  checkNumber('maximumTopicAliases', complete.maximumTopicAliases, 0, 65_535)
  if (complete.authentication !== null && version !== ProtocolVersion.V5) {
    throw new RangeError(`authentication needs MQTT 5.0, not ${protocolVersionName(version)}`)
  }
  checkConnect(connectPacket(complete, version, complete.clientId, complete.cleanStart))
  return complete
}

/** CONNECT as the options want it; what a version does not have is left out. */
export function connectPacket(
  options: CompleteOptions,
  version: ProtocolVersion,
  clientId: string,
  cleanStart: boolean,
  authentication: Properties = NO_PROPERTIES,
): Connect {
  const { keepAliveSeconds, userName, password, will, connectProperties } = options
  const isV5 = version === ProtocolVersion.V5
  return new Connect({
    version,
    clientId,
    cleanStart,
    keepAliveSeconds,
    userName,
    password,
    will: will === null || isV5 ? will : { ...will, properties: NO_PROPERTIES },
    properties: isV5 ? { ...connectProperties, ...authentication } : NO_PROPERTIES,
  })
}

/** Can the same be said in a CONNECT of 3.1.1? An empty id needs Clean Session there, a password a user name [MQTT-3.1.3-7, MQTT-3.1.2-22 v311]. */
export function maySpeakV311(options: CompleteOptions): boolean {
  const { clientId, cleanStart, userName, password, authentication } = options
  if (authentication !== null) return false
  return (clientId !== '' || cleanStart) && (password === null || userName !== null)
}

function defaultInFlight(version: ProtocolVersion): number {
  return version === ProtocolVersion.V5 ? DEFAULT_IN_FLIGHT : DEFAULT_IN_FLIGHT_BEFORE_V5
}

function checkNumber(name: string, value: number, minimum: number, maximum: number): void {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return
  throw new RangeError(`${name} is ${value}; it takes whole numbers from ${minimum} to ${maximum}`)
}

function checkConnect(connect: Connect): void {
  const { version, clientId, cleanStart, will } = connect
  if (clientId === '' && version !== ProtocolVersion.V5) {
    const name = protocolVersionName(version)
    // [MQTT-3.1.3-7 v311]; MQTT 3.1 has no empty ones
    if (version === ProtocolVersion.V3_1) throw new RangeError(`MQTT ${name} needs a client id`)
    if (!cleanStart) throw new RangeError(`MQTT ${name} needs a client id unless cleanStart is true`)
  }
  if (will !== null) willMessage(will)
  checkOwnPacket(connect, version)
}
