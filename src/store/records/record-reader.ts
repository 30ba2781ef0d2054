import { describeKey } from '../keys.ts'
import { StoreError } from '../store.ts'

/** Reads the value of an entry, strictly: whatever RecordWriter and the records cannot have written is damage. */
export class RecordReader {
  readonly #key: Buffer
  readonly #bytes: Buffer
  #offset = 0

  constructor(key: Buffer, value: Buffer) {
    this.#key = key
    this.#bytes = value
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  get offset(): number {
    return this.#offset
  }

  byte(field: string): number {
    return this.#bytes[this.#take(1, field)]!
  }

  uint16(field: string): number {
    return this.#bytes.readUInt16BE(this.#take(2, field))
  }

  uint32(field: string): number {
    return this.#bytes.readUInt32BE(this.#take(4, field))
  }

  uint48(field: string): number {
    return this.#bytes.readUIntBE(this.#take(6, field), 6)
  }

  text(field: string): string {
    const length = this.uint32(field)
    const start = this.#take(length, field)
    return this.#bytes.toString('utf8', start, start + length)
  }

  /** Passes over bytes. @returns where they begin */
  skip(byteCount: number, field: string): number {
    return this.#take(byteCount, field)
  }

  /** Passes over all that is left. */
  skipRest(): number {
    return this.#take(this.#bytes.length - this.#offset, 'rest')
  }

  /** @throws StoreError damaged when something is left */
  end(): void {
    if (this.#offset < this.#bytes.length) this.fail(`${this.#bytes.length - this.#offset} bytes too many`)
  }

  /** @throws StoreError damaged, naming the entry */
  fail(what: string): never {
    throw new StoreError('damaged', `the entry '${describeKey(this.#key)}' of the store is damaged: ${what}`)
  }

  #take(byteCount: number, field: string): number {
    const offset = this.#offset
    if (byteCount > this.#bytes.length - offset) this.fail(`it ends within its ${field}`)
    this.#offset += byteCount
    return offset
  }
}
