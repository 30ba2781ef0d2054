/**
 * The client room connects to a Server, keeps the connection, and makes it again: time, chance and sockets around the pure
 * ClientSession. It knows no rule of MQTT itself and prints nothing. Start with Client below; server-link.ts is the life of
 * its connections, server-connection.ts one socket, reconnect.ts when to try again, client-error.ts what can go wrong.
 */
import { Message, type MessageOptions } from '../codec/message.ts'
import type { Auth } from '../codec/packets/auth.ts'
import type { Connack } from '../codec/packets/connack.ts'
import type { Connect } from '../codec/packets/connect.ts'
import { Disconnect } from '../codec/packets/disconnect.ts'
import type { Suback } from '../codec/packets/suback.ts'
import { Subscribe, type SubscriptionRequest } from '../codec/packets/subscribe.ts'
import type { Unsuback } from '../codec/packets/unsuback.ts'
import { Unsubscribe } from '../codec/packets/unsubscribe.ts'
import { NO_PROPERTIES, type Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ClientSession, type ClientSessionOwner, NEVER_ACKNOWLEDGED } from '../session/client-session.ts'
import { MessageQueue, OverflowPolicy } from '../session/message-queue.ts'
import { SessionState } from '../session/session-state.ts'
import { formatAddress } from '../transport/address.ts'
import {
  ClientError,
  ClientErrorKind,
  connectRefused,
  disconnectedByServer,
  isVersionRefused,
  publishRefused,
} from './client-error.ts'
import {
  type ClientHandler,
  type ClientOptions,
  type CompleteOptions,
  completeOptions,
  connectPacket,
  maySpeakV311,
  type PublishDone,
  type PublishOutcome,
} from './client-options.ts'
import { EnhancedAuthentication } from './enhanced-authentication.ts'
import { checkOwnPacket } from './own-packet.ts'
import { MAXIMUM_OUTPUT_BYTES } from './server-connection.ts'
import { ServerLink } from './server-link.ts'

export type { ClientHandler, ClientOptions, PublishDone, PublishOutcome } from './client-options.ts'
export type { AuthenticationExchange, AuthenticationMethod } from './enhanced-authentication.ts'

interface Settler<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

/** One client of one Server. */
export class Client {
  readonly #options: CompleteOptions
  readonly #handler: ClientHandler
  readonly #session: ClientSession
  readonly #link: ServerLink
  readonly #highWaterBytes: number
  readonly #authentication: EnhancedAuthentication | null
  #version: ProtocolVersion
  #clientId: string
  #isVersionRefused = false
  #isBackedUp = false
  /** why the client has ended; null before, and when that was wanted */
  #error: ClientError | null = null
  #connecting: Settler<Connack> | null = null
  #reauthenticating: Settler<void> | null = null
  readonly #leaving: (() => void)[] = []

  /** @throws RangeError naming an option; ProtocolViolation (ours) for what CONNECT must not say */
  constructor(options: ClientOptions, handler: ClientHandler = {}) {
    this.#options = completeOptions(options)
    this.#handler = handler
    const { version, clientId, cleanStart, maximumQueuedBytes, authentication } = this.#options
    this.#version = version
    this.#clientId = clientId
    this.#highWaterBytes = Math.min(MAXIMUM_OUTPUT_BYTES, maximumQueuedBytes / 2)
    const state = new SessionState(clientId, null, newQueue(maximumQueuedBytes))
    const qos0Queue = newQueue(maximumQueuedBytes)
    this.#session = new ClientSession(state, qos0Queue, this.#sessionOwner(), this.#options, !cleanStart)
    this.#authentication =
      authentication === null
        ? null
        : new EnhancedAuthentication(authentication, {
            send: (reasonCode, data) => this.#sendAuth(reasonCode, data),
            failed: (error) => this.#authFailed(error),
          })
    this.#link = new ServerLink(this.#options, handler, this.#session, {
      connectPacket: (isFirst) => this.#connectPacket(isFirst),
      tryOtherwise: () => this.#fallBack(),
      finished: (error) => this.#finished(error),
      progressed: () => this.#progressed(),
    })
  }

  /** Version in use: after a fallback 3.1.1. */
  get version(): ProtocolVersion {
    return this.#version
  }

  /** Client Identifier in use: the assigned one once there is one. */
  get clientId(): string {
    return this.#clientId
  }

  /** QoS 1 and 2 messages without their last acknowledgement, those that wait to be sent included. */
  get inFlight(): number {
    return this.#session.unfinishedMessages
  }

  /** Bytes that wait to be sent, here and before the socket. */
  get pendingBytes(): number {
    return this.#session.queuedBytes + this.#link.pendingBytes
  }

  /**
   * Makes the first connection; its failure ends the client, whatever the policy for later ones.
   * @throws ClientError (rejects); Error when called twice
   */
  connect(): Promise<Connack> {
    if (!this.#link.isIdle) return Promise.reject(new Error('a Client connects once; make another one'))
    return new Promise((resolve, reject) => {
      this.#connecting = { resolve, reject }
      this.#link.open()
    })
  }

  /**
   * Hot: takes a message, whose bytes must not change until it is done; at its QoS, with its RETAIN.
   *
   * @param done called once, when the last acknowledgement came, at QoS 0 when the message is in the socket's buffer; maybe
   *   before this returns
   * @returns false when so much waits that the caller had better go on at `drained`; the message is taken in any case, or
   *   at the bound of what may wait refused with 0x97
   */
  send(message: Message, done: PublishDone | null): boolean {
    if (!this.#link.isUsable) {
      done?.(NEVER_ACKNOWLEDGED, NO_PROPERTIES)
      return true
    }
    const hasRoom = this.#session.publish(message, done, performance.now())
    if (hasRoom && this.pendingBytes <= this.#highWaterBytes) return true
    this.#link.settle()
    const { pendingBytes } = this
    // what is refused with nothing before it would be refused again
    this.#isBackedUp = hasRoom ? pendingBytes > this.#highWaterBytes : pendingBytes > 0
    return !this.#isBackedUp
  }

  /**
   * Publishes one message and waits for its last acknowledgement.
   *
   * @throws ClientError (rejects) PUBLISH_REFUSED, or what ended the client; ProtocolViolation (ours) for a message that must
   *   not be
   */
  async publish(
    topicName: string,
    payload: Uint8Array | string,
    options: MessageOptions = {},
  ): Promise<PublishOutcome> {
    const message = Message.create(topicName, payload, options)
    return new Promise((resolve, reject) => {
      this.send(message, (reasonCode, properties) => {
        if (reasonCode === NEVER_ACKNOWLEDGED) reject(this.#unknownOutcome())
        else if (reasonCode >= 0x80) reject(publishRefused(reasonCode, properties))
        else resolve({ reasonCode, properties })
      })
    })
  }

  /**
   * Subscribes, now or when there is a connection, and again when the Server has lost the Session.
   *
   * @returns codes in the order of the requests, refusals among them
   * @throws ClientError (rejects) what ended the client; ProtocolViolation (ours) for requests that must not be
   */
  async subscribe(requests: readonly SubscriptionRequest[], properties: Properties = NO_PROPERTIES): Promise<Suback> {
    checkOwnPacket(new Subscribe(1, requests, properties), this.#version)
    this.#assertUsable()
    return new Promise((resolve, reject) => this.#session.subscribe(requests, properties, { resolve, reject }))
  }

  /**
   * Ends subscriptions, now or when there is a connection.
   * @throws as {@link subscribe}
   */
  async unsubscribe(topicFilters: readonly string[], properties: Properties = NO_PROPERTIES): Promise<Unsuback> {
    checkOwnPacket(new Unsubscribe(1, topicFilters, properties), this.#version)
    this.#assertUsable()
    return new Promise((resolve, reject) => this.#session.unsubscribe(topicFilters, properties, { resolve, reject }))
  }

  /**
   * Proves anew who we are, while other packets flow.
   *
   * @throws Error (rejects) without the option `authentication`, without a connection, or while another one runs; ClientError
   *   (rejects) when the connection ends before the Server has agreed
   */
  reauthenticate(): Promise<void> {
    const authentication = this.#authentication
    if (authentication === null) return Promise.reject(new Error('the client has no authentication method'))
    if (this.#session.terms === null) return Promise.reject(new Error('the client is not connected'))
    if (this.#reauthenticating !== null) return Promise.reject(new Error('a re-authentication runs already'))
    return new Promise((resolve, reject) => {
      this.#reauthenticating = { resolve, reject }
      authentication.again()
    })
  }

  /**
   * Sends what waits for the socket and DISCONNECT, and closes. Acknowledgements that are missing are not waited for.
   *
   * @param properties a Session Expiry Interval is left out when CONNECT gave 0 [U5-3.14.2.2.2-1]
   * @throws ProtocolViolation (ours, rejects) only for what DISCONNECT must not say; the client goes on then
   */
  async disconnect(
    reasonCode: number = ReasonCode.NORMAL_DISCONNECTION,
    properties: Properties = NO_PROPERTIES,
  ): Promise<void> {
    if (this.#link.isClosed) return
    const allowed = this.#disconnectProperties(properties)
    checkOwnPacket(new Disconnect(reasonCode, allowed), this.#version)
    return new Promise((resolve) => {
      this.#leaving.push(resolve)
      this.#link.leave(reasonCode, allowed)
    })
  }

  /** Closes now, without DISCONNECT; `closed` follows, maybe before this returns. */
  destroy(): void {
    this.#link.destroy()
  }

  /** Stops reading from the socket, so that the Server is slowed down; some messages that were read already may still come. */
  pauseMessages(): void {
    this.#link.pause()
  }

  resumeMessages(): void {
    this.#link.resume()
  }

  // ---- for ClientSession

  #sessionOwner(): ClientSessionOwner {
    return {
      connected: (connack) => this.#connected(connack),
      refused: (connack) => this.#refused(connack),
      message: (publish) => this.#handler.message?.(publish),
      publishDone: (done, reasonCode, properties) => (done as PublishDone | null)?.(reasonCode, properties),
      subscribed: (token, topicFilters, suback) => {
        if (token === null) this.#handler.resubscribed?.(topicFilters, suback)
        else (token as Settler<Suback>).resolve(suback)
      },
      unsubscribed: (token, unsuback) => (token as Settler<Unsuback>).resolve(unsuback),
      requestAbandoned: (token) => (token as Settler<never>).reject(this.#unknownOutcome()),
      disconnected: (disconnect) => this.#link.lose(disconnectedByServer(disconnect)),
      authenticated: ({ properties }) => this.#authentication?.accepted(properties) ?? true,
      authRequested: (auth) => this.#authRequested(auth),
    }
  }

  #connected(connack: Connack): void {
    this.#clientId = this.#session.terms!.clientId
    const attempt = this.#link.accepted()
    const connecting = this.#connecting
    this.#connecting = null
    this.#handler.connected?.(connack, attempt)
    connecting?.resolve(connack)
  }

  #refused(connack: Connack): void {
    this.#isVersionRefused = this.#version === ProtocolVersion.V5 && isVersionRefused(connack)
    this.#link.lose(connectRefused(connack, this.#version))
  }

  #authRequested(auth: Auth): void {
    if (this.#authentication === null) {
      this.#link.lose(this.#authUnknown())
    } else if (this.#authentication.receive(auth)) {
      this.#reauthenticating!.resolve()
      this.#reauthenticating = null
    }
  }

  #sendAuth(reasonCode: number, data: Buffer): void {
    // an answer takes its time, and the connection may be gone
    if (!this.#session.hasConnection || this.#session.authenticate(reasonCode, data)) return
    this.#authFailed(new Error('the next step is too large for the server'))
  }

  // [MQTT-4.12.1-2] no code of DISCONNECT that a client may send says more
  #authFailed(cause: Error): void {
    if (!this.#session.hasConnection) return
    const message = `authentication with ${formatAddress(this.#options.address)} failed: ${cause.message}`
    const reasonCode = ReasonCode.NOT_AUTHORIZED
    const error = new ClientError(ClientErrorKind.CONNECT_REFUSED, message, { reasonCode, cause })
    if (this.#session.terms !== null) {
      this.#session.disconnect(ReasonCode.UNSPECIFIED_ERROR, { reasonString: cause.message })
    }
    this.#abandonAuthentication(error)
    this.#link.lose(error)
  }

  #abandonAuthentication(error: ClientError): void {
    this.#reauthenticating?.reject(error)
    this.#reauthenticating = null
  }

  #authUnknown(): ClientError {
    const who = formatAddress(this.#options.address)
    const message = `${who} asks for a step of enhanced authentication, which this client cannot answer`
    return new ClientError(ClientErrorKind.CONNECT_REFUSED, message, {
      reasonCode: ReasonCode.BAD_AUTHENTICATION_METHOD,
    })
  }

  // ---- for ServerLink

  #connectPacket(isFirst: boolean): Connect {
    // after the first connection it is our own Session that is taken up, if it outlived the connection
    const { cleanStart } = this.#options
    const isClean = isFirst ? cleanStart : this.#session.state.sessionExpiryIntervalSeconds === 0
    this.#abandonAuthentication(new ClientError(ClientErrorKind.CONNECTION_LOST, 'the connection was lost'))
    return connectPacket(this.#options, this.#version, this.#clientId, isClean, this.#authentication?.connect())
  }

  #fallBack(): boolean {
    if (!this.#isVersionRefused || !this.#options.fallbackToV311 || !maySpeakV311(this.#options)) return false
    this.#isVersionRefused = false
    this.#version = ProtocolVersion.V3_1_1
    this.#handler.versionFallback?.()
    return true
  }

  #progressed(): void {
    if (!this.#isBackedUp) return
    if (this.pendingBytes > this.#highWaterBytes / 2) this.#link.settle()
    if (this.pendingBytes > this.#highWaterBytes / 2) return
    this.#isBackedUp = false
    this.#handler.drained?.()
  }

  // The end: everybody who waits is told.
  #finished(error: ClientError | null): void {
    this.#error = error
    this.#session.end()
    this.#connecting?.reject(this.#unknownOutcome())
    this.#abandonAuthentication(this.#unknownOutcome())
    this.#connecting = null
    this.#handler.closed?.(error)
    for (const resolve of this.#leaving) resolve()
  }

  #disconnectProperties(properties: Properties): Properties {
    const { sessionExpiryIntervalSeconds, ...others } = properties
    const asked = this.#options.connectProperties.sessionExpiryIntervalSeconds ?? 0
    return sessionExpiryIntervalSeconds === undefined || asked > 0 ? properties : others
  }

  #assertUsable(): void {
    if (!this.#link.isUsable) throw this.#unknownOutcome()
  }

  #unknownOutcome(): ClientError {
    if (this.#error !== null) return this.#error
    if (!this.#link.isUsable) return new ClientError(ClientErrorKind.CLOSED, 'the client was closed')
    const message = 'the server has lost the session; whether it took the message is not known'
    return new ClientError(ClientErrorKind.CONNECTION_LOST, message)
  }
}

function newQueue(maximumBytes: number): MessageQueue {
  return new MessageQueue(Number.MAX_SAFE_INTEGER, maximumBytes, OverflowPolicy.REJECT_NEWEST)
}
