import { flushClients } from '../client/server-connection.ts'
import type { Publish } from '../codec/packets/publish.ts'
import { formatReasonCode } from '../codec/reason-code.ts'
import { Arrivals, type ArrivalTerms } from './arrivals.ts'
import { machineUs, TurnClock } from './clock.ts'
import { Crowd, type CrowdOwner } from './crowd.ts'
import type { LoadClient } from './load-client.ts'
import { Pacer } from './pacer.ts'
import { Participant } from './participant.ts'
import { connectOf, type LoadPlan, type Role, topologyOf } from './plan.ts'
import { LoadPublisher } from './publisher.ts'
import type { LoadStep, PartPlace, ScenarioOwner, ScenarioRun } from './scenario-run.ts'
import { Spinner } from './spinner.ts'
import { StampFormat } from './stamp.ts'
import type { Tally } from './tally.ts'

const US_PER_MS = 1000
/** Timers may be this much late: what is left is waited for in turns of the event loop. */
const SPIN_US = 2_000
/**
 * A turn of the event loop leaves garbage behind, and to collect it takes longer than to wait for the next one: so there are few
 * while nothing is on its way, when only a ping can come.
 */
const IDLE_STEP_US = 100
/** While something is on its way each microsecond until it is noticed counts as its latency. */
const AWAITING_STEP_US = 2
/** A closed loop that stands still this long has lost messages, and goes on without them. */
const STALL_MS = 1_000

/** Publishers and subscribers, and what goes from one to the other: p2p, fanin, fanout, rtt, pub, sub, shared, conn. */
export class Traffic implements ScenarioRun, CrowdOwner {
  readonly #plan: LoadPlan
  readonly #place: PartPlace
  readonly #tally: Tally
  readonly #owner: ScenarioOwner
  readonly #crowd: Crowd
  readonly clock = new TurnClock()
  readonly #publishers: LoadPublisher[] = []
  readonly #clients: LoadClient[] = []
  readonly #topicFilters = new Map<LoadClient, string>()
  readonly expected = null
  readonly steps: readonly LoadStep[] = []
  /** closed loop: publishers that may have room */
  readonly #waiting: LoadPublisher[] = []
  #pacer: Pacer | null = null
  #next = 0
  /** of all parts */
  #publisherCount = 0
  /** messages that were to leave before were kept back by the broker, not by the generator */
  #blockedUntilUs = 0
  #isPublishing = false
  #timer: NodeJS.Timeout | null = null
  #immediate: NodeJS.Immediate | null = null
  #stallTimer: NodeJS.Timeout | null = null
  #end: NodeJS.Timeout | null = null
  #lastReceived = 0
  /** anything that was done, to tell turns that only waited */
  #work = 0
  #workAtTurn = 0
  #turnUs = 0
  /** spent in turns that only waited */
  #idleUs = 0
  #spinner: Spinner | null = null
  /** open loop: when the next message is due */
  #dueUs = 0
  /** of each message, in this part */
  #receivers = 0
  readonly #turn = (): void => this.#spin()

  constructor(plan: LoadPlan, place: PartPlace, tally: Tally, owner: ScenarioOwner) {
    this.#plan = plan
    this.#place = place
    this.#tally = tally
    this.#owner = owner
    this.#crowd = new Crowd(plan, place.parts, tally, this)
    this.#cast()
  }

  #cast(): void {
    const plan = this.#plan
    const { part, parts } = this.#place
    const topology = topologyOf(plan, parts)
    const isHere = (role: Role): boolean => role.part === part
    const subscribers = topology.subscribers.filter(isHere)
    const format = new StampFormat(plan.seed, plan.payloadBytes, plan.payload)
    const publishers: (LoadPublisher | undefined)[] = []
    const arrivalTerms: ArrivalTerms = {
      format,
      tally: this.#tally,
      publishers,
      publisherCount: topology.publishers.length,
      judgesOrder: !topology.isShared,
      hasResponse: plan.rate !== null,
    }
    const shared = topology.isShared ? new Arrivals(arrivalTerms) : null
    const isMeasured = topology.publishers.length > 0
    const participants = new Map<number, Participant>()
    const participantOf = (role: Role): Participant => {
      let participant = participants.get(role.client)
      if (participant === undefined) {
        participant = new Participant(this)
        participant.client = this.#crowd.add(role.client, connectOf(plan, role.client, role.clientId), participant)
        participants.set(role.client, participant)
        this.#clients.push(participant.client)
      }
      return participant
    }
    for (const role of subscribers) {
      const participant = participantOf(role)
      if (plan.scenario !== 'conn') this.#topicFilters.set(participant.client!, role.topic)
      if (isMeasured) participant.arrivals = shared ?? new Arrivals(arrivalTerms)
    }
    const receivers = topology.fanOut <= 1 ? topology.fanOut : subscribers.length
    this.#receivers = receivers
    const terms = { plan, format, tally: this.#tally, clock: this.clock }
    this.#publisherCount = topology.publishers.length
    for (const role of topology.publishers.filter(isHere)) {
      const quota = quotaOf(plan, role.number, this.#publisherCount)
      const participant = participantOf(role)
      const publisher = new LoadPublisher(role.number, participant.client!, role.topic, receivers, quota, terms)
      participant.publisher = publisher
      publishers[role.number] = publisher
      this.#publishers.push(publisher)
    }
  }

  // ---- ScenarioRun

  async connect(): Promise<void> {
    const isHolding = this.#plan.scenario === 'conn'
    await this.#crowd.open(this.#clients, !isHolding, (client) => this.#ready(client))
  }

  #ready(client: LoadClient): void {
    const topicFilter = this.#topicFilters.get(client)
    if (topicFilter === undefined) return this.#crowd.settled()
    this.#crowd.subscribe(client, topicFilter, this.#plan.qos, (reasonCode) => {
      if (reasonCode >= 0x80)
        this.#tally.refuseSubscription(`SUBSCRIBE to ${topicFilter}: ${formatReasonCode(reasonCode)}`)
      this.#crowd.settled()
    })
  }

  start(startUs: number): void {
    const { rate, warmupMs, durationMs, messages } = this.#plan
    this.#tally.measureFromUs = Math.floor(startUs + warmupMs * US_PER_MS)
    // a timer may ring early
    const delayMs = Math.ceil(Math.max(0, (startUs - machineUs()) / US_PER_MS)) + 1
    this.#isPublishing = true
    this.#timer = setTimeout(() => this.#begin(startUs, rate), delayMs)
    if (messages === null) this.#end = setTimeout(() => this.stop(), delayMs + warmupMs + durationMs)
  }

  #begin(startUs: number, rate: number | null): void {
    if (this.#publishers.length === 0) {
      // receivers of other parts, or of others' messages
      if (this.#plan.messages !== null && this.#publisherCount > 0) this.stop()
    } else if (rate === null) {
      this.#stallTimer = setInterval(() => this.#resume(), STALL_MS)
      for (const publisher of this.#publishers) this.#wake(publisher)
      this.#refillNow()
    } else {
      const share = this.#publishers.length / this.#publisherCount
      this.#pacer = new Pacer(startUs, rate * share)
      this.#spinner = new Spinner()
      this.#turnUs = machineUs()
      this.#openLoop()
    }
  }

  stop(): void {
    if (!this.#isPublishing) return
    this.#isPublishing = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#immediate !== null) clearImmediate(this.#immediate)
    if (this.#stallTimer !== null) clearInterval(this.#stallTimer)
    if (this.#end !== null) clearTimeout(this.#end)
    this.#owner.published()
  }

  get unacknowledged(): number {
    return this.#publishers.reduce((sum, publisher) => sum + publisher.unacknowledged, 0)
  }

  get idleMs(): number {
    return this.#idleUs / US_PER_MS
  }

  close(): Promise<void> {
    this.stop()
    return this.#crowd.close()
  }

  // ---- open loop

  #openLoop(): void {
    if (!this.#isPublishing) return
    this.clock.refresh()
    const nowUs = this.clock.us
    if (this.#work === this.#workAtTurn) this.#idleUs += nowUs - this.#turnUs
    this.#turnUs = nowUs
    const pacer = this.#pacer!
    while (pacer.isDue(nowUs)) {
      const publisher = this.#nextPublisher()
      if (publisher === null) {
        this.#blockedUntilUs = nowUs
        break
      }
      const intendedUs = pacer.take()
      const isOurs = intendedUs > this.#blockedUntilUs
      if (isOurs) this.#tally.latenciesOf(intendedUs).sendDelay.record(Math.floor(nowUs - intendedUs))
      publisher.send(intendedUs, nowUs)
      this.#work++
    }
    if (this.#work > this.#workAtTurn) flushClients()
    this.#workAtTurn = this.#work
    this.clock.refresh()
    this.#schedule(pacer.nextUs - nowUs)
  }

  #schedule(gapUs: number): void {
    if (this.#publishers.every((publisher) => publisher.isDone)) return this.stop()
    if (gapUs > SPIN_US) {
      // nobody spins: what passes until the timer is no idle turn
      this.#timer = setTimeout(() => this.#wakeUp(), Math.floor((gapUs - SPIN_US) / US_PER_MS))
    } else {
      this.#dueUs = this.#pacer!.nextUs
      this.#immediate = setImmediate(this.#turn)
    }
  }

  // Most turns only wait. Numbers that go from one function to another are garbage, and so these stay where they are.
  #spin(): void {
    if (!this.#isPublishing) return
    const nowUs = machineUs()
    if (nowUs >= this.#dueUs) return this.#openLoop()
    if (this.#work === this.#workAtTurn) this.#idleUs += nowUs - this.#turnUs
    this.#turnUs = nowUs
    this.#workAtTurn = this.#work
    const stepUs = this.#isAwaiting ? AWAITING_STEP_US : IDLE_STEP_US
    const leftUs = this.#dueUs - nowUs
    this.#spinner!.pass(Math.min(leftUs, stepUs))
    if (leftUs <= stepUs) this.#openLoop()
    else this.#immediate = setImmediate(this.#turn)
  }

  // Something is lost: from then on it is awaited for ever, which does no harm.
  get #isAwaiting(): boolean {
    const { delivery, published, acknowledged, refused } = this.#tally
    if (this.#place.parts > 1 || delivery.received < published * this.#receivers) return true
    return this.#plan.qos > 0 && acknowledged + refused < published
  }

  #wakeUp(): void {
    this.#turnUs = machineUs()
    this.#openLoop()
  }

  #nextPublisher(): LoadPublisher | null {
    const publishers = this.#publishers
    for (let tried = 0; tried < publishers.length; tried++) {
      const publisher = publishers[this.#next]!
      this.#next = this.#next + 1 === publishers.length ? 0 : this.#next + 1
      if (publisher.canSend) return publisher
    }
    return null
  }

  // ---- closed loop

  #wake(publisher: LoadPublisher): void {
    if (publisher.isWaiting) return
    publisher.isWaiting = true
    this.#waiting.push(publisher)
  }

  // Outside the input of a turn: the clock knows nothing of now.
  #refillNow(): void {
    this.clock.refresh()
    this.#refill()
    this.clock.refresh()
  }

  #refill(): void {
    if (!this.#isPublishing) return
    const waiting = this.#waiting
    for (let publisher = waiting.pop(); publisher !== undefined; publisher = waiting.pop()) {
      publisher.isWaiting = false
      publisher.refill()
    }
    if (this.#plan.messages !== null && this.#publishers.every((publisher) => publisher.isDone)) this.stop()
  }

  #resume(): void {
    const { received } = this.#tally.delivery
    if (received === this.#lastReceived) {
      for (const publisher of this.#publishers) {
        if (publisher.unacknowledged === 0) publisher.forgetOutstanding()
        this.#wake(publisher)
      }
      this.#refillNow()
    }
    this.#lastReceived = received
  }

  // ---- CrowdOwner

  lost(): void {
    if (this.#clients.every((client) => client.isIdle)) this.stop()
  }

  // ---- for Participant; hot

  /** Counts what came. */
  receive(arrivals: Arrivals | null, publish: Publish): void {
    this.#work++
    if (arrivals === null) {
      this.#countForeign(publish)
      return
    }
    const publisher = arrivals.take(publish, this.clock.us)
    if (publisher !== null && this.#pacer === null) this.#wake(publisher)
  }

  // Messages of others hold no stamp.
  #countForeign({ message }: Publish): void {
    const { delivery } = this.#tally
    delivery.received++
    delivery.bytes += message.payloadBytes
    if (delivery.received === this.#plan.messages) this.stop()
  }

  /** A publisher may have room. */
  acknowledged(publisher: LoadPublisher): void {
    if (this.#pacer === null && this.#plan.qos > 0) this.#wake(publisher)
  }

  /** The input of one turn is handled. */
  progressed(publisher: LoadPublisher | null): void {
    this.#work++
    if (this.#pacer === null) {
      if (publisher !== null) this.#wake(publisher)
      this.#refill()
    }
    this.clock.refresh()
  }
}

function quotaOf({ messages }: LoadPlan, number: number, publishers: number): number {
  if (messages === null) return Number.POSITIVE_INFINITY
  return Math.floor(messages / publishers) + (number < messages % publishers ? 1 : 0)
}
