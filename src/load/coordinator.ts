import type { BrokerProbe, BrokerUse } from './broker-probe.ts'
import { machineUs } from './clock.ts'
import type { PartCommand, PartEvent, PartProgress, PartResult, PartSample } from './part.ts'
import { LoadPart } from './part.ts'
import { type LoadPlan, topologyOf } from './plan.ts'
import { expectedDeliveries, joinResults, type LoadResult, type Sample } from './result.ts'

/** The way to one part of the generator, here, in another process or on another machine. */
export interface PartPort {
  send(command: PartCommand): void
  /** Set by the coordinator. */
  listener: ((event: PartEvent) => void) | null
  /** Set by the coordinator: the part is gone. */
  lost: ((error: Error) => void) | null
  /** True when it reads the same monotonic clock. */
  readonly sharesClock: boolean
  close(): void | Promise<void>
}

/** A part in this very process. */
export class LocalPart implements PartPort {
  readonly sharesClock = true
  listener: ((event: PartEvent) => void) | null = null
  lost: ((error: Error) => void) | null = null
  readonly #part = new LoadPart((event) => this.listener?.(event))

  send(command: PartCommand): void {
    this.#part.do(command)
  }

  close(): void {}
}

/** What the coordinator lets be seen of a run. */
export interface RunObserver {
  connected?(count: number): void
  sample?(sample: Sample): void
}

const START_DELAY_MS = 50
const REMOTE_START_DELAY_MS = 500
const DRAIN_LOOK_MS = 25
const US_PER_MS = 1000

/** Runs one plan over all parts: connect, start together, wait for the end, let what is on its way arrive, join the counts. */
export class LoadCoordinator {
  readonly #plan: LoadPlan
  readonly #ports: readonly PartPort[]
  readonly #observer: RunObserver
  readonly #probe: BrokerProbe | null
  readonly #progress: PartProgress[]
  readonly #samples: Sample[] = []
  readonly #seconds: PartSample[][]
  readonly #fanOut: number
  #answers: (PartEvent | null)[] = []
  #awaited: { event: PartEvent['event']; resolve: () => void; reject: (error: Error) => void } | null = null
  #isStopped = false

  constructor(plan: LoadPlan, ports: readonly PartPort[], observer: RunObserver, probe: BrokerProbe | null) {
    this.#plan = plan
    this.#ports = ports
    this.#observer = observer
    this.#probe = probe
    this.#progress = ports.map(() => ({ published: 0, refused: 0, unacknowledged: 0, received: 0, expected: null }))
    this.#seconds = ports.map(() => [])
    this.#fanOut = topologyOf(plan, ports.length).fanOut
    for (const [i, port] of ports.entries()) {
      port.listener = (event) => this.#heard(i, event)
      port.lost = (error) => this.#awaited?.reject(error)
    }
  }

  /** @throws Error (rejects) when a part is lost */
  async run(): Promise<LoadResult> {
    const parts = this.#ports.length
    const sharesClock = this.#ports.every((port) => port.sharesClock)
    await this.#all('ready', (port, part) => {
      port.send({ order: 'connect', plan: this.#plan, place: { part, parts, sharesClock } })
    })
    const ready = this.#answers.map((answer) => answer as Extract<PartEvent, { event: 'ready' }>)
    const connected = ready.reduce((sum, one) => sum + one.connected, 0)
    const failed = ready.reduce((sum, one) => sum + one.failed, 0)
    this.#observer.connected?.(connected)
    let use: BrokerUse | null = null
    if (connected > 0 && (failed === 0 || this.#plan.scenario === 'conn') && !this.#isStopped) {
      use = await this.#publish(sharesClock)
    }
    await this.#all('result', (port) => port.send({ order: 'finish' }))
    const results = this.#answers.map((answer): PartResult => (answer as { result: PartResult }).result)
    return joinResults(this.#plan, this.#fanOut, results, this.#samples, use)
  }

  /** Ends early; the result is that of what was done. */
  stop(): void {
    this.#isStopped = true
    for (const port of this.#ports) port.send({ order: 'stop' })
  }

  async #publish(sharesClock: boolean): Promise<BrokerUse | null> {
    const inMs = sharesClock ? START_DELAY_MS : REMOTE_START_DELAY_MS
    const atUs = sharesClock ? machineUs() + inMs * US_PER_MS : null
    const probing = setTimeout(() => this.#probe?.start(), inMs + this.#plan.warmupMs)
    await this.#all('published', (port) => port.send({ order: 'start', atUs, inMs }))
    clearTimeout(probing)
    const use = (await this.#probe?.read()) ?? null
    await this.#drained()
    return use
  }

  // What is on its way has time to arrive as long as anything does.
  #drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      let lastCount = -1
      let lastChangeMs = performance.now()
      const look = (): void => {
        const count = this.#sum((one) => one.received) - this.#sum((one) => one.unacknowledged)
        if (count !== lastCount) {
          lastCount = count
          lastChangeMs = performance.now()
        }
        if (this.#hasArrived() || performance.now() - lastChangeMs >= this.#plan.drainMs) {
          clearInterval(timer)
          resolve()
        }
      }
      const timer = setInterval(look, DRAIN_LOOK_MS)
      this.#awaited = { event: 'result', resolve, reject }
      look()
    })
  }

  #hasArrived(): boolean {
    const accepted = this.#sum((one) => one.published - one.refused)
    const expected = expectedDeliveries(this.#plan, this.#fanOut, accepted, this.#progress) ?? 0
    return this.#sum((one) => one.received) >= expected && this.#sum((one) => one.unacknowledged) === 0
  }

  #sum(value: (progress: PartProgress) => number): number {
    return this.#progress.reduce((sum, one) => sum + value(one), 0)
  }

  // Gives a command to all parts and waits for the answer of each.
  #all(event: PartEvent['event'], send: (port: PartPort, part: number) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#answers = this.#ports.map(() => null)
      this.#awaited = { event, resolve, reject }
      for (const [i, port] of this.#ports.entries()) send(port, i)
    })
  }

  #heard(part: number, event: PartEvent): void {
    if ('progress' in event) this.#progress[part] = event.progress
    if (event.event === 'sample') this.#sampled(part, event.sample)
    if (event.event !== this.#awaited?.event) return
    this.#answers[part] = event
    if (this.#answers.every((answer) => answer !== null)) this.#awaited.resolve()
  }

  // A second is complete when every part has told its own.
  #sampled(part: number, sample: PartSample): void {
    this.#seconds[part]!.push(sample)
    const number = this.#samples.length
    const all = this.#seconds.map((seconds) => seconds[number])
    if (all.some((one) => one === undefined)) return
    const worst = (values: (number | null)[]): number | null => {
      const known = values.filter((value) => value !== null)
      return known.length === 0 ? null : Math.max(...known)
    }
    const joined: Sample = {
      seconds: number + 1,
      published: all.reduce((sum, one) => sum + one!.published, 0),
      delivered: all.reduce((sum, one) => sum + one!.received, 0),
      p50Ms: worst(all.map((one) => one!.p50Ms)),
      p99Ms: worst(all.map((one) => one!.p99Ms)),
    }
    this.#samples.push(joined)
    this.#observer.sample?.(joined)
  }
}
