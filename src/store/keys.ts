/**
 * What the entries of a store are called. A key is a letter for the kind, then numbers of fixed width with the highest byte
 * first, then text in UTF-8, so that what belongs together lies together and in order:
 *
 *     v                    the stamp: which layout this is
 *     s <session>          a session: Client Identifier, owner, expiry
 *     w <session>          its will, present or pending
 *     u <session> <filter> a subscription
 *     i <session> <id>     the Packet Identifier of an incoming QoS 2 message that is not released
 *     d <session> <number> a delivery: queued or in flight, with its message or the number of one
 *     x <session> <number> how far the exchange of that delivery has come, where it went on after it was written
 *     m <sequence>         a message that several deliveries share
 *     r <topic>            a retained message
 *
 * `<session>` is a number of 4 bytes that a session gets when it is made, `<id>` one of 2, `<number>` and `<sequence>` are of 6.
 */
import { StoreError } from './store.ts'

/** The first byte of a key. */
export const KeyKind = {
  STAMP: 0x76,
  SESSION: 0x73,
  WILL: 0x77,
  SUBSCRIPTION: 0x75,
  INCOMING: 0x69,
  DELIVERY: 0x64,
  EXCHANGE: 0x78,
  MESSAGE: 0x6d,
  RETAINED: 0x72,
} as const
export type KeyKind = (typeof KeyKind)[keyof typeof KeyKind]

/** Of a session's number: 1 to this. */
export const MAXIMUM_SESSION_NUMBER = 0xffff_ffff
/** Of the number of a delivery or a message: 1 to this. */
export const MAXIMUM_NUMBER = 0xffff_ffff_ffff

const SESSION_END = 5
const NUMBER_BYTES = 6

export const STAMP_KEY = Buffer.from([KeyKind.STAMP])

/** Where the entries of a kind begin, and where they have ended. */
export function rangeOf(kind: KeyKind): [from: Buffer, until: Buffer] {
  return [Buffer.from([kind]), Buffer.from([kind + 1])]
}

/** Where the entries of a kind begin that belong to a session, and where they have ended; a number is never the last one. */
export function rangeOfSession(kind: KeyKind, session: number): [from: Buffer, until: Buffer] {
  const until = sessionKey(kind, session)
  // as a number: the byte behind the highest session is the next kind
  until.writeUIntBE(until.readUIntBE(0, SESSION_END) + 1, 0, SESSION_END)
  return [sessionKey(kind, session), until]
}

/** `s` and `w`. */
export function sessionKey(kind: KeyKind, session: number): Buffer {
  const key = Buffer.allocUnsafe(SESSION_END)
  key[0] = kind
  key.writeUInt32BE(session, 1)
  return key
}

export function subscriptionKey(session: number, topicFilter: string): Buffer {
  return Buffer.concat([sessionKey(KeyKind.SUBSCRIPTION, session), Buffer.from(topicFilter)])
}

export function incomingKey(session: number, packetId: number): Buffer {
  const key = Buffer.allocUnsafe(SESSION_END + 2)
  key[0] = KeyKind.INCOMING
  key.writeUInt32BE(session, 1)
  key.writeUInt16BE(packetId, SESSION_END)
  return key
}

/** `d` and `x`. @param into memory to use for it, as long as a key of this kind */
export function deliveryKey(
  kind: KeyKind,
  session: number,
  number: number,
  into: Buffer = Buffer.allocUnsafe(SESSION_END + NUMBER_BYTES),
): Buffer {
  into[0] = kind
  into.writeUInt32BE(session, 1)
  into.writeUIntBE(number, SESSION_END, NUMBER_BYTES)
  return into
}

export function messageKey(sequence: number): Buffer {
  const key = Buffer.allocUnsafe(1 + NUMBER_BYTES)
  key[0] = KeyKind.MESSAGE
  key.writeUIntBE(sequence, 1, NUMBER_BYTES)
  return key
}

export function retainedKey(topicName: string): Buffer {
  return Buffer.from(`r${topicName}`)
}

/** The session's number in a key of `s`, `w`, `u`, `i`, `d` or `x`. @throws StoreError damaged */
export function sessionOf(key: Buffer): number {
  if (key.length < SESSION_END) throw damagedKey(key)
  return key.readUInt32BE(1)
}

export function topicFilterOf(key: Buffer): string {
  return key.toString('utf8', SESSION_END)
}

/** @throws StoreError damaged */
export function packetIdOf(key: Buffer): number {
  if (key.length !== SESSION_END + 2) throw damagedKey(key)
  return key.readUInt16BE(SESSION_END)
}

/** The number in a key of `d` or `x`. @throws StoreError damaged */
export function deliveryNumberOf(key: Buffer): number {
  if (key.length !== SESSION_END + NUMBER_BYTES) throw damagedKey(key)
  return key.readUIntBE(SESSION_END, NUMBER_BYTES)
}

/** @throws StoreError damaged */
export function sequenceOf(key: Buffer): number {
  if (key.length !== 1 + NUMBER_BYTES) throw damagedKey(key)
  return key.readUIntBE(1, NUMBER_BYTES)
}

export function topicNameOf(key: Buffer): string {
  return key.toString('utf8', 1)
}

/** A key for people: `d 7 4711`, `u 7 a/+`; bytes in hex where it is none of ours. */
export function describeKey(key: Buffer): string {
  const letter = String.fromCharCode(key[0] ?? 0)
  switch (key[0]) {
    case KeyKind.STAMP:
    case KeyKind.SESSION:
    case KeyKind.WILL:
      return key.length === SESSION_END ? `${letter} ${sessionOf(key)}` : hexOf(key)
    case KeyKind.SUBSCRIPTION:
      return key.length > SESSION_END ? `u ${sessionOf(key)} ${topicFilterOf(key)}` : hexOf(key)
    case KeyKind.INCOMING:
      return key.length === SESSION_END + 2 ? `i ${sessionOf(key)} ${packetIdOf(key)}` : hexOf(key)
    case KeyKind.DELIVERY:
    case KeyKind.EXCHANGE:
      if (key.length !== SESSION_END + NUMBER_BYTES) return hexOf(key)
      return `${letter} ${sessionOf(key)} ${deliveryNumberOf(key)}`
    case KeyKind.MESSAGE:
      return key.length === 1 + NUMBER_BYTES ? `m ${sequenceOf(key)}` : hexOf(key)
    case KeyKind.RETAINED:
      return `r ${topicNameOf(key)}`
    default:
      return hexOf(key)
  }
}

function hexOf(key: Buffer): string {
  return key.length === 1 ? String.fromCharCode(key[0]!) : `0x${key.toString('hex')}`
}

function damagedKey(key: Buffer): StoreError {
  return new StoreError('damaged', `the store has an entry with a broken key: ${describeKey(key)}`)
}
