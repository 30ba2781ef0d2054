import type { Rights } from '../session/rights.ts'

/** Who wants to connect. */
export interface Credentials {
  readonly clientId: string
  readonly userName: string | null
  readonly password: Buffer | null
  readonly remoteAddress: string
}

/**
 * Answer to a CONNECT: an identity, null for anonymous, or a Reason Code of 0x80 or more. `data` is Authentication Data for CONNACK
 * after an enhanced authentication; `grants` is whatever {@link Access.rightsOf} wants to know later about this client;
 * `expiresAtMs`, milliseconds since 1970, is when the client is disconnected with 0x87; `reason` is for the log.
 */
export type Authentication =
  | {
      readonly identity: string | null
      readonly data?: Buffer
      readonly grants?: unknown
      readonly expiresAtMs?: number
    }
  | { readonly refused: number; readonly reason?: string }

/** What a Server says next in an enhanced authentication (5.0 section 4.12). */
export type EnhancedStep =
  | { readonly challenge: Buffer }
  | { readonly identity: string; readonly data: Buffer }
  | { readonly refused: number }

/** One enhanced authentication under way. Rejects only for faults of its own: a wrong client is `refused`. */
export interface EnhancedExchange {
  /** @param data Authentication Data of CONNECT or AUTH; empty when there was none */
  step(data: Buffer): Promise<EnhancedStep>
}

/** Who asks for an operation of the control interface. */
export interface Controller {
  readonly identity: string | null
  readonly clientId: string
  readonly grants: unknown
  /** connected from this machine, and as far as is known for nobody else: no proxy, no page of another site */
  readonly isLocal: boolean
}

/** Who may connect, publish and subscribe. One instance serves the whole broker. */
export interface Access {
  authenticate(credentials: Credentials): Authentication | Promise<Authentication>
  /** Begins enhanced authentication; null when the method is not offered. */
  beginEnhanced(authenticationMethod: string): EnhancedExchange | null
  /**
   * What a client may do: asked when it connects, and kept as long as its session. When the answers of a Rights object
   * change, {@link Broker.accessChanged} is to be called.
   * @param grants what the authentication brought along; undefined for a session whose client has not connected since the start
   */
  rightsOf(identity: string | null, clientId: string, grants: unknown): Rights
  /**
   * May somebody use this topic of the control interface? Asked at each request. Without this method: whoever is local.
   * @param topicName `$CONTROL/broker/...`
   */
  mayControl?(who: Controller, topicName: string): boolean
}
