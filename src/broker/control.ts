import { Message } from '../codec/message.ts'
import type { Publish } from '../codec/packets/publish.ts'
import { QoS } from '../codec/qos.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { ServerSession } from '../session/server-session.ts'
import type { Subscription } from '../session/session-state.ts'
import { matches } from '../topic/topic-filter.ts'
import { TopicNameFault, topicNameFault } from '../topic/topic-name.ts'
import type { Access } from './access.ts'
import type { ClientRecords } from './client-records.ts'
import type { Clock } from './clock.ts'
import type { BrokerEvent } from './configuration.ts'
import { type ControlTarget, controlOperations } from './control-operations.ts'
import { ControlError } from './control-request.ts'
import { ControlSearches } from './control-searches.ts'
import type { LimitWatch } from './limit-watch.ts'
import type { Limits } from './limits.ts'
import type { RequestReceiver } from './message-exchange.ts'
import type { NetworkConnection } from './network-connection.ts'
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
  readonly #rate: RateBucket

  constructor(around: ControlSurroundings) {
    this.#limits = around.limits
    this.#limitWatch = around.limitWatch
    this.#access = around.access
    this.#records = around.records
    this.#clock = around.clock
    const { records, clock, observed, log } = around
    this.#target = { records, clock, observed, log, searches: new ControlSearches() }
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
    const { connection } = this.#records.get(session.clientId)!
    const { responseTopic, correlationData } = message.properties
    if (responseTopic !== undefined && topicNameFault(responseTopic) !== TopicNameFault.NONE) {
      return ReasonCode.TOPIC_NAME_INVALID
    }
    const answer = answerOf(() => operation(this.#target, message.payload, session.clientId))
    // it may have ended the session that asks
    if (responseTopic === undefined || !session.isConnected) return ReasonCode.SUCCESS
    if (subscriptionFor(session, responseTopic) === null) return ReasonCode.NO_MATCHING_SUBSCRIBERS
    const question = { session, connection: connection!, qos, responseTopic, correlation: copyOf(correlationData) }
    if (answer instanceof Promise) void answer.then((late) => this.#respond(question, late))
    else this.#respond(question, answer)
    return ReasonCode.SUCCESS
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

  // A search may take its time, and the client may have gone, or have had enough.
  #respond({ session, connection, qos, responseTopic, correlation }: Question, answer: object): void {
    if (this.#records.get(session.clientId)?.connection !== connection) return
    const subscription = subscriptionFor(session, responseTopic)
    if (subscription === null) return
    const properties = {
      payloadFormatIndicator: 1,
      contentType: 'application/json',
      ...correlation,
    }
    const response = Message.create(responseTopic, JSON.stringify(answer), { qos: QoS.AT_LEAST_ONCE, properties })
    const nowMs = this.#clock.nowMs()
    response.arrive(nowMs, 0)
    const { subscriptionIdentifier } = subscription
    const identifiers = subscriptionIdentifier === 0 ? null : [subscriptionIdentifier]
    session.forward(response, Math.min(qos, subscription.qos) as QoS, false, identifiers, null, nowMs)
  }
}

/** Who wants an answer, and how. */
interface Question {
  readonly session: ServerSession
  /** of the session when it asked: nobody who takes the session over gets the answer */
  readonly connection: NetworkConnection
  readonly qos: QoS
  readonly responseTopic: string
  readonly correlation: { readonly correlationData?: Buffer }
}

// an answer may come after the turn for which the bytes are good
function copyOf(correlationData: Buffer | undefined): Question['correlation'] {
  return correlationData === undefined ? {} : { correlationData: Buffer.from(correlationData) }
}

function answerOf(operate: () => object | Promise<object>): object | Promise<object> {
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

/** @param endpoint as {@link Transport.remoteAddress} has it */
function isLoopback(endpoint: string): boolean {
  return /^(?:127\.\d+\.\d+\.\d+:|\[::1\]:|\[::ffff:127\.|unix:)/.test(endpoint)
}
