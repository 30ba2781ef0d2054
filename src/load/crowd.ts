import type { ClientError } from '../client/client-error.ts'
import type { Connect } from '../codec/packets/connect.ts'
import type { QoS } from '../codec/qos.ts'
import { machineUs } from './clock.ts'
import { type DialTerms, LoadClient, type LoadClientOwner, type MessageSink } from './load-client.ts'
import type { LoadPlan } from './plan.ts'
import type { Tally } from './tally.ts'

/** Connections that are being made at once, beside what a connect rate says. */
const AT_ONCE = 64
const TICK_MS = 50
const MS_PER_SECOND = 1000

/** What a crowd tells the scenario. */
export interface CrowdOwner {
  /** A connection is lost that nobody wanted to end. */
  lost(client: LoadClient): void
}

/** What one {@link Crowd.open} is doing. */
interface Opening {
  readonly waiting: LoadClient[]
  readonly startedUs: Map<LoadClient, number>
  readonly beganMs: number
  readonly ratePerSecond: number
  readonly stopsAtFailure: boolean
  readonly ready: (client: LoadClient) => void
  readonly resolve: () => void
  opened: number
  underWay: number
}

/** All clients of a part of the generator: opens them at a pace, looks after their time, and closes them. */
export class Crowd implements LoadClientOwner {
  readonly #plan: LoadPlan
  readonly #tally: Tally
  readonly #owner: CrowdOwner
  readonly #connectRate: number
  readonly #members: LoadClient[] = []
  #opening: Opening | null = null
  #closing: { left: number; readonly resolve: () => void } | null = null
  readonly #ticker: NodeJS.Timeout
  readonly #subscriptions = new Map<LoadClient, (reasonCode: number) => void>()

  /** @param parts of the generator, which share the connect rate */
  constructor(plan: LoadPlan, parts: number, tally: Tally, owner: CrowdOwner) {
    this.#plan = plan
    this.#tally = tally
    this.#owner = owner
    this.#connectRate = (plan.connectRate ?? Number.POSITIVE_INFINITY) / parts
    this.#ticker = setInterval(() => this.#tick(), TICK_MS)
  }

  /** Makes a client, not connected yet. @param number of the client among all of the run */
  add(number: number, connect: Connect, sink: MessageSink): LoadClient {
    const { address, connectTimeoutMs, bindAddresses, tls, inFlight, topicAliases } = this.#plan
    const bindAddress = bindAddresses[number % Math.max(1, bindAddresses.length)]
    const terms: DialTerms = {
      address,
      timeoutMs: connectTimeoutMs,
      tls,
      ...(bindAddress !== undefined && { bindAddress }),
    }
    const bounds = { maximumInFlight: inFlight, maximumTopicAliases: topicAliases }
    const client = new LoadClient(number, connect, terms, bounds, this, sink)
    this.#members.push(client)
    return client
  }

  /**
   * Connects clients, and resolves when each is ready or has failed.
   * @param stopsAtFailure the others are not tried when one has failed
   * @param ready does what is to be done with a connected client; {@link settled} must follow
   */
  open(clients: readonly LoadClient[], stopsAtFailure: boolean, ready: (client: LoadClient) => void): Promise<void> {
    return new Promise((resolve) => {
      this.#opening = {
        waiting: clients.toReversed(),
        startedUs: new Map(),
        beganMs: performance.now(),
        ratePerSecond: this.#connectRate,
        stopsAtFailure,
        ready,
        resolve,
        opened: 0,
        underWay: 0,
      }
      this.#openMore()
    })
  }

  /** The client is as it should be, or will never be: the next one may come. */
  settled(): void {
    if (this.#opening === null) return
    this.#opening.underWay--
    this.#openMore()
  }

  /** Subscribes. @param done told the code of SUBACK */
  subscribe(client: LoadClient, topicFilter: string, qos: QoS, done: (reasonCode: number) => void): void {
    this.#subscriptions.set(client, done)
    const { subscribeProperties } = this.#plan
    const request = { topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    client.subscribe(request, subscribeProperties)
  }

  /** Ends every connection with DISCONNECT. */
  async close(): Promise<void> {
    await this.#end(this.#members, (client) => client.leave())
    clearInterval(this.#ticker)
  }

  /** Ends one connection with DISCONNECT; it can be opened again. */
  leave(client: LoadClient): Promise<void> {
    return this.#end([client], (one) => one.leave())
  }

  /** Cuts connections without a word; they can be opened again. */
  cut(clients: readonly LoadClient[]): Promise<void> {
    return this.#end(clients, (client) => client.cut())
  }

  #end(clients: readonly LoadClient[], how: (client: LoadClient) => void): Promise<void> {
    this.#opening = null
    const open = clients.filter((client) => !client.isIdle)
    if (open.length === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#closing = { left: open.length, resolve }
      for (const client of open) how(client)
    })
  }

  #openMore(): void {
    const opening = this.#opening
    if (opening === null) return
    const due = ((performance.now() - opening.beganMs) / MS_PER_SECOND) * opening.ratePerSecond + 1
    while (opening.waiting.length > 0 && opening.underWay < AT_ONCE && opening.opened < due) {
      const client = opening.waiting.pop()!
      opening.opened++
      opening.underWay++
      opening.startedUs.set(client, machineUs())
      client.open()
    }
    if (opening.waiting.length > 0 || opening.underWay > 0) return
    this.#tally.connectMs += performance.now() - opening.beganMs
    this.#opening = null
    opening.resolve()
  }

  #tick(): void {
    this.#openMore()
    const nowMs = performance.now()
    for (const client of this.#members) client.tick(nowMs)
  }

  // ---- LoadClientOwner

  connected(client: LoadClient): void {
    const startedUs = this.#opening?.startedUs.get(client)
    this.#tally.connected++
    if (startedUs !== undefined) {
      this.#tally.connect.record(Math.floor(machineUs() - startedUs))
      this.#opening!.startedUs.delete(client)
    }
    if (this.#opening !== null) this.#opening.ready(client)
  }

  subscribed(client: LoadClient, reasonCode: number): void {
    const done = this.#subscriptions.get(client)
    this.#subscriptions.delete(client)
    done?.(reasonCode)
  }

  failed(client: LoadClient, error: ClientError, wasConnected: boolean): void {
    const wasOpening = this.#opening !== null && (!wasConnected || this.#subscriptions.has(client))
    this.#subscriptions.delete(client)
    if (wasConnected) this.#tally.lost++
    else this.#tally.failed++
    this.#tally.fail(error)
    if (wasOpening) {
      if (this.#opening!.stopsAtFailure) this.#opening!.waiting.length = 0
      this.settled()
    }
    if (wasConnected) this.#owner.lost(client)
    this.#countClosed()
  }

  closed(): void {
    this.#countClosed()
  }

  #countClosed(): void {
    if (this.#closing === null || --this.#closing.left > 0) return
    const { resolve } = this.#closing
    this.#closing = null
    resolve()
  }
}
