import type { ControlPacket } from '../codec/control-packet.ts'
import { encodePacket } from '../codec/encoder.ts'
import { PacketType, Role } from '../codec/packet-type.ts'
import { Connack } from '../codec/packets/connack.ts'
import { Disconnect } from '../codec/packets/disconnect.ts'
import type { Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { isReasonCodeAllowed, ReasonCode, returnCodeFor } from '../codec/reason-code.ts'
import type { ProtocolViolation } from '../codec/violation.ts'

/*
 * What a client is told when its connection ends, in the words of its version and within its Maximum Packet Size; null where
 * the standard wants silence.
 */

/** CONNACK of 3.1 and 3.1.1 with return code 1, which clients of every version read. */
const UNACCEPTABLE_LEVEL = Buffer.from([0x20, 2, 0, 1])

/**
 * To a CONNECT that is refused [MQTT-3.2.2-7 v5, MQTT-3.2.2-5 v311]; null when no return code fits [MQTT-3.2.2-6 v311] or the client
 * cannot take even the shortest CONNACK [MQTT-3.1.2-24].
 * @param reasonCode 0x80 or more
 */
export function refusal(
  reasonCode: number,
  properties: Properties,
  version: ProtocolVersion,
  maximumPacketBytes: number,
): Connack | null {
  const code = version === ProtocolVersion.V5 ? reasonCode : returnCodeFor(reasonCode)
  if (code === null) return null
  const connack = new Connack(false, code, properties)
  return fits(connack, version, maximumPacketBytes) ? connack : null
}

/**
 * To a CONNECT, or an AUTH before CONNACK, that breaks a rule. A known name with another level is told so in the oldest words
 * [MQTT-3.1.2-2]; a malformed 5.0 CONNECT gets its Reason Code, any other silence [MQTT-3.1.4-1 v311], as does a reserved flag, which
 * is of a version nobody knows yet (semantics C-04).
 */
export function answerToMalformedConnect(
  violation: ProtocolViolation,
  isAuthenticating: boolean,
  maximumPacketBytes: number,
): Buffer | null {
  if (violation.violation === 'PROTOCOL_LEVEL_UNSUPPORTED') return UNACCEPTABLE_LEVEL
  if (violation.violation === 'CONNECT_RESERVED_FLAG' || violation.version !== ProtocolVersion.V5) return null
  if (violation.packetType !== PacketType.CONNECT && !isAuthenticating) return null
  const { reasonCode, message: reasonString } = violation
  const explained = new Connack(false, reasonCode, { reasonString })
  // [MQTT-3.2.2-19]
  const connack = fits(explained, ProtocolVersion.V5, maximumPacketBytes) ? explained : new Connack(false, reasonCode)
  return encodePacket(connack, ProtocolVersion.V5)
}

/** DISCONNECT of 5.0. @param reasonString left out when it would break the client's Maximum Packet Size [MQTT-3.14.2-3] */
export function farewell(reasonCode: number, reasonString: string | null, maximumPacketBytes: number): Disconnect {
  const short = new Disconnect(reasonCode)
  if (reasonString === null) return short
  const explained = new Disconnect(reasonCode, { reasonString })
  return fits(explained, ProtocolVersion.V5, maximumPacketBytes) ? explained : short
}

/** The code of a DISCONNECT for a broken rule: a second CONNECT may break one whose code only CONNACK has [MQTT-3.14.2-1]. */
export function farewellCode({ reasonCode }: ProtocolViolation): number {
  return isReasonCodeAllowed(PacketType.DISCONNECT, reasonCode, Role.SERVER) ? reasonCode : ReasonCode.PROTOCOL_ERROR
}

function fits(packet: ControlPacket, version: ProtocolVersion, maximumPacketBytes: number): boolean {
  return encodePacket(packet, version).length <= maximumPacketBytes
}
