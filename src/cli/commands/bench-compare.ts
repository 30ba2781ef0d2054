import { compareRuns, LEAST_RUNS, type MetricComparison, SIGNIFICANCE } from '../../load/comparison.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import { comparisonTable } from '../output/comparison-table.ts'
import { readRuns } from './bench-inputs.ts'
import type { BenchTyped } from './bench-plan.ts'

const DEFAULT_REGRESSION = 0.1

/**
 * Compares runs with those of a file.
 * @throws Failure (rejects) USAGE for files and for too few runs
 */
export async function compareWith(
  baselinePath: string,
  candidate: readonly object[],
  { maxRegress = DEFAULT_REGRESSION }: BenchTyped,
): Promise<MetricComparison[]> {
  const baseline = await readRuns(baselinePath)
  const least = Math.min(baseline.length, candidate.length)
  if (least < LEAST_RUNS) {
    throw new UsageError(
      `${baseline.length} and ${candidate.length} runs are too few to tell a regression from chance: take ${LEAST_RUNS} or more (--repeat 5)`,
    )
  }
  return compareRuns(baseline, candidate, maxRegress)
}

/** What is worse, in words; null: nothing. */
export function regressionIn(comparisons: readonly MetricComparison[]): string | null {
  const worse = comparisons.filter(({ isRegression }) => isRegression)
  if (worse.length === 0) return null
  const told = worse.map(
    ({ name, change, probability }) => `${name} ${percent(change)} (p = ${probability.toPrecision(2)})`,
  )
  return `worse than the baseline, Mann-Whitney U test at ${SIGNIFICANCE * 100} %: ${told.join(', ')}`
}

function percent(change: number): string {
  return `${change >= 0 ? '+' : ''}${(change * 100).toFixed(1)} %`
}

/** `mqtt-kit bench compare A B`. */
export async function runCompare(files: readonly string[], typed: BenchTyped, context: Context): Promise<ExitCode> {
  const [a, b, ...more] = files
  if (a === undefined || b === undefined || more.length > 0) {
    throw new UsageError('compare takes two files of --save: the baseline and what came after')
  }
  const comparisons = await compareWith(a, await readRuns(b), typed)
  const { stdout, terminal, talk } = context
  stdout.write(typed.json ? `${JSON.stringify({ comparisons })}\n` : await comparisonTable(comparisons, terminal))
  const regression = regressionIn(comparisons)
  if (regression === null) return ExitCode.DONE
  talk.fail(regression)
  return ExitCode.THRESHOLD
}
