import { LatencyHistogram } from './histogram.ts'
import { DeliveryCount } from './sequence-check.ts'

/** One second of a run. */
export interface Sample {
  /** since publishing began */
  readonly seconds: number
  readonly published: number
  readonly delivered: number
  /** of the messages that arrived in this second; null when there were none */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly isWarmup: boolean
}

/** Latencies of the present second and of all before. */
export class SecondByHistogram {
  readonly second = new LatencyHistogram()
  readonly #before = new LatencyHistogram()

  /** Ends the second. */
  roll(): void {
    this.#before.merge(this.second)
    this.second.clear()
  }

  /** All seconds; those so far are joined. */
  get all(): LatencyHistogram {
    this.roll()
    return this.#before
  }
}

/** Errors kept apart by their text; with more kinds than this, the others are counted together. */
const MAXIMUM_ERROR_KINDS = 50

/** Everything that is counted in a run. */
export class Tally {
  readonly connect = new LatencyHistogram()
  readonly acknowledge = new LatencyHistogram()
  readonly service = new SecondByHistogram()
  readonly response = new SecondByHistogram()
  /** from the intended to the real moment of sending while the broker took messages: the generator's own lateness */
  readonly sendDelay = new LatencyHistogram()
  readonly delivery = new DeliveryCount()
  readonly samples: Sample[] = []
  readonly errors = new Map<string, number>()

  connected = 0
  /** connections that could not be made */
  failed = 0
  /** connections that ended before they should */
  lost = 0
  connectMs = 0

  published = 0
  acknowledged = 0
  refused = 0
  /** deliveries that should come */
  expected = 0

  /** Counts an error. */
  error(text: string): void {
    const kind = this.errors.has(text) || this.errors.size < MAXIMUM_ERROR_KINDS ? text : 'others'
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1)
  }
}
