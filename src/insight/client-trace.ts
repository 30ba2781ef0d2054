import { Decoder } from '../codec/decoder.ts'
import { PacketType, Role } from '../codec/packet-type.ts'
import type { Transport, TransportHandler } from '../transport/transport.ts'
import { CapturedConversation, CaptureFile, type CaptureTerms, SERVER_PORT } from './tcp-capture.ts'

/** What is captured, and how much of it. */
export interface TraceTerms extends CaptureTerms {
  readonly clientId: string
}

/** A CONNECT, and what may be read before it is known whose it is. */
const MAXIMUM_HELD_BYTES = 1_048_576

/**
 * Writes what one client and the broker say to each other into a file that Wireshark and `inspect` read: MQTT in TCP segments
 * that are made up around it, whatever it came in.
 */
export class ClientTrace {
  readonly clientId: string
  readonly file: CaptureFile

  private constructor(clientId: string, file: CaptureFile) {
    this.clientId = clientId
    this.file = file
  }

  /** @throws the error of the system when the file cannot be opened */
  static async open(terms: TraceTerms): Promise<ClientTrace> {
    const { clientId } = terms
    const comment = `mqtt-kit: client ${JSON.stringify(clientId)}; the port of the server is written as ${SERVER_PORT}`
    return new ClientTrace(clientId, await CaptureFile.open(terms, comment))
  }

  /** Puts itself between a connection and the broker, as long as it may be one of this client. */
  tap(transport: Transport): Transport {
    return this.file.isOver ? transport : new TappedTransport(transport, this)
  }

  /** Writes what is left and closes the file. */
  close(): Promise<void> {
    return this.file.close()
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
  #conversation: CapturedConversation | null = null

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

  get isForeign(): boolean {
    return this.#inner.isForeign ?? false
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
    this.#conversation?.end(false, Date.now())
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
    this.#conversation?.end(true, Date.now())
    this.#handler.ended()
  }

  closed(...[error]: Parameters<TransportHandler['closed']>): void {
    this.#conversation?.end(true, Date.now())
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
      this.#conversation = new CapturedConversation(this.#trace.file, this.#inner, Date.now())
      for (const { byClient, bytes: said, atMs } of this.#held) this.#conversation.say(byClient, said, atMs)
    }
    this.#held = []
  }
}
