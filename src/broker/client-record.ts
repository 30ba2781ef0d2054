import type { Message } from '../codec/message.ts'
import { type Connect, willMessage } from '../codec/packets/connect.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import type { ServerSession } from '../session/server-session.ts'
import { NEVER_EXPIRES_SECONDS } from '../session/session-state.ts'
import type { StoredSession } from '../store/stored-session.ts'
import { type Deadline, NOT_WATCHED } from './deadlines.ts'
import type { NetworkConnection } from './network-connection.ts'

/** The Will of a connection that was accepted, or of one that ended and whose Will Delay runs. */
export interface StoredWill {
  readonly message: Message
  readonly delaySeconds: number
  /** after a restart of the server, for a connection that was open when it ended (semantics W-10) */
  readonly restartDelaySeconds: number
}

/** Clients before 5.0 cannot ask for a Will Delay; after a restart they get this long to be back (semantics W-10). */
const RESTART_GRACE_SECONDS = 10

const NEVER = Number.POSITIVE_INFINITY

/** All that the broker holds for one Client Identifier: the session, its connection if any, its will, what falls due. */
export class ClientRecord implements Deadline {
  readonly session: ServerSession
  connection: NetworkConnection | null = null
  will: StoredWill | null = null
  /** null: nothing of it is kept beyond the process */
  stored: StoredSession | null = null
  /** the session ended with the last run of the server, and only its will is still to be published */
  isOver = false
  /** with which its rights were asked for */
  grants: unknown
  /** when a will whose connection has ended is published, monotonic ms */
  willDueMs = NEVER
  /** when the session of an ended connection expires, monotonic ms */
  expiresAtMs = NEVER
  deadlinePlace = NOT_WATCHED
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

  /**
   * The server has started again: the countdown goes on that began when the connection ended, or begins now if it was open
   * (semantics W-10, E-07).
   * @param endedAtMs monotonic; null: it was open
   */
  resumeCountdown(endedAtMs: number | null, nowMs: number): void {
    const { will } = this
    const startsMs = endedAtMs ?? nowMs
    // from here on like a delay that its client asked for: a further restart does not change it
    if (endedAtMs === null && will !== null) this.will = { ...will, delaySeconds: will.restartDelaySeconds }
    this.startCountdown(startsMs)
    this.isOver = this.session.state.sessionExpiryIntervalSeconds === 0
    if (this.will === null || (endedAtMs !== null && !this.isOver)) return
    this.willDueMs = startsMs + this.will.delaySeconds * 1000
    this.expiresAtMs = Math.max(this.expiresAtMs, this.willDueMs)
  }

  stopCountdown(): void {
    this.expiresAtMs = NEVER
    this.willDueMs = NEVER
  }
}

/** What is kept of a Will. @param expirySeconds Session Expiry Interval as agreed */
export function willOf(connect: Connect, expirySeconds: number): StoredWill | null {
  if (connect.will === null) return null
  const delaySeconds = connect.will.properties.willDelayIntervalSeconds ?? 0
  const isOld = connect.version !== ProtocolVersion.V5
  const restartDelaySeconds = isOld ? RESTART_GRACE_SECONDS : Math.min(delaySeconds, expirySeconds)
  return { message: willMessage(connect.will).keep(), delaySeconds, restartDelaySeconds }
}
