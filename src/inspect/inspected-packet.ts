/**
 * The inspect room looks at bytes that may be MQTT: it finds out how they are written down, takes networks off them, decodes
 * with the decoders of the broker but never throws, and names every broken rule. It reads no file and prints nothing.
 * Start with inspector.ts.
 */
import type { AnyPacket } from '../codec/control-packet.ts'
import type { Role } from '../codec/packet-type.ts'
import type { ProtocolVersion } from '../codec/protocol-version.ts'
import { CutBy, type PacketTrace, tracePacket } from './packet-trace.ts'
import { type Field, type Issue, NO_ISSUES } from './trace.ts'

/** Where a packet was found. */
export interface Origin {
  /** TCP connection, counted from 0; null when the bytes came without a network */
  readonly stream: number | null
  /** captured frame that completed the packet, counted from 1 */
  readonly frame: number | null
  /** seconds since 1970 */
  readonly timeSeconds: number | null
}

export const NO_ORIGIN: Origin = { stream: null, frame: null, timeSeconds: null }

/** A packet with all that can be said about it; good as long as the chunk it came in. */
export class InspectedPacket implements Origin {
  readonly packetType: number
  readonly version: ProtocolVersion
  readonly sender: Role
  readonly stream: number | null
  readonly frame: number | null
  readonly timeSeconds: number | null
  /** of the first byte, in the bytes of its sender */
  readonly offset: number
  /** all bytes there are: fewer than declared when it is cut */
  readonly bytes: Buffer
  readonly issues: readonly Issue[]
  /** null when it could not be read to its end */
  readonly packet: AnyPacket | null
  /** of a PUBLISH, also when a Topic Alias stands for it; null: another packet, or the alias was set before anybody looked */
  readonly topicName: string | null
  // Hot: most packets break no rule and most views ask for no field, so fields are noted when asked for.
  #fields: readonly Field[] | null

  /** @param trace null when the strict decoder accepts the packet: there is no issue then */
  constructor(
    bytes: Buffer,
    sender: Role,
    version: ProtocolVersion,
    offset: number,
    packet: AnyPacket | null,
    topicName: string | null,
    trace: PacketTrace | null,
    origin: Origin,
  ) {
    this.packetType = bytes[0]! >> 4
    this.version = version
    this.sender = sender
    this.stream = origin.stream
    this.frame = origin.frame
    this.timeSeconds = origin.timeSeconds
    this.offset = offset
    this.bytes = bytes
    this.issues = trace === null ? NO_ISSUES : trace.issues
    this.packet = packet
    this.topicName = topicName
    this.#fields = trace === null ? null : trace.fields
  }

  get fields(): readonly Field[] {
    this.#fields ??= tracePacket(this.bytes, this.sender, this.version, CutBy.NOBODY).fields
    return this.#fields
  }
}
