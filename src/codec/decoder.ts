/**
 * The codec room turns bytes into packets and back, for MQTT 3.1, 3.1.1 and 5.0 alike, strictly: what breaks a rule about
 * bytes comes out as a ProtocolViolation. It keeps no session, knows no socket and no clock. The Decoder below is the way
 * in, encoder.ts the way out; one file per packet in packets/; the rules are rows of violation.ts and property.ts.
 */
import type { AnyPacket, ControlPacket } from './control-packet.ts'
import { maySend, PacketType, packetTypeNames, type Role, reservedFlags } from './packet-type.ts'
import type { Acknowledgement } from './packets/acknowledgement.ts'
import { type AcknowledgementType, decodeAcknowledgement } from './packets/acknowledgement.ts'
import { decodeAuth } from './packets/auth.ts'
import { decodeConnack } from './packets/connack.ts'
import { decodeConnect } from './packets/connect.ts'
import { decodeDisconnect } from './packets/disconnect.ts'
import { PINGREQ, PINGRESP } from './packets/ping.ts'
import { decodePublish, type Publish } from './packets/publish.ts'
import { decodeSuback } from './packets/suback.ts'
import { decodeSubscribe } from './packets/subscribe.ts'
import { decodeUnsuback } from './packets/unsuback.ts'
import { decodeUnsubscribe } from './packets/unsubscribe.ts'
import { ProtocolVersion } from './protocol-version.ts'
import { Reader } from './reader.ts'
import { ProtocolViolation, type ViolationName } from './violation.ts'

/** Where decoded packets go. A sink may call {@link Decoder.pause} or {@link Decoder.stop} while it is being called. */
export interface PacketSink {
  /** its message looks into the chunk: good for this turn, see Message.own */
  receivePublish(publish: Publish): void
  receiveAcknowledgement(acknowledgement: Acknowledgement): void
  receivePacket(packet: ControlPacket): void
}

const EMPTY = Buffer.alloc(0)
const MAXIMUM_HEADER_BYTES = 5

/** Room for an incomplete packet is made ahead, but only for this many times the bytes that came. */
const ROOM_AHEAD = 4

/** What reserved flags of a fixed header break where the type has a statement of its own; FLAGS_INVALID elsewhere. */
const flagViolations: Readonly<Partial<Record<number, ViolationName>>> = {
  [PacketType.PUBREL]: 'PUBREL_FLAGS_INVALID',
  [PacketType.SUBSCRIBE]: 'SUBSCRIBE_FLAGS_INVALID',
  [PacketType.UNSUBSCRIBE]: 'UNSUBSCRIBE_FLAGS_INVALID',
  [PacketType.DISCONNECT]: 'DISCONNECT_FLAGS_INVALID',
  [PacketType.AUTH]: 'AUTH_FLAGS_INVALID',
}

/** The rule that a packet of this type breaks by coming from this side; null when it breaks none. */
export function typeViolation(sender: Role, packetType: number, version: ProtocolVersion): ViolationName | null {
  if (packetType === 0 || (packetType === PacketType.AUTH && version !== ProtocolVersion.V5))
    return 'PACKET_TYPE_RESERVED'
  return maySend(sender, packetType, version) ? null : 'PACKET_FROM_WRONG_SIDE'
}

/** The rule that the flags of a fixed header break; null when they break none, and for PUBLISH, whose flags say something. */
export function flagsViolation(
  packetType: number,
  flags: number,
  version: ProtocolVersion | null,
): ViolationName | null {
  const expected = reservedFlags[packetType]!
  if (expected === flags || expected < 0) return null
  // MQTT 3.1 lets DUP stand on PUBREL, SUBSCRIBE and UNSUBSCRIBE (semantics M-02)
  if (version === ProtocolVersion.V3_1 && expected === 2 && (flags & ~8) === 2) return null
  return flagViolations[packetType] ?? 'FLAGS_INVALID'
}

/** Header of a packet that is not complete yet. */
const INCOMPLETE = -1

/**
 * Cuts a byte stream into packets and decodes them; any chunking gives the same packets.
 *
 * Memory: at most one incomplete packet, held in a buffer that grows with the bytes that came, not with the length that
 * was declared; and while paused what arrives is kept, so whoever pauses stops reading from the socket too.
 */
export class Decoder {
  readonly reader: Reader
  readonly #sender: Role
  /** bytes of a whole packet; more is PACKET_TOO_LARGE as soon as the fixed header says so */
  maximumPacketBytes: number
  #version: ProtocolVersion | null
  #partial: Buffer = EMPTY
  #partialLength = 0
  #held: Buffer[] = []
  #paused = false
  #stopped = false
  // what readHeader found
  #bodyStart = 0
  #packetEnd = 0

  /**
   * @param sender who sends these bytes
   * @param version null: the first packet must be CONNECT and tells
   * @param reader a tracing one, to be given the positions of all fields
   */
  constructor(
    sender: Role,
    maximumPacketBytes: number,
    version: ProtocolVersion | null = null,
    reader: Reader = new Reader(sender),
  ) {
    this.#sender = sender
    this.maximumPacketBytes = maximumPacketBytes
    this.reader = reader
    this.#version = version
    if (version !== null) reader.version = version
  }

  /** Version in use; null before CONNECT. */
  get version(): ProtocolVersion | null {
    return this.#version
  }

  /** Bytes waiting for the rest of their packet, or for {@link resume}. */
  get bufferedBytes(): number {
    return this.#partialLength + this.#held.reduce((sum, chunk) => sum + chunk.length, 0)
  }

  /** No more packets until {@link resume}; may be called from the sink. */
  pause(): void {
    this.#paused = true
  }

  /** Goes on with what was kept. @throws ProtocolViolation as {@link push} */
  resume(sink: PacketSink): void {
    this.#paused = false
    const held = this.#held
    this.#held = []
    for (const chunk of held) this.push(chunk, sink)
  }

  /** Drops everything, now and from now on; may be called from the sink. */
  stop(): void {
    this.#stopped = true
    this.#partial = EMPTY
    this.#partialLength = 0
    this.#held = []
  }

  /**
   * Takes the next bytes of the stream.
   * @param chunk must not change as long as messages decoded from it are in use
   * @throws ProtocolViolation at the first packet that breaks a rule; the decoder is stopped then
   */
  push(chunk: Buffer, sink: PacketSink): void {
    if (this.#stopped) return
    if (this.#paused) {
      this.#held.push(chunk)
      return
    }
    try {
      const start = this.#partialLength > 0 ? this.#completePartial(chunk, sink) : 0
      if (start < chunk.length) this.#decodeWhole(chunk, start, sink)
    } catch (error) {
      if (error instanceof ProtocolViolation) this.stop()
      throw error
    }
  }

  /** The stream has ended. @throws ProtocolViolation STREAM_ENDS_INSIDE_PACKET */
  end(): void {
    if (this.#partialLength === 0) return
    const packetType = this.#partial[0]! >> 4
    throw this.#violation('STREAM_ENDS_INSIDE_PACKET', packetType, this.#partialLength)
  }

  #decodeWhole(chunk: Buffer, from: number, sink: PacketSink): void {
    let start = from
    while (start < chunk.length && !this.#stopped) {
      if (this.#paused) {
        this.#held.push(chunk.subarray(start))
        return
      }
      if (this.#readHeader(chunk, start, chunk.length) === INCOMPLETE) {
        this.#keep(chunk, start, chunk.length, MAXIMUM_HEADER_BYTES)
        return
      }
      if (this.#packetEnd > chunk.length) {
        this.#keep(chunk, start, chunk.length, this.#packetEnd - start)
        return
      }
      const end = this.#packetEnd
      this.#decodePacket(chunk, start, this.#bodyStart, end, sink)
      start = end
    }
  }

  // Adds to the incomplete packet just what it lacks. @returns where the next packet starts in the chunk
  #completePartial(chunk: Buffer, sink: PacketSink): number {
    let taken = 0
    while (this.#readHeader(this.#partial, 0, this.#partialLength) === INCOMPLETE) {
      if (taken === chunk.length) return taken
      this.#keep(chunk, taken, ++taken, MAXIMUM_HEADER_BYTES)
    }
    const missing = Math.min(this.#packetEnd - this.#partialLength, chunk.length - taken)
    this.#keep(chunk, taken, taken + missing, this.#packetEnd)
    taken += missing
    if (this.#partialLength < this.#packetEnd) return taken
    // messages may look into the buffer, so it is given away with the packet
    const bytes = this.#partial
    this.#partial = EMPTY
    this.#partialLength = 0
    this.#decodePacket(bytes, 0, this.#bodyStart, this.#packetEnd, sink)
    return taken
  }

  #keep(chunk: Buffer, start: number, end: number, packetBytes: number): void {
    const length = this.#partialLength + end - start
    if (length > this.#partial.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, Math.min(packetBytes, length * ROOM_AHEAD)))
      this.#partial.copy(larger, 0, 0, this.#partialLength)
      this.#partial = larger
    }
    chunk.copy(this.#partial, this.#partialLength, start, end)
    this.#partialLength = length
  }

  // Judges the fixed header as far as it has come: type, flags, Remaining Length, size.
  #readHeader(bytes: Buffer, start: number, end: number): number {
    const packetType = bytes[start]! >> 4
    this.#checkFirstByte(packetType, bytes[start]! & 0xf)
    let remainingLength = 0
    for (let i = 1; i < MAXIMUM_HEADER_BYTES; i++) {
      if (start + i >= end) return INCOMPLETE
      const digit = bytes[start + i]!
      remainingLength |= (digit & 0x7f) << (7 * (i - 1))
      if (digit < 0x80) {
        if (digit === 0 && i > 1)
          throw this.#violation('VARIABLE_BYTE_INTEGER_NOT_SHORTEST', packetType, 1, 'Remaining Length')
        this.#bodyStart = start + i + 1
        this.#packetEnd = this.#bodyStart + remainingLength
        const total = this.#packetEnd - start
        if (total > this.maximumPacketBytes) throw this.#tooLarge(packetType, total)
        return remainingLength
      }
    }
    throw this.#violation('VARIABLE_BYTE_INTEGER_TOO_LONG', packetType, 1, 'Remaining Length')
  }

  #checkFirstByte(packetType: number, flags: number): void {
    const version = this.#version
    if (version === null) {
      // [MQTT-3.1.0-1]
      if (packetType !== PacketType.CONNECT) throw this.#violation('FIRST_PACKET_NOT_CONNECT', packetType, 0)
    } else {
      const broken = typeViolation(this.#sender, packetType, version)
      if (broken !== null) throw this.#violation(broken, packetType, 0)
    }
    const broken = flagsViolation(packetType, flags, version)
    if (broken !== null) throw this.#violation(broken, packetType, 0)
  }

  #decodePacket(bytes: Buffer, start: number, bodyStart: number, end: number, sink: PacketSink): void {
    const first = bytes[start]!
    const packetType = first >> 4
    this.reader.open(bytes, start, bodyStart, end, packetType)
    switch (packetType) {
      case PacketType.PUBLISH:
        sink.receivePublish(decodePublish(this.reader, first & 0xf))
        return
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBREL:
      case PacketType.PUBCOMP:
        sink.receiveAcknowledgement(decodeAcknowledgement(this.reader, packetType as AcknowledgementType))
        return
      default: {
        const packet = decodeControlPacket(this.reader, packetType)
        if (packet.packetType === PacketType.CONNECT) this.#version = packet.version
        sink.receivePacket(packet)
      }
    }
  }

  #tooLarge(packetType: number, total: number): ProtocolViolation {
    return new ProtocolViolation('PACKET_TOO_LARGE', {
      version: this.#version ?? this.reader.version,
      packetType,
      offset: 1,
      field: 'Remaining Length',
      detail: `${total} bytes, the limit is ${this.maximumPacketBytes}`,
    })
  }

  #violation(violation: ViolationName, packetType: number, offset: number, field?: string): ProtocolViolation {
    return new ProtocolViolation(violation, {
      version: this.#version ?? this.reader.version,
      packetType,
      offset,
      field,
    })
  }
}

/** Decodes the body of a packet that is neither PUBLISH nor an acknowledgement. */
export function decodeControlPacket(reader: Reader, packetType: number): ControlPacket {
  switch (packetType) {
    case PacketType.CONNECT:
      return decodeConnect(reader)
    case PacketType.CONNACK:
      return decodeConnack(reader)
    case PacketType.SUBSCRIBE:
      return decodeSubscribe(reader)
    case PacketType.SUBACK:
      return decodeSuback(reader)
    case PacketType.UNSUBSCRIBE:
      return decodeUnsubscribe(reader)
    case PacketType.UNSUBACK:
      return decodeUnsuback(reader)
    case PacketType.PINGREQ:
      reader.finish()
      return PINGREQ
    case PacketType.PINGRESP:
      reader.finish()
      return PINGRESP
    case PacketType.DISCONNECT:
      return decodeDisconnect(reader)
    case PacketType.AUTH:
      return decodeAuth(reader)
    default:
      throw new Error(`no decoder for packet type ${packetType} ${packetTypeNames[packetType] ?? ''}`)
  }
}

/**
 * Decodes all packets of some bytes at once: for tests and tools.
 * @throws ProtocolViolation as Decoder, and STREAM_ENDS_INSIDE_PACKET
 */
export function decodeAll(bytes: Buffer, sender: Role, version: ProtocolVersion | null): AnyPacket[] {
  const packets: AnyPacket[] = []
  const decoder = new Decoder(sender, Number.MAX_SAFE_INTEGER, version)
  const collect = (packet: AnyPacket): void => {
    packets.push(packet)
  }
  decoder.push(bytes, { receivePublish: collect, receiveAcknowledgement: collect, receivePacket: collect })
  decoder.end()
  return packets
}
