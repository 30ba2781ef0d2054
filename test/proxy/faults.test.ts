import { describe, expect, it } from 'vitest'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { CutCounter, DirectionFaults, type Faults, type PacketRule } from '../../src/proxy/faults.ts'

const NONE: Faults = { drop: [], duplicate: [], delay: [], pause: null, cut: [], seed: 7 }

function rule(fields: Partial<PacketRule> = {}): PacketRule {
  return { packetType: PacketType.PUBLISH, sender: null, probability: 1, ...fields }
}

function verdicts(faults: Faults, stream = 0, sender: Role = Role.CLIENT, count = 1000) {
  const direction = new DirectionFaults(faults, stream, sender)
  return Array.from({ length: count }, () => direction.judge(PacketType.PUBLISH))
}

describe('the faults of one direction', () => {
  it('drop packets of the type and the sender of a rule, and no others', () => {
    const faults = { ...NONE, drop: [rule({ sender: Role.SERVER })] }
    const [fromClient, fromServer] = [Role.CLIENT, Role.SERVER].map((sender) => new DirectionFaults(faults, 0, sender))

    expect(fromServer!.judge(PacketType.PUBLISH).isDropped).toBe(true)
    expect(fromServer!.judge(PacketType.PUBACK).isDropped).toBe(false)
    expect(fromClient!.judge(PacketType.PUBLISH).isDropped).toBe(false)
    expect([fromClient!.looksAtPackets, fromServer!.looksAtPackets]).toEqual([false, true])
  })

  it('drop any type when the rule names none', () => {
    const direction = new DirectionFaults({ ...NONE, drop: [rule({ packetType: null })] }, 0, Role.CLIENT)

    for (let packetType = 0; packetType < 16; packetType++) expect(direction.judge(packetType).isDropped).toBe(true)
  })

  it('hit as often as their probability says', () => {
    for (const probability of [0, 0.1, 0.5, 1]) {
      const hits = verdicts({ ...NONE, drop: [rule({ probability })] }, 0, Role.CLIENT, 10_000).filter(
        ({ isDropped }) => isDropped,
      ).length
      expect(Math.abs(hits - 10_000 * probability)).toBeLessThan(200)
    }
  })

  it('are the same for the same seed, and others for another seed, connection or direction', () => {
    const faults = {
      ...NONE,
      drop: [rule({ probability: 0.5 })],
      delay: [{ minimumMs: 1, maximumMs: 9, sender: null }],
    }
    const first = verdicts(faults)

    expect(verdicts(faults)).toEqual(first)
    expect(verdicts({ ...faults, seed: 8 })).not.toEqual(first)
    expect(verdicts(faults, 1)).not.toEqual(first)
    expect(verdicts(faults, 0, Role.SERVER)).not.toEqual(first)
  })

  it('never send twice what they drop', () => {
    const all = verdicts({ ...NONE, drop: [rule({ probability: 0.5 })], duplicate: [rule({ probability: 0.5 })] })

    expect(all.filter(({ isDropped, isDuplicated }) => isDropped && isDuplicated)).toEqual([])
    expect(all.some(({ isDuplicated }) => isDuplicated)).toBe(true)
  })

  it('delay by a time between the two of a rule, and add rules up', () => {
    const range = { minimumMs: 10, maximumMs: 20, sender: null }
    const drawn = verdicts({ ...NONE, delay: [range] }).map(({ delayMs }) => delayMs)
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(10)
    expect(Math.max(...drawn)).toBeLessThan(20)
    expect(Math.max(...drawn) - Math.min(...drawn)).toBeGreaterThan(8)

    const fixed = { minimumMs: 5, maximumMs: 5, sender: Role.CLIENT }
    expect(verdicts({ ...NONE, delay: [fixed, fixed] })[0]!.delayMs).toBe(10)
    expect(verdicts({ ...NONE, delay: [fixed] }, 0, Role.SERVER)[0]!.delayMs).toBe(0)
  })

  it('hold all that comes in a pause, or would be due in it, until the pause is over', () => {
    const direction = new DirectionFaults({ ...NONE, pause: { lengthMs: 50, everyMs: 1000 } }, 0, Role.CLIENT)

    expect([0, 49, 999, 1000, 1049, 1050, 2010].map((nowMs) => direction.holdMs(nowMs, 0))).toEqual([
      0, 0, 0, 50, 1, 0, 40,
    ])
    expect(direction.holdMs(990, 20)).toBe(60)
    expect(direction.looksAtPackets).toBe(false)
  })
})

describe('the count to a cut', () => {
  it('lets exactly so many bytes pass, of both sides together or of one', () => {
    const both = new CutCounter({ ...NONE, cut: [{ afterBytes: 10, sender: null }] })
    expect([both.admit(Role.CLIENT, 4), both.admit(Role.SERVER, 4), both.isUsedUp]).toEqual([4, 4, false])
    expect([both.admit(Role.CLIENT, 4), both.isUsedUp]).toEqual([2, true])

    const one = new CutCounter({ ...NONE, cut: [{ afterBytes: 3, sender: Role.SERVER }] })
    expect([one.admit(Role.CLIENT, 100), one.isUsedUp]).toEqual([100, false])
    expect([one.admit(Role.SERVER, 3), one.isUsedUp]).toEqual([3, true])
  })

  it('takes the rule that is used up first', () => {
    const cut = [
      { afterBytes: 100, sender: null },
      { afterBytes: 5, sender: Role.CLIENT },
    ]

    expect(new CutCounter({ ...NONE, cut }).admit(Role.CLIENT, 50)).toBe(5)
  })
})
