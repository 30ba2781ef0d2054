import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { BrokerOptions } from '../../src/broker/configuration.ts'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Message } from '../../src/codec/message.ts'
import { Role } from '../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../src/codec/packets/acknowledgement.ts'
import { Publish } from '../../src/codec/packets/publish.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { ClientTrace } from '../../src/insight/client-trace.ts'
import { HttpServer, type PageOptions } from '../../src/insight/http-server.ts'
import { connectPacket } from '../support/raw-client.ts'
import { startBroker } from '../support/test-broker.ts'

const FILES = ['index.html', 'page.js', 'page.css', 'icon.svg', 'chat/index.html', 'chat/chat.js', 'chat/mqtt.min.js']

interface Answer {
  readonly status: number
  readonly headers: { readonly [name: string]: string | string[] | undefined }
  readonly body: Buffer
}

/** A broker with pages, whose files hold their own names. */
async function startPages(pages: Partial<PageOptions> = {}, broker: BrokerOptions = {}, host = '127.0.0.1') {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'chat'))
  for (const file of FILES) writeFileSync(join(folder, file), `this is ${file}`)
  const refused: string[] = []
  const started = await startBroker({ control: true, ...broker })
  const failed = (error: Error): void => {
    throw error
  }
  const http = await HttpServer.open({ host, port: 0 }, started.broker, failed, {
    folder,
    maximumMessageBytes: 1000,
    isExposed: () => false,
    isAuthenticating: () => false,
    accept: (transport) => started.broker.accept(transport),
    refused: (_remoteAddress, detail) => refused.push(detail),
    ...pages,
  })
  onTestFinished(() => http.close())
  const port = Number(new URL(http.url).port)
  return {
    ...started,
    http,
    port,
    refused,
    page: (path: string, headers = {}, method = 'GET') => ask(port, path, headers, method),
  }
}

/** What fetch does not do: any Host, and the bytes as they came. */
async function ask(port: number, path: string, headers: Record<string, string>, method: string): Promise<Answer> {
  const request = get({ host: '127.0.0.1', port, path, headers, method, agent: false })
  const [response] = await once(request, 'response')
  const body = Buffer.concat(await response.toArray())
  return { status: response.statusCode, headers: response.headers, body }
}

/** Connects by WebSocket and asks for an overview. @returns CONNACK's code and PUBACK's, or the status that there was instead */
async function control(port: number, headers: Record<string, string> = {}, path = '/mqtt', protocol = 'mqtt') {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocol, { headers })
  onTestFinished(() => socket.terminate())
  const opened = await new Promise<number | null>((resolve, reject) => {
    socket.once('open', () => resolve(null))
    socket.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode!))
    socket.once('error', reject)
  })
  if (opened !== null) return opened
  const decoder = new Decoder(Role.SERVER, 1000, ProtocolVersion.V5)
  const packets: AnyPacket[] = []
  const collect = (packet: AnyPacket): void => void packets.push(packet)
  const request = new Publish(Message.create('$CONTROL/broker/overview', ''), 1, false, 1)
  for (const packet of [connectPacket(), request]) socket.send(encodePacket(packet, ProtocolVersion.V5))
  while (packets.length < 2) {
    const [bytes]: Buffer[] = await once(socket, 'message')
    decoder.push(bytes!, { receivePublish: collect, receiveAcknowledgement: collect, receivePacket: collect })
  }
  return packets.map((packet) => (packet instanceof Acknowledgement ? packet.reasonCode : packet.packetType))
}
/** CONNACK, and PUBACK with 0x00 */
const ALLOWED = [2, 0]
/** CONNACK, and PUBACK with 0x87 */
const NOT_ALLOWED = [2, 0x87]

describe('the pages of the HTTP server', () => {
  it.each([
    ['/', 'index.html', 'text/html; charset=utf-8'],
    ['/?x=y', 'index.html', 'text/html; charset=utf-8'],
    ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
    ['/page.css', 'page.css', 'text/css; charset=utf-8'],
    ['/icon.svg', 'icon.svg', 'image/svg+xml'],
    ['/chat/', 'chat/index.html', 'text/html; charset=utf-8'],
    ['/chat/mqtt.min.js', 'chat/mqtt.min.js', 'text/javascript; charset=utf-8'],
  ])('have %s with its type', async (path, file, contentType) => {
    const { page } = await startPages()

    const { status, headers, body } = await page(path)

    expect([status, headers['content-type'], String(body)]).toEqual([200, contentType, `this is ${file}`])
  })

  it('let a browser run nothing but their own files, speak to nobody else, and show them in no frame', async () => {
    const { page, port } = await startPages()

    const { headers } = await page('/')

    expect(headers).toMatchObject({
      'content-security-policy':
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
        `connect-src 'self' ws://127.0.0.1:${port} wss://127.0.0.1:${port}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-cache',
    })
    expect(headers).not.toHaveProperty('access-control-allow-origin')
  })

  it('are sent again only when they have changed, and smaller to who can unpack them', async () => {
    const { page } = await startPages()
    const first = await page('/page.js', { 'accept-encoding': 'br, gzip' })
    const { etag } = first.headers

    const second = await page('/page.js', { 'if-none-match': String(etag) })
    const third = await page('/page.js', { 'if-none-match': '"other"' })

    expect([first.headers['content-encoding'], String(gunzipSync(first.body))]).toEqual(['gzip', 'this is page.js'])
    expect([second.status, second.body.length, second.headers['content-length']]).toEqual([304, 0, undefined])
    expect([third.status, third.headers.etag, String(third.body)]).toEqual([200, etag, 'this is page.js'])
  })

  it('are no others: there is no way to a file of another name', async () => {
    const { page } = await startPages()

    for (const path of [
      '/index.html',
      '/chat/../index.html',
      '/..%2fpackage.json',
      '//',
      '/chat/index.html',
      '/constructor',
    ]) {
      const { status, body } = await page(path)
      expect([path, status, String(body)]).toEqual([
        path,
        404,
        'not found: there are /, /chat/, /metrics, /healthz and /readyz\n',
      ])
    }
    expect(await page('/', {}, 'POST')).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } })
    expect(await page('/chat')).toMatchObject({ status: 308, headers: { location: '/chat/' } })
    expect(await page('/page.js', {}, 'HEAD')).toMatchObject({ status: 200, headers: { 'content-length': '15' } })
  })

  it('are told from files that are missing', async () => {
    const { page } = await startPages({ folder: '/nowhere' })

    const { status, body } = await page('/')

    expect([status, String(body)]).toEqual([500, expect.stringContaining('the page cannot be read: ENOENT')])
    expect((await page('/healthz')).status).toBe(200)
  })

  it.each(['127.0.0.1:9', '[::1]:9', 'localhost', 'localhost:9', 'kit.localhost:9', '192.0.2.7'])(
    'are there by the name %s, which nobody else can have',
    async (host) => {
      const { page } = await startPages()

      expect((await page('/', { host })).status).toBe(200)
    },
  )

  it.each([
    'evil.example',
    'evil.example:9',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'a@127.0.0.1',
    ':',
    '127.0.0.1/x',
  ])('are not there by the name %s when nobody has to say who he is, and neither is the broker', async (host) => {
    const { page, port, refused } = await startPages()

    const { status, body } = await page('/', { host })

    expect([status, String(body)]).toEqual([421, expect.stringContaining('use an IP address or localhost')])
    expect(await control(port, { host, origin: `http://${host}` })).toBeOneOf([421, 403])
    expect(refused).toHaveLength(1)
    expect((await page('/metrics', { host })).status).toBe(200)
  })

  it('are there by the name that --http was given, and by any where users have to log in', async () => {
    const named = await startPages({}, {}, 'localhost')
    const closed = await startPages({ isAuthenticating: () => true })

    expect((await ask(named.port, '/', { host: 'LOCALHOST' }, 'GET')).status).toBe(200)
    expect((await closed.page('/', { host: 'mqtt.example.org' })).status).toBe(200)
  })

  it('are not there where others could reach them, but the numbers are', async () => {
    const { page, port } = await startPages({ isExposed: () => true })

    const { status, body } = await page('/')

    expect([status, String(body)]).toEqual([403, expect.stringContaining('start it with --user or --password-file')])
    expect(await control(port)).toBe(403)
    expect((await page('/readyz')).status).toBe(200)
  })
})

describe('the WebSocket of the pages', () => {
  it('takes the page itself and programs, and lets them control the broker from this machine', async () => {
    const { port } = await startPages()

    expect(await control(port)).toEqual(ALLOWED)
    expect(await control(port, { origin: `http://127.0.0.1:${port}` })).toEqual(ALLOWED)
    // TLS ended at a proxy
    expect(await control(port, { origin: 'https://127.0.0.1', host: '127.0.0.1' })).toEqual(ALLOWED)
  })

  it.each(['https://evil.example', 'http://127.0.0.1', 'http://localhost:9', 'null', ''])(
    'refuses a page of %j with 403',
    async (origin) => {
      const { port, refused } = await startPages()

      expect(await control(port, { origin })).toBe(403)
      expect(refused).toEqual([
        'its request for a WebSocket was answered with 403: pages of other sites may not connect here',
      ])
    },
  )

  it.each(['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'])(
    'lets nobody control the broker who comes through a proxy that says so by %s',
    async (header) => {
      const { port } = await startPages()

      expect(await control(port, { [header]: 'x' })).toEqual(NOT_ALLOWED)
    },
  )

  it('is at /mqtt, with the subprotocol mqtt', async () => {
    const { port } = await startPages()

    expect(await control(port, {}, '/')).toBe(404)
    expect(await control(port, {}, '/mqtt?x=y')).toEqual(ALLOWED)
    expect(await control(port, {}, '/mqtt', 'chat')).toBe(400)
  })

  it('is bounded in number, and leaves room for who wants numbers', async () => {
    const { port, page } = await startPages()
    const sockets = Array.from({ length: 192 }, () => new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt'))
    onTestFinished(() => {
      for (const socket of sockets) socket.terminate()
    })
    await Promise.all(sockets.map((socket) => once(socket, 'open')))

    expect(await control(port)).toBe(503)
    expect((await page('/metrics')).status).toBe(200)
    sockets[0]!.terminate()
    await once(sockets[0]!, 'close')
    while ((await control(port)) === 503);
  })

  it('closes with the server', async () => {
    const { port, http } = await startPages()
    const socket = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt')
    await once(socket, 'open')
    const closed = once(socket, 'close')

    await http.close()

    await closed
  })
})

describe('a listener for WebSockets', () => {
  it('lets programs control the broker from this machine, and no page, for it takes those of any site', async () => {
    const { broker } = await startPages({}, { listen: ['ws://127.0.0.1:0/mqtt'] })
    const port = Number(new URL(broker.listeners[1]!).port)

    expect(await control(port)).toEqual(ALLOWED)
    expect(await control(port, { origin: 'https://evil.example' })).toEqual(NOT_ALLOWED)
    expect(await control(port, { 'x-forwarded-for': '192.0.2.7' })).toEqual(NOT_ALLOWED)
  })

  it('does so under a capture, too', async () => {
    const path = join(mkdtempSync(join(tmpdir(), 'mqtt-kit-')), 'x.pcapng')
    onTestFinished(() => rmSync(dirname(path), { recursive: true }))
    const trace = await ClientTrace.open({ clientId: 'x', path, maximumBytes: 10_000, ended: () => {} })
    onTestFinished(() => trace.close())
    const { broker } = await startPages(
      {},
      { listen: ['ws://127.0.0.1:0/mqtt'], tap: (transport) => trace.tap(transport) },
    )
    const port = Number(new URL(broker.listeners[1]!).port)

    expect(await control(port)).toEqual(ALLOWED)
    expect(await control(port, { origin: 'https://evil.example' })).toEqual(NOT_ALLOWED)
  })
})
