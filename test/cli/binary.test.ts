import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Broker } from '../../src/broker/broker.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Peer, run } from '../support/peers.ts'
import { type TestAnswers, testAccess } from '../support/test-access.ts'

const BINARY = fileURLToPath(new URL('../../bin/mqtt-kit.cjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-cli-'))

const mqttKit = (...args: string[]) => run(process.execPath, BINARY, ...args)
const begin = (...args: string[]) => new Peer(process.execPath, [BINARY, ...args])

const servers: Server[] = []
const brokers: Broker[] = []
const sockets: Socket[] = []

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
  for (const broker of brokers.splice(0)) await broker.stop()
})

async function broker(answers: TestAnswers = {}): Promise<Broker> {
  const access = testAccess({ authenticate: () => ({ identity: null }), ...answers })
  const started = await Broker.start({ port: 0, sysIntervalSeconds: 0, access })
  brokers.push(started)
  return started
}

/** A TCP server that is no broker: says what it is told, or nothing. */
async function stranger(answer: string | null): Promise<string> {
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => socket.destroy())
    socket.on('data', () => {
      if (answer !== null) socket.end(answer)
    })
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** `mqtt-kit sub` that has its SUBACK. */
async function subscribed(url: string, ...args: string[]): Promise<Peer> {
  const peer = begin('sub', url, '-d', ...args)
  await peer.says('SUBACK')
  return peer
}

/** One line on stderr that begins with the name of the command. */
function oneLine(stderr: string, command: string): void {
  expect(stderr).toMatch(new RegExp(`^mqtt-kit ${command}: [^\\n]+\\n$`))
}

describe('exit codes', () => {
  it('2: names a wrong flag and what may have been meant', async () => {
    const { exitCode, stdout, stderr } = await mqttKit('pub', '-t', 'x', '--mesage', 'y')
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain('--message')
  })

  it('2: demands a payload instead of making one up', async () => {
    expect(await mqttKit('pub', '-t', 'x')).toMatchObject({ exitCode: 2, stdout: '' })
  })

  it('3: says that a broker is down', async () => {
    const url = await stranger(null)
    servers.pop()!.close()
    const { exitCode, stderr } = await mqttKit('pub', url, '-t', 'x', '-m', 'y')
    expect(exitCode).toBe(3)
    oneLine(stderr, 'pub')
    expect(stderr).toContain('ECONNREFUSED')
  })

  it('3: does not wait longer than the connect timeout for a broker that never answers', async () => {
    const url = await stranger(null)
    const { exitCode, stderr } = await mqttKit('sub', url, '-t', 'x', '--connect-timeout', '300ms')
    expect(exitCode).toBe(3)
    oneLine(stderr, 'sub')
    expect(stderr).toContain('CONNACK')
  })

  it('3: names the address of a port in use', async () => {
    const { url } = await broker()
    const { port } = new URL(url)
    const { exitCode, stdout, stderr } = await mqttKit('serve', '-p', port)
    expect([exitCode, stdout]).toEqual([3, ''])
    oneLine(stderr, 'serve')
    expect(stderr).toContain(port)
  })

  it('5: tells why CONNECT was refused', async () => {
    const { url } = await broker({ authenticate: () => ({ refused: 0x86 }) })
    const { exitCode, stderr } = await mqttKit('pub', url, '-t', 'x', '-m', 'y')
    expect(exitCode).toBe(5)
    expect(stderr).toContain('0x86 Bad User Name or Password')
  })

  it('5: tells the return code of 3.1.1 too', async () => {
    const { url } = await broker({ authenticate: () => ({ refused: 0x87 }) })
    const { exitCode, stderr } = await mqttKit('pub', url, '-V', '3.1.1', '-t', 'x', '-m', 'y')
    expect(exitCode).toBe(5)
    expect(stderr).toContain('return code 5')
  })

  it('6: ends when no filter is granted', async () => {
    const { url } = await broker({ maySubscribe: () => false })
    const { exitCode, stderr } = await mqttKit('sub', url, '-t', 'x')
    expect(exitCode).toBe(6)
    expect(stderr).toContain('0x87 Not authorized')
  })

  it('7: ends when another client takes the id over', async () => {
    const { url } = await broker()
    const first = await subscribed(url, '-t', 'x', '-i', 'twin')
    const second = await subscribed(url, '-t', 'x', '-i', 'twin')
    const { exitCode, stderr } = await first.finished()
    expect(exitCode).toBe(7)
    expect(stderr).toContain('0x8E Session taken over')
    second.kill()
    await second.finished()
  })

  it('7: ends when the connection is lost and is not to be made again', async () => {
    const { url } = await broker()
    const subscriber = await subscribed(url, '-t', 'x', '--no-reconnect')
    await brokers.pop()!.stop()
    expect((await subscriber.finished()).exitCode).toBe(7)
  })

  it('9: tells why a message was refused', async () => {
    const { url } = await broker({ mayPublish: () => false })
    const { exitCode, stderr } = await mqttKit('pub', url, '-t', 'x', '-m', 'y', '-q', '1')
    expect(exitCode).toBe(9)
    expect(stderr).toContain('0x87 Not authorized')
  })

  it('10: sees that HTTP answers', async () => {
    const url = await stranger('HTTP/1.1 400 Bad Request\r\n\r\n')
    const { exitCode, stderr } = await mqttKit('pub', url, '-t', 'x', '-m', 'y')
    expect(exitCode).toBe(10)
    oneLine(stderr, 'pub')
    expect(stderr).toContain('HTTP')
  })

  it('27: ends after -W when nothing came', async () => {
    const { url } = await broker()
    expect(await mqttKit('sub', url, '-t', 'x', '-C', '1', '-W', '500ms')).toMatchObject({ exitCode: 27, stdout: '' })
  })
})

describe('serve', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('prints exactly one ready line and ends with 0 on %s', async (signal) => {
    const server = begin('serve', '-p', '0')
    await server.says('\n')
    expect(server.stdout).toMatch(/^mqtt-kit ready mqtt:\/\/127\.0\.0\.1:\d+\n$/)
    server.kill(signal)
    expect(await server.finished()).toMatchObject({ exitCode: 0 })
  })

  it('says that it is ready as JSON and in a file', async () => {
    const file = join(folder, 'ready')
    const server = begin('serve', '-p', '0', '--json', '--ready-file', file)
    await server.says('\n')
    const ready = JSON.parse(server.stdout)
    expect(ready).toMatchObject({ event: 'ready', pid: server.child.pid, listeners: [expect.stringMatching(/^mqtt:/)] })
    expect(readFileSync(file, 'utf8')).toBe(server.stdout)
    server.kill()
    await server.finished()
  })

  it('runs a command with MQTT_URL and ends with its exit code', async () => {
    const { exitCode, stdout } = await mqttKit('serve', '-p', '0', '--exec', 'echo "at $MQTT_URL"; exit 7')
    expect(exitCode).toBe(7)
    expect(stdout).toMatch(/at mqtt:\/\/127\.0\.0\.1:\d+\n/)
  })

  it('refuses to serve others than this machine without authentication', async () => {
    const { exitCode, stderr } = await mqttKit('serve', '-h', '0.0.0.0', '-p', '0')
    expect(exitCode).toBe(2)
    expect(stderr).toContain('--allow-anonymous')
  })
})

describe('pub and sub', () => {
  let url: string

  beforeEach(async () => {
    ;({ url } = await broker())
  })

  it('carry a hundred thousand lines byte for byte and in order, NUL and invalid UTF-8 included', async () => {
    const lines = Array.from({ length: 100_000 }, (_, i) =>
      Buffer.from([...Buffer.from(`${i} `), 0, 255, 13, i % 256 === 10 ? 11 : i % 256, 10]),
    )
    const file = join(folder, 'lines')
    writeFileSync(file, Buffer.concat(lines))
    const subscriber = await subscribedQuietly('-q', '1', '-C', '100000')
    const publisher = begin('pub', url, '-t', 'lines', '-l', '-q', '1')
    publisher.child.stdin!.end(readFileSync(file))
    expect((await publisher.finished()).exitCode).toBe(0)
    const { exitCode, stdout } = await subscriber.finished()
    expect(exitCode).toBe(0)
    expect(Buffer.from(stdout, 'latin1').equals(readFileSync(file))).toBe(true)
  })

  // without -d, whose lines would be a hundred thousand too: the broker tells when it has answered
  async function subscribedQuietly(...args: string[]): Promise<Peer> {
    const answered = new Promise<void>((resolve) => {
      brokers.at(-1)!.trace = (_connection, sent, packet) => {
        if (sent && packet.packetType === PacketType.SUBACK) resolve()
      }
    })
    const peer = begin('sub', url, '-t', 'lines', ...args)
    await answered
    brokers.at(-1)!.trace = null
    return peer
  }

  it('end quietly with 0 when the reader of their output goes', async () => {
    const subscriber = await subscribedQuietly()
    subscriber.child.stdout!.destroy()
    const lines = begin('pub', url, '-t', 'lines', '-l', '-q', '1')
    lines.child.stdin!.end('line\n'.repeat(1000))
    await lines.finished()
    expect(await subscriber.finished()).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('stop exactly after -C messages', async () => {
    const subscriber = await subscribedQuietly('-C', '3')
    const lines = begin('pub', url, '-t', 'lines', '-l')
    lines.child.stdin!.end('1\n2\n3\n4\n5\n')
    await lines.finished()
    expect(await subscriber.finished()).toMatchObject({ exitCode: 0, stdout: '1\n2\n3\n' })
  })

  it('send DISCONNECT on Ctrl-C, so that the will stays silent, and end with 0', async () => {
    const watcher = await subscribed(url, '-t', 'will', '-W', '20', '-C', '1')
    const subscriber = await subscribed(url, '-t', 'x', '--will-topic', 'will', '--will-payload', 'gone')
    subscriber.kill('SIGINT')
    expect((await subscriber.finished()).exitCode).toBe(0)
    await mqttKit('pub', url, '-t', 'will', '-m', 'only this')
    expect((await watcher.finished()).stdout).toBe('only this\n')
  })

  it('print messages as JSON lines that lose nothing', async () => {
    const subscriber = await subscribed(url, '-t', 'j', '--json', '-C', '2')
    await mqttKit('pub', url, '-t', 'j', '-m', 'text', '--prop', 'content-type=text/plain')
    const binary = begin('pub', url, '-t', 'j', '-s')
    binary.child.stdin!.end(Buffer.from([0, 255]))
    await binary.finished()
    const [text, bytes] = (await subscriber.finished()).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(text).toMatchObject({
      topic: 'j',
      payload: 'text',
      qos: 0,
      retain: false,
      properties: { contentType: 'text/plain' },
    })
    expect(bytes).toMatchObject({ topic: 'j', payloadBase64: 'AP8=' })
    expect(bytes).not.toHaveProperty('payload')
  })
})
