/** setTimeout fires at once above this. */
const LONGEST_TIMER_MS = 2_147_483_647

/** One wake-up at a time, on the clock of `performance.now()`, for an owner that looks at its deadlines when it rings. */
export class Alarm {
  readonly #ring: () => void
  #timer: NodeJS.Timeout | null = null
  #immediate: NodeJS.Immediate | null = null
  #atMs = Number.POSITIVE_INFINITY

  /** @param ring called after input that has arrived was read, and maybe too early; nothing is set then */
  constructor(ring: () => void) {
    this.#ring = ring
  }

  /** Rings at this moment or earlier: a later moment than the one that is set costs nothing, the ring then comes too early. */
  set(atMs: number): void {
    if (atMs >= this.#atMs) return
    this.clear()
    this.#atMs = atMs
    const delayMs = Math.min(Math.max(0, Math.ceil(atMs - performance.now())), LONGEST_TIMER_MS)
    this.#timer = setTimeout(() => this.#timeOut(), delayMs)
  }

  clear(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#immediate !== null) clearImmediate(this.#immediate)
    this.#timer = null
    this.#immediate = null
    this.#atMs = Number.POSITIVE_INFINITY
  }

  // Timers run before sockets are read. After a sleep of the machine PINGRESP waits in the socket: read first, then judge.
  #timeOut(): void {
    this.#timer = null
    this.#immediate = setImmediate(() => {
      this.clear()
      this.#ring()
    })
  }
}
