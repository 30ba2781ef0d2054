/** The formats of structured data that libraries decode; one file, so that commands which seldom need them load it when they do. */
import { decodeCbor } from './cbor.ts'
import { isNamedCbor } from './cbor-shape.ts'
import { decodeMessagePack } from './message-pack.ts'
import { MessagePackShape } from './message-pack-shape.ts'
import { isTelling, plainValue } from './plain-value.ts'

/** Formats that are decoded here. */
export type StructuredKind = 'cbor' | 'msgpack'

/** What bytes say, as JSON has it: see `plainValue`. @throws for bytes that are something else, saying why */
export function readStructured(bytes: Buffer, kind: StructuredKind): unknown {
  return plainValue(decode(bytes, kind))
}

function decode(bytes: Buffer, kind: StructuredKind): unknown {
  return kind === 'cbor' ? decodeCbor(bytes) : decodeMessagePack(bytes)
}

/** Both are told from other bytes by lists and maps only; what else there is begins like anything. */
const beginsLike: Readonly<Record<StructuredKind, (first: number) => boolean>> = {
  // a list, a map, or a tag of two bytes: that which says it is CBOR
  cbor: (first) => (first >= 0x80 && first < 0xc0) || first === 0xd9,
  msgpack: (first) => (first >= 0x80 && first < 0xa0) || (first >= 0xdc && first < 0xe0),
}

/** What bytes are without doubt; null: something else, or it may be chance, or they are both. */
export function recogniseStructured(bytes: Buffer): { kind: StructuredKind; value: unknown } | null {
  const [first, second] = (['cbor', 'msgpack'] as const).flatMap((kind) => {
    if (!beginsLike[kind](bytes[0]!) || !isNamed(bytes, kind)) return []
    const value = decodedOrNothing(bytes, kind)
    return isTelling(value) ? [{ kind, value: plainValue(value) }] : []
  })
  return second === undefined ? (first ?? null) : null
}

function isNamed(bytes: Buffer, kind: StructuredKind): boolean {
  return kind === 'cbor' ? isNamedCbor(bytes) : new MessagePackShape(bytes, true).isWhole()
}

function decodedOrNothing(bytes: Buffer, kind: StructuredKind): unknown {
  try {
    return decode(bytes, kind)
  } catch {
    // whole, but not allowed: a key that comes twice, or __proto__
    return undefined
  }
}
