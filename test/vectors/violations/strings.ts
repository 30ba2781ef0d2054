import { Role } from '../../../src/codec/packet-type.ts'
import { hex, packet, section, utf8 } from '../../support/hex.ts'
import { before5, everyVersion, type ViolationVector } from './violation-vector.ts'

const { CLIENT, SERVER } = Role
const MQTT = '00 04 4d 51 54 54'

/** A string field that holds a byte that is no UTF-8, or U+0000. */
interface Field {
  readonly in: string
  readonly field: string
  readonly sender: Role
  /** the bytes of the packet around the text of the field */
  readonly bytes: (text: Buffer) => Buffer
  readonly offset: number
  readonly versions: 'before 5.0' | '5.0' | 'CONNECT 3.1.1' | 'CONNECT 5.0'
}

/** Two bytes of length and the text, which needs not be one. */
function string(text: Buffer): Buffer {
  return hex('00', Buffer.from([text.length]), text)
}

/** A property of this identifier in a packet that ends behind its properties. */
function inProperty(firstByte: string, front: string, id: string): (text: Buffer) => Buffer {
  return (text) => packet(firstByte, front, section(id, string(text)))
}

const fields: readonly Field[] = [
  {
    in: 'PUBLISH',
    field: 'Topic Name',
    sender: CLIENT,
    bytes: (text) => packet('30', string(text)),
    offset: 4,
    versions: 'before 5.0',
  },
  {
    in: 'SUBSCRIBE',
    field: 'Topic Filter',
    sender: CLIENT,
    bytes: (text) => packet('82', '00 01', string(text), '00'),
    offset: 6,
    versions: 'before 5.0',
  },
  {
    in: 'UNSUBSCRIBE',
    field: 'Topic Filter',
    sender: CLIENT,
    bytes: (text) => packet('a2', '00 01', string(text)),
    offset: 6,
    versions: 'before 5.0',
  },
  {
    in: 'CONNECT',
    field: 'Protocol Name',
    sender: CLIENT,
    bytes: (text) => packet('10', string(text), '04 02 00 3c 00 00'),
    offset: 4,
    versions: 'CONNECT 3.1.1',
  },
  {
    in: 'CONNECT',
    field: 'Client Identifier',
    sender: CLIENT,
    bytes: (text) => packet('10', MQTT, '04 02 00 3c', string(text)),
    offset: 14,
    versions: 'CONNECT 3.1.1',
  },
  {
    in: 'CONNECT',
    field: 'Will Topic',
    sender: CLIENT,
    bytes: (text) => packet('10', MQTT, '04 06 00 3c 00 00', string(text), '00 00'),
    offset: 16,
    versions: 'CONNECT 3.1.1',
  },
  {
    in: 'CONNECT',
    field: 'User Name',
    sender: CLIENT,
    bytes: (text) => packet('10', MQTT, '04 82 00 3c 00 00', string(text)),
    offset: 16,
    versions: 'CONNECT 3.1.1',
  },
  {
    in: 'a will',
    field: 'Response Topic',
    sender: CLIENT,
    bytes: (text) => packet('10', MQTT, '05 06 00 3c 00 00 00', section('08', string(text)), utf8('w'), '00 00'),
    offset: 19,
    versions: 'CONNECT 5.0',
  },
  {
    in: 'CONNECT',
    field: 'Authentication Method',
    sender: CLIENT,
    bytes: (text) => packet('10', MQTT, '05 02 00 3c', section('15', string(text)), '00 00'),
    offset: 16,
    versions: 'CONNECT 5.0',
  },
  ...(
    [
      ['PUBLISH', 'Content Type', CLIENT, inProperty('30', '00 01 61', '03'), 9],
      ['PUBLISH', 'Response Topic', CLIENT, inProperty('30', '00 01 61', '08'), 9],
      ['PUBACK', 'Reason String', CLIENT, inProperty('40', '00 01 00', '1f'), 9],
      ['DISCONNECT', 'Reason String', SERVER, inProperty('e0', '80', '1f'), 7],
      ['DISCONNECT', 'Server Reference', SERVER, inProperty('e0', '9c', '1c'), 7],
      ['CONNACK', 'Assigned Client Identifier', SERVER, inProperty('20', '00 00', '12'), 8],
      ['CONNACK', 'Response Information', SERVER, inProperty('20', '00 00', '1a'), 8],
      ['AUTH', 'Authentication Method', SERVER, inProperty('f0', '18', '15'), 7],
    ] as const
  ).map(([packetName, field, sender, bytes, offset]): Field => {
    return { in: packetName, field, sender, bytes, offset, versions: '5.0' }
  }),
  {
    in: 'the name of a',
    field: 'User Property',
    sender: CLIENT,
    bytes: (text) => packet('30', '00 01 61', section('26', string(text), utf8('v'))),
    offset: 9,
    versions: '5.0',
  },
  {
    in: 'the value of a',
    field: 'User Property',
    sender: SERVER,
    bytes: (text) => packet('62', '00 01 00', section('26', utf8('n'), string(text))),
    offset: 12,
    versions: '5.0',
  },
]

function statements(versions: Field['versions'], v311: string, v5: string): Partial<ViolationVector> {
  switch (versions) {
    case 'before 5.0':
      return before5(v311)
    case '5.0':
      return { v5 }
    case 'CONNECT 3.1.1':
      return { beforeConnect: true, v311 }
    case 'CONNECT 5.0':
      return { beforeConnect: true, v5 }
  }
}

const inEachField = fields.flatMap(({ in: place, field, sender, bytes, offset, versions }): ViolationVector[] => [
  {
    title: `${place} ${field} that is no UTF-8`,
    violation: 'STRING_NOT_UTF8',
    ...statements(versions, 'MQTT-1.5.3-1', 'MQTT-1.5.4-1'),
    sender,
    bytes: bytes(hex('61 ff 62')),
    offset,
    field,
  },
  {
    title: `${place} ${field} with U+0000`,
    violation: 'STRING_HAS_NUL',
    ...statements(versions, 'MQTT-1.5.3-2', 'MQTT-1.5.4-2'),
    sender,
    bytes: bytes(hex('61 00 62')),
    offset,
    field,
    // a Will Topic that is none has a code of its own (semantics C-14)
    ...(field === 'Will Topic' ? { reasonCode: 0x90 } : {}),
  },
])

const notUtf8: Readonly<Record<string, string>> = {
  'an overlong U+0000': 'c0 80',
  'an overlong slash': 'c0 af',
  'an overlong U+07FF': 'e0 9f bf',
  'an overlong U+FFFF': 'f0 8f bf bf',
  'the first surrogate': 'ed a0 80',
  'the last surrogate': 'ed bf bf',
  'a pair of surrogates': 'ed a0 bd ed b0 99',
  'a value above U+10FFFF': 'f4 90 80 80',
  'a first byte of nothing': 'f8 88 80 80 80',
  'a sequence of two cut': 'c3',
  'a sequence of three cut': 'e2 82',
  'a sequence of four cut': 'f0 9f 90',
  'a sequence interrupted': 'e2 28 a1',
  'a continuation alone': '80',
}

/** Strings and the numbers that name exchanges. */
export const stringViolations: readonly ViolationVector[] = [
  ...inEachField,
  ...Object.entries(notUtf8).map(
    ([what, text]): ViolationVector => ({
      title: `Topic Name with ${what}`,
      violation: 'STRING_NOT_UTF8',
      ...everyVersion('MQTT-1.5.3-1', 'MQTT-1.5.4-1'),
      sender: CLIENT,
      bytes: packet('30', string(hex('61', text)), '00'),
      offset: 4,
      field: 'Topic Name',
    }),
  ),
  {
    title: 'PUBLISH with Packet Identifier 0',
    violation: 'PACKET_ID_IS_0',
    ...before5('MQTT-2.3.1-1'),
    sender: CLIENT,
    bytes: hex('32 05 00 01 61 00 00'), // PUBLISH, QoS 1, Remaining Length 5, Topic Name a, Packet Identifier 0
    offset: 5,
    field: 'Packet Identifier',
  },
  {
    title: 'PUBLISH 5.0 with Packet Identifier 0, from a Client',
    violation: 'PACKET_ID_IS_0',
    v5: 'MQTT-2.2.1-3',
    sender: CLIENT,
    bytes: hex('34 06 00 01 61 00 00 00'), // PUBLISH, QoS 2, Remaining Length 6, Topic Name a, 0, no properties
    offset: 5,
    field: 'Packet Identifier',
  },
  {
    title: 'PUBLISH 5.0 with Packet Identifier 0, from a Server',
    violation: 'PACKET_ID_IS_0',
    v5: 'MQTT-2.2.1-4',
    sender: SERVER,
    bytes: hex('32 06 00 01 61 00 00 00'), // PUBLISH, QoS 1, Remaining Length 6, Topic Name a, 0, no properties
    offset: 5,
    field: 'Packet Identifier',
  },
  ...['82 06 00 00 00 01 61 00', 'a2 05 00 00 00 01 61'].map(
    (bytes): ViolationVector => ({
      title: `request ${bytes.slice(0, 2)} with Packet Identifier 0: SUBSCRIBE, UNSUBSCRIBE`,
      violation: 'PACKET_ID_IS_0',
      ...everyVersion('MQTT-2.3.1-1', 'MQTT-2.2.1-3'),
      sender: CLIENT,
      bytes: hex(bytes),
      offset: 2,
      field: 'Packet Identifier',
    }),
  ),
  ...['40', '50', '62', '70'].map(
    (firstByte): ViolationVector => ({
      title: `acknowledgement ${firstByte} of Packet Identifier 0`,
      violation: 'ACKNOWLEDGED_PACKET_ID_IS_0',
      ...everyVersion('MQTT-2.3.1-6', 'U5-2.2.1-1'),
      sender: CLIENT,
      bytes: hex(firstByte, '02 00 00'), // Remaining Length 2, Packet Identifier 0
      offset: 2,
      field: 'Packet Identifier',
    }),
  ),
  ...['90 03 00 00 00', 'b0 02 00 00'].map(
    (bytes): ViolationVector => ({
      title: `answer ${bytes.slice(0, 2)} to Packet Identifier 0: SUBACK, UNSUBACK`,
      violation: 'ACKNOWLEDGED_PACKET_ID_IS_0',
      ...everyVersion('MQTT-2.3.1-7', 'U5-2.2.1-1'),
      sender: SERVER,
      bytes: hex(bytes),
      offset: 2,
      field: 'Packet Identifier',
    }),
  ),
]
