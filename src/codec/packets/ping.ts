import { PacketType } from '../packet-type.ts'

/** PINGREQ (section 3.12): two bytes, no fields. */
export class Pingreq {
  readonly packetType = PacketType.PINGREQ
}

/** PINGRESP (section 3.13): two bytes, no fields. */
export class Pingresp {
  readonly packetType = PacketType.PINGRESP
}

/** The only instances anybody needs. */
export const PINGREQ = new Pingreq()
export const PINGRESP = new Pingresp()
