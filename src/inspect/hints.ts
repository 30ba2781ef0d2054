import { PacketType, packetTypeNames, reservedFlags } from '../codec/packet-type.ts'
import { ProtocolVersion, protocolVersionName } from '../codec/protocol-version.ts'
import type { InspectedPacket } from './inspected-packet.ts'
import { readHeader } from './packet-header.ts'
import { CutBy, tracePacket } from './packet-trace.ts'
import type { Issue } from './trace.ts'

/** What the sender should have sent. */
const expectations: Readonly<Record<string, string>> = {
  PACKET_ID_IS_0: 'a Packet Identifier from 1 to 65,535',
  ACKNOWLEDGED_PACKET_ID_IS_0: 'the Packet Identifier of the packet that is acknowledged',
  TOPIC_NAME_EMPTY: 'a Topic Name of at least one character, or a Topic Alias',
  TOPIC_NAME_HAS_WILDCARD: 'a Topic Name without + and #',
  RESPONSE_TOPIC_HAS_WILDCARD: 'a Topic Name without + and #',
  WILL_TOPIC_INVALID: 'a Topic Name of at least one character, without + and #',
  TOPIC_FILTER_EMPTY: 'a Topic Filter of at least one character',
  TOPIC_FILTER_HASH_MISPLACED: '# alone on the last level: a/#',
  TOPIC_FILTER_PLUS_MISPLACED: '+ alone on its level: a/+/c',
  SHARE_NAME_EMPTY: '$share/NAME/FILTER',
  SHARE_NAME_INVALID: '$share/NAME/FILTER, the name without + and #',
  STRING_NOT_UTF8: 'UTF-8; Binary Data belongs into Correlation Data or the payload',
  STRING_HAS_NUL: 'text without U+0000',
  QOS_IS_3: 'QoS 0, 1 or 2',
  WILL_QOS_IS_3: 'Will QoS 0, 1 or 2',
  DUP_ON_QOS_0: 'DUP 0: nothing is sent again at QoS 0',
  WILL_QOS_WITHOUT_WILL: 'Will QoS 0 where the Will Flag is 0',
  WILL_RETAIN_WITHOUT_WILL: 'Will Retain 0 where the Will Flag is 0',
  CONNECT_RESERVED_FLAG: 'bit 0 of the Connect Flags 0',
  PASSWORD_WITHOUT_USER_NAME: 'a User Name beside the Password, or MQTT 5.0',
  PROTOCOL_NAME_UNKNOWN: 'MQTT (00 04 4d 51 54 54), or MQIsdp for MQTT 3.1',
  PROTOCOL_LEVEL_UNSUPPORTED: '4 for MQTT 3.1.1 or 5 for MQTT 5.0; 3 with the name MQIsdp',
  CONNACK_FLAGS_RESERVED: '0 or 1',
  CONNACK_SESSION_PRESENT_ON_REFUSAL: 'Session Present 0 beside a refusal',
  SUBSCRIBE_WITHOUT_FILTER: 'at least one Topic Filter with its options',
  UNSUBSCRIBE_WITHOUT_FILTER: 'at least one Topic Filter',
  SUBSCRIBE_QOS_INVALID: 'QoS 0, 1 or 2',
  SUBSCRIBE_RESERVED_BITS: 'reserved bits 0',
  RETAIN_HANDLING_IS_3: 'Retain Handling 0, 1 or 2',
  NO_LOCAL_ON_SHARED_SUBSCRIPTION: 'No Local 0 on a Shared Subscription',
  SUBACK_CODE_COUNT: 'one code per Topic Filter of the SUBSCRIBE',
  TOPIC_ALIAS_IS_0: 'a Topic Alias from 1 up to the Topic Alias Maximum of the receiver',
  PROPERTY_REPEATED: 'the property once',
  SUBSCRIPTION_IDENTIFIER_FROM_CLIENT: 'no Subscription Identifier: only the server sends it in PUBLISH',
  SESSION_EXPIRY_FROM_SERVER: 'no Session Expiry Interval: only the client sends it in DISCONNECT',
}

/** What the sender should have sent in place of the bytes of an issue; null when that does not follow from the rule. */
export function expectedInstead({ violation }: Issue, { bytes, packetType }: InspectedPacket): string | null {
  if (violation.endsWith('FLAGS_INVALID')) return hex([(packetType << 4) | Math.max(0, reservedFlags[packetType]!)])
  const header = readHeader(bytes, 0)
  if (violation === 'STREAM_ENDS_INSIDE_PACKET' && header !== null) {
    const there = bytes.length - header.bodyStart
    return `Remaining Length ${there}, or ${header.remainingLength - there} bytes more`
  }
  if (violation === 'VARIABLE_BYTE_INTEGER_NOT_SHORTEST' && header !== null && header.bodyStart > 2) {
    return `Remaining Length as ${hex(variableByteInteger(header.remainingLength))}`
  }
  return expectations[violation] ?? null
}

/**
 * What may have gone wrong in the sender: the smallest change after which the packet breaks no rule.
 * @returns null when no change that we know of mends it
 */
export function guessMistake(packet: InspectedPacket): string | null {
  if (!packet.issues.some(({ severity }) => severity === 'error')) return null
  return guessVersion(packet) ?? guessSwap(packet) ?? guessRemainingLength(packet)
}

function reads(packet: InspectedPacket, bytes: Buffer, version: ProtocolVersion = packet.version): boolean {
  const header = readHeader(bytes, 0)
  if (header === null || header.bodyStart + header.remainingLength !== bytes.length) return false
  return tracePacket(bytes, packet.sender, version, CutBy.NOBODY).issues.length === 0
}

// the one that is met most often first
const VERSIONS = [ProtocolVersion.V3_1_1, ProtocolVersion.V5, ProtocolVersion.V3_1]

function guessVersion(packet: InspectedPacket): string | null {
  if (packet.packetType === PacketType.CONNECT) return null
  const version = VERSIONS.find((one) => one !== packet.version && reads(packet, packet.bytes, one))
  if (version === undefined) return null
  return `it is a right ${packetTypeNames[packet.packetType]} of MQTT ${protocolVersionName(version)}`
}

/** Places that are tried: a packet may be large, and a length that is wrong stands near its beginning. */
const TRIED_BYTES = 256

// The low byte first: lengths and identifiers of MQTT have the high byte first.
function guessSwap(packet: InspectedPacket): string | null {
  const start = readHeader(packet.bytes, 0)?.bodyStart ?? packet.bytes.length
  const last = Math.min(packet.bytes.length - 1, start + TRIED_BYTES)
  for (let at = start; at < last; at++) {
    const [high, low] = [packet.bytes[at]!, packet.bytes[at + 1]!]
    // a length that fits is short, so its low byte stands where the high one belongs
    if (high === low || low !== 0) continue
    const bytes = Buffer.from(packet.bytes)
    bytes[at] = low
    bytes[at + 1] = high
    if (reads(packet, bytes)) return `bytes ${at} and ${at + 1} are swapped: ${hex([low, high])} reads well`
  }
  return null
}

function guessRemainingLength(packet: InspectedPacket): string | null {
  const header = readHeader(packet.bytes, 0)
  if (header === null || header.remainingLength < 0) return null
  const body = packet.bytes.subarray(header.bodyStart)
  for (const length of [body.length, ...packet.fields.map(({ end }) => end - header.bodyStart)]) {
    if (length <= 0 || length > body.length) continue
    const bytes = Buffer.concat([packet.bytes.subarray(0, 1), variableByteInteger(length), body.subarray(0, length)])
    if (reads(packet, bytes)) return `Remaining Length is wrong: with ${length} the packet reads well`
  }
  return null
}

function variableByteInteger(value: number): Buffer {
  const bytes: number[] = []
  for (let rest = value; bytes.length === 0 || rest > 0; rest >>>= 7)
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
  return Buffer.from(bytes)
}

function hex(bytes: Uint8Array | readonly number[]): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
}
