import { Message } from '../codec/message.ts'
import type { Publish } from '../codec/packets/publish.ts'
import { QoS } from '../codec/qos.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ProtocolViolation } from '../codec/violation.ts'
import type { ServerSession } from '../session/server-session.ts'
import type { Subscription } from '../session/session-state.ts'
import { matches } from '../topic/topic-filter.ts'
import type { Access } from './access.ts'
import type { ClientRecords } from './client-records.ts'
import type { Clock } from './clock.ts'
import type { BrokerEvent } from './configuration.ts'
import { type ControlTarget, controlOperations } from './control-operations.ts'
import { ControlError } from './control-request.ts'
import type { LimitWatch } from './limit-watch.ts'
import type { Limits } from './limits.ts'
import type { RequestReceiver } from './message-exchange.ts'
import { RateBucket } from './rate-bucket.ts'

/** Below it each operation has a topic. */
const ROOT = '$CONTROL/broker/'
/** Below it an administrator may subscribe for answers, whatever an ACL file says. */
const RESPONSES = `${ROOT}response/`

/** What a Control shares with its broker. */
export interface ControlSurroundings {
  readonly limits: Limits
  readonly limitWatch: LimitWatch
  readonly access: Access
  readonly records: ClientRecords
  readonly clock: Clock
  readonly observed: ControlTarget['observed']
  readonly log: (event: BrokerEvent) => void
}

/**
 * The control interface: operations on the running broker as requests by MQTT 5, with a Response Topic and Correlation Data (5.0
 * section 4.10), described in docs/control.md. Requests are neither retained nor routed, and an answer goes to the session that
 * asked and to nobody else, whoever has subscribed to its topic.
 */
export class Control implements RequestReceiver {
  readonly #limits: Limits
  readonly #limitWatch: LimitWatch
  readonly #access: Access
  readonly #records: ClientRecords
  readonly #clock: Clock
  readonly #target: ControlTarget
  readonly #log: (event: BrokerEvent) => void
  readonly #rate: RateBucket

  constructor(around: ControlSurroundings) {
    this.#limits = around.limits
    this.#limitWatch = around.limitWatch
    this.#access = around.access
    this.#records = around.records
    this.#clock = around.clock
    this.#target = around
    this.#log = around.log
    this.#rate = new RateBucket(this.#limits.maximumControlRate, this.#clock.nowMs())
  }

  /** Is this a topic of the interface? */
  isFor(topicName: string): boolean {
    return topicName.startsWith(ROOT)
  }

  mayAwait(session: ServerSession, topicFilter: string): boolean {
    return topicFilter.startsWith(RESPONSES) && this.#mayUse(session, topicFilter)
  }

  /** Carries a request out and answers it. @returns Reason Code for the acknowledgement of the request */
  receive(session: ServerSession, { message, qos }: Publish, nowMs: number): number {
    const { topicName } = message
    if (!this.#mayUse(session, topicName)) return ReasonCode.NOT_AUTHORIZED
    const operation = controlOperations.get(topicName.slice(ROOT.length))
    if (operation === undefined) return ReasonCode.TOPIC_NAME_INVALID
    const { maximumControlRate } = this.#limits
    if (this.#rate.waitMs(maximumControlRate, nowMs) > 0) {
      this.#limitWatch.reached('maximumControlRate', session.clientId)
      return ReasonCode.QUOTA_EXCEEDED
    }
    this.#rate.take(1, maximumControlRate, nowMs)
    const { responseTopic, correlationData } = message.properties
    // it may end the session that asks
    const { payload } = message
    if (topicName === `${ROOT}disconnect`) this.#logRequest(session, payload)
    const answer = answerOf(() => operation(this.#target, payload))
    if (responseTopic === undefined) return ReasonCode.SUCCESS
    return this.#respond(session, qos, responseTopic, correlationData, answer, nowMs)
  }

  #mayUse(session: ServerSession, topicName: string): boolean {
    const connection = this.#records.get(session.clientId)?.connection ?? null
    if (connection === null || connection.session !== session) return false
    const { identity, grants, transport } = connection
    const isLocal = !transport.isForeign && isLoopback(transport.remoteAddress)
    const { mayControl } = this.#access
    if (mayControl === undefined) return isLocal
    return mayControl.call(this.#access, { identity, clientId: session.clientId, grants, isLocal }, topicName)
  }

  #logRequest({ clientId }: ServerSession, payload: Buffer): void {
    this.#log({ event: 'control', clientId, detail: `asks to disconnect ${payload.toString()}` })
  }

  #respond(
    session: ServerSession,
    qos: QoS,
    responseTopic: string,
    correlationData: Buffer | undefined,
    answer: object,
    nowMs: number,
  ): number {
    if (!session.isConnected) return ReasonCode.SUCCESS
    const subscription = subscriptionFor(session, responseTopic)
    if (subscription === null) return ReasonCode.NO_MATCHING_SUBSCRIBERS
    const response = responseMessage(responseTopic, answer, correlationData)
    if (response === null) return ReasonCode.TOPIC_NAME_INVALID
    response.arrive(nowMs, 0)
    const { subscriptionIdentifier } = subscription
    const identifiers = subscriptionIdentifier === 0 ? null : [subscriptionIdentifier]
    session.forward(response, Math.min(qos, subscription.qos) as QoS, false, identifiers, null, nowMs)
    return ReasonCode.SUCCESS
  }
}

function answerOf(operate: () => object): object {
  try {
    return operate()
  } catch (error) {
    if (!(error instanceof ControlError)) throw error
    return { error: error.message }
  }
}

function subscriptionFor(session: ServerSession, topicName: string): Subscription | null {
  for (const subscription of session.state.subscriptions.values()) {
    if (matches(subscription.topicFilter, topicName)) return subscription
  }
  return null
}

// null: it is no Topic Name
function responseMessage(topicName: string, answer: object, correlationData: Buffer | undefined): Message | null {
  const properties = {
    payloadFormatIndicator: 1,
    contentType: 'application/json',
    ...(correlationData === undefined ? {} : { correlationData }),
  }
  try {
    return Message.create(topicName, JSON.stringify(answer), { qos: QoS.AT_LEAST_ONCE, properties })
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error
    return null
  }
}

/** @param endpoint as {@link Transport.remoteAddress} has it */
function isLoopback(endpoint: string): boolean {
  return /^(?:127\.\d+\.\d+\.\d+:|\[::1\]:|\[::ffff:127\.|unix:)/.test(endpoint)
}
