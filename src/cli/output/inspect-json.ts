import { PacketType, packetTypeNames, Role } from '../../codec/packet-type.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import { fieldText } from '../../inspect/field-text.ts'
import { expectedInstead, guessMistake } from '../../inspect/hints.ts'
import type { InspectedPacket } from '../../inspect/inspected-packet.ts'
import type { PayloadReader } from '../../inspect/payload/payload-reader.ts'
import type { Field, Issue } from '../../inspect/trace.ts'
import type { Injected } from '../../proxy/tap.ts'

/**
 * One packet as the JSON object that `inspect --json` promises; offsets of fields and issues count from its first byte.
 * @param injected what a proxy did to it; where it did anything, `injected` says so
 */
export function packetJson(packet: InspectedPacket, payloads: PayloadReader, injected: Injected | null = null): string {
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
    fields: packet.fields.map((field) => fieldJson(field, packet)),
    issues: packet.issues.map((issue) => issueJson(issue, packet)),
    ...(packet.issues.length === 0 ? {} : { guess: guessMistake(packet) }),
    ...(isTopicElsewhere(packet) ? { topic: packet.topicName } : {}),
    payload: payloads.read(packet),
    ...(injected === null ? {} : injectedJson(injected)),
  })
}

// A Topic Alias alone says nothing to who reads one line.
function isTopicElsewhere({ packet, topicName }: InspectedPacket): boolean {
  return topicName !== null && packet?.packetType === PacketType.PUBLISH && packet.message.topicName === ''
}

function injectedJson({ isDropped, isCopy, heldMs }: Injected): object {
  const told = {
    ...(isDropped ? { dropped: true } : {}),
    ...(isCopy ? { copy: true } : {}),
    ...(heldMs > 0 ? { heldMs: Math.round(heldMs * 10) / 10 } : {}),
  }
  return Object.keys(told).length === 0 ? {} : { injected: told }
}

/** One field as the contract has it. */
export function fieldJson(
  field: Field,
  packet: Pick<InspectedPacket, 'bytes' | 'packetType' | 'version'>,
): Record<string, unknown> {
  const { name, start, end, value } = field
  return {
    name,
    start,
    end,
    raw: packet.bytes.toString('hex', start, end),
    value: Buffer.isBuffer(value) ? value.toString('hex') : value,
    text: fieldText(field, packet),
  }
}

function issueJson(issue: Issue, packet: InspectedPacket): object {
  const { id, violation, severity, start, end, message } = issue
  return { id, violation, severity, start, end, message, expected: expectedInstead(issue, packet) }
}
