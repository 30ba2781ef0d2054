import type { Ora } from 'ora'
import type { RunObserver } from '../../load/coordinator.ts'
import type { LoadPlan } from '../../load/plan.ts'
import type { Sample } from '../../load/result.ts'
import type { Context } from '../context.ts'
import type { Talk } from '../output/talk.ts'
import { formatNumber } from './bench-table.ts'

const BARS = '▁▂▃▄▅▆▇█'
const SPARKLINE_SECONDS = 30

/** Rates of the last seconds as a row of bars, the highest of them full. */
export function sparkline(values: readonly number[]): string {
  const last = values.slice(-SPARKLINE_SECONDS)
  const most = Math.max(...last)
  return last.map((value) => BARS[most <= 0 ? 0 : Math.round((value / most) * (BARS.length - 1))]).join('')
}

/** What is seen of a run while it lasts: one live line on a terminal, a line per second with -v, else nothing. */
export class BenchProgress implements RunObserver {
  readonly #plan: LoadPlan
  readonly #talk: Talk
  readonly #spinner: Ora | null
  readonly #isVerbose: boolean
  readonly #rates: number[] = []

  static async create(plan: LoadPlan, context: Context, isVerbose: boolean): Promise<BenchProgress> {
    const isLive = context.terminal.stderrIsTerminal && !context.talk.quiet && !isVerbose
    // ora writes into pipes too, so it is made on a terminal only; it must leave stdin alone
    const spinner = isLive ? (await import('ora')).default({ discardStdin: false, text: 'connecting' }).start() : null
    return new BenchProgress(plan, context.talk, spinner, isVerbose)
  }

  private constructor(plan: LoadPlan, talk: Talk, spinner: Ora | null, isVerbose: boolean) {
    this.#plan = plan
    this.#talk = talk
    this.#spinner = spinner
    this.#isVerbose = isVerbose
  }

  connected(count: number): void {
    if (this.#spinner !== null) this.#spinner.text = `${formatNumber(count)} connections`
    if (this.#isVerbose) this.#talk.say(`${formatNumber(count)} connections`)
  }

  sample(sample: Sample): void {
    this.#rates.push(this.#plan.scenario === 'pub' ? sample.published : sample.delivered)
    const line = this.#line(sample)
    if (this.#spinner !== null) this.#spinner.text = line
    if (this.#isVerbose) this.#talk.say(line)
  }

  #line({ seconds, published, delivered, p50Ms, p99Ms }: Sample): string {
    const { messages, warmupMs, durationMs } = this.#plan
    const isWarmingUp = seconds * 1000 <= warmupMs
    const total = messages === null ? `/${Math.ceil((warmupMs + durationMs) / 1000)}` : ''
    const latency =
      p50Ms === null || p99Ms === null ? '' : `, p50 ${formatNumber(p50Ms)} ms, p99 ${formatNumber(p99Ms)} ms`
    const bars = this.#spinner === null ? '' : ` ${sparkline(this.#rates)}`
    const warm = isWarmingUp ? ' (warm-up)' : ''
    return `${seconds}${total} s${warm}: published ${formatNumber(published)} /s, delivered ${formatNumber(delivered)} /s${latency}${bars}`
  }

  end(): void {
    this.#spinner?.stop()
  }
}
