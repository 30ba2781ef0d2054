import { defaultLimits, OVERHEAD_BYTES } from '../limits.ts'
import { ownCopy } from '../own-copy.ts'
import type { Segment } from './segment.ts'

/** Takes what one side sent, in order and without repeats. */
export interface ByteSink {
  /** @param segment that made the bytes readable */
  bytes(bytes: Buffer, segment: Segment): void
  /** bytes are missing in the capture from here on */
  gap(bytes: number): void
}

/** One direction of a TCP connection: retransmissions and overlaps are dropped, what came early waits. */
export class TcpDirection {
  readonly #sink: ByteSink
  readonly #maximumWaiting: number
  #next = 0
  #isStarted = false
  #waiting: Segment[] = []
  #waitingBytes = 0

  /** @param maximumWaiting with more segments that wait for an earlier one, it is taken for lost */
  constructor(sink: ByteSink, maximumWaiting = defaultLimits.waitingSegments) {
    this.#sink = sink
    this.#maximumWaiting = maximumWaiting
  }

  /** Bytes that wait for earlier ones. */
  get heldBytes(): number {
    return this.#waitingBytes
  }

  add(segment: Segment): void {
    if (segment.syn) this.#start(segment.sequence + 1)
    if (segment.payload.length === 0 && segment.missingBytes === 0) return
    if (!this.#isStarted) this.#start(segment.sequence)
    if (this.#take(segment, segment)) {
      if (this.#waiting.length > 0) this.#takeWaiting(segment)
      return
    }
    const payload = ownCopy(segment.payload)
    this.#waiting.push({ ...segment, payload })
    this.#waitingBytes += payload.length + OVERHEAD_BYTES
    if (this.#waiting.length > this.#maximumWaiting) this.#jump()
  }

  /** Gives out what still waits behind missing bytes. */
  end(): void {
    while (this.#waiting.length > 0) this.#jump()
  }

  #start(sequence: number): void {
    this.#next = sequence | 0
    this.#isStarted = true
  }

  // false: bytes before it are missing
  #take(segment: Segment, completedBy: Segment): boolean {
    const repeated = (this.#next - segment.sequence) | 0
    if (repeated < 0) return false
    const { payload, missingBytes } = segment
    if (repeated < payload.length) {
      this.#next = (this.#next + payload.length - repeated) | 0
      this.#sink.bytes(repeated === 0 ? payload : payload.subarray(repeated), completedBy)
    }
    if (missingBytes > 0 && repeated < payload.length + missingBytes) {
      this.#next = (segment.sequence + payload.length + missingBytes) | 0
      this.#sink.gap(missingBytes)
    }
    return true
  }

  #takeWaiting(completedBy: Segment): void {
    for (let taken = true; taken && this.#waiting.length > 0; ) {
      const before = this.#waiting.length
      this.#waiting = this.#waiting.filter((segment) => !this.#take(segment, completedBy))
      taken = this.#waiting.length < before
    }
    this.#waitingBytes = this.#waiting.reduce((sum, { payload }) => sum + payload.length + OVERHEAD_BYTES, 0)
  }

  #jump(): void {
    let first = this.#waiting[0]!
    for (const segment of this.#waiting) if (((segment.sequence - first.sequence) | 0) < 0) first = segment
    this.#sink.gap((first.sequence - this.#next) | 0)
    this.#next = first.sequence | 0
    this.#takeWaiting(first)
  }
}
