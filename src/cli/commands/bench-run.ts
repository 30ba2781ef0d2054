import { type BrokerProbe, LoadCoordinator, type RunObserver } from '../../load/coordinator.ts'
import { ProcessMeter } from '../../load/meters.ts'
import type { LoadPlan } from '../../load/plan.ts'
import { SUBSCRIBE_REFUSED } from '../../load/tally.ts'
import { judge } from '../../load/threshold.ts'
import { formatAddress } from '../../transport/address.ts'
import { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import type { Check } from '../output/bench-files.ts'
import type { BenchReport } from '../output/bench-report.ts'
import { type BenchTyped, configOf, environmentOf } from './bench-plan.ts'
import { openPorts } from './bench-ports.ts'
import type { EmbeddedBroker } from './embedded-broker.ts'
import { exitCodeForKind } from './explain.ts'

/** Runs that can be ended early. */
export interface Stoppable {
  stop(): void
}

/**
 * Runs one plan.
 * @param begun given what ends it early
 */
export async function runPlan(
  plan: LoadPlan,
  typed: BenchTyped,
  embedded: EmbeddedBroker | null,
  observer: RunObserver,
  begun: (run: Stoppable) => void,
): Promise<BenchReport> {
  const startedAt = new Date()
  const ports = await openPorts(typed, plan, process.argv[1]!)
  const coordinator = new LoadCoordinator(plan, ports.ports, observer, probeFor(typed, embedded))
  begun(coordinator)
  try {
    const result = await coordinator.run()
    return { ...result, config: configOf(plan), environment: environmentOf(embedded !== null, startedAt) }
  } finally {
    await ports.close()
  }
}

function probeFor(typed: BenchTyped, embedded: EmbeddedBroker | null): BrokerProbe | null {
  const pid = typed.pid ?? embedded?.pid
  if (pid === undefined) return null
  try {
    return new ProcessMeter(pid)
  } catch (error) {
    if (typed.pid === undefined) return null
    throw new UsageError(`--pid ${pid}: there is no such process to look at (${(error as Error).message})`)
  }
}

/** Everything about a run that must hold: the messages, then the thresholds. */
export function checksOf(report: BenchReport, plan: LoadPlan, typed: BenchTyped): Check[] {
  const { deliver } = report
  const of = (deliver.expected ?? deliver.count).toLocaleString('en')
  const none = (name: string, count: number, text: string): Check => ({
    name,
    problem: count === 0 ? null : `${count.toLocaleString('en')} of ${of} messages ${text}`,
  })
  const checks: Check[] = []
  if (plan.qos > 0 || typed.allowLoss !== true) checks.push(none('nothing is lost', deliver.lost, 'were lost'))
  if (plan.qos !== 1) checks.push(none('nothing is repeated', deliver.duplicated, 'came more than once'))
  checks.push(none('all is in order', deliver.outOfOrder, 'came out of order'))
  checks.push(none('nothing is changed', deliver.corrupted, 'came changed'))
  const thresholds = (typed.assert ?? []).map((threshold): Check => {
    const { value, holds } = judge(threshold, report)
    const is = value === null ? 'not in the result' : value
    return { name: threshold.text, problem: holds ? null : `${threshold.text} does not hold: it is ${is}` }
  })
  return [...checks, ...thresholds]
}

/** How a run has failed by itself, whatever was asked of it; null when it went through. */
export function failureOf(report: BenchReport, plan: LoadPlan): { exitCode: ExitCode; message: string } | null {
  const { failure, publish } = report
  if (failure !== null) {
    const where = formatAddress(plan.address)
    const message = failure.message.includes(where) ? failure.message : `${where}: ${failure.message}`
    const isRefused = failure.kind === SUBSCRIBE_REFUSED
    return {
      exitCode: isRefused ? ExitCode.SUBSCRIBE_REFUSED : exitCodeForKind(failure.kind as never, failure.isTls),
      message,
    }
  }
  if (publish.refused === 0) return null
  return {
    exitCode: ExitCode.PUBLISH_REFUSED,
    message: `the broker refused ${publish.refused} of ${publish.count} messages`,
  }
}
