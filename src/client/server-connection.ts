import type { AnyPacket, ControlPacket } from '../codec/control-packet.ts'
import { Decoder, type PacketSink } from '../codec/decoder.ts'
import { encodePacket } from '../codec/encoder.ts'
import type { Message } from '../codec/message.ts'
import { PacketType, Role } from '../codec/packet-type.ts'
import {
  Acknowledgement,
  type AcknowledgementType,
  acknowledgementBytes,
  writeAcknowledgement,
} from '../codec/packets/acknowledgement.ts'
import type { Connect } from '../codec/packets/connect.ts'
import { Publish, type PublishHeader, publishBytes, putPublish } from '../codec/packets/publish.ts'
import type { ProtocolVersion } from '../codec/protocol-version.ts'
import { ProtocolViolation } from '../codec/violation.ts'
import type { ClientSession } from '../session/client-session.ts'
import { LARGEST_PACKET_BYTES } from '../session/server-terms.ts'
import type { SessionOutput } from '../session/session-output.ts'
import { OutputBuffer, PASS_ON_BYTES, Turn } from '../transport/output-buffer.ts'
import type { Transport, TransportHandler } from '../transport/transport.ts'
import type { TransportError } from '../transport/transport-error.ts'
import { mayBecomeForeign, nameForeignProtocol, showOpening } from './foreign-protocol.ts'

/** What a connection tells its Client. The first four come at most once, and only `closed` after one of them. */
export interface ServerConnectionOwner {
  /** @param what what answers instead of an MQTT server, and what to try */
  notMqtt(what: string): void
  violated(violation: ProtocolViolation): void
  /** The Server will send no more. */
  ended(): void
  /** The socket is gone, and nothing comes after this. */
  closed(error: TransportError | null): void
  /** Input was processed, or output left: there may be room again. */
  progressed(): void
}

/** Every packet of a connection, for people who look for a fault. */
export type Trace = (direction: 'sent' | 'received', packet: AnyPacket, bytes: number) => void

/** Bytes on their way to the Server above which messages wait in the session instead. */
export const MAXIMUM_OUTPUT_BYTES = 1_048_576

/** One for all clients of the process: their sockets are written together when the turn ends, from one pool of memory. */
const turn = new Turn()

/** Has what all clients have put out leave now, and not when the turn ends: where each microsecond counts. */
export function flushClients(): void {
  turn.flush()
}

const NO_BYTES = Buffer.alloc(0)

/** One socket to a Server: decoder, session and output buffer put together. */
export class ServerConnection implements TransportHandler, PacketSink, SessionOutput {
  readonly #transport: Transport
  readonly #session: ClientSession
  readonly #owner: ServerConnectionOwner
  readonly #trace: Trace | null
  readonly #version: ProtocolVersion
  readonly #decoder: Decoder
  readonly #output: OutputBuffer
  #nowMs = 0
  #isEnding = false
  /** first bytes, as long as they may be those of another protocol; null once the decoder has them */
  #undecided: Buffer | null = NO_BYTES
  /** first bytes, until CONNACK is accepted */
  #opening: Buffer | null = NO_BYTES

  constructor(
    transport: Transport,
    session: ClientSession,
    connect: Connect,
    owner: ServerConnectionOwner,
    trace: Trace | null,
  ) {
    this.#transport = transport
    this.#session = session
    this.#owner = owner
    this.#trace = trace
    this.#version = connect.version
    const maximumPacketBytes = connect.properties.maximumPacketBytes ?? LARGEST_PACKET_BYTES
    this.#decoder = new Decoder(Role.SERVER, maximumPacketBytes, connect.version)
    this.#output = new OutputBuffer(transport, turn)
  }

  /** Starts reading. */
  start(): void {
    this.#transport.start(this)
  }

  /** CONNACK was accepted: whoever answers speaks MQTT. */
  accepted(): void {
    this.#opening = null
  }

  /** Bytes that are not with the kernel yet. */
  get pendingBytes(): number {
    return this.#output.pendingBytes
  }

  pause(): void {
    this.#transport.pause()
  }

  resume(): void {
    this.#transport.resume()
  }

  /** Half-closes behind all output and ignores what still comes; `closed` follows when the Server closes too. */
  end(): void {
    this.#stop()
    this.#output.end()
    this.#transport.resume()
  }

  /** Closes now; `closed` follows. */
  destroy(): void {
    this.#stop()
    this.#transport.destroy()
  }

  #stop(): void {
    this.#isEnding = true
    this.#decoder.stop()
  }

  // ---- bytes in: TransportHandler

  data(bytes: Buffer): void {
    if (this.#isEnding) return
    this.#nowMs = performance.now()
    this.#session.received(this.#nowMs)
    const input = this.#undecided === null ? bytes : this.#listen(this.#undecided, bytes)
    if (input === null) return
    try {
      this.#decoder.push(input, this)
    } catch (error) {
      if (!(error instanceof ProtocolViolation) || error.ours) throw error
      this.#violated(error)
    }
    this.#owner.progressed()
  }

  // What a web server says is better known by its name than as a broken packet. @returns null when nothing may be decoded
  #listen(before: Buffer, bytes: Buffer): Buffer | null {
    // a copy in any case: it is looked at again when more has come
    const opening = Buffer.concat([before, bytes])
    const name = nameForeignProtocol(opening)
    if (name !== null) {
      this.#owner.notMqtt(name)
      return null
    }
    const isUndecided = mayBecomeForeign(opening)
    this.#undecided = isUndecided ? opening : null
    this.#opening = opening
    return isUndecided ? null : opening
  }

  #violated(violation: ProtocolViolation): void {
    const opening = this.#opening
    const isPacket = violation.violation === 'FIRST_PACKET_NOT_CONNACK' || opening === null || isFirstOfServer(opening)
    if (isPacket) this.#owner.violated(violation)
    else this.#owner.notMqtt(showOpening(opening))
  }

  // A connection that ends, or says no more, without CONNACK: was it MQTT at all?
  tellUndecided(): boolean {
    const opening = this.#undecided
    if (opening === null || opening.length === 0) return false
    this.#owner.notMqtt(showOpening(opening))
    return true
  }

  drained(): void {
    this.#output.drained()
    if (this.#isEnding) return
    this.#session.drained(performance.now())
    this.#owner.progressed()
  }

  ended(): void {
    if (this.#isEnding || this.tellUndecided()) return
    this.#owner.ended()
  }

  closed(error: TransportError | null): void {
    this.#stop()
    this.#output.discard()
    this.#owner.closed(error)
  }

  // ---- packets in: PacketSink

  receivePublish(publish: Publish): void {
    if (this.#trace !== null) this.#traceReceived(publish)
    this.#session.receivePublish(publish, this.#nowMs)
  }

  receiveAcknowledgement(acknowledgement: Acknowledgement): void {
    if (this.#trace !== null) this.#traceReceived(acknowledgement)
    this.#session.receiveAcknowledgement(acknowledgement, this.#nowMs)
  }

  receivePacket(packet: ControlPacket): void {
    if (this.#trace !== null) this.#traceReceived(packet)
    this.#session.receivePacket(packet, this.#nowMs)
  }

  #traceReceived(packet: AnyPacket): void {
    const { end, packetStart } = this.#decoder.reader
    this.#trace?.('received', packet, end - packetStart)
  }

  // ---- packets out: SessionOutput

  get full(): boolean {
    if (this.#output.pendingBytes <= MAXIMUM_OUTPUT_BYTES) return false
    this.settle()
    return this.#output.pendingBytes > MAXIMUM_OUTPUT_BYTES
  }

  /** Gives output to the kernel before the turn ends if it takes any, so that `drained` is sure to come for the rest. */
  settle(): void {
    if (this.#transport.bufferedBytes === 0) this.#output.flush()
  }

  sendPublish(message: Message, header: PublishHeader, remainingLength: number): void {
    const byteCount = publishBytes(remainingLength)
    putPublish(message, header, remainingLength, this.#output, PASS_ON_BYTES)
    if (this.#trace !== null) this.#traceSentPublish(message, header, byteCount)
  }

  #traceSentPublish(message: Message, header: PublishHeader, byteCount: number): void {
    const publish = new Publish(message, header.qos, header.dup, header.packetId)
    publish.topicAlias = header.topicAlias
    this.#trace?.('sent', publish, byteCount)
  }

  sendAcknowledgement(packetType: AcknowledgementType, packetId: number, reasonCode: number): void {
    const byteCount = acknowledgementBytes(this.#version, reasonCode)
    const offset = this.#output.reserve(byteCount)
    writeAcknowledgement(this.#output.bytes, offset, this.#version, packetType, packetId, reasonCode)
    if (this.#trace !== null) this.#trace('sent', new Acknowledgement(packetType, packetId, reasonCode), byteCount)
  }

  send(packet: ControlPacket): void {
    const bytes = encodePacket(packet, this.#version)
    this.#output.append(bytes)
    if (this.#trace !== null) this.#trace('sent', packet, bytes.length)
  }
}

// CONNACK, or AUTH before it: a stream that begins so is MQTT, however broken.
function isFirstOfServer(opening: Buffer): boolean {
  const packetType = opening[0]! >> 4
  return packetType === PacketType.CONNACK || packetType === PacketType.AUTH
}
