import { PacketType } from '../packet-type.ts'
import { NO_PROPERTIES, type Properties } from '../property.ts'
import { decodeProperties, encodeProperties } from '../property-section.ts'
import type { Reader } from '../reader.ts'
import { isReasonCodeAllowed, ReasonCode } from '../reason-code.ts'
import type { Writer } from '../writer.ts'

/** An AUTH packet (5.0 section 3.15). */
export class Auth {
  readonly packetType = PacketType.AUTH
  readonly reasonCode: number
  readonly properties: Properties

  constructor(reasonCode: number, properties: Properties = NO_PROPERTIES) {
    this.reasonCode = reasonCode
    this.properties = properties
  }
}

/** @throws ProtocolViolation AUTH_CODE_INVALID, AUTHENTICATION_METHOD_MISSING */
export function decodeAuth(reader: Reader): Auth {
  // Section 3.15.2.1 allows an empty body for code 0x00, 3.15.2.2.2 demands a method: the short form is read (U5-3.15.2.1-1).
  if (reader.remaining === 0) return new Auth(ReasonCode.SUCCESS)
  const at = reader.offset
  const reasonCode = reader.byte('Reason Code')
  if (!isReasonCodeAllowed(PacketType.AUTH, reasonCode, reader.sender)) {
    reader.violate('AUTH_CODE_INVALID', at, 'Reason Code', { detail: `code 0x${reasonCode.toString(16)}` })
  }
  const properties = decodeProperties(reader, PacketType.AUTH)
  if (properties.authenticationMethod === undefined)
    reader.violate('AUTHENTICATION_METHOD_MISSING', at, 'Authentication Method')
  reader.finish()
  return new Auth(reasonCode, properties)
}

export function encodeAuth(writer: Writer, auth: Auth): void {
  if (auth.reasonCode === ReasonCode.SUCCESS && Object.keys(auth.properties).length === 0) return
  writer.byte(auth.reasonCode)
  encodeProperties(writer, auth.properties)
}
