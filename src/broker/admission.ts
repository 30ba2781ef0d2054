import { Auth } from '../codec/packets/auth.ts'
import type { Connect } from '../codec/packets/connect.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { formatReasonCode, ReasonCode } from '../codec/reason-code.ts'
import type { Rights } from '../session/rights.ts'
import type { Access, Authentication } from './access.ts'
import type { BrokerEvent } from './configuration.ts'
import { authViolation, EnhancedAuthentication } from './enhanced-authentication.ts'
import type { LimitName, Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import { ConnectionPhase, type NetworkConnection } from './network-connection.ts'

/** What Admission asks of the broker, and what it tells it in the end. */
export interface AdmissionHost {
  readonly limits: Limits
  readonly metrics: Metrics
  readonly isStopping: boolean
  readonly retainAvailable: boolean
  isFullFor(clientId: string): boolean
  hasRoomForSession(clientId: string): boolean
  limitReached(connection: NetworkConnection, name: LimitName): void
  sessionOwner(clientId: string): string | null | undefined
  judgeTopic(rights: Rights, topicName: string): number
  /** @returns 0x00, or the Reason Code of a refusal; then nothing has changed */
  admit(connection: NetworkConnection, connect: Connect, authenticationData: Buffer | null): number
  /** @param wallMs milliseconds since 1970 @returns the same moment by the clock of deadlines */
  monotonicMs(wallMs: number): number
  log(event: BrokerEvent): void
}

interface Refusal {
  readonly reasonCode: number
  readonly reason: string
  /** that was reached */
  readonly limit?: LimitName
}

/**
 * Judges CONNECT: the format was judged by the decoder; here come limits, authentication, authorisation, in this order, and only
 * then the broker lets the client in. Whatever is refused has changed nothing (semantics C-09). Re-authentication is judged here too.
 */
export class Admission {
  readonly #host: AdmissionHost
  readonly #access: Access
  readonly #sessionsHaveOwners: boolean

  /** @param sessionsHaveOwners a session may be resumed only by the identity that made it (semantics S-16) */
  constructor(host: AdmissionHost, access: Access, sessionsHaveOwners: boolean) {
    this.#host = host
    this.#access = access
    this.#sessionsHaveOwners = sessionsHaveOwners
  }

  connectReceived(connection: NetworkConnection, connect: Connect): void {
    const refusal = connection.isTooMany ? this.#tooMany : this.#judgeLimits(connect)
    if (refusal !== null) {
      if (refusal.limit !== undefined) this.#host.limitReached(connection, refusal.limit)
      this.#refuse(connection, refusal.reasonCode, refusal.reason)
      return
    }
    if (connect.properties.authenticationMethod !== undefined) {
      this.#beginEnhanced(connection, connect, connect.properties.authenticationMethod)
      return
    }
    const { provenName } = connection
    if (provenName !== null) {
      const nobody = { refused: ReasonCode.NOT_AUTHORIZED, reason: 'the certificate has no Common Name of its own' }
      this.#authenticated(connection, connect, provenName === '' ? nobody : { identity: provenName })
      return
    }
    const { remoteAddress } = connection.transport
    const answer = this.#access.authenticate({
      clientId: connect.clientId,
      userName: connect.userName,
      password: connect.password,
      remoteAddress,
    })
    if (answer instanceof Promise) {
      answer.then(
        (authentication) => this.#authenticated(connection, connect, authentication),
        (error: unknown) => {
          this.#host.log({
            event: 'error',
            clientId: connect.clientId,
            detail: `authentication failed: ${String(error)}`,
          })
          this.#authenticated(connection, connect, { refused: ReasonCode.SERVER_UNAVAILABLE })
        },
      )
    } else {
      this.#authenticated(connection, connect, answer)
    }
  }

  // [MQTT-4.12.0-1] a method that is not offered is refused
  #beginEnhanced(connection: NetworkConnection, connect: Connect, method: string): void {
    const exchange = this.#access.beginEnhanced(method)
    if (exchange === null) {
      this.#refuse(connection, ReasonCode.BAD_AUTHENTICATION_METHOD, 'authentication method is not offered')
      return
    }
    connection.enhanced = new EnhancedAuthentication(method, exchange, {
      send: (auth) => connection.challenge(auth),
      succeeded: (identity, data) => this.#authenticated(connection, connect, { identity, data }),
      failed: (reasonCode, cause) => {
        this.#logFault(connection, cause)
        this.#authenticated(connection, connect, { refused: reasonCode })
      },
    })
    connection.enhanced.begin(connect.properties.authenticationData)
  }

  /** AUTH of a client: the next step of the exchange, or the begin of a re-authentication. */
  authReceived(connection: NetworkConnection, auth: Auth): void {
    const { enhanced } = connection
    // [MQTT-4.12.0-7]
    if (enhanced === null) throw authViolation('AUTH_WITHOUT_METHOD')
    if (connection.phase === ConnectionPhase.CONNECTED && auth.reasonCode === ReasonCode.RE_AUTHENTICATE) {
      this.#reauthenticate(connection, enhanced.method, auth)
    } else {
      enhanced.receive(auth)
    }
  }

  // Other packets go on with the old rights meanwhile (U5-4.12.1-1).
  #reauthenticate(connection: NetworkConnection, method: string, auth: Auth): void {
    // [MQTT-4.12.1-1]
    if (auth.properties.authenticationMethod !== method) throw authViolation('AUTHENTICATION_METHOD_CHANGED')
    const exchange = this.#access.beginEnhanced(method)
    if (exchange === null) throw new Error(`the method ${method} of CONNECT is offered no longer`)
    connection.enhanced = new EnhancedAuthentication(method, exchange, {
      send: (packet) => connection.challenge(packet),
      succeeded: (identity, data) => this.#reauthenticated(connection, method, identity, data),
      failed: (reasonCode, cause) => {
        this.#logFault(connection, cause)
        this.#failReauthentication(connection, formatReasonCode(reasonCode))
      },
    })
    connection.enhanced.begin(auth.properties.authenticationData)
  }

  #reauthenticated(connection: NetworkConnection, method: string, identity: string, data: Buffer): void {
    if (connection.phase !== ConnectionPhase.CONNECTED) return
    if (identity !== connection.identity) {
      this.#failReauthentication(connection, 'it proved another user')
      return
    }
    connection.send(new Auth(ReasonCode.SUCCESS, { authenticationMethod: method, authenticationData: data }))
  }

  // [MQTT-4.12.1-2]
  #failReauthentication(connection: NetworkConnection, why: string): void {
    const end = { discardsWill: false, reason: `re-authentication failed: ${why}` }
    connection.disconnect(ReasonCode.NOT_AUTHORIZED, end, 'Re-authentication failed.')
  }

  #logFault(connection: NetworkConnection, cause: unknown): void {
    if (cause === null) return
    this.#host.log({
      event: 'error',
      clientId: connection.connect?.clientId ?? '',
      detail: `authentication: ${String(cause)}`,
    })
  }

  get #tooMany(): Refusal {
    return {
      reasonCode: ReasonCode.CONNECTION_RATE_EXCEEDED,
      reason: `more than ${this.#host.limits.maximumConnectionRate} connections per second come from its address`,
      limit: 'maximumConnectionRate',
    }
  }

  #judgeLimits(connect: Connect): Refusal | null {
    const { clientId, version, will, cleanStart } = connect
    const { limits } = this.#host
    if (this.#host.isStopping) return { reasonCode: ReasonCode.SERVER_UNAVAILABLE, reason: 'server stops' }
    // [MQTT-3.1.3-8 v311]; MQTT 3.1 has no empty id at all (semantics M-05)
    if (
      clientId.length === 0 &&
      (version === ProtocolVersion.V3_1 || (version === ProtocolVersion.V3_1_1 && !cleanStart))
    ) {
      return { reasonCode: ReasonCode.CLIENT_IDENTIFIER_NOT_VALID, reason: 'client id is empty' }
    }
    if (Buffer.byteLength(clientId) > limits.maximumClientIdBytes) {
      return {
        reasonCode: ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
        reason: `client id is longer than ${limits.maximumClientIdBytes} bytes`,
        limit: 'maximumClientIdBytes',
      }
    }
    if (this.#host.isFullFor(clientId)) {
      return {
        reasonCode: ReasonCode.SERVER_BUSY,
        reason: `there are ${limits.maximumConnections} connections`,
        limit: 'maximumConnections',
      }
    }
    if (!this.#host.hasRoomForSession(clientId)) {
      return {
        reasonCode: ReasonCode.QUOTA_EXCEEDED,
        reason: `there are ${limits.maximumSessions} sessions`,
        limit: 'maximumSessions',
      }
    }
    if (will === null) return null
    // [MQTT-3.2.2-12, MQTT-3.2.2-13]
    if (will.qos > limits.maximumQos)
      return {
        reasonCode: ReasonCode.QOS_NOT_SUPPORTED,
        reason: `will QoS is above ${limits.maximumQos}`,
        limit: 'maximumQos',
      }
    if (will.retain && !this.#host.retainAvailable)
      return { reasonCode: ReasonCode.RETAIN_NOT_SUPPORTED, reason: 'will is retained' }
    return null
  }

  #authenticated(connection: NetworkConnection, connect: Connect, authentication: Authentication): void {
    // the client may have gone meanwhile: no session is made, no will published (semantics C-10)
    if (connection.phase !== ConnectionPhase.AUTHENTICATING) return
    if ('refused' in authentication) {
      this.#refuse(connection, authentication.refused, authentication.reason ?? 'authentication failed')
      return
    }
    const { identity, grants, data: authenticationData = null, expiresAtMs = Number.POSITIVE_INFINITY } = authentication
    connection.identity = identity
    connection.grants = grants
    connection.authenticatedUntilMs = this.#host.monotonicMs(expiresAtMs)
    const { clientId, will } = connect
    const owner = this.#host.sessionOwner(clientId)
    if (this.#sessionsHaveOwners && owner !== undefined && owner !== identity) {
      this.#refuse(connection, ReasonCode.NOT_AUTHORIZED, 'the session belongs to another user (S-16)')
      return
    }
    const judged =
      will === null
        ? ReasonCode.SUCCESS
        : this.#host.judgeTopic(this.#access.rightsOf(identity, clientId, grants), will.topicName)
    if (judged !== ReasonCode.SUCCESS) {
      this.#refuse(connection, judged, 'will topic is not allowed')
      return
    }
    const admitted = this.#host.admit(connection, connect, authenticationData)
    if (admitted !== ReasonCode.SUCCESS) this.#refuse(connection, admitted, 'CONNACK would be too large for the client')
  }

  #refuse(connection: NetworkConnection, reasonCode: number, reason: string): void {
    this.#host.metrics.connectionsRefused++
    this.#host.log({
      event: 'refused',
      clientId: connection.connect?.clientId ?? '',
      remoteAddress: connection.transport.remoteAddress,
      detail: `${reason}, ${formatReasonCode(reasonCode)}`,
    })
    connection.refuse(reasonCode)
  }
}
