import type { Limits } from './limits.ts'
import { RateBucket } from './rate-bucket.ts'

export type ClientRateName = 'maximumMessageRate' | 'maximumByteRate'

/** A client that is too fast is not read for this long at least: a wake-up for each message would cost more than it. */
const SHORTEST_WAIT_MS = 20

/** How fast one client may send (semantics L-09): a bucket for each rate that is limited. */
export class ClientRates {
  readonly #limits: Pick<Limits, ClientRateName>
  readonly #buckets: Record<ClientRateName, RateBucket | null> = { maximumMessageRate: null, maximumByteRate: null }

  /** @param limits may change */
  constructor(limits: Pick<Limits, ClientRateName>) {
    this.#limits = limits
  }

  /**
   * The client has sent so many more.
   * @param name of a rate that is above 0
   * @returns milliseconds for which it is not to be read; 0 for none
   */
  take(name: ClientRateName, count: number, nowMs: number): number {
    const perSecond = this.#limits[name]
    this.#buckets[name] ??= new RateBucket(perSecond, nowMs)
    const waitMs = this.#buckets[name].take(count, perSecond, nowMs)
    return waitMs === 0 ? 0 : Math.max(waitMs, SHORTEST_WAIT_MS)
  }
}
