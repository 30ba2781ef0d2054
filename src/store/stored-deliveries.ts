import type { Message } from '../codec/message.ts'
import type { Delivery } from '../session/delivery.ts'
import type { Journal, JournalHost } from './journal.ts'
import { deliveryKey, KeyKind, messageKey } from './keys.ts'
import { decodeDelivery } from './records/delivery-record.ts'
import { decodeMessage } from './records/message-record.ts'
import { type Store, StoreError } from './store.ts'

/** Messages that several deliveries share and that were read last: many queues hold the same ones. */
const REMEMBERED_MESSAGES = 1000

/** Reads deliveries one by one, whenever one is wanted. */
export class StoredDeliveries {
  readonly journal: Journal
  readonly #store: Store
  readonly #host: JournalHost
  readonly #messages = new Map<number, Message>()

  constructor(store: Store, journal: Journal, host: JournalHost) {
    this.#store = store
    this.journal = journal
    this.#host = host
  }

  /** @returns those of these numbers that can be read; the others are told and stay in the store */
  load(session: number, numbers: readonly number[]): Delivery[] {
    return numbers.map((number) => this.#load(session, number)).filter((delivery) => delivery !== null)
  }

  #load(session: number, number: number): Delivery | null {
    const key = deliveryKey(KeyKind.DELIVERY, session, number)
    try {
      const value = this.#store.getSync(key)
      if (value === null) throw new StoreError('damaged', `the delivery ${number} of session ${session} is not there`)
      return this.decode(key, value, number, this.#host.wallMinusMonotonicMs)
    } catch (error) {
      if (!(error instanceof StoreError)) throw error
      this.#host.deliveryUnreadable(error)
      return null
    }
  }

  /** @throws StoreError damaged, io */
  decode(key: Buffer, value: Buffer, number: number, wallMinusMonotonicMs: number): Delivery {
    const findShared = (sequence: number) => this.#sharedMessage(sequence, wallMinusMonotonicMs)
    const { delivery, sharesMessage } = decodeDelivery(key, value, findShared, wallMinusMonotonicMs)
    this.journal.loaded(delivery, number, sharesMessage)
    return delivery
  }

  #sharedMessage(sequence: number, wallMinusMonotonicMs: number): Message | null {
    const known = this.#messages.get(sequence)
    if (known !== undefined) return known
    const key = messageKey(sequence)
    const value = this.#store.getSync(key)
    if (value === null) return null
    const message = decodeMessage(key, value, wallMinusMonotonicMs)
    if (this.#messages.size >= REMEMBERED_MESSAGES) this.#messages.clear()
    this.#messages.set(sequence, message)
    return message
  }
}
