import type { CapturedFrame } from './capture-file.ts'

/** One TCP segment. */
export interface Segment {
  readonly frame: number
  readonly timeSeconds: number | null
  /** address and port, `127.0.0.1:1883` or `[::1]:1883` */
  readonly source: string
  readonly destination: string
  readonly sequence: number
  readonly syn: boolean
  readonly ack: boolean
  readonly payload: Buffer
}

const LINK_NULL = 0
const LINK_EN10MB = 1
const LINK_RAW = new Set([12, 14, 101, 228, 229])
const LINK_LOOP = 108
const LINK_SLL = 113
const LINK_SLL2 = 276
const VLAN_TYPES = new Set([0x8100, 0x88a8, 0x9100])
const PROTOCOL_TCP = 6
const IPV6_EXTENSIONS = new Set([0, 43, 60, 135])

/** The TCP segment of a frame; null for anything else, IP fragments and cut headers included. */
export function readSegment(frame: CapturedFrame): Segment | null {
  const packet = frame.bytes.subarray(linkHeaderBytes(frame))
  const version = packet.length >= 20 ? packet[0]! >> 4 : 0
  if (version === 4) return readIpv4(frame, packet)
  return version === 6 && packet.length >= 40 ? readIpv6(frame, packet) : null
}

// The IP version in the first nibble says all that the link header says, so the link header is only measured.
function linkHeaderBytes({ linkType, bytes }: CapturedFrame): number {
  if (LINK_RAW.has(linkType)) return 0
  if (linkType === LINK_NULL || linkType === LINK_LOOP) return 4
  if (linkType === LINK_SLL) return 16
  if (linkType === LINK_SLL2) return 20
  if (linkType !== LINK_EN10MB) return bytes.length
  let at = 12
  while (at + 4 < bytes.length && VLAN_TYPES.has(bytes.readUInt16BE(at))) at += 4
  return at + 2
}

function readIpv4(frame: CapturedFrame, packet: Buffer): Segment | null {
  const isFragment = (packet.readUInt16BE(6) & 0x3fff) !== 0
  if (packet[9] !== PROTOCOL_TCP || isFragment) return null
  // Ethernet pads short frames; a length of 0 is left to the network card by some senders
  const total = packet.readUInt16BE(2) || packet.length
  const tcp = packet.subarray((packet[0]! & 0xf) * 4, total)
  return readTcp(frame, packet.subarray(12, 16).join('.'), packet.subarray(16, 20).join('.'), tcp)
}

function readIpv6(frame: CapturedFrame, packet: Buffer): Segment | null {
  const total = 40 + packet.readUInt16BE(4)
  let next = packet[6]!
  let at = 40
  while (IPV6_EXTENSIONS.has(next) && at + 8 <= packet.length) {
    next = packet[at]!
    at += 8 + packet[at + 1]! * 8
  }
  if (next !== PROTOCOL_TCP) return null
  return readTcp(frame, ipv6(packet.subarray(8, 24)), ipv6(packet.subarray(24, 40)), packet.subarray(at, total))
}

function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':')
  return `[${groups.replace(/(?:^|:)0(?::0)+(?:$|:)/, '::')}]`
}

function readTcp(frame: CapturedFrame, source: string, destination: string, tcp: Buffer): Segment | null {
  if (tcp.length < 20) return null
  const flags = tcp[13]!
  return {
    frame: frame.number,
    timeSeconds: frame.timeSeconds,
    source: `${source}:${tcp.readUInt16BE(0)}`,
    destination: `${destination}:${tcp.readUInt16BE(2)}`,
    sequence: tcp.readUInt32BE(4),
    syn: (flags & 2) !== 0,
    ack: (flags & 16) !== 0,
    payload: tcp.subarray((tcp[12]! >> 4) * 4),
  }
}
