import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import type { Role } from '../../src/codec/packet-type.ts'
import type { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { Reader } from '../../src/codec/reader.ts'
import { ProtocolViolation, type ViolationDetails, type ViolationName } from '../../src/codec/violation.ts'
import { type PlainPacket, plainPacket } from './packets.ts'

/** Whose bytes they are and what is known before the first. */
export interface Stream {
  readonly sender: Role
  /** null: the first packet is CONNECT and tells */
  readonly version: ProtocolVersion | null
  readonly maximumPacketBytes?: number
  readonly reader?: Reader
}

/** A packet, and the version it was decoded in. */
export interface Decoded {
  readonly packet: PlainPacket
  readonly version: ProtocolVersion | null
}

/** All that came out of some bytes: packets, and what ended them. */
export interface Outcome {
  readonly decoded: readonly Decoded[]
  readonly violation: PlainViolation | null
}

/** A violation as plain fields, to be compared. */
export interface PlainViolation {
  readonly violation: ViolationName
  readonly statement: string | null
  readonly reasonCode: number
  readonly version: ProtocolVersion
  readonly packetType: number | null
  readonly offset: number
  readonly field: string | null
  readonly message: string
}

export function plainViolation(error: unknown): PlainViolation {
  if (!(error instanceof ProtocolViolation)) throw error
  const { violation, statement, reasonCode, version, packetType, offset, field, message } = error
  return { violation, statement, reasonCode, version, packetType, offset, field, message }
}

/**
 * Decodes a stream that arrives in these chunks and then ends. Each chunk is overwritten once it was taken, so that
 * nothing can look back into it.
 *
 * @param watch is given the decoder after each chunk
 */
export function decodeChunks(
  chunks: Iterable<Buffer>,
  stream: Stream,
  watch: (decoder: Decoder, chunkBytes: number) => void = () => {},
): Outcome {
  const { sender, version, maximumPacketBytes = Number.MAX_SAFE_INTEGER, reader = new Reader(sender) } = stream
  const decoder = new Decoder(sender, maximumPacketBytes, version, reader)
  const decoded: Decoded[] = []
  const collect = (packet: AnyPacket): void => {
    decoded.push({ packet: plainPacket(packet), version: decoder.version })
  }
  const sink = { receivePublish: collect, receiveAcknowledgement: collect, receivePacket: collect }
  try {
    for (const part of chunks) {
      const chunk = Buffer.from(part)
      decoder.push(chunk, sink)
      chunk.fill(0xa5)
      watch(decoder, chunk.length)
    }
    decoder.end()
  } catch (error) {
    return { decoded, violation: plainViolation(error) }
  }
  return { decoded, violation: null }
}

/** Two outcomes are the same. Quick where they are, for a packet is decoded in thousands of ways. */
export function expectOutcome(actual: Outcome, expected: Outcome, how: string): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual, how).toEqual(expected)
}

/** Bytes in chunks of one size. */
export function* inChunksOf(bytes: Buffer, size: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

/** Bytes in two chunks. */
export function cutAt(bytes: Buffer, position: number): Buffer[] {
  return [bytes.subarray(0, position), bytes.subarray(position)]
}

/** A reader that notes violations and goes on, as a reader for people does. */
export class NotingReader extends Reader {
  readonly noted: PlainViolation[] = []

  override violate(violation: ViolationName, at: number, field?: string, more?: Partial<ViolationDetails>): void {
    const { version, packetType } = this
    const details = { version, packetType, offset: at - this.packetStart, field, ...more }
    this.noted.push(plainViolation(new ProtocolViolation(violation, details)))
  }

  override skipKnown(): boolean {
    return false
  }
}
