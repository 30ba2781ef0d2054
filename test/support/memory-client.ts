import { onTestFinished } from 'vitest'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import type { ConnectFields } from '../../src/codec/packets/connect.ts'
import { Subscribe } from '../../src/codec/packets/subscribe.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { QoS } from '../../src/codec/qos.ts'
import type { TransportHandler } from '../../src/transport/transport.ts'
import { FakeTransport } from './fake-transport.ts'
import { connectPacket } from './raw-client.ts'
import type { TestBroker } from './test-broker.ts'

/**
 * A client without a network: its test sees every single write of the broker, and decides how much this client reads. Its
 * own bytes wait while the broker has paused.
 */
export class MemoryClient extends FakeTransport {
  readonly version: ProtocolVersion
  isPaused = false
  #handler: TransportHandler | null = null
  #unsent: Buffer[] = []
  #seenBytes = 0
  readonly #decoder: Decoder

  private constructor(version: ProtocolVersion) {
    super()
    this.version = version
    this.#decoder = new Decoder(Role.SERVER, Number.MAX_SAFE_INTEGER, version)
  }

  /** Connects, and goes on when CONNACK is there. */
  static async connected({ broker }: TestBroker, fields: Partial<ConnectFields> = {}): Promise<MemoryClient> {
    const client = new MemoryClient(fields.version ?? ProtocolVersion.V5)
    onTestFinished(() => client.close())
    broker.accept(client)
    client.send(connectPacket({ ...fields, version: client.version }))
    await client.turn()
    client.packets()
    return client
  }

  async subscribe(topicFilter: string, qos: QoS): Promise<void> {
    const request = { topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    this.send(new Subscribe(1, [request], {}))
    await this.turn()
    this.packets()
  }

  send(packet: AnyPacket): void {
    this.sendBytes(encodePacket(packet, this.version))
  }

  sendBytes(bytes: Buffer): void {
    if (this.isPaused) this.#unsent.push(bytes)
    else this.#handler?.data(bytes)
  }

  /** From here on nothing that the broker writes is taken, until {@link readAgain}. */
  stopReading(): void {
    this.roomBytes = 0
  }

  /** Takes all that waits, and what comes because of that. */
  async readAgain(): Promise<void> {
    do {
      this.makeRoom(Number.MAX_SAFE_INTEGER)
      await this.turn()
    } while (this.bufferedBytes > 0)
  }

  /** Whole packets that were taken since the last call. */
  packets(): AnyPacket[] {
    const bytes = this.taken.subarray(this.#seenBytes)
    this.#seenBytes += bytes.length
    const packets: AnyPacket[] = []
    const collect = (packet: AnyPacket): void => {
      packets.push(packet)
    }
    this.#decoder.push(bytes, { receivePublish: collect, receiveAcknowledgement: collect, receivePacket: collect })
    return packets
  }

  /** Payloads of the messages among {@link packets}. */
  payloads(): string[] {
    return this.packets().flatMap((packet) =>
      packet.packetType === PacketType.PUBLISH ? [packet.message.payload.toString()] : [],
    )
  }

  /** The broker writes when the events of a turn have been handled: waits for that. */
  async turn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
  }

  /** The connection is lost. */
  close(): void {
    const handler = this.#handler
    this.#handler = null
    handler?.closed(null)
  }

  override start(handler: TransportHandler): void {
    super.start(handler)
    this.#handler = handler
  }

  override pause(): void {
    this.isPaused = true
  }

  override resume(): void {
    this.isPaused = false
    setImmediate(() => {
      for (const bytes of this.#unsent.splice(0)) this.sendBytes(bytes)
    })
  }

  override end(): void {
    super.end()
    setImmediate(() => this.close())
  }

  override destroy(): void {
    super.destroy()
    setImmediate(() => this.close())
  }
}
