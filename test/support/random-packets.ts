import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { Acknowledgement, type AcknowledgementType } from '../../src/codec/packets/acknowledgement.ts'
import { Auth } from '../../src/codec/packets/auth.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import { Connect, type Will } from '../../src/codec/packets/connect.ts'
import { Disconnect } from '../../src/codec/packets/disconnect.ts'
import { PINGREQ, PINGRESP } from '../../src/codec/packets/ping.ts'
import { Suback } from '../../src/codec/packets/suback.ts'
import { Subscribe, type SubscriptionRequest } from '../../src/codec/packets/subscribe.ts'
import { Unsuback } from '../../src/codec/packets/unsuback.ts'
import { Unsubscribe } from '../../src/codec/packets/unsubscribe.ts'
import {
  mayStandIn,
  type Properties,
  type PropertyPlace,
  type PropertyRow,
  PropertyType,
  properties,
  WILL_PROPERTIES,
} from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { QoS } from '../../src/codec/qos.ts'
import { isReasonCodeAllowed } from '../../src/codec/reason-code.ts'
import { variableByteInteger } from './hex.ts'
import { publish } from './packets.ts'
import type { Random } from './random.ts'

/** Valid packets drawn at random, every field of every type. */

const { V3_1, V5 } = ProtocolVersion
const VERSIONS = Object.values(ProtocolVersion)
const LEVELS = ['', 'a', 'b', 'sport', 'é', '🐙', '\u{feff}', '$', '$SYS', ' ', '\x01', '__proto__']
const TEXTS = ['', 'a', 'text/plain', 'é', '🐙', '\u{feff}x', '\x7f\u{ffff}', 'constructor', 'x'.repeat(130)]

/** A packet that this side may send in this version. */
export function randomPacket(random: Random, version: ProtocolVersion, sender: Role): AnyPacket {
  const v5 = version === V5
  const type = random.pick(typesOf(version, sender))
  switch (type) {
    case PacketType.CONNECT:
      return randomConnect(random, version)
    case PacketType.CONNACK: {
      const code = random.oneIn(2) ? 0 : v5 ? randomCode(random, type, sender) : random.below(6)
      const sessionPresent = code === 0 && version !== V3_1 && random.oneIn(2)
      return new Connack(sessionPresent, code, randomProperties(random, version, type, sender))
    }
    case PacketType.PUBLISH:
      return randomPublish(random, version, sender)
    case PacketType.SUBSCRIBE: {
      const requests = Array.from({ length: random.between(1, 3) }, () => randomRequest(random, version))
      return new Subscribe(randomId(random), requests, randomProperties(random, version, type, sender))
    }
    case PacketType.SUBACK: {
      const draw = () => (v5 ? randomCode(random, type, sender) : random.pick([0, 1, 2, 0x80]))
      const codes = Array.from({ length: random.between(1, 3) }, draw)
      return new Suback(randomId(random), codes, randomProperties(random, version, type, sender))
    }
    case PacketType.UNSUBSCRIBE: {
      const filters = Array.from({ length: random.between(1, 3) }, () => randomFilter(random))
      return new Unsubscribe(randomId(random), filters, randomProperties(random, version, type, sender))
    }
    case PacketType.UNSUBACK: {
      const codes = Array.from({ length: v5 ? random.between(1, 3) : 0 }, () => randomCode(random, type, sender))
      return new Unsuback(randomId(random), codes, randomProperties(random, version, type, sender))
    }
    case PacketType.PINGREQ:
      return PINGREQ
    case PacketType.PINGRESP:
      return PINGRESP
    case PacketType.DISCONNECT: {
      const code = v5 ? randomCode(random, type, sender) : 0
      return new Disconnect(code, randomProperties(random, version, type, sender))
    }
    case PacketType.AUTH: {
      const authenticationMethod = random.pick(TEXTS)
      const others = randomProperties(random, version, type, sender)
      return new Auth(randomCode(random, type, sender), { ...others, authenticationMethod })
    }
    default:
      return randomAcknowledgement(random, version, type, sender)
  }
}

function typesOf(version: ProtocolVersion, sender: Role): PacketType[] {
  const { PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT, AUTH } = PacketType
  const both: PacketType[] = [PUBLISH, PUBLISH, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP]
  if (version === V5) both.push(DISCONNECT, AUTH)
  if (sender === Role.SERVER) {
    return [...both, PacketType.CONNACK, PacketType.SUBACK, PacketType.UNSUBACK, PacketType.PINGRESP]
  }
  return [...both, PacketType.CONNECT, PacketType.SUBSCRIBE, PacketType.UNSUBSCRIBE, PacketType.PINGREQ, DISCONNECT]
}

/** A CONNECT of this version. */
export function randomConnect(random: Random, version: ProtocolVersion = random.pick(VERSIONS)): Connect {
  const userName = random.oneIn(2) ? random.pick(TEXTS) : null
  const mayHavePassword = userName !== null || version === V5
  const ours = randomProperties(random, version, PacketType.CONNECT, Role.CLIENT)
  const { authenticationData: _, ...withoutData } = ours
  return new Connect({
    version,
    bridge: version !== V5 && random.oneIn(8),
    clientId: random.pick(TEXTS),
    cleanStart: random.oneIn(2),
    keepAliveSeconds: random.pick([0, 60, 65_535]),
    will: random.oneIn(2) ? randomWill(random, version) : null,
    userName,
    password: mayHavePassword && random.oneIn(2) ? random.bytes(random.below(20)) : null,
    properties: ours.authenticationMethod === undefined ? withoutData : ours,
  })
}

function randomWill(random: Random, version: ProtocolVersion): Will {
  return {
    topicName: randomTopicName(random),
    payload: random.bytes(random.below(20)),
    qos: random.below(3) as QoS,
    retain: random.oneIn(2),
    properties: randomProperties(random, version, WILL_PROPERTIES, Role.CLIENT),
  }
}

function randomPublish(random: Random, version: ProtocolVersion, sender: Role): AnyPacket {
  const drawn = randomProperties(random, version, PacketType.PUBLISH, sender)
  const { topicAlias = 0, subscriptionIdentifiers, ...ofMessage } = drawn
  const qos = random.below(3) as QoS
  const topicName = topicAlias > 0 && random.oneIn(2) ? '' : randomTopicName(random)
  return publish(topicName, random.bytes(random.pick([0, 1, 10, 100, 130])), {
    qos,
    dup: qos > 0 && random.oneIn(2),
    retain: random.oneIn(2),
    packetId: qos > 0 ? randomId(random) : 0,
    topicAlias,
    ...(subscriptionIdentifiers === undefined ? {} : { subscriptionIdentifiers }),
    properties: ofMessage,
  })
}

function randomAcknowledgement(
  random: Random,
  version: ProtocolVersion,
  type: AcknowledgementType,
  sender: Role,
): Acknowledgement {
  const code = version === V5 ? randomCode(random, type, sender) : 0
  return new Acknowledgement(type, randomId(random), code, randomProperties(random, version, type, sender))
}

function randomRequest(random: Random, version: ProtocolVersion): SubscriptionRequest {
  const topicFilter = randomFilter(random)
  const v5 = version === V5
  return {
    topicFilter,
    qos: random.below(3) as QoS,
    noLocal: v5 && !topicFilter.startsWith('$share/') && random.oneIn(2),
    retainAsPublished: v5 && random.oneIn(2),
    retainHandling: v5 ? (random.below(3) as 0 | 1 | 2) : 0,
  }
}

function randomId(random: Random): number {
  return random.pick([1, 2, 255, 256, 65_535])
}

function randomCode(random: Random, type: PacketType, sender: Role): number {
  const allowed = Array.from({ length: 256 }, (_, code) => code).filter((code) =>
    isReasonCodeAllowed(type, code, sender),
  )
  return random.pick(allowed)
}

function randomTopicName(random: Random): string {
  const levels = Array.from({ length: random.between(1, 4) }, () => random.pick(LEVELS))
  return levels.join('/') || 'a'
}

function randomFilter(random: Random): string {
  const levels = Array.from({ length: random.between(1, 4) }, () => random.pick([...LEVELS, '+']))
  const filter = [...levels, ...(random.oneIn(3) ? ['#'] : [])].join('/') || '#'
  return random.oneIn(5) ? `$share/${random.pick(['g', 'é', ' '])}/${filter}` : filter
}

/** Properties that may stand in this place; none before 5.0. */
function randomProperties(random: Random, version: ProtocolVersion, place: PropertyPlace, sender: Role): Properties {
  if (version !== V5 || random.oneIn(3)) return {}
  const rows = properties.filter((row) => mayStandIn(row, place) && mayUse(row, place, sender) && random.oneIn(3))
  return Object.fromEntries(rows.map((row) => [row.key, randomValue(random, row, place)]))
}

function mayUse({ key }: PropertyRow, place: PropertyPlace, sender: Role): boolean {
  if (place === PacketType.PUBLISH && key === 'subscriptionIdentifiers') return sender === Role.SERVER
  if (place !== PacketType.DISCONNECT) return true
  if (key === 'sessionExpiryIntervalSeconds') return sender === Role.CLIENT
  return key !== 'serverReference' || sender === Role.SERVER
}

function randomValue(random: Random, row: PropertyRow, place: PropertyPlace): unknown {
  if (!row.list) return randomSingle(random, row)
  const once = row.key === 'subscriptionIdentifiers' && place !== PacketType.PUBLISH
  return Array.from({ length: once ? 1 : random.between(1, 3) }, () => randomSingle(random, row))
}

function randomSingle(random: Random, row: PropertyRow): unknown {
  switch (row.type) {
    case PropertyType.STRING:
      return row.key === 'responseTopic' ? randomTopicName(random) : random.pick(TEXTS)
    case PropertyType.BINARY:
      return random.bytes(random.below(20))
    case PropertyType.STRING_PAIR:
      return [random.pick(TEXTS), random.pick(TEXTS)]
    default: {
      const most = { [PropertyType.BYTE]: 1, [PropertyType.UINT16]: 65_535 } as Readonly<Record<number, number>>
      const maximum = Math.min(row.maximum, most[row.type] ?? row.maximum)
      return random.pick([row.minimum, maximum, Math.min(maximum, 128), random.between(row.minimum, maximum)])
    }
  }
}

/** Changes bytes the way a broken peer might: a bit, a byte, a run lost, doubled or made up, a length off by little. */
export function mutate(random: Random, bytes: Buffer): Buffer {
  if (bytes.length === 0) return random.bytes(random.between(1, 10))
  const at = random.below(bytes.length)
  const copy = Buffer.from(bytes)
  switch (random.below(8)) {
    case 0:
      copy[at] = copy[at]! ^ (1 << random.below(8))
      return copy
    case 1:
      copy[at] = random.pick([0x00, 0x01, 0x7f, 0x80, 0xff, 0x23, 0x2b, 0x2f, random.below(256)])
      return copy
    case 2:
      copy[at] = (copy[at]! + random.pick([1, -1])) & 0xff
      return copy
    case 3:
      return copy.subarray(0, at)
    case 4:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + random.between(1, 4))])
    case 5:
      return Buffer.concat([copy.subarray(0, at), random.bytes(random.between(1, 4)), copy.subarray(at)])
    case 6:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(Math.max(0, at - random.between(1, 16)))])
    default:
      return Buffer.concat([copy, random.bytes(random.between(1, 6))])
  }
}

/** Changes the body of a packet and sets its Remaining Length right again, so that the change reaches the fields. */
export function mutateBody(random: Random, firstByte: number, body: Buffer, times: number): Buffer {
  let changed = body
  for (let i = 0; i < times; i++) changed = mutate(random, changed)
  return Buffer.concat([Buffer.from([firstByte]), variableByteInteger(changed.length), changed])
}
