import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { hasOpenssl, TestAuthority } from '../support/certificates.ts'
import { type Outcome, run, shell, start } from '../support/program.ts'

/** What a scripted broker answers to each packet, by its type; null: it closes. */
type Script = Readonly<Record<number, string | null>>

const CONNECT = 1
const PUBLISH = 3
const SUBSCRIBE = 8
const CONNACK_OK = '20 03 00 00 00'
const SUBACK_OK = '90 04 00 01 00 00'

/** Answers the first packet of each chunk, which is all that these clients send at once. */
function serve(socket: Duplex, script: Script): void {
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    const answer = script[chunk[0]! >> 4]
    if (answer === null) socket.end()
    else if (answer !== undefined) socket.write(Buffer.from(answer.replaceAll(' ', ''), 'hex'))
  })
}

describe.skipIf(!hasOpenssl).each(['mqtt', 'mqtts', 'ws', 'wss'])('over %s', (scheme) => {
  let authority: TestAuthority
  let tls: { cert: string; key: string }

  beforeAll(() => {
    authority = new TestAuthority()
    tls = authority.issue('broker', 'DNS:localhost,IP:127.0.0.1')
  })

  afterAll(() => authority.remove())

  const isSecure = scheme === 'mqtts' || scheme === 'wss'
  const isWebSocket = scheme === 'ws' || scheme === 'wss'

  async function listening(script: Script): Promise<string> {
    const server: Server = isSecure ? createTlsServer(tls) : createServer()
    const onSocket = (socket: Socket): void => {
      if (!isWebSocket) return serve(socket, script)
      http.emit('connection', socket)
    }
    const http = createHttpServer()
    const webSockets = new WebSocketServer({ server: http, handleProtocols: () => 'mqtt' })
    webSockets.on('connection', (webSocket) => serve(createWebSocketStream(webSocket), script))
    const sockets: Socket[] = []
    server.on('connection', (socket: Socket) => sockets.push(socket))
    server.on(isSecure ? 'secureConnection' : 'connection', onSocket)
    server.on('tlsClientError', () => {})
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}${isWebSocket ? '/mqtt' : ''}`
  }

  const trust = (): string[] => (isSecure ? ['--ca', authority.ca.certFile] : [])

  async function ended(command: readonly string[], script: Script): Promise<Outcome> {
    const [name = '', ...args] = command
    return run([name, await listening(script), '-t', 'a', ...trust(), ...args])
  }

  const PUB = ['pub', '-m', 'x', '-q', '1']
  const SUB = ['sub', '--no-reconnect']

  it.each<[number, string, string[], Script, RegExp]>([
    [0, 'all is well', PUB, { [CONNECT]: CONNACK_OK, [PUBLISH]: '40 02 00 01' }, /^$/],
    [2, 'a property may not stand there', [...PUB, '--prop', 'receive-maximum=1'], {}, /receive-maximum/],
    [3, 'there is no CONNACK in time', [...PUB, '--connect-timeout', '700ms'], {}, /no CONNACK in time/],
    [3, 'the connection ends before CONNACK', PUB, { [CONNECT]: null }, /before CONNACK/],
    [5, 'CONNECT is refused', PUB, { [CONNECT]: '20 03 00 87 00' }, /0x87 Not authorized/],
    [
      6,
      'SUBSCRIBE is refused',
      SUB,
      { [CONNECT]: CONNACK_OK, [SUBSCRIBE]: '90 04 00 01 00 87' },
      /0x87 Not authorized/,
    ],
    [7, 'the connection is lost', SUB, { [CONNECT]: CONNACK_OK, [SUBSCRIBE]: null }, /closed the connection/],
    [
      7,
      'another client takes over',
      SUB,
      { [CONNECT]: CONNACK_OK, [SUBSCRIBE]: 'e0 02 8e 00' },
      /0x8E Session taken over/,
    ],
    [9, 'PUBLISH is refused', PUB, { [CONNECT]: CONNACK_OK, [PUBLISH]: '40 03 00 01 97' }, /0x97 Quota exceeded/],
    [9, 'PUBLISH is never acknowledged', PUB, { [CONNECT]: CONNACK_OK, [PUBLISH]: null }, /never acknowledged/],
    [
      10,
      'the peer breaks the protocol',
      SUB,
      { [CONNECT]: CONNACK_OK, [SUBSCRIBE]: '36 05 00 01 61 00 78' },
      /broke the protocol/,
    ],
    [
      27,
      'nothing comes in time',
      [...SUB, '-W', '2', '-C', '1'],
      { [CONNECT]: CONNACK_OK, [SUBSCRIBE]: SUBACK_OK },
      /timeout after 2 s/,
    ],
  ])('exit code %i when %s', async (exitCode, _, command, script, message) => {
    const outcome = await ended(command, script)

    expect(outcome.stderr).toMatch(message)
    expect(outcome.exitCode).toBe(exitCode)
  })

  it('exit code 3 when nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')

    const { exitCode, stderr } = await run(['pub', `${scheme}://127.0.0.1:${port}`, '-t', 'a', '-m', 'x', ...trust()])
    expect(stderr).toContain('connection refused (ECONNREFUSED)')
    expect(exitCode).toBe(3)
  })

  if (isSecure)
    it('exit code 8 when the authority is not known', async () => {
      const url = await listening({ [CONNECT]: CONNACK_OK })

      const { exitCode, stderr } = await run(['pub', url, '-t', 'a', '-m', 'x'])
      expect(stderr).toMatch(/signed by (an unknown CA|itself)/)
      expect(exitCode).toBe(8)
    })

  it('exit code 12 when the disk is full', async () => {
    const url = await listening({ [CONNECT]: CONNACK_OK, [SUBSCRIBE]: '90 04 00 01 00 00 30 05 00 01 61 00 78' })

    const { exitCode, stderr } = await shell(`mqtt-kit sub '${url}' -t a ${trust().join(' ')} > /dev/full`).finished()
    expect(stderr).toContain('no space left on device')
    expect(exitCode).toBe(12)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends with %i while an acknowledgement is awaited', async (signal, exitCode) => {
    const url = await listening({ [CONNECT]: CONNACK_OK })
    const program = start(['pub', url, '-t', 'a', '-m', 'x', '-q', '1', '-d', ...trust()])
    await program.says('-> PUBLISH')
    program.kill(signal)

    expect((await program.finished()).exitCode).toBe(exitCode)
  })
})
