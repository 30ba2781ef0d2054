import { PacketType } from '../packet-type.ts'
import { NO_PROPERTIES, type Properties } from '../property.ts'
import { decodeProperties, encodeProperties } from '../property-section.ts'
import { ProtocolVersion } from '../protocol-version.ts'
import type { Reader } from '../reader.ts'
import { isReasonCodeAllowed, ReturnCode } from '../reason-code.ts'
import type { Writer } from '../writer.ts'

/** A CONNACK packet (section 3.2). */
export class Connack {
  readonly packetType = PacketType.CONNACK
  /** always false in MQTT 3.1, which has no such flag */
  readonly sessionPresent: boolean
  /** Reason Code of 5.0; return code 0 to 5 of 3.1 and 3.1.1 */
  readonly code: number
  readonly properties: Properties

  constructor(sessionPresent: boolean, code: number, properties: Properties = NO_PROPERTIES) {
    this.sessionPresent = sessionPresent
    this.code = code
    this.properties = properties
  }
}

/** @throws ProtocolViolation CONNACK_FLAGS_RESERVED, CONNACK_SESSION_PRESENT_ON_REFUSAL, CONNACK_CODE_INVALID */
export function decodeConnack(reader: Reader): Connack {
  const flagsAt = reader.offset
  const flags = reader.byte('Connect Acknowledge Flags')
  // MQTT 3.1 reserves the whole byte and gives it no meaning
  const judged = reader.version !== ProtocolVersion.V3_1
  if (judged && flags > 1) reader.violate('CONNACK_FLAGS_RESERVED', flagsAt, 'Connect Acknowledge Flags')
  const sessionPresent = judged && (flags & 1) === 1
  const v5 = reader.version === ProtocolVersion.V5
  const codeAt = reader.offset
  const field = v5 ? 'Reason Code' : 'Return Code'
  const code = reader.byte(field)
  // A Server that does not speak 5.0 answers with return code 1 of 3.1.1, two bytes and no properties.
  const refusalOfOlderServer = v5 && code === ReturnCode.UNACCEPTABLE_PROTOCOL_VERSION && reader.remaining === 0
  const known =
    v5 && !refusalOfOlderServer
      ? isReasonCodeAllowed(PacketType.CONNACK, code, reader.sender)
      : code <= ReturnCode.NOT_AUTHORIZED
  if (!known) reader.violate('CONNACK_CODE_INVALID', codeAt, field, { detail: `code ${code}` })
  if (sessionPresent && code !== 0) reader.violate('CONNACK_SESSION_PRESENT_ON_REFUSAL', flagsAt, 'Session Present')
  const properties = v5 && !refusalOfOlderServer ? decodeProperties(reader, PacketType.CONNACK) : NO_PROPERTIES
  reader.finish()
  return new Connack(sessionPresent, code, properties)
}

export function encodeConnack(writer: Writer, connack: Connack): void {
  writer.byte(connack.sessionPresent && writer.version !== ProtocolVersion.V3_1 ? 1 : 0)
  writer.byte(connack.code)
  // Return code 1 is an answer of 3.1.1 whatever was asked, so it has no properties.
  const refusesVersion = connack.code === ReturnCode.UNACCEPTABLE_PROTOCOL_VERSION
  if (writer.version === ProtocolVersion.V5 && !refusesVersion) encodeProperties(writer, connack.properties)
}
