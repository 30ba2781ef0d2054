import type { Endings } from './endings.ts'
import { type Connection, type Message, newReply, type Session } from './model-state.ts'
import { giveUp } from './places.ts'
import type { ReferenceModel } from './reference-model.ts'

const SERVER_SHUTTING_DOWN = [0x8b]

/**
 * The end of the broker, and the next one on the same store. The model knows no half: a kill is in a moment in which all is
 * written, or rolls back to the last one that was. So nothing that comes after it is a matter of taste: an acknowledgement of a
 * subscriber that was not written is as if it had never been sent, and its message must come again with DUP.
 */
export class Restarts {
  readonly #model: ReferenceModel
  readonly #endings: Endings

  constructor(model: ReferenceModel, endings: Endings) {
    this.#model = model
    this.#endings = endings
  }

  /** It stops in order (U-09, W-10): what a store has stays as it is. */
  stop(): void {
    for (const connection of [...this.#model.connections]) {
      const { session, phase, version } = connection
      if (phase !== 'connected' || !isStored(session!)) {
        this.#model.violate(connection, SERVER_SHUTTING_DOWN)
        continue
      }
      if (version === 5) connection.replies.push(newReply('DISCONNECT', { codes: [SERVER_SHUTTING_DOWN] }))
      this.#breakOff(connection, session!)
    }
  }

  /** It is killed, in a moment in which a store has everything. */
  kill(): void {
    for (const connection of [...this.#model.connections]) {
      const { session, phase } = connection
      if (phase !== 'connected') continue
      this.#breakOff(connection, session!)
      if (isStored(session!)) continue
      this.#model.sessions.delete(session!.clientId)
      for (const delivery of [...session!.deliveries]) giveUp(delivery)
    }
  }

  #breakOff(connection: Connection, session: Session): void {
    connection.phase = 'ended'
    this.#endings.connectionLost(connection, session)
  }

  /** The next one starts, at the time that it is {@link now}: every connection is gone, countdowns begin or go on (W-10, E-07). */
  restart(): void {
    for (const connection of this.#model.connections) connection.isGone = true
    this.#model.connections.clear()
    for (const session of this.#model.sessions.values()) {
      forgetRetained(session)
      if (session.connection !== null) this.#resumeCountdown(session)
    }
    this.#model.timePassed()
  }

  #resumeCountdown(session: Session): void {
    this.#endings.startCountdown(session)
    session.isOver = session.expirySeconds === 0
    if (!session.isKept) forgetAll(session)
    if (session.will === null) return
    session.willDueAt = this.#model.now + session.will.restartDelaySeconds * 1000
    session.expiresAt = Math.max(session.expiresAt, session.willDueAt)
  }

  /** All that a store would have now. */
  snapshot(): Kept {
    const { sessions, retained } = this.#model
    return structuredClone({ sessions, retained })
  }

  /** Everything since then is forgotten, but for who is connected. */
  rollBack({ sessions, retained }: Kept): void {
    for (const connection of this.#model.connections) connection.phase = 'ended'
    for (const { connection } of sessions.values()) if (connection !== null) this.#model.connections.add(connection)
    replace(this.#model.sessions, sessions)
    replace(this.#model.retained, retained)
  }
}

/** What outlives a broker. */
export interface Kept {
  readonly sessions: Map<string, Session>
  readonly retained: Map<string, Message>
}

function replace<V>(map: Map<string, V>, others: ReadonlyMap<string, V>): void {
  map.clear()
  for (const [key, value] of others) map.set(key, value)
}

// A will alone is stored with its session, but not what that session has beside it.
function isStored({ isKept, will }: Session): boolean {
  return isKept || will !== null
}

function forgetAll(session: Session): void {
  session.subscriptions.clear()
  session.incoming.clear()
  for (const delivery of [...session.deliveries]) giveUp(delivery)
}

// Retained messages are not sent again without a SUBSCRIBE (S-11), but one that may have been sent may be sent again.
function forgetRetained({ retained }: Session): void {
  for (const pending of retained.splice(0)) {
    if (pending.delivery.maybeSent && pending.delivery.qos > 0)
      retained.push({ ...pending, isActive: false, isDue: false })
  }
}
