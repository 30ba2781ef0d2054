import { describe, expect, it } from 'vitest'
import { Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { decodeChunks, NotingReader } from '../support/decoding.ts'
import { hex, packet, section, utf8 } from '../support/hex.ts'

const { V3_1_1, V5 } = ProtocolVersion

describe('a reader', () => {
  it('tells Topic Names of one length apart, whatever came before', () => {
    const names = ['aa', 'ab', 'aa', 'aa', 'a', 'aa', 'é', 'é', '\u{fffd}', '\u{fffd}', 'aa']
    const bytes = Buffer.concat(names.map((name) => packet('30', utf8(name))))
    const { decoded, violation } = decodeChunks([bytes], { sender: Role.CLIENT, version: V3_1_1 })

    expect(violation).toBeNull()
    expect(decoded.map((one) => one.packet['topicName'])).toEqual(names)
  })

  it('remembers a Topic Name longer than the ones before', () => {
    const names = ['a', 'x'.repeat(100), 'x'.repeat(100), `${'x'.repeat(99)}y`, 'a']
    const bytes = Buffer.concat(names.map((name) => packet('30', utf8(name))))
    const { decoded } = decodeChunks([bytes], { sender: Role.SERVER, version: V3_1_1 })

    expect(decoded.map((one) => one.packet['topicName'])).toEqual(names)
  })
})

describe('a reader of properties that come again and again', () => {
  const user = (name: string, value: string): string =>
    `26 ${utf8(name).toString('hex')} ${utf8(value).toString('hex')}`
  const long = user('n', 'v'.repeat(300))
  const sections = [
    user('a', '1'),
    user('a', '1'),
    user('a', '2'),
    '',
    user('a', '2'),
    `${user('a', '2')} 02 00 00 00 07`,
    `${user('a', '2')} 02 00 00 00 07`,
    user('a', '2'),
    `23 00 01 ${user('a', '2')}`,
    `23 00 01 ${user('a', '2')}`,
    user('a', '2'),
    long,
    long,
    user('a', '2'),
    `${user('a', '2')} ${user('b', '3')}`,
    `${user('a', '2')} ${user('b', '3')}`,
  ]

  it('gives each message its own', () => {
    const decodeOne = (properties: string) =>
      decodeChunks([packet('30', utf8('t'), section(properties), '58')], { sender: Role.CLIENT, version: V5 }).decoded
    const together = Buffer.concat(sections.map((one) => packet('30', utf8('t'), section(one), '58')))
    const { decoded, violation } = decodeChunks([together], { sender: Role.CLIENT, version: V5 })

    expect(violation).toBeNull()
    expect(decoded).toEqual(sections.flatMap(decodeOne))
  })

  it.each([
    ['another value of the same length, with U+0000', '26 00 01 61 00 01 00', 'STRING_HAS_NUL'],
    ['a name of the same length that is no UTF-8', '26 00 01 ff 00 01 31', 'STRING_NOT_UTF8'],
    ['another identifier', '27 00 01 61 00 01 31', 'PROPERTY_NOT_ALLOWED'],
    ['a length that leads out of the section', '26 00 01 61 00 02 31', 'PROPERTY_PAST_END'],
  ])('judges %s', (_, properties, broken) => {
    const good = packet('30', utf8('t'), section(user('a', '1')))
    const bad = packet('30', utf8('t'), section(properties))
    const { decoded, violation } = decodeChunks([Buffer.concat([good, good, bad])], {
      sender: Role.CLIENT,
      version: V5,
    })

    expect(decoded).toHaveLength(2)
    expect(violation?.violation).toBe(broken)
  })
})

describe('a reader that notes violations and goes on', () => {
  const noted = (bytes: Buffer, version: ProtocolVersion, sender: Role = Role.CLIENT): string[] => {
    const reader = new NotingReader(sender)
    const { violation } = decodeChunks([bytes], { sender, version, reader })
    expect(violation).toBeNull()
    return reader.noted.map((one) => `${one.violation} at ${one.offset}`)
  }

  it('notes a broken Topic Name each time it comes', () => {
    for (const [name, violation] of [
      ['00 01 ff', 'STRING_NOT_UTF8 at 4'],
      ['00 01 00', 'STRING_HAS_NUL at 4'],
      ['00 01 2b', 'TOPIC_NAME_HAS_WILDCARD at 4'],
      ['00 00', 'TOPIC_NAME_EMPTY at 4'],
    ] as const) {
      const one = packet('30', name)
      expect(noted(Buffer.concat([one, one, one]), V3_1_1)).toEqual([violation, violation, violation])
    }
  })

  it('notes all that is wrong in one packet, in the order of its bytes', () => {
    const properties = section('01 02', '0b 00', '23 00 00', '01 00', '08', utf8('#'), '21 00 05', '02 00 00 00 01')

    expect(noted(packet('38', utf8('a/#'), properties), V5)).toEqual([
      'DUP_ON_QOS_0 at 0',
      'TOPIC_NAME_HAS_WILDCARD at 4',
      'PROPERTY_VALUE_INVALID at 9',
      'PROPERTY_VALUE_INVALID at 11',
      'SUBSCRIPTION_IDENTIFIER_FROM_CLIENT at 10',
      'TOPIC_ALIAS_IS_0 at 13',
      'PROPERTY_REPEATED at 15',
      'RESPONSE_TOPIC_HAS_WILDCARD at 20',
      'PROPERTY_NOT_ALLOWED at 21',
    ])
  })

  it('can look at the properties of a message that should not have them', () => {
    const reader = new NotingReader(Role.SERVER)
    const bytes = packet('30', utf8('a'), section('01 02', '08', utf8('#'), '21 00 05', '03 00 01 ff', '03', utf8('c')))
    const { decoded } = decodeChunks([bytes], { sender: Role.SERVER, version: V5, reader })

    expect(reader.noted).toHaveLength(5)
    expect(decoded[0]?.packet['properties']).toEqual({
      payloadFormatIndicator: 2,
      responseTopic: '#',
      receiveMaximum: 5,
      contentType: 'c',
    })
  })

  it('reads on behind a packet with surplus bytes', () => {
    const reader = new NotingReader(Role.CLIENT)
    const stream = { sender: Role.CLIENT, version: V3_1_1, reader }
    const { decoded, violation } = decodeChunks([hex('c0 01 00', '40 03 00 07 00', 'c0 00')], stream)

    expect(violation).toBeNull()
    expect(decoded).toHaveLength(3)
    expect(reader.noted.map((one) => one.violation)).toEqual(['TRAILING_BYTES', 'TRAILING_BYTES'])
  })
})
