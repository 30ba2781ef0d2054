import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { PacketType, Role } from '../../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../../src/codec/packets/acknowledgement.ts'
import { Auth } from '../../../src/codec/packets/auth.ts'
import { Connack } from '../../../src/codec/packets/connack.ts'
import { Connect } from '../../../src/codec/packets/connect.ts'
import { Disconnect } from '../../../src/codec/packets/disconnect.ts'
import { PINGREQ, PINGRESP } from '../../../src/codec/packets/ping.ts'
import { Suback } from '../../../src/codec/packets/suback.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { Unsuback } from '../../../src/codec/packets/unsuback.ts'
import { Unsubscribe } from '../../../src/codec/packets/unsubscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { hex, packet, section, utf8 } from '../../support/hex.ts'
import { publish } from '../../support/packets.ts'
import { decodeOne, verdict } from '../../support/verdict.ts'

const V = ProtocolVersion.V5
const MQTT = '00 04 4d 51 54 54'
const METHOD = '15 00 01 4d'

type Part = string | Uint8Array
const client = (firstByte: string, ...body: Part[]): string => verdict(V, Role.CLIENT, packet(firstByte, ...body))
const server = (firstByte: string, ...body: Part[]): string => verdict(V, Role.SERVER, packet(firstByte, ...body))
/** CONNECT with these flags, Keep Alive 60 s, no properties. */
const connect = (flags: string, ...payload: Part[]): string => client('10', MQTT, '05', flags, '00 3c 00', ...payload)
/** The smallest packets that may hold these properties. */
const connectWith = (...properties: Part[]): string =>
  client('10', MQTT, '05 02 00 3c', section(...properties), utf8('abc'))
const willWith = (...properties: Part[]): string =>
  client('10', MQTT, '05 06 00 3c 00', utf8('abc'), section(...properties), utf8('w'), '00 00')
const connackWith = (...properties: Part[]): string => server('20', '00 00', section(...properties))
const publishWith = (...properties: Part[]): string => client('30', utf8('a'), section(...properties))
const delivered = (...properties: Part[]): string => server('30', utf8('a'), section(...properties))
const subscribe = (filter: string, options = '00'): string => client('82', '00 01 00', utf8(filter), options)
const unsubscribe = (filter: string): string => client('a2', '00 01 00', utf8(filter))

const BAD = '00 01 ff'

describe('data representation', () => {
  it('[MQTT-1.5.4-1] refuses a string that is no UTF-8 or holds a surrogate', () => {
    for (const text of ['ff', 'c0 af', 'ed a0 80', 'ed bf bf', 'f4 90 80 80', 'e2 82']) {
      const length = Buffer.from([0, hex(text).length])
      expect(client('30', length, text, '00')).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
      expect(client('82', '00 01 00', length, text, '00')).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
      expect(connectWith('15', length, text)).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
    }
    expect(client('30', utf8('é€🐙'), '00')).toBe('accepted')
  })

  it('[MQTT-1.5.4-2] refuses U+0000 in a string', () => {
    expect(client('30', utf8('a\0b'), '00')).toBe('STRING_HAS_NUL 0x81 MQTT-1.5.4-2')
    expect(publishWith('03', utf8('\0'))).toBe('STRING_HAS_NUL 0x81 MQTT-1.5.4-2')
    expect(connect('82', utf8('abc'), utf8('u\0'))).toBe('STRING_HAS_NUL 0x81 MQTT-1.5.4-2')
  })

  it('[MQTT-1.5.4-3] keeps EF BB BF as the character U+FEFF', () => {
    const bytes = packet('30', '00 07', 'ef bb bf 61 ef bb bf', section('03', '00 03 ef bb bf'))
    const decoded = decodeOne(V, Role.CLIENT, bytes)

    expect(decoded).toMatchObject({
      message: { topicName: '\u{feff}a\u{feff}', properties: { contentType: '\u{feff}' } },
    })
    expect(encodePacket(decoded, V)).toEqual(bytes)
  })

  it('[MQTT-1.5.5-1] refuses a Variable Byte Integer with more bytes than its value needs', () => {
    const refusal = 'VARIABLE_BYTE_INTEGER_NOT_SHORTEST 0x81 MQTT-1.5.5-1'
    expect(verdict(V, Role.CLIENT, hex('c0 80 00'))).toBe(refusal)
    expect(verdict(V, Role.CLIENT, hex('c0 80 80 80 00'))).toBe(refusal)
    expect(client('30', utf8('a'), '80 00')).toBe(refusal)
    expect(delivered('0b 81 00')).toBe(refusal)
    expect(delivered('0b 80 01')).toBe('accepted')
  })

  it('[U5-1.5.5-1] refuses a Variable Byte Integer that goes on after its fourth byte', () => {
    const refusal = 'VARIABLE_BYTE_INTEGER_TOO_LONG 0x81 U5-1.5.5-1'
    expect(verdict(V, Role.CLIENT, hex('30 ff ff ff ff 01'))).toBe(refusal)
    expect(client('30', utf8('a'), 'ff ff ff ff 01')).toBe(refusal)
    expect(delivered('0b ff ff ff ff 01')).toBe(refusal)
    expect(delivered('0b ff ff ff 7f')).toBe('accepted')
  })

  it('[MQTT-1.5.7-1] refuses a User Property whose name or value is no string', () => {
    expect(publishWith('26', BAD, utf8('v'))).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
    expect(publishWith('26', utf8('n'), BAD)).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
    expect(publishWith('26', utf8('n\0'), utf8('v'))).toBe('STRING_HAS_NUL 0x81 MQTT-1.5.4-2')
    expect(connackWith('26', utf8('n'), utf8('\0'))).toBe('STRING_HAS_NUL 0x81 MQTT-1.5.4-2')
  })
})

describe('fixed header and Packet Identifiers', () => {
  it('[MQTT-2.1.3-1] sends each packet type with its fixed flags and refuses other values', () => {
    const request = { topicFilter: 'a', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    const firstBytes = [
      new Connect({ version: V, clientId: '', cleanStart: true, keepAliveSeconds: 0 }),
      new Connack(false, 0),
      new Acknowledgement(PacketType.PUBACK, 1),
      new Acknowledgement(PacketType.PUBREC, 1),
      new Acknowledgement(PacketType.PUBREL, 1),
      new Acknowledgement(PacketType.PUBCOMP, 1),
      new Subscribe(1, [request]),
      new Suback(1, [0]),
      new Unsubscribe(1, ['a']),
      new Unsuback(1, [0]),
      PINGREQ,
      PINGRESP,
      new Disconnect(),
      new Auth(0x18, { authenticationMethod: 'M' }),
    ].map((one) => encodePacket(one, V)[0])

    expect(firstBytes).toEqual([...hex('10 20 40 50 62 70 82 90 a2 b0 c0 d0 e0 f0')])
    for (const flags of '123456789abcdef') {
      expect(client(`1${flags}`, MQTT, '05 02 00 3c 00 00 00')).toMatch(/^FLAGS_INVALID 0x81/)
      expect(client(`4${flags}`, '00 01')).toBe('FLAGS_INVALID 0x81 MQTT-2.1.3-1')
      expect(client(`c${flags}`)).toBe('FLAGS_INVALID 0x81 MQTT-2.1.3-1')
      expect(server(`2${flags}`, '00 00 00')).toBe('FLAGS_INVALID 0x81 MQTT-2.1.3-1')
      expect(server(`d${flags}`)).toBe('FLAGS_INVALID 0x81 MQTT-2.1.3-1')
    }
  })

  it('[U5-2.1.2-1] refuses packet type 0', () => {
    expect(client('00')).toBe('PACKET_TYPE_RESERVED 0x81 U5-2.1.2-1')
    expect(server('00')).toBe('PACKET_TYPE_RESERVED 0x81 U5-2.1.2-1')
  })

  it('[MQTT-2.2.1-2] writes no Packet Identifier at QoS 0, and reads none', () => {
    expect(encodePacket(publish('a', 'hi', { packetId: 7 }), V)).toEqual(
      packet('30', utf8('a'), '00', Buffer.from('hi')),
    )
    expect(decodeOne(V, Role.CLIENT, packet('30', utf8('a'), '00', '00 07'))).toMatchObject({
      packetId: 0,
      message: { payload: hex('00 07') },
    })
  })

  it('[MQTT-2.2.1-3] refuses Packet Identifier 0 in SUBSCRIBE, UNSUBSCRIBE, and PUBLISH of a Client', () => {
    expect(client('82', '00 00 00', utf8('a'), '00')).toBe('PACKET_ID_IS_0 0x82 MQTT-2.2.1-3')
    expect(client('a2', '00 00 00', utf8('a'))).toBe('PACKET_ID_IS_0 0x82 MQTT-2.2.1-3')
    for (const first of ['32', '34', '3a', '3c']) {
      expect(client(first, utf8('a'), '00 00 00')).toBe('PACKET_ID_IS_0 0x82 MQTT-2.2.1-3')
    }
  })

  it('[U5-2.2.1-1] refuses Packet Identifier 0 in whatever has one', () => {
    for (const first of ['40', '50', '62', '70']) {
      expect(client(first, '00 00')).toBe('ACKNOWLEDGED_PACKET_ID_IS_0 0x82 U5-2.2.1-1')
      expect(server(first, '00 00')).toBe('ACKNOWLEDGED_PACKET_ID_IS_0 0x82 U5-2.2.1-1')
    }
    expect(server('90', '00 00 00 00')).toBe('ACKNOWLEDGED_PACKET_ID_IS_0 0x82 U5-2.2.1-1')
    expect(server('b0', '00 00 00 00')).toBe('ACKNOWLEDGED_PACKET_ID_IS_0 0x82 U5-2.2.1-1')
    expect(server('32', utf8('a'), '00 00 00')).toBe('PACKET_ID_IS_0 0x82 MQTT-2.2.1-4')
  })
})

describe('properties', () => {
  it('[MQTT-2.2.2-1] writes Property Length 0 for no properties', () => {
    const connectBytes = encodePacket(
      new Connect({ version: V, clientId: '', cleanStart: true, keepAliveSeconds: 0 }),
      V,
    )

    expect(connectBytes).toEqual(packet('10', MQTT, '05 02 00 00', '00', '00 00'))
    expect(encodePacket(new Connack(false, 0), V)).toEqual(hex('20 03 00 00 00'))
    expect(encodePacket(publish('a', ''), V)).toEqual(hex('30 04 00 01 61 00'))
    expect(encodePacket(new Suback(1, [0]), V)).toEqual(hex('90 04 00 01 00 00'))
    expect(encodePacket(new Unsubscribe(1, ['a']), V)).toEqual(hex('a2 06 00 01 00 00 01 61'))
    expect(encodePacket(new Unsuback(1, [0]), V)).toEqual(hex('b0 04 00 01 00 00'))
    expect(client('30', utf8('a'))).toBe('FIELD_PAST_END 0x81 MQTT-4.13.1-1')
  })

  it('[U5-2.2.2.2-1] refuses an unknown property, and one that may not stand in this packet', () => {
    expect(publishWith('04 00')).toBe('PROPERTY_UNKNOWN 0x81 U5-2.2.2.2-1')
    expect(connackWith('00')).toBe('PROPERTY_UNKNOWN 0x81 U5-2.2.2.2-1')
    expect(publishWith('21 00 05')).toBe('PROPERTY_NOT_ALLOWED 0x81 U5-2.2.2.2-1')
    expect(connectWith('01 00')).toBe('PROPERTY_NOT_ALLOWED 0x81 U5-2.2.2.2-1')
    expect(client('e0', '00', section('15', utf8('M')))).toBe('PROPERTY_NOT_ALLOWED 0x81 U5-2.2.2.2-1')
  })

  it('[U5-2.2.2.2-2] refuses a value that is not of the type of its property', () => {
    expect(publishWith('02 00 00 01')).toMatch(/^PROPERTY_PAST_END 0x81/)
    expect(publishWith('03 61')).toMatch(/^PROPERTY_PAST_END 0x81/)
    expect(publishWith('03', BAD)).toMatch(/^STRING_NOT_UTF8 0x81/)
    expect(delivered('0b ff ff ff ff 01')).toMatch(/^VARIABLE_BYTE_INTEGER_TOO_LONG 0x81/)
  })

  it('[U5-2.2.2-3] refuses a property past the Property Length, and a Property Length past the packet', () => {
    expect(client('30', utf8('a'), '02', '01 00')).toBe('accepted')
    expect(client('30', utf8('a'), '03', '01 00')).toBe('PROPERTY_PAST_END 0x81 U5-2.2.2-3')
    expect(client('30', utf8('a'), '01', '01 00')).toBe('PROPERTY_PAST_END 0x81 U5-2.2.2-3')
    expect(client('82', '00 01 04', '26', utf8('n'), utf8('v'), utf8('a'), '00')).toBe(
      'PROPERTY_PAST_END 0x81 U5-2.2.2-3',
    )
  })
})

describe('CONNECT', () => {
  it('[MQTT-3.1.2-1] refuses a Protocol Name that is not MQTT, with 0x84', () => {
    for (const name of ['mqtt', 'MQTTX', 'MQT', '']) {
      expect(client('10', utf8(name), '05 02 00 3c 00 00 00')).toMatch(/^PROTOCOL_NAME_UNKNOWN 0x84/)
    }
  })

  it('[MQTT-3.1.2-3] refuses the reserved Connect Flag', () => {
    expect(connect('03', utf8('abc'))).toBe('CONNECT_RESERVED_FLAG 0x81 MQTT-3.1.2-3')
  })

  it('[U5-3.1.2.3-1] calls the reserved Connect Flag malformed', () => {
    expect(connect('01', utf8('abc'))).toMatch(/ 0x81 /)
  })

  it('[MQTT-3.1.2-9] wants will properties, Will Topic and Will Payload with the Will Flag', () => {
    expect(connect('06', utf8('abc'))).toBe('WILL_MISSING 0x81 MQTT-3.1.2-9')
    expect(connect('06', utf8('abc'), '00')).toBe('WILL_MISSING 0x81 MQTT-3.1.2-9')
    expect(connect('06', utf8('abc'), '00', utf8('w'))).toBe('WILL_MISSING 0x81 MQTT-3.1.2-9')
    expect(connect('06', utf8('abc'), '00', utf8('w'), '00 00')).toBe('accepted')
  })

  it('[MQTT-3.1.2-11] refuses Will QoS 1 and 2 without the Will Flag', () => {
    expect(connect('0a', utf8('abc'))).toBe('WILL_QOS_WITHOUT_WILL 0x81 MQTT-3.1.2-11')
    expect(connect('12', utf8('abc'))).toBe('WILL_QOS_WITHOUT_WILL 0x81 MQTT-3.1.2-11')
  })

  it('[MQTT-3.1.2-12] refuses Will QoS 3 and takes 0, 1 and 2', () => {
    expect(connect('1e', utf8('abc'), '00', utf8('w'), '00 00')).toBe('WILL_QOS_IS_3 0x81 MQTT-3.1.2-12')
    for (const flags of ['06', '0e', '16']) {
      expect(connect(flags, utf8('abc'), '00', utf8('w'), '00 00')).toBe('accepted')
    }
  })

  it('[U5-3.1.2.6-1] calls Will QoS 3 malformed', () => {
    expect(connect('1e', utf8('abc'), '00', utf8('w'), '00 00')).toMatch(/^WILL_QOS_IS_3 0x81 /)
  })

  it('[MQTT-3.1.2-13] refuses Will Retain without the Will Flag', () => {
    expect(connect('22', utf8('abc'))).toBe('WILL_RETAIN_WITHOUT_WILL 0x81 MQTT-3.1.2-13')
  })

  it('[MQTT-3.1.2-16] refuses a User Name without its flag', () => {
    expect(connect('02', utf8('abc'), utf8('u'))).toBe('TRAILING_BYTES 0x81 MQTT-4.13.1-1')
  })

  it('[MQTT-3.1.2-17] wants a User Name with its flag', () => {
    expect(connect('82', utf8('abc'))).toBe('USER_NAME_MISSING 0x81 MQTT-3.1.2-17')
    expect(connect('82', utf8('abc'), utf8(''))).toBe('accepted')
  })

  it('[MQTT-3.1.2-18] refuses a Password without its flag', () => {
    expect(connect('82', utf8('abc'), utf8('u'), utf8('p'))).toBe('TRAILING_BYTES 0x81 MQTT-4.13.1-1')
  })

  it('[MQTT-3.1.2-19] wants a Password with its flag, beside a User Name or not', () => {
    expect(connect('c2', utf8('abc'), utf8('u'))).toBe('PASSWORD_MISSING 0x81 MQTT-3.1.2-19')
    expect(connect('42', utf8('abc'))).toBe('PASSWORD_MISSING 0x81 MQTT-3.1.2-19')
    expect(connect('42', utf8('abc'), utf8('p'))).toBe('accepted')
  })

  it('[MQTT-3.1.3-1] reads and writes the payload in its order, will properties before the Will Topic', () => {
    const will = [section('18 00 00 00 01'), utf8('wt'), utf8('wm')]
    const bytes = packet('10', MQTT, '05 c6 00 3c 00', utf8('c'), ...will, utf8('u'), utf8('p'))
    const decoded = decodeOne(V, Role.CLIENT, bytes)

    expect(decoded).toMatchObject({
      clientId: 'c',
      will: { properties: { willDelayIntervalSeconds: 1 }, topicName: 'wt', payload: Buffer.from('wm') },
      userName: 'u',
      password: Buffer.from('p'),
    })
    expect(encodePacket(decoded, V)).toEqual(bytes)
  })

  it('[MQTT-3.1.3-3] refuses a CONNECT without Client Identifier', () => {
    expect(connect('02')).toBe('CLIENT_ID_MISSING 0x81 MQTT-3.1.3-3')
  })

  it('[MQTT-3.1.3-4] refuses a Client Identifier that is no UTF-8', () => {
    expect(connect('02', BAD)).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
  })

  it('[MQTT-3.1.3-11] refuses a Will Topic that is no UTF-8', () => {
    expect(connect('06', utf8('abc'), '00', BAD, '00 00')).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
  })

  it('[MQTT-3.1.3-12] refuses a User Name that is no UTF-8', () => {
    expect(connect('82', utf8('abc'), BAD)).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
  })
})

describe('properties of CONNECT and of its will', () => {
  it('[U5-3.1.2.11.2-1] refuses a second Session Expiry Interval', () => {
    const twice = ['11 00 00 00 01', '11 00 00 00 01']
    const refusal = 'PROPERTY_REPEATED 0x82 U5-3.1.2.11.2-1'
    expect(connectWith(...twice)).toBe(refusal)
    expect(connackWith(...twice)).toBe(refusal)
    expect(client('e0', '00', section(...twice))).toBe(refusal)
  })

  it('[U5-3.1.2.11.3-1] refuses a second Receive Maximum, and 0', () => {
    for (const check of [connectWith, connackWith]) {
      expect(check('21 00 01', '21 00 01')).toBe('PROPERTY_REPEATED 0x82 U5-3.1.2.11.3-1')
      expect(check('21 00 00')).toBe('PROPERTY_VALUE_INVALID 0x82 U5-3.1.2.11.3-1')
      expect(check('21 00 01')).toBe('accepted')
    }
  })

  it('[U5-3.1.2.11.4-1] refuses a second Maximum Packet Size, and 0', () => {
    for (const check of [connectWith, connackWith]) {
      expect(check('27 00 00 00 01', '27 00 00 00 01')).toBe('PROPERTY_REPEATED 0x82 U5-3.1.2.11.4-1')
      expect(check('27 00 00 00 00')).toBe('PROPERTY_VALUE_INVALID 0x82 U5-3.1.2.11.4-1')
      expect(check('27 00 00 00 01')).toBe('accepted')
    }
  })

  it('[U5-3.1.2.11.5-1] refuses a second Topic Alias Maximum', () => {
    for (const check of [connectWith, connackWith]) {
      expect(check('22 00 00', '22 00 00')).toBe('PROPERTY_REPEATED 0x82 U5-3.1.2.11.5-1')
      expect(check('22 00 00')).toBe('accepted')
    }
  })

  it('[U5-3.1.2.11.6-1] refuses a second Request Response Information, and values above 1', () => {
    expect(connectWith('19 01', '19 01')).toBe('PROPERTY_REPEATED 0x82 U5-3.1.2.11.6-1')
    expect(connectWith('19 02')).toBe('PROPERTY_VALUE_INVALID 0x82 U5-3.1.2.11.6-1')
  })

  it('[U5-3.1.2.11.7-1] refuses a second Request Problem Information, and values above 1', () => {
    expect(connectWith('17 00', '17 00')).toBe('PROPERTY_REPEATED 0x82 U5-3.1.2.11.7-1')
    expect(connectWith('17 02')).toBe('PROPERTY_VALUE_INVALID 0x82 U5-3.1.2.11.7-1')
  })

  it('[U5-3.1.2.11.9-1] refuses a second Authentication Method, and AUTH without one', () => {
    const refusal = 'PROPERTY_REPEATED 0x82 U5-3.1.2.11.9-1'
    expect(connectWith(METHOD, METHOD)).toBe(refusal)
    expect(connackWith(METHOD, METHOD)).toBe(refusal)
    expect(client('f0', '18', section(METHOD, METHOD))).toBe(refusal)
    expect(client('f0', '18', section('16 00 00'))).toBe('AUTHENTICATION_METHOD_MISSING 0x82 U5-3.1.2.11.9-1')
  })

  it('[U5-3.1.2.11.10-1] refuses a second Authentication Data, and one without Authentication Method', () => {
    expect(connectWith(METHOD, '16 00 00', '16 00 00')).toBe('PROPERTY_REPEATED 0x82 U5-3.1.2.11.10-1')
    expect(connectWith('16 00 00')).toBe('AUTHENTICATION_DATA_WITHOUT_METHOD 0x82 U5-3.1.2.11.10-1')
    expect(connectWith('16 00 00', METHOD)).toBe('accepted')
  })

  it('[U5-3.1.3.2.2-1] refuses a second Will Delay Interval', () => {
    expect(willWith('18 00 00 00 01', '18 00 00 00 01')).toBe('PROPERTY_REPEATED 0x82 U5-3.1.3.2.2-1')
  })

  it('[U5-3.1.3.2.3-1] refuses a second of each property that the will shares with PUBLISH', () => {
    for (const property of ['01 00', '02 00 00 00 01', '03 00 01 61', '08 00 01 61', '09 00 00']) {
      expect(willWith(property)).toBe('accepted')
      expect(willWith(property, property)).toBe('PROPERTY_REPEATED 0x82 U5-3.1.3.2.3-1')
    }
  })
})

describe('CONNACK', () => {
  it('[MQTT-3.2.2-1] refuses bits 7 to 1 of the Connect Acknowledge Flags', () => {
    for (const flags of ['02', '04', '08', '10', '20', '40', '80', 'ff']) {
      expect(server('20', flags, '00 00')).toBe('CONNACK_FLAGS_RESERVED 0x81 MQTT-3.2.2-1')
    }
  })

  it('[MQTT-3.2.2-6] refuses Session Present beside a Reason Code that is not 0', () => {
    expect(server('20', '01 80 00')).toBe('CONNACK_SESSION_PRESENT_ON_REFUSAL 0x82 MQTT-3.2.2-6')
    expect(server('20', '01 9f 00')).toBe('CONNACK_SESSION_PRESENT_ON_REFUSAL 0x82 MQTT-3.2.2-6')
    expect(server('20', '01 00 00')).toBe('accepted')
  })

  it('[MQTT-3.2.2-8] refuses a code that is not in the table', () => {
    for (const code of ['01', '05', '10', '7f', '8b', '8d', '9e', 'a0', 'ff']) {
      expect(server('20', '00', code, '00')).toBe('CONNACK_CODE_INVALID 0x81 MQTT-3.2.2-8')
    }
    for (const code of ['00', '80', '84', '9f']) expect(server('20', '00', code, '00')).toBe('accepted')
  })

  it('[U5-3.2.2.3.4-1] refuses a second Maximum QoS, and values above 1', () => {
    expect(connackWith('24 01', '24 01')).toBe('PROPERTY_REPEATED 0x82 U5-3.2.2.3.4-1')
    expect(connackWith('24 02')).toBe('PROPERTY_VALUE_INVALID 0x82 U5-3.2.2.3.4-1')
  })

  it('[U5-3.2.2.3.5-1] refuses a second Retain Available, and values above 1', () => {
    expect(connackWith('25 01', '25 01')).toBe('PROPERTY_REPEATED 0x82 U5-3.2.2.3.5-1')
    expect(connackWith('25 02')).toBe('PROPERTY_VALUE_INVALID 0x82 U5-3.2.2.3.5-1')
  })

  it('[U5-3.2.2.3.7-1] refuses a second Assigned Client Identifier', () => {
    expect(connackWith('12 00 00', '12 00 00')).toBe('PROPERTY_REPEATED 0x82 U5-3.2.2.3.7-1')
  })

  it('[U5-3.2.2.3.9-1] refuses a second Reason String in every packet that may hold one', () => {
    const twice = section('1f 00 00', '1f 00 00')
    const refusal = 'PROPERTY_REPEATED 0x82 U5-3.2.2.3.9-1'
    expect(server('20', '00 00', twice)).toBe(refusal)
    for (const first of ['40', '50', '62', '70']) expect(client(first, '00 01 00', twice)).toBe(refusal)
    expect(server('90', '00 01', twice, '00')).toBe(refusal)
    expect(server('b0', '00 01', twice, '00')).toBe(refusal)
    expect(client('e0', '00', twice)).toBe(refusal)
    expect(client('f0', '18', section(METHOD, '1f 00 00', '1f 00 00'))).toBe(refusal)
  })

  it('[U5-3.2.2.3.11-1] refuses a second Wildcard Subscription Available, and values above 1', () => {
    expect(connackWith('28 01', '28 01')).toBe('PROPERTY_REPEATED 0x82 U5-3.2.2.3.11-1')
    expect(connackWith('28 02')).toBe('PROPERTY_VALUE_INVALID 0x82 U5-3.2.2.3.11-1')
  })

  it('[U5-3.2.2.3.12-1] refuses a second Subscription Identifier Available, and values above 1', () => {
    expect(connackWith('29 01', '29 01')).toBe('PROPERTY_REPEATED 0x82 U5-3.2.2.3.12-1')
    expect(connackWith('29 02')).toBe('PROPERTY_VALUE_INVALID 0x82 U5-3.2.2.3.12-1')
  })

  it('[U5-3.2.2.3.13-1] refuses a second Shared Subscription Available, and values above 1', () => {
    expect(connackWith('2a 01', '2a 01')).toBe('PROPERTY_REPEATED 0x82 U5-3.2.2.3.13-1')
    expect(connackWith('2a 02')).toBe('PROPERTY_VALUE_INVALID 0x82 U5-3.2.2.3.13-1')
  })

  it('[U5-3.2.2.3.14-1] refuses a second Server Keep Alive', () => {
    expect(connackWith('13 00 01', '13 00 01')).toBe('PROPERTY_REPEATED 0x82 U5-3.2.2.3.14-1')
  })

  it('[U5-3.2.2.3.15-1] refuses a second Response Information', () => {
    expect(connackWith('1a 00 00', '1a 00 00')).toBe('PROPERTY_REPEATED 0x82 U5-3.2.2.3.15-1')
  })

  it('[U5-3.2.2.3.16-1] refuses a second Server Reference', () => {
    expect(connackWith('1c 00 00', '1c 00 00')).toBe('PROPERTY_REPEATED 0x82 U5-3.2.2.3.16-1')
    expect(server('e0', '9d', section('1c 00 00', '1c 00 00'))).toBe('PROPERTY_REPEATED 0x82 U5-3.2.2.3.16-1')
  })
})

describe('PUBLISH', () => {
  it('[MQTT-3.3.1-2] refuses DUP at QoS 0', () => {
    expect(client('38', utf8('a'), '00')).toBe('DUP_ON_QOS_0 0x81 MQTT-3.3.1-2')
    expect(server('39', utf8('a'), '00')).toBe('DUP_ON_QOS_0 0x81 MQTT-3.3.1-2')
  })

  it('[MQTT-3.3.1-4] refuses both QoS bits', () => {
    for (const first of ['36', '37', '3e', '3f']) {
      expect(client(first, utf8('a'), '00 01 00')).toBe('QOS_IS_3 0x81 MQTT-3.3.1-4')
    }
  })

  it('[U5-3.3.1.2-1] calls both QoS bits malformed', () => {
    expect(client('36', utf8('a'), '00 01 00')).toMatch(/^QOS_IS_3 0x81 /)
    expect(server('36', utf8('a'), '00 01 00')).toMatch(/^QOS_IS_3 0x81 /)
  })

  it('[MQTT-3.3.2-1] reads the Topic Name first, and refuses one that is no UTF-8', () => {
    expect(decodeOne(V, Role.CLIENT, packet('32', utf8('a/b'), '00 01 00', '00 01 63'))).toMatchObject({
      packetId: 1,
      message: { topicName: 'a/b', payload: hex('00 01 63') },
    })
    expect(client('30', BAD, '00')).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
  })

  it('[MQTT-3.3.2-2] refuses + and # in a Topic Name', () => {
    for (const name of ['+', '#', 'a/+', 'a/#', 'a+b', 'a#']) {
      expect(client('30', utf8(name), '00')).toBe('TOPIC_NAME_HAS_WILDCARD 0x90 MQTT-3.3.2-2')
      expect(server('30', utf8(name), '00')).toBe('TOPIC_NAME_HAS_WILDCARD 0x90 MQTT-3.3.2-2')
    }
  })

  it('[U5-3.3.2.1-1] refuses an empty Topic Name without Topic Alias', () => {
    expect(client('30', utf8(''), '00')).toBe('TOPIC_NAME_EMPTY 0x82 U5-3.3.2.1-1')
    expect(server('30', utf8(''), section('01 00'))).toBe('TOPIC_NAME_EMPTY 0x82 U5-3.3.2.1-1')
    expect(client('30', utf8(''), section('23 00 01'))).toBe('accepted')
  })

  it('[MQTT-3.3.2-8] refuses Topic Alias 0', () => {
    expect(publishWith('23 00 00')).toBe('TOPIC_ALIAS_IS_0 0x94 U5-3.3.4-1')
    expect(delivered('23 00 00')).toBe('TOPIC_ALIAS_IS_0 0x94 U5-3.3.4-1')
    expect(publishWith('23 ff ff')).toBe('accepted')
  })

  it('[MQTT-3.3.2-13] refuses a Response Topic that is no UTF-8', () => {
    expect(publishWith('08', BAD)).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
    expect(willWith('08', BAD)).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
  })

  it('[MQTT-3.3.2-14] refuses wildcards in a Response Topic', () => {
    for (const topic of ['#', 'a/+', 'a+b']) {
      expect(publishWith('08', utf8(topic))).toBe('RESPONSE_TOPIC_HAS_WILDCARD 0x82 MQTT-3.3.2-14')
      expect(willWith('08', utf8(topic))).toBe('RESPONSE_TOPIC_HAS_WILDCARD 0x82 MQTT-3.3.2-14')
    }
  })

  it('[MQTT-3.3.2-19] refuses a Content Type that is no UTF-8', () => {
    expect(publishWith('03', BAD)).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
    expect(willWith('03', BAD)).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
  })

  it('[U5-3.3.2.3.3-1] refuses a second Payload Format Indicator and a second Message Expiry Interval', () => {
    expect(publishWith('01 00', '01 00')).toBe('PROPERTY_REPEATED 0x82 U5-3.3.2.3.3-1')
    expect(delivered('02 00 00 00 01', '02 00 00 00 02')).toBe('PROPERTY_REPEATED 0x82 U5-3.3.2.3.3-1')
  })

  it('[U5-3.3.2.3.4-1] refuses a second Topic Alias', () => {
    expect(publishWith('23 00 01', '23 00 01')).toBe('PROPERTY_REPEATED 0x82 U5-3.3.2.3.4-1')
  })

  it('[U5-3.3.2.3.5-1] refuses a second Response Topic, Correlation Data or Content Type', () => {
    for (const property of ['08 00 01 72', '09 00 00', '03 00 01 63']) {
      expect(publishWith(property)).toBe('accepted')
      expect(publishWith(property, property)).toBe('PROPERTY_REPEATED 0x82 U5-3.3.2.3.5-1')
      expect(delivered(property, property)).toBe('PROPERTY_REPEATED 0x82 U5-3.3.2.3.5-1')
    }
  })

  it('[U5-3.3.2.3.8-1] refuses Subscription Identifier 0', () => {
    expect(delivered('0b 00')).toBe('PROPERTY_VALUE_INVALID 0x82 U5-3.3.2.3.8-1')
    expect(client('82', '00 01', section('0b 00'), utf8('a'), '00')).toBe('PROPERTY_VALUE_INVALID 0x82 U5-3.3.2.3.8-1')
    expect(delivered('0b 01', '0b ff ff ff 7f')).toBe('accepted')
  })

  it('[MQTT-3.3.4-6] refuses a Subscription Identifier in the PUBLISH of a Client', () => {
    expect(publishWith('0b 01')).toBe('SUBSCRIPTION_IDENTIFIER_FROM_CLIENT 0x82 MQTT-3.3.4-6')
    expect(delivered('0b 01')).toBe('accepted')
  })

  it('[MQTT-4.3.1-1] writes QoS 0 and DUP 0 for a message at QoS 0', () => {
    expect(encodePacket(publish('a', ''), V)[0]).toBe(0x30)
    expect(encodePacket(publish('a', '', { retain: true }), V)[0]).toBe(0x31)
    expect(client('38', utf8('a'), '00')).not.toBe('accepted')
  })
})

describe('acknowledgements', () => {
  /** Codes of the packet's table, and some of other tables. */
  const check = (first: string, row: string, statement: string, good: string, bad: string): void => {
    for (const code of good.split(' ')) {
      expect(client(first, '00 01', code)).toBe('accepted')
      expect(server(first, '00 01', code)).toBe('accepted')
    }
    for (const code of bad.split(' ')) {
      expect(client(first, '00 01', code)).toBe(`${row} 0x82 ${statement}`)
      expect(server(first, '00 01', code)).toBe(`${row} 0x82 ${statement}`)
    }
  }

  it('[MQTT-3.4.2-1] refuses Reason Codes that PUBACK does not have', () => {
    check('40', 'PUBACK_CODE_INVALID', 'MQTT-3.4.2-1', '00 10 80 83 87 90 91 97 99', '01 11 81 82 92 9e ff')
  })

  it('[MQTT-3.5.2-1] refuses Reason Codes that PUBREC does not have', () => {
    check('50', 'PUBREC_CODE_INVALID', 'MQTT-3.5.2-1', '00 10 80 83 87 90 91 97 99', '01 11 81 82 92 9e ff')
  })

  it('[MQTT-3.6.2-1] refuses Reason Codes that PUBREL does not have', () => {
    check('62', 'PUBREL_CODE_INVALID', 'MQTT-3.6.2-1', '00 92', '01 10 80 91 ff')
  })

  it('[MQTT-3.7.2-1] refuses Reason Codes that PUBCOMP does not have', () => {
    check('70', 'PUBCOMP_CODE_INVALID', 'MQTT-3.7.2-1', '00 92', '01 10 80 91 ff')
  })

  it('[U5-3.4.2.1-1] reads the short forms of lengths 2 and 3, and writes them where nothing is lost', () => {
    const types = { 40: PacketType.PUBACK, 50: PacketType.PUBREC, 62: PacketType.PUBREL, 70: PacketType.PUBCOMP }
    for (const [first, type] of Object.entries(types)) {
      const failure = type < PacketType.PUBREL ? 0x80 : 0x92
      const short = packet(first, '00 01')
      const withCode = packet(first, '00 01', Buffer.from([failure]))

      expect(decodeOne(V, Role.CLIENT, short)).toEqual(new Acknowledgement(type, 1))
      expect(decodeOne(V, Role.CLIENT, withCode)).toEqual(new Acknowledgement(type, 1, failure))
      expect(encodePacket(new Acknowledgement(type, 1), V)).toEqual(short)
      expect(encodePacket(new Acknowledgement(type, 1, failure), V)).toEqual(withCode)
    }
  })

  it('[MQTT-3.6.1-1] refuses flags of PUBREL that are not 0010', () => {
    for (const flags of '013456789abcdef') {
      expect(client(`6${flags}`, '00 01')).toBe('PUBREL_FLAGS_INVALID 0x81 MQTT-3.6.1-1')
    }
  })
})

describe('SUBSCRIBE and SUBACK', () => {
  it('[MQTT-3.8.1-1] refuses flags of SUBSCRIBE that are not 0010', () => {
    for (const flags of '013456789abcdef') {
      expect(client(`8${flags}`, '00 01 00', utf8('a'), '00')).toBe('SUBSCRIBE_FLAGS_INVALID 0x81 MQTT-3.8.1-1')
    }
  })

  it('[MQTT-3.8.3-1] refuses a Topic Filter of SUBSCRIBE that is no UTF-8', () => {
    expect(client('82', '00 01 00', utf8('a'), '00', BAD, '00')).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
  })

  it('[MQTT-3.8.3-2] refuses a SUBSCRIBE without Topic Filter', () => {
    expect(client('82', '00 01 00')).toBe('SUBSCRIBE_WITHOUT_FILTER 0x82 MQTT-3.8.3-2')
  })

  it('[U5-3.8.3-1] calls a SUBSCRIBE without payload a protocol error', () => {
    expect(client('82', '00 01', section('0b 01'))).toMatch(/^SUBSCRIBE_WITHOUT_FILTER 0x82 /)
  })

  it('[U5-3.8.2.1.2-1] refuses a second Subscription Identifier in SUBSCRIBE', () => {
    expect(client('82', '00 01', section('0b 01', '0b 02'), utf8('a'), '00')).toBe(
      'PROPERTY_REPEATED 0x82 U5-3.8.2.1.2-1',
    )
  })

  it('[MQTT-3.8.3-4] refuses No Local on a Shared Subscription', () => {
    expect(subscribe('$share/g/a', '04')).toBe('NO_LOCAL_ON_SHARED_SUBSCRIPTION 0x82 MQTT-3.8.3-4')
    expect(subscribe('$share/g/a', '00')).toBe('accepted')
    expect(subscribe('share/g/a', '04')).toBe('accepted')
  })

  it('[MQTT-3.8.3-5] refuses reserved bits of the Subscription Options', () => {
    for (const options of ['40', '80', 'c0', '41']) {
      expect(subscribe('a', options)).toBe('SUBSCRIBE_RESERVED_BITS 0x81 MQTT-3.8.3-5')
    }
    for (const options of ['00', '01', '02', '04', '08', '10', '20', '2e'])
      expect(subscribe('a', options)).toBe('accepted')
  })

  it('[U5-3.8.3.1-1] refuses requested QoS 3', () => {
    expect(subscribe('a', '03')).toBe('SUBSCRIBE_QOS_INVALID 0x82 U5-3.8.3.1-1')
  })

  it('[U5-3.8.3.1-2] refuses Retain Handling 3', () => {
    expect(subscribe('a', '30')).toBe('RETAIN_HANDLING_IS_3 0x82 U5-3.8.3.1-2')
  })

  it('[MQTT-3.9.3-2] refuses codes that SUBACK does not have, for each filter', () => {
    for (const code of ['03', '10', '11', '81', '90', 'ff']) {
      expect(server('90', '00 01 00', '00', code)).toBe('SUBACK_CODE_INVALID 0x81 MQTT-3.9.3-2')
    }
    expect(server('90', '00 01 00', '00 01 02 80 83 87 8f 91 97 9e a1 a2')).toBe('accepted')
  })
})

describe('UNSUBSCRIBE and UNSUBACK', () => {
  it('[MQTT-3.10.1-1] refuses flags of UNSUBSCRIBE that are not 0010', () => {
    for (const flags of '013456789abcdef') {
      expect(client(`a${flags}`, '00 01 00', utf8('a'))).toBe('UNSUBSCRIBE_FLAGS_INVALID 0x81 MQTT-3.10.1-1')
    }
  })

  it('[MQTT-3.10.3-1] refuses a Topic Filter of UNSUBSCRIBE that is no UTF-8', () => {
    expect(client('a2', '00 01 00', utf8('a'), BAD)).toBe('STRING_NOT_UTF8 0x81 MQTT-1.5.4-1')
  })

  it('[MQTT-3.10.3-2] refuses an UNSUBSCRIBE without Topic Filter', () => {
    expect(client('a2', '00 01 00')).toBe('UNSUBSCRIBE_WITHOUT_FILTER 0x82 MQTT-3.10.3-2')
  })

  it('[U5-3.10.3-1] calls an UNSUBSCRIBE without payload a protocol error', () => {
    expect(client('a2', '00 01', section('26', utf8('n'), utf8('v')))).toMatch(/^UNSUBSCRIBE_WITHOUT_FILTER 0x82 /)
  })

  it('[MQTT-3.11.3-2] refuses codes that UNSUBACK does not have, for each filter', () => {
    for (const code of ['01', '02', '10', '81', '97', 'ff']) {
      expect(server('b0', '00 01 00', '00', code)).toBe('UNSUBACK_CODE_INVALID 0x81 MQTT-3.11.3-2')
    }
    expect(server('b0', '00 01 00', '00 11 80 83 87 8f 91')).toBe('accepted')
  })
})

describe('DISCONNECT and AUTH', () => {
  it('[MQTT-3.14.1-1] refuses flags of DISCONNECT that are not 0, with 0x81', () => {
    for (const flags of '123456789abcdef') {
      expect(client(`e${flags}`)).toBe('DISCONNECT_FLAGS_INVALID 0x81 MQTT-3.14.1-1')
      expect(server(`e${flags}`)).toBe('DISCONNECT_FLAGS_INVALID 0x81 MQTT-3.14.1-1')
    }
  })

  it('[MQTT-3.14.2-1] refuses Reason Codes that DISCONNECT does not have, or not from this side', () => {
    for (const code of ['01', '10', '84', '85', '91', '92', 'ff']) {
      expect(client('e0', code)).toBe('DISCONNECT_CODE_INVALID 0x82 MQTT-3.14.2-1')
      expect(server('e0', code)).toBe('DISCONNECT_CODE_INVALID 0x82 MQTT-3.14.2-1')
    }
    expect(client('e0', '8e')).toBe('DISCONNECT_CODE_INVALID 0x82 MQTT-3.14.2-1')
    expect(server('e0', '8e')).toBe('accepted')
    expect(client('e0', '04')).toBe('accepted')
    expect(server('e0', '04')).toBe('DISCONNECT_CODE_INVALID 0x82 MQTT-3.14.2-1')
  })

  it('[MQTT-3.14.2-2] refuses a Session Expiry Interval in the DISCONNECT of a Server', () => {
    expect(server('e0', '00', section('11 00 00 00 00'))).toBe('SESSION_EXPIRY_FROM_SERVER 0x82 MQTT-3.14.2-2')
    expect(client('e0', '00', section('11 00 00 00 00'))).toBe('accepted')
  })

  it('[U5-3.14.2.1-1] reads the short forms of lengths 0 and 1, and writes them where nothing is lost', () => {
    expect(decodeOne(V, Role.CLIENT, hex('e0 00'))).toEqual(new Disconnect(0))
    expect(decodeOne(V, Role.CLIENT, hex('e0 01 04'))).toEqual(new Disconnect(4))
    expect(encodePacket(new Disconnect(0), V)).toEqual(hex('e0 00'))
    expect(encodePacket(new Disconnect(4), V)).toEqual(hex('e0 01 04'))
  })

  it('[MQTT-3.15.1-1] refuses flags of AUTH that are not 0', () => {
    for (const flags of '123456789abcdef') {
      expect(client(`f${flags}`, '18', section(METHOD))).toBe('AUTH_FLAGS_INVALID 0x81 MQTT-3.15.1-1')
    }
  })

  it('[MQTT-3.15.2-1] refuses Reason Codes that AUTH does not have, or not from this side', () => {
    const refusal = 'AUTH_CODE_INVALID 0x82 MQTT-3.15.2-1'
    for (const code of ['01', '17', '1a', '80', '8c', 'ff']) {
      expect(client('f0', code, section(METHOD))).toBe(refusal)
      expect(server('f0', code, section(METHOD))).toBe(refusal)
    }
    expect(server('f0', '00', section(METHOD))).toBe('accepted')
    expect(client('f0', '00', section(METHOD))).toBe(refusal)
    expect(client('f0', '19', section(METHOD))).toBe('accepted')
    expect(server('f0', '19', section(METHOD))).toBe(refusal)
  })

  it('[U5-3.15.2.1-1] reads an AUTH of length 0 as success', () => {
    expect(decodeOne(V, Role.SERVER, hex('f0 00'))).toEqual(new Auth(0))
    expect(client('f0', '18')).toBe('FIELD_PAST_END 0x81 MQTT-4.13.1-1')
  })
})

describe('Topic Names and Topic Filters', () => {
  it('[MQTT-4.7.0-1] takes wildcards in Topic Filters and refuses them in Topic Names', () => {
    for (const filter of ['#', '+', 'a/+/b', '+/#']) {
      expect(subscribe(filter)).toBe('accepted')
      expect(unsubscribe(filter)).toBe('accepted')
      expect(client('30', utf8(filter), '00')).toBe('TOPIC_NAME_HAS_WILDCARD 0x90 MQTT-3.3.2-2')
      expect(connect('06', utf8('abc'), '00', utf8(filter), '00 00')).toBe('WILL_TOPIC_INVALID 0x90 MQTT-4.7.0-1')
    }
  })

  it('[MQTT-4.7.1-1] refuses # that is not alone in the last level', () => {
    for (const filter of ['a#', '#a', 'a/b#', 'a/#/b', '#/', '##', '$share/g/a#']) {
      expect(subscribe(filter)).toBe('TOPIC_FILTER_HASH_MISPLACED 0x8f MQTT-4.7.1-1')
      expect(unsubscribe(filter)).toBe('TOPIC_FILTER_HASH_MISPLACED 0x8f MQTT-4.7.1-1')
    }
    for (const filter of ['#', '/#', 'a/#', '$share/g/#']) expect(subscribe(filter)).toBe('accepted')
  })

  it('[MQTT-4.7.1-2] refuses + that does not fill its level', () => {
    for (const filter of ['a+', '+a', 'a/b+/c', '++', '$share/g/+a']) {
      expect(subscribe(filter)).toBe('TOPIC_FILTER_PLUS_MISPLACED 0x8f MQTT-4.7.1-2')
      expect(unsubscribe(filter)).toBe('TOPIC_FILTER_PLUS_MISPLACED 0x8f MQTT-4.7.1-2')
    }
    for (const filter of ['+', '+/', '/+', '+/+/+', '$share/g/+']) expect(subscribe(filter)).toBe('accepted')
  })

  it('[MQTT-4.7.3-1] refuses empty Topic Names and Topic Filters', () => {
    expect(client('30', utf8(''), '00')).toBe('TOPIC_NAME_EMPTY 0x82 U5-3.3.2.1-1')
    expect(subscribe('')).toBe('TOPIC_FILTER_EMPTY 0x8f MQTT-4.7.3-1')
    expect(unsubscribe('')).toBe('TOPIC_FILTER_EMPTY 0x8f MQTT-4.7.3-1')
    expect(connect('06', utf8('abc'), '00', utf8(''), '00 00')).toBe('WILL_TOPIC_INVALID 0x90 MQTT-4.7.3-1')
  })

  it('[MQTT-4.7.3-2] refuses U+0000 in Topic Names and Topic Filters', () => {
    expect(client('30', utf8('a\0'), '00')).toBe('STRING_HAS_NUL 0x81 MQTT-1.5.4-2')
    expect(subscribe('a/\0')).toBe('STRING_HAS_NUL 0x81 MQTT-1.5.4-2')
    expect(unsubscribe('$share/\0/a')).toBe('STRING_HAS_NUL 0x81 MQTT-1.5.4-2')
  })

  it('[MQTT-4.7.3-3] reads and writes Topic Names and Topic Filters of 65,535 bytes and writes none that are longer', () => {
    const longest = 'é'.repeat(32_767).concat('x')
    expect(client('30', utf8(longest), '00')).toBe('accepted')
    expect(subscribe(longest)).toBe('accepted')
    expect(encodePacket(publish(longest, ''), V)).toEqual(packet('30', utf8(longest), '00'))
    expect(() => publish(`${longest}x`, '')).toThrow('MQTT-4.7.3-3')
    expect(() => encodePacket(new Unsubscribe(1, [`${longest}x`]), V)).toThrow('MQTT-4.7.3-3')
  })

  it('[MQTT-4.8.2-1] refuses a Shared Subscription without ShareName', () => {
    for (const filter of ['$share/', '$share//a', '$share//']) {
      expect(subscribe(filter)).toBe('SHARE_NAME_EMPTY 0x8f MQTT-4.8.2-1')
    }
    expect(subscribe('$share/x/a')).toBe('accepted')
  })

  it('[MQTT-4.8.2-2] refuses wildcards in a ShareName, and a ShareName without filter', () => {
    for (const filter of ['$share/g', '$share/g/', '$share/g+/a', '$share/#/a', '$share/+/a']) {
      expect(subscribe(filter)).toBe('SHARE_NAME_INVALID 0x8f MQTT-4.8.2-2')
    }
    expect(subscribe('$share/g//')).toBe('accepted')
  })
})
