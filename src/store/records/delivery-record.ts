import type { Message } from '../../codec/message.ts'
import type { QoS } from '../../codec/qos.ts'
import { Delivery, DeliveryState } from '../../session/delivery.ts'
import { MAXIMUM_PACKET_ID } from '../../session/packet-ids.ts'
import { readMessage, writeMessage } from './message-record.ts'
import { RecordReader } from './record-reader.ts'
import type { RecordWriter } from './record-writer.ts'

const QOS = 0b0000_0011
const RETAIN = 0b0000_0100
const HAS_IDENTIFIERS = 0b0000_1000
const HAS_SHARED_FILTER = 0b0001_0000
const IS_SENT = 0b0010_0000
const SHARES_MESSAGE = 0b0100_0000
const UNUSED = 0b1000_0000

/** The value of `d`. @param sharesMessage the message stands under `m`; else it is written here */
export function writeDelivery(
  writer: RecordWriter,
  delivery: Delivery,
  sharesMessage: boolean,
  wallMinusMonotonicMs: number,
): void {
  const { message, qos, retain, subscriptionIdentifiers, sharedFilter, state } = delivery
  writer.start()
  writer.byte(
    qos |
      (retain ? RETAIN : 0) |
      (subscriptionIdentifiers === null ? 0 : HAS_IDENTIFIERS) |
      (sharedFilter === null ? 0 : HAS_SHARED_FILTER) |
      (state === DeliveryState.QUEUED ? 0 : IS_SENT) |
      (sharesMessage ? SHARES_MESSAGE : 0),
  )
  if (subscriptionIdentifiers !== null) {
    writer.uint32(subscriptionIdentifiers.length)
    for (const identifier of subscriptionIdentifiers) writer.uint32(identifier)
  }
  if (sharedFilter !== null) writer.text(sharedFilter)
  if (state !== DeliveryState.QUEUED) putExchange(writer, delivery)
  if (sharesMessage) writer.uint48(message.sequence)
  else writeMessage(writer, message, wallMinusMonotonicMs)
}

/** The value of `x`: how far the exchange has come. */
export function writeExchange(writer: RecordWriter, delivery: Delivery): void {
  writer.start()
  putExchange(writer, delivery)
}

function putExchange(writer: RecordWriter, { state, packetId, receivedCode }: Delivery): void {
  writer.byte(state)
  writer.uint16(packetId)
  writer.byte(receivedCode)
}

/** A delivery, and whether its message stands elsewhere. */
export interface DecodedDelivery {
  readonly delivery: Delivery
  readonly sharesMessage: boolean
}

/**
 * Reads the value of `d`.
 * @param sharedMessage finds the message of a sequence
 * @throws StoreError damaged
 */
export function decodeDelivery(
  key: Buffer,
  value: Buffer,
  sharedMessage: (sequence: number) => Message | null,
  wallMinusMonotonicMs: number,
): DecodedDelivery {
  const reader = new RecordReader(key, value)
  const flags = reader.byte('flags')
  const qos = flags & QOS
  if ((flags & UNUSED) !== 0 || qos === 3) reader.fail(`flags 0x${flags.toString(16)}`)
  const identifiers = (flags & HAS_IDENTIFIERS) === 0 ? null : readIdentifiers(reader)
  const sharedFilter = (flags & HAS_SHARED_FILTER) === 0 ? null : reader.text('Shared Subscription')
  const exchange = (flags & IS_SENT) === 0 ? null : readExchange(reader, qos as QoS)
  const sharesMessage = (flags & SHARES_MESSAGE) !== 0
  const message = sharesMessage ? readShared(reader, sharedMessage) : readMessage(reader, wallMinusMonotonicMs)
  const delivery = new Delivery(message, qos as QoS, (flags & RETAIN) !== 0, identifiers, sharedFilter)
  if (exchange !== null) Object.assign(delivery, exchange)
  return { delivery, sharesMessage }
}

/** Reads the value of `x` into the delivery that it belongs to. @throws StoreError damaged */
export function decodeExchange(key: Buffer, value: Buffer, delivery: Delivery): void {
  const reader = new RecordReader(key, value)
  Object.assign(delivery, readExchange(reader, delivery.qos))
  reader.end()
}

function readIdentifiers(reader: RecordReader): number[] {
  const count = reader.uint32('Subscription Identifiers')
  const identifiers: number[] = []
  for (let i = 0; i < count; i++) identifiers.push(reader.uint32('Subscription Identifier'))
  return identifiers
}

interface Exchange {
  readonly state: DeliveryState
  readonly packetId: number
  readonly receivedCode: number
}

function readExchange(reader: RecordReader, qos: QoS): Exchange {
  const state = reader.byte('state') as DeliveryState
  const packetId = reader.uint16('Packet Identifier')
  const receivedCode = reader.byte('Reason Code of PUBREC')
  const isPossible =
    qos === 1
      ? state === DeliveryState.AWAITING_PUBACK
      : state === DeliveryState.AWAITING_PUBREC || state === DeliveryState.AWAITING_PUBCOMP
  if (!isPossible || packetId === 0 || packetId > MAXIMUM_PACKET_ID) {
    reader.fail(`QoS ${qos} with Packet Identifier ${packetId} in state ${state}`)
  }
  return { state, packetId, receivedCode }
}

function readShared(reader: RecordReader, sharedMessage: (sequence: number) => Message | null): Message {
  const sequence = reader.uint48('number of its message')
  reader.end()
  return sharedMessage(sequence) ?? reader.fail(`its message ${sequence} is not there`)
}

/** The number of the shared message that a value of `d` names; 0 when it has its own. @throws StoreError damaged */
export function sharedSequenceOf(key: Buffer, value: Buffer): number {
  if (value.length < 7) new RecordReader(key, value).fail('it is too short')
  return (value[0]! & SHARES_MESSAGE) === 0 ? 0 : value.readUIntBE(value.length - 6, 6)
}
