import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Message, type MessageOptions } from '../../src/codec/message.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { Acknowledgement, type AcknowledgementType } from '../../src/codec/packets/acknowledgement.ts'
import type { Connack } from '../../src/codec/packets/connack.ts'
import { Connect, type ConnectFields } from '../../src/codec/packets/connect.ts'
import { Disconnect } from '../../src/codec/packets/disconnect.ts'
import { PINGREQ } from '../../src/codec/packets/ping.ts'
import { Publish } from '../../src/codec/packets/publish.ts'
import type { Suback } from '../../src/codec/packets/suback.ts'
import { Subscribe, type SubscriptionRequest } from '../../src/codec/packets/subscribe.ts'
import type { Unsuback } from '../../src/codec/packets/unsuback.ts'
import { Unsubscribe } from '../../src/codec/packets/unsubscribe.ts'
import type { Properties } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { QoS } from '../../src/codec/qos.ts'

/** A filter with what differs from the default options. */
export type FilterOptions = Partial<SubscriptionRequest> & { readonly topicFilter: string }

/** The class of the packets of one type; the four acknowledgements share theirs. */
type PacketOf<T extends PacketType, P extends AnyPacket = AnyPacket> = P extends { packetType: infer U }
  ? T extends U
    ? P
    : never
  : never

const LARGEST = 268_435_460

/**
 * A client that does exactly what a test tells it, right or wrong: it acknowledges nothing, pings nothing and judges
 * nothing by itself. Packets of the server come out of {@link next} one by one, in order.
 */
export class RawClient {
  readonly socket: Socket
  readonly version: ProtocolVersion
  readonly #decoder: Decoder
  readonly #packets: AnyPacket[] = []
  #chunks: Buffer[] = []
  #wake: (() => void) | null = null
  #ended = false
  #lastPacketId = 0

  private constructor(socket: Socket, version: ProtocolVersion) {
    this.socket = socket
    this.version = version
    this.#decoder = new Decoder(Role.SERVER, LARGEST, version)
    const collect = (packet: AnyPacket): void => {
      this.#packets.push(packet)
    }
    socket.on('data', (chunk) => {
      this.#chunks.push(chunk)
      // a copy: messages are looked at long after the turn
      this.#decoder.push(Buffer.from(chunk), {
        receivePublish: (publish) => {
          publish.message.own()
          collect(publish)
        },
        receiveAcknowledgement: collect,
        receivePacket: collect,
      })
      this.#wake?.()
    })
    socket.on('error', () => this.#end())
    socket.on('end', () => this.#end())
    socket.on('close', () => this.#end())
  }

  /** Opens a TCP connection to `mqtt://host:port` without sending anything. */
  static async open(url: string, version: ProtocolVersion = ProtocolVersion.V5): Promise<RawClient> {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname.replace(/[[\]]/g, ''), port: Number(port), noDelay: true })
    const client = new RawClient(socket, version)
    await once(socket, 'connect')
    return client
  }

  /** Opens, sends CONNECT and takes the CONNACK as {@link connack}. */
  static async connected(url: string, fields: Partial<ConnectFields> = {}): Promise<RawClient & { connack: Connack }> {
    const client = await RawClient.open(url, fields.version ?? ProtocolVersion.V5)
    const connack = await client.connect(fields)
    return Object.assign(client, { connack })
  }

  #end(): void {
    this.#ended = true
    this.#wake?.()
  }

  // ---- sending

  /** Raw bytes as hex (spaces allowed) or buffer. */
  sendBytes(bytes: Buffer | string): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(/\s/g, ''), 'hex') : bytes)
  }

  send(packet: AnyPacket): void {
    this.sendBytes(encodePacket(packet, this.version))
  }

  /** Sends CONNECT and awaits CONNACK; clean start, no keep alive and a random-looking id unless told otherwise. */
  async connect(fields: Partial<ConnectFields> = {}): Promise<Connack> {
    this.send(connectPacket({ version: this.version, ...fields }))
    return this.expect(PacketType.CONNACK)
  }

  /** Sends SUBSCRIBE and awaits SUBACK; strings subscribe at QoS 0. */
  async subscribe(
    filters: string | FilterOptions | readonly (string | FilterOptions)[],
    properties: Properties = {},
  ): Promise<Suback> {
    const list = Array.isArray(filters) ? filters : [filters as string | FilterOptions]
    this.send(new Subscribe(this.nextPacketId(), list.map(subscriptionRequest), properties))
    return this.expect(PacketType.SUBACK)
  }

  async unsubscribe(...topicFilters: string[]): Promise<Unsuback> {
    this.send(new Unsubscribe(this.nextPacketId(), topicFilters))
    return this.expect(PacketType.UNSUBACK)
  }

  /** Sends PUBLISH and awaits nothing. @returns its packet id, 0 at QoS 0 */
  publish(topicName: string, payload: string | Buffer, options: MessageOptions & PublishOptions = {}): number {
    const qos: QoS = options.qos ?? 0
    const packetId = qos === 0 ? 0 : (options.packetId ?? this.nextPacketId())
    const publish = new Publish(Message.create(topicName, payload, options), qos, options.dup ?? false, packetId)
    publish.topicAlias = options.topicAlias ?? 0
    this.send(publish)
    return packetId
  }

  /** Publishes and goes through the whole hand-shake of its QoS. @returns the first acknowledgement, null at QoS 0 */
  async publishAndWait(
    topicName: string,
    payload: string | Buffer,
    options: MessageOptions & PublishOptions = {},
  ): Promise<Acknowledgement | null> {
    const packetId = this.publish(topicName, payload, options)
    if (options.qos === 1) return this.expect(PacketType.PUBACK)
    if (options.qos !== 2) return null
    const pubrec = await this.expect(PacketType.PUBREC)
    if (pubrec.reasonCode < 0x80) {
      this.acknowledge(PacketType.PUBREL, packetId)
      await this.expect(PacketType.PUBCOMP)
    }
    return pubrec
  }

  acknowledge(packetType: AcknowledgementType, packetId: number, reasonCode = 0): void {
    this.send(new Acknowledgement(packetType, packetId, reasonCode))
  }

  disconnect(reasonCode = 0, properties: Properties = {}): void {
    this.send(new Disconnect(reasonCode, properties))
  }

  nextPacketId(): number {
    this.#lastPacketId++
    return this.#lastPacketId
  }

  // ---- receiving

  /** Every byte received so far. */
  get received(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]!
  }

  /** The next packet of the server. Fails when the connection ends before one comes. */
  async next(): Promise<AnyPacket> {
    for (;;) {
      const packet = this.#packets.shift()
      if (packet !== undefined) return packet
      if (this.#ended) throw new Error('the server closed the connection and no packet is left')
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** The next packet, which has to be of this type. */
  async expect<T extends PacketType>(packetType: T): Promise<PacketOf<T>> {
    const packet = await this.next()
    if (packet.packetType !== packetType) {
      throw new Error(
        `expected packet type ${packetType}, got ${JSON.stringify(packet, (key, value) => (key === 'bytes' ? undefined : value))}`,
      )
    }
    return packet as PacketOf<T>
  }

  /** The next packet, which has to be PUBLISH; QoS 1 and 2 are not acknowledged. */
  async message(): Promise<{
    topic: string
    payload: string
    qos: QoS
    retain: boolean
    dup: boolean
    packetId: number
    properties: Properties
    publish: Publish
  }> {
    const publish = await this.expect(PacketType.PUBLISH)
    const { message, qos, dup, packetId, subscriptionIdentifiers } = publish
    const properties: Properties = { ...message.properties }
    if (subscriptionIdentifiers !== null) properties.subscriptionIdentifiers = subscriptionIdentifiers
    if (publish.topicAlias > 0) properties.topicAlias = publish.topicAlias
    return {
      topic: message.topicName,
      payload: message.payload.toString(),
      qos,
      retain: message.retain,
      dup,
      packetId,
      properties,
      publish,
    }
  }

  /** True when the server has ended the connection, as far as it is known here. */
  get hasEnded(): boolean {
    return this.#ended
  }

  /** Packets that came and were not taken. */
  get waiting(): readonly AnyPacket[] {
    return this.#packets
  }

  /** Proves that the server has nothing more to say now: it answers PINGREQ, and with nothing else before. */
  async quiet(): Promise<void> {
    this.send(PINGREQ)
    await this.expect(PacketType.PINGRESP)
  }

  /** Sends PINGREQ and takes all packets that come before its answer. */
  async untilPong(): Promise<AnyPacket[]> {
    this.send(PINGREQ)
    const packets: AnyPacket[] = []
    for (;;) {
      const packet = await this.next()
      if (packet.packetType === PacketType.PINGRESP) return packets
      packets.push(packet)
    }
  }

  /** Resolves when the server has ended the connection; packets that came before stay for {@link next}. */
  async closed(): Promise<void> {
    while (!this.#ended) await new Promise<void>((resolve) => (this.#wake = resolve))
  }

  /**
   * Awaits the end of an accepted connection by the server and fails unless a 5.0 client is told this Reason Code in DISCONNECT,
   * as the last packet, and any other client nothing.
   */
  async closesWith(reasonCode: number): Promise<void> {
    await this.closed()
    const told = this.#packets.splice(0).map((packet) => {
      return packet.packetType === PacketType.DISCONNECT ? `DISCONNECT ${packet.reasonCode}` : packet.packetType
    })
    const due = this.version === ProtocolVersion.V5 ? [`DISCONNECT ${reasonCode}`] : []
    if (told.join() !== due.join())
      throw new Error(`expected ${due.join() || 'nothing'}, got ${told.join() || 'nothing'}`)
  }

  /** Breaks the connection off without DISCONNECT, by reset. */
  cut(): void {
    this.socket.resetAndDestroy()
  }

  /** Ends the connection from this side without DISCONNECT and waits until the server has closed too. */
  async end(): Promise<void> {
    this.socket.end()
    await this.closed()
    this.socket.destroy()
  }
}

/** What belongs to one transmission. */
export interface PublishOptions {
  readonly packetId?: number
  readonly dup?: boolean
  readonly topicAlias?: number
}

let clientCount = 0

/** A CONNECT packet with every field defaulted. */
export function connectPacket(fields: Partial<ConnectFields> = {}): Connect {
  clientCount++
  return new Connect({
    version: ProtocolVersion.V5,
    clientId: `client${clientCount}`,
    cleanStart: true,
    keepAliveSeconds: 0,
    ...fields,
  })
}

function subscriptionRequest(filter: string | FilterOptions): SubscriptionRequest {
  const defaults = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  return typeof filter === 'string' ? { topicFilter: filter, ...defaults } : { ...defaults, ...filter }
}
