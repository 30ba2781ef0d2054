import type { Message } from '../../codec/message.ts'
import type { RetainHandling } from '../../codec/packets/subscribe.ts'
import type { QoS } from '../../codec/qos.ts'
import type { Subscription } from '../../session/session-state.ts'
import { TopicFilterFault, topicFilterFault } from '../../topic/topic-filter.ts'
import { topicFilterOf } from '../keys.ts'
import { readMessage, writeMessage } from './message-record.ts'
import { RecordReader } from './record-reader.ts'
import type { RecordWriter } from './record-writer.ts'

/** What a store knows of a session beside what waits for it. */
export interface SessionRecord {
  readonly clientId: string
  /** identity that it belongs to; null: anonymous */
  readonly owner: string | null
  readonly sessionExpiryIntervalSeconds: number
  /** when its last connection ended, ms since 1970; 0 while it is connected */
  readonly endedAtWallMs: number
}

/** A will that may have to be published after a restart. */
export interface WillRecord {
  readonly message: Message
  readonly delaySeconds: number
  /** in place of the delay when the connection was open as the server ended (semantics W-10) */
  readonly restartDelaySeconds: number
}

const ANONYMOUS = 0
const NAMED = 1

/** The value of `s`. */
export function writeSession(writer: RecordWriter, session: SessionRecord): void {
  writer.start()
  writer.text(session.clientId)
  writer.byte(session.owner === null ? ANONYMOUS : NAMED)
  if (session.owner !== null) writer.text(session.owner)
  writer.uint32(session.sessionExpiryIntervalSeconds)
  writer.uint48(Math.max(0, Math.round(session.endedAtWallMs)))
}

/** @throws StoreError damaged */
export function decodeSession(key: Buffer, value: Buffer): SessionRecord {
  const reader = new RecordReader(key, value)
  const clientId = reader.text('Client Identifier')
  if (clientId.length === 0) reader.fail('its Client Identifier is empty')
  const kind = reader.byte('owner')
  if (kind > NAMED) reader.fail(`owner of kind ${kind}`)
  const owner = kind === NAMED ? reader.text('owner') : null
  const sessionExpiryIntervalSeconds = reader.uint32('Session Expiry Interval')
  const endedAtWallMs = reader.uint48('end of its connection')
  reader.end()
  return { clientId, owner, sessionExpiryIntervalSeconds, endedAtWallMs }
}

/** The value of `w`. */
export function writeWill(writer: RecordWriter, will: WillRecord): void {
  writer.start()
  writer.uint32(will.delaySeconds)
  writer.uint32(will.restartDelaySeconds)
  // it arrives when it is published
  writeMessage(writer, will.message, 0)
}

/** @throws StoreError damaged */
export function decodeWill(key: Buffer, value: Buffer): WillRecord {
  const reader = new RecordReader(key, value)
  const delaySeconds = reader.uint32('Will Delay Interval')
  const restartDelaySeconds = reader.uint32('delay after a restart')
  return { delaySeconds, restartDelaySeconds, message: readMessage(reader, 0) }
}

const QOS = 0b0000_0011
const NO_LOCAL = 0b0000_0100
const RETAIN_AS_PUBLISHED = 0b0000_1000
const RETAIN_HANDLING_SHIFT = 4

/** The value of `u`: Subscription Options as in SUBSCRIBE, and the Subscription Identifier. */
export function writeSubscription(writer: RecordWriter, subscription: Subscription): void {
  writer.start()
  writer.byte(
    subscription.qos |
      (subscription.noLocal ? NO_LOCAL : 0) |
      (subscription.retainAsPublished ? RETAIN_AS_PUBLISHED : 0) |
      (subscription.retainHandling << RETAIN_HANDLING_SHIFT),
  )
  writer.uint32(subscription.subscriptionIdentifier)
}

/** @throws StoreError damaged */
export function decodeSubscription(key: Buffer, value: Buffer): Subscription {
  const reader = new RecordReader(key, value)
  const topicFilter = topicFilterOf(key)
  if (topicFilterFault(topicFilter) !== TopicFilterFault.NONE) reader.fail('its Topic Filter is not valid')
  const options = reader.byte('Subscription Options')
  const retainHandling = options >> RETAIN_HANDLING_SHIFT
  if ((options & QOS) === 3 || retainHandling > 2) reader.fail(`Subscription Options 0x${options.toString(16)}`)
  const subscriptionIdentifier = reader.uint32('Subscription Identifier')
  reader.end()
  return {
    topicFilter,
    qos: (options & QOS) as QoS,
    noLocal: (options & NO_LOCAL) !== 0,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
    retainHandling: retainHandling as RetainHandling,
    subscriptionIdentifier,
  }
}
