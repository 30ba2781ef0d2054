const US_PER_MS = 1000

const READINGS = 16
/** From this process's own zero to that of the machine's monotonic clock, microseconds. */
const ORIGIN_US = Math.max(...Array.from({ length: READINGS }, readOrigin))

/** From this process's own zero to that of the clock of the run. */
let originUs = ORIGIN_US

// Time that passes between its two looks makes it too small, and a busy machine may let milliseconds pass.
function readOrigin(): number {
  const machineNs = process.hrtime.bigint()
  return Number(machineNs / 1000n) - performance.now() * US_PER_MS
}

/** Microseconds on the monotonic clock of this machine: all its processes agree on it. */
export function ownUs(): number {
  return performance.now() * US_PER_MS + ORIGIN_US
}

/** Microseconds on the clock of the run: that of this machine, or with {@link followClock} that of another one. */
export function machineUs(): number {
  return performance.now() * US_PER_MS + originUs
}

/** From now on the clock of the run is one that this machine's is `aheadUs` before; between runs only. */
export function followClock(aheadUs: number): void {
  originUs = ORIGIN_US - aheadUs
}

/**
 * The time for hot code: read once for everything that one chunk of input brings. Whoever begins something new says so by
 * {@link refresh}.
 */
export class TurnClock {
  #us = 0
  #isStale = true

  /** Hot. Microseconds on the clock of the run, as of the first look since {@link refresh}. */
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
