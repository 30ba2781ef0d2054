import type { Clock } from '../broker/clock.ts'
import { PIECE_BYTES } from './limits.ts'

interface Piece {
  readonly bytes: Buffer
  readonly dueMs: number
}

/** Bytes that wait until they are due; they stay in order, so what comes later is never due earlier. */
export class DelayLine {
  readonly #clock: Clock
  readonly #release: (bytes: Buffer) => void
  readonly #moved: () => void
  #pieces: Piece[] = []
  #first = 0
  #waitingBytes = 0
  #lastDueMs = Number.NEGATIVE_INFINITY

  /**
   * @param clock its own: it wakes nobody else
   * @param release gets bytes that are due
   * @param moved called after some of what waited was released
   */
  constructor(clock: Clock, release: (bytes: Buffer) => void, moved: () => void) {
    this.#clock = clock
    this.#release = release
    this.#moved = moved
  }

  /** What waits, and what keeping it costs. */
  get waitingBytes(): number {
    return this.#waitingBytes
  }

  get isEmpty(): boolean {
    return this.#first === this.#pieces.length
  }

  /**
   * Releases the bytes when they are due, at once if they are.
   * @param chunkBytes size of the memory that the bytes lie in
   * @returns when they are due: later than asked for when they must not overtake others
   */
  push(bytes: Buffer, dueMs: number, chunkBytes: number): number {
    if (this.isEmpty && dueMs <= this.#clock.nowMs()) {
      this.#release(bytes)
      return dueMs
    }
    this.#lastDueMs = Math.max(this.#lastDueMs, dueMs)
    // a small part must not keep the memory of the whole chunk
    const own = bytes.length * 2 < chunkBytes ? Buffer.from(bytes) : bytes
    this.#pieces.push({ bytes: own, dueMs: this.#lastDueMs })
    this.#waitingBytes += bytes.length + PIECE_BYTES
    if (this.#pieces.length - this.#first === 1) this.#clock.wakeAt(this.#lastDueMs, () => this.#wake())
    return this.#lastDueMs
  }

  /** Forgets what waits. */
  clear(): void {
    this.#clock.stop()
    this.#pieces = []
    this.#first = 0
    this.#waitingBytes = 0
  }

  #wake(): void {
    const nowMs = this.#clock.nowMs()
    while (!this.isEmpty && this.#pieces[this.#first]!.dueMs <= nowMs) {
      const { bytes } = this.#pieces[this.#first++]!
      this.#waitingBytes -= bytes.length + PIECE_BYTES
      this.#release(bytes)
    }
    if (this.#first * 2 > this.#pieces.length) {
      this.#pieces = this.#pieces.slice(this.#first)
      this.#first = 0
    }
    if (!this.isEmpty) this.#clock.wakeAt(this.#pieces[this.#first]!.dueMs, () => this.#wake())
    this.#moved()
  }
}
