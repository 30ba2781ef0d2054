import type { Store } from '../store/store.ts'
import type { TlsServerTerms } from '../transport/tls-terms.ts'
import type { Transport } from '../transport/transport.ts'
import type { Access } from './access.ts'
import type { Clock } from './clock.ts'
import type { Limits } from './limits.ts'

/** One thing that happened, for a log: connect, disconnect, refusal, lost messages, trouble. */
export interface BrokerEvent {
  readonly event:
    | 'listening'
    | 'connect'
    | 'disconnect'
    | 'refused'
    | 'closed'
    | 'dropped'
    | 'error'
    | 'store'
    | 'limit'
    | 'error'
    | 'control'
    | 'stopped'
  readonly clientId?: string
  readonly remoteAddress?: string
  /** one phrase that says why or what */
  readonly detail: string
}

/** One listener with settings of its own, which stand in place of those of {@link BrokerOptions}. */
export interface ListenerOptions {
  readonly url: string
  readonly tls?: TlsServerTerms
  readonly proxies?: readonly string[]
  readonly webSocketOrigins?: readonly string[]
  /** number of a descriptor that listens already; of the URL the scheme counts, and the path of a WebSocket */
  readonly descriptor?: number
}

/** How a broker is started. Everything has a default. */
export interface BrokerOptions {
  /** address for {@link port}; default 127.0.0.1 */
  readonly host?: string
  /** TCP port, 0 for any free one; default 1883; null for none beside {@link listen} */
  readonly port?: number | null
  /** further listeners as URLs: `mqtt://[::1]:1884`, `ws://127.0.0.1:8083/mqtt`, `unix:/run/mqtt.sock` */
  readonly listen?: readonly (string | ListenerOptions)[]
  /** certificate and key of the listeners `mqtts://` and `wss://`, which need it */
  readonly tls?: TlsServerTerms
  /**
   * Proxies in front of the listeners: IP addresses, networks like `10.0.0.0/8`, and `unix` for unix sockets. Only they may connect,
   * and each connection begins with a header of the PROXY protocol, whose address is the client's; default none
   */
  readonly proxies?: readonly string[]
  /** Origins of browser pages that may connect by WebSocket: `https://example.org`; default any */
  readonly webSocketOrigins?: readonly string[]
  readonly limits?: Partial<Limits>
  /** passwords by user name; with any given, a client must be one of them */
  readonly users?: ReadonlyMap<string, string>
  /** clients without user name may connect; default true unless users are given */
  readonly allowAnonymous?: boolean
  /** in place of users and allowAnonymous */
  readonly access?: Access
  /**
   * true: requests to `$CONTROL/broker/...` tell about the broker and disconnect clients, for those whom {@link Access.mayControl}
   * allows it; default false
   */
  readonly control?: boolean
  /** false: a session may be resumed by any identity (default true: only by the one that made it) */
  readonly sessionsHaveOwners?: boolean
  readonly retainAvailable?: boolean
  /** false: CONNACK says so, and a filter that asks for it is refused with 0xA2, 3.1.1: 0x80; default true */
  readonly wildcardSubscriptionAvailable?: boolean
  /** as {@link wildcardSubscriptionAvailable}, with 0x9E */
  readonly sharedSubscriptionAvailable?: boolean
  /** as {@link wildcardSubscriptionAvailable}, with 0xA1 */
  readonly subscriptionIdentifierAvailable?: boolean
  /** true: a payload that is marked as text and is not UTF-8 is refused with 0x99; default false */
  readonly checkPayloadFormat?: boolean
  /** true: QoS 0 messages wait for clients that are away, like QoS 1 and 2; default false */
  readonly queueQos0?: boolean
  /** what a full queue gives up: the newest message, which is refused with 0x97 if nobody took it (default), or the oldest */
  readonly queueOverflow?: 'reject' | 'drop-oldest'
  /** seconds between two rounds of `$SYS`, 0 for none; default 10 */
  readonly sysIntervalSeconds?: number
  /** told in `$SYS/broker/version` */
  readonly version?: string
  /**
   * keeps sessions, their queues, wills and retained messages beyond the life of the broker, who reads it at the start; default
   * none. It stays open when the broker stops.
   */
  readonly store?: Store
  /** puts itself between each connection and the broker: for captures; what it returns is used in place of what it got */
  readonly tap?: (transport: Transport) => Transport
  /** true: time stands still but for {@link Broker.advance}; for tests */
  readonly virtualTime?: boolean
  /** in place of the clock of the machine, or the virtual one */
  readonly clock?: Clock
  readonly log?: (event: BrokerEvent) => void
}
