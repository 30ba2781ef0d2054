import type { AnyPacket, ControlPacket } from './control-packet.ts'
import { PacketType, reservedFlags } from './packet-type.ts'
import { encodeAcknowledgement } from './packets/acknowledgement.ts'
import { encodeAuth } from './packets/auth.ts'
import { encodeConnack } from './packets/connack.ts'
import { encodeConnect } from './packets/connect.ts'
import { encodeDisconnect } from './packets/disconnect.ts'
import { encodePublish } from './packets/publish.ts'
import { encodeSuback } from './packets/suback.ts'
import { encodeSubscribe } from './packets/subscribe.ts'
import { encodeUnsuback } from './packets/unsuback.ts'
import { encodeUnsubscribe } from './packets/unsubscribe.ts'
import type { ProtocolVersion } from './protocol-version.ts'
import { Writer } from './writer.ts'

const writer = new Writer()

/**
 * Encodes one packet in its shortest form, properties in the order of the table. In a PUBLISH the properties that are
 * forwarded keep the order they have in its message, between Message Expiry Interval and what belongs to this transmission.
 *
 * PUBLISH and acknowledgements have quicker ways into an output buffer: `writePublish` and `writeAcknowledgement`.
 * @returns a buffer of its own
 * @throws ProtocolViolation (ours) for strings that are too long or cannot be encoded, and PACKET_TOO_LARGE
 */
export function encodePacket(packet: AnyPacket, version: ProtocolVersion): Buffer {
  if (packet.packetType === PacketType.PUBLISH) return encodePublish(packet, version)
  writer.start(version)
  encodeBody(packet)
  return writer.finish((packet.packetType << 4) | reservedFlags[packet.packetType]!)
}

function encodeBody(packet: ControlPacket): void {
  switch (packet.packetType) {
    case PacketType.CONNECT:
      return encodeConnect(writer, packet)
    case PacketType.CONNACK:
      return encodeConnack(writer, packet)
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return encodeAcknowledgement(writer, packet)
    case PacketType.SUBSCRIBE:
      return encodeSubscribe(writer, packet)
    case PacketType.SUBACK:
      return encodeSuback(writer, packet)
    case PacketType.UNSUBSCRIBE:
      return encodeUnsubscribe(writer, packet)
    case PacketType.UNSUBACK:
      return encodeUnsuback(writer, packet)
    case PacketType.PINGREQ:
    case PacketType.PINGRESP:
      return
    case PacketType.DISCONNECT:
      return encodeDisconnect(writer, packet)
    case PacketType.AUTH:
      return encodeAuth(writer, packet)
  }
}
