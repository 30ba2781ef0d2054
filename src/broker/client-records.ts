import { randomBytes } from 'node:crypto'
import { ReasonCode } from '../codec/reason-code.ts'
import { MessageQueue, OverflowPolicy } from '../session/message-queue.ts'
import { ServerSession } from '../session/server-session.ts'
import { SessionState } from '../session/session-state.ts'
import type { RestoredSession } from '../store/restore.ts'
import { StoredSession } from '../store/stored-session.ts'
import type { Access } from './access.ts'
import { ClientRecord } from './client-record.ts'
import type { BrokerOptions } from './configuration.ts'
import type { Deadlines } from './deadlines.ts'
import type { DeliveryAccounts } from './delivery-accounts.ts'
import type { DurableState } from './durable-state.ts'
import type { Limits } from './limits.ts'
import type { MessageExchange } from './message-exchange.ts'
import type { Metrics } from './metrics.ts'

/** What ClientRecords share with the rest of their broker. */
export interface RecordsSurroundings {
  readonly limits: Limits
  readonly metrics: Metrics
  readonly access: Access
  readonly deadlines: Deadlines
  readonly accounts: DeliveryAccounts
  readonly exchange: MessageExchange
}

/** One record per Client Identifier, from the first CONNECT to the end of the session: take-over, countdowns, wills, expiry. */
export class ClientRecords {
  /** null: there is no store */
  durable: DurableState | null = null
  readonly #byClientId = new Map<string, ClientRecord>()
  readonly #overflow: OverflowPolicy
  readonly #limits: Limits
  readonly #metrics: Metrics
  readonly #access: Access
  readonly #deadlines: Deadlines
  readonly #accounts: DeliveryAccounts
  readonly #exchange: MessageExchange

  constructor(queueOverflow: BrokerOptions['queueOverflow'], around: RecordsSurroundings) {
    this.#overflow = queueOverflow === 'drop-oldest' ? OverflowPolicy.DROP_OLDEST : OverflowPolicy.REJECT_NEWEST
    this.#limits = around.limits
    this.#metrics = around.metrics
    this.#access = around.access
    this.#deadlines = around.deadlines
    this.#accounts = around.accounts
    this.#exchange = around.exchange
  }

  get size(): number {
    return this.#byClientId.size
  }

  get(clientId: string): ClientRecord | undefined {
    return this.#byClientId.get(clientId)
  }

  has(clientId: string): boolean {
    return this.#byClientId.has(clientId)
  }

  /** All, in the order in which their sessions began. */
  all(): IterableIterator<ClientRecord> {
    return this.#byClientId.values()
  }

  *sessions(): IterableIterator<ServerSession> {
    for (const { session } of this.#byClientId.values()) yield session
  }

  /** A new session, for a Client Identifier that has none. */
  make(clientId: string, identity: string | null): ClientRecord {
    return this.#add(this.newState(clientId, identity))
  }

  /** A client is back: its older connection goes first, and the will of that is routed before the new CONNACK (semantics S-01, W-03). */
  takeOver(record: ClientRecord, cleanStart: boolean, nowMs: number): void {
    const { connection, session } = record
    if (connection !== null) {
      connection.disconnect(ReasonCode.SESSION_TAKEN_OVER, {
        discardsWill: false,
        reason: 'taken over by a new connection',
      })
    }
    // ended with its connection, because its expiry was 0
    if (this.#byClientId.get(session.clientId) !== record) return
    if (record.isOver) {
      // only the will was left, and its client is back in time (semantics W-10)
      record.will = null
      this.#endSession(record, nowMs)
      return
    }
    if (cleanStart) {
      // [MQTT-3.1.2-4 v5, MQTT-3.1.2-6 v311]
      this.#endSession(record, nowMs)
      return
    }
    // [MQTT-3.1.3-9] back in time: the delayed will is cancelled
    record.will = null
    record.stopCountdown()
  }

  /** A session that nothing has happened to. */
  newState(clientId: string, identity: string | null): SessionState {
    const { maximumQueuedMessages, maximumQueuedBytes } = this.#limits
    return new SessionState(
      clientId,
      identity,
      new MessageQueue(maximumQueuedMessages, maximumQueuedBytes, this.#overflow),
    )
  }

  #add(state: SessionState): ClientRecord {
    const { clientId, owner } = state
    const { maximumQos0QueuedBytes } = this.#limits
    const qos0Queue = new MessageQueue(Number.MAX_SAFE_INTEGER, maximumQos0QueuedBytes, OverflowPolicy.DROP_OLDEST)
    const session = new ServerSession(state, qos0Queue, this.#exchange)
    session.rights = this.#access.rightsOf(owner, clientId, undefined)
    const record = new ClientRecord(session, (due, nowMs) => this.#fallDue(due, nowMs))
    this.#byClientId.set(clientId, record)
    return record
  }

  /** Letters and digits only, unlike any id known (semantics C-08). */
  assignClientId(): string {
    for (;;) {
      const clientId = `auto${randomBytes(10).toString('hex')}`
      if (!this.#byClientId.has(clientId)) return clientId
    }
  }

  /** What waits for a resumed session may have been allowed to another identity, or by other grants (semantics S-17). */
  giveRights(record: ClientRecord, identity: string | null, grants: unknown): void {
    const { session } = record
    if (session.state.owner === identity && record.grants === grants) return
    record.grants = grants
    session.rights = this.#access.rightsOf(identity, session.clientId, grants)
    this.#exchange.router.forgetAllRoutes()
    session.reviewDeliveries()
  }

  /** The answers of Rights objects have changed (semantics S-17). */
  accessChanged(): void {
    this.#exchange.router.forgetAllRoutes()
    for (const session of this.sessions()) session.reviewDeliveries()
  }

  /** The limits of queues have changed. */
  boundQueues(): void {
    const { maximumQueuedMessages, maximumQueuedBytes, maximumQos0QueuedBytes } = this.#limits
    for (const session of this.sessions()) {
      session.boundQueues(maximumQueuedMessages, maximumQueuedBytes, maximumQos0QueuedBytes)
    }
  }

  // ---- what falls due

  /** The connection of a record has ended: its countdown starts, and what is due at once happens. */
  disconnected(record: ClientRecord, nowMs: number): void {
    this.durable?.disconnected(record)
    record.startCountdown(nowMs)
    this.#watch(record, nowMs)
  }

  /** What a store had is there again, and what fell due meanwhile happens now (semantics E-07, W-10). */
  restore(sessions: readonly RestoredSession[], durable: DurableState, nowMs: number): void {
    const records = sessions.map((session) => this.#restoreSession(session, durable, nowMs))
    this.accessChanged()
    for (const record of records) this.#watch(record, nowMs)
  }

  #restoreSession(restored: RestoredSession, durable: DurableState, nowMs: number): ClientRecord {
    const { state, record: stored, will, number } = restored
    state.sessionExpiryIntervalSeconds = stored.sessionExpiryIntervalSeconds
    const record = this.#add(state)
    record.stored = new StoredSession(number, state, durable.deliveries)
    record.session.keeper = record.stored
    record.will = will
    for (const subscription of state.subscriptions.values())
      this.#exchange.router.add(record.session, subscription, true)
    const wasOpen = stored.endedAtWallMs === 0
    record.resumeCountdown(wasOpen ? null : stored.endedAtWallMs - durable.wallMinusMonotonicMs, nowMs)
    if (wasOpen) {
      if (record.will !== null) record.stored.willSet(record.will)
      durable.disconnected(record)
    }
    return record
  }

  #watch(record: ClientRecord, nowMs: number): void {
    if (record.deadlineMs <= nowMs) this.#fallDue(record, nowMs)
    // a will that is out at once leaves a session that expires later
    if (record.deadlineMs > nowMs) this.#deadlines.watch(record)
  }

  #fallDue(record: ClientRecord, nowMs: number): void {
    if (record.willDueMs <= nowMs) this.#publishWill(record, nowMs)
    if (record.expiresAtMs > nowMs) return
    this.#metrics.sessionsExpired++
    this.#endSession(record, nowMs)
  }

  // [MQTT-3.1.2-8, MQTT-3.1.2-10 v5] once, and then it is gone
  #publishWill(record: ClientRecord, nowMs: number): void {
    const { will, session } = record
    if (will !== null) this.durable?.willGone(record)
    record.will = null
    record.willDueMs = Number.POSITIVE_INFINITY
    if (will === null) return
    if (this.#exchange.judgeTopic(session.rights, will.message.topicName) !== ReasonCode.SUCCESS) {
      this.#metrics.messagesRefused++
      return
    }
    this.#exchange.route(will.message, session.clientId, nowMs)
  }

  /** Ends a session whose client is away. */
  end(record: ClientRecord, nowMs: number): void {
    this.#endSession(record, nowMs)
  }

  #endSession(record: ClientRecord, nowMs: number): void {
    const { session } = record
    this.#deadlines.forget(record)
    this.#byClientId.delete(session.clientId)
    for (const subscription of session.state.subscriptions.values())
      this.#exchange.router.remove(session, subscription.topicFilter)
    session.state.queue.loadShared()
    this.durable?.ended(record)
    const orphans = session.end()
    this.#accounts.sessionEnded(session)
    // the session has ended, so a will whose delay runs is published now (semantics W-07)
    this.#publishWill(record, nowMs)
    for (const orphan of orphans) this.#exchange.forwardToGroup(orphan, nowMs)
  }
}
