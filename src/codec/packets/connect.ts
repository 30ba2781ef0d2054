import { TopicNameFault, topicNameFault } from '../../topic/topic-name.ts'
import { Message } from '../message.ts'
import { PacketType } from '../packet-type.ts'
import { NO_PROPERTIES, type Properties, WILL_PROPERTIES } from '../property.ts'
import { decodeProperties, encodeProperties } from '../property-section.ts'
import { ProtocolVersion } from '../protocol-version.ts'
import type { QoS } from '../qos.ts'
import type { Reader } from '../reader.ts'
import { ReasonCode } from '../reason-code.ts'
import type { Writer } from '../writer.ts'

/** The Will of a CONNECT packet (5.0 section 3.1.2.5). */
export interface Will {
  readonly topicName: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  /** will properties; always empty before 5.0 */
  readonly properties: Properties
}

/** Fields of CONNECT as a Client gives them. */
export interface ConnectFields {
  readonly version: ProtocolVersion
  /** may be empty */
  readonly clientId: string
  /** Clean Start of 5.0, Clean Session of 3.1 and 3.1.1 */
  readonly cleanStart: boolean
  /** 0 to 65,535 */
  readonly keepAliveSeconds: number
  readonly will?: Will | null
  readonly userName?: string | null
  readonly password?: Buffer | null
  readonly properties?: Properties
  /** bit 7 of the level: some brokers mark bridges with it; outside the standard */
  readonly bridge?: boolean
}

/** A CONNECT packet (section 3.1). */
export class Connect {
  readonly packetType = PacketType.CONNECT
  readonly version: ProtocolVersion
  readonly bridge: boolean
  readonly clientId: string
  readonly cleanStart: boolean
  readonly keepAliveSeconds: number
  readonly will: Will | null
  readonly userName: string | null
  readonly password: Buffer | null
  readonly properties: Properties

  constructor(fields: ConnectFields) {
    this.version = fields.version
    this.bridge = fields.bridge ?? false
    this.clientId = fields.clientId
    this.cleanStart = fields.cleanStart
    this.keepAliveSeconds = fields.keepAliveSeconds
    this.will = fields.will ?? null
    this.userName = fields.userName ?? null
    this.password = fields.password ?? null
    this.properties = fields.properties ?? NO_PROPERTIES
  }
}

const BRIDGE = 0x80
const RESERVED = 0x01
const CLEAN_START = 0x02
const WILL = 0x04
const WILL_RETAIN = 0x20
const PASSWORD = 0x40
const USER_NAME = 0x80

/**
 * Decodes the body of CONNECT and sets the reader's version and senderMaximumPacketBytes.
 * @throws ProtocolViolation PROTOCOL_NAME_UNKNOWN, PROTOCOL_LEVEL_UNSUPPORTED, CONNECT_RESERVED_FLAG and the rest of its rows
 */
export function decodeConnect(reader: Reader): Connect {
  const nameAt = reader.offset
  const name = reader.string('Protocol Name')
  const level = reader.byte('Protocol Version')
  const version = versionOf(reader, name, level, nameAt)
  reader.version = version
  const flagsAt = reader.offset
  const flags = reader.byte('Connect Flags')
  checkFlags(reader, flags, flagsAt)
  const keepAliveSeconds = reader.uint16('Keep Alive')
  const properties = version === ProtocolVersion.V5 ? decodeProperties(reader, PacketType.CONNECT) : NO_PROPERTIES
  reader.senderMaximumPacketBytes = properties.maximumPacketBytes ?? Number.POSITIVE_INFINITY
  if (properties.authenticationData !== undefined && properties.authenticationMethod === undefined) {
    reader.violate('AUTHENTICATION_DATA_WITHOUT_METHOD', flagsAt + 3, 'Authentication Data')
  }
  // [MQTT-3.1.3-1] client id, will properties, will topic, will payload, user name, password
  if (reader.remaining === 0) reader.fail('CLIENT_ID_MISSING', reader.offset, 'Client Identifier')
  const clientId = reader.string('Client Identifier')
  const will = (flags & WILL) !== 0 ? decodeWill(reader, flags) : null
  const userName = wants(reader, flags, USER_NAME, 'USER_NAME_MISSING', 'User Name') ? reader.string('User Name') : null
  const password = wants(reader, flags, PASSWORD, 'PASSWORD_MISSING', 'Password')
    ? Buffer.from(reader.binary('Password'))
    : null
  reader.finish()
  const cleanStart = (flags & CLEAN_START) !== 0
  const bridge = (level & BRIDGE) !== 0
  return new Connect({ version, bridge, clientId, cleanStart, keepAliveSeconds, will, userName, password, properties })
}

function versionOf(reader: Reader, name: string, level: number, at: number): ProtocolVersion {
  if (name !== 'MQTT' && name !== 'MQIsdp') return reader.fail('PROTOCOL_NAME_UNKNOWN', at + 2, 'Protocol Name')
  const known = level & ~BRIDGE
  if (name === 'MQIsdp' && known === ProtocolVersion.V3_1) return known
  if (name === 'MQTT' && (known === ProtocolVersion.V3_1_1 || level === ProtocolVersion.V5))
    return known as ProtocolVersion
  return reader.fail('PROTOCOL_LEVEL_UNSUPPORTED', at + 2 + name.length, 'Protocol Version', {
    detail: `${name} with level ${level}`,
  })
}

function checkFlags(reader: Reader, flags: number, at: number): void {
  const willQos = (flags >> 3) & 3
  const field = 'Connect Flags'
  // MQTT 3.1 leaves bit 0 unused and says nothing about checking it
  if ((flags & RESERVED) !== 0 && reader.version !== ProtocolVersion.V3_1)
    reader.violate('CONNECT_RESERVED_FLAG', at, field)
  if (willQos === 3) reader.violate('WILL_QOS_IS_3', at, field)
  if ((flags & WILL) === 0 && willQos !== 0) reader.violate('WILL_QOS_WITHOUT_WILL', at, field)
  if ((flags & WILL) === 0 && (flags & WILL_RETAIN) !== 0) reader.violate('WILL_RETAIN_WITHOUT_WILL', at, field)
  if (reader.version !== ProtocolVersion.V5 && (flags & PASSWORD) !== 0 && (flags & USER_NAME) === 0) {
    reader.violate('PASSWORD_WITHOUT_USER_NAME', at, field)
  }
}

// In MQTT 3.1 the Remaining Length decides: a flagged User Name or Password may be missing (semantics M-03).
function wants(
  reader: Reader,
  flags: number,
  flag: number,
  missing: 'USER_NAME_MISSING' | 'PASSWORD_MISSING',
  field: string,
): boolean {
  if ((flags & flag) === 0) return false
  if (reader.remaining > 0) return true
  if (reader.version === ProtocolVersion.V3_1) return false
  return reader.fail(missing, reader.offset, field)
}

function decodeWill(reader: Reader, flags: number): Will {
  // [MQTT-3.1.2-9]
  if (reader.remaining === 0) reader.fail('WILL_MISSING', reader.offset, 'Will Topic')
  const properties = reader.version === ProtocolVersion.V5 ? decodeProperties(reader, WILL_PROPERTIES) : NO_PROPERTIES
  if (reader.remaining === 0) reader.fail('WILL_MISSING', reader.offset, 'Will Topic')
  const at = reader.offset
  const topicName = reader.string('Will Topic', ReasonCode.TOPIC_NAME_INVALID)
  const fault = topicNameFault(topicName)
  if (fault === TopicNameFault.EMPTY) {
    reader.violate('WILL_TOPIC_INVALID', at, 'Will Topic', { statement: 'MQTT-4.7.3-1' })
  }
  if (fault === TopicNameFault.WILDCARD) reader.violate('WILL_TOPIC_INVALID', at + 2, 'Will Topic')
  if (reader.remaining === 0) reader.fail('WILL_MISSING', reader.offset, 'Will Payload')
  const payload = Buffer.from(reader.binary('Will Payload'))
  const qos = Math.min((flags >> 3) & 3, 2) as QoS
  return { topicName, payload, qos, retain: (flags & WILL_RETAIN) !== 0, properties }
}

/** The Will as the message that will be published; Will Delay Interval is not part of it. */
export function willMessage(will: Will): Message {
  return Message.create(will.topicName, will.payload, {
    qos: will.qos,
    retain: will.retain,
    properties: will.properties,
  })
}

export function encodeConnect(writer: Writer, connect: Connect): void {
  const { version, will, userName, password } = connect
  writer.string(version === ProtocolVersion.V3_1 ? 'MQIsdp' : 'MQTT', 'Protocol Name')
  writer.byte(connect.bridge ? version | BRIDGE : version)
  let flags = connect.cleanStart ? CLEAN_START : 0
  if (will !== null) flags |= WILL | (will.qos << 3) | (will.retain ? WILL_RETAIN : 0)
  if (password !== null) flags |= PASSWORD
  if (userName !== null) flags |= USER_NAME
  writer.byte(flags)
  writer.uint16(connect.keepAliveSeconds)
  if (version === ProtocolVersion.V5) encodeProperties(writer, connect.properties)
  writer.string(connect.clientId, 'Client Identifier')
  if (will !== null) {
    if (version === ProtocolVersion.V5) encodeProperties(writer, will.properties)
    writer.string(will.topicName, 'Will Topic')
    writer.binary(will.payload, 'Will Payload')
  }
  if (userName !== null) writer.string(userName, 'User Name')
  if (password !== null) writer.binary(password, 'Password')
}
