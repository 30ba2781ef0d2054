import { NEVER_EXPIRES_SECONDS } from './connect-terms.ts'
import { type Connection, type Delivery, NEVER, type Session } from './model-state.ts'
import { giveUp, isPerhapsLost, Size, sizeFor } from './places.ts'
import type { Publications } from './publications.ts'
import type { Properties } from './wire.ts'

/** What becomes of a session when its connection ends, and when itself does: countdowns, wills, orphans of groups. */
export class Endings {
  readonly #publications: Publications

  constructor(publications: Publications) {
    this.#publications = publications
  }

  /** What its connection leaves behind falls due. */
  startCountdown(session: Session): void {
    session.connection = null
    session.expiresAt =
      session.expirySeconds === NEVER_EXPIRES_SECONDS ? NEVER : this.#publications.now + session.expirySeconds * 1000
    // the delay is capped by the end of the session (W-07, W-09)
    if (session.will !== null) {
      session.willDueAt = Math.min(this.#publications.now + session.will.delaySeconds * 1000, session.expiresAt)
    }
  }

  /** QoS 0 is lost; of the rest that was under way nobody knows whether it left. */
  connectionLost(connection: Connection, session: Session): void {
    for (const delivery of [...connection.qos0]) giveUp(delivery)
    for (const retained of session.retained) {
      retained.isActive = true
      if (retained.delivery.qos === 0) retained.isDue = false
    }
    if (!connection.isBehind && !connection.isUnsettled) return
    for (const delivery of session.deliveries) {
      const isUnsent = delivery.state === 'waiting' || (delivery.state === 'sent' && delivery.sentOn !== connection)
      if (delivery.state === 'waiting') delivery.maybeSent = true
      if (isUnsent && sizeFor(connection, delivery.message, delivery.qos, delivery.identifiers) !== Size.FITS)
        isPerhapsLost(delivery)
    }
    for (const pending of session.retained) {
      const { message, qos, identifiers } = pending.delivery
      pending.delivery.maybeSent = true
      if (sizeFor(connection, message, qos, identifiers) !== Size.FITS) pending.isDue = false
    }
  }

  /** Does what is due by now. */
  sessionDue(session: Session): void {
    if (session.willDueAt <= this.#publications.now) this.#publishWill(session)
    if (session.expiresAt <= this.#publications.now) this.endSession(session)
  }

  #publishWill(session: Session): void {
    const { will } = session
    session.will = null
    session.willDueAt = NEVER
    if (will === null) return
    const { topic, payload, qos, retain, properties } = will
    this.#publications.route({
      topic,
      payload,
      qos,
      retain,
      publisher: session.clientId,
      arrivedAt: this.#publications.now,
      properties: forwarded(properties),
    })
  }

  /** Nothing of it is left. */
  endSession(session: Session): void {
    this.#publications.sessions.delete(session.clientId)
    session.expiresAt = NEVER
    this.#publishWill(session)
    let last: Delivery | null = null
    for (const orphan of orphansOf(session)) {
      const isCopy = last?.state === 'waiting' && orphan.state === 'waiting' && last.order === orphan.order
      this.#publications.handOver(orphan, isCopy)
      last = orphan
    }
    for (const delivery of [...session.deliveries]) giveUp(delivery)
  }
}

/** What subscribers get of the properties of a PUBLISH or a will (section 14 of our reading). */
export function forwarded(properties: Properties): Properties {
  const { payloadFormat, messageExpiry, contentType, responseTopic, correlationData, userProperties } = properties
  const all = { payloadFormat, messageExpiry, contentType, responseTopic, correlationData, userProperties }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

// Never sent, or sent at QoS 1 and not acknowledged; what was sent first comes first.
function orphansOf(session: Session): Delivery[] {
  const ofGroups = session.deliveries.filter(({ group }) => group !== null)
  const sent = ofGroups.filter(({ state, qos }) => state === 'sent' && qos === 1)
  const waiting = ofGroups.filter(({ state }) => state === 'waiting')
  return [...sent.sort((a, b) => a.sentOrder - b.sentOrder), ...waiting.sort((a, b) => a.order - b.order)]
}
