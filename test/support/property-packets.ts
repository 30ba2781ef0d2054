import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { type PropertyPlace, WILL_PROPERTIES } from '../../src/codec/property.ts'
import { packet, section, utf8 } from './hex.ts'

type Part = string | Uint8Array

/** Where properties stand, by the name the table of the standard gives it. */
export const placesByName: Readonly<Record<string, PropertyPlace>> = {
  WILL: WILL_PROPERTIES,
  CONNECT: PacketType.CONNECT,
  CONNACK: PacketType.CONNACK,
  PUBLISH: PacketType.PUBLISH,
  PUBACK: PacketType.PUBACK,
  PUBREC: PacketType.PUBREC,
  PUBREL: PacketType.PUBREL,
  PUBCOMP: PacketType.PUBCOMP,
  SUBSCRIBE: PacketType.SUBSCRIBE,
  SUBACK: PacketType.SUBACK,
  UNSUBSCRIBE: PacketType.UNSUBSCRIBE,
  UNSUBACK: PacketType.UNSUBACK,
  DISCONNECT: PacketType.DISCONNECT,
  AUTH: PacketType.AUTH,
}

/** First byte, what stands before the properties, what stands behind them. */
const frames: Readonly<Record<PropertyPlace, readonly [firstByte: string, front: string, back: string]>> = {
  [WILL_PROPERTIES]: ['10', '00 04 4d 51 54 54 05 06 00 3c 00 00 00', '00 01 77 00 00'],
  [PacketType.CONNECT]: ['10', '00 04 4d 51 54 54 05 02 00 3c', '00 00'],
  [PacketType.CONNACK]: ['20', '00 00', ''],
  [PacketType.PUBLISH]: ['30', '00 01 61', ''],
  [PacketType.PUBACK]: ['40', '00 01 00', ''],
  [PacketType.PUBREC]: ['50', '00 01 00', ''],
  [PacketType.PUBREL]: ['62', '00 01 00', ''],
  [PacketType.PUBCOMP]: ['70', '00 01 00', ''],
  [PacketType.SUBSCRIBE]: ['82', '00 01', '00 01 61 00'],
  [PacketType.SUBACK]: ['90', '00 01', '00'],
  [PacketType.UNSUBSCRIBE]: ['a2', '00 01', '00 01 61'],
  [PacketType.UNSUBACK]: ['b0', '00 01', '00'],
  [PacketType.DISCONNECT]: ['e0', '00', ''],
  [PacketType.AUTH]: ['f0', '18', ''],
  [PacketType.PINGREQ]: ['c0', '', ''],
  [PacketType.PINGRESP]: ['d0', '', ''],
}

/** A valid 5.0 packet with these properties in that place. */
export function packetWith(place: PropertyPlace, ...properties: readonly Part[]): Buffer {
  const [firstByte, front, back] = frames[place]
  return packet(firstByte, front, section(...properties), back)
}

/** Authentication Method M, which AUTH needs, and Authentication Data everywhere. */
export const AUTHENTICATION_METHOD = Buffer.concat([Buffer.from([0x15]), utf8('M')])

/** The sides that send packets with such properties. */
export function sendersOf(place: PropertyPlace): readonly Role[] {
  switch (place) {
    case WILL_PROPERTIES:
    case PacketType.CONNECT:
    case PacketType.SUBSCRIBE:
    case PacketType.UNSUBSCRIBE:
    case PacketType.PINGREQ:
      return [Role.CLIENT]
    case PacketType.CONNACK:
    case PacketType.SUBACK:
    case PacketType.UNSUBACK:
    case PacketType.PINGRESP:
      return [Role.SERVER]
    default:
      return [Role.CLIENT, Role.SERVER]
  }
}
