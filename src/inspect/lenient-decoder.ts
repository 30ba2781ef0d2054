import type { AnyPacket } from '../codec/control-packet.ts'
import { flagsViolation, typeViolation } from '../codec/decoder.ts'
import { PacketType, Role } from '../codec/packet-type.ts'
import type { ProtocolVersion } from '../codec/protocol-version.ts'
import { Reader } from '../codec/reader.ts'
import { ProtocolViolation } from '../codec/violation.ts'
import { InspectedPacket, NO_ORIGIN, type Origin } from './inspected-packet.ts'
import { OVERHEAD_BYTES } from './limits.ts'
import { decodeBody } from './packet-body.ts'
import { type Header, readHeader } from './packet-header.ts'
import { CutBy, tracePacket } from './packet-trace.ts'
import { TopicNames } from './topic-names.ts'

/** How far a packet is looked for behind bytes that are none. */
const RESYNC_BYTES = 4096
/** How much has to read well behind that place. */
const WELL_READ_BYTES = 16 * 1024
/** What one decoder may read in vain while it looks for packets; then what is no packet is passed over with its chunk. */
const VAIN_BYTES = 1024 * 1024
/** What a reading in vain costs at least, in bytes: an exception is slow. */
const VAIN_READING_BYTES = 64
const EMPTY = Buffer.alloc(0)
// of all decoders: a reader looks into the chunk it read last, and thousands of them would keep as many chunks alive
const readers: readonly [Reader, Reader] = [new Reader(Role.CLIENT), new Reader(Role.SERVER)]

/**
 * Cuts the bytes of one side into packets like the strict Decoder, but never throws: what breaks a rule is noted with the
 * packet. The version changes with each CONNECT that comes. Keeps one incomplete packet at most, as many bytes as came.
 */
export class LenientDecoder {
  version: ProtocolVersion
  readonly sender: Role
  #partial: Buffer = EMPTY
  #partialLength = 0
  // of the whole packet, as far as is known
  #wantedBytes = 0
  // still to come of a packet that was given up
  #passedOver = 0
  #vainBytes = 0
  #offset = 0
  readonly #topicNames = new TopicNames()

  constructor(sender: Role, version: ProtocolVersion) {
    this.sender = sender
    this.version = version
  }

  /** What is kept until the rest of its packet comes, and names that aliases stand for, in bytes. */
  get heldBytes(): number {
    return this.#topicNames.heldBytes + (this.#partialLength === 0 ? 0 : this.#partial.length + OVERHEAD_BYTES)
  }

  /** Takes the next bytes. @returns the packets that are complete now; they look into the chunk */
  push(chunk: Buffer, origin: Origin = NO_ORIGIN): InspectedPacket[] {
    const packets: InspectedPacket[] = []
    let bytes = chunk
    let at = Math.min(this.#passedOver, chunk.length)
    this.#passedOver -= at
    this.#offset += at
    while (this.#partialLength > 0 && at < bytes.length) {
      const taken = Math.min(this.#wantedBytes - this.#partialLength, bytes.length - at)
      this.#keep(bytes, at, at + taken)
      at += taken
      if (this.#partialLength < this.#wantedBytes) return packets
      const partial = this.#partial.subarray(0, this.#partialLength)
      const header = readHeader(partial, 0)
      if (header === null) this.#wantedBytes++
      else if (header.remainingLength < 0) {
        bytes = Buffer.concat([partial, bytes.subarray(at)])
        at = 0
        this.#forgetPartial()
      } else if (this.#partialLength === header.bodyStart + header.remainingLength) {
        this.#forgetPartial()
        packets.push(this.#decode(partial, header, origin))
      } else this.#wantedBytes = header.bodyStart + header.remainingLength
    }
    while (at < bytes.length) {
      const header = readHeader(bytes, at)
      const end = header === null ? Number.POSITIVE_INFINITY : this.#endOf(bytes, at, header)
      if (end > bytes.length) {
        this.#wantedBytes = header === null ? bytes.length - at + 1 : end - at
        this.#keep(bytes, at, bytes.length)
        break
      }
      packets.push(this.#decode(bytes.subarray(at, end), header!, origin))
      at = end
    }
    return packets
  }

  /**
   * Nothing more comes, or bytes are missing from here on.
   * @param isCaptureLoss true: the sender may well have sent the rest
   * @returns the packet that is cut, if there is one
   */
  end(isCaptureLoss = false, origin: Origin = NO_ORIGIN): InspectedPacket[] {
    this.#passedOver = 0
    return this.#cut(isCaptureLoss ? CutBy.CAPTURE : CutBy.SENDER, origin)
  }

  /**
   * Gives up all that is held: the packet that waits for its rest, of which what comes is passed over until the next packet, and
   * the names that aliases stand for.
   */
  giveUp(origin: Origin = NO_ORIGIN): InspectedPacket[] {
    this.#topicNames.clear()
    const missing = this.#wantedBytes - this.#partialLength
    const packets = this.#cut(CutBy.LIMIT, origin)
    if (packets.length > 0) this.#passedOver = missing
    return packets
  }

  #cut(cutBy: CutBy, origin: Origin): InspectedPacket[] {
    const bytes = this.#partial.subarray(0, this.#partialLength)
    this.#forgetPartial()
    return bytes.length === 0 ? [] : [this.#trace(bytes, cutBy, origin)]
  }

  // Room is made ahead, twice the bytes that came at most: what is declared may never come.
  #keep(bytes: Buffer, start: number, end: number): void {
    const length = this.#partialLength + end - start
    if (length > this.#partial.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, Math.min(this.#wantedBytes, length * 2)))
      this.#partial.copy(larger, 0, 0, this.#partialLength)
      this.#partial = larger
    }
    bytes.copy(this.#partial, this.#partialLength, start, end)
    this.#partialLength = length
  }

  // The packets that were made of it go on looking into the buffer.
  #forgetPartial(): void {
    this.#partial = EMPTY
    this.#partialLength = 0
    this.#wantedBytes = 0
  }

  // Nothing says where a packet without a length ends.
  #endOf(bytes: Buffer, start: number, { bodyStart, remainingLength }: Header): number {
    return remainingLength < 0 ? this.#resynchronise(bytes, start) : start + bodyStart + remainingLength
  }

  // Where packets begin again: from there on all bytes read as packets without any fault.
  #resynchronise(bytes: Buffer, start: number): number {
    const last = Math.min(bytes.length - 1, start + RESYNC_BYTES)
    for (let at = start + 5; at < last && this.#vainBytes < VAIN_BYTES; at++) {
      const header = readHeader(bytes, at)
      if (header === null || header.remainingLength < 0) continue
      const read = wellReadBytes(bytes.subarray(at), this.sender, this.version)
      if (read < 0) return at
      this.#vainBytes += Math.max(VAIN_READING_BYTES, read)
    }
    return bytes.length
  }

  // Hot: the strict way first, for it makes nothing but the packet; bytes it refuses are read again with a trace.
  #decode(bytes: Buffer, header: Header, origin: Origin): InspectedPacket {
    const packet = decodeStrictly(readers[this.sender], bytes, header, this.version)
    if (packet === null) return this.#trace(bytes, CutBy.NOBODY, origin)
    const name = this.#learn(packet)
    const inspected = new InspectedPacket(bytes, this.sender, this.version, this.#offset, packet, name, null, origin)
    this.#offset += bytes.length
    return inspected
  }

  #trace(bytes: Buffer, cutBy: CutBy, origin: Origin): InspectedPacket {
    const trace = tracePacket(bytes, this.sender, this.version, cutBy)
    const name = trace.packet === null ? null : this.#learn(trace.packet)
    const { sender, version } = this
    const inspected = new InspectedPacket(bytes, sender, version, this.#offset, trace.packet, name, trace, origin)
    this.#offset += bytes.length
    return inspected
  }

  // What a packet says about those behind it. @returns the Topic Name of a PUBLISH
  #learn(packet: AnyPacket): string | null {
    switch (packet.packetType) {
      case PacketType.PUBLISH:
        return this.#topicNames.of(packet)
      case PacketType.CONNECT:
        this.version = packet.version
        this.#topicNames.clear()
        return null
      case PacketType.CONNACK:
        this.#topicNames.clear()
        return null
      default:
        return null
    }
  }
}

// null: the bytes break a rule
function decodeStrictly(
  reader: Reader,
  bytes: Buffer,
  { bodyStart, remainingLength }: Header,
  version: ProtocolVersion,
): AnyPacket | null {
  const packetType = bytes[0]! >> 4
  const flags = bytes[0]! & 0xf
  if (remainingLength < 0 || (bodyStart > 2 && bytes[bodyStart - 1] === 0)) return null
  if (typeViolation(reader.sender, packetType, version) !== null) return null
  if (flagsViolation(packetType, flags, version) !== null) return null
  reader.open(bytes, 0, bodyStart, bytes.length, packetType)
  reader.version = version
  try {
    return decodeBody(reader, packetType, flags)
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error
    return null
  }
}

/** Do the bytes begin with a whole packet, and read without any fault? */
export function readsWell(bytes: Buffer, sender: Role, version: ProtocolVersion): boolean {
  return wellReadBytes(bytes, sender, version) < 0
}

// -1: they do; else how many bytes were read in vain
function wellReadBytes(bytes: Buffer, sender: Role, version: ProtocolVersion): number {
  const reader = readers[sender]
  const length = Math.min(bytes.length, WELL_READ_BYTES)
  let current = version
  let at = 0
  for (let header = readHeader(bytes, 0, length); header !== null; header = readHeader(bytes, at, length)) {
    const end = at + header.bodyStart + header.remainingLength
    if (header.remainingLength >= 0 && end > length) break
    const packet = decodeStrictly(reader, bytes.subarray(at, Math.max(at, end)), header, current)
    if (packet === null) return at
    if (packet.packetType === PacketType.CONNECT) current = packet.version
    at = end
  }
  return at > 0 ? -1 : 0
}
