import { closeSync, openSync } from 'node:fs'
import { lstat, rm } from 'node:fs/promises'
import net from 'node:net'
import { devNull } from 'node:os'
import { type Address, formatAddress } from './address.ts'
import { type Endpoint, endpointOf } from './endpoint.ts'
import { TcpTransport } from './tcp.ts'
import type { Transport } from './transport.ts'
import { codeOf, type TransportError, transportError } from './transport-error.ts'
import type { WebSocketTerms } from './websocket-listen.ts'

/** What a listener tells its owner; from the event loop, also before listen() has returned. */
export interface ListenHandler {
  /** A peer has connected; the Transport is the owner's, not started. */
  accept(transport: Transport): void
  /**
   * Connections are being turned away; listening goes on. At most once a minute, however many there are.
   * @param error EMFILE or ENFILE: no descriptors left
   */
  error(error: TransportError): void
}

/** What a listener is told beside its address. */
export interface ListenOptions {
  /** ws: see WebSocketTerms; the defaults take any origin, any message that MQTT knows, and 10 s for the upgrade */
  readonly webSocket?: Partial<Omit<WebSocketTerms, 'path'>>
}

/** An open listener. */
export interface Listener {
  /** Where it listens, with the port it was given instead of 0 and the wildcard address instead of ''. */
  readonly address: Address
  /** The same as text. */
  readonly url: string
  /** Accepts no more and frees the address; connections live on. May be called again. */
  close(): Promise<void>
}

/** Connections the kernel keeps for us until they are accepted; it may keep fewer (net.core.somaxconn). */
const BACKLOG = 4096
const REPORT_INTERVAL_MS = 60_000
const DEFAULT_TERMS = { origins: null, maximumMessageBytes: 268_435_460, handshakeTimeoutMs: 10_000 }

/**
 * Opens a listener on TCP or a unix domain socket. A socket file that a killed process left is replaced; one that somebody
 * listens on is not, and neither is any other kind of file.
 *
 * @throws TransportError with kind `listen`: EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND, UNSUPPORTED ...
 */
export async function listen(address: Address, handler: ListenHandler, options: ListenOptions = {}): Promise<Listener> {
  const endpoint = endpointOf('listen', address)
  const unixPath = 'path' in endpoint ? endpoint.path : null
  const turnAway = reporter(handler, formatAddress(address))
  const server =
    address.scheme === 'ws'
      ? await webSocketServer(address, handler, turnAway, options)
      : net.createServer({ allowHalfOpen: true })
  server.on('connection', (socket) => {
    const error = descriptorsLeft()
    if (error !== null) {
      socket.on('error', () => {})
      socket.destroy()
      turnAway(error)
    } else if (address.scheme !== 'ws') {
      handler.accept(new TcpTransport(socket, unixPath))
    }
  })
  try {
    await open(server, endpoint)
  } catch (error) {
    throw transportError('listen', formatAddress(address), error)
  }
  server.on('error', turnAway)
  const bound = boundAddress(server, address)
  return { address: bound, url: formatAddress(bound), close: async () => closeServer(server) }
}

async function webSocketServer(
  address: Address,
  handler: ListenHandler,
  noise: (error: Error) => void,
  options: ListenOptions,
): Promise<net.Server> {
  const { createWebSocketServer } = await import('./websocket-listen.ts')
  const terms = { ...DEFAULT_TERMS, ...options.webSocket, path: address.path.split('?', 1)[0]! }
  return createWebSocketServer(terms, (transport) => handler.accept(transport), noise)
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
