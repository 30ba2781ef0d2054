/**
 * A broker as plain data: what every client must get for what all clients have sent. It is written from the standard and
 * from our reading of it, for being read and not for speed, and shares nothing with the broker under test. Where the broker
 * may choose, nothing is chosen here: all allowed outcomes stay open until one is seen (SharedChoice, Reply,
 * RetainedDelivery). This file says what happens when a packet arrives or time passes; judge.ts compares that with what is seen.
 */
import { agree, connackProperties, expirySeconds } from './connect-terms.ts'
import { Endings, forwarded } from './endings.ts'
import {
  type Connection,
  isExpired,
  type Message,
  type ModelLimits,
  NEVER,
  newConnection,
  newReply,
  newSession,
  type RetainedDelivery,
  type Session,
} from './model-state.ts'
import { giveUp } from './places.ts'
import { Publications } from './publications.ts'
import { Restarts } from './restarts.ts'
import { subscribe, unsubscribe } from './subscriptions.ts'
import type {
  AcknowledgementPacket,
  ClientPacket,
  ConnectPacket,
  Properties,
  PublishPacket,
  ServerPacket,
  SubscribePacket,
  Version,
} from './wire.ts'

const CONNECT_TIMEOUT_MS = 10_000
const CLOSE_TIMEOUT_MS = 2_000
const PROTOCOL_ERROR = [0x82]
const NO_MATCHING_SUBSCRIBERS = 0x10
const QUOTA_EXCEEDED = 0x97

export class ReferenceModel {
  readonly limits: ModelLimits
  readonly connections = new Set<Connection>()
  readonly restarts: Restarts
  readonly #publications: Publications
  readonly #endings: Endings
  #assignedIds = 0

  /** @param now ms on the clock of the broker */
  constructor(limits: ModelLimits, now: number) {
    this.limits = limits
    this.#publications = new Publications(limits, now)
    this.#endings = new Endings(this.#publications)
    this.restarts = new Restarts(this, this.#endings)
  }

  get sessions(): Map<string, Session> {
    return this.#publications.sessions
  }

  get retained(): Map<string, Message> {
    return this.#publications.retained
  }

  /** ms on the clock of the broker */
  get now(): number {
    return this.#publications.now
  }

  set now(now: number) {
    this.#publications.now = now
  }

  // ---- events

  /** A client opens a Network Connection. @param version the one that its CONNECT will name */
  open(slot: number, version: Version): Connection {
    const connection = newConnection(slot, version, this.now)
    this.connections.add(connection)
    return connection
  }

  /** A whole packet of a client has arrived. */
  receive(connection: Connection, packet: ClientPacket): void {
    if (connection.phase === 'ended') return
    connection.lastPacketAt = this.now
    if (connection.phase === 'connected') this.#handle(connection, packet)
    else if (packet.type === 'CONNECT') this.#connect(connection, packet)
    else this.#end(connection, false)
    connection.isUnsettled = true
  }

  #handle(connection: Connection, packet: ClientPacket): void {
    switch (packet.type) {
      case 'CONNECT':
        return this.violate(connection, PROTOCOL_ERROR)
      case 'PUBLISH':
        return this.#publish(connection, packet)
      case 'SUBSCRIBE':
        return this.#subscribe(connection, packet)
      case 'UNSUBSCRIBE':
        return this.#reply(connection, 'UNSUBACK', { id: packet.id, codes: unsubscribe(connection, packet.filters) })
      case 'PINGREQ':
        return this.#reply(connection, 'PINGRESP', {})
      case 'DISCONNECT':
        return this.#disconnect(connection, packet.code, packet.properties)
      case 'PUBREL':
        return this.#release(connection, packet.id)
      default:
        return this.#acknowledge(connection, packet)
    }
  }

  /** A client has broken a rule: its connection ends, 5.0 clients are told why, with one of these codes [MQTT-4.13.1-1]. */
  violate(connection: Connection, codes: readonly number[]): void {
    if (connection.phase === 'ended') return
    if (connection.phase === 'connected' && connection.version === 5)
      this.#reply(connection, 'DISCONNECT', { codes: [codes] })
    this.#end(connection, false)
  }

  /** The client has closed the connection, or has broken it off. */
  lost(connection: Connection): void {
    this.#end(connection, false)
    connection.isGone = true
  }

  /** The next moment at which something happens by itself. */
  get nextDueAt(): number {
    let due = NEVER
    for (const connection of this.connections) due = Math.min(due, connectionDueAt(connection))
    for (const session of this.sessions.values()) due = Math.min(due, session.willDueAt, session.expiresAt)
    return due
  }

  /** Does what is due at {@link now}. */
  timePassed(): void {
    for (const connection of [...this.connections]) {
      if (connectionDueAt(connection) > this.now) continue
      if (connection.phase === 'connected') this.#publications.isMemberJustGone = true
      if (connection.phase === 'connected') this.violate(connection, [0x8d])
      else if (connection.phase === 'new') this.#end(connection, false)
      else connection.isGone = true
    }
    for (const session of [...this.sessions.values()]) this.#endings.sessionDue(session)
    this.#publications.isMemberJustGone = false
  }

  /** How many retained messages there are; one that expires right now may be counted or not. */
  retainedCount(): { fewest: number; most: number } {
    const all = [...this.#publications.retained.values()]
    const fewest = all.filter((message) => !isExpired(message, this.now)).length
    return {
      fewest,
      most: fewest + all.filter((message) => isExpired(message, this.now) && !isExpired(message, this.now - 1)).length,
    }
  }

  // ---- CONNECT: what is refused has changed nothing; then the older connection goes, its will before our CONNACK

  #connect(connection: Connection, packet: ConnectPacket): void {
    const refusal = this.#refusal(packet)
    if (refusal !== null) {
      this.#reply(connection, 'CONNACK', { sessionPresent: false, code: refusal })
      this.#end(connection, false)
      return
    }
    const clientId = packet.clientId === '' ? `assigned ${++this.#assignedIds}` : packet.clientId
    const old = this.sessions.get(clientId)
    if (old !== undefined) this.#takeOver(old, packet.cleanStart)
    const kept = this.sessions.get(clientId)
    const session = kept ?? newSession(clientId, packet.userName, expirySeconds(packet, this.limits) > 0)
    this.sessions.set(clientId, session)
    agree(connection, session, packet, this.limits)
    const v5 = packet.version === 5
    // MQTT 3.1 has no Session Present (M-01)
    const sessionPresent = kept !== undefined && packet.version !== 3
    const fields = {
      sessionPresent,
      code: 0,
      ...(v5 ? { properties: connackProperties(packet, this.limits) } : {}),
    }
    this.#reply(connection, 'CONNACK', fields)
    this.#resume(connection, session)
  }

  #refusal({ version, clientId, cleanStart, userName, will, properties }: ConnectPacket): number | null {
    if (clientId === '' && (version === 3 || (version === 4 && !cleanStart))) return 0x02
    if (properties.authenticationMethod !== undefined) return 0x8c
    const owner = this.sessions.get(clientId)?.owner
    const isOthers = owner !== undefined && owner !== userName
    if (isOthers || (will !== null && this.#topicRefusal(will.topic) !== 0)) return version === 5 ? 0x87 : 0x05
    return null
  }

  #takeOver(session: Session, cleanStart: boolean): void {
    const { connection } = session
    if (connection !== null) this.violate(connection, [0x8e])
    if (this.sessions.get(session.clientId) !== session) return
    if (session.isOver) session.will = null
    if (cleanStart || session.isOver) this.#endings.endSession(session)
    // back in time: a delayed will is cancelled [MQTT-3.1.3-9]
    session.will = null
    session.willDueAt = NEVER
    session.expiresAt = NEVER
  }

  // What is unfinished is sent again: PUBLISH is found by the judge, PUBREL is an answer that has to come (S-11, S-12).
  #resume(connection: Connection, session: Session): void {
    for (const delivery of session.deliveries) delivery.holdsSlot = false
    const released = session.deliveries.filter((delivery) => delivery.state === 'released')
    for (const { packetId, sentOrder } of released.sort((a, b) => a.sentOrder - b.sentOrder)) {
      this.#reply(connection, 'PUBREL', { id: packetId, code: 0 }, { sentOrder })
    }
  }

  // ---- the end of a connection

  #disconnect(connection: Connection, code: number, properties: Properties): void {
    const { sessionExpiry } = properties
    if (sessionExpiry !== undefined) {
      // from 0 to anything else is a Protocol Error (S-08)
      if (sessionExpiry > 0 && connection.requestedExpirySeconds === 0) {
        this.violate(connection, PROTOCOL_ERROR)
        return
      }
      connection.session!.expirySeconds = Math.min(sessionExpiry, this.limits.maximumSessionExpirySeconds)
    }
    this.#end(connection, code === 0)
  }

  #end(connection: Connection, discardsWill: boolean): void {
    if (connection.phase === 'ended') return
    const { session } = connection
    connection.phase = 'ended'
    connection.closesAt = this.now + CLOSE_TIMEOUT_MS
    if (session === null) return
    this.#endings.connectionLost(connection, session)
    if (discardsWill) session.will = null
    this.#endings.startCountdown(session)
    this.#endings.sessionDue(session)
  }

  // ---- publishing

  #publish(connection: Connection, packet: PublishPacket): void {
    const topic = this.#resolveAlias(connection, packet)
    if (topic === null) return
    const session = connection.session!
    const { id, qos } = packet
    if (qos > 0 && this.#exceedsReceiveMaximum(connection, packet)) return this.violate(connection, [0x93])
    if (qos === 0) {
      this.#accept(connection, packet, topic)
    } else if (qos === 1) {
      // P-11
      const isOpen = session.incoming.has(id)
      if (isOpen && connection.version !== 5) return this.violate(connection, PROTOCOL_ERROR)
      const code = isOpen ? 0x91 : this.#accept(connection, packet, topic)
      this.#reply(connection, 'PUBACK', { id, code: connection.version === 5 ? code : 0 })
    } else if (session.incoming.has(id)) {
      // until PUBREL each PUBLISH gets a PUBREC and is not delivered again [MQTT-4.3.3-10 v5]
      session.incoming.set(id, connection)
      this.#reply(connection, 'PUBREC', { id, code: 0 })
    } else {
      const code = this.#accept(connection, packet, topic)
      // after a code of 0x80 or more the id is free at once [MQTT-4.3.3-9 v5]
      if (code < 0x80 || connection.version !== 5) session.incoming.set(id, connection)
      this.#reply(connection, 'PUBREC', { id, code: connection.version === 5 ? code : 0 })
    }
  }

  // @returns null when the connection was ended for it
  #resolveAlias(connection: Connection, { topic, properties }: PublishPacket): string | null {
    const { topicAlias: alias } = properties
    if (alias !== undefined && (alias === 0 || alias > this.limits.maximumTopicAliases)) {
      this.violate(connection, [0x94])
      return null
    }
    const known = topic === '' ? connection.incomingAliases.get(alias ?? 0) : topic
    if (known === undefined) {
      this.violate(connection, PROTOCOL_ERROR)
      return null
    }
    if (alias !== undefined) connection.incomingAliases.set(alias, known)
    return known
  }

  // A repeated PUBLISH with the same open id is not a further one (F-06); there is no such limit before 5.0 (F-07).
  #exceedsReceiveMaximum(connection: Connection, { id, qos }: PublishPacket): boolean {
    const { incoming } = connection.session!
    if (connection.version !== 5 || (qos === 2 && incoming.get(id) === connection)) return false
    const open = [...incoming.values()].filter((lastOn) => lastOn === connection).length
    return open >= this.limits.receiveMaximum
  }

  // @returns Reason Code for the acknowledgement
  #accept(connection: Connection, packet: PublishPacket, topic: string): number {
    const refusal = this.#topicRefusal(topic)
    if (refusal !== 0) return refusal
    const { payload, qos, retain, properties } = packet
    const { clientId } = connection
    const { matched, taken } = this.#publications.route({
      topic,
      payload,
      qos,
      retain,
      publisher: clientId,
      arrivedAt: this.now,
      properties: forwarded(properties),
    })
    if (matched === 0) return NO_MATCHING_SUBSCRIBERS
    return taken === 0 ? QUOTA_EXCEEDED : 0
  }

  // `$SYS` is the server's own (Y-01), `$share/` is no topic (Y-04), depth has a limit (T-13).
  #topicRefusal(topic: string): number {
    if (topic === '$SYS' || topic.startsWith('$SYS/')) return 0x87
    return topic.startsWith('$share/') || topic.split('/').length > this.limits.maximumTopicLevels ? 0x90 : 0
  }

  // ---- acknowledgements

  #release(connection: Connection, id: number): void {
    const isOpen = connection.session!.incoming.delete(id)
    // [MQTT-4.3.3-11 v5]: always answered
    this.#reply(connection, 'PUBCOMP', { id, code: isOpen || connection.version !== 5 ? 0 : 0x92 })
  }

  #acknowledge(connection: Connection, { type, id, code }: AcknowledgementPacket): void {
    const session = connection.session!
    const delivery = session.deliveries.find(({ state, packetId }) => state !== 'waiting' && packetId === id)
    const isRefused = code >= 0x80
    if (delivery === undefined) {
      // O-09
      if (type !== 'PUBREC' || isRefused) return
      this.#reply(connection, 'PUBREL', { id, code: connection.version === 5 ? 0x92 : 0 })
      return
    }
    const expected = delivery.qos === 1 ? 'PUBACK' : delivery.state === 'sent' ? 'PUBREC' : 'PUBCOMP'
    const isRepeated = type === 'PUBREC' && expected === 'PUBCOMP'
    if (type !== expected && !isRepeated) return this.violate(connection, PROTOCOL_ERROR)
    if (type === 'PUBREC' && !isRefused) {
      delivery.state = 'released'
      this.#reply(connection, 'PUBREL', { id, code: 0 })
    } else {
      giveUp(delivery)
    }
  }

  #subscribe(connection: Connection, { id, filters, identifier }: SubscribePacket): void {
    const { codes, retained } = subscribe(this.#publications, this.limits, connection, filters, identifier)
    this.#reply(connection, 'SUBACK', { id, codes }, { retained })
  }

  #reply(
    connection: Connection,
    type: ServerPacket['type'],
    fields: Record<string, unknown>,
    { retained = [], sentOrder = 0 }: { retained?: readonly RetainedDelivery[]; sentOrder?: number } = {},
  ): void {
    connection.replies.push(newReply(type, fields, retained, sentOrder))
  }
}

function connectionDueAt(connection: Connection): number {
  if (connection.isGone) return NEVER
  if (connection.phase === 'new') return connection.openedAt + CONNECT_TIMEOUT_MS
  if (connection.phase === 'ended') return connection.closesAt
  return connection.keepAliveSeconds === 0 ? NEVER : connection.lastPacketAt + connection.keepAliveSeconds * 1500
}
