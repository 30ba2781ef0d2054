import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { PacketType, packetTypeNames, reservedFlags } from '../../src/codec/packet-type.ts'
import type { Connect } from '../../src/codec/packets/connect.ts'
import type { Publish } from '../../src/codec/packets/publish.ts'
import type { SubscriptionRequest } from '../../src/codec/packets/subscribe.ts'
import { NO_PROPERTIES, type Properties } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { ReferenceFields, ReferencePacket } from './captures.ts'

/**
 * The table between our packets and TShark's field names. Both sides become {@link Fields}; comparing them whole leaves
 * no field out, neither one that only TShark shows nor one that only we decode.
 */

/** Values under TShark's keys, trees laid flat; the two property sections as our own type. */
export interface Fields {
  readonly [key: string]: readonly string[] | Properties | undefined
}

/** What TShark would say about a packet we decoded; a key with undefined is one it would not show. */
export function fieldsOf(packet: AnyPacket, version: ProtocolVersion, topicsByAlias: Map<number, string>): Fields {
  return { ...headerFields(packet, version), ...bodyFields(packet, version, topicsByAlias) }
}

function headerFields(packet: AnyPacket, version: ProtocolVersion): Fields {
  const { packetType } = packet
  const isPublish = packetType === PacketType.PUBLISH
  const flags = isPublish ? publishFlags(packet) : reservedFlags[packetType]!
  // MQTT 3.1 has a QoS, always 1, in the header of SUBSCRIBE, UNSUBSCRIBE and PUBREL
  const hasQos = isPublish || (version === ProtocolVersion.V3_1 && flags !== 0)
  return {
    'mqtt.hdrflags': hex([(packetType << 4) | flags]),
    'mqtt.msgtype': text([packetType]),
    'mqtt.hdr_reserved': hasQos ? undefined : text([flags]),
    'mqtt.dupflag': hasQos ? text([flags >> 3]) : undefined,
    'mqtt.qos': hasQos ? text([(flags >> 1) & 3]) : undefined,
    'mqtt.retain': isPublish ? text([flags & 1]) : undefined,
  }
}

function publishFlags({ dup, qos, message }: Publish): number {
  return (Number(dup) << 3) | (qos << 1) | Number(message.retain)
}

function bodyFields(packet: AnyPacket, version: ProtocolVersion, topicsByAlias: Map<number, string>): Fields {
  const v5 = version === ProtocolVersion.V5
  switch (packet.packetType) {
    case PacketType.CONNECT:
      return { ...connectFields(packet), ...propertyFields(packet, version) }
    case PacketType.CONNACK: {
      // MQTT 3.1 has no flags in CONNACK
      const flags = version === ProtocolVersion.V3_1 ? undefined : Number(packet.sessionPresent)
      return {
        'mqtt.conack.flags': flags === undefined ? undefined : hex([flags]),
        'mqtt.conack.flags.sp': flags === undefined ? undefined : text([flags]),
        [v5 ? 'mqtt.connack.reason_code' : 'mqtt.conack.val']: text([packet.code]),
        ...propertyFields(packet, version),
      }
    }
    case PacketType.PUBLISH:
      return publishFields(packet, version, topicsByAlias)
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return {
        'mqtt.msgid': text([packet.packetId]),
        [reasonCodeKey(packet.packetType)]: v5 ? text([packet.reasonCode]) : undefined,
        ...propertyFields(packet, version),
      }
    case PacketType.SUBSCRIBE:
      return {
        'mqtt.msgid': text([packet.packetId]),
        ...topicFields(packet.requests.map(({ topicFilter }) => topicFilter)),
        ...(v5 ? optionFields(packet.requests) : { 'mqtt.sub.qos': text(packet.requests.map(({ qos }) => qos)) }),
        ...propertyFields(packet, version),
      }
    case PacketType.SUBACK:
      return {
        'mqtt.msgid': text([packet.packetId]),
        [v5 ? 'mqtt.suback.reason_code' : 'mqtt.suback.qos']: text(packet.codes),
        ...propertyFields(packet, version),
      }
    case PacketType.UNSUBSCRIBE:
      return {
        'mqtt.msgid': text([packet.packetId]),
        ...topicFields(packet.topicFilters),
        ...propertyFields(packet, version),
      }
    case PacketType.UNSUBACK:
      return {
        'mqtt.msgid': text([packet.packetId]),
        'mqtt.unsuback.reason_code': v5 ? text(packet.codes) : undefined,
        ...propertyFields(packet, version),
      }
    case PacketType.PINGREQ:
    case PacketType.PINGRESP:
      return {}
    case PacketType.DISCONNECT:
      return {
        [reasonCodeKey(packet.packetType)]: v5 ? text([packet.reasonCode]) : undefined,
        ...propertyFields(packet, version),
      }
    case PacketType.AUTH:
      throw new Error('no capture held AUTH when this table was written: add what TShark says about it')
  }
}

function connectFields({ version, bridge, clientId, cleanStart, keepAliveSeconds, ...optional }: Connect): Fields {
  const { will, userName, password } = optional
  const flags: readonly [key: string, shift: number, value: number][] = [
    ['mqtt.conflag.uname', 7, Number(userName !== null)],
    ['mqtt.conflag.passwd', 6, Number(password !== null)],
    ['mqtt.conflag.retain', 5, Number(will?.retain ?? false)],
    ['mqtt.conflag.qos', 3, will?.qos ?? 0],
    ['mqtt.conflag.willflag', 2, Number(will !== null)],
    ['mqtt.conflag.cleansess', 1, Number(cleanStart)],
  ]
  const protocolName = version === ProtocolVersion.V3_1 ? 'MQIsdp' : 'MQTT'
  return {
    'mqtt.proto_len': bytesOf([protocolName]),
    'mqtt.protoname': [protocolName],
    'mqtt.ver': text([version | (bridge ? 0x80 : 0)]),
    'mqtt.conflags': hex([flags.reduce((byte, [, shift, value]) => byte | (value << shift), 0)]),
    ...Object.fromEntries(flags.map(([key, , value]) => [key, text([value])])),
    'mqtt.kalive': text([keepAliveSeconds]),
    'mqtt.clientid_len': bytesOf([clientId]),
    'mqtt.clientid': [clientId],
    'mqtt.willtopic_len': will ? bytesOf([will.topicName]) : undefined,
    'mqtt.willtopic': will ? [will.topicName] : undefined,
    'mqtt.willmsg_len': will ? text([will.payload.length]) : undefined,
    'mqtt.willmsg': will ? [colonHex(will.payload)] : undefined,
    'mqtt.will_properties': will ? propertyFields(will, version)['mqtt.properties'] : undefined,
    'mqtt.username_len': userName === null ? undefined : bytesOf([userName]),
    'mqtt.username': userName === null ? undefined : [userName],
    'mqtt.passwd_len': password === null ? undefined : text([password.length]),
    'mqtt.passwd': password === null ? undefined : [password.toString()],
  }
}

/** TShark shows the topic an alias stands for, but the length of what was sent. */
function publishFields(publish: Publish, version: ProtocolVersion, topicsByAlias: Map<number, string>): Fields {
  const { message, packetId, qos, topicAlias } = publish
  const { topicName } = message
  if (topicAlias > 0 && topicName !== '') topicsByAlias.set(topicAlias, topicName)
  const properties: Properties = { ...message.properties }
  if (topicAlias > 0) properties.topicAlias = topicAlias
  if (publish.subscriptionIdentifiers) properties.subscriptionIdentifiers = publish.subscriptionIdentifiers
  return {
    'mqtt.topic_len': bytesOf([topicName]),
    'mqtt.topic': [topicName || topicsByAlias.get(topicAlias) || ''],
    'mqtt.msgid': qos > 0 ? text([packetId]) : undefined,
    'mqtt.msg': [colonHex(message.payload)],
    ...propertyFields({ properties }, version),
  }
}

function topicFields(topics: readonly string[]): Fields {
  return { 'mqtt.topic_len': bytesOf(topics), 'mqtt.topic': topics }
}

function optionFields(requests: readonly SubscriptionRequest[]): Fields {
  return {
    'mqtt.subscription_options': hex(
      requests.map(
        ({ retainHandling, retainAsPublished, noLocal, qos }) =>
          (retainHandling << 4) | (Number(retainAsPublished) << 3) | (Number(noLocal) << 2) | qos,
      ),
    ),
    'mqtt.subscription_options_retain': text(requests.map(({ retainHandling }) => retainHandling)),
    'mqtt.subscription_options_rap': text(requests.map(({ retainAsPublished }) => Number(retainAsPublished))),
    'mqtt.subscription_options_nl': text(requests.map(({ noLocal }) => Number(noLocal))),
    'mqtt.subscription_options_qos': text(requests.map(({ qos }) => qos)),
  }
}

function propertyFields({ properties }: { properties: Properties }, version: ProtocolVersion): Fields {
  const isEmpty = Object.keys(properties).length === 0
  return version === ProtocolVersion.V5 || !isEmpty ? { 'mqtt.properties': properties } : {}
}

function reasonCodeKey(packetType: PacketType): string {
  return `mqtt.${packetTypeNames[packetType]!.toLowerCase()}.reason_code`
}

function text(values: readonly number[]): string[] {
  return values.map(String)
}

function hex(values: readonly number[]): string[] {
  return values.map((value) => `0x${value.toString(16).padStart(2, '0')}`)
}

function bytesOf(strings: readonly string[]): string[] {
  return strings.map((string) => String(Buffer.byteLength(string)))
}

function colonHex(bytes: Buffer): string {
  return bytes.toString('hex').replaceAll(/..(?=.)/g, '$&:')
}

/** Keys of TShark that are not compared, and why. All others have to come out of {@link fieldsOf}. */
const ignored: Readonly<Record<string, string>> = {
  'mqtt.len': 'Remaining Length: it cuts the stream into the packets that encoding is compared with',
  'mqtt.conflag.reserved': 'always 0: the strict decoder refuses anything else; part of mqtt.conflags',
  'mqtt.conack.flags.reserved': 'always 0 likewise; without meaning in 3.1',
  'mqtt.subscription_options_reserved': 'always 0 likewise; part of mqtt.subscription_options',
  'mqtt.retain_reserved': 'always 0 likewise; part of mqtt.hdrflags',
}

/** The same inside property sections. */
const ignoredInProperties: Readonly<Record<string, string>> = {
  'mqtt.property_len': 'a length of the encoding, proven by encoding to the same bytes',
  'mqtt.prop_key_len': 'length of a string that is compared as a whole',
  'mqtt.prop_value_len': 'likewise',
  'mqtt.prop_string_len': 'likewise',
}

/** What TShark did say, without the keys that are ignored and with what a short form leaves out. */
export function answerOf({ fields }: ReferencePacket, version: ProtocolVersion): Fields {
  const answer: Record<string, readonly string[] | Properties> = {}
  for (const [key, value] of leaves(fields)) {
    if (key in ignored) continue
    answer[key] = isTree(value) ? propertiesOf(value) : list(value)
  }
  return { ...impliedFields(Number(answer['mqtt.msgtype']), version), ...answer }
}

/** Acknowledgements and DISCONNECT of 5.0 may leave out code 0 and empty properties. */
function impliedFields(packetType: number, version: ProtocolVersion): Fields {
  const mayBeShort: number[] = [
    PacketType.PUBACK,
    PacketType.PUBREC,
    PacketType.PUBREL,
    PacketType.PUBCOMP,
    PacketType.DISCONNECT,
  ]
  if (version !== ProtocolVersion.V5 || !mayBeShort.includes(packetType)) return {}
  return { [reasonCodeKey(packetType as PacketType)]: ['0'], 'mqtt.properties': NO_PROPERTIES }
}

/** Keys and values with the trees of flag bytes laid flat. */
function leaves(fields: ReferenceFields): [string, ReferenceFields[string]][] {
  return Object.entries(fields).flatMap(([key, value]) =>
    key.endsWith('_tree') && isTree(value) ? leaves(value) : [[key, value]],
  )
}

function isTree(value: ReferenceFields[string]): value is ReferenceFields {
  return typeof value === 'object' && !Array.isArray(value)
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value
}

/** Takes the next value that TShark shows under a key. */
type Take = (key: string) => string

/** Properties by identifier: our key, and where TShark shows the value. Those that may repeat give an array. */
const tsharkProperties: Readonly<Record<string, readonly [keyof Properties, (take: Take) => unknown]>> = {
  '0x01': ['payloadFormatIndicator', (take) => Number(take('mqtt.prop_number'))],
  '0x02': ['messageExpiryIntervalSeconds', (take) => Number(take('mqtt.prop_number'))],
  '0x03': ['contentType', (take) => take('mqtt.property.content_type')],
  '0x08': ['responseTopic', (take) => take('mqtt.prop_string')],
  // bytes, but the captures hold text only
  '0x09': ['correlationData', (take) => Buffer.from(take('mqtt.prop_string'))],
  '0x0b': ['subscriptionIdentifiers', (take) => [Number(take('mqtt.prop_number'))]],
  '0x11': ['sessionExpiryIntervalSeconds', (take) => Number(take('mqtt.prop_number'))],
  '0x17': ['requestProblemInformation', (take) => Number(take('mqtt.prop_number'))],
  '0x18': ['willDelayIntervalSeconds', (take) => Number(take('mqtt.prop_number'))],
  '0x21': ['receiveMaximum', (take) => Number(take('mqtt.prop_number'))],
  '0x22': ['topicAliasMaximum', (take) => Number(take('mqtt.prop_number'))],
  '0x23': ['topicAlias', (take) => Number(take('mqtt.property.topic_alias'))],
  '0x26': ['userProperties', (take) => [[take('mqtt.prop_key'), take('mqtt.prop_value')]]],
}

/** TShark groups values by kind, each kind in the order of the packet; the identifiers tell which is whose. */
function propertiesOf(section: ReferenceFields): Properties {
  const { 'mqtt.property_id': ids, ...rest } = section as Record<string, string | readonly string[]>
  const values = new Map(Object.entries(rest).map(([key, value]) => [key, [...list(value)]]))
  const take = (key: string) => {
    const value = values.get(key)?.shift()
    if (value === undefined) throw new Error(`TShark shows no further ${key}`)
    return value
  }
  const properties: Record<string, unknown> = {}
  for (const id of list(ids)) {
    const row = tsharkProperties[id]
    if (!row) throw new Error(`property ${id} is not in the table`)
    const [key, read] = row
    const value = read(take)
    const earlier = properties[key]
    properties[key] = Array.isArray(earlier) && Array.isArray(value) ? [...earlier, ...value] : value
  }
  const left = [...values].filter(([key, unused]) => unused.length > 0 && !(key in ignoredInProperties))
  if (left.length > 0) throw new Error(`no property took ${left.map(([key]) => key).join(', ')}`)
  return properties
}
