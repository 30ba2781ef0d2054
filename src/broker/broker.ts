/**
 * The broker room: who is connected, which session belongs to which Client Identifier, where a message goes. Protocol
 * knowledge is in session/ and codec/, sockets are in transport/; here they meet. Start with Broker.start and admit; a
 * message's way is receivePublish (network-connection.ts), publish (message-exchange.ts), Router.route, forward
 * (server-session.ts), sendPublish (network-connection.ts).
 */
import { encodePacket } from '../codec/encoder.ts'
import type { Auth } from '../codec/packets/auth.ts'
import type { Connect } from '../codec/packets/connect.ts'
import type { Disconnect } from '../codec/packets/disconnect.ts'
import { ProtocolVersion, protocolVersionName } from '../codec/protocol-version.ts'
import { formatReasonCode, ReasonCode } from '../codec/reason-code.ts'
import type { ViolationName } from '../codec/violation.ts'
import type { Rights } from '../session/rights.ts'
import type { DeliveryCounts, ServerSession } from '../session/server-session.ts'
import { LARGEST_PACKET_BYTES, type SubscriptionOffers } from '../session/server-terms.ts'
import type { Store } from '../store/store.ts'
import { Turn } from '../transport/output-buffer.ts'
import type { TlsServerTerms } from '../transport/tls-terms.ts'
import type { Transport } from '../transport/transport.ts'
import type { Access } from './access.ts'
import { Admission, type AdmissionHost } from './admission.ts'
import { Arrivals } from './arrivals.ts'
import { willOf } from './client-record.ts'
import { ClientRecords } from './client-records.ts'
import { type Clock, SystemClock } from './clock.ts'
import type { BrokerEvent, BrokerOptions } from './configuration.ts'
import { ConnectionList } from './connection-list.ts'
import { ConnectionRate, TOO_MANY } from './connection-rate.ts'
import { agreeOnExpirySeconds, agreeOnKeepAliveSeconds, agreeOnTerms, makeConnack } from './connection-terms.ts'
import { Control } from './control.ts'
import { Deadlines } from './deadlines.ts'
import { DeliveryAccounts } from './delivery-accounts.ts'
import { DropLog } from './drop-log.ts'
import { DurableState } from './durable-state.ts'
import { LimitWatch } from './limit-watch.ts'
import { completeLimits, type LimitName, type Limits } from './limits.ts'
import { Listeners } from './listeners.ts'
import { MessageExchange } from './message-exchange.ts'
import { Metrics, total } from './metrics.ts'
import {
  type ConnectionEnd,
  type ConnectionOwner,
  ConnectionPhase,
  type ConnectionSurroundings,
  NetworkConnection,
} from './network-connection.ts'
import { RetainedMessages } from './retained-messages.ts'
import { SysPublisher } from './sys-publisher.ts'
import { type BrokerGauges, lossesOf } from './sys-topics.ts'
import { UserAccess } from './user-access.ts'
import { VirtualClock } from './virtual-clock.ts'
import { Waiting } from './waiting.ts'

const DEFAULT_PORT = 1883
const DEFAULT_SYS_INTERVAL_SECONDS = 10

/** An MQTT broker: `const broker = await Broker.start({ port: 0 })`, `broker.url`, `await broker.stop()`. */
export class Broker implements ConnectionOwner, AdmissionHost {
  readonly limits: Limits
  readonly metrics = new Metrics()
  /** for packet traces; null costs nothing */
  trace: ConnectionOwner['trace'] = null
  readonly #options: BrokerOptions
  readonly #access: Access
  readonly #offers: SubscriptionOffers
  readonly #admission: Admission
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #turn = new Turn()
  readonly #exchange: MessageExchange
  readonly #retained: RetainedMessages
  readonly #records: ClientRecords
  readonly #connections = new ConnectionList()
  readonly #startedAtMs: number
  readonly #sys: SysPublisher
  readonly #listeners: Listeners
  readonly #arrivals: Arrivals
  #surroundings: ConnectionSurroundings
  readonly #limitWatch: LimitWatch
  readonly #connectionRate: ConnectionRate
  readonly #accounts = new DeliveryAccounts()
  readonly #waiting = new Waiting()
  #clientsConnected = 0
  #clientsMaximum = 0
  #stopping = false
  #whenEmpty: (() => void) | null = null

  private constructor(options: BrokerOptions) {
    this.#options = options
    this.limits = completeLimits(options.limits)
    const users = options.users ?? new Map<string, string>()
    this.#access = options.access ?? new UserAccess(users, options.allowAnonymous ?? users.size === 0)
    this.#offers = {
      wildcardSubscriptionAvailable: options.wildcardSubscriptionAvailable ?? true,
      sharedSubscriptionAvailable: options.sharedSubscriptionAvailable ?? true,
      subscriptionIdentifierAvailable: options.subscriptionIdentifierAvailable ?? true,
    }
    this.#admission = new Admission(this, this.#access, options.sessionsHaveOwners ?? true)
    this.#clock = options.clock ?? (options.virtualTime ? new VirtualClock() : new SystemClock())
    this.#deadlines = new Deadlines(this.#clock)
    this.#limitWatch = new LimitWatch(this.limits, this.#clock, (event) => this.log(event))
    this.#connectionRate = new ConnectionRate(this.limits)
    this.#retained = new RetainedMessages(this.limits, this.#deadlines)
    this.#exchange = new MessageExchange(options, {
      limits: this.limits,
      metrics: this.metrics,
      retained: this.#retained,
      offers: this.#offers,
      limitWatch: this.#limitWatch,
      dropLog: new DropLog(this.#clock, (event) => this.log(event)),
      accounts: this.#accounts,
      waiting: this.#waiting,
      cutOff: (session) => this.#cutOff(session),
    })
    this.#records = new ClientRecords(options.queueOverflow, {
      limits: this.limits,
      metrics: this.metrics,
      access: this.#access,
      deadlines: this.#deadlines,
      accounts: this.#accounts,
      exchange: this.#exchange,
    })
    if (options.control) {
      this.#exchange.requests = new Control({
        limits: this.limits,
        limitWatch: this.#limitWatch,
        access: this.#access,
        records: this.#records,
        clock: this.#clock,
        observed: this,
        log: (event) => this.log(event),
      })
    }
    this.#startedAtMs = this.#clock.nowMs()
    this.#surroundings = {
      owner: this,
      limits: this.limits,
      clock: this.#clock,
      deadlines: this.#deadlines,
      turn: this.#turn,
      metrics: this.metrics,
      journal: null,
    }
    const sysIntervalSeconds = options.sysIntervalSeconds ?? DEFAULT_SYS_INTERVAL_SECONDS
    this.#sys = new SysPublisher(this, this.#exchange, this.#deadlines, sysIntervalSeconds, this.#startedAtMs)
    this.#arrivals = new Arrivals(this.limits, this.#clock, this.#deadlines)
    this.#listeners = new Listeners(
      {
        accept: (transport, arrival) =>
          this.accept(transport, this.#arrivals.leave(arrival), arrival?.provenName ?? null),
        error: (error) => this.log({ event: 'error', detail: error.message }),
        arrive: (arrival) => this.#arrivals.arrive(arrival),
        failed: (arrival, detail) => {
          this.#arrivals.leave(arrival)
          // semantics N-05
          this.log({ event: 'closed', remoteAddress: arrival.remoteAddress, detail })
        },
      },
      {
        webSocket: {
          origins: options.webSocketOrigins ?? null,
          maximumMessageBytes: this.limits.maximumPacketBytes,
        },
        ...(options.tls === undefined ? {} : { tls: options.tls }),
        ...(options.proxies === undefined ? {} : { proxies: options.proxies }),
      },
    )
  }

  /**
   * Opens all listeners and starts.
   * @throws TransportError when one cannot be opened (the others are closed again), RangeError for a limit out of range
   */
  static async start(options: BrokerOptions = {}): Promise<Broker> {
    const broker = new Broker(options)
    if (options.store !== undefined) await broker.#restore(options.store)
    const urls = [...(options.listen ?? [])]
    const port = options.port === undefined ? (urls.length === 0 ? DEFAULT_PORT : null) : options.port
    if (port !== null) {
      const host = options.host ?? '127.0.0.1'
      urls.unshift(`mqtt://${host.includes(':') ? `[${host}]` : host}:${port}`)
    }
    await broker.#listeners.open(urls)
    for (const url of broker.listeners) broker.log({ event: 'listening', detail: url })
    broker.#sys.start(broker.#clock.nowMs())
    return broker
  }

  /** URLs of all listeners, with the real ports, in the order of the options. */
  get listeners(): readonly string[] {
    return this.#listeners.urls
  }

  /** URL of the first listener. */
  get url(): string {
    return this.listeners[0]!
  }

  /** Stops: no new connections, DISCONNECT 0x8B to 5.0 clients, sockets closed. Leaves no open handle. */
  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    const closed = this.#listeners.close()
    for (const connection of this.#connections.all()) {
      if (connection.phase === ConnectionPhase.CONNECTED) {
        connection.disconnect(ReasonCode.SERVER_SHUTTING_DOWN, { discardsWill: false, reason: 'server stops' })
      } else if (connection.phase < ConnectionPhase.CONNECTED) {
        connection.refuse(ReasonCode.SERVER_UNAVAILABLE)
      }
    }
    if (this.#connections.size > 0) await new Promise<void>((resolve) => (this.#whenEmpty = resolve))
    this.#deadlines.stop()
    await this.#records.durable?.end()
    await closed
    this.log({ event: 'stopped', detail: 'all connections are closed' })
  }

  /**
   * Takes a connection that was made outside: for transports of one's own.
   * @param openedAtMs when its peer connected, by the broker's clock
   * @param provenName the client's identity when the connection itself has proven it; '' when it should have; null: CONNECT tells
   */
  accept(transport: Transport, openedAtMs = this.#clock.nowMs(), provenName: string | null = null): void {
    const tapped = this.#options.tap?.(transport) ?? transport
    const connection = new NetworkConnection(tapped, this.#surroundings, openedAtMs)
    connection.provenName = provenName
    this.#connections.add(connection)
    this.metrics.connectionsOpened++
    const waitMs = this.#connectionRate.admit(transport.remoteAddress, this.#clock.nowMs())
    if (waitMs > 0) this.limitReached(connection, 'maximumConnectionRate')
    connection.isTooMany = waitMs === TOO_MANY
    connection.start(waitMs)
    if (this.#stopping) connection.refuse(ReasonCode.SERVER_UNAVAILABLE)
  }

  // ---- CONNECT: judged by Admission, carried out here

  connectReceived(connection: NetworkConnection, connect: Connect): void {
    this.#admission.connectReceived(connection, connect)
  }

  authReceived(connection: NetworkConnection, auth: Auth): void {
    this.#admission.authReceived(connection, auth)
  }

  /** For Admission. */
  get isStopping(): boolean {
    return this.#stopping
  }

  /** For Admission: is there no room for one more client? One that takes over its own id needs none (semantics L-06). */
  isFullFor(clientId: string): boolean {
    if (this.#clientsConnected < this.limits.maximumConnections) return false
    return this.#records.get(clientId)?.connection == null
  }

  /** For Admission: may a client with this id have a session? One that has one already may. */
  hasRoomForSession(clientId: string): boolean {
    return this.#records.size < this.limits.maximumSessions || this.#records.has(clientId)
  }

  limitReached(connection: NetworkConnection, name: LimitName): void {
    this.#limitWatch.reached(name, connection.connect?.clientId ?? '')
  }

  ruleBroken(connection: NetworkConnection, name: ViolationName): void {
    this.#limitWatch.violated(name, connection.connect?.clientId ?? '')
  }

  /** How often each limit was reached since the start. */
  limitCounts(): [name: LimitName, count: number][] {
    return this.#limitWatch.counts()
  }

  /** For Admission. */
  judgeTopic(rights: Rights, topicName: string): number {
    return this.#exchange.judgeTopic(rights, topicName)
  }

  /** For Admission. */
  get retainAvailable(): boolean {
    return this.#options.retainAvailable ?? true
  }

  /** For Admission: a wall clock that jumps later changes nothing (semantics K-07). */
  monotonicMs(wallMs: number): number {
    return this.#clock.nowMs() + wallMs - this.#clock.wallMs()
  }

  /** For Admission: who made the session of a Client Identifier; undefined when there is none. */
  sessionOwner(clientId: string): string | null | undefined {
    return this.#records.get(clientId)?.session.state.owner
  }

  /** For Admission: the client may come in. Now its session is found or made, and an older connection goes. */
  admit(connection: NetworkConnection, connect: Connect, authenticationData: Buffer | null): number {
    const { identity } = connection
    const existing = this.#records.get(connect.clientId) ?? null
    const nowMs = this.#clock.nowMs()
    const assignedClientId = connect.clientId.length === 0 ? this.#records.assignClientId() : null
    const clientId = assignedClientId ?? connect.clientId
    const expirySeconds = agreeOnExpirySeconds(connect, this.limits)
    const keepAliveSeconds = agreeOnKeepAliveSeconds(connect, this.limits)
    const terms = agreeOnTerms(connect, this.limits, this.retainAvailable)
    const agreed = { expirySeconds, keepAliveSeconds, assignedClientId, authenticationData }
    // [MQTT-3.1.2-24] what CONNACK tells cannot be left out
    if (
      terms.maximumPacketBytes < LARGEST_PACKET_BYTES &&
      encodePacket(makeConnack(connect, terms, false, this.limits, this.#offers, agreed), connect.version).length >
        terms.maximumPacketBytes
    )
      return ReasonCode.PACKET_TOO_LARGE
    const makesSession = existing === null || connect.cleanStart
    if (makesSession && (expirySeconds > 0 || connect.will !== null) && this.#exchange.isStoreFailing) {
      // semantics L-05
      return connect.version === ProtocolVersion.V5 ? ReasonCode.QUOTA_EXCEEDED : ReasonCode.SERVER_UNAVAILABLE
    }
    if (existing !== null) this.#records.takeOver(existing, connect.cleanStart, nowMs)
    // a session that ended with its old connection, or was thrown away, is no longer there
    const kept = this.#records.get(clientId) ?? null
    const record = kept ?? this.#records.make(clientId, identity)
    this.#records.giveRights(record, identity, connection.grants)
    record.session.state.sessionExpiryIntervalSeconds = expirySeconds
    // where sessions have no owners, the rights are those of who is there
    record.session.state.owner = identity
    record.connection = connection
    record.will = willOf(connect, expirySeconds)
    this.#records.durable?.connected(record)
    this.#clientsConnected++
    this.#clientsMaximum = Math.max(this.#clientsMaximum, this.#clientsConnected)
    const connack = makeConnack(connect, terms, kept !== null, this.limits, this.#offers, agreed)
    this.log({
      event: 'connect',
      clientId,
      remoteAddress: connection.transport.remoteAddress,
      detail: `MQTT ${protocolVersionName(connect.version)}, keep alive ${keepAliveSeconds} s, ${kept === null ? 'new session' : 'session resumed'}`,
    })
    connection.accept(record.session, connack, terms, keepAliveSeconds)
    this.#waiting.changed()
    return ReasonCode.SUCCESS
  }

  /**
   * The answers of Rights objects have changed: what waits for somebody who may no longer read it is given up, and no
   * subscription delivers it any more, whether its client is there or not (semantics S-17).
   */
  accessChanged(): void {
    this.#records.accessChanged()
  }

  /**
   * Sets other limits. Nobody is dropped: what CONNACK told a client holds as long as its connection, and what waits or is
   * retained above a new bound stays.
   * @param limits those left out get their defaults
   * @throws RangeError for a limit out of range; then nothing has changed
   */
  setLimits(limits: Partial<Limits>): void {
    Object.assign(this.limits, completeLimits(limits))
    this.#records.boundQueues()
  }

  /**
   * Listeners with TLS show this certificate from now on; whoever is connected stays (semantics N-06). Whether clients need
   * one of their own is as it was at the start.
   * @throws Error for texts that are no certificate and its key; then nothing has changed
   */
  setTls(terms: TlsServerTerms): void {
    this.#listeners.renewTls(terms)
  }

  // ---- the end of a connection and of a session

  disconnectReceived(connection: NetworkConnection, disconnect: Disconnect): void {
    connection.session!.receiveDisconnect(disconnect, this.limits.maximumSessionExpirySeconds)
    // U5-3.14.0-1: any code but 0x00 still publishes the will
    const discardsWill = disconnect.reasonCode === ReasonCode.NORMAL_DISCONNECTION
    const reason = discardsWill
      ? 'client disconnected'
      : `client disconnected with ${formatReasonCode(disconnect.reasonCode)}`
    connection.close({ discardsWill, reason })
  }

  connectionEnded(connection: NetworkConnection, end: ConnectionEnd): void {
    const { session } = connection
    session?.connectionLost()
    this.log({
      event: session === null ? 'closed' : 'disconnect',
      clientId: session?.clientId ?? connection.connect?.clientId ?? '',
      remoteAddress: connection.transport.remoteAddress,
      detail: session === null ? end.reason : end.reason + lossesOf(session),
    })
    if (session === null) return
    const record = this.#records.get(session.clientId)!
    this.#clientsConnected--
    record.connection = null
    if (end.discardsWill) record.will = null
    // semantics W-10: like one whose server died, it has its will published after the restart
    if (this.#stopping && record.stored !== null && !end.discardsWill) return
    this.#records.disconnected(record, this.#clock.nowMs())
    this.#waiting.changed()
  }

  connectionClosed(connection: NetworkConnection): void {
    this.#connections.remove(connection)
    if (this.#connections.size === 0) this.#whenEmpty?.()
  }

  // ---- the store

  // All that it has is there before the first listener opens; what fell due meanwhile happens now (semantics E-07, W-10).
  async #restore(store: Store): Promise<void> {
    const durable = await DurableState.open(store, this.#clock, (event) => this.log(event))
    const restored = await durable.restore(({ clientId, owner }) => this.#records.newState(clientId, owner))
    this.#records.durable = durable
    this.#exchange.journal = durable.journal
    this.#surroundings = { ...this.#surroundings, journal: durable.journal }
    this.#exchange.sequence = restored.lastSequence
    const nowMs = this.#clock.nowMs()
    for (const message of restored.retained) {
      if (message.isExpired(nowMs)) durable.retainedChanged(message.topicName, null)
      else this.#retained.restore(message)
    }
    this.#retained.listener = (topicName, message) => durable.retainedChanged(topicName, message)
    this.#records.restore(restored.sessions, durable, nowMs)
    const count = restored.sessions.length
    const sessions = count === 1 ? '1 session' : `${count} sessions`
    this.log({ event: 'store', detail: `restored ${sessions}, ${restored.retained.length} retained` })
  }

  // a client before 5.0, whose message the store cannot keep (semantics L-05)
  #cutOff({ clientId }: ServerSession): void {
    this.#records.get(clientId)!.connection!.disconnect(ReasonCode.QUOTA_EXCEEDED, {
      discardsWill: false,
      reason: 'the store cannot keep its message',
    })
  }

  // ---- for tests of users

  /** Is a client with this Client Identifier connected? */
  isConnected(clientId: string): boolean {
    return this.#records.get(clientId)?.connection != null
  }

  /** Has a session, connected or not, this subscription? @param topicFilter as the client wrote it */
  isSubscribed(topicFilter: string, clientId?: string): boolean {
    if (clientId !== undefined)
      return this.#records.get(clientId)?.session.state.subscriptions.has(topicFilter) ?? false
    for (const { state } of this.#records.sessions()) if (state.subscriptions.has(topicFilter)) return true
    return false
  }

  /** Resolves when the client is connected, now or later; rejects after the time, 5 s unless told. */
  untilConnected(clientId: string, timeoutMs?: number): Promise<void> {
    return this.#waiting.until(() => this.isConnected(clientId), `${JSON.stringify(clientId)} connects`, timeoutMs)
  }

  /** As {@link untilConnected}, for its end. */
  untilDisconnected(clientId: string, timeoutMs?: number): Promise<void> {
    return this.#waiting.until(() => !this.isConnected(clientId), `${JSON.stringify(clientId)} disconnects`, timeoutMs)
  }

  /** Resolves when a session, or that of this client, has subscribed to this filter, now or later. */
  untilSubscribed(topicFilter: string, clientId?: string, timeoutMs?: number): Promise<void> {
    const what = `${clientId === undefined ? 'somebody' : JSON.stringify(clientId)} subscribes to ${topicFilter}`
    return this.#waiting.until(() => this.isSubscribed(topicFilter, clientId), what, timeoutMs)
  }

  /**
   * Lets virtual time pass: keep alive, wills, expiry of sessions and messages fall due as if one had waited, in their order.
   * Clients live in real time, so one with a keep alive counts as silent; give it keep alive 0 to stay.
   * @param duration `'25h'`, `'90s'`, `'500ms'`, or milliseconds
   * @throws Error without `virtualTime`, RangeError for what is no duration
   */
  async advance(duration: number | string): Promise<void> {
    if (!(this.#clock instanceof VirtualClock)) {
      throw new Error('time passes by itself here: start with virtualTime: true')
    }
    await this.#clock.pass(duration)
  }

  /** Present sizes, for `$SYS` and for people. */
  get gauges(): BrokerGauges {
    return {
      uptimeSeconds: (this.#clock.nowMs() - this.#startedAtMs) / 1000,
      clientsConnected: this.#clientsConnected,
      clientsTotal: this.#records.size,
      clientsMaximum: this.#clientsMaximum,
      subscriptions: this.#exchange.router.subscriptionCount,
      sharedSubscriptions: this.#exchange.router.sharedSubscriptionCount,
      retainedMessages: this.#retained.count,
      retainedBytes: this.#retained.bytes,
      version: this.#options.version ?? 'mqtt-kit',
    }
  }

  /**
   * What has become of all messages that were for a session, since the start: at any moment `in` is `out` + `queued` +
   * `dropped`. Takes a look at every session.
   */
  get deliveryCounts(): DeliveryCounts {
    return this.#accounts.sum(this.#records.sessions())
  }

  /** For tests: adds up for each session and in all. @throws Error when a message has vanished or was counted twice */
  assertBalance(): void {
    this.#accounts.assertBalance(this.#records.sessions(), total(this.metrics.messagesDropped))
  }

  /** Tells the log, if there is one. */
  log(event: BrokerEvent): void {
    this.#options.log?.(event)
  }
}
