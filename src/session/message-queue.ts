import type { Delivery } from './delivery.ts'

/** The part of a SessionKeeper that a queue needs. */
export interface QueueKeeper {
  deliveryRemoved(delivery: Delivery): void
}

/** What a full queue does with a message that comes. */
export const OverflowPolicy = { REJECT_NEWEST: 0, DROP_OLDEST: 1 } as const
export type OverflowPolicy = (typeof OverflowPolicy)[keyof typeof OverflowPolicy]

/** What a delivery weighs beside the bytes of its message, in bytes: measured as heap growth per queued delivery. */
const DELIVERY_OVERHEAD_BYTES = 150

/** The queue did not take the message. */
export const REJECTED = -1

const COMPACT_AFTER = 1024

/**
 * Messages waiting for their turn, first in first out, bounded by count and by bytes. A message that many sessions queue is
 * held once but weighs in each queue: the bound is on what one session may cause.
 */
export class MessageQueue {
  maximumMessages: number
  /** what all queued messages may weigh; the bounds may be changed, and what is above them then stays until it is sent */
  maximumBytes: number
  /** told of what is dropped from the queue for something newer */
  keeper: QueueKeeper | null = null
  readonly #policy: OverflowPolicy
  // an array with a moving head: shift() of a long array costs its length
  #items: (Delivery | undefined)[] = []
  #head = 0
  #bytes = 0

  constructor(maximumMessages: number, maximumBytes: number, policy: OverflowPolicy) {
    this.maximumMessages = maximumMessages
    this.maximumBytes = maximumBytes
    this.#policy = policy
  }

  get length(): number {
    return this.#items.length - this.#head
  }

  /** What the queued messages weigh, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Appends a delivery; its message must be owned.
   * @returns how many older ones were dropped for it; {@link REJECTED} when it was not taken itself
   */
  push(delivery: Delivery): number {
    const weight = weigh(delivery)
    if (weight > this.maximumBytes || this.maximumMessages === 0) return REJECTED
    let dropped = 0
    while (this.length >= this.maximumMessages || this.#bytes + weight > this.maximumBytes) {
      if (this.#policy === OverflowPolicy.REJECT_NEWEST) return REJECTED
      const oldest = this.shift()!
      this.keeper?.deliveryRemoved(oldest)
      dropped++
    }
    this.#items.push(delivery)
    this.#bytes += weight
    return dropped
  }

  /** Appends a delivery whatever the bounds: of a session that was restored. */
  append(delivery: Delivery): void {
    this.#items.push(delivery)
    this.#bytes += weigh(delivery)
  }

  /** Puts deliveries in front of all others, whatever the bounds: they had left the queue and are to be sent anew. */
  unshift(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return
    this.#items = [...deliveries, ...this]
    this.#head = 0
    for (const delivery of deliveries) this.#bytes += weigh(delivery)
  }

  peek(): Delivery | null {
    return this.#items[this.#head] ?? null
  }

  shift(): Delivery | null {
    const delivery = this.#items[this.#head]
    if (delivery === undefined) return null
    this.#items[this.#head++] = undefined
    this.#bytes -= weigh(delivery)
    if (this.#head === this.#items.length) {
      this.#items.length = 0
      this.#head = 0
    } else if (this.#head >= COMPACT_AFTER && this.#head * 2 >= this.#items.length) {
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    return delivery
  }

  clear(): void {
    this.#items = []
    this.#head = 0
    this.#bytes = 0
  }

  /** Removes what has expired or is no longer wanted. @returns the removed ones, in order */
  removeIf(unwanted: (delivery: Delivery) => boolean): Delivery[] {
    const removed: Delivery[] = []
    const kept: Delivery[] = []
    for (const delivery of this) (unwanted(delivery) ? removed : kept).push(delivery)
    if (removed.length === 0) return removed
    this.#items = kept
    this.#head = 0
    this.#bytes = kept.reduce((sum, delivery) => sum + weigh(delivery), 0)
    return removed
  }

  *[Symbol.iterator](): IterableIterator<Delivery> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i]!
  }
}

function weigh(delivery: Delivery): number {
  return delivery.message.storedBytes + DELIVERY_OVERHEAD_BYTES
}
