import { defaultLimits, type InspectLimits } from '../limits.ts'
import { oldest } from '../oldest.ts'
import type { CapturedFrame } from './capture-file.ts'
import { Connection, type KnownConnections, type PacketListener, type Side } from './connection.ts'
import { IpReader } from './ip.ts'
import { reversed, type Segment, senderPortOf } from './segment.ts'

const NOTHING_KNOWN: KnownConnections = { version: null, port: null }

/**
 * Frames in, MQTT packets out, in the order in which the frames completed them. Memory: see limits.ts; when too much waits,
 * the connections that hold most give up what they hold.
 */
export class CaptureInspector {
  readonly #listener: PacketListener
  readonly #known: KnownConnections
  readonly #limits: InspectLimits
  readonly #ip: IpReader
  readonly #sides = new Map<string, Side>()
  readonly #connections = new Set<Connection>()
  #streams = 0
  #heldBytes = 0

  constructor(listener: PacketListener, known = NOTHING_KNOWN, limits = defaultLimits) {
    this.#listener = listener
    this.#known = known
    this.#limits = limits
    this.#ip = new IpReader(limits.fragmentedPackets)
  }

  /** Bytes that wait for their rest, all connections together. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  add(frame: CapturedFrame): void {
    const segment = this.#ip.read(frame)
    if (segment === null) return
    const side = this.#sideOf(segment)
    if (side === null) return
    const { connection } = side
    const before = connection.heldBytes
    side.add(segment)
    this.#heldBytes += connection.heldBytes - before
    if (this.#heldBytes > this.#limits.heldBytes) this.#relieve()
  }

  end(): void {
    for (const connection of this.#connections) connection.end()
    this.#connections.clear()
    this.#sides.clear()
    this.#heldBytes = 0
  }

  #sideOf(segment: Segment): Side | null {
    const side = this.#sides.get(segment.flow)
    const isNew = segment.syn && !segment.ack && segment.sequence !== side?.connection.initialSequence
    if (side !== undefined && !isNew) return side
    const { port } = this.#known
    if (port !== null && senderPortOf(segment.flow) !== port && senderPortOf(reversed(segment.flow)) !== port)
      return null
    if (side !== undefined) this.#forget(side.connection)
    return this.#open(segment)
  }

  #open(segment: Segment): Side {
    const connection = new Connection(this.#streams++, segment, this.#known, this.#limits, this.#listener)
    this.#connections.add(connection)
    for (const side of [connection.clientSide, connection.serverSide]) this.#sides.set(side.flow, side)
    const maximum = this.#limits.connections
    if (this.#connections.size > maximum) for (const first of oldest(this.#connections, maximum)) this.#forget(first)
    return this.#sides.get(segment.flow)!
  }

  #forget(connection: Connection): void {
    this.#heldBytes -= connection.heldBytes
    connection.end()
    this.#connections.delete(connection)
    for (const { flow } of [connection.clientSide, connection.serverSide]) this.#sides.delete(flow)
  }

  // Down to a half, so that sorting them all is seldom.
  #relieve(): void {
    const holders = [...this.#connections].sort((a, b) => b.heldBytes - a.heldBytes)
    for (const connection of holders) {
      if (this.#heldBytes <= this.#limits.heldBytes / 2) return
      this.#heldBytes -= connection.heldBytes
      connection.giveUp()
      this.#heldBytes += connection.heldBytes
    }
  }
}
