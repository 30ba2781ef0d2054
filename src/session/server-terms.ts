import type { Message } from '../codec/message.ts'
import type { Connack } from '../codec/packets/connack.ts'
import type { Connect } from '../codec/packets/connect.ts'
import type { SubscriptionRequest } from '../codec/packets/subscribe.ts'
import type { Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import type { QoS } from '../codec/qos.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { hasWildcard, isSharedFilter } from '../topic/topic-filter.ts'
import type { PeerLimits } from './qos-sender.ts'
import { NEVER_EXPIRES_SECONDS } from './session-state.ts'

/** The largest packet that the fixed header can announce, in bytes. */
export const LARGEST_PACKET_BYTES = 268_435_460

const DEFAULT_RECEIVE_MAXIMUM = 65_535

/** Bounds that a Client sets itself, beside those of the Server. */
export interface ClientBounds {
  /** QoS 1 and 2 messages sent and not acknowledged */
  readonly maximumInFlight: number
  /** Topic Aliases that the Client makes for its own messages */
  readonly maximumTopicAliases: number
}

/** What SUBSCRIBE may ask a Server for (5.0 sections 3.2.2.3.11 to 3.2.2.3.13). */
export interface SubscriptionOffers {
  readonly wildcardSubscriptionAvailable: boolean
  readonly sharedSubscriptionAvailable: boolean
  readonly subscriptionIdentifierAvailable: boolean
}

/** What a Server granted for one Network Connection: CONNACK with the defaults of the standard filled in. */
export interface ServerTerms extends PeerLimits, SubscriptionOffers {
  /** that of CONNECT, or the one that the Server assigned */
  readonly clientId: string
  /** highest QoS of a PUBLISH, in both directions */
  readonly maximumQos: QoS
  readonly retainAvailable: boolean
  /** 0: off. That of CONNECT, or the Server's [MQTT-3.2.2-21 v5] */
  readonly keepAliveSeconds: number
  /** how long the Server keeps the Session without Network Connection; 0: not at all */
  readonly sessionExpirySeconds: number
}

/** Reads what an accepting CONNACK grants. */
export function serverTerms(connect: Connect, connack: Connack, bounds: ClientBounds): ServerTerms {
  const { version } = connect
  const { properties } = connack
  const receiveMaximum = properties.receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM
  return {
    version,
    clientId: properties.assignedClientIdentifier ?? connect.clientId,
    receiveMaximum: Math.min(receiveMaximum, bounds.maximumInFlight),
    maximumPacketBytes: Math.min(properties.maximumPacketBytes ?? LARGEST_PACKET_BYTES, LARGEST_PACKET_BYTES),
    topicAliasMaximum: Math.min(properties.topicAliasMaximum ?? 0, bounds.maximumTopicAliases),
    maximumQos: (properties.maximumQos ?? 2) as QoS,
    retainAvailable: properties.retainAvailable !== 0,
    wildcardSubscriptionAvailable: properties.wildcardSubscriptionAvailable !== 0,
    sharedSubscriptionAvailable: properties.sharedSubscriptionAvailable !== 0,
    subscriptionIdentifierAvailable: properties.subscriptionIdentifierAvailable !== 0,
    keepAliveSeconds: properties.serverKeepAliveSeconds ?? connect.keepAliveSeconds,
    sessionExpirySeconds: sessionExpirySeconds(connect, connack),
  }
}

// 3.1.1 asks with Clean Session 0 for a session without end.
function sessionExpirySeconds(connect: Connect, connack: Connack): number {
  if (connect.version !== ProtocolVersion.V5) return connect.cleanStart ? 0 : NEVER_EXPIRES_SECONDS
  const asked = connect.properties.sessionExpiryIntervalSeconds ?? 0
  return connack.properties.sessionExpiryIntervalSeconds ?? asked
}

/**
 * Why a message must not be sent to this Server [MQTT-3.2.2-11, MQTT-3.2.2-14 v5].
 * @returns 0, or the Reason Code with which the Server would end the connection
 */
export function publishRefusal(message: Message, terms: ServerTerms): number {
  if (message.qos > terms.maximumQos) return ReasonCode.QOS_NOT_SUPPORTED
  if (message.retain && !terms.retainAvailable) return ReasonCode.RETAIN_NOT_SUPPORTED
  return ReasonCode.SUCCESS
}

/**
 * Why a Server does not serve a filter that it is asked for (5.0 sections 3.2.2.3.11 to 3.2.2.3.13).
 * @param hasIdentifier SUBSCRIBE has a Subscription Identifier
 * @returns 0, or the Reason Code that says so
 */
export function subscriptionRefusal(
  request: SubscriptionRequest,
  hasIdentifier: boolean,
  offers: SubscriptionOffers,
): number {
  const { topicFilter } = request
  if (!offers.wildcardSubscriptionAvailable && hasWildcard(topicFilter)) {
    return ReasonCode.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED
  }
  if (!offers.sharedSubscriptionAvailable && isSharedFilter(topicFilter)) {
    return ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
  }
  if (!offers.subscriptionIdentifierAvailable && hasIdentifier) {
    return ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED
  }
  return ReasonCode.SUCCESS
}

const NOT_SENT: ReadonlyMap<number, Properties> = new Map(
  [
    [ReasonCode.QOS_NOT_SUPPORTED, 'not sent: its QoS is above the Maximum QoS of the server'],
    [ReasonCode.RETAIN_NOT_SUPPORTED, 'not sent: the server keeps no retained messages'],
    [ReasonCode.PACKET_TOO_LARGE, 'not sent: larger than the Maximum Packet Size of the server'],
    [ReasonCode.QUOTA_EXCEEDED, 'not sent: too much is waiting to be sent already'],
    [ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR, 'not sent: its Message Expiry Interval passed while it waited'],
  ].map(([code, reasonString]) => [code as number, { reasonString: reasonString as string }]),
)

/** The reason, in words, why a message was not sent; as if the Server had said it. */
export function notSentProperties(reasonCode: number): Properties {
  return NOT_SENT.get(reasonCode) ?? {}
}
