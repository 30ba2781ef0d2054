import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { formatHostAndPort } from '../transport/address.ts'
import { type TransportError, transportError } from '../transport/transport-error.ts'
import { type ObservedBroker, PrometheusText } from './prometheus.ts'

/** Where the pages are, for people and programs that look at a running broker. */
export interface HttpAddress {
  /** name or IP address, IPv6 without brackets */
  readonly host: string
  /** 0 for any free one */
  readonly port: number
}

/** Connections beyond this number are closed at once. */
const MAXIMUM_CONNECTIONS = 64
/** A request must be there by then, in milliseconds; also the longest that a slow one holds its connection. */
const REQUEST_TIMEOUT_MS = 10_000
const PLAIN_TEXT = 'text/plain; charset=utf-8'

interface Page {
  readonly status: number
  readonly contentType: string
  readonly text: string
  readonly allow?: string
}

/**
 * The pages `/metrics` (Prometheus), `/healthz` (200 as long as the process answers) and `/readyz` (200 while clients are let
 * in, 503 when the broker stops). They show numbers only: no topic, no Client Identifier, no payload.
 */
export class HttpServer {
  /** `http://127.0.0.1:9100`, with the real port */
  readonly url: string
  readonly #server: Server

  private constructor(server: Server, url: string) {
    this.#server = server
    this.url = url
  }

  /**
   * @param error is told when a connection cannot be accepted
   * @throws TransportError with kind `listen`
   */
  static async open(address: HttpAddress, observed: ObservedBroker, error: (error: TransportError) => void) {
    const metrics = new PrometheusText(observed)
    const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS })
    server.maxConnections = MAXIMUM_CONNECTIONS
    server.on('request', (request, response) => {
      void pageFor(request, metrics, observed).then((page) => send(response, page))
    })
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
    return new HttpServer(server, url)
  }

  /** Frees the address; connections are closed, whatever they wait for. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }
}

function urlOf(host: string, port: number): string {
  return `http://${formatHostAndPort(host, port)}`
}

async function pageFor(request: IncomingMessage, metrics: PrometheusText, observed: ObservedBroker): Promise<Page> {
  const [path] = request.url!.split('?', 1)
  if (path !== '/metrics' && path !== '/healthz' && path !== '/readyz')
    return plain(404, 'not found: there are /metrics, /healthz and /readyz')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return { ...plain(405, 'only GET and HEAD'), allow: 'GET, HEAD' }
  if (path === '/healthz') return plain(200, 'ok')
  if (path === '/readyz') return observed.isStopping ? plain(503, 'stopping') : plain(200, 'ready')
  return { status: 200, ...(await metrics.read()) }
}

function plain(status: number, line: string): Page {
  return { status, contentType: PLAIN_TEXT, text: `${line}\n` }
}

function send(response: ServerResponse, { status, contentType, text, allow }: Page): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(allow === undefined ? {} : { allow }),
  })
  response.end(text)
}
