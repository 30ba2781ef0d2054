import type { AnyPacket, ControlPacket } from '../../src/codec/control-packet.ts'
import { Decoder, type PacketSink } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Message } from '../../src/codec/message.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import type { Acknowledgement, AcknowledgementType } from '../../src/codec/packets/acknowledgement.ts'
import { acknowledgementBytes, writeAcknowledgement } from '../../src/codec/packets/acknowledgement.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import { Connect } from '../../src/codec/packets/connect.ts'
import { type Publish, type PublishHeader, publishBytes, writePublish } from '../../src/codec/packets/publish.ts'
import type { SubscriptionRequest } from '../../src/codec/packets/subscribe.ts'
import { NO_PROPERTIES, type Properties } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { QoS } from '../../src/codec/qos.ts'
import { ClientSession, type ClientSessionOwner } from '../../src/session/client-session.ts'
import { MessageQueue, OverflowPolicy } from '../../src/session/message-queue.ts'
import { type ConnectionTerms, ServerSession, type ServerSessionHost } from '../../src/session/server-session.ts'
import type { SessionOutput } from '../../src/session/session-output.ts'
import { SessionState } from '../../src/session/session-state.ts'
import { matches } from '../../src/topic/topic-filter.ts'

const PLENTY = Number.MAX_SAFE_INTEGER
const LARGEST = 268_435_460

/** What the two sides agree on. */
export interface PairOptions {
  readonly version?: ProtocolVersion
  /** Receive Maximum, the same in both directions */
  readonly receiveMaximum?: number
  /** Topic Alias Maximum, the same in both directions */
  readonly topicAliasMaximum?: number
  /** bytes of the next piece that the network carries; default: all there are */
  readonly chunkBytes?: () => number
}

/** What one side has got, and what the sender of it was told. */
export interface Ledger {
  /** payloads in the order of their delivery, with what they had of QoS */
  readonly received: { readonly payload: string; readonly qos: QoS }[]
}

/** One direction of a connection: bytes that were sent and not carried, and the decoder at the other end. */
class Wire implements SessionOutput {
  readonly full = false
  readonly #version: ProtocolVersion
  readonly #decoder: Decoder
  readonly #sink: PacketSink
  #bytes: Buffer = Buffer.alloc(0)

  constructor(sender: Role, version: ProtocolVersion, sink: PacketSink) {
    this.#version = version
    this.#decoder = new Decoder(sender, LARGEST, version)
    this.#sink = sink
  }

  get waitingBytes(): number {
    return this.#bytes.length
  }

  carry(byteCount: number): void {
    // memory of its own, overwritten behind the turn as a socket's may be
    const chunk = Buffer.from(this.#bytes.subarray(0, byteCount))
    this.#bytes = this.#bytes.subarray(byteCount)
    this.#decoder.push(chunk, this.#sink)
    chunk.fill(0xff)
  }

  sendPublish(message: Message, header: PublishHeader, remainingLength: number): void {
    const bytes = Buffer.alloc(publishBytes(remainingLength))
    if (writePublish(message, header, remainingLength, bytes, 0) !== bytes.length)
      throw new Error('PUBLISH of another size')
    this.#send(bytes)
  }

  sendAcknowledgement(packetType: AcknowledgementType, packetId: number, reasonCode: number): void {
    const bytes = Buffer.alloc(acknowledgementBytes(this.#version, reasonCode))
    writeAcknowledgement(bytes, 0, this.#version, packetType, packetId, reasonCode)
    this.#send(bytes)
  }

  send(packet: ControlPacket): void {
    this.#send(encodePacket(packet, this.#version))
  }

  #send(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
  }
}

/** The Server around one session, as small as can be: what its client publishes is written down, and comes back to it where it has subscribed. */
class Host implements ServerSessionHost {
  readonly sequence = 0
  readonly ledger: Ledger = { received: [] }

  publish(session: ServerSession, publish: Publish, nowMs: number): number {
    const { message, qos } = publish
    this.ledger.received.push({ payload: message.payload.toString(), qos })
    for (const subscription of session.state.subscriptions.values()) {
      if (!matches(subscription.topicFilter, message.topicName)) continue
      session.forward(message, Math.min(qos, subscription.qos) as QoS, false, null, null, nowMs)
    }
    return 0
  }

  judgeSubscription(_session: ServerSession, request: SubscriptionRequest): number {
    return request.qos
  }

  retainedMessages(): Iterator<Message> {
    return [][Symbol.iterator]()
  }

  isRetained(): boolean {
    return false
  }

  subscriptionSet(): void {}

  subscriptionRemoved(): void {}

  deliveryDropped(): void {}
}

/** A ClientSession and a ServerSession joined in memory through real bytes, on a network that a test can cut after any of them. */
export class Pair {
  readonly client: ClientSession
  /** what the client got */
  readonly clientLedger: Ledger = { received: [] }
  /** what the Server got */
  readonly serverLedger: Ledger
  /** ends of the client's publications: `payload code` */
  readonly done: string[] = []
  /** packets that came to the client, PUBLISH left out */
  readonly clientPackets: AnyPacket[] = []
  nowMs = 0
  /** bytes carried so far, both directions together */
  carriedBytes = 0
  readonly #options: Required<PairOptions>
  readonly #host = new Host()
  #server: ServerSession | null = null
  #toServer: Wire | null = null
  #toClient: Wire | null = null

  constructor(options: PairOptions = {}) {
    const { version = ProtocolVersion.V5, receiveMaximum = 65_535, topicAliasMaximum = 0 } = options
    this.#options = { version, receiveMaximum, topicAliasMaximum, chunkBytes: options.chunkBytes ?? (() => PLENTY) }
    this.serverLedger = this.#host.ledger
    // before 5.0 no limit is negotiated, so the client's own is used
    const bounds = { maximumInFlight: receiveMaximum, maximumTopicAliases: topicAliasMaximum }
    this.client = new ClientSession(newState(), newQueue(), this.#owner(), bounds, false)
  }

  /** The Server's session; null before the first connection and after {@link loseServerSession}. */
  get server(): ServerSession | null {
    return this.#server
  }

  /** Opens a connection and sends CONNECT; a session that both sides have is taken up. */
  connect(cleanStart = false): void {
    const { version, receiveMaximum, topicAliasMaximum } = this.#options
    this.#toServer = new Wire(Role.CLIENT, version, this.#serverSink())
    this.#toClient = new Wire(Role.SERVER, version, this.#clientSink())
    const asked: Properties = { sessionExpiryIntervalSeconds: 3600, receiveMaximum, topicAliasMaximum }
    const properties = version === ProtocolVersion.V5 ? asked : NO_PROPERTIES
    const connect = { version, clientId: 'id', cleanStart, keepAliveSeconds: 0, properties }
    this.client.connect(this.#toServer, new Connect(connect))
  }

  /** Carries bytes until there are none, or until this many were carried in all. @returns false when it stopped early */
  run(untilBytes = PLENTY): boolean {
    for (let turn = 0; this.#waiting; turn++) {
      const wire = (turn % 2 === 0 ? this.#toServer : this.#toClient)!
      const byteCount = Math.min(this.#options.chunkBytes(), wire.waitingBytes, untilBytes - this.carriedBytes)
      if (this.carriedBytes >= untilBytes) return false
      if (byteCount === 0) continue
      this.carriedBytes += byteCount
      wire.carry(byteCount)
    }
    return true
  }

  get #waiting(): boolean {
    return (this.#toServer?.waitingBytes ?? 0) > 0 || (this.#toClient?.waitingBytes ?? 0) > 0
  }

  /** The network breaks: what is on the way is lost. */
  cut(): void {
    this.#toServer = null
    this.#toClient = null
    this.client.connectionLost()
    this.#server?.connectionLost()
  }

  /** The Server forgets the session. */
  loseServerSession(): void {
    this.#server?.end()
    this.#server = null
  }

  publish(payload: string, qos: QoS, topicName = 'up'): void {
    this.client.publish(Message.create(topicName, payload, { qos }), payload, this.nowMs)
  }

  /** The Server has a message for the client. */
  forward(payload: string, qos: QoS, topicName = 'down'): void {
    this.#server!.forward(Message.create(topicName, payload, { qos }), qos, false, null, null, this.nowMs)
  }

  #owner(): ClientSessionOwner {
    return {
      connected: () => {},
      refused: ({ code }) => {
        throw new Error(`refused ${code}`)
      },
      message: ({ message, qos }) => void this.clientLedger.received.push({ payload: message.payload.toString(), qos }),
      publishDone: (token, code) => void this.done.push(`${token} ${code}`),
      subscribed: () => {},
      unsubscribed: () => {},
      requestAbandoned: () => {},
      disconnected: () => {},
      authenticated: () => true,
      authRequested: () => {},
    }
  }

  #clientSink(): PacketSink {
    return {
      receivePublish: (publish) => this.client.receivePublish(publish, this.nowMs),
      receiveAcknowledgement: (acknowledgement) => {
        this.clientPackets.push(acknowledgement)
        this.client.receiveAcknowledgement(acknowledgement, this.nowMs)
      },
      receivePacket: (packet) => {
        this.clientPackets.push(packet)
        this.client.receivePacket(packet, this.nowMs)
      },
    }
  }

  #serverSink(): PacketSink {
    return {
      receivePublish: (publish) => this.#server!.receivePublish(publish, this.nowMs),
      receiveAcknowledgement: (acknowledgement: Acknowledgement) =>
        void this.#server!.receiveAcknowledgement(acknowledgement, this.nowMs),
      receivePacket: (packet) => this.#serverReceives(packet),
    }
  }

  #serverReceives(packet: ControlPacket): void {
    switch (packet.packetType) {
      case PacketType.CONNECT:
        return this.#accept(packet)
      case PacketType.SUBSCRIBE:
        return this.#server!.receiveSubscribe(packet, this.nowMs)
      case PacketType.UNSUBSCRIBE:
        return this.#server!.receiveUnsubscribe(packet)
      case PacketType.PINGREQ:
        return this.#server!.receivePingreq()
      default:
        throw new Error(`the Server got ${packet.packetType}`)
    }
  }

  #accept(connect: Connect): void {
    const output = this.#toClient!
    if (connect.cleanStart) this.loseServerSession()
    const sessionPresent = this.#server !== null
    this.#server ??= new ServerSession(newState(), newQueue(), this.#host)
    const { version, receiveMaximum, topicAliasMaximum } = this.#options
    const isV5 = version === ProtocolVersion.V5
    output.send(
      new Connack(
        sessionPresent && version !== ProtocolVersion.V3_1,
        0,
        isV5 ? { receiveMaximum, topicAliasMaximum } : {},
      ),
    )
    const terms: ConnectionTerms = {
      version,
      receiveMaximum: connect.properties.receiveMaximum ?? receiveMaximum,
      maximumPacketBytes: LARGEST,
      topicAliasMaximum: connect.properties.topicAliasMaximum ?? 0,
      ownReceiveMaximum: receiveMaximum,
      ownTopicAliasMaximum: topicAliasMaximum,
      maximumQos: QoS.EXACTLY_ONCE,
      retainAvailable: true,
      bridge: false,
      requestedExpirySeconds: connect.properties.sessionExpiryIntervalSeconds ?? 0,
    }
    this.#server.connected(output, terms, this.nowMs)
  }
}

function newState(): SessionState {
  return new SessionState('id', null, newQueue())
}

function newQueue(): MessageQueue {
  return new MessageQueue(PLENTY, PLENTY, OverflowPolicy.REJECT_NEWEST)
}
