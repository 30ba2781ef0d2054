import { readFileSync } from 'node:fs'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

const LAG_RESOLUTION_MS = 10
const NS_PER_MS = 1_000_000
/** Of one processor: a generator that is busier has no room to show what the broker can do. */
const SATURATED_CPU = 0.9
/** An open loop that sends later than this in 1 of 100 cases is not the load that was asked for. */
const SATURATED_DELAY_MS = 5

/** What the generator itself was doing. */
export interface GeneratorUse {
  /** processors used, 1 is one whole; waiting for the next moment to send in a loop does not count */
  readonly cpu: number
  readonly eventLoopLagP99Ms: number
  readonly sendDelayP99Ms: number
  /** the generator was at its own limit: the numbers are the generator's, not the broker's */
  readonly saturated: boolean
}

/** Measures this process. */
export class GeneratorMeter {
  readonly #lag: IntervalHistogram = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  #cpu = process.cpuUsage()
  #startMs = performance.now()
  /** spent in turns of a waiting loop without work; counted by the loop */
  idleMs = 0

  start(): void {
    this.#lag.enable()
    this.#lag.reset()
    this.#cpu = process.cpuUsage()
    this.#startMs = performance.now()
    this.idleMs = 0
  }

  /** @param sendDelayP99Ms lateness of messages that nothing but the generator kept back */
  stop(sendDelayP99Ms: number): GeneratorUse {
    this.#lag.disable()
    const elapsedMs = performance.now() - this.#startMs
    const { user, system } = process.cpuUsage(this.#cpu)
    return generatorUse((user + system) / 1000 - this.idleMs, elapsedMs, this.#lagP99Ms(), sendDelayP99Ms)
  }

  #lagP99Ms(): number {
    return this.#lag.count === 0 ? 0 : Math.max(0, this.#lag.percentile(99) / NS_PER_MS - LAG_RESOLUTION_MS)
  }
}

/** The verdict: was the generator the bottleneck? */
export function generatorUse(
  busyMs: number,
  elapsedMs: number,
  eventLoopLagP99Ms: number,
  sendDelayP99Ms: number,
): GeneratorUse {
  const cpu = elapsedMs <= 0 ? 0 : Math.max(0, busyMs) / elapsedMs
  const saturated = cpu > SATURATED_CPU || sendDelayP99Ms > SATURATED_DELAY_MS
  return { cpu, eventLoopLagP99Ms, sendDelayP99Ms, saturated }
}

/** What the broker's process used. */
export interface BrokerUse {
  /** processors used, 1 is one whole */
  readonly cpu: number
  readonly residentMb: number
}

/** Clock ticks per second in /proc: USER_HZ, 100 on every platform of Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** Measures another process of this machine by /proc. */
export class ProcessMeter {
  readonly #pid: number
  #ticks: number
  #startMs = performance.now()

  /** @throws Error when there is no /proc, or no such process */
  constructor(pid: number) {
    this.#pid = pid
    this.#ticks = ticksOf(pid)
  }

  start(): void {
    this.#ticks = ticksOf(this.#pid)
    this.#startMs = performance.now()
  }

  /** @throws Error when the process has ended */
  read(): BrokerUse {
    const seconds = (performance.now() - this.#startMs) / 1000
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8')
    const residentKb = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0)
    return { cpu: (ticksOf(this.#pid) - this.#ticks) / TICKS_PER_SECOND / seconds, residentMb: residentKb / 1024 }
  }
}

// proc(5): the name in parentheses may hold anything; utime and stime are the 12th and 13th field behind it.
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11]) + Number(fields[12])
}
