import type { Publish } from '../../codec/packets/publish.ts'

/** Turns messages into bytes for stdout. */
export interface MessageFormat {
  /** Adds one message to what will be written. @param publish good for this turn only */
  append(publish: Publish, target: ByteTarget): void
}

/** Takes bytes and text in order. */
export interface ByteTarget {
  /** copies the bytes */
  bytes(bytes: Uint8Array): void
  /** as UTF-8 */
  text(text: string): void
}
