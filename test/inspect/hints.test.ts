import { describe, expect, it } from 'vitest'
import { Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { expectedInstead, guessMistake } from '../../src/inspect/hints.ts'
import { inspectBytes } from '../../src/inspect/inspector.ts'
import samples from '../vectors/malformed-samples.json' with { type: 'json' }

function inspect(hex: string, version: ProtocolVersion = ProtocolVersion.V3_1_1) {
  return inspectBytes(Buffer.from(hex, 'hex'), { version, sender: Role.CLIENT }).packets[0]!
}

describe('inspect says what the sender should have sent', () => {
  it.each([
    ['flags of SUBSCRIBE', '80080001000361787801', '82'],
    ['Packet Identifier 0', '320700036178780000', 'a Packet Identifier from 1 to 65,535'],
    ['a packet that is cut', '300a0003612f78', 'Remaining Length 5, or 5 bytes more'],
    ['a Remaining Length that is not the shortest', '30870000' + '03612f786869', 'Remaining Length as 07'],
  ])('%s', (_, hex, expected) => {
    const packet = inspect(hex)

    expect(packet.issues.length).toBeGreaterThan(0)
    expect(expectedInstead(packet.issues[0]!, packet)).toBe(expected)
  })

  it('for most of the broken packets', () => {
    const told = samples.filter(({ hex, version, dir, violates }) => {
      const known = {
        version: version === '5.0' ? ProtocolVersion.V5 : ProtocolVersion.V3_1_1,
        sender: dir === 'c2s' ? Role.CLIENT : Role.SERVER,
      }
      const [packet] = inspectBytes(Buffer.from(hex, 'hex'), known).packets
      return violates.length > 0 && packet!.issues.some((issue) => expectedInstead(issue, packet!) !== null)
    })

    expect(told.length / samples.length).toBeGreaterThan(0.6)
  })
})

describe('inspect guesses the mistake', () => {
  it.each([
    ['length bytes that are swapped', '30070300612f786869', 'bytes 2 and 3 are swapped: 00 03 reads well'],
    [
      'a Remaining Length that is too large',
      '30090003612f786869',
      'Remaining Length is wrong: with 7 the packet reads well',
    ],
  ])('%s', (_, hex, guess) => {
    const packet = inspect(hex)

    expect(packet.issues.length).toBeGreaterThan(0)
    expect(guessMistake(packet)).toBe(guess)
  })

  it('another version', () => {
    expect(guessMistake(inspect('82090001000003617878' + '01'))).toBe('it is a right SUBSCRIBE of MQTT 5.0')
    expect(guessMistake(inspect('82080001000361787801', ProtocolVersion.V5))).toBe(
      'it is a right SUBSCRIBE of MQTT 3.1.1',
    )
  })

  it('but not where a packet breaks no rule, or nothing mends it', () => {
    expect(guessMistake(inspect('30070003612f786869'))).toBeNull()
    expect(guessMistake(inspect('30ffffffffff'))).toBeNull()
  })
})
