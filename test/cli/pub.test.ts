import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { decodeAll } from '../../src/codec/decoder.ts'
import { Role } from '../../src/codec/packet-type.ts'
import type { Publish } from '../../src/codec/packets/publish.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { QoS } from '../../src/codec/qos.ts'
import { run, shell, start } from '../support/program.ts'
import type { RawClient } from '../support/raw-client.ts'
import { startBroker } from '../support/test-broker.ts'

const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** A broker with a subscriber for everything. */
async function listening() {
  const { url, client, logged } = await startBroker()
  const subscriber = await client()
  await subscriber.subscribe('#')
  return { url, subscriber, client, logged }
}

async function payload(subscriber: RawClient): Promise<Buffer> {
  return (await subscriber.message()).publish.message.payload
}

/** Every byte there is, with carriage returns and invalid UTF-8, but without what separates lines. */
const ALL_BYTES = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => byte !== 0x0a))

describe('pub', () => {
  it.each([
    ['-m', 'hello'],
    ['-m', ''],
    ['-m', '-5'],
    ['-m', 'ünïcode €'],
  ])('publishes with %s %j just that', async (...args) => {
    const { url, subscriber } = await listening()

    expect(await run(['pub', url, '-t', 'a/b', ...args])).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })

    expect(await subscriber.message()).toMatchObject({ topic: 'a/b', payload: args[1], qos: 0, retain: false })
  })

  it('publishes an argument that is no UTF-8 as it is', async () => {
    const { url, subscriber } = await listening()

    await shell(`mqtt-kit pub ${url} -t a -m "$(printf 'x\\377\\200y')"`).finished()
    await shell(`mqtt-kit pub ${url} -t a --message="$(printf '\\377')"`).finished()

    expect(await payload(subscriber)).toEqual(Buffer.from([0x78, 0xff, 0x80, 0x79]))
    expect(await payload(subscriber)).toEqual(Buffer.from([0xff]))
  })

  it('publishes nothing with -n, which removes what is retained', async () => {
    const { url, client } = await startBroker()
    const later = await client()

    await run(['pub', url, '-t', 'a', '-m', 'kept', '-r', '-q', '1'])
    await run(['pub', url, '-t', 'a', '-n', '-r', '-q', '1'])
    await later.subscribe('#')

    await later.quiet()
  })

  it('publishes a file byte for byte', async () => {
    const { url, subscriber } = await listening()
    const file = join(folder, 'payload')
    writeFileSync(file, Buffer.concat([ALL_BYTES, Buffer.from('\n')]))

    await run(['pub', url, '-t', 'a', '-f', file])

    expect(await payload(subscriber)).toEqual(Buffer.concat([ALL_BYTES, Buffer.from('\n')]))
  })

  it.each([['-s'], ['-f', '-']])('publishes all of stdin byte for byte with %s %s', async (...args) => {
    const { url, subscriber } = await listening()
    const input = Buffer.concat([Buffer.alloc(200_000, ALL_BYTES), Buffer.from('\n\n')])

    const words = args.filter((word) => word !== undefined)
    expect((await run(['pub', url, '-t', 'a', ...words], { input })).exitCode).toBe(0)

    expect((await payload(subscriber)).equals(input)).toBe(true)
  })

  it('publishes each line of stdin, whatever bytes it has, the last one without newline too', async () => {
    const { url, subscriber } = await listening()
    const input = Buffer.concat([Buffer.from('one\r\n\n'), ALL_BYTES, Buffer.from('\nlast')])

    await run(['pub', url, '-t', 'a', '-l'], { input })

    expect(await payload(subscriber)).toEqual(Buffer.from('one\r'))
    expect(await payload(subscriber)).toEqual(Buffer.alloc(0))
    expect(await payload(subscriber)).toEqual(ALL_BYTES)
    expect(await payload(subscriber)).toEqual(Buffer.from('last'))
    await subscriber.quiet()
  })

  it('publishes what stands between zero bytes with --null-lines', async () => {
    const { url, subscriber } = await listening()

    await run(['pub', url, '-t', 'a', '--null-lines'], { input: 'one\ntwo\0three\0' })

    expect(await payload(subscriber)).toEqual(Buffer.from('one\ntwo'))
    expect(await payload(subscriber)).toEqual(Buffer.from('three'))
    await subscriber.quiet()
  })

  it.each([0, 1, 2])('publishes 20,000 lines in order and without loss at QoS %i', async (qos) => {
    const { url, subscriber } = await listening()
    const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i}`)

    const { exitCode, stderr } = await run(['pub', url, '-t', 'a', '-l', '-q', String(qos)], {
      input: lines.join('\n'),
    })

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    const received: string[] = []
    while (received.length < lines.length) received.push((await subscriber.message()).payload)
    expect(received).toEqual(lines)
  })

  it('publishes lines as they come, before stdin ends', async () => {
    const { url, subscriber } = await listening()
    const program = start(['pub', url, '-t', 'a', '-l'])

    program.child.stdin!.write('first\nhalf a ')
    expect((await subscriber.message()).payload).toBe('first')
    program.child.stdin!.end('line\n')

    expect((await subscriber.message()).payload).toBe('half a line')
    expect((await program.finished()).exitCode).toBe(0)
  })

  it('repeats a message', async () => {
    const { url, subscriber } = await listening()

    await run(['pub', url, '-t', 'a', '-m', 'x', '--repeat', '3', '--repeat-delay', '1ms', '-q', '1'])

    for (let i = 0; i < 3; i++) expect((await subscriber.message()).payload).toBe('x')
    await subscriber.quiet()
  })

  it.each([0, 1, 2])('publishes at QoS %i and with RETAIN', async (qos) => {
    const { url, client } = await startBroker()

    await run(['pub', url, '-t', 'a', '-m', 'x', '-r', '-q', String(qos)])

    const later = await client()
    await later.subscribe({ topicFilter: 'a', qos: QoS.EXACTLY_ONCE })
    expect(await later.message()).toMatchObject({ payload: 'x', qos, retain: true })
  })

  it('publishes properties', async () => {
    const { url, subscriber } = await listening()

    await run([
      ...['pub', url, '-t', 'a', '-m', 'x', '-D', 'publish', 'user-property', 'unit', 'celsius'],
      ...['--prop', 'content-type=text/plain', '--prop', 'message-expiry-interval=60', '--prop', 'correlation-data=1'],
    ])

    expect((await subscriber.message()).properties).toEqual({
      messageExpiryIntervalSeconds: 60,
      contentType: 'text/plain',
      correlationData: Buffer.from('1'),
      userProperties: [['unit', 'celsius']],
    })
  })

  it('takes broker and topic from MQTT_URL', async () => {
    const { url, subscriber } = await listening()

    await run(['pub', '-m', 'x'], { environment: { MQTT_URL: `${url}/from/url` } })

    expect(await subscriber.message()).toMatchObject({ topic: 'from/url', payload: 'x' })
  })

  it.each(['3.1', '3.1.1', '5'])('speaks MQTT %s', async (version) => {
    const { url, subscriber, logged } = await listening()

    await run(['pub', url, '-t', 'a', '-m', 'x', '-q', '2', '-V', version, '-i', 'me'])

    expect((await subscriber.message()).payload).toBe('x')
    expect((await logged('connect', 'me')).detail).toContain(`MQTT ${version}`)
  })

  it('reads a password from a file without its line break, and from a variable', async () => {
    const { url } = await startBroker({ users: new Map([['ann', 'secret']]) })
    const file = join(folder, 'password')
    writeFileSync(file, 'secret\n')
    const message = ['pub', url, '-t', 'a', '-m', 'x', '-u', 'ann']

    expect((await run([...message, '--password-file', file])).exitCode).toBe(0)
    const environment = { PW: 'secret' }
    expect((await run([...message, '--password-env', 'PW'], { environment })).exitCode).toBe(0)
    expect((await run(['pub', url.replace('//', '//ann:secret@'), '-t', 'a', '-m', 'x'])).exitCode).toBe(0)
  })

  it('shows every packet with -d, and no secret', async () => {
    const { url } = await listening()

    const { stderr } = await run([
      'pub',
      url,
      '-t',
      'a',
      '-m',
      'x',
      '-q',
      '1',
      '-d',
      '-i',
      'me',
      '-u',
      'ann',
      '-P',
      'pw',
    ])

    const lines = stderr.trimEnd().split('\n')
    expect(lines.map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} /, ''))).toEqual([
      '-> CONNECT 5.0 client-id="me" clean-start keep-alive=60s user="ann" password=***, 26 bytes',
      expect.stringMatching(/^<- CONNACK 0x00 Success .*, \d+ bytes$/),
      '-> PUBLISH id=1 qos=1 topic="a" payload=1 B, 9 bytes',
      '<- PUBACK id=1 0x00 Success, 4 bytes',
      '-> DISCONNECT 0x00 Normal disconnection, 2 bytes',
    ])
  })

  it('publishes its will at the end with --will-on-exit only', async () => {
    const { url, subscriber } = await listening()
    const message = ['pub', url, '-t', 'a', '-m', 'x', '--will-topic', 'will', '--will-payload', 'gone']

    await run(message)
    await run([...message, '--will-on-exit'])

    const topics = [await subscriber.message(), await subscriber.message(), await subscriber.message()]
    expect(topics.map(({ topic }) => topic)).toEqual(['a', 'a', 'will'])
  })

  it('prints packets instead of sending them with --dry-run', async () => {
    const { exitCode, stdout } = await run(['pub', '-t', 'a', '-l', '-q', '1', '--dry-run'], { input: 'x\ny\n' })

    const packets = stdout
      .trimEnd()
      .split('\n')
      .flatMap((line) => decodeAll(Buffer.from(line, 'hex'), Role.CLIENT, ProtocolVersion.V5)) as Publish[]
    expect(exitCode).toBe(0)
    expect(packets.map(({ packetId, message }) => `${packetId} ${message.topicName} ${message.payload}`)).toEqual([
      '1 a x',
      '2 a y',
    ])
  })

  it.each([
    [['-t', 'a'], 'there is no payload: add -m TEXT, -f FILE, -s, -l, or -n for an empty one'],
    [['-m', 'x'], 'there is no topic: add -t TOPIC'],
    [['-t', 'a', '-m', 'x', '-n'], 'there are several payloads (-m, -n): give one'],
    [['-t', 'a', '-m', 'x', '-m', 'y'], 'there are several payloads (-m, -m): give one'],
    [['-t', 'a', '-l', '--repeat', '2'], '--repeat and --repeat-delay do not go with -l'],
    [['-t', 'a', '-f', '/nowhere/file'], 'cannot read /nowhere/file: ENOENT'],
    [['-t', 'a', '-m', 'x', '--prop', 'response-topic=a/#'], 'Response Topic holds'],
    [['-t', 'a', '-m', 'x', '--password-env', 'NOWHERE'], 'there is no environment variable NOWHERE'],
    [['-t', 'a', '-m', 'x', '-P', '-'], '-P - asks for the password, which needs stdin to be a terminal'],
    [['-m', 'x', 'mqtt://localhost/a/+'], 'the path of the URL: expected a topic name'],
  ])('ends with exit code 2 for %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(['pub', ...args])

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(/^mqtt-kit pub: .*\n$/)
    expect(stderr).toContain(message)
  })
})
