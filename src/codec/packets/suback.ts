import { PacketType } from '../packet-type.ts'
import { NO_PROPERTIES, type Properties } from '../property.ts'
import { decodeProperties, encodeProperties } from '../property-section.ts'
import { ProtocolVersion } from '../protocol-version.ts'
import type { Reader } from '../reader.ts'
import { isReasonCodeAllowed } from '../reason-code.ts'
import type { Writer } from '../writer.ts'
import { decodeAcknowledgedPacketId } from './acknowledgement.ts'

/** Failure in a SUBACK of 3.1.1; MQTT 3.1 has none. */
export const SUBACK_FAILURE = 0x80

/** A SUBACK packet (section 3.9). */
export class Suback {
  readonly packetType = PacketType.SUBACK
  readonly packetId: number
  /** one per Topic Filter, in their order: granted QoS 0 to 2 or a failure from 0x80 up */
  readonly codes: readonly number[]
  readonly properties: Properties

  constructor(packetId: number, codes: readonly number[], properties: Properties = NO_PROPERTIES) {
    this.packetId = packetId
    this.codes = codes
    this.properties = properties
  }
}

/** @throws ProtocolViolation SUBACK_CODE_INVALID, SUBACK_CODE_COUNT when there is none */
export function decodeSuback(reader: Reader): Suback {
  const packetId = decodeAcknowledgedPacketId(reader)
  const v5 = reader.version === ProtocolVersion.V5
  const properties = v5 ? decodeProperties(reader, PacketType.SUBACK) : NO_PROPERTIES
  if (reader.remaining === 0) reader.violate('SUBACK_CODE_COUNT', reader.offset, 'Payload')
  const field = v5 ? 'Reason Code' : 'Return Code'
  const codes: number[] = []
  while (reader.remaining > 0) {
    const code = reader.byte(field)
    const known = v5
      ? isReasonCodeAllowed(PacketType.SUBACK, code, reader.sender)
      : code <= 2 || code === SUBACK_FAILURE
    if (!known) {
      reader.violate('SUBACK_CODE_INVALID', reader.offset - 1, field, { detail: `code 0x${code.toString(16)}` })
    }
    codes.push(code)
  }
  return new Suback(packetId, codes, properties)
}

export function encodeSuback(writer: Writer, suback: Suback): void {
  writer.uint16(suback.packetId)
  if (writer.version === ProtocolVersion.V5) encodeProperties(writer, suback.properties)
  for (const code of suback.codes) writer.byte(code)
}
