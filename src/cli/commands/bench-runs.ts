import { judge, type Threshold } from '../../load/threshold.ts'
import { UsageError } from '../failure.ts'
import type { BenchReport } from '../output/bench-report.ts'

/** Rates of a sweep grow by this until it ends. */
const GROWTH = 1.6
/** Then the gap is halved so often: the knee is known within 4 %. */
const HALVINGS = 4

/** Rates to try. */
export interface Sweep {
  readonly from: number
  readonly to: number
}

/**
 * Reads `10k..200k`.
 * @throws UsageError
 */
export function parseSweep(text: string): Sweep {
  const match = /^(\d+(?:\.\d+)?)(k|M)?\.\.(\d+(?:\.\d+)?)(k|M)?$/.exec(text)
  const factors: Readonly<Record<string, number>> = { k: 1e3, M: 1e6 }
  const from = match === null ? 0 : Number(match[1]) * (factors[match[2] ?? ''] ?? 1)
  const to = match === null ? 0 : Number(match[3]) * (factors[match[4] ?? ''] ?? 1)
  if (from < 1 || to <= from)
    throw new UsageError(`--sweep ${JSON.stringify(text)}: expected two rates, as in 10k..200k`)
  return { from, to }
}

/** What a sweep has found. */
export interface SweepOutcome {
  readonly runs: readonly BenchReport[]
  /** highest rate at which the end did not hold; null when it held from the first */
  readonly best: number | null
  /** lowest rate at which it held; null when it never did */
  readonly broken: number | null
}

/** Raises the rate until `until` holds or a run fails, then closes in on where. */
export async function sweep(
  { from, to }: Sweep,
  until: Threshold,
  runAt: (rate: number) => Promise<BenchReport>,
): Promise<SweepOutcome> {
  const runs: BenchReport[] = []
  let best: number | null = null
  let broken: number | null = null
  const attempt = async (rate: number): Promise<boolean> => {
    const report = await runAt(Math.round(rate))
    runs.push(report)
    const isBroken = report.failure !== null || judge(until, report).holds
    if (isBroken) broken = Math.round(rate)
    else best = Math.round(rate)
    return report.failure === null
  }
  let goesOn = true
  for (let rate = from; goesOn && broken === null; rate = Math.min(rate * GROWTH, to)) {
    goesOn = (await attempt(rate)) && rate < to
  }
  for (let i = 0; i < HALVINGS && best !== null && broken !== null; i++) {
    if (!(await attempt((best + broken) / 2))) break
  }
  return { runs, best, broken }
}
