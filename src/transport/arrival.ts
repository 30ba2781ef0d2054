import type { Socket } from 'node:net'
import { type Proxies, ProxyHeaderError, readProxyHeader } from './proxy-protocol.ts'
import { remoteEndpoint } from './tcp.ts'
import type { Arrival, ArrivalStep, Transport } from './transport.ts'

/** What a listener tells about those who arrive; see ListenHandler. */
export interface ArrivalHandler {
  accept(transport: Transport, arrival: Arrival | null): void
  arrive?(arrival: Arrival): void
  failed?(arrival: Arrival, reason: string): void
}

/** The peer went away by itself. */
export const PEER_ENDED = 'the client ended the connection'

/** One socket on its way to be a Transport. It ends once: accepted, or failed with a reason. */
export class SocketArrival implements Arrival {
  readonly socket: Socket
  remoteAddress: string
  step: ArrivalStep
  provenName: string | null = null
  readonly #handler: ArrivalHandler
  #isSettled = false

  constructor(socket: Socket, unixPath: string | null, step: ArrivalStep, handler: ArrivalHandler) {
    this.socket = socket
    this.remoteAddress = remoteEndpoint(socket, unixPath)
    this.step = step
    this.#handler = handler
    // an 'error' without listener ends the process; 'close' follows
    socket.on('error', () => {})
    // later than whatever knows a better reason
    socket.once('close', () => process.nextTick(() => this.cut(PEER_ENDED)))
    handler.arrive?.(this)
  }

  accept(transport: Transport): void {
    if (this.#isSettled) return transport.destroy()
    this.#isSettled = true
    this.#handler.accept(transport, this)
  }

  cut(reason: string): void {
    this.refuse(reason)
    this.socket.destroy()
  }

  /** As cut, but an answer is on its way, and who sends it ends the connection behind it. */
  refuse(reason: string): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#handler.failed?.(this, reason)
  }
}

/**
 * Takes the PROXY header off the beginning of a connection; what follows stays in the socket.
 * @param done called when it was there and right; the arrival then has the address of the header
 */
export function awaitProxyHeader(arrival: SocketArrival, proxies: Proxies, isUnix: boolean, done: () => void): void {
  const { socket } = arrival
  if (!proxies.includes(socket, isUnix)) {
    arrival.cut('it may not connect here: this listener is for the proxies of --proxy-protocol')
    return
  }
  let bytes: Buffer = Buffer.alloc(0)
  const ended = (): void => arrival.cut(PEER_ENDED)
  // 'readable' leaves a socket as it was before, unlike 'data'
  const readable = (): void => {
    const chunk: Buffer | null = socket.read()
    if (chunk === null) return
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    const header = headerOf(bytes, arrival)
    if (header === null) return
    socket.off('readable', readable)
    socket.off('end', ended)
    arrival.remoteAddress = header.remoteAddress ?? arrival.remoteAddress
    if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length))
    done()
  }
  socket.on('readable', readable)
  socket.once('end', ended)
}

function headerOf(bytes: Buffer, arrival: SocketArrival): ReturnType<typeof readProxyHeader> {
  try {
    return readProxyHeader(bytes)
  } catch (error) {
    if (!(error instanceof ProxyHeaderError)) throw error
    arrival.cut(`the PROXY header ${error.message}`)
    return null
  }
}
