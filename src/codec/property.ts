import { PacketType } from './packet-type.ts'
import { ReasonCode } from './reason-code.ts'

/** Name and value of one User Property. The order of many is kept, names may repeat [MQTT-3.3.2-18]. */
export type UserProperty = readonly [name: string, value: string]

/** All 27 properties of MQTT 5.0 (table 2-4). Absent is `undefined`; absent and the default value are not the same. */
export interface Properties {
  /** 0 bytes, 1 UTF-8 text */
  payloadFormatIndicator?: number
  /** seconds, 0 to 4,294,967,295 */
  messageExpiryIntervalSeconds?: number
  contentType?: string
  responseTopic?: string
  correlationData?: Buffer
  /** 1 to 268,435,455; a PUBLISH from a Server may hold several */
  subscriptionIdentifiers?: number[]
  /** seconds; 4,294,967,295 never expires */
  sessionExpiryIntervalSeconds?: number
  assignedClientIdentifier?: string
  serverKeepAliveSeconds?: number
  authenticationMethod?: string
  authenticationData?: Buffer
  requestProblemInformation?: number
  willDelayIntervalSeconds?: number
  requestResponseInformation?: number
  responseInformation?: string
  serverReference?: string
  reasonString?: string
  /** 1 to 65,535 messages */
  receiveMaximum?: number
  /** 0 to 65,535 aliases */
  topicAliasMaximum?: number
  topicAlias?: number
  /** 0 or 1; QoS 2 is told by leaving it out */
  maximumQos?: number
  retainAvailable?: number
  userProperties?: UserProperty[]
  /** bytes, fixed header included */
  maximumPacketBytes?: number
  wildcardSubscriptionAvailable?: number
  subscriptionIdentifierAvailable?: number
  sharedSubscriptionAvailable?: number
}

/** Shared by all packets without properties. */
export const NO_PROPERTIES: Readonly<Properties> = Object.freeze({})

/** How a property is encoded. */
export const PropertyType = {
  BYTE: 0,
  UINT16: 1,
  UINT32: 2,
  VARIABLE_BYTE_INTEGER: 3,
  STRING: 4,
  BINARY: 5,
  STRING_PAIR: 6,
} as const
export type PropertyType = (typeof PropertyType)[keyof typeof PropertyType]

/** Where properties stand: the type of the packet, or WILL for those inside the CONNECT payload. */
export const WILL_PROPERTIES = 0
export type PropertyPlace = PacketType | typeof WILL_PROPERTIES

/** Property identifiers that the code names one by one. */
export const PropertyId = {
  MESSAGE_EXPIRY_INTERVAL: 0x02,
  RESPONSE_TOPIC: 0x08,
  SUBSCRIPTION_IDENTIFIER: 0x0b,
  SESSION_EXPIRY_INTERVAL: 0x11,
  SERVER_REFERENCE: 0x1c,
  TOPIC_ALIAS: 0x23,
  USER_PROPERTY: 0x26,
} as const

/** One property of the table: what it is, where it may stand, which values it may have. */
export interface PropertyRow {
  readonly id: number
  readonly key: keyof Properties
  /** as the standard writes it */
  readonly name: string
  readonly type: PropertyType
  /** bit per place, see {@link mayStandIn} */
  readonly places: number
  /** smallest and largest legal value of a number */
  readonly minimum: number
  readonly maximum: number
  /** what a repeated or forbidden value breaks */
  readonly statement: string
  /** what a forbidden value is answered with */
  readonly reasonCode: number
  /** may stand more than once (all values are kept) */
  readonly list: boolean
}

const {
  CONNECT,
  CONNACK,
  PUBLISH,
  PUBACK,
  PUBREC,
  PUBREL,
  PUBCOMP,
  SUBSCRIBE,
  SUBACK,
  UNSUBSCRIBE,
  UNSUBACK,
  DISCONNECT,
  AUTH,
} = PacketType
const WILL = WILL_PROPERTIES
const EVERYWHERE: readonly PropertyPlace[] = [
  CONNECT,
  CONNACK,
  PUBLISH,
  WILL,
  PUBACK,
  PUBREC,
  PUBREL,
  PUBCOMP,
  SUBSCRIBE,
  SUBACK,
  UNSUBSCRIBE,
  UNSUBACK,
  DISCONNECT,
  AUTH,
]
const WITH_REASON: readonly PropertyPlace[] = [
  CONNACK,
  PUBACK,
  PUBREC,
  PUBREL,
  PUBCOMP,
  SUBACK,
  UNSUBACK,
  DISCONNECT,
  AUTH,
]

type Options = { min?: number; max?: number; reasonCode?: number; list?: boolean }

function property(
  id: number,
  key: keyof Properties,
  name: string,
  type: PropertyType,
  places: readonly PropertyPlace[],
  statement: string,
  { min = 0, max = 0xffff_ffff, reasonCode = ReasonCode.PROTOCOL_ERROR, list = false }: Options = {},
): PropertyRow {
  const bits = places.reduce((sum: number, place) => sum | (1 << place), 0)
  return { id, key, name, type, places: bits, minimum: min, maximum: max, statement, reasonCode, list }
}

const { BYTE, UINT16, UINT32, VARIABLE_BYTE_INTEGER, STRING, BINARY, STRING_PAIR } = PropertyType

/** The table of properties, in the order in which we encode them. */
export const properties: readonly PropertyRow[] = [
  property(0x01, 'payloadFormatIndicator', 'Payload Format Indicator', BYTE, [PUBLISH, WILL], 'U5-3.3.2.3.3-1', {
    max: 1,
  }),
  property(0x02, 'messageExpiryIntervalSeconds', 'Message Expiry Interval', UINT32, [PUBLISH, WILL], 'U5-3.3.2.3.3-1'),
  property(0x03, 'contentType', 'Content Type', STRING, [PUBLISH, WILL], 'U5-3.3.2.3.5-1'),
  property(0x08, 'responseTopic', 'Response Topic', STRING, [PUBLISH, WILL], 'U5-3.3.2.3.5-1'),
  property(0x09, 'correlationData', 'Correlation Data', BINARY, [PUBLISH, WILL], 'U5-3.3.2.3.5-1'),
  property(
    0x0b,
    'subscriptionIdentifiers',
    'Subscription Identifier',
    VARIABLE_BYTE_INTEGER,
    [PUBLISH, SUBSCRIBE],
    'U5-3.3.2.3.8-1',
    { min: 1, max: 268_435_455, list: true },
  ),
  property(
    0x11,
    'sessionExpiryIntervalSeconds',
    'Session Expiry Interval',
    UINT32,
    [CONNECT, CONNACK, DISCONNECT],
    'U5-3.1.2.11.2-1',
  ),
  property(0x12, 'assignedClientIdentifier', 'Assigned Client Identifier', STRING, [CONNACK], 'U5-3.2.2.3.7-1'),
  property(0x13, 'serverKeepAliveSeconds', 'Server Keep Alive', UINT16, [CONNACK], 'U5-3.2.2.3.14-1'),
  property(0x15, 'authenticationMethod', 'Authentication Method', STRING, [CONNECT, CONNACK, AUTH], 'U5-3.1.2.11.9-1'),
  property(0x16, 'authenticationData', 'Authentication Data', BINARY, [CONNECT, CONNACK, AUTH], 'U5-3.1.2.11.10-1'),
  property(0x17, 'requestProblemInformation', 'Request Problem Information', BYTE, [CONNECT], 'U5-3.1.2.11.7-1', {
    max: 1,
  }),
  property(0x18, 'willDelayIntervalSeconds', 'Will Delay Interval', UINT32, [WILL], 'U5-3.1.3.2.2-1'),
  property(0x19, 'requestResponseInformation', 'Request Response Information', BYTE, [CONNECT], 'U5-3.1.2.11.6-1', {
    max: 1,
  }),
  property(0x1a, 'responseInformation', 'Response Information', STRING, [CONNACK], 'U5-3.2.2.3.15-1'),
  property(0x1c, 'serverReference', 'Server Reference', STRING, [CONNACK, DISCONNECT], 'U5-3.2.2.3.16-1'),
  property(0x1f, 'reasonString', 'Reason String', STRING, WITH_REASON, 'U5-3.2.2.3.9-1'),
  property(0x21, 'receiveMaximum', 'Receive Maximum', UINT16, [CONNECT, CONNACK], 'U5-3.1.2.11.3-1', { min: 1 }),
  property(0x22, 'topicAliasMaximum', 'Topic Alias Maximum', UINT16, [CONNECT, CONNACK], 'U5-3.1.2.11.5-1'),
  property(0x23, 'topicAlias', 'Topic Alias', UINT16, [PUBLISH], 'U5-3.3.2.3.4-1', {
    min: 1,
    reasonCode: ReasonCode.TOPIC_ALIAS_INVALID,
  }),
  property(0x24, 'maximumQos', 'Maximum QoS', BYTE, [CONNACK], 'U5-3.2.2.3.4-1', { max: 1 }),
  property(0x25, 'retainAvailable', 'Retain Available', BYTE, [CONNACK], 'U5-3.2.2.3.5-1', { max: 1 }),
  property(0x26, 'userProperties', 'User Property', STRING_PAIR, EVERYWHERE, 'MQTT-1.5.7-1', { list: true }),
  property(0x27, 'maximumPacketBytes', 'Maximum Packet Size', UINT32, [CONNECT, CONNACK], 'U5-3.1.2.11.4-1', {
    min: 1,
  }),
  property(
    0x28,
    'wildcardSubscriptionAvailable',
    'Wildcard Subscription Available',
    BYTE,
    [CONNACK],
    'U5-3.2.2.3.11-1',
    { max: 1 },
  ),
  property(
    0x29,
    'subscriptionIdentifierAvailable',
    'Subscription Identifier Available',
    BYTE,
    [CONNACK],
    'U5-3.2.2.3.12-1',
    { max: 1 },
  ),
  property(0x2a, 'sharedSubscriptionAvailable', 'Shared Subscription Available', BYTE, [CONNACK], 'U5-3.2.2.3.13-1', {
    max: 1,
  }),
]

/** The table by identifier, 0 to 42; identifiers are a variable byte integer but none needs a second byte. */
export const propertyById: readonly (PropertyRow | undefined)[] = Array.from({ length: 43 }, (_, id) =>
  properties.find((candidate) => candidate.id === id),
)

/** May this property stand in this place (5.0 table 2-4)? */
export function mayStandIn(row: PropertyRow, place: PropertyPlace): boolean {
  return (row.places & (1 << place)) !== 0
}
