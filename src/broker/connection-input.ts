import { Decoder, type PacketSink } from '../codec/decoder.ts'
import { Role } from '../codec/packet-type.ts'
import type { ProtocolVersion } from '../codec/protocol-version.ts'
import type { Transport } from '../transport/transport.ts'
import { type ClientRateName, ClientRates } from './client-rates.ts'
import type { Limits } from './limits.ts'

/** CONNECT may hold a client id, user name, password, will topic and will payload of 65,535 bytes each, and properties. */
const MAXIMUM_CONNECT_BYTES = 1_048_576

/** Bytes kept from a client whose CONNECT is being judged; with more its socket is not read until that is done. */
const MAXIMUM_HELD_BYTES = 65_536

/** Why packets wait, or the socket is not read. */
export const Pause = { HOLDING: 1, STALLED: 2, THROTTLED: 4 } as const
export type Pause = (typeof Pause)[keyof typeof Pause]

/** What comes on one connection: cut into packets, and not read while there is a reason. */
export class ConnectionInput {
  readonly #transport: Transport
  readonly #limits: Limits
  readonly #decoder: Decoder
  /** where packets go */
  sink: PacketSink
  /** when a client that was too fast is read again, or a connection that came too early is begun with; monotonic ms */
  readAgainAtMs = Number.POSITIVE_INFINITY
  /** reasons that hold now */
  #pauses = 0
  /** null while no rate is limited */
  #rates: ClientRates | null = null

  constructor(transport: Transport, limits: Limits, sink: PacketSink) {
    this.#transport = transport
    this.#limits = limits
    this.#decoder = new Decoder(Role.CLIENT, Math.min(limits.maximumPacketBytes, MAXIMUM_CONNECT_BYTES))
    this.sink = sink
  }

  /** MQTT version of the first packet; null before. */
  get version(): ProtocolVersion | null {
    return this.#decoder.version
  }

  /** What CONNECT said, whether it is accepted or not; Infinity when it said nothing. */
  get senderMaximumPacketBytes(): number {
    return this.#decoder.reader.senderMaximumPacketBytes
  }

  /** CONNECT was accepted: from here on packets may be as large as the limit says. */
  allowLargePackets(): void {
    this.#decoder.maximumPacketBytes = this.#limits.maximumPacketBytes
  }

  /** Hot. @throws ProtocolViolation */
  take(bytes: Buffer): void {
    this.#decoder.push(bytes, this.sink)
  }

  /** Reads no more of a client that is to wait and sends too much meanwhile. */
  boundHeld(): void {
    if ((this.#pauses & Pause.HOLDING) !== 0 && this.#decoder.bufferedBytes > MAXIMUM_HELD_BYTES)
      this.#transport.pause()
  }

  /** The client has sent so many more. @returns milliseconds for which it is not to be read; 0 for none */
  waitMsFor(name: ClientRateName, count: number, nowMs: number): number {
    this.#rates ??= new ClientRates(this.#limits)
    return this.#rates.take(name, count, nowMs)
  }

  isPausedFor(reason: Pause): boolean {
    return (this.#pauses & reason) !== 0
  }

  /**
   * What comes behind CONNECT, or behind a step of its authentication, waits until that is judged (semantics B-19). The socket
   * is read meanwhile, within a bound: else a client that closes would not be noticed (C-10).
   */
  hold(): void {
    this.#decoder.pause()
    this.#pauses |= Pause.HOLDING
  }

  /** The client does not read its answers. */
  stall(): void {
    this.#pauses |= Pause.STALLED
    this.#transport.pause()
  }

  /** Slows a client down that is too fast, by not reading it (semantics L-09); what was read already waits. */
  throttle(untilMs: number): void {
    const isLonger = this.isPausedFor(Pause.THROTTLED) && this.readAgainAtMs > untilMs
    if (!isLonger) this.readAgainAtMs = untilMs
    this.#decoder.pause()
    this.#pauses |= Pause.THROTTLED
    this.#transport.pause()
  }

  /** The socket may be read again, as far as this reason goes; packets that wait go on waiting. */
  read(reason: Pause): void {
    this.#pauses &= ~reason
    if (this.#pauses === 0) this.#transport.resume()
  }

  /** As {@link read}, and packets that wait go on to the sink. @throws ProtocolViolation */
  goOn(reason: Pause): void {
    this.read(reason)
    this.#decoder.resume(this.sink)
  }

  /** Nothing that comes counts any more. */
  stop(): void {
    this.#decoder.stop()
  }
}
