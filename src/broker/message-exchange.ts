import { isUtf8 } from 'node:buffer'
import { Message } from '../codec/message.ts'
import type { Publish } from '../codec/packets/publish.ts'
import type { SubscriptionRequest } from '../codec/packets/subscribe.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { QoS } from '../codec/qos.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { type Delivery, DeliveryState } from '../session/delivery.ts'
import { DropReason } from '../session/qos-sender.ts'
import type { Rights } from '../session/rights.ts'
import type { ServerSession, ServerSessionHost } from '../session/server-session.ts'
import { type SubscriptionOffers, subscriptionRefusal } from '../session/server-terms.ts'
import type { Subscription } from '../session/session-state.ts'
import type { Journal } from '../store/journal.ts'
import { parseSharedFilter } from '../topic/topic-filter.ts'
import { levelCount } from '../topic/topic-name.ts'
import type { BrokerOptions } from './configuration.ts'
import type { DeliveryAccounts } from './delivery-accounts.ts'
import type { DropLog } from './drop-log.ts'
import type { LimitWatch } from './limit-watch.ts'
import type { Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import type { RetainedMessages } from './retained-messages.ts'
import { type RouteResult, Router } from './router.ts'
import type { Waiting } from './waiting.ts'

/** The Server itself, as a publisher. */
const NOBODY: string | null = null

/** What a MessageExchange shares with the rest of its broker. */
export interface ExchangeSurroundings {
  readonly limits: Limits
  readonly metrics: Metrics
  readonly retained: RetainedMessages
  readonly offers: SubscriptionOffers
  readonly limitWatch: LimitWatch
  readonly dropLog: DropLog
  readonly accounts: DeliveryAccounts
  readonly waiting: Waiting
  /** a client before 5.0 has published what the store cannot keep: its connection is to be closed */
  readonly cutOff: (session: ServerSession) => void
}

/** Takes messages that are for the Server itself. */
export interface RequestReceiver {
  isFor(topicName: string): boolean
  /** May the session subscribe for answers, though its rights do not say so? */
  mayAwait(session: ServerSession, topicFilter: string): boolean
  /** @returns Reason Code for the acknowledgement */
  receive(session: ServerSession, publish: Publish, nowMs: number): number
}

/**
 * Where messages change hands: sessions publish here and subscribe here. Judges Topic Names and Filters, retains, routes, and
 * accounts for what reached nobody.
 */
export class MessageExchange implements ServerSessionHost {
  readonly router: Router
  readonly queuesQos0: boolean
  /** null: there is no store */
  journal: Journal | null = null
  /** null: there is no control interface */
  requests: RequestReceiver | null = null
  readonly #checksPayloadFormat: boolean
  readonly #limits: Limits
  readonly #metrics: Metrics
  readonly #retained: RetainedMessages
  readonly #offers: SubscriptionOffers
  readonly #limitWatch: LimitWatch
  readonly #dropLog: DropLog
  readonly #accounts: DeliveryAccounts
  readonly #waiting: Waiting
  readonly #cutOff: (session: ServerSession) => void
  readonly #routeResult: RouteResult = { matched: 0, taken: 0, unclaimed: 0 }
  #sequence = 0

  constructor(options: Pick<BrokerOptions, 'queueQos0' | 'checkPayloadFormat'>, around: ExchangeSurroundings) {
    this.queuesQos0 = options.queueQos0 ?? false
    this.#checksPayloadFormat = options.checkPayloadFormat ?? false
    this.#limits = around.limits
    this.#metrics = around.metrics
    this.#retained = around.retained
    this.#offers = around.offers
    this.#limitWatch = around.limitWatch
    this.#dropLog = around.dropLog
    this.#accounts = around.accounts
    this.#waiting = around.waiting
    this.#cutOff = around.cutOff
    this.router = new Router(around.limits)
  }

  /** The order of arrival so far. */
  get sequence(): number {
    return this.#sequence
  }

  /** Goes on behind what a store has. */
  set sequence(sequence: number) {
    this.#sequence = sequence
  }

  publish(session: ServerSession, publish: Publish, nowMs: number): number {
    const { message } = publish
    if (this.requests?.isFor(message.topicName)) return this.#receiveRequest(session, publish, nowMs)
    const judged = this.judgeTopic(session.rights, message.topicName)
    if (judged !== ReasonCode.SUCCESS) {
      this.#metrics.messagesRefused++
      return judged
    }
    // [U5-3.3.2.3.2-1]
    if (this.#checksPayloadFormat && isFalselyText(message)) {
      this.#metrics.messagesRefused++
      return ReasonCode.PAYLOAD_FORMAT_INVALID
    }
    if (publish.qos > 0 && this.isStoreFailing && this.#needsStore(session, publish)) return this.#refuseUnkept(session)
    return this.route(message, session.clientId, nowMs)
  }

  #receiveRequest(session: ServerSession, publish: Publish, nowMs: number): number {
    const reasonCode = this.requests!.receive(session, publish, nowMs)
    if (reasonCode >= 0x80) this.#metrics.messagesRefused++
    return reasonCode
  }

  get isStoreFailing(): boolean {
    return this.journal?.isFailing ?? false
  }

  #needsStore(session: ServerSession, { qos, message }: Publish): boolean {
    return message.retain || (qos === 2 && session.keeper !== null) || this.router.reachesKept(message.topicName)
  }

  // Nothing is acknowledged that is not kept; 3.1.1 has no word for it but the close (semantics L-05).
  #refuseUnkept(session: ServerSession): number {
    this.#metrics.messagesRefused++
    if (session.version !== ProtocolVersion.V5) this.#cutOff(session)
    return ReasonCode.QUOTA_EXCEEDED
  }

  /** May somebody with these rights publish to the topic? @returns 0x00, or the Reason Code that says why not */
  judgeTopic(rights: Rights, topicName: string): number {
    // `$SYS` is the Server's own (semantics Y-01); `$share/...` is no Topic Name (Y-04)
    if (topicName.charCodeAt(0) === 0x24) {
      if (topicName.startsWith('$SYS/') || topicName === '$SYS') return ReasonCode.NOT_AUTHORIZED
      if (topicName.startsWith('$share/')) return ReasonCode.TOPIC_NAME_INVALID
      // a will asks for nothing
      if (this.requests?.isFor(topicName)) return ReasonCode.NOT_AUTHORIZED
    }
    if (!rights.mayPublish(topicName)) return ReasonCode.NOT_AUTHORIZED
    return this.#isTopicTooLong(topicName) ? ReasonCode.TOPIC_NAME_INVALID : ReasonCode.SUCCESS
  }

  // A Topic Name, or a filter without its share.
  #isTopicTooLong(topic: string): boolean {
    const { maximumTopicBytes, maximumTopicLevels } = this.#limits
    // most are far from it: a character has 3 bytes at most
    const isLong = topic.length * 3 > maximumTopicBytes && Buffer.byteLength(topic) > maximumTopicBytes
    if (!isLong && levelCount(topic) <= maximumTopicLevels) return false
    this.#limitWatch.reached(isLong ? 'maximumTopicBytes' : 'maximumTopicLevels', '')
    return true
  }

  /** Keeps what is to be retained, then forwards. @param publisher its Client Identifier @returns Reason Code for the acknowledgement */
  route(message: Message, publisher: string, nowMs: number): number {
    message.arrive(Math.floor(nowMs), ++this.#sequence)
    message.publisher = publisher
    const kept = message.retain ? this.#retain(message) : true
    const result = this.#routeResult
    this.router.route(message, publisher, true, nowMs, result)
    const { matched, taken, unclaimed } = result
    if (unclaimed > 0) this.#dropUnclaimed('a Shared Subscription', DropReason.QUEUE_FULL, unclaimed)
    if (!kept || (matched > 0 && taken === 0)) return ReasonCode.QUOTA_EXCEEDED
    if (matched > 0) return ReasonCode.SUCCESS
    this.#metrics.messagesWithoutSubscriber++
    return ReasonCode.NO_MATCHING_SUBSCRIBERS
  }

  // @returns false when there was no room for it
  #retain(message: Message): boolean {
    // [MQTT-3.3.1-10, MQTT-3.3.1-11 v311, MQTT-3.3.1-6, MQTT-3.3.1-7 v5]; what expires at once is kept for nobody (semantics E-05)
    if (message.payloadBytes === 0 || message.messageExpiryIntervalSeconds === 0) {
      this.#retained.delete(message.topicName)
      return true
    }
    if (this.#retained.set(message.keep())) return true
    const isCount = this.#retained.count >= this.#limits.maximumRetainedMessages
    this.#limitWatch.reached(isCount ? 'maximumRetainedMessages' : 'maximumRetainedBytes', message.publisher ?? '')
    return false
  }

  // ---- subscriptions

  judgeSubscription(session: ServerSession, request: SubscriptionRequest, subscriptionIdentifier: number): number {
    const { topicFilter } = request
    const refusal = subscriptionRefusal(request, subscriptionIdentifier > 0, this.#offers)
    if (refusal !== ReasonCode.SUCCESS) return refusal
    const filter = parseSharedFilter(topicFilter)?.topicFilter ?? topicFilter
    if (this.#isTopicTooLong(filter)) return ReasonCode.QUOTA_EXCEEDED
    if (!session.rights.maySubscribe(filter) && !this.requests?.mayAwait(session, filter))
      return ReasonCode.NOT_AUTHORIZED
    if (session.keeper !== null && this.isStoreFailing) return ReasonCode.QUOTA_EXCEEDED
    const { subscriptions } = session.state
    if (subscriptions.size < this.#limits.maximumSubscriptions || subscriptions.has(topicFilter)) return request.qos
    this.#limitWatch.reached('maximumSubscriptions', session.clientId)
    return ReasonCode.QUOTA_EXCEEDED
  }

  subscriptionSet(session: ServerSession, subscription: Subscription, replaced: Subscription | null): void {
    this.router.add(session, subscription, replaced === null)
    this.#waiting.changed()
  }

  subscriptionRemoved(session: ServerSession, subscription: Subscription): void {
    this.router.remove(session, subscription.topicFilter)
    this.#waiting.changed()
  }

  *retainedMessages(session: ServerSession, subscription: Subscription): IterableIterator<Message> {
    for (const message of this.#retained.match(subscription.topicFilter)) {
      // No Local holds back one's own retained messages too (semantics T-11)
      if (subscription.noLocal && message.publisher === session.clientId) continue
      // semantics R-13
      if (!session.rights.mayReceive(message.topicName)) continue
      yield message
    }
  }

  isRetained(message: Message): boolean {
    return this.#retained.get(message.topicName) === message
  }

  deliveryDropped(session: ServerSession, reason: DropReason, count: number): void {
    this.#metrics.countDropped(reason, count)
    this.#dropLog.dropped(session.clientId, reason)
  }

  get maximumFiltersPerPacket(): number {
    return this.#limits.maximumFiltersPerPacket
  }

  tooManyFilters(session: ServerSession): void {
    this.#limitWatch.reached('maximumFiltersPerPacket', session.clientId)
  }

  /** What an ended session leaves over of a Shared Subscription goes to another member (semantics G-08) [U5-4.8.2-2]. */
  forwardToGroup({ message, sharedFilter, state }: Delivery, nowMs: number): void {
    const group = this.router.group(sharedFilter!)
    // [MQTT-3.3.2-5] for another member its delivery has not begun
    if (message.isExpired(nowMs)) this.#dropUnclaimed(sharedFilter!, DropReason.EXPIRED, 1)
    else if (group?.forward(message, nowMs, group.barredFrom(message.topicName))) return
    else if (group !== null) this.#dropUnclaimed(sharedFilter!, DropReason.QUEUE_FULL, 1)
    // one that was sent may have arrived
    else if (state === DeliveryState.QUEUED) this.#dropUnclaimed(sharedFilter!, DropReason.SESSION_ENDED, 1)
  }

  #dropUnclaimed(sharedFilter: string, reason: DropReason, count: number): void {
    this.#accounts.droppedUnclaimed(count)
    this.#metrics.countDropped(reason, count)
    this.#dropLog.dropped(sharedFilter, reason)
  }

  /** A message of the Server: retained, so that one SUBSCRIBE gives the present state; not queued for offline sessions (semantics Y-02, Y-03). */
  publishOwn(topicName: string, value: string, nowMs: number): void {
    const message = Message.create(topicName, value, { qos: QoS.AT_MOST_ONCE, retain: true }).keep()
    message.arrive(Math.floor(nowMs), ++this.#sequence)
    this.#retained.set(message)
    this.router.route(message, NOBODY, false, nowMs, this.#routeResult)
  }
}

// Payload Format Indicator 1 on bytes that are no text.
function isFalselyText(message: Message): boolean {
  return message.properties.payloadFormatIndicator === 1 && !isUtf8(message.payload)
}
