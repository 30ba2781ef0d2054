import { PacketType } from '../packet-type.ts'
import { NO_PROPERTIES, type Properties } from '../property.ts'
import { decodeProperties, encodeProperties } from '../property-section.ts'
import { ProtocolVersion } from '../protocol-version.ts'
import type { Reader } from '../reader.ts'
import { isReasonCodeAllowed } from '../reason-code.ts'
import type { Writer } from '../writer.ts'
import { decodeAcknowledgedPacketId } from './acknowledgement.ts'

/** An UNSUBACK packet (section 3.11). */
export class Unsuback {
  readonly packetType = PacketType.UNSUBACK
  readonly packetId: number
  /** one per Topic Filter since 5.0; empty before */
  readonly codes: readonly number[]
  readonly properties: Properties

  constructor(packetId: number, codes: readonly number[] = [], properties: Properties = NO_PROPERTIES) {
    this.packetId = packetId
    this.codes = codes
    this.properties = properties
  }
}

/** @throws ProtocolViolation UNSUBACK_CODE_INVALID, SUBACK_CODE_COUNT when 5.0 has none */
export function decodeUnsuback(reader: Reader): Unsuback {
  const packetId = decodeAcknowledgedPacketId(reader)
  if (reader.version !== ProtocolVersion.V5) {
    reader.finish()
    return new Unsuback(packetId)
  }
  const properties = decodeProperties(reader, PacketType.UNSUBACK)
  if (reader.remaining === 0) reader.violate('SUBACK_CODE_COUNT', reader.offset, 'Payload')
  const codes: number[] = []
  while (reader.remaining > 0) {
    const code = reader.byte('Reason Code')
    if (!isReasonCodeAllowed(PacketType.UNSUBACK, code, reader.sender)) {
      reader.violate('UNSUBACK_CODE_INVALID', reader.offset - 1, 'Reason Code', {
        detail: `code 0x${code.toString(16)}`,
      })
    }
    codes.push(code)
  }
  return new Unsuback(packetId, codes, properties)
}

export function encodeUnsuback(writer: Writer, unsuback: Unsuback): void {
  writer.uint16(unsuback.packetId)
  if (writer.version !== ProtocolVersion.V5) return
  encodeProperties(writer, unsuback.properties)
  for (const code of unsuback.codes) writer.byte(code)
}
