import { PacketType } from '../codec/packet-type.ts'
import type { Publish } from '../codec/packets/publish.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { QoS } from '../codec/qos.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { SeldomMap } from '../codec/seldom-map.ts'
import { ProtocolViolation, type ViolationName } from '../codec/violation.ts'
import type { SessionKeeper } from './session-keeper.ts'
import type { SessionOutput } from './session-output.ts'

/** Takes a message that came: a Server routes it, a Client hands it to its application. @returns Reason Code for the acknowledgement */
export interface QosReceiverOwner {
  deliver(publish: Publish, nowMs: number): number
}

/**
 * The receiver's side of QoS 0, 1 and 2 (section 4.3), the same code for both roles. A QoS 2 message is passed on when its
 * PUBLISH comes and never again until PUBREL has freed its id (semantics P-04, P-06).
 */
export class QosReceiver {
  // lives as long as the Session
  /** QoS 2 ids for which PUBREL has not come; the value is the Network Connection on which PUBLISH came last */
  readonly incomingQos2: SeldomMap<number, number>
  keeper: SessionKeeper | null = null

  // lives as long as the Network Connection
  #output: SessionOutput | null = null
  #version: ProtocolVersion = ProtocolVersion.V3_1_1
  #receiveMaximum = 0
  #connectionNumber = 0
  #open = 0
  readonly #owner: QosReceiverOwner

  constructor(owner: QosReceiverOwner, incomingQos2: SeldomMap<number, number>) {
    this.#owner = owner
    this.incomingQos2 = incomingQos2
  }

  /** @param receiveMaximum the one that we stated; 65,535 where there is no such negotiation */
  connected(output: SessionOutput, version: ProtocolVersion, receiveMaximum: number): void {
    this.#output = output
    this.#version = version
    this.#receiveMaximum = receiveMaximum
    this.#connectionNumber++
    this.#open = 0
  }

  connectionLost(): void {
    this.#output = null
  }

  reset(): void {
    this.incomingQos2.clear()
  }

  /** QoS 2 exchanges begun on this connection and not released: what counts against the Receive Maximum we stated. */
  get open(): number {
    return this.#open
  }

  /** @throws ProtocolViolation RECEIVE_MAXIMUM_EXCEEDED, PACKET_ID_IN_USE */
  receivePublish(publish: Publish, nowMs: number): void {
    if (publish.qos === QoS.AT_MOST_ONCE) this.#owner.deliver(publish, nowMs)
    else if (publish.qos === QoS.AT_LEAST_ONCE) this.#receiveQos1(publish, nowMs)
    else this.#receiveQos2(publish, nowMs)
  }

  #receiveQos1(publish: Publish, nowMs: number): void {
    const { packetId } = publish
    this.#checkReceiveMaximum(packetId)
    if (this.incomingQos2.has(packetId)) {
      if (this.#version !== ProtocolVersion.V5) throw this.#violation('PACKET_ID_IN_USE', packetId)
      this.#output?.sendAcknowledgement(PacketType.PUBACK, packetId, ReasonCode.PACKET_IDENTIFIER_IN_USE)
      return
    }
    // [MQTT-4.3.2-2 v311, MQTT-4.3.2-5 v5] once acknowledged, the same id is a new message whatever DUP says
    const reasonCode = this.#owner.deliver(publish, nowMs)
    this.#output?.sendAcknowledgement(PacketType.PUBACK, packetId, reasonCode)
  }

  #receiveQos2(publish: Publish, nowMs: number): void {
    const { packetId } = publish
    const lastConnection = this.incomingQos2.get(packetId)
    // a repeat on the same connection is no further one, the first on a new connection is (semantics F-06, 5.0 section 4.9)
    if (lastConnection !== this.#connectionNumber) this.#checkReceiveMaximum(packetId)
    if (lastConnection !== undefined) {
      // [MQTT-4.3.3-2 v311, MQTT-4.3.3-10 v5] a PUBREC for each repeat, no second delivery
      this.#count(packetId, lastConnection)
      this.#output?.sendAcknowledgement(PacketType.PUBREC, packetId, ReasonCode.SUCCESS)
      return
    }
    const reasonCode = this.#owner.deliver(publish, nowMs)
    // [MQTT-4.3.3-9 v5] after a code of 0x80 or more the id is free at once; before 5.0 PUBREC has none, and PUBREL follows
    // when the connection was ended for it, it never came
    if (reasonCode < 0x80 || (this.#version !== ProtocolVersion.V5 && this.#output !== null)) {
      this.#count(packetId, 0)
      this.keeper?.incomingAdded(packetId)
    }
    this.#output?.sendAcknowledgement(PacketType.PUBREC, packetId, reasonCode)
  }

  /** PUBREL of the peer: always answered [MQTT-4.3.3-2 v311, MQTT-4.3.3-11 v5]. @returns false when the id was not open */
  receivePubrel(packetId: number): boolean {
    const lastConnection = this.incomingQos2.get(packetId)
    const known = this.incomingQos2.delete(packetId)
    if (known) this.keeper?.incomingRemoved(packetId)
    if (known && lastConnection === this.#connectionNumber) this.#open--
    const unknownCode =
      this.#version === ProtocolVersion.V5 ? ReasonCode.PACKET_IDENTIFIER_NOT_FOUND : ReasonCode.SUCCESS
    this.#output?.sendAcknowledgement(PacketType.PUBCOMP, packetId, known ? ReasonCode.SUCCESS : unknownCode)
    return known
  }

  // QoS 1 messages are acknowledged at once, so open QoS 2 exchanges alone make up what is unacknowledged.
  #checkReceiveMaximum(packetId: number): void {
    if (this.#version === ProtocolVersion.V5 && this.#open >= this.#receiveMaximum) {
      throw this.#violation('RECEIVE_MAXIMUM_EXCEEDED', packetId, `the Receive Maximum is ${this.#receiveMaximum}`)
    }
  }

  #count(packetId: number, lastConnection: number): void {
    if (lastConnection === this.#connectionNumber) return
    this.incomingQos2.set(packetId, this.#connectionNumber)
    this.#open++
  }

  #violation(name: ViolationName, packetId: number, detail = `Packet Identifier ${packetId}`): ProtocolViolation {
    return new ProtocolViolation(name, {
      version: this.#version,
      packetType: PacketType.PUBLISH,
      field: 'Packet Identifier',
      detail,
    })
  }
}
