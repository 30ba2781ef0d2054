import { Message } from '../../codec/message.ts'
import { PacketType } from '../../codec/packet-type.ts'
import {
  mayStandIn,
  type Properties,
  type PropertyRow,
  PropertyType,
  properties as propertyTable,
} from '../../codec/property.ts'
import type { QoS } from '../../codec/qos.ts'
import { ProtocolViolation } from '../../codec/violation.ts'
import { ValueError } from '../options/option-row.ts'
import { mqttText, topicName as topicNameKind } from '../options/values.ts'

/** What holds where a line says nothing. */
export interface JsonDefaults {
  readonly topicName: string | null
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: Properties
}

/** What `sub --json` tells of the way a message took, and nobody can publish. */
const OF_THE_RECEIVER = new Set(['subscriptionIdentifiers', 'topicAlias'])
const KEYS = new Set([
  'topic',
  'payload',
  'payloadBase64',
  'qos',
  'retain',
  'dup',
  'packetId',
  'properties',
  'receivedAt',
])

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
  const value = parsed(line)
  const unknown = Object.keys(value).find((key) => !KEYS.has(key))
  if (unknown !== undefined)
    throw new ValueError(`one of the keys ${[...KEYS].join(', ')}, not ${JSON.stringify(unknown)}`)
  const { topic = defaults.topicName, qos = defaults.qos, retain = defaults.retain, properties = {} } = value
  if (typeof topic !== 'string') throw new ValueError('a string at "topic"; -t TOPIC holds where there is none')
  if (qos !== 0 && qos !== 1 && qos !== 2) throw new ValueError('0, 1 or 2 at "qos"')
  if (typeof retain !== 'boolean') throw new ValueError('true or false at "retain"')
  const payload = textOrBase64('payload', value)
  if (payload === undefined) throw new ValueError('a "payload" (text) or a "payloadBase64"')
  const all = { ...defaults.properties, ...readProperties(properties) }
  return {
    message: created(topic, payload, { qos, retain, properties: all }),
    receivedAtMs: timeOf(value['receivedAt']),
  }
}

function parsed(line: Buffer): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(line.toString())
  } catch (error) {
    throw new ValueError(`JSON: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ValueError('a JSON object')
  return value as Record<string, unknown>
}

function created(topic: string, payload: Buffer, options: Parameters<typeof Message.create>[2]): Message {
  try {
    return Message.create(topicNameKind.read(topic), payload, options)
  } catch (error) {
    if (error instanceof ProtocolViolation) throw new ValueError(error.message)
    throw error
  }
}

function textOrBase64(name: string, value: Readonly<Record<string, unknown>>): Buffer | undefined {
  const text = value[name]
  const base64 = value[`${name}Base64`]
  if (text !== undefined && base64 !== undefined) throw new ValueError(`either "${name}" or "${name}Base64", not both`)
  if (text !== undefined) {
    if (typeof text !== 'string') throw new ValueError(`a string at "${name}"`)
    return Buffer.from(text)
  }
  if (base64 === undefined) return undefined
  if (typeof base64 !== 'string' || !/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3}={0,2})?$/.test(base64)) {
    throw new ValueError(`base64 at "${name}Base64"`)
  }
  return Buffer.from(base64, 'base64')
}

function timeOf(receivedAt: unknown): number | null {
  if (receivedAt === undefined || receivedAt === null) return null
  const time = typeof receivedAt === 'string' ? Date.parse(receivedAt) : receivedAt
  if (typeof time !== 'number' || !Number.isFinite(time)) throw new ValueError('a time as in ISO 8601 at "receivedAt"')
  return time
}

function readProperties(value: unknown): Properties {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ValueError('an object at "properties"')
  const given = value as Record<string, unknown>
  const result: Record<string, unknown> = {}
  for (const [key, item] of Object.entries(given)) {
    if (OF_THE_RECEIVER.has(key) || key === 'correlationData' || key === 'correlationDataBase64') continue
    const row = propertyTable.find((candidate) => candidate.key === key && mayStandIn(candidate, PacketType.PUBLISH))
    if (row === undefined) throw new ValueError(`a property of PUBLISH, not ${JSON.stringify(key)}`)
    result[key] = readProperty(row, item)
  }
  const correlationData = textOrBase64('correlationData', given)
  return correlationData === undefined ? result : { ...result, correlationData }
}

function readProperty(row: PropertyRow, item: unknown): unknown {
  switch (row.type) {
    case PropertyType.STRING:
      return textOf(item, row.key)
    case PropertyType.STRING_PAIR: {
      const isPairs = Array.isArray(item) && item.every((pair) => Array.isArray(pair) && pair.length === 2)
      if (!isPairs) throw new ValueError(`a list of [name, value] at "${row.key}"`)
      return (item as unknown[][]).map((pair) => pair.map((part) => textOf(part, row.key)))
    }
    default:
      if (typeof item !== 'number' || !Number.isInteger(item) || item < row.minimum || item > row.maximum) {
        throw new ValueError(`a number from ${row.minimum} to ${row.maximum} at "${row.key}"`)
      }
      return item
  }
}

function textOf(item: unknown, key: string): string {
  if (typeof item !== 'string') throw new ValueError(`a string at "${key}"`)
  return mqttText(key).read(item)
}
