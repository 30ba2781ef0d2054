import { describe, publishDifference, replyDifference, shorten } from './comparison.ts'
import { type Connection, type Delivery, isExpired, type RetainedDelivery, type Session } from './model-state.ts'
import { giveUp, isHere, isNotHere, isPerhapsLost, Size, sizeFor, slotsHeld } from './places.ts'
import type { ReferenceModel } from './reference-model.ts'
import type { PublishPacket, ServerPacket } from './wire.ts'

/** The broker did what the model cannot explain. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

/** What the client's side of a connection shows beside packets. */
export interface ClientView {
  readonly isReading: boolean
  readonly isEndedByBroker: boolean
  readonly isClosed: boolean
}

/** What a QoS 0 message may weigh more than its payload, in bytes, in a broker that counts. */
const QOS_0_OVERHEAD_BYTES = 400

/** Compares what is seen with what the model allows and demands. */
export class Judge {
  /** Nothing is committed: nothing has to come, and what promises a change must not (U-01). */
  isHolding = false
  readonly #model: ReferenceModel
  #sentOrder = 0

  constructor(model: ReferenceModel) {
    this.#model = model
  }

  // ---- one packet

  /** A client has received a packet. @throws Finding when it may not */
  see(connection: Connection, packet: ServerPacket): void {
    if (packet.type === 'PUBLISH') this.#seePublish(connection, packet)
    else this.#seeReply(connection, packet)
  }

  #seeReply(connection: Connection, packet: ServerPacket): void {
    const index = connection.replies.findIndex(({ type }) => type === packet.type)
    const reply = connection.replies[index]
    if (reply === undefined) throw fail(connection, packet, 'nothing asked for it')
    const difference = replyDifference(reply, packet)
    if (difference !== null) throw fail(connection, packet, `expected ${difference}`)
    // [MQTT-3.2.0-1]
    if (index > 0 && connection.replies[0]!.type === 'CONNACK')
      throw fail(connection, packet, 'it comes before CONNACK')
    if (packet.type === 'DISCONNECT' && connection.replies.length > 1)
      throw fail(connection, packet, `${connection.replies[0]!.type} is missing before it`)
    if (this.isHolding && reply.isUncommitted) throw fail(connection, packet, 'it promises what is not committed')
    connection.replies.splice(index, 1)
    for (const retained of reply.retained) retained.isActive = true
    if (reply.sentOrder > 0) this.#checkResendOrder(connection, reply.sentOrder, packet)
  }

  #seePublish(connection: Connection, publish: PublishPacket): void {
    if (connection.replies[0]?.type === 'CONNACK') throw fail(connection, publish, 'it comes before CONNACK')
    // of a connection that has ended, what was on its way is still read; it was judged by what the session does next
    if (connection.phase === 'ended') return
    const { session } = connection
    if (session === null) throw fail(connection, publish, 'it comes before CONNECT')
    connection.seenBytes += publish.payload.length
    if (publish.qos === 0) this.#seeQos0(connection, session, publish)
    else if (publish.dup) this.#seeAgain(connection, session, publish)
    else this.#seeFirst(connection, session, publish)
  }

  #seeQos0(connection: Connection, session: Session, publish: PublishPacket): void {
    if (publish.dup) throw fail(connection, publish, 'DUP is set at QoS 0')
    const delivery = surestOf(connection.qos0.filter((one) => this.#isIt(one, publish, connection)))
    if (delivery === undefined || this.#isRatherRetained(delivery, connection, session, publish)) {
      this.#seeRetained(connection, session, publish)
      return
    }
    for (const earlier of [...connection.qos0]) {
      if (earlier.message.topic !== publish.topic || earlier.order >= delivery.order) continue
      // what a reader that is behind did not get was dropped
      const isDroppable =
        connection.isBehind ||
        isExpired(earlier.message, this.#model.now) ||
        this.#size(earlier, connection) !== Size.FITS
      if (isDroppable) giveUp(earlier)
      else if (earlier.choice === null) throw fail(connection, publish, `${describe(earlier)} is missing before it`)
      else this.#demandElsewhere(earlier, connection)
    }
    isHere(delivery)
    this.#took(session, delivery)
    giveUp(delivery)
  }

  #seeAgain(connection: Connection, session: Session, publish: PublishPacket): void {
    const sent = session.deliveries.find(({ state, packetId }) => state !== 'waiting' && packetId === publish.id)
    if (sent !== undefined) {
      if (sent.state !== 'sent') throw fail(connection, publish, 'PUBREC came for it: only PUBREL may follow')
      if (sent.sentOn === connection) throw fail(connection, publish, 'it was sent on this connection already')
      const difference = publishDifference(sent, publish, connection, this.#model.now)
      if (difference !== null) throw fail(connection, publish, `sent again it differs: ${difference}`)
      this.#checkResendOrder(connection, sent.sentOrder, publish)
      this.#onTheWire(connection, session, sent, publish)
      return
    }
    const perhaps = session.deliveries.find(
      (one) => one.maybeSent && one.state === 'waiting' && this.#isIt(one, publish, connection),
    )
    if (perhaps !== undefined) {
      this.#onTheWire(connection, session, perhaps, publish)
      return
    }
    const retained = this.#retainedLike(publish, connection, session, ({ delivery }) => delivery.maybeSent)
    if (retained === undefined) throw fail(connection, publish, 'DUP is set, but it was not sent before')
    this.#takeRetained(connection, session, retained, publish)
  }

  #seeFirst(connection: Connection, session: Session, publish: PublishPacket): void {
    const { now } = this.#model
    const open = session.deliveries.find(({ state, packetId }) => state !== 'waiting' && packetId === publish.id)
    if (open !== undefined) {
      // of one that may have been dropped by right this tells that it was: a broker that started anew begins anew with ids
      if (!open.choice?.mayBeLost || open.sentOn === connection)
        throw fail(connection, publish, 'its Packet Identifier is open')
      giveUp(open)
    }
    const waiting = waitingOf(session)
    const fitting = waiting.filter((one) => this.#isIt(one, publish, connection))
    // of two that look the same, the one that has not expired
    const alive = fitting.filter(({ message }) => !isExpired(message, now))
    const delivery = surestOf(alive.length > 0 ? alive : fitting)
    if (delivery === undefined || this.#isRatherRetained(delivery, connection, session, publish)) {
      this.#seeRetained(connection, session, publish)
      return
    }
    if (isExpired(delivery.message, now) && !isNew(delivery, now) && !connection.isBehind) {
      throw fail(connection, publish, 'its Message Expiry Interval has passed')
    }
    for (const unfinished of session.deliveries.filter(
      ({ state, sentOn }) => state === 'sent' && sentOn !== connection,
    )) {
      if (unfinished.choice !== null || this.#size(unfinished, connection) !== Size.FITS) giveUp(unfinished)
      else throw fail(connection, publish, `it overtakes ${describe(unfinished)}, which has to be sent again`)
    }
    if (connection.replies.some(({ sentOrder }) => sentOrder > 0))
      throw fail(connection, publish, 'PUBREL of an older one is missing before it')
    for (const earlier of waiting) {
      if (earlier.order >= delivery.order) break
      const isDroppable = isExpired(earlier.message, now) || this.#size(earlier, connection) !== Size.FITS
      if (isDroppable) giveUp(earlier)
      else if (earlier.choice === null) throw fail(connection, publish, `it overtakes ${describe(earlier)}`)
      else this.#demandElsewhere(earlier, connection)
    }
    this.#onTheWire(connection, session, delivery, publish)
  }

  #seeRetained(connection: Connection, session: Session, publish: PublishPacket): void {
    const retained = this.#retainedLike(publish, connection, session, ({ isActive }) => isActive)
    if (retained === undefined) throw fail(connection, publish, this.#whyUnexpected(connection, session, publish))
    if (retained.isForbidden) throw fail(connection, publish, 'it is a stale retained message: a newer one was seen')
    if (isExpired(retained.delivery.message, this.#model.now) && !connection.isBehind)
      throw fail(connection, publish, 'it is retained but has expired')
    this.#takeRetained(connection, session, retained, publish)
  }

  // What a shared subscription may have given to somebody else looks like a retained message that must come. What may have been
  // dropped does too; nobody sees which of the two this is, so the other need not come, unless something stands before the first.
  #isRatherRetained(delivery: Delivery, connection: Connection, session: Session, publish: PublishPacket): boolean {
    const { choice } = delivery
    const mustCome = ({ isActive, isDue, isForbidden }: RetainedDelivery) => isActive && isDue && !isForbidden
    const retained = this.#retainedLike(publish, connection, session, mustCome)
    if (retained === undefined) return false
    if (this.#hasToWait(delivery, connection)) return true
    if (choice === null) return false
    if (choice.places.size > 1) {
      // had it been the shared one, the retained one would still come, and nobody else would get the shared one
      session.retained.push({ ...retained, delivery: { ...retained.delivery }, isDue: false })
      choice.mayBeLost = true
      return true
    }
    retained.isDue = false
    return false
  }

  #hasToWait(delivery: Delivery, connection: Connection): boolean {
    return delivery.home.some(
      (earlier) =>
        earlier.order < delivery.order &&
        earlier.state === 'waiting' &&
        earlier.choice === null &&
        !isExpired(earlier.message, this.#model.now) &&
        this.#size(earlier, connection) === Size.FITS,
    )
  }

  // One that must come is taken for seen before one that may come.
  #retainedLike(
    publish: PublishPacket,
    connection: Connection,
    session: Session,
    isPossible: (retained: RetainedDelivery) => boolean,
  ): RetainedDelivery | undefined {
    const fitting = session.retained.filter((one) => isPossible(one) && this.#isIt(one.delivery, publish, connection))
    // before 5.0 nobody sees for which of two subscriptions it is
    for (const { delivery } of fitting) delivery.hasAnyIdentifier ||= connection.version !== 5 && fitting.length > 1
    const due = fitting.find(({ isDue, isForbidden }) => isDue && !isForbidden)
    if (due === undefined) return fitting[0]
    // maybe it is the other one, and this one still has to come
    const isUnclear = fitting.some(({ filter, isDue }) => !isDue && filter !== due.filter)
    if (isUnclear) session.retained.push({ ...due, delivery: { ...due.delivery }, isDue: false })
    return due
  }

  #takeRetained(connection: Connection, session: Session, retained: RetainedDelivery, publish: PublishPacket): void {
    const { delivery } = retained
    session.retained.splice(session.retained.indexOf(retained), 1)
    if (publish.qos === 0) return
    const live: Delivery = { ...delivery, home: session.deliveries }
    session.deliveries.push(live)
    this.#onTheWire(connection, session, live, publish)
  }

  #onTheWire(connection: Connection, session: Session, delivery: Delivery, publish: PublishPacket): void {
    if (publish.id === 0) throw fail(connection, publish, 'its Packet Identifier is 0')
    if (slotsHeld(session) >= connection.receiveMaximum)
      throw fail(connection, publish, `the Receive Maximum is ${connection.receiveMaximum}`)
    // U-04: after a restart its id must be known; what a client that is behind reads may have left before commits were held
    const isFirst = delivery.state === 'waiting' && !connection.isBehind
    if (this.isHolding && isFirst && delivery.qos === 2 && session.isKept)
      throw fail(connection, publish, 'that its id is open is not committed')
    isHere(delivery)
    if (delivery.state === 'waiting') delivery.sentOrder = ++this.#sentOrder
    delivery.state = 'sent'
    delivery.packetId = publish.id
    delivery.sentOn = connection
    delivery.holdsSlot = true
    delivery.maybeSent = false
    this.#took(session, delivery)
  }

  // Once a newer value was seen, an older retained one must not follow.
  #took(session: Session, { message, order }: Delivery): void {
    for (const retained of session.retained) {
      const { delivery: older } = retained
      const isNewer = order > older.order && message !== older.message && message.arrivedAt >= older.message.arrivedAt
      if (message.retain && message.topic === older.message.topic && isNewer) retained.isForbidden = true
    }
  }

  // Unfinished PUBLISH and PUBREL come in the order of first sending (S-11), unless the Receive Maximum holds PUBLISH back.
  #checkResendOrder(connection: Connection, sentOrder: number, packet: ServerPacket): void {
    const session = connection.session
    if (session === null || session.connection !== connection) return
    const isFull = slotsHeld(session) >= connection.receiveMaximum
    const overtaken = session.deliveries.find(
      (one) => one.state === 'sent' && one.sentOn !== connection && one.choice === null && one.sentOrder < sentOrder,
    )
    if (overtaken !== undefined && !isFull && this.#size(overtaken, connection) === Size.FITS)
      throw fail(connection, packet, `it overtakes ${describe(overtaken)}`)
    if (connection.replies.some((reply) => reply.sentOrder > 0 && reply.sentOrder < sentOrder))
      throw fail(connection, packet, 'it overtakes a PUBREL')
  }

  // What should have been seen here by now, and was not, must be somewhere else.
  #demandElsewhere(delivery: Delivery, { slot }: Connection): void {
    if (!isNotHere(delivery))
      throw new Finding(`slot ${slot}: ${describe(delivery)} of a shared subscription went to nobody`)
  }

  // ---- the whole

  /** Everything has happened that can happen now: is anything missing? @throws Finding */
  settle(connection: Connection, client: ClientView): void {
    if (connection.isGone) {
      // what is held back goes before the end
      if (!client.isClosed && !this.isHolding)
        throw new Finding(`slot ${connection.slot}: the broker has not closed the connection`)
      return
    }
    const hasEnded = client.isEndedByBroker || client.isClosed
    if (connection.phase !== 'ended' && hasEnded)
      throw new Finding(`slot ${connection.slot}: the broker has ended the connection`)
    if (!client.isReading || this.isHolding) {
      connection.isBehind = true
      connection.waitedQos0Bytes = Math.max(connection.waitedQos0Bytes, qos0Bytes(connection))
      return
    }
    const missing = connection.replies[0]
    if (missing !== undefined)
      throw new Finding(`slot ${connection.slot}: ${missing.type} ${JSON.stringify(missing.fields)} is missing`)
    if (connection.phase === 'ended') {
      if (!hasEnded) throw new Finding(`slot ${connection.slot}: the broker has not ended the connection`)
      return
    }
    if (connection.session !== null) this.#settleSession(connection, connection.session)
    connection.isBehind = false
    connection.waitedQos0Bytes = 0
    connection.seenBytes = 0
    connection.isUnsettled = false
  }

  #settleSession(connection: Connection, session: Session): void {
    this.#settleQos0(connection)
    const again = session.deliveries.filter(({ state, sentOn }) => state === 'sent' && sentOn !== connection)
    again.sort((a, b) => a.sentOrder - b.sentOrder)
    const waiting = [...again, ...waitingOf(session)]
    if (slotsHeld(session) >= connection.receiveMaximum) {
      this.#excuseTooLarge(connection, waiting, session.retained)
      return
    }
    for (const delivery of waiting)
      this.#demand(delivery, connection, delivery.state === 'sent' ? 'sent again' : 'sent')
    for (const { delivery, isDue, isStale } of session.retained.splice(0)) {
      if (
        !isDue ||
        isStale ||
        isExpired(delivery.message, this.#model.now) ||
        this.#size(delivery, connection) !== Size.FITS
      )
        continue
      throw new Finding(`slot ${connection.slot}: retained ${describe(delivery)} was not sent`)
    }
  }

  // With no place free the next ones wait; but where they are too large, they may have been passed over before it was so.
  #excuseTooLarge(connection: Connection, waiting: readonly Delivery[], retained: readonly RetainedDelivery[]): void {
    for (const delivery of waiting) {
      // what has expired holds nothing back; what was sent no longer expires (E-03)
      if (delivery.state === 'waiting' && isExpired(delivery.message, this.#model.now)) continue
      if (this.#size(delivery, connection) === Size.FITS) break
      isPerhapsLost(delivery)
    }
    for (const pending of retained) if (this.#size(pending.delivery, connection) !== Size.FITS) pending.isDue = false
  }

  #settleQos0(connection: Connection): void {
    const { now, limits } = this.#model
    const bytes = Math.max(connection.waitedQos0Bytes, qos0Bytes(connection))
    const isDroppable = connection.isBehind && bytes > limits.maximumQos0QueuedBytes
    // before all that was seen had left, the socket may have been full for a moment, and what expires at once cannot wait
    const hasWaited = connection.isBehind || connection.seenBytes > limits.maximumOutputBytes / 2
    for (const delivery of [...connection.qos0]) {
      const mayBeMissing = (hasWaited && isExpired(delivery.message, now)) || isDroppable
      if (delivery.choice === null && mayBeMissing) giveUp(delivery)
      else this.#demand(delivery, connection, 'sent', mayBeMissing)
    }
  }

  // There was room for it and it did not come.
  #demand(delivery: Delivery, connection: Connection, what: string, mayBeMissing = false): void {
    const isLost = this.#size(delivery, connection) !== Size.FITS || mayBeMissing
    const isOver = delivery.state === 'waiting' && delivery.qos > 0 && isExpired(delivery.message, this.#model.now)
    if (isLost || isOver) {
      giveUp(delivery)
    } else if (delivery.choice === null) {
      throw new Finding(`slot ${connection.slot}: ${describe(delivery)} was not ${what}`)
    } else {
      this.#demandElsewhere(delivery, connection)
    }
  }

  // ---- comparing

  #size({ message, qos, identifiers }: Delivery, connection: Connection): Size {
    return sizeFor(connection, message, qos, identifiers)
  }

  #isIt(delivery: Delivery, publish: PublishPacket, connection: Connection): boolean {
    return (
      delivery.message.topic === publish.topic &&
      delivery.message.payload === publish.payload &&
      publishDifference(delivery, publish, connection, this.#model.now) === null
    )
  }

  #whyUnexpected(connection: Connection, session: Session, publish: PublishPacket): string {
    const all = [...connection.qos0, ...waitingOf(session), ...session.retained.map(({ delivery }) => delivery)]
    const similar = all.find(({ message }) => message.payload === publish.payload && message.topic === publish.topic)
    if (similar !== undefined)
      return `expected ${publishDifference(similar, publish, connection, this.#model.now) ?? 'it behind its SUBACK'}`
    return all.length === 0 ? 'nothing was to come' : `expected ${all.map(describe).join(', ')}`
  }
}

function waitingOf(session: Session): Delivery[] {
  return session.deliveries.filter(({ state }) => state === 'waiting').sort((a, b) => a.order - b.order)
}

function qos0Bytes({ qos0 }: Connection): number {
  return qos0.reduce((sum, { message }) => sum + message.payload.length + QOS_0_OVERHEAD_BYTES, 0)
}

// Of the copies of one message the one that must come is taken for seen before one that may be elsewhere.
function surestOf(candidates: readonly Delivery[]): Delivery | undefined {
  const [first] = candidates
  return candidates.find(({ choice, order }) => choice === null && order === first!.order) ?? first
}

// With an interval of 0 it goes to those who can take it at once (E-05).
function isNew({ message }: Delivery, now: number): boolean {
  return message.arrivedAt === now
}

function fail(connection: Connection, packet: ServerPacket, why: string): Finding {
  const text = JSON.stringify(packet.type === 'PUBLISH' ? { ...packet, payload: shorten(packet.payload) } : packet)
  return new Finding(`slot ${connection.slot} (${connection.clientId}) got ${text}: ${why}`)
}
