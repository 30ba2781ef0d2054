import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Message } from '../../src/codec/message.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { Acknowledgement, type AcknowledgementType } from '../../src/codec/packets/acknowledgement.ts'
import { Publish } from '../../src/codec/packets/publish.ts'
import { Subscribe } from '../../src/codec/packets/subscribe.ts'
import type { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { MemoryTransport } from '../model/memory-transport.ts'
import type { RunningBroker } from '../model/running-broker.ts'
import { connectPacket } from './raw-client.ts'
import { keeping } from './versions.ts'

const { PUBLISH, PUBREC, PUBREL, PUBCOMP, CONNACK } = PacketType
type HandshakePacket = typeof PUBLISH | AcknowledgementType

/** Where a connection breaks: at the packet of this type, in either direction, that comes after so many of them. */
export interface Cut {
  readonly packetType: HandshakePacket
  /** before: it never arrives; after: it does, and nothing that answers it leaves */
  readonly moment: 'before' | 'after'
  readonly skip: number
}

/**
 * A client that does QoS 2 as the standard says (section 4.3.3, resending of 4.4), as publisher and as subscriber, and keeps
 * its session over the loss of its connection. It shares no code with the sessions under test.
 */
export class ExactlyOnceClient {
  /** payloads that the application got, in order */
  readonly taken: string[] = []
  /** packets that came on this connection */
  received = 0
  /** Called when the connection is about to break. */
  whenCut: () => void = () => {}
  readonly #clientId: string
  readonly #version: ProtocolVersion
  /** what was published and is not complete; null: PUBREC came */
  readonly #unfinished = new Map<number, string | null>()
  /** ids of messages that were taken and not released */
  readonly #unreleased = new Set<number>()
  #transport: MemoryTransport | null = null
  #decoder: Decoder | null = null
  #topicName = ''
  /** nothing leaves any more */
  #isMute = false
  #cuts: Cut[] = []
  #seen = 0

  constructor(clientId: string, version: ProtocolVersion) {
    this.#clientId = clientId
    this.#version = version
  }

  get isConnected(): boolean {
    return this.#transport !== null
  }

  /** Every exchange of it has come to its end. */
  get isDone(): boolean {
    return this.#unfinished.size + this.#unreleased.size === 0
  }

  /** Cuts that did not come to be. */
  get cutsLeft(): number {
    return this.#cuts.length
  }

  /** Breaks the connection there, one after the other. */
  cutAt(...cuts: readonly Cut[]): void {
    this.#cuts = [...cuts]
    this.#seen = 0
  }

  connect({ broker, network }: RunningBroker): void {
    const transport = new MemoryTransport(network, this.#clientId, (bytes) => {
      if (this.#transport === transport) this.#receive(bytes)
    })
    this.#transport = transport
    this.received = 0
    this.#decoder = new Decoder(Role.SERVER, Number.MAX_SAFE_INTEGER, this.#version)
    broker.accept(transport)
    this.#send(connectPacket(keeping(this.#version, this.#clientId)))
  }

  subscribe(topicFilter: string): void {
    const request = { topicFilter, qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    this.#send(new Subscribe(99, [request], {}))
  }

  publish(topicName: string, payload: string, packetId: number): void {
    this.#unfinished.set(packetId, payload)
    this.#topicName = topicName
    this.#sendPublish(packetId, payload, false)
  }

  /** Breaks off, or notices that the broker is gone. */
  lost(): void {
    this.#transport?.reset()
    this.#transport = null
  }

  // ---- in

  #receive(bytes: Buffer): void {
    const take = (packet: AnyPacket): void => {
      if (this.#transport !== null) this.#take(packet)
    }
    this.#decoder!.push(bytes, { receivePublish: take, receiveAcknowledgement: take, receivePacket: take })
  }

  #take(packet: AnyPacket): void {
    this.received++
    const cut = this.#cutFor(packet.packetType)
    if (cut?.moment === 'before') return this.#break()
    // what it answers never leaves
    if (cut?.moment === 'after') this.#isMute = true
    switch (packet.packetType) {
      case CONNACK:
        return this.#resend()
      case PUBLISH:
        if (!this.#unreleased.has(packet.packetId)) this.taken.push(packet.message.payload.toString())
        this.#unreleased.add(packet.packetId)
        this.#answer(PUBREC, packet.packetId)
        break
      case PUBREC:
        this.#unfinished.set(packet.packetId, null)
        this.#answer(PUBREL, packet.packetId)
        break
      case PUBREL:
        this.#unreleased.delete(packet.packetId)
        this.#answer(PUBCOMP, packet.packetId)
        break
      case PUBCOMP:
        this.#unfinished.delete(packet.packetId)
        break
      default:
        break
    }
    this.#isMute = false
    if (cut !== null) this.#break()
  }

  // [MQTT-4.4.0-1]
  #resend(): void {
    for (const [packetId, payload] of this.#unfinished) {
      if (payload === null) this.#answer(PUBREL, packetId)
      else this.#sendPublish(packetId, payload, true)
    }
  }

  // ---- out

  #sendPublish(packetId: number, payload: string, dup: boolean): void {
    this.#send(new Publish(Message.create(this.#topicName, payload, { qos: 2 }), 2, dup, packetId))
  }

  #answer(packetType: AcknowledgementType, packetId: number): void {
    if (!this.#isMute) this.#send(new Acknowledgement(packetType, packetId, 0))
  }

  #send(packet: AnyPacket): void {
    if (this.#transport === null) return
    const cut = this.#cutFor(packet.packetType)
    if (cut?.moment !== 'before') this.#transport.send(encodePacket(packet, this.#version))
    if (cut !== null) this.#break()
  }

  #cutFor(packetType: PacketType): Cut | null {
    const [next] = this.#cuts
    if (next === undefined || next.packetType !== packetType || this.#seen++ < next.skip) return null
    this.#cuts.shift()
    this.#seen = 0
    return next
  }

  #break(): void {
    this.#transport!.reset()
    this.#transport = null
    this.whenCut()
  }
}
