import { createWriteStream, type WriteStream } from 'node:fs'
import { isIP } from 'node:net'
import { type CaptureAddress, capturedSegment, captureHeader, LARGEST_SEGMENT_BYTES, TcpFlag } from './pcapng.ts'

/** Where a capture is written to, and how large it may get. */
export interface CaptureTerms {
  /** pcapng; what it held is replaced */
  readonly path: string
  /** the file grows to this at most */
  readonly maximumBytes: number
  /** Is told once why the capture has ended before its owner: the file is full, or cannot be written. */
  readonly ended: (why: string) => void
}

/** What may wait for a slow disk. */
const MAXIMUM_UNWRITTEN_BYTES = 16 * 1_048_576
/** Readers look for MQTT there, and TLS or WebSocket are off already: the real port would mislead them. */
export const SERVER_PORT = 1883
/** For a client without an address: the first port that no service is registered for. */
const SOME_CLIENT_PORT = 49_152
const NOTHING = Buffer.alloc(0)

/** A pcapng file that grows as things happen; whole blocks only, whenever it ends. */
export class CaptureFile implements CaptureSink {
  /** packets written so far; readers number them from 1 */
  frames = 0
  readonly #terms: CaptureTerms
  readonly #file: WriteStream
  #bytes = 0
  #isOver = false

  private constructor(terms: CaptureTerms, file: WriteStream, comment: string) {
    this.#terms = terms
    this.#file = file
    file.on('error', (error) => this.#end(error.message))
    this.#write(captureHeader(comment))
  }

  /**
   * @param comment on the whole file, shown by who reads it
   * @throws the error of the system when the file cannot be opened
   */
  static async open(terms: CaptureTerms, comment: string): Promise<CaptureFile> {
    const file = createWriteStream(terms.path)
    await new Promise<void>((resolve, reject) => file.once('open', () => resolve()).once('error', reject))
    return new CaptureFile(terms, file, comment)
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Writes the block of one packet, or ends the capture when there is no more room. */
  add(block: Buffer): void {
    this.frames++
    this.#write(block)
  }

  #write(block: Buffer): void {
    if (this.#isOver) return
    if (this.#bytes + block.length > this.#terms.maximumBytes)
      this.#end(`it has reached ${this.#terms.maximumBytes} bytes`)
    else if (this.#file.writableLength > MAXIMUM_UNWRITTEN_BYTES) this.#end('the disk is too slow')
    else {
      this.#bytes += block.length
      this.#file.write(block)
    }
  }

  #end(why: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#file.end()
    this.#terms.ended(why)
  }

  /** Writes what is left and closes the file. */
  async close(): Promise<void> {
    this.#isOver = true
    if (this.#file.closed) return
    await new Promise<void>((resolve) => {
      this.#file.once('close', () => resolve())
      this.#file.end()
    })
  }
}

/** Takes the block of each packet, in order. */
export interface CaptureSink {
  add(block: Buffer): void
}

/** Both ends of a connection, as {@link Transport} writes them. */
export interface Ends {
  readonly remoteAddress: string
  readonly localAddress: string
}

/** Both directions of one connection as TCP that is made up around its bytes. */
export class CapturedConversation {
  readonly #sink: CaptureSink
  readonly #client: CaptureAddress
  readonly #server: CaptureAddress
  #fromClient = 1
  #fromServer = 1
  #clientEnded = false
  #serverEnded = false

  /** @param ends as the server sees them: the client is remote */
  constructor(sink: CaptureSink, { remoteAddress, localAddress }: Ends, nowMs: number) {
    this.#sink = sink
    this.#client = captureAddress(remoteAddress, SOME_CLIENT_PORT)
    this.#server = { ...captureAddress(localAddress, SERVER_PORT), port: SERVER_PORT }
    this.#write(true, TcpFlag.SYN, NOTHING, nowMs, 0, 0)
    this.#write(false, TcpFlag.SYN | TcpFlag.ACK, NOTHING, nowMs, 0, 1)
    this.#write(true, TcpFlag.ACK, NOTHING, nowMs, 1, 1)
  }

  /** @param comment on the packets of these bytes, shown by who reads the file; '' for none */
  say(byClient: boolean, bytes: Buffer, atMs: number, comment = ''): void {
    for (let offset = 0; offset < bytes.length; offset += LARGEST_SEGMENT_BYTES) {
      const payload = bytes.subarray(offset, offset + LARGEST_SEGMENT_BYTES)
      this.#segment(byClient, TcpFlag.PSH | TcpFlag.ACK, payload, atMs, comment)
      if (byClient) this.#fromClient += payload.length
      else this.#fromServer += payload.length
    }
  }

  /** One side sends no more. */
  end(byClient: boolean, atMs: number): void {
    if (byClient ? this.#clientEnded : this.#serverEnded) return
    if (byClient) this.#clientEnded = true
    else this.#serverEnded = true
    this.#segment(byClient, TcpFlag.FIN | TcpFlag.ACK, NOTHING, atMs)
    if (byClient) this.#fromClient++
    else this.#fromServer++
  }

  /** One side has broken the connection off. */
  reset(byClient: boolean, atMs: number): void {
    if (this.#clientEnded && this.#serverEnded) return
    this.#clientEnded = true
    this.#serverEnded = true
    this.#segment(byClient, TcpFlag.RST | TcpFlag.ACK, NOTHING, atMs)
  }

  #segment(byClient: boolean, flags: number, payload: Buffer, atMs: number, comment = ''): void {
    const [own, other] = byClient ? [this.#fromClient, this.#fromServer] : [this.#fromServer, this.#fromClient]
    this.#write(byClient, flags, payload, atMs, own, other, comment)
  }

  #write(
    byClient: boolean,
    flags: number,
    payload: Buffer,
    atMs: number,
    sequence: number,
    acknowledgement: number,
    comment = '',
  ): void {
    const [from, to] = byClient ? [this.#client, this.#server] : [this.#server, this.#client]
    this.#sink.add(capturedSegment({ from, to, sequence, acknowledgement, flags, payload }, atMs, comment))
  }
}

// A unix socket has no address: it is this machine.
function captureAddress(text: string, otherwisePort: number): CaptureAddress {
  const [, ip = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? []
  return isIP(ip) === 0 ? { ip: '127.0.0.1', port: otherwisePort } : { ip, port: Number(port) }
}
