import { type Chunk, joinChunks } from './tcp-streams.ts'

/**
 * One direction of a WebSocket connection as the bytes it carries: the HTTP head of the upgrade is skipped, masks are
 * taken off, data frames and their continuations are laid end to end, control frames are left out.
 */

const END_OF_HEAD = '\r\n\r\n'
const FIRST_CONTROL_OPCODE = 8

/** Does the client's side of a connection begin with an HTTP request? */
export function isHttpUpgrade(clientToServer: readonly Chunk[]): boolean {
  return joinChunks(clientToServer).bytes.toString('latin1', 0, 4) === 'GET '
}

/** One chunk per data frame, with the number of the captured frame that completed it. Throws on a frame that is cut. */
export function websocketPayload(chunks: readonly Chunk[]): Chunk[] {
  const { bytes, frameAt } = joinChunks(chunks)
  const head = bytes.indexOf(END_OF_HEAD)
  if (head < 0) throw new Error('the HTTP head of the upgrade is not complete')
  const payload: Chunk[] = []
  let offset = head + END_OF_HEAD.length
  while (offset < bytes.length) {
    const frame = readFrame(bytes, offset)
    if (frame.opcode < FIRST_CONTROL_OPCODE && frame.payload.length > 0) {
      payload.push({ frame: frameAt(frame.end - 1), bytes: frame.payload })
    }
    offset = frame.end
  }
  return payload
}

function readFrame(bytes: Buffer, start: number): { opcode: number; payload: Buffer; end: number } {
  const opcode = bytes.readUInt8(start) & 0x0f
  const masked = (bytes.readUInt8(start + 1) & 0x80) !== 0
  let payloadBytes = bytes.readUInt8(start + 1) & 0x7f
  let offset = start + 2
  if (payloadBytes === 126) {
    payloadBytes = bytes.readUInt16BE(offset)
    offset += 2
  } else if (payloadBytes === 127) {
    payloadBytes = Number(bytes.readBigUInt64BE(offset))
    offset += 8
  }
  const mask = masked ? bytes.subarray(offset, offset + 4) : Buffer.alloc(4)
  if (masked) offset += 4
  const end = offset + payloadBytes
  if (end > bytes.length) throw new Error(`the WebSocket frame at byte ${start} is cut`)
  const payload = Buffer.from(bytes.subarray(offset, end).map((byte, index) => byte ^ mask[index & 3]!))
  return { opcode, payload, end }
}
