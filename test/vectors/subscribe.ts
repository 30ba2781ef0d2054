import { Suback } from '../../src/codec/packets/suback.ts'
import { RetainHandling, Subscribe, type SubscriptionRequest } from '../../src/codec/packets/subscribe.ts'
import { Unsuback } from '../../src/codec/packets/unsuback.ts'
import { Unsubscribe } from '../../src/codec/packets/unsubscribe.ts'
import type { QoS } from '../../src/codec/qos.ts'
import { hex } from '../support/hex.ts'
import { BEFORE_5, FROM_CLIENT, FROM_SERVER, type PacketVector, V3_1, V3_1_1, V5 } from './packet-vector.ts'

/** A request without any of the options of 5.0. */
function request(topicFilter: string, qos: QoS): SubscriptionRequest {
  return { topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: RetainHandling.ALWAYS }
}

const subscribeVectors: readonly PacketVector[] = [
  {
    title: 'SUBSCRIBE, one filter',
    versions: BEFORE_5,
    senders: FROM_CLIENT,
    bytes: hex(
      '82 08', // SUBSCRIBE, Remaining Length 8
      '00 01', // Packet Identifier 1
      '00 03 61 2f 62', // Topic Filter a/b
      '00', // requested QoS 0
    ),
    packet: new Subscribe(1, [request('a/b', 0)]),
  },
  {
    title: 'SUBSCRIBE, filters with wildcards, one of them twice, and a shared one',
    versions: BEFORE_5,
    senders: FROM_CLIENT,
    bytes: hex(
      '82 20', // SUBSCRIBE, Remaining Length 32
      'ff ff', // Packet Identifier 65,535
      '00 01 23', // Topic Filter #
      '02', // requested QoS 2
      '00 04 2b 2f 2b 2f', // Topic Filter +/+/
      '01', // requested QoS 1
      '00 01 23', // Topic Filter # once more
      '00', // requested QoS 0
      '00 0c', // length of the Topic Filter
      '24 73 68 61 72 65 2f 67 2f 61 2f 23', // Topic Filter $share/g/a/#
      '00', // requested QoS 0
    ),
    packet: new Subscribe(65_535, [request('#', 2), request('+/+/', 1), request('#', 0), request('$share/g/a/#', 0)]),
  },
  {
    title: 'SUBSCRIBE 3.1, a repeated one',
    versions: [V3_1],
    senders: FROM_CLIENT,
    bytes: hex(
      '8a 06', // SUBSCRIBE, DUP, QoS 1, Remaining Length 6
      '00 01', // Packet Identifier 1
      '00 01 61', // Topic Filter a
      '01', // requested QoS 1
    ),
    canonical: hex('82 06 00 01 00 01 61 01'),
    packet: new Subscribe(1, [request('a', 1)]),
  },
  {
    title: 'SUBSCRIBE 5.0, every option and the largest Subscription Identifier',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      '82 2c', // SUBSCRIBE, Remaining Length 44
      '00 02', // Packet Identifier 2
      '13', // Property Length 19
      '0b ff ff ff 7f', // Subscription Identifier 268,435,455
      '26 00 01 6b 00 01 76', // User Property k = v
      '26 00 01 6b 00 01 76', // the same once more
      '00 01 61', // Topic Filter a
      '2e', // Retain Handling 2, Retain As Published, No Local, QoS 2
      '00 01 62', // Topic Filter b
      '11', // Retain Handling 1, QoS 1
      '00 0b', // length of the Topic Filter
      '24 73 68 61 72 65 2f 67 2f 2f 2b', // Topic Filter $share/g//+
      '08', // Retain As Published, QoS 0
    ),
    packet: new Subscribe(
      2,
      [
        {
          topicFilter: 'a',
          qos: 2,
          noLocal: true,
          retainAsPublished: true,
          retainHandling: RetainHandling.NEVER,
        },
        { ...request('b', 1), retainHandling: RetainHandling.IF_NEW },
        { ...request('$share/g//+', 0), retainAsPublished: true },
      ],
      {
        subscriptionIdentifiers: [268_435_455],
        userProperties: [
          ['k', 'v'],
          ['k', 'v'],
        ],
      },
    ),
  },
  {
    title: 'SUBSCRIBE 5.0, no properties',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      '82 07', // SUBSCRIBE, Remaining Length 7
      '00 01', // Packet Identifier 1
      '00', // Property Length
      '00 01 61', // Topic Filter a
      '00', // Subscription Options
    ),
    packet: new Subscribe(1, [request('a', 0)]),
  },
]

const subackVectors: readonly PacketVector[] = [
  {
    title: 'SUBACK, every QoS',
    versions: BEFORE_5,
    senders: FROM_SERVER,
    bytes: hex(
      '90 05', // SUBACK, Remaining Length 5
      '00 01', // Packet Identifier 1
      '00 01 02', // granted QoS 0, 1, 2
    ),
    packet: new Suback(1, [0, 1, 2]),
  },
  {
    title: 'SUBACK 3.1.1, a failure between',
    versions: [V3_1_1],
    senders: FROM_SERVER,
    bytes: hex(
      '90 05', // SUBACK, Remaining Length 5
      '00 01', // Packet Identifier 1
      '02 80 00', // granted QoS 2, failure, granted QoS 0
    ),
    packet: new Suback(1, [2, 0x80, 0]),
  },
  {
    title: 'SUBACK 5.0, no properties',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      '90 04', // SUBACK, Remaining Length 4
      '00 01', // Packet Identifier 1
      '00', // Property Length
      '02', // Granted QoS 2
    ),
    packet: new Suback(1, [2]),
  },
  {
    title: 'SUBACK 5.0, every property, all codes of its table',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      '90 1b', // SUBACK, Remaining Length 27
      'ff fe', // Packet Identifier 65,534
      '0c', // Property Length 12
      '1f 00 02 6e 6f', // Reason String no
      '26 00 01 6b 00 01 76', // User Property k = v
      '00 01 02', // Granted QoS 0, 1, 2
      '80 83 87 8f 91 97 9e a1 a2', // failures
    ),
    packet: new Suback(65_534, [0, 1, 2, 0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2], {
      reasonString: 'no',
      userProperties: [['k', 'v']],
    }),
  },
]

const unsubscribeVectors: readonly PacketVector[] = [
  {
    title: 'UNSUBSCRIBE, two filters',
    versions: BEFORE_5,
    senders: FROM_CLIENT,
    bytes: hex(
      'a2 0b', // UNSUBSCRIBE, Remaining Length 11
      '00 03', // Packet Identifier 3
      '00 03 61 2f 23', // Topic Filter a/#
      '00 02 2f 2b', // Topic Filter /+
    ),
    packet: new Unsubscribe(3, ['a/#', '/+']),
  },
  {
    title: 'UNSUBSCRIBE 3.1, a repeated one',
    versions: [V3_1],
    senders: FROM_CLIENT,
    bytes: hex(
      'aa 05', // UNSUBSCRIBE, DUP, QoS 1, Remaining Length 5
      '00 03', // Packet Identifier 3
      '00 01 61', // Topic Filter a
    ),
    canonical: hex('a2 05 00 03 00 01 61'),
    packet: new Unsubscribe(3, ['a']),
  },
  {
    title: 'UNSUBSCRIBE 5.0, with a User Property',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      'a2 0d', // UNSUBSCRIBE, Remaining Length 13
      '00 03', // Packet Identifier 3
      '07', // Property Length 7
      '26 00 01 6b 00 01 76', // User Property k = v
      '00 01 61', // Topic Filter a
    ),
    packet: new Unsubscribe(3, ['a'], { userProperties: [['k', 'v']] }),
  },
  {
    title: 'UNSUBSCRIBE 5.0, no properties, a shared filter',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      'a2 0f', // UNSUBSCRIBE, Remaining Length 15
      '00 03', // Packet Identifier 3
      '00', // Property Length
      '00 0a 24 73 68 61 72 65 2f 67 2f 61', // Topic Filter $share/g/a
    ),
    packet: new Unsubscribe(3, ['$share/g/a']),
  },
]

const unsubackVectors: readonly PacketVector[] = [
  {
    title: 'UNSUBACK',
    versions: BEFORE_5,
    senders: FROM_SERVER,
    bytes: hex(
      'b0 02', // UNSUBACK, Remaining Length 2
      '00 03', // Packet Identifier 3
    ),
    packet: new Unsuback(3),
  },
  {
    title: 'UNSUBACK 5.0, no properties',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      'b0 04', // UNSUBACK, Remaining Length 4
      '00 03', // Packet Identifier 3
      '00', // Property Length
      '11', // Reason Code: No subscription existed
    ),
    packet: new Unsuback(3, [0x11]),
  },
  {
    title: 'UNSUBACK 5.0, every property, all codes of its table',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      'b0 16', // UNSUBACK, Remaining Length 22
      '00 03', // Packet Identifier 3
      '0c', // Property Length 12
      '1f 00 02 6e 6f', // Reason String no
      '26 00 01 6b 00 01 76', // User Property k = v
      '00 11 80 83 87 8f 91', // Reason Codes
    ),
    packet: new Unsuback(3, [0, 0x11, 0x80, 0x83, 0x87, 0x8f, 0x91], {
      reasonString: 'no',
      userProperties: [['k', 'v']],
    }),
  },
]

/** SUBSCRIBE, UNSUBSCRIBE and what answers them. */
export const subscriptionVectors: readonly PacketVector[] = [
  ...subscribeVectors,
  ...subackVectors,
  ...unsubscribeVectors,
  ...unsubackVectors,
]
