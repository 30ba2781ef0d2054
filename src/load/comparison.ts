import { mannWhitney } from './mann-whitney.ts'
import { numberAt } from './threshold.ts'

/** A number of the result that is compared. */
interface Metric {
  readonly name: string
  readonly isBetterHigher: boolean
}

const METRICS: readonly Metric[] = [
  { name: 'publish.rate', isBetterHigher: true },
  { name: 'deliver.rate', isBetterHigher: true },
  { name: 'connect.rate', isBetterHigher: true },
  { name: 'latency.service.p50Ms', isBetterHigher: false },
  { name: 'latency.service.p99Ms', isBetterHigher: false },
  { name: 'latency.response.p50Ms', isBetterHigher: false },
  { name: 'latency.response.p99Ms', isBetterHigher: false },
  { name: 'ack.p50Ms', isBetterHigher: false },
  { name: 'ack.p99Ms', isBetterHigher: false },
]

/** Below it, chance alone is no likely reason for a difference. */
export const SIGNIFICANCE = 0.05

/** With fewer runs a side no order of the results is unlikely enough: of 3 and 3, one in 20 is by chance. */
export const LEAST_RUNS = 4

/** One number of two sets of runs. */
export interface MetricComparison {
  readonly name: string
  readonly baseline: number
  readonly candidate: number
  /** of the medians, as a part of the baseline: 0.1 is 10 % more */
  readonly change: number
  /** that the candidate is not worse, but chance made it look so */
  readonly probability: number
  readonly isRegression: boolean
}

/**
 * Compares two sets of runs number by number: a regression is worse in the median by more than `maximumRegression` and by the
 * Mann-Whitney U test not by chance.
 * @param maximumRegression 0.1: 10 %
 */
export function compareRuns(
  baseline: readonly object[],
  candidate: readonly object[],
  maximumRegression: number,
): MetricComparison[] {
  return METRICS.flatMap(({ name, isBetterHigher }) => {
    const path = name.split('.')
    const values = (runs: readonly object[]): number[] =>
      runs.map((run) => numberAt(run, path)).filter((value) => value !== null)
    const before = values(baseline)
    const after = values(candidate)
    if (before.length < baseline.length || after.length < candidate.length || median(before) === 0) return []
    const change = median(after) / median(before) - 1
    const worse = isBetterHigher ? -change : change
    const probability = isBetterHigher ? mannWhitney(after, before) : mannWhitney(before, after)
    const isRegression = worse > maximumRegression && probability < SIGNIFICANCE
    return [{ name, baseline: median(before), candidate: median(after), change, probability, isRegression }]
  })
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  if (sorted.length === 0) return 0
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
