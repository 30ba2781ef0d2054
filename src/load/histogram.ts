import { build, decodeFromCompressedBase64, encodeIntoCompressedBase64, type Histogram } from 'hdr-histogram-js'

/** One hour: what takes longer counts as that. */
const HIGHEST_US = 3_600_000_000
const SIGNIFICANT_DIGITS = 3
const US_PER_MS = 1000

/** Latencies as people and scripts read them, in milliseconds. */
export interface LatencySummary {
  readonly count: number
  readonly minMs: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

/** Latencies with three significant digits in 100 KB, whatever their number. */
export class LatencyHistogram {
  readonly #recorded: Histogram = newHistogram()
  /** the latest latency, and how often it came in a row: messages of one burst take the same time to the microsecond */
  #latestUs = 0
  #latestCount = 0

  get count(): number {
    return this.#recorded.totalCount + this.#latestCount
  }

  /** Hot. @param us whole microseconds, 0 or more */
  record(us: number): void {
    if (us !== this.#latestUs) {
      this.#settle()
      this.#latestUs = us
    }
    this.#latestCount++
  }

  #settle(): void {
    if (this.#latestCount === 0) return
    this.#recorded.recordValueWithCount(Math.min(this.#latestUs, HIGHEST_US), this.#latestCount)
    this.#latestCount = 0
  }

  get #histogram(): Histogram {
    this.#settle()
    return this.#recorded
  }

  /** @returns null when nothing was recorded */
  summary(): LatencySummary | null {
    const histogram = this.#histogram
    if (histogram.totalCount === 0) return null
    return {
      count: histogram.totalCount,
      minMs: toMs(histogram.minNonZeroValue),
      meanMs: toMs(Math.round(histogram.mean)),
      p50Ms: toMs(histogram.getValueAtPercentile(50)),
      p90Ms: toMs(histogram.getValueAtPercentile(90)),
      p99Ms: toMs(histogram.getValueAtPercentile(99)),
      p999Ms: toMs(histogram.getValueAtPercentile(99.9)),
      maxMs: toMs(histogram.maxValue),
    }
  }

  /** The whole histogram as text, in the compressed form of HdrHistogram: a few kilobytes. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram)
  }

  /** Adds what {@link encode} gave elsewhere. */
  mergeEncoded(text: string): void {
    this.#histogram.add(decodeFromCompressedBase64(text, 32))
  }

  /** Adds what another one holds. */
  merge(other: LatencyHistogram): void {
    this.#histogram.add(other.#histogram)
  }

  clear(): void {
    this.#histogram.reset()
  }

  /** Milliseconds below which `percentile` per cent lie; 0 when empty. */
  percentileMs(percentile: number): number {
    return toMs(this.#histogram.getValueAtPercentile(percentile))
  }
}

function newHistogram(): Histogram {
  return build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST_US,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
  })
}

function toMs(us: number): number {
  return us > HIGHEST_US ? 0 : us / US_PER_MS
}
