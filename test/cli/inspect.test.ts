import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type FrameOptions, rawFrame } from '../support/frames.ts'
import { run, shell } from '../support/program.ts'
import { birth, data } from '../support/wire.ts'

const PUBLISH = '30 07 00 03 61 2f 78 68 69'
const ESCAPE = '\u001b['

describe('inspect', () => {
  it('shows one packet as a tree with bits', async () => {
    const { exitCode, stdout, stderr } = await run(['inspect', PUBLISH])

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toBe(
      [
        'PUBLISH MQTT 3.1.1, client to server, 9 bytes at offset 0',
        '    0 30                       Packet Type and Flags: PUBLISH',
        '      0011 ....                  Packet Type: 3',
        '      .... 0...                  DUP: 0',
        '      .... .00.                  QoS: 0',
        '      .... ...0                  RETAIN: 0',
        '    1 07                       Remaining Length: 7',
        '    2 00 03 61 2f 78           Topic Name: "a/x"',
        '    7 68 69                    Payload: "hi"',
        '',
      ].join('\n'),
    )
  })

  it('joins arguments that the shell has cut at their spaces', async () => {
    expect(await run(['inspect', ...PUBLISH.split(' ')])).toEqual(await run(['inspect', PUBLISH]))
  })

  it('prints the JSON of the contract', async () => {
    const { stdout } = await run(['inspect', '--json', PUBLISH])
    const { fields, ...rest } = JSON.parse(stdout)

    expect(rest).toEqual({
      type: 'publish',
      version: '3.1.1',
      dir: 'c2s',
      stream: null,
      frame: null,
      time: null,
      offset: 0,
      length: 9,
      issues: [],
      payload: { kind: 'text', value: 'hi' },
    })
    expect(fields[2]).toEqual({ name: 'Topic Name', start: 2, end: 7, raw: '0003612f78', value: 'a/x', text: '"a/x"' })
  })

  it('names a broken rule, where it is, and ends with exit code 11', async () => {
    const { exitCode, stdout } = await run(['inspect', '--mqtt', '3.1.1', '80080001000361787801'])

    expect(exitCode).toBe(11)
    expect(stdout).toContain('\n      ! [MQTT-3.8.1-1] byte 0: flags of SUBSCRIBE are not 0010')
  })

  it('explains one byte', async () => {
    const { stdout } = await run(['inspect', '--byte', '5', PUBLISH])

    expect(stdout).toBe('byte 5 is 0x2f (47): byte 5 of a packet of 9\nTopic Name: "a/x"\n')
  })

  it('reads raw bytes and gzip from stdin', async () => {
    const input = Buffer.from(PUBLISH.replaceAll(' ', ''), 'hex')

    for (const bytes of [input, gzipSync(input)]) {
      expect((await run(['inspect', '-'], { input: bytes })).stdout).toContain('Topic Name: "a/x"')
    }
  })

  it('finds MQTT in a masked WebSocket frame', async () => {
    const frame = '82 82 01 02 03 04 c1 02'
    const { stdout } = await run(['inspect', frame])

    expect(stdout).toMatch(/^PINGREQ MQTT 5\.0/)
  })

  it.each([
    ['the broker is down!', 'text in no notation of bytes'],
    ['16 03 01 02 00 01 00 01 fc 03 03', 'a TLS record'],
    ['47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31', 'HTTP'],
  ])('says what %j is, with exit code 2', async (input, what) => {
    const { exitCode, stdout, stderr } = await run(['inspect', input])

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(`this is no MQTT; it looks like ${what}`)
  })

  it('uses colour when told to', async () => {
    expect((await run(['inspect', PUBLISH], { environment: { FORCE_COLOR: '1' } })).stdout).toContain(ESCAPE)
    expect((await run(['inspect', PUBLISH])).stdout).not.toContain(ESCAPE)
  })

  it('ends quietly when nobody reads', async () => {
    expect(await shell(`mqtt-kit inspect ${PUBLISH} | true`).finished()).toMatchObject({ exitCode: 0, stderr: '' })
  })
})

describe('inspect shows', () => {
  const connect = '100d00044d51545404020000000163'
  const both = `${connect}\n${PUBLISH}`

  it('a hex dump', async () => {
    const { stdout } = await run(['inspect', '--view', 'hex', PUBLISH])

    expect(stdout).toBe(
      'PUBLISH MQTT 3.1.1, client to server, 9 bytes at offset 0\n' +
        '000000  30 07 00 03 61 2f 78 68  69                       0...a/xhi\n',
    )
  })

  it('a table', async () => {
    const { stdout } = await run(['inspect', '--view', 'table', both])

    expect(stdout.split('\n')).toEqual([
      '  Frame        Time  Str Dir Type           Id  Bytes Details',
      '                         c2s CONNECT               15 3.1.1 client-id="c" clean-start keep-alive=0s',
      '                         c2s PUBLISH                9 qos=0 topic="a/x" payload=2 B',
      '',
    ])
  })

  it('arrows between client and server', async () => {
    const { stdout } = await run(['inspect', '--view', 'flow', both])
    const lines = stdout.split('\n')

    expect(lines[0]).toMatch(/^ +client +server$/)
    expect(lines[1]).toMatch(/^ +\|- CONNECT 3\.1\.1 client-id="c" clean-start keep-alive=0s -+>\|$/)
  })

  it('only what a filter lets pass', async () => {
    const { stdout } = await run(['inspect', '--view', 'line', '--filter', 'topic ~ "a/#"', both])

    expect(stdout).toBe('-> PUBLISH qos=0 topic="a/x" payload=2 B, 9 B\n')
  })

  it('what is wrong with a filter', async () => {
    const { exitCode, stderr } = await run(['inspect', '--filter', 'colour', PUBLISH])

    expect(exitCode).toBe(2)
    expect(stderr).toContain('is expected at character 1, not "colour"')
  })

  it('payloads as one likes', async () => {
    expect((await run(['inspect', '--payload', 'hex', PUBLISH])).stdout).toContain('Payload: 6869\n')
    expect(JSON.parse((await run(['inspect', '--json', '--payload', 'base64', PUBLISH])).stdout).payload).toEqual({
      kind: 'base64',
      value: 'aGk=',
    })
  })

  it('bytes in the notation that was named', async () => {
    expect((await run(['inspect', '--from', 'decimal', '192 0'])).stdout).toMatch(/^PINGREQ/)
    expect((await run(['inspect', '--from', 'capture', PUBLISH])).stderr).toContain('neither pcap nor pcapng')
  })
})

describe('inspect shows of a capture', () => {
  const pcap = (...frames: readonly (readonly [number, Buffer, FrameOptions?])[]) =>
    Buffer.concat([
      Buffer.from('d4c3b2a1020004000000000000000000ffff000065000000', 'hex'),
      ...frames.flatMap(([sequence, payload, options]) => {
        const { bytes } = rawFrame(1, sequence, payload, options)
        const header = Buffer.alloc(16)
        header.writeUInt32LE(bytes.length, 8)
        header.writeUInt32LE(bytes.length, 12)
        return [header, bytes]
      }),
    ])
  const hex = (text: string) => Buffer.from(text, 'hex')
  const file = pcap(
    [999, Buffer.alloc(0), { flags: 2 }],
    [1000, hex('100d00044d51545404020000000163')],
    [500, hex('20020000'), { isAnswer: true }],
    [1015, hex('3209000174000161616161'), { flags: 0x11 }],
  )

  it('lines with Client Identifier and latency, and that the sessions show faults', async () => {
    const { stdout, stderr } = await run(['inspect', '-'], { input: file })

    expect(stdout.split('\n')[1]).toBe(
      '   0.000000 #0 c <- CONNACK return code 0 Connection accepted, 4 B, after 0.000 ms',
    )
    expect(stderr).toContain('the sessions show 1 fault: --view session tells more')
  })

  it('its sessions, as text and as JSON', async () => {
    const { stdout } = await run(['inspect', '--view', 'session', '-'], { input: file })
    const json = await run(['inspect', '--view', 'session', '--json', '-'], { input: file })

    expect(stdout).toContain(
      '#0 "c" MQTT 3.1.1, 3 packets, 30 B, 0.000 to 0.000 s, closed, 10.0.0.1:4000 -> 10.0.0.2:5000',
    )
    expect(stdout).toContain('warning [MQTT-4.3.2-1] #0, frame 4, 0.000000 s: PUBLISH was never acknowledged')
    expect(JSON.parse(json.stdout)).toMatchObject({ finding: 'UNACKNOWLEDGED_PUBLISH', stream: 0, frame: 4 })
  })

  it('one side, one port', async () => {
    const server = await run(['inspect', '--dir', 's2c', '--view', 'line', '-'], { input: file })
    const other = await run(['inspect', '--port', '1883', '-'], { input: file })

    expect(server.stdout.trimEnd().split('\n')).toHaveLength(1)
    expect({ exitCode: other.exitCode, stdout: other.stdout }).toEqual({ exitCode: 2, stdout: '' })
  })
})

describe('inspect --payload', () => {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-proto-'))
  const proto = join(folder, 'reading.proto')
  // {"a":1} in CBOR
  const cbor = '30 07 00 01 61 a1 61 61 01'

  writeFileSync(join(folder, 'unit.proto'), 'syntax = "proto3"; enum Unit { CELSIUS = 0; KELVIN = 1; }')
  writeFileSync(
    proto,
    'syntax = "proto3"; package p; import "unit.proto"; message Reading { int64 id = 1; Unit unit = 2; bytes raw = 3; } message Other { string a = 1; }',
  )
  const reading = '30 0c 00 01 61 08 96 01 10 01 1a 02 00 ff'

  it('recognises CBOR, in the tree and in JSON', async () => {
    const tree = await run(['inspect', '--mqtt', '3.1.1', cbor])
    const json = await run(['inspect', '--mqtt', '3.1.1', '--json', cbor])

    expect(tree.stdout).toContain('Payload: CBOR {"a":1}\n')
    expect(JSON.parse(json.stdout).payload).toEqual({ kind: 'cbor', value: { a: 1 } })
  })

  it('says why a payload is not what was asked for', async () => {
    const { stdout, exitCode } = await run(['inspect', '--mqtt', '3.1.1', '--payload', 'msgpack', cbor])

    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/Payload: a1616101\n +no MessagePack: the value ends after 2 of 4 bytes\n/)
  })

  it('shows long JSON in lines, with all its digits', async () => {
    const payload = Buffer.from('{"id":9007199254740993,"text":"long enough for lines of its own, to be sure"}')
    const input = Buffer.concat([Buffer.from([0x30, payload.length + 3, 0, 1, 0x61]), payload])
    const { stdout } = await run(['inspect', '--mqtt', '3.1.1', '-'], { input })

    expect(stdout).toMatch(/Payload: JSON\n +\{\n +"id": 9007199254740993,\n/)
  })

  it('decodes a message of a .proto file, with what it imports', async () => {
    const { stdout } = await run([
      'inspect',
      '--mqtt',
      '3.1.1',
      '--json',
      '--proto',
      proto,
      '--proto-type',
      'Reading',
      reading,
    ])

    expect(JSON.parse(stdout).payload).toEqual({
      kind: 'protobuf',
      value: { id: '150', unit: 'KELVIN', raw: { hex: '00ff' } },
    })
    expect(
      JSON.parse(
        (await run(['inspect', '--mqtt', '3.1.1', '--json', '--proto', proto, '--proto-type', 'p.Reading', cbor]))
          .stdout,
      ).payload,
    ).toMatchObject({ kind: 'hex', problem: expect.stringMatching(/^no protobuf: /) })
  })

  it.each([
    [['--proto', proto], /^mqtt-kit inspect: --proto-type is needed: .* has p\.Reading, p\.Other/],
    [['--proto', proto, '--proto-type', 'Readin'], /--proto-type Readin: .*p\.Reading, p\.Other/],
    [['--proto', join(folder, 'none.proto')], /cannot read --proto .*none\.proto/],
    [['--proto-type', 'Reading'], /--proto-type needs --proto FILE/],
    [['--payload', 'protobuf'], /--payload protobuf needs --proto FILE/],
    [['--payload', 'cbor', '--proto', proto], /--proto and --payload cbor exclude each other/],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(['inspect', ...args, reading])

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })

  it('names the metrics of Sparkplug B that a BIRTH has given aliases', async () => {
    const publish = (message: string, payload: Buffer): string =>
      JSON.stringify({
        type: 'publish',
        version: '3.1.1',
        topic: `spBv1.0/g/${message}/n`,
        payloadHex: payload.toString('hex'),
      })
    const { stdout: bytes } = await run(['inspect', 'encode'], {
      input: publish('NBIRTH', birth()) + publish('NDATA', data(1)),
    })
    const { stdout } = await run(['inspect', '--view', 'tree', '--filter', 'topic ~ NDATA'], { input: bytes })

    expect(stdout).toMatch(/Payload: Sparkplug B NDATA, seq 1\n +count = -1 \(Int32\)\n$/)
  })
})
