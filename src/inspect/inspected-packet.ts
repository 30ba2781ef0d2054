/**
 * The inspect room looks at bytes that may be MQTT: it finds out how they are written down, takes networks off them, decodes
 * with the decoders of the broker but never throws, and names every broken rule. It reads no file and prints nothing.
 * Start with inspector.ts.
 */
import type { AnyPacket } from '../codec/control-packet.ts'
import type { Role } from '../codec/packet-type.ts'
import type { ProtocolVersion } from '../codec/protocol-version.ts'

/** One field of a packet; offsets are in bytes from the first byte of the packet. */
export interface Field {
  /** as the standard writes it */
  readonly name: string
  readonly start: number
  readonly end: number
  readonly value: number | string | Buffer
}

/** A broken rule; offsets are in bytes from the first byte of the packet. */
export interface Issue {
  /** statement of the standard for the version in use, or the row's name in lower case where it has none */
  readonly id: string
  /** name of the row in codec/violation.ts */
  readonly violation: string
  /** error: a rule is broken; warning: the capture, not the sender, is to blame */
  readonly severity: 'error' | 'warning'
  readonly start: number
  readonly end: number
  readonly message: string
}

/** Where a packet was found. */
export interface Origin {
  /** TCP connection, counted from 0; null when the bytes came without a network */
  readonly stream: number | null
  /** captured frame that completed the packet, counted from 1 */
  readonly frame: number | null
  /** seconds since 1970 */
  readonly timeSeconds: number | null
}

/** A packet with all that could be said about it. */
export interface InspectedPacket extends Origin {
  readonly packetType: number
  readonly version: ProtocolVersion
  readonly sender: Role
  /** of the first byte, in the bytes of its sender */
  readonly offset: number
  /** all bytes there are: fewer than declared when it is cut */
  readonly bytes: Buffer
  readonly fields: readonly Field[]
  readonly issues: readonly Issue[]
  /** null when it could not be read to its end */
  readonly packet: AnyPacket | null
}
