import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { JsonObjects, type PlacedObject } from '../../src/cli/input/json-objects.ts'
import { readJsonPacket } from '../../src/cli/input/json-packet.ts'
import { ValueError } from '../../src/cli/options/option-row.ts'
import { packetJson } from '../../src/cli/output/inspect-json.ts'
import { decodeAll } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { LenientDecoder } from '../../src/inspect/lenient-decoder.ts'
import { PayloadReader } from '../../src/inspect/payload/payload-reader.ts'
import { describeCaptures } from '../support/captures.ts'
import { run, shell } from '../support/program.ts'
import { fuzzCases, fuzzSeed, Random } from '../support/random.ts'
import { mutate, randomPacket } from '../support/random-packets.ts'
import { specFolder } from '../support/spec-folder.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion
const captures = join(specFolder, '../captures')

/** What an object becomes, in hex. */
function encoded(value: object, version: ProtocolVersion = V5): string {
  return readJsonPacket(value, version).bytes.toString('hex')
}

describe('a packet of no more than its members', () => {
  it.each([
    [{ type: 'connect' }, '100d00044d5154540502000000' + '0000'],
    [{ type: 'connect', version: '3.1', clientId: 'c' }, '100f00064d51497364700302000000' + '0163'],
    [
      { type: 'connect', version: '3.1.1', cleanStart: false, keepAliveSeconds: 60, userName: 'u', passwordHex: 'ff' },
      '101200044d51545404c0003c0000000175' + '0001ff',
    ],
    [
      {
        type: 'connect',
        will: { topic: 'w', payload: 'p', qos: 1, retain: true, properties: { willDelayIntervalSeconds: 5 } },
      },
      '101900044d515454052e000000000005180000000500017700' + '0170',
    ],
    [{ type: 'connack', version: '3.1.1', sessionPresent: true }, '20020100'],
    [{ type: 'connack', reasonCode: '0x87', properties: { reasonString: 'no' } }, '200800870' + '51f00026e6f'],
    [{ type: 'publish', topic: 'a/b', payload: 'x', qos: 1, packetId: 7 }, '32090003612f6200070078'],
    [{ type: 'publish', version: '3.1.1', topic: 'a', payloadBase64: 'AP8=', retain: true }, '310500016100ff'],
    [{ type: 'publish', payload: 'x', properties: { topicAlias: 3 } }, '300700000323000378'],
    [{ type: 'publish', topic: 'a', properties: { subscriptionIdentifiers: [1, 200] } }, '3009000161050b010bc801'],
    [{ type: 'puback', packetId: 1 }, '40020001'],
    [{ type: 'pubrec', packetId: 1, reasonCode: 16 }, '5003000110'],
    [{ type: 'pubrel', packetId: 1 }, '62020001'],
    [{ type: 'pubcomp', packetId: 1, version: '3.1.1' }, '70020001'],
    [{ type: 'subscribe', packetId: 2, subscriptions: ['a/#'] }, '820900020000' + '03612f2300'],
    [
      {
        type: 'subscribe',
        packetId: 2,
        subscriptions: [{ topicFilter: 'a', qos: 2, noLocal: true, retainHandling: 1 }],
      },
      '8207000200000161' + '16',
    ],
    [{ type: 'suback', packetId: 2, reasonCodes: [0, '0x80'] }, '9005000200' + '0080'],
    [{ type: 'suback', version: '3.1.1', packetId: 2, returnCodes: [1] }, '9003000201'],
    [{ type: 'unsubscribe', packetId: 3, topicFilters: ['a'] }, 'a2060003' + '00000161'],
    [{ type: 'unsuback', packetId: 3, reasonCodes: [17] }, 'b004000300' + '11'],
    [{ type: 'unsuback', version: '3.1.1', packetId: 3 }, 'b0020003'],
    [{ type: 'pingreq' }, 'c000'],
    [{ type: 'pingresp' }, 'd000'],
    [{ type: 'disconnect' }, 'e000'],
    [
      { type: 'disconnect', reasonCode: 4, properties: { userProperties: [['a', 'b']] } },
      'e0090407260001' + '61000162',
    ],
    [
      { type: 'auth', reasonCode: 24, properties: { authenticationMethod: 'm', authenticationDataHex: '00ff' } },
      'f00b18091500016d16000200ff',
    ],
  ])('%j', (value, hex) => {
    expect(encoded(value)).toBe(hex)
  })

  it('takes the version of the packet before it where it says none', () => {
    expect(encoded({ type: 'publish', topic: 'a' }, V3_1_1)).toBe('3003000161')
  })

  it('is sent by who may send it', () => {
    const sender = (value: object): Role => readJsonPacket(value, V5).sender

    expect(sender({ type: 'connack' })).toBe(Role.SERVER)
    expect(sender({ type: 'publish', topic: 'a' })).toBe(Role.CLIENT)
    expect(sender({ type: 'publish', topic: 'a', dir: 's2c' })).toBe(Role.SERVER)
    expect(sender({ type: 'publish', topic: 'a', properties: { subscriptionIdentifiers: [1] } })).toBe(Role.SERVER)
  })
})

describe('an object that is no packet is refused:', () => {
  it.each([
    [{}, 'a string at "type"'],
    [{ type: 'pub' }, /publish.* at "type"/],
    [{ type: 'publish', topic: 'a/+' }, /keeps the rules: .*MQTT-3\.3\.2-2/],
    [{ type: 'publish', payload: 'x' }, 'a string at "topic"'],
    [{ type: 'publish', topic: 'a', qos: 3 }, 'a number from 0 to 2 at "qos"'],
    [{ type: 'publish', topic: 'a', qos: 1 }, 'a number from 1 to 65535 at "packetId"'],
    [{ type: 'publish', topic: 'a', packetId: 1 }, 'nothing when "qos" is 0 at "packetId"'],
    [{ type: 'publish', topic: 'a', dup: true }, /keeps the rules: .*DUP/],
    [{ type: 'publish', topic: 'a', payload: 'x', payloadHex: '00' }, 'either "payload" or "payloadHex", not both'],
    [{ type: 'publish', topic: 'a', payloadHex: '0' }, 'hex digits, two for each byte, at "payloadHex"'],
    [{ type: 'publish', topic: 'a', version: '3.1.1', properties: {} }, /^nothing in MQTT 3\.1\.1.* at "properties"/],
    [
      { type: 'publish', topic: 'a', properties: { receiveMaximum: 1 } },
      'a property of PUBLISH, not "properties.receiveMaximum"',
    ],
    [{ type: 'publish', topic: 'a', dir: 'c2s', properties: { subscriptionIdentifiers: [1] } }, /keeps the rules/],
    [{ type: 'connect', will: { topic: 'w', colour: 1 } }, /one of the keys topic, payload.*not "will\.colour"/],
    [{ type: 'connect', version: '3' }, /a bare 3 may mean either at "version"/],
    [{ type: 'connect', version: '3.1.1', password: 'p' }, /keeps the rules/],
    [{ type: 'connack', version: '3.1', sessionPresent: true }, 'false before MQTT 3.1.1 at "sessionPresent"'],
    [{ type: 'connack', returnCode: 0 }, /not "returnCode"/],
    [{ type: 'suback', packetId: 1, reasonCodes: [256] }, /^a code from 0 to 255.* at "reasonCodes\[0\]"/],
    [{ type: 'subscribe', packetId: 1, subscriptions: [] }, 'a list of at least 1 at "subscriptions"'],
    [{ type: 'subscribe', packetId: 1, subscriptions: ['a', {}] }, 'a string at "subscriptions[1].topicFilter"'],
    [
      { type: 'subscribe', version: '3.1.1', packetId: 1, subscriptions: [{ topicFilter: 'a', noLocal: true }] },
      /at "subscriptions\[0\]\.noLocal"/,
    ],
    [{ type: 'disconnect', version: '3.1.1', reasonCode: 0 }, /^nothing in MQTT 3\.1\.1.* at "reasonCode"/],
    [{ type: 'auth', version: '3.1.1' }, /keeps the rules/],
    [{ type: 'reserved' }, /"fields"/],
    [{ type: 'publish', fields: [{ raw: '3' }] }, 'hex digits, two for each byte, at "fields[0].raw"'],
    [
      { type: 'publish', fields: [{ raw: '30' }, { raw: '00', start: 2 }] },
      '1, where the field before it ends, at "fields[1].start"',
    ],
    [{ type: 'publish', fields: [{ raw: '30' }], length: 2 }, '1, the bytes of all fields, at "length"'],
    [{ type: 'publish', fields: [{ raw: '000161', value: 'b' }] }, /"b" in "fields\[0\]\.raw"/],
    [{ type: 'pingreq', time: -1 }, 'seconds since 1970 at "time"'],
  ])('%j', (value, message) => {
    const read = (): unknown => readJsonPacket(value, V5)
    expect(read).toThrow(ValueError)
    expect(read).toThrow(message)
  })
})

describe('what inspect --json prints becomes the same bytes', () => {
  const seed = fuzzSeed('inspect encode')
  const cases = fuzzCases(2000)
  const payloads = new PayloadReader('auto')

  it('of packets at random, mutated or not', () => {
    for (let index = 0; index < cases; index++) {
      const random = new Random(seed + index)
      const sender = random.pick(Object.values(Role))
      const version = random.pick([V3_1, V3_1_1, V5])
      const valid = encodePacket(randomPacket(random, version, sender), version)
      const bytes = random.oneIn(3) ? valid : mutate(random, valid)
      if (bytes.length === 0) continue
      const decoder = new LenientDecoder(sender, version)
      const packets = [...decoder.push(bytes), ...decoder.end()]
      const lines = packets.map((packet) => packetJson(packet, payloads))
      const what = `case ${index} of MQTT_KIT_SEED=${seed}`
      expect(Buffer.concat(lines.map((line) => readJsonPacket(JSON.parse(line), V5).bytes)).toString('hex'), what).toBe(
        bytes.toString('hex'),
      )
      if (bytes === valid) expect(decodeAll(bytes, sender, version)).toHaveLength(1)
    }
  })

  describeCaptures('of captures', () => {
    const files = readdirSync(captures).filter((file) => /\.pcap(ng)?$/.test(file))

    it('in hex, and through a capture of its own', async () => {
      for (const file of files.filter((name) => /^s0[245]/.test(name))) {
        const path = join(captures, file)
        const { stdout: json } = await run(['inspect', '--json', path])
        const { stdout: hex } = await run(['inspect', 'encode'], { input: json })
        expect(hex).toBe(rawLines(json))
        const again = await shell('mqtt-kit inspect encode --to pcapng | mqtt-kit inspect --json', {
          input: json,
        }).finished()
        const [before, after] = [objects(json), objects(again.stdout)]
        expect(after.map(withoutPlace)).toEqual(before.map(withoutPlace))
        // the made-up capture counts in microseconds
        for (const [index, { time }] of after.entries()) expect(Math.abs(time - before[index]!.time)).toBeLessThan(2e-6)
      }
    })
  })
})

interface PrintedPacket {
  readonly time: number
  readonly fields: readonly { readonly raw: string }[]
}

function objects(json: string): PrintedPacket[] {
  return json
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

function rawLines(json: string): string {
  return objects(json)
    .map(({ fields }) => `${fields.map(({ raw }) => raw).join('')}\n`)
    .join('')
}

// without what a capture that was made up has in its own way
function withoutPlace(packet: PrintedPacket): object {
  return { ...packet, frame: 0, offset: 0, time: 0 }
}

describe('inspect encode writes', () => {
  const two = '{"type":"connect","clientId":"c"}\n{"type":"pingreq"}\n'
  const hex = '100e00044d51545405020000000001' + '63'

  it.each([
    ['hex', `${hex}\nc000\n`],
    ['base64', `${Buffer.from(`${hex}c000`, 'hex').toString('base64')}\n`],
    [
      'c',
      'const unsigned char mqtt_packets[] = {\n' +
        '  /* CONNECT, 16 bytes */\n' +
        '  0x10, 0x0e, 0x00, 0x04, 0x4d, 0x51, 0x54, 0x54, 0x05, 0x02, 0x00, 0x00,\n' +
        '  0x00, 0x00, 0x01, 0x63,\n' +
        '  /* PINGREQ, 2 bytes */\n' +
        '  0xc0, 0x00,\n' +
        '};\n',
    ],
  ])('%s, which inspect reads again', async (notation, text) => {
    const { stdout, stderr, exitCode } = await run(['inspect', 'encode', '--to', notation], { input: two })

    expect({ stdout, stderr, exitCode }).toEqual({ stdout: text, stderr: '', exitCode: 0 })
    expect((await run(['inspect', '--view', 'line'], { input: stdout })).stdout).toMatch(
      /^-> CONNECT .*\n-> PINGREQ, 2 B\n$/,
    )
  })

  it('raw bytes', async () => {
    const { stdoutBytes } = await run(['inspect', 'encode', '--to', 'binary', two])

    expect(stdoutBytes.toString('hex')).toBe(`${hex}c000`)
  })

  it('a capture with a connection for each stream', async () => {
    const input = '{"type":"connect","stream":4,"time":5.5}{"type":"connect","stream":1}{"type":"connack","stream":4}'
    const { stdoutBytes } = await run(['inspect', 'encode', '--to', 'pcapng'], { input })
    const { stdout } = await run(['inspect', '--json', '-'], { input: stdoutBytes })
    const packets = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))

    expect(packets.map(({ type, dir, stream, time }) => [type, dir, stream, time])).toEqual([
      ['connect', 'c2s', 0, 5.5],
      ['connect', 'c2s', 1, 5.501],
      ['connack', 's2c', 0, 5.502],
    ])
  })

  it('nothing but an error that names the line, after the packets before it', async () => {
    const outcome = await run(['inspect', 'encode'], { input: '{"type":"pingreq"}\n\n{"type":"puback"}\n' })

    expect(outcome).toMatchObject({ exitCode: 2, stdout: 'c000\n' })
    expect(outcome.stderr).toMatch(/^mqtt-kit inspect encode: line 3: expected a number from 1 to 65535 at "packetId"/)
  })

  it.each([
    ['', 'there is no JSON object'],
    ['nonsense', 'line 1: expected a JSON object, not "n"'],
    ['{"type":\n', 'line 1: the object that begins here does not end'],
    ['\n{"type":}', 'line 2: expected JSON: '],
  ])('no bytes of %j', async (input, message) => {
    const { exitCode, stdout, stderr } = await run(['inspect', 'encode'], { input })

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  it.each([
    [['packets.json'], 'there is no file "packets.json", and it is no JSON'],
    [['{"type":"pingreq"}', '-'], 'one INPUT is expected'],
    [['--to', 'hx'], '--to "hx": expected hex, base64, c, binary or pcapng'],
  ])('no bytes for %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(['inspect', 'encode', ...args])

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  it('passes over what inspect proxy tells beside packets', async () => {
    const input =
      '{"event":"ready","pid":1}\n{"type":"pingreq","fields":[{"raw":"c0"},{"raw":"00"}],"injected":{"copy":true}}\n'

    expect(await run(['inspect', 'encode'], { input })).toMatchObject({ exitCode: 0, stdout: 'c000\n' })
  })

  it('help of its own, and is named in that of the program', async () => {
    expect((await run(['help', 'inspect', 'encode'])).stdout).toMatch(/^Usage: mqtt-kit inspect encode /)
    expect((await run(['inspect', 'encode', '--help'])).stdout).toMatch(/^Usage: mqtt-kit inspect encode /)
    expect((await run(['--help'])).stdout).toMatch(/^ {2}inspect encode /m)
  })
})

describe('JSON objects are found', () => {
  const lines = '{"a":"}\\"{"}\n[{"b":{"c":1}},\r\n {"d"\n:2}]'

  it.each([1, 2, 3, 7, 100])('in chunks of %d bytes, with the line on which each begins', (size) => {
    const objects = new JsonObjects()
    const bytes = Buffer.from(lines)
    const found: PlacedObject[] = []
    for (let at = 0; at < bytes.length; at += size) found.push(...objects.push(bytes.subarray(at, at + size)))
    objects.end()

    expect(found).toEqual([
      { value: { a: '}"{' }, line: 1 },
      { value: { b: { c: 1 } }, line: 2 },
      { value: { d: 2 }, line: 3 },
    ])
  })
})

it('a topic that only its alias told is no member to be encoded', () => {
  const [first, aliased] = ['300b0003612f62032300016869', '30080000032300016869'].map((hex) => Buffer.from(hex, 'hex'))
  const [, packet] = new LenientDecoder(Role.CLIENT, V5).push(Buffer.concat([first!, aliased!]))
  const value = JSON.parse(packetJson(packet!, new PayloadReader('auto')))

  expect(value).toMatchObject({
    topic: 'a/b',
    fields: expect.arrayContaining([expect.objectContaining({ value: '' })]),
  })
  expect(encoded(value)).toBe(aliased!.toString('hex'))
})
