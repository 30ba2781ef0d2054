import { pingDueMs, pingrespOverdueMs } from './keep-alive.ts'

const NOT_OPEN = -1

/**
 * When a Client sends PINGREQ, and when it gives a silent Server up. PINGREQ goes out in time whatever else was sent: so
 * nothing has to be noted on the hot way, and a busy publisher too notices that its Server has gone. Lives as long as the
 * Network Connection.
 */
export class PingSchedule {
  readonly #keepAliveSeconds: number
  #lastPingMs: number
  #lastReceivedMs: number
  /** of the oldest PINGREQ without answer */
  #openSinceMs = NOT_OPEN

  /** @param keepAliveSeconds 0: never */
  constructor(keepAliveSeconds: number, nowMs: number) {
    this.#keepAliveSeconds = keepAliveSeconds
    this.#lastPingMs = nowMs
    this.#lastReceivedMs = nowMs
  }

  /** Bytes came: the Server lives. */
  received(nowMs: number): void {
    this.#lastReceivedMs = nowMs
  }

  /** PINGRESP came. */
  answered(): void {
    this.#openSinceMs = NOT_OPEN
  }

  /** Next moment at which {@link isOverdue} or {@link takeDue} may turn true; Infinity: never. */
  get nextDeadlineMs(): number {
    return Math.min(pingDueMs(this.#keepAliveSeconds, this.#lastPingMs), this.#overdueMs)
  }

  /** True when a PINGREQ is open and nothing at all has come for too long. */
  isOverdue(nowMs: number): boolean {
    return nowMs >= this.#overdueMs
  }

  /** @returns true when PINGREQ is to be sent now; it counts as sent then */
  takeDue(nowMs: number): boolean {
    if (nowMs < pingDueMs(this.#keepAliveSeconds, this.#lastPingMs)) return false
    this.#lastPingMs = nowMs
    if (this.#openSinceMs === NOT_OPEN) this.#openSinceMs = nowMs
    return true
  }

  get #overdueMs(): number {
    if (this.#openSinceMs === NOT_OPEN) return Number.POSITIVE_INFINITY
    return pingrespOverdueMs(this.#keepAliveSeconds, Math.max(this.#openSinceMs, this.#lastReceivedMs))
  }
}
