import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Message } from '../../src/codec/message.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Publish } from '../../src/codec/packets/publish.ts'
import type { Properties } from '../../src/codec/property.ts'
import type { QoS } from '../../src/codec/qos.ts'

/** What a PUBLISH may say beside topic and payload; absent is 0, false or none. */
export interface PublishFields {
  readonly qos?: QoS
  readonly dup?: boolean
  readonly retain?: boolean
  readonly packetId?: number
  readonly topicAlias?: number
  readonly subscriptionIdentifiers?: number[]
  /** those of the message; Topic Alias and Subscription Identifiers have fields of their own */
  readonly properties?: Properties
}

/** Makes a PUBLISH; its topic may be empty, as beside a Topic Alias. */
export function publish(topicName: string, payload: Uint8Array | string, fields: PublishFields = {}): Publish {
  const { qos = 0, retain = false, properties } = fields
  const options = properties === undefined ? { qos, retain } : { qos, retain, properties }
  const named = Message.create(topicName === '' ? 'anything' : topicName, payload, options)
  const message = topicName === '' ? named.withTopic('', Buffer.alloc(0)) : named
  const result = new Publish(message, qos, fields.dup ?? false, fields.packetId ?? 0)
  result.topicAlias = fields.topicAlias ?? 0
  result.subscriptionIdentifiers = fields.subscriptionIdentifiers ?? null
  return result
}

/** A packet as plain fields, to be compared; a PUBLISH is copied out of its chunk. */
export type PlainPacket = Readonly<Record<string, unknown>>

export function plainPacket(packet: AnyPacket): PlainPacket {
  // no copies here: whatever still looks into the chunk has to show when the chunk is overwritten
  if (packet.packetType !== PacketType.PUBLISH) return { ...packet }
  const { message, packetType, qos, dup, packetId, topicAlias, subscriptionIdentifiers } = packet
  return {
    packetType,
    topicName: message.topicName,
    topic: message.topic.toString(),
    payload: Buffer.from(message.payload),
    qos,
    messageQos: message.qos,
    dup,
    retain: message.retain,
    packetId,
    topicAlias,
    subscriptionIdentifiers,
    properties: message.properties,
  }
}
