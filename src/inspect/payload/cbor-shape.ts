import { isUtf8 } from 'node:buffer'
import { MAXIMUM_DEPTH } from './plain-value.ts'

const BROKEN = -1
const BREAK = 0xff
const BYTES = 2
const TEXT = 3
const MAP = 5
const TAG = 6
const INDEFINITE = 31

/**
 * Is this one CBOR value (RFC 8949) and nothing else, with text in UTF-8 and text for the keys of maps? Walks over it without making
 * anything, and without an exception: most payloads that are asked about are something else.
 */
export function isNamedCbor(bytes: Buffer): boolean {
  return valueEnd(bytes, 0, 0) === bytes.length
}

// Returns where the value ends, as all below do.
function valueEnd(bytes: Buffer, at: number, depth: number): number {
  const first = bytes[at]
  if (first === undefined || depth > MAXIMUM_DEPTH) return BROKEN
  const major = first >> 5
  const info = first & 31
  if (info === INDEFINITE) return indefiniteEnd(bytes, at + 1, major, depth)
  if (info > 27) return BROKEN
  const argumentBytes = info < 24 ? 0 : 1 << (info - 24)
  const start = at + 1 + argumentBytes
  if (start > bytes.length) return BROKEN
  if (major === 7) return info < 20 || info === 24 ? BROKEN : start
  if (major < BYTES) return start
  if (major === TAG) return valueEnd(bytes, start, depth + 1)
  const count = argumentBytes === 0 ? info : argument(bytes, at + 1, argumentBytes)
  if (count > bytes.length - start) return BROKEN
  if (major === BYTES) return start + count
  if (major === TEXT) return isUtf8(bytes.subarray(start, start + count)) ? start + count : BROKEN
  let end = start
  for (let i = 0; i < count && end !== BROKEN; i++) end = itemEnd(bytes, end, major, depth)
  return end
}

function indefiniteEnd(bytes: Buffer, start: number, major: number, depth: number): number {
  if (major < BYTES || major > MAP) return BROKEN
  let at = start
  while (at !== BROKEN && bytes[at] !== BREAK) {
    // strings are made of definite strings of their own kind
    if (major <= TEXT && (bytes[at]! >> 5 !== major || (bytes[at]! & 31) === INDEFINITE)) return BROKEN
    at = itemEnd(bytes, at, major, depth)
  }
  return at === BROKEN ? BROKEN : at + 1
}

// One item of a list, one pair of a map, one piece of a string.
function itemEnd(bytes: Buffer, at: number, major: number, depth: number): number {
  if (major !== MAP) return valueEnd(bytes, at, depth + 1)
  if (at >= bytes.length || bytes[at]! >> 5 !== TEXT) return BROKEN
  const keyEnd = valueEnd(bytes, at, depth + 1)
  return keyEnd === BROKEN ? BROKEN : valueEnd(bytes, keyEnd, depth + 1)
}

function argument(bytes: Buffer, at: number, count: number): number {
  return count === 8 ? bytes.readUInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4) : bytes.readUIntBE(at, count)
}
