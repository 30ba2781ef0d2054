import { describe, expect, it } from 'vitest'
import { Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { align, commonSubsequence } from '../../src/inspect/comparison/alignment.ts'
import { ComparedPacket } from '../../src/inspect/comparison/compared-packet.ts'
import { comparePackets } from '../../src/inspect/comparison/comparison.ts'
import { LenientDecoder } from '../../src/inspect/lenient-decoder.ts'
import { fuzzSeed, Random } from '../support/random.ts'

/** Length of the longest common subsequence, the plain way. */
function longest(left: readonly string[], right: readonly string[]): number {
  if (left.length === 0 || right.length === 0) return 0
  if (left[0] === right[0]) return 1 + longest(left.slice(1), right.slice(1))
  return Math.max(longest(left.slice(1), right), longest(left, right.slice(1)))
}

describe('words of two lists are matched', () => {
  const seed = fuzzSeed('alignment')

  it('as many as can be, rising on both sides', () => {
    for (let index = 0; index < 300; index++) {
      const random = new Random(seed + index)
      const draw = (): string[] => Array.from({ length: random.below(8) }, () => random.pick(['a', 'b', 'c']))
      const [left, right] = [draw(), draw()]
      const matches = commonSubsequence(left, right)
      expect(matches.length, `${seed + index}`).toBe(longest(left, right))
      for (const [at, [i, j]] of matches.entries()) {
        expect(left[i]).toBe(right[j])
        if (at > 0) expect(matches[at - 1]![0] < i && matches[at - 1]![1] < j).toBe(true)
      }
    }
  })

  it('in lists too long for a table, held by the words that stand once', () => {
    const left = Array.from({ length: 6000 }, (_, i) => (i % 3 === 0 ? `only ${i}` : 'many'))
    // the second half comes first
    const right = ['new', ...left.slice(100, 5900), 'other', 'many']
    const matches = commonSubsequence(left, right)

    expect(matches.length).toBeGreaterThanOrEqual(5800)
    expect(matches.every(([i, j]) => left[i] === right[j])).toBe(true)
  })

  it('place by place where no word stands once', () => {
    const left = Array.from({ length: 5000 }, (_, i) => `${i % 2}`)
    const right = Array.from({ length: 4000 }, (_, i) => `${(i >> 1) % 2}`)
    const matches = commonSubsequence(left, right)

    expect(matches.length).toBeGreaterThan(1000)
    expect(matches.every(([i, j]) => left[i] === right[j])).toBe(true)
  })
})

describe('two lists side by side', () => {
  it('match by the strict key first, then by the looser one, and hold everything once', () => {
    const keys = [(word: string) => word, (word: string) => word[0]!]

    expect(align(['a1', 'b1', 'c1', 'd1'], ['x1', 'a1', 'b2', 'd1', 'd2'], keys)).toEqual([
      [null, 0],
      [0, 1],
      [1, 2],
      [2, null],
      [3, 3],
      [null, 4],
    ])
  })
})

function packets(hex: string, sender: Role = Role.CLIENT, stream: number | null = null): ComparedPacket[] {
  const decoder = new LenientDecoder(sender, ProtocolVersion.V5)
  const found = decoder.push(Buffer.from(hex.replaceAll(' ', ''), 'hex'), { stream, frame: null, timeSeconds: null })
  return [...found, ...decoder.end()].map((packet, index) => new ComparedPacket(packet, index + 1))
}

function told(first: readonly ComparedPacket[], second: readonly ComparedPacket[]): unknown {
  const { equal, differences } = comparePackets(first, second)
  return [
    equal,
    ...differences.map(({ kind, first: one, second: other, fields }) => [
      kind,
      one?.number ?? null,
      other?.number ?? null,
      ...fields.map((field) => `${field.kind} ${(field.first ?? field.second)!.name}`),
    ]),
  ]
}

const A = '30 05 0001 61 00 78'
const A_CHANGED = '30 05 0001 61 00 79'
const B = '30 05 0001 62 00 78'
const PING = 'c0 00'

describe('a comparison of packets', () => {
  it('finds nothing between the same bytes', () => {
    expect(told(packets(A + PING), packets(A + PING))).toEqual([2])
  })

  it('pairs packets by topic, and names the field', () => {
    expect(told(packets(A + B), packets(B + A_CHANGED))).toEqual([1, ['missing', 1, null], ['added', null, 2]])
    expect(told(packets(B + A), packets(B + PING + A_CHANGED))).toEqual([
      1,
      ['added', null, 2],
      ['changed', 2, 3, 'changed Payload'],
    ])
  })

  it('pairs a packet with the one of its topic, not with the one in its place', () => {
    expect(told(packets(A + B), packets('30 05 0001 62 00 79'))).toEqual([
      0,
      ['missing', 1, null],
      ['changed', 2, 1, 'changed Payload'],
    ])
  })

  it('pairs packets of one type when nothing else fits', () => {
    expect(told(packets(A), packets(B))).toEqual([0, ['changed', 1, 1, 'changed Topic Name']])
  })

  it('takes another property for another one, not for another value', () => {
    const contentType = '30 09 0001 61 04 030001 74 78'
    const responseTopic = '30 09 0001 61 04 080001 74 78'

    expect(told(packets(contentType), packets(responseTopic))).toEqual([
      0,
      [
        'changed',
        1,
        1,
        'missing Property Identifier',
        'missing Content Type',
        'added Property Identifier',
        'added Response Topic',
      ],
    ])
  })

  it('compares each side of each connection for itself', () => {
    const first = [...packets(A, Role.CLIENT, 0), ...packets(A, Role.SERVER, 0)]
    const second = [...packets(A, Role.SERVER, 0), ...packets(A, Role.CLIENT, 0)]

    expect(told(first, second)).toEqual([2])
    expect(told(first, packets(A + A, Role.CLIENT, 0))).toEqual([1, ['added', null, 2], ['missing', 1, null]])
  })

  it('does not mind which side bytes without a network are taken for', () => {
    expect(told(packets(A, Role.CLIENT), packets(A, Role.SERVER))).toEqual([1])
  })

  it('compares what cannot be read, byte by byte', () => {
    expect(told(packets('30 03 0005 61'), packets('30 03 0006 61'))).toEqual([
      0,
      ['changed', 1, 1, 'changed Undecoded'],
    ])
  })
})
