import { describe, expect, it } from 'vitest'
import { decodeAll } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { ProtocolViolation } from '../../src/codec/violation.ts'
import { readNotation } from '../../src/inspect/input/text-notation.ts'
import { inspectBytes } from '../../src/inspect/inspector.ts'
import { LenientDecoder } from '../../src/inspect/lenient-decoder.ts'
import { CaptureReader } from '../../src/inspect/network/capture-file.ts'
import { CaptureInspector } from '../../src/inspect/network/capture-inspector.ts'
import { WebSocketUnframer } from '../../src/inspect/network/websocket.ts'
import { fuzzCases, fuzzSeed, Random } from '../support/random.ts'
import { mutate, randomConnect, randomPacket } from '../support/random-packets.ts'
import { violationVectors } from '../vectors/violations/violations.ts'

const seed = fuzzSeed('inspect')
const cases = fuzzCases(3000)
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

describe('inspect and the strict codec', () => {
  it(
    'agree on mutated packets: one accepts if and only if the other has no error',
    () => {
      for (let index = 0; index < cases; index++) {
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
      for (let index = 0; index < cases; index++) {
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
      for (let index = 0; index < cases / 3; index++) {
        const random = new Random(seed + 0x2000_0000 + index)
        const bytes = random.bytes(random.between(1, 120))
        inspectBytes(bytes, { version: null, sender: null })
        readNotation(bytes.toString('latin1'))
        new WebSocketUnframer(random.oneIn(2)).push(bytes)
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
})
