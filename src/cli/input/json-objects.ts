import { UsageError } from '../failure.ts'
import type { ByteSource } from './inspect-source.ts'

/** One packet has at most 256 MiB, and its JSON several characters for each byte. */
const MAXIMUM_OBJECT_BYTES = 400 * 1024 * 1024

/** A JSON object of a stream, and the line on which it begins, counted from 1. */
export interface PlacedObject {
  readonly value: unknown
  readonly line: number
}

const NEWLINE = 0x0a
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const CLOSE = 0x7d
// white space, and what a list of objects has around and between them
const BETWEEN = new Set([0x09, 0x0a, 0x0d, 0x20, 0x2c, 0x5b, 0x5d])

/**
 * Cuts a stream into the JSON objects that stand in it one after the other: a line each, over several lines, or in a list.
 * Holds one object.
 * @throws UsageError with the line where something else stands or the object is no JSON
 */
export class JsonObjects {
  #line = 1
  #startLine = 1
  #depth = 0
  #inText = false
  #isEscaped = false
  #parts: Buffer[] = []
  #bytes = 0

  /** Nothing more comes. */
  end(): void {
    if (this.#depth > 0) throw new UsageError(`line ${this.#startLine}: the object that begins here does not end`)
  }

  *push(chunk: Buffer): Generator<PlacedObject> {
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (byte === NEWLINE) this.#line++
      if (this.#isEscaped) this.#isEscaped = false
      else if (this.#inText) {
        if (byte === QUOTE) this.#inText = false
        else if (byte === BACKSLASH) this.#isEscaped = true
      } else if (byte === QUOTE && this.#depth > 0) this.#inText = true
      else if (byte === OPEN) {
        if (this.#depth++ === 0) {
          start = at
          this.#startLine = this.#line
        }
      } else if (byte === CLOSE && this.#depth > 0) {
        if (--this.#depth > 0) continue
        this.#keep(chunk.subarray(start, at + 1))
        yield this.#object()
      } else if (this.#depth === 0 && !BETWEEN.has(byte)) {
        throw new UsageError(
          `line ${this.#line}: expected a JSON object, not ${JSON.stringify(String.fromCharCode(byte))}`,
        )
      }
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(start))
  }

  #keep(part: Buffer): void {
    this.#parts.push(part)
    this.#bytes += part.length
    if (this.#bytes > MAXIMUM_OBJECT_BYTES) {
      throw new UsageError(`line ${this.#startLine}: an object of more than ${MAXIMUM_OBJECT_BYTES} bytes`)
    }
  }

  #object(): PlacedObject {
    const text = (this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)).toString()
    this.#parts = []
    this.#bytes = 0
    try {
      return { value: JSON.parse(text), line: this.#startLine }
    } catch (error) {
      throw new UsageError(`line ${this.#startLine}: expected JSON: ${(error as Error).message}`)
    }
  }
}

/** The objects of a whole source. @throws UsageError as {@link JsonObjects}, and what the source throws */
export async function* jsonObjects(source: ByteSource): AsyncGenerator<PlacedObject> {
  const objects = new JsonObjects()
  for await (const chunk of source) yield* objects.push(chunk)
  objects.end()
}
