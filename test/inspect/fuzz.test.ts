import { describe, expect, it } from 'vitest'
import { decodeAll } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { ProtocolViolation } from '../../src/codec/violation.ts'
import { readNotation } from '../../src/inspect/input/text-notation.ts'
import { inspectBytes } from '../../src/inspect/inspector.ts'
import { LenientDecoder } from '../../src/inspect/lenient-decoder.ts'
import { defaultLimits } from '../../src/inspect/limits.ts'
import { CaptureReader } from '../../src/inspect/network/capture-file.ts'
import { CaptureInspector } from '../../src/inspect/network/capture-inspector.ts'
import { unframe } from '../../src/inspect/network/websocket.ts'
import { rawFrame } from '../support/frames.ts'
import { fuzzCases, fuzzSeed, Random } from '../support/random.ts'
import { mutate, randomConnect, randomPacket } from '../support/random-packets.ts'
import { violationVectors } from '../vectors/violations/violations.ts'

const seed = fuzzSeed('inspect')
/** all tests of this file together */
const cases = fuzzCases(6000)
const timeout = 20_000 + 10 * cases

/** Name and offset of the first violation the strict decoder finds; null when it accepts. */
function strictly(bytes: Buffer, sender: Role, version: ProtocolVersion): string | null {
  try {
    // a CONNECT is judged by the version it states, whatever was known before
    decodeAll(bytes, sender, version)
    return null
  } catch (error) {
    if (error instanceof ProtocolViolation) return error.violation
    throw error
  }
}

function leniently(bytes: Buffer, sender: Role, version: ProtocolVersion): string[] {
  const decoder = new LenientDecoder(sender, version)
  return [...decoder.push(bytes), ...decoder.end()].flatMap(({ issues }) => issues.map(({ violation }) => violation))
}

const UPGRADE = Buffer.from('GET /mqtt HTTP/1.1\r\nUpgrade: websocket\r\n\r\n')

describe('inspect and the strict codec', () => {
  it(
    'agree on mutated packets: one accepts if and only if the other has no error',
    () => {
      for (let index = 0; index < cases * 0.5; index++) {
        const random = new Random(seed + index)
        const sender = random.pick(Object.values(Role))
        const version = random.pick(Object.values(ProtocolVersion))
        const packet = randomPacket(random, version, sender)
        const valid = encodePacket(packet, version)
        const bytes = random.oneIn(4) ? valid : mutate(random, valid)
        if (bytes.length === 0 || (bytes[0]! >> 4 === PacketType.CONNECT && sender === Role.CLIENT)) continue
        const strict = strictly(bytes, sender, version)
        const found = leniently(bytes, sender, version)
        const what = `case ${index} of MQTT_KIT_SEED=${seed}: version ${version}, sender ${sender}, ${bytes.toString('hex')}`
        expect(found.length === 0, `${what}: strict ${strict}, lenient ${found}`).toBe(strict === null)
      }
    },
    timeout,
  )

  it(
    'agree on mutated CONNECT packets',
    () => {
      for (let index = 0; index < cases * 0.2; index++) {
        const random = new Random(seed + 0x1000_0000 + index)
        const connect = randomConnect(random)
        const valid = encodePacket(connect, connect.version)
        const bytes = Buffer.concat([valid.subarray(0, 2), mutate(random, valid.subarray(2))])
        const what = `case ${index} of MQTT_KIT_SEED=${seed}: ${bytes.toString('hex')}`
        const strict = strictly(bytes, Role.CLIENT, connect.version)
        const found = leniently(bytes, Role.CLIENT, connect.version)
        expect(found.length === 0, `${what}: strict ${strict}, lenient ${found}`).toBe(strict === null)
      }
    },
    timeout,
  )

  it.each(
    violationVectors
      .filter(({ beforeConnect, maximumPacketBytes }) => !beforeConnect && maximumPacketBytes === undefined)
      .map((vector) => [vector.title, vector] as const),
  )('name the same rule first: %s', (_, { bytes, sender, violation, v31, v311, v5 }) => {
    const statements = new Map<ProtocolVersion, string | null | undefined>([
      [ProtocolVersion.V3_1, v31],
      [ProtocolVersion.V3_1_1, v311],
      [ProtocolVersion.V5, v5],
    ])
    for (const [version, statement] of statements) {
      if (statement === undefined) continue
      const [first] = inspectBytes(bytes, { version, sender }).packets.flatMap(({ issues }) => issues)
      expect(first?.violation).toBe(violation)
      if (statement !== null) expect(first?.id).toBe(statement)
    }
  })
})

describe('nothing that is fed to inspect makes it throw', () => {
  it(
    'bytes as packets, as a notation, as frames, as WebSocket',
    () => {
      for (let index = 0; index < cases * 0.15; index++) {
        const random = new Random(seed + 0x2000_0000 + index)
        const bytes = random.bytes(random.between(1, 120))
        inspectBytes(bytes, { version: null, sender: null })
        readNotation(bytes.toString('latin1'))
        unframe(bytes, random.oneIn(2))
        const inspector = new CaptureInspector(() => {})
        const linkType = random.pick([0, 1, 101, 108, 113, 276])
        bytes[random.pick([0, 4, 14, 16, 20]) % bytes.length] = random.pick([0x45, 0x60])
        inspector.add({ number: 1, timeSeconds: 0, linkType, bytes })
        inspector.end()
        const header = Buffer.from('d4c3b2a1020004000000000000000000ffff000001000000', 'hex')
        new CaptureReader().push(Buffer.concat([header, bytes]), () => {})
      }
    },
    timeout,
  )

  it(
    'captures, which hold no more than the limits say',
    () => {
      const limits = { ...defaultLimits, heldBytes: 4096, connections: 8, waitingSegments: 4, inflatedBytes: 4096 }
      for (let index = 0; index < cases * 0.15; index++) {
        const random = new Random(seed + 0x3000_0000 + index)
        const inspector = new CaptureInspector(() => {}, { version: null, port: null }, limits)
        const reader = new CaptureReader()
        const file = mutate(random, capture(random))
        const cut = random.below(file.length)
        let held = 0
        for (const chunk of [file.subarray(0, cut), file.subarray(cut)]) {
          reader.push(chunk, (frame) => {
            inspector.add(frame)
            held = Math.max(held, inspector.heldBytes)
          })
        }
        const what = `case ${index} of MQTT_KIT_SEED=${seed}`
        expect(held, what).toBeLessThanOrEqual(limits.heldBytes)
        reader.end()
        inspector.end()
      }
    },
    timeout,
  )
})

/** A pcap file of a few connections, plain and WebSocket, with segments repeated, lost and out of order. */
function capture(random: Random): Buffer {
  const frames: Buffer[] = []
  for (let port = 1; port <= random.between(1, 3); port++) {
    const version = random.pick(Object.values(ProtocolVersion))
    const sent = Array.from({ length: 4 }, () => encodePacket(randomPacket(random, version, Role.CLIENT), version))
    const connect = randomConnect(random)
    let bytes = Buffer.concat([encodePacket(connect, connect.version), ...sent])
    if (random.oneIn(3))
      bytes = Buffer.concat([UPGRADE, Buffer.from([0x82, 126, bytes.length >> 8, bytes.length]), bytes])
    for (let at = 0; at < bytes.length; ) {
      const length = Math.min(random.between(1, 400), bytes.length - at)
      const frame = rawFrame(1, 1000 + at, bytes.subarray(at, at + length), { port }).bytes
      const header = Buffer.alloc(16)
      header.writeUInt32LE(frame.length, 8)
      header.writeUInt32LE(frame.length, 12)
      if (!random.oneIn(8))
        frames.splice(random.oneIn(4) ? random.below(frames.length + 1) : frames.length, 0, header, frame)
      at += random.oneIn(6) ? 0 : length
    }
  }
  return Buffer.concat([Buffer.from('d4c3b2a1020004000000000000000000ffff000065000000', 'hex'), ...frames])
}
