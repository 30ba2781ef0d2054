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
  /** What it needs between hearing of the start and the start, milliseconds. */
  readonly startDelayMs: number
  /** How wrong its clock may be, milliseconds; asked when all is counted. */
  clockErrorMs(): Promise<number>
  close(): void | Promise<void>
}

/** Between hearing of the start and the start, for parts on this machine. */
export const START_DELAY_MS = 50

/** A part of the generator is gone, and there is no result without it. */
export class PartLost extends Error {}

/** A part in this very process. */
export class LocalPart implements PartPort {
  readonly startDelayMs = START_DELAY_MS
  listener: ((event: PartEvent) => void) | null = null
  lost: ((error: Error) => void) | null = null
  readonly #part = new LoadPart((event) => this.listener?.(event))

  send(command: PartCommand): void {
    this.#part.do(command)
  }

  async clockErrorMs(): Promise<number> {
    return 0
  }

  close(): void {}
}

/** What the coordinator lets be seen of a run. */
export interface RunObserver {
  /** @param isAll no more are being made */
  connected?(count: number, isAll: boolean): void
  sample?(sample: Sample): void
}

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
  readonly #connected: number[]
  readonly #fanOut: number
  #answers: (PartEvent | null)[] = []
  #awaited: { event: PartEvent['event']; resolve: () => void; reject: (error: Error) => void } | null = null
  #isStopped = false
  #lost: PartLost | null = null

  constructor(plan: LoadPlan, ports: readonly PartPort[], observer: RunObserver, probe: BrokerProbe | null) {
    this.#plan = plan
    this.#ports = ports
    this.#observer = observer
    this.#probe = probe
    this.#progress = ports.map(() => ({ published: 0, refused: 0, unacknowledged: 0, received: 0, expected: null }))
    this.#seconds = ports.map(() => [])
    this.#connected = ports.map(() => 0)
    this.#fanOut = topologyOf(plan, ports.length).fanOut
    for (const [i, port] of ports.entries()) {
      port.listener = (event) => this.#heard(i, event)
      port.lost = (error) => this.#lose(error)
    }
  }

  // Nothing may be awaited at this moment; what is next will be told.
  #lose(error: Error): void {
    this.#lost ??= new PartLost(error.message, { cause: error })
    this.#awaited?.reject(this.#lost)
  }

  /** @throws PartLost (rejects) */
  async run(): Promise<LoadResult> {
    const parts = this.#ports.length
    await this.#all('ready', (port, part) => {
      port.send({ order: 'connect', plan: this.#plan, place: { part, parts } })
    })
    const ready = this.#answers.map((answer) => answer as Extract<PartEvent, { event: 'ready' }>)
    const connected = ready.reduce((sum, one) => sum + one.connected, 0)
    const failed = ready.reduce((sum, one) => sum + one.failed, 0)
    this.#observer.connected?.(connected, true)
    let use: BrokerUse | null = null
    if (connected > 0 && (failed === 0 || this.#plan.scenario === 'conn') && !this.#isStopped) {
      use = await this.#publish()
    }
    await this.#all('result', (port) => port.send({ order: 'finish' }))
    const results = this.#answers.map((answer): PartResult => (answer as { result: PartResult }).result)
    const clockErrorMs = Math.max(...(await Promise.all(this.#ports.map((port) => port.clockErrorMs()))))
    return joinResults(this.#plan, this.#fanOut, results, this.#samples, use, clockErrorMs)
  }

  /** Ends early; the result is that of what was done. */
  stop(): void {
    this.#isStopped = true
    for (const port of this.#ports) port.send({ order: 'stop' })
  }

  async #publish(): Promise<BrokerUse | null> {
    const inMs = Math.max(...this.#ports.map((port) => port.startDelayMs))
    const atUs = machineUs() + inMs * US_PER_MS
    const probing = setTimeout(() => this.#probe?.start(), inMs + this.#plan.warmupMs)
    await this.#all('published', (port) => port.send({ order: 'start', atUs }))
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
      const stop = (error: Error): void => {
        clearInterval(timer)
        reject(error)
      }
      this.#awaited = { event: 'result', resolve, reject: stop }
      if (this.#lost !== null) stop(this.#lost)
      else look()
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
      if (this.#lost !== null) return reject(this.#lost)
      for (const [i, port] of this.#ports.entries()) send(port, i)
    })
  }

  #heard(part: number, event: PartEvent): void {
    if ('progress' in event) this.#progress[part] = event.progress
    if (event.event === 'connecting') {
      this.#connected[part] = event.connected
      this.#observer.connected?.(
        this.#connected.reduce((sum, one) => sum + one, 0),
        false,
      )
    }
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
