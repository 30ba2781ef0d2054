import { PacketType } from '../packet-type.ts'
import { NO_PROPERTIES, type Properties } from '../property.ts'
import { decodeProperties, encodeProperties } from '../property-section.ts'
import { ProtocolVersion } from '../protocol-version.ts'
import type { Reader } from '../reader.ts'
import { isReasonCodeAllowed, ReasonCode } from '../reason-code.ts'
import type { Writer } from '../writer.ts'

/** A DISCONNECT packet (section 3.14). */
export class Disconnect {
  readonly packetType = PacketType.DISCONNECT
  /** always 0 before 5.0 */
  readonly reasonCode: number
  readonly properties: Properties

  constructor(reasonCode: number = ReasonCode.NORMAL_DISCONNECTION, properties: Properties = NO_PROPERTIES) {
    this.reasonCode = reasonCode
    this.properties = properties
  }
}

/** @throws ProtocolViolation DISCONNECT_CODE_INVALID, SESSION_EXPIRY_FROM_SERVER, PROPERTY_NOT_ALLOWED */
export function decodeDisconnect(reader: Reader): Disconnect {
  let reasonCode: number = ReasonCode.NORMAL_DISCONNECTION
  let properties: Properties = NO_PROPERTIES
  // 5.0 section 3.14.2.1: length 0 means code 0x00, length 1 means no properties
  if (reader.version === ProtocolVersion.V5 && reader.remaining > 0) {
    const at = reader.offset
    reasonCode = reader.byte('Reason Code')
    if (!isReasonCodeAllowed(PacketType.DISCONNECT, reasonCode, reader.sender)) {
      reader.violate('DISCONNECT_CODE_INVALID', at, 'Reason Code', { detail: `code 0x${reasonCode.toString(16)}` })
    }
    if (reader.remaining > 0) properties = decodeProperties(reader, PacketType.DISCONNECT)
  }
  reader.finish()
  return new Disconnect(reasonCode, properties)
}

/** Writes the shortest form that says everything. */
export function encodeDisconnect(writer: Writer, disconnect: Disconnect): void {
  if (writer.version !== ProtocolVersion.V5) return
  const { reasonCode, properties } = disconnect
  const withProperties = Object.keys(properties).length > 0
  if (reasonCode === ReasonCode.NORMAL_DISCONNECTION && !withProperties) return
  writer.byte(reasonCode)
  if (withProperties) encodeProperties(writer, properties)
}
