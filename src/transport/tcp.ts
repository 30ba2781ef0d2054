import type { Socket } from 'node:net'
import { formatHostAndPort } from './address.ts'
import type { SharedInput } from './shared-input.ts'
import type { Transport, TransportHandler } from './transport.ts'
import { type TransportError, transportError } from './transport-error.ts'

/** A peer that vanished without FIN is asked for after this much silence. */
export const KEEP_ALIVE_MS = 60_000

/** What Node reads from a socket at most by one system call. */
const FULL_READ_BYTES = 65_536
/** What full reads in a row may keep their owner busy before other connections have their turn: libuv alone takes 32. */
const BUSY_MS_PER_TURN = 10

/** A Transport on a connected TCP or unix domain socket. */
export class TcpTransport implements Transport {
  readonly remoteAddress: string
  readonly #socket: Socket
  readonly #unixPath: string | null
  readonly #input: SharedInput | null
  #handler: TransportHandler | null = null
  #error: TransportError | null = null
  /** A write left bytes behind, and `drained` is owed. */
  #isBacklogged = false
  #isEnded = false
  #hasPeerEnded = false
  #isDestroyed = false
  #isClosed = false
  #isPaused = false
  #busyMs = 0
  readonly #written = (): void => this.#onWritten()

  /**
   * @param socket connected, with `allowHalfOpen`, and no listener on it: it belongs to the Transport from here on
   * @param unixPath the socket's file; null for TCP
   * @param remoteAddress where the peer is, when the socket does not say so itself
   * @param input where the socket reads to past its stream; it is paused then
   */
  constructor(
    socket: Socket,
    unixPath: string | null,
    remoteAddress = remoteEndpoint(socket, unixPath),
    input: SharedInput | null = null,
  ) {
    this.#socket = socket
    this.#unixPath = unixPath
    this.#input = input
    this.remoteAddress = remoteAddress
    // First of all: an 'error' without listener ends the process.
    socket.on('error', (error) => this.#onError(error))
    socket.on('close', () => this.#onClose())
    // what broke before anybody listened does not say so again: TLS 1.3 refuses a client after its handshake
    if (socket.errored !== null) this.#onError(socket.errored)
    this.#isClosed = socket.closed
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
  }

  /** Asked of the system at each call; '' when the Socket is closed. */
  get localAddress(): string {
    if (this.#unixPath !== null) return `unix:${this.#unixPath}`
    return endpointText(this.#socket.localAddress, this.#socket.localPort)
  }

  // Asked for each packet that goes out: what lies in the Socket is looked at only when something does.
  get bufferedBytes(): number {
    return this.#isBacklogged && !this.#isDestroyed ? this.#socket.writableLength : 0
  }

  start(handler: TransportHandler): void {
    this.#handler = handler
    if (this.#input === null) this.#readAtOnce()
    else {
      this.#input.receive = (bytes) => this.#onData(bytes)
      if (!this.#isPaused) this.#socket.resume()
    }
    this.#socket.on('end', () => this.#onEnd())
    if (this.#isClosed) process.nextTick(() => this.#tellClosed())
  }

  // Node writes at once what the kernel takes, and only what remains counts as writableLength and stays in our memory.
  write(bytes: Buffer, moreFollow = false): void {
    if (this.#isEnded || this.#isDestroyed) return
    const socket = this.#socket
    if (moreFollow) {
      if (socket.writableCorked === 0) socket.cork()
      socket.write(bytes)
      return
    }
    socket.write(bytes, this.#written)
    if (socket.writableCorked > 0) socket.uncork()
    if (socket.writableLength > 0) this.#isBacklogged = true
  }

  pause(): void {
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#socket.resume()
  }

  end(): void {
    if (this.#isEnded || this.#isDestroyed) return
    this.#isEnded = true
    // nothing is left to come or to go: one close says the same as half a close and then another
    if (this.#hasPeerEnded && this.#socket.writableLength === 0 && !('encrypted' in this.#socket))
      this.#socket.destroy()
    else this.#socket.end()
  }

  destroy(): void {
    this.#isDestroyed = true
    this.#socket.destroy()
  }

  // Node resets the handle of a TCP socket only, and throws for others.
  breakOff(): void {
    if (this.#unixPath !== null || 'encrypted' in this.#socket) return this.destroy()
    this.#isDestroyed = true
    this.#socket.resetAndDestroy()
  }

  // Node gives each read to push(), which asks after each whether more is wanted and then tells 'data': without that detour
  // messages that come few at a time go 4 % faster. What comes while the Socket is paused takes it, and all that stands behind.
  #readAtOnce(): void {
    const socket = this.#socket
    socket.on('data', (bytes: Buffer) => this.#onData(bytes))
    const push = socket.push
    socket.push = (bytes: Buffer | null) => {
      if (bytes === null || socket.isPaused() || socket.readableLength > 0) return push.call(socket, bytes)
      this.#onData(bytes)
      return true
    }
  }

  // Node hands out what it had read before destroy(), so these two look.
  #onData(bytes: Buffer): void {
    if (this.#isDestroyed) return
    if (bytes.length < FULL_READ_BYTES) {
      this.#busyMs = 0
      this.#handler?.data(bytes)
      return
    }
    const startedAtMs = performance.now()
    this.#handler?.data(bytes)
    this.#busyMs += performance.now() - startedAtMs
    if (this.#busyMs > BUSY_MS_PER_TURN) this.#letOthersRead()
  }

  // A peer that sends faster than its bytes are dealt with would keep everybody else waiting.
  #letOthersRead(): void {
    this.#busyMs = 0
    if (this.#isPaused) return
    this.#socket.pause()
    setImmediate(() => {
      if (!this.#isPaused && !this.#isDestroyed) this.#socket.resume()
    })
  }

  #onEnd(): void {
    this.#hasPeerEnded = true
    if (!this.#isDestroyed) this.#handler?.ended()
  }

  // Runs after every write; 'drain' would come only after writes above the high water mark.
  #onWritten(): void {
    if (!this.#isBacklogged || this.#isDestroyed || this.#socket.writableLength > 0) return
    this.#isBacklogged = false
    this.#handler?.drained()
  }

  #onError(error: Error): void {
    if (this.#isDestroyed) return
    this.#isDestroyed = true
    this.#error = transportError('connection', this.remoteAddress, error)
  }

  #onClose(): void {
    this.#isDestroyed = true
    this.#isClosed = true
    this.#tellClosed()
  }

  #tellClosed(): void {
    const handler = this.#handler
    this.#handler = null
    handler?.closed(this.#error)
  }
}

/** Where the peer of a socket is, as {@link Transport.remoteAddress}. */
export function remoteEndpoint({ remoteAddress, remotePort }: Socket, unixPath: string | null): string {
  return unixPath === null ? endpointText(remoteAddress, remotePort) : `unix:${unixPath}`
}

/** What getpeername and getsockname said; IPv4 on a dual-stack listener as IPv4. '' when the peer is gone already. */
export function endpointText(host: string | undefined, port: number | undefined): string {
  if (host === undefined || port === undefined) return ''
  return formatHostAndPort(host.replace(/^::ffff:(?=\d+\.)/, ''), port)
}
