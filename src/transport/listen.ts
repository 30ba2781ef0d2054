import { fstatSync, readFileSync } from 'node:fs'
import { lstat, rm } from 'node:fs/promises'
import type { Server as HttpServer, ServerOptions } from 'node:http'
import net from 'node:net'
import { type Address, formatAddress } from './address.ts'
import { awaitProxyHeader, SocketArrival } from './arrival.ts'
import { descriptorsLeft } from './descriptors.ts'
import { type Endpoint, endpointOf } from './endpoint.ts'
import { Proxies } from './proxy-protocol.ts'
import { TcpTransport } from './tcp.ts'
import type { TlsServerTerms } from './tls-terms.ts'
import type { Arrival, ArrivalStep, Transport } from './transport.ts'
import { codeOf, TransportError, transportError } from './transport-error.ts'
import { DEFAULT_TERMS, type WebSocketTerms } from './websocket-terms.ts'

/** What a listener tells its owner; from the event loop, also before listen() has returned. */
export interface ListenHandler {
  /**
   * A peer is ready for MQTT; the Transport is the owner's, not started.
   * @param arrival as arrive() had it; null for a peer that had nothing to do before
   */
  accept(transport: Transport, arrival: Arrival | null): void
  /**
   * Connections are being turned away, EMFILE or ENFILE: no descriptors are left. Listening goes on. At most once a minute,
   * however many there are.
   */
  error(error: TransportError): void
  /**
   * A peer has connected that has steps to do: PROXY header, TLS, WebSocket. How long it may take is the owner's to say. Then comes
   * accept or failed, once.
   */
  arrive?(arrival: Arrival): void
  /** A connection ended before it was ready for MQTT, and the listener goes on. @param reason what happened, in words */
  failed?(arrival: Arrival, reason: string): void
}

/** What a listener is told beside its address. */
export interface ListenOptions {
  /** ws and wss: see WebSocketTerms; the defaults take any origin and any message that MQTT knows */
  readonly webSocket?: Partial<Omit<WebSocketTerms, 'path'>>
  /** mqtts and wss need it */
  readonly tls?: TlsServerTerms
  /**
   * The proxies in front of this listener: IP addresses, networks like 10.0.0.0/8, `unix` on a unix socket. With any of its
   * kind only they may connect, and each connection begins with a PROXY header, before TLS and WebSocket.
   */
  readonly proxies?: readonly string[]
  /** a socket that listens already, by the number of its descriptor, as systemd hands it over; host, port and path are its own */
  readonly descriptor?: number
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

/**
 * Opens a listener on TCP, with TLS or WebSocket or both, or on a unix domain socket. A socket file that a killed process left
 * is replaced; one that somebody listens on is not, and neither is any other kind of file.
 *
 * @throws TransportError with kind `listen`: EADDRINUSE, EACCES, EADDRNOTAVAIL, ENOTFOUND, NO_CERTIFICATE ...; AddressError for
 *   a proxy that is no address
 */
export async function listen(address: Address, handler: ListenHandler, options: ListenOptions = {}): Promise<Listener> {
  const { descriptor } = options
  const endpoint = endpointOf('listen', address)
  let unixPath = 'path' in endpoint ? endpoint.path : null
  const url = descriptor === undefined ? formatAddress(address) : `descriptor ${descriptor} (${address.scheme})`
  const turnAway = reporter(handler, url)
  const proxies = new Proxies(options.proxies ?? [])
  const layer = await makeLayer(address, options)
  let steps: readonly ArrivalStep[] = []
  const underWay = new Set<SocketArrival>()
  const arrivalHandler: Required<Omit<ListenHandler, 'error'>> = {
    accept: (transport, arrival) => {
      underWay.delete(arrival as SocketArrival)
      handler.accept(transport, arrival)
    },
    arrive: (arrival) => handler.arrive?.(arrival),
    failed: (arrival, reason) => {
      underWay.delete(arrival as SocketArrival)
      handler.failed?.(arrival, reason)
    },
  }
  const receive = (socket: net.Socket): void => {
    const [first, second] = steps
    if (first === undefined) return handler.accept(new TcpTransport(socket, unixPath), null)
    const arrival = new SocketArrival(socket, unixPath, first, arrivalHandler)
    underWay.add(arrival)
    if (first !== 'the PROXY header') return layer.begin(arrival)
    awaitProxyHeader(arrival, proxies, unixPath !== null, () => {
      if (second === undefined) return arrival.accept(new TcpTransport(socket, unixPath, arrival.remoteAddress))
      arrival.step = second
      layer.begin(arrival)
    })
  }
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    const error = descriptorsLeft()
    if (error === null) return receive(socket)
    socket.on('error', () => {})
    socket.destroy()
    turnAway(error)
  })
  try {
    if (descriptor === undefined) await open(server, endpoint)
    else await bind(server, { fd: descriptor })
  } catch (error) {
    throw transportError('listen', url, error)
  }
  server.on('error', turnAway)
  const bound = boundAddress(server, address, descriptor)
  // no connection comes before this turn is over
  if (bound.scheme === 'unix') unixPath = bound.path
  steps = [...(proxies.areBefore({ isUnix: unixPath !== null }) ? ['the PROXY header' as const] : []), ...layer.steps]
  return {
    address: bound,
    url: formatAddress(bound),
    renewTls: (terms) => layer.renewTls?.(terms),
    close: async () => {
      server.close()
      for (const arrival of underWay) arrival.cut('the listener was closed')
    },
  }
}

/** What lies between a socket and MQTT. */
interface Layer {
  readonly steps: readonly ArrivalStep[]
  /** Takes an arrival through the steps, to its end. */
  begin(arrival: SocketArrival): void
  renewTls?(terms: TlsServerTerms): void
}

// What a scheme does not need is not loaded.
async function makeLayer(address: Address, options: ListenOptions): Promise<Layer> {
  switch (address.scheme) {
    case 'mqtt':
    case 'unix':
      return { steps: [], begin: () => {} }
    case 'ws': {
      const { createServer } = await import('node:http')
      const { take } = await webSocketServer(createServer, address, options, false)
      return { steps: ['the request for a WebSocket'], begin: (arrival) => take(arrival.socket, arrival) }
    }
    case 'mqtts':
    case 'wss':
      if (options.tls === undefined) throw new TransportError('listen', 'NO_CERTIFICATE', formatAddress(address), null)
      try {
        return await secureLayer(address, options, options.tls)
      } catch (error) {
        throw transportError('listen', formatAddress(address), error)
      }
  }
}

async function secureLayer(address: Address, options: ListenOptions, terms: TlsServerTerms): Promise<Layer> {
  const { createSecureHttpServer, createTlsServer, renewTls, serveTls } = await import('./tls-listen.ts')
  const steps: ArrivalStep[] = ['the TLS handshake']
  if (address.scheme === 'mqtts') {
    const server = createTlsServer(terms)
    const begin = serveTls(server, terms, (socket, arrival) =>
      arrival.accept(new TcpTransport(socket, null, arrival.remoteAddress)),
    )
    return { steps, begin, renewTls: (next) => renewTls(server, next) }
  }
  const create = (http: ServerOptions) => createSecureHttpServer(terms, http)
  const { server, take } = await webSocketServer(create, address, options, true)
  return { steps, begin: serveTls(server, terms, take), renewTls: (next) => renewTls(server, next) }
}

async function webSocketServer<Server extends HttpServer>(
  create: (options: ServerOptions) => Server,
  address: Address,
  options: ListenOptions,
  isSecure: boolean,
): Promise<{ server: Server; take: (socket: net.Socket, arrival: SocketArrival) => void }> {
  const { httpOptions, serveWebSockets } = await import('./websocket-listen.ts')
  const server = create(httpOptions)
  const terms = { ...DEFAULT_TERMS, ...options.webSocket, path: address.path.split('?', 1)[0]! }
  return { server, take: serveWebSockets(server, terms, isSecure) }
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

function bind(server: net.Server, endpoint: Endpoint | { fd: number }): Promise<void> {
  const where = 'host' in endpoint && endpoint.host === '' ? { port: endpoint.port } : endpoint
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

function boundAddress(server: net.Server, address: Address, descriptor: number | undefined): Address {
  const bound = server.address()
  // Node tells no address of a unix socket that it has not bound
  if (bound === null && descriptor !== undefined) {
    return { scheme: 'unix', host: '', port: 0, path: unixPathOf(descriptor) }
  }
  if (bound === null || typeof bound === 'string') return address
  return { ...address, host: address.host === '' ? bound.address : address.host, port: bound.port }
}

// Linux tells it by the inode; elsewhere the number has to do.
function unixPathOf(descriptor: number): string {
  try {
    const inode = String(fstatSync(descriptor).ino)
    const rows = readFileSync('/proc/net/unix', 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
    return rows.find((row) => row[6] === inode && row[7] !== undefined)?.[7] ?? `descriptor ${descriptor}`
  } catch {
    return `descriptor ${descriptor}`
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
