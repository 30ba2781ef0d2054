import { Hold, Message } from '../../codec/message.ts'
import type { QoS } from '../../codec/qos.ts'
import { TopicNameFault, topicNameFault } from '../../topic/topic-name.ts'
import { RecordReader } from './record-reader.ts'
import type { RecordWriter } from './record-writer.ts'

const QOS = 0b0000_0011
const RETAIN = 0b0000_0100
const HAS_EXPIRY = 0b0000_1000
const HAS_PUBLISHER = 0b0001_0000
const UNUSED = 0b1110_0000

/**
 * Writes a message: as it came, with the time of its arrival.
 * @param wallMinusMonotonicMs what makes the broker's time one that outlives it
 */
export function writeMessage(writer: RecordWriter, message: Message, wallMinusMonotonicMs: number): void {
  const { bytes, publisher, messageExpiryIntervalSeconds } = message
  const hasExpiry = messageExpiryIntervalSeconds >= 0
  writer.byte(
    message.qos |
      (message.retain ? RETAIN : 0) |
      (hasExpiry ? HAS_EXPIRY : 0) |
      (publisher === null ? 0 : HAS_PUBLISHER),
  )
  writer.uint48(message.sequence)
  writer.uint48(Math.max(0, Math.round(message.arrivedAtMs + wallMinusMonotonicMs)))
  if (hasExpiry) writer.uint32(messageExpiryIntervalSeconds)
  if (publisher !== null) writer.text(publisher)
  writer.uint16(message.topicEnd - message.topicStart)
  writer.raw(bytes, message.topicStart, message.topicEnd)
  writer.uint32(message.propertiesEnd - message.propertiesStart)
  writer.raw(bytes, message.propertiesStart, message.propertiesEnd)
  writer.raw(bytes, message.payloadStart, message.payloadEnd)
}

/** Reads what is left of a record as a message; it looks into the record's bytes. @throws StoreError damaged */
export function readMessage(reader: RecordReader, wallMinusMonotonicMs: number): Message {
  const flags = reader.byte('flags')
  const qos = flags & QOS
  if ((flags & UNUSED) !== 0 || qos === 3) reader.fail(`flags 0x${flags.toString(16)}`)
  const sequence = reader.uint48('sequence')
  const arrivedAtMs = reader.uint48('time of arrival') - wallMinusMonotonicMs
  const expirySeconds = (flags & HAS_EXPIRY) === 0 ? -1 : reader.uint32('Message Expiry Interval')
  const publisher = (flags & HAS_PUBLISHER) === 0 ? null : reader.text('publisher')
  const topicBytes = reader.uint16('Topic Name')
  const topicStart = reader.skip(topicBytes, 'Topic Name')
  const topicName = reader.bytes.toString('utf8', topicStart, topicStart + topicBytes)
  if (topicNameFault(topicName) !== TopicNameFault.NONE) reader.fail('its Topic Name is not valid')
  const propertiesBytes = reader.uint32('properties')
  const retain = (flags & RETAIN) !== 0
  const message = new Message(
    topicName,
    reader.bytes,
    topicStart,
    topicStart + topicBytes,
    qos as QoS,
    retain,
    Hold.KEPT,
  )
  message.propertiesStart = reader.skip(propertiesBytes, 'properties')
  message.propertiesEnd = reader.offset
  message.payloadStart = reader.skipRest()
  message.payloadEnd = reader.offset
  message.messageExpiryIntervalSeconds = expirySeconds
  message.publisher = publisher
  message.arrive(arrivedAtMs, sequence)
  return message
}

/** The value of `m` and `r`. @throws StoreError damaged */
export function decodeMessage(key: Buffer, value: Buffer, wallMinusMonotonicMs: number): Message {
  return readMessage(new RecordReader(key, value), wallMinusMonotonicMs)
}
