import { isDeepStrictEqual } from 'node:util'
import { generate, type Packet } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { decodeAll } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { ProtocolViolation, type ViolationName, violations } from '../../src/codec/violation.ts'
import { readWithMqttPacket, type View, viewOfOurs } from '../support/mqtt-packet-view.ts'
import { fuzzCases, fuzzSeed, Random } from '../support/random.ts'
import { mutateBody, randomPacket } from '../support/random-packets.ts'
import { packetVectors } from '../vectors/packets.ts'
import { statementIds } from '../vectors/spec.ts'
import { violationVectors } from '../vectors/violations/violations.ts'
import { is, readOtherwise, theyDoNotWrite, theyRead, theyRefuse } from './mqtt-packet-disagreements.ts'

/**
 * Our codec against npm mqtt-packet. A disagreement that no table explains fails; so does an explanation that explains
 * nothing.
 */

const { V3_1, V3_1_1, V5 } = ProtocolVersion
const VERSIONS = Object.values(ProtocolVersion)
const seed = fuzzSeed('differential')
const cases = fuzzCases(1500)
const timeout = 20_000 + 10 * cases

function readOurs(bytes: Buffer, sender: Role, version: ProtocolVersion): View | ProtocolViolation {
  try {
    const packets = decodeAll(bytes, sender, is(bytes, PacketType.CONNECT) ? null : version)
    return viewOfOurs(packets[0]!, version)
  } catch (error) {
    if (error instanceof ProtocolViolation) return error
    throw error
  }
}

/** @returns why the two disagree; null when they agree, undefined when no table knows */
function explain(bytes: Buffer, sender: Role, version: ProtocolVersion): string | null | undefined {
  const ours = readOurs(bytes, sender, version)
  const theirs = readWithMqttPacket(bytes, version)
  if (ours instanceof ProtocolViolation) {
    return theirs.refusal !== null ? null : theyRead[ours.violation]?.[0]
  }
  if (theirs.view === null) {
    return theyRefuse.find((one) => one.theirs.test(theirs.refusal!) && one.when(bytes, version, ours))?.why
  }
  if (isDeepStrictEqual(ours, theirs.view)) return null
  return readOtherwise.find((one) => isDeepStrictEqual(one.asTheirs(ours, version), theirs.view))?.why
}

function expectExplained(bytes: Buffer, sender: Role, version: ProtocolVersion): string | null {
  const why = explain(bytes, sender, version)
  if (why !== undefined) return why
  const ours = readOurs(bytes, sender, version)
  const theirs = readWithMqttPacket(bytes, version)
  expect(
    { view: theirs.view, refusal: theirs.refusal },
    `${bytes.toString('hex')} from ${sender} in ${version}, MQTT_KIT_SEED=${seed}`,
  ).toEqual({
    view: ours,
    refusal: null,
  })
  throw new Error('no difference to show')
}

/** @returns null for what theirs does not write, which the table has to know */
function written(packet: Packet, version: ProtocolVersion): Buffer | null {
  try {
    return generate(packet, { protocolVersion: version })
  } catch (error) {
    if (theyDoNotWrite.every(({ theirs }) => theirs !== (error as Error).message)) throw error
    return null
  }
}

describe('our vectors in mqtt-packet', () => {
  it('are read the same, or the tables tell why not', () => {
    const used = new Set<string>()
    for (const { bytes, versions, senders } of packetVectors) {
      for (const version of versions) {
        const why = expectExplained(bytes, senders[0]!, version)
        if (why !== null) used.add(why)
      }
    }

    expect([...used].sort()).toEqual(theyRefuse.map(({ why }) => why).sort())
  })

  it('are refused as we refuse them, or the table tells why not', () => {
    const read = new Set<string>()
    for (const { bytes, sender, violation, ...statement } of violationVectors) {
      for (const [version, id] of [
        [V3_1, statement.v31],
        [V3_1_1, statement.v311],
        [V5, statement.v5],
      ] as const) {
        if (id !== undefined && readWithMqttPacket(bytes, version).refusal === null) read.add(violation)
      }
    }

    expect([...read].sort()).toEqual(Object.keys(theyRead).sort())
  })

  it('are read otherwise where the table says so', () => {
    for (const { example, version, why } of readOtherwise) {
      expect(expectExplained(example, is(example, PacketType.CONNACK) ? Role.SERVER : Role.CLIENT, version)).toBe(why)
    }
  })

  it('are not written where the table says so', () => {
    for (const { example, version, theirs } of theyDoNotWrite) {
      const { packet } = readWithMqttPacket(example, version)
      expect(() => generate(packet!, { protocolVersion: version })).toThrow(theirs)
      expect(readOurs(example, Role.CLIENT, version)).not.toBeInstanceOf(ProtocolViolation)
    }
  })

  it('break statements that exist, and those of the row', () => {
    const ids = new Set([...statementIds.v311.all, ...statementIds.v5.all])
    for (const [name, [, statements]] of Object.entries(theyRead)) {
      const { v311, v5 } = violations[name as ViolationName]
      const cited = statements.split(' ')
      expect(cited.filter((id) => !ids.has(id))).toEqual([])
      const general = ['PROPERTY_REPEATED', 'PROPERTY_VALUE_INVALID'].includes(name)
      if (!general) expect(cited).toEqual(expect.arrayContaining([v311, v5].filter((id) => id !== null)))
    }
  })
})

describe(`random packets (MQTT_KIT_SEED=${seed})`, () => {
  it('of ours are read the same by mqtt-packet', { timeout }, () => {
    for (let index = 0; index < cases; index++) {
      const random = new Random(seed + index)
      const version = random.pick(VERSIONS)
      const sender = random.pick(Object.values(Role))
      expectExplained(encodePacket(randomPacket(random, version, sender), version), sender, version)
    }
  })

  it('of mqtt-packet are read the same by us', { timeout }, () => {
    for (let index = 0; index < cases; index++) {
      const random = new Random(seed + 0x1000_0000 + index)
      const version = random.pick(VERSIONS)
      const sender = random.pick(Object.values(Role))
      const packet = randomPacket(random, version, sender)
      const theirs = readWithMqttPacket(encodePacket(packet, version), version)
      const bytes = theirs.packet && written(theirs.packet, version)
      if (bytes === null) continue
      const ours = readOurs(bytes, sender, version)

      if (!isDeepStrictEqual(ours, theirs.view)) expect(ours, bytes.toString('hex')).toEqual(theirs.view)
    }
  })

  it('with a few bytes changed are read or refused the same, or the tables tell why not', { timeout }, () => {
    for (let index = 0; index < cases; index++) {
      const random = new Random(seed + 0x2000_0000 + index)
      const version = random.pick(VERSIONS)
      const sender = random.pick(Object.values(Role))
      const bytes = encodePacket(randomPacket(random, version, sender), version)
      const bodyStart = bytes.findIndex((byte, at) => at > 0 && byte < 128) + 1
      const changed = mutateBody(random, bytes[0]!, bytes.subarray(bodyStart), random.between(1, 2))
      expectExplained(changed, sender, version)
    }
  })
})
