import type { Arrival } from '../transport/transport.ts'
import type { Clock } from './clock.ts'
import { type Deadline, type Deadlines, NOT_WATCHED } from './deadlines.ts'
import type { Limits } from './limits.ts'

/**
 * Connections that are not ready for MQTT yet, each with the moment it was made: one time limit holds from there to the end of
 * CONNECT, whatever steps lie between (semantics C-15, N-06).
 */
export class Arrivals {
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #waiting = new Map<Arrival, WaitingArrival>()

  constructor(limits: Limits, clock: Clock, deadlines: Deadlines) {
    this.#limits = limits
    this.#clock = clock
    this.#deadlines = deadlines
  }

  arrive(arrival: Arrival): void {
    const waiting = new WaitingArrival(arrival, this.#limits, this.#clock.nowMs())
    this.#waiting.set(arrival, waiting)
    this.#deadlines.watch(waiting)
  }

  /** The arrival is over, well or badly. @returns when its connection was made; now for one that never had to wait */
  leave(arrival: Arrival | null): number {
    const waiting = arrival === null ? undefined : this.#waiting.get(arrival)
    if (waiting === undefined) return this.#clock.nowMs()
    this.#waiting.delete(waiting.arrival)
    this.#deadlines.forget(waiting)
    return waiting.openedAtMs
  }
}

class WaitingArrival implements Deadline {
  readonly arrival: Arrival
  readonly openedAtMs: number
  deadlinePlace = NOT_WATCHED
  readonly #limits: Limits

  constructor(arrival: Arrival, limits: Limits, openedAtMs: number) {
    this.arrival = arrival
    this.#limits = limits
    this.openedAtMs = openedAtMs
  }

  get deadlineMs(): number {
    return this.openedAtMs + this.#limits.connectTimeoutSeconds * 1000
  }

  deadlinePassed(): void {
    const { connectTimeoutSeconds } = this.#limits
    this.arrival.cut(
      `no complete CONNECT within ${connectTimeoutSeconds} s: it got no further than ${this.arrival.step}`,
    )
  }
}
