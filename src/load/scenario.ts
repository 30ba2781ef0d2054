import type { QoS } from '../codec/qos.ts'

/** Every scenario with what it does, for help. */
export const scenarios = {
  p2p: 'pairs of one publisher and one subscriber, each with a topic of its own',
  fanin: 'many publishers, few subscribers',
  fanout: 'each message goes to every subscriber',
  rtt: 'each client publishes to itself, at a rate',
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

/** What is to be done; complete and judged. */
export interface LoadPlan {
  readonly scenario: ScenarioName
  /** clients of conn, rtt and storm */
  readonly clients: number
  readonly publishers: number
  readonly subscribers: number
  readonly qos: QoS
  readonly payloadBytes: number
  /** messages per second, all publishers together; null: as fast as the broker delivers */
  readonly rate: number | null
  /** of publishing or holding, warm-up not counted */
  readonly durationMs: number
  /** all messages together, instead of a duration; null: by time */
  readonly messages: number | null
  readonly warmupMs: number
  /** closed loop: messages of one publisher between sent and delivered to every receiver */
  readonly window: number
  /** QoS 1 and 2 messages of one publisher without last acknowledgement */
  readonly inFlight: number
  /** connections per second; null: as fast as they are accepted */
  readonly connectRate: number | null
  /** template with %i, %c and %u; null: `bench/RUN/%i` */
  readonly topic: string | null
  /** 32 bits; in topics, client identifiers and payloads */
  readonly seed: number
}

/** One publisher or subscriber of a scenario. */
export interface Role {
  readonly clientId: string
  /** of a publisher its Topic Name, of a subscriber its Topic Filter */
  readonly topic: string
}

/** Who publishes where and who listens. */
export interface Topology {
  readonly publishers: readonly Role[]
  readonly subscribers: readonly Role[]
  /** deliveries of each message of a publisher */
  readonly fanOut: number
  /** the subscribers share one subscription */
  readonly isShared: boolean
  /** one client is publisher and subscriber: the lists are as long as each other */
  readonly isSelf: boolean
}

/**
 * Lays out a scenario with traffic.
 * @param userName for %u
 */
export function topologyOf(plan: LoadPlan, userName: string): Topology {
  const { scenario, publishers, subscribers, clients } = plan
  const run = runName(plan)
  const topic = (i: number, clientId: string): string => topicOf(plan, i, clientId, userName)
  const role = (kind: string, i: number, of: number): Role => ({
    clientId: `${run}-${kind}${i}`,
    topic: topic(i % of, `${run}-${kind}${i}`),
  })
  const list = (kind: string, count: number, of: number): Role[] =>
    Array.from({ length: count }, (_, i) => role(kind, i, of))
  switch (scenario) {
    case 'p2p':
      return traffic(list('p', publishers, publishers), list('s', publishers, publishers), 1)
    case 'rtt':
      return { ...traffic(list('c', clients, clients), list('c', clients, clients), 1), isSelf: true }
    case 'fanin':
      return traffic(list('p', publishers, subscribers), list('s', subscribers, subscribers), 1)
    case 'fanout': {
      const all = list('s', subscribers, 1)
      return traffic(list('p', publishers, 1), all, subscribers)
    }
    case 'shared': {
      const members = list('s', subscribers, 1).map(({ clientId, topic: name }) => ({
        clientId,
        topic: `$share/${run}/${name}`,
      }))
      return { ...traffic(list('p', publishers, 1), members, 1), isShared: true }
    }
    case 'pub':
      return traffic(list('p', publishers, publishers), [], 0)
    case 'sub':
      return traffic([], list('s', subscribers, subscribers), 0)
    default:
      throw new RangeError(`${scenario} has no topology of its own`)
  }
}

function traffic(publishers: Role[], subscribers: Role[], fanOut: number): Topology {
  return { publishers, subscribers, fanOut, isShared: false, isSelf: false }
}

/** What the clients and topics of this run begin with. */
export function runName({ seed }: LoadPlan): string {
  return `bench-${(seed >>> 0).toString(36)}`
}

/** The topic of number `i`. */
export function topicOf(plan: LoadPlan, i: number, clientId: string, userName: string): string {
  const template = plan.topic ?? `${runName(plan)}/%i`
  return template.replaceAll('%i', String(i)).replaceAll('%c', clientId).replaceAll('%u', userName)
}
