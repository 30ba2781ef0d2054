import { ClientError } from '../../client/client-error.ts'
import { type BrokerProbe, ProbeError, probeMetrics, probeProcess, probeSys } from '../../load/broker-probe.ts'
import { LoadCoordinator, PartLost, type RunObserver } from '../../load/coordinator.ts'
import type { LoadPlan } from '../../load/plan.ts'
import { SUBSCRIBE_REFUSED } from '../../load/tally.ts'
import { judge } from '../../load/threshold.ts'
import { formatAddress } from '../../transport/address.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import type { Check } from '../output/bench-files.ts'
import type { BenchReport } from '../output/bench-report.ts'
import { type BenchTyped, configOf, environmentOf } from './bench-plan.ts'
import { clientFor, openPorts } from './bench-ports.ts'
import type { EmbeddedBroker } from './embedded-broker.ts'
import { exitCodeForKind, explain } from './explain.ts'

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
  const probe = await probeFor(typed, plan, embedded)
  try {
    const ports = await openPorts(typed, plan, process.argv[1]!)
    try {
      const coordinator = new LoadCoordinator(plan, ports.ports, observer, probe)
      begun(coordinator)
      const result = await coordinator.run()
      return { ...result, config: configOf(plan), environment: environmentOf(embedded !== null, startedAt) }
    } catch (error) {
      if (!(error instanceof PartLost)) throw error
      const exitCode = typed.agents === undefined ? ExitCode.OWN_FAULT : ExitCode.CONNECTION_LOST
      throw new Failure(exitCode, `there is no result: ${error.message}`, error)
    } finally {
      await ports.close()
    }
  } finally {
    probe?.close()
  }
}

async function probeFor(
  typed: BenchTyped,
  plan: LoadPlan,
  embedded: EmbeddedBroker | null,
): Promise<BrokerProbe | null> {
  const { pid, metrics, sys } = typed
  if ([pid, metrics, sys].filter((one) => one !== undefined).length > 1) {
    throw new UsageError('give one of --pid, --metrics and --sys')
  }
  try {
    if (metrics !== undefined) return await probeMetrics(metrics)
    if (sys === true) return await probeSys(clientFor(plan))
    if (pid !== undefined) return probeProcess(pid)
    return embedded === null ? null : probeProcess(embedded.pid)
  } catch (error) {
    if (error instanceof ClientError) throw explain(error, formatAddress(plan.address))
    if (!(error instanceof ProbeError)) throw error
    if (typed.pid === undefined && embedded !== null) return null
    const option = pid !== undefined ? `--pid ${pid}` : metrics !== undefined ? '--metrics' : '--sys'
    throw new UsageError(`${option}: ${error.message}`)
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
