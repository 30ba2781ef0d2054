import type { AnyPacket, ControlPacket } from '../../src/codec/control-packet.ts'
import type { Message } from '../../src/codec/message.ts'
import { PacketType, packetTypeNames } from '../../src/codec/packet-type.ts'
import type { AcknowledgementType } from '../../src/codec/packets/acknowledgement.ts'
import { Publish, type PublishHeader } from '../../src/codec/packets/publish.ts'
import type { SessionOutput } from '../../src/session/session-output.ts'

/**
 * Turns what a session sends into a list of plain lines: `PUBLISH t "hello" q1 #1 dup`, `PUBACK #1`, `PUBREL #2 0x92`,
 * `SUBSCRIBE #3 a/b:1`. So a test reads: fed these events, sent these packets.
 */
export class RecordingOutput implements SessionOutput {
  full = false
  #lines: string[] = []

  /** What was sent since the last call. */
  take(): string[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  sendPublish(message: Message, header: PublishHeader, remainingLength: number): void {
    if (remainingLength <= 0) throw new Error('a PUBLISH without content')
    const publish = new Publish(message.with(header.qos, header.retain), header.qos, header.dup, header.packetId)
    publish.topicAlias = header.topicAlias
    const parts = [describePacket(publish)]
    if (header.omitTopic) parts.push('no-topic')
    if (header.messageExpirySeconds >= 0) parts.push(`expires=${header.messageExpirySeconds}`)
    if (header.subscriptionIdentifiers !== null) parts.push(`identifiers=${header.subscriptionIdentifiers.join(',')}`)
    this.#lines.push(parts.join(' '))
  }

  sendAcknowledgement(packetType: AcknowledgementType, packetId: number, reasonCode: number): void {
    this.#lines.push(`${packetTypeNames[packetType]} #${packetId}${code(reasonCode)}`)
  }

  send(packet: ControlPacket): void {
    this.#lines.push(describePacket(packet))
  }
}

/** A packet in one line. */
export function describePacket(packet: AnyPacket): string {
  const name = packetTypeNames[packet.packetType]!
  switch (packet.packetType) {
    case PacketType.PUBLISH:
      return describePublish(packet)
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return `${name} #${packet.packetId}${code(packet.reasonCode)}`
    case PacketType.CONNECT:
      return `${name} ${JSON.stringify(packet.clientId)}${packet.cleanStart ? ' clean' : ''}`
    case PacketType.CONNACK:
      return `${name}${packet.sessionPresent ? ' present' : ''}${code(packet.code)}`
    case PacketType.SUBSCRIBE: {
      const identifiers = packet.properties.subscriptionIdentifiers
      const filters = packet.requests.map(({ topicFilter, qos }) => `${topicFilter}:${qos}`)
      return [name, `#${packet.packetId}`, ...filters, ...(identifiers ? [`identifier=${identifiers}`] : [])].join(' ')
    }
    case PacketType.UNSUBSCRIBE:
      return [name, `#${packet.packetId}`, ...packet.topicFilters].join(' ')
    case PacketType.SUBACK:
    case PacketType.UNSUBACK:
      return [name, `#${packet.packetId}`, ...packet.codes].join(' ')
    case PacketType.DISCONNECT:
    case PacketType.AUTH:
      return `${name}${code(packet.reasonCode)}`
    default:
      return name
  }
}

function describePublish(publish: Publish): string {
  const { message, qos, packetId, dup, topicAlias } = publish
  const parts = ['PUBLISH', message.topicName, JSON.stringify(message.payload.toString()), `q${qos}`]
  if (packetId > 0) parts.push(`#${packetId}`)
  if (dup) parts.push('dup')
  if (message.retain) parts.push('retain')
  if (topicAlias > 0) parts.push(`alias=${topicAlias}`)
  return parts.join(' ')
}

function code(reasonCode: number): string {
  return reasonCode === 0 ? '' : ` 0x${reasonCode.toString(16).padStart(2, '0')}`
}
