/** The one place where the broker asks for the time and for a wake-up; tests and simulations hand in another. */
export interface Clock {
  /** milliseconds that never jump; from no particular moment */
  nowMs(): number
  /** milliseconds since 1970, for people */
  wallMs(): number
  /** Calls back once, not earlier than `atMs` and after input that has arrived was read. Replaces the last call. */
  wakeAt(atMs: number, wake: () => void): void
  stop(): void
}

/** setTimeout fires at once above this. */
const LONGEST_TIMER_MS = 2_147_483_647

/** The clock of the machine. */
export class SystemClock implements Clock {
  #timer: NodeJS.Timeout | null = null
  #immediate: NodeJS.Immediate | null = null

  nowMs(): number {
    return performance.now()
  }

  wallMs(): number {
    return Date.now()
  }

  wakeAt(atMs: number, wake: () => void): void {
    this.stop()
    const delayMs = Math.min(Math.max(0, Math.ceil(atMs - performance.now())), LONGEST_TIMER_MS)
    // Timers run before sockets are read. After a sleep of the machine packets wait in the sockets: read first, then
    // judge keep alive (semantics K-08). setImmediate comes after the reading.
    this.#timer = setTimeout(() => {
      this.#immediate = setImmediate(wake)
    }, delayMs)
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (this.#immediate !== null) clearImmediate(this.#immediate)
    this.#timer = null
    this.#immediate = null
  }
}
