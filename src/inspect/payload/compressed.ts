import { gunzipSync, inflateSync } from 'node:zlib'
import { defaultLimits } from '../limits.ts'
import { PayloadError } from './payload-value.ts'

export type Compression = 'gzip' | 'zlib'

/** Node tells how much it has read when asked to. */
type WithInfo = { buffer: Buffer; engine: { bytesWritten: number } }

/** Which compression bytes begin like; null: none. */
export function compressionOf(bytes: Buffer): Compression | null {
  if (bytes.length < 6) return null
  if (bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8) return 'gzip'
  // RFC 1950: deflate, a window of at most 32 KiB, no dictionary, and a check of both bytes
  const isZlib = (bytes[0]! & 0x0f) === 8 && bytes[0]! >> 4 <= 7 && (bytes[1]! & 0x20) === 0
  return isZlib && bytes.readUInt16BE(0) % 31 === 0 ? 'zlib' : null
}

/**
 * Takes a compression off; all bytes belong to it.
 * @throws PayloadError saying why that fails
 */
export function inflate(bytes: Buffer, compression: Compression, maximumBytes = defaultLimits.inflatedBytes): Buffer {
  const options = { maxOutputLength: maximumBytes, info: true }
  let read: WithInfo
  try {
    // with info the result is another one than the types say
    read = (compression === 'gzip' ? gunzipSync(bytes, options) : inflateSync(bytes, options)) as unknown as WithInfo
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new PayloadError(code === 'ERR_BUFFER_TOO_LARGE' ? `more than ${maximumBytes} bytes when inflated` : message)
  }
  const { buffer, engine } = read
  if (engine.bytesWritten < bytes.length) {
    throw new PayloadError(`the compressed data ends after ${engine.bytesWritten} of ${bytes.length} bytes`)
  }
  return buffer
}
