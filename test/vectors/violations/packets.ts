import { Role } from '../../../src/codec/packet-type.ts'
import { hex, packet, section, utf8 } from '../../support/hex.ts'
import { before5, everyVersion, type ViolationVector } from './violation-vector.ts'

const { CLIENT, SERVER } = Role
const MQISDP = '00 06 4d 51 49 73 64 70'
const MQTT = '00 04 4d 51 54 54'

const protocols: readonly ViolationVector[] = [
  ...['mqtt', 'MQTT ', 'MQIsd', 'mqisdp', 'HTTP', ''].map(
    (name): ViolationVector => ({
      title: `Protocol Name '${name}'`,
      violation: 'PROTOCOL_NAME_UNKNOWN',
      beforeConnect: true,
      v311: 'MQTT-3.1.2-1',
      sender: CLIENT,
      bytes: packet('10', utf8(name), '04 02 00 3c 00 00'),
      offset: 4,
      field: 'Protocol Name',
    }),
  ),
  ...(
    [
      ['MQTT', '00'],
      ['MQTT', '03'],
      ['MQTT', '06'],
      ['MQTT', '83'],
      ['MQTT', '85'],
      ['MQIsdp', '04'],
      ['MQIsdp', '05'],
      ['MQIsdp', '84'],
    ] as const
  ).map(
    ([name, level]): ViolationVector => ({
      title: `${name} with level ${level}`,
      violation: 'PROTOCOL_LEVEL_UNSUPPORTED',
      beforeConnect: true,
      v311: 'MQTT-3.1.2-2',
      sender: CLIENT,
      bytes: packet('10', utf8(name), level, '02 00 3c 00 00'),
      offset: 4 + name.length,
      field: 'Protocol Version',
    }),
  ),
]

/** Connect Flags that contradict themselves or the version: title, row, flags, statements. */
const connectFlags: readonly [string, ViolationVector['violation'], string, v311: string, v5: string | null][] = [
  ['reserved flag', 'CONNECT_RESERVED_FLAG', '03', 'MQTT-3.1.2-3', 'MQTT-3.1.2-3'],
  ['Will QoS 3', 'WILL_QOS_IS_3', '1e', 'MQTT-3.1.2-14', 'MQTT-3.1.2-12'],
  ['Will QoS 3 without will', 'WILL_QOS_IS_3', '1a', 'MQTT-3.1.2-14', 'MQTT-3.1.2-12'],
  ['Will QoS 1 without will', 'WILL_QOS_WITHOUT_WILL', '0a', 'MQTT-3.1.2-13', 'MQTT-3.1.2-11'],
  ['Will QoS 2 without will', 'WILL_QOS_WITHOUT_WILL', '12', 'MQTT-3.1.2-13', 'MQTT-3.1.2-11'],
  ['Will Retain without will', 'WILL_RETAIN_WITHOUT_WILL', '22', 'MQTT-3.1.2-15', 'MQTT-3.1.2-13'],
  ['Password without User Name', 'PASSWORD_WITHOUT_USER_NAME', '42', 'MQTT-3.1.2-22', null],
]

const flags = connectFlags.flatMap(([title, violation, byte, v311, v5]): ViolationVector[] => {
  const common = { violation, beforeConnect: true, sender: CLIENT, field: 'Connect Flags' } as const
  // the whole will is there, so that a reader which does not look at its QoS finds nothing wrong
  const will = byte === '1e' ? [utf8('a/b'), utf8('gone')] : []
  const willProperties = byte === '1e' ? ['00'] : []
  const in31: ViolationVector = {
    ...common,
    title: `${title}, in 3.1`,
    v31: v311,
    bytes: packet('10', MQISDP, '03', byte, '00 3c', utf8('abc'), ...will),
    offset: 11,
  }
  const in311: ViolationVector = {
    ...common,
    title: `${title}, in 3.1.1`,
    v311,
    bytes: packet('10', MQTT, '04', byte, '00 3c', utf8('abc'), ...will),
    offset: 9,
  }
  const in5: ViolationVector = {
    ...common,
    title: `${title}, in 5.0`,
    v5,
    bytes: packet('10', MQTT, '05', byte, '00 3c', '00', utf8('abc'), ...willProperties, ...will),
    offset: 9,
  }
  // 3.1 does not look at the reserved flag, 5.0 lets a Password stand alone
  return [...(byte === '03' ? [] : [in31]), in311, ...(v5 === null ? [] : [in5])]
})

/** The whole field is there, so that a reader which does not look at the flags finds nothing wrong. */
const passwordAlone: readonly ViolationVector[] = [
  {
    title: 'Password without User Name, and it is there, in 3.1',
    violation: 'PASSWORD_WITHOUT_USER_NAME',
    beforeConnect: true,
    sender: CLIENT,
    field: 'Connect Flags',
    v31: 'MQTT-3.1.2-22',
    bytes: packet('10', MQISDP, '03', '42', '00 3c', utf8('abc'), utf8('secret')),
    offset: 11,
  },
  {
    title: 'Password without User Name, and it is there, in 3.1.1',
    violation: 'PASSWORD_WITHOUT_USER_NAME',
    beforeConnect: true,
    sender: CLIENT,
    field: 'Connect Flags',
    v311: 'MQTT-3.1.2-22',
    bytes: packet('10', MQTT, '04', '42', '00 3c', utf8('abc'), utf8('secret')),
    offset: 9,
  },
]

/** CONNECT that ends before a field: title, row, version, body behind the version, statement, offset, field. */
const missing: readonly [string, ViolationVector['violation'], 4 | 5, string, string, number, string][] = [
  ['ends behind Keep Alive', 'CLIENT_ID_MISSING', 4, '02 00 3c', 'MQTT-3.1.3-3', 12, 'Client Identifier'],
  ['ends behind its properties', 'CLIENT_ID_MISSING', 5, '02 00 3c 00', 'MQTT-3.1.3-3', 13, 'Client Identifier'],
  ['ends before the Will Topic', 'WILL_MISSING', 4, '06 00 3c 00 00', 'MQTT-3.1.2-9', 14, 'Will Topic'],
  ['ends before the Will Message', 'WILL_MISSING', 4, '06 00 3c 00 00 00 01 77', 'MQTT-3.1.2-9', 17, 'Will Payload'],
  ['ends before the will properties', 'WILL_MISSING', 5, '06 00 3c 00 00 00', 'MQTT-3.1.2-9', 15, 'Will Topic'],
  ['ends behind the will properties', 'WILL_MISSING', 5, '06 00 3c 00 00 00 00', 'MQTT-3.1.2-9', 16, 'Will Topic'],
  [
    'ends behind the Will Topic',
    'WILL_MISSING',
    5,
    '06 00 3c 00 00 00 00 00 01 77',
    'MQTT-3.1.2-9',
    19,
    'Will Payload',
  ],
  ['ends before the User Name', 'USER_NAME_MISSING', 4, '82 00 3c 00 00', 'MQTT-3.1.2-19', 14, 'User Name'],
  ['ends before the User Name', 'USER_NAME_MISSING', 5, '82 00 3c 00 00 00', 'MQTT-3.1.2-17', 15, 'User Name'],
  ['ends before the Password', 'PASSWORD_MISSING', 4, 'c2 00 3c 00 00 00 01 75', 'MQTT-3.1.2-21', 17, 'Password'],
  ['ends before the Password', 'PASSWORD_MISSING', 5, '42 00 3c 00 00 00', 'MQTT-3.1.2-19', 15, 'Password'],
]

const connects: readonly ViolationVector[] = [
  ...missing.map(
    ([title, violation, level, body, statement, offset, field]): ViolationVector => ({
      title: `CONNECT of level ${level} ${title}`,
      violation,
      beforeConnect: true,
      ...(level === 4 ? { v311: statement } : { v5: statement }),
      sender: CLIENT,
      bytes: packet('10', MQTT, `0${level}`, body),
      offset,
      field,
    }),
  ),
  ...(
    [
      ['a/#', 16, 'MQTT-4.7.1-1'],
      ['+', 16, 'MQTT-4.7.1-1'],
      ['', 14, 'MQTT-4.7.3-1'],
    ] as const
  ).map(
    ([topicName, offset, v311]): ViolationVector => ({
      title: `Will Topic '${topicName}' in 3.1.1`,
      violation: 'WILL_TOPIC_INVALID',
      beforeConnect: true,
      v311,
      sender: CLIENT,
      bytes: packet('10', MQTT, '04 06 00 3c 00 00', utf8(topicName), '00 00'),
      offset,
      field: 'Will Topic',
    }),
  ),
  ...(
    [
      ['a/+/b', 18, 'MQTT-4.7.0-1'],
      ['', 16, 'MQTT-4.7.3-1'],
    ] as const
  ).map(
    ([topicName, offset, v5]): ViolationVector => ({
      title: `Will Topic '${topicName}' in 5.0`,
      violation: 'WILL_TOPIC_INVALID',
      beforeConnect: true,
      v5,
      sender: CLIENT,
      bytes: packet('10', MQTT, '05 06 00 3c 00 00 00 00', utf8(topicName), '00 00'),
      offset,
      field: 'Will Topic',
    }),
  ),
  {
    title: 'Response Topic # of a will',
    violation: 'RESPONSE_TOPIC_HAS_WILDCARD',
    beforeConnect: true,
    v5: 'MQTT-3.3.2-14',
    sender: CLIENT,
    bytes: packet('10', MQTT, '05 06 00 3c 00 00 00', section('08', utf8('#')), utf8('w'), '00 00'),
    offset: 19,
    field: 'Response Topic',
  },
]

const connacks: readonly ViolationVector[] = [
  {
    title: 'Connect Acknowledge Flags 02',
    violation: 'CONNACK_FLAGS_RESERVED',
    v311: 'U311-3.2.2.1-1',
    sender: SERVER,
    bytes: hex('20 02 02 00'), // CONNACK, Remaining Length 2, flags, return code 0
    offset: 2,
    field: 'Connect Acknowledge Flags',
  },
  {
    title: 'Connect Acknowledge Flags 81',
    violation: 'CONNACK_FLAGS_RESERVED',
    v5: 'MQTT-3.2.2-1',
    sender: SERVER,
    bytes: hex('20 03 81 00 00'), // CONNACK, Remaining Length 3, flags, Success, no properties
    offset: 2,
    field: 'Connect Acknowledge Flags',
  },
  {
    title: 'Session Present with return code 5',
    violation: 'CONNACK_SESSION_PRESENT_ON_REFUSAL',
    v311: 'MQTT-3.2.2-4',
    sender: SERVER,
    bytes: hex('20 02 01 05'), // CONNACK, Remaining Length 2, Session Present, return code 5
    offset: 2,
    field: 'Session Present',
  },
  {
    title: 'Session Present with Reason Code 0x87',
    violation: 'CONNACK_SESSION_PRESENT_ON_REFUSAL',
    v5: 'MQTT-3.2.2-6',
    sender: SERVER,
    bytes: hex('20 03 01 87 00'), // CONNACK, Remaining Length 3, Session Present, Not authorized, no properties
    offset: 2,
    field: 'Session Present',
  },
  {
    title: 'CONNACK with return code 6',
    violation: 'CONNACK_CODE_INVALID',
    ...before5('U311-3.2.2.3-1'),
    sender: SERVER,
    bytes: hex('20 02 00 06'), // CONNACK, Remaining Length 2, flags, return code 6
    offset: 3,
    field: 'Return Code',
  },
  {
    title: 'CONNACK 5.0 with a return code of 3.1.1',
    violation: 'CONNACK_CODE_INVALID',
    v5: 'MQTT-3.2.2-8',
    sender: SERVER,
    bytes: hex('20 03 00 05 00'), // CONNACK, Remaining Length 3, flags, code 5, no properties
    offset: 3,
    field: 'Reason Code',
  },
]

const publishes: readonly ViolationVector[] = [
  ...['36', '37', '3e', '3f'].map(
    (firstByte): ViolationVector => ({
      title: `PUBLISH at QoS 3, first byte ${firstByte}`,
      violation: 'QOS_IS_3',
      ...everyVersion('MQTT-3.3.1-4', 'MQTT-3.3.1-4'),
      sender: CLIENT,
      bytes: hex(firstByte, '06 00 01 61 00 01 00'), // Remaining Length 6, Topic Name a, Packet Identifier 1
      offset: 0,
      field: 'QoS',
    }),
  ),
  ...['38', '39'].map(
    (firstByte): ViolationVector => ({
      title: `PUBLISH at QoS 0 with DUP, first byte ${firstByte}`,
      violation: 'DUP_ON_QOS_0',
      ...everyVersion('MQTT-3.3.1-2', 'MQTT-3.3.1-2'),
      sender: SERVER,
      bytes: hex(firstByte, '04 00 01 61 00'), // Remaining Length 4, Topic Name a
      offset: 0,
      field: 'DUP',
    }),
  ),
  ...(
    [
      ['PUBACK', 'PUBACK_CODE_INVALID', '40', '42', 'MQTT-3.4.2-1'],
      ['PUBACK', 'PUBACK_CODE_INVALID', '40', '92', 'MQTT-3.4.2-1'],
      ['PUBREC', 'PUBREC_CODE_INVALID', '50', '01', 'MQTT-3.5.2-1'],
      ['PUBREL', 'PUBREL_CODE_INVALID', '62', '80', 'MQTT-3.6.2-1'],
      ['PUBCOMP', 'PUBCOMP_CODE_INVALID', '70', '10', 'MQTT-3.7.2-1'],
    ] as const
  ).map(
    ([name, violation, firstByte, code, v5]): ViolationVector => ({
      title: `${name} with Reason Code ${code}`,
      violation,
      v5,
      sender: CLIENT,
      bytes: hex(firstByte, '03 00 01', code), // Remaining Length 3, Packet Identifier 1
      offset: 4,
      field: 'Reason Code',
    }),
  ),
]

const subscriptions: readonly ViolationVector[] = [
  {
    title: 'SUBSCRIBE without Topic Filter',
    violation: 'SUBSCRIBE_WITHOUT_FILTER',
    ...before5('MQTT-3.8.3-3'),
    sender: CLIENT,
    bytes: hex('82 02 00 01'), // SUBSCRIBE, Remaining Length 2, Packet Identifier 1
    offset: 4,
    field: 'Payload',
  },
  {
    title: 'SUBSCRIBE 5.0 without Topic Filter',
    violation: 'SUBSCRIBE_WITHOUT_FILTER',
    v5: 'MQTT-3.8.3-2',
    sender: CLIENT,
    bytes: hex('82 05 00 01 02 0b 01'), // SUBSCRIBE, Remaining Length 5, Packet Identifier 1, Subscription Identifier 1
    offset: 7,
    field: 'Payload',
  },
  {
    title: 'UNSUBSCRIBE without Topic Filter',
    violation: 'UNSUBSCRIBE_WITHOUT_FILTER',
    ...before5('MQTT-3.10.3-2'),
    sender: CLIENT,
    bytes: hex('a2 02 00 01'), // UNSUBSCRIBE, Remaining Length 2, Packet Identifier 1
    offset: 4,
    field: 'Payload',
  },
  {
    title: 'UNSUBSCRIBE 5.0 without Topic Filter',
    violation: 'UNSUBSCRIBE_WITHOUT_FILTER',
    v5: 'MQTT-3.10.3-2',
    sender: CLIENT,
    bytes: hex('a2 03 00 01 00'), // UNSUBSCRIBE, Remaining Length 3, Packet Identifier 1, no properties
    offset: 5,
    field: 'Payload',
  },
  ...(
    [
      ['SUBSCRIBE_QOS_INVALID', '03', 'MQTT-3.8.3-4', 'U5-3.8.3.1-1'],
      ['SUBSCRIBE_RESERVED_BITS', '41', 'MQTT-3.8.3-4', 'MQTT-3.8.3-5'],
      ['SUBSCRIBE_RESERVED_BITS', '80', 'MQTT-3.8.3-4', 'MQTT-3.8.3-5'],
      ['SUBSCRIBE_RESERVED_BITS', '04', 'MQTT-3.8.3-4', null],
      ['RETAIN_HANDLING_IS_3', '30', null, 'U5-3.8.3.1-2'],
    ] as const
  ).flatMap(([violation, options, v311, v5]): ViolationVector[] => [
    ...(v311 === null
      ? []
      : [
          {
            title: `requested QoS byte ${options}`,
            violation,
            ...before5(v311),
            sender: CLIENT,
            bytes: packet('82', '00 01', utf8('a'), options),
            offset: 7,
            field: 'Requested QoS',
          },
        ]),
    ...(v5 === null
      ? []
      : [
          {
            title: `Subscription Options ${options}`,
            violation,
            v5,
            sender: CLIENT,
            bytes: packet('82', '00 01', '00', utf8('a'), options),
            offset: 8,
            field: 'Subscription Options',
          },
        ]),
  ]),
  {
    title: 'No Local on a Shared Subscription',
    violation: 'NO_LOCAL_ON_SHARED_SUBSCRIPTION',
    v5: 'MQTT-3.8.3-4',
    sender: CLIENT,
    bytes: packet('82', '00 01', '00', utf8('$share/g/a'), '05'),
    offset: 17,
    field: 'Subscription Options',
  },
  {
    title: 'SUBACK with code 3',
    violation: 'SUBACK_CODE_INVALID',
    ...before5('MQTT-3.9.3-2'),
    sender: SERVER,
    bytes: hex('90 04 00 01 00 03'), // SUBACK, Remaining Length 4, Packet Identifier 1, two codes
    offset: 5,
    field: 'Return Code',
  },
  {
    title: 'SUBACK 5.0 with code 0x11',
    violation: 'SUBACK_CODE_INVALID',
    v5: 'MQTT-3.9.3-2',
    sender: SERVER,
    bytes: hex('90 04 00 01 00 11'), // SUBACK, Remaining Length 4, Packet Identifier 1, no properties, code
    offset: 5,
    field: 'Reason Code',
  },
  {
    title: 'UNSUBACK 5.0 with code 1',
    violation: 'UNSUBACK_CODE_INVALID',
    v5: 'MQTT-3.11.3-2',
    sender: SERVER,
    bytes: hex('b0 05 00 01 00 00 01'), // UNSUBACK, Remaining Length 5, Packet Identifier 1, no properties, two codes
    offset: 6,
    field: 'Reason Code',
  },
  {
    title: 'SUBACK without code',
    violation: 'SUBACK_CODE_COUNT',
    ...before5('MQTT-3.8.4-5'),
    sender: SERVER,
    bytes: hex('90 02 00 01'), // SUBACK, Remaining Length 2, Packet Identifier 1
    offset: 4,
    field: 'Payload',
  },
  ...['90', 'b0'].map(
    (firstByte): ViolationVector => ({
      title: `answer ${firstByte} without code in 5.0: SUBACK, UNSUBACK`,
      violation: 'SUBACK_CODE_COUNT',
      v5: 'MQTT-3.8.4-6',
      sender: SERVER,
      bytes: hex(firstByte, '03 00 01 00'), // Remaining Length 3, Packet Identifier 1, no properties
      offset: 5,
      field: 'Payload',
    }),
  ),
]

const codesOfOneSide: readonly ViolationVector[] = (
  [
    ['DISCONNECT from a Client', 'DISCONNECT_CODE_INVALID', CLIENT, 'e0 01 8e', 'MQTT-3.14.2-1'],
    ['DISCONNECT from a Client', 'DISCONNECT_CODE_INVALID', CLIENT, 'e0 01 01', 'MQTT-3.14.2-1'],
    ['DISCONNECT from a Server', 'DISCONNECT_CODE_INVALID', SERVER, 'e0 01 04', 'MQTT-3.14.2-1'],
    ['AUTH from a Client', 'AUTH_CODE_INVALID', CLIENT, 'f0 06 00 04 15 00 01 4d', 'MQTT-3.15.2-1'],
    ['AUTH from a Server', 'AUTH_CODE_INVALID', SERVER, 'f0 06 19 04 15 00 01 4d', 'MQTT-3.15.2-1'],
    ['AUTH from a Server', 'AUTH_CODE_INVALID', SERVER, 'f0 06 80 04 15 00 01 4d', 'MQTT-3.15.2-1'],
  ] as const
).map(([title, violation, sender, bytes, v5]) => ({
  title: `${title} with Reason Code ${bytes.slice(6, 8)}`,
  violation,
  v5,
  sender,
  bytes: hex(bytes),
  offset: 2,
  field: 'Reason Code',
}))

/** What is wrong with one kind of packet. */
export const packetViolations: readonly ViolationVector[] = [
  ...protocols,
  ...flags,
  ...passwordAlone,
  ...connects,
  ...connacks,
  ...publishes,
  ...subscriptions,
  ...codesOfOneSide,
]
