import { Message } from '../codec/message.ts'
import type { Publish } from '../codec/packets/publish.ts'
import { QoS } from '../codec/qos.ts'
import { Arrivals } from './arrivals.ts'
import { machineUs } from './clock.ts'
import { Crowd, type CrowdOwner } from './crowd.ts'
import type { LoadClient, MessageSink } from './load-client.ts'
import type { LoadPlan } from './plan.ts'
import type { LoadStep, PartPlace, ScenarioOwner, ScenarioRun } from './scenario-run.ts'
import { StampFormat } from './stamp.ts'
import type { Tally } from './tally.ts'

const US_PER_MS = 1_000
const LOOK_MS = 1

/**
 * A scenario of steps that come one after the other, each timed on its own: what is common to retained, offline and storm. It
 * counts by part: each part does its share of the messages or clients by itself.
 */
export abstract class SteppedScenario implements ScenarioRun, CrowdOwner {
  protected readonly plan: LoadPlan
  protected readonly place: PartPlace
  protected readonly tally: Tally
  protected readonly crowd: Crowd
  protected readonly format: StampFormat
  readonly #owner: ScenarioOwner
  readonly steps: LoadStep[] = []
  readonly idleMs = 0
  unacknowledged = 0
  expected = 0
  #isStopped = false
  #isPublished = false
  #roomCame: (() => void) | null = null

  constructor(plan: LoadPlan, place: PartPlace, tally: Tally, owner: ScenarioOwner) {
    this.plan = plan
    this.place = place
    this.tally = tally
    this.#owner = owner
    this.crowd = new Crowd(plan, place.parts, tally, this)
    this.format = new StampFormat(plan.seed, plan.payloadBytes, plan.payload)
  }

  abstract connect(): Promise<void>

  /** All steps; returns early when {@link isStopped}. */
  protected abstract run(): Promise<void>

  start(startUs: number): void {
    setTimeout(() => void this.run().then(() => this.#end()), Math.max(0, (startUs - machineUs()) / US_PER_MS))
  }

  stop(): void {
    this.#isStopped = true
    this.#roomCame?.()
    this.#end()
  }

  #end(): void {
    if (this.#isPublished) return
    this.#isPublished = true
    this.#owner.published()
  }

  close(): Promise<void> {
    return this.crowd.close()
  }

  lost(): void {
    this.#roomCame?.()
  }

  /** 1 at least: what waits, and what must have arrived, needs acknowledgements. */
  protected get qos(): QoS {
    return this.plan.qos === QoS.AT_MOST_ONCE ? QoS.AT_LEAST_ONCE : this.plan.qos
  }

  protected get isStopped(): boolean {
    return this.#isStopped
  }

  /** This part's share of what all parts do together. */
  protected shareOf(total: number): number {
    const { part, parts } = this.place
    return Math.floor(total / parts) + (part < total % parts ? 1 : 0)
  }

  /** Does something and notes how long it took. */
  protected async step(name: string, count: number, work: () => Promise<void>): Promise<void> {
    const fromMs = performance.now()
    await work()
    if (!this.#isStopped) this.steps.push({ name, count, seconds: (performance.now() - fromMs) / 1000 })
  }

  /** Resolves when it holds, the run is stopped, or nothing has moved for the plan's time to drain. */
  protected until(holds: () => boolean, moved: () => number): Promise<void> {
    return new Promise((resolve) => {
      let last = moved()
      let sinceMs = performance.now()
      const timer = setInterval(() => {
        const now = moved()
        if (now !== last) {
          last = now
          sinceMs = performance.now()
        }
        if (!holds() && !this.#isStopped && performance.now() - sinceMs < this.plan.drainMs) return
        clearInterval(timer)
        resolve()
      }, LOOK_MS)
    })
  }

  /** What receives the stamped messages of this part. */
  protected receiver(): MessageSink {
    const arrivals = new Arrivals({
      format: this.format,
      tally: this.tally,
      publishers: [],
      publisherCount: this.place.parts,
      judgesOrder: false,
      hasResponse: false,
    })
    return {
      message: (publish: Publish) => void arrivals.take(publish, machineUs()),
      published: () => {},
      progressed: () => {},
    }
  }

  /** What publishes: acknowledgements are counted. */
  protected sender(): MessageSink {
    return {
      message: () => {},
      published: (_, reasonCode) => {
        this.unacknowledged--
        if (reasonCode >= 0x80) {
          this.tally.refused++
          this.expected--
        } else if (reasonCode >= 0) this.tally.acknowledged++
        this.#roomCame?.()
      },
      progressed: () => {},
    }
  }

  /** Publishes `count` stamped messages, so many at once as are allowed, at QoS 1 at least: their arrival must be known. */
  protected async publish(
    client: LoadClient,
    count: number,
    retain: boolean,
    topic: (i: number) => string,
  ): Promise<void> {
    const { plan, format, tally, qos } = this
    const room = (): boolean => this.unacknowledged < plan.inFlight
    for (let i = 0; i < count && !this.#isStopped && client.isConnected; i++) {
      if (!room()) await this.#room()
      const message = Message.create(topic(i), format.newPayload(this.place.part), {
        qos,
        retain,
        properties: plan.publishProperties,
      })
      format.write(message.bytes, message.payloadStart, this.place.part, i, Math.floor(machineUs()), 0)
      tally.published++
      this.unacknowledged++
      this.expected++
      client.publish(message, message, performance.now())
    }
    await this.until(
      () => this.unacknowledged === 0,
      () => this.unacknowledged,
    )
  }

  // An acknowledgement ends it, or the end of the connection or of the run.
  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#roomCame = resolve
    })
  }
}
