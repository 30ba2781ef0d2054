import type { Frame } from './capture-file.ts'

/**
 * Frames as TCP streams: link layer, IPv4 or IPv6, TCP, then the bytes of each direction in order and without repeats.
 * Written for captures that show each connection from its SYN on: IP fragments, IPv6 extension headers and missing
 * segments are errors, so that no test runs on half a stream.
 */

/** Bytes that became readable with one frame. */
export interface Chunk {
  readonly frame: number
  readonly bytes: Buffer
}

/** One connection. The client is the side that sent the SYN. */
export interface TcpStream {
  readonly clientToServer: readonly Chunk[]
  readonly serverToClient: readonly Chunk[]
}

/** All connections, in the order of their SYN. Frames without TCP are passed over. */
export function tcpStreams(frames: readonly Frame[]): TcpStream[] {
  const streams: Connection[] = []
  const open = new Map<string, Connection>()
  for (const frame of frames) {
    const segment = readSegment(frame)
    if (!segment) continue
    const key = [segment.source, segment.destination].sort().join(' ')
    if (isNewConnection(segment, open.get(key))) {
      const connection = new Connection(segment)
      open.set(key, connection)
      streams.push(connection)
    }
    const connection = open.get(key)
    if (!connection) throw new Error(`frame ${frame.number} belongs to a connection whose SYN is not in the capture`)
    connection.add(segment)
  }
  return streams.map((connection) => connection.finish())
}

/** The bytes of chunks end to end, and the frame that carried each of them. */
export function joinChunks(chunks: readonly Chunk[]): { bytes: Buffer; frameAt: (offset: number) => number } {
  const bytes = Buffer.concat(chunks.map((chunk) => chunk.bytes))
  const frames = chunks.flatMap((chunk) => new Array<number>(chunk.bytes.length).fill(chunk.frame))
  return {
    bytes,
    frameAt(offset) {
      const frame = frames[offset]
      if (frame === undefined) throw new RangeError(`offset ${offset} is outside of the stream`)
      return frame
    },
  }
}

interface Segment {
  readonly frame: number
  /** address and port */
  readonly source: string
  readonly destination: string
  readonly sequence: number
  readonly syn: boolean
  readonly ack: boolean
  readonly payload: Buffer
}

function isNewConnection(segment: Segment, known: Connection | undefined): boolean {
  return segment.syn && !segment.ack && segment.sequence !== known?.initialSequence
}

class Connection {
  readonly initialSequence: number
  readonly #client: string
  readonly #clientToServer = new Direction()
  readonly #serverToClient = new Direction()

  constructor(syn: Segment) {
    this.initialSequence = syn.sequence
    this.#client = syn.source
  }

  add(segment: Segment): void {
    const direction = segment.source === this.#client ? this.#clientToServer : this.#serverToClient
    direction.add(segment)
  }

  finish(): TcpStream {
    return { clientToServer: this.#clientToServer.finish(), serverToClient: this.#serverToClient.finish() }
  }
}

/** One direction: what is in order goes to chunks, what came early waits for the gap before it to be filled. */
class Direction {
  readonly #chunks: Chunk[] = []
  #next: number | null = null
  #early: Segment[] = []

  add(segment: Segment): void {
    if (segment.syn) this.#next ??= (segment.sequence + 1) >>> 0
    if (segment.payload.length === 0) return
    this.#early.push(segment)
    this.#take(segment.frame)
  }

  finish(): readonly Chunk[] {
    const [early] = this.#early
    if (early) throw new Error(`a segment before frame ${early.frame} is missing in the capture`)
    return this.#chunks
  }

  #take(frame: number): void {
    const ready = this.#early.find((segment) => this.#repeated(segment) >= 0)
    if (!ready) return
    this.#early = this.#early.filter((segment) => segment !== ready)
    const bytes = ready.payload.subarray(this.#repeated(ready))
    if (bytes.length > 0) this.#chunks.push({ frame, bytes })
    this.#next = (this.#expected() + bytes.length) >>> 0
    this.#take(frame)
  }

  /** How many bytes of the segment came before; negative when something before it is still missing. */
  #repeated(segment: Segment): number {
    return (this.#expected() - segment.sequence) | 0
  }

  #expected(): number {
    if (this.#next === null) throw new Error('data before the SYN')
    return this.#next
  }
}

const LINK_HEADER_BYTES: Readonly<Record<number, number>> = { 0: 4, 1: 14, 101: 0, 113: 16, 276: 20 }
const PROTOCOL_TCP = 6
const FLAG_SYN = 0x02
const FLAG_ACK = 0x10

/** The IP version in the first nibble says all that the link header says, so the link header is only skipped. */
function readSegment(frame: Frame): Segment | null {
  const headerBytes = LINK_HEADER_BYTES[frame.linkType]
  if (headerBytes === undefined) throw new Error(`link type ${frame.linkType} of frame ${frame.number} is not known`)
  const packet = frame.bytes.subarray(headerBytes)
  const version = packet.readUInt8(0) >> 4
  if (version === 4) return readIpv4(frame.number, packet)
  return version === 6 ? readIpv6(frame.number, packet) : null
}

/** The length field decides where the packet ends: Ethernet pads short frames. */
function readIpv4(frame: number, packet: Buffer): Segment | null {
  if (packet.readUInt8(9) !== PROTOCOL_TCP) return null
  const moreFragmentsOrOffset = packet.readUInt16BE(6) & 0x3fff
  if (moreFragmentsOrOffset !== 0) throw new Error(`frame ${frame} is an IP fragment`)
  const headerBytes = (packet.readUInt8(0) & 0x0f) * 4
  const tcp = packet.subarray(headerBytes, packet.readUInt16BE(2))
  return readTcp(frame, packet.toString('hex', 12, 16), packet.toString('hex', 16, 20), tcp)
}

function readIpv6(frame: number, packet: Buffer): Segment | null {
  if (packet.readUInt8(6) !== PROTOCOL_TCP) return null
  const tcp = packet.subarray(40, 40 + packet.readUInt16BE(4))
  return readTcp(frame, packet.toString('hex', 8, 24), packet.toString('hex', 24, 40), tcp)
}

function readTcp(frame: number, source: string, destination: string, tcp: Buffer): Segment {
  const flags = tcp.readUInt8(13)
  return {
    frame,
    source: `${source}:${tcp.readUInt16BE(0)}`,
    destination: `${destination}:${tcp.readUInt16BE(2)}`,
    sequence: tcp.readUInt32BE(4),
    syn: (flags & FLAG_SYN) !== 0,
    ack: (flags & FLAG_ACK) !== 0,
    payload: tcp.subarray((tcp.readUInt8(12) >> 4) * 4),
  }
}
