import { isUtf8 } from 'node:buffer'
import { PacketType, packetTypeNames, Role } from '../../codec/packet-type.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import { fieldText } from '../../inspect/field-text.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'

/** One packet as the JSON object that `inspect --json` promises; offsets of fields and issues count from its first byte. */
export function packetJson(packet: InspectedPacket): string {
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
    issues: packet.issues.map(({ id, violation, severity, start, end, message }) => ({
      id,
      violation,
      severity,
      start,
      end,
      message,
    })),
    payload: payloadOf(packet),
  })
}

function payloadOf({ packet }: InspectedPacket): { kind: string; value: unknown } | null {
  if (packet?.packetType !== PacketType.PUBLISH) return null
  const { payload } = packet.message
  if (!isUtf8(payload)) return { kind: 'hex', value: payload.toString('hex') }
  const text = payload.toString()
  try {
    if (/^\s*[{[]/.test(text)) return { kind: 'json', value: JSON.parse(text) }
  } catch {
    // it only looks like JSON: shown as the text it is
  }
  return { kind: 'text', value: text }
}
