import { describe, expect, it } from 'vitest'
import { cutRule, delayRule, packetRule } from '../../src/cli/options/fault-values.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'

describe('a packet rule', () => {
  it.each([
    ['puback', { packetType: PacketType.PUBACK, sender: null, probability: 1 }],
    ['publish:s2c', { packetType: PacketType.PUBLISH, sender: Role.SERVER, probability: 1 }],
    ['publish:0.1', { packetType: PacketType.PUBLISH, sender: null, probability: 0.1 }],
    ['publish:s2c:.5', { packetType: PacketType.PUBLISH, sender: Role.SERVER, probability: 0.5 }],
    ['any:c2s:5%', { packetType: null, sender: Role.CLIENT, probability: 0.05 }],
    ['auth:0', { packetType: PacketType.AUTH, sender: null, probability: 0 }],
  ])('is read from %s', (typed, rule) => {
    expect(packetRule.read(typed)).toEqual(rule)
  })

  it.each([
    '',
    'reserved',
    'PUBLISH',
    'message',
    'publish:',
    'publish:up',
    'publish:1.1',
    'publish:s2c:0.1:2',
    'any:101%',
  ])('is not %j', (typed) => {
    expect(() => packetRule.read(typed)).toThrow(/publish:|as in/)
  })
})

describe('a delay', () => {
  it.each([
    ['50ms', { minimumMs: 50, maximumMs: 50, sender: null }],
    ['10ms-80ms', { minimumMs: 10, maximumMs: 80, sender: null }],
    ['1-1.5:c2s', { minimumMs: 1000, maximumMs: 1500, sender: Role.CLIENT }],
  ])('is read from %s', (typed, rule) => {
    expect(delayRule.read(typed)).toEqual(rule)
  })

  it.each(['', 'soon', '80ms-10ms', '1-2-3', '50ms:up', '50ms:c2s:s2c', '-5'])('is not %j', (typed) => {
    expect(() => delayRule.read(typed)).toThrow()
  })
})

describe('a cut', () => {
  it.each([
    ['1000', { afterBytes: 1000, sender: null }],
    ['1000b', { afterBytes: 1000, sender: null }],
    ['7:s2c', { afterBytes: 7, sender: Role.SERVER }],
  ])('is read from %s', (typed, rule) => {
    expect(cutRule.read(typed)).toEqual(rule)
  })

  it.each(['', '0', '-1', '1k', '1.5', '10:both', '99999999999999999999'])('is not %j', (typed) => {
    expect(() => cutRule.read(typed)).toThrow()
  })
})
