import type { Delivery } from './delivery.ts'
import { Fifo } from './fifo.ts'

/**
 * Deliveries that only their keeper has: of each its number, what it weighs and when it expires, so that a long queue takes
 * little memory. First in, first out.
 */
export class ParkedDeliveries {
  readonly #numbers = new Fifo<number>()
  readonly #weights = new Fifo<number>()
  readonly #expiriesMs = new Fifo<number>()
  /** some were chosen for a Shared Subscription */
  hasShared = false

  get length(): number {
    return this.#numbers.length
  }

  /** @param delivery its keeper must have written it */
  push({ keptNumber, message, sharedFilter }: Delivery, weight: number): void {
    const { messageExpiryIntervalSeconds: seconds, arrivedAtMs } = message
    this.#numbers.push(keptNumber)
    this.#weights.push(weight)
    this.#expiriesMs.push(seconds < 0 ? Number.POSITIVE_INFINITY : arrivedAtMs + seconds * 1000)
    if (sharedFilter !== null) this.hasShared = true
  }

  /** Takes the oldest out. @returns its number, 0 when there is none */
  shift(): number {
    this.#weights.shift()
    this.#expiriesMs.shift()
    return this.#numbers.shift() ?? 0
  }

  /** What the oldest weighs. */
  get firstWeight(): number {
    return this.#weights.peek() ?? 0
  }

  /** Takes out what has expired. @returns their numbers, and what they weigh together */
  removeExpired(nowMs: number): { readonly numbers: readonly number[]; readonly weight: number } {
    const weights = [...this.#weights]
    const expiriesMs = [...this.#expiriesMs]
    const numbers = [...this.#numbers]
    const isLive = (_: number, i: number) => expiriesMs[i]! > nowMs
    const isOver = (_: number, i: number) => expiriesMs[i]! <= nowMs
    const removed = numbers.filter(isOver)
    if (removed.length === 0) return { numbers: removed, weight: 0 }
    this.#numbers.replace(numbers.filter(isLive))
    this.#weights.replace(weights.filter(isLive))
    this.#expiriesMs.replace(expiriesMs.filter(isLive))
    return { numbers: removed, weight: weights.filter(isOver).reduce((sum, weight) => sum + weight, 0) }
  }

  get numbers(): readonly number[] {
    return [...this.#numbers]
  }
}
