import type { Message } from '../codec/message.ts'
import { Kept } from '../session/kept.ts'
import type { SessionState } from '../session/session-state.ts'
import type { Journal } from './journal.ts'
import {
  deliveryNumberOf,
  describeKey,
  KeyKind,
  packetIdOf,
  rangeOf,
  STAMP_KEY,
  sequenceOf,
  sessionOf,
  topicNameOf,
} from './keys.ts'
import { decodeExchange } from './records/delivery-record.ts'
import { decodeMessage } from './records/message-record.ts'
import {
  decodeSession,
  decodeSubscription,
  decodeWill,
  type SessionRecord,
  type WillRecord,
} from './records/session-record.ts'
import { type Store, StoreError } from './store.ts'
import type { StoredDeliveries } from './stored-deliveries.ts'

/** What the stamp says of a store in this layout. */
const STAMP = Buffer.from('mqtt-kit store 1')
const ANY_STAMP = /^mqtt-kit store \d+$/

/** A session as a store has it. */
export interface RestoredSession {
  readonly number: number
  readonly record: SessionRecord
  readonly state: SessionState
  will: WillRecord | null
}

/** All that a store has. */
export interface Restored {
  readonly sessions: readonly RestoredSession[]
  readonly retained: readonly Message[]
  /** the highest place in the order of arrival */
  readonly lastSequence: number
}

/**
 * Looks at the stamp of a store, or puts one on a new one.
 * @throws StoreError version for a layout that this version does not know, foreign for a store of something else
 */
export async function checkStamp(store: Store): Promise<void> {
  const stamp = store.getSync(STAMP_KEY)
  if (stamp === null) {
    for await (const chunk of store.entries(Buffer.alloc(0), null)) {
      if (chunk.length === 0) continue
      const example = describeKey(chunk[0]![0])
      throw new StoreError(
        'foreign',
        `the store holds something that is not of mqtt-kit: it has no stamp, but '${example}'`,
      )
    }
    return putStamp(store)
  }
  if (stamp.equals(STAMP)) return
  const said = stamp.toString('latin1')
  if (!ANY_STAMP.test(said)) throw new StoreError('foreign', 'the store holds something that is not of mqtt-kit')
  throw new StoreError('version', `the store is a '${said}', this version reads '${STAMP}': use the one that made it`)
}

/** Says of a store that it is in the layout of this version. @throws StoreError (rejects) of the commit */
export function putStamp(store: Store): Promise<void> {
  const batch = store.batch()
  batch.put(STAMP_KEY, STAMP)
  return new Promise((resolve, reject) => batch.commit((error) => (error === null ? resolve() : reject(error))))
}

/**
 * Reads all that a store has, and tells the journal what is there. Of a long queue only the head stays in memory.
 * @param makeState the empty state of a session
 * @param wallMinusMonotonicMs what makes times of the store times of this process
 * @throws StoreError damaged, naming the entry
 */
export async function restore(
  store: Store,
  deliveries: StoredDeliveries,
  makeState: (record: SessionRecord) => SessionState,
  wallMinusMonotonicMs: number,
): Promise<Restored> {
  const reading = new Reading(store, deliveries, wallMinusMonotonicMs)
  await reading.readSessions(makeState)
  await reading.readDeliveries()
  await reading.readRetained()
  return reading
}

class Reading implements Restored {
  readonly sessions: RestoredSession[] = []
  readonly retained: Message[] = []
  lastSequence = 0
  readonly #store: Store
  readonly #deliveries: StoredDeliveries
  readonly #journal: Journal
  readonly #wallMinusMonotonicMs: number
  readonly #byNumber = new Map<number, RestoredSession>()

  constructor(store: Store, deliveries: StoredDeliveries, wallMinusMonotonicMs: number) {
    this.#store = store
    this.#deliveries = deliveries
    this.#journal = deliveries.journal
    this.#wallMinusMonotonicMs = wallMinusMonotonicMs
  }

  async readSessions(makeState: (record: SessionRecord) => SessionState): Promise<void> {
    await this.#each(KeyKind.SESSION, (key, value) => {
      const record = decodeSession(key, value)
      const session = { number: sessionOf(key), record, state: makeState(record), will: null }
      this.sessions.push(session)
      this.#byNumber.set(session.number, session)
    })
    await this.#eachOfSession(KeyKind.WILL, (session, key, value) => {
      session.will = decodeWill(key, value)
    })
    await this.#eachOfSession(KeyKind.SUBSCRIPTION, ({ state }, key, value) => {
      const subscription = decodeSubscription(key, value)
      state.subscriptions.set(subscription.topicFilter, subscription)
    })
    await this.#eachOfSession(KeyKind.INCOMING, ({ state }, key) => {
      // of no connection that there is
      state.incomingQos2.set(packetIdOf(key), 0)
    })
  }

  async readDeliveries(): Promise<void> {
    const exchanges = new Map<string, Buffer>()
    await this.#eachOfSession(KeyKind.EXCHANGE, (_, key, value) => exchanges.set(key.toString('latin1', 1), value))
    await this.#eachOfSession(KeyKind.DELIVERY, ({ state }, key, value) => {
      const delivery = this.#deliveries.decode(key, value, deliveryNumberOf(key), this.#wallMinusMonotonicMs)
      const exchange = exchanges.get(key.toString('latin1', 1))
      if (exchange !== undefined) {
        decodeExchange(key, exchange, delivery)
        delivery.keptExchange = Kept.WITH_MESSAGE
      }
      this.#journal.restored(delivery)
      this.#sawSequence(delivery.message.sequence)
      if (delivery.packetId === 0) state.queue.restore(delivery)
      else {
        state.inFlight.add(delivery)
        state.packetIds.goOnAfter(delivery.packetId)
      }
    })
    await this.#each(KeyKind.MESSAGE, (key) => {
      if (!this.#journal.isShared(sequenceOf(key))) this.#journal.delete(key, false)
    })
  }

  async readRetained(): Promise<void> {
    await this.#each(KeyKind.RETAINED, (key, value) => {
      const message = decodeMessage(key, value, this.#wallMinusMonotonicMs)
      if (message.topicName !== topicNameOf(key)) {
        throw new StoreError('damaged', `the entry '${describeKey(key)}' of the store holds another Topic Name`)
      }
      this.#sawSequence(message.sequence)
      this.retained.push(message)
    })
  }

  #sawSequence(sequence: number): void {
    if (sequence > this.lastSequence) this.lastSequence = sequence
  }

  async #each(kind: KeyKind, visit: (key: Buffer, value: Buffer) => void): Promise<void> {
    for await (const chunk of this.#store.entries(...rangeOf(kind))) for (const [key, value] of chunk) visit(key, value)
  }

  // What belongs to no session any more is removed.
  #eachOfSession(kind: KeyKind, visit: (session: RestoredSession, key: Buffer, value: Buffer) => void): Promise<void> {
    return this.#each(kind, (key, value) => {
      const session = this.#byNumber.get(sessionOf(key))
      if (session === undefined) this.#journal.delete(key, false)
      else visit(session, key, value)
    })
  }
}
