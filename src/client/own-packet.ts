import type { ControlPacket } from '../codec/control-packet.ts'
import { decodeAll } from '../codec/decoder.ts'
import { encodePacket } from '../codec/encoder.ts'
import { Role } from '../codec/packet-type.ts'
import type { ProtocolVersion } from '../codec/protocol-version.ts'
import { ProtocolViolation } from '../codec/violation.ts'

/**
 * Judges a packet of a Client as a strict Server would: by decoding it.
 *
 * @throws ProtocolViolation (ours) for whatever the packet must not say: filters, properties, strings, flags
 */
export function checkOwnPacket(packet: ControlPacket, version: ProtocolVersion): void {
  try {
    decodeAll(encodePacket(packet, version), Role.CLIENT, version)
  } catch (error) {
    if (!(error instanceof ProtocolViolation) || error.ours) throw error
    const { violation, statement, reasonCode } = error
    const field = error.field ?? undefined
    throw new ProtocolViolation(violation, {
      version,
      packetType: packet.packetType,
      field,
      statement,
      reasonCode,
      ours: true,
    })
  }
}
