/** What became of a message that arrived. */
export const Arrival = { NEW: 0, OUT_OF_ORDER: 1, DUPLICATE: 2 } as const
export type Arrival = (typeof Arrival)[keyof typeof Arrival]

/** Missing numbers remembered per stream; with more missing, the oldest can no longer be told from duplicates. */
export const MAXIMUM_MISSING = 65_536

/**
 * The messages of one publisher as they reach one receiver, or all members of one shared subscription: numbers from 0 up.
 * Costs one comparison per message as long as nothing is wrong.
 */
export class SequenceCheck {
  #next = 0
  #missing: Set<number> | null = null

  /** Hot. */
  arrive(sequence: number): Arrival {
    if (sequence === this.#next) {
      this.#next++
      return Arrival.NEW
    }
    if (sequence > this.#next) {
      this.#skipTo(sequence)
      return Arrival.NEW
    }
    return this.#missing?.delete(sequence) ? Arrival.OUT_OF_ORDER : Arrival.DUPLICATE
  }

  #skipTo(sequence: number): void {
    const first = Math.max(this.#next, sequence - MAXIMUM_MISSING)
    this.#missing ??= new Set()
    for (let missed = first; missed < sequence; missed++) this.#missing.add(missed)
    this.#next = sequence + 1
    for (const oldest of this.#missing) {
      if (this.#missing.size <= MAXIMUM_MISSING) break
      this.#missing.delete(oldest)
    }
  }
}

/** What reached the receivers, counted. */
export class DeliveryCount {
  /** distinct messages */
  received = 0
  duplicated = 0
  outOfOrder = 0
  corrupted = 0
  bytes = 0
  /** when the last one came, microseconds on the machine's clock; 0 before */
  lastUs = 0
}
