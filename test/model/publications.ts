import {
  type Connection,
  type Delivery,
  filterMatches,
  isExpired,
  type Message,
  type ModelLimits,
  newDelivery,
  type Session,
  type SharedChoice,
  type Subscription,
  sharedFilter,
} from './model-state.ts'
import { Size, settleChoice, sizeFor, slotsInUse } from './places.ts'
import type { QoS } from './wire.ts'

/** How a member of a Shared Subscription stands to a message. */
type Standing = 'ready' | 'keeping' | 'busy' | 'offline' | 'unclear' | 'too small'

interface Member {
  readonly session: Session
  readonly subscription: Subscription
  readonly standing: Standing
}

/** What became of a publication. */
export interface Outcome {
  /** sessions and groups that it was for */
  matched: number
  /** of those, how many took it */
  taken: number
}

/** Where messages go: to sessions by their subscriptions, to one member of each group, and into the retained messages. */
export class Publications {
  readonly sessions = new Map<string, Session>()
  readonly retained = new Map<string, Message>()
  /** connections end in this very millisecond, and one of them may have been chosen for its group before it was over */
  isMemberJustGone = false
  /** ms on the clock of the broker */
  now: number
  readonly #limits: ModelLimits
  #order = 0

  constructor(limits: ModelLimits, now: number) {
    this.#limits = limits
    this.now = now
  }

  /** Place in the order of arrival of the last message. */
  get order(): number {
    return this.#order
  }

  /** Gives a message to all it is for. */
  route(message: Message): Outcome {
    const order = ++this.#order
    if (message.retain) this.#retain(message)
    const outcome: Outcome = { matched: 0, taken: 0 }
    for (const session of this.sessions.values()) {
      const matching = [...session.subscriptions.values()].filter((subscription) =>
        applies(subscription, message, session),
      )
      if (matching.length === 0) continue
      outcome.matched++
      // one copy at the highest granted QoS with every identifier (O-02, O-03)
      const qos = Math.min(message.qos, Math.max(...matching.map((subscription) => subscription.qos))) as QoS
      const retain = message.retain && matching.some((subscription) => subscription.retainAsPublished)
      const identifiers = matching.map((subscription) => subscription.identifier)
      if (this.#give(session, message, qos, retain, identifiers, order)) outcome.taken++
    }
    for (const group of this.#groupsFor(message.topic)) {
      outcome.matched++
      outcome.taken++
      this.#share(group, message, order, { places: new Set(), mayBeLost: this.isMemberJustGone })
    }
    return outcome
  }

  #retain(message: Message): void {
    // [MQTT-3.3.1-6, MQTT-3.3.1-7 v5]
    if (message.payload === '') this.retained.delete(message.topic)
    else this.retained.set(message.topic, message)
    for (const { retained } of this.sessions.values()) {
      for (const pending of retained) if (pending.delivery.message.topic === message.topic) pending.isStale = true
    }
  }

  // @returns false when its queue is full
  #give(
    session: Session,
    message: Message,
    qos: QoS,
    retain: boolean,
    identifiers: readonly number[],
    order: number,
  ): boolean {
    const { connection } = session
    if (connection !== null) connection.isUnsettled = true
    if (qos === 0) {
      connection?.qos0.push(newDelivery(connection.qos0, order, message, qos, retain, identifiers, null))
      return true
    }
    // what expires at once is never queued (E-05)
    if (!isExpired(message, this.now) && this.#isQueueFull(session)) return false
    session.deliveries.push(newDelivery(session.deliveries, order, message, qos, retain, identifiers, null))
    return true
  }

  // What can be sent now is not in the queue.
  #isQueueFull(session: Session): boolean {
    const waiting = session.deliveries.filter(
      ({ state, message }) => state === 'waiting' && !isExpired(message, this.now),
    )
    const room = session.connection === null ? 0 : session.connection.receiveMaximum - slotsInUse(session)
    return waiting.length - Math.max(0, room) >= this.#limits.maximumQueuedMessages
  }

  // ---- Shared Subscriptions

  #groupsFor(topic: string): Set<string> {
    const groups = new Set<string>()
    for (const session of this.sessions.values()) {
      for (const { filter } of session.subscriptions.values()) {
        const inner = sharedFilter(filter)
        if (inner !== null && filterMatches(inner, topic)) groups.add(filter)
      }
    }
    return groups
  }

  // Puts the message wherever the broker may put it; all but one place are cleared by the judge.
  #share(group: string, message: Message, order: number, choice: SharedChoice): void {
    const holders = this.#possibleHolders(group, message)
    if (holders.length === 0) choice.mayBeLost = true
    for (const { session, subscription, standing } of holders) {
      if (standing === 'too small') choice.mayBeLost = true
      const qos = Math.min(message.qos, subscription.qos) as QoS
      const retain = message.retain && subscription.retainAsPublished
      const { connection } = session
      if (connection !== null) connection.isUnsettled = true
      const home = qos > 0 ? session.deliveries : connection?.qos0
      if (home === undefined) {
        choice.mayBeLost = true
        continue
      }
      const delivery = newDelivery(home, order, message, qos, retain, [subscription.identifier], group)
      delivery.choice = choice
      home.push(delivery)
      choice.places.add(delivery)
    }
    settleChoice(choice)
  }

  // Members that can send it on now, else offline ones that keep it, else connected ones (G-06); where it is too large for all,
  // one may hold it until that is found out (F-08).
  #possibleHolders(group: string, message: Message): Member[] {
    const members = [...this.sessions.values()].flatMap((session) => {
      const subscription = session.subscriptions.get(group)
      return subscription === undefined
        ? []
        : [{ session, subscription, standing: this.#standing(session, subscription, message) }]
    })
    const unclear = members.filter(({ standing }) => standing === 'unclear')
    for (const wanted of ['ready', 'keeping', 'busy', 'offline', 'too small'] as const) {
      const able = members.filter(({ standing }) => standing === wanted)
      if (able.length > 0) return [...able, ...unclear]
    }
    return unclear
  }

  #sizeOf(session: Session, subscription: Subscription, message: Message): Size {
    const qos = Math.min(message.qos, subscription.qos) as QoS
    return sizeFor(session.connection!, message, qos, [subscription.identifier])
  }

  #standing(session: Session, subscription: Subscription, message: Message): Standing {
    const { connection } = session
    // one that has ended is not over yet while the broker stops
    const isAway = connection === null || connection.phase === 'ended'
    if (isAway) return message.qos > 0 && subscription.qos > 0 ? 'keeping' : 'offline'
    const size = this.#sizeOf(session, subscription, message)
    if (size === Size.TOO_LARGE) return 'too small'
    if (size === Size.UNCLEAR || connection.isBehind || hasGivenUp(session, connection)) return 'unclear'
    // its socket may be full for the rest of this step
    if (bytesUnderWay(session, connection) > this.#limits.maximumOutputBytes / 2) return 'unclear'
    const used = slotsInUse(session)
    if (used >= connection.receiveMaximum) return 'busy'
    // What is given to it in this very step takes a place, if it is sent; copies for its other groups may come before this one.
    const waiting = session.deliveries.filter(({ state }) => state === 'waiting')
    const others = [...this.#groupsFor(message.topic)].filter((group) => session.subscriptions.has(group)).length - 1
    if (used + waiting.length + others + session.retained.length < connection.receiveMaximum) return 'ready'
    const before = waiting.filter((one) => !(one.group !== null && one.message === message))
    const isFull = used + before.filter((one) => this.#willBeSent(one, connection)).length >= connection.receiveMaximum
    return isFull ? 'busy' : 'unclear'
  }

  #willBeSent({ choice, message, qos, identifiers }: Delivery, connection: Connection): boolean {
    if (choice !== null || isExpired(message, this.now)) return false
    return sizeFor(connection, message, qos, identifiers) === Size.FITS
  }

  /**
   * What a member of a group had not finished goes to another one (G-08), but not QoS 2 that was begun [MQTT-4.8.2-5].
   * @param isCopy of the message that was handed over last, and waited as that did: nobody knows which of them is first
   */
  handOver(orphan: Delivery, isCopy: boolean): void {
    const { message, choice, qos, maybeSent } = orphan
    if (isExpired(message, this.now)) return
    const open: SharedChoice = choice ?? { places: new Set(), mayBeLost: false }
    open.places.delete(orphan)
    if (qos === 2 && maybeSent) open.mayBeLost = true
    if (!isCopy) this.#order++
    this.#share(orphan.group!, message, this.#order, open)
  }
}

// Given to it, and not seen yet.
function bytesUnderWay({ deliveries, retained }: Session, { qos0 }: Connection): number {
  const waiting = [
    ...deliveries.filter(({ state }) => state === 'waiting'),
    ...retained.map(({ delivery }) => delivery),
  ]
  return [...waiting, ...qos0].reduce((sum, { message }) => sum + message.payload.length, 0)
}

// What was sent on another connection and is too large for this one takes no place any more, once that was found out.
function hasGivenUp({ deliveries }: Session, connection: Connection): boolean {
  return deliveries.some(
    ({ state, sentOn, message, qos, identifiers }) =>
      state === 'sent' && sentOn !== connection && sizeFor(connection, message, qos, identifiers) !== Size.FITS,
  )
}

/** Is a message for this subscription, which is not a shared one? */
export function applies({ filter, noLocal }: Subscription, message: Message, session: Session): boolean {
  if (sharedFilter(filter) !== null || !filterMatches(filter, message.topic)) return false
  return !(noLocal && message.publisher === session.clientId)
}
