import type { ControlPacket } from '../codec/control-packet.ts'
import type { PacketSink } from '../codec/decoder.ts'
import { PacketType } from '../codec/packet-type.ts'
import { Auth } from '../codec/packets/auth.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ProtocolViolation } from '../codec/violation.ts'
import type { EnhancedExchange, EnhancedStep } from './access.ts'

/** Where the steps of an enhanced authentication lead. */
export interface EnhancedOutcome {
  send(packet: Auth): void
  succeeded(identity: string, data: Buffer): void
  /** @param reasonCode 0x80 or above */
  failed(reasonCode: number, cause: unknown): void
}

/** One exchange of AUTH packets with one client, before CONNACK or as re-authentication (5.0 section 4.12). */
export class EnhancedAuthentication {
  readonly method: string
  readonly #exchange: EnhancedExchange
  readonly #outcome: EnhancedOutcome
  #awaitsClient = false

  constructor(method: string, exchange: EnhancedExchange, outcome: EnhancedOutcome) {
    this.method = method
    this.#exchange = exchange
    this.#outcome = outcome
  }

  /** Takes the first data, of CONNECT or of AUTH 0x19. */
  begin(data: Buffer | undefined): void {
    this.#step(data)
  }

  /** Takes AUTH 0x18. @throws ProtocolViolation AUTHENTICATION_METHOD_CHANGED, AUTH_OUT_OF_TURN */
  receive(auth: Auth): void {
    // [MQTT-4.12.0-5]
    if (auth.properties.authenticationMethod !== this.method) throw authViolation('AUTHENTICATION_METHOD_CHANGED')
    if (!this.#awaitsClient || auth.reasonCode !== ReasonCode.CONTINUE_AUTHENTICATION)
      throw authViolation('AUTH_OUT_OF_TURN')
    this.#step(auth.properties.authenticationData)
  }

  #step(data: Buffer = Buffer.alloc(0)): void {
    this.#awaitsClient = false
    this.#exchange.step(data).then(
      (step) => this.#stepped(step),
      (error: unknown) => this.#outcome.failed(ReasonCode.SERVER_UNAVAILABLE, error),
    )
  }

  #stepped(step: EnhancedStep): void {
    if ('refused' in step) this.#outcome.failed(step.refused, null)
    else if ('identity' in step) this.#outcome.succeeded(step.identity, step.data)
    else {
      this.#awaitsClient = true
      // [MQTT-4.12.0-2]
      const properties = { authenticationMethod: this.method, authenticationData: step.challenge }
      this.#outcome.send(new Auth(ReasonCode.CONTINUE_AUTHENTICATION, properties))
    }
  }
}

/** What is received between CONNECT and CONNACK of an enhanced authentication: AUTH and DISCONNECT, nothing else (semantics H-02). */
export class AuthenticationSink implements PacketSink {
  readonly #next: PacketSink

  constructor(next: PacketSink) {
    this.#next = next
  }

  receivePublish(): void {
    throw authViolation('PACKET_DURING_AUTHENTICATION')
  }

  receiveAcknowledgement(): void {
    throw authViolation('PACKET_DURING_AUTHENTICATION')
  }

  receivePacket(packet: ControlPacket): void {
    if (packet.packetType !== PacketType.AUTH && packet.packetType !== PacketType.DISCONNECT) {
      throw authViolation(packet.packetType === PacketType.CONNECT ? 'SECOND_CONNECT' : 'PACKET_DURING_AUTHENTICATION')
    }
    this.#next.receivePacket(packet)
  }
}

export function authViolation(
  name:
    | 'AUTHENTICATION_METHOD_CHANGED'
    | 'AUTH_OUT_OF_TURN'
    | 'AUTH_WITHOUT_METHOD'
    | 'PACKET_DURING_AUTHENTICATION'
    | 'SECOND_CONNECT',
): ProtocolViolation {
  return new ProtocolViolation(name, { version: ProtocolVersion.V5, packetType: PacketType.AUTH })
}
