import { readFileSync } from 'node:fs'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'

const LAG_RESOLUTION_MS = 10
const NS_PER_MS = 1_000_000
/** Of one processor: a generator that is busier has no room to show what the broker can do. */
const SATURATED = 0.9
/** An open loop that sends later than this in 1 of 100 cases is not the load that was asked for. */
const SATURATED_DELAY_MS = 5

/** What one part of the generator was doing. */
export interface GeneratorUse {
  /** processors used by its process, 1 is one whole; waiting for the next moment to send in a loop does not count */
  readonly cpu: number
  /** of the time its event loop was busy, 0 to 1, without that waiting */
  readonly busy: number
  readonly eventLoopLagP99Ms: number
}

/** Measures this process. */
export class GeneratorMeter {
  readonly #lag: IntervalHistogram = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })
  #cpu = process.cpuUsage()
  #loop = performance.eventLoopUtilization()
  #startMs = performance.now()
  #idleMs = 0

  /** @param idleMs spent so far in turns of the event loop that only waited */
  start(idleMs: number): void {
    this.#lag.enable()
    this.#lag.reset()
    this.#cpu = process.cpuUsage()
    this.#loop = performance.eventLoopUtilization()
    this.#startMs = performance.now()
    this.#idleMs = idleMs
  }

  stop(idleMs: number): GeneratorUse {
    this.#lag.disable()
    const elapsedMs = Math.max(1, performance.now() - this.#startMs)
    const { user, system } = process.cpuUsage(this.#cpu)
    const activeMs = Math.max(Number.MIN_VALUE, performance.eventLoopUtilization(this.#loop).active)
    const workMs = Math.max(0, activeMs - (idleMs - this.#idleMs))
    return {
      // where others want the processor too, turns that only wait last longer than they use it
      cpu: (((user + system) / 1000) * Math.min(1, workMs / activeMs)) / elapsedMs,
      busy: workMs / elapsedMs,
      eventLoopLagP99Ms:
        this.#lag.count === 0 ? 0 : Math.max(0, this.#lag.percentile(99) / NS_PER_MS - LAG_RESOLUTION_MS),
    }
  }
}

/**
 * The verdict: was the generator the bottleneck, so that the numbers are its own and not the broker's?
 * @param use of the busiest part
 * @param sendDelayP99Ms lateness of messages that nothing but the generator kept back
 */
export function isSaturated({ cpu, busy }: GeneratorUse, sendDelayP99Ms: number): boolean {
  return Math.max(Math.min(cpu, 1), busy) > SATURATED || sendDelayP99Ms > SATURATED_DELAY_MS
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
  read(): { cpu: number; residentMb: number } {
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
