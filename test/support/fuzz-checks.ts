import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Decoder, decodeAll } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import type { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import {
  decodeChunks,
  expectOutcome,
  inChunksOf,
  NotingReader,
  type Outcome,
  plainViolation,
  type Stream,
} from './decoding.ts'
import { plainPacket } from './packets.ts'
import type { Random } from './random.ts'

/**
 * What must hold for any bytes whatever: only packets and a ProtocolViolation come out, however they are cut and whenever
 * they are paused; a lenient reader stumbles over the same byte first; and what was decoded survives being encoded.
 */
export function checkBytes(random: Random, bytes: Buffer, stream: Stream): void {
  const whole = decodeChunks([bytes], stream)
  const limit = stream.maximumPacketBytes ?? Number.MAX_SAFE_INTEGER
  const watch = (decoder: Decoder, chunkBytes: number): void => {
    if (decoder.bufferedBytes > Math.min(limit, bytes.length) + chunkBytes)
      throw new Error('more bytes kept than allowed')
  }
  expectOutcome(decodeChunks(randomChunks(random, bytes), stream, watch), whole, 'in random chunks')
  expectOutcome(decodeChunks(inChunksOf(bytes, 1), stream, watch), whole, 'in chunks of 1')
  expectOutcome(decodeWithPauses(random, bytes, stream), whole, 'with pauses')
  checkLenient(bytes, stream, whole)
  checkRoundTrip(bytes, stream)
}

function* randomChunks(random: Random, bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start < bytes.length; ) {
    const end = start + random.between(0, random.pick([2, 10, 1000]))
    yield bytes.subarray(start, end)
    start = end
  }
}

function decodeWithPauses(random: Random, bytes: Buffer, stream: Stream): Outcome {
  const decoder = new Decoder(stream.sender, stream.maximumPacketBytes ?? Number.MAX_SAFE_INTEGER, stream.version)
  const decoded: Outcome['decoded'][number][] = []
  const collect = (packet: AnyPacket): void => {
    decoded.push({ packet: plainPacket(packet), version: decoder.version })
    if (random.oneIn(2)) decoder.pause()
  }
  const sink = { receivePublish: collect, receiveAcknowledgement: collect, receivePacket: collect }
  try {
    for (const chunk of randomChunks(random, bytes)) {
      decoder.push(chunk, sink)
      if (random.oneIn(2)) decoder.resume(sink)
    }
    // a packet may pause again each time
    for (let left = bytes.length; left >= 0; left--) decoder.resume(sink)
    decoder.end()
  } catch (error) {
    return { decoded, violation: plainViolation(error) }
  }
  return { decoded, violation: null }
}

function checkLenient(bytes: Buffer, stream: Stream, whole: Outcome): void {
  const reader = new NotingReader(stream.sender)
  const lenient = decodeChunks([bytes], { ...stream, reader })
  const [first = lenient.violation] = reader.noted
  if (!isDeepStrictEqual(first, whole.violation)) expect(first, 'first violation').toEqual(whole.violation)
  if (first === null) expectOutcome(lenient, whole, 'read leniently')
}

function checkRoundTrip(
  bytes: Buffer,
  { sender, version, maximumPacketBytes = Number.MAX_SAFE_INTEGER }: Stream,
): void {
  const decoder = new Decoder(sender, maximumPacketBytes, version)
  const collect = (packet: AnyPacket): void => {
    const plain = plainPacket(packet)
    const encoded = encodePacket(packet, decoder.version!)
    const [again, ...more] = decodeEncoded(encoded, packet, decoder)
    if (again === undefined || more.length > 0 || !isDeepStrictEqual(plainPacket(again), plain)) {
      expect(
        [again, ...more].map((one) => one && plainPacket(one)),
        'encoded and decoded',
      ).toEqual([plain])
    }
    expect(encodePacket(again!, decoder.version!).equals(encoded), 'encoded twice').toBe(true)
  }
  const decodeEncoded = (encoded: Buffer, { packetType }: AnyPacket, { version: known }: Decoder): AnyPacket[] => {
    const told: ProtocolVersion | null = packetType === PacketType.CONNECT ? null : known
    return decodeAll(encoded, sender, told)
  }
  const sink = { receivePublish: collect, receiveAcknowledgement: collect, receivePacket: collect }
  try {
    decoder.push(bytes, sink)
  } catch (error) {
    plainViolation(error)
  }
}
