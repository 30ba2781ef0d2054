/**
 * The Client's side of one session: CONNECT and what the Server granted, messages in both directions, subscriptions, PINGREQ,
 * and every rule that a Server can break. Pure like its room: packets and the time go in, calls on SessionOutput and on the
 * owner come out. It dials nothing, retries nothing and keeps no timer; `nextDeadlineMs` says when to call `tick`. The QoS
 * hand-shakes are QosSender's and QosReceiver's, SUBSCRIBE and UNSUBSCRIBE are in subscription-requests.ts.
 */
import type { ControlPacket } from '../codec/control-packet.ts'
import { encodePacket } from '../codec/encoder.ts'
import type { Message } from '../codec/message.ts'
import { PacketType } from '../codec/packet-type.ts'
import type { Acknowledgement } from '../codec/packets/acknowledgement.ts'
import { Auth } from '../codec/packets/auth.ts'
import type { Connack } from '../codec/packets/connack.ts'
import type { Connect } from '../codec/packets/connect.ts'
import { Disconnect } from '../codec/packets/disconnect.ts'
import { PINGREQ } from '../codec/packets/ping.ts'
import type { Publish } from '../codec/packets/publish.ts'
import type { SubscriptionRequest } from '../codec/packets/subscribe.ts'
import { NO_PROPERTIES, type Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { QoS } from '../codec/qos.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ProtocolViolation, type ViolationDetails, type ViolationName } from '../codec/violation.ts'
import { Delivery, DeliveryState } from './delivery.ts'
import type { MessageQueue } from './message-queue.ts'
import { PingSchedule } from './ping-schedule.ts'
import { QosReceiver } from './qos-receiver.ts'
import { DropReason, QosSender } from './qos-sender.ts'
import {
  type ClientBounds,
  LARGEST_PACKET_BYTES,
  notSentProperties,
  publishRefusal,
  type ServerTerms,
  serverTerms,
} from './server-terms.ts'
import type { SessionOutput } from './session-output.ts'
import type { SessionState } from './session-state.ts'
import { type SubscriptionOwner, SubscriptionRequests } from './subscription-requests.ts'
import { IncomingTopicAliases } from './topic-alias.ts'

/** Outcome of a publication that nobody will ever learn: the session ended before its last acknowledgement. */
export const NEVER_ACKNOWLEDGED = -1

/** What a session tells the Client around it. Calls come last, so they may lead back into the session. */
export interface ClientSessionOwner extends SubscriptionOwner {
  /** CONNACK accepted; what waited is on its way. */
  connected(connack: Connack): void
  /** CONNACK refused; the session is offline. */
  refused(connack: Connack): void
  /** A message came; it is good for this turn. It is acknowledged when the call returns. */
  message(publish: Publish): void
  /**
   * A publication is over.
   * @param reasonCode of the last acknowledgement; SUCCESS at QoS 0 when it was sent; 0x80 and above: refused, by the
   *   Server or here before it was sent (the Reason String says which); {@link NEVER_ACKNOWLEDGED}
   */
  publishDone(token: unknown, reasonCode: number, properties: Properties): void
  /** A SUBSCRIBE or UNSUBSCRIBE will not be answered: the session has ended. */
  requestAbandoned(token: unknown): void
  /** The Server says goodbye; the session is offline. */
  disconnected(disconnect: Disconnect): void
  /** A CONNACK that accepts, before anything is sent after it. @returns false when the owner has closed the connection */
  authenticated(connack: Connack): boolean
  /** A step of enhanced authentication, asked for by the Authentication Method in CONNECT. */
  authRequested(auth: Auth): void
}

const Phase = { OFFLINE: 0, AWAITING_CONNACK: 1, CONNECTED: 2 } as const
type Phase = (typeof Phase)[keyof typeof Phase]

const DEFAULT_RECEIVE_MAXIMUM = 65_535

/** The Client's side of one session. */
export class ClientSession {
  // lives as long as the Session
  readonly state: SessionState
  readonly #owner: ClientSessionOwner
  readonly #bounds: ClientBounds
  readonly #sender: QosSender
  readonly #receiver: QosReceiver
  readonly #requests: SubscriptionRequests
  #holdsSession: boolean

  // lives as long as the Network Connection
  #phase: Phase = Phase.OFFLINE
  #output: SessionOutput | null = null
  #connect: Connect | null = null
  #terms: ServerTerms | null = null
  #incomingAliases = new IncomingTopicAliases(0)
  #pings = new PingSchedule(0, 0)

  /**
   * @param qos0Queue QoS 0 messages waiting for a connection or for the socket; kept between connections
   * @param holdsSession true when the Server may hold a Session that an earlier run of the program left, to be taken up with
   *   Clean Start 0; otherwise a Session Present on the first connection is a violation [MQTT-3.2.2-4 v5]
   */
  constructor(
    state: SessionState,
    qos0Queue: MessageQueue,
    owner: ClientSessionOwner,
    bounds: ClientBounds,
    holdsSession: boolean,
  ) {
    this.state = state
    this.#owner = owner
    this.#bounds = bounds
    this.#holdsSession = holdsSession
    // [MQTT-2.3.1-2 v311, MQTT-2.2.1-3 v5] publications and requests share one space of Packet Identifiers
    this.#requests = new SubscriptionRequests(owner, () => state.packetIds.allocate(this.#requests, state.inFlight))
    this.#sender = new QosSender(this, state.inFlight, state.queue, qos0Queue, state.packetIds, this.#requests)
    this.#receiver = new QosReceiver(this, state.incomingQos2)
  }

  /** What the Server granted; null while there is no accepted connection. */
  get terms(): ServerTerms | null {
    return this.#terms
  }

  /** False also when one is being made. */
  get hasConnection(): boolean {
    return this.#output !== null
  }

  /** Version of the present connection, or of the last one; null before the first. */
  get version(): ProtocolVersion | null {
    return this.#connect?.version ?? null
  }

  /** QoS 1 and 2 messages without their last acknowledgement, those that wait for their first sending included. */
  get unfinishedMessages(): number {
    return this.state.inFlight.size + this.state.queue.length
  }

  /** What waits to be sent, in bytes. */
  get queuedBytes(): number {
    return this.state.queue.bytes + this.#sender.qos0Queue.bytes
  }

  // ---- the Network Connection

  /** Sends CONNECT on a new Network Connection. */
  connect(output: SessionOutput, connect: Connect): void {
    this.#phase = Phase.AWAITING_CONNACK
    this.#output = output
    this.#connect = connect
    output.send(connect)
  }

  connectionLost(): void {
    this.#phase = Phase.OFFLINE
    this.#output = null
    this.#terms = null
    this.#sender.connectionLost()
    this.#receiver.connectionLost()
    this.#requests.connectionLost()
  }

  /** Sends the QoS 0 messages that wait, even if the Server does not read: before {@link disconnect} on purpose. */
  flush(nowMs: number): void {
    this.#sender.flushQos0(nowMs)
  }

  /**
   * Sends DISCONNECT; the session is offline then, and nothing may be sent any more [MQTT-3.14.4-1]. What does not fit into
   * the Maximum Packet Size of the Server goes without properties [MQTT-3.14.2-3, MQTT-3.14.2-4 v5].
   */
  disconnect(reasonCode: number, properties: Properties): void {
    const output = this.#output
    if (output === null) return
    const maximumPacketBytes = this.#terms?.maximumPacketBytes ?? LARGEST_PACKET_BYTES
    const packet = new Disconnect(reasonCode, properties)
    const fits = encodePacket(packet, this.#connect!.version).length <= maximumPacketBytes
    this.connectionLost()
    output.send(fits ? packet : new Disconnect(reasonCode))
  }

  /** Ends the session for good: whoever waits is told. */
  end(): void {
    this.connectionLost()
    const deliveries = [...this.state.inFlight.inOrder(), ...this.#sender.qos0Queue, ...this.state.queue]
    this.#sender.reset()
    this.#receiver.reset()
    const requests = this.#requests.end()
    for (const { token } of deliveries) this.#owner.publishDone(token, NEVER_ACKNOWLEDGED, NO_PROPERTIES)
    for (const token of requests) this.#owner.requestAbandoned(token)
  }

  /** The socket takes bytes again. */
  drained(nowMs: number): void {
    this.#sender.drain(nowMs)
  }

  // ---- what the application wants

  /**
   * Hot: publishes a message at its QoS and with its RETAIN; sent at once, or when there is a connection and room. The end is
   * told by `publishDone`, maybe before this returns.
   *
   * @returns false when it is refused because too much waits already
   */
  publish(message: Message, token: unknown, nowMs: number): boolean {
    if (message.messageExpiryIntervalSeconds >= 0) message.arrive(nowMs, 0)
    const refusal = this.#terms === null ? ReasonCode.SUCCESS : publishRefusal(message, this.#terms)
    const { qos, retain } = message
    if (refusal !== ReasonCode.SUCCESS) {
      this.#owner.publishDone(token, refusal, notSentProperties(refusal))
    } else if (qos > QoS.AT_MOST_ONCE) {
      return this.#sender.publish(new Delivery(message, qos, retain, null, null, token), nowMs)
    } else if (!this.#sender.takesQos0) {
      return this.#sender.keepQos0(new Delivery(message, qos, retain, null, null, token))
    } else if (this.#sender.publishQos0(message, retain, null, nowMs)) {
      this.#owner.publishDone(token, ReasonCode.SUCCESS, NO_PROPERTIES)
    } else {
      this.#owner.publishDone(token, ReasonCode.PACKET_TOO_LARGE, notSentProperties(ReasonCode.PACKET_TOO_LARGE))
    }
    return true
  }

  /**
   * Sends SUBSCRIBE, now or on the next connection, and again until it is answered. What is granted is asked for again when
   * the Server has lost the Session.
   * @param token not null; comes back with the answer
   */
  subscribe(requests: readonly SubscriptionRequest[], properties: Properties, token: unknown): void {
    this.#requests.subscribe(requests, properties, token)
  }

  /** @param token not null; comes back with the answer */
  unsubscribe(topicFilters: readonly string[], properties: Properties, token: unknown): void {
    this.#requests.unsubscribe(topicFilters, properties, token)
  }

  // ---- packets in

  /** @throws ProtocolViolation FIRST_PACKET_NOT_CONNACK, QOS_NOT_SUPPORTED, of topic aliases, and those of QosReceiver */
  receivePublish(publish: Publish, nowMs: number): void {
    const terms = this.#connectedTerms(PacketType.PUBLISH)
    if (publish.qos > terms.maximumQos) {
      throw this.#violation('QOS_NOT_SUPPORTED', PacketType.PUBLISH, { field: 'QoS', statement: 'U5-3.3.4-6' })
    }
    if (publish.topicAlias > 0) publish.message = this.#incomingAliases.resolve(publish)
    if (publish.subscriptionIdentifiers !== null) this.#checkIdentifiers(publish.subscriptionIdentifiers)
    this.#receiver.receivePublish(publish, nowMs)
  }

  /**
   * PUBACK, PUBREC, PUBREL, PUBCOMP; those for an id that is not open are ignored or answered.
   * @throws ProtocolViolation FIRST_PACKET_NOT_CONNACK, ACKNOWLEDGEMENT_OF_WRONG_KIND, PROBLEM_INFORMATION_UNWANTED
   */
  receiveAcknowledgement(acknowledgement: Acknowledgement, nowMs: number): void {
    const { packetType, packetId, properties } = acknowledgement
    this.#connectedTerms(packetType)
    if (properties !== NO_PROPERTIES) this.#checkProblemInformation(packetType, properties)
    if (packetType === PacketType.PUBREL) {
      this.#receiver.receivePubrel(packetId)
      return
    }
    if (this.#requests.has(packetId)) throw this.#wrongKind(packetType, packetId)
    this.#sender.receiveAcknowledgement(acknowledgement, nowMs)
    if (this.#requests.hasUnsent) this.#requests.sendUnsent()
  }

  /** Any other packet of a Server. @throws ProtocolViolation whatever the Server does wrong */
  receivePacket(packet: ControlPacket, nowMs: number): void {
    switch (packet.packetType) {
      case PacketType.CONNACK:
        return this.#receiveConnack(packet, nowMs)
      case PacketType.AUTH:
        return this.#receiveAuth(packet)
      case PacketType.SUBACK:
      case PacketType.UNSUBACK: {
        const { version } = this.#connectedTerms(packet.packetType)
        this.#checkProblemInformation(packet.packetType, packet.properties)
        if (this.state.inFlight.has(packet.packetId)) throw this.#wrongKind(packet.packetType, packet.packetId)
        if (packet.packetType === PacketType.SUBACK) this.#requests.receiveSuback(packet)
        else this.#requests.receiveUnsuback(packet, version === ProtocolVersion.V5)
        return
      }
      case PacketType.PINGRESP:
        this.#connectedTerms(packet.packetType)
        this.#pings.answered()
        return
      case PacketType.DISCONNECT:
        this.#connectedTerms(packet.packetType)
        this.connectionLost()
        return this.#owner.disconnected(packet)
      default:
        throw this.#violation('PACKET_FROM_WRONG_SIDE', packet.packetType)
    }
  }

  #receiveConnack(connack: Connack, nowMs: number): void {
    if (this.#phase !== Phase.AWAITING_CONNACK) throw this.#violation('SECOND_CONNACK', PacketType.CONNACK)
    if (connack.code !== ReasonCode.SUCCESS) {
      this.connectionLost()
      this.#owner.refused(connack)
      return
    }
    const connect = this.#connect!
    // [MQTT-3.1.2-4 v5, MQTT-3.1.2-6 v311] Clean Start has thrown away what we held
    if (connack.sessionPresent && (connect.cleanStart || !this.#holdsSession)) {
      throw this.#violation('SESSION_PRESENT_WITHOUT_STATE', PacketType.CONNACK, { field: 'Session Present' })
    }
    // [MQTT-4.12.0-5 v5]
    if (connack.properties.authenticationMethod !== connect.properties.authenticationMethod) {
      throw this.#violation('AUTHENTICATION_METHOD_CHANGED', PacketType.CONNACK, { field: 'Authentication Method' })
    }
    if (this.#owner.authenticated(connack)) this.#begin(connect, connack, nowMs)
  }

  #begin(connect: Connect, connack: Connack, nowMs: number): void {
    const output = this.#output!
    const terms = serverTerms(connect, connack, this.#bounds)
    this.#phase = Phase.CONNECTED
    this.#terms = terms
    // MQTT 3.1 does not say whether it has our Session: state is kept as if, subscriptions are made again as if not
    const mayBePresent = terms.version === ProtocolVersion.V3_1 && this.#holdsSession && !connect.cleanStart
    this.#holdsSession = true
    this.state.sessionExpiryIntervalSeconds = terms.sessionExpirySeconds
    this.#incomingAliases = new IncomingTopicAliases(connect.properties.topicAliasMaximum ?? 0)
    this.#pings = new PingSchedule(terms.keepAliveSeconds, nowMs)
    const over = connack.sessionPresent || mayBePresent ? [] : this.#startAnew()
    over.push(...this.#withdraw(terms))
    const receiveMaximum = connect.properties.receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM
    this.#receiver.connected(output, terms.version, receiveMaximum)
    // subscriptions first, so that a client gets its own messages back
    this.#requests.connected(output, terms, connack.sessionPresent)
    if (this.#output === output) this.#sender.connected(output, terms, nowMs)
    for (const [delivery, code] of over) this.#owner.publishDone(delivery.token, code, notSentProperties(code))
    if (this.#output === output) this.#owner.connected(connack)
  }

  // The Server has no Session for us, so ours is over [MQTT-3.2.2-5 v5]. What it has not acknowledged at QoS 1 is published as
  // a new message, before all others. At QoS 2 PUBREC made it the Server's; without PUBREC it may have arrived or not, and
  // sending it again could deliver it twice.
  #startAnew(): [Delivery, number][] {
    const deliveries = this.state.inFlight.inOrder()
    const again = deliveries.filter((delivery) => delivery.qos === QoS.AT_LEAST_ONCE)
    this.state.inFlight.clear()
    this.state.incomingQos2.clear()
    for (const delivery of again) {
      delivery.packetId = 0
      delivery.state = DeliveryState.QUEUED
    }
    this.state.queue.unshift(again)
    return deliveries
      .filter((delivery) => delivery.qos === QoS.EXACTLY_ONCE)
      .map((delivery) => {
        const isTaken = delivery.state === DeliveryState.AWAITING_PUBCOMP
        return [delivery, isTaken ? delivery.receivedCode : NEVER_ACKNOWLEDGED]
      })
  }

  // Takes out what waited for a connection but must not be sent on this one.
  #withdraw(terms: ServerTerms): [Delivery, number][] {
    const isRefused = (delivery: Delivery): boolean => publishRefusal(delivery.message, terms) !== ReasonCode.SUCCESS
    const refused = this.state.inFlight
      .inOrder()
      .filter((delivery) => delivery.state !== DeliveryState.AWAITING_PUBCOMP && isRefused(delivery))
    for (const delivery of refused) this.state.inFlight.delete(delivery.packetId)
    refused.push(...this.#sender.qos0Queue.removeIf(isRefused), ...this.state.queue.removeIf(isRefused))
    return refused.map((delivery) => [delivery, publishRefusal(delivery.message, terms)])
  }

  #receiveAuth(auth: Auth): void {
    const asked = this.#connect?.properties.authenticationMethod
    // [MQTT-4.12.0-6 v5] without a method the Server sends no AUTH
    if (asked === undefined) throw this.#violation('AUTH_WITHOUT_METHOD', PacketType.AUTH)
    if (auth.properties.authenticationMethod !== asked) {
      throw this.#violation('AUTHENTICATION_METHOD_CHANGED', PacketType.AUTH, { field: 'Authentication Method' })
    }
    this.#owner.authRequested(auth)
  }

  /**
   * Sends a step of enhanced authentication with the method of CONNECT [MQTT-4.12.1-1]. It has neither Reason String nor User
   * Properties, so it needs no cutting to the Maximum Packet Size of the Server [MQTT-3.15.2-2, MQTT-3.15.2-3].
   * @returns false when it is too large for the Server, or there is no connection
   */
  authenticate(reasonCode: number, data: Buffer): boolean {
    const output = this.#output
    if (output === null) return false
    const authenticationMethod = this.#connect!.properties.authenticationMethod!
    const packet = new Auth(reasonCode, { authenticationMethod, authenticationData: data })
    const maximumPacketBytes = this.#terms?.maximumPacketBytes ?? LARGEST_PACKET_BYTES
    if (encodePacket(packet, ProtocolVersion.V5).length > maximumPacketBytes) return false
    output.send(packet)
    return true
  }

  // ---- time

  /** Bytes came: the Server lives. */
  received(nowMs: number): void {
    this.#pings.received(nowMs)
  }

  /** When {@link tick} has something to do; Infinity: never. It moves, so ask again after waiting. */
  get nextDeadlineMs(): number {
    return this.#phase === Phase.CONNECTED ? this.#pings.nextDeadlineMs : Number.POSITIVE_INFINITY
  }

  /**
   * Sends PINGREQ when it is due.
   * @returns false when the Server has been silent for too long
   */
  tick(nowMs: number): boolean {
    if (this.#phase !== Phase.CONNECTED) return true
    if (this.#pings.isOverdue(nowMs)) return false
    if (this.#pings.takeDue(nowMs)) this.#output!.send(PINGREQ)
    return true
  }

  // ---- for QosReceiver and QosSender

  deliver(publish: Publish): number {
    this.#owner.message(publish)
    return ReasonCode.SUCCESS
  }

  deliveryDone(delivery: Delivery, reasonCode: number, properties: Properties): void {
    const isOurs = reasonCode === ReasonCode.PACKET_TOO_LARGE
    this.#owner.publishDone(delivery.token, reasonCode, isOurs ? notSentProperties(reasonCode) : properties)
  }

  deliveryDropped(delivery: Delivery | null, reason: DropReason): void {
    if (delivery === null) return
    const code = reason === DropReason.EXPIRED ? ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR : ReasonCode.QUOTA_EXCEEDED
    this.#owner.publishDone(delivery.token, code, notSentProperties(code))
  }

  // ---- what a Server can do wrong

  #connectedTerms(packetType: PacketType): ServerTerms {
    if (this.#terms !== null) return this.#terms
    throw this.#violation('FIRST_PACKET_NOT_CONNACK', packetType)
  }

  #checkIdentifiers(identifiers: readonly number[]): void {
    for (const identifier of identifiers) {
      if (this.#requests.mayCarry(identifier)) continue
      const details = { field: 'Subscription Identifier', detail: `identifier ${identifier}` }
      throw this.#violation('SUBSCRIPTION_IDENTIFIER_UNKNOWN', PacketType.PUBLISH, details)
    }
  }

  #checkProblemInformation(packetType: PacketType, { reasonString, userProperties }: Properties): void {
    if (reasonString === undefined && userProperties === undefined) return
    if (this.#connect!.properties.requestProblemInformation !== 0) return
    throw this.#violation('PROBLEM_INFORMATION_UNWANTED', packetType)
  }

  #wrongKind(packetType: PacketType, packetId: number): ProtocolViolation {
    const details = { field: 'Packet Identifier', detail: `Packet Identifier ${packetId}` }
    return this.#violation('ACKNOWLEDGEMENT_OF_WRONG_KIND', packetType, details)
  }

  #violation(name: ViolationName, packetType: PacketType, details: Partial<ViolationDetails> = {}): ProtocolViolation {
    return new ProtocolViolation(name, { ...details, version: this.#connect!.version, packetType })
  }
}
