import type { AnyPacket } from '../codec/control-packet.ts'
import { decodeControlPacket } from '../codec/decoder.ts'
import { PacketType } from '../codec/packet-type.ts'
import { type AcknowledgementType, decodeAcknowledgement } from '../codec/packets/acknowledgement.ts'
import { decodePublish } from '../codec/packets/publish.ts'
import type { Reader } from '../codec/reader.ts'

/** Decodes what follows the fixed header. @throws ProtocolViolation as the decoders of the codec, with a Reader that throws */
export function decodeBody(reader: Reader, packetType: number, flags: number): AnyPacket {
  switch (packetType) {
    case PacketType.PUBLISH:
      return decodePublish(reader, flags)
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return decodeAcknowledgement(reader, packetType as AcknowledgementType)
    default:
      return decodeControlPacket(reader, packetType)
  }
}
