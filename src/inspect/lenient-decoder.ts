import type { AnyPacket } from '../codec/control-packet.ts'
import { decodeControlPacket, flagViolations } from '../codec/decoder.ts'
import { maySend, PacketType, type Role, reservedFlags } from '../codec/packet-type.ts'
import { type AcknowledgementType, decodeAcknowledgement } from '../codec/packets/acknowledgement.ts'
import { decodePublish } from '../codec/packets/publish.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { ProtocolViolation } from '../codec/violation.ts'
import type { InspectedPacket, Origin } from './inspected-packet.ts'
import { TraceReader } from './trace-reader.ts'

/** A packet as the decoder gives it out: where it was found is for others to say. */
export type DecodedPacket = Omit<InspectedPacket, keyof Origin>

/** Incomplete bytes that are kept for the rest of their packet; beyond it the packet is given out as cut. */
const MAXIMUM_KEPT_BYTES = 16 * 1024 * 1024
const EMPTY = Buffer.alloc(0)

interface Header {
  readonly bodyStart: number
  readonly remainingLength: number
}

/**
 * Cuts the bytes of one side into packets like the strict Decoder, but never throws: what breaks a rule is noted with the
 * packet. The version changes with each CONNECT that comes.
 */
export class LenientDecoder {
  version: ProtocolVersion
  readonly sender: Role
  readonly #reader: TraceReader
  #kept: Buffer = EMPTY
  #offset = 0

  constructor(sender: Role, version: ProtocolVersion) {
    this.sender = sender
    this.version = version
    this.#reader = new TraceReader(sender)
  }

  /** Takes the next bytes. @returns the packets that are complete now; they look into the chunk */
  push(chunk: Buffer): DecodedPacket[] {
    const bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk])
    const packets: DecodedPacket[] = []
    let at = 0
    while (at < bytes.length) {
      const packet = this.#next(bytes, at)
      if (packet === null) break
      packets.push(packet)
      at += packet.bytes.length
    }
    this.#kept = at === bytes.length ? EMPTY : bytes.subarray(at)
    if (this.#kept.length > MAXIMUM_KEPT_BYTES) return [...packets, ...this.end()]
    return packets
  }

  /** Nothing more comes, or bytes are missing from here on. @returns the packet that is cut, if there is one */
  end(): DecodedPacket[] {
    const bytes = this.#kept
    this.#kept = EMPTY
    return bytes.length === 0 ? [] : [this.#cut(bytes)]
  }

  // null: the packet is not complete yet
  #next(bytes: Buffer, start: number): DecodedPacket | null {
    const header = readHeader(bytes, start)
    if (header === null) return null
    // nothing says where a packet without a length ends
    if (header.remainingLength < 0) return this.#decode(bytes.subarray(start), { bodyStart: 5, remainingLength: -1 })
    const end = start + header.bodyStart + header.remainingLength
    return end > bytes.length ? null : this.#decode(bytes.subarray(start, end), header)
  }

  #cut(bytes: Buffer): DecodedPacket {
    return this.#decode(bytes, readHeader(bytes, 0) ?? { bodyStart: bytes.length, remainingLength: 0 }, true)
  }

  #decode(bytes: Buffer, { bodyStart, remainingLength }: Header, isCut = false): DecodedPacket {
    const reader = this.#reader
    const packetType = bytes[0]! >> 4
    reader.open(bytes, 0, bodyStart, bytes.length, packetType)
    reader.version = this.version
    reader.note('Packet Type and Flags', 0, 1, bytes[0]!)
    if (bytes.length > 1) reader.note('Remaining Length', 1, bodyStart, Math.max(0, remainingLength))
    this.#checkFirstByte(packetType, bytes[0]! & 0xf)
    let packet: AnyPacket | null = null
    if (remainingLength < 0) reader.violate('VARIABLE_BYTE_INTEGER_TOO_LONG', 1, 'Remaining Length')
    else {
      if (bodyStart > 2 && bytes[bodyStart - 1] === 0) {
        reader.violate('VARIABLE_BYTE_INTEGER_NOT_SHORTEST', 1, 'Remaining Length')
      }
      if (isCut) this.#reportCut(bytes, bodyStart, remainingLength)
      packet = this.#decodeBody(packetType, bytes[0]! & 0xf, isCut)
    }
    if (packet?.packetType === PacketType.CONNECT) this.version = packet.version
    const { fields, issues } = reader
    if (packet === null && reader.offset < bytes.length) {
      reader.note('Undecoded', reader.offset, bytes.length, bytes.subarray(reader.offset))
    }
    const offset = this.#offset
    this.#offset += bytes.length
    return { packetType, version: this.version, sender: this.sender, offset, bytes, fields, issues, packet }
  }

  #reportCut(bytes: Buffer, bodyStart: number, remainingLength: number): void {
    const there = bytes.length - bodyStart
    const detail = `Remaining Length ${remainingLength}, but ${there} bytes follow`
    this.#reader.violate('STREAM_ENDS_INSIDE_PACKET', bytes.length - 1, undefined, { detail })
  }

  #checkFirstByte(packetType: number, flags: number): void {
    const reader = this.#reader
    const version = this.version
    if (packetType === 0 || (packetType === PacketType.AUTH && version !== ProtocolVersion.V5)) {
      reader.violate('PACKET_TYPE_RESERVED', 0)
    } else if (!maySend(this.sender, packetType, version)) {
      reader.violate('PACKET_FROM_WRONG_SIDE', 0)
    }
    const expected = reservedFlags[packetType]!
    if (expected === flags || expected < 0) return
    // MQTT 3.1 lets DUP stand on PUBREL, SUBSCRIBE and UNSUBSCRIBE (semantics M-02)
    if (version === ProtocolVersion.V3_1 && expected === 2 && (flags & ~8) === 2) return
    const detail = `expected ${expected.toString(2).padStart(4, '0')}, met ${flags.toString(2).padStart(4, '0')}`
    reader.violate(flagViolations[packetType] ?? 'FLAGS_INVALID', 0, undefined, { detail })
  }

  #decodeBody(packetType: number, flags: number, isCut: boolean): AnyPacket | null {
    const reader = this.#reader
    if (packetType === 0) return null
    try {
      switch (packetType) {
        case PacketType.PUBLISH:
          return decodePublish(reader, flags)
        case PacketType.PUBACK:
        case PacketType.PUBREC:
        case PacketType.PUBREL:
        case PacketType.PUBCOMP:
          return decodeAcknowledgement(reader, packetType as AcknowledgementType)
        default:
          return decodeControlPacket(reader, packetType)
      }
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error
      // what a cut packet lacks was reported with the cut
      if (!isCut) reader.report(error)
      return null
    }
  }
}

// null: more bytes are needed; a Remaining Length of -1: it does not end after four bytes
function readHeader(bytes: Buffer, start: number): Header | null {
  let remainingLength = 0
  for (let i = 1; i < 5; i++) {
    const digit = bytes[start + i]
    if (digit === undefined) return null
    remainingLength |= (digit & 0x7f) << (7 * (i - 1))
    if (digit < 0x80) return { bodyStart: i + 1, remainingLength }
  }
  return { bodyStart: 5, remainingLength: -1 }
}
