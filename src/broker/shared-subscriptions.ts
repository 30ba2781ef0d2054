import type { Message } from '../codec/message.ts'
import type { QoS } from '../codec/qos.ts'
import type { ServerSession } from '../session/server-session.ts'
import type { Subscription } from '../session/session-state.ts'

interface Member {
  readonly session: ServerSession
  subscription: Subscription
}

const isReady = (session: ServerSession): boolean => session.canSendNow
const isConnected = (session: ServerSession): boolean => session.isConnected
const isOffline = (session: ServerSession): boolean => !session.isConnected
// QoS 0 does not wait for a client that is away
const canKeep = (session: ServerSession, qos: QoS): boolean => !session.isConnected && qos > 0

/** The members of one Shared Subscription: one ShareName with one filter (5.0 section 4.8.2). */
export class SharedGroup {
  /** as clients write it: `$share/{ShareName}/{filter}` */
  readonly topicFilter: string
  readonly #members: Member[] = []
  #next = 0

  constructor(topicFilter: string) {
    this.topicFilter = topicFilter
  }

  get isEmpty(): boolean {
    return this.#members.length === 0
  }

  get size(): number {
    return this.#members.length
  }

  get hasKeptMember(): boolean {
    return this.#members.some(({ session }) => session.keeper !== null)
  }

  /** Members who may not read the topic; null when all may. */
  barredFrom(topicName: string): ReadonlySet<ServerSession> | null {
    const barred = this.#members.filter(({ session }) => !session.rights.mayReceive(topicName))
    return barred.length === 0 ? null : new Set(barred.map(({ session }) => session))
  }

  /** Adds a member, or gives it a new subscription. */
  set(session: ServerSession, subscription: Subscription): void {
    const member = this.#members.find((candidate) => candidate.session === session)
    if (member !== undefined) member.subscription = subscription
    else this.#members.push({ session, subscription })
  }

  remove(session: ServerSession): void {
    const index = this.#members.findIndex((candidate) => candidate.session === session)
    if (index < 0) return
    this.#members.splice(index, 1)
    if (index < this.#next) this.#next--
  }

  /**
   * Gives a message to one member: in turn to those that can send it on now, else to an offline one that keeps it, else to
   * one that is connected but busy (semantics G-06). A member for whom the packet is too large is passed over, and has it only when it is
   * too large for all: there it counts as delivered (F-08).
   * @param barred members who may not read it; null: all may
   * @returns false when nobody took it
   */
  forward(message: Message, nowMs: number, barred: ReadonlySet<ServerSession> | null): boolean {
    return (
      this.#try(message, nowMs, barred, isReady) ||
      this.#try(message, nowMs, barred, canKeep) ||
      this.#try(message, nowMs, barred, isConnected) ||
      this.#try(message, nowMs, barred, isOffline) ||
      this.#try(message, nowMs, barred, isConnected, true)
    )
  }

  #try(
    message: Message,
    nowMs: number,
    barred: ReadonlySet<ServerSession> | null,
    eligible: (session: ServerSession, qos: QoS) => boolean,
    tooLarge = false,
  ): boolean {
    const count = this.#members.length
    for (let i = 0; i < count; i++) {
      const index = (this.#next + i) % count
      const { session, subscription } = this.#members[index]!
      // [MQTT-4.8.2-3] the QoS is that granted to the member chosen
      const qos = Math.min(message.qos, subscription.qos) as QoS
      if (!eligible(session, qos) || barred?.has(session)) continue
      const identifiers = subscription.subscriptionIdentifier === 0 ? null : [subscription.subscriptionIdentifier]
      if (session.fits(message, qos, identifiers, nowMs) === tooLarge) continue
      const retain = subscription.retainAsPublished && message.retain
      if (!session.forward(message, qos, retain, identifiers, this.topicFilter, nowMs)) continue
      this.#next = (index + 1) % count
      return true
    }
    return false
  }
}
