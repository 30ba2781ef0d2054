import type { QoS } from '../codec/qos.ts'
import type { ServerSession } from '../session/server-session.ts'
import type { Subscription } from '../session/session-state.ts'

/** In which form a subscription, or several of one session together, get a message. */
export class Grant {
  readonly qos: QoS
  readonly retainAsPublished: boolean
  /** null when there is none */
  readonly subscriptionIdentifiers: readonly number[] | null

  constructor(qos: QoS, retainAsPublished: boolean, subscriptionIdentifiers: readonly number[] | null) {
    this.qos = qos
    this.retainAsPublished = retainAsPublished
    this.subscriptionIdentifiers = subscriptionIdentifiers
  }

  static of({ qos, retainAsPublished, subscriptionIdentifier }: Subscription): Grant {
    if (subscriptionIdentifier === 0) return plainGrants[qos * 2 + Number(retainAsPublished)]!
    return new Grant(qos, retainAsPublished, [subscriptionIdentifier])
  }

  // One copy at the highest granted QoS with every Subscription Identifier (semantics O-02, O-03).
  and(other: Grant): Grant {
    const identifiers =
      this.subscriptionIdentifiers === null || other.subscriptionIdentifiers === null
        ? (this.subscriptionIdentifiers ?? other.subscriptionIdentifiers)
        : [...this.subscriptionIdentifiers, ...other.subscriptionIdentifiers]
    const qos = Math.max(this.qos, other.qos) as QoS
    return new Grant(qos, this.retainAsPublished || other.retainAsPublished, identifiers)
  }
}

/** Most subscriptions have no identifier and share these: index 2 * QoS + Retain As Published. */
const plainGrants = ([0, 1, 2] as const).flatMap((qos) => [new Grant(qos, false, null), new Grant(qos, true, null)])

/** How a session gets the messages of one filter, or of several that match the same Topic Name. */
export class Receiver {
  readonly session: ServerSession
  readonly fromOthers: Grant
  /** for the session's own messages: without its No Local subscriptions; null when none is left */
  readonly fromItself: Grant | null

  constructor(session: ServerSession, fromOthers: Grant, fromItself: Grant | null) {
    this.session = session
    this.fromOthers = fromOthers
    this.fromItself = fromItself
  }

  static of(session: ServerSession, subscription: Subscription): Receiver {
    const grant = Grant.of(subscription)
    return new Receiver(session, grant, subscription.noLocal ? null : grant)
  }

  /** Both as one. @param other of the same session */
  and(other: Receiver): Receiver {
    const fromItself =
      this.fromItself === null || other.fromItself === null
        ? (this.fromItself ?? other.fromItself)
        : this.fromItself.and(other.fromItself)
    return new Receiver(this.session, this.fromOthers.and(other.fromOthers), fromItself)
  }
}
