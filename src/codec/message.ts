import { TopicNameFault, topicNameFault } from '../topic/topic-name.ts'
import { copyBytes } from './copy-bytes.ts'
import { PacketType, Role } from './packet-type.ts'
import { NO_PROPERTIES, type Properties, PropertyId, type PropertyRow } from './property.ts'
import { decodeRows, encodeRows } from './property-section.ts'
import { ProtocolVersion } from './protocol-version.ts'
import type { QoS } from './qos.ts'
import { Reader } from './reader.ts'
import { Slab } from './slab.ts'
import { ProtocolViolation } from './violation.ts'
import { Writer } from './writer.ts'

/** What a publisher says about a message beside topic and payload. */
export interface MessageOptions {
  readonly qos?: QoS
  readonly retain?: boolean
  /** Payload Format Indicator, Message Expiry Interval, Content Type, Response Topic, Correlation Data, User Properties */
  readonly properties?: Properties
}

/** Whom the bytes of a message belong to, and so how long they are good. */
export const Hold = {
  /** the chunk they came in: for this turn */
  CHUNK: 0,
  /** messages under way share them */
  UNDER_WAY: 1,
  /** messages that stay share them, or they are the message's own */
  KEPT: 2,
} as const
export type Hold = (typeof Hold)[keyof typeof Hold]

const underWay = new Slab(8192, 4096)
/** No more than a kilobyte of others that are gone stays with one message. */
const kept = new Slab(1024, 256)

/**
 * The bytes of a message from its topic to the end of its payload are those of a PUBLISH packet of this version and QoS, but for the
 * Packet Identifier: one copy of them makes another such packet. UNKNOWN: they are not.
 */
export const Layout = { UNKNOWN: 0, V3_QOS_0: 1, V3_QOS_1_OR_2: 2, V5_QOS_0: 3, V5_QOS_1_OR_2: 4 } as const
export type Layout = (typeof Layout)[keyof typeof Layout]

/** Hot. */
export function layoutOf(version: ProtocolVersion, qos: QoS): Layout {
  return ((version === ProtocolVersion.V5 ? Layout.V5_QOS_0 : Layout.V3_QOS_0) + (qos > 0 ? 1 : 0)) as Layout
}

/** Absent Message Expiry Interval. */
export const NEVER_EXPIRES = -1

/**
 * An Application Message: what is routed, queued and retained. Topic, properties and payload lie in one buffer, encoded,
 * in this order and maybe with gaps; so a message from the wire is forwarded without taking it apart, and 3.1.1 and 5.0
 * receivers are served from the same bytes.
 *
 * A decoded message looks into the chunk it came in and is good for this turn; {@link own} and {@link keep} copy what has to
 * live longer.
 */
export class Message {
  topicName: string
  bytes: Buffer
  /** UTF-8 of the Topic Name, without its length */
  topicStart: number
  topicEnd: number
  /** the properties that are forwarded, encoded, without Property Length, Message Expiry Interval, Topic Alias and Subscription Identifiers */
  propertiesStart: number
  propertiesEnd: number
  payloadStart: number
  payloadEnd: number
  /** QoS of the publisher */
  qos: QoS
  /** RETAIN of the publisher */
  retain: boolean
  /** seconds as received, {@link NEVER_EXPIRES} when absent */
  messageExpiryIntervalSeconds = NEVER_EXPIRES
  /** monotonic time of arrival at the Server, set by {@link arrive} */
  arrivedAtMs = 0
  /** position in the Server's order of arrival, set by {@link arrive}; 0 before */
  sequence = 0
  /** Client Identifier of who published it, for No Local on retained messages; null for the Server itself */
  publisher: string | null = null
  hold: Hold
  layout: Layout = Layout.UNKNOWN

  constructor(
    topicName: string,
    bytes: Buffer,
    topicStart: number,
    topicEnd: number,
    qos: QoS,
    retain: boolean,
    hold: Hold,
  ) {
    this.topicName = topicName
    this.bytes = bytes
    this.topicStart = topicStart
    this.topicEnd = topicEnd
    this.propertiesStart = topicEnd
    this.propertiesEnd = topicEnd
    this.payloadStart = topicEnd
    this.payloadEnd = topicEnd
    this.qos = qos
    this.retain = retain
    this.hold = hold
  }

  /**
   * Makes a message of one's own.
   * @param payload copied; a string is encoded as UTF-8
   * @throws ProtocolViolation (ours) for a topic with wildcards, empty, too long or not encodable, and for properties that are
   */
  static create(topicName: string, payload: Uint8Array | string, options: MessageOptions = {}): Message {
    checkTopicName(topicName)
    const topic = encodeTopic(topicName)
    const content = typeof payload === 'string' ? Buffer.from(payload) : payload
    const { qos = 0, retain = false, properties = NO_PROPERTIES } = options
    const forwarded = properties === NO_PROPERTIES ? NOTHING : encodeForwarded(properties)
    const message = Message.compose(topicName, topic, forwarded, content, qos, retain)
    message.messageExpiryIntervalSeconds = properties.messageExpiryIntervalSeconds ?? NEVER_EXPIRES
    return message
  }

  /** Puts a message together from encoded parts, copying all three. */
  static compose(
    topicName: string,
    topic: Uint8Array,
    forwarded: Uint8Array,
    payload: Uint8Array,
    qos: QoS,
    retain: boolean,
  ): Message {
    const bytes = Buffer.allocUnsafe(topic.length + forwarded.length + payload.length)
    bytes.set(topic, 0)
    bytes.set(forwarded, topic.length)
    bytes.set(payload, topic.length + forwarded.length)
    const message = new Message(topicName, bytes, 0, topic.length, qos, retain, Hold.UNDER_WAY)
    message.propertiesEnd = topic.length + forwarded.length
    message.payloadStart = message.propertiesEnd
    message.payloadEnd = bytes.length
    return message
  }

  /** The payload, a view; good as long as {@link bytes} are. */
  get payload(): Buffer {
    return this.bytes.subarray(this.payloadStart, this.payloadEnd)
  }

  get payloadBytes(): number {
    return this.payloadEnd - this.payloadStart
  }

  /** What the message weighs in a queue, in bytes: topic, properties and payload. */
  get storedBytes(): number {
    return (
      this.payloadEnd - this.payloadStart + this.propertiesEnd - this.propertiesStart + this.topicEnd - this.topicStart
    )
  }

  /** The publisher's properties, decoded at each call; Message Expiry Interval as received. */
  get properties(): Properties {
    const empty = this.propertiesStart === this.propertiesEnd
    if (empty && this.messageExpiryIntervalSeconds < 0) return NO_PROPERTIES
    const result = empty ? {} : decodeForwarded(this)
    if (this.messageExpiryIntervalSeconds >= 0) result.messageExpiryIntervalSeconds = this.messageExpiryIntervalSeconds
    return result
  }

  /** Starts the Message Expiry Interval and takes a place in the order of arrival. */
  arrive(nowMs: number, sequence: number): void {
    this.arrivedAtMs = nowMs
    this.sequence = sequence
  }

  /** True when the Message Expiry Interval has passed [MQTT-3.3.2-5]. */
  isExpired(nowMs: number): boolean {
    return (
      this.messageExpiryIntervalSeconds >= 0 && nowMs - this.arrivedAtMs >= this.messageExpiryIntervalSeconds * 1000
    )
  }

  /**
   * The Message Expiry Interval to send on: the received value less the whole seconds waited [MQTT-3.3.2-6].
   * @returns seconds, never below 0; {@link NEVER_EXPIRES} when there is none
   */
  remainingExpirySeconds(nowMs: number): number {
    if (this.messageExpiryIntervalSeconds < 0) return NEVER_EXPIRES
    return Math.max(0, this.messageExpiryIntervalSeconds - Math.floor((nowMs - this.arrivedAtMs) / 1000))
  }

  /** Copies topic, properties and payload out of the chunk, once, so that the message may outlive the turn. */
  own(): this {
    if (this.hold === Hold.CHUNK) this.#moveTo(underWay, Hold.UNDER_WAY)
    return this
  }

  /** As {@link own}, for a message that may stay for long: it keeps no memory but its own, or little. */
  keep(): this {
    if (this.hold === Hold.KEPT) return this
    // a long message under way has memory of its own already, and there may be a thousand of them
    const isAlone = this.hold === Hold.UNDER_WAY && this.bytes.buffer.byteLength === this.payloadEnd - this.topicStart
    if (isAlone) this.hold = Hold.KEPT
    else this.#moveTo(kept, Hold.KEPT)
    return this
  }

  #moveTo(slab: Slab, hold: Hold): void {
    const start = this.topicStart
    // what lies between topic and payload is copied along: one copy beats three
    const byteCount = this.payloadEnd - start
    let at = 0
    let target: Buffer
    if (byteCount > slab.longestBytes) target = Buffer.allocUnsafeSlow(byteCount)
    else {
      at = slab.place(byteCount)
      target = slab.bytes
    }
    copyBytes(this.bytes, start, this.payloadEnd, target, at)
    const moved = at - start
    this.bytes = target
    this.topicStart += moved
    this.topicEnd += moved
    this.propertiesStart += moved
    this.propertiesEnd += moved
    this.payloadStart += moved
    this.payloadEnd += moved
    this.hold = hold
  }

  /** The same topic, properties and payload as a new message with another QoS or RETAIN; shares the bytes. */
  with(qos: QoS, retain: boolean): Message {
    const copy = new Message(this.topicName, this.bytes, this.topicStart, this.topicEnd, qos, retain, this.hold)
    copy.propertiesStart = this.propertiesStart
    copy.propertiesEnd = this.propertiesEnd
    copy.payloadStart = this.payloadStart
    copy.payloadEnd = this.payloadEnd
    copy.layout = this.layout
    copy.messageExpiryIntervalSeconds = this.messageExpiryIntervalSeconds
    copy.arrivedAtMs = this.arrivedAtMs
    copy.sequence = this.sequence
    copy.publisher = this.publisher
    return copy
  }

  /** A copy under another Topic Name: what a Topic Alias stood for. */
  withTopic(topicName: string, topic: Uint8Array): Message {
    const forwarded = this.bytes.subarray(this.propertiesStart, this.propertiesEnd)
    const copy = Message.compose(topicName, topic, forwarded, this.payload, this.qos, this.retain)
    copy.messageExpiryIntervalSeconds = this.messageExpiryIntervalSeconds
    copy.arrivedAtMs = this.arrivedAtMs
    copy.sequence = this.sequence
    copy.publisher = this.publisher
    return copy
  }

  /** UTF-8 of the Topic Name, a view. */
  get topic(): Buffer {
    return this.bytes.subarray(this.topicStart, this.topicEnd)
  }
}

const NOTHING = new Uint8Array(0)
const writer = new Writer()

function checkTopicName(topicName: string): void {
  const fault = topicNameFault(topicName)
  if (fault === TopicNameFault.NONE) return
  const violation =
    fault === TopicNameFault.EMPTY
      ? 'TOPIC_NAME_EMPTY'
      : fault === TopicNameFault.WILDCARD
        ? 'TOPIC_NAME_HAS_WILDCARD'
        : 'STRING_HAS_NUL'
  throw new ProtocolViolation(violation, {
    version: ProtocolVersion.V5,
    packetType: PacketType.PUBLISH,
    field: 'Topic Name',
    ours: true,
  })
}

function encodeTopic(topicName: string): Buffer {
  writer.start(ProtocolVersion.V5)
  writer.string(topicName, 'Topic Name')
  return writer.body().subarray(2)
}

function isForwarded(row: PropertyRow): boolean {
  return (
    row.id !== PropertyId.MESSAGE_EXPIRY_INTERVAL &&
    row.id !== PropertyId.TOPIC_ALIAS &&
    row.id !== PropertyId.SUBSCRIPTION_IDENTIFIER &&
    (row.places & (1 << PacketType.PUBLISH)) !== 0
  )
}

function encodeForwarded(properties: Properties): Buffer {
  const { responseTopic } = properties
  if (responseTopic !== undefined && topicNameFault(responseTopic) === TopicNameFault.WILDCARD) {
    throw new ProtocolViolation('RESPONSE_TOPIC_HAS_WILDCARD', {
      version: ProtocolVersion.V5,
      packetType: PacketType.PUBLISH,
      ours: true,
    })
  }
  writer.start(ProtocolVersion.V5)
  encodeRows(writer, properties, isForwarded)
  return writer.body()
}

/** Reads without judging: what came in was judged when the packet was decoded, and a lenient reader may have let it pass. */
class UncheckedReader extends Reader {
  override violate(): void {}
}

function decodeForwarded(message: Message): Properties {
  const reader = new UncheckedReader(Role.SERVER)
  reader.version = ProtocolVersion.V5
  reader.open(
    message.bytes,
    message.propertiesStart,
    message.propertiesStart,
    message.propertiesEnd,
    PacketType.PUBLISH,
  )
  return decodeRows(reader, PacketType.PUBLISH)
}
