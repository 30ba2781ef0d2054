import { ServerStream } from './decode.ts'
import { encode } from './encode.ts'
import { type MemoryNetwork, MemoryTransport } from './memory-transport.ts'
import type { Connection } from './model-state.ts'
import type { ClientPacket, ServerPacket } from './wire.ts'

/** What a client sends in one go: a packet, or bytes that break a rule with the codes that 5.0 may answer. */
export type Sending = { readonly packet: ClientPacket } | { readonly bytes: Buffer; readonly codes: readonly number[] }

/** How bytes leave. */
export interface Segments {
  /** cut into segments of so many bytes; absent: one segment */
  readonly pieces?: number
  /** the connection breaks after so many bytes, counted modulo all that is to be sent */
  readonly cutAt?: number
  /** so many bytes, counted modulo all, stay behind and leave with what is sent next */
  readonly later?: number
}

/** The client's side of one Network Connection: does what it is told and collects what it gets. */
export class ModelClient {
  readonly connection: Connection
  readonly transport: MemoryTransport
  /** what was received and not judged yet */
  readonly received: ServerPacket[] = []
  /** bytes that no server may send */
  fault: Error | null = null
  readonly #stream = new ServerStream()
  readonly #aliases = new Map<number, string>()
  // of its CONNECT: the server must keep to them from CONNACK on
  #maximumPacketBytes = Number.POSITIVE_INFINITY
  #topicAliasMaximum = 0
  #held: { bytes: Buffer; sending: Sending }[] = []

  constructor(network: MemoryNetwork, connection: Connection) {
    this.connection = connection
    this.transport = new MemoryTransport(network, `slot ${connection.slot}`, (bytes) => this.#receive(bytes))
  }

  /** Something is prepared and did not leave yet. */
  get isHolding(): boolean {
    return this.#held.length > 0
  }

  /** Prepares something to be sent; it leaves with {@link flush}. */
  hold(sending: Sending): void {
    if ('packet' in sending && sending.packet.type === 'CONNECT') {
      const { maximumPacketBytes, topicAliasMaximum } = sending.packet.properties
      this.#maximumPacketBytes = maximumPacketBytes ?? Number.POSITIVE_INFINITY
      this.#topicAliasMaximum = topicAliasMaximum ?? 0
    }
    const bytes = 'packet' in sending ? encode(sending.packet, this.connection.version) : sending.bytes
    this.#held.push({ bytes, sending })
  }

  /** Sends what is held. @returns what arrives whole, and whether the connection breaks behind it */
  flush({ pieces, cutAt, later }: Segments): { arrived: Sending[]; isCut: boolean } {
    const all = Buffer.concat(this.#held.map(({ bytes }) => bytes))
    const isCut = cutAt !== undefined
    const end = isCut ? cutAt % all.length : all.length - this.#staying(later, all.length)
    for (let start = 0; start < end; start += pieces ?? end) {
      this.transport.send(Buffer.from(all.subarray(start, Math.min(end, start + (pieces ?? end)))))
    }
    if (isCut) this.transport.reset()
    const arrived: Sending[] = []
    const left: { bytes: Buffer; sending: Sending }[] = []
    let at = 0
    for (const { bytes, sending } of this.#held) {
      if (at + bytes.length <= end) arrived.push(sending)
      else left.push({ bytes: bytes.subarray(Math.max(0, end - at)), sending })
      at += bytes.length
    }
    this.#held = left
    return { arrived, isCut }
  }

  // What breaks a rule is sent whole, for the first wrong byte may be enough.
  #staying(later: number | undefined, total: number): number {
    if (later === undefined || this.#held.some(({ sending }) => 'bytes' in sending)) return 0
    return later % total
  }

  #receive(bytes: Buffer): void {
    // called from within the broker: what is wrong is told later
    try {
      for (const packet of this.#stream.push(bytes, this.connection.version, this.#maximumPacketBytes)) {
        this.received.push(
          packet.type === 'PUBLISH'
            ? { ...packet, topic: this.#topicOf(packet.topic, packet.properties.topicAlias) }
            : packet,
        )
      }
    } catch (error) {
      this.fault ??= error as Error
    }
  }

  #topicOf(topic: string, alias: number | undefined): string {
    if (alias === undefined) return topic
    if (alias === 0 || alias > this.#topicAliasMaximum) {
      throw new Error(`Topic Alias ${alias}, the maximum is ${this.#topicAliasMaximum}`)
    }
    const full = topic === '' ? this.#aliases.get(alias) : topic
    if (full === undefined) throw new Error(`Topic Alias ${alias} was not set`)
    this.#aliases.set(alias, full)
    return full
  }
}
