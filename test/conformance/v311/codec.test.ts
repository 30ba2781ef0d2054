import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { PacketType, Role } from '../../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../../src/codec/packets/acknowledgement.ts'
import { Connack } from '../../../src/codec/packets/connack.ts'
import { Connect } from '../../../src/codec/packets/connect.ts'
import { Disconnect } from '../../../src/codec/packets/disconnect.ts'
import { PINGREQ, PINGRESP } from '../../../src/codec/packets/ping.ts'
import { Suback } from '../../../src/codec/packets/suback.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { Unsuback } from '../../../src/codec/packets/unsuback.ts'
import { Unsubscribe } from '../../../src/codec/packets/unsubscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { hex, packet, utf8 } from '../../support/hex.ts'
import { publish } from '../../support/packets.ts'
import { decodeOne, verdict } from '../../support/verdict.ts'

const V = ProtocolVersion.V3_1_1
const MQTT = '00 04 4d 51 54 54'

type Part = string | Uint8Array
const client = (firstByte: string, ...body: Part[]): string => verdict(V, Role.CLIENT, packet(firstByte, ...body))
const server = (firstByte: string, ...body: Part[]): string => verdict(V, Role.SERVER, packet(firstByte, ...body))
/** CONNECT with these flags, Keep Alive 60 s. */
const connect = (flags: string, ...payload: Part[]): string => client('10', MQTT, '04', flags, '00 3c', ...payload)
const subscribe = (filter: string): string => client('82', '00 01', utf8(filter), '00')
const unsubscribe = (filter: string): string => client('a2', '00 01', utf8(filter))

describe('strings', () => {
  it('[MQTT-1.5.3-1] refuses a string that is no UTF-8 or holds a surrogate', () => {
    for (const text of ['ff', 'c0 af', 'ed a0 80', 'ed bf bf', 'f4 90 80 80', 'e2 82']) {
      const length = Buffer.from([0, hex(text).length])
      expect(client('30', length, text)).toBe('STRING_NOT_UTF8 MQTT-1.5.3-1')
      expect(client('82', '00 01', length, text, '00')).toBe('STRING_NOT_UTF8 MQTT-1.5.3-1')
      expect(connect('02', length, text)).toBe('STRING_NOT_UTF8 MQTT-1.5.3-1')
    }
    expect(client('30', utf8('é€🐙'))).toBe('accepted')
  })

  it('[MQTT-1.5.3-2] refuses U+0000 in a string', () => {
    expect(client('30', utf8('a\0b'))).toBe('STRING_HAS_NUL MQTT-1.5.3-2')
    expect(client('a2', '00 01', utf8('\0'))).toBe('STRING_HAS_NUL MQTT-1.5.3-2')
    expect(connect('82', utf8('abc'), utf8('u\0'))).toBe('STRING_HAS_NUL MQTT-1.5.3-2')
  })

  it('[MQTT-1.5.3-3] keeps EF BB BF as the character U+FEFF', () => {
    const bytes = packet('30', '00 07', 'ef bb bf 61 ef bb bf')
    const decoded = decodeOne(V, Role.CLIENT, bytes)

    expect(decoded).toMatchObject({ message: { topicName: '\u{feff}a\u{feff}' } })
    expect(encodePacket(decoded, V)).toEqual(bytes)
  })
})

describe('fixed header', () => {
  it('[MQTT-2.2.2-1] sends each packet type with its fixed flags', () => {
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
      new Unsuback(1),
      PINGREQ,
      PINGRESP,
      new Disconnect(),
    ].map((one) => encodePacket(one, V)[0])

    expect(firstBytes).toEqual([...hex('10 20 40 50 62 70 82 90 a2 b0 c0 d0 e0')])
  })

  it('[MQTT-2.2.2-2] refuses every other value of the reserved flags', () => {
    for (const first of ['11', '18', '1f']) {
      expect(client(first, MQTT, '04 02 00 3c 00 00')).toBe('FLAGS_INVALID MQTT-2.2.2-2')
    }
    for (let flags = 1; flags < 16; flags++) {
      const digit = flags.toString(16)
      expect(client(`4${digit}`, '00 01')).toBe('FLAGS_INVALID MQTT-2.2.2-2')
      expect(client(`c${digit}`)).toBe('FLAGS_INVALID MQTT-2.2.2-2')
      expect(server(`2${digit}`, '00 00')).toBe('FLAGS_INVALID MQTT-2.2.2-2')
      expect(server(`9${digit}`, '00 01 00')).toBe('FLAGS_INVALID MQTT-2.2.2-2')
      expect(server(`b${digit}`, '00 01')).toBe('FLAGS_INVALID MQTT-2.2.2-2')
      expect(server(`d${digit}`)).toBe('FLAGS_INVALID MQTT-2.2.2-2')
    }
  })

  it('[U311-2.2.1-1] refuses the packet types 0 and 15', () => {
    for (const check of [client, server]) {
      expect(check('00')).toBe('PACKET_TYPE_RESERVED U311-2.2.1-1')
      expect(check('f0')).toBe('PACKET_TYPE_RESERVED U311-2.2.1-1')
    }
  })

  it('[U311-2.2.3-1] refuses a Remaining Length that goes on after four bytes', () => {
    expect(verdict(V, Role.CLIENT, hex('30 ff ff ff ff 01'))).toBe('VARIABLE_BYTE_INTEGER_TOO_LONG U311-2.2.3-1')
    // complete, of the largest length there is: only its body is missing
    expect(verdict(V, Role.CLIENT, hex('30 ff ff ff 7f'))).toBe('STREAM_ENDS_INSIDE_PACKET MQTT-4.8.0-1')
  })
})

describe('Packet Identifiers', () => {
  it('[MQTT-2.3.1-1] refuses Packet Identifier 0 in SUBSCRIBE, UNSUBSCRIBE, and PUBLISH at QoS 1 and 2', () => {
    expect(client('82', '00 00', utf8('a'), '00')).toBe('PACKET_ID_IS_0 MQTT-2.3.1-1')
    expect(client('a2', '00 00', utf8('a'))).toBe('PACKET_ID_IS_0 MQTT-2.3.1-1')
    for (const first of ['32', '34', '3a', '3c']) {
      expect(client(first, utf8('a'), '00 00')).toBe('PACKET_ID_IS_0 MQTT-2.3.1-1')
      expect(server(first, utf8('a'), '00 00')).toBe('PACKET_ID_IS_0 MQTT-2.3.1-1')
    }
  })

  it('[MQTT-2.3.1-5] writes no Packet Identifier at QoS 0, and reads none', () => {
    expect(encodePacket(publish('a', 'hi', { packetId: 7 }), V)).toEqual(packet('30', utf8('a'), Buffer.from('hi')))
    expect(decodeOne(V, Role.CLIENT, packet('30', utf8('a'), '00 07'))).toMatchObject({
      packetId: 0,
      message: { payload: hex('00 07') },
    })
  })

  it('[U311-3.3.2.2-1] writes a Packet Identifier at QoS 1 and 2, and wants one', () => {
    for (const qos of [1, 2] as const) {
      const first = (0x30 | (qos << 1)).toString(16)
      expect(encodePacket(publish('a', '', { qos, packetId: 0x1234 }), V)).toEqual(packet(first, utf8('a'), '12 34'))
      expect(client(first, utf8('a'))).toBe('FIELD_PAST_END MQTT-4.8.0-1')
    }
  })
})

describe('CONNECT', () => {
  it('[MQTT-3.1.2-1] refuses a Protocol Name that is not its own', () => {
    for (const name of ['mqtt', 'MQTTX', 'MQT', '']) {
      expect(client('10', utf8(name), '04 02 00 3c 00 00')).toBe('PROTOCOL_NAME_UNKNOWN MQTT-3.1.2-1')
    }
  })

  it('[MQTT-3.1.2-3] refuses the reserved Connect Flag', () => {
    expect(connect('03', utf8('abc'))).toBe('CONNECT_RESERVED_FLAG MQTT-3.1.2-3')
  })

  it('[MQTT-3.1.2-9] wants Will Topic and Will Message with the Will Flag, and takes QoS and RETAIN from the flags', () => {
    expect(connect('06', utf8('abc'))).toBe('WILL_MISSING MQTT-3.1.2-9')
    expect(connect('06', utf8('abc'), utf8('w'))).toBe('WILL_MISSING MQTT-3.1.2-9')
    expect(
      decodeOne(V, Role.CLIENT, packet('10', MQTT, '04 36 00 3c', utf8('abc'), utf8('w'), utf8('m'))),
    ).toMatchObject({ will: { topicName: 'w', payload: Buffer.from('m'), qos: 2, retain: true } })
  })

  it('[MQTT-3.1.2-11] refuses will fields, Will QoS and Will Retain without the Will Flag', () => {
    expect(connect('02', utf8('abc'), utf8('w'), utf8('m'))).toBe('TRAILING_BYTES MQTT-4.8.0-1')
    expect(connect('0a', utf8('abc'))).toBe('WILL_QOS_WITHOUT_WILL MQTT-3.1.2-13')
    expect(connect('22', utf8('abc'))).toBe('WILL_RETAIN_WITHOUT_WILL MQTT-3.1.2-15')
  })

  it('[MQTT-3.1.2-13] refuses Will QoS 1 and 2 without the Will Flag', () => {
    expect(connect('0a', utf8('abc'))).toBe('WILL_QOS_WITHOUT_WILL MQTT-3.1.2-13')
    expect(connect('12', utf8('abc'))).toBe('WILL_QOS_WITHOUT_WILL MQTT-3.1.2-13')
  })

  it('[MQTT-3.1.2-14] refuses Will QoS 3', () => {
    expect(connect('1e', utf8('abc'), utf8('w'), utf8('m'))).toBe('WILL_QOS_IS_3 MQTT-3.1.2-14')
  })

  it('[MQTT-3.1.2-15] refuses Will Retain without the Will Flag', () => {
    expect(connect('22', utf8('abc'))).toBe('WILL_RETAIN_WITHOUT_WILL MQTT-3.1.2-15')
  })

  it('[MQTT-3.1.2-18] refuses a User Name without its flag', () => {
    expect(connect('02', utf8('abc'), utf8('u'))).toBe('TRAILING_BYTES MQTT-4.8.0-1')
  })

  it('[MQTT-3.1.2-19] wants a User Name with its flag', () => {
    expect(connect('82', utf8('abc'))).toBe('USER_NAME_MISSING MQTT-3.1.2-19')
    expect(connect('82', utf8('abc'), utf8(''))).toBe('accepted')
  })

  it('[MQTT-3.1.2-20] refuses a Password without its flag', () => {
    expect(connect('82', utf8('abc'), utf8('u'), utf8('p'))).toBe('TRAILING_BYTES MQTT-4.8.0-1')
  })

  it('[MQTT-3.1.2-21] wants a Password with its flag', () => {
    expect(connect('c2', utf8('abc'), utf8('u'))).toBe('PASSWORD_MISSING MQTT-3.1.2-21')
    expect(connect('c2', utf8('abc'), utf8('u'), '00 00')).toBe('accepted')
  })

  it('[MQTT-3.1.2-22] refuses the Password Flag without the User Name Flag', () => {
    expect(connect('42', utf8('abc'), utf8('p'))).toBe('PASSWORD_WITHOUT_USER_NAME MQTT-3.1.2-22')
  })

  it('[MQTT-3.1.3-1] reads and writes Client Identifier, Will Topic, Will Message, User Name and Password in this order', () => {
    const bytes = packet('10', MQTT, '04 c6 00 3c', utf8('c'), utf8('wt'), utf8('wm'), utf8('u'), utf8('p'))
    const decoded = decodeOne(V, Role.CLIENT, bytes)

    expect(decoded).toMatchObject({
      clientId: 'c',
      will: { topicName: 'wt', payload: Buffer.from('wm') },
      userName: 'u',
      password: Buffer.from('p'),
    })
    expect(encodePacket(decoded, V)).toEqual(bytes)
  })

  it('[MQTT-3.1.3-3] refuses a CONNECT without Client Identifier', () => {
    expect(connect('02')).toBe('CLIENT_ID_MISSING MQTT-3.1.3-3')
  })

  it('[MQTT-3.1.3-4] refuses a Client Identifier that is no UTF-8', () => {
    expect(connect('02', '00 01 80')).toBe('STRING_NOT_UTF8 MQTT-1.5.3-1')
  })

  it('[MQTT-3.1.3-7] reads an empty Client Identifier with CleanSession 1, and with 0 for the Server to refuse', () => {
    expect(decodeOne(V, Role.CLIENT, packet('10', MQTT, '04 02 00 3c 00 00'))).toMatchObject({
      clientId: '',
      cleanStart: true,
    })
    expect(decodeOne(V, Role.CLIENT, packet('10', MQTT, '04 00 00 3c 00 00'))).toMatchObject({
      clientId: '',
      cleanStart: false,
    })
  })

  it('[MQTT-3.1.3-10] refuses a Will Topic that is no UTF-8', () => {
    expect(connect('06', utf8('abc'), '00 01 c3', '00 00')).toBe('STRING_NOT_UTF8 MQTT-1.5.3-1')
  })

  it('[MQTT-3.1.3-11] refuses a User Name that is no UTF-8', () => {
    expect(connect('82', utf8('abc'), '00 02 c0 80')).toBe('STRING_NOT_UTF8 MQTT-1.5.3-1')
  })
})

describe('CONNACK', () => {
  it('[MQTT-3.2.2-4] refuses Session Present beside a return code that is not 0', () => {
    for (const code of ['01', '02', '03', '04', '05']) {
      expect(server('20', '01', code)).toBe('CONNACK_SESSION_PRESENT_ON_REFUSAL MQTT-3.2.2-4')
    }
    expect(server('20', '01 00')).toBe('accepted')
  })

  it('[U311-3.2.2.1-1] refuses bits 7 to 1 of the Connect Acknowledge Flags', () => {
    for (const flags of ['02', '04', '08', '10', '20', '40', '80', 'ff']) {
      expect(server('20', flags, '00')).toBe('CONNACK_FLAGS_RESERVED U311-3.2.2.1-1')
    }
  })

  it('[U311-3.2.2.3-1] refuses the return codes 6 to 255', () => {
    for (let code = 0; code < 256; code++) {
      const expected = code < 6 ? 'accepted' : 'CONNACK_CODE_INVALID U311-3.2.2.3-1'
      expect(server('20', '00', Buffer.from([code]))).toBe(expected)
    }
  })
})

describe('PUBLISH', () => {
  it('[MQTT-3.3.1-2] refuses DUP at QoS 0', () => {
    expect(client('38', utf8('a'))).toBe('DUP_ON_QOS_0 MQTT-3.3.1-2')
    expect(server('39', utf8('a'))).toBe('DUP_ON_QOS_0 MQTT-3.3.1-2')
  })

  it('[MQTT-3.3.1-4] refuses both QoS bits', () => {
    for (const first of ['36', '37', '3e', '3f']) {
      expect(client(first, utf8('a'), '00 01')).toBe('QOS_IS_3 MQTT-3.3.1-4')
    }
  })

  it('[MQTT-3.3.2-1] reads the Topic Name first, and refuses one that is no UTF-8', () => {
    expect(decodeOne(V, Role.CLIENT, packet('32', utf8('a/b'), '00 01', '00 01 63'))).toMatchObject({
      packetId: 1,
      message: { topicName: 'a/b', payload: hex('00 01 63') },
    })
    expect(client('30', '00 01 ff')).toBe('STRING_NOT_UTF8 MQTT-1.5.3-1')
  })

  it('[MQTT-3.3.2-2] refuses + and # in a Topic Name', () => {
    for (const name of ['+', '#', 'a/+', 'a/#', 'a+b', 'a#']) {
      expect(client('30', utf8(name))).toBe('TOPIC_NAME_HAS_WILDCARD MQTT-3.3.2-2')
      expect(server('30', utf8(name))).toBe('TOPIC_NAME_HAS_WILDCARD MQTT-3.3.2-2')
    }
  })

  it('[MQTT-4.3.1-1] writes QoS 0 and DUP 0 for a message at QoS 0', () => {
    expect(encodePacket(publish('a', ''), V)[0]).toBe(0x30)
    expect(encodePacket(publish('a', '', { retain: true }), V)[0]).toBe(0x31)
    expect(client('38', utf8('a'))).not.toBe('accepted')
  })
})

describe('fixed flags of 0010', () => {
  const others = '013456789abcdef'

  it('[MQTT-3.6.1-1] refuses other flags of PUBREL', () => {
    for (const flags of others) expect(client(`6${flags}`, '00 01')).toBe('PUBREL_FLAGS_INVALID MQTT-3.6.1-1')
    expect(client('62', '00 01')).toBe('accepted')
  })

  it('[MQTT-3.8.1-1] refuses other flags of SUBSCRIBE', () => {
    for (const flags of others) {
      expect(client(`8${flags}`, '00 01', utf8('a'), '00')).toBe('SUBSCRIBE_FLAGS_INVALID MQTT-3.8.1-1')
    }
    expect(client('82', '00 01', utf8('a'), '00')).toBe('accepted')
  })

  it('[MQTT-3.10.1-1] refuses other flags of UNSUBSCRIBE', () => {
    for (const flags of others) {
      expect(client(`a${flags}`, '00 01', utf8('a'))).toBe('UNSUBSCRIBE_FLAGS_INVALID MQTT-3.10.1-1')
    }
    expect(client('a2', '00 01', utf8('a'))).toBe('accepted')
  })
})

describe('SUBSCRIBE, SUBACK and UNSUBSCRIBE', () => {
  it('[MQTT-3.8.3-1] refuses a Topic Filter of SUBSCRIBE that is no UTF-8', () => {
    expect(client('82', '00 01', utf8('a'), '00', '00 01 ff 00')).toBe('STRING_NOT_UTF8 MQTT-1.5.3-1')
  })

  it('[MQTT-3.8.3-3] refuses a SUBSCRIBE without Topic Filter', () => {
    expect(client('82', '00 01')).toBe('SUBSCRIBE_WITHOUT_FILTER MQTT-3.8.3-3')
  })

  it('[MQTT-3.8.3-4] refuses QoS 3 and reserved bits of the requested QoS', () => {
    for (let byte = 0; byte < 256; byte++) {
      const expected =
        byte > 3
          ? 'SUBSCRIBE_RESERVED_BITS MQTT-3.8.3-4'
          : byte === 3
            ? 'SUBSCRIBE_QOS_INVALID MQTT-3.8.3-4'
            : 'accepted'
      expect(client('82', '00 01', utf8('a'), Buffer.from([byte]))).toBe(expected)
    }
  })

  it('[MQTT-3.9.3-2] refuses SUBACK codes other than 0, 1, 2 and 0x80', () => {
    for (let code = 0; code < 256; code++) {
      const expected = [0, 1, 2, 0x80].includes(code) ? 'accepted' : 'SUBACK_CODE_INVALID MQTT-3.9.3-2'
      expect(server('90', '00 01', '01', Buffer.from([code]))).toBe(expected)
    }
  })

  it('[MQTT-3.10.3-1] reads Topic Filters of UNSUBSCRIBE back to back, and refuses one that is no UTF-8', () => {
    expect(decodeOne(V, Role.CLIENT, packet('a2', '00 01', utf8('a'), utf8('b/#'), utf8('a')))).toMatchObject({
      topicFilters: ['a', 'b/#', 'a'],
    })
    expect(client('a2', '00 01', utf8('a'), '00 01 ff')).toBe('STRING_NOT_UTF8 MQTT-1.5.3-1')
  })

  it('[MQTT-3.10.3-2] refuses an UNSUBSCRIBE without Topic Filter', () => {
    expect(client('a2', '00 01')).toBe('UNSUBSCRIBE_WITHOUT_FILTER MQTT-3.10.3-2')
  })
})

describe('DISCONNECT', () => {
  it('[MQTT-3.14.1-1] refuses flags that are not 0', () => {
    for (const flags of '123456789abcdef') {
      expect(client(`e${flags}`)).toBe('DISCONNECT_FLAGS_INVALID MQTT-3.14.1-1')
    }
  })
})

describe('Topic Names and Topic Filters', () => {
  it('[MQTT-4.7.1-1] takes wildcards in Topic Filters and refuses them in Topic Names', () => {
    for (const filter of ['#', '+', 'a/+/b', '+/#']) {
      expect(subscribe(filter)).toBe('accepted')
      expect(unsubscribe(filter)).toBe('accepted')
      expect(client('30', utf8(filter))).toBe('TOPIC_NAME_HAS_WILDCARD MQTT-3.3.2-2')
      expect(connect('06', utf8('abc'), utf8(filter), '00 00')).toBe('WILL_TOPIC_INVALID MQTT-4.7.1-1')
    }
  })

  it('[MQTT-4.7.1-2] refuses # that is not alone in the last level', () => {
    for (const filter of ['a#', '#a', 'a/b#', 'a/#/b', '#/', '##']) {
      expect(subscribe(filter)).toBe('TOPIC_FILTER_HASH_MISPLACED MQTT-4.7.1-2')
      expect(unsubscribe(filter)).toBe('TOPIC_FILTER_HASH_MISPLACED MQTT-4.7.1-2')
    }
    for (const filter of ['#', '/#', 'a/#', 'a//#']) expect(subscribe(filter)).toBe('accepted')
  })

  it('[MQTT-4.7.1-3] refuses + that does not fill its level', () => {
    for (const filter of ['a+', '+a', 'a/b+/c', '++', '+a/#']) {
      expect(subscribe(filter)).toBe('TOPIC_FILTER_PLUS_MISPLACED MQTT-4.7.1-3')
      expect(unsubscribe(filter)).toBe('TOPIC_FILTER_PLUS_MISPLACED MQTT-4.7.1-3')
    }
    for (const filter of ['+', '+/', '/+', '+/+/+', 'a/+/b']) expect(subscribe(filter)).toBe('accepted')
  })

  it('[MQTT-4.7.3-1] refuses empty Topic Names and Topic Filters', () => {
    expect(client('30', utf8(''), 'ff')).toBe('TOPIC_NAME_EMPTY MQTT-4.7.3-1')
    expect(subscribe('')).toBe('TOPIC_FILTER_EMPTY MQTT-4.7.3-1')
    expect(unsubscribe('')).toBe('TOPIC_FILTER_EMPTY MQTT-4.7.3-1')
    expect(connect('06', utf8('abc'), utf8(''), '00 00')).toBe('WILL_TOPIC_INVALID MQTT-4.7.3-1')
  })

  it('[MQTT-4.7.3-2] refuses U+0000 in Topic Names and Topic Filters', () => {
    expect(client('30', utf8('a\0'))).toBe('STRING_HAS_NUL MQTT-1.5.3-2')
    expect(subscribe('a/\0')).toBe('STRING_HAS_NUL MQTT-1.5.3-2')
    expect(unsubscribe('\0')).toBe('STRING_HAS_NUL MQTT-1.5.3-2')
  })

  it('[MQTT-4.7.3-3] reads and writes Topic Names and Topic Filters of 65,535 bytes and writes none that are longer', () => {
    const longest = 'é'.repeat(32_767).concat('x')
    expect(client('30', utf8(longest))).toBe('accepted')
    expect(subscribe(longest)).toBe('accepted')
    expect(encodePacket(publish(longest, ''), V)).toEqual(packet('30', utf8(longest)))
    expect(() => publish(`${longest}x`, '')).toThrow('MQTT-4.7.3-3')
    expect(() => encodePacket(new Unsubscribe(1, [`${longest}x`]), V)).toThrow('MQTT-4.7.3-3')
  })
})
