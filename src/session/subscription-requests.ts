import type { ControlPacket } from '../codec/control-packet.ts'
import { encodePacket } from '../codec/encoder.ts'
import { PacketType } from '../codec/packet-type.ts'
import { Suback } from '../codec/packets/suback.ts'
import { Subscribe, type SubscriptionRequest } from '../codec/packets/subscribe.ts'
import { Unsuback } from '../codec/packets/unsuback.ts'
import { Unsubscribe } from '../codec/packets/unsubscribe.ts'
import type { Properties } from '../codec/property.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ProtocolViolation, type ViolationName } from '../codec/violation.ts'
import type { OpenPacketIds } from './packet-ids.ts'
import { LARGEST_PACKET_BYTES, type ServerTerms, subscriptionRefusal } from './server-terms.ts'
import type { SessionOutput } from './session-output.ts'

/** Hears what became of requests. Called last, when the state is complete. */
export interface SubscriptionOwner {
  /** @param token null: subscriptions made again because the Server had lost the Session */
  subscribed(token: unknown, topicFilters: readonly string[], suback: Suback): void
  unsubscribed(token: unknown, unsuback: Unsuback): void
}

/** A SUBSCRIBE or UNSUBSCRIBE that is not answered; sent again on each new connection until it is. */
interface PendingRequest {
  /** null: UNSUBSCRIBE */
  readonly requests: readonly SubscriptionRequest[] | null
  readonly topicFilters: readonly string[]
  readonly properties: Properties
  /** null: made by {@link SubscriptionRequests.connected} */
  readonly token: unknown
  /** 0 while it is not sent on the present connection */
  packetId: number
  /** per filter 0, or the code with which it was left out of SUBSCRIBE */
  refusals: readonly number[]
}

interface Remembered {
  readonly request: SubscriptionRequest
  readonly properties: Properties
}

const RESTORE_BYTES = 16_384
const TOO_LARGE = 'not sent: larger than the Maximum Packet Size of the server'

/**
 * SUBSCRIBE and UNSUBSCRIBE of a Client: what is asked and not answered, and what was granted, to be asked for again when the
 * Server has lost the Session. Filters that the Server has said it cannot serve are answered here and never sent.
 */
export class SubscriptionRequests implements OpenPacketIds {
  // lives as long as the Client
  readonly #owner: SubscriptionOwner
  readonly #allocate: () => number
  readonly #granted = new Map<string, Remembered>()
  #pending: PendingRequest[] = []
  /** Subscription Identifiers that this Session may bring back; null when an earlier run of the program may have set others */
  #identifiers: Set<number> | null = null

  // lives as long as the Network Connection
  readonly #open = new Map<number, PendingRequest>()
  #output: SessionOutput | null = null
  #terms: ServerTerms | null = null

  /** @param allocate a Packet Identifier that is open nowhere, 0 when there is none */
  constructor(owner: SubscriptionOwner, allocate: () => number) {
    this.#owner = owner
    this.#allocate = allocate
  }

  /** Requests sent on this connection and not answered. */
  get size(): number {
    return this.#open.size
  }

  has(packetId: number): boolean {
    return this.#open.has(packetId)
  }

  /** Some request waits for a free Packet Identifier. */
  get hasUnsent(): boolean {
    return this.#output !== null && this.#pending.length > this.#open.size
  }

  /** Asks again for what was granted if the Session is new, and sends what is not answered. */
  connected(output: SessionOutput, terms: ServerTerms, sessionPresent: boolean): void {
    this.#output = output
    this.#terms = terms
    if (!sessionPresent) {
      this.#identifiers = new Set()
      const asked = this.#pending.filter((pending) => pending.token !== null)
      this.#pending = [...restoring(this.#granted, terms), ...asked]
    }
    this.sendUnsent()
  }

  connectionLost(): void {
    this.#output = null
    this.#open.clear()
    for (const pending of this.#pending) pending.packetId = 0
  }

  /** Forgets all. @returns tokens of what was not answered */
  end(): unknown[] {
    const tokens = this.#pending.map((pending) => pending.token).filter((token) => token !== null)
    this.#pending = []
    this.#granted.clear()
    return tokens
  }

  /** @param token not null; comes back with the answer */
  subscribe(requests: readonly SubscriptionRequest[], properties: Properties, token: unknown): void {
    const topicFilters = requests.map((request) => request.topicFilter)
    this.#pending.push({ requests, topicFilters, properties, token, packetId: 0, refusals: [] })
    this.sendUnsent()
  }

  /** @param token not null; comes back with the answer */
  unsubscribe(topicFilters: readonly string[], properties: Properties, token: unknown): void {
    this.#pending.push({ requests: null, topicFilters, properties, token, packetId: 0, refusals: [] })
    this.sendUnsent()
  }

  /** Sends what is not sent, as far as there are Packet Identifiers. */
  sendUnsent(): void {
    const output = this.#output
    if (output === null) return
    for (const pending of [...this.#pending]) {
      if (pending.packetId !== 0) continue
      const isHandled = pending.requests === null ? this.#sendUnsubscribe(pending) : this.#sendSubscribe(pending)
      if (!isHandled || this.#output !== output) return
    }
  }

  // @returns false when no Packet Identifier is free
  #sendSubscribe(pending: PendingRequest): boolean {
    const terms = this.#terms!
    const requests = pending.requests!
    const hasIdentifier = pending.properties.subscriptionIdentifiers !== undefined
    pending.refusals = requests.map((request) => subscriptionRefusal(request, hasIdentifier, terms))
    const allowed = requests.filter((_, i) => pending.refusals[i] === 0)
    if (allowed.length === 0) {
      this.#subscribed(pending, new Suback(0, pending.refusals))
      return true
    }
    const packetId = this.#allocate()
    if (packetId === 0) return false
    const subscribe = new Subscribe(packetId, allowed, pending.properties)
    if (this.#fits(subscribe)) {
      for (const identifier of pending.properties.subscriptionIdentifiers ?? []) this.#identifiers?.add(identifier)
      this.#send(pending, subscribe)
    } else {
      const codes = requests.map(() => ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR)
      this.#subscribed(pending, new Suback(0, codes, { reasonString: TOO_LARGE }))
    }
    return true
  }

  #sendUnsubscribe(pending: PendingRequest): boolean {
    const packetId = this.#allocate()
    if (packetId === 0) return false
    const unsubscribe = new Unsubscribe(packetId, pending.topicFilters, pending.properties)
    if (this.#fits(unsubscribe)) {
      this.#send(pending, unsubscribe)
    } else {
      const codes = pending.topicFilters.map(() => ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR)
      this.#unsubscribed(pending, new Unsuback(0, codes, { reasonString: TOO_LARGE }))
    }
    return true
  }

  #fits(packet: ControlPacket): boolean {
    const { version, maximumPacketBytes } = this.#terms!
    // [MQTT-3.2.2-15 v5]
    return maximumPacketBytes === LARGEST_PACKET_BYTES || encodePacket(packet, version).length <= maximumPacketBytes
  }

  #send(pending: PendingRequest, packet: Subscribe | Unsubscribe): void {
    pending.packetId = packet.packetId
    this.#open.set(packet.packetId, pending)
    this.#output!.send(packet)
  }

  /** @throws ProtocolViolation ACKNOWLEDGEMENT_WITHOUT_REQUEST, ACKNOWLEDGEMENT_OF_WRONG_KIND, SUBACK_CODE_COUNT */
  receiveSuback(suback: Suback): void {
    const pending = this.#find(PacketType.SUBACK, suback.packetId)
    if (pending.requests === null) throw this.#violation('ACKNOWLEDGEMENT_OF_WRONG_KIND', suback)
    const asked = pending.refusals.filter((refusal) => refusal === 0).length
    if (suback.codes.length !== asked) throw this.#violation('SUBACK_CODE_COUNT', suback, asked)
    this.#open.delete(suback.packetId)
    if (asked === pending.refusals.length) {
      this.#subscribed(pending, suback)
    } else {
      let next = 0
      const codes = pending.refusals.map((refusal) => (refusal === 0 ? suback.codes[next++]! : refusal))
      this.#subscribed(pending, new Suback(suback.packetId, codes, suback.properties))
    }
    this.sendUnsent()
  }

  /** @throws ProtocolViolation ACKNOWLEDGEMENT_WITHOUT_REQUEST, ACKNOWLEDGEMENT_OF_WRONG_KIND, SUBACK_CODE_COUNT */
  receiveUnsuback(unsuback: Unsuback, hasCodes: boolean): void {
    const pending = this.#find(PacketType.UNSUBACK, unsuback.packetId)
    if (pending.requests !== null) throw this.#violation('ACKNOWLEDGEMENT_OF_WRONG_KIND', unsuback)
    const asked = pending.topicFilters.length
    if (hasCodes && unsuback.codes.length !== asked) throw this.#violation('SUBACK_CODE_COUNT', unsuback, asked)
    this.#open.delete(unsuback.packetId)
    this.#unsubscribed(pending, unsuback)
    this.sendUnsent()
  }

  /** May a PUBLISH of the Server carry this Subscription Identifier (U5-3.3.4-4)? */
  mayCarry(identifier: number): boolean {
    return this.#identifiers === null || this.#identifiers.has(identifier)
  }

  #subscribed(pending: PendingRequest, suback: Suback): void {
    this.#pending = this.#pending.filter((other) => other !== pending)
    const { properties } = pending
    for (const [i, request] of pending.requests!.entries()) {
      if (suback.codes[i]! < 0x80) this.#granted.set(request.topicFilter, { request, properties })
      else if (pending.token === null) this.#granted.delete(request.topicFilter)
    }
    this.#owner.subscribed(pending.token, pending.topicFilters, suback)
  }

  #unsubscribed(pending: PendingRequest, unsuback: Unsuback): void {
    this.#pending = this.#pending.filter((other) => other !== pending)
    for (const [i, topicFilter] of pending.topicFilters.entries()) {
      if ((unsuback.codes[i] ?? 0) < 0x80) this.#granted.delete(topicFilter)
    }
    this.#owner.unsubscribed(pending.token, unsuback)
  }

  #find(packetType: PacketType, packetId: number): PendingRequest {
    const pending = this.#open.get(packetId)
    if (pending !== undefined) return pending
    throw this.#violation('ACKNOWLEDGEMENT_WITHOUT_REQUEST', { packetType, packetId })
  }

  #violation(
    name: ViolationName,
    packet: { packetType: number; packetId: number; codes?: readonly number[] },
    asked = 0,
  ): ProtocolViolation {
    const { packetType, packetId, codes = [] } = packet
    const isCount = name === 'SUBACK_CODE_COUNT'
    return new ProtocolViolation(name, {
      version: this.#terms!.version,
      packetType,
      field: isCount ? 'Payload' : 'Packet Identifier',
      detail: isCount ? `${codes.length} for ${asked} filters` : `Packet Identifier ${packetId}`,
    })
  }
}

// Granted subscriptions as requests: together where they had the same properties, in packets that no Server finds too large.
function restoring(granted: ReadonlyMap<string, Remembered>, terms: ServerTerms): PendingRequest[] {
  const result: PendingRequest[] = []
  let requests: SubscriptionRequest[] = []
  let shared: Properties | null = null
  let room = 0
  for (const { request, properties } of granted.values()) {
    const size = Buffer.byteLength(request.topicFilter) + 3
    if (properties !== shared || size > room) {
      const overhead = encodePacket(new Subscribe(1, [], properties), terms.version).length + 3
      room = Math.min(RESTORE_BYTES, terms.maximumPacketBytes - overhead)
      shared = properties
      requests = []
      result.push({ requests, topicFilters: [], properties, token: null, packetId: 0, refusals: [] })
    }
    room -= size
    requests.push(request)
  }
  return result.map((pending) => ({
    ...pending,
    topicFilters: pending.requests!.map(({ topicFilter }) => topicFilter),
  }))
}
