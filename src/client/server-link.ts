import { PacketType, Role } from '../codec/packet-type.ts'
import type { Connect } from '../codec/packets/connect.ts'
import type { Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { isReasonCodeAllowed, ReasonCode } from '../codec/reason-code.ts'
import type { ProtocolViolation } from '../codec/violation.ts'
import type { ClientSession } from '../session/client-session.ts'
import { LARGEST_PACKET_BYTES } from '../session/server-terms.ts'
import { formatAddress } from '../transport/address.ts'
import { dial } from '../transport/dial.ts'
import type { Transport } from '../transport/transport.ts'
import { isFramingBroken, TransportError } from '../transport/transport-error.ts'
import { Alarm } from './alarm.ts'
import { brokenByServer, ClientError, ClientErrorKind } from './client-error.ts'
import type { ClientHandler, CompleteOptions } from './client-options.ts'
import { isWorthRetrying, reconnectDelayMs } from './reconnect.ts'
import { ServerConnection, type ServerConnectionOwner } from './server-connection.ts'

/** What a link asks of its Client. */
export interface ServerLinkOwner {
  /** @param isFirst no connection was accepted before */
  connectPacket(isFirst: boolean): Connect
  /** No connection was accepted yet, and the attempt failed. @returns true when another one, that differs, may succeed */
  tryOtherwise(): boolean
  /** Nothing is open and nothing will be. @param error null when that was wanted */
  finished(error: ClientError | null): void
  /** Input was processed, or output left. */
  progressed(): void
}

const Phase = { IDLE: 0, CONNECTING: 1, CONNECTED: 2, WAITING: 3, CLOSING: 4, CLOSED: 5 } as const
type Phase = (typeof Phase)[keyof typeof Phase]

/** A closing connection gets this long to take the next bytes, or to close. */
const CLOSE_TIMEOUT_MS = 2_000

/**
 * A Client's link to its Server over many Network Connections: dials, watches the time, closes, and tries again. Whatever
 * ends a connection goes one way: {@link lose} says why and closes, and when the socket is gone it is decided what is next.
 */
export class ServerLink {
  readonly #options: CompleteOptions
  readonly #handler: ClientHandler
  readonly #session: ClientSession
  readonly #owner: ServerLinkOwner
  readonly #connectionOwner: ServerConnectionOwner
  readonly #alarm = new Alarm(() => this.#ring())
  #phase: Phase = Phase.IDLE
  #connection: ServerConnection | null = null
  #dialing: AbortController | null = null
  /** of the phase; while connected the session has its own */
  #deadlineMs = Number.POSITIVE_INFINITY
  /** why the connection that is closing has ended; null when nobody said so */
  #error: ClientError | null = null
  #wasAccepted = false
  /** attempts since the connection was lost, the present one included */
  #attempt = 0
  #isPaused = false
  #isLeaving = false
  #pendingAtLastLook = 0

  constructor(options: CompleteOptions, handler: ClientHandler, session: ClientSession, owner: ServerLinkOwner) {
    this.#options = options
    this.#handler = handler
    this.#session = session
    this.#owner = owner
    this.#connectionOwner = {
      notMqtt: (what) => this.#notMqtt(what),
      violated: (violation) => this.#violated(violation),
      ended: () => this.lose(this.#lost(null)),
      closed: (error) => this.#closed(error),
      progressed: () => owner.progressed(),
    }
  }

  get isIdle(): boolean {
    return this.#phase === Phase.IDLE
  }

  /** False once it was left or is closed: nothing more can be sent. */
  get isUsable(): boolean {
    return !this.#isLeaving && this.#phase !== Phase.CLOSED
  }

  get isClosed(): boolean {
    return this.#phase === Phase.CLOSED
  }

  /** Bytes of the present connection that are not with the kernel. */
  get pendingBytes(): number {
    return this.#connection?.pendingBytes ?? 0
  }

  /** Dials. */
  open(): void {
    const { address, bindAddress, connectTimeoutMs, tls } = this.#options
    this.#phase = Phase.CONNECTING
    this.#deadlineMs = performance.now() + connectTimeoutMs
    this.#dialing = new AbortController()
    const { signal } = this.#dialing
    const local = bindAddress === null ? {} : { bindAddress }
    const maximumMessageBytes = this.#options.connectProperties.maximumPacketBytes ?? LARGEST_PACKET_BYTES
    // what a Client of MQTT 3.1 asks for (V31-17)
    const subprotocol = this.#options.version === ProtocolVersion.V3_1 ? 'mqttv3.1' : 'mqtt'
    const webSocket = { subprotocol, maximumMessageBytes } as const
    dial(address, { timeoutMs: connectTimeoutMs, signal, webSocket, tls, ...local }).then(
      (transport) => this.#dialed(transport),
      (error) => this.#dialFailed(error),
    )
  }

  /**
   * CONNACK was accepted.
   * @returns 0 for the first connection; else the attempts that it took
   */
  accepted(): number {
    const attempt = this.#attempt
    this.#phase = Phase.CONNECTED
    this.#wasAccepted = true
    this.#attempt = 0
    this.#connection!.accepted()
    if (this.#isPaused) this.#connection!.pause()
    this.#arm()
    return attempt
  }

  /** The connection is of no more use. */
  lose(error: ClientError): void {
    if (this.#phase >= Phase.CLOSING) return
    this.#error = error
    this.#session.connectionLost()
    this.#startClosing()
  }

  /** Ends for good with DISCONNECT, behind all that waits for the socket. */
  leave(reasonCode: number, properties: Properties): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    if (this.#phase === Phase.IDLE || this.#phase === Phase.WAITING) {
      this.#finish(null)
    } else if (this.#phase < Phase.CLOSING) {
      this.#dialing?.abort()
      this.#goodbye(reasonCode, properties)
      this.#startClosing()
    }
  }

  /** Ends for good, now. */
  destroy(): void {
    this.#isLeaving = true
    this.#session.connectionLost()
    if (this.#phase === Phase.IDLE || this.#phase === Phase.WAITING) {
      this.#finish(null)
    } else if (this.#phase !== Phase.CLOSED) {
      this.#phase = Phase.CLOSING
      this.#deadlineMs = Number.POSITIVE_INFINITY
      this.#dialing?.abort()
      this.#connection?.destroy()
    }
  }

  /** Stops reading, on this and later connections. */
  pause(): void {
    this.#isPaused = true
    if (this.#phase === Phase.CONNECTED) this.#connection!.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#phase === Phase.CONNECTED) this.#connection!.resume()
  }

  /** See ServerConnection. */
  settle(): void {
    this.#connection?.settle()
  }

  // ---- a connection comes

  #dialed(transport: Transport): void {
    this.#dialing = null
    const connect = this.#owner.connectPacket(!this.#wasAccepted)
    const trace = this.#handler.trace?.bind(this.#handler) ?? null
    const connection = new ServerConnection(transport, this.#session, connect, this.#connectionOwner, trace)
    this.#connection = connection
    connection.start()
    if (this.#isLeaving) {
      connection.destroy()
    } else {
      this.#session.connect(connection, connect)
      this.#arm()
    }
  }

  #dialFailed(error: unknown): void {
    if (!(error instanceof TransportError)) throw error
    this.#dialing = null
    this.#next(new ClientError(ClientErrorKind.CANNOT_CONNECT, error.message, { cause: error }))
  }

  // ---- a connection goes

  #notMqtt(what: string): void {
    this.lose(new ClientError(ClientErrorKind.NOT_MQTT, `${this.#who} does not speak MQTT: it answers with ${what}`))
  }

  #violated(violation: ProtocolViolation): void {
    const { reasonCode, message } = violation
    const isAllowed = isReasonCodeAllowed(PacketType.DISCONNECT, reasonCode, Role.CLIENT)
    // U5-4.13.1-1; before 5.0, and before CONNACK, a client just closes [MQTT-4.8.0-1 v311]
    if (this.#session.terms?.version === ProtocolVersion.V5) {
      this.#session.disconnect(isAllowed ? reasonCode : ReasonCode.PROTOCOL_ERROR, { reasonString: message })
    }
    this.lose(brokenByServer(violation))
  }

  // Before CONNACK MQTT 3.1 sends nothing; later versions may, and so the will stays silent.
  #goodbye(reasonCode: number, properties: Properties): void {
    this.#session.flush(performance.now())
    if (this.#session.terms !== null || this.#session.version !== ProtocolVersion.V3_1) {
      this.#session.disconnect(reasonCode, properties)
    }
    this.#session.connectionLost()
  }

  #startClosing(): void {
    this.#phase = Phase.CLOSING
    this.#deadlineMs = performance.now() + CLOSE_TIMEOUT_MS
    this.#connection?.end()
    this.#pendingAtLastLook = this.pendingBytes
    this.#arm()
  }

  #closed(transportError: TransportError | null): void {
    const error = this.#error ?? this.#lost(transportError)
    this.#connection = null
    this.#session.connectionLost()
    this.#next(error)
  }

  /** Nothing is open any more: what now? */
  #next(error: ClientError): void {
    this.#alarm.clear()
    this.#error = null
    if (this.#isLeaving) this.#finish(null)
    else if (this.#wasAccepted) this.#retry(error)
    else if (this.#owner.tryOtherwise() && !this.#isLeaving) this.open()
    else this.#finish(this.#isLeaving ? null : error)
  }

  #retry(error: ClientError): void {
    const wasConnected = this.#attempt === 0
    const retryInMs = this.#nextDelayMs(error)
    if (retryInMs !== null) {
      this.#phase = Phase.WAITING
      this.#deadlineMs = performance.now() + retryInMs
      this.#arm()
    }
    // the handler may end the client
    if (wasConnected) this.#handler.connectionLost?.(error, retryInMs)
    else this.#handler.reconnectFailed?.(error, retryInMs)
    if (retryInMs === null) this.#finish(error)
  }

  #nextDelayMs(error: ClientError): number | null {
    const { reconnect } = this.#options
    if (reconnect === null || !isWorthRetrying(error)) return null
    this.#attempt++
    return reconnectDelayMs(reconnect, this.#attempt, Math.random())
  }

  #finish(error: ClientError | null): void {
    if (this.#phase === Phase.CLOSED) return
    this.#phase = Phase.CLOSED
    this.#alarm.clear()
    this.#owner.finished(error)
  }

  // ---- time: one alarm for all deadlines

  #arm(): void {
    const atMs = this.#phase === Phase.CONNECTED ? this.#session.nextDeadlineMs : this.#deadlineMs
    if (atMs !== Number.POSITIVE_INFINITY) this.#alarm.set(atMs)
  }

  #ring(): void {
    const nowMs = performance.now()
    if (this.#phase === Phase.CONNECTED) this.#tick(nowMs)
    else if (nowMs >= this.#deadlineMs) this.#deadlinePassed(nowMs)
    if (this.#phase !== Phase.CLOSED) this.#arm()
  }

  #tick(nowMs: number): void {
    // while we do not read, the Server's silence is our own doing
    if (this.#isPaused) this.#session.received(nowMs)
    if (this.#session.tick(nowMs)) return
    this.#cut(new ClientError(ClientErrorKind.CONNECTION_LOST, `${this.#who} does not answer: no PINGRESP in time`))
  }

  #deadlinePassed(nowMs: number): void {
    switch (this.#phase) {
      case Phase.WAITING:
        this.open()
        return
      case Phase.CONNECTING:
        // until there is a connection, dial() watches the time
        this.#deadlineMs = Number.POSITIVE_INFINITY
        if (this.#connection === null || this.#connection.tellUndecided()) return
        this.#cut(new ClientError(ClientErrorKind.NO_CONNACK, `${this.#who} sends no CONNACK in time`))
        return
      case Phase.CLOSING:
        this.#judgeClosing(nowMs)
    }
  }

  // Nobody reads at the other end, so there is nothing to wait for.
  #cut(error: ClientError): void {
    this.lose(error)
    this.#connection?.destroy()
  }

  // A Server that still takes what we sent gets more time.
  #judgeClosing(nowMs: number): void {
    if (this.pendingBytes < this.#pendingAtLastLook) {
      this.#pendingAtLastLook = this.pendingBytes
      this.#deadlineMs = nowMs + CLOSE_TIMEOUT_MS
    } else {
      this.#deadlineMs = Number.POSITIVE_INFINITY
      this.#connection?.destroy()
    }
  }

  #lost(cause: TransportError | null): ClientError {
    if (cause !== null && isFramingBroken(cause))
      return new ClientError(ClientErrorKind.PROTOCOL, cause.message, { cause })
    const isConnected = this.#phase === Phase.CONNECTED
    const kind = isConnected ? ClientErrorKind.CONNECTION_LOST : ClientErrorKind.NO_CONNACK
    const what = cause === null ? `${this.#who} closed the connection` : cause.message
    return new ClientError(kind, isConnected ? what : `${what} before CONNACK`, { cause: cause ?? undefined })
  }

  get #who(): string {
    return formatAddress(this.#options.address)
  }
}
