import { PacketType } from '../packet-type.ts'
import { NO_PROPERTIES, type Properties } from '../property.ts'
import { decodeProperties, encodeProperties } from '../property-section.ts'
import { ProtocolVersion } from '../protocol-version.ts'
import type { Reader } from '../reader.ts'
import type { Writer } from '../writer.ts'
import { decodeRequestPacketId, decodeTopicFilter } from './subscribe.ts'

/** An UNSUBSCRIBE packet (section 3.10). */
export class Unsubscribe {
  readonly packetType = PacketType.UNSUBSCRIBE
  readonly packetId: number
  readonly topicFilters: readonly string[]
  readonly properties: Properties

  constructor(packetId: number, topicFilters: readonly string[], properties: Properties = NO_PROPERTIES) {
    this.packetId = packetId
    this.topicFilters = topicFilters
    this.properties = properties
  }
}

/** @throws ProtocolViolation UNSUBSCRIBE_WITHOUT_FILTER and those of filters */
export function decodeUnsubscribe(reader: Reader): Unsubscribe {
  const packetId = decodeRequestPacketId(reader)
  const properties =
    reader.version === ProtocolVersion.V5 ? decodeProperties(reader, PacketType.UNSUBSCRIBE) : NO_PROPERTIES
  if (reader.remaining === 0) reader.violate('UNSUBSCRIBE_WITHOUT_FILTER', reader.offset, 'Payload')
  const topicFilters: string[] = []
  while (reader.remaining > 0) topicFilters.push(decodeTopicFilter(reader))
  return new Unsubscribe(packetId, topicFilters, properties)
}

export function encodeUnsubscribe(writer: Writer, unsubscribe: Unsubscribe): void {
  writer.uint16(unsubscribe.packetId)
  if (writer.version === ProtocolVersion.V5) encodeProperties(writer, unsubscribe.properties)
  for (const topicFilter of unsubscribe.topicFilters) writer.string(topicFilter, 'Topic Filter')
}
