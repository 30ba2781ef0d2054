import { constants, inflateRawSync } from 'node:zlib'

const WINDOW_BYTES = 32 * 1024
/** What the sender took off the end of each message (RFC 7692 section 7.2.1). */
const TAIL = Buffer.from([0, 0, 0xff, 0xff])
const EMPTY = Buffer.alloc(0)

/** Inflates the messages of one side of a WebSocket connection with permessage-deflate (RFC 7692). */
export class MessageInflater {
  readonly #maximumBytes: number
  // what later messages may refer to; a sender without context takeover does not, which needs no other treatment
  #window: Buffer = EMPTY

  /** @param maximumBytes of one message */
  constructor(maximumBytes: number) {
    this.#maximumBytes = maximumBytes
  }

  /** @returns null when it is damaged, refers to what the capture does not have, or is too large */
  inflate(message: Buffer): Buffer | null {
    let bytes: Buffer
    try {
      bytes = inflateRawSync(Buffer.concat([message, TAIL]), {
        dictionary: this.#window,
        finishFlush: constants.Z_SYNC_FLUSH,
        maxOutputLength: this.#maximumBytes,
      })
    } catch {
      // what zlib has to say is about bytes nobody sees: the caller reports that they cannot be read
      return null
    }
    const last = Buffer.concat([this.#window, bytes.subarray(-WINDOW_BYTES)])
    this.#window = Buffer.from(last.subarray(-WINDOW_BYTES))
    return bytes
  }
}
