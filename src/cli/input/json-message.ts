import { Message } from '../../codec/message.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Properties } from '../../codec/property.ts'
import type { QoS } from '../../codec/qos.ts'
import { ProtocolViolation } from '../../codec/violation.ts'
import { ValueError } from '../options/option-row.ts'
import { topicName as topicNameKind } from '../options/values.ts'
import { JsonFields } from './json-fields.ts'

/** What holds where a line says nothing. */
export interface JsonDefaults {
  readonly topicName: string | null
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: Properties
}

/** A message, and when it was received. */
export interface TimedMessage {
  readonly message: Message
  /** milliseconds since 1970; null when the line does not say */
  readonly receivedAtMs: number | null
}

/**
 * Reads one line as `sub --json` writes it.
 * @throws ValueError saying what is wrong
 */
export function readJsonMessage(line: Buffer, defaults: JsonDefaults): TimedMessage {
  const fields = new JsonFields(parsed(line))
  // how the message came to who wrote the line down
  for (const key of ['dup', 'packetId']) fields.take(key)
  const topic = fields.take('topic') ?? defaults.topicName
  const qos = fields.take('qos') ?? defaults.qos
  if (typeof topic !== 'string') throw new ValueError('a string at "topic"; -t TOPIC holds where there is none')
  if (qos !== 0 && qos !== 1 && qos !== 2) throw new ValueError('0, 1 or 2 at "qos"')
  const retain = fields.flag('retain', defaults.retain)
  const payload = fields.bytes('payload')
  const receivedAtMs = timeOf(fields.take('receivedAt'))
  // nobody can publish the last two: they belong to a transmission
  const { topicAlias, subscriptionIdentifiers, ...properties } = fields.properties(PacketType.PUBLISH)
  fields.end()
  if (payload === undefined) throw new ValueError('a "payload" (text) or a "payloadBase64"')
  const all = { ...defaults.properties, ...properties }
  return { message: created(topic, payload, { qos, retain, properties: all }), receivedAtMs }
}

function parsed(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString())
  } catch (error) {
    throw new ValueError(`JSON: ${(error as Error).message}`)
  }
}

function created(topic: string, payload: Buffer, options: Parameters<typeof Message.create>[2]): Message {
  try {
    return Message.create(topicNameKind.read(topic), payload, options)
  } catch (error) {
    if (error instanceof ProtocolViolation) throw new ValueError(error.message)
    throw error
  }
}

function timeOf(receivedAt: unknown): number | null {
  if (receivedAt === undefined) return null
  const time = typeof receivedAt === 'string' ? Date.parse(receivedAt) : receivedAt
  if (typeof time !== 'number' || !Number.isFinite(time)) throw new ValueError('a time as in ISO 8601 at "receivedAt"')
  return time
}
