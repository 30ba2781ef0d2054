import { expect } from 'vitest'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { decodeAll } from '../../src/codec/decoder.ts'
import type { Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { decodeChunks } from './decoding.ts'

const CONNECT = 1

/**
 * What the codec says about one packet: `accepted`, or the row of the violation, its Reason Code in 5.0, and the
 * statement: `PACKET_ID_IS_0 0x82 MQTT-2.2.1-3`.
 */
export function verdict(version: ProtocolVersion, sender: Role, bytes: Buffer): string {
  const known = bytes[0]! >> 4 === CONNECT ? null : version
  const { decoded, violation } = decodeChunks([bytes], { sender, version: known })
  expect(decoded).toHaveLength(violation === null ? 1 : 0)
  if (violation === null) return 'accepted'
  const code = version === ProtocolVersion.V5 ? `0x${violation.reasonCode.toString(16)} ` : ''
  return `${violation.violation} ${code}${violation.statement}`
}

/** The one packet that these bytes are. */
export function decodeOne(version: ProtocolVersion, sender: Role, bytes: Buffer): AnyPacket {
  const [packet, ...more] = decodeAll(bytes, sender, bytes[0]! >> 4 === CONNECT ? null : version)
  expect(more).toEqual([])
  return packet!
}
