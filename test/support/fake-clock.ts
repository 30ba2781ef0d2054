import { VirtualClock } from '../../src/broker/virtual-clock.ts'

/** The clock of users' tests, and what only tests of ours need. */
export class FakeClock extends VirtualClock {
  #wallShiftMs = 0

  constructor() {
    super(Date.UTC(2030, 0, 1))
  }

  override wallMs(): number {
    return super.wallMs() + this.#wallShiftMs
  }

  /** Lets time pass while nobody is awake, as when the machine sleeps: the next wake-up comes at the end. */
  sleep(ms: number): void {
    this.sleepFor(ms)
    this.advance(0)
  }

  /** The wall clock is set by somebody; the monotonic one does not notice. */
  shiftWall(ms: number): void {
    this.#wallShiftMs += ms
  }
}
