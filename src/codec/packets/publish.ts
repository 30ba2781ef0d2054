import { copyBytes } from '../copy-bytes.ts'
import { Hold, layoutOf, Message } from '../message.ts'
import { PacketType, Role } from '../packet-type.ts'
import { mayStandIn, PropertyId, type PropertyRow, PropertyType } from '../property.ts'
import {
  checkNumber,
  closeSection,
  decodeNumber,
  decodePropertyRow,
  openSection,
  reportRepeated,
} from '../property-section.ts'
import { ProtocolVersion } from '../protocol-version.ts'
import type { QoS } from '../qos.ts'
import type { Reader } from '../reader.ts'
import {
  MAXIMUM_VARIABLE_BYTE_INTEGER,
  variableByteIntegerBytes,
  writeVariableByteInteger,
} from '../variable-byte-integer.ts'
import { ProtocolViolation } from '../violation.ts'

/** A PUBLISH packet (section 3.3): a Message and what belongs to this one transmission of it. */
export class Publish {
  readonly packetType = PacketType.PUBLISH
  /** with an empty Topic Name where only a Topic Alias was sent */
  message: Message
  readonly qos: QoS
  readonly dup: boolean
  /** 0 at QoS 0 */
  readonly packetId: number
  /** 0 when absent */
  topicAlias = 0
  /** null when there is none */
  subscriptionIdentifiers: number[] | null = null

  constructor(message: Message, qos: QoS, dup: boolean, packetId: number) {
    this.message = message
    this.qos = qos
    this.dup = dup
    this.packetId = packetId
  }
}

// Ranges of the section that are not forwarded, as (start, end) pairs; scratch of the packet being decoded.
const cuts: number[] = []

const DUP = 0x8
const RETAIN = 0x1

/**
 * Decodes the body of a PUBLISH packet.
 *
 * @param reader on the first byte after Remaining Length; ends where the packet ends
 * @param flags low 4 bits of byte 1: DUP 0x8, QoS 0x6, RETAIN 0x1
 * @returns its message looks into the reader's chunk, see {@link Message.own}
 * @throws ProtocolViolation QOS_IS_3, DUP_ON_QOS_0, TOPIC_NAME_HAS_WILDCARD, TOPIC_NAME_EMPTY, PACKET_ID_IS_0,
 *   SUBSCRIPTION_IDENTIFIER_FROM_CLIENT, RESPONSE_TOPIC_HAS_WILDCARD, and those of strings and properties
 */
export function decodePublish(reader: Reader, flags: number): Publish {
  let qos = (flags >> 1) & 3
  if (qos === 3) {
    reader.violate('QOS_IS_3', reader.packetStart, 'QoS')
    qos = 2
  }
  const dup = (flags & DUP) !== 0
  if (dup && qos === 0) reader.violate('DUP_ON_QOS_0', reader.packetStart, 'DUP')
  const topicStart = reader.offset + 2
  const topicName = reader.topicName('Topic Name')
  const topicEnd = reader.offset
  let packetId = 0
  if (qos > 0) {
    packetId = reader.uint16('Packet Identifier')
    if (packetId === 0) reportPacketIdIs0(reader)
  }
  const message = new Message(
    topicName,
    reader.bytes,
    topicStart,
    topicEnd,
    qos as QoS,
    (flags & RETAIN) !== 0,
    Hold.CHUNK,
  )
  const publish = new Publish(message, qos as QoS, dup, packetId)
  message.propertiesStart = message.propertiesEnd = reader.offset
  if (cuts.length > 0) cuts.length = 0
  if (reader.version === ProtocolVersion.V5) decodePublishProperties(reader, publish)
  // [MQTT-4.7.3-1] an empty Topic Name stands only beside a Topic Alias
  if (topicName.length === 0 && publish.topicAlias === 0) reader.violate('TOPIC_NAME_EMPTY', topicStart, 'Topic Name')
  message.payloadStart = reader.rest('Payload')
  message.payloadEnd = reader.offset
  if (cuts.length > 0) cutProperties(message)
  else message.layout = layoutOf(reader.version, qos as QoS)
  return publish
}

function reportPacketIdIs0(reader: Reader): void {
  const serverSends = reader.sender === Role.SERVER && reader.version === ProtocolVersion.V5
  reader.violate('PACKET_ID_IS_0', reader.offset - 2, 'Packet Identifier', {
    statement: serverSends ? 'MQTT-2.2.1-4' : null,
  })
}

// Walks the properties without making strings: most messages are forwarded and their properties never looked at.
function decodePublishProperties(reader: Reader, publish: Publish): void {
  const packetEnd = openSection(reader)
  const { message } = publish
  message.propertiesStart = reader.offset
  message.propertiesEnd = reader.end
  if (reader.offset === reader.end || reader.skipKnown()) return closeSection(reader, packetEnd)
  let seen = 0
  while (reader.offset < reader.end) {
    const at = reader.offset
    const row = decodePropertyRow(reader, PacketType.PUBLISH)
    if (!row.list) {
      // those of PUBLISH that may not repeat are 0x01 to 0x09 and 0x23: modulo 31 gives each a bit of its own
      const bit = mayStandIn(row, PacketType.PUBLISH) ? 1 << (row.id % 31) : 0
      if ((seen & bit) !== 0) reportRepeated(reader, row, at, PacketType.PUBLISH)
      seen |= bit
    }
    decodePublishProperty(reader, row, publish)
    if (!isForwardedId(row.id)) cuts.push(at, reader.offset)
  }
  if (cuts.length === 0) reader.remember(message.propertiesStart)
  closeSection(reader, packetEnd)
}

function decodePublishProperty(reader: Reader, row: PropertyRow, publish: Publish): void {
  const at = reader.offset
  switch (row.type) {
    case PropertyType.STRING:
      reader.skipString(row.name)
      if (row.id === PropertyId.RESPONSE_TOPIC && hasWildcardByte(reader, at + 2)) {
        reader.violate('RESPONSE_TOPIC_HAS_WILDCARD', at + 2, row.name)
      }
      return
    case PropertyType.STRING_PAIR:
      reader.skipString(row.name)
      reader.skipString(row.name)
      return
    case PropertyType.BINARY:
      reader.skipBinary(row.name)
      return
    default: {
      const value = decodeNumber(reader, row)
      checkNumber(reader, row, at, value)
      takeNumber(reader, row, publish, at, value)
    }
  }
}

function takeNumber(reader: Reader, row: PropertyRow, publish: Publish, at: number, value: number): void {
  switch (row.id) {
    case PropertyId.MESSAGE_EXPIRY_INTERVAL:
      publish.message.messageExpiryIntervalSeconds = value
      return
    case PropertyId.TOPIC_ALIAS:
      publish.topicAlias = value
      return
    case PropertyId.SUBSCRIPTION_IDENTIFIER:
      // [MQTT-3.3.4-6]
      if (reader.sender === Role.CLIENT) reader.violate('SUBSCRIPTION_IDENTIFIER_FROM_CLIENT', at - 1, row.name)
      publish.subscriptionIdentifiers ??= []
      publish.subscriptionIdentifiers.push(value)
  }
}

function isForwardedId(id: number): boolean {
  return (
    id !== PropertyId.MESSAGE_EXPIRY_INTERVAL &&
    id !== PropertyId.TOPIC_ALIAS &&
    id !== PropertyId.SUBSCRIPTION_IDENTIFIER
  )
}

const PLUS = 0x2b
const HASH = 0x23

function hasWildcardByte(reader: Reader, start: number): boolean {
  for (let i = start; i < reader.offset; i++) if (reader.bytes[i] === PLUS || reader.bytes[i] === HASH) return true
  return false
}

// Takes what is not forwarded out of the section. At its edges that is a narrower range, in its middle a copy.
function cutProperties(message: Message): void {
  if (cuts.length === 2) {
    if (cuts[0] === message.propertiesStart) {
      message.propertiesStart = cuts[1]!
      return
    }
    if (cuts[1] === message.propertiesEnd) {
      message.propertiesEnd = cuts[0]!
      return
    }
  }
  const kept: Buffer[] = []
  let from = message.propertiesStart
  for (let i = 0; i < cuts.length; i += 2) {
    kept.push(message.bytes.subarray(from, cuts[i]))
    from = cuts[i + 1]!
  }
  kept.push(message.bytes.subarray(from, message.propertiesEnd))
  const { topic, payload } = message
  const properties = Buffer.concat(kept)
  message.bytes = Buffer.concat([topic, properties, payload])
  message.topicStart = 0
  message.topicEnd = topic.length
  message.propertiesStart = topic.length
  message.propertiesEnd = topic.length + properties.length
  message.payloadStart = message.propertiesEnd
  message.payloadEnd = message.bytes.length
  message.hold = Hold.UNDER_WAY
}

/**
 * How one PUBLISH goes out: everything that is not the message itself. One reusable object per sender, since it is filled
 * for each packet.
 */
export class PublishHeader {
  version: ProtocolVersion = ProtocolVersion.V3_1_1
  qos: QoS = 0
  dup = false
  retain = false
  packetId = 0
  /** 0: none */
  topicAlias = 0
  /** true: the alias alone stands for the topic */
  omitTopic = false
  /** seconds, -1: none */
  messageExpirySeconds = -1
  subscriptionIdentifiers: readonly number[] | null = null
}

/** Remaining Length of a PUBLISH with this header. */
export function publishRemainingLength(message: Message, header: PublishHeader): number {
  const topicBytes = header.omitTopic ? 0 : message.topicEnd - message.topicStart
  let length = 2 + topicBytes + (message.payloadEnd - message.payloadStart)
  if (header.qos > 0) length += 2
  if (header.version === ProtocolVersion.V5) {
    const section = propertySectionBytes(message, header)
    length += section + variableByteIntegerBytes(section)
  }
  return length
}

/** Whole size of a PUBLISH in bytes, from its Remaining Length. */
export function publishBytes(remainingLength: number): number {
  return 1 + variableByteIntegerBytes(remainingLength) + remainingLength
}

function propertySectionBytes(message: Message, header: PublishHeader): number {
  let length = message.propertiesEnd - message.propertiesStart
  if (header.messageExpirySeconds >= 0) length += 5
  if (header.topicAlias > 0) length += 3
  const identifiers = header.subscriptionIdentifiers
  if (identifiers !== null) for (const identifier of identifiers) length += 1 + variableByteIntegerBytes(identifier)
  return length
}

/**
 * Writes a whole PUBLISH packet.
 *
 * @param remainingLength of {@link publishRemainingLength} with the same arguments
 * @param target has room for {@link publishBytes} from `offset` on
 * @returns the offset behind the packet
 */
export function writePublish(
  message: Message,
  header: PublishHeader,
  remainingLength: number,
  target: Buffer,
  offset: number,
): number {
  if (goesOnAsItCame(message, header)) return writeAsItCame(message, header, remainingLength, target, offset)
  const at = writePublishHead(message, header, remainingLength, target, offset)
  return copyBytes(message.bytes, message.payloadStart, message.payloadEnd, target, at)
}

// Most do.
function goesOnAsItCame(message: Message, header: PublishHeader): boolean {
  return (
    message.layout === layoutOf(header.version, header.qos) &&
    header.topicAlias === 0 &&
    header.subscriptionIdentifiers === null &&
    header.messageExpirySeconds < 0
  )
}

// One copy beats three.
function writeAsItCame(
  message: Message,
  header: PublishHeader,
  remainingLength: number,
  target: Buffer,
  offset: number,
): number {
  const { topicStart, topicEnd } = message
  const at = writeStart(topicEnd - topicStart, header, remainingLength, target, offset)
  const end = copyBytes(message.bytes, topicStart, message.payloadEnd, target, at)
  if (header.qos > 0) {
    const idAt = at + topicEnd - topicStart
    target[idAt] = header.packetId >> 8
    target[idAt + 1] = header.packetId
  }
  return end
}

// Fixed header and length of the topic. @returns the offset behind
function writeStart(
  topicBytes: number,
  header: PublishHeader,
  remainingLength: number,
  target: Buffer,
  offset: number,
): number {
  target[offset] = (PacketType.PUBLISH << 4) | (header.dup ? DUP : 0) | (header.qos << 1) | (header.retain ? RETAIN : 0)
  const at = writeVariableByteInteger(target, offset + 1, remainingLength)
  target[at] = topicBytes >> 8
  target[at + 1] = topicBytes
  return at + 2
}

/** Where {@link putPublish} puts packets: an output buffer. */
export interface PublishOutput {
  /** where reserve()'s offset points into */
  readonly bytes: Buffer
  reserve(byteCount: number): number
  /** Takes bytes that will not change, without copying them where that is cheaper. */
  append(bytes: Buffer): void
}

/**
 * Hot: puts a whole PUBLISH packet into an output buffer.
 *
 * @param remainingLength of {@link publishRemainingLength} with the same arguments
 * @param passOnBytes from this length on the payload is appended as it is, and not copied
 */
export function putPublish(
  message: Message,
  header: PublishHeader,
  remainingLength: number,
  output: PublishOutput,
  passOnBytes: number,
): void {
  const byteCount = publishBytes(remainingLength)
  const { payloadBytes } = message
  if (payloadBytes < passOnBytes) {
    const offset = output.reserve(byteCount)
    writePublish(message, header, remainingLength, output.bytes, offset)
    return
  }
  const offset = output.reserve(byteCount - payloadBytes)
  writePublishHead(message, header, remainingLength, output.bytes, offset)
  output.append(message.payload)
}

/**
 * Writes a PUBLISH packet up to its payload, for a payload that is long enough not to be copied.
 *
 * @param remainingLength of {@link publishRemainingLength} with the same arguments
 * @param target has room for {@link publishBytes} less the payload from `offset` on
 * @returns the offset behind what was written
 */
function writePublishHead(
  message: Message,
  header: PublishHeader,
  remainingLength: number,
  target: Buffer,
  offset: number,
): number {
  const topicBytes = header.omitTopic ? 0 : message.topicEnd - message.topicStart
  let at = writeStart(topicBytes, header, remainingLength, target, offset)
  if (topicBytes > 0) at = copyBytes(message.bytes, message.topicStart, message.topicEnd, target, at)
  if (header.qos > 0) {
    target[at++] = header.packetId >> 8
    target[at++] = header.packetId
  }
  return header.version === ProtocolVersion.V5 ? writeProperties(message, header, target, at) : at
}

// The order of properties is free (5.0 section 2.2.2); that of User Properties is the publisher's [MQTT-3.3.2-18].
function writeProperties(message: Message, header: PublishHeader, target: Buffer, offset: number): number {
  let at = writeVariableByteInteger(target, offset, propertySectionBytes(message, header))
  if (header.messageExpirySeconds >= 0) {
    target[at++] = PropertyId.MESSAGE_EXPIRY_INTERVAL
    at = target.writeUInt32BE(header.messageExpirySeconds, at)
  }
  at = copyBytes(message.bytes, message.propertiesStart, message.propertiesEnd, target, at)
  const identifiers = header.subscriptionIdentifiers
  if (identifiers !== null) {
    for (const identifier of identifiers) {
      target[at++] = PropertyId.SUBSCRIPTION_IDENTIFIER
      at = writeVariableByteInteger(target, at, identifier)
    }
  }
  if (header.topicAlias > 0) {
    target[at++] = PropertyId.TOPIC_ALIAS
    target[at++] = header.topicAlias >> 8
    target[at++] = header.topicAlias
  }
  return at
}

/**
 * Encodes a PUBLISH: for tests, tools and clients; brokers and sessions use {@link writePublish}.
 * @throws ProtocolViolation (ours) PACKET_TOO_LARGE above what a Remaining Length can say
 */
export function encodePublish(publish: Publish, version: ProtocolVersion): Buffer {
  const { message } = publish
  const header = new PublishHeader()
  header.version = version
  header.qos = publish.qos
  header.dup = publish.dup
  header.retain = message.retain
  header.packetId = publish.packetId
  header.topicAlias = publish.topicAlias
  header.messageExpirySeconds = message.messageExpiryIntervalSeconds
  header.subscriptionIdentifiers = publish.subscriptionIdentifiers
  const remainingLength = publishRemainingLength(message, header)
  if (remainingLength > MAXIMUM_VARIABLE_BYTE_INTEGER) {
    throw new ProtocolViolation('PACKET_TOO_LARGE', { version, packetType: PacketType.PUBLISH, ours: true })
  }
  const bytes = Buffer.allocUnsafe(publishBytes(remainingLength))
  writePublish(message, header, remainingLength, bytes, 0)
  return bytes
}
