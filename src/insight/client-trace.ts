import { createWriteStream, type WriteStream } from 'node:fs'
import { isIP } from 'node:net'
import { Decoder } from '../codec/decoder.ts'
import { PacketType, Role } from '../codec/packet-type.ts'
import type { Transport, TransportHandler } from '../transport/transport.ts'
import { type CaptureAddress, capturedSegment, captureHeader, LARGEST_SEGMENT_BYTES, TcpFlag } from './pcapng.ts'

/** What is captured, and how much of it. */
export interface TraceTerms {
  readonly clientId: string
  /** pcapng; what it held is replaced */
  readonly path: string
  /** the file grows to this at most */
  readonly maximumBytes: number
  /** Is told once why the capture has ended before the broker: the file is full, or cannot be written. */
  readonly ended: (why: string) => void
}

/** A CONNECT, and what may be read before it is known whose it is. */
const MAXIMUM_HELD_BYTES = 1_048_576
/** What may wait for a slow disk. */
const MAXIMUM_UNWRITTEN_BYTES = 16 * 1_048_576
/** Readers look for MQTT there, and TLS or WebSocket are off already: the real port would mislead them. */
const SERVER_PORT = 1883
const NOTHING = Buffer.alloc(0)

/**
 * Writes what one client and the broker say to each other into a file that Wireshark and `inspect` read: MQTT in TCP segments
 * that are made up around it, whatever it came in.
 */
export class ClientTrace {
  readonly clientId: string
  readonly #terms: TraceTerms
  readonly #file: WriteStream
  #bytes = 0
  #isOver = false

  private constructor(terms: TraceTerms, file: WriteStream) {
    this.clientId = terms.clientId
    this.#terms = terms
    this.#file = file
    file.on('error', (error) => this.#end(error.message))
    this.write(
      captureHeader(
        `mqtt-kit: client ${JSON.stringify(terms.clientId)}; the port of the server is written as ${SERVER_PORT}`,
      ),
    )
  }

  /** @throws the error of the system when the file cannot be opened */
  static async open(terms: TraceTerms): Promise<ClientTrace> {
    const file = createWriteStream(terms.path)
    await new Promise<void>((resolve, reject) => file.once('open', () => resolve()).once('error', reject))
    return new ClientTrace(terms, file)
  }

  /** Puts itself between a connection and the broker, as long as it may be one of this client. */
  tap(transport: Transport): Transport {
    return this.#isOver ? transport : new TappedTransport(transport, this)
  }

  /** Writes a block, or ends the capture when there is no more room. */
  write(block: Buffer): void {
    if (this.#isOver) return
    if (this.#bytes + block.length > this.#terms.maximumBytes)
      this.#end(`it has reached ${this.#terms.maximumBytes} bytes`)
    else if (this.#file.writableLength > MAXIMUM_UNWRITTEN_BYTES) this.#end('the disk is too slow')
    else {
      this.#bytes += block.length
      this.#file.write(block)
    }
  }

  get isOver(): boolean {
    return this.#isOver
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

interface Said {
  readonly byClient: boolean
  readonly bytes: Buffer
  readonly atMs: number
}

/** A connection that may be, or is, one of the traced client. */
class TappedTransport implements Transport, TransportHandler {
  readonly #inner: Transport
  readonly #trace: ClientTrace
  #handler!: TransportHandler
  /** null when it is known whose the connection is */
  #decoder: Decoder | null = new Decoder(Role.CLIENT, MAXIMUM_HELD_BYTES)
  #held: Said[] = []
  /** null: not of this client */
  #conversation: Conversation | null = null

  constructor(inner: Transport, trace: ClientTrace) {
    this.#inner = inner
    this.#trace = trace
  }

  get remoteAddress(): string {
    return this.#inner.remoteAddress
  }

  get localAddress(): string {
    return this.#inner.localAddress
  }

  get bufferedBytes(): number {
    return this.#inner.bufferedBytes
  }

  start(handler: TransportHandler): void {
    this.#handler = handler
    this.#inner.start(this)
  }

  write(bytes: Buffer, moreFollow?: boolean): void {
    this.#note(false, bytes)
    this.#inner.write(bytes, moreFollow)
  }

  pause(): void {
    this.#inner.pause()
  }

  resume(): void {
    this.#inner.resume()
  }

  end(): void {
    this.#conversation?.end(false)
    this.#inner.end()
  }

  destroy(): void {
    this.#inner.destroy()
  }

  breakOff(): void {
    this.#inner.breakOff()
  }

  data(bytes: Buffer): void {
    this.#note(true, bytes)
    if (this.#decoder !== null) this.#findClientId(this.#decoder, bytes)
    this.#handler.data(bytes)
  }

  drained(): void {
    this.#handler.drained()
  }

  ended(): void {
    this.#conversation?.end(true)
    this.#handler.ended()
  }

  closed(...[error]: Parameters<TransportHandler['closed']>): void {
    this.#conversation?.end(true)
    this.#handler.closed(error)
  }

  #note(byClient: boolean, bytes: Buffer): void {
    if (this.#decoder !== null) this.#held.push({ byClient, bytes: Buffer.from(bytes), atMs: Date.now() })
    else this.#conversation?.say(byClient, bytes, Date.now())
  }

  #findClientId(decoder: Decoder, bytes: Buffer): void {
    let clientId: string | null = null
    const ignore = (): void => {}
    const sink = {
      receivePublish: ignore,
      receiveAcknowledgement: ignore,
      receivePacket: (packet: { packetType: number; clientId?: string }) => {
        if (packet.packetType === PacketType.CONNECT) clientId = packet.clientId ?? ''
        decoder.stop()
      },
    }
    let isMqtt = true
    try {
      decoder.push(Buffer.from(bytes), sink)
    } catch {
      // the broker finds the same fault and tells of it
      isMqtt = false
    }
    if (isMqtt && clientId === null && decoder.bufferedBytes <= MAXIMUM_HELD_BYTES) return
    this.#decoder = null
    if (clientId === this.#trace.clientId) {
      this.#conversation = new Conversation(this.#trace, this.#inner)
      for (const { byClient, bytes: said, atMs } of this.#held) this.#conversation.say(byClient, said, atMs)
    }
    this.#held = []
  }
}

/** Both directions of one connection as TCP. */
class Conversation {
  readonly #trace: ClientTrace
  readonly #client: CaptureAddress
  readonly #server: CaptureAddress
  #fromClient = 1
  #fromServer = 1
  #clientEnded = false
  #serverEnded = false

  constructor(trace: ClientTrace, { remoteAddress, localAddress }: Transport) {
    this.#trace = trace
    this.#client = captureAddress(remoteAddress, 49_152)
    this.#server = { ...captureAddress(localAddress, SERVER_PORT), port: SERVER_PORT }
    const nowMs = Date.now()
    this.#write(true, TcpFlag.SYN, NOTHING, nowMs, 0, 0)
    this.#write(false, TcpFlag.SYN | TcpFlag.ACK, NOTHING, nowMs, 0, 1)
    this.#write(true, TcpFlag.ACK, NOTHING, nowMs, 1, 1)
  }

  say(byClient: boolean, bytes: Buffer, atMs: number): void {
    for (let offset = 0; offset < bytes.length; offset += LARGEST_SEGMENT_BYTES) {
      const payload = bytes.subarray(offset, offset + LARGEST_SEGMENT_BYTES)
      this.#segment(byClient, TcpFlag.PSH | TcpFlag.ACK, payload, atMs)
      if (byClient) this.#fromClient += payload.length
      else this.#fromServer += payload.length
    }
  }

  end(byClient: boolean): void {
    if (byClient ? this.#clientEnded : this.#serverEnded) return
    if (byClient) this.#clientEnded = true
    else this.#serverEnded = true
    this.#segment(byClient, TcpFlag.FIN | TcpFlag.ACK, NOTHING, Date.now())
    if (byClient) this.#fromClient++
    else this.#fromServer++
  }

  #segment(byClient: boolean, flags: number, payload: Buffer, atMs: number): void {
    const [own, other] = byClient ? [this.#fromClient, this.#fromServer] : [this.#fromServer, this.#fromClient]
    this.#write(byClient, flags, payload, atMs, own, other)
  }

  #write(
    byClient: boolean,
    flags: number,
    payload: Buffer,
    atMs: number,
    sequence: number,
    acknowledgement: number,
  ): void {
    const [from, to] = byClient ? [this.#client, this.#server] : [this.#server, this.#client]
    this.#trace.write(capturedSegment({ from, to, sequence, acknowledgement, flags, payload }, atMs))
  }
}

// A unix socket has no address: it is this machine.
function captureAddress(text: string, otherwisePort: number): CaptureAddress {
  const [, ip = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(text) ?? []
  return isIP(ip) === 0 ? { ip: '127.0.0.1', port: otherwisePort } : { ip, port: Number(port) }
}
