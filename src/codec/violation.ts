import { type PacketType, packetTypeNames } from './packet-type.ts'
import { ProtocolVersion, protocolVersionName } from './protocol-version.ts'
import { formatReasonCode, ReasonCode } from './reason-code.ts'

/** One way to break MQTT: what a peer is told, which statement it breaks per version, and what people read. */
export interface ViolationRow {
  /** MQTT 5.0 Reason Code for CONNACK or DISCONNECT. */
  readonly reasonCode: number
  /** Statement of 3.1.1 (or `U311-` id); null where 3.1.1 has no such rule. */
  readonly v311: string | null
  /** Statement of 5.0 (or `U5-` id); null where 5.0 has no such rule. */
  readonly v5: string | null
  readonly text: string
}

function row(reasonCode: number, statements: { v311: string | null; v5: string | null }, text: string): ViolationRow {
  return { reasonCode, ...statements, text }
}

const MALFORMED = ReasonCode.MALFORMED_PACKET
const PROTOCOL_ERROR = ReasonCode.PROTOCOL_ERROR

/**
 * Every rule a peer can break that we notice. The names are stable: scripts see them in `--json`.
 * Where the standard gives a rule no number of its own, the row cites the general one: a malformed packet closes the
 * connection (4.8.0-1 in 3.1.1, 4.13.1-1 in 5.0).
 */
export const violations = {
  // fixed header and framing
  PACKET_TYPE_RESERVED: row(
    MALFORMED,
    { v311: 'U311-2.2.1-1', v5: 'U5-2.1.2-1' },
    'packet type that this version does not have',
  ),
  PACKET_FROM_WRONG_SIDE: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-4.8.0-1', v5: 'MQTT-4.13.1-1' },
    'packet type that this side never sends',
  ),
  FLAGS_INVALID: row(
    MALFORMED,
    { v311: 'MQTT-2.2.2-2', v5: 'MQTT-2.1.3-1' },
    'reserved flags of the fixed header differ from the fixed value',
  ),
  PUBREL_FLAGS_INVALID: row(MALFORMED, { v311: 'MQTT-3.6.1-1', v5: 'MQTT-3.6.1-1' }, 'flags of PUBREL are not 0010'),
  SUBSCRIBE_FLAGS_INVALID: row(
    MALFORMED,
    { v311: 'MQTT-3.8.1-1', v5: 'MQTT-3.8.1-1' },
    'flags of SUBSCRIBE are not 0010',
  ),
  UNSUBSCRIBE_FLAGS_INVALID: row(
    MALFORMED,
    { v311: 'MQTT-3.10.1-1', v5: 'MQTT-3.10.1-1' },
    'flags of UNSUBSCRIBE are not 0010',
  ),
  DISCONNECT_FLAGS_INVALID: row(
    MALFORMED,
    { v311: 'MQTT-3.14.1-1', v5: 'MQTT-3.14.1-1' },
    'flags of DISCONNECT are not 0',
  ),
  AUTH_FLAGS_INVALID: row(MALFORMED, { v311: null, v5: 'MQTT-3.15.1-1' }, 'flags of AUTH are not 0'),
  VARIABLE_BYTE_INTEGER_TOO_LONG: row(
    MALFORMED,
    { v311: 'U311-2.2.3-1', v5: 'U5-1.5.5-1' },
    'variable byte integer goes on after its fourth byte',
  ),
  VARIABLE_BYTE_INTEGER_NOT_SHORTEST: row(
    MALFORMED,
    { v311: null, v5: 'MQTT-1.5.5-1' },
    'variable byte integer is longer than its value needs',
  ),
  PACKET_TOO_LARGE: row(
    ReasonCode.PACKET_TOO_LARGE,
    { v311: null, v5: 'U5-3.2.2.3.6-1' },
    'packet is larger than the Maximum Packet Size of its receiver',
  ),
  FIELD_PAST_END: row(
    MALFORMED,
    { v311: 'MQTT-4.8.0-1', v5: 'MQTT-4.13.1-1' },
    'field goes past the end of the packet',
  ),
  TRAILING_BYTES: row(
    MALFORMED,
    { v311: 'MQTT-4.8.0-1', v5: 'MQTT-4.13.1-1' },
    'bytes are left over behind the last field',
  ),
  STREAM_ENDS_INSIDE_PACKET: row(
    MALFORMED,
    { v311: 'MQTT-4.8.0-1', v5: 'MQTT-4.13.1-1' },
    'the bytes end inside a packet',
  ),

  // strings and identifiers
  STRING_NOT_UTF8: row(MALFORMED, { v311: 'MQTT-1.5.3-1', v5: 'MQTT-1.5.4-1' }, 'string is not well-formed UTF-8'),
  STRING_HAS_NUL: row(MALFORMED, { v311: 'MQTT-1.5.3-2', v5: 'MQTT-1.5.4-2' }, 'string holds U+0000'),
  STRING_TOO_LONG: row(
    MALFORMED,
    { v311: 'MQTT-4.7.3-3', v5: 'MQTT-4.7.3-3' },
    'string or binary field has more than 65,535 bytes',
  ),
  PACKET_ID_IS_0: row(PROTOCOL_ERROR, { v311: 'MQTT-2.3.1-1', v5: 'MQTT-2.2.1-3' }, 'Packet Identifier is 0'),
  ACKNOWLEDGED_PACKET_ID_IS_0: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-2.3.1-6', v5: 'U5-2.2.1-1' },
    'acknowledgement of Packet Identifier 0, which is never used',
  ),

  // topics
  TOPIC_NAME_EMPTY: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-4.7.3-1', v5: 'U5-3.3.2.1-1' },
    'Topic Name is empty and no Topic Alias stands for it',
  ),
  TOPIC_NAME_HAS_WILDCARD: row(
    ReasonCode.TOPIC_NAME_INVALID,
    { v311: 'MQTT-3.3.2-2', v5: 'MQTT-3.3.2-2' },
    'Topic Name holds + or #',
  ),
  WILL_TOPIC_INVALID: row(
    ReasonCode.TOPIC_NAME_INVALID,
    { v311: 'MQTT-4.7.1-1', v5: 'MQTT-4.7.0-1' },
    'Will Topic is empty or holds + or #',
  ),
  RESPONSE_TOPIC_HAS_WILDCARD: row(PROTOCOL_ERROR, { v311: null, v5: 'MQTT-3.3.2-14' }, 'Response Topic holds + or #'),
  TOPIC_FILTER_EMPTY: row(
    ReasonCode.TOPIC_FILTER_INVALID,
    { v311: 'MQTT-4.7.3-1', v5: 'MQTT-4.7.3-1' },
    'Topic Filter is empty',
  ),
  TOPIC_FILTER_HASH_MISPLACED: row(
    ReasonCode.TOPIC_FILTER_INVALID,
    { v311: 'MQTT-4.7.1-2', v5: 'MQTT-4.7.1-1' },
    '# is not alone in the last level of the Topic Filter',
  ),
  TOPIC_FILTER_PLUS_MISPLACED: row(
    ReasonCode.TOPIC_FILTER_INVALID,
    { v311: 'MQTT-4.7.1-3', v5: 'MQTT-4.7.1-2' },
    '+ does not fill its level of the Topic Filter',
  ),
  SHARE_NAME_EMPTY: row(
    ReasonCode.TOPIC_FILTER_INVALID,
    { v311: null, v5: 'MQTT-4.8.2-1' },
    'ShareName of the Shared Subscription is empty',
  ),
  SHARE_NAME_INVALID: row(
    ReasonCode.TOPIC_FILTER_INVALID,
    { v311: null, v5: 'MQTT-4.8.2-2' },
    'ShareName holds + or #, or no Topic Filter follows it',
  ),

  // properties: the statement of a repeated or forbidden one stands with the property (property.ts)
  PROPERTY_UNKNOWN: row(MALFORMED, { v311: null, v5: 'U5-2.2.2.2-1' }, 'property identifier does not exist'),
  PROPERTY_NOT_ALLOWED: row(MALFORMED, { v311: null, v5: 'U5-2.2.2.2-1' }, 'property may not stand in this packet'),
  PROPERTY_REPEATED: row(PROTOCOL_ERROR, { v311: null, v5: 'MQTT-4.13.1-1' }, 'property stands more than once'),
  PROPERTY_VALUE_INVALID: row(PROTOCOL_ERROR, { v311: null, v5: 'MQTT-4.13.1-1' }, 'property has a forbidden value'),
  PROPERTY_PAST_END: row(
    MALFORMED,
    { v311: null, v5: 'U5-2.2.2-3' },
    'property goes past the Property Length, or the Property Length past the packet',
  ),
  TOPIC_ALIAS_IS_0: row(ReasonCode.TOPIC_ALIAS_INVALID, { v311: null, v5: 'U5-3.3.4-1' }, 'Topic Alias is 0'),
  SUBSCRIPTION_IDENTIFIER_FROM_CLIENT: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-3.3.4-6' },
    'PUBLISH from a Client holds a Subscription Identifier',
  ),
  SESSION_EXPIRY_FROM_SERVER: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-3.14.2-2' },
    'DISCONNECT from a Server holds a Session Expiry Interval',
  ),
  AUTHENTICATION_DATA_WITHOUT_METHOD: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'U5-3.1.2.11.10-1' },
    'Authentication Data without Authentication Method',
  ),
  AUTHENTICATION_METHOD_MISSING: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'U5-3.1.2.11.9-1' },
    'AUTH without Authentication Method',
  ),

  // CONNECT and CONNACK
  PROTOCOL_NAME_UNKNOWN: row(
    ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    { v311: 'MQTT-3.1.2-1', v5: 'MQTT-3.1.2-1' },
    'Protocol Name is neither MQTT nor MQIsdp',
  ),
  PROTOCOL_LEVEL_UNSUPPORTED: row(
    ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    { v311: 'MQTT-3.1.2-2', v5: 'MQTT-3.1.2-2' },
    'Protocol Level is not one of 3 (MQIsdp), 4 and 5 (MQTT)',
  ),
  CONNECT_RESERVED_FLAG: row(
    MALFORMED,
    { v311: 'MQTT-3.1.2-3', v5: 'MQTT-3.1.2-3' },
    'reserved bit 0 of the Connect Flags is 1',
  ),
  WILL_QOS_IS_3: row(MALFORMED, { v311: 'MQTT-3.1.2-14', v5: 'MQTT-3.1.2-12' }, 'Will QoS is 3'),
  WILL_QOS_WITHOUT_WILL: row(
    MALFORMED,
    { v311: 'MQTT-3.1.2-13', v5: 'MQTT-3.1.2-11' },
    'Will QoS is set but the Will Flag is not',
  ),
  WILL_RETAIN_WITHOUT_WILL: row(
    MALFORMED,
    { v311: 'MQTT-3.1.2-15', v5: 'MQTT-3.1.2-13' },
    'Will Retain is set but the Will Flag is not',
  ),
  PASSWORD_WITHOUT_USER_NAME: row(
    MALFORMED,
    { v311: 'MQTT-3.1.2-22', v5: null },
    'Password Flag is set but the User Name Flag is not',
  ),
  CLIENT_ID_MISSING: row(
    MALFORMED,
    { v311: 'MQTT-3.1.3-3', v5: 'MQTT-3.1.3-3' },
    'CONNECT ends before its Client Identifier',
  ),
  WILL_MISSING: row(
    MALFORMED,
    { v311: 'MQTT-3.1.2-9', v5: 'MQTT-3.1.2-9' },
    'Will Flag is set but the will fields are missing',
  ),
  USER_NAME_MISSING: row(
    MALFORMED,
    { v311: 'MQTT-3.1.2-19', v5: 'MQTT-3.1.2-17' },
    'User Name Flag is set but the User Name is missing',
  ),
  PASSWORD_MISSING: row(
    MALFORMED,
    { v311: 'MQTT-3.1.2-21', v5: 'MQTT-3.1.2-19' },
    'Password Flag is set but the Password is missing',
  ),
  CONNACK_FLAGS_RESERVED: row(
    MALFORMED,
    { v311: 'U311-3.2.2.1-1', v5: 'MQTT-3.2.2-1' },
    'bits 7 to 1 of the Connect Acknowledge Flags are not 0',
  ),
  CONNACK_SESSION_PRESENT_ON_REFUSAL: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-3.2.2-4', v5: 'MQTT-3.2.2-6' },
    'CONNACK refuses and says Session Present',
  ),
  CONNACK_CODE_INVALID: row(
    MALFORMED,
    { v311: 'U311-3.2.2.3-1', v5: 'MQTT-3.2.2-8' },
    'CONNACK has a code that is not in its table',
  ),

  // PUBLISH and its acknowledgements
  QOS_IS_3: row(MALFORMED, { v311: 'MQTT-3.3.1-4', v5: 'MQTT-3.3.1-4' }, 'both QoS bits of PUBLISH are set'),
  DUP_ON_QOS_0: row(MALFORMED, { v311: 'MQTT-3.3.1-2', v5: 'MQTT-3.3.1-2' }, 'PUBLISH at QoS 0 has DUP set'),
  PUBACK_CODE_INVALID: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-3.4.2-1' },
    'PUBACK has a Reason Code that is not in its table',
  ),
  PUBREC_CODE_INVALID: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-3.5.2-1' },
    'PUBREC has a Reason Code that is not in its table',
  ),
  PUBREL_CODE_INVALID: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-3.6.2-1' },
    'PUBREL has a Reason Code that is not in its table',
  ),
  PUBCOMP_CODE_INVALID: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-3.7.2-1' },
    'PUBCOMP has a Reason Code that is not in its table',
  ),

  // SUBSCRIBE, UNSUBSCRIBE and their acknowledgements
  SUBSCRIBE_WITHOUT_FILTER: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-3.8.3-3', v5: 'MQTT-3.8.3-2' },
    'SUBSCRIBE has no Topic Filter',
  ),
  SUBSCRIBE_QOS_INVALID: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-3.8.3-4', v5: 'U5-3.8.3.1-1' },
    'requested QoS is not 0, 1 or 2',
  ),
  SUBSCRIBE_RESERVED_BITS: row(
    MALFORMED,
    { v311: 'MQTT-3.8.3-4', v5: 'MQTT-3.8.3-5' },
    'reserved bits of the Subscription Options are set',
  ),
  RETAIN_HANDLING_IS_3: row(PROTOCOL_ERROR, { v311: null, v5: 'U5-3.8.3.1-2' }, 'Retain Handling is 3'),
  NO_LOCAL_ON_SHARED_SUBSCRIPTION: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-3.8.3-4' },
    'No Local is set on a Shared Subscription',
  ),
  UNSUBSCRIBE_WITHOUT_FILTER: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-3.10.3-2', v5: 'MQTT-3.10.3-2' },
    'UNSUBSCRIBE has no Topic Filter',
  ),
  SUBACK_CODE_INVALID: row(
    MALFORMED,
    { v311: 'MQTT-3.9.3-2', v5: 'MQTT-3.9.3-2' },
    'SUBACK has a code that is not in its table',
  ),
  UNSUBACK_CODE_INVALID: row(
    MALFORMED,
    { v311: null, v5: 'MQTT-3.11.3-2' },
    'UNSUBACK has a Reason Code that is not in its table',
  ),

  // DISCONNECT and AUTH
  DISCONNECT_CODE_INVALID: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-3.14.2-1' },
    'DISCONNECT has a Reason Code that this side may not send',
  ),
  AUTH_CODE_INVALID: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-3.15.2-1' },
    'AUTH has a Reason Code that this side may not send',
  ),

  // what only a session can notice
  FIRST_PACKET_NOT_CONNECT: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-3.1.0-1', v5: 'MQTT-3.1.0-1' },
    'first packet of the Client is not CONNECT',
  ),
  SECOND_CONNECT: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-3.1.0-2', v5: 'MQTT-3.1.0-2' },
    'second CONNECT on one Network Connection',
  ),
  FIRST_PACKET_NOT_CONNACK: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-3.2.0-1', v5: 'MQTT-3.2.0-1' },
    'first packet of the Server is not CONNACK',
  ),
  SECOND_CONNACK: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-4.8.0-1', v5: 'MQTT-3.2.0-2' },
    'second CONNACK on one Network Connection',
  ),
  SESSION_PRESENT_WITHOUT_STATE: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-3.2.2-1', v5: 'MQTT-3.2.2-4' },
    'CONNACK says Session Present but the Client holds no session',
  ),
  KEEP_ALIVE_EXPIRED: row(
    ReasonCode.KEEP_ALIVE_TIMEOUT,
    { v311: 'MQTT-3.1.2-24', v5: 'MQTT-3.1.2-22' },
    'no packet for 1.5 times the Keep Alive',
  ),
  RECEIVE_MAXIMUM_EXCEEDED: row(
    ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
    { v311: null, v5: 'U5-3.3.4-5' },
    'more unacknowledged PUBLISH packets than the Receive Maximum',
  ),
  TOPIC_ALIAS_ABOVE_MAXIMUM: row(
    ReasonCode.TOPIC_ALIAS_INVALID,
    { v311: null, v5: 'MQTT-3.3.2-9' },
    'Topic Alias is above the Topic Alias Maximum',
  ),
  TOPIC_ALIAS_UNKNOWN: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'U5-3.3.4-2' },
    'Topic Alias has not been set on this Network Connection',
  ),
  PACKET_ID_IN_USE: row(
    ReasonCode.PROTOCOL_ERROR,
    { v311: 'MQTT-2.3.1-2', v5: 'MQTT-4.3.2-1' },
    'Packet Identifier is open in another exchange',
  ),
  ACKNOWLEDGEMENT_OF_WRONG_KIND: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-2.3.1-6', v5: 'MQTT-2.2.1-5' },
    'acknowledgement does not fit the exchange of its Packet Identifier',
  ),
  ACKNOWLEDGEMENT_WITHOUT_REQUEST: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-2.3.1-7', v5: 'MQTT-2.2.1-6' },
    'SUBACK or UNSUBACK for a Packet Identifier that asked for nothing',
  ),
  SUBACK_CODE_COUNT: row(
    PROTOCOL_ERROR,
    { v311: 'MQTT-3.8.4-5', v5: 'MQTT-3.8.4-6' },
    'SUBACK or UNSUBACK has not one code per Topic Filter',
  ),
  QOS_NOT_SUPPORTED: row(
    ReasonCode.QOS_NOT_SUPPORTED,
    { v311: null, v5: 'U5-3.2.2.3.4-2' },
    'PUBLISH is above the Maximum QoS of the Server',
  ),
  RETAIN_NOT_SUPPORTED: row(
    ReasonCode.RETAIN_NOT_SUPPORTED,
    { v311: null, v5: 'U5-3.2.2.3.5-2' },
    'RETAIN is set but the Server keeps no retained messages',
  ),
  SESSION_EXPIRY_RAISED_FROM_0: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'U5-3.14.2.2.2-1' },
    'DISCONNECT sets a Session Expiry Interval after CONNECT gave 0',
  ),
  AUTH_WITHOUT_METHOD: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-4.12.0-7' },
    'AUTH although CONNECT named no Authentication Method',
  ),
  AUTH_OUT_OF_TURN: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'U5-3.15.0-1' },
    'AUTH that no step of the authentication asked for',
  ),
  AUTHENTICATION_METHOD_CHANGED: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-4.12.0-5' },
    'Authentication Method differs from that of CONNECT',
  ),
  PACKET_DURING_AUTHENTICATION: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'MQTT-3.1.2-30' },
    'only AUTH and DISCONNECT may be sent until CONNACK',
  ),
  PROBLEM_INFORMATION_UNWANTED: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'U5-3.1.2.11.7-2' },
    'Reason String or User Property although Request Problem Information is 0',
  ),
  SUBSCRIPTION_IDENTIFIER_UNKNOWN: row(
    PROTOCOL_ERROR,
    { v311: null, v5: 'U5-3.3.4-4' },
    'Subscription Identifier that no SUBSCRIBE of this session used',
  ),
} as const satisfies Record<string, ViolationRow>

/** Stable name of a row: `TOPIC_NAME_HAS_WILDCARD`. */
export type ViolationName = keyof typeof violations

/** Where and how a row was broken. */
export interface ViolationDetails {
  readonly version: ProtocolVersion
  readonly packetType?: number
  /** Offset of the first wrong byte, from the first byte of the packet; -1 when no byte is to blame. */
  readonly offset?: number
  /** Name of the field, as the standard writes it. */
  readonly field?: string
  /** Statement that is more exact than the row's, for rules that stand with a property. */
  readonly statement?: string | null
  /** Reason Code that is more exact than the row's. */
  readonly reasonCode?: number
  /** What exactly was met, in our own words; never bytes of the peer. */
  readonly detail?: string
  /** True when our own side broke the rule, or was about to. */
  readonly ours?: boolean
}

/** A rule of MQTT was broken. Ends the packet or the connection; never thrown for a normal outcome. */
export class ProtocolViolation extends Error {
  override readonly name = 'ProtocolViolation'
  readonly violation: ViolationName
  readonly reasonCode: number
  /** Statement id for the version in use; null where it has no such rule. */
  readonly statement: string | null
  readonly version: ProtocolVersion
  readonly packetType: PacketType | null
  readonly offset: number
  readonly field: string | null
  readonly ours: boolean

  constructor(violation: ViolationName, details: ViolationDetails) {
    const broken: ViolationRow = violations[violation]
    const statement = details.statement ?? (details.version === ProtocolVersion.V5 ? broken.v5 : broken.v311)
    super(describe(broken, statement, details))
    this.violation = violation
    this.reasonCode = details.reasonCode ?? broken.reasonCode
    this.statement = statement
    this.version = details.version
    this.packetType = (details.packetType ?? null) as PacketType | null
    this.offset = details.offset ?? -1
    this.field = details.field ?? null
    this.ours = details.ours ?? false
  }
}

function describe(broken: ViolationRow, statement: string | null, details: ViolationDetails): string {
  const packet = details.packetType ? `${packetTypeNames[details.packetType]}: ` : ''
  const where = [details.field, details.offset !== undefined && details.offset >= 0 ? `byte ${details.offset}` : '']
    .filter(Boolean)
    .join(', ')
  const rule = statement ? ` [${statement}, MQTT ${protocolVersionName(details.version)}]` : ''
  const code = details.reasonCode ?? broken.reasonCode
  return `${packet}${broken.text}${details.detail ? ` (${details.detail})` : ''}${where ? ` at ${where}` : ''}${rule}, reason code ${formatReasonCode(code)}`
}
