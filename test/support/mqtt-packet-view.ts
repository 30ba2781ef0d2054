import { type Packet, parser } from 'mqtt-packet'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { PacketType, packetTypeNames } from '../../src/codec/packet-type.ts'
import type { Connect } from '../../src/codec/packets/connect.ts'
import type { Publish } from '../../src/codec/packets/publish.ts'
import type { SubscriptionRequest } from '../../src/codec/packets/subscribe.ts'
import { type Properties, properties as propertyTable } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { specTables } from '../vectors/spec.ts'

/**
 * Our packets and those of npm `mqtt-packet` in one form, so that they can be compared. What that library does not keep is
 * left out on both sides: the order of User Properties among different names, and which number a true flag was.
 */
export type View = Readonly<Record<string, unknown>>

/** What mqtt-packet makes of the bytes of one packet. */
export interface Reading {
  readonly view: View | null
  /** in the library's own form */
  readonly packet: Packet | null
  /** why there is none */
  readonly refusal: string | null
}

export function readWithMqttPacket(bytes: Buffer, version: ProtocolVersion): Reading {
  const found: Packet[] = []
  const errors: unknown[] = []
  const reader = parser({ protocolVersion: version })
  reader.on('packet', (packet) => found.push(packet))
  reader.on('error', (error) => errors.push(error))
  try {
    reader.parse(bytes)
  } catch (error) {
    errors.push(error)
  }
  const [packet] = found
  if (errors.length > 0) return { view: null, packet: null, refusal: String(errors[0]) }
  if (packet === undefined || found.length > 1) return { view: null, packet: null, refusal: `${found.length} packets` }
  return { view: viewOfTheirs({ ...packet }, version), packet, refusal: null }
}

type Loose = Record<string, unknown>

/** Fields of a packet of theirs that mean something for its type. */
const fieldsOfTheirs: Readonly<Record<string, readonly string[]>> = {
  connect: ['protocolVersion', 'clean', 'keepalive', 'clientId', 'username', 'password'],
  connack: ['sessionPresent'],
  publish: ['topic', 'payload', 'qos', 'dup', 'retain', 'messageId'],
  puback: ['messageId'],
  pubrec: ['messageId'],
  pubrel: ['messageId'],
  pubcomp: ['messageId'],
  subscribe: ['messageId'],
  suback: ['messageId', 'granted'],
  unsubscribe: ['messageId', 'unsubscriptions'],
  unsuback: ['messageId'],
  pingreq: [],
  pingresp: [],
  disconnect: [],
  auth: [],
}

function viewOfTheirs(packet: Loose, version: ProtocolVersion): View {
  const cmd = String(packet['cmd'])
  const names = fieldsOfTheirs[cmd] ?? []
  const view: Loose = { cmd, ...Object.fromEntries(names.map((name) => [name, packet[name] ?? null])) }
  if (cmd === 'connect')
    Object.assign(view, { bridge: packet['bridgeMode'] === true, will: willOfTheirs(packet['will']) })
  if (cmd === 'connack') view['code'] = packet['reasonCode'] ?? packet['returnCode']
  if (cmd === 'subscribe')
    view['subscriptions'] = (packet['subscriptions'] as Loose[]).map((one) => optionsOfTheirs(one))
  if (cmd === 'unsuback') view['granted'] = packet['granted'] ?? []
  if ('reasonCode' in packet && cmd !== 'connack') view['code'] = packet['reasonCode']
  if (version === ProtocolVersion.V5) view['properties'] = plainProperties(packet['properties'])
  return view
}

function willOfTheirs(will: unknown): View | null {
  if (will === undefined) return null
  const { topic, payload, qos, retain, properties } = will as Loose
  return { topic, payload, qos, retain, properties: plainProperties(properties) }
}

function optionsOfTheirs({ topic, qos, nl = false, rap = false, rh = 0 }: Loose): View {
  return { topic, qos, nl, rap, rh }
}

function plainProperties(properties: unknown): View {
  const entries = Object.entries((properties ?? {}) as Loose)
  return Object.fromEntries(
    entries.map(([key, value]) => [key, key === 'userProperties' ? { ...(value as Loose) } : value]),
  )
}

/** Our packet in the common form. */
export function viewOfOurs(packet: AnyPacket, version: ProtocolVersion): View {
  const cmd = packetTypeNames[packet.packetType]!.toLowerCase()
  const v5 = version === ProtocolVersion.V5
  const properties = v5 ? { properties: propertiesOf(packet) } : {}
  switch (packet.packetType) {
    case PacketType.CONNECT:
      return { cmd, ...viewOfConnect(packet), ...properties }
    case PacketType.CONNACK:
      return { cmd, sessionPresent: packet.sessionPresent, code: packet.code, ...properties }
    case PacketType.PUBLISH:
      return { cmd, ...viewOfPublish(packet), ...properties }
    case PacketType.SUBSCRIBE:
      return { cmd, messageId: packet.packetId, subscriptions: packet.requests.map(viewOfRequest), ...properties }
    case PacketType.SUBACK:
    case PacketType.UNSUBACK:
      return { cmd, messageId: packet.packetId, granted: packet.codes, ...properties }
    case PacketType.UNSUBSCRIBE:
      return { cmd, messageId: packet.packetId, unsubscriptions: packet.topicFilters, ...properties }
    case PacketType.PINGREQ:
    case PacketType.PINGRESP:
      return { cmd, ...properties }
    case PacketType.DISCONNECT:
    case PacketType.AUTH:
      return { cmd, ...(v5 ? { code: packet.reasonCode } : {}), ...properties }
    default:
      return { cmd, messageId: packet.packetId, ...(v5 ? { code: packet.reasonCode } : {}), ...properties }
  }
}

function viewOfConnect({
  version,
  cleanStart,
  keepAliveSeconds,
  clientId,
  userName,
  password,
  bridge,
  will,
}: Connect): View {
  return {
    protocolVersion: version,
    clean: cleanStart,
    keepalive: keepAliveSeconds,
    clientId,
    username: userName,
    password,
    bridge,
    will: will && {
      topic: will.topicName,
      payload: will.payload,
      qos: will.qos,
      retain: will.retain,
      properties: namedAsTheirs(will.properties),
    },
  }
}

function viewOfPublish({ message, qos, dup, packetId }: Publish): View {
  return {
    topic: message.topicName,
    payload: Buffer.from(message.payload),
    qos,
    dup,
    retain: message.retain,
    messageId: qos > 0 ? packetId : null,
  }
}

function viewOfRequest({ topicFilter, qos, noLocal, retainAsPublished, retainHandling }: SubscriptionRequest): View {
  return { topic: topicFilter, qos, nl: noLocal, rap: retainAsPublished, rh: retainHandling }
}

function propertiesOf(packet: AnyPacket): View {
  switch (packet.packetType) {
    case PacketType.PINGREQ:
    case PacketType.PINGRESP:
      return {}
    case PacketType.PUBLISH: {
      const { topicAlias, subscriptionIdentifiers } = packet
      return namedAsTheirs({
        ...packet.message.properties,
        ...(topicAlias > 0 ? { topicAlias } : {}),
        ...(subscriptionIdentifiers === null ? {} : { subscriptionIdentifiers }),
      })
    }
    default:
      return namedAsTheirs(packet.properties)
  }
}

const keysById = new Map(specTables.properties.map(({ id, key }) => [id, key]))
/** Theirs are true and false; Maximum QoS stays a number. */
const flags = new Set(
  specTables.properties.filter(({ type, key }) => type === 'byte' && key !== 'maximumQoS').map(({ key }) => key),
)

function namedAsTheirs(properties: Properties): View {
  const result: Loose = {}
  for (const { id, key: ourKey } of propertyTable) {
    const value: unknown = properties[ourKey]
    if (value === undefined) continue
    const key = keysById.get(id)!
    if (flags.has(key)) result[key] = value !== 0
    else if (key === 'userProperties') result[key] = byName(value as readonly (readonly [string, string])[])
    else result[key] = Array.isArray(value) && value.length === 1 ? value[0] : value
  }
  return result
}

function byName(pairs: readonly (readonly [string, string])[]): View {
  const names = [...new Set(pairs.map(([name]) => name))]
  return Object.fromEntries(
    names.map((name) => {
      const values = pairs.filter(([one]) => one === name).map(([, value]) => value)
      return [name, values.length === 1 ? values[0] : values]
    }),
  )
}
