import { packetTypeNames, Role } from '../../codec/packet-type.ts'
import { protocolVersionName } from '../../codec/protocol-version.ts'
import type { ComparedPacket } from '../../inspect/comparison/compared-packet.ts'
import type { Comparison, FieldDifference, PacketDifference } from '../../inspect/comparison/comparison.ts'
import { bitsOf, bitValue, fieldText } from '../../inspect/field-text.ts'
import type { Field } from '../../inspect/trace.ts'
import type { Painter } from '../terminal.ts'
import { fieldJson } from './inspect-json.ts'
import { describePacket } from './packet-line.ts'

const OFFSET_COLUMNS = 6
/** What is shown of a long value, and how much of it is before the first difference. */
const VALUE_CHARACTERS = 72
const BEFORE_DIFFERENCE = 16
/** Even on the narrowest terminal. */
const LEAST_CHARACTERS = 16

/** One packet that differs, as a line of JSON. */
export function differenceJson({ kind, first, second, fields }: PacketDifference): string {
  return JSON.stringify({
    difference: kind,
    a: first === null ? null : packetPlace(first),
    b: second === null ? null : packetPlace(second),
    fields: fields.map((field) => ({
      difference: field.kind,
      name: (field.first ?? field.second)!.name,
      a: field.first === null ? null : fieldJson(field.first, first!),
      b: field.second === null ? null : fieldJson(field.second, second!),
    })),
  })
}

function packetPlace(packet: ComparedPacket): object {
  const { number, typeName, version, stream, frame, offset, bytes } = packet
  return {
    packet: number,
    type: typeName.toLowerCase(),
    version: protocolVersionName(version).replace('5.0', '5'),
    dir: dirOf(packet),
    stream,
    frame,
    offset,
    length: bytes.length,
  }
}

/** Differences for people: a line per packet, a line per field below it, and what it all comes to. */
export class DifferenceText {
  readonly #painter: Painter
  readonly #columns: number

  /** @param columns longer lines are cut with an ellipsis; Infinity where nobody minds */
  constructor(painter: Painter, columns: number) {
    this.#painter = painter
    this.#columns = columns
  }

  async *lines(comparison: Comparison): AsyncGenerator<string> {
    for (const difference of comparison.differences) yield* this.#packet(difference)
    yield summary(comparison)
  }

  *#packet({ kind, first, second, fields }: PacketDifference): Generator<string> {
    if (kind !== 'changed') {
      const packet = (first ?? second)!
      const line = `only in ${kind === 'missing' ? 'A' : 'B'}, packet ${packet.number}: ${described(packet)}`
      yield this.#painter.heading(this.#cut(line))
      return
    }
    yield this.#painter.heading(
      this.#cut(`packet ${first!.number} of A, packet ${second!.number} of B: ${wayOf(first!)} differs`),
    )
    if (first!.version !== second!.version) {
      const versions = [first!, second!].map(({ version }) => protocolVersionName(version))
      yield `${' '.repeat(OFFSET_COLUMNS)}read as MQTT ${versions.join(' and as ')}; --mqtt decides`
    }
    // the property behind an identifier says the same
    const told = fields.filter((field) => (field.first ?? field.second)!.name !== 'Property Identifier')
    for (const field of told) yield this.#field(field, first!, second!)
  }

  #field({ kind, first, second }: FieldDifference, one: ComparedPacket, other: ComparedPacket): string {
    const { name, start } = (first ?? second)!
    const offset = `${String(start).padStart(OFFSET_COLUMNS - 1)} `
    const value =
      kind === 'missing'
        ? `only in A: ${shortened(fieldText(first!, one), 0)}`
        : kind === 'added'
          ? `only in B: ${shortened(fieldText(second!, other), 0)}`
          : change(first!, second!, one, other)
    return `${offset}${this.#painter.accent(name)}: ${this.#cut(value, offset.length + name.length + 2)}`
  }

  // before it is painted: colours take no room
  #cut(text: string, usedColumns = 0): string {
    const room = Math.max(LEAST_CHARACTERS, this.#columns - usedColumns)
    return text.length > room ? `${text.slice(0, room - 3)}...` : text
  }
}

function change(first: Field, second: Field, one: ComparedPacket, other: ComparedPacket): string {
  const bits = bitsOf(first, one.packetType)
  if (bits !== null && typeof first.value === 'number' && typeof second.value === 'number') {
    const [before, after] = [first.value, second.value]
    const changed = bits.filter(([mask]) => (before & mask) !== (after & mask))
    return changed.map(([mask, name]) => `${name} ${bitValue(before, mask)} -> ${bitValue(after, mask)}`).join(', ')
  }
  let [before, after] = [fieldText(first, one), fieldText(second, other)]
  // the same said in other bytes, as a length in more of them than it needs
  if (before === after) {
    before = `${before} (${one.bytes.toString('hex', first.start, first.end)})`
    after = `${after} (${other.bytes.toString('hex', second.start, second.end)})`
  }
  let same = 0
  while (same < before.length && before[same] === after[same]) same++
  return `${shortened(before, same)} -> ${shortened(after, same)}`
}

// A long text around the character at a place.
function shortened(text: string, place: number): string {
  if (text.length <= VALUE_CHARACTERS) return text
  const start = Math.max(0, Math.min(place - BEFORE_DIFFERENCE, text.length - VALUE_CHARACTERS))
  const end = start + VALUE_CHARACTERS
  return `${start > 0 ? '...' : ''}${text.slice(start, end)}${end < text.length ? '...' : ''}`
}

function described(packet: ComparedPacket): string {
  const { packet: read } = packet.trace()
  const what = read === null ? packetTypeNames[packet.packetType] : describePacket(read, packet.version)
  return `${wayOf(packet).replace(/\S+$/, '')}${what}, ${packet.bytes.length} B`
}

// `#0 c2s PUBLISH`
function wayOf(packet: ComparedPacket): string {
  return `${packet.stream === null ? '' : `#${packet.stream} `}${dirOf(packet)} ${packet.typeName}`
}

function dirOf({ sender }: ComparedPacket): string {
  return sender === Role.CLIENT ? 'c2s' : 's2c'
}

function summary({ equal, differences }: Comparison): string {
  const counts = (['changed', 'missing', 'added'] as const).map(
    (kind) => differences.filter((difference) => difference.kind === kind).length,
  )
  const [changed, missing, added] = counts
  const equals = `${equal} ${equal === 1 ? 'packet is' : 'packets are'} equal`
  if (differences.length === 0) return equals
  return `${equals}, ${changed} ${changed === 1 ? 'differs' : 'differ'}, ${missing} only in A, ${added} only in B`
}
