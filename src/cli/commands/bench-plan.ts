import { randomBytes } from 'node:crypto'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { PacketType } from '../../codec/packet-type.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import { QoS } from '../../codec/qos.ts'
import { type Credentials, type LoadPlan, type ScenarioName, scenarios } from '../../load/plan.ts'
import { STAMP_BYTES } from '../../load/stamp.ts'
import { formatAddress } from '../../transport/address.ts'
import type { TlsClientTerms } from '../../transport/tls-terms.ts'
import { UsageError } from '../failure.ts'
import { nearest } from '../nearest.ts'
import type { benchRows } from '../options/bench.ts'
import type { Typed } from '../options/option-row.ts'
import { propertiesFor } from '../options/property-argument.ts'
import type { Target } from '../options/target.ts'
import { version } from '../version.ts'

/** What was typed for `bench`. */
export type BenchTyped = Typed<typeof benchRows>

const DEFAULT_DURATION_MS = 5_000
const DEFAULT_WARMUP_MS = 1_000
const DEFAULT_DRAIN_MS = 2_000
const DEFAULT_PAYLOAD_BYTES = 64
const DEFAULT_IN_FLIGHT = 100
/** messages of retained and offline: mosquitto queues 1,000 for a client that is away */
const DEFAULT_STORED = 1_000
const DEFAULT_WINDOW = 1_000
/** of deliveries on their way at once, so that a wide fan-out does not queue for seconds */
const DELIVERIES_ON_THEIR_WAY = 200_000
/** of payload on its way for one publisher */
const BYTES_ON_THEIR_WAY = 2_097_152
const SMALLEST_WINDOW = 4

interface Cast {
  readonly clients: number
  readonly publishers: number
  readonly subscribers: number
}

const casts: Readonly<Record<ScenarioName, Cast>> = {
  p2p: { clients: 10, publishers: 10, subscribers: 10 },
  rtt: { clients: 1, publishers: 1, subscribers: 1 },
  fanin: { clients: 10, publishers: 10, subscribers: 1 },
  fanout: { clients: 100, publishers: 1, subscribers: 100 },
  conn: { clients: 1000, publishers: 0, subscribers: 0 },
  pub: { clients: 10, publishers: 10, subscribers: 0 },
  sub: { clients: 10, publishers: 0, subscribers: 10 },
  shared: { clients: 10, publishers: 10, subscribers: 4 },
  retained: { clients: 2, publishers: 1, subscribers: 1 },
  offline: { clients: 2, publishers: 1, subscribers: 1 },
  storm: { clients: 1000, publishers: 0, subscribers: 0 },
}

/** The kind of clients that -c counts; the others keep their number. */
const countedBy: Readonly<Record<ScenarioName, readonly (keyof Cast)[]>> = {
  p2p: ['publishers', 'subscribers'],
  rtt: ['publishers', 'subscribers'],
  fanin: ['publishers'],
  fanout: ['subscribers'],
  conn: [],
  pub: ['publishers'],
  sub: ['subscribers'],
  shared: ['publishers'],
  retained: [],
  offline: [],
  storm: [],
}

/**
 * Takes the scenario out of the operands.
 * @throws UsageError for a word that is neither a scenario nor a URL
 */
export function takeScenario(operands: readonly string[]): { scenario: ScenarioName; others: string[] } {
  const isName = (word: string): word is ScenarioName => Object.hasOwn(scenarios, word)
  const named = operands.filter(isName)
  if (named.length > 1) throw new UsageError(`${named.join(' and ')}: one scenario at a time`)
  const others = operands.filter((word) => !isName(word))
  const unknown = others.find((word) => /^[a-z0-9]+$/.test(word))
  if (unknown !== undefined) {
    const meant = nearest(unknown, Object.keys(scenarios))
    const hint = meant === null ? `scenarios are ${Object.keys(scenarios).join(', ')}` : `did you mean ${meant}?`
    throw new UsageError(`unknown scenario ${JSON.stringify(unknown)}; ${hint}`)
  }
  return { scenario: named[0] ?? 'p2p', others }
}

/** What the plan needs beside what was typed. */
export interface PlanExtras {
  readonly target: Target
  readonly password: Buffer | null
  readonly tls: TlsClientTerms
  /** of --credentials; empty without */
  readonly credentials: readonly Credentials[]
}

/**
 * Completes what was typed to a plan.
 * @throws UsageError for what does not fit together
 */
export function planFrom(typed: BenchTyped, scenario: ScenarioName, extras: PlanExtras): LoadPlan {
  const cast = castOf(typed, scenario)
  const payloadBytes = typed.size ?? sizeFor(typed.payload, cast.publishers)
  const version = typed.protocolVersion ?? ProtocolVersion.V5
  const properties = [...(typed.property ?? []), ...(typed.prop ?? [])]
  if (properties.length > 0 && version !== ProtocolVersion.V5) {
    throw new UsageError(`properties need MQTT 5.0, and -V asks for ${protocolVersionName(version)}`)
  }
  if ((typed.topicAlias ?? 0) > 0 && version !== ProtocolVersion.V5) {
    throw new UsageError(`--topic-alias needs MQTT 5.0, and -V asks for ${protocolVersionName(version)}`)
  }
  if (typed.id !== undefined && !typed.id.includes('%i')) {
    throw new UsageError(`-i ${JSON.stringify(typed.id)} gives all clients one identifier: add %i`)
  }
  checkTopic(typed, scenario, cast)
  const messages = typed.messages ?? (scenario === 'retained' || scenario === 'offline' ? DEFAULT_STORED : null)
  return {
    scenario,
    ...cast,
    qos: typed.qos ?? QoS.AT_MOST_ONCE,
    retain: typed.retain ?? false,
    payloadBytes,
    payload: typed.payload ?? null,
    rate: typed.rate ?? null,
    durationMs: typed.duration ?? DEFAULT_DURATION_MS,
    messages,
    warmupMs: typed.warmup ?? (messages === null ? DEFAULT_WARMUP_MS : 0),
    drainMs: typed.drain ?? DEFAULT_DRAIN_MS,
    window: typed.window ?? defaultWindow(scenario, cast, payloadBytes),
    inFlight: typed.maxInflight ?? DEFAULT_IN_FLIGHT,
    topicAliases: typed.topicAlias ?? 0,
    connectRate: typed.connectRate ?? null,
    topic: typed.topic ?? extras.target.topic,
    clientId: typed.id ?? null,
    seed: randomBytes(4).readUInt32LE(),
    address: extras.target.address,
    version,
    keepAliveSeconds: typed.keepalive ?? 60,
    connectTimeoutMs: typed.connectTimeout ?? 10_000,
    credentials: credentialsFrom(extras),
    bindAddresses: typed.sourceAddress?.split(',') ?? [],
    tls: extras.tls,
    connectProperties: propertiesFor(PacketType.CONNECT, properties),
    publishProperties: propertiesFor(PacketType.PUBLISH, properties),
    subscribeProperties: propertiesFor(PacketType.SUBSCRIBE, properties),
  }
}

// Stamp and template, with room for the largest number.
function sizeFor(template: string | undefined, publishers: number): number {
  if (template === undefined) return DEFAULT_PAYLOAD_BYTES
  return STAMP_BYTES + Buffer.byteLength(template.replaceAll('%i', String(Math.max(0, publishers - 1))))
}

function castOf(typed: BenchTyped, scenario: ScenarioName): Cast {
  const normal = casts[scenario]
  const clients = typed.clients ?? normal.clients
  const count = (kind: 'publishers' | 'subscribers'): number =>
    typed[kind] ?? (typed.clients !== undefined && countedBy[scenario].includes(kind) ? typed.clients : normal[kind])
  const cast = { clients, publishers: count('publishers'), subscribers: count('subscribers') }
  if (scenario === 'p2p') {
    const pairs = typed.publishers ?? typed.subscribers ?? cast.publishers
    if (typed.publishers !== undefined && typed.subscribers !== undefined && cast.publishers !== cast.subscribers) {
      throw new UsageError('p2p has as many publishers as subscribers: use fanin or fanout, or -c')
    }
    return { clients: pairs, publishers: pairs, subscribers: pairs }
  }
  if (scenario === 'fanin' && cast.subscribers > cast.publishers) {
    throw new UsageError('fanin has at least as many publishers as subscribers')
  }
  return cast
}

// Without a number in it all pairs would share one topic, and each message would go to all of them.
function checkTopic(typed: BenchTyped, scenario: ScenarioName, cast: Cast): void {
  const { topic } = typed
  if (topic === undefined) return
  const topics = topicsOf(typed, scenario, cast)
  const isOwn = scenario === 'p2p' || scenario === 'rtt'
  if (topics > 1 && !(isOwn ? /%[ic]/ : /%i/).test(topic)) {
    throw new UsageError(`-t ${JSON.stringify(topic)} is one topic for all: add %i`)
  }
  if (
    /(?:[^/]%[cu]|%[cu][^/])/.test(topic) &&
    (scenario === 'fanin' || scenario === 'fanout' || scenario === 'shared')
  ) {
    throw new UsageError(
      `-t ${JSON.stringify(topic)}: in ${scenario} %c and %u are levels of their own, for which subscribers have +`,
    )
  }
}

function topicsOf(typed: BenchTyped, scenario: ScenarioName, { clients, publishers, subscribers }: Cast): number {
  switch (scenario) {
    case 'p2p':
      return publishers
    case 'rtt':
      return clients
    case 'fanin':
      return subscribers
    case 'shared':
      return typed.agents ?? typed.workers ?? 1
    default:
      return 1
  }
}

function defaultWindow(scenario: ScenarioName, { subscribers }: Cast, payloadBytes: number): number {
  if (scenario === 'rtt') return 1
  const byFanOut = scenario === 'fanout' ? Math.ceil(DELIVERIES_ON_THEIR_WAY / subscribers) : DEFAULT_WINDOW
  const byBytes = Math.ceil(BYTES_ON_THEIR_WAY / payloadBytes)
  return Math.max(SMALLEST_WINDOW, Math.min(DEFAULT_WINDOW, byFanOut, byBytes))
}

function credentialsFrom({ target, password, credentials }: PlanExtras): readonly Credentials[] {
  if (credentials.length > 0) {
    if (target.userName !== null) throw new UsageError('give either -u or --credentials, not both')
    return credentials
  }
  if (target.userName === null) {
    if (password !== null) throw new UsageError('a password needs a user name: add -u NAME')
    return []
  }
  return [{ userName: target.userName, password: password === null ? null : password.toString() }]
}

/** What was asked for, without secrets, as the result repeats it. */
export function configOf(plan: LoadPlan): Record<string, unknown> {
  const { clients, publishers, subscribers, qos, retain, payloadBytes, rate, durationMs, messages, warmupMs } = plan
  const { window, inFlight, topicAliases, connectRate, keepAliveSeconds, address, bindAddresses, topic, seed } = plan
  return {
    broker: formatAddress(address),
    protocol: protocolVersionName(plan.version),
    ...{ clients, publishers, subscribers, qos, retain, payloadBytes, rate, durationMs, messages, warmupMs },
    ...{ window, inFlight, topicAliases, connectRate, keepAliveSeconds, sourceAddresses: bindAddresses, topic, seed },
  }
}

/** Where and with what was measured. */
export function environmentOf(isEmbedded: boolean, startedAt: Date): Record<string, unknown> {
  return {
    mqttKit: version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: availableParallelism(),
    memoryMb: Math.round(totalmem() / 1_048_576),
    embeddedBroker: isEmbedded,
    startedAt: startedAt.toISOString(),
  }
}
