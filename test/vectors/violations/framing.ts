import { Role } from '../../../src/codec/packet-type.ts'
import { hex } from '../../support/hex.ts'
import { before5, everyVersion, type ViolationVector } from './violation-vector.ts'

const { CLIENT, SERVER } = Role
const MQTT = '00 04 4d 51 54 54'

const packetTypes: readonly ViolationVector[] = [
  {
    title: 'packet type 0 from a Client',
    violation: 'PACKET_TYPE_RESERVED',
    ...everyVersion('U311-2.2.1-1', 'U5-2.1.2-1'),
    sender: CLIENT,
    bytes: hex('00 00'), // type 0, Remaining Length 0
    offset: 0,
    field: null,
  },
  {
    title: 'packet type 0 from a Server',
    violation: 'PACKET_TYPE_RESERVED',
    ...everyVersion('U311-2.2.1-1', 'U5-2.1.2-1'),
    sender: SERVER,
    bytes: hex('0f 00'), // type 0, Remaining Length 0
    offset: 0,
    field: null,
  },
  {
    title: 'packet type 15 before 5.0',
    violation: 'PACKET_TYPE_RESERVED',
    ...before5('U311-2.2.1-1'),
    sender: CLIENT,
    bytes: hex('f0 00'), // type 15, Remaining Length 0
    offset: 0,
    field: null,
  },
  ...['20 02 00 00', '90 03 00 01 00', 'b0 02 00 01', 'd0 00'].map(
    (bytes): ViolationVector => ({
      title: `${bytes.slice(0, 2)} from a Client: CONNACK, SUBACK, UNSUBACK, PINGRESP`,
      violation: 'PACKET_FROM_WRONG_SIDE',
      ...everyVersion('MQTT-4.8.0-1', 'MQTT-4.13.1-1'),
      sender: CLIENT,
      bytes: hex(bytes),
      offset: 0,
      field: null,
    }),
  ),
  ...['10 00', '82 06 00 01 00 01 61 00', 'a2 05 00 01 00 01 61', 'c0 00'].map(
    (bytes): ViolationVector => ({
      title: `${bytes.slice(0, 2)} from a Server: CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ`,
      violation: 'PACKET_FROM_WRONG_SIDE',
      ...everyVersion('MQTT-4.8.0-1', 'MQTT-4.13.1-1'),
      sender: SERVER,
      bytes: hex(bytes),
      offset: 0,
      field: null,
    }),
  ),
  {
    title: 'DISCONNECT from a Server before 5.0',
    violation: 'PACKET_FROM_WRONG_SIDE',
    ...before5('MQTT-4.8.0-1'),
    sender: SERVER,
    bytes: hex('e0 00'), // DISCONNECT, Remaining Length 0
    offset: 0,
    field: null,
  },
  {
    title: 'PUBLISH as first packet of a Client',
    violation: 'FIRST_PACKET_NOT_CONNECT',
    beforeConnect: true,
    v311: 'MQTT-3.1.0-1',
    sender: CLIENT,
    bytes: hex('30 03 00 01 61'), // PUBLISH, Remaining Length 3, Topic Name a
    offset: 0,
    field: null,
  },
]

const flags: readonly ViolationVector[] = [
  {
    title: 'PINGREQ, flags 0001',
    violation: 'FLAGS_INVALID',
    ...everyVersion('MQTT-2.2.2-2', 'MQTT-2.1.3-1'),
    sender: CLIENT,
    bytes: hex('c1 00'), // PINGREQ, Remaining Length 0
    offset: 0,
    field: null,
  },
  {
    title: 'CONNECT, flags 0010',
    violation: 'FLAGS_INVALID',
    beforeConnect: true,
    v311: 'MQTT-2.2.2-2',
    sender: CLIENT,
    bytes: hex('12 0c', MQTT, '04 02 00 3c 00 00'), // CONNECT, Remaining Length 12, a valid body
    offset: 0,
    field: null,
  },
  ...['21 02 00 00', '44 02 00 01', '58 02 00 01', '72 02 00 01', '92 03 00 01 00', 'b2 02 00 01', 'd8 00'].map(
    (bytes): ViolationVector => ({
      title: `first byte ${bytes.slice(0, 2)} from a Server`,
      violation: 'FLAGS_INVALID',
      ...everyVersion('MQTT-2.2.2-2', 'MQTT-2.1.3-1'),
      sender: SERVER,
      bytes: hex(bytes),
      offset: 0,
      field: null,
    }),
  ),
  ...['60', '61', '63', '66'].map(
    (firstByte): ViolationVector => ({
      title: `PUBREL, first byte ${firstByte}`,
      violation: 'PUBREL_FLAGS_INVALID',
      ...everyVersion('MQTT-3.6.1-1', 'MQTT-3.6.1-1'),
      sender: CLIENT,
      bytes: hex(firstByte, '02 00 01'), // Remaining Length 2, Packet Identifier 1
      offset: 0,
      field: null,
    }),
  ),
  {
    title: 'PUBREL with DUP, legal in 3.1 only',
    violation: 'PUBREL_FLAGS_INVALID',
    v311: 'MQTT-3.6.1-1',
    v5: 'MQTT-3.6.1-1',
    sender: SERVER,
    bytes: hex('6a 02 00 01'), // PUBREL, Remaining Length 2, Packet Identifier 1
    offset: 0,
    field: null,
  },
  {
    title: 'SUBSCRIBE, flags 0000',
    violation: 'SUBSCRIBE_FLAGS_INVALID',
    ...everyVersion('MQTT-3.8.1-1', 'MQTT-3.8.1-1'),
    sender: CLIENT,
    bytes: hex('80 06 00 01 00 01 61 00'), // SUBSCRIBE, Remaining Length 6, a body
    offset: 0,
    field: null,
  },
  {
    title: 'SUBSCRIBE with DUP, legal in 3.1 only',
    violation: 'SUBSCRIBE_FLAGS_INVALID',
    v311: 'MQTT-3.8.1-1',
    v5: 'MQTT-3.8.1-1',
    sender: CLIENT,
    bytes: hex('8a 06 00 01 00 01 61 00'), // SUBSCRIBE, Remaining Length 6, a body
    offset: 0,
    field: null,
  },
  {
    title: 'UNSUBSCRIBE, flags 0000',
    violation: 'UNSUBSCRIBE_FLAGS_INVALID',
    ...everyVersion('MQTT-3.10.1-1', 'MQTT-3.10.1-1'),
    sender: CLIENT,
    bytes: hex('a0 05 00 01 00 01 61'), // UNSUBSCRIBE, Remaining Length 5, a body
    offset: 0,
    field: null,
  },
  {
    title: 'UNSUBSCRIBE with DUP, legal in 3.1 only',
    violation: 'UNSUBSCRIBE_FLAGS_INVALID',
    v311: 'MQTT-3.10.1-1',
    v5: 'MQTT-3.10.1-1',
    sender: CLIENT,
    bytes: hex('aa 05 00 01 00 01 61'), // UNSUBSCRIBE, Remaining Length 5, a body
    offset: 0,
    field: null,
  },
  {
    title: 'DISCONNECT, flags 0001',
    violation: 'DISCONNECT_FLAGS_INVALID',
    ...everyVersion('MQTT-3.14.1-1', 'MQTT-3.14.1-1'),
    sender: CLIENT,
    bytes: hex('e1 00'), // DISCONNECT, Remaining Length 0
    offset: 0,
    field: null,
  },
  {
    title: 'AUTH, flags 0010',
    violation: 'AUTH_FLAGS_INVALID',
    v5: 'MQTT-3.15.1-1',
    sender: SERVER,
    bytes: hex('f2 00'), // AUTH, Remaining Length 0
    offset: 0,
    field: null,
  },
]

const lengths: readonly ViolationVector[] = [
  {
    title: 'Remaining Length goes on after its fourth byte',
    violation: 'VARIABLE_BYTE_INTEGER_TOO_LONG',
    ...everyVersion('U311-2.2.3-1', 'U5-1.5.5-1'),
    sender: CLIENT,
    bytes: hex('30 80 80 80 80'), // PUBLISH; no fifth byte is waited for
    offset: 1,
    field: 'Remaining Length',
  },
  {
    title: 'Property Length goes on after its fourth byte',
    violation: 'VARIABLE_BYTE_INTEGER_TOO_LONG',
    v5: 'U5-1.5.5-1',
    sender: CLIENT,
    bytes: hex(
      '30 08', // PUBLISH, Remaining Length 8
      '00 01 61', // Topic Name a
      'ff ff ff ff 01', // Property Length
    ),
    offset: 5,
    field: 'Property Length',
  },
  {
    title: 'Subscription Identifier goes on after its fourth byte',
    violation: 'VARIABLE_BYTE_INTEGER_TOO_LONG',
    v5: 'U5-1.5.5-1',
    sender: CLIENT,
    bytes: hex(
      '82 0d', // SUBSCRIBE, Remaining Length 13
      '00 01', // Packet Identifier 1
      '06', // Property Length 6
      '0b 80 80 80 80 01', // Subscription Identifier
      '00 01 61 00', // Topic Filter a, Subscription Options
    ),
    offset: 6,
    field: 'Subscription Identifier',
  },
  ...['80 00', '80 80 00', '82 80 80 00'].map(
    (length): ViolationVector => ({
      title: `Remaining Length ${length}`,
      violation: 'VARIABLE_BYTE_INTEGER_NOT_SHORTEST',
      // 3.1.1 has no such rule; judged the same way all the same
      ...everyVersion(null, 'MQTT-1.5.5-1'),
      sender: CLIENT,
      bytes: hex('c0', length), // PINGREQ
      offset: 1,
      field: 'Remaining Length',
    }),
  ),
  {
    title: 'Property Length 80 00',
    violation: 'VARIABLE_BYTE_INTEGER_NOT_SHORTEST',
    v5: 'MQTT-1.5.5-1',
    sender: SERVER,
    bytes: hex(
      '30 05', // PUBLISH, Remaining Length 5
      '00 01 61', // Topic Name a
      '80 00', // Property Length
    ),
    offset: 5,
    field: 'Property Length',
  },
  {
    title: 'Subscription Identifier 81 00',
    violation: 'VARIABLE_BYTE_INTEGER_NOT_SHORTEST',
    v5: 'MQTT-1.5.5-1',
    sender: SERVER,
    bytes: hex(
      '30 07', // PUBLISH, Remaining Length 7
      '00 01 61', // Topic Name a
      '03', // Property Length 3
      '0b 81 00', // Subscription Identifier
    ),
    offset: 7,
    field: 'Subscription Identifier',
  },
  {
    title: 'a property identifier in two bytes',
    violation: 'VARIABLE_BYTE_INTEGER_NOT_SHORTEST',
    v5: 'MQTT-1.5.5-1',
    sender: CLIENT,
    bytes: hex(
      '30 08', // PUBLISH, Remaining Length 8
      '00 01 61', // Topic Name a
      '04', // Property Length 4
      '81 00', // property identifier 1
      '01', // Payload Format Indicator
      '00', // surplus
    ),
    offset: 6,
    field: 'Property Identifier',
  },
  {
    title: 'one byte above the Maximum Packet Size, of which only the header has come',
    violation: 'PACKET_TOO_LARGE',
    ...everyVersion(null, 'U5-3.2.2.3.6-1'),
    sender: CLIENT,
    maximumPacketBytes: 100,
    bytes: hex('30 63'), // PUBLISH, Remaining Length 99
    offset: 1,
    field: 'Remaining Length',
  },
  {
    title: '256 MiB declared by a CONNECT',
    violation: 'PACKET_TOO_LARGE',
    beforeConnect: true,
    v311: null,
    sender: CLIENT,
    maximumPacketBytes: 65_536,
    bytes: hex('10 ff ff ff 7f'), // CONNECT, Remaining Length 268,435,455
    offset: 1,
    field: 'Remaining Length',
  },
]

const ends: readonly ViolationVector[] = [
  {
    title: 'PUBACK with half a Packet Identifier',
    violation: 'FIELD_PAST_END',
    ...everyVersion('MQTT-4.8.0-1', 'MQTT-4.13.1-1'),
    sender: CLIENT,
    bytes: hex('40 01 00'), // PUBACK, Remaining Length 1
    offset: 2,
    field: 'Packet Identifier',
  },
  {
    title: 'Topic Name longer than its packet',
    violation: 'FIELD_PAST_END',
    ...everyVersion('MQTT-4.8.0-1', 'MQTT-4.13.1-1'),
    sender: SERVER,
    bytes: hex(
      '30 03', // PUBLISH, Remaining Length 3
      '00 02 61', // Topic Name of 2 bytes, of which 1 is there
      '62', // no part of this packet
    ),
    offset: 2,
    field: 'Topic Name',
  },
  {
    title: 'PUBLISH at QoS 1 without Packet Identifier',
    violation: 'FIELD_PAST_END',
    ...everyVersion('MQTT-4.8.0-1', 'MQTT-4.13.1-1'),
    sender: SERVER,
    bytes: hex('32 03 00 01 61'), // PUBLISH, QoS 1, Remaining Length 3, Topic Name a
    offset: 5,
    field: 'Packet Identifier',
  },
  {
    title: 'SUBSCRIBE ends behind a Topic Filter',
    violation: 'FIELD_PAST_END',
    ...before5('MQTT-4.8.0-1'),
    sender: CLIENT,
    bytes: hex('82 05 00 01 00 01 61'), // SUBSCRIBE, Remaining Length 5, Packet Identifier 1, Topic Filter a
    offset: 7,
    field: 'Requested QoS',
  },
  {
    title: 'CONNACK without Return Code',
    violation: 'FIELD_PAST_END',
    ...before5('MQTT-4.8.0-1'),
    sender: SERVER,
    bytes: hex('20 01 00'), // CONNACK, Remaining Length 1
    offset: 3,
    field: 'Return Code',
  },
  {
    title: 'CONNECT ends within the Protocol Name',
    violation: 'FIELD_PAST_END',
    beforeConnect: true,
    v311: 'MQTT-4.8.0-1',
    sender: CLIENT,
    bytes: hex('10 05 00 04 4d 51 54'), // CONNECT, Remaining Length 5
    offset: 2,
    field: 'Protocol Name',
  },
  {
    title: 'CONNECT without Property Length',
    violation: 'FIELD_PAST_END',
    beforeConnect: true,
    v5: 'MQTT-4.13.1-1',
    sender: CLIENT,
    bytes: hex('10 0a', MQTT, '05 02 00 3c'), // CONNECT, Remaining Length 10, ends behind Keep Alive
    offset: 12,
    field: 'Property Length',
  },
  ...[
    ['PUBLISH', '30 03 00 01 61', 5],
    ['SUBSCRIBE', '82 02 00 01', 4],
    ['UNSUBSCRIBE', 'a2 02 00 01', 4],
    ['AUTH', 'f0 01 18', 3],
  ].map(
    ([name, bytes, offset]): ViolationVector => ({
      title: `${name} without Property Length`,
      violation: 'FIELD_PAST_END',
      v5: 'MQTT-4.13.1-1',
      sender: CLIENT,
      bytes: hex(String(bytes)),
      offset: Number(offset),
      field: 'Property Length',
    }),
  ),
  {
    title: 'PINGREQ of two bytes more',
    violation: 'TRAILING_BYTES',
    ...everyVersion('MQTT-4.8.0-1', 'MQTT-4.13.1-1'),
    sender: CLIENT,
    bytes: hex('c0 02 d0 00'), // PINGREQ, Remaining Length 2
    offset: 2,
    field: null,
  },
  {
    title: 'PINGRESP of one byte more',
    violation: 'TRAILING_BYTES',
    ...everyVersion('MQTT-4.8.0-1', 'MQTT-4.13.1-1'),
    sender: SERVER,
    bytes: hex('d0 01 00'), // PINGRESP, Remaining Length 1
    offset: 2,
    field: null,
  },
  ...['40', '50', '62', '70'].map(
    (firstByte): ViolationVector => ({
      title: `acknowledgement ${firstByte} with a Reason Code before 5.0`,
      violation: 'TRAILING_BYTES',
      ...before5('MQTT-4.8.0-1'),
      sender: SERVER,
      bytes: hex(firstByte, '03 00 01 00'), // Remaining Length 3, Packet Identifier 1
      offset: 4,
      field: null,
    }),
  ),
  {
    title: 'PUBREC with a byte behind its properties',
    violation: 'TRAILING_BYTES',
    v5: 'MQTT-4.13.1-1',
    sender: CLIENT,
    bytes: hex('50 05 00 01 00 00 00'), // PUBREC, Remaining Length 5, Packet Identifier 1, Success, no properties
    offset: 6,
    field: null,
  },
  {
    title: 'CONNECT with bytes behind the Password',
    violation: 'TRAILING_BYTES',
    beforeConnect: true,
    v311: 'MQTT-4.8.0-1',
    sender: CLIENT,
    bytes: hex(
      '10 14', // CONNECT, Remaining Length 20
      MQTT,
      '04 c2 00 3c', // Protocol Level, Connect Flags: User Name, Password, Clean Session; Keep Alive
      '00 00', // Client Identifier
      '00 01 75', // User Name
      '00 01 70', // Password
      'ff ff', // surplus
    ),
    offset: 20,
    field: null,
  },
  {
    title: 'CONNACK with properties before 5.0',
    violation: 'TRAILING_BYTES',
    ...before5('MQTT-4.8.0-1'),
    sender: SERVER,
    bytes: hex('20 03 00 00 00'), // CONNACK, Remaining Length 3
    offset: 4,
    field: null,
  },
  {
    title: 'UNSUBACK with a code before 5.0',
    violation: 'TRAILING_BYTES',
    ...before5('MQTT-4.8.0-1'),
    sender: SERVER,
    bytes: hex('b0 03 00 01 00'), // UNSUBACK, Remaining Length 3, Packet Identifier 1
    offset: 4,
    field: null,
  },
  {
    title: 'DISCONNECT with a code before 5.0',
    violation: 'TRAILING_BYTES',
    ...before5('MQTT-4.8.0-1'),
    sender: CLIENT,
    bytes: hex('e0 01 00'), // DISCONNECT, Remaining Length 1
    offset: 2,
    field: null,
  },
  {
    title: 'DISCONNECT with a byte behind its properties',
    violation: 'TRAILING_BYTES',
    v5: 'MQTT-4.13.1-1',
    sender: SERVER,
    bytes: hex('e0 03 00 00 00'), // DISCONNECT, Remaining Length 3, Normal disconnection, no properties
    offset: 4,
    field: null,
  },
  {
    title: 'AUTH with a byte behind its properties',
    violation: 'TRAILING_BYTES',
    v5: 'MQTT-4.13.1-1',
    sender: SERVER,
    bytes: hex('f0 07 18 04 15 00 01 4d 00'), // AUTH, Remaining Length 7, Continue, Authentication Method M
    offset: 8,
    field: null,
  },
  ...[
    ['30', 1],
    ['30 80', 2],
    ['30 07', 2],
    ['30 07 00 03 61 2f', 6],
  ].map(
    ([bytes, offset]): ViolationVector => ({
      title: `the stream ends behind ${bytes}`,
      violation: 'STREAM_ENDS_INSIDE_PACKET',
      ...everyVersion('MQTT-4.8.0-1', 'MQTT-4.13.1-1'),
      sender: CLIENT,
      bytes: hex(String(bytes)), // PUBLISH
      offset: Number(offset),
      field: null,
    }),
  ),
]

/** Fixed header, packet types, lengths and ends. */
export const framingViolations: readonly ViolationVector[] = [...packetTypes, ...flags, ...lengths, ...ends]
