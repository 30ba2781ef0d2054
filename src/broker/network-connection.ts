import type { ControlPacket } from '../codec/control-packet.ts'
import type { PacketSink } from '../codec/decoder.ts'
import { encodePacket } from '../codec/encoder.ts'
import type { Message } from '../codec/message.ts'
import { PacketType, packetTypeNames } from '../codec/packet-type.ts'
import {
  type Acknowledgement,
  type AcknowledgementType,
  acknowledgementBytes,
  writeAcknowledgement,
} from '../codec/packets/acknowledgement.ts'
import type { Auth } from '../codec/packets/auth.ts'
import type { Connack } from '../codec/packets/connack.ts'
import type { Connect } from '../codec/packets/connect.ts'
import type { Disconnect } from '../codec/packets/disconnect.ts'
import { type Publish, type PublishHeader, publishBytes, putPublish } from '../codec/packets/publish.ts'
import type { Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ProtocolViolation, type ViolationName } from '../codec/violation.ts'
import { keepAliveDeadlineMs } from '../session/keep-alive.ts'
import type { ConnectionTerms, ServerSession } from '../session/server-session.ts'
import type { SessionOutput } from '../session/session-output.ts'
import type { Held } from '../store/gathering.ts'
import type { Journal } from '../store/journal.ts'
import { greetingOf } from '../transport/greeting.ts'
import { OutputBuffer, PASS_ON_BYTES, type Turn } from '../transport/output-buffer.ts'
import type { Transport, TransportHandler } from '../transport/transport.ts'
import type { TransportError } from '../transport/transport-error.ts'
import type { ClientRateName } from './client-rates.ts'
import type { Clock } from './clock.ts'
import { ConnectionInput, Pause } from './connection-input.ts'
import { type Deadline, type Deadlines, NOT_WATCHED } from './deadlines.ts'
import { AuthenticationSink, type EnhancedAuthentication } from './enhanced-authentication.ts'
import { answerToMalformedConnect, farewell, farewellCode, refusal } from './farewell.ts'
import type { LimitName, Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'

/** Where a connection is in its life. Nothing a client sends counts once it is CLOSING. */
export const ConnectionPhase = { AWAITING_CONNECT: 0, AUTHENTICATING: 1, CONNECTED: 2, CLOSING: 3, CLOSED: 4 } as const
export type ConnectionPhase = (typeof ConnectionPhase)[keyof typeof ConnectionPhase]

/** Why a connection ended: what decides about its will, and what the log says. */
export interface ConnectionEnd {
  /** DISCONNECT 0x00: the will is discarded [MQTT-3.14.4-3] */
  readonly discardsWill: boolean
  /** one phrase for people */
  readonly reason: string
}

/** What a connection tells its broker. */
export interface ConnectionOwner {
  connectReceived(connection: NetworkConnection, connect: Connect): void
  /** Called once, also when CONNECT never came. The session is still attached. */
  connectionEnded(connection: NetworkConnection, end: ConnectionEnd): void
  /** The socket is gone. */
  connectionClosed(connection: NetworkConnection): void
  disconnectReceived(connection: NetworkConnection, disconnect: Disconnect): void
  authReceived(connection: NetworkConnection, auth: Auth): void
  /** The client has come up against a limit. */
  limitReached(connection: NetworkConnection, name: LimitName): void
  /** The client has broken a rule. */
  ruleBroken(connection: NetworkConnection, name: ViolationName): void
  trace:
    | ((connection: NetworkConnection, sent: boolean, packet: ControlPacket | Publish | TracedPublish) => void)
    | null
}

/** A PUBLISH on its way out, for traces. */
export interface TracedPublish {
  readonly packetType: typeof PacketType.PUBLISH
  readonly message: Message
  readonly header: PublishHeader
}

/** What every connection of a broker shares. */
export interface ConnectionSurroundings {
  readonly owner: ConnectionOwner
  readonly limits: Limits
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly turn: Turn
  readonly metrics: Metrics
  /** writes what must not be lost; null: there is no store */
  readonly journal: Journal | null
}

/** Answers by which an exchange, or a session, goes on that is kept. */
const GOES_ON: ReadonlySet<PacketType> = new Set([
  PacketType.PUBREC,
  PacketType.PUBREL,
  PacketType.PUBCOMP,
  PacketType.UNSUBACK,
])

/** What a client must take within stuckTimeoutSeconds. */
const STEP_BYTES = 65_536

/** One socket: input, session and output put together. */
export class NetworkConnection implements TransportHandler, PacketSink, SessionOutput, Deadline, Held {
  readonly transport: Transport
  phase: ConnectionPhase = ConnectionPhase.AWAITING_CONNECT
  /** the CONNECT that was accepted, or is being judged */
  connect: Connect | null = null
  session: ServerSession | null = null
  /** identity that was authenticated; null for anonymous */
  identity: string | null = null
  /** identity that TLS has proven; '' when it could not, null when nobody asked */
  provenName: string | null = null
  /** what its authentication brought along for its rights */
  grants: unknown
  /** when its authentication ends, monotonic ms */
  authenticatedUntilMs = Number.POSITIVE_INFINITY
  /** an exchange of AUTH packets under way, or the last one; null when CONNECT named no method */
  enhanced: EnhancedAuthentication | null = null
  /** as it counts: that of CONNECT, or Server Keep Alive */
  keepAliveSeconds = 0
  deadlinePlace = NOT_WATCHED
  /** both for ConnectionList */
  previous: NetworkConnection | null = null
  next: NetworkConnection | null = null
  #comesBack = false
  readonly #around: ConnectionSurroundings
  readonly #input: ConnectionInput
  readonly #output: OutputBuffer
  /** when the client connected, monotonic ms */
  readonly openedAtMs: number
  #lastPacketMs: number
  #closeAtMs = Number.POSITIVE_INFINITY
  #nowMs: number
  #maximumPacketBytes = Number.POSITIVE_INFINITY
  /** bytes of packets other than PUBLISH that went out; as many at most are pending */
  #answerBytes = 0
  /** since when the client takes nothing of what is ready for it; Infinity while it does */
  #stuckSinceMs = Number.POSITIVE_INFINITY
  /** from its address come too many connections: its CONNECT is refused */
  isTooMany = false

  /** @param openedAtMs when the client connected, which may be some steps ago: the time limit of CONNECT counts from there */
  constructor(transport: Transport, around: ConnectionSurroundings, openedAtMs: number) {
    this.transport = transport
    this.#around = around
    this.#input = new ConnectionInput(transport, around.limits, this)
    this.#output = new OutputBuffer(transport, around.turn)
    this.openedAtMs = openedAtMs
    this.#lastPacketMs = this.#nowMs = around.clock.nowMs()
  }

  /** Starts reading. @param waitMs only after so long */
  start(waitMs = 0): void {
    if (waitMs > 0) this.#input.readAgainAtMs = this.openedAtMs + waitMs
    else this.transport.start(this)
    this.#around.deadlines.watch(this)
  }

  /** MQTT version of the client; null before its CONNECT. A second CONNECT does not change it. */
  get version(): ProtocolVersion | null {
    return this.connect === null ? this.#input.version : this.connect.version
  }

  // ---- bytes in: TransportHandler

  data(bytes: Buffer): void {
    this.#nowMs = this.#around.clock.nowMs()
    this.#around.metrics.bytesReceived += bytes.length
    if (this.phase >= ConnectionPhase.CLOSING) return
    try {
      this.#input.take(bytes)
    } catch (error) {
      const reason = this.phase === ConnectionPhase.AWAITING_CONNECT ? foreignGreeting(bytes) : null
      if (reason === null) this.#failed(error)
      else this.close({ discardsWill: false, reason })
    }
    this.#input.boundHeld()
    if (this.#around.limits.maximumByteRate > 0) this.#judgeRate('maximumByteRate', bytes.length)
    if (this.#answerBytes > this.#around.limits.maximumOutputBytes) this.#judgeAnswers()
  }

  // Answers cannot be held back as messages can. A client that goes on asking and does not read them is not read itself until
  // it does (semantics F-07).
  #judgeAnswers(): void {
    this.#answerBytes = Math.min(this.#answerBytes, this.#output.pendingBytes)
    const isTaken = this.transport.bufferedBytes === 0 && this.heldBy === null
    if (this.#answerBytes <= this.#around.limits.maximumOutputBytes || isTaken) return
    this.#noteStuck()
    this.#input.stall()
  }

  #judgeRate(name: ClientRateName, count: number): void {
    const waitMs = this.#input.waitMsFor(name, count, this.#nowMs)
    if (waitMs === 0 || this.phase !== ConnectionPhase.CONNECTED) return
    if (!this.#isThrottled) this.#around.owner.limitReached(this, name)
    this.#input.throttle(this.#nowMs + waitMs)
    this.#around.deadlines.watch(this)
  }

  get #isThrottled(): boolean {
    return this.#input.isPausedFor(Pause.THROTTLED)
  }

  #readAgain(nowMs: number): void {
    this.#input.readAgainAtMs = Number.POSITIVE_INFINITY
    if (!this.#isThrottled) {
      this.transport.start(this)
      return
    }
    // nobody could show in the meantime that it is there
    this.#nowMs = this.#lastPacketMs = nowMs
    this.#goOn(Pause.THROTTLED)
  }

  #goOn(reason: Pause): void {
    try {
      this.#input.goOn(reason)
    } catch (error) {
      this.#failed(error)
    }
  }

  comeBack(): void {
    if (this.#comesBack) return
    this.#comesBack = true
    setImmediate(() => {
      this.#comesBack = false
      this.#sendWaiting()
    })
  }

  drained(): void {
    this.#stuckSinceMs = Number.POSITIVE_INFINITY
    this.#output.drained()
    if (this.#input.isPausedFor(Pause.STALLED)) this.#input.read(Pause.STALLED)
    this.#sendWaiting()
  }

  #sendWaiting(): void {
    if (this.phase !== ConnectionPhase.CONNECTED) return
    this.#nowMs = this.#around.clock.nowMs()
    this.session?.drained(this.#nowMs)
  }

  // A client that has sent FIN is treated as closed once what it sent was processed (semantics N-07).
  ended(): void {
    this.#end({ discardsWill: false, reason: 'client closed the connection without DISCONNECT' })
    this.#startClosing()
  }

  closed(error: TransportError | null): void {
    this.#end({
      discardsWill: false,
      reason: error === null ? 'connection closed without DISCONNECT' : `connection lost: ${error.code}`,
    })
    this.phase = ConnectionPhase.CLOSED
    this.#around.deadlines.forget(this)
    this.#output.discard()
    this.#around.owner.connectionClosed(this)
  }

  #failed(error: unknown): void {
    if (!(error instanceof ProtocolViolation)) throw error
    this.violate(error)
  }

  // ---- packets in: PacketSink

  receivePublish(publish: Publish): void {
    const { metrics, owner } = this.#around
    this.#lastPacketMs = this.#nowMs
    metrics.packetsReceived[PacketType.PUBLISH]!++
    metrics.messagesReceived[publish.qos]!++
    metrics.publishBytesReceived += publish.message.payloadBytes
    if (owner.trace !== null) owner.trace(this, false, publish)
    if (this.#around.limits.maximumMessageRate > 0) this.#judgeRate('maximumMessageRate', 1)
    this.session!.receivePublish(publish, this.#nowMs)
  }

  receiveAcknowledgement(acknowledgement: Acknowledgement): void {
    const { metrics, owner } = this.#around
    this.#lastPacketMs = this.#nowMs
    if (this.#stuckSinceMs !== Number.POSITIVE_INFINITY) this.#stuckSinceMs = this.#nowMs
    metrics.packetsReceived[acknowledgement.packetType]!++
    if (owner.trace !== null) owner.trace(this, false, acknowledgement)
    // an id that is not open is ignored and counted (semantics O-09)
    if (!this.session!.receiveAcknowledgement(acknowledgement, this.#nowMs)) metrics.acknowledgementsUnknown++
  }

  receivePacket(packet: ControlPacket): void {
    const { metrics, owner } = this.#around
    this.#lastPacketMs = this.#nowMs
    metrics.packetsReceived[packet.packetType]!++
    if (owner.trace !== null) owner.trace(this, false, packet)
    switch (packet.packetType) {
      case PacketType.CONNECT:
        return this.#receiveConnect(packet)
      case PacketType.SUBSCRIBE:
        return this.session!.receiveSubscribe(packet, this.#nowMs)
      case PacketType.UNSUBSCRIBE:
        return this.session!.receiveUnsubscribe(packet)
      case PacketType.PINGREQ:
        return this.session!.receivePingreq()
      case PacketType.DISCONNECT:
        if (this.session === null) return this.close({ discardsWill: true, reason: 'client gave up authentication' })
        return owner.disconnectReceived(this, packet)
      default:
        // AUTH: the decoder lets nothing else through that a client may not send
        if (this.phase === ConnectionPhase.AUTHENTICATING) this.#input.hold()
        return owner.authReceived(this, packet as Auth)
    }
  }

  #receiveConnect(connect: Connect): void {
    // [MQTT-3.1.0-2]
    if (this.phase !== ConnectionPhase.AWAITING_CONNECT) {
      throw new ProtocolViolation('SECOND_CONNECT', { version: this.version!, packetType: PacketType.CONNECT })
    }
    this.phase = ConnectionPhase.AUTHENTICATING
    this.connect = connect
    this.#input.hold()
    this.#around.owner.connectReceived(this, connect)
  }

  // ---- what the broker decides

  /** Sends AUTH and lets the client answer: until CONNACK only AUTH and DISCONNECT are taken. */
  challenge(auth: Auth): void {
    this.send(auth)
    if (this.phase !== ConnectionPhase.AUTHENTICATING) return
    this.#input.sink = new AuthenticationSink(this)
    this.#goOn(Pause.HOLDING)
  }

  /** Accepts the CONNECT: CONNACK goes out, the session takes over, packets behind CONNECT are processed. */
  accept(session: ServerSession, connack: Connack, terms: ConnectionTerms, keepAliveSeconds: number): void {
    this.phase = ConnectionPhase.CONNECTED
    this.session = session
    // authentication may have taken its time
    this.#nowMs = this.#around.clock.nowMs()
    this.keepAliveSeconds = keepAliveSeconds
    this.#maximumPacketBytes = terms.maximumPacketBytes
    this.#input.allowLargePackets()
    this.send(connack)
    session.connected(this, terms, this.#nowMs)
    this.#around.deadlines.forget(this)
    this.#around.deadlines.watch(this)
    this.#input.sink = this
    this.#goOn(Pause.HOLDING)
  }

  /** Refuses the CONNECT with a code of 0x80 or more, and closes. */
  refuse(reasonCode: number, properties: Properties = {}): void {
    const { version } = this
    // nothing to answer when CONNECT has not come
    const connack = version === null ? null : refusal(reasonCode, properties, version, this.#clientMaximumPacketBytes)
    if (connack !== null) this.send(connack)
    this.#startClosing()
  }

  // what its CONNECT said, as long as that is not accepted
  get #clientMaximumPacketBytes(): number {
    return this.#input.senderMaximumPacketBytes
  }

  /** The client has sent DISCONNECT: close without a word. */
  close(end: ConnectionEnd): void {
    this.#end(end)
    this.#startClosing()
  }

  /** Ends an accepted connection from our side: DISCONNECT for 5.0, and the close. */
  disconnect(reasonCode: number, end: ConnectionEnd, reasonString: string | null = null): void {
    if (this.phase >= ConnectionPhase.CLOSING) return
    // [MQTT-3.14.0-1] no DISCONNECT before a successful CONNACK
    if (this.phase === ConnectionPhase.CONNECTED && this.version === ProtocolVersion.V5) {
      this.send(farewell(reasonCode, reasonString, this.#maximumPacketBytes))
    }
    this.#end(end)
    this.#startClosing()
  }

  /** A rule was broken: 5.0 clients are told, others just closed [MQTT-4.13.1-1, MQTT-4.8.0-1]. */
  violate(violation: ProtocolViolation): void {
    const end = { discardsWill: false, reason: `protocol violation: ${violation.message}` }
    this.#around.owner.ruleBroken(this, violation.violation)
    if (this.phase === ConnectionPhase.CONNECTED) {
      this.disconnect(farewellCode(violation), end, violation.message)
      return
    }
    const isAuthenticating = this.phase === ConnectionPhase.AUTHENTICATING
    const answer = answerToMalformedConnect(violation, isAuthenticating, this.#clientMaximumPacketBytes)
    if (answer !== null) this.#write(answer, PacketType.CONNACK)
    this.#end(end)
    this.#startClosing()
  }

  #end(end: ConnectionEnd): void {
    if (this.phase >= ConnectionPhase.CLOSING) return
    this.phase = ConnectionPhase.CLOSING
    this.#input.stop()
    this.#around.owner.connectionEnded(this, end)
  }

  // The code reaches the client: write, half-close, then wait a moment before the hard close (semantics X-02).
  #startClosing(): void {
    if (this.phase === ConnectionPhase.CLOSED) return
    this.phase = ConnectionPhase.CLOSING
    this.#input.stop()
    // one that came too early and was not begun with
    if (this.#input.readAgainAtMs !== Number.POSITIVE_INFINITY && !this.#isThrottled) this.transport.start(this)
    this.#input.readAgainAtMs = Number.POSITIVE_INFINITY
    this.#output.end()
    this.transport.resume()
    this.#closeAtMs = this.#around.clock.nowMs() + this.#around.limits.closeTimeoutSeconds * 1000
    this.#around.deadlines.watch(this)
  }

  // ---- time: Deadline

  get deadlineMs(): number {
    switch (this.phase) {
      case ConnectionPhase.AWAITING_CONNECT:
      case ConnectionPhase.AUTHENTICATING:
        return Math.min(this.#connectDeadlineMs, this.#input.readAgainAtMs)
      case ConnectionPhase.CONNECTED:
        // who is not read is not judged
        return Math.min(
          this.#isThrottled
            ? this.#input.readAgainAtMs
            : keepAliveDeadlineMs(this.keepAliveSeconds, this.#lastPacketMs),
          this.#stuckDeadlineMs,
          this.authenticatedUntilMs,
        )
      default:
        return this.#closeAtMs
    }
  }

  get #connectDeadlineMs(): number {
    return this.openedAtMs + this.#around.limits.connectTimeoutSeconds * 1000
  }

  // The kernel's progress shows in steps of what was written at once.
  get #stuckDeadlineMs(): number {
    const steps = Math.max(1, Math.ceil(this.transport.bufferedBytes / STEP_BYTES))
    return this.#stuckSinceMs + this.#around.limits.stuckTimeoutSeconds * 1000 * steps
  }

  deadlinePassed(nowMs: number): void {
    const { owner } = this.#around
    if (this.phase < ConnectionPhase.CLOSING && nowMs >= this.#input.readAgainAtMs) {
      this.#readAgain(nowMs)
    } else if (this.phase === ConnectionPhase.CONNECTED && nowMs >= this.authenticatedUntilMs) {
      const end = { discardsWill: false, reason: 'its authentication has expired' }
      this.disconnect(ReasonCode.NOT_AUTHORIZED, end, 'The authentication of the client has expired.')
    } else if (this.phase === ConnectionPhase.CONNECTED && nowMs >= this.#stuckDeadlineMs) {
      // semantics L-03
      owner.limitReached(this, 'stuckTimeoutSeconds')
      this.disconnect(
        ReasonCode.QUOTA_EXCEEDED,
        { discardsWill: false, reason: 'it neither reads nor acknowledges' },
        'The client neither reads nor acknowledges what is sent to it.',
      )
    } else if (this.phase === ConnectionPhase.CONNECTED) {
      // [MQTT-3.1.2-24 v311, MQTT-3.1.2-22 v5]
      const seconds = this.keepAliveSeconds * 1.5
      this.disconnect(ReasonCode.KEEP_ALIVE_TIMEOUT, {
        discardsWill: false,
        reason: `no packet for ${seconds} s, keep alive is ${this.keepAliveSeconds} s`,
      })
    } else if (this.phase < ConnectionPhase.CONNECTED) {
      owner.limitReached(this, 'connectTimeoutSeconds')
      this.#end({
        discardsWill: true,
        reason: `no complete CONNECT within ${this.#around.limits.connectTimeoutSeconds} s`,
      })
      this.#startClosing()
    } else {
      owner.limitReached(this, 'closeTimeoutSeconds')
      this.#closeAtMs = Number.POSITIVE_INFINITY
      this.transport.destroy()
    }
  }

  // ---- what waits for the store: Held

  get heldBy(): object | null {
    return this.#output.heldBy
  }

  set heldBy(gathering: object | null) {
    this.#output.heldBy = gathering
  }

  // Which answers have to wait for what is not written yet (semantics U-01, U-04). While the store fails, what needs it is
  // refused, and only steps of what was there before promise something (L-05).
  #isPromise(packetType: PacketType, reasonCode: number): boolean {
    const isKept = this.session !== null && this.session.keeper !== null
    if (!this.#around.journal!.isFailing) return isKept || packetType !== PacketType.PUBREL
    return isKept && reasonCode < 0x80 && GOES_ON.has(packetType)
  }

  seal(): void {
    this.#output.seal()
  }

  release(): void {
    if (this.phase === ConnectionPhase.CLOSED) return
    this.#output.release()
    // what was held made it look as if the client did not read
    if (this.#stuckSinceMs !== Number.POSITIVE_INFINITY && this.transport.bufferedBytes === 0) this.drained()
  }

  // ---- packets out: SessionOutput

  get full(): boolean {
    const limit = this.#around.limits.maximumOutputBytes
    if (this.#output.pendingBytes <= limit) return false
    // What was only reserved in this turn may fit into the kernel, and then nothing would tell that there is room again.
    if (this.transport.bufferedBytes === 0) this.#output.push()
    if (this.#output.pendingBytes <= limit) return false
    this.#noteStuck()
    return true
  }

  #noteStuck(): void {
    if (this.#stuckSinceMs !== Number.POSITIVE_INFINITY) return
    this.#stuckSinceMs = this.#around.clock.nowMs()
    this.#around.deadlines.watch(this)
  }

  sendPublish(message: Message, header: PublishHeader, remainingLength: number): void {
    const { metrics, owner, journal } = this.#around
    const byteCount = publishBytes(remainingLength)
    // the Packet Identifier must be the same when it is sent again after a restart (semantics U-02)
    if (header.qos === 2 && journal !== null && this.session!.keeper !== null) journal.hold(this)
    putPublish(message, header, remainingLength, this.#output, PASS_ON_BYTES)
    metrics.bytesSent += byteCount
    metrics.packetsSent[PacketType.PUBLISH]!++
    metrics.messagesSent[header.qos]!++
    metrics.publishBytesSent += message.payloadBytes
    if (owner.trace !== null) owner.trace(this, true, { packetType: PacketType.PUBLISH, message, header })
  }

  sendAcknowledgement(packetType: AcknowledgementType, packetId: number, reasonCode: number): void {
    const { metrics, owner, journal } = this.#around
    const version = this.#input.version!
    const byteCount = acknowledgementBytes(version, reasonCode)
    if (journal !== null && this.#isPromise(packetType, reasonCode)) journal.hold(this)
    const offset = this.#output.reserve(byteCount)
    writeAcknowledgement(this.#output.bytes, offset, version, packetType, packetId, reasonCode)
    this.#answerBytes += byteCount
    metrics.bytesSent += byteCount
    metrics.packetsSent[packetType]!++
    if (owner.trace !== null) owner.trace(this, true, { packetType, packetId, reasonCode, properties: {} })
  }

  send(packet: ControlPacket): void {
    const { packetType } = packet
    const bytes = encodePacket(packet, this.version ?? ProtocolVersion.V3_1_1)
    // [MQTT-3.1.2-24] SUBACK and UNSUBACK have a code for each filter and cannot be made shorter
    if (bytes.length > this.#maximumPacketBytes) {
      const reason = `${packetTypeNames[packetType]} is larger than the Maximum Packet Size of the client`
      this.disconnect(ReasonCode.PACKET_TOO_LARGE, { discardsWill: false, reason })
      return
    }
    const { journal } = this.#around
    if (journal !== null && packetType < PacketType.PINGREQ && this.#isPromise(packetType, 0)) journal.hold(this)
    this.#write(bytes, packetType)
    if (this.#around.owner.trace !== null) this.#around.owner.trace(this, true, packet)
  }

  #write(bytes: Buffer, packetType: PacketType): void {
    const offset = this.#output.reserve(bytes.length)
    bytes.copy(this.#output.bytes, offset)
    this.#answerBytes += bytes.length
    this.#around.metrics.bytesSent += bytes.length
    this.#around.metrics.packetsSent[packetType]!++
  }
}

// What came instead of CONNECT, and what to do about it (semantics N-05, N-09); null when that is not known.
function foreignGreeting(bytes: Buffer): string | null {
  switch (greetingOf(bytes)) {
    case 'TLS':
      return 'the client speaks TLS, and this listener does not: it needs mqtts:// here, or mqtt:// there'
    case 'HTTP':
      return 'the client speaks HTTP, and this listener does not: it needs ws:// here for WebSocket, or mqtt:// there'
    case 'PROXY':
      return 'it begins with a PROXY header, which is not taken here: see --proxy-protocol'
    default:
      return null
  }
}
