import { closeSync, openSync } from 'node:fs'
import { lstat, rm } from 'node:fs/promises'
import type { Server as HttpServer, ServerOptions } from 'node:http'
import net from 'node:net'
import { devNull } from 'node:os'
import { type Address, formatAddress } from './address.ts'
import { type Endpoint, endpointOf } from './endpoint.ts'
import { TcpTransport } from './tcp.ts'
import type { TlsServerTerms } from './tls-terms.ts'
import type { Transport } from './transport.ts'
import { codeOf, TransportError, transportError } from './transport-error.ts'
import { DEFAULT_TERMS, type WebSocketTerms } from './websocket-terms.ts'

/** What a listener tells its owner; from the event loop, also before listen() has returned. */
export interface ListenHandler {
  /** A peer has connected; the Transport is the owner's, not started. */
  accept(transport: Transport): void
  /**
   * Connections are being turned away; listening goes on. At most once a minute, however many there are.
   * @param error EMFILE or ENFILE: no descriptors left; on a WebSocket listener also HPE_...: what came is no HTTP
   */
  error(error: TransportError): void
  /** A connection ended before it spoke TLS, and the listener goes on. @param reason what happened, in words */
  handshakeFailed?(remoteAddress: string, reason: string): void
}

/** What a listener is told beside its address. */
export interface ListenOptions {
  /** ws and wss: see WebSocketTerms; the defaults take any origin and any message that MQTT knows */
  readonly webSocket?: Partial<Omit<WebSocketTerms, 'path'>>
  /** mqtts and wss need it */
  readonly tls?: TlsServerTerms
  /** for the handshake of TLS, and for the HTTP request that asks for a WebSocket; default 10,000 */
  readonly handshakeTimeoutMs?: number
}

/** An open listener. */
export interface Listener {
  /** Where it listens, with the port it was given instead of 0 and the wildcard address instead of ''. */
  readonly address: Address
  /** The same as text. */
  readonly url: string
  /** Shows another certificate to those who come from now on; nothing without TLS. @throws Error for texts that are none */
  renewTls(terms: TlsServerTerms): void
  /** Accepts no more and frees the address; connections live on. May be called again. */
  close(): Promise<void>
}

/** Connections the kernel keeps for us until they are accepted; it may keep fewer (net.core.somaxconn). */
const BACKLOG = 4096
const REPORT_INTERVAL_MS = 60_000
const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000

/**
 * Opens a listener on TCP, with TLS or WebSocket or both, or on a unix domain socket. A socket file that a killed process left
 * is replaced; one that somebody listens on is not, and neither is any other kind of file.
 *
 * @throws TransportError with kind `listen`: EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND, NO_CERTIFICATE ...
 */
export async function listen(address: Address, handler: ListenHandler, options: ListenOptions = {}): Promise<Listener> {
  const endpoint = endpointOf('listen', address)
  const unixPath = 'path' in endpoint ? endpoint.path : null
  const url = formatAddress(address)
  const turnAway = reporter(handler, url)
  const reception: Reception = {
    accept: (transport) => handler.accept(transport),
    noise: turnAway,
    handshakeFailed: (remoteAddress, reason) => handler.handshakeFailed?.(remoteAddress, reason),
  }
  try {
    const { server, tls } = await makeServer(address, reception, options)
    server.on('connection', (socket) => {
      const error = descriptorsLeft()
      if (error !== null) {
        socket.on('error', () => {})
        socket.destroy()
        turnAway(error)
      } else if (address.scheme === 'mqtt' || address.scheme === 'unix') {
        handler.accept(new TcpTransport(socket, unixPath))
      }
    })
    await open(server, endpoint)
    server.on('error', turnAway)
    const bound = boundAddress(server, address)
    return {
      address: bound,
      url: formatAddress(bound),
      renewTls: (terms) => tls?.renew(terms),
      close: async () => {
        closeServer(server)
        tls?.endHandshakes()
      },
    }
  } catch (error) {
    throw error instanceof TransportError ? error : transportError('listen', url, error)
  }
}

interface MadeServer {
  readonly server: net.Server
  /** null without TLS */
  readonly tls: { renew(terms: TlsServerTerms): void; endHandshakes(): void } | null
}

/** What a server does with those who come. */
interface Reception {
  readonly accept: (transport: Transport) => void
  readonly noise: (error: Error) => void
  readonly handshakeFailed: (remoteAddress: string, reason: string) => void
}

// What a scheme does not need is not loaded.
async function makeServer(address: Address, reception: Reception, options: ListenOptions): Promise<MadeServer> {
  switch (address.scheme) {
    case 'mqtt':
    case 'unix':
      return { server: net.createServer({ allowHalfOpen: true }), tls: null }
    case 'ws': {
      const { createServer } = await import('node:http')
      return { server: await webSocketServer(createServer, address, reception, options), tls: null }
    }
    case 'mqtts':
    case 'wss':
      if (options.tls === undefined) throw new TransportError('listen', 'NO_CERTIFICATE', formatAddress(address), null)
      return secureServer(address, reception, options, options.tls)
  }
}

async function secureServer(
  address: Address,
  reception: Reception,
  options: ListenOptions,
  terms: TlsServerTerms,
): Promise<MadeServer> {
  const timeoutMs = options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS
  const { createSecureHttpServer, createTlsServer, renewTls, watchHandshakes } = await import('./tls-listen.ts')
  const server =
    address.scheme === 'wss'
      ? await webSocketServer((http) => createSecureHttpServer(terms, timeoutMs, http), address, reception, options)
      : createTlsServer(terms, timeoutMs, reception.accept)
  const endHandshakes = watchHandshakes(server, reception.handshakeFailed)
  return { server, tls: { renew: (next) => renewTls(server, next), endHandshakes } }
}

async function webSocketServer<Server extends HttpServer>(
  create: (options: ServerOptions) => Server,
  address: Address,
  { accept, noise }: Reception,
  options: ListenOptions,
): Promise<Server> {
  const { httpOptions, serveWebSockets } = await import('./websocket-listen.ts')
  const server = create(httpOptions(options.handshakeTimeoutMs ?? DEFAULT_HANDSHAKE_TIMEOUT_MS))
  const terms = { ...DEFAULT_TERMS, ...options.webSocket, path: address.path.split('?', 1)[0]! }
  serveWebSockets(server, terms, accept, noise)
  return server
}

function closeServer(server: net.Server): void {
  server.close()
  // those that have not asked for an upgrade yet; connections of MQTT live on
  if ('closeAllConnections' in server && typeof server.closeAllConnections === 'function') server.closeAllConnections()
}

async function open(server: net.Server, endpoint: Endpoint): Promise<void> {
  try {
    await bind(server, endpoint)
  } catch (error) {
    if (!('path' in endpoint) || codeOf(error) !== 'EADDRINUSE' || !(await isStale(endpoint.path))) throw error
    await rm(endpoint.path, { force: true })
    await bind(server, endpoint)
  }
}

function bind(server: net.Server, endpoint: Endpoint): Promise<void> {
  const where = 'path' in endpoint || endpoint.host !== '' ? endpoint : { port: endpoint.port }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ ...where, backlog: BACKLOG }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

/** Is it a socket that nobody listens on, or gone meanwhile? */
async function isStale(path: string): Promise<boolean> {
  const file = await lstat(path).catch(() => null)
  if (file === null) return true
  if (!file.isSocket()) return false
  return new Promise((resolve) => {
    const probe = net.connect({ path })
    probe.once('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.once('error', (error) => resolve(codeOf(error) === 'ECONNREFUSED'))
  })
}

function boundAddress(server: net.Server, address: Address): Address {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') return address
  return { ...address, host: address.host === '' ? bound.address : address.host, port: bound.port }
}

/**
 * The last descriptor never goes to a peer. Without one to spare libuv closes waiting connections without a word to us, and
 * turns in circles at full load when another thread was faster to take its reserve. Costs 8 us per connection.
 *
 * @returns why there is none left, or null
 */
function descriptorsLeft(): Error | null {
  try {
    closeSync(openSync(devNull, 'r'))
    return null
  } catch (error) {
    return error instanceof Error && ['EMFILE', 'ENFILE'].includes(codeOf(error)) ? error : null
  }
}

function reporter(handler: ListenHandler, url: string): (error: Error) => void {
  let nextMs = Number.NEGATIVE_INFINITY
  return (error) => {
    const nowMs = performance.now()
    if (nowMs < nextMs) return
    nextMs = nowMs + REPORT_INTERVAL_MS
    handler.error(transportError('accept', url, error))
  }
}
