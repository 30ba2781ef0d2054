import { ByteWriter } from '../../codec/byte-writer.ts'

/** Writes the value of an entry into memory that is used again for the next one. */
export class RecordWriter extends ByteWriter {
  constructor() {
    super(4096)
  }

  /** Begins a value; the last one is overwritten. */
  start(): void {
    this.offset = 0
  }

  /** What was written, a view that is good until the next {@link start}. */
  get value(): Buffer {
    return this.bytes.subarray(0, this.offset)
  }

  /** A whole number of 6 bytes: a sequence, milliseconds since 1970. */
  uint48(value: number): void {
    this.reserve(6)
    this.offset = this.bytes.writeUIntBE(value, this.offset, 6)
  }

  /** UTF-8 behind its length in 4 bytes. */
  text(value: string): void {
    const length = Buffer.byteLength(value)
    this.uint32(length)
    this.reserve(length)
    this.offset += this.bytes.write(value, this.offset)
  }

  /** Bytes as they are, without a length. */
  raw(bytes: Buffer, start: number, end: number): void {
    this.reserve(end - start)
    bytes.copy(this.bytes, this.offset, start, end)
    this.offset += end - start
  }
}
