import { PacketType } from '../codec/packet-type.ts'
import type { Auth } from '../codec/packets/auth.ts'
import type { Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ProtocolViolation } from '../codec/violation.ts'

/** A method of enhanced authentication (5.0 section 4.12) with the credentials of one client. */
export interface AuthenticationMethod {
  /** Authentication Method, as it stands in CONNECT */
  readonly name: string
  /** A new exchange: for each CONNECT and each re-authentication one. */
  start(): AuthenticationExchange
}

/** The Client's side of one exchange; all bytes are Authentication Data. */
export interface AuthenticationExchange {
  /** What goes with CONNECT, or with AUTH 0x19. */
  readonly first: Buffer
  /** Answers AUTH 0x18. @throws (rejects) Error when the Server says what the method does not allow */
  answer(data: Buffer): Promise<Buffer>
  /** Judges what came with the Server's success. @throws Error when the Server has not proved what it had to */
  finish(data: Buffer): void
}

/** Where the steps of an {@link EnhancedAuthentication} lead. */
export interface AuthenticationOutcome {
  /** Sends AUTH. */
  send(reasonCode: number, data: Buffer): void
  /** The Server is not the one it should be, or cannot be answered. */
  failed(error: Error): void
}

/** The exchanges of one Client, one after the other: with each CONNECT, and as re-authentication between. */
export class EnhancedAuthentication {
  readonly #method: AuthenticationMethod
  readonly #outcome: AuthenticationOutcome
  /** null when none is open */
  #exchange: AuthenticationExchange | null = null
  #isAnswering = false
  #isConnected = false

  constructor(method: AuthenticationMethod, outcome: AuthenticationOutcome) {
    this.#method = method
    this.#outcome = outcome
  }

  /** Begins the exchange of a new Network Connection. @returns what CONNECT has to say */
  connect(): Properties {
    this.#isConnected = false
    return { authenticationMethod: this.#method.name, authenticationData: this.#start().first }
  }

  /** Re-authentication; the method is the one of CONNECT, which the Session adds [MQTT-4.12.1-1]. */
  again(): void {
    this.#outcome.send(ReasonCode.RE_AUTHENTICATE, this.#start().first)
  }

  /** Takes AUTH. @throws ProtocolViolation AUTH_OUT_OF_TURN */
  receive({ reasonCode, properties }: Auth): boolean {
    const exchange = this.#exchange
    const isSuccess = reasonCode === ReasonCode.SUCCESS
    // before CONNACK it is CONNACK that tells the success
    if (exchange === null || this.#isAnswering || (isSuccess && !this.#isConnected)) {
      throw new ProtocolViolation('AUTH_OUT_OF_TURN', { version: ProtocolVersion.V5, packetType: PacketType.AUTH })
    }
    const data = properties.authenticationData ?? Buffer.alloc(0)
    if (isSuccess) return this.#finish(exchange, data)
    this.#answer(exchange, data)
    return false
  }

  /** Takes what came with a CONNACK that accepts. @returns false when the Server has failed */
  accepted(properties: Properties): boolean {
    this.#isConnected = true
    return this.#finish(this.#exchange!, properties.authenticationData ?? Buffer.alloc(0))
  }

  #start(): AuthenticationExchange {
    this.#isAnswering = false
    this.#exchange = this.#method.start()
    return this.#exchange
  }

  #finish(exchange: AuthenticationExchange, data: Buffer): boolean {
    this.#exchange = null
    try {
      exchange.finish(data)
      return true
    } catch (error) {
      this.#outcome.failed(error as Error)
      return false
    }
  }

  // Other packets flow meanwhile [U5-4.12.1-1]; an answer that comes too late for its connection is nobody's.
  #answer(exchange: AuthenticationExchange, data: Buffer): void {
    this.#isAnswering = true
    // the data is a view into the input
    exchange.answer(Buffer.from(data)).then(
      (answer) => {
        if (this.#exchange !== exchange) return
        this.#isAnswering = false
        this.#outcome.send(ReasonCode.CONTINUE_AUTHENTICATION, answer)
      },
      (error: Error) => {
        if (this.#exchange === exchange) this.#outcome.failed(error)
      },
    )
  }
}
