import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { encodePacket } from '../../src/codec/encoder.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { publish } from '../support/packets.ts'
import { type Program, run, start } from '../support/program.ts'
import { RawClient } from '../support/raw-client.ts'
import { startBroker } from '../support/test-broker.ts'
import { openRaw, startRawServer } from '../support/test-proxy.ts'

const MANY_PROGRAMS_MS = 60_000

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-proxy-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Starts a proxy and waits for its ready line. */
async function proxyTo(to: string, ...args: string[]): Promise<{ program: Program; urls: string[] }> {
  const listen = args.includes('--listen') ? [] : ['--listen', '0']
  const environment = { XDG_DATA_HOME: temporaryFolder() }
  const program = start(['inspect', 'proxy', ...listen, '--to', to, ...args], { environment })
  await program.says('\n')
  const [, line = ''] = /^(?:mqtt-kit ready (.*)|\{.*\})\n/.exec(program.stdout)!
  return { program, urls: line.split(' ') }
}

/** One message at QoS 1 and its acknowledgement. @returns null when the proxy made that impossible */
async function publishOnce(url: string, topicName = 'a/b'): Promise<void> {
  const client = await RawClient.connected(url, { clientId: 'me' })
  onTestFinished(() => {
    client.socket.destroy()
  })
  await client.publishAndWait(topicName, 'hello', { qos: 1 })
  client.disconnect()
  await client.closed()
  client.socket.end()
}

async function interrupted(
  program: Program,
  signal: NodeJS.Signals = 'SIGINT',
): Promise<{ lines: string[]; stderr: string }> {
  program.kill(signal)
  const { exitCode, stdout, stderr } = await program.finished()
  expect(exitCode).toBe(0)
  return { lines: stdout.trimEnd().split('\n').slice(1), stderr }
}

/** Times and sizes aside. */
function withoutTimes(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/^ *\d+\.\d{6} /, '').replace(/, after [\d.]+ ms/, ''))
}

describe('inspect proxy', () => {
  it('prints a line per packet as inspect does, the latency of answers, and on SIGINT what came to pass', async () => {
    const { url } = await startBroker()
    const { program, urls } = await proxyTo(url)
    await publishOnce(urls[0]!)
    await program.says('#0 closed by')

    const { lines, stderr } = await interrupted(program)
    expect(withoutTimes(lines)).toEqual([
      expect.stringMatching(/^#0 me -> CONNECT 5\.0 client-id="me" .* B$/),
      expect.stringMatching(/^#0 me <- CONNACK 0x00 Success/),
      '#0 me -> PUBLISH id=1 qos=1 topic="a/b" payload=5 B, 15 B',
      expect.stringMatching(/^#0 me <- PUBACK id=1 /),
      '#0 me -> DISCONNECT 0x00 Normal disconnection, 2 B',
    ])
    expect(lines[3]).toMatch(/, after \d+\.\d{3} ms$/)
    expect(stderr).toMatch(/#0 127\.0\.0\.1:\d+ is connected to mqtt:\/\/127\.0\.0\.1:\d+\n/)
    expect(stderr).toMatch(/: 1 connection; from clients 3 packets \(\d+ B passed\); from the broker 2 packets/)
  })

  it('prints JSON objects, the ready line first, and says in them what was injected', async () => {
    const { url } = await startBroker()
    const { program } = await proxyTo(url, '--json', '--duplicate', 'publish:c2s', '--delay', '1ms:s2c')
    const { event, listeners } = JSON.parse(program.stdout)
    expect(event).toBe('ready')
    await publishOnce(listeners[0])
    await program.says('#0 closed by')

    const { lines, stderr } = await interrupted(program)
    const packets = lines.map((line) => JSON.parse(line))
    expect(stderr).toMatch(
      /error \[MQTT-[\d.-]+\] #0: Packet Identifier is open in another exchange .* \(a copy of ours\)/,
    )
    expect(packets.filter(({ type }) => type === 'publish').map(({ dir, injected }) => [dir, injected])).toEqual([
      ['c2s', undefined],
      ['c2s', { copy: true }],
    ])
    expect(packets.find(({ type }) => type === 'connack').injected.heldMs).toBeGreaterThanOrEqual(1)
    expect(packets[0]).toMatchObject({ type: 'connect', version: '5', stream: 0, offset: 0, issues: [] })
  })

  it('shows what passes a filter, in the view that is asked for', async () => {
    const { url } = await startBroker()
    const { program, urls } = await proxyTo(url, '--filter', 'publish && topic ~ "a/#"', '--view', 'hex')
    await publishOnce(urls[0]!, 'b')
    await publishOnce(urls[0]!, 'a/b')
    await program.says('#1 closed by')

    const { lines } = await interrupted(program)
    expect(lines[0]).toMatch(/^PUBLISH MQTT 5\.0, client to server, 15 bytes/)
    expect(lines[1]).toMatch(/^000000 {2}32 0d 00 03 61 2f 62 00 {2}01 00 68 65 6c 6c 6f/)
    expect(lines).toHaveLength(2)
  })

  it('reports on the sessions at the end, when that is the view', async () => {
    const { url } = await startBroker()
    const { program, urls } = await proxyTo(url, '--view', 'session')
    await publishOnce(urls[0]!)
    await program.says('#0 closed by')

    const { lines } = await interrupted(program)
    expect(lines).toContain('Connections: 1')
    expect(lines).toContain('Findings: none')
  })

  it('drops what it is told to, tells so, and finds what that did to the session', async () => {
    const { url } = await startBroker()
    const { program, urls } = await proxyTo(url, '--drop', 'puback:s2c')
    const client = await RawClient.connected(urls[0]!)
    client.publish('a', 'x', { qos: 1 })
    await client.quiet()
    await client.end()
    await program.says('#0 closed by')

    const { lines, stderr } = await interrupted(program)
    expect(lines.find((line) => line.includes('PUBACK'))).toMatch(/, dropped$/)
    expect(stderr).toContain('warning [MQTT-4.3.2-3] #0: PUBLISH was never acknowledged')
    expect(stderr).toContain('; dropped 1 PUBACK')
    expect(stderr).not.toContain('seed')
  })

  it(
    'draws the same packets for the same seed, and tells the seed',
    async () => {
      const { url } = await startBroker()
      const dropped = async (...seed: string[]): Promise<{ lines: string[]; stderr: string }> => {
        const { program, urls } = await proxyTo(url, '--drop', 'publish:c2s:50%', ...seed)
        const client = await RawClient.connected(urls[0]!, { clientId: 'me' })
        for (let i = 0; i < 30; i++) client.publish(`a/${i}`, 'x')
        await client.quiet()
        await client.end()
        await program.says('#0 closed by')
        const { lines, stderr } = await interrupted(program)
        return { lines: withoutTimes(lines).filter((line) => line.endsWith('dropped')), stderr }
      }
      const [first, second] = [await dropped('--seed', '11'), await dropped('--seed', '11')]

      expect(first.lines.length).toBeGreaterThan(5)
      expect(second.lines).toEqual(first.lines)
      expect(first.stderr).toMatch(/dropped \d+ PUBLISH; seed 11\n/)
      expect((await dropped()).stderr).toMatch(/; seed \d+\n/)
    },
    MANY_PROGRAMS_MS,
  )

  it('cuts connections behind so many bytes, and shows what was cut', async () => {
    const { url } = await startBroker()
    const { program, urls } = await proxyTo(url, '--cut-after', '30b:c2s')
    const client = await RawClient.connected(urls[0]!, { clientId: 'me' })
    client.publish('a', 'never comes whole')
    await client.closed()
    await program.says('cut on purpose')

    const { lines, stderr } = await interrupted(program)
    expect(lines.at(-1)).toContain('[capture-incomplete]')
    expect(stderr).toContain('from clients 2 packets (30 B passed)')
    expect(stderr).toContain('; cut 1 connection')
  })

  it(
    'writes a capture that inspect reads as the same packets',
    async () => {
      const { url } = await startBroker()
      const path = join(temporaryFolder(), 'out.pcapng')
      const faults = ['--delay', '2ms-9ms', '--duplicate', 'publish', '--drop', 'pingresp']
      const { program, urls } = await proxyTo(url, '--write', path, ...faults)
      const client = await RawClient.connected(urls[0]!, { clientId: 'first' })
      await client.subscribe('a')
      client.publish('a', 'x'.repeat(150_000), { qos: 1 })
      await client.next()
      client.sendBytes('c000')
      const broken = await RawClient.connected(urls[0]!, { clientId: 'second' })
      broken.sendBytes('300600032b2f7868')
      await broken.end()
      client.cut()
      await program.says(' closed by')
      await program.says('#0 lost by the client')

      const { lines } = await interrupted(program)
      const ofProxy = withoutTimes(lines).map((line) => line.replace(/, (?:dropped|copy|copy, held.*|held.*)$/, ''))
      const { stdout } = await run(['inspect', '--view', 'line', path])
      const inspected = withoutTimes(stdout.trimEnd().split('\n'))
      expect(inspected).toEqual(ofProxy)
      expect(ofProxy.some((line) => line.includes('MQTT-3.3.2-2'))).toBe(true)

      const times = (from: readonly string[]) => from.flatMap((line) => /^ *(\d+\.\d{6}) /.exec(line)?.[1] ?? [])
      const ofLines = times(lines)
      const near = times(stdout.split('\n')).map((time, i) => Math.abs(Number(time) - Number(ofLines[i])))
      expect(Math.max(...near)).toBeLessThan(0.000_01)
    },
    MANY_PROGRAMS_MS,
  )

  it('ends a capture that has become too large, and goes on', async () => {
    const { url } = await startBroker()
    const path = join(temporaryFolder(), 'out.pcapng')
    const { program, urls } = await proxyTo(url, '--write', path, '--write-limit', '5000')
    for (let i = 0; i < 20; i++) await publishOnce(urls[0]!)
    await program.says('#19 closed by')

    const { lines, stderr } = await interrupted(program)
    expect(lines).toHaveLength(100)
    expect(stderr.match(/the capture in .* has ended: it has reached 5000 bytes/g)).toHaveLength(1)
    expect(readFileSync(path).length).toBeLessThanOrEqual(5000)
    expect((await run(['inspect', path])).exitCode).toBe(0)
  })

  it(
    'takes in TLS and WebSocket with the development certificate, for a broker on TCP',
    async () => {
      const { url } = await startBroker()
      const listen = ['mqtts://127.0.0.1:0', 'wss://127.0.0.1:0/mqtt', 'ws://127.0.0.1:0/mqtt']
      const { program, urls } = await proxyTo(url, ...listen.flatMap((one) => ['--listen', one]), '--tls-dev')
      await program.says('--cafile')
      const [, caFile = '', fingerprint = ''] = /development CA (\S+), SHA-256 fingerprint (\S+)/.exec(program.stderr)!
      const publishTo = (to: string, ...args: string[]) => run(['pub', to, '-t', 'a', '-m', 'x', '-q', '1', ...args])

      expect(await publishTo(urls[0]!, '--ca', caFile)).toMatchObject({ exitCode: 0 })
      expect(await publishTo(urls[1]!, '--trust', fingerprint)).toMatchObject({ exitCode: 0 })
      expect(await publishTo(urls[2]!)).toMatchObject({ exitCode: 0 })
      await program.says('#2 closed by')
      expect((await interrupted(program)).lines.filter((line) => line.includes('PUBACK'))).toHaveLength(3)
    },
    MANY_PROGRAMS_MS,
  )

  it('turns clients away while there is no broker, and serves them when there is one', async () => {
    const first = start(['serve', '-p', '0'])
    await first.says('\n')
    const url = /mqtt:\S+/.exec(first.stdout)![0]
    first.kill('SIGTERM')
    await first.finished()
    const { program, urls } = await proxyTo(url)
    const client = await RawClient.open(urls[0]!)
    await client.closed()
    await program.says('is turned away: cannot connect to mqtt://')
    const again = start(['serve', '-p', new URL(url).port])
    await again.says('mqtt-kit ready')
    await publishOnce(urls[0]!)
    await program.says('#1 closed by')

    expect((await interrupted(program)).stderr).toContain('; turned away 1 client')
  })

  it(
    'shows its pauses in the response latency of bench',
    async () => {
      const { url } = await startBroker()
      const { program, urls } = await proxyTo(url, '--view', 'session', '--pause', '100ms', '--pause-every', '500ms')
      const load = ['--rate', '500', '--duration', '2', '--warmup', '0', '-c', '2', '-q', '1', '--json']
      const { exitCode, stdout } = await run(['bench', urls[0]!, ...load])
      const { deliver, latency } = JSON.parse(stdout)

      expect({ exitCode, lost: deliver.lost }).toEqual({ exitCode: 0, lost: 0 })
      // a fifth of all messages meets a pause, and waits 50 ms on average
      expect(latency.response.p90Ms).toBeGreaterThan(25)
      expect(latency.response.maxMs).toBeGreaterThan(90)
      expect((await interrupted(program)).stderr).toMatch(/; held back \d+ packets/)
    },
    MANY_PROGRAMS_MS,
  )

  it(
    'makes senders wait while nobody reads its lines, and loses none of them',
    async () => {
      const server = await startRawServer()
      const readyFile = join(temporaryFolder(), 'ready')
      const args = ['inspect', 'proxy', '--listen', '0', '--to', server.url, '--ready-file', readyFile]
      const program = start(args, { readStdout: false })
      while (!existsSync(readyFile) || readFileSync(readyFile, 'utf8') === '') await setTimeout(20)
      const client = await openRaw(/mqtt:\S+/.exec(readFileSync(readyFile, 'utf8'))![0])
      const broker = await server.next()
      const message = encodePacket(publish('a', Buffer.alloc(1000, 'x')), ProtocolVersion.V5)
      const count = 20_000
      client.socket.write(Buffer.concat(Array<Buffer>(count).fill(message)))
      // until nothing moves any more: a machine that is slow ends the wait early, and that fails nothing
      for (let seen = -1; seen !== broker.bytes; ) {
        seen = broker.bytes
        await setTimeout(200)
      }
      expect(broker.bytes).toBeLessThan(count * message.length)
      program.readStdout()
      await broker.until(({ bytes }) => bytes === count * message.length)

      program.kill('SIGINT')
      // the ready line stands first
      expect((await program.finished()).stdout.trimEnd().split('\n')).toHaveLength(count + 1)
    },
    MANY_PROGRAMS_MS,
  )

  it('ends quietly when nobody reads its lines any more', async () => {
    const { url } = await startBroker()
    const { program, urls } = await proxyTo(url)
    program.child.stdout!.destroy()
    await publishOnce(urls[0]!).catch(() => {})

    expect((await program.finished()).exitCode).toBe(0)
  })

  it('says nothing on stderr when it is told to be quiet', async () => {
    const { url } = await startBroker()
    const { program, urls } = await proxyTo(url, '--quiet')
    await publishOnce(urls[0]!)
    await program.says('DISCONNECT')

    expect((await interrupted(program, 'SIGTERM')).stderr).toBe('')
  })

  it.each([
    [['--to', 'mqtt://localhost'], 'where do clients connect? Add --listen PORT'],
    [['--listen', '0'], 'where is the broker? Add --to mqtt://HOST:PORT'],
    [['--listen', 'http://x', '--to', 'mqtt://a'], '--listen "http://x": expected a port like 1884'],
    [['--listen', '0', '--to', 'mqtt://a', '--drop', 'ping'], '--drop "ping": expected a packet type first'],
    [['--listen', '0', '--to', 'mqtt://a', '--pause', '1s'], '--pause says how long'],
    [['--listen', '0', '--to', 'mqtt://a', '--pause', '1s', '--pause-every', '1s'], '--pause has to be shorter'],
    [['--listen', '0', '--to', 'mqtt://a', '--ca', 'x'], '--ca needs TLS: --to mqtts:// or wss://'],
    [['--listen', 'mqtts://:0', '--to', 'mqtt://a'], 'needs a certificate and its key'],
    [['--listen', '0', '--to', 'mqtt://a', '--write-limit', '9999'], '--write-limit is for --write FILE'],
    [['--listen', '0', '--to', 'mqtt://a', 'more'], 'unexpected argument "more"'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await run(['inspect', 'proxy', ...args])

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).toContain('(mqtt-kit inspect proxy --help)')
  })

  it('ends with 3 when it cannot listen, and with 12 when it cannot write', async () => {
    const { url } = await startBroker()
    const taken = await run(['inspect', 'proxy', '--listen', url, '--to', url])
    expect(taken).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('address in use') })
    const unwritable = await run(['inspect', 'proxy', '--listen', '0', '--to', url, '--write', '/nowhere/x.pcapng'])
    expect(unwritable).toMatchObject({ exitCode: 12, stderr: expect.stringContaining('cannot write --write') })
  })
})
