/**
 * The session room is what MQTT remembers and answers, in both roles: QoS hand-shakes, packet identifiers, flow control,
 * topic aliases, queues. It is pure: packets and the time go in, calls on SessionOutput and on the host come out. It opens no
 * socket, reads no clock, starts no timer, and does not know who else is connected. Start here for the Server's role, at
 * client-session.ts for the Client's; both stand on QosSender and QosReceiver.
 */
import type { Message } from '../codec/message.ts'
import { PacketType } from '../codec/packet-type.ts'
import type { Acknowledgement } from '../codec/packets/acknowledgement.ts'
import type { Disconnect } from '../codec/packets/disconnect.ts'
import { PINGRESP } from '../codec/packets/ping.ts'
import type { Publish } from '../codec/packets/publish.ts'
import { SUBACK_FAILURE, Suback } from '../codec/packets/suback.ts'
import { RetainHandling, type Subscribe, type SubscriptionRequest } from '../codec/packets/subscribe.ts'
import { Unsuback } from '../codec/packets/unsuback.ts'
import type { Unsubscribe } from '../codec/packets/unsubscribe.ts'
import type { Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { QoS } from '../codec/qos.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ProtocolViolation, type ViolationName } from '../codec/violation.ts'
import { isSharedFilter } from '../topic/topic-filter.ts'
import { Delivery } from './delivery.ts'
import type { MessageQueue } from './message-queue.ts'
import { QosReceiver } from './qos-receiver.ts'
import { DROP_REASONS, DropReason, PauseReason, type PeerLimits, QosSender } from './qos-sender.ts'
import { RetainedBacklog, type RetainedSource } from './retained-backlog.ts'
import { ALL_RIGHTS, type Rights } from './rights.ts'
import type { SessionKeeper } from './session-keeper.ts'
import type { SessionOutput } from './session-output.ts'
import type { SessionState, Subscription } from './session-state.ts'
import { IncomingTopicAliases } from './topic-alias.ts'

/** Retained messages that one session is sent in one turn of the event loop: some milliseconds' work. */
const RETAINED_PER_TURN = 1000

/** What a session asks of the Server around it. */
export interface ServerSessionHost extends RetainedSource {
  /** Routes a message. @returns Reason Code for its acknowledgement */
  publish(session: ServerSession, publish: Publish, nowMs: number): number
  /** Judges one requested subscription. @returns the QoS to grant, or a Reason Code of 0x80 or more */
  judgeSubscription(session: ServerSession, request: SubscriptionRequest, subscriptionIdentifier: number): number
  subscriptionSet(session: ServerSession, subscription: Subscription, replaced: Subscription | null): void
  subscriptionRemoved(session: ServerSession, subscription: Subscription): void
  /** Retained messages for a subscription, found one by one; those the session may not read are left out. */
  retainedMessages(session: ServerSession, subscription: Subscription): Iterator<Message>
  /** The order of arrival so far, see Message.sequence. */
  readonly sequence: number
  deliveryDropped(session: ServerSession, reason: DropReason, count: number): void
  /** QoS 0 messages wait for a client that is away, like QoS 1 and 2 (semantics O-08). */
  readonly queuesQos0?: boolean
  /** filters of one SUBSCRIBE that are looked at */
  readonly maximumFiltersPerPacket?: number
  /** A SUBSCRIBE had more. */
  tooManyFilters?(session: ServerSession): void
}

/** What was agreed for one Network Connection. */
export interface ConnectionTerms extends PeerLimits {
  /** the Receive Maximum that we stated in CONNACK */
  readonly ownReceiveMaximum: number
  /** the Topic Alias Maximum that we stated */
  readonly ownTopicAliasMaximum: number
  readonly maximumQos: QoS
  readonly retainAvailable: boolean
  /** the client marked itself as a bridge with bit 7 of the Protocol Version */
  readonly bridge: boolean
  /** Session Expiry Interval of CONNECT, in seconds, as the client asked for it */
  readonly requestedExpirySeconds: number
}

/** What has become of the messages that were for a session: `in` is always `out` + `queued` + `dropped`. */
export interface DeliveryCounts {
  /** messages that the session was given, and that nobody else got in its place */
  readonly in: number
  /** sent, whether or not acknowledged */
  readonly out: number
  /** waiting for their first sending */
  readonly queued: number
  /** given up, for any reason */
  readonly dropped: number
}

/** The Server's side of one session. */
export class ServerSession {
  // lives as long as the Session
  #messagesIn = 0
  /** messages given up, by DropReason; null as long as there were none */
  #dropped: number[] | null = null
  /** kept here for the host, who asks them */
  rights: Rights = ALL_RIGHTS
  readonly state: SessionState
  #keeper: SessionKeeper | null = null
  readonly #host: ServerSessionHost
  readonly #sender: QosSender
  readonly #receiver: QosReceiver
  readonly #backlog: RetainedBacklog

  // lives as long as the Network Connection
  #output: SessionOutput | null = null
  #terms: ConnectionTerms | null = null
  #incomingAliases = new IncomingTopicAliases(0)

  /** @param qos0Queue bounded place for QoS 0 messages while the peer does not read */
  constructor(state: SessionState, qos0Queue: MessageQueue, host: ServerSessionHost) {
    this.state = state
    this.#host = host
    this.#messagesIn = state.queue.length
    this.#backlog = new RetainedBacklog(host)
    this.#sender = new QosSender(this, state.inFlight, state.queue, qos0Queue, state.packetIds)
    this.#receiver = new QosReceiver(this, state.incomingQos2)
  }

  get clientId(): string {
    return this.state.clientId
  }

  /** Who keeps the session beyond the life of the process; null: nobody. To be set before anything happens. */
  get keeper(): SessionKeeper | null {
    return this.#keeper
  }

  set keeper(keeper: SessionKeeper | null) {
    this.#keeper = keeper
    this.#sender.keeper = keeper
    this.#sender.queue.keeper = keeper === null ? null : this
    this.#receiver.keeper = keeper
  }

  /** For MessageQueue: what is read now is judged now, for the rights may have changed (semantics S-17). */
  load(numbers: readonly number[]): Delivery[] {
    const keeper = this.#keeper!
    const found = keeper.load(numbers)
    if (found.length < numbers.length) this.#drop(DropReason.UNREADABLE, numbers.length - found.length)
    return found.filter((delivery) => {
      if (this.rights.mayReceive(delivery.message.topicName)) return true
      keeper.deliveryRemoved(delivery)
      this.#drop(DropReason.RIGHT_LOST, 1)
      return false
    })
  }

  /** For MessageQueue. */
  deliveryRemoved(delivery: Delivery): void {
    this.#keeper!.deliveryRemoved(delivery)
  }

  /** For MessageQueue. */
  parkedRemoved(numbers: readonly number[]): void {
    this.#keeper!.parkedRemoved(numbers)
  }

  get isConnected(): boolean {
    return this.#output !== null
  }

  /** Version of the present connection; null while offline. */
  get version(): ProtocolVersion | null {
    return this.#terms?.version ?? null
  }

  /** True when a message given now would go out at once: for the choice among members of a Shared Subscription. */
  get canSendNow(): boolean {
    return this.#sender.pauseReason === PauseReason.NONE
  }

  /** Sets the bounds of what may wait; what waits already stays. */
  boundQueues(maximumMessages: number, maximumBytes: number, maximumQos0Bytes: number): void {
    const { queue, qos0Queue } = this.#sender
    queue.maximumMessages = maximumMessages
    queue.maximumBytes = maximumBytes
    qos0Queue.maximumBytes = maximumQos0Bytes
  }

  /** Messages waiting for their first sending. */
  get queuedMessages(): number {
    return this.#sender.queue.length + this.#sender.qos0Queue.length
  }

  get deliveryCounts(): DeliveryCounts {
    const dropped = this.#dropped?.reduce((sum, count) => sum + count, 0) ?? 0
    return { in: this.#messagesIn, out: this.#sender.sentMessages, queued: this.queuedMessages, dropped }
  }

  /** Messages given up for this reason since the session began. */
  droppedMessages(reason: DropReason): number {
    return this.#dropped?.[reason] ?? 0
  }

  /** Begins a Network Connection; CONNACK was sent. Resends, then sends what waits. */
  connected(output: SessionOutput, terms: ConnectionTerms, nowMs: number): void {
    this.#output = output
    this.#terms = terms
    this.#incomingAliases = new IncomingTopicAliases(terms.ownTopicAliasMaximum)
    this.#receiver.connected(output, terms.version, terms.ownReceiveMaximum)
    this.#sender.connected(output, terms, nowMs)
    this.#pumpRetained(nowMs)
  }

  connectionLost(): void {
    this.#output = null
    this.#terms = null
    const { qos0Queue } = this.#sender
    const unsent = qos0Queue.length
    this.#sender.connectionLost()
    qos0Queue.clear()
    this.#receiver.connectionLost()
    if (unsent > 0) this.#drop(DropReason.OFFLINE, unsent)
  }

  /**
   * Ends the session: nothing of it is left.
   * @returns deliveries for a Shared Subscription that may go to another member: never sent, or sent at QoS 1 and not
   *   acknowledged (semantics G-08). A QoS 2 delivery that has begun goes to nobody else [MQTT-4.8.2-5].
   */
  end(): Delivery[] {
    const unacknowledged = this.state.inFlight.inOrder().filter(({ qos }) => qos === QoS.AT_LEAST_ONCE)
    const waiting = this.queuedMessages
    const unsent = this.#sender.queue.removeIf(({ sharedFilter }) => sharedFilter !== null)
    this.#messagesIn -= unsent.length
    const lost = waiting - unsent.length
    this.#sender.reset()
    this.#receiver.reset()
    this.#backlog.clear()
    this.state.subscriptions.clear()
    if (lost > 0) this.#drop(DropReason.SESSION_ENDED, lost)
    return [...unacknowledged.filter(({ sharedFilter }) => sharedFilter !== null), ...unsent]
  }

  /**
   * Hot: gives the session a message that matched.
   * @param qos already the smaller of published and granted
   * @param sharedFilter set when the session was chosen for a Shared Subscription: what it cannot take is not its loss then
   * @returns false when it could not be taken
   */
  forward(
    message: Message,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | null,
    sharedFilter: string | null,
    nowMs: number,
  ): boolean {
    this.#messagesIn++
    if (qos === QoS.AT_MOST_ONCE && (this.isConnected || !this.#host.queuesQos0)) {
      this.#sender.publishQos0(message, retain, subscriptionIdentifiers, nowMs)
      return true
    }
    return this.#sender.publish(new Delivery(message, qos, retain, subscriptionIdentifiers, sharedFilter), nowMs)
  }

  /** The rights have changed: gives up what waits and may no longer be read. What was sent once is sent again all the same [MQTT-4.4.0-1]. */
  reviewDeliveries(): void {
    this.#sender.removeQueued(({ message }) => !this.rights.mayReceive(message.topicName), DropReason.RIGHT_LOST)
    this.#backlog.review(({ topicName }) => this.rights.mayReceive(topicName))
  }

  /** True when the message, as this client would get it, is within its Maximum Packet Size; always while offline. */
  fits(message: Message, qos: QoS, subscriptionIdentifiers: readonly number[] | null, nowMs: number): boolean {
    return this.#sender.fits(message, qos, subscriptionIdentifiers, nowMs)
  }

  /** The socket takes bytes again. */
  drained(nowMs: number): void {
    this.#sender.drain(nowMs)
    this.#pumpRetained(nowMs)
  }

  /** @throws ProtocolViolation of topic aliases, QOS_NOT_SUPPORTED, RETAIN_NOT_SUPPORTED and those of QosReceiver */
  receivePublish(publish: Publish, nowMs: number): void {
    const terms = this.#terms!
    if (publish.qos > terms.maximumQos) throw this.#violation('QOS_NOT_SUPPORTED', PacketType.PUBLISH)
    if (publish.message.retain && !terms.retainAvailable)
      throw this.#violation('RETAIN_NOT_SUPPORTED', PacketType.PUBLISH)
    if (publish.topicAlias > 0) publish.message = this.#incomingAliases.resolve(publish)
    this.#receiver.receivePublish(publish, nowMs)
  }

  /** PUBACK, PUBREC, PUBREL, PUBCOMP. @returns false when its Packet Identifier was not open */
  receiveAcknowledgement(acknowledgement: Acknowledgement, nowMs: number): boolean {
    if (acknowledgement.packetType === PacketType.PUBREL) return this.#receiver.receivePubrel(acknowledgement.packetId)
    const known = this.#sender.receiveAcknowledgement(acknowledgement, nowMs)
    if (!this.#backlog.isEmpty) this.#pumpRetained(nowMs)
    return known
  }

  receiveSubscribe(subscribe: Subscribe, nowMs: number): void {
    const identifier = subscribe.properties.subscriptionIdentifiers?.[0] ?? 0
    const codes: number[] = []
    const { maximumFiltersPerPacket = Number.POSITIVE_INFINITY } = this.#host
    if (subscribe.requests.length > maximumFiltersPerPacket) this.#host.tooManyFilters?.(this)
    for (const [index, request] of subscribe.requests.entries()) {
      if (index < maximumFiltersPerPacket) codes.push(this.#subscribe(request, identifier))
      else codes.push(this.#refusalCode(ReasonCode.QUOTA_EXCEEDED, request))
    }
    // [MQTT-3.8.4-1] SUBACK leaves before the retained messages (semantics T-07)
    this.#output!.send(new Suback(subscribe.packetId, codes))
    this.#pumpRetained(nowMs)
  }

  // @returns the code for SUBACK
  #subscribe(request: SubscriptionRequest, subscriptionIdentifier: number): number {
    const { topicFilter } = request
    const judged = this.#host.judgeSubscription(this, request, subscriptionIdentifier)
    if (judged >= 0x80) return this.#refusalCode(judged, request)
    const subscription: Subscription = {
      topicFilter,
      qos: judged as QoS,
      // a bridge sees RETAIN as published and never its own messages (semantics C-03)
      noLocal: request.noLocal || this.#terms!.bridge,
      retainAsPublished: request.retainAsPublished || this.#terms!.bridge,
      retainHandling: request.retainHandling,
      subscriptionIdentifier,
    }
    const replaced = this.state.subscriptions.get(topicFilter) ?? null
    this.state.subscriptions.set(topicFilter, subscription)
    this.#keeper?.subscriptionSet(subscription)
    this.#host.subscriptionSet(this, subscription, replaced)
    // [MQTT-3.3.1-9 to 11 v5], none for Shared Subscriptions (5.0 section 4.8.2)
    const wanted =
      request.retainHandling === RetainHandling.ALWAYS ||
      (request.retainHandling === RetainHandling.IF_NEW && replaced === null)
    if (!wanted) this.#backlog.replace(subscription)
    else if (!isSharedFilter(topicFilter)) {
      this.#backlog.cancel(topicFilter)
      this.#backlog.add(subscription, this.#host.retainedMessages(this, subscription), this.#host.sequence)
    }
    return subscription.qos
  }

  // MQTT 3.1.1 knows one failure, 3.1 none: there the filter is answered as asked and delivers nothing (semantics M-04).
  #refusalCode(reasonCode: number, request: SubscriptionRequest): number {
    if (this.version === ProtocolVersion.V5) return reasonCode
    return this.version === ProtocolVersion.V3_1 ? request.qos : SUBACK_FAILURE
  }

  receiveUnsubscribe(unsubscribe: Unsubscribe): void {
    const codes = unsubscribe.topicFilters.map((topicFilter) => this.#unsubscribe(topicFilter))
    this.#output!.send(new Unsuback(unsubscribe.packetId, codes))
  }

  // [MQTT-3.10.4-1] filters are compared character by character
  #unsubscribe(topicFilter: string): number {
    const subscription = this.state.subscriptions.get(topicFilter)
    if (subscription === undefined) return ReasonCode.NO_SUBSCRIPTION_EXISTED
    this.state.subscriptions.delete(topicFilter)
    this.#backlog.cancel(topicFilter)
    this.#keeper?.subscriptionRemoved(topicFilter)
    this.#host.subscriptionRemoved(this, subscription)
    return ReasonCode.SUCCESS
  }

  /** [MQTT-3.12.4-1] */
  receivePingreq(): void {
    this.#output!.send(PINGRESP)
  }

  /** Takes the Session Expiry Interval of a DISCONNECT. @throws ProtocolViolation SESSION_EXPIRY_RAISED_FROM_0 */
  receiveDisconnect(disconnect: Disconnect, maximumExpirySeconds: number): void {
    const seconds = disconnect.properties.sessionExpiryIntervalSeconds
    if (seconds === undefined) return
    if (seconds > 0 && this.#terms!.requestedExpirySeconds === 0) {
      throw this.#violation('SESSION_EXPIRY_RAISED_FROM_0', PacketType.DISCONNECT)
    }
    this.state.sessionExpiryIntervalSeconds = Math.min(seconds, maximumExpirySeconds)
  }

  /** For QosReceiver. */
  deliver(publish: Publish, nowMs: number): number {
    return this.#host.publish(this, publish, nowMs)
  }

  /** For QosSender: a Server has nobody to tell. */
  deliveryDone(_delivery: Delivery, _reasonCode: number, _properties: Properties): void {}

  /** For QosSender. */
  deliveryDropped(delivery: Delivery | null, reason: DropReason, count: number): void {
    // a full queue gives back what came for a Shared Subscription: another member is asked
    if (reason === DropReason.QUEUE_FULL && delivery !== null && delivery.sharedFilter !== null) this.#messagesIn--
    else this.#drop(reason, count)
  }

  #drop(reason: DropReason, count: number): void {
    this.#dropped ??= Array(DROP_REASONS).fill(0)
    this.#dropped[reason]! += count
    this.#host.deliveryDropped(this, reason, count)
  }

  // Sends retained messages as long as the peer takes them; each waits here and not in a queue until it can go out. A peer
  // that takes them as fast as they come has to let others have their turn.
  #pumpRetained(nowMs: number): void {
    let left = RETAINED_PER_TURN
    for (let next = this.#backlog.peek(nowMs); next !== null; next = this.#backlog.peek(nowMs)) {
      const { message, subscription } = next
      const qos = Math.min(message.qos, subscription.qos) as QoS
      const pause = this.#sender.pauseReason
      if (pause === PauseReason.OFFLINE || pause === PauseReason.SOCKET_FULL) return
      if (qos > 0 && pause !== PauseReason.NONE) return
      if (left-- === 0 && this.#output?.comeBack !== undefined) return this.#output.comeBack()
      this.#backlog.take()
      const identifiers = subscription.subscriptionIdentifier === 0 ? null : [subscription.subscriptionIdentifier]
      // RETAIN is 1 whatever Retain As Published says (U5-3.8.3.1-3) [MQTT-3.3.1-8 v311]
      this.forward(message, qos, true, identifiers, null, nowMs)
    }
  }

  #violation(name: ViolationName, packetType: number): ProtocolViolation {
    return new ProtocolViolation(name, { version: this.#terms!.version, packetType })
  }
}
