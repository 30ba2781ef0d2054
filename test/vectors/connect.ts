import { Connect } from '../../src/codec/packets/connect.ts'
import { hex } from '../support/hex.ts'
import { FROM_CLIENT, type PacketVector, V3_1, V3_1_1, V5 } from './packet-vector.ts'

const MQISDP = '00 06 4d 51 49 73 64 70'
const MQTT = '00 04 4d 51 54 54'
const ID_ABC = '00 03 61 62 63'

/** 128 bytes of property section: one User Property with a value of 122 bytes. */
const VALUE_OF_122 = 'v'.repeat(122)

export const connectVectors: readonly PacketVector[] = [
  {
    title: 'CONNECT 3.1, nothing but a client id',
    versions: [V3_1],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 11', // CONNECT, Remaining Length 17
      MQISDP, // Protocol Name
      '03', // Protocol Version
      '02', // Connect Flags: Clean Session
      '00 3c', // Keep Alive 60 s
      ID_ABC, // Client Identifier
    ),
    packet: new Connect({ version: V3_1, clientId: 'abc', cleanStart: true, keepAliveSeconds: 60 }),
  },
  {
    title: 'CONNECT 3.1, User Name and Password flagged, the packet ends before both',
    versions: [V3_1],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 11', // CONNECT, Remaining Length 17
      MQISDP, // Protocol Name
      '03', // Protocol Version
      'c2', // Connect Flags: User Name, Password, Clean Session
      '00 3c', // Keep Alive 60 s
      ID_ABC, // Client Identifier
    ),
    canonical: hex('10 11', MQISDP, '03', '02', '00 3c', ID_ABC),
    packet: new Connect({ version: V3_1, clientId: 'abc', cleanStart: true, keepAliveSeconds: 60 }),
  },
  {
    title: 'CONNECT 3.1, User Name and Password flagged, the packet ends before the Password',
    versions: [V3_1],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 14', // CONNECT, Remaining Length 20
      MQISDP, // Protocol Name
      '03', // Protocol Version
      'c2', // Connect Flags: User Name, Password, Clean Session
      '00 3c', // Keep Alive 60 s
      ID_ABC, // Client Identifier
      '00 01 75', // User Name
    ),
    canonical: hex('10 14', MQISDP, '03', '82', '00 3c', ID_ABC, '00 01 75'),
    packet: new Connect({
      version: V3_1,
      clientId: 'abc',
      cleanStart: true,
      keepAliveSeconds: 60,
      userName: 'u',
    }),
  },
  {
    title: 'CONNECT 3.1, bit 0 of the Connect Flags set',
    versions: [V3_1],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 11', // CONNECT, Remaining Length 17
      MQISDP, // Protocol Name
      '03', // Protocol Version
      '03', // Connect Flags: Clean Session, unused bit 0
      '00 3c', // Keep Alive 60 s
      ID_ABC, // Client Identifier
    ),
    canonical: hex('10 11', MQISDP, '03', '02', '00 3c', ID_ABC),
    packet: new Connect({ version: V3_1, clientId: 'abc', cleanStart: true, keepAliveSeconds: 60 }),
  },
  {
    title: 'CONNECT 3.1, of a bridge',
    versions: [V3_1],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 11', // CONNECT, Remaining Length 17
      MQISDP, // Protocol Name
      '83', // Protocol Version 3, bridge mark
      '00', // Connect Flags
      '00 00', // Keep Alive off
      ID_ABC, // Client Identifier
    ),
    packet: new Connect({ version: V3_1, bridge: true, clientId: 'abc', cleanStart: false, keepAliveSeconds: 0 }),
  },
  {
    title: 'CONNECT 3.1, with will, User Name and Password',
    versions: [V3_1],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 20', // CONNECT, Remaining Length 32
      MQISDP, // Protocol Name
      '03', // Protocol Version
      'cc', // Connect Flags: User Name, Password, Will QoS 1, Will
      '00 0a', // Keep Alive 10 s
      ID_ABC, // Client Identifier
      '00 03 77 2f 74', // Will Topic w/t
      '00 02 62 79', // Will Message
      '00 01 75', // User Name
      '00 01 70', // Password
    ),
    packet: new Connect({
      version: V3_1,
      clientId: 'abc',
      cleanStart: false,
      keepAliveSeconds: 10,
      will: { topicName: 'w/t', payload: Buffer.from('by'), qos: 1, retain: false, properties: {} },
      userName: 'u',
      password: Buffer.from('p'),
    }),
  },
  {
    title: 'CONNECT 3.1.1, empty Client Identifier',
    versions: [V3_1_1],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 0c', // CONNECT, Remaining Length 12
      MQTT, // Protocol Name
      '04', // Protocol Level
      '02', // Connect Flags: Clean Session
      '00 00', // Keep Alive off
      '00 00', // Client Identifier
    ),
    packet: new Connect({ version: V3_1_1, clientId: '', cleanStart: true, keepAliveSeconds: 0 }),
  },
  {
    title: 'CONNECT 3.1.1, of a bridge',
    versions: [V3_1_1],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 0f', // CONNECT, Remaining Length 15
      MQTT, // Protocol Name
      '84', // Protocol Level 4, bridge mark
      '02', // Connect Flags: Clean Session
      '00 3c', // Keep Alive 60 s
      ID_ABC, // Client Identifier
    ),
    packet: new Connect({ version: V3_1_1, bridge: true, clientId: 'abc', cleanStart: true, keepAliveSeconds: 60 }),
  },
  {
    title: 'CONNECT 3.1.1, every flag and field, the longest Keep Alive, a Password that is no text',
    versions: [V3_1_1],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 26', // CONNECT, Remaining Length 38
      MQTT, // Protocol Name
      '04', // Protocol Level
      'f6', // Connect Flags: User Name, Password, Will Retain, Will QoS 2, Will, Clean Session
      'ff ff', // Keep Alive 65,535 s
      ID_ABC, // Client Identifier
      '00 03 77 2f 74', // Will Topic w/t
      '00 03 00 ff c0', // Will Message, no UTF-8
      '00 04 c3 a9 21 7f', // User Name: é!, and a control character
      '00 05 00 ff fe c0 80', // Password, no UTF-8
    ),
    packet: new Connect({
      version: V3_1_1,
      clientId: 'abc',
      cleanStart: true,
      keepAliveSeconds: 65_535,
      will: { topicName: 'w/t', payload: hex('00 ff c0'), qos: 2, retain: true, properties: {} },
      userName: 'é!\x7f',
      password: hex('00 ff fe c0 80'),
    }),
  },
  {
    title: 'CONNECT 3.1.1, empty User Name, Password and Will Message, which are not absent',
    versions: [V3_1_1],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 18', // CONNECT, Remaining Length 24
      MQTT, // Protocol Name
      '04', // Protocol Level
      'c4', // Connect Flags: User Name, Password, Will
      '00 3c', // Keep Alive 60 s
      ID_ABC, // Client Identifier
      '00 01 77', // Will Topic
      '00 00', // Will Message
      '00 00', // User Name
      '00 00', // Password
    ),
    packet: new Connect({
      version: V3_1_1,
      clientId: 'abc',
      cleanStart: false,
      keepAliveSeconds: 60,
      will: { topicName: 'w', payload: Buffer.alloc(0), qos: 0, retain: false, properties: {} },
      userName: '',
      password: Buffer.alloc(0),
    }),
  },
  {
    title: 'CONNECT 5.0, no properties',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 10', // CONNECT, Remaining Length 16
      MQTT, // Protocol Name
      '05', // Protocol Version
      '02', // Connect Flags: Clean Start
      '00 3c', // Keep Alive 60 s
      '00', // Property Length
      ID_ABC, // Client Identifier
    ),
    packet: new Connect({ version: V5, clientId: 'abc', cleanStart: true, keepAliveSeconds: 60 }),
  },
  {
    title: 'CONNECT 5.0, Password without User Name',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 13', // CONNECT, Remaining Length 19
      MQTT, // Protocol Name
      '05', // Protocol Version
      '40', // Connect Flags: Password
      '00 3c', // Keep Alive 60 s
      '00', // Property Length
      ID_ABC, // Client Identifier
      '00 01 00', // Password
    ),
    packet: new Connect({
      version: V5,
      clientId: 'abc',
      cleanStart: false,
      keepAliveSeconds: 60,
      password: Buffer.alloc(1),
    }),
  },
  {
    title: 'CONNECT 5.0, every property, and every one of its will',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 77', // CONNECT, Remaining Length 119
      MQTT, // Protocol Name
      '05', // Protocol Version
      'ec', // Connect Flags: User Name, Password, Will Retain, Will QoS 1, Will
      '01 2c', // Keep Alive 300 s
      '2f', // Property Length 47
      '11 ff ff ff ff', // Session Expiry Interval: never
      '15 00 05 53 43 52 41 4d', // Authentication Method SCRAM
      '16 00 02 00 ff', // Authentication Data
      '17 00', // Request Problem Information 0
      '19 01', // Request Response Information 1
      '21 00 01', // Receive Maximum 1
      '22 ff ff', // Topic Alias Maximum 65,535
      '26 00 01 61 00 01 31', // User Property a = 1
      '26 00 01 61 00 01 32', // User Property a = 2
      '27 00 00 00 7f', // Maximum Packet Size 127
      ID_ABC, // Client Identifier
      '27', // Will Property Length 39
      '01 01', // Payload Format Indicator: text
      '02 00 00 00 3c', // Message Expiry Interval 60 s
      '03 00 04 74 65 78 74', // Content Type text
      '08 00 03 72 2f 74', // Response Topic r/t
      '09 00 02 ff 00', // Correlation Data
      '18 00 00 00 05', // Will Delay Interval 5 s
      '26 00 00 00 04 f0 9f 90 99', // User Property with an empty name, a value of one character beyond U+FFFF
      '00 03 77 2f 74', // Will Topic w/t
      '00 03 62 79 65', // Will Payload
      '00 01 75', // User Name
      '00 01 70', // Password
    ),
    packet: new Connect({
      version: V5,
      clientId: 'abc',
      cleanStart: false,
      keepAliveSeconds: 300,
      properties: {
        sessionExpiryIntervalSeconds: 4_294_967_295,
        authenticationMethod: 'SCRAM',
        authenticationData: hex('00 ff'),
        requestProblemInformation: 0,
        requestResponseInformation: 1,
        receiveMaximum: 1,
        topicAliasMaximum: 65_535,
        userProperties: [
          ['a', '1'],
          ['a', '2'],
        ],
        maximumPacketBytes: 127,
      },
      will: {
        topicName: 'w/t',
        payload: Buffer.from('bye'),
        qos: 1,
        retain: true,
        properties: {
          payloadFormatIndicator: 1,
          messageExpiryIntervalSeconds: 60,
          contentType: 'text',
          responseTopic: 'r/t',
          correlationData: hex('ff 00'),
          willDelayIntervalSeconds: 5,
          userProperties: [['', '🐙']],
        },
      },
      userName: 'u',
      password: Buffer.from('p'),
    }),
  },
  {
    title: 'CONNECT 5.0, properties in an order that is not ours, a byte-order mark in the Client Identifier',
    versions: [V5],
    senders: FROM_CLIENT,
    bytes: hex(
      '10 19', // CONNECT, Remaining Length 25
      MQTT, // Protocol Name
      '05', // Protocol Version
      '00', // Connect Flags
      '00 3c', // Keep Alive 60 s
      '08', // Property Length 8
      '22 00 0a', // Topic Alias Maximum 10
      '11 00 00 00 01', // Session Expiry Interval 1 s
      '00 04 ef bb bf 41', // Client Identifier: U+FEFF A
    ),
    canonical: hex(
      '10 19', // CONNECT, Remaining Length 25
      MQTT,
      '05 00 00 3c',
      '08', // Property Length 8
      '11 00 00 00 01', // Session Expiry Interval 1 s
      '22 00 0a', // Topic Alias Maximum 10
      '00 04 ef bb bf 41', // Client Identifier
    ),
    packet: new Connect({
      version: V5,
      clientId: '\u{feff}A',
      cleanStart: false,
      keepAliveSeconds: 60,
      properties: { topicAliasMaximum: 10, sessionExpiryIntervalSeconds: 1 },
    }),
  },
  ...[127, 128].map((propertyBytes): PacketVector => {
    const value = VALUE_OF_122.slice(0, propertyBytes - 6)
    const lengthBytes = propertyBytes < 128 ? '7f' : '80 01'
    return {
      title: `CONNECT 5.0, ${propertyBytes} bytes of properties`,
      versions: [V5],
      senders: FROM_CLIENT,
      bytes: hex(
        propertyBytes < 128 ? '10 8f 01' : '10 91 01', // CONNECT, Remaining Length 143 or 145
        MQTT, // Protocol Name
        '05', // Protocol Version
        '00', // Connect Flags
        '00 3c', // Keep Alive 60 s
        lengthBytes, // Property Length
        '26', // User Property
        '00 01 6e', // name n
        '00', // high byte of the length of the value
        Buffer.from([value.length]), // low byte
        Buffer.from(value), // value
        ID_ABC, // Client Identifier
      ),
      packet: new Connect({
        version: V5,
        clientId: 'abc',
        cleanStart: false,
        keepAliveSeconds: 60,
        properties: { userProperties: [['n', value]] },
      }),
    }
  }),
]
