import { performance } from 'node:perf_hooks'
import { Client, type ClientHandler, type ClientOptions } from '../../client/client.ts'
import { ClientError } from '../../client/client-error.ts'
import type { SubscriptionRequest } from '../../codec/packets/subscribe.ts'
import { ProtocolVersion } from '../../codec/protocol-version.ts'
import type { QoS } from '../../codec/qos.ts'
import { formatReasonCode } from '../../codec/reason-code.ts'
import { farewell, type Goodbye } from '../commands/client-run.ts'
import { forVersion, type Welcome } from './connect-steps.ts'
import { type Finding, finding, ProbeTimeout, since, within } from './finding.ts'

/** Round trips of the latency probe. */
const ROUND_TRIPS = 5
/** Payloads that are tried, in bytes. */
const PAYLOAD_BYTES = [1024, 65_536, 262_144, 1_048_576]
/** Topic Names that are tried, in bytes; the last is the longest that MQTT has. */
const TOPIC_BYTES = [256, 1024, 4096, 16_384, 65_535]
/** Client Identifiers that are tried, in bytes: 23 is what each broker has to take [MQTT-3.1.3-5]. */
const CLIENT_ID_BYTES = [23, 64, 128, 256, 1024, 4096, 65_535]
/** Room for the rest of a PUBLISH beside its payload, in bytes. */
const HEADER_BYTES = 256
/** Longest wait for a retained message after SUBACK: a broker without them sends nothing. */
const RETAINED_WAIT_MS = 1000
const FAILURE_CODE = 0x80

const NONE_FITS = 'the packet size told allows none that would be tried'
const GOODBYE: Goodbye = { willOnExit: false, properties: {} }

/** What is tried, and where. */
interface Trial {
  readonly options: ClientOptions
  readonly version: ProtocolVersion
  /** Topic Name below which everything happens */
  readonly root: string
  readonly timeoutMs: number
  /** 0 or 1: a QoS at which the broker answers each message, if it has one */
  readonly qos: QoS
  readonly retainAvailable: boolean
  readonly maximumPacketBytes: number
}

/**
 * The limits that show only when they are tried. Each series ends at its first refusal, so a silent broker costs one time limit
 * per series.
 * @param timeoutMs for each single answer
 */
export async function* measuredLimits(
  { version, connack }: Welcome,
  options: ClientOptions,
  root: string,
  timeoutMs: number,
): AsyncGenerator<Finding> {
  const { maximumQos = 2, retainAvailable, maximumPacketBytes = Number.POSITIVE_INFINITY } = connack.properties
  const trial: Trial = {
    options: forVersion(options, version),
    version,
    root,
    timeoutMs,
    qos: Math.min(maximumQos, 1) as QoS,
    retainAvailable: retainAvailable !== 0,
    maximumPacketBytes,
  }
  yield* subscriptions(trial)
  if (trial.retainAvailable) yield await retained(trial)
  yield await latency(trial)
  if (trial.qos === 0) {
    const text = 'at QoS 0 the broker does not say what it took'
    yield finding('payload', 'skipped', text)
    yield finding('topic', 'skipped', text)
  } else {
    yield await series('payload', PAYLOAD_BYTES, trial, (client, bytes) =>
      client.publish(`${root}/payload`, Buffer.alloc(bytes), { qos: trial.qos }),
    )
    yield await series('topic', TOPIC_BYTES, trial, (client, bytes) =>
      client.publish(`${root}/topic/`.padEnd(bytes, 'x'), '', { qos: trial.qos }),
    )
  }
  yield await clientIds(trial)
}

/** A connection for one trial, whatever comes of it. @throws ClientError, ProbeTimeout (rejects) */
async function connected<T>(
  { options }: Trial,
  use: (client: Client) => Promise<T>,
  handler: ClientHandler = {},
): Promise<T> {
  const client = new Client(options, handler)
  try {
    await client.connect()
    const result = await use(client)
    await farewell(client, GOODBYE)
    return result
  } finally {
    client.destroy()
  }
}

function request(topicFilter: string, qos: QoS = 2): SubscriptionRequest {
  return { topicFilter, qos, noLocal: false, retainAsPublished: true, retainHandling: 0 }
}

// 3.1 and 3.1.1 know no shared subscriptions: there the filter would be one like any other.
async function* subscriptions(trial: Trial): AsyncGenerator<Finding> {
  const { root, version } = trial
  yield await subscription('subscribe', root, trial)
  yield await subscription('subscribe wildcard', `${root}/#`, trial)
  if (version === ProtocolVersion.V5) yield await subscription('subscribe shared', `$share/doctor/${root}`, trial)
}

async function subscription(step: string, topicFilter: string, trial: Trial): Promise<Finding> {
  const startMs = performance.now()
  try {
    const { codes } = await connected(trial, (client) =>
      within(client.subscribe([request(topicFilter)]), trial.timeoutMs),
    )
    const code = codes[0]!
    const extras = { ms: since(startMs), details: { topicFilter, code } }
    if (code < FAILURE_CODE) return finding(step, 'ok', `${topicFilter} granted at QoS ${code}`, extras)
    return finding(step, 'note', `${topicFilter} is refused: ${formatReasonCode(code)}`, { ...rights, ...extras })
  } catch (error) {
    return finding(step, 'note', `${topicFilter}: ${said(error)}`, { ...rights, ms: since(startMs) })
  }
}

const rights = {
  cause: 'The rules of the broker keep this user from the topic, or it has no such subscriptions.',
  remedy: 'Name a topic that is allowed with -t TOPIC, or look at the access rules.',
}

async function retained(trial: Trial): Promise<Finding> {
  const { root, qos, timeoutMs } = trial
  const topic = `${root}/retained`
  const startMs = performance.now()
  const arrival = deferred()
  try {
    return await connected(
      trial,
      async (client) => {
        await within(client.publish(topic, 'doctor', { qos, retain: true }), timeoutMs)
        // whatever comes of it, the message is removed again
        const comesBack = client.subscribe([request(topic)]).then(() => arrival.promise)
        const isKept = await within(comesBack, Math.min(timeoutMs, RETAINED_WAIT_MS)).then(
          () => true,
          () => false,
        )
        await within(client.publish(topic, '', { qos, retain: true }), timeoutMs)
        const extras = { ms: since(startMs), details: { isKept } }
        if (isKept) return finding('retain', 'ok', 'a retained message is kept, and was removed again', extras)
        return finding('retain', 'note', 'a retained message was taken but did not come back', { ...rights, ...extras })
      },
      { message: ({ message }) => message.retain && arrival.resolve() },
    )
  } catch (error) {
    return finding('retain', 'note', said(error), { ...rights, ms: since(startMs) })
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

/** From PUBLISH to the same message coming back. */
async function latency(trial: Trial): Promise<Finding> {
  const { root, qos, timeoutMs } = trial
  const topic = `${root}/latency`
  let arrival = deferred()
  try {
    const times = await connected(
      trial,
      async (client) => {
        const { codes } = await within(client.subscribe([request(topic, qos)]), timeoutMs)
        if (codes[0]! >= FAILURE_CODE) return null
        const found: number[] = []
        for (let i = 0; i < ROUND_TRIPS; i++) {
          arrival = deferred()
          const startMs = performance.now()
          await within(Promise.all([client.publish(topic, String(i), { qos }), arrival.promise]), timeoutMs)
          found.push(since(startMs))
        }
        return found.sort((a, b) => a - b)
      },
      { message: () => arrival.resolve() },
    )
    if (times === null) return finding('latency', 'skipped', 'the subscription is refused')
    const [fastestMs, medianMs, slowestMs] = [times[0]!, times[ROUND_TRIPS >> 1]!, times[ROUND_TRIPS - 1]!]
    const text = `${ROUND_TRIPS} round trips at QoS ${qos}: median ${medianMs} ms, from ${fastestMs} to ${slowestMs} ms`
    return finding('latency', 'ok', text, { details: { qos, fastestMs, medianMs, slowestMs } })
  } catch (error) {
    return finding('latency', 'note', said(error), rights)
  }
}

/** Sends ever larger ones on one connection, up to the first that is refused. */
async function series(
  step: string,
  sizes: readonly number[],
  trial: Trial,
  send: (client: Client, bytes: number) => Promise<unknown>,
): Promise<Finding> {
  const startMs = performance.now()
  const fitting = sizes.filter((bytes) => bytes + HEADER_BYTES <= trial.maximumPacketBytes)
  if (fitting.length === 0) return finding(step, 'skipped', NONE_FITS)
  let largest = 0
  try {
    await connected(trial, async (client) => {
      for (const bytes of fitting) {
        await within(send(client, bytes), trial.timeoutMs)
        largest = bytes
      }
    })
    const text = `${largest} bytes are taken${beyond(fitting, sizes)}`
    return finding(step, 'ok', text, { ms: since(startMs), details: { taken: largest } })
  } catch (error) {
    return refusedAt(step, largest, fitting, error, startMs)
  }
}

/** Connects with ever longer Client Identifiers, each on its own connection. */
async function clientIds(trial: Trial): Promise<Finding> {
  const startMs = performance.now()
  let longest = 0
  // MQTT 3.1 ends at 23
  const lengths = trial.version === ProtocolVersion.V3_1 ? CLIENT_ID_BYTES.slice(0, 1) : CLIENT_ID_BYTES
  const fitting = lengths.filter((bytes) => bytes + HEADER_BYTES <= trial.maximumPacketBytes)
  if (fitting.length === 0) return finding('client id length', 'skipped', NONE_FITS)
  const chance = Math.random().toString(36).slice(2)
  try {
    for (const bytes of fitting) {
      const clientId = `doctor${chance}`.padEnd(bytes, 'x').slice(0, bytes)
      await connected({ ...trial, options: { ...trial.options, clientId } }, async () => {})
      longest = bytes
    }
    const text = `${longest} bytes are taken${beyond(fitting, lengths)}`
    return finding('client id length', 'ok', text, { ms: since(startMs), details: { taken: longest } })
  } catch (error) {
    return refusedAt('client id length', longest, fitting, error, startMs)
  }
}

function beyond(fitting: readonly number[], sizes: readonly number[]): string {
  return fitting.length < sizes.length ? '; the packet size told allows no larger one that would be tried' : ''
}

function refusedAt(step: string, taken: number, sizes: readonly number[], error: unknown, startMs: number): Finding {
  const refused = sizes.find((bytes) => bytes > taken)!
  const text = `${taken === 0 ? 'none is taken' : `${taken} bytes are taken`}, ${refused} bytes are not: ${said(error)}`
  return finding(step, 'note', text, { ms: since(startMs), details: { taken, refused } })
}

/** @throws what is neither the broker's doing nor that of time: a fault of our own */
function said(error: unknown): string {
  if (error instanceof ProbeTimeout) return error.message
  if (!(error instanceof ClientError)) throw error
  return error.message
}
