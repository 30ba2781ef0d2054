import type { Delivery } from '../session/delivery.ts'
import type { SessionKeeper } from '../session/session-keeper.ts'
import type { SessionState, Subscription } from '../session/session-state.ts'
import type { Owner } from './gathering.ts'
import type { Journal } from './journal.ts'
import { incomingKey, KeyKind, sessionKey, subscriptionKey } from './keys.ts'
import { RecordWriter } from './records/record-writer.ts'
import {
  type SessionRecord,
  type WillRecord,
  writeSession,
  writeSubscription,
  writeWill,
} from './records/session-record.ts'

import type { StoredDeliveries } from './stored-deliveries.ts'

const NO_BYTES = Buffer.alloc(0)
const writer = new RecordWriter()

/** One session in the store: its number, and what its changes are written as. */
export class StoredSession implements SessionKeeper, Owner {
  readonly number: number
  readonly #state: SessionState
  readonly #store: StoredDeliveries
  readonly #journal: Journal

  constructor(number: number, state: SessionState, store: StoredDeliveries) {
    this.number = number
    this.#state = state
    this.#store = store
    this.#journal = store.journal
  }

  /** The session was made, has a connection, or lost it. */
  sessionSet(session: SessionRecord): void {
    writeSession(writer, session)
    this.#journal.put(sessionKey(KeyKind.SESSION, this.number), writer.value, true)
  }

  /** @param will null: there is none any more */
  willSet(will: WillRecord | null): void {
    const key = sessionKey(KeyKind.WILL, this.number)
    if (will === null) return this.#journal.delete(key, true)
    writeWill(writer, will)
    this.#journal.put(key, writer.value, true)
  }

  deliveryChanged(delivery: Delivery): void {
    this.#journal.deliveryChanged(this, delivery)
  }

  deliveryRemoved(delivery: Delivery): void {
    this.#journal.deliveryRemoved(this.number, delivery)
  }

  incomingAdded(packetId: number): void {
    this.#journal.put(incomingKey(this.number, packetId), NO_BYTES, true)
  }

  incomingRemoved(packetId: number): void {
    this.#journal.delete(incomingKey(this.number, packetId), true)
  }

  subscriptionSet(subscription: Subscription): void {
    writeSubscription(writer, subscription)
    this.#journal.put(subscriptionKey(this.number, subscription.topicFilter), writer.value, true)
  }

  subscriptionRemoved(topicFilter: string): void {
    this.#journal.delete(subscriptionKey(this.number, topicFilter), true)
  }

  written(): void {
    this.#state.queue.park()
  }

  load(numbers: readonly number[]): Delivery[] {
    return this.#store.load(this.number, numbers)
  }

  parkedRemoved(numbers: readonly number[]): void {
    this.#journal.parkedRemoved(this.number, numbers)
  }

  /** The session is over: nothing of it stays. To be called before it is empty. */
  ended(): void {
    const state = this.#state
    this.#journal.delete(sessionKey(KeyKind.SESSION, this.number), true)
    this.willSet(null)
    for (const topicFilter of state.subscriptions.keys()) this.subscriptionRemoved(topicFilter)
    for (const packetId of state.incomingQos2.keys()) this.incomingRemoved(packetId)
    for (const delivery of state.inFlight.inOrder()) this.deliveryRemoved(delivery)
    for (const delivery of state.queue) this.deliveryRemoved(delivery)
    this.parkedRemoved(state.queue.parkedNumbers)
  }
}
