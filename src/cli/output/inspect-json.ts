import { PacketType, packetTypeNames, Role } from '../../codec/packet-type.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import { fieldText } from '../../inspect/field-text.ts'
import { expectedInstead, guessMistake } from '../../inspect/hints.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import { type PayloadKind, type PayloadValue, readPayload } from '../../inspect/payload.ts'
import type { Issue } from '../../inspect/trace.ts'

/** One packet as the JSON object that `inspect --json` promises; offsets of fields and issues count from its first byte. */
export function packetJson(packet: InspectedPacket, payloadKind: PayloadKind): string {
  const { version, bytes } = packet
  return JSON.stringify({
    type: packetTypeNames[packet.packetType]!.toLowerCase(),
    version: version === ProtocolVersion.V5 ? '5' : protocolVersionName(version),
    dir: packet.sender === Role.CLIENT ? 'c2s' : 's2c',
    stream: packet.stream,
    frame: packet.frame,
    time: packet.timeSeconds,
    offset: packet.offset,
    length: bytes.length,
    fields: packet.fields.map((field) => ({
      name: field.name,
      start: field.start,
      end: field.end,
      raw: bytes.toString('hex', field.start, field.end),
      value: Buffer.isBuffer(field.value) ? field.value.toString('hex') : field.value,
      text: fieldText(field, packet),
    })),
    issues: packet.issues.map((issue) => issueJson(issue, packet)),
    ...(packet.issues.length === 0 ? {} : { guess: guessMistake(packet) }),
    payload: payloadOf(packet, payloadKind),
  })
}

function issueJson(issue: Issue, packet: InspectedPacket): object {
  const { id, violation, severity, start, end, message } = issue
  return { id, violation, severity, start, end, message, expected: expectedInstead(issue, packet) }
}

function payloadOf({ packet }: InspectedPacket, kind: PayloadKind): PayloadValue | null {
  return packet?.packetType === PacketType.PUBLISH ? readPayload(packet.message.payload, kind) : null
}
