import type { AnyPacket } from '../../codec/control-packet.ts'
import { PacketType, packetTypeNames, type Role } from '../../codec/packet-type.ts'
import type { ProtocolVersion } from '../../codec/protocol-version.ts'
import type { InspectedPacket } from '../inspected-packet.ts'
import { CutBy, type PacketTrace, tracePacket } from '../packet-trace.ts'
import type { Field } from '../trace.ts'

/** As much of a packet as a comparison keeps: its bytes, copied, and where it was found. */
export class ComparedPacket {
  /** counted from 1 in its input */
  readonly number: number
  readonly packetType: number
  readonly version: ProtocolVersion
  readonly sender: Role
  readonly stream: number | null
  readonly frame: number | null
  readonly offset: number
  readonly bytes: Buffer
  /** what a person would know it by: type, and topic, Topic Filters, Client Identifier or Packet Identifier */
  readonly identity: string

  constructor(packet: InspectedPacket, number: number) {
    this.number = number
    this.packetType = packet.packetType
    this.version = packet.version
    this.sender = packet.sender
    this.stream = packet.stream
    this.frame = packet.frame
    this.offset = packet.offset
    this.bytes = Buffer.from(packet.bytes)
    this.identity = `${packet.packetType} ${identityOf(packet.packet)}`
  }

  get typeName(): string {
    return packetTypeNames[this.packetType]!
  }

  get fields(): readonly Field[] {
    return this.trace().fields
  }

  /** Reads the bytes again, each time: most packets of a comparison are never looked into. */
  trace(): PacketTrace {
    return tracePacket(this.bytes, this.sender, this.version, CutBy.NOBODY)
  }
}

function identityOf(packet: AnyPacket | null): string {
  switch (packet?.packetType) {
    case PacketType.CONNECT:
      return packet.clientId
    case PacketType.PUBLISH:
      return packet.topicAlias > 0 ? `${packet.topicAlias} ${packet.message.topicName}` : packet.message.topicName
    case PacketType.SUBSCRIBE:
      return packet.requests.map(({ topicFilter }) => topicFilter).join(' ')
    case PacketType.UNSUBSCRIBE:
      return packet.topicFilters.join(' ')
    default:
      return packet !== null && packet !== undefined && 'packetId' in packet ? String(packet.packetId) : ''
  }
}
