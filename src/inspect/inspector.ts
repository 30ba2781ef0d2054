import { maySend, type Role, Role as Roles } from '../codec/packet-type.ts'
import { connectVersion, judge, type Known, type Verdict } from './evidence.ts'
import type { TextPart } from './input/notation.ts'
import type { InspectedPacket } from './inspected-packet.ts'
import { LenientDecoder } from './lenient-decoder.ts'
import type { CapturedFrame } from './network/capture-file.ts'
import { IpReader } from './network/ip.ts'

/** What some bytes turned out to be. */
export interface Inspection {
  readonly packets: readonly InspectedPacket[]
  readonly verdict: Verdict
}

/** Decodes bytes that came without a network, to their end. */
export function inspectBytes(bytes: Buffer, known: Known): Inspection {
  const verdict = judge(bytes, known)
  const decoder = new LenientDecoder(verdict.sender, verdict.version)
  return { verdict, packets: [...decoder.push(bytes), ...decoder.end()] }
}

/** Decodes the parts of a text: the bytes of one side, or the payloads of both in turn. */
export function inspectParts(parts: readonly TextPart[], known: Known): Inspection {
  const hasParties = parts.some(({ party }) => party !== null)
  const isOneSide = parts.length === 1 || (!hasParties && !parts.every(({ bytes }) => isWhole(bytes)))
  if (isOneSide) return inspectBytes(Buffer.concat(parts.map(({ bytes }) => bytes)), known)
  const first = judge(parts[0]!.bytes, known)
  const decoders = [new LenientDecoder(Roles.CLIENT, first.version), new LenientDecoder(Roles.SERVER, first.version)]
  const packets: InspectedPacket[] = []
  let sender: Role = first.sender
  for (const { bytes, party } of parts) {
    if (party !== null) sender = party === parts[0]!.party ? first.sender : other(first.sender)
    else sender = known.sender ?? senderOf(bytes, sender)
    for (const packet of decoders[sender]!.push(bytes)) packets.push(packet)
    const version = sender === Roles.CLIENT ? decoders[sender]!.version : first.version
    for (const decoder of decoders) if (connectVersion(bytes) !== null) decoder.version = version
  }
  for (const decoder of decoders) for (const packet of decoder.end()) packets.push(packet)
  return { verdict: first, packets }
}

/** Frames of a dump that holds whole IP packets; null when it does not. */
export function framesOfParts(parts: readonly TextPart[]): CapturedFrame[] | null {
  for (const linkType of [1, 101, 0, 113, 276]) {
    const frames = parts.map(({ bytes }, index) => ({ number: index + 1, timeSeconds: null, linkType, bytes }))
    const reader = new IpReader()
    if (frames.every((frame) => reader.read(frame) !== null)) return frames
  }
  return null
}

/** What bytes that are no MQTT are; null when that is not known. */
export function nameForeign(bytes: Buffer): string | null {
  const text = bytes.toString('latin1', 0, 8)
  if (bytes[0]! >= 0x14 && bytes[0]! <= 0x17 && bytes[1] === 3 && bytes[2]! <= 4)
    return 'a TLS record: MQTT may be inside, but encrypted'
  if (/^(?:GET |POST |PUT |HEAD |HTTP\/)/.test(text)) return 'HTTP'
  if (text.startsWith('SSH-')) return 'SSH'
  if (text.startsWith('AMQP')) return 'AMQP'
  if (text.startsWith('\x89PNG')) return 'a PNG picture'
  if (text.startsWith('PK\x03\x04')) return 'a ZIP archive'
  return null
}

function other(role: Role): Role {
  return role === Roles.CLIENT ? Roles.SERVER : Roles.CLIENT
}

// Do the bytes split into whole packets?
function isWhole(bytes: Buffer): boolean {
  const packets = new LenientDecoder(Roles.CLIENT, 5).push(bytes)
  const last = packets.at(-1)
  return last !== undefined && last.offset + last.bytes.length === bytes.length
}

const ACKNOWLEDGED_BY_THE_OTHER = new Set([4, 5, 7])

function senderOf(bytes: Buffer, before: Role): Role {
  const packetType = bytes[0]! >> 4
  const byClient = maySend(Roles.CLIENT, packetType, 5)
  const byServer = maySend(Roles.SERVER, packetType, 5)
  if (byClient !== byServer) return byClient ? Roles.CLIENT : Roles.SERVER
  if (ACKNOWLEDGED_BY_THE_OTHER.has(packetType)) return other(before)
  return packetType === 14 || packetType === 3 ? Roles.CLIENT : before
}
