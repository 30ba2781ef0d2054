import type { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { hex } from '../support/hex.ts'
import { publish } from '../support/packets.ts'
import { BEFORE_5, FROM_BOTH, FROM_CLIENT, FROM_SERVER, type PacketVector, V3_1_1, V5 } from './packet-vector.ts'

const TOPIC_A_B = '00 03 61 2f 62'
const LONGEST_TOPIC = `${'t'.repeat(65_532)}/é`

export const publishVectors: readonly PacketVector[] = [
  {
    title: 'PUBLISH, QoS 0',
    versions: BEFORE_5,
    senders: FROM_BOTH,
    bytes: hex(
      '30 07', // PUBLISH, Remaining Length 7
      TOPIC_A_B, // Topic Name
      '68 69', // payload
    ),
    packet: publish('a/b', 'hi'),
  },
  {
    title: 'PUBLISH, QoS 0, empty payload, RETAIN',
    versions: BEFORE_5,
    senders: FROM_BOTH,
    bytes: hex(
      '31 05', // PUBLISH, RETAIN, Remaining Length 5
      TOPIC_A_B, // Topic Name
    ),
    packet: publish('a/b', '', { retain: true }),
  },
  {
    title: 'PUBLISH, QoS 1, a payload that is no UTF-8',
    versions: BEFORE_5,
    senders: FROM_BOTH,
    bytes: hex(
      '32 0b', // PUBLISH, QoS 1, Remaining Length 11
      TOPIC_A_B, // Topic Name
      '00 01', // Packet Identifier 1
      '00 ff c0 80', // payload
    ),
    packet: publish('a/b', hex('00 ff c0 80'), { qos: 1, packetId: 1 }),
  },
  {
    title: 'PUBLISH, QoS 2, DUP and RETAIN, the largest Packet Identifier, empty payload',
    versions: BEFORE_5,
    senders: FROM_BOTH,
    bytes: hex(
      '3d 07', // PUBLISH, DUP, QoS 2, RETAIN, Remaining Length 7
      TOPIC_A_B, // Topic Name
      'ff ff', // Packet Identifier 65,535
    ),
    packet: publish('a/b', '', { qos: 2, dup: true, retain: true, packetId: 65_535 }),
  },
  {
    title: 'PUBLISH 3.1.1, a byte-order mark at the start of the Topic Name and within',
    versions: [V3_1_1],
    senders: FROM_BOTH,
    bytes: hex(
      '30 0a', // PUBLISH, Remaining Length 10
      '00 08 ef bb bf 61 ef bb bf 62', // Topic Name: U+FEFF a U+FEFF b
    ),
    packet: publish('\u{feff}a\u{feff}b', ''),
  },
  {
    title: 'PUBLISH 3.1.1, control characters, a non-character and a character beyond U+FFFF in the Topic Name',
    versions: [V3_1_1],
    senders: FROM_BOTH,
    bytes: hex(
      '30 11', // PUBLISH, Remaining Length 17
      '00 0d', // length of the Topic Name
      '01', // U+0001
      '1f', // U+001F
      '7f', // U+007F
      'c2 9f', // U+009F
      'ef bf bf', // U+FFFF
      'f4 8f bf bf', // U+10FFFF
      '20', // space
      '00 00', // payload
    ),
    packet: publish('\x01\x1f\x7f\x9f\u{ffff}\u{10ffff} ', hex('00 00')),
  },
  {
    title: 'PUBLISH 3.1.1, the longest Topic Name: 65,535 bytes, not characters',
    versions: [V3_1_1],
    senders: FROM_BOTH,
    bytes: hex(
      '32 83 80 04', // PUBLISH, QoS 1, Remaining Length 65,539
      'ff ff', // length of the Topic Name
      Buffer.from(LONGEST_TOPIC), // Topic Name
      '00 02', // Packet Identifier 2
    ),
    packet: publish(LONGEST_TOPIC, '', { qos: 1, packetId: 2 }),
  },
  ...[127, 128, 16_383, 16_384].flatMap((remainingLength) => [
    ofRemainingLength(remainingLength, BEFORE_5, ''),
    ofRemainingLength(remainingLength, [V5], '00'),
  ]),
  {
    title: 'PUBLISH 5.0, no properties',
    versions: [V5],
    senders: FROM_BOTH,
    bytes: hex(
      '30 08', // PUBLISH, Remaining Length 8
      TOPIC_A_B, // Topic Name
      '00', // Property Length
      '68 69', // payload
    ),
    packet: publish('a/b', 'hi'),
  },
  {
    title: 'PUBLISH 5.0, QoS 2, DUP and RETAIN, no properties, empty payload',
    versions: [V5],
    senders: FROM_BOTH,
    bytes: hex(
      '3d 08', // PUBLISH, DUP, QoS 2, RETAIN, Remaining Length 8
      TOPIC_A_B, // Topic Name
      '01 00', // Packet Identifier 256
      '00', // Property Length
    ),
    packet: publish('a/b', '', { qos: 2, dup: true, retain: true, packetId: 256 }),
  },
  {
    title: 'PUBLISH 5.0 from a Server, every property, in our order',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      '32 42', // PUBLISH, QoS 1, Remaining Length 66
      TOPIC_A_B, // Topic Name
      '00 07', // Packet Identifier 7
      '38', // Property Length 56
      '02 00 00 00 00', // Message Expiry Interval 0 s
      '01 00', // Payload Format Indicator: bytes
      '03 00 00', // Content Type, empty
      '08 00 03 72 2f 74', // Response Topic r/t
      '09 00 03 00 2b 23', // Correlation Data
      '26 00 01 62 00 01 31', // User Property b = 1
      '26 00 01 61 00 01 32', // User Property a = 2
      '26 00 01 62 00 01 33', // User Property b = 3
      '0b 01', // Subscription Identifier 1
      '0b 80 01', // Subscription Identifier 128
      '0b ff ff ff 7f', // Subscription Identifier 268,435,455
      '23 ff ff', // Topic Alias 65,535
      '68 69', // payload
    ),
    packet: publish('a/b', 'hi', {
      qos: 1,
      packetId: 7,
      topicAlias: 65_535,
      subscriptionIdentifiers: [1, 128, 268_435_455],
      properties: {
        payloadFormatIndicator: 0,
        messageExpiryIntervalSeconds: 0,
        contentType: '',
        responseTopic: 'r/t',
        correlationData: hex('00 2b 23'),
        userProperties: [
          ['b', '1'],
          ['a', '2'],
          ['b', '3'],
        ],
      },
    }),
  },
  {
    title: 'PUBLISH 5.0 from a Server, what is not forwarded stands between what is',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      '30 28', // PUBLISH, Remaining Length 40
      TOPIC_A_B, // Topic Name
      '20', // Property Length 32
      '26 00 01 61 00 01 31', // User Property a = 1
      '23 00 05', // Topic Alias 5
      '01 01', // Payload Format Indicator: text
      '0b 09', // Subscription Identifier 9
      '26 00 01 62 00 01 32', // User Property b = 2
      '02 ff ff ff ff', // Message Expiry Interval 4,294,967,295 s
      '03 00 01 63', // Content Type c
      '0b 09', // Subscription Identifier 9 once more
      '68 69', // payload
    ),
    canonical: hex(
      '30 28', // PUBLISH, Remaining Length 40
      TOPIC_A_B, // Topic Name
      '20', // Property Length 32
      '02 ff ff ff ff', // Message Expiry Interval 4,294,967,295 s
      '01 01', // Payload Format Indicator: text
      '03 00 01 63', // Content Type c
      '26 00 01 61 00 01 31', // User Property a = 1
      '26 00 01 62 00 01 32', // User Property b = 2
      '0b 09', // Subscription Identifier 9
      '0b 09', // Subscription Identifier 9 once more
      '23 00 05', // Topic Alias 5
      '68 69', // payload
    ),
    packet: publish('a/b', 'hi', {
      topicAlias: 5,
      subscriptionIdentifiers: [9, 9],
      properties: {
        payloadFormatIndicator: 1,
        messageExpiryIntervalSeconds: 4_294_967_295,
        contentType: 'c',
        userProperties: [
          ['a', '1'],
          ['b', '2'],
        ],
      },
    }),
  },
  {
    title: 'PUBLISH 5.0 from a Client, a Topic Alias alone, empty payload',
    versions: [V5],
    senders: FROM_BOTH,
    bytes: hex(
      '30 06', // PUBLISH, Remaining Length 6
      '00 00', // Topic Name, empty
      '03', // Property Length 3
      '23 00 01', // Topic Alias 1
    ),
    packet: publish('', '', { topicAlias: 1 }),
  },
  {
    title: 'PUBLISH 5.0 from a Client, Topic Alias before the properties of the message',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      '30 12', // PUBLISH, Remaining Length 18
      TOPIC_A_B, // Topic Name
      '0a', // Property Length 10
      '23 00 01', // Topic Alias 1
      '26 00 01 61 00 01 31', // User Property a = 1
      '68 69', // payload
    ),
    canonical: hex('30 12', TOPIC_A_B, '0a', '26 00 01 61 00 01 31', '23 00 01', '68 69'),
    packet: publish('a/b', 'hi', { topicAlias: 1, properties: { userProperties: [['a', '1']] } }),
  },
  {
    title: 'PUBLISH 5.0, Message Expiry Interval behind the other properties of the message',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      '30 14', // PUBLISH, Remaining Length 20
      TOPIC_A_B, // Topic Name
      '0c', // Property Length 12
      '09 00 04 ff fe fd fc', // Correlation Data
      '02 00 00 00 01', // Message Expiry Interval 1 s
      '68 69', // payload
    ),
    canonical: hex('30 14', TOPIC_A_B, '0c', '02 00 00 00 01', '09 00 04 ff fe fd fc', '68 69'),
    packet: publish('a/b', 'hi', {
      properties: { messageExpiryIntervalSeconds: 1, correlationData: hex('ff fe fd fc') },
    }),
  },
  ...[127, 128].map((propertyBytes): PacketVector => {
    const data = Buffer.alloc(propertyBytes - 3, 0xc3)
    return {
      title: `PUBLISH 5.0, ${propertyBytes} bytes of properties`,
      versions: [V5],
      senders: FROM_BOTH,
      bytes: hex(
        propertyBytes < 128 ? '30 87 01' : '30 89 01', // PUBLISH, Remaining Length 135 or 137
        TOPIC_A_B, // Topic Name
        propertyBytes < 128 ? '7f' : '80 01', // Property Length
        '09 00', // Correlation Data, high byte of its length
        Buffer.from([data.length]), // low byte
        data, // Correlation Data
        '68 69', // payload
      ),
      packet: publish('a/b', 'hi', { properties: { correlationData: data } }),
    }
  }),
]

/** A packet whose Remaining Length lies where the number of its bytes changes. */
function ofRemainingLength(
  remainingLength: number,
  versions: readonly ProtocolVersion[],
  propertyLength: '' | '00',
): PacketVector {
  const lengths: Readonly<Record<number, string>> = {
    127: '7f',
    128: '80 01',
    16383: 'ff 7f',
    16384: '80 80 01',
  }
  const payload = Buffer.alloc(remainingLength - 5 - propertyLength.length / 2, 0x5a)
  return {
    title: `PUBLISH ${versions === BEFORE_5 ? 'before 5.0' : '5.0'}, Remaining Length ${remainingLength}`,
    versions,
    senders: FROM_BOTH,
    bytes: hex(
      '30', // PUBLISH
      lengths[remainingLength]!, // Remaining Length
      TOPIC_A_B, // Topic Name
      propertyLength, // Property Length
      payload,
    ),
    packet: publish('a/b', payload),
  }
}
