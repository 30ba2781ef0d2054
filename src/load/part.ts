import { machineUs } from './clock.ts'
import { GeneratorMeter, type GeneratorUse } from './meters.ts'
import type { LoadPlan } from './plan.ts'
import { createScenario } from './scenario.ts'
import type { LoadStep, PartPlace, ScenarioRun } from './scenario-run.ts'
import { type LoadFailure, Tally } from './tally.ts'

/** What a part is told; plain data. */
export type PartCommand =
  | { readonly order: 'connect'; readonly plan: LoadPlan; readonly place: PartPlace }
  /** @property atUs on the clock of the run */
  | { readonly order: 'start'; readonly atUs: number }
  | { readonly order: 'stop' }
  | { readonly order: 'finish' }

/** Counts so far. */
export interface PartProgress {
  readonly published: number
  readonly refused: number
  readonly unacknowledged: number
  readonly received: number
  /** see ScenarioRun */
  readonly expected: number | null
}

/** One second of one part. */
export interface PartSample {
  readonly published: number
  readonly received: number
  /** of the messages that arrived in this second; null when there were none */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** Everything a part has counted; histograms are encoded. */
export interface PartResult {
  readonly connected: number
  readonly failed: number
  readonly lost: number
  readonly connectMs: number
  readonly published: number
  readonly acknowledged: number
  readonly refused: number
  readonly received: number
  readonly duplicated: number
  readonly outOfOrder: number
  readonly corrupted: number
  readonly expected: number | null
  /** between the end of the warm-up and the end of publishing */
  readonly measured: Measured
  readonly histograms: Readonly<Record<'connect' | 'acknowledge' | 'service' | 'response' | 'sendDelay', string>>
  readonly errors: Readonly<Record<string, number>>
  readonly failure: LoadFailure | null
  readonly use: GeneratorUse
  readonly steps: readonly LoadStep[]
}

/** What happened in a span of time. */
export interface Measured {
  readonly seconds: number
  readonly published: number
  readonly received: number
  /** with a number of messages until the last one came, else as long as publishing */
  readonly receivedSeconds: number
  readonly bytes: number
}

/** What a part tells; plain data. */
export type PartEvent =
  | { readonly event: 'connecting'; readonly connected: number }
  | { readonly event: 'ready'; readonly connected: number; readonly failed: number }
  | { readonly event: 'sample'; readonly sample: PartSample; readonly progress: PartProgress }
  | { readonly event: 'published'; readonly progress: PartProgress }
  | { readonly event: 'progress'; readonly progress: PartProgress }
  | { readonly event: 'result'; readonly result: PartResult }

const SAMPLE_MS = 1_000
const DRAIN_LOOK_MS = 50
const US_PER_MS = 1_000
const US_PER_SECOND = 1_000_000

interface Counts {
  readonly atUs: number
  readonly published: number
  readonly received: number
  readonly bytes: number
}

/** A part of the generator: does its share of one plan, wherever it runs, as it is told. */
export class LoadPart {
  readonly #tell: (event: PartEvent) => void
  readonly #tally = new Tally()
  readonly #meter = new GeneratorMeter()
  #run: ScenarioRun | null = null
  #timers: NodeJS.Timeout[] = []
  #last: Counts
  #from: Counts | null = null
  #until: Counts | null = null
  #use: GeneratorUse = { cpu: 0, busy: 0, eventLoopLagP99Ms: 0 }
  #warmupMs = 0
  /** the run ends with a number of messages, not with a time */
  #isCounted = false

  constructor(tell: (event: PartEvent) => void) {
    this.#tell = tell
    this.#last = this.#counts()
  }

  /** Does what it is told; the answer comes as an event. */
  do(command: PartCommand): void {
    switch (command.order) {
      case 'connect':
        this.#connect(command.plan, command.place)
        return
      case 'start':
        this.#start(command.atUs)
        return
      case 'stop':
        this.#run?.stop()
        return
      case 'finish':
        this.#finish()
    }
  }

  #connect(plan: LoadPlan, place: PartPlace): void {
    this.#warmupMs = plan.warmupMs
    this.#isCounted = plan.messages !== null
    this.#run = createScenario(plan, place, this.#tally, { published: () => this.#published() })
    const look = setInterval(() => this.#tell({ event: 'connecting', connected: this.#tally.connected }), SAMPLE_MS)
    this.#timers.push(look)
    void this.#run.connect().then(() => {
      clearInterval(look)
      this.#tell({ event: 'ready', connected: this.#tally.connected, failed: this.#tally.failed })
    })
  }

  #start(startUs: number): void {
    const delayMs = Math.max(0, (startUs - machineUs()) / US_PER_MS)
    this.#last = this.#counts()
    this.#timers.push(
      setTimeout(() => this.#measure(), delayMs + this.#warmupMs),
      setTimeout(() => this.#timers.push(setInterval(() => this.#sample(), SAMPLE_MS)), delayMs),
    )
    this.#run?.start(startUs)
  }

  #measure(): void {
    if (this.#until !== null) return
    this.#from = this.#counts()
    this.#meter.start(this.#run!.idleMs)
  }

  #published(): void {
    this.#from ??= this.#last
    this.#until = this.#counts()
    this.#use = this.#meter.stop(this.#run!.idleMs)
    this.#tell({ event: 'published', progress: this.#progress() })
    this.#timers.push(setInterval(() => this.#tell({ event: 'progress', progress: this.#progress() }), DRAIN_LOOK_MS))
  }

  #sample(): void {
    if (this.#until !== null) return
    const now = this.#counts()
    const { measured, warmup } = this.#tally
    const { service, response } = measured.service.second.count > 0 ? measured : warmup
    const { second } = response.second.count > 0 ? response : service
    const isEmpty = second.count === 0
    const sample = {
      published: now.published - this.#last.published,
      received: now.received - this.#last.received,
      p50Ms: isEmpty ? null : second.percentileMs(50),
      p99Ms: isEmpty ? null : second.percentileMs(99),
    }
    this.#last = now
    measured.roll()
    warmup.roll()
    this.#tell({ event: 'sample', sample, progress: this.#progress() })
  }

  #counts(): Counts {
    const { published, delivery } = this.#tally
    return { atUs: machineUs(), published, received: delivery.received, bytes: delivery.bytes }
  }

  #progress(): PartProgress {
    const { published, refused, delivery } = this.#tally
    const { unacknowledged, expected } = this.#run!
    return { published, refused, unacknowledged, received: delivery.received, expected }
  }

  #finish(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    // counted before the connections end: what ends with them is no failure
    const result = this.#result()
    const closed = this.#run === null ? Promise.resolve() : this.#run.close()
    void closed.then(() => this.#tell({ event: 'result', result }))
  }

  #result(): PartResult {
    const tally = this.#tally
    const { delivery, measured } = tally
    return {
      connected: tally.connected,
      failed: tally.failed,
      lost: tally.lost,
      connectMs: tally.connectMs,
      published: tally.published,
      acknowledged: tally.acknowledged,
      refused: tally.refused,
      received: delivery.received,
      duplicated: delivery.duplicated,
      outOfOrder: delivery.outOfOrder,
      corrupted: delivery.corrupted,
      expected: this.#run?.expected ?? null,
      measured: this.#isCounted ? this.#wholeRun() : between(this.#from, this.#until),
      histograms: {
        connect: tally.connect.encode(),
        acknowledge: measured.acknowledge.encode(),
        service: measured.service.all.encode(),
        response: measured.response.all.encode(),
        sendDelay: measured.sendDelay.encode(),
      },
      errors: Object.fromEntries(tally.errors),
      failure: tally.failure,
      use: this.#use,
      steps: this.#run?.steps ?? [],
    }
  }

  // A number of messages may be published at once: what counts is when the last one has come.
  #wholeRun(): Measured {
    const measured = between(this.#from, this.#until)
    const { received, bytes, lastUs } = this.#tally.delivery
    if (this.#from === null || lastUs <= this.#from.atUs) return measured
    const receivedSeconds = (lastUs - this.#from.atUs) / US_PER_SECOND
    return { ...measured, received: received - this.#from.received, bytes: bytes - this.#from.bytes, receivedSeconds }
  }
}

function between(from: Counts | null, until: Counts | null): Measured {
  if (from === null || until === null) return { seconds: 0, published: 0, received: 0, receivedSeconds: 0, bytes: 0 }
  const seconds = (until.atUs - from.atUs) / US_PER_SECOND
  return {
    seconds,
    published: until.published - from.published,
    received: until.received - from.received,
    receivedSeconds: seconds,
    bytes: until.bytes - from.bytes,
  }
}
