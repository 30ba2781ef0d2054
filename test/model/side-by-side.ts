import { vi } from 'vitest'
import { memoryStorage, type Storage } from '../support/storage.ts'
import { Finding, Judge } from './judge.ts'
import { ModelClient, type Sending } from './model-client.ts'
import type { ModelLimits } from './model-state.ts'
import type { ConnectOperation, Operation, RestartOperation, Script, Sent } from './operations.ts'
import { ReferenceModel } from './reference-model.ts'
import type { Kept } from './restarts.ts'
import { RunningBroker } from './running-broker.ts'
import { acknowledgement, openDeliveries, sendingFor } from './sendings.ts'
import { markCommitted, markUncommitted } from './uncommitted.ts'
import type { Version } from './wire.ts'

/** A script that the broker did not follow as the model demands. */
export interface Failure {
  /** index of the operation */
  readonly at: number
  /** the broker crashed, in place of doing something wrong */
  readonly isCrash: boolean
  readonly message: string
}

/**
 * Deadlines are a whole number of half seconds after the packet that set them. With each operation at a millisecond of its
 * own modulo this, no two of them fall together, so their order is never a matter of taste.
 */
const STEP_MS = 500

/** An operation may take two moments: the end of one client, and another one in its place. */
const MOMENTS = 2

const BROKER_OPERATIONS: ReadonlySet<string> = new Set<RestartOperation['do']>([
  'stop',
  'kill',
  'hold commits',
  'let commits go',
])

type ClientOperation = Exclude<Operation, RestartOperation | { do: 'wait' | 'acknowledge all' }>

/** An exchange of acknowledgements ends by then, or goes round in circles. */
const MOST_ROUNDS = 1000

/** What a script is run with, other than usual. */
export interface RunOptions {
  /** other limits for the broker than the model is told, to see that it makes a difference */
  readonly brokerLimits?: ModelLimits
  /** of a script that has a store; absent: in memory */
  readonly storage?: () => Storage
}

/** Runs a script. @returns null when broker and model agree to the end */
export async function run(
  { limits, operations }: Script,
  { brokerLimits = limits, storage: makeStorage = memoryStorage }: RunOptions = {},
): Promise<Failure | null> {
  if (!operations.some(isOfTheBroker)) return runOn(null, brokerLimits, limits, operations)
  const storage = makeStorage()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    return await runOn(storage, brokerLimits, limits, operations)
  } finally {
    vi.useRealTimers()
    await storage.dispose()
  }
}

async function runOn(
  storage: Storage | null,
  brokerLimits: ModelLimits,
  limits: ModelLimits,
  operations: readonly Operation[],
): Promise<Failure | null> {
  const running = await RunningBroker.start(brokerLimits, storage)
  const sides = new SideBySide(running, new ReferenceModel(limits, running.now))
  for (const [at, operation] of operations.entries()) {
    try {
      await sides.perform(operation, at)
    } catch (error) {
      // an exception of the broker is a finding too
      const isCrash = !(error instanceof Finding)
      return { at, isCrash, message: isCrash ? String((error as Error).stack) : error.message }
    }
  }
  await sides.end()
  return null
}

/** The broker and the model, fed with the same, compared after each step. */
class SideBySide {
  #running: RunningBroker
  readonly #model: ReferenceModel
  readonly #judge: Judge
  readonly #clients = new Map<number, ModelClient>()
  /** what the store has while commits are held; null while they are not */
  #kept: Kept | null = null

  constructor(running: RunningBroker, model: ReferenceModel) {
    this.#running = running
    this.#model = model
    this.#judge = new Judge(model)
  }

  /** @param number of the operation: names its payload and the millisecond at which it happens */
  async perform(operation: Operation, number: number): Promise<void> {
    await this.#advanceTo(nextMoment(this.#running.now, number))
    if (operation.do === 'wait') {
      await this.#advanceTo(this.#running.now + operation.ms)
    } else if (isOfTheBroker(operation)) {
      await this.#happenToBroker(operation)
    } else if (operation.do === 'acknowledge all') {
      await this.#acknowledgeAll(operation.slot)
    } else {
      await this.#act(operation, number)
      await this.#compare()
    }
  }

  /** Ends what is left, so that no broker outlives its script. */
  async end(): Promise<void> {
    for (const client of this.#clients.values()) client.transport.reset()
    this.#running.letCommitsGo()
    await this.#running.settle()
    await this.#running.broker.stop()
  }

  // Time passes from one moment at which the model expects something to the next, and nothing may come a millisecond early.
  async #advanceTo(until: number): Promise<void> {
    for (let due = this.#model.nextDueAt; due <= until; due = this.#model.nextDueAt) {
      if (due - 1 > this.#running.now) await this.#passTo(due - 1)
      await this.#passTo(due)
    }
    await this.#passTo(until)
  }

  async #passTo(moment: number): Promise<void> {
    this.#running.advance(moment - this.#running.now)
    this.#model.now = moment
    await this.#running.settle()
    this.#model.timePassed()
    await this.#compare()
  }

  async #act(operation: ClientOperation, number: number): Promise<void> {
    if (operation.do === 'open') {
      await this.#open(operation.slot, operation.version)
      return
    }
    if (operation.do === 'connect') {
      const client = await this.#newClientFor(operation)
      client.hold(sendingFor(operation, client, number)!)
      return this.#flush(client, operation)
    }
    const client = this.#clients.get(operation.slot)
    if (client === undefined || client.connection.isGone) return
    switch (operation.do) {
      case 'close':
        client.transport.finish()
        return this.#lose(client)
      case 'reset':
        client.transport.reset()
        return this.#lose(client)
      case 'stop reading':
        client.transport.read(0)
        return
      case 'read':
        client.transport.read(operation.bytes ?? Number.POSITIVE_INFINITY)
        return
      default: {
        const sending = sendingFor(operation, client, number)
        if (sending === null) return
        client.hold(sending)
        return this.#flush(client, operation)
      }
    }
  }

  // A slot that is in use is given up: its client has died.
  async #open(slot: number, version: Version): Promise<ModelClient> {
    const old = this.#clients.get(slot)
    if (old !== undefined && !old.connection.isGone) {
      old.transport.reset()
      this.#model.lost(old.connection)
      await this.#compare()
      await this.#advanceTo(this.#running.now + 1)
    }
    const client = new ModelClient(this.#running.network, this.#model.open(slot, version))
    this.#clients.set(slot, client)
    this.#running.broker.accept(client.transport)
    return client
  }

  async #newClientFor({ slot, version }: ConnectOperation): Promise<ModelClient> {
    const waiting = this.#clients.get(slot)
    const isFresh =
      waiting !== undefined && waiting.connection.phase === 'new' && waiting.connection.version === version
    return isFresh && !waiting.isHolding ? waiting : this.#open(slot, version)
  }

  async #flush(client: ModelClient, operation: Sent & { readonly do: string }): Promise<void> {
    if (operation.joined && operation.cutAt === undefined) return
    // before CONNECT the first byte of anything else is the end
    const isClear = client.connection.phase !== 'new' || operation.do === 'connect'
    const { arrived, isCut } = client.flush(isClear ? operation : { ...operation, later: 0 })
    await this.#running.settle()
    for (const sending of arrived) this.#tellModel(client, sending)
    if (isCut) this.#model.lost(client.connection)
  }

  async #lose(client: ModelClient): Promise<void> {
    await this.#running.settle()
    this.#model.lost(client.connection)
  }

  #tellModel(client: ModelClient, sending: Sending): void {
    if (this.#kept === null) this.#tell(client, sending)
    else markUncommitted(this.#model, () => this.#tell(client, sending))
  }

  #tell({ connection }: ModelClient, sending: Sending): void {
    if ('packet' in sending) this.#model.receive(connection, sending.packet)
    else this.#model.violate(connection, sending.codes)
  }

  async #acknowledgeAll(slot: number): Promise<void> {
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const client = this.#clients.get(slot)
      const open = client === undefined ? [] : openDeliveries(client)
      if (open.length === 0) return
      for (const delivery of open)
        client!.hold({ packet: acknowledgement(delivery, 'rightly', client!.connection.version) })
      await this.#flush(client!, { do: 'acknowledge all' })
      await this.#compare()
    }
    throw new Finding(`slot ${slot}: there is always one more message to acknowledge`)
  }

  // ---- what happens to the broker

  async #happenToBroker(operation: RestartOperation): Promise<void> {
    switch (operation.do) {
      case 'hold commits':
        if (this.#kept === null) await this.#holdCommits()
        return
      case 'let commits go':
        return this.#letCommitsGo()
      case 'stop':
        await this.#letCommitsGo()
        await this.#stop()
        return this.#startAgain(operation.awayMs ?? 0)
      case 'kill':
        if (this.#kept === null) {
          await this.#running.writeAll()
          await this.#compare()
        } else {
          this.#model.restarts.rollBack(this.#kept)
        }
        this.#model.restarts.kill()
        return this.#startAgain(operation.awayMs ?? 0)
    }
  }

  async #holdCommits(): Promise<void> {
    await this.#running.writeAll()
    await this.#compare()
    this.#kept = this.#model.restarts.snapshot()
    this.#judge.isHolding = true
    this.#running.holdCommits()
  }

  async #letCommitsGo(): Promise<void> {
    this.#kept = null
    this.#judge.isHolding = false
    this.#running.letCommitsGo()
    markCommitted(this.#model)
    await this.#compare()
  }

  async #stop(): Promise<void> {
    this.#model.restarts.stop()
    const stopped = this.#running.broker.stop()
    await this.#running.settle()
    this.#judgeClients()
    for (const client of this.#clients.values()) client.transport.reset()
    await this.#running.settle()
    await stopped
  }

  async #startAgain(awayMs: number): Promise<void> {
    this.#kept = null
    this.#judge.isHolding = false
    this.#clients.clear()
    this.#running = await this.#running.next(awayMs)
    this.#model.now = this.#running.now
    this.#model.restarts.restart()
    await this.#compare()
  }

  // ---- comparing

  async #compare(): Promise<void> {
    await this.#running.settle()
    this.#judgeClients()
    this.#compareSizes()
    this.#running.broker.assertBalance()
  }

  #judgeClients(): void {
    for (const client of this.#clients.values()) {
      if (client.fault !== null) throw new Finding(`slot ${client.connection.slot}: ${client.fault.message}`)
      const packets = client.received.splice(0)
      if (!client.connection.isGone) for (const packet of packets) this.#judge.see(client.connection, packet)
    }
    for (const client of this.#clients.values()) this.#judge.settle(client.connection, client.transport)
  }

  // Nothing is left behind, and nothing is missing, that no client sees.
  #compareSizes(): void {
    const { clientsConnected, clientsTotal, subscriptions, retainedMessages } = this.#running.broker.gauges
    const sessions = [...this.#model.sessions.values()]
    const expected = {
      clientsConnected: sessions.filter(({ connection }) => connection !== null).length,
      clientsTotal: sessions.length,
      subscriptions: sessions.reduce((sum, session) => sum + session.subscriptions.size, 0),
    }
    const seen = { clientsConnected, clientsTotal, subscriptions }
    if (JSON.stringify(seen) !== JSON.stringify(expected)) {
      throw new Finding(`the broker counts ${JSON.stringify(seen)}, expected ${JSON.stringify(expected)}`)
    }
    const { fewest, most } = this.#model.retainedCount()
    if (retainedMessages < fewest || retainedMessages > most) {
      throw new Finding(`the broker holds ${retainedMessages} retained messages, expected ${fewest} to ${most}`)
    }
  }
}

function isOfTheBroker(operation: Operation): operation is RestartOperation {
  return BROKER_OPERATIONS.has(operation.do)
}

// The next millisecond that is the operation's own.
function nextMoment(now: number, number: number): number {
  const wanted = (number * MOMENTS) % STEP_MS
  return now + ((wanted - (now % STEP_MS) + STEP_MS) % STEP_MS)
}
