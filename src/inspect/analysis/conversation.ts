import { PacketType, packetTypeNames, Role } from '../../codec/packet-type.ts'
import type { Acknowledgement } from '../../codec/packets/acknowledgement.ts'
import type { Connack } from '../../codec/packets/connack.ts'
import type { Connect } from '../../codec/packets/connect.ts'
import type { Publish } from '../../codec/packets/publish.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import { formatReasonCode, formatReturnCode } from '../../codec/reason-code.ts'
import { SeldomMap } from '../../codec/seldom-map.ts'
import type { InspectedPacket } from '../inspected-packet.ts'
import type { Parties } from '../network/connection.ts'
import { Awaits, type Budget, Exchanges, type OpenExchange } from './exchanges.ts'
import { type Finding, type FindingName, makeFinding, type Place, placeOf, type SessionViolation } from './finding.ts'
import type { Latencies } from './latencies.ts'
import { remembered } from './remembered-connect.ts'
import { TopicAliases } from './topic-aliases.ts'

/** How long before the end of the capture a packet must have come to be called unanswered, in a connection that goes on. */
const ANSWER_SECONDS = 10
/** PINGREQ packets that wait for their answer; more are not counted. */
const MAXIMUM_OPEN_PINGS = 64
/** SUBSCRIBE and UNSUBSCRIBE packets of one connection that wait for their answer; more are not followed. */
const MAXIMUM_OPEN_REQUESTS = 1024

const awaitsNames = ['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'] as const

const expectedBy = {
  [PacketType.PUBACK]: Awaits.PUBACK,
  [PacketType.PUBREC]: Awaits.PUBREC,
  [PacketType.PUBREL]: Awaits.PUBREL,
  [PacketType.PUBCOMP]: Awaits.PUBCOMP,
} as const

const nextStage = {
  [PacketType.PUBACK]: null,
  [PacketType.PUBREC]: Awaits.PUBREL,
  [PacketType.PUBREL]: Awaits.PUBCOMP,
  [PacketType.PUBCOMP]: null,
} as const

/** A request that waits for its answer. */
interface OpenRequest {
  readonly place: Place
  readonly packetType: number
  readonly filters: number
}

/** What a conversation tells. */
export interface ConversationOutput {
  report(finding: Finding): void
  readonly latencies: Latencies
  readonly budget: Budget
}

/** Rules of one connection that need its history. What the capture misses is held against nobody. */
export class Conversation {
  readonly stream: number
  readonly parties: Parties
  connect: Connect | null = null
  connack: Connack | null = null
  version: ProtocolVersion = ProtocolVersion.V3_1_1
  packets = 0
  bytes = 0
  firstSeconds: number | null = null
  lastSeconds: number | null = null
  connectPlace: Place | null = null
  readonly lastPlace: { -readonly [Key in keyof Place]: Place[Key] }
  /** by role: has sent DISCONNECT, with this Reason Code */
  readonly disconnect: (number | null)[] = [null, null]
  /** Session Expiry Interval of the client's DISCONNECT */
  disconnectExpirySeconds: number | null = null
  /** a CONNECT with the same Client Identifier came while it was open */
  isTakenOver = false
  /** and was accepted: the server has to be done with this one */
  isReplaced = false
  isFinished = false
  /** bytes are missing, or the beginning is: what is absent may only be absent in the capture */
  isPartial = false
  /** by role of the sender */
  readonly exchanges: readonly [Exchanges, Exchanges]
  /** by role of the sender: what was open when the session was resumed, still to be sent again */
  readonly carried: readonly [SeldomMap<number, OpenExchange>, SeldomMap<number, OpenExchange>] = [
    new SeldomMap(),
    new SeldomMap(),
  ]
  readonly #output: ConversationOutput
  readonly #aliases = [new TopicAliases(), new TopicAliases()] as const
  readonly #requests = new SeldomMap<number, OpenRequest>()
  readonly #pings: Place[] = []
  #lastFromClientSeconds: number | null = null
  #hasServerSpoken = false

  constructor(first: InspectedPacket, parties: Parties, output: ConversationOutput) {
    this.stream = first.stream!
    this.parties = parties
    this.lastPlace = placeOf(first)
    this.#output = output
    this.exchanges = [new Exchanges(output.budget), new Exchanges(output.budget)]
    this.isPartial = first.packetType !== PacketType.CONNECT || first.sender !== Role.CLIENT
    if (this.isPartial && first.sender === Role.CLIENT && parties.isWhole)
      this.#report('FIRST_PACKET_NOT_CONNECT', first)
  }

  get clientId(): string | null {
    return this.connack?.properties.assignedClientIdentifier ?? this.connect?.clientId ?? null
  }

  /** Seconds between packets of the client that the server expects; 0: none. */
  get keepAliveSeconds(): number {
    return this.connack?.properties.serverKeepAliveSeconds ?? this.connect?.keepAliveSeconds ?? 0
  }

  add(inspected: InspectedPacket): void {
    const { packet, sender, timeSeconds } = inspected
    this.packets++
    this.bytes += inspected.bytes.length
    this.version = inspected.version
    this.firstSeconds ??= timeSeconds
    this.lastSeconds = timeSeconds
    this.lastPlace.version = inspected.version
    this.lastPlace.frame = inspected.frame
    this.lastPlace.timeSeconds = timeSeconds
    if (inspected.issues.length > 0 || packet === null) this.isPartial = true
    if (sender === Role.CLIENT) this.#clientSpeaks(inspected)
    if (this.disconnect[sender] !== null)
      this.#report('PACKET_AFTER_DISCONNECT', inspected, packetTypeNames[inspected.packetType])
    if (packet === null) return
    if (sender === Role.SERVER) this.#serverSpeaks(inspected)
    this.#checkSize(inspected)
    switch (packet.packetType) {
      case PacketType.CONNECT:
        return this.#connect(packet, inspected)
      case PacketType.CONNACK:
        return this.#connack(packet, inspected)
      case PacketType.PUBLISH:
        return this.#publish(packet, inspected)
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBREL:
      case PacketType.PUBCOMP:
        return this.#acknowledgement(packet, inspected)
      case PacketType.SUBSCRIBE:
        return this.#request(packet.packetId, packet.requests.length, inspected)
      case PacketType.UNSUBSCRIBE:
        return this.#request(packet.packetId, packet.topicFilters.length, inspected)
      case PacketType.SUBACK:
      case PacketType.UNSUBACK:
        return this.#answer(packet.packetId, packet.codes, inspected)
      case PacketType.PINGREQ:
        if (this.#pings.length < MAXIMUM_OPEN_PINGS) this.#pings.push(placeOf(inspected))
        return
      case PacketType.PINGRESP: {
        const ping = this.#pings.shift()
        if (ping !== undefined) this.#output.latencies.add('PINGREQ to PINGRESP', ping, inspected)
        return
      }
      case PacketType.AUTH:
        return
      case PacketType.DISCONNECT:
        this.disconnect[sender] = packet.reasonCode
        if (sender === Role.CLIENT) {
          this.disconnectExpirySeconds = packet.properties.sessionExpiryIntervalSeconds ?? null
        }
    }
  }

  /**
   * Nothing more comes: tells what was never answered.
   * @param captureEndSeconds null: the connection is known to have ended
   */
  finish(captureEndSeconds: number | null): void {
    this.isFinished = true
    const isMissed = ({ timeSeconds }: Place): boolean =>
      this.parties.closed !== null ||
      captureEndSeconds === null ||
      captureEndSeconds - (timeSeconds ?? 0) > ANSWER_SECONDS
    const { closed } = this.parties
    if (closed?.timeSeconds != null) this.#checkSilence(closed.timeSeconds, { ...this.lastPlace, ...closed })
    if (!this.isPartial) {
      for (const { place, packetType } of this.#requests.values()) {
        if (isMissed(place)) this.#report('UNANSWERED_REQUEST', place, packetTypeNames[packetType])
      }
      for (const ping of this.#pings) if (isMissed(ping)) this.#report('UNANSWERED_PING', ping)
    }
    for (const sender of [Role.CLIENT, Role.SERVER]) {
      if (this.isPartial || !this.exchanges[sender].isComplete) continue
      this.#reportOpen(this.exchanges[sender], isMissed)
      if (this.#hasServerSpoken && this.parties.closed !== null)
        for (const exchange of this.carried[sender].values()) this.#reportNotResent(exchange)
    }
  }

  #reportOpen(exchanges: Exchanges, isMissed: (place: Place) => boolean): void {
    for (const [stage, exchange] of exchanges.open()) {
      if (!isMissed(exchange)) continue
      const what = `Packet Identifier ${exchange.packetId}, topic ${JSON.stringify(exchange.topicName)}`
      if (stage === Awaits.PUBACK || stage === Awaits.PUBREC) this.#report('UNACKNOWLEDGED_PUBLISH', exchange, what)
      else this.#report('UNFINISHED_QOS_2', exchange, `${what}, waits for ${awaitsNames[stage]}`)
    }
  }

  #reportNotResent(exchange: OpenExchange): void {
    if (exchange.mayExpire) return
    const what = `Packet Identifier ${exchange.packetId} of stream ${exchange.stream}`
    this.#report('NOT_RESENT', { ...this.lastPlace, stream: this.stream }, what)
  }

  #report(name: FindingName | SessionViolation, place: Place, detail?: string): void {
    this.#output.report(makeFinding(name, place, detail))
  }

  #clientSpeaks(inspected: InspectedPacket): void {
    const { timeSeconds } = inspected
    if (timeSeconds === null) return
    this.#checkSilence(timeSeconds, inspected)
    this.#lastFromClientSeconds = timeSeconds
  }

  // A second more than Keep Alive is no news: timers and networks are not exact.
  #checkSilence(nowSeconds: number, place: Place): void {
    const keepAlive = this.keepAliveSeconds
    if (keepAlive === 0 || this.#lastFromClientSeconds === null || this.disconnect[Role.CLIENT] !== null) return
    if (this.isPartial && this.connect === null) return
    const silentSeconds = nowSeconds - this.#lastFromClientSeconds
    if (silentSeconds <= keepAlive + Math.max(1, keepAlive * 0.1)) return
    const detail = `${silentSeconds.toFixed(1)} s, Keep Alive ${keepAlive} s`
    this.#report('SILENT_BEYOND_KEEP_ALIVE', place, detail)
  }

  #serverSpeaks(inspected: InspectedPacket): void {
    if (this.#hasServerSpoken || this.isPartial) return
    this.#hasServerSpoken = true
    const { packetType } = inspected
    if (packetType !== PacketType.CONNACK && packetType !== PacketType.AUTH) {
      this.#report('FIRST_PACKET_NOT_CONNACK', inspected, packetTypeNames[packetType])
    }
  }

  #checkSize(inspected: InspectedPacket): void {
    const receiver = inspected.sender === Role.CLIENT ? this.connack : this.connect
    const maximum = receiver?.properties.maximumPacketBytes
    const { length } = inspected.bytes
    if (maximum !== undefined && length > maximum)
      this.#report('PACKET_TOO_LARGE', inspected, `${length} bytes, the limit is ${maximum}`)
  }

  #connect(connect: Connect, inspected: InspectedPacket): void {
    if (this.connect !== null) return this.#report('SECOND_CONNECT', inspected)
    this.connect = remembered(connect)
    this.connectPlace = placeOf(inspected)
    this.#aliases[Role.SERVER].maximum = connect.properties.topicAliasMaximum ?? 0
  }

  #connack(connack: Connack, inspected: InspectedPacket): void {
    if (this.connack !== null) return this.#report('SECOND_CONNACK', inspected)
    this.connack = connack
    this.#aliases[Role.CLIENT].maximum = connack.properties.topicAliasMaximum ?? 0
    if (this.connectPlace !== null) this.#output.latencies.add('CONNECT to CONNACK', this.connectPlace, inspected)
    if (connack.code === 0) return
    const format = inspected.version === ProtocolVersion.V5 ? formatReasonCode : formatReturnCode
    this.#report('CONNECT_REFUSED', inspected, format(connack.code))
  }

  #publish(publish: Publish, inspected: InspectedPacket): void {
    const { sender } = inspected
    if (sender === Role.CLIENT) this.#checkOffer(publish, inspected)
    if (!this.isPartial) this.#aliases[sender].check(publish, (name, detail) => this.#report(name, inspected, detail))
    if (publish.qos === 0) return
    const exchanges = this.exchanges[sender]
    const { packetId } = publish
    const detail = `Packet Identifier ${packetId}`
    if (this.#isResentFromBefore(publish, inspected))
      return exchanges.begin(publish, inspected, inspected.topicName ?? '')
    if (exchanges.stageOf(packetId) === null) {
      if (publish.dup && !this.isPartial && this.connack?.sessionPresent !== true) {
        this.#report('DUP_ON_FIRST_DELIVERY', inspected, detail)
      }
      if (sender === Role.CLIENT && this.#requests.has(packetId)) this.#report('PACKET_ID_IN_USE', inspected, detail)
      exchanges.begin(publish, inspected, inspected.topicName ?? '')
      this.#checkReceiveMaximum(exchanges, inspected)
    } else if (!publish.dup) {
      if (!this.isPartial) this.#report('PACKET_ID_IN_USE', inspected, detail)
    } else if (inspected.version === ProtocolVersion.V5) this.#report('RESENT_WHILE_CONNECTED', inspected, detail)
  }

  #isResentFromBefore(publish: Publish, inspected: InspectedPacket): boolean {
    const carried = this.carried[inspected.sender]
    const before = carried.get(publish.packetId)
    if (before === undefined) return false
    const detail = `Packet Identifier ${publish.packetId}`
    if (carried.first() !== publish.packetId) this.#report('RESENT_OUT_OF_ORDER', inspected, detail)
    carried.delete(publish.packetId)
    if (!publish.dup) this.#report('RESENT_WITHOUT_DUP', inspected, `${detail}, first sent in frame ${before.frame}`)
    return true
  }

  #checkOffer({ qos, message }: Publish, inspected: InspectedPacket): void {
    const offer = this.connack?.properties
    if (offer === undefined) return
    if (qos > (offer.maximumQos ?? 2))
      this.#report('QOS_NOT_SUPPORTED', inspected, `QoS ${qos}, Maximum QoS ${offer.maximumQos}`)
    if (message.retain && offer.retainAvailable === 0) this.#report('RETAIN_NOT_SUPPORTED', inspected)
  }

  #checkReceiveMaximum({ inFlight }: Exchanges, inspected: InspectedPacket): void {
    const receiver = inspected.sender === Role.CLIENT ? this.connack : this.connect
    const maximum = receiver?.properties.receiveMaximum
    if (maximum === undefined || inFlight <= maximum) return
    this.#report('RECEIVE_MAXIMUM_EXCEEDED', inspected, `${inFlight} in flight, Receive Maximum ${maximum}`)
  }

  #acknowledgement({ packetType, packetId, reasonCode }: Acknowledgement, inspected: InspectedPacket): void {
    const { sender } = inspected
    const receiver = sender === Role.CLIENT ? Role.SERVER : Role.CLIENT
    // PUBREL comes from the side that has published, the others from the side that received
    const publisher = packetType === PacketType.PUBREL ? sender : receiver
    const exchanges = this.exchanges[publisher]
    const expected = expectedBy[packetType]
    const stage = exchanges.stageOf(packetId)
    const detail = `${packetTypeNames[packetType]} with Packet Identifier ${packetId}`
    this.carried[publisher].delete(packetId)
    if (stage !== expected) {
      // a PUBREC that comes again, or PUBREL and PUBCOMP of an exchange that began before, are in order
      const isKnownFully = !this.isPartial && exchanges.isComplete && this.connack?.sessionPresent !== true
      if (stage === null && isKnownFully && reasonCode < 0x80)
        this.#report('ACKNOWLEDGEMENT_OF_NOTHING', inspected, detail)
      const isWrong = (packetType === PacketType.PUBACK) !== (stage === Awaits.PUBACK)
      if (stage !== null && isWrong && !this.isPartial) this.#report('ACKNOWLEDGEMENT_OF_WRONG_KIND', inspected, detail)
      return
    }
    // [MQTT-4.6.0-2], -3 and -4 speak of what clients send
    if (
      sender === Role.CLIENT &&
      packetType !== PacketType.PUBCOMP &&
      !this.isPartial &&
      !exchanges.isFirst(stage, packetId)
    ) {
      this.#report('ACKNOWLEDGED_OUT_OF_ORDER', inspected, detail)
    }
    if (reasonCode >= 0x80 && packetType !== PacketType.PUBREL) {
      this.#report('PUBLISH_REFUSED', inspected, `${detail}: ${formatReasonCode(reasonCode)}`)
      return exchanges.move(stage, packetId, null)
    }
    const exchange = exchanges.get(stage, packetId)!
    if (packetType === PacketType.PUBACK) this.#output.latencies.add('PUBLISH to PUBACK', exchange, inspected)
    if (packetType === PacketType.PUBCOMP) this.#output.latencies.add('PUBLISH to PUBCOMP', exchange, inspected)
    exchanges.move(stage, packetId, nextStage[packetType])
  }

  #request(packetId: number, filters: number, inspected: InspectedPacket): void {
    if (!this.isPartial && (this.#requests.has(packetId) || this.exchanges[Role.CLIENT].stageOf(packetId) !== null)) {
      this.#report('PACKET_ID_IN_USE', inspected, `Packet Identifier ${packetId}`)
    }
    if (this.#requests.size < MAXIMUM_OPEN_REQUESTS) {
      this.#requests.set(packetId, { packetType: inspected.packetType, filters, place: placeOf(inspected) })
    }
  }

  #answer(packetId: number, codes: readonly number[], inspected: InspectedPacket): void {
    const request = this.#requests.get(packetId)
    const isSuback = inspected.packetType === PacketType.SUBACK
    if (request === undefined || (request.packetType === PacketType.SUBSCRIBE) !== isSuback) {
      if (!this.isPartial) this.#report('ACKNOWLEDGEMENT_WITHOUT_REQUEST', inspected, `Packet Identifier ${packetId}`)
      return
    }
    this.#requests.delete(packetId)
    this.#output.latencies.add(isSuback ? 'SUBSCRIBE to SUBACK' : 'UNSUBSCRIBE to UNSUBACK', request.place, inspected)
    const hasCodes = isSuback || inspected.version === ProtocolVersion.V5
    if (hasCodes && codes.length !== request.filters) {
      this.#report('SUBACK_CODE_COUNT', inspected, `${request.filters} filters, ${codes.length} codes`)
    }
    for (const [index, code] of codes.entries()) {
      if (code >= 0x80)
        this.#report('SUBSCRIPTION_REFUSED', inspected, `filter ${index + 1}: ${formatReasonCode(code)}`)
    }
  }
}
