import type { Properties, QoS, ServerPacket, Version } from './wire.ts'

/** Bounds of the broker that the model knows of, under the names of its configuration. */
export interface ModelLimits {
  /** unreleased QoS 2 messages from a 5.0 client */
  readonly receiveMaximum: number
  readonly maximumInFlightMessages: number
  readonly maximumQueuedMessages: number
  readonly maximumQos0QueuedBytes: number
  /** bytes on their way to a client before messages wait: then it is no longer the first choice of its groups */
  readonly maximumOutputBytes: number
  /** longer than any script: how long a client may be behind is tested elsewhere */
  readonly stuckTimeoutSeconds: number
  readonly maximumPacketBytes: number
  readonly maximumTopicAliases: number
  readonly maximumTopicLevels: number
  readonly maximumSubscriptions: number
  readonly maximumSessionExpirySeconds: number
  readonly maximumKeepAliveSeconds: number
}

/** What was published: by a client, or as its will. */
export interface Message {
  readonly topic: string
  readonly payload: string
  readonly qos: QoS
  readonly retain: boolean
  /** Client Identifier */
  readonly publisher: string
  readonly arrivedAt: number
  /** what is forwarded, Message Expiry Interval as published */
  readonly properties: Properties
}

export interface Subscription {
  /** as the client wrote it, `$share/...` included */
  readonly filter: string
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** 0 for none */
  readonly identifier: number
}

/** A message that went to one member of a Shared Subscription, and the model does not know yet to which. */
export interface SharedChoice {
  /** the places where it may be */
  readonly places: Set<Delivery>
  /** it may also have been dropped by right */
  mayBeLost: boolean
}

/** A message on its way to one session. */
export interface Delivery {
  readonly message: Message
  readonly qos: QoS
  readonly retain: boolean
  readonly identifiers: readonly number[]
  /** they were not seen */
  hasAnyIdentifier: boolean
  /** place in the order in which the session was given its messages; equal for the copies of one message */
  readonly order: number
  /** the Shared Subscription it was chosen for */
  readonly group: string | null
  choice: SharedChoice | null
  /** waiting for its PUBLISH, for PUBACK or PUBREC, for PUBCOMP */
  state: 'waiting' | 'sent' | 'released'
  /** its PUBLISH may have left on a connection that ended before anybody saw it */
  maybeSent: boolean
  packetId: number
  sentOn: Connection | null
  /** place in the order of first sending */
  sentOrder: number
  holdsSlot: boolean
  /** the list that holds it */
  readonly home: Delivery[]
}

/** A retained message to be sent because of a SUBSCRIBE. */
export interface RetainedDelivery {
  readonly delivery: Delivery
  readonly filter: string
  /** SUBACK was seen */
  isActive: boolean
  /** must be sent once there is room; false: may be */
  isDue: boolean
  /** a newer value was published since */
  isStale: boolean
  /** a newer value was seen by this session since, so this one must not be */
  isForbidden: boolean
}

export interface Will {
  readonly topic: string
  readonly payload: string
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: Properties
  readonly delaySeconds: number
  /** after a restart of the server that died with the connection open (W-10) */
  readonly restartDelaySeconds: number
}

export interface Session {
  readonly clientId: string
  readonly owner: string | null
  connection: Connection | null
  /** a store has it: it was to outlive its first connection */
  readonly isKept: boolean
  /** it ended with the last run of the server, and only its will is still to come (W-10) */
  isOver: boolean
  expirySeconds: number
  /** when it ends, and when its will is published, once the connection has ended */
  expiresAt: number
  willDueAt: number
  will: Will | null
  readonly subscriptions: Map<string, Subscription>
  /** QoS 1 and 2 */
  readonly deliveries: Delivery[]
  readonly retained: RetainedDelivery[]
  /** unreleased ids of incoming QoS 2 messages, and the connection on which the PUBLISH came last */
  readonly incoming: Map<number, Connection>
}

/** An answer that has to come, in the order of its packet type. */
export interface Reply {
  readonly type: ServerPacket['type']
  /** fields that must be so; SUBACK and UNSUBACK: `codes` lists the allowed ones per filter */
  readonly fields: Record<string, unknown>
  /** SUBACK: the retained messages that follow it */
  readonly retained: readonly RetainedDelivery[]
  /** PUBREL because of a resumed session: place in the order of first sending, else 0 */
  readonly sentOrder: number
  /** it came because of a change that a store does not have yet (U-01) */
  isUncommitted: boolean
}

export interface Connection {
  readonly slot: number
  readonly openedAt: number
  /** of the client, known before CONNECT too: what it will speak */
  readonly version: Version
  phase: 'new' | 'connected' | 'ended'
  session: Session | null
  clientId: string
  lastPacketAt: number
  keepAliveSeconds: number
  requestedExpirySeconds: number
  receiveMaximum: number
  maximumPacketBytes: number
  topicAliasMaximum: number
  isBridge: boolean
  readonly incomingAliases: Map<number, string>
  readonly replies: Reply[]
  /** QoS 0 messages that must be on their way */
  readonly qos0: Delivery[]
  /** the most of them that there was while the client did not read, counted as generously as a broker may */
  waitedQos0Bytes: number
  /** payloads seen since everything that had to be sent was seen */
  seenBytes: number
  /** the client does not read, or has not caught up */
  isBehind: boolean
  /** something happened since everything that had to be sent was seen */
  isUnsettled: boolean
  /** by then the broker cuts it off, once the phase is ended */
  closesAt: number
  /** the client is gone: nothing more is seen */
  isGone: boolean
}

export const NEVER = Number.POSITIVE_INFINITY

export function newSession(clientId: string, owner: string | null, isKept: boolean): Session {
  return {
    clientId,
    owner,
    connection: null,
    isKept,
    isOver: false,
    expirySeconds: 0,
    expiresAt: NEVER,
    willDueAt: NEVER,
    will: null,
    subscriptions: new Map(),
    deliveries: [],
    retained: [],
    incoming: new Map(),
  }
}

export function newConnection(slot: number, version: Version, now: number): Connection {
  return {
    slot,
    openedAt: now,
    version,
    phase: 'new',
    session: null,
    clientId: '',
    lastPacketAt: now,
    keepAliveSeconds: 0,
    requestedExpirySeconds: 0,
    receiveMaximum: 65_535,
    maximumPacketBytes: NEVER,
    topicAliasMaximum: 0,
    isBridge: false,
    incomingAliases: new Map(),
    replies: [],
    qos0: [],
    waitedQos0Bytes: 0,
    seenBytes: 0,
    isBehind: false,
    isUnsettled: true,
    closesAt: NEVER,
    isGone: false,
  }
}

export function newReply(
  type: Reply['type'],
  fields: Reply['fields'],
  retained: readonly RetainedDelivery[] = [],
  sentOrder = 0,
): Reply {
  return { type, fields, retained, sentOrder, isUncommitted: false }
}

export function newDelivery(
  home: Delivery[],
  order: number,
  message: Message,
  qos: QoS,
  retain: boolean,
  identifiers: readonly number[],
  group: string | null,
): Delivery {
  return {
    message,
    qos,
    retain,
    identifiers: identifiers.filter((identifier) => identifier !== 0),
    hasAnyIdentifier: false,
    order,
    group,
    choice: null,
    state: 'waiting',
    maybeSent: false,
    packetId: 0,
    sentOn: null,
    sentOrder: 0,
    holdsSlot: false,
    home,
  }
}

/** The Message Expiry Interval has passed [MQTT-3.3.2-5]. */
export function isExpired(message: Message, now: number): boolean {
  const { messageExpiry } = message.properties
  return messageExpiry !== undefined && now - message.arrivedAt >= messageExpiry * 1000
}

/** `$share/{group}/{filter}` taken apart; null for a filter that is not shared. */
export function sharedFilter(filter: string): string | null {
  const match = /^\$share\/[^/]+\/(.*)$/s.exec(filter)
  return match === null ? null : match[1]!
}

/** Does a filter, not a shared one, match a Topic Name (section 4.7)? */
export function filterMatches(filter: string, topic: string): boolean {
  const filterLevels = filter.split('/')
  const topicLevels = topic.split('/')
  if (topic.startsWith('$') && (filterLevels[0] === '#' || filterLevels[0] === '+')) return false
  for (const [i, level] of filterLevels.entries()) {
    if (level === '#') return true
    if (i >= topicLevels.length || (level !== '+' && level !== topicLevels[i])) return false
  }
  return filterLevels.length === topicLevels.length
}
