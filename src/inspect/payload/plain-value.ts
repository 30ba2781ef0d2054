import { PayloadError } from './payload-value.ts'

/** Maps and lists may stand in each other this deep. */
export const MAXIMUM_DEPTH = 64

/** A value with a CBOR tag that has no plain form of its own. */
export class Tagged {
  readonly tag: number | bigint
  readonly value: unknown

  constructor(tag: number | bigint, value: unknown) {
    this.tag = tag
    this.value = value
  }
}

/** Bytes of an application's own type in MessagePack. */
export class Extension {
  readonly type: number
  readonly data: Uint8Array

  constructor(type: number, data: Uint8Array) {
    this.type = type
    this.data = data
  }
}

/**
 * A decoded value as JSON has it: bytes as {"hex"}, tags as {"tag","value"}, extensions as {"extension","hex"}, times as in ISO 8601,
 * numbers that JSON has not or cannot hold exactly as text, maps whose keys are no text or whole numbers as lists of [key, value].
 * @throws PayloadError when it is nested deeper than {@link MAXIMUM_DEPTH}
 */
export function plainValue(value: unknown, depth = 0): unknown {
  if (depth > MAXIMUM_DEPTH) throw new PayloadError(`nested deeper than ${MAXIMUM_DEPTH}`)
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return plainInteger(value)
    case 'object':
      return value === null ? null : plainObject(value, depth)
    case 'string':
    case 'boolean':
      return value
    default:
      return null
  }
}

/** A number where it is exact, else text. */
export function plainInteger(value: bigint): number | string {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

/** A time as in ISO 8601; the number itself where no date is that far. @param ms since 1970 */
export function plainTime(ms: number): string | number {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? ms : date.toISOString()
}

/** Bytes that are no text. */
export function plainBytes(bytes: Uint8Array): { hex: string } {
  return { hex: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex') }
}

function plainObject(value: object, depth: number): unknown {
  const inner = (item: unknown): unknown => plainValue(item, depth + 1)
  if (value instanceof Uint8Array) return plainBytes(value)
  if (value instanceof Date) return plainTime(value.getTime())
  if (value instanceof Tagged) return { tag: plainValue(value.tag), value: inner(value.value) }
  if (value instanceof Extension) return { extension: value.type, ...plainBytes(value.data) }
  if (Array.isArray(value)) return value.map(inner)
  const entries = value instanceof Map ? [...value] : Object.entries(value)
  const keys = new Set(entries.map(([key]) => (isName(key) ? String(key) : null)))
  if (keys.has(null) || keys.size < entries.length) return entries.map(([key, item]) => [inner(key), inner(item)])
  return Object.fromEntries(entries.map(([key, item]) => [String(key), inner(item)]))
}

function isName(key: unknown): boolean {
  return typeof key === 'string' || (typeof key === 'number' && Number.isInteger(key))
}

// control characters and what stands for bytes that are no UTF-8
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NOT_WRITTEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/

/** Could a person or a program have meant this text to be read? */
export function isReadable(text: string): boolean {
  return !NOT_WRITTEN.test(text)
}

/**
 * Is a decoded value something that is hardly met by chance: named values, a list with such in it, or a list of words?
 * @param value as the decoders return it, before it is made plain
 */
export function isTelling(value: unknown): boolean {
  if (!Array.isArray(value)) return hasNames(value)
  return isSane(value) && value.length > 0 && (value.some(hasNames) || value.every(isWord))
}

function hasNames(value: unknown): boolean {
  const keys = namesOf(value)
  return keys !== null && keys.length > 0 && keys.every((key) => typeof key === 'string' && key !== '') && isSane(value)
}

function namesOf(value: unknown): unknown[] | null {
  if (value instanceof Map) return [...value.keys()]
  const isObject = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  return isObject ? Object.keys(value) : null
}

function isWord(value: unknown): boolean {
  return typeof value === 'string' && value.length > 1
}

// every text in it is readable
function isSane(value: unknown): boolean {
  if (typeof value === 'string') return isReadable(value)
  if (Array.isArray(value)) return value.every(isSane)
  if (value instanceof Map) return [...value].every((entry) => entry.every(isSane))
  if (namesOf(value) !== null) return Object.entries(value as object).every((entry) => entry.every(isSane))
  return value instanceof Tagged ? isSane(value.value) : true
}
