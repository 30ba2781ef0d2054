import { isIPv4 } from 'node:net'

/** Where one side of a conversation is, for the headers of its packets. */
export interface CaptureAddress {
  /** IPv4 or IPv6 */
  readonly ip: string
  readonly port: number
}

/** Flags of a TCP segment (RFC 9293 section 3.1). */
export const TcpFlag = { FIN: 0x01, SYN: 0x02, RST: 0x04, PSH: 0x08, ACK: 0x10 } as const

/** Payload of one segment: what an IPv4 packet holds beside its headers, rounded down. */
export const LARGEST_SEGMENT_BYTES = 65_000

/** One segment of a TCP stream. */
export interface Segment {
  readonly from: CaptureAddress
  readonly to: CaptureAddress
  readonly sequence: number
  readonly acknowledgement: number
  readonly flags: number
  /** at most {@link LARGEST_SEGMENT_BYTES} */
  readonly payload: Buffer
}

const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE_DESCRIPTION = 1
const ENHANCED_PACKET = 6
const COMMENT = 1
/** packets begin with their IP header: LINKTYPE_RAW */
const RAW_IP = 101
const TCP = 6
const TCP_HEADER_BYTES = 20
const NO_OPTION = Buffer.alloc(0)

/** The beginning of a pcapng file: one section, one interface. @param comment shown by who reads it */
export function captureHeader(comment: string): Buffer {
  const section = Buffer.alloc(16)
  section.writeUInt32LE(0x1a2b3c4d, 0)
  section.writeUInt16LE(1, 4)
  // length of the section: not known
  section.fill(0xff, 8)
  const description = Buffer.alloc(8)
  description.writeUInt16LE(RAW_IP, 0)
  return Buffer.concat([
    block(SECTION_HEADER, Buffer.concat([section, commentOption(comment)])),
    block(INTERFACE_DESCRIPTION, description),
  ])
}

/**
 * A captured segment as a block of a pcapng file.
 * @param timeMs since 1970
 * @param comment on this packet; '' for none
 */
export function capturedSegment(segment: Segment, timeMs: number, comment = ''): Buffer {
  const packet = ipPacket(segment)
  const option = comment === '' ? NO_OPTION : commentOption(comment)
  const optionStart = 20 + padded(packet.length)
  const body = Buffer.alloc(optionStart + option.length)
  // microseconds are what an interface without an option counts in
  const microseconds = BigInt(Math.round(timeMs * 1000))
  body.writeUInt32LE(Number(microseconds >> 32n), 4)
  body.writeUInt32LE(Number(microseconds & 0xffff_ffffn), 8)
  body.writeUInt32LE(packet.length, 12)
  body.writeUInt32LE(packet.length, 16)
  packet.copy(body, 20)
  option.copy(body, optionStart)
  return block(ENHANCED_PACKET, body)
}

// The option and the one that ends the options.
function commentOption(comment: string): Buffer {
  const text = Buffer.from(comment)
  const option = Buffer.alloc(4 + padded(text.length) + 4)
  option.writeUInt16LE(COMMENT, 0)
  option.writeUInt16LE(text.length, 2)
  text.copy(option, 4)
  return option
}

function block(type: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(body.length + 12)
  bytes.writeUInt32LE(type, 0)
  bytes.writeUInt32LE(bytes.length, 4)
  body.copy(bytes, 8)
  bytes.writeUInt32LE(bytes.length, bytes.length - 4)
  return bytes
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4
}

function ipPacket(segment: Segment): Buffer {
  const { from, to } = segment
  const isV4 = isIPv4(from.ip) && isIPv4(to.ip)
  const addresses = Buffer.concat(
    isV4 ? [bytesOfV4(from.ip), bytesOfV4(to.ip)] : [bytesOfV6(from.ip), bytesOfV6(to.ip)],
  )
  const tcp = tcpSegment(segment, addresses)
  return Buffer.concat([isV4 ? headerOfV4(tcp.length, addresses) : headerOfV6(tcp.length, addresses), tcp])
}

// RFC 791 section 3.1
function headerOfV4(tcpBytes: number, addresses: Buffer): Buffer {
  const header = Buffer.alloc(20)
  header[0] = 0x45
  header.writeUInt16BE(20 + tcpBytes, 2)
  header[8] = 64
  header[9] = TCP
  addresses.copy(header, 12)
  header.writeUInt16BE(checksum([header]), 10)
  return header
}

// RFC 8200 section 3
function headerOfV6(tcpBytes: number, addresses: Buffer): Buffer {
  const header = Buffer.alloc(40)
  header[0] = 0x60
  header.writeUInt16BE(tcpBytes, 4)
  header[6] = TCP
  header[7] = 64
  addresses.copy(header, 8)
  return header
}

function tcpSegment({ from, to, sequence, acknowledgement, flags, payload }: Segment, addresses: Buffer): Buffer {
  const bytes = Buffer.alloc(TCP_HEADER_BYTES + payload.length)
  bytes.writeUInt16BE(from.port, 0)
  bytes.writeUInt16BE(to.port, 2)
  bytes.writeUInt32BE(sequence % 2 ** 32, 4)
  bytes.writeUInt32BE(acknowledgement % 2 ** 32, 8)
  bytes[12] = (TCP_HEADER_BYTES / 4) << 4
  bytes[13] = flags
  bytes.writeUInt16BE(0xffff, 14)
  payload.copy(bytes, TCP_HEADER_BYTES)
  // RFC 9293 section 3.1: the addresses are part of the sum
  const pseudo = Buffer.alloc(4)
  pseudo.writeUInt16BE(TCP, 0)
  pseudo.writeUInt16BE(bytes.length, 2)
  bytes.writeUInt16BE(checksum([addresses, pseudo, bytes]), 16)
  return bytes
}

// RFC 1071; all parts but the last have an even length
function checksum(parts: readonly Buffer[]): number {
  let sum = 0
  for (const part of parts) {
    for (let i = 0; i + 1 < part.length; i += 2) sum += part.readUInt16BE(i)
    if (part.length % 2 === 1) sum += part[part.length - 1]! << 8
  }
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

function bytesOfV4(ip: string): Buffer {
  return Buffer.from(ip.split('.').map(Number))
}

function bytesOfV6(ip: string): Buffer {
  if (isIPv4(ip)) return Buffer.concat([Buffer.alloc(10), Buffer.from([0xff, 0xff]), bytesOfV4(ip)])
  const [head = '', tail = ''] = ip.replace(/%.*/, '').split('::')
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16))
  const [first, last] = [groups(head), groups(tail)]
  const all = [...first, ...Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0), ...last]
  const bytes = Buffer.alloc(16)
  for (const [index, group] of all.slice(0, 8).entries()) bytes.writeUInt16BE(group, index * 2)
  return bytes
}
