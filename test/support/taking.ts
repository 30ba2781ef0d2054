import { PacketType } from '../../src/codec/packet-type.ts'
import type { QoS } from '../../src/codec/qos.ts'
import type { RawClient } from './raw-client.ts'

/** One message as a subscriber saw it. */
export interface TakenMessage {
  readonly topicName: string
  readonly payload: string
  readonly qos: QoS
  readonly dup: boolean
  readonly packetId: number
}

/**
 * Takes what comes and acknowledges it by the book, until so many messages have come and every exchange has ended.
 * @throws Error when anything but PUBLISH and PUBREL comes
 */
export async function take(client: RawClient, count: number): Promise<TakenMessage[]> {
  const messages: TakenMessage[] = []
  const open = new Set<number>()
  while (messages.length < count || open.size > 0) {
    const packet = await client.next()
    if (packet.packetType === PacketType.PUBLISH) {
      const { message, qos, dup, packetId } = packet
      messages.push({ topicName: message.topicName, payload: message.payload.toString(), qos, dup, packetId })
      if (qos === 1) client.acknowledge(PacketType.PUBACK, packetId)
      if (qos < 2) continue
      open.add(packetId)
      client.acknowledge(PacketType.PUBREC, packetId)
    } else if (packet.packetType === PacketType.PUBREL) {
      open.delete(packet.packetId)
      client.acknowledge(PacketType.PUBCOMP, packet.packetId)
    } else {
      throw new Error(`packet of type ${packet.packetType} while messages were expected`)
    }
  }
  return messages
}
