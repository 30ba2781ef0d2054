import type { WebSocket } from 'ws'
import type { Transport, TransportHandler } from './transport.ts'
import { TransportError } from './transport-error.ts'

/** No compression: MQTT payloads are small or compressed already, and each connection would cost 300 KiB (semantics N-03). */
const BINARY = { binary: true, compress: false, fin: true } as const

/** Close codes of RFC 6455 section 7.4.1. */
const NORMAL_CLOSURE = 1000
const UNSUPPORTED_DATA = 1003
/** There was no closing handshake. */
const ABNORMAL_CLOSURE = 1006

/** A Transport on an open WebSocket: each write is a binary frame, and frame borders mean nothing [MQTT-6.0.0-2]. */
export class WebSocketTransport implements Transport {
  readonly remoteAddress: string
  readonly localAddress: string
  readonly isForeign: boolean
  readonly #socket: WebSocket
  #handler: TransportHandler | null = null
  #error: TransportError | null = null
  /** A write left bytes behind, and `drained` is owed. */
  #isBacklogged = false
  #isEnded = false
  #isDestroyed = false
  #isClosed = false
  readonly #written = (): void => this.#onWritten()

  /** @param socket open, and no listener on it: it belongs to the Transport from here on */
  constructor(socket: WebSocket, remoteAddress: string, localAddress: string, isForeign: boolean) {
    this.#socket = socket
    this.remoteAddress = remoteAddress
    this.localAddress = localAddress
    this.isForeign = isForeign
    socket.pause()
    socket.on('error', (error) => this.#onError(error))
    socket.on('close', (code) => this.#onClose(code))
    socket.on('ping', () => this.#onPing())
  }

  get bufferedBytes(): number {
    return this.#isDestroyed ? 0 : this.#socket.bufferedAmount
  }

  start(handler: TransportHandler): void {
    this.#handler = handler
    this.#socket.on('message', (bytes: Buffer, isBinary: boolean) => this.#onMessage(bytes, isBinary))
    if (this.#isClosed) process.nextTick(() => this.#tellClosed())
    else this.#socket.resume()
  }

  write(bytes: Buffer): void {
    if (this.#isEnded || this.#isDestroyed) return
    this.#socket.send(bytes, BINARY, this.#written)
    if (this.#socket.bufferedAmount > 0) this.#isBacklogged = true
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    if (this.#isEnded || this.#isDestroyed) return
    this.#isEnded = true
    this.#socket.close(NORMAL_CLOSURE)
  }

  destroy(): void {
    this.#isDestroyed = true
    this.#socket.terminate()
  }

  breakOff(): void {
    this.destroy()
  }

  // [MQTT-6.0.0-1] a text frame ends the connection
  #onMessage(bytes: Buffer, isBinary: boolean): void {
    if (this.#isDestroyed || this.#error !== null) return
    if (isBinary) {
      if (bytes.length > 0) this.#handler?.data(bytes)
      return
    }
    this.#error = new TransportError('connection', 'WEBSOCKET_TEXT_FRAME', this.remoteAddress, null)
    this.#isEnded = true
    this.#socket.close(UNSUPPORTED_DATA)
  }

  #onWritten(): void {
    if (!this.#isBacklogged || this.#isDestroyed || this.#socket.bufferedAmount > 0) return
    this.#isBacklogged = false
    this.#handler?.drained()
  }

  // What breaks the framing, and frames above the bound, end the connection: ws has sent the close code.
  #onError(error: Error): void {
    if (this.#isDestroyed) return
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
    this.#error ??= new TransportError('connection', code, this.remoteAddress, error)
  }

  // ws answers pings by itself, and ends a peer that leaves too many answers unread, without a word.
  #onPing(): void {
    if (this.#isEnded || this.#isDestroyed || this.#socket.readyState !== this.#socket.CLOSING) return
    this.#error ??= new TransportError('connection', 'WEBSOCKET_PONGS_UNREAD', this.remoteAddress, null)
  }

  #onClose(code: number): void {
    // ws keeps the socket's own error to itself
    if (code === ABNORMAL_CLOSURE && !this.#isDestroyed) {
      this.#error ??= new TransportError('connection', 'ECONNRESET', this.remoteAddress, null)
    }
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
