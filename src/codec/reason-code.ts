import { PacketType, Role } from './packet-type.ts'

/** Reason Codes of MQTT 5.0 (section 2.4). Below 0x80 is success. */
export const ReasonCode = {
  SUCCESS: 0x00,
  NORMAL_DISCONNECTION: 0x00,
  GRANTED_QOS_0: 0x00,
  GRANTED_QOS_1: 0x01,
  GRANTED_QOS_2: 0x02,
  DISCONNECT_WITH_WILL_MESSAGE: 0x04,
  NO_MATCHING_SUBSCRIBERS: 0x10,
  NO_SUBSCRIPTION_EXISTED: 0x11,
  CONTINUE_AUTHENTICATION: 0x18,
  RE_AUTHENTICATE: 0x19,
  UNSPECIFIED_ERROR: 0x80,
  MALFORMED_PACKET: 0x81,
  PROTOCOL_ERROR: 0x82,
  IMPLEMENTATION_SPECIFIC_ERROR: 0x83,
  UNSUPPORTED_PROTOCOL_VERSION: 0x84,
  CLIENT_IDENTIFIER_NOT_VALID: 0x85,
  BAD_USER_NAME_OR_PASSWORD: 0x86,
  NOT_AUTHORIZED: 0x87,
  SERVER_UNAVAILABLE: 0x88,
  SERVER_BUSY: 0x89,
  BANNED: 0x8a,
  SERVER_SHUTTING_DOWN: 0x8b,
  BAD_AUTHENTICATION_METHOD: 0x8c,
  KEEP_ALIVE_TIMEOUT: 0x8d,
  SESSION_TAKEN_OVER: 0x8e,
  TOPIC_FILTER_INVALID: 0x8f,
  TOPIC_NAME_INVALID: 0x90,
  PACKET_IDENTIFIER_IN_USE: 0x91,
  PACKET_IDENTIFIER_NOT_FOUND: 0x92,
  RECEIVE_MAXIMUM_EXCEEDED: 0x93,
  TOPIC_ALIAS_INVALID: 0x94,
  PACKET_TOO_LARGE: 0x95,
  MESSAGE_RATE_TOO_HIGH: 0x96,
  QUOTA_EXCEEDED: 0x97,
  ADMINISTRATIVE_ACTION: 0x98,
  PAYLOAD_FORMAT_INVALID: 0x99,
  RETAIN_NOT_SUPPORTED: 0x9a,
  QOS_NOT_SUPPORTED: 0x9b,
  USE_ANOTHER_SERVER: 0x9c,
  SERVER_MOVED: 0x9d,
  SHARED_SUBSCRIPTIONS_NOT_SUPPORTED: 0x9e,
  CONNECTION_RATE_EXCEEDED: 0x9f,
  MAXIMUM_CONNECT_TIME: 0xa0,
  SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED: 0xa1,
  WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED: 0xa2,
} as const
export type ReasonCode = (typeof ReasonCode)[keyof typeof ReasonCode]

const BOTH = 3
const CLIENT = 1
const SERVER = 2

type Row = readonly [code: number, name: string, senders: Readonly<Partial<Record<number, number>>>]

const { CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT, AUTH } = PacketType
const acknowledgesPublish = { [PUBACK]: BOTH, [PUBREC]: BOTH }
const refusesConnect = { [CONNACK]: SERVER }
const refusesFilter = { [SUBACK]: SERVER, [UNSUBACK]: SERVER }

/** Code, name, and who may send it in which packet (5.0 tables 2-6, 3-1 to 3-10). 0x00 and 0x01, 0x02 are named per packet below. */
const rows: readonly Row[] = [
  [
    0x00,
    'Success',
    {
      [CONNACK]: SERVER,
      ...acknowledgesPublish,
      [PUBREL]: BOTH,
      [PUBCOMP]: BOTH,
      ...refusesFilter,
      [DISCONNECT]: BOTH,
      [AUTH]: SERVER,
    },
  ],
  [0x01, 'Granted QoS 1', { [SUBACK]: SERVER }],
  [0x02, 'Granted QoS 2', { [SUBACK]: SERVER }],
  [0x04, 'Disconnect with Will Message', { [DISCONNECT]: CLIENT }],
  [0x10, 'No matching subscribers', acknowledgesPublish],
  [0x11, 'No subscription existed', { [UNSUBACK]: SERVER }],
  [0x18, 'Continue authentication', { [AUTH]: BOTH }],
  [0x19, 'Re-authenticate', { [AUTH]: CLIENT }],
  [0x80, 'Unspecified error', { ...refusesConnect, ...acknowledgesPublish, ...refusesFilter, [DISCONNECT]: BOTH }],
  [0x81, 'Malformed Packet', { ...refusesConnect, [DISCONNECT]: BOTH }],
  [0x82, 'Protocol Error', { ...refusesConnect, [DISCONNECT]: BOTH }],
  [
    0x83,
    'Implementation specific error',
    { ...refusesConnect, ...acknowledgesPublish, ...refusesFilter, [DISCONNECT]: BOTH },
  ],
  [0x84, 'Unsupported Protocol Version', refusesConnect],
  [0x85, 'Client Identifier not valid', refusesConnect],
  [0x86, 'Bad User Name or Password', refusesConnect],
  [0x87, 'Not authorized', { ...refusesConnect, ...acknowledgesPublish, ...refusesFilter, [DISCONNECT]: SERVER }],
  [0x88, 'Server unavailable', refusesConnect],
  [0x89, 'Server busy', { ...refusesConnect, [DISCONNECT]: SERVER }],
  [0x8a, 'Banned', refusesConnect],
  [0x8b, 'Server shutting down', { [DISCONNECT]: SERVER }],
  // Table 2-6 lists 0x8C for DISCONNECT too, table 3-10 does not: understood there, never sent by us.
  [0x8c, 'Bad authentication method', { ...refusesConnect, [DISCONNECT]: SERVER }],
  [0x8d, 'Keep Alive timeout', { [DISCONNECT]: SERVER }],
  [0x8e, 'Session taken over', { [DISCONNECT]: SERVER }],
  [0x8f, 'Topic Filter invalid', { ...refusesFilter, [DISCONNECT]: SERVER }],
  [0x90, 'Topic Name invalid', { ...refusesConnect, ...acknowledgesPublish, [DISCONNECT]: BOTH }],
  [0x91, 'Packet Identifier in use', { ...acknowledgesPublish, ...refusesFilter }],
  [0x92, 'Packet Identifier not found', { [PUBREL]: BOTH, [PUBCOMP]: BOTH }],
  [0x93, 'Receive Maximum exceeded', { [DISCONNECT]: BOTH }],
  [0x94, 'Topic Alias invalid', { [DISCONNECT]: BOTH }],
  [0x95, 'Packet too large', { ...refusesConnect, [DISCONNECT]: BOTH }],
  [0x96, 'Message rate too high', { [DISCONNECT]: BOTH }],
  [0x97, 'Quota exceeded', { ...refusesConnect, ...acknowledgesPublish, [SUBACK]: SERVER, [DISCONNECT]: BOTH }],
  [0x98, 'Administrative action', { [DISCONNECT]: BOTH }],
  [0x99, 'Payload format invalid', { ...refusesConnect, ...acknowledgesPublish, [DISCONNECT]: BOTH }],
  [0x9a, 'Retain not supported', { ...refusesConnect, [DISCONNECT]: SERVER }],
  // Table 3-10 gives 0x9B to Servers, section 3.3.4 to Clients as well.
  [0x9b, 'QoS not supported', { ...refusesConnect, [DISCONNECT]: BOTH }],
  [0x9c, 'Use another server', { ...refusesConnect, [DISCONNECT]: SERVER }],
  [0x9d, 'Server moved', { ...refusesConnect, [DISCONNECT]: SERVER }],
  [0x9e, 'Shared Subscriptions not supported', { [SUBACK]: SERVER, [DISCONNECT]: SERVER }],
  [0x9f, 'Connection rate exceeded', { ...refusesConnect, [DISCONNECT]: SERVER }],
  [0xa0, 'Maximum connect time', { [DISCONNECT]: SERVER }],
  [0xa1, 'Subscription Identifiers not supported', { [SUBACK]: SERVER, [DISCONNECT]: SERVER }],
  [0xa2, 'Wildcard Subscriptions not supported', { [SUBACK]: SERVER, [DISCONNECT]: SERVER }],
]

/** Every Reason Code of MQTT 5.0, in order. */
export const reasonCodes: readonly number[] = rows.map(([code]) => code)

const byCode: readonly (Row | undefined)[] = Array.from({ length: 256 }, (_, code) => rows.find(([c]) => c === code))

/** May this role send this code in this packet (5.0)? */
export function isReasonCodeAllowed(packetType: PacketType, code: number, sender: Role): boolean {
  const senders = byCode[code]?.[2][packetType] ?? 0
  return (senders & (sender === Role.CLIENT ? CLIENT : SERVER)) !== 0
}

/** The standard's name of a code, as it reads in that packet: 0x00 is `Granted QoS 0` in SUBACK, `Normal disconnection` in DISCONNECT. */
export function reasonCodeName(code: number, packetType?: PacketType): string {
  if (code === 0 && packetType === SUBACK) return 'Granted QoS 0'
  if (code === 0 && packetType === DISCONNECT) return 'Normal disconnection'
  return byCode[code]?.[1] ?? 'unknown reason code'
}

/** `0x87 Not authorized`: how a code is told to people. */
export function formatReasonCode(code: number, packetType?: PacketType): string {
  return `0x${code.toString(16).padStart(2, '0').toUpperCase()} ${reasonCodeName(code, packetType)}`
}

/** Return codes of CONNACK in MQTT 3.1 and 3.1.1 (3.1.1 table 3.1). */
export const ReturnCode = {
  ACCEPTED: 0,
  UNACCEPTABLE_PROTOCOL_VERSION: 1,
  IDENTIFIER_REJECTED: 2,
  SERVER_UNAVAILABLE: 3,
  BAD_USER_NAME_OR_PASSWORD: 4,
  NOT_AUTHORIZED: 5,
} as const
export type ReturnCode = (typeof ReturnCode)[keyof typeof ReturnCode]

const returnCodeNames = [
  'Connection accepted',
  'Unacceptable protocol version',
  'Identifier rejected',
  'Server unavailable',
  'Bad user name or password',
  'Not authorized',
]

const toReturnCode: ReadonlyMap<number, ReturnCode> = new Map<number, ReturnCode>([
  [ReasonCode.SUCCESS, ReturnCode.ACCEPTED],
  [ReasonCode.UNSUPPORTED_PROTOCOL_VERSION, ReturnCode.UNACCEPTABLE_PROTOCOL_VERSION],
  [ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, ReturnCode.IDENTIFIER_REJECTED],
  [ReasonCode.SERVER_UNAVAILABLE, ReturnCode.SERVER_UNAVAILABLE],
  [ReasonCode.SERVER_BUSY, ReturnCode.SERVER_UNAVAILABLE],
  [ReasonCode.QUOTA_EXCEEDED, ReturnCode.SERVER_UNAVAILABLE],
  [ReasonCode.BAD_USER_NAME_OR_PASSWORD, ReturnCode.BAD_USER_NAME_OR_PASSWORD],
  [ReasonCode.NOT_AUTHORIZED, ReturnCode.NOT_AUTHORIZED],
  [ReasonCode.BANNED, ReturnCode.NOT_AUTHORIZED],
])

/** The 3.1.1 return code for a refusal; null when none fits and the connection is closed without CONNACK [MQTT-3.2.2-6 v311]. */
export function returnCodeFor(reasonCode: number): ReturnCode | null {
  return toReturnCode.get(reasonCode) ?? null
}

const toReasonCode = [
  ReasonCode.SUCCESS,
  ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
  ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
  ReasonCode.SERVER_UNAVAILABLE,
  ReasonCode.BAD_USER_NAME_OR_PASSWORD,
  ReasonCode.NOT_AUTHORIZED,
] as const

/** The Reason Code that says the same as a 3.1.1 return code of 0 to 5. */
export function reasonCodeFor(returnCode: number): number {
  return toReasonCode[returnCode] ?? ReasonCode.UNSPECIFIED_ERROR
}

/** `return code 5 Not authorized`: how a 3.1.1 CONNACK is told to people. */
export function formatReturnCode(returnCode: number): string {
  return `return code ${returnCode} ${returnCodeNames[returnCode] ?? 'reserved'}`
}
