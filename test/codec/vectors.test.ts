import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../src/codec/encoder.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { properties } from '../../src/codec/property.ts'
import { type ProtocolVersion, protocolVersionName } from '../../src/codec/protocol-version.ts'
import { cutAt, decodeChunks, expectOutcome, inChunksOf, type Outcome, type Stream } from '../support/decoding.ts'
import { plainPacket } from '../support/packets.ts'
import type { PacketVector } from '../vectors/packet-vector.ts'
import { packetVectors } from '../vectors/packets.ts'

/** Up to here a packet is cut everywhere; longer ones are cut at their edges and here and there. */
const SHORT_PACKET_BYTES = 300

const cases = packetVectors.flatMap((vector) =>
  vector.versions.flatMap((version) =>
    vector.senders.map((sender) => ({
      ...vector,
      version,
      sender,
      name: `${vector.title}, from ${sender === Role.CLIENT ? 'Client' : 'Server'} in ${protocolVersionName(version)}`,
    })),
  ),
)

for (const vector of cases) describe(vector.name, () => describeVector(vector))

function describeVector({ bytes, packet, canonical = bytes, version, sender }: (typeof cases)[number]): void {
  const stream: Stream = { sender, version }
  const plain = plainPacket(packet)
  const once: Outcome = { decoded: [{ packet: plain, version }], violation: null }

  it('decodes to its fields', () => {
    expectOutcome(decodeChunks([bytes], stream), once, 'whole')
  })

  it('decodes from chunks of every size', () => {
    for (const size of sizes(bytes.length)) {
      expectOutcome(decodeChunks(inChunksOf(bytes, size), stream), once, `chunks of ${size}`)
    }
  })

  it('decodes from two pieces, wherever it is cut', () => {
    for (const position of positions(bytes.length)) {
      expectOutcome(decodeChunks(cutAt(bytes, position), stream), once, `cut at ${position}`)
    }
  })

  it('decodes twice from two of it back to back, in chunks of every size', () => {
    const twice = Buffer.concat([bytes, bytes])
    const expected = { decoded: [...once.decoded, ...once.decoded], violation: null }
    for (const size of [...sizes(bytes.length), bytes.length + 1, twice.length]) {
      expectOutcome(decodeChunks(inChunksOf(twice, size), stream), expected, `chunks of ${size}`)
    }
  })

  it('is encoded to its bytes', () => {
    expect(encodePacket(packet, version).toString('hex')).toBe(canonical.toString('hex'))
  })

  it('stays the same when it is encoded and decoded', () => {
    expectOutcome(decodeChunks([encodePacket(packet, version)], stream), once, 'encoded and decoded')
  })
}

describe('CONNECT vectors', () => {
  const connects = packetVectors.filter(({ packet }) => packet.packetType === PacketType.CONNECT)

  for (const { title, bytes, packet, versions } of connects) {
    it(`tell the version to a decoder that does not know it: ${title}`, () => {
      const expected = { decoded: [{ packet: plainPacket(packet), version: versions[0] }], violation: null }

      expect(decodeChunks(inChunksOf(bytes, 1), { sender: Role.CLIENT, version: null })).toEqual(expected)
    })
  }
})

describe('the vectors', () => {
  it('have titles of their own', () => {
    const titles = packetVectors.map(({ title }) => title)

    expect(titles).toEqual([...new Set(titles)])
  })

  it('show each packet type in each version that has it', () => {
    const shown = new Set(
      packetVectors.flatMap(({ packet, versions }) => versions.map((v) => `${packet.packetType} ${v}`)),
    )
    const wanted = Object.values(PacketType).flatMap((type) =>
      ([3, 4, 5] as ProtocolVersion[])
        .filter((version) => version === 5 || type !== PacketType.AUTH)
        .map((version) => `${type} ${version}`),
    )

    expect([...shown].sort()).toEqual(wanted.sort())
  })

  it('show each property', () => {
    const shown = new Set(packetVectors.flatMap((vector) => propertyKeys(vector)))

    expect([...shown].sort()).toEqual(properties.map(({ key }) => key).sort())
  })
})

function propertyKeys({ packet }: PacketVector): string[] {
  switch (packet.packetType) {
    case PacketType.PINGREQ:
    case PacketType.PINGRESP:
      return []
    case PacketType.PUBLISH: {
      const { message, topicAlias, subscriptionIdentifiers } = packet
      const ofTransmission = [
        topicAlias > 0 ? 'topicAlias' : '',
        subscriptionIdentifiers ? 'subscriptionIdentifiers' : '',
      ]
      return [...Object.keys(message.properties), ...ofTransmission.filter((key) => key !== '')]
    }
    case PacketType.CONNECT:
      return [...Object.keys(packet.properties), ...Object.keys(packet.will?.properties ?? {})]
    default:
      return Object.keys(packet.properties)
  }
}

function sizes(length: number): number[] {
  if (length <= SHORT_PACKET_BYTES) return Array.from({ length }, (_, index) => index + 1)
  return [1, 2, 3, 5, 64, 127, 128, 1000, length - 1, length]
}

function positions(length: number): number[] {
  const all = Array.from({ length: length + 1 }, (_, index) => index)
  return all.filter((at) => length <= SHORT_PACKET_BYTES || at < 16 || at > length - 8 || at % 997 === 0)
}
