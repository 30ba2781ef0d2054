import type { Clock } from './clock.ts'

const START_MS = 1_000_000

/** A clock that stands still until it is told otherwise: for tests in which hours pass. */
export class VirtualClock implements Clock {
  #nowMs = START_MS
  readonly #wallOffsetMs: number
  #wakeAtMs = Number.POSITIVE_INFINITY
  #wake: (() => void) | null = null

  /** @param wallMs what the wall clock shows in the beginning, milliseconds since 1970 */
  constructor(wallMs: number = Date.now()) {
    this.#wallOffsetMs = wallMs - START_MS
  }

  nowMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs
  }

  wakeAt(atMs: number, wake: () => void): void {
    this.#wakeAtMs = atMs
    this.#wake = wake
  }

  stop(): void {
    this.#wakeAtMs = Number.POSITIVE_INFINITY
    this.#wake = null
  }

  /** Lets time pass; stops at every wake-up on the way, as real time would. */
  advance(ms: number): void {
    const until = this.#nowMs + ms
    while (this.#wake !== null && this.#wakeAtMs <= until) {
      const wake = this.#wake
      this.#nowMs = Math.max(this.#nowMs, this.#wakeAtMs)
      this.stop()
      wake()
    }
    this.#nowMs = until
  }

  /**
   * As {@link advance}, and what the wake-ups set going is done before time goes on.
   * @throws RangeError of {@link durationMs}
   */
  async pass(duration: number | string): Promise<void> {
    const until = this.#nowMs + durationMs(duration)
    await turnOfEvents()
    while (this.#wakeAtMs <= until) {
      this.advance(Math.max(0, this.#wakeAtMs - this.#nowMs))
      await turnOfEvents()
    }
    this.advance(until - this.#nowMs)
    await turnOfEvents()
  }

  /** The machine sleeps: nobody is woken meanwhile. */
  protected sleepFor(ms: number): void {
    this.#nowMs += ms
  }
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/**
 * `25h`, `1.5s`, `500ms`, `2m`, `3d`; a number is milliseconds.
 * @throws RangeError for anything else
 */
export function durationMs(duration: number | string): number {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(String(duration)) ?? []
  const ms = typeof duration === 'number' ? duration : Number(amount) * (UNITS_MS[unit] ?? Number.NaN)
  if (Number.isFinite(ms) && ms >= 0) return ms
  throw new RangeError(
    `${JSON.stringify(duration)} is no duration like "25h", "90s", "500ms" or a number of milliseconds`,
  )
}

// What has arrived is read, what is due is written.
async function turnOfEvents(): Promise<void> {
  for (let i = 0; i < 2; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}
