import { Role } from '../../../src/codec/packet-type.ts'
import { hex, packet, section, utf8 } from '../../support/hex.ts'
import type { ViolationVector } from './violation-vector.ts'

const { CLIENT, SERVER } = Role
const MQTT = '00 04 4d 51 54 54'
const TOPIC_A = '00 01 61'

const places: readonly ViolationVector[] = [
  ...['00', '04', '7f', '2b'].map(
    (id): ViolationVector => ({
      title: `property identifier ${id}`,
      violation: 'PROPERTY_UNKNOWN',
      v5: 'U5-2.2.2.2-1',
      sender: CLIENT,
      bytes: packet('30', TOPIC_A, section(id, '00')),
      offset: 6,
      field: 'Property Identifier',
    }),
  ),
  {
    title: 'property identifier 129, in two bytes',
    violation: 'PROPERTY_UNKNOWN',
    v5: 'U5-2.2.2.2-1',
    sender: SERVER,
    bytes: packet('90', '00 01', section('81 01', '00'), '00'),
    offset: 5,
    field: 'Property Identifier',
  },
  {
    title: 'Receive Maximum in PUBLISH',
    violation: 'PROPERTY_NOT_ALLOWED',
    v5: 'U5-2.2.2.2-1',
    sender: CLIENT,
    bytes: packet('30', TOPIC_A, section('21 00 05')),
    offset: 6,
    field: 'Receive Maximum',
  },
  {
    title: 'Will Delay Interval among the properties of CONNECT',
    violation: 'PROPERTY_NOT_ALLOWED',
    beforeConnect: true,
    v5: 'U5-2.2.2.2-1',
    sender: CLIENT,
    bytes: packet('10', MQTT, '05 02 00 3c', section('18 00 00 00 05'), '00 00'),
    offset: 13,
    field: 'Will Delay Interval',
  },
  {
    title: 'Session Expiry Interval among the properties of a will',
    violation: 'PROPERTY_NOT_ALLOWED',
    beforeConnect: true,
    v5: 'U5-2.2.2.2-1',
    sender: CLIENT,
    bytes: packet('10', MQTT, '05 06 00 3c', '00', '00 00', section('11 00 00 00 05'), utf8('w'), '00 00'),
    offset: 16,
    field: 'Session Expiry Interval',
  },
  {
    title: 'Server Reference in the DISCONNECT of a Client, behind another property',
    violation: 'PROPERTY_NOT_ALLOWED',
    v5: 'U5-2.2.2.2-1',
    sender: CLIENT,
    bytes: packet('e0', '00', section('1f 00 00', '1c 00 00')),
    offset: 7,
    field: 'Server Reference',
  },
  {
    title: 'Subscription Identifier in the PUBLISH of a Client',
    violation: 'SUBSCRIPTION_IDENTIFIER_FROM_CLIENT',
    v5: 'MQTT-3.3.4-6',
    sender: CLIENT,
    bytes: packet('30', TOPIC_A, section('01 00', '0b 01')),
    offset: 8,
    field: 'Subscription Identifier',
  },
  {
    title: 'Session Expiry Interval in the DISCONNECT of a Server',
    violation: 'SESSION_EXPIRY_FROM_SERVER',
    v5: 'MQTT-3.14.2-2',
    sender: SERVER,
    bytes: packet('e0', '00', section('11 00 00 00 00')),
    offset: 4,
    field: 'Session Expiry Interval',
  },
  {
    title: 'Authentication Data without Authentication Method in CONNECT',
    violation: 'AUTHENTICATION_DATA_WITHOUT_METHOD',
    beforeConnect: true,
    v5: 'U5-3.1.2.11.10-1',
    sender: CLIENT,
    bytes: packet('10', MQTT, '05 02 00 3c', section('16 00 00'), '00 00'),
    offset: 12,
    field: 'Authentication Data',
  },
  {
    title: 'AUTH with nothing but its code and an empty property section',
    violation: 'AUTHENTICATION_METHOD_MISSING',
    v5: 'U5-3.1.2.11.9-1',
    sender: SERVER,
    bytes: hex('f0 02 18 00'), // AUTH, Remaining Length 2, Continue authentication, no properties
    offset: 2,
    field: 'Authentication Method',
  },
]

const repetitions: readonly ViolationVector[] = [
  {
    title: 'Message Expiry Interval twice, in PUBLISH',
    violation: 'PROPERTY_REPEATED',
    v5: 'U5-3.3.2.3.3-1',
    sender: CLIENT,
    bytes: packet('30', TOPIC_A, section('02 00 00 00 05', '02 00 00 00 05')),
    offset: 11,
    field: 'Message Expiry Interval',
  },
  {
    title: 'Topic Alias twice, another between',
    violation: 'PROPERTY_REPEATED',
    v5: 'U5-3.3.2.3.4-1',
    sender: SERVER,
    bytes: packet('30', TOPIC_A, section('23 00 01', '01 00', '23 00 02')),
    offset: 11,
    field: 'Topic Alias',
  },
  {
    title: 'Content Type twice, in a will',
    violation: 'PROPERTY_REPEATED',
    beforeConnect: true,
    v5: 'U5-3.1.3.2.3-1',
    sender: CLIENT,
    bytes: packet('10', MQTT, '05 06 00 3c', '00', '00 00', section('03 00 00', '03 00 00'), utf8('w'), '00 00'),
    offset: 19,
    field: 'Content Type',
  },
  {
    title: 'Will Delay Interval twice',
    violation: 'PROPERTY_REPEATED',
    beforeConnect: true,
    v5: 'U5-3.1.3.2.2-1',
    sender: CLIENT,
    bytes: packet(
      '10',
      MQTT,
      '05 06 00 3c',
      '00',
      '00 00',
      section('18 00 00 00 00', '18 00 00 00 00'),
      utf8('w'),
      '00 00',
    ),
    offset: 21,
    field: 'Will Delay Interval',
  },
  {
    title: 'Subscription Identifier twice, in SUBSCRIBE',
    violation: 'PROPERTY_REPEATED',
    v5: 'U5-3.8.2.1.2-1',
    sender: CLIENT,
    bytes: packet('82', '00 01', section('0b 01', '0b 02'), utf8('a'), '00'),
    offset: 7,
    field: 'Subscription Identifier',
  },
  {
    title: 'Reason String twice, in PUBACK',
    violation: 'PROPERTY_REPEATED',
    v5: 'U5-3.2.2.3.9-1',
    sender: CLIENT,
    bytes: packet('40', '00 01', '00', section('1f 00 00', '1f 00 00')),
    offset: 9,
    field: 'Reason String',
  },
]

/** Values that are errors by themselves, where they are not the topic alias. */
const values: readonly ViolationVector[] = [
  {
    title: 'Payload Format Indicator 2',
    violation: 'PROPERTY_VALUE_INVALID',
    v5: 'MQTT-4.13.1-1',
    sender: CLIENT,
    bytes: packet('30', TOPIC_A, section('01 02')),
    offset: 7,
    field: 'Payload Format Indicator',
  },
  {
    title: 'Subscription Identifier 0',
    violation: 'PROPERTY_VALUE_INVALID',
    v5: 'U5-3.3.2.3.8-1',
    sender: CLIENT,
    bytes: packet('82', '00 01', section('0b 00'), utf8('a'), '00'),
    offset: 6,
    field: 'Subscription Identifier',
  },
  ...(
    [
      ['Receive Maximum 0', '21 00 00', 'U5-3.1.2.11.3-1'],
      ['Maximum Packet Size 0', '27 00 00 00 00', 'U5-3.1.2.11.4-1'],
      ['Request Problem Information 2', '17 02', 'U5-3.1.2.11.7-1'],
      ['Request Response Information 255', '19 ff', 'U5-3.1.2.11.6-1'],
    ] as const
  ).map(
    ([title, property, v5]): ViolationVector => ({
      title: `${title}, in CONNECT`,
      violation: 'PROPERTY_VALUE_INVALID',
      beforeConnect: true,
      v5,
      sender: CLIENT,
      bytes: packet('10', MQTT, '05 02 00 3c', section(property), '00 00'),
      offset: 14,
      field: title.replace(/ \d+$/, ''),
    }),
  ),
  ...(
    [
      ['Maximum QoS 2', '24 02', 'U5-3.2.2.3.4-1'],
      ['Retain Available 2', '25 02', 'U5-3.2.2.3.5-1'],
      ['Wildcard Subscription Available 2', '28 02', 'U5-3.2.2.3.11-1'],
      ['Subscription Identifier Available 2', '29 02', 'U5-3.2.2.3.12-1'],
      ['Shared Subscription Available 2', '2a 02', 'U5-3.2.2.3.13-1'],
    ] as const
  ).map(
    ([title, property, v5]): ViolationVector => ({
      title: `${title}, in CONNACK`,
      violation: 'PROPERTY_VALUE_INVALID',
      v5,
      sender: SERVER,
      bytes: packet('20', '00 00', section(property)),
      offset: 6,
      field: title.replace(/ \d+$/, ''),
    }),
  ),
  {
    title: 'Topic Alias 0',
    violation: 'TOPIC_ALIAS_IS_0',
    v5: 'U5-3.3.4-1',
    sender: CLIENT,
    bytes: packet('30', TOPIC_A, section('23 00 00')),
    offset: 7,
    field: 'Topic Alias',
  },
]

const ends: readonly ViolationVector[] = [
  {
    title: 'Property Length past the packet',
    violation: 'PROPERTY_PAST_END',
    v5: 'U5-2.2.2-3',
    sender: CLIENT,
    bytes: hex('30 06 00 01 61 03 01 00'), // PUBLISH, Remaining Length 6, Topic Name a, Property Length 3, 2 bytes
    offset: 5,
    field: 'Property Length',
  },
  {
    title: 'the value of a number cut by the Property Length',
    violation: 'PROPERTY_PAST_END',
    v5: 'U5-2.2.2-3',
    sender: CLIENT,
    bytes: packet('30', TOPIC_A, '03', '02 00 00', '00 00'),
    offset: 7,
    field: 'Message Expiry Interval',
  },
  {
    title: 'a string cut by the Property Length, in SUBSCRIBE',
    violation: 'PROPERTY_PAST_END',
    v5: 'U5-2.2.2-3',
    sender: CLIENT,
    bytes: packet('82', '00 01', '06', '26 00 01 6b 00 01', utf8('a'), '00'),
    offset: 9,
    field: 'User Property',
  },
  {
    title: 'an identifier without value, in DISCONNECT',
    violation: 'PROPERTY_PAST_END',
    v5: 'U5-2.2.2-3',
    sender: SERVER,
    bytes: packet('e0', '80', section('1f')),
    offset: 5,
    field: 'Reason String',
  },
  {
    title: 'a variable byte integer that goes on behind the Property Length',
    violation: 'PROPERTY_PAST_END',
    v5: 'U5-2.2.2-3',
    sender: SERVER,
    bytes: packet('30', TOPIC_A, '02', '0b ff', '7f'),
    offset: 8,
    field: 'Subscription Identifier',
  },
]

/** Properties of 5.0: where they stand, how often, with which value and how long. */
export const propertyViolations: readonly ViolationVector[] = [...places, ...repetitions, ...values, ...ends]
