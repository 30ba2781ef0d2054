import { compressionOf, inflate } from './compressed.ts'
import { PayloadError } from './payload-value.ts'
import { plainBytes, plainInteger, plainTime } from './plain-value.ts'
import { sparkplugPayload } from './sparkplug-messages.ts'
import { dataTypeName, metricValue } from './sparkplug-value.ts'
import { decodeWire, type WireValues } from './wire.ts'

/** Who speaks in a Sparkplug topic, and what: `spBv1.0/{group}/{message}/{node}[/{device}]`. */
export interface SparkplugTopic {
  readonly message: string
  readonly group: string
  readonly node: string
  readonly device: string | null
}

/** What a BIRTH has said about a metric. */
export interface KnownMetric {
  readonly name: string
  readonly type: string | null
}

/** Finds metrics by their alias; undefined: no BIRTH has named it. */
export type MetricsByAlias = (alias: bigint) => KnownMetric | undefined

/** A decoded payload of a Sparkplug topic. */
export interface SparkplugPayload {
  readonly timestamp: bigint | undefined
  readonly seq: bigint | undefined
  readonly uuid: string | undefined
  readonly body: Buffer | undefined
  readonly metrics: readonly WireValues[]
}

const TOPIC = /^spBv1\.0\/([^/]+)\/([ND](?:BIRTH|DEATH|DATA|CMD))\/([^/]+)(?:\/([^/]+))?$/
const COMPRESSED = 'SPBV1.0_COMPRESSED'

/** Reads a topic; null when it is none of those that have a Sparkplug payload (STATE has JSON). */
export function sparkplugTopic(topicName: string): SparkplugTopic | null {
  // Hot: most topics are others
  if (!topicName.startsWith('spBv1.0/')) return null
  const match = TOPIC.exec(topicName)
  if (match === null) return null
  const [, group = '', message = '', node = '', device = null] = match
  return (message[0] === 'D') === (device !== null) ? { message, group, node, device } : null
}

/**
 * Decodes a payload of Sparkplug B, and takes off the compression that its libraries put on.
 * @throws PayloadError saying why it is none
 */
export function decodeSparkplug(bytes: Buffer): SparkplugPayload {
  const payload = payloadOf(decodeWire(bytes, sparkplugPayload))
  if (Object.values(payload).every((value) => value === undefined || (Array.isArray(value) && value.length === 0))) {
    throw new PayloadError('none of the fields of Sparkplug B')
  }
  if (payload.uuid !== COMPRESSED || payload.body === undefined) return payload
  const inner = inflate(payload.body, compressionOf(payload.body) ?? 'zlib')
  return payloadOf(decodeWire(inner, sparkplugPayload))
}

function payloadOf(values: WireValues): SparkplugPayload {
  const { timestamp, seq, uuid, body, metrics = [] } = values
  return { timestamp, seq, uuid, body, metrics } as SparkplugPayload
}

/** The payload as JSON has it, metrics with the names that their aliases stand for. @param topic null: not known */
export function plainSparkplug(payload: SparkplugPayload, topic: SparkplugTopic | null, known: MetricsByAlias): object {
  const { timestamp, seq, uuid, body, metrics } = payload
  return {
    ...(topic ?? {}),
    ...(timestamp === undefined ? {} : { timestamp: plainTime(Number(timestamp)) }),
    ...(seq === undefined ? {} : { seq: plainInteger(seq) }),
    ...(uuid === undefined ? {} : { uuid }),
    ...(body === undefined ? {} : { body: plainBytes(body) }),
    metrics: metrics.map((metric) => {
      const found = aliased(metric, known)
      return metricValue(
        metric,
        (metric['name'] as string | undefined) ?? found?.name ?? null,
        dataTypeName(metric['type']) ?? found?.type ?? null,
      )
    }),
  }
}

// what BIRTH has said about it, by alias
function aliased({ alias }: WireValues, known: MetricsByAlias): KnownMetric | undefined {
  return alias === undefined ? undefined : known(alias as bigint)
}
