/** Numbers, big-endian, into memory that grows and is used again: what writers of packets and of stored records have in common. */
export class ByteWriter {
  protected bytes: Buffer
  protected offset = 0

  /** @param byteCount of the memory at first */
  constructor(byteCount: number) {
    this.bytes = Buffer.allocUnsafeSlow(byteCount)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.offset++] = value
  }

  uint16(value: number): void {
    this.reserve(2)
    this.offset = this.bytes.writeUInt16BE(value, this.offset)
  }

  uint32(value: number): void {
    this.reserve(4)
    this.offset = this.bytes.writeUInt32BE(value, this.offset)
  }

  /** Makes room for so many more bytes. */
  protected reserve(byteCount: number): void {
    const needed = this.offset + byteCount
    if (needed <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(larger, 0, 0, this.offset)
    this.bytes = larger
  }
}
