const END_OF_HEAD = '\r\n\r\n'
/** An HTTP head that goes on is no head. */
const MAXIMUM_HEAD_BYTES = 64 * 1024
const FIRST_CONTROL_OPCODE = 8
const EMPTY = Buffer.alloc(0)

/** Takes HTTP head, frames and masks off one side of a WebSocket connection (RFC 6455 section 5). */
export class WebSocketUnframer {
  #kept: Buffer = EMPTY
  #isPastHead: boolean

  /** @param hasHead false: the bytes begin with a frame */
  constructor(hasHead = true) {
    this.#isPastHead = !hasHead
  }

  /** @returns what the data frames carry, as far as it has come; several frames end to end */
  push(chunk: Buffer): Buffer {
    let bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk])
    if (!this.#isPastHead) {
      const head = bytes.indexOf(END_OF_HEAD)
      if (head < 0) {
        this.#kept = bytes.length > MAXIMUM_HEAD_BYTES ? EMPTY : bytes
        return EMPTY
      }
      this.#isPastHead = true
      bytes = bytes.subarray(head + END_OF_HEAD.length)
    }
    const payloads: Buffer[] = []
    let at = 0
    for (let frame = readFrame(bytes, at); frame !== null; frame = readFrame(bytes, at)) {
      if (frame.opcode < FIRST_CONTROL_OPCODE) payloads.push(frame.payload)
      at = frame.end
    }
    this.#kept = bytes.subarray(at)
    return payloads.length === 1 ? payloads[0]! : Buffer.concat(payloads)
  }
}

interface WebSocketFrame {
  readonly opcode: number
  readonly payload: Buffer
  readonly end: number
}

// null: it is not complete
function readFrame(bytes: Buffer, start: number): WebSocketFrame | null {
  if (start + 2 > bytes.length) return null
  const lengthBytes = [126, 127].indexOf(bytes[start + 1]! & 0x7f)
  const isMasked = bytes[start + 1]! >= 0x80
  let at = start + 2
  if (at + 14 > bytes.length && at + (lengthBytes < 0 ? 0 : lengthBytes === 0 ? 2 : 8) > bytes.length) return null
  let length = bytes[start + 1]! & 0x7f
  if (lengthBytes === 0) length = bytes.readUInt16BE(at)
  if (lengthBytes === 1) length = Number(bytes.readBigUInt64BE(at))
  at += lengthBytes < 0 ? 0 : lengthBytes === 0 ? 2 : 8
  const maskAt = at
  if (isMasked) at += 4
  const end = at + length
  if (end > bytes.length) return null
  const opcode = bytes[start]! & 0xf
  if (!isMasked) return { opcode, payload: bytes.subarray(at, end), end }
  const payload = Buffer.allocUnsafe(length)
  for (let i = 0; i < length; i++) payload[i] = bytes[at + i]! ^ bytes[maskAt + (i & 3)]!
  return { opcode, payload, end }
}
