import type { AnyPacket } from '../codec/control-packet.ts'
import { flagsViolation, typeViolation } from '../codec/decoder.ts'
import { type Role, reservedFlags } from '../codec/packet-type.ts'
import type { ProtocolVersion } from '../codec/protocol-version.ts'
import { ProtocolViolation } from '../codec/violation.ts'
import { decodeBody } from './packet-body.ts'
import { type Header, readHeader } from './packet-header.ts'
import type { Field, Issue } from './trace.ts'
import { TraceReader } from './trace-reader.ts'

/** Why a packet ends before its Remaining Length says. */
export const CutBy = { NOBODY: 0, SENDER: 1, CAPTURE: 2, LIMIT: 3 } as const
export type CutBy = (typeof CutBy)[keyof typeof CutBy]

/** All that can be said about the bytes of one packet. */
export interface PacketTrace {
  readonly fields: readonly Field[]
  readonly issues: readonly Issue[]
  /** null when it could not be read to its end */
  readonly packet: AnyPacket | null
}

/** Reads one packet, notes every field and every broken rule, and never throws. @param bytes of this packet, all there are */
export function tracePacket(bytes: Buffer, sender: Role, version: ProtocolVersion, cutBy: CutBy): PacketTrace {
  const { bodyStart, remainingLength } = readHeader(bytes, 0) ?? { bodyStart: bytes.length, remainingLength: 0 }
  const reader = new TraceReader(sender)
  const packetType = bytes[0]! >> 4
  reader.open(bytes, 0, bodyStart, bytes.length, packetType)
  reader.version = version
  reader.note('Packet Type and Flags', 0, 1, bytes[0]!)
  if (bytes.length > 1) reader.note('Remaining Length', 1, bodyStart, Math.max(0, remainingLength))
  checkFirstByte(reader, bytes[0]!)
  let packet: AnyPacket | null = null
  if (remainingLength < 0) reader.violate('VARIABLE_BYTE_INTEGER_TOO_LONG', 1, 'Remaining Length')
  else {
    if (bodyStart > 2 && bytes[bodyStart - 1] === 0) {
      reader.violate('VARIABLE_BYTE_INTEGER_NOT_SHORTEST', 1, 'Remaining Length')
    }
    if (cutBy !== CutBy.NOBODY) reportCut(reader, { bodyStart, remainingLength }, cutBy)
    packet = decodeLeniently(reader, packetType, bytes[0]! & 0xf)
  }
  const { fields, issues } = reader
  // the fields are all of the packet, so that it can be made of them again
  const decoded = fields.at(-1)!.end
  if (decoded < bytes.length) reader.note('Undecoded', decoded, bytes.length, bytes.subarray(decoded))
  return { fields, issues, packet }
}

function checkFirstByte(reader: TraceReader, first: number): void {
  const { packetType, version } = reader
  const flags = first & 0xf
  const type = typeViolation(reader.sender, packetType, version)
  if (type !== null) reader.violate(type, 0)
  const broken = flagsViolation(packetType, flags, version)
  if (broken === null) return
  const bits = [reservedFlags[packetType]!, flags].map((value) => value.toString(2).padStart(4, '0'))
  reader.violate(broken, 0, undefined, { detail: `expected ${bits[0]}, met ${bits[1]}` })
}

function reportCut(reader: TraceReader, { bodyStart, remainingLength }: Header, cutBy: CutBy): void {
  const last = reader.bytes.length - 1
  reader.isCut = true
  if (cutBy === CutBy.CAPTURE) reader.warn('capture-incomplete', last, 'the capture misses the rest')
  if (cutBy === CutBy.LIMIT) reader.warn('inspect-limit', last, 'the rest is passed over: too much waits to be read')
  if (cutBy !== CutBy.SENDER) return
  const there = reader.bytes.length - bodyStart
  const detail = `Remaining Length ${remainingLength}, but ${there} bytes follow`
  reader.violate('STREAM_ENDS_INSIDE_PACKET', last, undefined, { detail })
}

function decodeLeniently(reader: TraceReader, packetType: number, flags: number): AnyPacket | null {
  if (packetType === 0) return null
  try {
    return decodeBody(reader, packetType, flags)
  } catch (error) {
    if (!(error instanceof ProtocolViolation)) throw error
    return null
  }
}
