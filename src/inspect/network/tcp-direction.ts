import type { Segment } from './segment.ts'

/** Takes what one side sent, in order and without repeats. */
export interface ByteSink {
  /** @param segment that made the bytes readable */
  bytes(bytes: Buffer, segment: Segment): void
  /** bytes are missing in the capture from here on */
  gap(bytes: number): void
}

/** Segments that wait for an earlier one; with more of them the earlier one is taken for lost. */
const MAXIMUM_WAITING_SEGMENTS = 256

/** One direction of a TCP connection: retransmissions and overlaps are dropped, what came early waits. */
export class TcpDirection {
  readonly #sink: ByteSink
  #next: number | null = null
  #waiting: Segment[] = []

  constructor(sink: ByteSink) {
    this.#sink = sink
  }

  add(segment: Segment): void {
    if (segment.syn) this.#next = (segment.sequence + 1) >>> 0
    if (segment.payload.length === 0) return
    this.#next ??= segment.sequence
    if (!this.#take(segment, segment)) {
      // the chunk of the file would be kept alive by a view
      this.#waiting.push({ ...segment, payload: Buffer.from(segment.payload) })
      if (this.#waiting.length > MAXIMUM_WAITING_SEGMENTS) this.#jump()
      return
    }
    this.#takeWaiting(segment)
  }

  /** Gives out what still waits behind missing bytes. */
  end(): void {
    while (this.#waiting.length > 0) this.#jump()
  }

  // false: bytes before it are missing
  #take(segment: Segment, completedBy: Segment): boolean {
    const repeated = (this.#next! - segment.sequence) | 0
    if (repeated < 0) return false
    const bytes = segment.payload.subarray(repeated)
    if (bytes.length === 0) return true
    this.#next = (this.#next! + bytes.length) >>> 0
    this.#sink.bytes(bytes, completedBy)
    return true
  }

  #takeWaiting(completedBy: Segment): void {
    for (let taken = true; taken && this.#waiting.length > 0; ) {
      const before = this.#waiting.length
      this.#waiting = this.#waiting.filter((segment) => !this.#take(segment, completedBy))
      taken = this.#waiting.length < before
    }
  }

  #jump(): void {
    const distance = ({ sequence }: Segment): number => (sequence - this.#next!) | 0
    const [first] = this.#waiting.toSorted((a, b) => distance(a) - distance(b))
    this.#sink.gap(distance(first!))
    this.#next = first!.sequence
    this.#takeWaiting(first!)
  }
}
