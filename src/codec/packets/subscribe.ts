import { isSharedFilter, TopicFilterFault, topicFilterFault } from '../../topic/topic-filter.ts'
import { PacketType } from '../packet-type.ts'
import { NO_PROPERTIES, type Properties } from '../property.ts'
import { decodeProperties, encodeProperties } from '../property-section.ts'
import { ProtocolVersion } from '../protocol-version.ts'
import type { QoS } from '../qos.ts'
import type { Reader } from '../reader.ts'
import type { ViolationName } from '../violation.ts'
import type { Writer } from '../writer.ts'

/** When a new subscription is answered with retained messages (5.0 section 3.8.3.1). */
export const RetainHandling = { ALWAYS: 0, IF_NEW: 1, NEVER: 2 } as const
export type RetainHandling = (typeof RetainHandling)[keyof typeof RetainHandling]

/** A Topic Filter with its Subscription Options. The last three exist since 5.0 and have their 3.1.1 meaning before. */
export interface SubscriptionRequest {
  readonly topicFilter: string
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: RetainHandling
}

/** A SUBSCRIBE packet (section 3.8). */
export class Subscribe {
  readonly packetType = PacketType.SUBSCRIBE
  readonly packetId: number
  readonly requests: readonly SubscriptionRequest[]
  readonly properties: Properties

  constructor(packetId: number, requests: readonly SubscriptionRequest[], properties: Properties = NO_PROPERTIES) {
    this.packetId = packetId
    this.requests = requests
    this.properties = properties
  }
}

/** What is wrong with a filter, as a row of the table of violations. */
export const filterViolations: Readonly<Record<TopicFilterFault, ViolationName | null>> = {
  [TopicFilterFault.NONE]: null,
  [TopicFilterFault.EMPTY]: 'TOPIC_FILTER_EMPTY',
  [TopicFilterFault.NUL]: 'STRING_HAS_NUL',
  [TopicFilterFault.HASH_MISPLACED]: 'TOPIC_FILTER_HASH_MISPLACED',
  [TopicFilterFault.PLUS_MISPLACED]: 'TOPIC_FILTER_PLUS_MISPLACED',
  [TopicFilterFault.SHARE_NAME_EMPTY]: 'SHARE_NAME_EMPTY',
  [TopicFilterFault.SHARE_NAME_INVALID]: 'SHARE_NAME_INVALID',
}

/** Reads and judges one Topic Filter, for SUBSCRIBE and UNSUBSCRIBE alike. */
export function decodeTopicFilter(reader: Reader): string {
  const at = reader.offset
  const filter = reader.string('Topic Filter')
  const fault = topicFilterFault(filter)
  const violation = filterViolations[fault]
  // U+0000 was reported with the string
  if (violation !== null && fault !== TopicFilterFault.NUL) reader.violate(violation, at + 2, 'Topic Filter')
  return filter
}

/** @throws ProtocolViolation SUBSCRIBE_WITHOUT_FILTER, SUBSCRIBE_QOS_INVALID, SUBSCRIBE_RESERVED_BITS and those of filters */
export function decodeSubscribe(reader: Reader): Subscribe {
  const packetId = decodeRequestPacketId(reader)
  const properties =
    reader.version === ProtocolVersion.V5 ? decodeProperties(reader, PacketType.SUBSCRIBE) : NO_PROPERTIES
  if (reader.remaining === 0) reader.violate('SUBSCRIBE_WITHOUT_FILTER', reader.offset, 'Payload')
  const requests: SubscriptionRequest[] = []
  while (reader.remaining > 0) requests.push(decodeRequest(reader))
  return new Subscribe(packetId, requests, properties)
}

/** Reads a Packet Identifier that must not be 0 [MQTT-2.3.1-1 v311, MQTT-2.2.1-3 v5]. */
export function decodeRequestPacketId(reader: Reader): number {
  const packetId = reader.uint16('Packet Identifier')
  if (packetId === 0) reader.violate('PACKET_ID_IS_0', reader.offset - 2, 'Packet Identifier')
  return packetId
}

function decodeRequest(reader: Reader): SubscriptionRequest {
  const topicFilter = decodeTopicFilter(reader)
  const at = reader.offset
  const v5 = reader.version === ProtocolVersion.V5
  const options = reader.byte(v5 ? 'Subscription Options' : 'Requested QoS')
  const field = v5 ? 'Subscription Options' : 'Requested QoS'
  if ((options & (v5 ? 0xc0 : 0xfc)) !== 0) reader.violate('SUBSCRIBE_RESERVED_BITS', at, field)
  if ((options & 3) === 3) reader.violate('SUBSCRIBE_QOS_INVALID', at, field)
  const retainHandling = v5 ? (options >> 4) & 3 : 0
  if (retainHandling === 3) reader.violate('RETAIN_HANDLING_IS_3', at, field)
  const noLocal = v5 && (options & 4) !== 0
  // [MQTT-3.8.3-4 v5]
  if (noLocal && isSharedFilter(topicFilter)) reader.violate('NO_LOCAL_ON_SHARED_SUBSCRIPTION', at, field)
  return {
    topicFilter,
    qos: Math.min(options & 3, 2) as QoS,
    noLocal,
    retainAsPublished: v5 && (options & 8) !== 0,
    retainHandling: Math.min(retainHandling, 2) as RetainHandling,
  }
}

export function encodeSubscribe(writer: Writer, subscribe: Subscribe): void {
  const v5 = writer.version === ProtocolVersion.V5
  writer.uint16(subscribe.packetId)
  if (v5) encodeProperties(writer, subscribe.properties)
  for (const request of subscribe.requests) {
    writer.string(request.topicFilter, 'Topic Filter')
    const options = (request.noLocal ? 4 : 0) | (request.retainAsPublished ? 8 : 0) | (request.retainHandling << 4)
    writer.byte(v5 ? request.qos | options : request.qos)
  }
}
