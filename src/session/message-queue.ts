import type { Delivery } from './delivery.ts'
import { Fifo } from './fifo.ts'
import { Kept } from './kept.ts'
import { ParkedDeliveries } from './parked-deliveries.ts'

/** The part of a SessionKeeper that a queue needs. */
export interface QueueKeeper {
  deliveryRemoved(delivery: Delivery): void
  /** Reads deliveries that it has. @returns those that still wait, in order */
  load(numbers: readonly number[]): Delivery[]
  /** Deliveries of these numbers are over, unread. */
  parkedRemoved(numbers: readonly number[]): void
}

/** What a full queue does with a message that comes. */
export const OverflowPolicy = { REJECT_NEWEST: 0, DROP_OLDEST: 1 } as const
export type OverflowPolicy = (typeof OverflowPolicy)[keyof typeof OverflowPolicy]

/** What a delivery weighs beside the bytes of its message, in bytes: measured as heap growth per queued delivery. */
const DELIVERY_OVERHEAD_BYTES = 150

/** The queue did not take the message. */
export const REJECTED = -1

/** With a keeper, so many deliveries of a queue are in memory at its head; of the others only their numbers. */
const HEAD_DELIVERIES = 32

/** Of all queues that have never parked anything; nothing is put into it. */
const NOTHING_PARKED = new ParkedDeliveries()

/** Deliveries that are read at once when the head is empty. */
const LOAD_DELIVERIES = 64

/**
 * Messages waiting for their turn, first in first out, bounded by count and by bytes. A message that many sessions queue is
 * held once but weighs in each queue: the bound is on what one session may cause.
 *
 * With a keeper there are three parts, in this order: the head, what is parked, and the fresh ones, which are parked as soon as
 * the keeper has written them.
 */
export class MessageQueue {
  maximumMessages: number
  /** what all queued messages may weigh; the bounds may be changed, and what is above them then stays until it is sent */
  maximumBytes: number
  /** has what is queued; null: nobody has, and all of it is in memory */
  keeper: QueueKeeper | null = null
  readonly #policy: OverflowPolicy
  #head = new Fifo<Delivery>()
  #parked = NOTHING_PARKED
  #fresh = new Fifo<Delivery>()
  #bytes = 0

  constructor(maximumMessages: number, maximumBytes: number, policy: OverflowPolicy) {
    this.maximumMessages = maximumMessages
    this.maximumBytes = maximumBytes
    this.#policy = policy
  }

  get length(): number {
    return this.#head.length + this.#parked.length + this.#fresh.length
  }

  /** What the queued messages weigh, in bytes, parked ones too. */
  get bytes(): number {
    return this.#bytes
  }

  /** Messages of which only the number is in memory. */
  get parkedMessages(): number {
    return this.#parked.length
  }

  /**
   * Appends a delivery; its message must be kept, for it may have to wait for long.
   * @returns how many older ones were dropped for it; {@link REJECTED} when it was not taken itself
   */
  push(delivery: Delivery): number {
    const weight = weigh(delivery)
    if (weight > this.maximumBytes || this.maximumMessages === 0) return REJECTED
    let dropped = 0
    while (this.length >= this.maximumMessages || this.#bytes + weight > this.maximumBytes) {
      if (this.#policy === OverflowPolicy.REJECT_NEWEST) return REJECTED
      const oldest = this.shift()
      if (oldest !== null) this.keeper?.deliveryRemoved(oldest)
      dropped++
    }
    this.#append(delivery)
    this.#bytes += weight
    return dropped
  }

  /** Appends a delivery of a session that is restored, whatever the bounds. It stays with the keeper: its client may never come back. */
  restore(delivery: Delivery): void {
    const weight = weigh(delivery)
    this.#bytes += weight
    this.#park(delivery, weight)
  }

  #append(delivery: Delivery): void {
    const goesToHead =
      this.keeper === null ||
      (this.#head.length < HEAD_DELIVERIES && this.#parked.length === 0 && this.#fresh.length === 0)
    if (goesToHead) this.#head.push(delivery)
    else this.#fresh.push(delivery)
  }

  /** The keeper has written more: what it has need not be in memory. */
  park(): void {
    for (let next = this.#fresh.peek(); next !== null && isWritten(next); next = this.#fresh.peek()) {
      this.#fresh.shift()
      this.#park(next, weigh(next))
    }
  }

  #park(delivery: Delivery, weight: number): void {
    if (this.#parked === NOTHING_PARKED) this.#parked = new ParkedDeliveries()
    this.#parked.push(delivery, weight)
  }

  /** Puts deliveries in front of all others, whatever the bounds: they had left the queue and are to be sent anew. */
  unshift(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return
    this.#head.replace([...deliveries, ...this.#head])
    for (const delivery of deliveries) this.#bytes += weigh(delivery)
  }

  peek(): Delivery | null {
    return this.#head.peek() ?? (this.#fillHead() ? this.#head.peek() : null)
  }

  shift(): Delivery | null {
    const delivery = this.peek()
    if (delivery === null) return null
    this.#head.shift()
    this.#bytes -= weigh(delivery)
    return delivery
  }

  // @returns false when nothing is left
  #fillHead(): boolean {
    while (this.#head.length === 0) {
      if (this.#parked.length > 0) this.#load()
      else if (this.#fresh.length > 0) [this.#head, this.#fresh] = [this.#fresh, this.#head]
      else return false
    }
    return true
  }

  #load(): void {
    const numbers: number[] = []
    while (numbers.length < LOAD_DELIVERIES && this.#parked.length > 0) {
      this.#bytes -= this.#parked.firstWeight
      numbers.push(this.#parked.shift())
    }
    for (const delivery of this.keeper!.load(numbers)) {
      this.#head.push(delivery)
      this.#bytes += weigh(delivery)
    }
  }

  clear(): void {
    this.#head.replace([])
    this.#parked = NOTHING_PARKED
    this.#fresh.replace([])
    this.#bytes = 0
  }

  /** The numbers of what is parked. */
  get parkedNumbers(): readonly number[] {
    return this.#parked.numbers
  }

  /** Removes what is no longer wanted, but for what is parked. @returns the removed ones, in order */
  removeIf(unwanted: (delivery: Delivery) => boolean): Delivery[] {
    const removed: Delivery[] = []
    if (this.#head.length + this.#fresh.length === 0) return removed
    for (const part of [this.#head, this.#fresh]) {
      const kept: Delivery[] = []
      for (const delivery of part) (unwanted(delivery) ? removed : kept).push(delivery)
      if (kept.length < part.length) part.replace(kept)
    }
    for (const delivery of removed) this.#bytes -= weigh(delivery)
    return removed
  }

  /** Removes what has expired while it was parked. @returns how many */
  removeExpiredParked(nowMs: number): number {
    if (this.#parked.length === 0) return 0
    const { numbers, weight } = this.#parked.removeExpired(nowMs)
    this.#bytes -= weight
    this.keeper!.parkedRemoved(numbers)
    return numbers.length
  }

  /** Has all of them in memory if something is parked that was chosen for a Shared Subscription: for a session that ends. */
  loadShared(): void {
    if (!this.#parked.hasShared) return
    const fresh = [...this.#fresh]
    const head = [...this.#head]
    while (this.#parked.length > 0) {
      this.#head.replace([])
      this.#load()
      head.push(...this.#head)
    }
    this.#head.replace([...head, ...fresh])
    this.#fresh.replace([])
  }

  /** Those in memory. */
  *[Symbol.iterator](): IterableIterator<Delivery> {
    yield* this.#head
    yield* this.#fresh
  }
}

function isWritten({ kept }: Delivery): boolean {
  return kept === Kept.WITH_MESSAGE || kept === Kept.SHARING_MESSAGE
}

function weigh(delivery: Delivery): number {
  return delivery.message.storedBytes + DELIVERY_OVERHEAD_BYTES
}
