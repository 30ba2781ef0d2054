import { defaultLimits, OVERHEAD_BYTES } from '../limits.ts'
import { MessageInflater } from './inflate.ts'

const END_OF_HEAD = '\r\n\r\n'
/** An HTTP head that goes on is no head. */
const MAXIMUM_HEAD_BYTES = 64 * 1024
const MAXIMUM_FRAME_HEADER_BYTES = 14
const FIRST_CONTROL_OPCODE = 8
const CONTINUATION = 0
const EMPTY = Buffer.alloc(0)

/** Does a WebSocket connection begin like this, from either side? */
export function isUpgrade(bytes: Buffer): boolean {
  return /^(?:GET |HTTP\/1\.1 101)/.test(bytes.toString('latin1', 0, 12))
}

/** Gets what the data frames of a connection carry. */
export interface PayloadSink {
  /** the next bytes; messages end to end */
  payload(bytes: Buffer): void
  /** a message cannot be read: compressed and damaged, or too large */
  lostMessage(): void
}

/**
 * Takes HTTP head, frames, masks and compression off one side of a WebSocket connection (RFC 6455 section 5, RFC 7692).
 * What frames carry is given out as it comes, so nothing is kept but a head, a frame header and a compressed message.
 */
export class WebSocketUnframer {
  readonly #maximumBytes: number
  // an HTTP head or a frame header that is not complete
  #kept: Buffer = EMPTY
  #isPastHead: boolean
  // the frame that is being read
  #frame: FrameHeader | null = null
  #position = 0
  #isLost = false
  // the message that is being read
  #isCompressed = false
  #compressed: Buffer[] = []
  #compressedBytes = 0
  #inflater: MessageInflater | null = null

  /** @param hasHead false: the bytes begin with a frame. @param maximumBytes of a compressed message, before and after */
  constructor(hasHead = true, maximumBytes = defaultLimits.inflatedBytes) {
    this.#isPastHead = !hasHead
    this.#maximumBytes = maximumBytes
  }

  /** Bytes kept until the rest comes. */
  get heldBytes(): number {
    return this.#kept.length + this.#compressedBytes
  }

  /** Bytes are missing in the capture: inside a frame they are counted, else reading goes on where a frame begins. */
  lose(bytes: number): void {
    this.#kept = EMPTY
    this.#isPastHead = true
    if (this.#frame !== null && this.#position + bytes <= this.#frame.payloadBytes) {
      this.#position += bytes
      return
    }
    this.#frame = null
    this.#isLost = true
  }

  push(chunk: Buffer, sink: PayloadSink): void {
    if (this.#isLost && !beginsWithFrame(chunk)) return
    this.#isLost = false
    let bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk])
    this.#kept = EMPTY
    if (!this.#isPastHead) {
      const head = bytes.indexOf(END_OF_HEAD)
      if (head < 0) {
        this.#keep(bytes.length > MAXIMUM_HEAD_BYTES ? EMPTY : bytes)
        return
      }
      this.#isPastHead = true
      bytes = bytes.subarray(head + END_OF_HEAD.length)
    }
    let at = 0
    while (at < bytes.length || this.#isFrameComplete()) {
      if (this.#frame === null) {
        this.#frame = readFrameHeader(bytes, at)
        if (this.#frame === null) break
        at += this.#frame.headerBytes
        this.#position = 0
        if (this.#frame.opcode !== CONTINUATION && this.#frame.opcode < FIRST_CONTROL_OPCODE) {
          this.#isCompressed = this.#frame.isCompressed
        }
      }
      const taken = Math.min(bytes.length - at, this.#frame.payloadBytes - this.#position)
      this.#take(this.#frame, bytes.subarray(at, at + taken), sink)
      at += taken
      if (this.#isFrameComplete()) this.#endFrame(this.#frame, sink)
    }
    this.#keep(bytes.subarray(at))
  }

  // a frame without payload is complete although no byte is left
  #isFrameComplete(): boolean {
    return this.#frame !== null && this.#position === this.#frame.payloadBytes
  }

  #take(frame: FrameHeader, bytes: Buffer, sink: PayloadSink): void {
    const payload = frame.mask === null ? bytes : unmasked(bytes, frame.mask, this.#position)
    this.#position += bytes.length
    if (frame.opcode >= FIRST_CONTROL_OPCODE || bytes.length === 0) return
    if (!this.#isCompressed) sink.payload(payload)
    else if (this.#compressedBytes <= this.#maximumBytes) {
      this.#compressed.push(Buffer.from(payload))
      this.#compressedBytes += payload.length + OVERHEAD_BYTES
    }
  }

  #endFrame({ opcode, isFinal }: FrameHeader, sink: PayloadSink): void {
    this.#frame = null
    if (opcode >= FIRST_CONTROL_OPCODE || !isFinal || !this.#isCompressed) return
    this.#inflater ??= new MessageInflater(this.#maximumBytes)
    const message =
      this.#compressedBytes > this.#maximumBytes ? null : this.#inflater.inflate(Buffer.concat(this.#compressed))
    this.#compressed = []
    this.#compressedBytes = 0
    if (message === null) sink.lostMessage()
    else sink.payload(message)
  }

  // a view would keep the chunk
  #keep(rest: Buffer): void {
    this.#kept = rest.length === 0 ? EMPTY : Buffer.from(rest)
  }
}

interface FrameHeader {
  readonly headerBytes: number
  readonly payloadBytes: number
  readonly opcode: number
  readonly isFinal: boolean
  readonly isCompressed: boolean
  readonly mask: Buffer | null
}

// null: it is not complete
function readFrameHeader(bytes: Buffer, at: number): FrameHeader | null {
  if (at + 2 > bytes.length) return null
  const first = bytes[at]!
  const isMasked = bytes[at + 1]! >= 0x80
  const stated = bytes[at + 1]! & 0x7f
  const lengthBytes = stated === 126 ? 2 : stated === 127 ? 8 : 0
  const headerBytes = 2 + lengthBytes + (isMasked ? 4 : 0)
  if (at + headerBytes > bytes.length) return null
  const payloadBytes =
    stated === 126 ? bytes.readUInt16BE(at + 2) : stated === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : stated
  return {
    headerBytes,
    payloadBytes,
    opcode: first & 0xf,
    isFinal: (first & 0x80) !== 0,
    isCompressed: (first & 0x40) !== 0,
    mask: isMasked ? Buffer.from(bytes.subarray(at + headerBytes - 4, at + headerBytes)) : null,
  }
}

/** @param position of the first byte in the payload of its frame */
function unmasked(bytes: Buffer, mask: Buffer, position: number): Buffer {
  const result = Buffer.allocUnsafe(bytes.length)
  for (let i = 0; i < bytes.length; i++) result[i] = bytes[i]! ^ mask[(position + i) & 3]!
  return result
}

/** Do the bytes begin with a data frame whose header is whole? */
export function beginsWithFrame(bytes: Buffer): boolean {
  const header = readFrameHeader(bytes.subarray(0, MAXIMUM_FRAME_HEADER_BYTES), 0)
  return header !== null && [1, 2].includes(header.opcode) && header.payloadBytes > 1 && (bytes[0]! & 0x30) === 0
}

/** What the data frames of whole bytes carry. @param hasHead false: the bytes begin with a frame */
export function unframe(bytes: Buffer, hasHead: boolean): Buffer {
  const payloads: Buffer[] = []
  new WebSocketUnframer(hasHead).push(bytes, { payload: (part) => payloads.push(part), lostMessage: () => {} })
  return Buffer.concat(payloads)
}
