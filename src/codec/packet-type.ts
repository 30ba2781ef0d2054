/** The 15 MQTT Control Packet types (5.0 section 2.1.2). Type 15 does not exist before 5.0; type 0 never. */
export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
  AUTH: 15,
} as const
export type PacketType = (typeof PacketType)[keyof typeof PacketType]

/** The two roles of the standard. As a direction it names the sender. */
export const Role = { CLIENT: 0, SERVER: 1 } as const
export type Role = (typeof Role)[keyof typeof Role]

/** Names by type number, as the standard writes them; index 0 is the type nobody may send. */
export const packetTypeNames: readonly string[] = ['RESERVED', ...Object.keys(PacketType)]

/** Bits of the fixed header's first byte that a type must have [MQTT-2.2.2-1 v311, MQTT-2.1.3-1 v5]; -1: PUBLISH, whose bits mean something. */
export const reservedFlags: readonly number[] = [0, 0, 0, -1, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0]

const CLIENT_SENDS = new Set<number>([
  PacketType.CONNECT,
  PacketType.PUBLISH,
  PacketType.PUBACK,
  PacketType.PUBREC,
  PacketType.PUBREL,
  PacketType.PUBCOMP,
  PacketType.SUBSCRIBE,
  PacketType.UNSUBSCRIBE,
  PacketType.PINGREQ,
  PacketType.DISCONNECT,
  PacketType.AUTH,
])

const SERVER_SENDS = new Set<number>([
  PacketType.CONNACK,
  PacketType.PUBLISH,
  PacketType.PUBACK,
  PacketType.PUBREC,
  PacketType.PUBREL,
  PacketType.PUBCOMP,
  PacketType.SUBACK,
  PacketType.UNSUBACK,
  PacketType.PINGRESP,
  PacketType.DISCONNECT,
  PacketType.AUTH,
])

/** May this role send this type at all, in this version? DISCONNECT from a Server and AUTH exist since 5.0. */
export function maySend(role: Role, packetType: number, version: number): boolean {
  if (packetType === PacketType.AUTH && version < 5) return false
  if (role === Role.CLIENT) return CLIENT_SENDS.has(packetType)
  if (packetType === PacketType.DISCONNECT && version < 5) return false
  return SERVER_SENDS.has(packetType)
}
