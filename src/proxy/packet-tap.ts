import { PacketType, Role } from '../codec/packet-type.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import type { InspectedPacket, Origin } from '../inspect/inspected-packet.ts'
import { nameForeign } from '../inspect/inspector.ts'
import { LenientDecoder } from '../inspect/lenient-decoder.ts'
import type { Parties } from '../inspect/network/connection.ts'
import { type Injected, type Tap, UNTOUCHED } from './tap.ts'

/** Gets the packets of all connections. */
export interface PacketTapOutput {
  packet(packet: InspectedPacket, parties: Parties, injected: Injected): void
  /** A connection carries something else; its bytes pass unread. @param what in words: `HTTP` */
  foreign(stream: number, what: string): void
}

/** Notes bytes as they come, beside the tap. All times are in milliseconds since 1970. */
export interface ByteRecord {
  /** @returns number of the frame that the bytes are in, counted from 1 over all connections */
  bytes(sender: Role, bytes: Buffer, injected: Injected, atMs: number): number
  /** @returns number of the frame that tells of it */
  ended(sender: Role, atMs: number): number
  /** @returns number of the frame that tells of it */
  closed(sender: Role | null, isReset: boolean, atMs: number): number
}

/** Bytes of packets that are not whole yet, all connections together. */
export class ShownBytes {
  held = 0
  readonly maximum: number

  constructor(maximum: number) {
    this.maximum = maximum
  }
}

/** What a tap has to know of its connection. */
export interface PacketTapParts {
  readonly stream: number
  /** address and port */
  readonly client: string
  readonly server: string
  /** of a connection that does not begin with CONNECT */
  readonly version: ProtocolVersion | null
  readonly record: ByteRecord
  readonly shownBytes: ShownBytes
  readonly nowMs: () => number
}

/** Reads the packets of one connection as they pass. */
export class PacketTap implements Tap {
  readonly #parts: PacketTapParts
  readonly #output: PacketTapOutput
  readonly #parties: { -readonly [Key in keyof Parties]: Parties[Key] }
  readonly #decoders: readonly [ofClient: LenientDecoder, ofServer: LenientDecoder]
  /** null: nobody has said anything yet */
  #isForeign: boolean | null = null

  constructor(parts: PacketTapParts, output: PacketTapOutput) {
    this.#parts = parts
    this.#output = output
    this.#parties = { client: parts.client, server: parts.server, clientId: null, isWhole: true, closed: null }
    const version = parts.version ?? ProtocolVersion.V5
    this.#decoders = [new LenientDecoder(Role.CLIENT, version), new LenientDecoder(Role.SERVER, version)]
  }

  bytes(sender: Role, bytes: Buffer, injected: Injected): void {
    const { record, stream, nowMs } = this.#parts
    const atMs = nowMs()
    const frame = record.bytes(sender, bytes, injected, atMs)
    if (this.#isForeign === null) this.#lookAt(bytes)
    if (this.#isForeign) return
    this.#decode(sender, bytes, injected, { stream, frame, timeSeconds: atMs / 1000 })
  }

  ended(sender: Role): void {
    const { record, nowMs } = this.#parts
    const atMs = nowMs()
    this.#close(record.ended(sender, atMs), atMs, false)
  }

  closed(sender: Role | null, isReset: boolean): void {
    const { record, stream, nowMs, shownBytes } = this.#parts
    const atMs = nowMs()
    const frame = record.closed(sender, isReset, atMs)
    const origin = { stream, frame, timeSeconds: atMs / 1000 }
    for (const decoder of this.#decoders) {
      shownBytes.held -= decoder.heldBytes
      // of a connection that we cut the sender may well have sent the rest
      this.#giveOut(decoder.end(sender !== decoder.sender, origin), UNTOUCHED)
    }
    this.#close(frame, atMs, isReset)
  }

  #close(frame: number, atMs: number, isReset: boolean): void {
    this.#parties.closed ??= { frame, timeSeconds: atMs / 1000, isReset }
  }

  #lookAt(opening: Buffer): void {
    const foreign = nameForeign(opening)
    this.#isForeign = foreign !== null
    if (foreign !== null) this.#output.foreign(this.#parts.stream, foreign)
  }

  #decode(sender: Role, bytes: Buffer, injected: Injected, origin: Origin): void {
    const { shownBytes } = this.#parts
    const decoder = this.#decoders[sender]
    const before = decoder.heldBytes
    this.#giveOut(decoder.push(bytes, origin), injected)
    shownBytes.held += decoder.heldBytes - before
    if (shownBytes.held <= shownBytes.maximum) return
    shownBytes.held -= decoder.heldBytes
    this.#giveOut(decoder.giveUp(origin), injected)
  }

  #giveOut(packets: readonly InspectedPacket[], injected: Injected): void {
    for (const inspected of packets) {
      const { packet, sender } = inspected
      if (packet?.packetType === PacketType.CONNECT && sender === Role.CLIENT) {
        this.#parties.clientId = packet.clientId
        this.#decoders[Role.SERVER].version = packet.version
      }
      if (packet?.packetType === PacketType.CONNACK) {
        this.#parties.clientId = packet.properties.assignedClientIdentifier ?? this.#parties.clientId
      }
      this.#output.packet(inspected, this.#parties, injected)
    }
  }
}
