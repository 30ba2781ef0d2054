const US_PER_SECOND = 1_000_000

/** Open loop: when each message of an even rate should leave, whatever became of those before. Pure arithmetic. */
export class Pacer {
  readonly #startUs: number
  readonly #perSecond: number
  /** messages taken */
  taken = 0

  /** @param perSecond messages, all publishers together */
  constructor(startUs: number, perSecond: number) {
    this.#startUs = startUs
    this.#perSecond = perSecond
  }

  /** The intended moment of the next message, microseconds. Computed from the number, so that rounding does not add up. */
  get nextUs(): number {
    return this.#startUs + (this.taken * US_PER_SECOND) / this.#perSecond
  }

  /** Is a message due? */
  isDue(nowUs: number): boolean {
    return this.nextUs <= nowUs
  }

  /** Takes the next message. @returns its intended moment, whole microseconds */
  take(): number {
    const intendedUs = this.nextUs
    this.taken++
    return Math.floor(intendedUs)
  }
}
