import type { Clock } from '../../src/broker/clock.ts'

const START_MS = 1_000_000

/** A clock that stands still until a test moves it; wake-ups are called in order of their time. */
export class FakeClock implements Clock {
  #nowMs = START_MS
  #wallOffsetMs = Date.UTC(2030, 0, 1)
  #wakeAtMs = Number.POSITIVE_INFINITY
  #wake: (() => void) | null = null

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

  /** Lets time pass while nobody is awake, as when the machine sleeps: the next wake-up comes at the end. */
  sleep(ms: number): void {
    this.#nowMs += ms
    this.advance(0)
  }

  /** The wall clock is set by somebody; the monotonic one does not notice. */
  shiftWall(ms: number): void {
    this.#wallOffsetMs += ms
  }
}
