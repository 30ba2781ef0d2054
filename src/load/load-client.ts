import {
  brokenByServer,
  ClientError,
  ClientErrorKind,
  connectRefused,
  disconnectedByServer,
} from '../client/client-error.ts'
import { ServerConnection, type ServerConnectionOwner } from '../client/server-connection.ts'
import type { Message } from '../codec/message.ts'
import type { Auth } from '../codec/packets/auth.ts'
import type { Connack } from '../codec/packets/connack.ts'
import type { Connect } from '../codec/packets/connect.ts'
import type { Disconnect } from '../codec/packets/disconnect.ts'
import type { Publish } from '../codec/packets/publish.ts'
import type { Suback } from '../codec/packets/suback.ts'
import type { SubscriptionRequest } from '../codec/packets/subscribe.ts'
import { NO_PROPERTIES, type Properties } from '../codec/property.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { ProtocolViolation } from '../codec/violation.ts'
import { ClientSession, type ClientSessionOwner } from '../session/client-session.ts'
import { MessageQueue, OverflowPolicy } from '../session/message-queue.ts'
import type { ClientBounds } from '../session/server-terms.ts'
import { SessionState } from '../session/session-state.ts'
import { type Address, formatAddress } from '../transport/address.ts'
import { type DialOptions, dial } from '../transport/dial.ts'
import type { Transport } from '../transport/transport.ts'
import { TransportError } from '../transport/transport-error.ts'

/** What a client tells whoever made it. */
export interface LoadClientOwner {
  /** CONNACK accepted. */
  connected(client: LoadClient): void
  /** @param reasonCode of SUBACK; 0x80 and above: refused */
  subscribed(client: LoadClient, reasonCode: number): void
  /** A connection could not be made, or one that was there is gone though nobody wanted that. */
  failed(client: LoadClient, error: ClientError, wasConnected: boolean): void
  /** A connection ended on purpose is gone. */
  closed(client: LoadClient): void
}

/** Where the messages of one client go; hot. */
export interface MessageSink {
  /** The message is good during the call. */
  message(publish: Publish): void
  /** A publication has ended; `token` as it was given. */
  published(token: unknown, reasonCode: number): void
  /** A chunk of input was handled, or output left. */
  progressed(): void
}

/** For clients without messages. */
export const NO_MESSAGES: MessageSink = { message: () => {}, published: () => {}, progressed: () => {} }

const State = { IDLE: 0, CONNECTING: 1, CONNECTED: 2, CLOSING: 3 } as const
type State = (typeof State)[keyof typeof State]

/** QoS 1 and 2 messages that wait for a place in flight: publishers ask for room first, so these are few. */
const QUEUED_BYTES = 16 * 1_048_576

/** A connection that is being ended gets this long. */
const CLOSE_TIMEOUT_MS = 2_000

/** How to reach the broker: the same for all clients of a run but for the address to come from. */
export interface DialTerms extends DialOptions {
  readonly address: Address
}

/**
 * One client of a load generator: a session on a connection, with as little around it as can be, for there are thousands.
 * It makes no connection again by itself; {@link open} may be called again when one has ended.
 */
export class LoadClient implements ServerConnectionOwner, ClientSessionOwner {
  readonly number: number
  readonly session: ClientSession
  readonly #terms: DialTerms
  readonly #owner: LoadClientOwner
  readonly #sink: MessageSink
  #connect: Connect
  #state: State = State.IDLE
  #connection: ServerConnection | null = null
  #error: ClientError | null = null
  #wasConnected = false
  #isLeaving = false
  /** when the present state has lasted too long, on the clock of performance.now() */
  #deadlineMs = Number.POSITIVE_INFINITY

  constructor(
    number: number,
    connect: Connect,
    terms: DialTerms,
    bounds: ClientBounds,
    owner: LoadClientOwner,
    sink: MessageSink,
  ) {
    this.number = number
    this.#connect = connect
    this.#terms = { ...terms, sharesInput: true }
    this.#owner = owner
    this.#sink = sink
    const queue = (): MessageQueue =>
      new MessageQueue(Number.MAX_SAFE_INTEGER, QUEUED_BYTES, OverflowPolicy.REJECT_NEWEST)
    const state = new SessionState(connect.clientId, null, queue())
    this.session = new ClientSession(state, queue(), this, bounds, !connect.cleanStart)
  }

  get isConnected(): boolean {
    return this.#state === State.CONNECTED
  }

  get isIdle(): boolean {
    return this.#state === State.IDLE
  }

  get clientId(): string {
    return this.#connect.clientId
  }

  /** Hot: does the socket take more? */
  get hasRoom(): boolean {
    return this.#connection !== null && this.#state === State.CONNECTED && !this.#connection.full
  }

  /** Sets what the next connection says in CONNECT. */
  connectWith(connect: Connect): void {
    this.#connect = connect
  }

  /** Makes a connection; only while {@link isIdle}. */
  open(): void {
    this.#state = State.CONNECTING
    this.#isLeaving = false
    this.#error = null
    this.#deadlineMs = performance.now() + this.#terms.timeoutMs
    dial(this.#terms.address, this.#terms).then(
      (transport) => this.#dialed(transport),
      (error: unknown) => this.#dialFailed(error),
    )
  }

  #dialed(transport: Transport): void {
    this.#connection = new ServerConnection(transport, this.session, this.#connect, this, null)
    this.#connection.start()
    if (this.#isLeaving) this.#connection.destroy()
    else this.session.connect(this.#connection, this.#connect)
  }

  #dialFailed(error: unknown): void {
    if (!(error instanceof TransportError)) throw error
    this.#end(new ClientError(ClientErrorKind.CANNOT_CONNECT, error.message, { cause: error }))
  }

  subscribe(request: SubscriptionRequest, properties: Properties): void {
    this.session.subscribe([request], properties, this)
  }

  /** Hot. @param token comes back with `published`, maybe before this returns */
  publish(message: Message, token: unknown, nowMs: number): void {
    this.session.publish(message, token, nowMs)
  }

  /** Ends the connection with DISCONNECT. */
  leave(): void {
    if (this.#state === State.IDLE) return
    this.#isLeaving = true
    if (this.#connection === null || this.#state === State.CLOSING) return
    this.session.flush(performance.now())
    this.session.disconnect(ReasonCode.NORMAL_DISCONNECTION, NO_PROPERTIES)
    this.session.connectionLost()
    this.#state = State.CLOSING
    this.#deadlineMs = performance.now() + CLOSE_TIMEOUT_MS
    this.#connection.end()
  }

  /** Cuts the connection without a word, as a lost network does: the broker publishes the will. */
  cut(): void {
    if (this.#state === State.IDLE) return
    this.#isLeaving = true
    this.#state = State.CLOSING
    this.#connection?.destroy()
  }

  /** Looks after the time: keep alive, CONNACK that does not come, a peer that does not close. Call it now and then. */
  tick(nowMs: number): void {
    switch (this.#state) {
      case State.CONNECTED:
        if (this.session.nextDeadlineMs > nowMs || this.session.tick(nowMs)) return
        this.#lose(
          new ClientError(ClientErrorKind.CONNECTION_LOST, `${this.#where} does not answer: no PINGRESP in time`),
        )
        this.#connection?.destroy()
        return
      case State.CONNECTING:
        if (nowMs < this.#deadlineMs || this.#connection === null || this.#connection.tellUndecided()) return
        this.#lose(new ClientError(ClientErrorKind.NO_CONNACK, `${this.#where} sends no CONNACK in time`))
        this.#connection.destroy()
        return
      case State.CLOSING:
        if (nowMs >= this.#deadlineMs) this.#connection?.destroy()
    }
  }

  #lose(error: ClientError): void {
    if (this.#state === State.CLOSING) return
    this.#error = error
    this.#wasConnected = this.#state === State.CONNECTED
    this.session.connectionLost()
    this.#state = State.CLOSING
    this.#deadlineMs = performance.now() + CLOSE_TIMEOUT_MS
    this.#connection?.end()
  }

  #end(error: ClientError | null): void {
    const wasConnected = this.#wasConnected || this.#state === State.CONNECTED
    this.#wasConnected = false
    this.#connection = null
    this.#state = State.IDLE
    this.session.connectionLost()
    if (this.#isLeaving || error === null) this.#owner.closed(this)
    else this.#owner.failed(this, error, wasConnected)
  }

  get #where(): string {
    return formatAddress(this.#terms.address)
  }

  // ---- ServerConnectionOwner

  notMqtt(what: string): void {
    this.#lose(new ClientError(ClientErrorKind.NOT_MQTT, `${this.#where} does not speak MQTT: it answers with ${what}`))
  }

  violated(violation: ProtocolViolation): void {
    this.#lose(brokenByServer(violation))
  }

  ended(): void {
    this.#lose(this.#lost(null))
  }

  closed(error: TransportError | null): void {
    this.#end(this.#error ?? this.#lost(error))
  }

  progressed(): void {
    this.#sink.progressed()
  }

  #lost(cause: TransportError | null): ClientError {
    const isConnected = this.#state === State.CONNECTED
    const what = cause === null ? `${this.#where} closed the connection` : cause.message
    const kind = isConnected ? ClientErrorKind.CONNECTION_LOST : ClientErrorKind.NO_CONNACK
    return new ClientError(kind, isConnected ? what : `${what} before CONNACK`, { cause: cause ?? undefined })
  }

  // ---- ClientSessionOwner

  connected(): void {
    this.#state = State.CONNECTED
    this.#deadlineMs = Number.POSITIVE_INFINITY
    this.#connection?.accepted()
    this.#owner.connected(this)
  }

  refused(connack: Connack): void {
    this.#lose(connectRefused(connack, this.#connect.version))
  }

  message(publish: Publish): void {
    this.#sink.message(publish)
  }

  publishDone(token: unknown, reasonCode: number): void {
    if (token !== null) this.#sink.published(token, reasonCode)
  }

  subscribed(token: unknown, _topicFilters: readonly string[], suback: Suback): void {
    if (token !== null) this.#owner.subscribed(this, suback.codes[0]!)
  }

  unsubscribed(): void {}

  requestAbandoned(): void {}

  disconnected(disconnect: Disconnect): void {
    this.#lose(disconnectedByServer(disconnect))
  }

  authenticated(): boolean {
    return true
  }

  authRequested(_auth: Auth): void {
    const text = `${this.#where} asks for enhanced authentication, which bench cannot answer`
    this.#lose(new ClientError(ClientErrorKind.CONNECT_REFUSED, text))
  }
}
