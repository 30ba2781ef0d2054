import type { Ora } from 'ora'
import type { RunObserver } from '../../load/coordinator.ts'
import type { LoadPlan } from '../../load/plan.ts'
import type { Sample } from '../../load/result.ts'
import type { Context } from '../context.ts'
import type { Talk } from '../output/talk.ts'
import { formatNumber } from './bench-table.ts'

const BARS = '▁▂▃▄▅▆▇█'
const SPARKLINE_SECONDS = 30
/** what the spinner and the edge of the terminal take of a line */
const MARGIN_COLUMNS = 4

/** Rates of the last seconds as a row of bars, the highest of them full. @param columns for so many at the most */
export function sparkline(values: readonly number[], columns = SPARKLINE_SECONDS): string {
  const count = Math.min(SPARKLINE_SECONDS, columns)
  if (count <= 0) return ''
  const last = values.slice(-count)
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
  readonly #columns: number
  #connections = 0

  static async create(plan: LoadPlan, context: Context, isVerbose: boolean): Promise<BenchProgress> {
    const isLive = context.terminal.stderrIsTerminal && !context.talk.quiet && !isVerbose
    // ora writes into pipes too, so it is made on a terminal only; it must leave stdin alone
    const spinner = isLive ? (await import('ora')).default({ discardStdin: false, text: 'connecting' }).start() : null
    return new BenchProgress(plan, context, spinner, isVerbose)
  }

  private constructor(plan: LoadPlan, { talk, terminal }: Context, spinner: Ora | null, isVerbose: boolean) {
    this.#plan = plan
    this.#talk = talk
    this.#columns = terminal.columns
    this.#spinner = spinner
    this.#isVerbose = isVerbose
  }

  connected(count: number, isAll: boolean): void {
    this.#connections = count
    const line = isAll
      ? `${formatNumber(count)} connections`
      : `connecting: ${formatNumber(count)} of ${formatNumber(wantedConnections(this.#plan))}`
    if (this.#spinner !== null) this.#spinner.text = line
    if (this.#isVerbose) this.#talk.say(line)
  }

  sample(sample: Sample): void {
    this.#rates.push(this.#plan.scenario === 'pub' ? sample.published : sample.delivered)
    const line = this.#line(sample)
    if (this.#spinner !== null) this.#spinner.text = line
    if (this.#isVerbose) this.#talk.say(line)
  }

  #line({ seconds, published, delivered, p50Ms, p99Ms }: Sample): string {
    const { scenario, messages, warmupMs, durationMs } = this.#plan
    const isWarmingUp = seconds * 1000 <= warmupMs
    const total = messages === null ? `/${Math.ceil((warmupMs + durationMs) / 1000)}` : ''
    const time = `${seconds}${total} s${isWarmingUp ? ' (warm-up)' : ''}`
    if (scenario === 'conn') return `${time}: ${formatNumber(this.#connections)} connections`
    const latency =
      p50Ms === null || p99Ms === null ? '' : `, p50 ${formatNumber(p50Ms)} ms, p99 ${formatNumber(p99Ms)} ms`
    const text = `${time}: published ${formatNumber(published)} /s, delivered ${formatNumber(delivered)} /s${latency}`
    if (this.#spinner === null) return text
    return `${text} ${sparkline(this.#rates, this.#columns - text.length - MARGIN_COLUMNS)}`.trimEnd()
  }

  end(): void {
    this.#spinner?.stop()
  }
}

function wantedConnections({ scenario, clients, publishers, subscribers }: LoadPlan): number {
  return scenario === 'conn' || scenario === 'rtt' || scenario === 'storm' ? clients : publishers + subscribers
}
