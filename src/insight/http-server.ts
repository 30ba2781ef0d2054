import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { formatHostAndPort } from '../transport/address.ts'
import type { Transport } from '../transport/transport.ts'
import { type TransportError, transportError } from '../transport/transport-error.ts'
import { PageFiles } from './page-files.ts'
import { type PageAccess, pageRefusal } from './page-guard.ts'
import type { PageSockets } from './page-sockets.ts'
import { type ObservedBroker, PrometheusText } from './prometheus.ts'

/** Where the pages are, for people and programs that look at a running broker. */
export interface HttpAddress {
  /** name or IP address, IPv6 without brackets */
  readonly host: string
  /** 0 for any free one */
  readonly port: number
}

/** The pages that are clients of the broker: the dashboard and the chat example. */
export interface PageOptions extends Omit<PageAccess, 'host'> {
  /** where their files are */
  readonly folder: string
  /** bytes of a message of their WebSocket */
  readonly maximumMessageBytes: number
  /** a page, or another client, has connected by WebSocket */
  accept(transport: Transport): void
  /** somebody may not. @param detail why, in words */
  refused(remoteAddress: string, detail: string): void
}

/** Connections beyond this number are closed at once. */
const MAXIMUM_CONNECTIONS = 256
/** A request must be there by then, in milliseconds; also the longest that a slow one holds its connection. */
const REQUEST_TIMEOUT_MS = 10_000
const PLAIN_TEXT = 'text/plain; charset=utf-8'
const NOT_STORED = { 'cache-control': 'no-store' }

interface Answer {
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly body: Buffer | string
}

/** What requests are answered from. */
interface Contents {
  readonly metrics: PrometheusText
  readonly observed: ObservedBroker
  readonly pages: { readonly files: PageFiles; readonly access: PageAccess } | null
}

/**
 * The pages `/metrics` (Prometheus), `/healthz` (200 as long as the process answers) and `/readyz` (200 while clients are let
 * in, 503 when the broker stops), which show numbers only: no topic, no Client Identifier, no payload. With pages also the
 * dashboard `/` and `/chat/`, and MQTT by WebSocket at `/mqtt` for them; what they show comes by MQTT, so that the broker's
 * access holds for them as for any client.
 */
export class HttpServer {
  /** `http://127.0.0.1:9100`, with the real port */
  readonly url: string
  readonly #server: Server
  readonly #sockets: PageSockets | null

  private constructor(server: Server, url: string, sockets: PageSockets | null) {
    this.#server = server
    this.#sockets = sockets
    this.url = url
  }

  /**
   * @param error is told when a connection cannot be accepted
   * @throws TransportError with kind `listen`
   */
  static async open(
    address: HttpAddress,
    observed: ObservedBroker,
    error: (error: TransportError) => void,
    pages: PageOptions | null = null,
  ): Promise<HttpServer> {
    const access = pages === null ? null : { ...pages, host: address.host }
    const contents: Contents = {
      metrics: new PrometheusText(observed),
      observed,
      pages: access === null ? null : { files: new PageFiles(access.folder), access },
    }
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS })
    server.maxConnections = MAXIMUM_CONNECTIONS
    server.on('request', (request, response) => {
      void answerTo(request, contents).then((answer) => send(response, answer))
    })
    const sockets = access === null ? null : await openSockets(server, access)
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(address.port, address.host, () => {
          server.off('error', reject)
          resolve()
        })
      })
    } catch (cause) {
      throw transportError('listen', urlOf(address.host, address.port), cause)
    }
    const url = urlOf(address.host, (server.address() as AddressInfo).port)
    server.on('error', (cause) => error(transportError('accept', url, cause)))
    return new HttpServer(server, url, sockets)
  }

  /** Frees the address; connections are closed, whatever they wait for. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#sockets?.close()
    this.#server.closeAllConnections()
    await closed
  }
}

function urlOf(host: string, port: number): string {
  return `http://${formatHostAndPort(host, port)}`
}

// What they need is loaded with the first one.
async function openSockets(server: Server, access: PageOptions & PageAccess): Promise<PageSockets> {
  const { PageSockets } = await import('./page-sockets.ts')
  const sockets = new PageSockets(access, access.maximumMessageBytes, access)
  sockets.serve(server)
  return sockets
}

async function answerTo(request: IncomingMessage, { metrics, observed, pages }: Contents): Promise<Answer> {
  const path = request.url!.split('?', 1)[0]!
  const isPage = pages?.files.has(path) ?? false
  if (!isPage && path !== '/metrics' && path !== '/healthz' && path !== '/readyz') {
    return plain(404, `not found: there are ${pages === null ? '' : '/, /chat/, '}/metrics, /healthz and /readyz`)
  }
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return plain(405, 'only GET and HEAD', { allow: 'GET, HEAD' })
  if (isPage) return pageAnswer(path, request, pages!)
  if (path === '/healthz') return plain(200, 'ok')
  if (path === '/readyz') return observed.isStopping ? plain(503, 'stopping') : plain(200, 'ready')
  const { contentType, text } = await metrics.read()
  return { status: 200, headers: { 'content-type': contentType, ...NOT_STORED }, body: text }
}

async function pageAnswer(
  path: string,
  { headers }: IncomingMessage,
  { files, access }: NonNullable<Contents['pages']>,
): Promise<Answer> {
  const refusal = pageRefusal(headers, access)
  if (refusal !== null) return plain(refusal.status, refusal.reason)
  try {
    const { bytes, ...answer } = await files.answer(path, headers)
    return { ...answer, body: bytes }
  } catch (error) {
    return plain(500, `the page cannot be read: ${(error as Error).message}`)
  }
}

function plain(status: number, line: string, headers: Answer['headers'] = {}): Answer {
  return { status, headers: { 'content-type': PLAIN_TEXT, ...NOT_STORED, ...headers }, body: `${line}\n` }
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, ...(status === 304 ? {} : { 'content-length': Buffer.byteLength(body) }) })
  response.end(body)
}
