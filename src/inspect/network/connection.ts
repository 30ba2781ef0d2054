import { Role } from '../../codec/packet-type.ts'
import type { ProtocolVersion } from '../../codec/protocol-version.ts'
import { connectVersion, judge } from '../evidence.ts'
import type { InspectedPacket } from '../inspected-packet.ts'
import { type DecodedPacket, LenientDecoder, readsWell } from '../lenient-decoder.ts'
import type { Segment } from './segment.ts'
import { TcpDirection } from './tcp-direction.ts'
import { WebSocketUnframer } from './websocket.ts'

/** Who a connection is between, for views. */
export interface Parties {
  readonly client: string
  readonly server: string
}

type PacketListener = (packet: InspectedPacket, parties: Parties) => void

/** Enough to see `GET ` or the Protocol Name of CONNECT. */
const OPENING_BYTES = 12

/** One TCP connection: finds out whether it carries MQTT, plain or in WebSocket, and gives out the packets of both sides. */
export class Connection {
  readonly stream: number
  readonly parties: Parties
  readonly initialSequence: number | null
  readonly #listener: PacketListener
  readonly #client: Side
  readonly #server: Side

  /** @param first SYN, or whatever the capture begins with */
  constructor(stream: number, first: Segment, listener: PacketListener) {
    this.stream = stream
    const isClient = first.syn ? !first.ack : isFromClient(first.payload)
    this.parties = isClient
      ? { client: first.source, server: first.destination }
      : { client: first.destination, server: first.source }
    this.initialSequence = first.syn && !first.ack ? first.sequence : null
    this.#listener = listener
    this.#client = new Side(Role.CLIENT, this)
    this.#server = new Side(Role.SERVER, this)
  }

  add(segment: Segment): void {
    const side = segment.source === this.parties.client ? this.#client : this.#server
    side.direction.add(segment)
  }

  end(): void {
    this.#client.end()
    this.#server.end()
  }

  /** What the client's CONNECT or upgrade said holds for the server too. */
  learn(version: ProtocolVersion | null, isWebSocket: boolean): void {
    for (const side of [this.#client, this.#server]) side.learn(version, isWebSocket)
  }

  emit(packet: DecodedPacket, segment: Segment | null): void {
    const { stream } = this
    const origin = { stream, frame: segment?.frame ?? null, timeSeconds: segment?.timeSeconds ?? null }
    this.#listener({ ...packet, ...origin }, this.parties)
  }
}

// a packet type that only one side sends tells; else the side that is heard first is taken for the client
function isFromClient(payload: Buffer): boolean {
  return payload.length === 0 || judge(payload, { version: null, sender: null }).sender === Role.CLIENT
}

class Side {
  readonly direction: TcpDirection
  readonly #role: Role
  readonly #connection: Connection
  readonly #opening: Buffer[] = []
  #decoder: LenientDecoder | null = null
  #unframer: WebSocketUnframer | null = null
  #isForeign = false
  #isLost = false
  #last: Segment | null = null

  constructor(role: Role, connection: Connection) {
    this.#role = role
    this.#connection = connection
    this.direction = new TcpDirection(this)
  }

  learn(version: ProtocolVersion | null, isWebSocket: boolean): void {
    if (isWebSocket) this.#unframer ??= new WebSocketUnframer()
    if (version === null) return
    if (this.#decoder === null) this.#decoder = new LenientDecoder(this.#role, version)
    else this.#decoder.version = version
  }

  bytes(bytes: Buffer, segment: Segment): void {
    this.#last = segment
    if (this.#isForeign) return
    if (this.#unframer !== null) return this.#mqtt(this.#unframer.push(bytes), segment)
    this.#mqtt(bytes, segment)
  }

  gap(): void {
    this.#giveOut(this.#decoder?.end(true) ?? [], this.#last)
    this.#isLost = true
  }

  end(): void {
    this.direction.end()
    if (this.#decoder === null && this.#opening.length > 0) this.#recognise(Buffer.concat(this.#opening), true)
    this.#giveOut(this.#decoder?.end(true) ?? [], this.#last)
  }

  #mqtt(bytes: Buffer, segment: Segment): void {
    if (bytes.length === 0) return
    if (this.#decoder === null) {
      this.#opening.push(Buffer.from(bytes))
      this.#recognise(Buffer.concat(this.#opening), false)
      return
    }
    // behind missing bytes a segment has to begin a packet
    if (this.#isLost && !readsWell(bytes, this.#role, this.#decoder.version)) return
    this.#isLost = false
    this.#giveOut(this.#decoder.push(bytes), segment)
  }

  #recognise(opening: Buffer, isAll: boolean): void {
    if (this.#unframer === null && opening.toString('latin1', 0, 4) === 'GET ') {
      this.#opening.length = 0
      this.#connection.learn(null, true)
      this.bytes(opening, this.#last!)
      return
    }
    const version = connectVersion(opening)
    if (version === null && opening.length < OPENING_BYTES && !isAll) return
    this.#opening.length = 0
    if (version !== null) this.#connection.learn(version, false)
    else this.#guess(opening)
    if (this.#decoder !== null) this.#giveOut(this.#decoder.push(opening), this.#last)
  }

  // A connection whose beginning is missing: MQTT when the bytes read as whole packets without any fault.
  #guess(opening: Buffer): void {
    const { version } = judge(opening, { version: null, sender: this.#role })
    const decoder = new LenientDecoder(this.#role, version)
    const packets = decoder.push(opening)
    this.#isForeign = packets.length === 0 || packets.some(({ issues }) => issues.length > 0)
    if (!this.#isForeign) this.#connection.learn(version, false)
  }

  #giveOut(packets: readonly DecodedPacket[], segment: Segment | null): void {
    for (const packet of packets) {
      this.#connection.emit(packet, segment)
      if (packet.packet?.packetType === 1) this.#connection.learn(packet.packet.version, false)
    }
  }
}
