import type { Field } from '../trace.ts'
import { align, type Keys } from './alignment.ts'
import type { ComparedPacket } from './compared-packet.ts'

/** missing: only the first has it; added: only the second has it. */
export type DifferenceKind = 'changed' | 'missing' | 'added'

/** A field that is not the same on both sides. */
export interface FieldDifference {
  readonly kind: DifferenceKind
  readonly first: Field | null
  readonly second: Field | null
}

/** A packet that is not the same on both sides. */
export interface PacketDifference {
  readonly kind: DifferenceKind
  readonly first: ComparedPacket | null
  readonly second: ComparedPacket | null
  /** empty unless it is changed */
  readonly fields: readonly FieldDifference[]
}

/** What two inputs come to. */
export interface Comparison {
  readonly equal: number
  readonly differences: readonly PacketDifference[]
}

const packetKeys: Keys<ComparedPacket> = [
  ({ bytes }) => bytes.toString('latin1'),
  ({ identity }) => identity,
  ({ packetType }) => String(packetType),
]

/**
 * Compares packets by their bytes, those of each connection and each side of it for themselves: how two sides take turns is chance.
 * Times, frames and offsets do not count.
 */
export function comparePackets(first: readonly ComparedPacket[], second: readonly ComparedPacket[]): Comparison {
  const [firstGroups, secondGroups] = grouped(first, second)
  const differences: PacketDifference[] = []
  let equal = 0
  for (const name of new Set([...firstGroups.keys(), ...secondGroups.keys()])) {
    const [left, right] = [firstGroups.get(name) ?? [], secondGroups.get(name) ?? []]
    for (const [i, j] of align(left, right, packetKeys)) {
      const difference = packetDifference(i === null ? null : left[i]!, j === null ? null : right[j]!)
      if (difference === null) equal++
      else differences.push(difference)
    }
  }
  return { equal, differences }
}

function packetDifference(first: ComparedPacket | null, second: ComparedPacket | null): PacketDifference | null {
  if (first === null || second === null) {
    return { kind: first === null ? 'added' : 'missing', first, second, fields: [] }
  }
  if (first.bytes.equals(second.bytes)) return null
  return { kind: 'changed', first, second, fields: compareFields(first, second) }
}

type Groups = Map<string, ComparedPacket[]>

function grouped(first: readonly ComparedPacket[], second: readonly ComparedPacket[]): [Groups, Groups] {
  // bytes that came without a network may be those of either side: where there is one side only, it is the same one
  const isOneSided = [first, second].every(
    (packets) =>
      packets.every(({ stream }) => stream === null) && new Set(packets.map(({ sender }) => sender)).size <= 1,
  )
  const name = ({ stream, sender }: ComparedPacket): string => `${stream ?? 0} ${isOneSided ? '' : sender}`
  return [groupedBy(first, name), groupedBy(second, name)]
}

function groupedBy(packets: readonly ComparedPacket[], name: (packet: ComparedPacket) => string): Groups {
  const groups: Groups = new Map()
  for (const packet of packets) {
    const group = groups.get(name(packet))
    if (group === undefined) groups.set(name(packet), [packet])
    else group.push(packet)
  }
  return groups
}

/** A field, and its bytes in hex. */
interface RawField {
  readonly field: Field
  readonly raw: string
}

const fieldKeys: Keys<RawField> = [
  ({ field, raw }) => `${field.name} ${raw}`,
  // another identifier is another property, not the same one with another identifier
  ({ field: { name, value } }) => (name === 'Property Identifier' ? `${name} ${value}` : name),
]

function compareFields(first: ComparedPacket, second: ComparedPacket): FieldDifference[] {
  const [left, right] = [rawFields(first), rawFields(second)]
  return align(left, right, fieldKeys).flatMap(([i, j]): FieldDifference[] => {
    const [one, other] = [i === null ? null : left[i]!, j === null ? null : right[j]!]
    if (one !== null && other !== null && one.raw === other.raw) return []
    const kind = one === null ? 'added' : other === null ? 'missing' : 'changed'
    return [{ kind, first: one?.field ?? null, second: other?.field ?? null }]
  })
}

function rawFields({ fields, bytes }: ComparedPacket): RawField[] {
  return fields.map((field) => ({ field, raw: bytes.toString('hex', field.start, field.end) }))
}
