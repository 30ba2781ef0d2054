import { randomBytes } from 'node:crypto'
import { deflateSync, gzipSync } from 'node:zlib'
import { ExtData, encode as encodeMessagePack } from '@msgpack/msgpack'
import { encode as encodeCbor } from 'cborg'
import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Message } from '../../src/codec/message.ts'
import { Role } from '../../src/codec/packet-type.ts'
import { Connect, type Will } from '../../src/codec/packets/connect.ts'
import { encodePublish, Publish } from '../../src/codec/packets/publish.ts'
import type { Properties } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { InspectedPacket } from '../../src/inspect/inspected-packet.ts'
import { LenientDecoder } from '../../src/inspect/lenient-decoder.ts'
import { inflate } from '../../src/inspect/payload/compressed.ts'
import { PayloadReader } from '../../src/inspect/payload/payload-reader.ts'
import type { PayloadKind } from '../../src/inspect/payload/payload-value.ts'
import { fuzzCases, fuzzSeed, Random } from '../support/random.ts'
import { mutate } from '../support/random-packets.ts'
import { birth, bytesField, data, field, metric, text, varint } from '../support/wire.ts'

const RECORD = { device: 'th-7', t: 21.5, ok: true, list: [1, 2, 3] }

/** Bytes read without a topic and a content type. */
function read(payload: Uint8Array | string, kind: PayloadKind = 'auto'): unknown {
  return new PayloadReader(kind).readBytes(Buffer.from(payload as Uint8Array))
}

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

function publishOf(topicName: string, payload: Uint8Array, properties: Properties = {}): InspectedPacket {
  const bytes = encodePublish(
    new Publish(Message.create(topicName, payload, { properties }), 0, false, 0),
    ProtocolVersion.V5,
  )
  return new LenientDecoder(Role.CLIENT, ProtocolVersion.V5).push(bytes)[0]!
}

describe('a payload is recognised as', () => {
  it.each([
    ['json', Buffer.from(JSON.stringify(RECORD)), RECORD],
    ['cbor', encodeCbor(RECORD), RECORD],
    ['cbor', hex('d9d9f7 a1 61 61 01'), { a: 1 }],
    ['cbor', hex('bf 61 61 9f 01 ff ff'), { a: [1] }],
    ['cbor', encodeCbor(['temperature', 'humidity']), ['temperature', 'humidity']],
    ['msgpack', encodeMessagePack(RECORD), RECORD],
    ['msgpack', encodeMessagePack([RECORD]), [RECORD]],
    ['text', Buffer.from('Grüße ☀\n'), 'Grüße ☀\n'],
    ['text', Buffer.from('{"a":'), '{"a":'],
    ['text', Buffer.from('42'), '42'],
    ['text', Buffer.alloc(0), ''],
    ['hex', hex('00ff01fe02fd807f'), '00ff01fe02fd807f'],
    // control characters are no text, though they are UTF-8
    ['hex', hex('010203'), '010203'],
    // an empty map in one format, an empty list in the other
    ['hex', hex('80'), '80'],
    // numbers alone are met by chance
    ['hex', hex('83010203'), '83010203'],
    ['hex', hex('a10102'), 'a10102'],
    ['hex', hex('810102'), '810102'],
  ])('%s: %o', (kind, payload, value) => {
    expect(read(payload)).toEqual({ kind, value })
  })

  it('gzip or zlib, with what is in it, twice over too', () => {
    const json = Buffer.from(JSON.stringify(RECORD))

    expect(read(gzipSync(json))).toEqual({ kind: 'gzip', value: { kind: 'json', value: RECORD } })
    expect(read(deflateSync(encodeCbor(RECORD)))).toEqual({ kind: 'zlib', value: { kind: 'cbor', value: RECORD } })
    expect(read(gzipSync(deflateSync(json)))).toMatchObject({
      kind: 'gzip',
      value: { kind: 'zlib', value: { kind: 'json' } },
    })
  })

  it('something else when bytes are left over or missing', () => {
    for (const payload of [encodeCbor(RECORD), encodeMessagePack(RECORD)]) {
      expect(read(Buffer.concat([payload, hex('00')]))).toMatchObject({ kind: 'hex' })
      expect(read(payload.subarray(0, -1))).toMatchObject({ kind: 'hex' })
    }
    expect(read(gzipSync('x').subarray(0, -1))).toMatchObject({ kind: 'hex', problem: /begins like gzip, but/ })
    expect(read(Buffer.concat([deflateSync('x'), hex('00')]))).toEqual({ kind: 'hex', value: expect.any(String) })
  })

  it('nothing but what it is, of random bytes', () => {
    const seed = fuzzSeed('payload')
    const cases = fuzzCases(8000)
    let recognised = 0
    for (let index = 0; index < cases; index++) {
      const random = new Random(seed + index)
      const payload = random.bytes(random.between(1, 40))
      payload[0]! |= 0x80
      const { kind } = new PayloadReader('auto').readBytes(payload)
      if (kind !== 'hex' && kind !== 'text') recognised++
    }
    expect(recognised, `MQTT_KIT_SEED=${seed}`).toBeLessThanOrEqual(Math.ceil(cases / 20_000))
  })
})

describe('a content type', () => {
  it.each([
    ['application/cbor', hex('a10102'), { kind: 'cbor', value: { 1: 2 } }],
    ['application/senml+cbor; charset=x', hex('83010203'), { kind: 'cbor', value: [1, 2, 3] }],
    ['application/x-msgpack', hex('93010203'), { kind: 'msgpack', value: [1, 2, 3] }],
    ['application/json', Buffer.from('42'), { kind: 'json', value: 42 }],
    ['application/vnd.x+json', Buffer.from('"a"'), { kind: 'json', value: 'a' }],
    ['application/octet-stream', hex('a1616101'), { kind: 'cbor', value: { a: 1 } }],
  ])('%s is believed', (contentType, payload, value) => {
    expect(new PayloadReader('auto').read(publishOf('a', payload, { contentType }))).toEqual(value)
  })

  it('that is not true is told', () => {
    const value = new PayloadReader('auto').read(
      publishOf('a', Buffer.from('{"a":'), { contentType: 'application/json' }),
    )

    expect(value).toEqual({
      kind: 'text',
      value: '{"a":',
      problem: expect.stringMatching(/^no JSON: .*; the content type says so$/),
    })
  })
})

describe('a payload that is asked for as', () => {
  it.each([
    ['cbor', hex('0a'), 10],
    ['cbor', hex('c1 1a 65 53 f1 00'), '2023-11-14T22:13:20.000Z'],
    ['cbor', hex('c0 6a 32 30 32 33 2d 31 31 2d 31 34'), '2023-11-14'],
    ['cbor', hex('c2 49 01 00 00 00 00 00 00 00 00'), '18446744073709551616'],
    ['cbor', hex('c3 41 09'), -10],
    ['cbor', hex('d8 20 61 61'), { tag: 32, value: 'a' }],
    ['cbor', hex('82 42 00 ff f7'), [{ hex: '00ff' }, null]],
    ['cbor', hex('82 f9 7e 00 fb ff f0 00 00 00 00 00 00'), ['NaN', '-Infinity']],
    [
      'cbor',
      hex('a2 01 02 81 01 03'),
      [
        [1, 2],
        [[1], 3],
      ],
    ],
    [
      'cbor',
      hex('a2 01 02 61 31 03'),
      [
        [1, 2],
        ['1', 3],
      ],
    ],
    ['cbor', hex('a1 69 5f 5f 70 72 6f 74 6f 5f 5f 01'), JSON.parse('{"__proto__":1}')],
    ['msgpack', hex('cf 00 20 00 00 00 00 00 01'), '9007199254740993'],
    ['msgpack', hex('d3 ff ff ff ff ff ff ff ff'), -1],
    ['msgpack', hex('d6 ff 65 53 f1 00'), '2023-11-14T22:13:20.000Z'],
    ['msgpack', encodeMessagePack([new ExtData(5, hex('0102'))]), [{ extension: 5, hex: '0102' }]],
    ['msgpack', hex('c4 02 00 ff'), { hex: '00ff' }],
    ['msgpack', hex('81 01 02'), { 1: 2 }],
    ['json', Buffer.from('42'), 42],
    ['text', hex('0102'), '\u0001\u0002'],
    ['hex', Buffer.from('hi'), '6869'],
    ['base64', Buffer.from('hi'), 'aGk='],
    ['gzip', gzipSync('hi'), { kind: 'text', value: 'hi' }],
  ] as const)('%s: %o', (kind, payload, value) => {
    expect(read(payload, kind)).toEqual({ kind, value })
  })

  it.each([
    ['cbor', hex('8201'), /^no CBOR: /],
    ['cbor', hex('0000'), /^no CBOR: /],
    ['cbor', hex('a2 61 61 01 61 61 02'), /^no CBOR: found repeat map key "a"/],
    ['cbor', Buffer.alloc(100_000, 0x81), /^no CBOR: /],
    ['cbor', Buffer.concat([Buffer.alloc(70, 0x81), hex('00')]), /^no CBOR: nested deeper than 64/],
    ['msgpack', hex('c1'), 'no MessagePack: byte 0 is 0xc1, which begins no value'],
    ['msgpack', hex('0102'), 'no MessagePack: the value ends after 1 of 2 bytes'],
    ['msgpack', hex('a2 61'), 'no MessagePack: a value goes on behind the end'],
    ['msgpack', hex('dd ff ff ff ff 00'), 'no MessagePack: 4294967295 items are declared, and 1 bytes follow'],
    ['msgpack', Buffer.concat([Buffer.alloc(70, 0x91), hex('00')]), 'no MessagePack: nested deeper than 64'],
    ['json', Buffer.from('{'), /^no JSON: /],
    ['json', hex('ff'), 'no JSON: it is no UTF-8'],
    ['gzip', Buffer.from('hi'), /^no gzip: /],
    ['zlib', gzipSync('hi'), /^no zlib: /],
    ['sparkplug', hex('ff'), 'no Sparkplug B: a number goes on behind the end'],
    ['sparkplug', Buffer.alloc(0), 'no Sparkplug B: none of the fields of Sparkplug B'],
    ['protobuf', hex('00'), 'no protobuf: no .proto file is given'],
  ] as const)('%s and is none says why: %o', (kind, payload, problem) => {
    const value = read(payload, kind) as { kind: string; problem: string }

    expect(['text', 'hex']).toContain(value.kind)
    expect(value.problem).toMatch(problem)
  })

  it('gzip and grows without end is given up', () => {
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024))

    expect(bomb.length).toBeLessThan(30_000)
    expect(read(bomb)).toMatchObject({
      kind: 'hex',
      problem: 'begins like gzip, but: more than 16777216 bytes when inflated',
    })
    expect(() => inflate(deflateSync('twelve bytes'), 'zlib', 11)).toThrow('more than 11 bytes when inflated')
  })
})

describe('the payload of a will', () => {
  function connectWith(will: Will | null): InspectedPacket {
    const connect = new Connect({
      version: ProtocolVersion.V5,
      clientId: 'c',
      cleanStart: true,
      keepAliveSeconds: 0,
      will,
    })
    return new LenientDecoder(Role.CLIENT, ProtocolVersion.V5).push(encodePacket(connect, ProtocolVersion.V5))[0]!
  }

  const will = (topicName: string, payload: Uint8Array, properties: Properties = {}): Will => ({
    topicName,
    payload: Buffer.from(payload),
    qos: 1,
    retain: false,
    properties,
  })
  const reader = new PayloadReader('auto')

  it('is read as that of a message', () => {
    expect(reader.read(connectWith(will('status/7', Buffer.from('{"on":false}'))))).toEqual({
      kind: 'json',
      value: { on: false },
    })
    expect(reader.read(connectWith(null))).toBeNull()
  })

  it('is what its own content type and its own topic say', () => {
    const cbor = encodeCbor(42)
    expect(reader.read(connectWith(will('status/7', cbor, { contentType: 'application/cbor' })))).toEqual({
      kind: 'cbor',
      value: 42,
    })
    expect(reader.read(connectWith(will('spBv1.0/plant/NDEATH/edge', birth())))).toMatchObject({ kind: 'sparkplug' })
  })
})

describe('nothing throws', () => {
  it('whatever the bytes and the kind', () => {
    const seed = fuzzSeed('payload kinds')
    const originals = [encodeCbor(RECORD), encodeMessagePack(RECORD), gzipSync('x'), deflateSync('x'), birth()].map(
      (bytes) => Buffer.from(bytes),
    )
    const kinds: PayloadKind[] = ['auto', 'cbor', 'msgpack', 'gzip', 'zlib', 'sparkplug', 'json', 'text', 'protobuf']
    const readers = kinds.map((kind) => new PayloadReader(kind))
    for (let index = 0; index < fuzzCases(300); index++) {
      const random = new Random(seed + index)
      const payload = mutate(random, random.pick(originals))
      for (const reader of readers) {
        JSON.stringify(reader.readBytes(payload))
        const packet = publishOf(random.pick(['spBv1.0/g/NBIRTH/n', 'spBv1.0/g/DDATA/n/d']), payload)
        reader.see(packet)
        JSON.stringify(reader.read(packet))
      }
    }
  })

  it('and no memory is taken for what is only declared', () => {
    // each list says that it has as many items as bytes follow
    const payload = Buffer.concat(Array.from({ length: 200_000 }, () => hex('dd 00 0f 00 00')))

    expect(read(payload, 'msgpack')).toMatchObject({ problem: /^no MessagePack/ })
    expect(read(Buffer.concat([hex('81 78 7b'), randomBytes(200)]))).toMatchObject({ kind: 'hex' })
  })
})

describe('Sparkplug B', () => {
  const topic = (message: string, node = 'n'): string => `spBv1.0/g/${message}/${node}`

  it('has its topic, times, types and signs', () => {
    expect(new PayloadReader('auto').read(publishOf(topic('NBIRTH'), birth()))).toEqual({
      kind: 'sparkplug',
      value: {
        message: 'NBIRTH',
        group: 'g',
        node: 'n',
        device: null,
        timestamp: '2023-11-14T22:13:20.000Z',
        seq: 0,
        metrics: [
          { name: 'temperature', alias: 1, type: 'Float', value: 21.5 },
          { name: 'count', alias: 2, type: 'Int32', value: -3 },
        ],
      },
    })
  })

  it('has the names and types that a BIRTH has given to aliases, for its own node', () => {
    const reader = new PayloadReader('auto')
    reader.see(publishOf(topic('NBIRTH'), birth()))
    const metrics = (name: string, alias?: number): unknown =>
      (reader.read(publishOf(name, data(1, alias)))!.value as { metrics: unknown }).metrics

    expect(metrics(topic('NDATA'))).toEqual([{ name: 'count', alias: 2, type: 'Int32', value: -1 }])
    expect(metrics(topic('NDATA', 'other'))).toEqual([{ name: null, alias: 2, type: null, value: 4_294_967_295 }])
    expect(metrics('spBv1.0/g/DDATA/n/device', 7)).toEqual([{ name: null, alias: 7, type: null, value: 4_294_967_295 }])
  })

  it('is found under a topic alias', () => {
    const reader = new PayloadReader('auto')
    const decoder = new LenientDecoder(Role.CLIENT, ProtocolVersion.V5)
    const first = new Publish(Message.create(topic('NDATA'), data(1)), 0, false, 0)
    const second = new Publish(Message.create('-', data(2)).withTopic('', Buffer.alloc(0)), 0, false, 0)
    first.topicAlias = second.topicAlias = 4
    const packets = [first, second].flatMap((packet) => decoder.push(encodePublish(packet, ProtocolVersion.V5)))
    for (const packet of packets) reader.see(packet)

    expect(reader.read(packets[1]!)).toMatchObject({ kind: 'sparkplug', value: { message: 'NDATA', seq: 2 } })
  })

  it('is taken out of the compression of its libraries', () => {
    const compressed = Buffer.concat([text(4, 'SPBV1.0_COMPRESSED'), bytesField(5, deflateSync(data(9)))])

    expect(new PayloadReader('auto').read(publishOf(topic('NDATA'), compressed))).toMatchObject({
      kind: 'sparkplug',
      value: { seq: 9 },
    })
  })

  it('has data sets, templates, properties, arrays and values that are not there', () => {
    const dataSet = Buffer.concat([
      field(1, varint(2)),
      text(2, 'a'),
      text(2, 'b'),
      // packed
      bytesField(3, Buffer.concat([varint(3), varint(12)])),
      bytesField(4, Buffer.concat([bytesField(1, field(1, varint(0xffff_ffff))), bytesField(1, text(6, 'x'))])),
    ])
    const properties = Buffer.concat([
      text(1, 'unit'),
      bytesField(2, Buffer.concat([field(1, varint(12)), text(8, 'C')])),
    ])
    const payload = Buffer.concat([
      metric(text(1, 'table'), field(4, varint(16)), bytesField(17, dataSet)),
      metric(text(1, 'none'), field(4, varint(3)), field(7, varint(1)), bytesField(9, properties)),
      metric(text(1, 'shorts'), field(4, varint(23)), bytesField(16, hex('ffff 0100'))),
      metric(text(1, 'bits'), field(4, varint(32)), bytesField(16, hex('03000000 a0'))),
      metric(text(1, 'when'), field(4, varint(13)), field(11, varint(1_700_000_000_000))),
      metric(text(1, 'file'), field(4, varint(18)), bytesField(16, hex('00ff'))),
      metric(
        text(1, 'tpl'),
        field(4, varint(19)),
        bytesField(
          18,
          Buffer.concat([text(4, 'ref'), bytesField(2, Buffer.concat([text(1, 'm'), field(14, varint(1))]))]),
        ),
      ),
    ])

    expect(new PayloadReader('sparkplug').readBytes(payload)).toEqual({
      kind: 'sparkplug',
      value: {
        metrics: [
          {
            name: 'table',
            type: 'DataSet',
            value: { columns: ['a', 'b'], types: ['Int32', 'String'], rows: [[-1, 'x']] },
          },
          { name: 'none', type: 'Int32', value: null, properties: { unit: 'C' } },
          { name: 'shorts', type: 'Int16Array', value: [-1, 1] },
          { name: 'bits', type: 'BooleanArray', value: [true, false, true] },
          { name: 'when', type: 'DateTime', value: '2023-11-14T22:13:20.000Z' },
          { name: 'file', type: 'File', value: { hex: '00ff' } },
          {
            name: 'tpl',
            type: 'Template',
            value: { templateRef: 'ref', metrics: [{ name: 'm', type: null, value: true }] },
          },
        ],
      },
    })
  })

  it('is no payload of STATE, and a payload that is none says so', () => {
    const reader = new PayloadReader('auto')

    expect(reader.read(publishOf('spBv1.0/STATE/host', Buffer.from('{"online":true}')))).toEqual({
      kind: 'json',
      value: { online: true },
    })
    expect(reader.read(publishOf(topic('NDATA'), Buffer.from('hi')))).toEqual({
      kind: 'text',
      value: 'hi',
      problem: expect.stringMatching(/^no Sparkplug B: .*; the topic says so$/),
    })
  })
})
