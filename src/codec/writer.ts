import { ByteWriter } from './byte-writer.ts'
import { ProtocolVersion } from './protocol-version.ts'
import { isEncodable } from './utf8.ts'
import {
  MAXIMUM_VARIABLE_BYTE_INTEGER,
  variableByteIntegerBytes,
  writeVariableByteInteger,
} from './variable-byte-integer.ts'
import { ProtocolViolation } from './violation.ts'

const MAXIMUM_FIELD_BYTES = 65_535
const HEADER_ROOM = 5

/**
 * Builds the packets that are not hot: a scratch buffer that grows, the body first, then the fixed header in front of it
 * once its length is known. PUBLISH and acknowledgements do not come through here.
 */
export class Writer extends ByteWriter {
  version: ProtocolVersion = ProtocolVersion.V3_1_1

  constructor() {
    super(1024)
    this.offset = HEADER_ROOM
  }

  /** Begins a packet; what an earlier one left behind is forgotten. */
  start(version: ProtocolVersion): void {
    this.version = version
    this.offset = HEADER_ROOM
  }

  /**
   * Ends a packet.
   * @param firstByte packet type and flags
   * @returns the whole packet in a buffer of its own
   * @throws ProtocolViolation PACKET_TOO_LARGE above what a Remaining Length can say; ours
   */
  finish(firstByte: number): Buffer {
    const remainingLength = this.offset - HEADER_ROOM
    if (remainingLength > MAXIMUM_VARIABLE_BYTE_INTEGER) {
      throw new ProtocolViolation('PACKET_TOO_LARGE', { version: this.version, packetType: firstByte >> 4, ours: true })
    }
    const headerStart = HEADER_ROOM - 1 - variableByteIntegerBytes(remainingLength)
    this.bytes[headerStart] = firstByte
    writeVariableByteInteger(this.bytes, headerStart + 1, remainingLength)
    return Buffer.from(this.bytes.subarray(headerStart, this.offset))
  }

  variableByteInteger(value: number): void {
    this.reserve(4)
    this.offset = writeVariableByteInteger(this.bytes, this.offset, value)
  }

  /** @throws ProtocolViolation STRING_TOO_LONG above 65,535 bytes, STRING_NOT_UTF8 for half a surrogate pair, STRING_HAS_NUL; ours */
  string(value: string, field: string): void {
    if (!isEncodable(value)) {
      const violation = value.includes('\0') ? 'STRING_HAS_NUL' : 'STRING_NOT_UTF8'
      throw new ProtocolViolation(violation, { version: this.version, field, ours: true })
    }
    const length = Buffer.byteLength(value)
    if (length > MAXIMUM_FIELD_BYTES) throw this.#tooLong(field)
    this.reserve(length + 2)
    this.offset = this.bytes.writeUInt16BE(length, this.offset)
    this.offset += this.bytes.write(value, this.offset)
  }

  /** @throws ProtocolViolation STRING_TOO_LONG above 65,535 bytes; ours */
  binary(value: Uint8Array, field: string): void {
    if (value.length > MAXIMUM_FIELD_BYTES) throw this.#tooLong(field)
    this.reserve(value.length + 2)
    this.offset = this.bytes.writeUInt16BE(value.length, this.offset)
    this.raw(value)
  }

  /** Bytes as they are, without a length. */
  raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.bytes.set(value, this.offset)
    this.offset += value.length
  }

  /** Begins a section whose length, a Variable Byte Integer, comes in front of it. @returns the mark for {@link endSection} */
  beginSection(): number {
    this.byte(0)
    return this.offset
  }

  endSection(mark: number): void {
    const length = this.offset - mark
    const lengthBytes = variableByteIntegerBytes(length)
    if (lengthBytes > 1) {
      this.reserve(lengthBytes - 1)
      this.bytes.copyWithin(mark - 1 + lengthBytes, mark, this.offset)
      this.offset += lengthBytes - 1
    }
    writeVariableByteInteger(this.bytes, mark - 1, length)
  }

  /** What was written since {@link start}, copied; for pieces that are no packet. */
  body(): Buffer {
    return Buffer.from(this.bytes.subarray(HEADER_ROOM, this.offset))
  }

  #tooLong(field: string): ProtocolViolation {
    return new ProtocolViolation('STRING_TOO_LONG', { version: this.version, field, ours: true })
  }
}
