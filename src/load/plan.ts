import { Connect, type Will } from '../codec/packets/connect.ts'
import { NO_PROPERTIES, type Properties } from '../codec/property.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import type { QoS } from '../codec/qos.ts'
import type { Address } from '../transport/address.ts'
import type { TlsClientTerms } from '../transport/tls-terms.ts'

/** Every scenario with what it does, for help. */
export const scenarios = {
  p2p: 'pairs of one publisher and one subscriber, each with a topic of its own',
  fanin: 'many publishers, few subscribers',
  fanout: 'each message goes to every subscriber',
  rtt: 'each client publishes to itself, one message at a time or at a rate',
  conn: 'connections are opened and held',
  pub: 'publishers alone',
  sub: 'subscribers alone, for messages of others',
  retained: 'retained messages are stored, then read by a new subscriber',
  offline: 'messages wait for a client that is away, then are read',
  shared: 'many publishers, the subscribers share one subscription',
  storm: 'all clients lose their connection at once: wills, then reconnects',
} as const

/** A kind of load. */
export type ScenarioName = keyof typeof scenarios

/** Who a client says it is. */
export interface Credentials {
  readonly userName: string
  readonly password: string | null
}

/** What is to be done, complete and judged. Plain data: it travels to other processes. */
export interface LoadPlan {
  readonly scenario: ScenarioName
  /** clients of rtt and conn */
  readonly clients: number
  readonly publishers: number
  readonly subscribers: number
  readonly qos: QoS
  readonly retain: boolean
  readonly payloadBytes: number
  /** template of what stands behind the stamp in each payload, with %i; null: bytes from the seed */
  readonly payload: string | null
  /** messages per second, all publishers together; null: as fast as the broker delivers */
  readonly rate: number | null
  /** of publishing or holding, warm-up not counted */
  readonly durationMs: number
  /** all messages together, instead of a duration; null: by time */
  readonly messages: number | null
  readonly warmupMs: number
  /** how long nothing may come at the end before what is missing counts as lost */
  readonly drainMs: number
  /** closed loop: messages of one publisher between sent and delivered to its receivers; 0: no bound */
  readonly window: number
  /** QoS 1 and 2 messages of one publisher without last acknowledgement */
  readonly inFlight: number
  /** Topic Aliases that a publisher makes, capped by the Server's Topic Alias Maximum */
  readonly topicAliases: number
  /** connections per second, all together; null: as fast as they are accepted */
  readonly connectRate: number | null
  /** template with %i, and of the publisher %c and %u; null: `RUN/%i`. Receivers of several publishers have + for %c and %u */
  readonly topic: string | null
  /** template with %i; null: made from the seed */
  readonly clientId: string | null
  /** 32 bits; in topics, client identifiers and payloads */
  readonly seed: number

  readonly address: Address
  readonly version: ProtocolVersion
  readonly keepAliveSeconds: number
  readonly connectTimeoutMs: number
  /** client i uses number i modulo their count; empty: none */
  readonly credentials: readonly Credentials[]
  /** client i comes from number i modulo their count; empty: the system chooses */
  readonly bindAddresses: readonly string[]
  readonly tls: TlsClientTerms
  readonly connectProperties: Properties
  readonly publishProperties: Properties
  readonly subscribeProperties: Properties
}

/** One publisher or subscriber of a scenario. */
export interface Role {
  /** among those of its kind */
  readonly number: number
  /** among all clients: decides credentials and source address */
  readonly client: number
  readonly clientId: string
  /** of a publisher its Topic Name, of a subscriber its Topic Filter */
  readonly topic: string
  /** the part of the generator that it belongs to */
  readonly part: number
}

/** Who publishes where and who listens. */
export interface Topology {
  readonly publishers: readonly Role[]
  readonly subscribers: readonly Role[]
  /** deliveries of each message */
  readonly fanOut: number
  /** each client is publisher and subscriber: the lists are the same */
  readonly isSelf: boolean
  /** the subscribers share one subscription per part */
  readonly isShared: boolean
}

/**
 * Lays out a scenario over the parts of a generator: receivers of a message are in the part of its publisher, but for fanout,
 * where they are spread.
 */
export function topologyOf(plan: LoadPlan, parts: number): Topology {
  const { scenario, publishers, subscribers, clients } = plan
  const list = (kind: string, count: number, first: number, topics: number): Role[] =>
    Array.from({ length: count }, (_, number) => {
      const client = first + number
      const clientId = clientIdOf(plan, kind, number, client)
      const topic = topicOf(plan, number % topics, clientId, userNameOf(plan, client))
      return { number, client, clientId, topic, part: (topics === 1 ? number : number % topics) % parts }
    })
  // client identifiers and users in a topic are those of its publishers
  const listeners = (topics: number): Role[] =>
    list('s', subscribers, publishers, topics).map((role) => ({
      ...role,
      topic: topicOf(plan, role.number % topics, '+', '+'),
    }))
  switch (scenario) {
    case 'p2p': {
      const senders = list('p', publishers, 0, publishers)
      const receivers = list('s', publishers, publishers, publishers)
      return traffic(
        senders,
        receivers.map((role, i) => ({ ...role, topic: senders[i]!.topic })),
        1,
      )
    }
    case 'rtt': {
      const all = list('c', clients, 0, clients)
      return { ...traffic(all, all, 1), isSelf: true }
    }
    case 'conn':
      return traffic([], list('c', clients, 0, clients), 0)
    case 'fanin':
      return traffic(list('p', publishers, 0, subscribers), listeners(subscribers), 1)
    case 'fanout':
      return traffic(list('p', publishers, 0, 1), listeners(1), subscribers)
    case 'pub':
      return traffic(list('p', publishers, 0, publishers), [], 0)
    case 'shared': {
      // a group for each part
      const share = `$share/${runName(plan)}`
      const members = listeners(parts).map((role) => ({ ...role, topic: `${share}/${role.topic}` }))
      return { ...traffic(list('p', publishers, 0, parts), members, 1), isShared: true }
    }
    case 'retained':
    case 'offline':
    case 'storm':
      return traffic([], [], 0)
    case 'sub':
      return traffic([], list('s', subscribers, 0, subscribers), 0)
  }
}

function traffic(publishers: Role[], subscribers: Role[], fanOut: number): Topology {
  return { publishers, subscribers, fanOut, isSelf: false, isShared: false }
}

/** What the clients and topics of this run begin with. */
export function runName({ seed }: LoadPlan): string {
  return `bench-${(seed >>> 0).toString(36)}`
}

function clientIdOf(plan: LoadPlan, kind: string, number: number, client: number): string {
  return plan.clientId === null ? `${runName(plan)}-${kind}${number}` : plan.clientId.replaceAll('%i', String(client))
}

/** The topic of number `i`. */
export function topicOf(plan: LoadPlan, i: number, clientId: string, userName: string): string {
  const template = plan.topic ?? `${runName(plan)}/%i`
  return template.replace(/%[icu]/g, (place) => (place === '%i' ? String(i) : place === '%c' ? clientId : userName))
}

function credentialsOf({ credentials }: LoadPlan, client: number): Credentials | null {
  return credentials.length === 0 ? null : credentials[client % credentials.length]!
}

function userNameOf(plan: LoadPlan, client: number): string {
  return credentialsOf(plan, client)?.userName ?? ''
}

/** What a client says in CONNECT beside who it is. */
export interface ConnectExtras {
  readonly cleanStart?: boolean
  readonly will?: Will
  readonly properties?: Properties
}

/** The CONNECT of a client. @param client number among all clients */
export function connectOf(plan: LoadPlan, client: number, clientId: string, extras: ConnectExtras = {}): Connect {
  const credentials = credentialsOf(plan, client)
  const isV5 = plan.version === ProtocolVersion.V5
  return new Connect({
    version: plan.version,
    clientId,
    cleanStart: extras.cleanStart ?? true,
    keepAliveSeconds: plan.keepAliveSeconds,
    userName: credentials?.userName ?? null,
    password: credentials === null || credentials.password === null ? null : Buffer.from(credentials.password),
    will: extras.will ?? null,
    properties: isV5 ? { ...plan.connectProperties, ...extras.properties } : NO_PROPERTIES,
  })
}
