import { PacketType } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { ViolationName } from '../../src/codec/violation.ts'
import { hex, packet, section, utf8 } from '../support/hex.ts'
import type { View } from '../support/mqtt-packet-view.ts'

/**
 * Where our codec and npm mqtt-packet 9.0.2 disagree: what theirs does, what ours does, and which statement decides.
 */

const { V3_1, V5 } = ProtocolVersion

/** Rules that we hold and mqtt-packet does not: it reads the packet. */
export const theyRead: Readonly<Partial<Record<ViolationName, readonly [theirs: string, statements: string]>>> = {
  FIRST_PACKET_NOT_CONNECT: ['is told the version from outside', 'MQTT-3.1.0-1'],
  PACKET_FROM_WRONG_SIDE: ['does not know who sends', 'MQTT-4.8.0-1 MQTT-4.13.1-1'],
  VARIABLE_BYTE_INTEGER_NOT_SHORTEST: ['takes any form of up to four bytes', 'MQTT-1.5.5-1'],
  FIELD_PAST_END: [
    'takes -1 for a number that is cut, nothing for a property section that is missing, and reads on into the next packet',
    'MQTT-4.8.0-1 MQTT-4.13.1-1',
  ],
  TRAILING_BYTES: ['skips them', 'MQTT-4.8.0-1 MQTT-4.13.1-1'],
  STRING_NOT_UTF8: ['puts U+FFFD in their place', 'MQTT-1.5.3-1 MQTT-1.5.4-1'],
  STRING_HAS_NUL: ['keeps it', 'MQTT-1.5.3-2 MQTT-1.5.4-2'],
  PACKET_ID_IS_0: ['takes it', 'MQTT-2.3.1-1 MQTT-2.2.1-3 MQTT-2.2.1-4'],
  ACKNOWLEDGED_PACKET_ID_IS_0: ['takes it', 'MQTT-2.3.1-6 U5-2.2.1-1'],
  TOPIC_NAME_EMPTY: ['leaves it to the application', 'MQTT-4.7.3-1 U5-3.3.2.1-1'],
  TOPIC_NAME_HAS_WILDCARD: ['leaves it to the application', 'MQTT-3.3.2-2'],
  WILL_TOPIC_INVALID: ['leaves it to the application', 'MQTT-4.7.1-1 MQTT-4.7.0-1 MQTT-4.7.3-1'],
  RESPONSE_TOPIC_HAS_WILDCARD: ['leaves it to the application', 'MQTT-3.3.2-14'],
  TOPIC_FILTER_EMPTY: ['leaves it to the application', 'MQTT-4.7.3-1'],
  TOPIC_FILTER_HASH_MISPLACED: ['leaves it to the application', 'MQTT-4.7.1-2 MQTT-4.7.1-1'],
  TOPIC_FILTER_PLUS_MISPLACED: ['leaves it to the application', 'MQTT-4.7.1-3 MQTT-4.7.1-2'],
  SHARE_NAME_EMPTY: ['leaves it to the application', 'MQTT-4.8.2-1'],
  SHARE_NAME_INVALID: ['leaves it to the application', 'MQTT-4.8.2-2'],
  NO_LOCAL_ON_SHARED_SUBSCRIPTION: ['leaves it to the application', 'MQTT-3.8.3-4'],
  PROPERTY_NOT_ALLOWED: ['takes any property in any packet', 'U5-2.2.2.2-1'],
  PROPERTY_REPEATED: ['makes a list of any property', 'U5-3.3.2.3.5-1 U5-3.2.2.3.9-1'],
  PROPERTY_VALUE_INVALID: ['takes any number', 'U5-3.1.2.11.3-1 U5-3.3.2.3.8-1'],
  PROPERTY_PAST_END: ['reads values past the Property Length', 'U5-2.2.2-3'],
  TOPIC_ALIAS_IS_0: ['takes any number', 'U5-3.3.4-1'],
  SUBSCRIPTION_IDENTIFIER_FROM_CLIENT: ['does not know who sends', 'MQTT-3.3.4-6'],
  SESSION_EXPIRY_FROM_SERVER: ['does not know who sends', 'MQTT-3.14.2-2'],
  AUTHENTICATION_DATA_WITHOUT_METHOD: ['leaves it to the application', 'U5-3.1.2.11.10-1'],
  WILL_QOS_IS_3: ['takes it where the will is there', 'MQTT-3.1.2-14 MQTT-3.1.2-12'],
  PASSWORD_WITHOUT_USER_NAME: ['takes it in every version', 'MQTT-3.1.2-22'],
  AUTHENTICATION_METHOD_MISSING: ['leaves it to the application', 'U5-3.1.2.11.9-1'],
  PROTOCOL_LEVEL_UNSUPPORTED: ['takes each level with each name', 'MQTT-3.1.2-2'],
  CONNACK_SESSION_PRESENT_ON_REFUSAL: ['takes it', 'MQTT-3.2.2-4 MQTT-3.2.2-6'],
  CONNACK_CODE_INVALID: ['has no table for CONNACK', 'U311-3.2.2.3-1 MQTT-3.2.2-8'],
  DUP_ON_QOS_0: ['takes it', 'MQTT-3.3.1-2'],
  SUBSCRIBE_WITHOUT_FILTER: ['looks at the length of the whole body', 'MQTT-3.8.3-3 MQTT-3.8.3-2'],
  UNSUBSCRIBE_WITHOUT_FILTER: ['looks at the length of the whole body', 'MQTT-3.10.3-2'],
  SUBACK_CODE_COUNT: ['looks at the length of the whole body', 'MQTT-3.8.4-5 MQTT-3.8.4-6'],
  DISCONNECT_CODE_INVALID: ['does not know who sends', 'MQTT-3.14.2-1'],
  AUTH_CODE_INVALID: ['does not know who sends', 'MQTT-3.15.2-1'],
}

/** Packets that we read and mqtt-packet refuses: the first bytes, what theirs says, and why we are right to read them. */
export interface Refusal {
  readonly when: (bytes: Buffer, version: ProtocolVersion, ours: View) => boolean
  readonly theirs: RegExp
  readonly why: string
}

/** The type of the first packet of these bytes. */
export function is(bytes: Buffer, type: PacketType): boolean {
  return bytes[0]! >> 4 === type
}

export const theyRefuse: readonly Refusal[] = [
  {
    when: (bytes, version) => version === V3_1 && is(bytes, PacketType.CONNECT),
    theirs: /Cannot parse (username|password)/,
    why: 'in 3.1 the Remaining Length decides whether a flagged User Name or Password is there',
  },
  {
    when: (bytes, version) => version === V3_1 && is(bytes, PacketType.CONNECT),
    theirs: /Connect flag bit 0 must be 0/,
    why: '3.1 does not use the bit and has nobody check it',
  },
  {
    when: (bytes, version) => version === V3_1 && is(bytes, PacketType.CONNACK),
    theirs: /Invalid connack flags/,
    why: '3.1 reserves the byte and gives it no meaning',
  },
  {
    when: (bytes, version) => version === V3_1 && [0x6a, 0x8a, 0xaa].includes(bytes[0]!),
    theirs: /Invalid header flag bits/,
    why: '3.1 repeats PUBREL, SUBSCRIBE and UNSUBSCRIBE with DUP',
  },
  {
    when: (_, __, ours) => ours['cmd'] === 'disconnect' && ours['code'] === 0x8c,
    theirs: /Invalid disconnect reason code/,
    why: 'table 2-6 gives 0x8C to DISCONNECT, table 3-10 does not',
  },
  {
    when: (bytes) => is(bytes, PacketType.AUTH) && bytes[1] === 0,
    theirs: /Invalid auth reason code/,
    why: 'section 3.15.2.1 lets AUTH be empty, see U5-3.15.2.1-1',
  },
]

/** Packets that both read, to different fields. */
export interface Difference {
  /** what theirs makes of what we read */
  readonly asTheirs: (ours: View, version: ProtocolVersion) => View
  readonly example: Buffer
  readonly version: ProtocolVersion
  readonly why: string
}

export const readOtherwise: readonly Difference[] = [
  {
    asTheirs: (ours) => withoutEmptyRepetitions(ours) as View,
    example: packet('e0', '00', section('26', utf8('n'), utf8(''), '26', utf8('n'), utf8('v'))),
    version: V5,
    why: 'theirs forgets an empty value of a User Property whose name comes again; MQTT-3.3.2-18 has all kept',
  },
  {
    asTheirs: (ours, version) =>
      version === V3_1 && ours['cmd'] === 'connack' ? { ...ours, sessionPresent: true } : ours,
    example: hex('20 02 01 00'),
    version: V3_1,
    why: '3.1 reserves the byte that holds Session Present later',
  },
]

/** A packet that theirs will not write although it is valid. */
export interface Unwritten {
  /** what it says */
  readonly theirs: string
  readonly example: Buffer
  readonly version: ProtocolVersion
  readonly why: string
}

export const theyDoNotWrite: readonly Unwritten[] = [
  {
    theirs: 'clientId must be given if cleanSession set to 0',
    example: hex('10 0d 00 04 4d 51 54 54 05 00 00 3c 00 00 00'),
    version: V5,
    why: '5.0 section 3.1.3.1 has the Server assign one; 3.1.1 leaves it to the Server to refuse (MQTT-3.1.3-8)',
  },
  {
    theirs: 'clientId must be supplied before 3.1.1',
    example: hex('10 0e 00 06 4d 51 49 73 64 70 03 02 00 3c 00 00'),
    version: V3_1,
    why: 'the Server refuses it, with return code 2',
  },
  {
    theirs: 'Username is required to use password',
    example: hex('10 13 00 04 4d 51 54 54 05 42 00 3c 00 00 03 61 62 63 00 01 70'),
    version: V5,
    why: '5.0 section 3.1.2.9 lets a Password stand alone',
  },
]

/** Theirs puts a value in the place of an empty one of the same name, instead of beside it. */
function withoutEmptyRepetitions(value: unknown, key = ''): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || Array.isArray(value)) return value
  const entries = Object.entries(value)
  if (key !== 'userProperties') {
    return Object.fromEntries(entries.map(([name, one]) => [name, withoutEmptyRepetitions(one, name)]))
  }
  return Object.fromEntries(
    entries.map(([name, values]: [string, string | string[]]) => {
      if (typeof values === 'string') return [name, values]
      const kept = values.slice(values.findIndex((one, index) => one !== '' || index === values.length - 1))
      return [name, kept.length === 1 ? kept[0] : kept]
    }),
  )
}
