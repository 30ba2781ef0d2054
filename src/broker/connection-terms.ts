import { Connack } from '../codec/packets/connack.ts'
import type { Connect } from '../codec/packets/connect.ts'
import type { Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import type { QoS } from '../codec/qos.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { ConnectionTerms } from '../session/server-session.ts'
import { LARGEST_PACKET_BYTES, type SubscriptionOffers } from '../session/server-terms.ts'
import type { Limits } from './limits.ts'

const DEFAULT_RECEIVE_MAXIMUM = 65_535
const LONGEST_KEEP_ALIVE_SECONDS = 65_535

/** What a client asked for and what the Server's limits make of it. */
export function agreeOnTerms(connect: Connect, limits: Limits, retainAvailable: boolean): ConnectionTerms {
  const { version, properties } = connect
  const v5 = version === ProtocolVersion.V5
  return {
    version,
    bridge: connect.bridge,
    receiveMaximum: Math.min(properties.receiveMaximum ?? DEFAULT_RECEIVE_MAXIMUM, limits.maximumInFlightMessages),
    maximumPacketBytes: properties.maximumPacketBytes ?? LARGEST_PACKET_BYTES,
    topicAliasMaximum: Math.min(properties.topicAliasMaximum ?? 0, limits.maximumTopicAliases),
    ownReceiveMaximum: v5 ? limits.receiveMaximum : DEFAULT_RECEIVE_MAXIMUM,
    ownTopicAliasMaximum: v5 ? limits.maximumTopicAliases : 0,
    maximumQos: limits.maximumQos as QoS,
    retainAvailable,
    requestedExpirySeconds: properties.sessionExpiryIntervalSeconds ?? 0,
  }
}

/** Session Expiry Interval that will count: 3.1.1 asks with Clean Session, 5.0 with a property that the Server may cap (semantics S-06, S-07). */
export function agreeOnExpirySeconds(connect: Connect, limits: Limits): number {
  if (connect.version !== ProtocolVersion.V5) return connect.cleanStart ? 0 : limits.maximumSessionExpirySeconds
  return Math.min(connect.properties.sessionExpiryIntervalSeconds ?? 0, limits.maximumSessionExpirySeconds)
}

/** Keep Alive that will count: a 5.0 client can be told another one [MQTT-3.2.2-21], older ones keep theirs. */
export function agreeOnKeepAliveSeconds(connect: Connect, limits: Limits): number {
  const asked = connect.keepAliveSeconds
  const maximum = limits.maximumKeepAliveSeconds
  if (connect.version !== ProtocolVersion.V5 || maximum === LONGEST_KEEP_ALIVE_SECONDS) return asked
  return asked === 0 || asked > maximum ? maximum : asked
}

/** What the Server decided about one CONNECT, beside its limits. */
export interface Agreed {
  readonly expirySeconds: number
  readonly keepAliveSeconds: number
  /** null when the client brought one */
  readonly assignedClientId: string | null
  /** last word of an enhanced authentication; null without one */
  readonly authenticationData: Buffer | null
}

/** CONNACK properties: every limit that differs from the default of the standard, and none that does not (semantics C-12). */
function connackProperties(
  connect: Connect,
  terms: ConnectionTerms,
  limits: Limits,
  offers: SubscriptionOffers,
  agreed: Agreed,
): Properties {
  const properties: Properties = {}
  if (agreed.expirySeconds !== terms.requestedExpirySeconds)
    properties.sessionExpiryIntervalSeconds = agreed.expirySeconds
  if (terms.ownReceiveMaximum !== DEFAULT_RECEIVE_MAXIMUM) properties.receiveMaximum = terms.ownReceiveMaximum
  if (terms.maximumQos < 2) properties.maximumQos = terms.maximumQos
  if (!terms.retainAvailable) properties.retainAvailable = 0
  if (!offers.wildcardSubscriptionAvailable) properties.wildcardSubscriptionAvailable = 0
  if (!offers.sharedSubscriptionAvailable) properties.sharedSubscriptionAvailable = 0
  if (!offers.subscriptionIdentifierAvailable) properties.subscriptionIdentifierAvailable = 0
  if (limits.maximumPacketBytes < LARGEST_PACKET_BYTES) properties.maximumPacketBytes = limits.maximumPacketBytes
  if (agreed.assignedClientId !== null) properties.assignedClientIdentifier = agreed.assignedClientId
  if (terms.ownTopicAliasMaximum > 0) properties.topicAliasMaximum = terms.ownTopicAliasMaximum
  if (agreed.keepAliveSeconds !== connect.keepAliveSeconds) properties.serverKeepAliveSeconds = agreed.keepAliveSeconds
  // [MQTT-3.1.2-28] only when asked for
  if (connect.properties.requestResponseInformation === 1) {
    properties.responseInformation = `response/${agreed.assignedClientId ?? connect.clientId}`
  }
  // [MQTT-4.12.0-5]
  if (agreed.authenticationData !== null) {
    properties.authenticationMethod = connect.properties.authenticationMethod!
    properties.authenticationData = agreed.authenticationData
  }
  return properties
}

/** CONNACK with Reason Code 0x00, in the words of the client's version. */
export function makeConnack(
  connect: Connect,
  terms: ConnectionTerms,
  sessionPresent: boolean,
  limits: Limits,
  offers: SubscriptionOffers,
  agreed: Agreed,
): Connack {
  if (connect.version !== ProtocolVersion.V5) {
    // MQTT 3.1 has no Session Present (semantics M-01)
    return new Connack(sessionPresent && connect.version !== ProtocolVersion.V3_1, 0)
  }
  return new Connack(sessionPresent, ReasonCode.SUCCESS, connackProperties(connect, terms, limits, offers, agreed))
}
