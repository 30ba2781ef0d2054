/** Random numbers that a seed repeats: xorshift with 32 bits of state. */
export class SeededRandom {
  #state: number

  /** @param seeds whole numbers; neighbouring ones give unrelated sequences */
  constructor(...seeds: readonly number[]) {
    let state = 0
    for (const seed of seeds) state = Math.imul(state ^ seed ^ 0x5bd1_e995, 0x9e37_79b1) + 0x7f4a_7c15
    // the state must not be 0, and the bits of small seeds need some turns to spread
    this.#state = state | 1
    for (let i = 0; i < 8; i++) this.next()
  }

  /** From 0 to below 1. */
  next(): number {
    let state = this.#state
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    this.#state = state
    return (state >>> 0) / 0x1_0000_0000
  }
}
