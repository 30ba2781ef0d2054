import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { type FrameSink, PacketFramer } from '../../src/proxy/packet-framer.ts'
import { fuzzCases, fuzzSeed, Random } from '../support/random.ts'
import { randomPacket } from '../support/random-packets.ts'

class Frames implements FrameSink {
  readonly packets: { packetType: number; bytes: Buffer; isWhole: boolean }[] = []

  packetBegins(packetType: number): void {
    this.packets.push({ packetType, bytes: Buffer.alloc(0), isWhole: false })
  }

  packetBytes(bytes: Buffer, isLast: boolean): void {
    expect(bytes.length).toBeGreaterThan(0)
    const packet = this.packets.at(-1)!
    expect(packet.isWhole).toBe(false)
    packet.bytes = Buffer.concat([packet.bytes, bytes])
    packet.isWhole = isLast
  }
}

function frames(chunks: readonly Buffer[]): Frames['packets'] {
  const framer = new PacketFramer()
  const sink = new Frames()
  for (const chunk of chunks) framer.push(chunk, sink)
  return sink.packets
}

function chunked(bytes: Buffer, random: Random): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const length = random.between(1, 40)
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  return chunks
}

describe('the framer', () => {
  it('finds the packets that were encoded, in whatever chunks they come', () => {
    const random = new Random(fuzzSeed('packet framer'))
    for (let i = 0; i < fuzzCases(200); i++) {
      const encoded = Array.from({ length: random.between(1, 5) }, () =>
        encodePacket(randomPacket(random, ProtocolVersion.V5, Role.CLIENT), ProtocolVersion.V5),
      )
      const found = frames(chunked(Buffer.concat(encoded), random))

      expect(found.map(({ bytes }) => bytes.toString('hex'))).toEqual(encoded.map((bytes) => bytes.toString('hex')))
      expect(found.map(({ packetType }) => packetType)).toEqual(encoded.map((bytes) => bytes[0]! >> 4))
      expect(found.every(({ isWhole }) => isWhole)).toBe(true)
    }
  })

  it('gives out all bytes in order, whatever they are', () => {
    const random = new Random(fuzzSeed('packet framer'))
    for (let i = 0; i < fuzzCases(500); i++) {
      const bytes = random.bytes(random.between(1, 300))
      const found = frames(chunked(bytes, random))

      expect(Buffer.concat(found.map((packet) => packet.bytes)).equals(bytes)).toBe(true)
      expect(found.slice(0, -1).every(({ isWhole }) => isWhole)).toBe(true)
    }
  })

  it('takes what follows a Remaining Length without end for one packet', () => {
    const bytes = Buffer.from('c000 30ffffffff 01c000c000'.replaceAll(' ', ''), 'hex')

    expect(frames([bytes]).map(({ bytes: { length }, isWhole }) => [length, isWhole])).toEqual([
      [2, true],
      [10, false],
    ])
  })
})
