import { PacketType } from '../packet-type.ts'
import { NO_PROPERTIES, type Properties } from '../property.ts'
import { decodeProperties, encodeProperties } from '../property-section.ts'
import { ProtocolVersion } from '../protocol-version.ts'
import type { Reader } from '../reader.ts'
import { isReasonCodeAllowed, ReasonCode } from '../reason-code.ts'
import type { ViolationName } from '../violation.ts'
import type { Writer } from '../writer.ts'

/** The four packets of the QoS hand-shakes: one shape. */
export type AcknowledgementType =
  | typeof PacketType.PUBACK
  | typeof PacketType.PUBREC
  | typeof PacketType.PUBREL
  | typeof PacketType.PUBCOMP

/** PUBACK, PUBREC, PUBREL or PUBCOMP (sections 3.4 to 3.7). */
export class Acknowledgement {
  readonly packetType: AcknowledgementType
  readonly packetId: number
  /** always 0 before 5.0 */
  readonly reasonCode: number
  readonly properties: Properties

  constructor(
    packetType: AcknowledgementType,
    packetId: number,
    reasonCode = 0,
    properties: Properties = NO_PROPERTIES,
  ) {
    this.packetType = packetType
    this.packetId = packetId
    this.reasonCode = reasonCode
    this.properties = properties
  }
}

const codeInvalid: Readonly<Record<AcknowledgementType, ViolationName>> = {
  [PacketType.PUBACK]: 'PUBACK_CODE_INVALID',
  [PacketType.PUBREC]: 'PUBREC_CODE_INVALID',
  [PacketType.PUBREL]: 'PUBREL_CODE_INVALID',
  [PacketType.PUBCOMP]: 'PUBCOMP_CODE_INVALID',
}

/** @throws ProtocolViolation ACKNOWLEDGED_PACKET_ID_IS_0, PUBACK_CODE_INVALID and its three sisters */
export function decodeAcknowledgement(reader: Reader, packetType: AcknowledgementType): Acknowledgement {
  const packetId = decodeAcknowledgedPacketId(reader)
  let reasonCode: number = ReasonCode.SUCCESS
  let properties: Properties = NO_PROPERTIES
  // 5.0 section 3.4.2.1: length 2 means code 0x00, length 3 means no properties
  if (reader.version === ProtocolVersion.V5 && reader.remaining > 0) {
    reasonCode = reader.byte('Reason Code')
    if (!isReasonCodeAllowed(packetType, reasonCode, reader.sender)) {
      reader.violate(codeInvalid[packetType], reader.offset - 1, 'Reason Code', {
        detail: `code 0x${reasonCode.toString(16)}`,
      })
    }
    if (reader.remaining > 0) properties = decodeProperties(reader, packetType)
  }
  reader.finish()
  return new Acknowledgement(packetType, packetId, reasonCode, properties)
}

/** Reads the Packet Identifier that an acknowledgement, SUBACK and UNSUBACK included, gives back: never 0. */
export function decodeAcknowledgedPacketId(reader: Reader): number {
  const packetId = reader.uint16('Packet Identifier')
  if (packetId !== 0) return packetId
  const { packetType, version } = reader
  const ofRequest = packetType === PacketType.SUBACK || packetType === PacketType.UNSUBACK
  reader.violate('ACKNOWLEDGED_PACKET_ID_IS_0', reader.offset - 2, 'Packet Identifier', {
    statement: ofRequest && version !== ProtocolVersion.V5 ? 'MQTT-2.3.1-7' : null,
  })
  return packetId
}

/** Writes the shortest form that says everything. */
export function encodeAcknowledgement(writer: Writer, acknowledgement: Acknowledgement): void {
  writer.uint16(acknowledgement.packetId)
  if (writer.version !== ProtocolVersion.V5) return
  const { reasonCode, properties } = acknowledgement
  const withProperties = Object.keys(properties).length > 0
  if (reasonCode === ReasonCode.SUCCESS && !withProperties) return
  writer.byte(reasonCode)
  if (withProperties) encodeProperties(writer, properties)
}

/** Size of the short form that {@link writeAcknowledgement} writes. */
export function acknowledgementBytes(version: ProtocolVersion, reasonCode: number): number {
  return version === ProtocolVersion.V5 && reasonCode !== ReasonCode.SUCCESS ? 5 : 4
}

/** Hot: writes an acknowledgement without properties. @returns the offset behind it */
export function writeAcknowledgement(
  target: Buffer,
  offset: number,
  version: ProtocolVersion,
  packetType: AcknowledgementType,
  packetId: number,
  reasonCode: number,
): number {
  const withCode = version === ProtocolVersion.V5 && reasonCode !== ReasonCode.SUCCESS
  target[offset] = (packetType << 4) | (packetType === PacketType.PUBREL ? 2 : 0)
  target[offset + 1] = withCode ? 3 : 2
  target[offset + 2] = packetId >> 8
  target[offset + 3] = packetId
  if (!withCode) return offset + 4
  target[offset + 4] = reasonCode
  return offset + 5
}
