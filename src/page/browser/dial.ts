import { type Address, formatAddress } from '../../transport/address.ts'
import type { Transport, TransportHandler } from '../../transport/transport.ts'
import { TransportError } from '../../transport/transport-error.ts'

/** As much of the options of dial as a browser knows. */
interface BrowserDialOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/**
 * In place of transport/dial.ts: connects by the WebSocket of the browser.
 * @throws TransportError (rejects) ETIMEDOUT, ABORT_ERR, or ECONNREFUSED for whatever the browser does not tell
 */
export function dial(address: Address, { timeoutMs, signal }: BrowserDialOptions): Promise<Transport> {
  const url = formatAddress(address)
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, ['mqtt'])
    socket.binaryType = 'arraybuffer'
    const fail = (code: string): void => {
      settle()
      socket.close()
      reject(new TransportError('connect', code, url, null))
    }
    const refused = (): void => fail('ECONNREFUSED')
    const abort = (): void => fail('ABORT_ERR')
    const timer = setTimeout(() => fail('ETIMEDOUT'), timeoutMs)
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
      socket.onopen = socket.onerror = null
    }
    socket.onopen = () => {
      settle()
      resolve(new BrowserTransport(socket, url))
    }
    socket.onerror = refused
    signal?.addEventListener('abort', abort)
  })
}

/** How often a backlog is looked at: a browser does not tell when it is gone. */
const LOOK_MS = 50

/** A Transport on the WebSocket of a browser, which cannot stop reading: pause holds back what has come. */
class BrowserTransport implements Transport {
  readonly remoteAddress: string
  readonly localAddress = 'browser'
  readonly #socket: WebSocket
  #handler: TransportHandler | null = null
  #isPaused = true
  #held: Buffer[] = []
  #isDestroyed = false
  #isClosed = false

  constructor(socket: WebSocket, url: string) {
    this.#socket = socket
    this.remoteAddress = url
    socket.onmessage = ({ data }) => this.#receive(Buffer.from(data as ArrayBuffer))
    socket.onclose = ({ wasClean }) => this.#closed(wasClean)
  }

  get bufferedBytes(): number {
    return this.#isClosed ? 0 : this.#socket.bufferedAmount
  }

  start(handler: TransportHandler): void {
    this.#handler = handler
    if (this.#isClosed) setTimeout(() => this.#tellClosed(false))
    else setTimeout(() => this.resume())
  }

  // The memory may be used again at once: send() takes a copy.
  write(bytes: Buffer): void {
    if (this.#isClosed || this.#socket.readyState !== WebSocket.OPEN) return
    const isFirst = this.#socket.bufferedAmount === 0
    this.#socket.send(bytes as Uint8Array<ArrayBuffer>)
    if (isFirst) this.#awaitDrain()
  }

  #awaitDrain(): void {
    setTimeout(() => {
      if (this.#isClosed) return
      if (this.#socket.bufferedAmount > 0) this.#awaitDrain()
      else this.#handler?.drained()
    }, LOOK_MS)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    for (const bytes of this.#held.splice(0)) this.#receive(bytes)
  }

  end(): void {
    this.#socket.close(1000)
  }

  destroy(): void {
    this.#isDestroyed = true
    this.#socket.close(1000)
  }

  /** A browser knows no reset. */
  breakOff(): void {
    this.destroy()
  }

  #receive(bytes: Buffer): void {
    if (this.#isPaused) this.#held.push(bytes)
    else if (bytes.length > 0) this.#handler?.data(bytes)
  }

  #closed(wasClean: boolean): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#tellClosed(wasClean || this.#isDestroyed)
  }

  #tellClosed(wasClean: boolean): void {
    const handler = this.#handler
    this.#handler = null
    handler?.closed(wasClean ? null : new TransportError('connection', 'ECONNRESET', this.remoteAddress, null))
  }
}
