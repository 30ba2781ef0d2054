import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Role } from '../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'

/** A valid packet: its bytes, and what they say. */
export interface PacketVector {
  /** what is special about it; a vector of its file has no other with the same */
  readonly title: string
  readonly versions: readonly ProtocolVersion[]
  readonly senders: readonly Role[]
  readonly bytes: Buffer
  readonly packet: AnyPacket
  /** what we send for the same packet, where the sender of these bytes chose another form */
  readonly canonical?: Buffer
}

export const { V3_1, V3_1_1, V5 } = ProtocolVersion
export const BEFORE_5 = [V3_1, V3_1_1] as const
export const EVERY_VERSION = [V3_1, V3_1_1, V5] as const

export const FROM_CLIENT = [Role.CLIENT] as const
export const FROM_SERVER = [Role.SERVER] as const
export const FROM_BOTH = [Role.CLIENT, Role.SERVER] as const
