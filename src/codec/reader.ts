import { TopicNameFault, topicNameFault } from '../topic/topic-name.ts'
import { copyBytes } from './copy-bytes.ts'
import type { Role } from './packet-type.ts'
import { ProtocolVersion } from './protocol-version.ts'
import { isPlainAscii, Utf8Fault, utf8Fault } from './utf8.ts'
import { ProtocolViolation, type ViolationDetails, type ViolationName } from './violation.ts'

const EMPTY = Buffer.alloc(0)
/** Longer properties are not remembered: with this much for each connection, 10,000 of them may take 2.5 MB. */
const REMEMBERED_BYTES = 256
/** What bytes that are no UTF-8 turn into. */
const REPLACEMENT = '\u{fffd}'

/**
 * A cursor over the body of one packet at a time. Every read names its field as the standard does, so that an error can
 * say where it is, and a tracing subclass can note (field, start, end, value) without a second decoder.
 *
 * The plain Reader throws at the first violation. A subclass may note the violation instead and go on: so decoders must
 * stay sensible when {@link violate} returns, and the subclass must not {@link skipKnown}, for it has to see again what it noted.
 * Reads past the end always throw, for nothing sensible can follow.
 */
export class Reader {
  bytes: Buffer = EMPTY
  /** next byte to read */
  offset = 0
  /** where the packet, or the property section within it, ends */
  end = 0
  /** first byte of the packet, for offsets in violations */
  packetStart = 0
  packetType = 0
  version: ProtocolVersion = ProtocolVersion.V3_1_1
  /** Maximum Packet Size that the sender stated in its CONNECT; Infinity when it stated none */
  senderMaximumPacketBytes = Number.POSITIVE_INFINITY
  /** who sent the packet */
  readonly sender: Role
  /** what a read past {@link end} breaks: differs inside properties */
  pastEnd: ViolationName = 'FIELD_PAST_END'

  // the last Topic Name of this connection: its bytes and its string
  #lastTopicBytes: Buffer = EMPTY
  #lastTopicLength = -1
  #lastTopic = ''
  // and its last properties that were found good
  #knownBytes: Buffer = EMPTY
  #knownLength = -1

  constructor(sender: Role) {
    this.sender = sender
  }

  /** Sets the cursor on the body of a packet. */
  open(bytes: Buffer, packetStart: number, bodyStart: number, bodyEnd: number, packetType: number): void {
    this.bytes = bytes
    this.packetStart = packetStart
    this.offset = bodyStart
    this.end = bodyEnd
    this.packetType = packetType
    this.pastEnd = 'FIELD_PAST_END'
  }

  get remaining(): number {
    return this.end - this.offset
  }

  byte(field: string): number {
    const start = this.offset
    if (start >= this.end) this.failPastEnd(field)
    this.offset = start + 1
    return this.bytes[start]!
  }

  uint16(field: string): number {
    const start = this.offset
    if (start + 2 > this.end) this.failPastEnd(field)
    this.offset = start + 2
    return (this.bytes[start]! << 8) | this.bytes[start + 1]!
  }

  uint32(field: string): number {
    const start = this.offset
    if (start + 4 > this.end) this.failPastEnd(field)
    this.offset = start + 4
    return this.bytes.readUInt32BE(start)
  }

  variableByteInteger(field: string): number {
    const start = this.offset
    const first = this.byte(field)
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let shift = 7; shift <= 21; shift += 7) {
      const next = this.byte(field)
      value |= (next & 0x7f) << shift
      if (next < 0x80) {
        if (next === 0) this.violate('VARIABLE_BYTE_INTEGER_NOT_SHORTEST', start, field)
        return value
      }
    }
    return this.fail('VARIABLE_BYTE_INTEGER_TOO_LONG', start, field)
  }

  /** A UTF-8 Encoded String, checked. @param nulCode Reason Code for U+0000 where it is more exact than Malformed Packet */
  string(field: string, nulCode?: number): string {
    const start = this.skipString(field, nulCode)
    return this.text(start, this.offset)
  }

  /**
   * Checks a UTF-8 Encoded String without making one.
   * @returns offset of its first byte; {@link offset} is behind its last
   */
  skipString(field: string, nulCode?: number): number {
    const start = this.skipBinary(field)
    if (!isPlainAscii(this.bytes, start, this.offset)) {
      const fault = utf8Fault(this.bytes, start, this.offset)
      if (fault === Utf8Fault.NOT_UTF8) this.violate('STRING_NOT_UTF8', start, field)
      if (fault === Utf8Fault.HAS_NUL) this.violate('STRING_HAS_NUL', start, field, { reasonCode: nulCode })
    }
    return start
  }

  /**
   * Like {@link string}, for Topic Names: a client mostly publishes to the topic it published to before, and comparing
   * bytes is cheaper than making a string and judging it.
   */
  topicName(field: string): string {
    const start = this.skipBinary(field)
    const length = this.offset - start
    if (length === this.#lastTopicLength && this.#equals(this.#lastTopicBytes, start, length)) return this.#lastTopic
    this.offset = start - 2
    const topic = this.string(field)
    // [MQTT-3.3.2-2] an empty Topic Name is left to the caller: a Topic Alias may stand for it
    const fault = topicNameFault(topic)
    if (fault === TopicNameFault.WILDCARD) this.violate('TOPIC_NAME_HAS_WILDCARD', start, field)
    // a lenient reader has to see a broken one again each time it comes
    if (fault !== TopicNameFault.NONE || topic.includes(REPLACEMENT)) return topic
    if (length > this.#lastTopicBytes.length) this.#lastTopicBytes = Buffer.allocUnsafeSlow(Math.max(64, length))
    this.bytes.copy(this.#lastTopicBytes, 0, start, start + length)
    this.#lastTopicLength = length
    this.#lastTopic = topic
    return topic
  }

  /**
   * Hot: skips the rest of a section when it has the bytes that were {@link remember}ed last, for the properties of a client mostly
   * are what they were before. @returns false: it has others, and must be read
   */
  skipKnown(): boolean {
    const { offset, end } = this
    if (end - offset !== this.#knownLength || !this.#equals(this.#knownBytes, offset, this.#knownLength)) return false
    this.offset = end
    return true
  }

  /** What lies between `start` and here is good, whenever it comes again. */
  remember(start: number): void {
    const length = this.offset - start
    if (length > REMEMBERED_BYTES) return
    if (length > this.#knownBytes.length) this.#knownBytes = Buffer.allocUnsafeSlow(Math.max(64, length))
    copyBytes(this.bytes, start, this.offset, this.#knownBytes, 0)
    this.#knownLength = length
  }

  /** Binary Data; a view into the chunk, good as long as the chunk. */
  binary(field: string): Buffer {
    const start = this.skipBinary(field)
    return this.bytes.subarray(start, this.offset)
  }

  /** @returns offset of the first byte behind the two-byte length; {@link offset} is behind the last */
  skipBinary(field: string): number {
    const start = this.offset + 2
    if (start > this.end) this.failPastEnd(field)
    const end = start + ((this.bytes[start - 2]! << 8) | this.bytes[start - 1]!)
    if (end > this.end) this.failPastEnd(field)
    this.offset = end
    return start
  }

  /** All that is left of the packet: the payload of PUBLISH. @returns offset of its first byte */
  rest(_field: string): number {
    const start = this.offset
    this.offset = this.end
    return start
  }

  /** Ends a packet: nothing may be left over. */
  finish(): void {
    if (this.offset < this.end) this.violate('TRAILING_BYTES', this.offset)
  }

  /** Text of bytes that were checked. */
  text(start: number, end: number): string {
    return this.bytes.toString('utf8', start, end)
  }

  /** Reports a violation at an offset of {@link bytes}. Throws here; a subclass may note it and return. */
  violate(violation: ViolationName, at: number, field?: string, more?: Partial<ViolationDetails>): void {
    this.fail(violation, at, field, more)
  }

  /** Reports a violation after which nothing of the packet can be read. */
  fail(violation: ViolationName, at: number, field?: string, more?: Partial<ViolationDetails>): never {
    throw new ProtocolViolation(violation, {
      version: this.version,
      packetType: this.packetType,
      offset: at - this.packetStart,
      field,
      ...more,
    })
  }

  failPastEnd(field: string): never {
    return this.fail(this.pastEnd, this.offset, field)
  }

  #equals(known: Buffer, start: number, length: number): boolean {
    const bytes = this.bytes
    for (let i = 0; i < length; i++) if (bytes[start + i] !== known[i]) return false
    return true
  }
}
