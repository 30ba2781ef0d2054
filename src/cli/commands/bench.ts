import { appendFile, writeFile } from 'node:fs/promises'
import type { MetricComparison } from '../../load/comparison.ts'
import type { LoadPlan } from '../../load/plan.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import type { benchRows } from '../options/bench.ts'
import { merged, type Parsed } from '../options/parse.ts'
import { preferUrl, targetOf } from '../options/target.ts'
import { type Check, csvOf, junitOf, markdownOf } from '../output/bench-files.ts'
import { BenchProgress } from '../output/bench-progress.ts'
import type { BenchReport } from '../output/bench-report.ts'
import { benchTable } from '../output/bench-table.ts'
import { comparisonTable } from '../output/comparison-table.ts'
import { compareWith, regressionIn, runCompare } from './bench-compare.ts'
import { readCredentials, readPhases } from './bench-inputs.ts'
import { type BenchTyped, planFrom, takeScenario } from './bench-plan.ts'
import { runAgent, runWorker } from './bench-ports.ts'
import { checksOf, failureOf, runPlan, type Stoppable } from './bench-run.ts'
import { parseSweep, sweep } from './bench-runs.ts'
import { type EmbeddedBroker, startEmbeddedBroker } from './embedded-broker.ts'
import { readPassword } from './password.ts'

const RUNS_FOR_BASELINE = 5

type BenchParsed = Parsed<typeof benchRows>

/** `mqtt-kit bench`: puts load on a broker and tells what became of it. */
export async function run(parsed: BenchParsed, context: Context): Promise<ExitCode> {
  const typed = typedOf(parsed)
  context.talk.quiet = typed.quiet ?? false
  const [word, ...rest] = parsed.operands
  if (word === 'compare') return runCompare(rest, typed, context)
  if (word === 'worker') return runWorker()
  if (word === 'agent') {
    const { address, connectTimeoutMs, credentials, tls, version } = await planOf(
      { ...parsed, operands: rest },
      context,
      null,
    )
    const [who] = credentials
    const password = who === undefined || who.password === null ? null : Buffer.from(who.password)
    const options = { address, connectTimeoutMs, tls, version, userName: who?.userName ?? null, password }
    return runAgent(typed, options, context)
  }
  const embedded = hasBroker(typed, parsed.operands, context) ? null : await startEmbeddedBroker(process.argv[1]!)
  try {
    return await new Bench(parsed, typed, context, embedded).run()
  } finally {
    embedded?.stop()
  }
}

function typedOf(parsed: BenchParsed): BenchTyped {
  return merged(parsed)
}

function hasBroker(typed: BenchTyped, operands: readonly string[], { environment }: Context): boolean {
  const { host, port, unix, url } = typed
  const { others } = takeScenario(operands)
  const fromEnvironment = environment['MQTT_URL'] ?? ''
  return others.length > 0 || fromEnvironment !== '' || [host, port, unix, url].some((one) => one !== undefined)
}

async function planOf(parsed: BenchParsed, context: Context, embedded: EmbeddedBroker | null): Promise<LoadPlan> {
  const typed = typedOf(parsed)
  const { scenario, others } = takeScenario(parsed.operands)
  const target = targetOf({ ...parsed, operands: embedded === null ? others : [embedded.url] }, context.environment)
  preferUrl(typed, parsed, target)
  const password = await readPassword(target, context, false)
  const isSecure = target.address.scheme === 'mqtts' || target.address.scheme === 'wss'
  const tls = isSecure
    ? await (await import('../configuration/tls-files.ts')).readTlsClientTerms(typed, context.environment)
    : {}
  const credentials = typed.credentials === undefined ? [] : await readCredentials(typed.credentials)
  return planFrom(typed, scenario, { target, password, tls, credentials })
}

/** One load that was run. */
interface Outcome {
  readonly plan: LoadPlan
  readonly typed: BenchTyped
  readonly report: BenchReport
  readonly checks: readonly Check[]
}

/** All runs of one `bench`, and what is told of them. */
class Bench {
  readonly #parsed: BenchParsed
  readonly #typed: BenchTyped
  readonly #context: Context
  readonly #embedded: EmbeddedBroker | null
  readonly #running = new Set<Stoppable>()
  readonly #outcomes: Outcome[] = []
  #signal: NodeJS.Signals | null = null

  constructor(parsed: BenchParsed, typed: BenchTyped, context: Context, embedded: EmbeddedBroker | null) {
    this.#parsed = parsed
    this.#typed = typed
    this.#context = context
    this.#embedded = embedded
  }

  async run(): Promise<ExitCode> {
    const { file, sweep: rates, until, baseline } = this.#typed
    if ((rates === undefined) !== (until === undefined)) throw new UsageError('--sweep and --until go together')
    if (file !== undefined && rates !== undefined) throw new UsageError('give either --file or --sweep, not both')
    this.#context.onInterrupt((signal) => {
      this.#signal = signal
      for (const run of this.#running) run.stop()
    })
    let extra: Record<string, unknown> = {}
    if (file !== undefined) extra = await this.#phases(file)
    else if (rates !== undefined) extra = await this.#sweep(rates)
    else await this.#repeat(this.#typed.repeat ?? (baseline === undefined ? 1 : RUNS_FOR_BASELINE))
    const reports = this.#outcomes.map(({ report }) => report)
    const comparisons = baseline === undefined ? null : await compareWith(baseline, reports, this.#typed)
    await this.#print(reports, comparisons, extra)
    await this.#write(reports)
    return this.#judge(comparisons)
  }

  async #repeat(times: number): Promise<void> {
    const plan = await planOf(this.#parsed, this.#context, this.#embedded)
    for (let i = 0; i < times && this.#signal === null; i++) {
      // each run has topics and clients of its own
      const outcome = await this.#one({ ...plan, seed: (plan.seed + i) >>> 0 }, this.#typed)
      if (outcome.report.failure !== null) return
    }
  }

  async #phases(path: string): Promise<Record<string, unknown>> {
    const phases = await readPhases(path, this.#parsed)
    // a mistake in the last phase is found before the first one runs
    const planned = await Promise.all(
      phases.map(async ({ name, loads }) => ({
        name,
        loads: await Promise.all(loads.map((load) => this.#plannedLoad(load, `${path}, ${name}`))),
      })),
    )
    const done: { name: string; runs: number[] }[] = []
    for (const { name, loads } of planned) {
      if (this.#signal !== null) break
      this.#context.talk.say(`${name}: ${loads.length === 1 ? '1 load' : `${loads.length} loads at once`}`)
      const first = this.#outcomes.length
      const outcomes = await Promise.all(loads.map(({ plan, typed, embedded }) => this.#one(plan, typed, embedded)))
      done.push({ name, runs: outcomes.map((_, i) => first + i) })
    }
    return { phases: done }
  }

  async #plannedLoad(load: BenchParsed, where: string) {
    const typed = typedOf(load)
    try {
      const embedded = hasBroker(typed, load.operands, this.#context) ? null : this.#embedded
      return { plan: await planOf(load, this.#context, embedded), typed, embedded }
    } catch (error) {
      if (error instanceof UsageError) throw new UsageError(`${where}: ${error.message}`)
      throw error
    }
  }

  async #sweep(rates: string): Promise<Record<string, unknown>> {
    const plan = await planOf(this.#parsed, this.#context, this.#embedded)
    const until = this.#typed.until!
    const { best, broken } = await sweep(parseSweep(rates), until, async (rate) => {
      this.#context.talk.say(`${rate.toLocaleString('en')} messages per second`)
      return (await this.#one({ ...plan, rate, seed: (plan.seed + this.#outcomes.length) >>> 0 }, this.#typed)).report
    })
    const text =
      broken === null
        ? `${until.text} never held up to ${best} /s`
        : `${until.text} from ${broken} /s on, not at ${best ?? 0} /s`
    this.#context.talk.say(text)
    return { sweep: { until: until.text, best, broken } }
  }

  async #one(plan: LoadPlan, typed: BenchTyped, embedded = this.#embedded): Promise<Outcome> {
    const progress = await BenchProgress.create(plan, this.#context, this.#typed.verbose ?? false)
    let running: Stoppable | null = null
    try {
      const report = await runPlan(plan, typed, embedded, progress, (run) => {
        running = run
        this.#running.add(run)
        if (this.#signal !== null) run.stop()
      })
      const outcome = { plan, typed, report, checks: checksOf(report, plan, typed) }
      this.#outcomes.push(outcome)
      return outcome
    } finally {
      progress.end()
      if (running !== null) this.#running.delete(running)
    }
  }

  async #print(
    reports: readonly BenchReport[],
    comparisons: readonly MetricComparison[] | null,
    extra: Record<string, unknown>,
  ): Promise<void> {
    const { stdout, terminal } = this.#context
    const compared = comparisons === null ? {} : { comparisons }
    if (this.#typed.json) {
      const isOne = reports.length === 1 && this.#typed.file === undefined && this.#typed.sweep === undefined
      stdout.write(
        `${JSON.stringify(isOne ? { ...reports[0], ...compared } : { runs: reports, ...extra, ...compared })}\n`,
      )
      return
    }
    const tables = await Promise.all(reports.map((report) => benchTable(report, terminal)))
    if (comparisons !== null) tables.push(await comparisonTable(comparisons, terminal))
    stdout.write(tables.join('\n'))
  }

  async #write(reports: readonly BenchReport[]): Promise<void> {
    const { save, report, csv, junit, github } = this.#typed
    const [first] = this.#outcomes
    if (first === undefined) return
    if (save !== undefined) await this.#file(save, `${JSON.stringify({ runs: reports }, null, 1)}\n`)
    if (report !== undefined) await this.#file(report, (await import('../output/bench-html.ts')).htmlOf(this.#outcomes))
    if (csv !== undefined) await this.#file(csv, csvOf(reports))
    if (junit !== undefined) await this.#file(junit, junitOf(this.#outcomes))
    if (github === true) await this.#summarise()
  }

  async #summarise(): Promise<void> {
    const path = this.#context.environment['GITHUB_STEP_SUMMARY']
    if (path === undefined) throw new UsageError('--github needs GITHUB_STEP_SUMMARY, as GitHub Actions sets it')
    await this.#file(
      path,
      this.#outcomes.map(({ report, checks }) => markdownOf(report, checks)).join('\n'),
      appendFile,
    )
  }

  async #file(
    path: string,
    text: string,
    write: (path: string, text: string) => Promise<void> = writeFile,
  ): Promise<void> {
    try {
      await write(path, text)
    } catch (error) {
      throw new Failure(ExitCode.OUTPUT, `cannot write ${path}: ${(error as Error).message}`, error)
    }
  }

  #judge(comparisons: readonly MetricComparison[] | null): ExitCode {
    const { talk } = this.#context
    const problems = this.#outcomes.flatMap(({ checks }) => checks.flatMap(({ problem }) => problem ?? []))
    for (const problem of problems) talk.say(problem)
    const regression = comparisons === null ? null : regressionIn(comparisons)
    if (regression !== null) talk.say(regression)
    if (this.#outcomes.some(({ report }) => report.generator.saturated)) {
      talk.say('the generator was the bottleneck: these are its numbers, the broker may do more')
    }
    const failures = this.#outcomes.flatMap(({ report, plan }) => failureOf(report, plan) ?? [])
    const [failure] = failures
    if (failure !== undefined) {
      talk.fail(failure.message)
      return failure.exitCode
    }
    // a sweep is meant to go as far as it breaks
    const isBroken = problems.length > 0 && this.#typed.sweep === undefined
    if (isBroken || regression !== null) return ExitCode.THRESHOLD
    if (this.#signal === null) return ExitCode.DONE
    return this.#signal === 'SIGINT' ? ExitCode.INTERRUPTED : ExitCode.TERMINATED
  }
}
