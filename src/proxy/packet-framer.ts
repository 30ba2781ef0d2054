/** Gets the packets of one side in parts, as they come. */
export interface FrameSink {
  /** A packet begins. */
  packetBegins(packetType: number): void
  /**
   * Bytes of the packet that began last, at least one.
   * @param isLast the packet ends with them
   */
  packetBytes(bytes: Buffer, isLast: boolean): void
}

const LARGEST_LENGTH_BYTES = 4
const State = { BETWEEN: 0, LENGTH: 1, BODY: 2, ENDLESS: 3 } as const

/**
 * Finds where packets begin and end, by their fixed headers alone: nothing is held back, nothing judged. A Remaining Length that
 * does not end makes a packet that does not end either.
 */
export class PacketFramer {
  #state: (typeof State)[keyof typeof State] = State.BETWEEN
  #lengthBytes = 0
  /** in the header what was read of the length, in the body what is still to come */
  #remaining = 0

  push(chunk: Buffer, sink: FrameSink): void {
    let start = 0
    for (let at = 0; at < chunk.length; ) {
      at = this.#step(chunk, at, sink)
      const isLast = this.#state === State.BETWEEN
      if (!isLast && at < chunk.length) continue
      sink.packetBytes(chunk.subarray(start, at), isLast)
      start = at
    }
  }

  // Takes a byte of a header, or as much of a body as there is. @returns where to go on
  #step(chunk: Buffer, at: number, sink: FrameSink): number {
    switch (this.#state) {
      case State.BETWEEN:
        sink.packetBegins(chunk[at]! >> 4)
        this.#state = State.LENGTH
        this.#lengthBytes = 0
        this.#remaining = 0
        return at + 1
      case State.LENGTH:
        this.#lengthDigit(chunk[at]!)
        return at + 1
      case State.BODY: {
        const taken = Math.min(this.#remaining, chunk.length - at)
        this.#remaining -= taken
        if (this.#remaining === 0) this.#state = State.BETWEEN
        return at + taken
      }
      case State.ENDLESS:
        return chunk.length
    }
  }

  #lengthDigit(digit: number): void {
    this.#remaining |= (digit & 0x7f) << (7 * this.#lengthBytes)
    this.#lengthBytes++
    if (digit < 0x80) this.#state = this.#remaining === 0 ? State.BETWEEN : State.BODY
    else if (this.#lengthBytes === LARGEST_LENGTH_BYTES) this.#state = State.ENDLESS
  }
}
