import type { AnyPacket } from '../../codec/control-packet.ts'
import { Message } from '../../codec/message.ts'
import { PacketType } from '../../codec/packet-type.ts'
import { Acknowledgement, type AcknowledgementType } from '../../codec/packets/acknowledgement.ts'
import { Auth } from '../../codec/packets/auth.ts'
import { Connack } from '../../codec/packets/connack.ts'
import { Connect, type Will } from '../../codec/packets/connect.ts'
import { Disconnect } from '../../codec/packets/disconnect.ts'
import { PINGREQ, PINGRESP } from '../../codec/packets/ping.ts'
import { Publish } from '../../codec/packets/publish.ts'
import { Suback } from '../../codec/packets/suback.ts'
import { type RetainHandling, Subscribe, type SubscriptionRequest } from '../../codec/packets/subscribe.ts'
import { Unsuback } from '../../codec/packets/unsuback.ts'
import { Unsubscribe } from '../../codec/packets/unsubscribe.ts'
import { NO_PROPERTIES, type Properties, WILL_PROPERTIES } from '../../codec/property.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import type { QoS } from '../../codec/qos.ts'
import type { JsonFields } from './json-fields.ts'

const MAXIMUM_UINT16 = 0xffff
const NOTHING = Buffer.alloc(0)

type Builder = (fields: JsonFields, version: ProtocolVersion) => AnyPacket

/**
 * Makes a packet of an object that a person wrote: `{"type":"publish","topic":"a/b","payload":"x","qos":1,"packetId":7}`. Members
 * are named as in `sub --json` and in codec/packets/; what can be left out has the value that a packet has without it.
 *
 * @param packetType of 1 to 15
 * @throws ValueError for a member that is missing, wrong or unknown, or does not exist in this version;
 *   ProtocolViolation as the constructors and the encoder
 */
export function buildPacket(packetType: PacketType, fields: JsonFields, version: ProtocolVersion): AnyPacket {
  const packet = builders[packetType](fields, version)
  fields.end()
  return packet
}

const builders: Readonly<Record<PacketType, Builder>> = {
  [PacketType.CONNECT]: connect,
  [PacketType.CONNACK]: connack,
  [PacketType.PUBLISH]: publish,
  [PacketType.PUBACK]: acknowledgement(PacketType.PUBACK),
  [PacketType.PUBREC]: acknowledgement(PacketType.PUBREC),
  [PacketType.PUBREL]: acknowledgement(PacketType.PUBREL),
  [PacketType.PUBCOMP]: acknowledgement(PacketType.PUBCOMP),
  [PacketType.SUBSCRIBE]: (fields, version) =>
    new Subscribe(
      packetIdOf(fields),
      fields.list('subscriptions').map((item, index) => subscription(fields, item, `subscriptions[${index}]`, version)),
      propertiesOf(fields, PacketType.SUBSCRIBE, version),
    ),
  [PacketType.SUBACK]: (fields, version) =>
    new Suback(packetIdOf(fields), fields.codes(codesName(version)), propertiesOf(fields, PacketType.SUBACK, version)),
  [PacketType.UNSUBSCRIBE]: (fields, version) =>
    new Unsubscribe(packetIdOf(fields), topicFilters(fields), propertiesOf(fields, PacketType.UNSUBSCRIBE, version)),
  [PacketType.UNSUBACK]: (fields, version) =>
    new Unsuback(
      packetIdOf(fields),
      since5(fields, 'reasonCodes', version) ? fields.codes('reasonCodes') : [],
      propertiesOf(fields, PacketType.UNSUBACK, version),
    ),
  [PacketType.PINGREQ]: () => PINGREQ,
  [PacketType.PINGRESP]: () => PINGRESP,
  [PacketType.DISCONNECT]: (fields, version) =>
    new Disconnect(reasonCodeOf(fields, version), propertiesOf(fields, PacketType.DISCONNECT, version)),
  [PacketType.AUTH]: (fields, version) =>
    new Auth(reasonCodeOf(fields, version), propertiesOf(fields, PacketType.AUTH, version)),
}

function connect(fields: JsonFields, version: ProtocolVersion): Connect {
  const will = fields.object('will')
  return new Connect({
    version,
    clientId: fields.text('clientId', ''),
    cleanStart: fields.flag('cleanStart', true),
    keepAliveSeconds: fields.integer('keepAliveSeconds', 0, MAXIMUM_UINT16, 0),
    will: will === null ? null : willOf(will, version),
    userName: fields.has('userName') ? fields.text('userName') : null,
    password: fields.bytes('password') ?? null,
    properties: propertiesOf(fields, PacketType.CONNECT, version),
  })
}

function willOf(fields: JsonFields, version: ProtocolVersion): Will {
  const will = {
    topicName: fields.text('topic'),
    payload: fields.bytes('payload') ?? NOTHING,
    qos: qosOf(fields),
    retain: fields.flag('retain', false),
    properties: propertiesOf(fields, WILL_PROPERTIES, version),
  }
  fields.end()
  return will
}

function connack(fields: JsonFields, version: ProtocolVersion): Connack {
  const code = fields.code(version === ProtocolVersion.V5 ? 'reasonCode' : 'returnCode', 0)
  const sessionPresent = fields.flag('sessionPresent', false)
  if (sessionPresent && version === ProtocolVersion.V3_1)
    throw fields.wrong('false before MQTT 3.1.1', 'sessionPresent')
  return new Connack(sessionPresent, code, propertiesOf(fields, PacketType.CONNACK, version))
}

function publish(fields: JsonFields, version: ProtocolVersion): Publish {
  const topicName = fields.text('topic', fields.has('properties') ? '' : undefined)
  const payload = fields.bytes('payload') ?? NOTHING
  const qos = qosOf(fields)
  const { topicAlias = 0, subscriptionIdentifiers, ...properties } = propertiesOf(fields, PacketType.PUBLISH, version)
  const options = { qos, retain: fields.flag('retain', false), properties }
  // an alias alone stands for the topic
  const message =
    topicName === '' && topicAlias > 0
      ? Message.create('-', payload, options).withTopic('', NOTHING)
      : Message.create(topicName, payload, options)
  if (qos === 0 && fields.has('packetId')) throw fields.wrong('nothing when "qos" is 0', 'packetId')
  const packetId = qos === 0 ? 0 : packetIdOf(fields)
  const packet = new Publish(message, qos, fields.flag('dup', false), packetId)
  packet.topicAlias = topicAlias
  packet.subscriptionIdentifiers = subscriptionIdentifiers ?? null
  return packet
}

function acknowledgement(packetType: AcknowledgementType): Builder {
  return (fields, version) =>
    new Acknowledgement(
      packetType,
      packetIdOf(fields),
      reasonCodeOf(fields, version),
      propertiesOf(fields, packetType, version),
    )
}

// A Topic Filter alone, or an object with its options.
function subscription(parent: JsonFields, item: unknown, key: string, version: ProtocolVersion): SubscriptionRequest {
  const fields = parent.inside(typeof item === 'string' ? { topicFilter: item } : item, key)
  const request = {
    topicFilter: fields.text('topicFilter'),
    qos: qosOf(fields),
    noLocal: since5(fields, 'noLocal', version) && fields.flag('noLocal', false),
    retainAsPublished: since5(fields, 'retainAsPublished', version) && fields.flag('retainAsPublished', false),
    retainHandling: (since5(fields, 'retainHandling', version)
      ? fields.integer('retainHandling', 0, 2, 0)
      : 0) as RetainHandling,
  }
  fields.end()
  return request
}

function topicFilters(fields: JsonFields): string[] {
  return fields.list('topicFilters').map((item, index) => {
    if (typeof item !== 'string') throw fields.wrong('a string', `topicFilters[${index}]`)
    return item
  })
}

function packetIdOf(fields: JsonFields): number {
  return fields.integer('packetId', 1, MAXIMUM_UINT16)
}

function qosOf(fields: JsonFields): QoS {
  return fields.integer('qos', 0, 2, 0) as QoS
}

function reasonCodeOf(fields: JsonFields, version: ProtocolVersion): number {
  return since5(fields, 'reasonCode', version) ? fields.code('reasonCode', 0) : 0
}

function codesName(version: ProtocolVersion): string {
  return version === ProtocolVersion.V5 ? 'reasonCodes' : 'returnCodes'
}

function propertiesOf(
  fields: JsonFields,
  place: PacketType | typeof WILL_PROPERTIES,
  version: ProtocolVersion,
): Properties {
  if (!since5(fields, 'properties', version)) return NO_PROPERTIES
  const properties = fields.properties(place)
  return Object.keys(properties).length === 0 ? NO_PROPERTIES : properties
}

// The encoder would leave out without a word what older versions do not have.
function since5(fields: JsonFields, key: string, version: ProtocolVersion): boolean {
  if (version === ProtocolVersion.V5) return true
  if (fields.has(key)) throw fields.wrong(`nothing in MQTT ${protocolVersionName(version)}, which has none,`, key)
  return false
}
