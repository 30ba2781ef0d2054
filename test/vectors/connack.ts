import { Connack } from '../../src/codec/packets/connack.ts'
import { hex } from '../support/hex.ts'
import { BEFORE_5, FROM_SERVER, type PacketVector, V3_1, V3_1_1, V5 } from './packet-vector.ts'

export const connackVectors: readonly PacketVector[] = [
  {
    title: 'CONNACK, accepted',
    versions: BEFORE_5,
    senders: FROM_SERVER,
    bytes: hex(
      '20 02', // CONNACK, Remaining Length 2
      '00', // Connect Acknowledge Flags
      '00', // Return Code: accepted
    ),
    packet: new Connack(false, 0),
  },
  {
    title: 'CONNACK 3.1, with something in the reserved byte',
    versions: [V3_1],
    senders: FROM_SERVER,
    bytes: hex(
      '20 02', // CONNACK, Remaining Length 2
      'ff', // reserved
      '00', // Return Code: accepted
    ),
    canonical: hex('20 02 00 00'),
    packet: new Connack(false, 0),
  },
  {
    title: 'CONNACK 3.1.1, accepted, Session Present',
    versions: [V3_1_1],
    senders: FROM_SERVER,
    bytes: hex(
      '20 02', // CONNACK, Remaining Length 2
      '01', // Connect Acknowledge Flags: Session Present
      '00', // Return Code: accepted
    ),
    packet: new Connack(true, 0),
  },
  ...[1, 2, 3, 4, 5].map(
    (returnCode): PacketVector => ({
      title: `CONNACK, return code ${returnCode}`,
      versions: BEFORE_5,
      senders: FROM_SERVER,
      bytes: hex(
        '20 02', // CONNACK, Remaining Length 2
        '00', // Connect Acknowledge Flags
        Buffer.from([returnCode]), // Return Code
      ),
      packet: new Connack(false, returnCode),
    }),
  ),
  {
    title: 'CONNACK 5.0, no properties',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      '20 03', // CONNACK, Remaining Length 3
      '01', // Connect Acknowledge Flags: Session Present
      '00', // Reason Code: Success
      '00', // Property Length
    ),
    packet: new Connack(true, 0),
  },
  {
    title: 'CONNACK 5.0, every property of an accepted connection',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      '20 4a', // CONNACK, Remaining Length 74
      '00', // Connect Acknowledge Flags
      '00', // Reason Code: Success
      '47', // Property Length 71
      '11 00 00 0e 10', // Session Expiry Interval 3,600 s
      '12 00 02 69 64', // Assigned Client Identifier id
      '13 00 1e', // Server Keep Alive 30 s
      '15 00 01 4d', // Authentication Method M
      '16 00 00', // Authentication Data, empty
      '1a 00 04 72 65 73 70', // Response Information resp
      '1c 00 01 73', // Server Reference s
      '1f 00 02 6f 6b', // Reason String ok
      '21 ff ff', // Receive Maximum 65,535
      '22 00 00', // Topic Alias Maximum 0
      '24 01', // Maximum QoS 1
      '25 00', // Retain Available 0
      '26 00 01 6b 00 01 76', // User Property k = v
      '26 00 01 6b 00 01 76', // the same once more
      '27 00 01 00 00', // Maximum Packet Size 65,536
      '28 00', // Wildcard Subscription Available 0
      '29 01', // Subscription Identifier Available 1
      '2a 00', // Shared Subscription Available 0
    ),
    packet: new Connack(false, 0, {
      sessionExpiryIntervalSeconds: 3600,
      assignedClientIdentifier: 'id',
      serverKeepAliveSeconds: 30,
      authenticationMethod: 'M',
      authenticationData: Buffer.alloc(0),
      responseInformation: 'resp',
      serverReference: 's',
      reasonString: 'ok',
      receiveMaximum: 65_535,
      topicAliasMaximum: 0,
      maximumQos: 1,
      retainAvailable: 0,
      userProperties: [
        ['k', 'v'],
        ['k', 'v'],
      ],
      maximumPacketBytes: 65_536,
      wildcardSubscriptionAvailable: 0,
      subscriptionIdentifierAvailable: 1,
      sharedSubscriptionAvailable: 0,
    }),
  },
  {
    title: 'CONNACK 5.0, refused: Server moved',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      '20 0a', // CONNACK, Remaining Length 10
      '00', // Connect Acknowledge Flags
      '9d', // Reason Code: Server moved
      '07', // Property Length 7
      '1c 00 04 68 3a 31 30', // Server Reference h:10
    ),
    packet: new Connack(false, 0x9d, { serverReference: 'h:10' }),
  },
  {
    title: 'CONNACK to a 5.0 client from a Server that does not know 5.0',
    versions: [V5],
    senders: FROM_SERVER,
    bytes: hex(
      '20 02', // CONNACK, Remaining Length 2
      '00', // Connect Acknowledge Flags
      '01', // Return Code of 3.1.1: unacceptable protocol version
    ),
    packet: new Connack(false, 1),
  },
]
