import { describe, expect, it } from 'vitest'
import { decodeAll } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Hold, Message, NEVER_EXPIRES } from '../../src/codec/message.ts'
import { Role } from '../../src/codec/packet-type.ts'
import { type Connect, willMessage } from '../../src/codec/packets/connect.ts'
import {
  Publish,
  PublishHeader,
  publishBytes,
  publishRemainingLength,
  writePublish,
} from '../../src/codec/packets/publish.ts'
import type { Properties } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { QoS } from '../../src/codec/qos.ts'
import { hex, packet, section, utf8 } from '../support/hex.ts'
import { publish } from '../support/packets.ts'

const { V3_1_1, V5 } = ProtocolVersion

const everything: Properties = {
  payloadFormatIndicator: 1,
  messageExpiryIntervalSeconds: 60,
  contentType: 'text',
  responseTopic: 'r',
  correlationData: hex('00 ff'),
  userProperties: [
    ['b', '1'],
    ['a', '2'],
    ['b', '3'],
  ],
}

/** Written as a broker writes it, into the middle of a buffer. */
function written(message: Message, fields: Partial<PublishHeader>): Buffer {
  const header = Object.assign(new PublishHeader(), fields)
  const remainingLength = publishRemainingLength(message, header)
  const size = publishBytes(remainingLength)
  const target = Buffer.alloc(size + 6, 0xa5)
  expect(writePublish(message, header, remainingLength, target, 3)).toBe(size + 3)
  expect([target.subarray(0, 3), target.subarray(size + 3)]).toEqual([hex('a5 a5 a5'), hex('a5 a5 a5')])
  return target.subarray(3, size + 3)
}

describe('a message that came in a packet', () => {
  const versions = [ProtocolVersion.V3_1, V3_1_1, V5]
  const kinds: readonly Properties[] = [
    {},
    { userProperties: [['unit', 'celsius']] },
    { userProperties: [['long', 'x'.repeat(200)]] },
    { messageExpiryIntervalSeconds: 7, contentType: 'c' },
    everything,
  ]
  const came = (version: ProtocolVersion, qos: QoS, properties: Properties): Message => {
    const sent = publish('a/b', 'payload', { qos, properties: version === V5 ? properties : {} })
    const bytes = encodePacket(new Publish(sent.message, qos, false, qos > 0 ? 0x0102 : 0), version)
    return (decodeAll(bytes, Role.CLIENT, version) as [Publish])[0].message
  }

  it('goes out as one that was put together, in each version and at each QoS', () => {
    for (const from of versions) {
      for (const properties of kinds) {
        for (const qos of [0, 1, 2] as const) {
          const message = came(from, qos, properties)
          const composed = message.withTopic(message.topicName, message.topic)
          for (const version of versions) {
            for (const outQos of [0, 1, 2] as const) {
              for (const more of [
                {},
                { dup: outQos > 0, retain: true },
                { topicAlias: 3 },
                { omitTopic: true, topicAlias: 3 },
                { subscriptionIdentifiers: [5, 200] },
                { messageExpirySeconds: 9 },
              ]) {
                if (
                  version !== V5 &&
                  ('topicAlias' in more || 'subscriptionIdentifiers' in more || 'messageExpirySeconds' in more)
                )
                  continue
                const header = { version, qos: outQos, packetId: outQos > 0 ? 0x0a0b : 0, ...more }
                const expected = written(composed, header)
                expect(written(message, header)).toEqual(expected)
                expect(written(came(from, qos, properties).own(), header)).toEqual(expected)
              }
            }
          }
        }
      }
    }
  })
})

describe('a message', () => {
  it('copies its payload and has its properties', () => {
    const payload = Buffer.from('abc')
    const message = Message.create('a/é', payload, { qos: 2, retain: true, properties: everything })
    payload.fill(0)

    expect(message.payload.toString()).toBe('abc')
    expect(message.topic).toEqual(Buffer.from('a/é'))
    expect(message.properties).toEqual(everything)
    expect(message).toMatchObject({ topicName: 'a/é', qos: 2, retain: true, hold: Hold.UNDER_WAY, payloadBytes: 3 })
    expect(message.storedBytes).toBe(
      4 + 3 + section('01 01', '03', utf8('text'), '08', utf8('r')).length - 1 + 5 + 3 * 7,
    )
  })

  it('encodes text as UTF-8', () => {
    expect(Message.create('a', 'é').payload).toEqual(hex('c3 a9'))
  })

  it('takes of the properties what a message has, and leaves the rest', () => {
    const properties = { contentType: 'c', willDelayIntervalSeconds: 5, topicAlias: 3, subscriptionIdentifiers: [1] }

    expect(Message.create('a', '', { properties }).properties).toEqual({ contentType: 'c' })
  })

  it('is the will of a CONNECT, without the Will Delay Interval', () => {
    const will = section('18 00 00 00 05', '02 00 00 00 07', '26', utf8('k'), utf8('v'))
    const bytes = packet('10', '00 04 4d 51 54 54 05 2e 00 3c 00', utf8('c'), will, utf8('w'), utf8('bye'))
    const [connect] = decodeAll(bytes, Role.CLIENT, null) as [Connect]
    const message = willMessage(connect.will!)

    expect(message).toMatchObject({ topicName: 'w', qos: 1, retain: true })
    expect(message.payload.toString()).toBe('bye')
    expect(message.properties).toEqual({ messageExpiryIntervalSeconds: 7, userProperties: [['k', 'v']] })
  })

  it('owns its bytes once', () => {
    const chunk = Buffer.concat([hex('ff ff'), encodePacket(publish('a', 'b', { properties: everything }), V5)])
    const [{ message }] = decodeAll(chunk.subarray(2), Role.CLIENT, V5) as [Publish]
    expect(message.hold).toBe(Hold.CHUNK)
    const { bytes, payloadStart } = message.own()
    expect(message.own()).toMatchObject({ bytes, payloadStart })
    chunk.fill(0)

    expect(message.properties).toEqual(everything)
    expect(message.payload.toString()).toBe('b')
  })

  it('keeps short ones together and long ones apart, each whole', () => {
    const lengths = [...Array(500).keys(), 4000, 4090, 4096, 4097, 5000, 8192, 20_000]
    const owned = lengths.map((length, index) => {
      const chunk = encodePacket(publish('t', Buffer.alloc(length, index)), V3_1_1)
      const [{ message }] = decodeAll(chunk, Role.CLIENT, V3_1_1) as [Publish]
      message.own()
      chunk.fill(0xff)
      return message
    })

    for (const [index, { payload }] of owned.entries()) expect(payload).toEqual(Buffer.alloc(lengths[index]!, index))
    const memory = [...new Set(owned.map(({ bytes }) => bytes.buffer))].reduce((sum, one) => sum + one.byteLength, 0)
    const weight = owned.reduce((sum, { storedBytes }) => sum + storedBytes, 0)
    expect(memory).toBeLessThan(weight * 1.2)
  })

  it('that stays keeps little memory of those that pass by', () => {
    const payload = Buffer.alloc(50, 'x')
    const passing = (): Message => {
      const [{ message }] = decodeAll(encodePacket(publish('t', payload), V3_1_1), Role.CLIENT, V3_1_1) as [Publish]
      return message.own()
    }
    const staying = Array.from({ length: 200 }, (_, index) => {
      for (let i = 0; i < 50; i++) passing()
      // one that was under way before, and is now to wait for somebody, too
      return index % 2 === 0 ? passing().keep() : Message.create('t', payload).keep()
    })

    for (const message of staying) expect(message.payload).toEqual(payload)
    const memory = [...new Set(staying.map(({ bytes }) => bytes.buffer))].reduce((sum, one) => sum + one.byteLength, 0)
    expect(memory).toBeLessThan(staying.length * payload.length * 1.5)
  })

  it('that stays and is long has memory of its own, and is not copied again', () => {
    const packet = encodePacket(publish('t', Buffer.alloc(5000, 1)), V3_1_1)
    const [{ message }] = decodeAll(packet, Role.CLIENT, V3_1_1) as [Publish]
    const { bytes } = message.own()
    expect(bytes.buffer.byteLength).toBe(5001)

    expect(message.keep().bytes).toBe(bytes)
    expect(message.keep().own().bytes).toBe(bytes)
    expect(message.payload).toEqual(Buffer.alloc(5000, 1))
  })

  it('shares its bytes with the same message at another QoS', () => {
    const message = Message.create('a', 'b', { qos: 2, retain: true, properties: everything })
    message.arrive(5000, 17)
    const other = message.with(1, false)

    expect(other).toMatchObject({ topicName: 'a', qos: 1, retain: false, arrivedAtMs: 5000, sequence: 17 })
    expect(other.bytes).toBe(message.bytes)
    expect(other.properties).toEqual(everything)
    expect(message).toMatchObject({ qos: 2, retain: true })
  })

  it('keeps all but its topic when a Topic Alias is resolved', () => {
    const bytes = packet('33', utf8(''), '00 07', section('23 00 01', '02 00 00 00 05', '03', utf8('c')), 'ff 00')
    const [{ message }] = decodeAll(bytes, Role.CLIENT, V5) as [Publish]
    message.arrive(1000, 3)
    const resolved = message.withTopic('t/é', Buffer.from('t/é'))

    expect(resolved).toMatchObject({
      topicName: 't/é',
      qos: 1,
      retain: true,
      arrivedAtMs: 1000,
      sequence: 3,
      hold: Hold.UNDER_WAY,
    })
    expect(resolved.topic).toEqual(Buffer.from('t/é'))
    expect(resolved.payload).toEqual(hex('ff 00'))
    expect(resolved.properties).toEqual({ messageExpiryIntervalSeconds: 5, contentType: 'c' })
  })
})

describe('a Message Expiry Interval', () => {
  it('runs from the arrival, in whole seconds', () => {
    const message = Message.create('a', '', { properties: { messageExpiryIntervalSeconds: 3 } })
    message.arrive(10_000, 1)

    expect([10_000, 10_999, 11_000, 12_999, 13_000, 99_000].map((now) => message.remainingExpirySeconds(now))).toEqual([
      3, 3, 2, 1, 0, 0,
    ])
    expect([10_000, 12_999, 13_000].map((now) => message.isExpired(now))).toEqual([false, false, true])
  })

  it('of 0 is over at once', () => {
    const message = Message.create('a', '', { properties: { messageExpiryIntervalSeconds: 0 } })
    message.arrive(10_000, 1)

    expect(message.isExpired(10_000)).toBe(true)
    expect(message.properties).toEqual({ messageExpiryIntervalSeconds: 0 })
  })

  it('of the largest value, and none, do not end', () => {
    const largest = Message.create('a', '', { properties: { messageExpiryIntervalSeconds: 4_294_967_295 } })
    const none = Message.create('a', '')

    expect(largest.isExpired(4_294_967_294_000)).toBe(false)
    expect(none.isExpired(Number.MAX_SAFE_INTEGER)).toBe(false)
    expect(none.remainingExpirySeconds(Number.MAX_SAFE_INTEGER)).toBe(NEVER_EXPIRES)
    expect(none.properties).toEqual({})
  })
})

describe('a message on its way out', () => {
  const message = Message.create('a/b', 'hi', { qos: 1, properties: everything })
  const forwarded = [
    '01 01',
    '03',
    utf8('text'),
    '08',
    utf8('r'),
    '09 00 02 00 ff',
    '26',
    utf8('b'),
    utf8('1'),
    '26',
    utf8('a'),
    utf8('2'),
    '26',
    utf8('b'),
    utf8('3'),
  ]

  it('loses its properties before 5.0 and nothing else', () => {
    const header = { qos: 1, packetId: 5, dup: true, retain: true, messageExpirySeconds: 60, topicAlias: 1 } as const

    expect(written(message, { ...header, version: V3_1_1 })).toEqual(
      packet('3b', utf8('a/b'), '00 05', utf8('hi').subarray(2)),
    )
  })

  it('gets no property in 5.0 that it did not have', () => {
    const [{ message: old }] = decodeAll(packet('30', utf8('a'), 'ff'), Role.CLIENT, V3_1_1) as [Publish]

    expect(written(old, { version: V5 })).toEqual(packet('30', utf8('a'), '00', 'ff'))
  })

  it('has what the header says, around the properties that came with it', () => {
    const header = { version: V5, messageExpirySeconds: 59, topicAlias: 258, subscriptionIdentifiers: [1, 300] }

    expect(written(message, { ...header, qos: 2, packetId: 0xfffe })).toEqual(
      packet(
        '34',
        utf8('a/b'),
        'ff fe',
        section('02 00 00 00 3b', ...forwarded, '0b 01', '0b ac 02', '23 01 02'),
        Buffer.from('hi'),
      ),
    )
  })

  it('leaves its topic to the Topic Alias when told so', () => {
    expect(written(Message.create('a/b', ''), { version: V5, topicAlias: 7, omitTopic: true })).toEqual(
      packet('30', utf8(''), section('23 00 07')),
    )
  })

  it('is the same from the wire, whatever stood between its properties', () => {
    const [expiry, alias] = ['02 00 00 00 3c', '23 00 09']
    for (const properties of [
      [expiry, alias, ...forwarded],
      [...forwarded, alias, expiry],
      [...forwarded.slice(0, 3), alias, ...forwarded.slice(3, 6), expiry, ...forwarded.slice(6)],
      [alias, ...forwarded, expiry],
      forwarded,
    ]) {
      const bytes = packet('30', utf8('a/b'), section(...properties), Buffer.from('hi'))
      const [{ message: decoded }] = decodeAll(bytes, Role.CLIENT, V5) as [Publish]

      expect(written(decoded, { version: V5 })).toEqual(
        packet('30', utf8('a/b'), section(...forwarded), Buffer.from('hi')),
      )
    }
  })

  it('is written the same short and long', () => {
    for (const length of [0, 1, 47, 48, 49, 1000, 70_000]) {
      const payload = Buffer.alloc(length, 0x5a)
      const topicName = 't'.repeat(Math.max(1, Math.min(length, 60_000)))
      const one = Message.create(topicName, payload)

      const expected = packet('32', utf8(topicName), '00 01 00', payload)

      expect(written(one, { version: V5, qos: 1, packetId: 1 }).equals(expected), `${length} bytes`).toBe(true)
      expect(encodePacket(new Publish(one, 1, false, 1), V5).equals(expected), `${length} bytes`).toBe(true)
    }
  })
})
