import {
  type BrokerProbe,
  LoadCoordinator,
  LocalPart,
  type PartPort,
  type RunObserver,
} from '../../load/coordinator.ts'
import { ProcessMeter } from '../../load/meters.ts'
import type { LoadPlan } from '../../load/plan.ts'
import type { LoadResult } from '../../load/result.ts'
import { SUBSCRIBE_REFUSED } from '../../load/tally.ts'
import { judge } from '../../load/threshold.ts'
import { formatAddress } from '../../transport/address.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { UsageError } from '../failure.ts'
import type { benchRows } from '../options/bench.ts'
import { targetOf } from '../options/client-options.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { BenchProgress } from '../output/bench-progress.ts'
import type { BenchReport } from '../output/bench-report.ts'
import { benchTable } from '../output/bench-table.ts'
import { type BenchTyped, configOf, environmentOf, planFrom, takeScenario } from './bench-plan.ts'
import { type EmbeddedBroker, startEmbeddedBroker } from './embedded-broker.ts'
import { exitCodeForKind } from './explain.ts'
import { readPassword } from './password.ts'

/** `mqtt-kit bench`: puts load on a broker and tells what became of it. */
export async function run(parsed: Parsed<typeof benchRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed, [['password', 'passwordFile', 'passwordEnv']])
  context.talk.quiet = typed.quiet ?? false
  const { scenario, others } = takeScenario(parsed.operands)
  const embedded = hasBroker(typed, others, context) ? null : await startEmbeddedBroker(process.argv[1]!)
  try {
    const operands = embedded === null ? others : [embedded.url]
    const target = targetOf({ ...parsed, operands }, context.environment)
    const password = await readPassword(typed, target, context, false)
    const isSecure = target.address.scheme === 'mqtts' || target.address.scheme === 'wss'
    const tls = isSecure ? await (await import('../configuration/tls-files.ts')).readTlsClientTerms(typed) : {}
    const plan = planFrom(typed, scenario, { target, password, tls })
    return await new Bench(plan, typed, context, embedded).run()
  } finally {
    embedded?.stop()
  }
}

function hasBroker(typed: BenchTyped, operands: readonly string[], { environment }: Context): boolean {
  const { host, port, unix, url } = typed
  const fromEnvironment = environment['MQTT_URL'] ?? ''
  return operands.length > 0 || fromEnvironment !== '' || [host, port, unix, url].some((one) => one !== undefined)
}

/** One run of `bench` with its output. */
class Bench {
  readonly #plan: LoadPlan
  readonly #typed: BenchTyped
  readonly #context: Context
  readonly #embedded: EmbeddedBroker | null

  constructor(plan: LoadPlan, typed: BenchTyped, context: Context, embedded: EmbeddedBroker | null) {
    this.#plan = plan
    this.#typed = typed
    this.#context = context
    this.#embedded = embedded
  }

  async run(): Promise<ExitCode> {
    const startedAt = new Date()
    let signal: NodeJS.Signals | null = null
    const progress = await BenchProgress.create(this.#plan, this.#context, this.#typed.verbose ?? false)
    const result = await this.#measure(progress, (caught) => {
      signal = caught
    })
    progress.end()
    const report: BenchReport = {
      ...result,
      config: configOf(this.#plan),
      environment: environmentOf(this.#embedded !== null, startedAt),
    }
    const { stdout, terminal } = this.#context
    stdout.write(this.#typed.json ? `${JSON.stringify(report)}\n` : await benchTable(report, terminal))
    const exitCode = this.#judge(report)
    if (signal === null || exitCode !== ExitCode.DONE) return exitCode
    return signal === 'SIGINT' ? ExitCode.INTERRUPTED : ExitCode.TERMINATED
  }

  async #measure(observer: RunObserver, interrupted: (signal: NodeJS.Signals) => void): Promise<LoadResult> {
    const ports: PartPort[] = [new LocalPart()]
    const coordinator = new LoadCoordinator(this.#plan, ports, observer, this.#probe())
    this.#context.onInterrupt((signal) => {
      interrupted(signal)
      coordinator.stop()
    })
    try {
      return await coordinator.run()
    } finally {
      for (const port of ports) port.close()
    }
  }

  #probe(): BrokerProbe | null {
    const pid = this.#typed.pid ?? this.#embedded?.pid
    if (pid === undefined) return null
    try {
      return new ProcessMeter(pid)
    } catch (error) {
      if (this.#typed.pid === undefined) return null
      throw new UsageError(`--pid ${pid}: there is no such process to look at (${(error as Error).message})`)
    }
  }

  #judge(report: BenchReport): ExitCode {
    const { talk } = this.#context
    const { failure } = report
    const mistakes = this.#mistakes(report)
    for (const mistake of mistakes) talk.say(mistake)
    const verdicts = (this.#typed.assert ?? []).map((threshold) => judge(threshold, report))
    for (const { threshold, value, holds } of verdicts) {
      if (!holds) talk.say(`${threshold.text} does not hold: it is ${value === null ? 'not in the result' : value}`)
    }
    if (report.generator.saturated) {
      talk.say('the generator was the bottleneck: these are its numbers, the broker may do more')
    }
    if (failure !== null) {
      const { message } = failure
      const where = formatAddress(this.#plan.address)
      talk.fail(message.includes(where) ? message : `${where}: ${message}`)
      if (failure.kind === SUBSCRIBE_REFUSED) return ExitCode.SUBSCRIBE_REFUSED
      return exitCodeForKind(failure.kind, failure.isTls)
    }
    if (report.publish.refused > 0) {
      talk.fail(`the broker refused ${report.publish.refused} of ${report.publish.count} messages`)
      return ExitCode.PUBLISH_REFUSED
    }
    return mistakes.length > 0 || verdicts.some(({ holds }) => !holds) ? ExitCode.THRESHOLD : ExitCode.DONE
  }

  // What no broker may do, and loss at QoS 0, which it may but should not.
  #mistakes({ deliver }: BenchReport): string[] {
    const { qos } = this.#plan
    const found: string[] = []
    const note = (count: number, text: string): void => {
      if (count > 0)
        found.push(
          `${count.toLocaleString('en')} of ${(deliver.expected ?? deliver.count).toLocaleString('en')} messages ${text}`,
        )
    }
    if (qos > 0 || this.#typed.allowLoss !== true) note(deliver.lost, 'were lost')
    if (qos !== 1) note(deliver.duplicated, 'came more than once')
    note(deliver.outOfOrder, 'came out of order')
    note(deliver.corrupted, 'came changed')
    return found
  }
}
