import type { AnyPacket } from '../codec/control-packet.ts'
import { decodeControlPacket, flagsViolation, typeViolation } from '../codec/decoder.ts'
import { PacketType, type Role, reservedFlags } from '../codec/packet-type.ts'
import { type AcknowledgementType, decodeAcknowledgement } from '../codec/packets/acknowledgement.ts'
import { decodePublish } from '../codec/packets/publish.ts'
import type { ProtocolVersion } from '../codec/protocol-version.ts'
import { ProtocolViolation } from '../codec/violation.ts'
import type { InspectedPacket, Origin } from './inspected-packet.ts'
import { TraceReader } from './trace-reader.ts'

/** A packet as the decoder gives it out: where it was found is for others to say. */
export type DecodedPacket = Omit<InspectedPacket, keyof Origin>

/** How far a packet is looked for behind bytes that are none. */
const RESYNC_BYTES = 4096
/** How much has to read well behind that place. */
const WELL_READ_BYTES = 16 * 1024
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
  #kept: Buffer[] = []
  #keptBytes = 0
  #wantedBytes = 0
  #offset = 0

  constructor(sender: Role, version: ProtocolVersion) {
    this.sender = sender
    this.version = version
    this.#reader = new TraceReader(sender)
  }

  /** Takes the next bytes. @returns the packets that are complete now; they look into the chunk */
  push(chunk: Buffer): DecodedPacket[] {
    this.#kept.push(chunk)
    this.#keptBytes += chunk.length
    // a large packet comes in many chunks: they are joined once
    if (this.#keptBytes < this.#wantedBytes) return []
    const bytes = this.#kept.length === 1 ? chunk : Buffer.concat(this.#kept)
    const packets: DecodedPacket[] = []
    let at = 0
    while (at < bytes.length) {
      const packet = this.#next(bytes, at)
      if (packet === null) break
      packets.push(packet)
      at += packet.bytes.length
    }
    this.#keep(bytes.subarray(at))
    return packets
  }

  /**
   * Nothing more comes, or bytes are missing from here on.
   * @param isCaptureLoss true: the sender may well have sent the rest
   * @returns the packet that is cut, if there is one
   */
  end(isCaptureLoss = false): DecodedPacket[] {
    const bytes = Buffer.concat(this.#kept)
    this.#keep(EMPTY)
    return bytes.length === 0 ? [] : [this.#cut(bytes, isCaptureLoss)]
  }

  #keep(rest: Buffer): void {
    this.#kept = rest.length === 0 ? [] : [rest]
    this.#keptBytes = rest.length
    const header = rest.length === 0 ? null : readHeader(rest, 0)
    this.#wantedBytes = header === null ? 0 : header.bodyStart + header.remainingLength
  }

  // null: the packet is not complete yet
  #next(bytes: Buffer, start: number): DecodedPacket | null {
    const header = readHeader(bytes, start)
    if (header === null) return null
    // nothing says where a packet without a length ends
    if (header.remainingLength < 0)
      return this.#decode(bytes.subarray(start, this.#resynchronise(bytes, start)), header)
    const end = start + header.bodyStart + header.remainingLength
    return end > bytes.length ? null : this.#decode(bytes.subarray(start, end), header)
  }

  // Where packets begin again: from there on all bytes read as packets without any fault.
  #resynchronise(bytes: Buffer, start: number): number {
    const last = Math.min(bytes.length - 1, start + RESYNC_BYTES)
    for (let at = start + 5; at < last; at++) {
      const header = readHeader(bytes, at)
      if (header === null || header.remainingLength < 0) continue
      if (readsWell(bytes.subarray(at), this.sender, this.version)) return at
    }
    return bytes.length
  }

  #cut(bytes: Buffer, isCaptureLoss: boolean): DecodedPacket {
    const header = readHeader(bytes, 0) ?? { bodyStart: bytes.length, remainingLength: 0 }
    return this.#decode(bytes, header, isCaptureLoss ? 'capture' : 'sender')
  }

  #decode(
    bytes: Buffer,
    { bodyStart, remainingLength }: Header,
    cutBy: 'capture' | 'sender' | null = null,
  ): DecodedPacket {
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
      if (cutBy === 'capture') reader.warn('capture-incomplete', bytes.length - 1, 'the capture misses the rest')
      if (cutBy === 'sender') this.#reportCut(bytes, bodyStart, remainingLength)
      reader.isCut = cutBy !== null
      packet = this.#decodeBody(packetType, bytes[0]! & 0xf)
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
    const type = typeViolation(this.sender, packetType, this.version)
    if (type !== null) this.#reader.violate(type, 0)
    const broken = flagsViolation(packetType, flags, this.version)
    if (broken === null) return
    const bits = [reservedFlags[packetType]!, flags].map((value) => value.toString(2).padStart(4, '0'))
    this.#reader.violate(broken, 0, undefined, { detail: `expected ${bits[0]}, met ${bits[1]}` })
  }

  #decodeBody(packetType: number, flags: number): AnyPacket | null {
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

/** Do the bytes begin with a whole packet, and read without any fault? */
export function readsWell(bytes: Buffer, sender: Role, version: ProtocolVersion): boolean {
  const packets = new LenientDecoder(sender, version).push(bytes.subarray(0, WELL_READ_BYTES))
  return packets.length > 0 && packets.every(({ issues }) => issues.length === 0)
}
