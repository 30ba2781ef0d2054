import type { AnyPacket } from '../../codec/control-packet.ts'
import { PacketType, packetTypeNames } from '../../codec/packet-type.ts'
import type { Connect } from '../../codec/packets/connect.ts'
import type { Publish } from '../../codec/packets/publish.ts'
import { RetainHandling, type SubscriptionRequest } from '../../codec/packets/subscribe.ts'
import { NO_PROPERTIES, type Properties, properties as propertyTable } from '../../codec/property.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import { formatReasonCode, formatReturnCode } from '../../codec/reason-code.ts'

/**
 * One packet as one line for `-d`: time, direction, type, what it says in the order of the standard, and its size.
 *
 *     12:34:56.789 -> PUBLISH id=1 qos=1 topic="a/b" payload=5 B, 14 bytes
 *
 * @param time as {@link timeOfDay} writes it
 * @param version before 5.0 codes are return codes
 */
export function packetLine(
  time: string,
  arrow: '->' | '<-',
  packet: AnyPacket,
  version: ProtocolVersion,
  bytes: number,
): string {
  return `${time} ${arrow} ${describePacket(packet, version)}, ${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`
}

/**
 * Type and fields of a packet in one line without control characters; payloads are told by their size, secrets not at all.
 * @param topicName what the Topic Alias of a PUBLISH stands for, where somebody remembers it
 */
export function describePacket(packet: AnyPacket, version: ProtocolVersion, topicName: string | null = null): string {
  return [packetTypeNames[packet.packetType]!, ...fieldsOf(packet, version, topicName)].join(' ')
}

/** `12:34:56.789`, local time. */
export function timeOfDay(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0')
  const ms = String(date.getMilliseconds()).padStart(3, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`
}

function fieldsOf(packet: AnyPacket, version: ProtocolVersion, topicName: string | null): string[] {
  switch (packet.packetType) {
    case PacketType.CONNECT:
      return connectFields(packet)
    case PacketType.CONNACK: {
      const code = version === ProtocolVersion.V5 ? formatReasonCode(packet.code) : formatReturnCode(packet.code)
      return [code, ...(packet.sessionPresent ? ['session-present'] : []), ...propertyFields(packet.properties)]
    }
    case PacketType.PUBLISH:
      return publishFields(packet, topicName)
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP: {
      const code = version === ProtocolVersion.V5 ? [formatReasonCode(packet.reasonCode)] : []
      return [`id=${packet.packetId}`, ...code, ...propertyFields(packet.properties)]
    }
    case PacketType.SUBSCRIBE:
      return [`id=${packet.packetId}`, ...packet.requests.map(requestField), ...propertyFields(packet.properties)]
    case PacketType.SUBACK:
    case PacketType.UNSUBACK: {
      const codes = packet.codes.map((code) => formatReasonCode(code, packet.packetType))
      return [`id=${packet.packetId}`, codes.join(' | '), ...propertyFields(packet.properties)].filter(
        (part) => part !== '',
      )
    }
    case PacketType.UNSUBSCRIBE:
      return [`id=${packet.packetId}`, ...packet.topicFilters.map(quoted), ...propertyFields(packet.properties)]
    case PacketType.PINGREQ:
    case PacketType.PINGRESP:
      return []
    case PacketType.DISCONNECT: {
      const code = version === ProtocolVersion.V5 ? [formatReasonCode(packet.reasonCode, PacketType.DISCONNECT)] : []
      return [...code, ...propertyFields(packet.properties)]
    }
    case PacketType.AUTH:
      return [formatReasonCode(packet.reasonCode), ...propertyFields(packet.properties)]
  }
}

function connectFields(connect: Connect): string[] {
  const { will, userName, password } = connect
  const fields = [protocolVersionName(connect.version), `client-id=${quoted(connect.clientId)}`]
  if (connect.cleanStart) fields.push('clean-start')
  fields.push(`keep-alive=${connect.keepAliveSeconds}s`, ...propertyFields(connect.properties))
  if (will !== null) {
    fields.push(`will=${quoted(will.topicName)}`, `will-payload=${will.payload.length} B`, `will-qos=${will.qos}`)
    if (will.retain) fields.push('will-retain')
    fields.push(...propertyFields(will.properties))
  }
  if (userName !== null) fields.push(`user=${quoted(userName)}`)
  if (password !== null) fields.push('password=***')
  return fields
}

function publishFields(publish: Publish, topicName: string | null): string[] {
  const { message } = publish
  const fields: string[] = []
  if (publish.qos > 0) fields.push(`id=${publish.packetId}`)
  fields.push(`qos=${publish.qos}`)
  if (publish.dup) fields.push('dup')
  if (message.retain) fields.push('retain')
  fields.push(`topic=${quoted(message.topicName)}`, ...propertyFields(message.properties))
  const isAliased = message.topicName === '' && topicName !== null
  if (publish.topicAlias > 0)
    fields.push(`topic-alias=${publish.topicAlias}${isAliased ? ` (${quoted(topicName)})` : ''}`)
  for (const identifier of publish.subscriptionIdentifiers ?? []) fields.push(`subscription-identifier=${identifier}`)
  fields.push(`payload=${message.payloadBytes} B`)
  return fields
}

function requestField(request: SubscriptionRequest): string {
  const options = [`qos=${request.qos}`]
  if (request.noLocal) options.push('no-local')
  if (request.retainAsPublished) options.push('retain-as-published')
  if (request.retainHandling === RetainHandling.IF_NEW) options.push('retain-handling=new')
  if (request.retainHandling === RetainHandling.NEVER) options.push('retain-handling=never')
  return `${quoted(request.topicFilter)} (${options.join(' ')})`
}

function propertyFields(properties: Properties): string[] {
  if (properties === NO_PROPERTIES) return []
  return propertyTable.flatMap((row) => {
    const value: unknown = properties[row.key]
    if (value === undefined) return []
    const name = row.name.toLowerCase().replaceAll(' ', '-')
    const values = row.list ? (value as readonly unknown[]) : [value]
    return values.map((item) => `${name}=${propertyValue(row.key, item)}`)
  })
}

function propertyValue(key: keyof Properties, value: unknown): string {
  if (key === 'authenticationData') return '***'
  if (typeof value === 'string') return quoted(value)
  if (Buffer.isBuffer(value)) return `0x${value.toString('hex')}`
  if (Array.isArray(value)) return value.map((part) => quoted(String(part))).join(':')
  return String(value)
}

const PLAIN = /^[ !#-[\]-~]*$/
const PLAIN_WORD = /^[!#-[\]-~]+$/

/** Text of the peer: as it is when it is one word without control characters, else quoted. */
export function plainText(text: string): string {
  return PLAIN_WORD.test(text) ? text : quoted(text)
}

// JSON escapes the control characters below U+0020; those from U+007F to U+009F move cursors too
function quoted(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
