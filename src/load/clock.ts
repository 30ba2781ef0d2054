const US_PER_MS = 1000

/** From this process's own zero to that of the machine's monotonic clock, microseconds. */
const ORIGIN_US = Number(process.hrtime.bigint() / 1000n) - performance.now() * US_PER_MS

/** Microseconds on the monotonic clock of the machine: all its processes agree on it. */
export function machineUs(): number {
  return performance.now() * US_PER_MS + ORIGIN_US
}

/**
 * The time for hot code: read once for everything that one chunk of input brings. Whoever begins something new says so by
 * {@link refresh}.
 */
export class TurnClock {
  #us = 0
  #isStale = true

  /** Hot. Microseconds on the machine's clock, as of the first look since {@link refresh}. */
  get us(): number {
    if (this.#isStale) {
      this.#us = machineUs()
      this.#isStale = false
    }
    return this.#us
  }

  refresh(): void {
    this.#isStale = true
  }
}
