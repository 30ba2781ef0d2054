import type { Message } from '../codec/message.ts'
import { PacketType } from '../codec/packet-type.ts'
import type { Acknowledgement } from '../codec/packets/acknowledgement.ts'
import { PublishHeader, publishBytes, publishRemainingLength } from '../codec/packets/publish.ts'
import { NO_PROPERTIES, type Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { QoS } from '../codec/qos.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ProtocolViolation } from '../codec/violation.ts'
import { Delivery, DeliveryState } from './delivery.ts'
import type { InFlight } from './in-flight.ts'
import { type MessageQueue, REJECTED } from './message-queue.ts'
import { MAXIMUM_PACKET_ID, type OpenPacketIds, type PacketIds } from './packet-ids.ts'
import type { SessionKeeper } from './session-keeper.ts'
import type { SessionOutput } from './session-output.ts'
import { OutgoingTopicAliases } from './topic-alias.ts'

/** Why messages wait. Each reason has one event that ends it: connect, drained, an acknowledgement. */
export const PauseReason = { NONE: 0, OFFLINE: 1, SOCKET_FULL: 2, IN_FLIGHT_FULL: 3 } as const
export type PauseReason = (typeof PauseReason)[keyof typeof PauseReason]

/** Why a message was given up. */
export const DropReason = {
  QUEUE_FULL: 0,
  EXPIRED: 1,
  PACKET_TOO_LARGE: 2,
  /** QoS 0 and nobody there to take it */
  OFFLINE: 3,
  /** the client may no longer read the topic */
  RIGHT_LOST: 4,
  /** it waited for a session that has ended */
  SESSION_ENDED: 5,
  /** the store has it and cannot give it back */
  UNREADABLE: 6,
} as const
export type DropReason = (typeof DropReason)[keyof typeof DropReason]

/** How many reasons there are. */
export const DROP_REASONS = Object.keys(DropReason).length

/** A full queue is searched for expired messages at most this often. */
const SEARCH_INTERVAL_MS = 1000

/** What the sender tells its session. Called last, when its own state is complete. */
export interface QosSenderOwner {
  /**
   * A delivery is over: its exchange has ended, or at QoS 0 it was sent after waiting.
   * @param reasonCode of PUBACK or PUBREC; 0x80 and above: the peer refused it, or PACKET_TOO_LARGE: it was not sent
   */
  deliveryDone(delivery: Delivery, reasonCode: number, properties: Properties): void
  /** Messages were lost, to be counted. `delivery` is the one that was; null when it is not known, or deliveryDone tells too. */
  deliveryDropped(delivery: Delivery | null, reason: DropReason, count: number): void
}

/** What the peer of the present Network Connection can take. */
export interface PeerLimits {
  readonly version: ProtocolVersion
  /** QoS 1 and 2 messages without their last acknowledgement */
  readonly receiveMaximum: number
  /** bytes of a whole packet */
  readonly maximumPacketBytes: number
  readonly topicAliasMaximum: number
}

/**
 * The sender's side of QoS 0, 1 and 2 (section 4.3), the same code for a Server sending to a Client and a Client sending to
 * a Server. It decides what goes out now, what waits, and what is sent again after a reconnect.
 */
export class QosSender {
  // lives as long as the Session
  /** open exchanges by Packet Identifier, in the order of their first sending */
  readonly inFlight: InFlight
  /** QoS 1 and 2 waiting for their first sending; QoS 0 too where the session keeps it while offline */
  readonly queue: MessageQueue
  readonly packetIds: PacketIds
  keeper: SessionKeeper | null = null
  /** messages that went out, each counted when it was first sent */
  sentMessages = 0
  /** when the full queue may be searched for expired messages again */
  #searchFromMs = Number.NEGATIVE_INFINITY

  // lives as long as its owner lets it
  /** QoS 0 that waits because the peer does not read */
  readonly qos0Queue: MessageQueue

  // lives as long as the Network Connection
  #output: SessionOutput | null = null
  #limits: PeerLimits | null = null
  #quota = 0
  #unsentAgain: Delivery[] = []
  #aliases = new OutgoingTopicAliases(0)
  readonly #header = new PublishHeader()
  readonly #owner: QosSenderOwner
  /** ids that the owner has open for requests of its own (SUBSCRIBE, UNSUBSCRIBE) */
  readonly #requests: OpenPacketIds | null

  constructor(
    owner: QosSenderOwner,
    inFlight: InFlight,
    queue: MessageQueue,
    qos0Queue: MessageQueue,
    packetIds: PacketIds,
    requests: OpenPacketIds | null = null,
  ) {
    this.#owner = owner
    this.inFlight = inFlight
    this.queue = queue
    this.qos0Queue = qos0Queue
    this.packetIds = packetIds
    this.#requests = requests
  }

  /** Why a QoS 1 or 2 message would wait now. */
  get pauseReason(): PauseReason {
    if (this.#output === null) return PauseReason.OFFLINE
    if (this.#output.full) return PauseReason.SOCKET_FULL
    return this.#quota === 0 || this.queue.length > 0 ? PauseReason.IN_FLIGHT_FULL : PauseReason.NONE
  }

  /** Free places of the peer's Receive Maximum. */
  get quota(): number {
    return this.#quota
  }

  /**
   * Begins a Network Connection: sends again what is open, in the order of first sending [MQTT-4.4.0-1, MQTT-4.6.0-1], then
   * what waits in the queue.
   */
  connected(output: SessionOutput, limits: PeerLimits, nowMs: number): void {
    this.#output = output
    this.#limits = limits
    this.#header.version = limits.version
    this.#quota = limits.receiveMaximum
    this.#aliases = new OutgoingTopicAliases(limits.topicAliasMaximum)
    this.#unsentAgain = []
    for (const delivery of this.inFlight.inOrder()) {
      delivery.holdsSlot = false
      this.#unsentAgain.push(delivery)
    }
    this.#sendAgain(nowMs)
    this.drain(nowMs)
  }

  /** Ends the Network Connection; what is open stays open, what waits goes on waiting. */
  connectionLost(): void {
    // for how long nobody knows
    for (const { message } of this.inFlight.inOrder()) message.keep()
    this.#output = null
    this.#unsentAgain = []
    this.#quota = 0
  }

  /** Forgets everything: the session has ended or starts anew. */
  reset(): void {
    this.inFlight.clear()
    this.queue.clear()
    this.qos0Queue.clear()
    this.#unsentAgain = []
  }

  /** True when a QoS 0 message given now would go out at once. */
  get takesQos0(): boolean {
    return this.#output !== null && this.qos0Queue.length === 0 && !this.#output.full
  }

  /**
   * Hot: a QoS 0 message; sent at once, or dropped when nobody is there, or kept a while when the peer does not read.
   * @returns false when it was not sent now
   */
  publishQos0(
    message: Message,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | null,
    nowMs: number,
  ): boolean {
    const output = this.#output
    if (output === null) {
      this.#owner.deliveryDropped(null, DropReason.OFFLINE, 1)
      return false
    }
    if (output.full || this.qos0Queue.length > 0) {
      this.keepQos0(new Delivery(message, QoS.AT_MOST_ONCE, retain, subscriptionIdentifiers))
      return false
    }
    if (this.#transmit(output, message, QoS.AT_MOST_ONCE, retain, subscriptionIdentifiers, 0, false, nowMs)) return true
    this.#owner.deliveryDropped(null, DropReason.PACKET_TOO_LARGE, 1)
    return false
  }

  /** Has a QoS 0 delivery wait for {@link drain}. @returns false when there was no room and it is lost */
  keepQos0(delivery: Delivery): boolean {
    delivery.message.keep()
    const dropped = this.qos0Queue.push(delivery)
    if (dropped > 0) this.#owner.deliveryDropped(null, DropReason.QUEUE_FULL, dropped)
    if (dropped === REJECTED) this.#owner.deliveryDropped(delivery, DropReason.QUEUE_FULL, 1)
    return dropped !== REJECTED
  }

  /**
   * Takes a QoS 1 or 2 delivery: sends it, or queues it; one that expires at once (interval 0) is never queued (semantics E-05).
   * @returns false when the queue had no room and the delivery is lost
   */
  publish(delivery: Delivery, nowMs: number): boolean {
    const output = this.#output
    if (
      output !== null &&
      this.#quota > 0 &&
      this.queue.length === 0 &&
      this.#unsentAgain.length === 0 &&
      !output.full &&
      this.#hasFreePacketId
    ) {
      delivery.message.own()
      this.#sendFirst(output, delivery, nowMs)
      return true
    }
    if (delivery.message.isExpired(nowMs)) {
      this.#owner.deliveryDropped(delivery, DropReason.EXPIRED, 1)
      return true
    }
    return this.#enqueue(delivery, nowMs)
  }

  // A full queue first gives up what has expired in it [MQTT-3.3.2-5]; it is looked through once a second at most.
  #enqueue(delivery: Delivery, nowMs: number): boolean {
    delivery.message.keep()
    let dropped = this.queue.push(delivery)
    let expired: readonly Delivery[] = []
    if (dropped === REJECTED && nowMs >= this.#searchFromMs) {
      this.#searchFromMs = nowMs + SEARCH_INTERVAL_MS
      expired = this.queue.removeIf(({ message }) => message.isExpired(nowMs))
      const unread = this.queue.removeExpiredParked(nowMs)
      if (unread > 0) this.#owner.deliveryDropped(null, DropReason.EXPIRED, unread)
      if (expired.length + unread > 0) dropped = this.queue.push(delivery)
    }
    if (dropped !== REJECTED) this.keeper?.deliveryChanged(delivery)
    for (const one of expired) this.#giveUp(one, DropReason.EXPIRED)
    if (dropped > 0) this.#owner.deliveryDropped(null, DropReason.QUEUE_FULL, dropped)
    if (dropped === REJECTED) this.#owner.deliveryDropped(delivery, DropReason.QUEUE_FULL, 1)
    return dropped !== REJECTED
  }

  /** Would this message, sent now, be within the peer's Maximum Packet Size? True while there is no peer. */
  fits(message: Message, qos: QoS, subscriptionIdentifiers: readonly number[] | null, nowMs: number): boolean {
    if (this.#limits === null || this.#output === null) return true
    this.#prepareHeader(message, qos, subscriptionIdentifiers, nowMs)
    return publishBytes(publishRemainingLength(message, this.#header)) <= this.#limits.maximumPacketBytes
  }

  /** Sends what waits, as far as the peer's Receive Maximum and the socket let it. */
  drain(nowMs: number): void {
    const output = this.#output
    if (output === null) return
    if (this.#unsentAgain.length > 0) this.#sendAgain(nowMs)
    while (this.#output === output && !output.full && this.qos0Queue.length > 0) {
      this.#sendQos0(output, this.qos0Queue.shift()!, nowMs)
    }
    if (this.#unsentAgain.length > 0) return
    // the owner is called in between and may end the connection
    while (this.#output === output && !output.full && this.queue.length > 0) {
      const delivery = this.queue.peek()
      // all that was left may no longer be read
      if (delivery === null) return
      // [MQTT-3.3.2-5] expired before its first sending
      if (delivery.message.isExpired(nowMs)) {
        this.queue.shift()
        this.#giveUp(delivery, DropReason.EXPIRED)
        continue
      }
      if (delivery.qos === QoS.AT_MOST_ONCE) {
        this.queue.shift()
        this.keeper?.deliveryRemoved(delivery)
        this.#sendQos0(output, delivery, nowMs)
        continue
      }
      if (this.#quota === 0 || !this.#hasFreePacketId) return
      this.queue.shift()
      this.#sendFirst(output, delivery, nowMs)
    }
  }

  /** Gives up what waits for its first sending and the peer may not have; an exchange that has begun goes on. */
  removeQueued(unwanted: (delivery: Delivery) => boolean, reason: DropReason): void {
    for (const delivery of this.queue.removeIf(unwanted)) this.#giveUp(delivery, reason)
    for (const delivery of this.qos0Queue.removeIf(unwanted)) this.#owner.deliveryDropped(delivery, reason, 1)
  }

  // It has left the queue unsent.
  #giveUp(delivery: Delivery, reason: DropReason): void {
    this.keeper?.deliveryRemoved(delivery)
    this.#owner.deliveryDropped(delivery, reason, 1)
  }

  /** Sends the QoS 0 messages that wait, even to a peer that does not read: before the connection is ended on purpose. */
  flushQos0(nowMs: number): void {
    while (this.#output !== null && this.qos0Queue.length > 0) {
      this.#sendQos0(this.#output, this.qos0Queue.shift()!, nowMs)
    }
  }

  /**
   * PUBACK, PUBREC or PUBCOMP of the peer.
   * @returns false for an id that is not open: ignored, or answered by PUBREL for a PUBREC
   * @throws ProtocolViolation ACKNOWLEDGEMENT_OF_WRONG_KIND
   */
  receiveAcknowledgement(acknowledgement: Acknowledgement, nowMs: number): boolean {
    const { packetType, packetId, reasonCode } = acknowledgement
    const output = this.#output
    if (output === null) return false
    const delivery = this.inFlight.get(packetId)
    if (delivery === undefined) {
      if (packetType === PacketType.PUBREC && reasonCode < 0x80) {
        const unknown =
          this.#header.version === ProtocolVersion.V5 ? ReasonCode.PACKET_IDENTIFIER_NOT_FOUND : ReasonCode.SUCCESS
        output.sendAcknowledgement(PacketType.PUBREL, packetId, unknown)
      }
      return false
    }
    switch (packetType) {
      case PacketType.PUBACK:
        if (delivery.qos !== QoS.AT_LEAST_ONCE) throw this.#wrongKind(acknowledgement)
        this.#finish(delivery, reasonCode, acknowledgement.properties, nowMs)
        return true
      case PacketType.PUBREC:
        if (delivery.qos !== QoS.EXACTLY_ONCE) throw this.#wrongKind(acknowledgement)
        this.#received(output, delivery, acknowledgement, nowMs)
        return true
      default:
        if (delivery.qos !== QoS.EXACTLY_ONCE || delivery.state === DeliveryState.AWAITING_PUBREC) {
          throw this.#wrongKind(acknowledgement)
        }
        // the message was taken with PUBREC; a PUBCOMP of 0x92 only says that an earlier one was lost
        this.#finish(delivery, delivery.receivedCode, acknowledgement.properties, nowMs)
        return true
    }
  }

  #received(output: SessionOutput, delivery: Delivery, acknowledgement: Acknowledgement, nowMs: number): void {
    // [MQTT-4.4.0-2 v5] a PUBREC of 0x80 or more ends the exchange, no PUBREL follows
    const { reasonCode } = acknowledgement
    if (reasonCode >= 0x80) {
      this.#finish(delivery, reasonCode, acknowledgement.properties, nowMs)
      return
    }
    if (delivery.state === DeliveryState.AWAITING_PUBREC) delivery.receivedCode = reasonCode
    delivery.state = DeliveryState.AWAITING_PUBCOMP
    this.keeper?.deliveryChanged(delivery)
    output.sendAcknowledgement(PacketType.PUBREL, delivery.packetId, ReasonCode.SUCCESS)
  }

  #finish(delivery: Delivery, reasonCode: number, properties: Properties, nowMs: number): void {
    this.inFlight.delete(delivery.packetId)
    this.keeper?.deliveryRemoved(delivery)
    if (delivery.holdsSlot) this.#quota++
    this.#owner.deliveryDone(delivery, reasonCode, properties)
    if (this.queue.length > 0 || this.#unsentAgain.length > 0) this.drain(nowMs)
  }

  // With all 65,535 ids open, delivery waits.
  get #hasFreePacketId(): boolean {
    return this.inFlight.size + (this.#requests?.size ?? 0) < MAXIMUM_PACKET_ID
  }

  #sendFirst(output: SessionOutput, delivery: Delivery, nowMs: number): void {
    const packetId = this.packetIds.allocate(this.inFlight, this.#requests)
    delivery.packetId = packetId
    delivery.state = delivery.qos === QoS.AT_LEAST_ONCE ? DeliveryState.AWAITING_PUBACK : DeliveryState.AWAITING_PUBREC
    delivery.holdsSlot = true
    this.#quota--
    this.inFlight.add(delivery)
    this.keeper?.deliveryChanged(delivery)
    const { message, qos, retain, subscriptionIdentifiers } = delivery
    if (!this.#transmit(output, message, qos, retain, subscriptionIdentifiers, packetId, false, nowMs)) {
      this.#giveUpTooLarge(delivery)
    }
  }

  #sendQos0(output: SessionOutput, delivery: Delivery, nowMs: number): void {
    const { message, retain, subscriptionIdentifiers } = delivery
    if (message.isExpired(nowMs)) this.#owner.deliveryDropped(delivery, DropReason.EXPIRED, 1)
    else if (this.#transmit(output, message, QoS.AT_MOST_ONCE, retain, subscriptionIdentifiers, 0, false, nowMs)) {
      this.#owner.deliveryDone(delivery, ReasonCode.SUCCESS, NO_PROPERTIES)
    } else this.#tellTooLarge(delivery)
  }

  #sendAgain(nowMs: number): void {
    const output = this.#output
    if (output === null) return
    const waiting: Delivery[] = []
    // the socket holds up one and with it all behind it; the Receive Maximum holds up PUBLISH only (semantics S-11)
    let isHeldUp = false
    for (const delivery of this.#unsentAgain) {
      if (this.inFlight.get(delivery.packetId) !== delivery) continue
      isHeldUp ||= output.full
      if (isHeldUp) {
        waiting.push(delivery)
      } else if (delivery.state === DeliveryState.AWAITING_PUBCOMP) {
        // [MQTT-4.3.3-6] never the PUBLISH again; PUBREL needs no place of the Receive Maximum (5.0 section 4.9)
        output.sendAcknowledgement(PacketType.PUBREL, delivery.packetId, ReasonCode.SUCCESS)
      } else if (this.#quota > 0) {
        this.#quota--
        delivery.holdsSlot = true
        const { message, qos, retain, subscriptionIdentifiers, packetId } = delivery
        // [MQTT-3.3.1-1] DUP is 1 on what is sent again
        if (!this.#transmit(output, message, qos, retain, subscriptionIdentifiers, packetId, true, nowMs)) {
          // it went out once, and is lost now
          this.sentMessages--
          this.#giveUpTooLarge(delivery)
          if (this.#output !== output) return
        }
      } else {
        waiting.push(delivery)
      }
    }
    this.#unsentAgain = waiting
  }

  // [MQTT-3.1.2-25] too large for this peer: counts as delivered
  #giveUpTooLarge(delivery: Delivery): void {
    this.inFlight.delete(delivery.packetId)
    this.keeper?.deliveryRemoved(delivery)
    this.#quota++
    this.#tellTooLarge(delivery)
  }

  #tellTooLarge(delivery: Delivery): void {
    this.#owner.deliveryDropped(null, DropReason.PACKET_TOO_LARGE, 1)
    this.#owner.deliveryDone(delivery, ReasonCode.PACKET_TOO_LARGE, NO_PROPERTIES)
  }

  // @returns false when the packet is larger than the peer takes; nothing was sent then
  #transmit(
    output: SessionOutput,
    message: Message,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | null,
    packetId: number,
    dup: boolean,
    nowMs: number,
  ): boolean {
    const header = this.#header
    const newAlias = this.#prepareHeader(message, qos, subscriptionIdentifiers, nowMs)
    header.dup = dup
    header.retain = retain
    header.packetId = packetId
    const remainingLength = publishRemainingLength(message, header)
    if (publishBytes(remainingLength) > this.#limits!.maximumPacketBytes) return false
    if (newAlias > 0) this.#aliases.set(message.topicName, newAlias)
    if (!dup) this.sentMessages++
    output.sendPublish(message, header, remainingLength)
    return true
  }

  // Sets all that decides the size of the packet. @returns see #chooseAlias
  #prepareHeader(message: Message, qos: QoS, subscriptionIdentifiers: readonly number[] | null, nowMs: number): number {
    const header = this.#header
    header.qos = qos
    header.subscriptionIdentifiers = subscriptionIdentifiers
    header.topicAlias = 0
    header.omitTopic = false
    header.messageExpirySeconds = -1
    if (header.version !== ProtocolVersion.V5) return 0
    header.messageExpirySeconds = message.remainingExpirySeconds(nowMs)
    return this.#chooseAlias(message.topicName)
  }

  // Sets the alias fields of the header. @returns an alias to remember once the packet is really sent, 0 for none
  #chooseAlias(topicName: string): number {
    if (this.#limits!.topicAliasMaximum === 0) return 0
    const known = this.#aliases.known(topicName)
    if (known > 0) {
      this.#header.topicAlias = known
      this.#header.omitTopic = true
      return 0
    }
    this.#header.topicAlias = this.#aliases.next
    return this.#header.topicAlias
  }

  #wrongKind(acknowledgement: Acknowledgement): ProtocolViolation {
    return new ProtocolViolation('ACKNOWLEDGEMENT_OF_WRONG_KIND', {
      version: this.#header.version,
      packetType: acknowledgement.packetType,
      field: 'Packet Identifier',
      detail: `Packet Identifier ${acknowledgement.packetId}`,
    })
  }
}
