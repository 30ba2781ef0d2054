const US_PER_MS = 1000
const TRIES = 5
const ROUNDS_PER_TRY = 100_000

/**
 * Keeps the processor busy for some microseconds without a look at the clock: each look leaves a number behind for the
 * garbage collector, and some hundred thousand of them per second hold up what comes.
 */
export class Spinner {
  #state = 1
  readonly #roundsPerUs: number

  constructor() {
    let fastest = 0
    // the first ones are not translated yet, and another program may come between
    for (let i = 0; i < TRIES; i++) {
      const startMs = performance.now()
      this.#turn(ROUNDS_PER_TRY)
      const us = (performance.now() - startMs) * US_PER_MS
      fastest = Math.max(fastest, ROUNDS_PER_TRY / Math.max(us, 1))
    }
    this.#roundsPerUs = fastest
  }

  /** Hot. Returns after about so many microseconds. */
  pass(us: number): void {
    this.#turn(Math.floor(us * this.#roundsPerUs))
  }

  // numbers that depend on each other, so that none can be left out
  #turn(rounds: number): void {
    let state = this.#state
    for (let i = 0; i < rounds; i++) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    this.#state = state
  }
}
