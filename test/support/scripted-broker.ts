import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import type { Connect } from '../../src/codec/packets/connect.ts'
import type { Properties } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { Address } from '../../src/transport/address.ts'
import { describePacket } from './recording-output.ts'

const LARGEST = 268_435_460

/** The class of the packets of one type; the four acknowledgements share theirs. */
type PacketOf<T extends PacketType, P extends AnyPacket = AnyPacket> = P extends { packetType: infer U }
  ? T extends U
    ? P
    : never
  : never

/** A server that does exactly what a test tells it, right or wrong; each connection is a {@link ScriptedPeer}. */
export class ScriptedBroker {
  readonly address: Address
  readonly #server: Server
  readonly #peers: ScriptedPeer[] = []
  readonly #waiting: ScriptedPeer[] = []
  #wake: (() => void) | null = null

  private constructor(server: Server) {
    this.#server = server
    const { port } = server.address() as AddressInfo
    this.address = { scheme: 'mqtt', host: '127.0.0.1', port, path: '' }
    server.on('connection', (socket) => {
      const peer = new ScriptedPeer(socket)
      this.#peers.push(peer)
      this.#waiting.push(peer)
      this.#wake?.()
    })
  }

  /** Listens on a free port of the loopback interface; stopped after the test. */
  static async start(): Promise<ScriptedBroker> {
    const server = createServer({ allowHalfOpen: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const broker = new ScriptedBroker(server)
    onTestFinished(() => broker.stop())
    return broker
  }

  /** How many connections came so far. */
  get connectionCount(): number {
    return this.#peers.length
  }

  /** The next connection; nothing is sent on it. */
  async connection(): Promise<ScriptedPeer> {
    while (this.#waiting.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#waiting.shift()!
  }

  /** The next connection, its CONNECT accepted. */
  async accept(properties: Properties = {}, sessionPresent = false): Promise<ScriptedPeer> {
    const peer = await this.connection()
    await peer.accept(properties, sessionPresent)
    return peer
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#peers) socket.destroy()
    if (!this.#server.listening) return
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/**
 * One connection of a client: its packets come out of {@link next} in order, and nothing is answered by itself. It closes
 * when the client does, unless it is told not to.
 */
export class ScriptedPeer {
  readonly socket: Socket
  /** does not close when the client does */
  holdsOpen = false
  /** the client's CONNECT, once it came */
  connect: Connect | null = null
  readonly #decoder = new Decoder(Role.CLIENT, LARGEST)
  readonly #packets: AnyPacket[] = []
  #isEnded = false
  #wake: (() => void) | null = null

  constructor(socket: Socket) {
    this.socket = socket
    const collect = (packet: AnyPacket): void => {
      if (packet.packetType === PacketType.CONNECT) this.connect = packet
      if (packet.packetType === PacketType.PUBLISH) packet.message.own()
      this.#packets.push(packet)
    }
    const sink = { receivePublish: collect, receiveAcknowledgement: collect, receivePacket: collect }
    socket.on('data', (chunk) => {
      this.#decoder.push(chunk, sink)
      this.#wake?.()
    })
    socket.on('end', () => {
      this.#end()
      if (!this.holdsOpen) socket.end()
    })
    socket.on('close', () => this.#end())
    socket.on('error', () => this.#end())
  }

  #end(): void {
    this.#isEnded = true
    this.#wake?.()
  }

  get version(): ProtocolVersion {
    return this.connect?.version ?? ProtocolVersion.V5
  }

  /** The next packet; null when the client has sent all it will. */
  async next(): Promise<AnyPacket | null> {
    while (this.#packets.length === 0 && !this.#isEnded) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.#packets.shift() ?? null
  }

  /** The next packet, which has to be of this type. */
  async expect<T extends PacketType>(packetType: T): Promise<PacketOf<T>> {
    const packet = await this.next()
    if (packet?.packetType === packetType) return packet as PacketOf<T>
    throw new Error(`expected packet type ${packetType}, got ${packet === null ? 'the end' : describePacket(packet)}`)
  }

  /** The next packets, each in one line. */
  async lines(count: number): Promise<string[]> {
    const lines: string[] = []
    while (lines.length < count) {
      const packet = await this.next()
      lines.push(packet === null ? 'END' : describePacket(packet))
    }
    return lines
  }

  /** All packets until the client ends the connection, each in one line. */
  async rest(): Promise<string[]> {
    const lines: string[] = []
    for (let packet = await this.next(); packet !== null; packet = await this.next()) lines.push(describePacket(packet))
    return lines
  }

  /** Awaits CONNECT and accepts it. */
  async accept(properties: Properties = {}, sessionPresent = false): Promise<void> {
    await this.expect(PacketType.CONNECT)
    this.send(new Connack(sessionPresent, 0, properties))
  }

  send(packet: AnyPacket): void {
    this.socket.write(encodePacket(packet, this.version))
  }

  /** Raw bytes as hex (spaces allowed) or buffer. */
  sendBytes(bytes: Buffer | string): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll(/\s/g, ''), 'hex') : bytes)
  }

  /** FIN behind what was sent. */
  end(): void {
    this.socket.end()
  }

  /** RST. */
  reset(): void {
    this.socket.resetAndDestroy()
  }
}
