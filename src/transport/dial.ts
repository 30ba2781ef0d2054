import net from 'node:net'
import { type Address, formatAddress } from './address.ts'
import { type Endpoint, endpointOf } from './endpoint.ts'
import { SharedInput } from './shared-input.ts'
import { TcpTransport } from './tcp.ts'
import type { TlsClientTerms } from './tls-terms.ts'
import type { Transport } from './transport.ts'
import { codeOf, TransportError, transportError } from './transport-error.ts'
import { DEFAULT_OFFER, type WebSocketOffer } from './websocket-terms.ts'

/** How to dial. */
export interface DialOptions {
  /** For looking up the name and connecting together; above 24 days it is 24 days. */
  readonly timeoutMs: number
  /** The IP address of this machine to connect from; not for unix. */
  readonly bindAddress?: string
  /** What to ask of a WebSocket server; default: subprotocol mqtt, messages of any size that MQTT knows. */
  readonly webSocket?: WebSocketOffer
  /** for mqtts and wss; default: verified by the authorities that Node knows */
  readonly tls?: TlsClientTerms
  /**
   * true: bytes are good only while the handler is called with them, for mqtt and unix share the memory that is read into. For
   * whoever has many connections or counts microseconds.
   */
  readonly sharesInput?: boolean
  /** Gives up when aborted: TransportError ABORT_ERR with the signal's reason as cause. */
  readonly signal?: AbortSignal
}

/** Beyond it a timer fires at once. */
const MAXIMUM_TIMER_MS = 2_147_483_647

/**
 * Node tries the addresses of a name one after the other and gives each up after this long; its own 250 ms are less than
 * a round trip over satellite or a first lost packet.
 */
const ATTEMPT_MS = 1_500

/** Where a broker on this machine may listen, the likelier one first (RFC 6761 section 6.3 says what localhost means). */
const LOOPBACK_ADDRESSES: readonly string[] = ['127.0.0.1', '::1']

/**
 * Connects. A name with several addresses is tried with each, IPv6 and IPv4. `localhost` is not looked up: without that `pub`
 * ends after 204 ms instead of 222.
 *
 * @returns a Transport that is not started
 * @throws TransportError whatever goes wrong, with the most telling code when several addresses fail
 */
export async function dial(address: Address, options: DialOptions): Promise<Transport> {
  const { bindAddress, signal } = options
  const endpoint = endpointOf('connect', address)
  const url = formatAddress(address)
  if (signal?.aborted) throw new TransportError('connect', 'ABORT_ERR', url, signal.reason)
  if (bindAddress !== undefined && net.isIP(bindAddress) === 0) {
    throw new TransportError('connect', 'EINVAL', `${url} from ${bindAddress}`, null)
  }
  if ('path' in endpoint || !isLocalhost(endpoint.host)) return attempt(address, endpoint, options)
  const [first, second] = LOOPBACK_ADDRESSES.filter(
    (host) => bindAddress === undefined || isSameFamily(host, bindAddress),
  )
  try {
    return await attempt(address, { ...endpoint, host: first! }, options)
  } catch (error) {
    if (second === undefined || codeOf(error) !== 'ECONNREFUSED') throw error
    return attempt(address, { ...endpoint, host: second }, options).catch((again: unknown) => {
      // without IPv6 the second attempt says nothing about the broker
      throw codeOf(again) === 'ECONNREFUSED' || codeOf(again) === 'EADDRNOTAVAIL' ? error : again
    })
  }
}

function isLocalhost(host: string): boolean {
  return host === '' || host.toLowerCase() === 'localhost'
}

function isSameFamily(host: string, other: string): boolean {
  return host.includes(':') === other.includes(':')
}

function attempt(address: Address, endpoint: Endpoint, options: DialOptions): Promise<Transport> {
  const { timeoutMs, bindAddress, signal } = options
  const url = formatAddress(address)
  const isPlain = address.scheme === 'mqtt' || address.scheme === 'unix'
  const input = isPlain && options.sharesInput ? new SharedInput() : null
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      ...connectOptions(endpoint, bindAddress),
      ...(input !== null && { onread: input.onread }),
    })
    if (input !== null) socket.pause()
    // a socket that is destroyed already has no more to say
    const giveUp = (code: string, cause: unknown): void => {
      fail(new TransportError('connect', code, url, cause))
      socket.destroy()
    }
    const timeOut = (): void => giveUp('ETIMEDOUT', null)
    const abort = (): void => giveUp('ABORT_ERR', signal?.reason)
    const timer = setTimeout(timeOut, Math.min(timeoutMs, MAXIMUM_TIMER_MS))
    signal?.addEventListener('abort', abort)
    const done = (transport: Transport): void => {
      settle()
      resolve(transport)
    }
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    }
    const fail = (error: Error): void => {
      settle()
      reject(error instanceof TransportError ? error : transportError('connect', url, error))
    }
    socket.once('error', fail)
    socket.once('connect', () => {
      if (!isPlain) {
        shake(socket, address, url, options).then(done, fail)
        return
      }
      const transport = new TcpTransport(socket, address.scheme === 'unix' ? address.path : null, undefined, input)
      socket.off('error', fail)
      done(transport)
    })
  })
}

/** What stands between the TCP connection and the first byte of MQTT. */
async function shake(socket: net.Socket, address: Address, url: string, options: DialOptions): Promise<Transport> {
  const isSecure = address.scheme !== 'ws'
  // both are loaded before the handshake: a socket that closes while nobody listens would never be missed
  const [secure, upgrade] = await Promise.all([
    isSecure ? import('./tls-dial.ts').then((module) => module.secure) : null,
    address.scheme === 'mqtts' ? null : import('./websocket-dial.ts').then((module) => module.upgrade),
  ])
  const carrier = secure === null ? socket : await secure(socket, address, options.tls ?? {})
  if (upgrade === null) return new TcpTransport(carrier, null)
  return upgrade(carrier, address, url, options.webSocket ?? DEFAULT_OFFER)
}

function connectOptions(endpoint: Endpoint, bindAddress: string | undefined): net.NetConnectOpts {
  if ('path' in endpoint) return { path: endpoint.path, allowHalfOpen: true }
  return {
    host: endpoint.host,
    port: endpoint.port,
    allowHalfOpen: true,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    ...(bindAddress === undefined ? {} : { localAddress: bindAddress, family: net.isIP(bindAddress) }),
  }
}
