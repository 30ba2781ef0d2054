import { PacketType, Role } from '../../codec/packet-type.ts'
import type { ProtocolVersion } from '../../codec/protocol-version.ts'
import { connectVersion, judge } from '../evidence.ts'
import { type InspectedPacket, NO_ORIGIN, type Origin } from '../inspected-packet.ts'
import { LenientDecoder, readsWell } from '../lenient-decoder.ts'
import type { InspectLimits } from '../limits.ts'
import { reversed, type Segment, senderOf, senderPortOf } from './segment.ts'
import { TcpDirection } from './tcp-direction.ts'
import { beginsWithFrame, isUpgrade, unframe, WebSocketUnframer } from './websocket.ts'

/** Who a connection is between, for views and for the analysis, which remember it longer than the connection. */
export interface Parties {
  /** address and port, `127.0.0.1:50123` or `[::1]:50123` */
  readonly client: string
  readonly server: string
  /** Client Identifier, from CONNECT or CONNACK; null as long as nothing told it */
  readonly clientId: string | null
  /** true: the capture holds the beginning of the connection */
  readonly isWhole: boolean
  /** where the connection was closed, by whichever side was first; null while it is open */
  readonly closed: Closing | null
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] }

/** How a connection was closed. */
export interface Closing {
  readonly frame: number
  readonly timeSeconds: number | null
  readonly isReset: boolean
}

/** What is taken for granted about the connections of a capture; null: to be found out. */
export interface KnownConnections {
  /** of connections whose CONNECT is not in the capture */
  readonly version: ProtocolVersion | null
  /** of the server: other connections are passed over, and what comes here is MQTT */
  readonly port: number | null
}

/** Gets what a connection carries. */
export type PacketListener = (packet: InspectedPacket, parties: Parties) => void

/** Enough to see `GET ` or the Protocol Name of CONNECT. */
const OPENING_BYTES = 12

/** One TCP connection: finds out whether it carries MQTT, plain or in WebSocket, and gives out the packets of both sides. */
export class Connection {
  readonly stream: number
  readonly initialSequence: number | null
  readonly clientSide: Side
  readonly serverSide: Side
  readonly #flow: string
  readonly #listener: PacketListener
  #parties: Writable<Parties> | null = null

  /** @param first SYN, or whatever the capture begins with */
  constructor(
    stream: number,
    first: Segment,
    known: KnownConnections,
    limits: InspectLimits,
    listener: PacketListener,
  ) {
    this.stream = stream
    const flow = isFromClient(first, known.port) ? first.flow : reversed(first.flow)
    this.#flow = flow
    this.initialSequence = first.syn && !first.ack ? first.sequence : null
    this.#listener = listener
    this.clientSide = new Side(Role.CLIENT, flow, this, known, limits)
    this.serverSide = new Side(Role.SERVER, reversed(flow), this, known, limits)
  }

  /** Bytes that wait for their rest. */
  get heldBytes(): number {
    return this.clientSide.heldBytes + this.serverSide.heldBytes
  }

  /** Nothing more comes. */
  end(): void {
    this.clientSide.end()
    this.serverSide.end()
  }

  /** Gives out or gives up what waits for its rest. */
  giveUp(): void {
    this.clientSide.giveUp()
    this.serverSide.giveUp()
  }

  /** What the client's CONNECT or upgrade said holds for the server too. */
  learn(version: ProtocolVersion | null, isWebSocket: boolean): void {
    this.clientSide.learn(version, isWebSocket)
    this.serverSide.learn(version, isWebSocket)
  }

  /** One of the sides was closed. */
  close(closing: Closing): void {
    this.#known.closed ??= closing
  }

  emit(inspected: InspectedPacket): void {
    const { packet } = inspected
    const parties = this.#known
    if (packet?.packetType === PacketType.CONNECT) parties.clientId = packet.clientId
    if (packet?.packetType === PacketType.CONNACK) {
      parties.clientId = packet.properties.assignedClientIdentifier ?? parties.clientId
    }
    this.#listener(inspected, parties)
  }

  // Made when there is something to tell: most of what a scan of ports opens never says a word.
  get #known(): Writable<Parties> {
    this.#parties ??= {
      client: senderOf(this.#flow),
      server: senderOf(reversed(this.#flow)),
      clientId: null,
      isWhole: this.initialSequence !== null,
      closed: null,
    }
    return this.#parties
  }
}

// a packet type that only one side sends tells; else the side that is heard first is taken for the client
function isFromClient({ syn, ack, flow, payload }: Segment, port: number | null): boolean {
  if (port !== null) return senderPortOf(flow) !== port
  if (syn) return !ack
  return payload.length === 0 || judge(payload, { version: null, sender: null }).sender === Role.CLIENT
}

/** What one side of a connection sends, from segments to packets. */
export class Side {
  readonly flow: string
  readonly connection: Connection
  readonly #direction: TcpDirection
  readonly #role: Role
  readonly #known: KnownConnections
  readonly #limits: InspectLimits
  #opening: Buffer | null = null
  #decoder: LenientDecoder | null = null
  #unframer: WebSocketUnframer | null = null
  #isForeign = false
  #isLost = false
  // of the segment that came last
  #origin: Origin = NO_ORIGIN

  constructor(role: Role, flow: string, connection: Connection, known: KnownConnections, limits: InspectLimits) {
    this.flow = flow
    this.connection = connection
    this.#role = role
    this.#known = known
    this.#limits = limits
    this.#direction = new TcpDirection(this, limits.waitingSegments)
  }

  get heldBytes(): number {
    return this.#direction.heldBytes + (this.#decoder?.heldBytes ?? 0) + (this.#unframer?.heldBytes ?? 0)
  }

  add(segment: Segment): void {
    this.#direction.add(segment)
    const { fin, reset, frame, timeSeconds } = segment
    if (fin || reset) this.connection.close({ frame, timeSeconds, isReset: reset })
  }

  learn(version: ProtocolVersion | null, isWebSocket: boolean): void {
    if (isWebSocket) this.#unframer ??= new WebSocketUnframer(true, this.#limits.inflatedBytes)
    if (version === null) return
    if (this.#decoder === null) this.#decoder = new LenientDecoder(this.#role, version)
    else this.#decoder.version = version
  }

  bytes(bytes: Buffer, { frame, timeSeconds }: Segment): void {
    this.#origin = { stream: this.connection.stream, frame, timeSeconds }
    if (!this.#isForeign) this.#unframed(bytes)
  }

  gap(bytes: number): void {
    this.#giveOut(this.#decoder?.end(true, this.#origin) ?? [])
    this.#unframer?.lose(bytes)
    this.#isLost = true
  }

  end(): void {
    this.#direction.end()
    if (this.#decoder === null && this.#opening !== null) this.#recognise(this.#opening, true)
    this.#giveOut(this.#decoder?.end(true, this.#origin) ?? [])
  }

  giveUp(): void {
    this.#direction.end()
    this.#giveOut(this.#decoder?.giveUp(this.#origin) ?? [])
  }

  payload(bytes: Buffer): void {
    this.#mqtt(bytes)
  }

  lostMessage(): void {
    this.#giveOut(this.#decoder?.end(true, this.#origin) ?? [])
    this.#isLost = true
  }

  #unframed(bytes: Buffer): void {
    if (this.#unframer === null) this.#mqtt(bytes)
    else this.#unframer.push(bytes, this)
  }

  #mqtt(bytes: Buffer): void {
    if (bytes.length === 0) return
    const decoder = this.#decoder
    if (decoder === null) return this.#recognise(this.#opened(bytes), false)
    // behind missing bytes a segment has to begin a packet
    if (this.#isLost && !readsWell(bytes, this.#role, decoder.version)) return
    this.#isLost = false
    this.#giveOut(decoder.push(bytes, this.#origin))
  }

  #opened(bytes: Buffer): Buffer {
    return this.#opening === null ? bytes : Buffer.concat([this.#opening, bytes])
  }

  #recognise(opening: Buffer, isAll: boolean): void {
    this.#opening = null
    const isFrame = beginsWithFrame(opening)
    if (this.#unframer === null && (isUpgrade(opening) || isFrame)) return this.#openWebSocket(opening, isFrame)
    const version = connectVersion(opening)
    if (version === null && opening.length < OPENING_BYTES && !isAll) {
      this.#opening = Buffer.from(opening)
      return
    }
    if (version !== null) this.connection.learn(version, false)
    else this.#guess(opening)
    if (this.#decoder !== null) this.#giveOut(this.#decoder.push(opening, this.#origin))
  }

  // Bytes in the middle of a connection may look like a frame by chance: what is inside has to be MQTT then.
  #openWebSocket(opening: Buffer, isFrame: boolean): void {
    if (!isFrame) {
      this.connection.learn(null, true)
      return this.#unframed(opening)
    }
    const inner = unframe(opening, false)
    const { version } = judge(inner, { version: this.#known.version, sender: this.#role })
    this.#isForeign = !readsWell(inner, this.#role, version)
    if (this.#isForeign) return
    for (const side of [this.connection.clientSide, this.connection.serverSide]) side.takeForWebSocket()
    this.connection.learn(version, false)
    this.#unframed(opening)
  }

  /** The capture begins behind the upgrade. */
  takeForWebSocket(): void {
    this.#unframer ??= new WebSocketUnframer(false, this.#limits.inflatedBytes)
  }

  // A connection whose beginning is missing: MQTT when the bytes read as whole packets without any fault.
  #guess(opening: Buffer): void {
    const { version } = judge(opening, { version: this.#known.version, sender: this.#role })
    this.#isForeign = this.#known.port === null && !readsWell(opening, this.#role, version)
    if (!this.#isForeign) this.connection.learn(version, false)
  }

  #giveOut(packets: readonly InspectedPacket[]): void {
    for (const packet of packets) {
      this.connection.emit(packet)
      if (packet.packet?.packetType === PacketType.CONNECT) this.connection.learn(packet.packet.version, false)
    }
  }
}
