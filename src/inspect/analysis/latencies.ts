import type { Place } from './finding.ts'

/** Ten buckets per power of ten: a percentile is exact to a quarter. */
const BUCKETS_PER_DECADE = 10
/** From a microsecond to a hundred thousand seconds. */
const DECADES = 11
const SMALLEST_MS = 0.001

/** How long one kind of answer took. */
export class Latency {
  count = 0
  maximumMs = 0
  minimumMs = Number.POSITIVE_INFINITY
  readonly #buckets = new Uint32Array(BUCKETS_PER_DECADE * DECADES)

  add(ms: number): void {
    this.count++
    this.maximumMs = Math.max(this.maximumMs, ms)
    this.minimumMs = Math.min(this.minimumMs, ms)
    const bucket = Math.floor(Math.log10(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) * BUCKETS_PER_DECADE)
    const last = this.#buckets.length - 1
    this.#buckets[Math.min(bucket, last)]!++
  }

  /** The time within which this share of the answers came, rounded up to the edge of its bucket. @param share 0 to 1 */
  percentileMs(share: number): number {
    let left = Math.ceil(this.count * share)
    for (const [bucket, count] of this.#buckets.entries()) {
      left -= count
      if (left <= 0) return Math.min(this.maximumMs, SMALLEST_MS * 10 ** ((bucket + 1) / BUCKETS_PER_DECADE))
    }
    return this.maximumMs
  }
}

/** Latencies by kind, `PUBLISH to PUBACK`. */
export class Latencies {
  readonly kinds = new Map<string, Latency>()

  add(kind: string, asked: Place, answered: Place): void {
    if (asked.timeSeconds === null || answered.timeSeconds === null) return
    let latency = this.kinds.get(kind)
    if (latency === undefined) {
      latency = new Latency()
      this.kinds.set(kind, latency)
    }
    latency.add(Math.max(0, (answered.timeSeconds - asked.timeSeconds) * 1000))
  }
}
