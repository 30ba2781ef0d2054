/** Writes the value of an entry into memory that is used again for the next one. */
export class RecordWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(4096)
  #offset = 0

  /** Begins a value; the last one is overwritten. */
  start(): void {
    this.#offset = 0
  }

  /** What was written, a view that is good until the next {@link start}. */
  get value(): Buffer {
    return this.#bytes.subarray(0, this.#offset)
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#offset++] = value
  }

  uint16(value: number): void {
    this.#reserve(2)
    this.#offset = this.#bytes.writeUInt16BE(value, this.#offset)
  }

  uint32(value: number): void {
    this.#reserve(4)
    this.#offset = this.#bytes.writeUInt32BE(value, this.#offset)
  }

  /** A whole number of 6 bytes: a sequence, milliseconds since 1970. */
  uint48(value: number): void {
    this.#reserve(6)
    this.#offset = this.#bytes.writeUIntBE(value, this.#offset, 6)
  }

  /** UTF-8 behind its length in 4 bytes. */
  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.uint32(length)
    this.#reserve(length)
    this.#offset += this.#bytes.write(value, this.#offset)
  }

  /** Bytes as they are, without a length. */
  raw(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start)
    bytes.copy(this.#bytes, this.#offset, start, end)
    this.#offset += end - start
  }

  #reserve(byteCount: number): void {
    const needed = this.#offset + byteCount
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#offset)
    this.#bytes = larger
  }
}
