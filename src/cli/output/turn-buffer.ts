import type { ByteTarget } from './message-format.ts'
import type { StandardOutput } from './standard-output.ts'

const START_BYTES = 64 * 1024

/**
 * Collects what is printed within one turn of the event loop and hands it over in one write: one system call instead of
 * one per message. It grows with what one turn brings, and no further, because whoever is told to wait stops reading.
 */
export class TurnBuffer implements ByteTarget {
  readonly #output: StandardOutput
  readonly #full: () => void
  #buffer: Buffer = Buffer.allocUnsafeSlow(START_BYTES)
  #length = 0
  #scheduled = false

  /** @param full called when the reader is slow: take in no more until the output has `drained` */
  constructor(output: StandardOutput, full: () => void) {
    this.#output = output
    this.#full = full
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  text(text: string): void {
    const bytes = Buffer.byteLength(text)
    this.#reserve(bytes)
    this.#buffer.write(text, this.#length)
    this.#length += bytes
  }

  /** Writes what is there, now. */
  flush(): void {
    if (this.#length === 0) return
    const buffer = this.#buffer
    const length = this.#length
    this.#length = 0
    const more = this.#output.write(buffer.subarray(0, length))
    // the memory belongs to the output until the system has taken it; a large one is not kept for the small ones to come
    if (!this.#output.isIdle || buffer.length > START_BYTES) this.#buffer = Buffer.allocUnsafeSlow(START_BYTES)
    if (!more) this.#full()
  }

  #reserve(bytes: number): void {
    if (!this.#scheduled) {
      this.#scheduled = true
      setImmediate(() => {
        this.#scheduled = false
        this.flush()
      })
    }
    if (this.#length + bytes <= this.#buffer.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + bytes))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}
