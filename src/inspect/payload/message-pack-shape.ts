import { isUtf8 } from 'node:buffer'
import { MAXIMUM_DEPTH } from './plain-value.ts'

/** Bytes behind the first one, for values whose size does not vary: 0xc0 to 0xdf; -1: it does. */
const FIXED_BYTES: readonly number[] = [
  0, -1, 0, 0, -1, -1, -1, -1, -1, -1, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, -1, -1, -1, -1, -1, -1, -1,
]
/** Where nothing goes on. */
const BROKEN = -1

/**
 * Walks over MessagePack without making anything of it, and without an exception. The library makes room for as many items as a
 * list says it has before it looks for them, so a few bytes could ask for all memory there is; and most payloads are something else.
 */
export class MessagePackShape {
  /** why it is not one whole value */
  problem = ''
  readonly #bytes: Buffer
  readonly #isNamed: boolean

  /** @param isNamed true: text has to be UTF-8, and the keys of maps text */
  constructor(bytes: Buffer, isNamed: boolean) {
    this.#bytes = bytes
    this.#isNamed = isNamed
  }

  /** Is this one value and nothing else? */
  isWhole(): boolean {
    const end = this.#value(0, 0)
    if (end === BROKEN || end === this.#bytes.length) return end !== BROKEN
    this.#fail(`the value ends after ${end} of ${this.#bytes.length} bytes`)
    return false
  }

  // Returns where the value ends, as all below do.
  #value(at: number, depth: number): number {
    const first = this.#bytes[at]
    if (first === undefined) return this.#fail('a value is missing at the end')
    if (depth > MAXIMUM_DEPTH) return this.#fail(`nested deeper than ${MAXIMUM_DEPTH}`)
    if (first < 0x80 || first >= 0xe0) return at + 1
    if (first < 0x90) return this.#map(at + 1, first & 0x0f, depth)
    if (first < 0xa0) return this.#list(at + 1, first & 0x0f, depth)
    if (first < 0xc0) return this.#text(at + 1, first & 0x1f)
    const fixed = FIXED_BYTES[first - 0xc0]!
    if (fixed >= 0) return this.#raw(at + 1, fixed)
    if (first === 0xc1) return this.#fail(`byte ${at} is 0xc1, which begins no value`)
    return this.#sized(first, at, depth)
  }

  // a length of 1, 2 or 4 bytes stands behind the first byte; maps and lists have none of 1
  #sized(first: number, at: number, depth: number): number {
    const [family, step] =
      first < 0xc7
        ? [0xc4, 0]
        : first < 0xca
          ? [0xc7, 0]
          : first < 0xdc
            ? [0xd9, 0]
            : first < 0xde
              ? [0xdc, 1]
              : [0xde, 1]
    const lengthBytes = 1 << (first - family! + step!)
    const start = at + 1 + lengthBytes
    if (start > this.#bytes.length) return this.#fail('a value goes on behind the end')
    const length = this.#bytes.readUIntBE(at + 1, lengthBytes)
    switch (family) {
      case 0xc4:
        return this.#raw(start, length)
      case 0xc7:
        // the type of the extension
        return this.#raw(start, length + 1)
      case 0xd9:
        return this.#text(start, length)
      case 0xdc:
        return this.#list(start, length, depth)
      default:
        return this.#map(start, length, depth)
    }
  }

  #map(start: number, pairs: number, depth: number): number {
    let at = this.#room(start, 2 * pairs)
    for (let i = 0; i < pairs && at !== BROKEN; i++) {
      if (this.#isNamed && !isTextByte(this.#bytes[at])) return this.#fail(`the key at byte ${at} is no text`)
      at = this.#value(at, depth + 1)
      if (at !== BROKEN) at = this.#value(at, depth + 1)
    }
    return at
  }

  #list(start: number, items: number, depth: number): number {
    let at = this.#room(start, items)
    for (let i = 0; i < items && at !== BROKEN; i++) at = this.#value(at, depth + 1)
    return at
  }

  // each item has a byte at least
  #room(start: number, items: number): number {
    const left = this.#bytes.length - start
    return items > left ? this.#fail(`${items} items are declared, and ${left} bytes follow`) : start
  }

  #text(start: number, length: number): number {
    const end = this.#raw(start, length)
    if (!this.#isNamed || end === BROKEN || isUtf8(this.#bytes.subarray(start, end))) return end
    return this.#fail(`the text at byte ${start} is no UTF-8`)
  }

  #raw(start: number, length: number): number {
    return start + length > this.#bytes.length ? this.#fail('a value goes on behind the end') : start + length
  }

  #fail(problem: string): typeof BROKEN {
    this.problem = problem
    return BROKEN
  }
}

function isTextByte(first: number | undefined): boolean {
  return first !== undefined && ((first >= 0xa0 && first < 0xc0) || (first >= 0xd9 && first <= 0xdb))
}
