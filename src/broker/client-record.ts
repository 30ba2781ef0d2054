import type { Message } from '../codec/message.ts'
import type { ServerSession } from '../session/server-session.ts'
import { NEVER_EXPIRES_SECONDS } from '../session/session-state.ts'
import type { Deadline } from './deadlines.ts'
import type { NetworkConnection } from './network-connection.ts'

/** The Will of a connection that was accepted, or of one that ended and whose Will Delay runs. */
export interface StoredWill {
  readonly message: Message
  readonly delaySeconds: number
}

const NEVER = Number.POSITIVE_INFINITY

/** All that the broker holds for one Client Identifier: the session, its connection if any, its will, what falls due. */
export class ClientRecord implements Deadline {
  readonly session: ServerSession
  connection: NetworkConnection | null = null
  will: StoredWill | null = null
  /** with which its rights were asked for */
  grants: unknown
  /** when a will whose connection has ended is published, monotonic ms */
  willDueMs = NEVER
  /** when the session of an ended connection expires, monotonic ms */
  expiresAtMs = NEVER
  readonly #due: (record: ClientRecord, nowMs: number) => void

  constructor(session: ServerSession, due: (record: ClientRecord, nowMs: number) => void) {
    this.session = session
    this.#due = due
  }

  get deadlineMs(): number {
    return Math.min(this.willDueMs, this.expiresAtMs)
  }

  deadlinePassed(nowMs: number): void {
    this.#due(this, nowMs)
  }

  /** The connection has ended: the Session Expiry Interval starts, and the Will Delay, capped by it (semantics W-07, W-09). */
  startCountdown(nowMs: number): void {
    const seconds = this.session.state.sessionExpiryIntervalSeconds
    this.expiresAtMs = seconds === NEVER_EXPIRES_SECONDS ? NEVER : nowMs + seconds * 1000
    if (this.will !== null) this.willDueMs = Math.min(nowMs + this.will.delaySeconds * 1000, this.expiresAtMs)
  }

  stopCountdown(): void {
    this.expiresAtMs = NEVER
    this.willDueMs = NEVER
  }
}
