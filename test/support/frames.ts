import type { CapturedFrame } from '../../src/inspect/network/capture-file.ts'

/** What differs from a plain segment of the client. */
export interface FrameOptions {
  /** of the client; default 4000 */
  readonly port?: number
  /** TCP flags; default ACK */
  readonly flags?: number
  /** true: from the server, 10.0.0.2:5000, to the client */
  readonly isAnswer?: boolean
  readonly timeSeconds?: number
}

/** A TCP header with its payload. */
export function tcp(
  sequence: number,
  payload: Buffer,
  { port = 4000, flags = 0x10, isAnswer = false }: FrameOptions = {},
) {
  const bytes = Buffer.alloc(20 + payload.length)
  bytes.writeUInt16BE(isAnswer ? 5000 : port, 0)
  bytes.writeUInt16BE(isAnswer ? port : 5000, 2)
  bytes.writeUInt32BE(sequence >>> 0, 4)
  bytes.writeUInt8(0x50, 12)
  bytes.writeUInt8(flags, 13)
  payload.copy(bytes, 20)
  return bytes
}

/** A segment between 10.0.0.1:4000 and 10.0.0.2:5000 in a raw IPv4 frame. */
export function rawFrame(number: number, sequence: number, payload: Buffer, options: FrameOptions = {}): CapturedFrame {
  const body = tcp(sequence, payload, options)
  const header = Buffer.alloc(20)
  header.writeUInt8(0x45, 0)
  header.writeUInt16BE(20 + body.length, 2)
  header.writeUInt8(6, 9)
  header.writeUInt32BE(options.isAnswer ? 0x0a00_0002 : 0x0a00_0001, 12)
  header.writeUInt32BE(options.isAnswer ? 0x0a00_0001 : 0x0a00_0002, 16)
  return { number, timeSeconds: options.timeSeconds ?? number, linkType: 101, bytes: Buffer.concat([header, body]) }
}
