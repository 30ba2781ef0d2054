import { describe, expect, it } from 'vitest'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { type CapturedBytes, describeCaptures } from '../support/captures.ts'
import { decodeChunks, type Stream } from '../support/decoding.ts'
import { checkBytes } from '../support/fuzz-checks.ts'
import { plainPacket } from '../support/packets.ts'
import { fuzzCases, fuzzSeed, Random } from '../support/random.ts'
import { mutate, mutateBody, randomConnect, randomPacket } from '../support/random-packets.ts'
import { packetVectors } from '../vectors/packets.ts'
import { violationVectors } from '../vectors/violations/violations.ts'

const VERSIONS = Object.values(ProtocolVersion)
const ROLES = Object.values(Role)
const seed = fuzzSeed('codec')
const cases = fuzzCases(1000)
/** Long runs are asked for: a case takes a millisecond or less. */
const timeout = 20_000 + 10 * cases

/** Long ones would take most of the time and find what short ones find. */
const vectors = [...packetVectors, ...violationVectors].map(({ bytes }) => bytes).filter((bytes) => bytes.length < 300)

/** Tries many cases, each from a seed of its own. */
function tryCases(salt: number, tryOne: (random: Random) => void): void {
  for (let index = 0; index < cases; index++) {
    try {
      tryOne(new Random(seed + salt * 0x1000_0000 + index))
    } catch (error) {
      throw new Error(`case ${index} of MQTT_KIT_SEED=${seed}: ${(error as Error).message}`, { cause: error })
    }
  }
}

/** Fails with the bytes in hand. */
function check(random: Random, bytes: Buffer, stream: Stream): void {
  try {
    checkBytes(random, bytes, stream)
  } catch (error) {
    const { sender, version, maximumPacketBytes } = stream
    const what = `sender ${sender}, version ${version}, limit ${maximumPacketBytes}, bytes ${bytes.toString('hex')}`
    throw new Error(`${(error as Error).message} (${what})`, { cause: error })
  }
}

function randomStream(random: Random): Stream {
  const sender = random.pick(ROLES)
  const version = sender === Role.CLIENT && random.oneIn(4) ? null : random.pick(VERSIONS)
  return { sender, version, maximumPacketBytes: random.pick([20, 200, Number.MAX_SAFE_INTEGER]) }
}

/** Valid packets, as this stream might hold them. */
function validPackets(random: Random, { sender, version }: Stream): Buffer[] {
  const first = version === null ? randomConnect(random) : null
  const known = first?.version ?? version!
  const drawn = Array.from({ length: random.between(first === null ? 1 : 0, 3) }, () =>
    randomPacket(random, known, sender),
  )
  return [...(first === null ? [] : [first]), ...drawn].map((packet) => encodePacket(packet, known))
}

describe(`any bytes give packets or one violation, however they come (MQTT_KIT_SEED=${seed})`, () => {
  it('random bytes', { timeout }, () => {
    tryCases(1, (random) => {
      const bytes = random.bytes(random.between(1, 40))
      // most first bytes are refused at once: begin with one that is not
      if (random.oneIn(2)) bytes[0] = random.pick(vectors)[0]!
      check(random, bytes, randomStream(random))
    })
  })

  it('valid packets', { timeout }, () => {
    tryCases(2, (random) => {
      const stream = { ...randomStream(random), maximumPacketBytes: Number.MAX_SAFE_INTEGER }
      check(random, Buffer.concat(validPackets(random, stream)), stream)
    })
  })

  it('valid packets with a few bytes changed', { timeout }, () => {
    tryCases(3, (random) => {
      const stream = randomStream(random)
      let bytes: Buffer = Buffer.concat(validPackets(random, stream))
      for (let times = random.between(1, 3); times > 0; times--) bytes = mutate(random, bytes)
      check(random, bytes, stream)
    })
  })

  it('vectors of packets and of violations, their bodies changed', { timeout }, () => {
    tryCases(4, (random) => {
      const pieces = Array.from({ length: random.between(1, 2) }, () => {
        const vector = random.pick(vectors)
        if (vector.length < 2 || vector[1]! > 127) return vector
        return mutateBody(random, vector[0]!, vector.subarray(2), random.below(4))
      })
      check(random, Buffer.concat(pieces), randomStream(random))
    })
  })
})

describe(`valid packets drawn at random (MQTT_KIT_SEED=${seed})`, () => {
  it('come back from their bytes as they went in', { timeout }, () => {
    tryCases(5, (random) => {
      const version = random.pick(VERSIONS)
      const sender = random.pick(ROLES)
      const packet = randomPacket(random, version, sender)
      const bytes = encodePacket(packet, version)

      expect(decodeChunks([bytes], { sender, version })).toEqual({
        decoded: [{ packet: plainPacket(packet), version }],
        violation: null,
      })
    })
  })
})

describeCaptures(`real traffic with a few bytes changed (MQTT_KIT_SEED=${seed})`, (captures) => {
  it('gives packets or one violation, however it comes', { timeout }, () => {
    const pieces = captures.flatMap(({ sides }) => packetsOf(sides))
    tryCases(6, (random) => {
      const start = random.below(pieces.length)
      const { sender, version } = pieces[start]!
      const same = pieces.slice(start, start + random.between(1, 4)).filter((one) => one.sender === sender)
      let bytes: Buffer = Buffer.concat(same.map((one) => one.bytes))
      for (let times = random.below(4); times > 0; times--) bytes = mutate(random, bytes)
      check(random, bytes, { sender, version })
    })
  })
})

interface CapturedPacket {
  readonly sender: Role
  readonly version: ProtocolVersion
  readonly bytes: Buffer
}

/** The packets of both sides, as they were sent, without the very long ones. */
function packetsOf(sides: readonly CapturedBytes[]): CapturedPacket[] {
  const versions = new Map<number, ProtocolVersion>()
  return sides.flatMap((side) => {
    const sender = side.sender === 'c2s' ? Role.CLIENT : Role.SERVER
    const decoder = new Decoder(sender, Number.MAX_SAFE_INTEGER, versions.get(side.stream) ?? null)
    const found: CapturedPacket[] = []
    let start = 0
    let end = 0
    const collect = (_: AnyPacket): void => {
      versions.set(side.stream, decoder.version!)
      found.push({ sender, version: decoder.version!, bytes: side.bytes.subarray(start, end) })
      start = end
    }
    const sink = { receivePublish: collect, receiveAcknowledgement: collect, receivePacket: collect }
    for (; end < side.bytes.length; ) decoder.push(side.bytes.subarray(end, ++end), sink)
    return found.filter(({ bytes }) => bytes.length < 1000)
  })
}
