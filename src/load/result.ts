import type { BrokerUse } from './broker-probe.ts'
import { LatencyHistogram, type LatencySummary } from './histogram.ts'
import { isSaturated } from './meters.ts'
import type { PartResult } from './part.ts'
import type { LoadPlan } from './plan.ts'
import type { LoadStep } from './scenario-run.ts'
import type { LoadFailure } from './tally.ts'

/** One second of a run. */
export interface Sample {
  /** since publishing began */
  readonly seconds: number
  readonly published: number
  readonly delivered: number
  /** of the messages that arrived in this second, in the slowest part; null when there were none */
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

/** A point of the percentile curve. */
export interface CurvePoint {
  readonly percentile: number
  readonly ms: number
}

/** The outcome of one load, as scripts get it: schema/bench-result.schema.json describes it. */
export interface LoadResult {
  readonly scenario: string
  readonly connect: {
    readonly count: number
    readonly failed: number
    readonly lost: number
    readonly rate: number
    readonly latency: LatencySummary | null
  }
  readonly publish: {
    readonly count: number
    readonly rate: number
    readonly refused: number
    readonly acknowledged: number
  }
  readonly ack: LatencySummary | null
  readonly deliver: {
    readonly count: number
    readonly expected: number | null
    readonly lost: number
    readonly duplicated: number
    readonly outOfOrder: number
    readonly corrupted: number
    readonly rate: number
    readonly mbPerSecond: number
  }
  readonly latency: { readonly service: LatencySummary | null; readonly response: LatencySummary | null }
  readonly seconds: number
  readonly steps: readonly (LoadStep & { readonly rate: number })[]
  readonly samples: readonly Sample[]
  readonly curve: readonly CurvePoint[]
  readonly generator: {
    readonly cpu: number
    readonly eventLoopLagP99Ms: number
    readonly sendDelayP99Ms: number
    /** how wrong the clocks of agents on other machines may be to each other; 0 on one machine */
    readonly clockErrorMs: number
    readonly saturated: boolean
    readonly parts: number
  }
  readonly broker: BrokerUse | null
  readonly errors: Readonly<Record<string, number>>
  readonly failure: LoadFailure | null
}

const CURVE = [0, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 97.5, 99, 99.5, 99.9, 99.95, 99.99, 99.999, 100]
const BYTES_PER_MB = 1_000_000
const MS_PER_SECOND = 1000

/** Joins what the parts have counted. */
export function joinResults(
  plan: LoadPlan,
  fanOut: number,
  parts: readonly PartResult[],
  samples: readonly Sample[],
  broker: BrokerUse | null,
  clockErrorMs: number,
): LoadResult {
  const total = (value: (part: PartResult) => number): number => parts.reduce((sum, part) => sum + value(part), 0)
  const most = (value: (part: PartResult) => number): number => Math.max(0, ...parts.map(value))
  const joined = (name: keyof PartResult['histograms']): LatencyHistogram => {
    const histogram = new LatencyHistogram()
    for (const part of parts) histogram.mergeEncoded(part.histograms[name])
    return histogram
  }
  const seconds = most((part) => part.measured.seconds)
  const receivedSeconds = most((part) => part.measured.receivedSeconds)
  const perSecond = (count: number, time: number): number => (time === 0 ? 0 : count / time)
  const connected = total((part) => part.connected)
  const published = total((part) => part.published)
  const refused = total((part) => part.refused)
  const received = total((part) => part.received)
  const expected = expectedDeliveries(plan, fanOut, published - refused, parts)
  const service = joined('service')
  const response = joined('response')
  const sendDelayP99Ms = joined('sendDelay').percentileMs(99)
  return {
    scenario: plan.scenario,
    connect: {
      count: connected,
      failed: total((part) => part.failed),
      lost: total((part) => part.lost),
      rate: connected / Math.max(1e-3, most((part) => part.connectMs) / MS_PER_SECOND),
      latency: joined('connect').summary(),
    },
    publish: {
      count: published,
      rate: perSecond(
        total((part) => part.measured.published),
        seconds,
      ),
      refused,
      acknowledged: total((part) => part.acknowledged),
    },
    ack: joined('acknowledge').summary(),
    deliver: {
      count: received,
      expected,
      lost: expected === null ? 0 : Math.max(0, expected - received),
      duplicated: total((part) => part.duplicated) + (expected === null ? 0 : Math.max(0, received - expected)),
      outOfOrder: total((part) => part.outOfOrder),
      corrupted: total((part) => part.corrupted),
      rate: perSecond(
        total((part) => part.measured.received),
        receivedSeconds,
      ),
      mbPerSecond:
        perSecond(
          total((part) => part.measured.bytes),
          receivedSeconds,
        ) / BYTES_PER_MB,
    },
    latency: { service: service.summary(), response: response.summary() },
    seconds,
    steps: joinSteps(parts),
    samples,
    curve: curveOf(response.count > 0 ? response : service),
    generator: {
      cpu: total((part) => part.use.cpu),
      eventLoopLagP99Ms: most((part) => part.use.eventLoopLagP99Ms),
      sendDelayP99Ms,
      clockErrorMs,
      saturated: parts.some(({ use }) => isSaturated(use, sendDelayP99Ms)),
      parts: parts.length,
    },
    broker,
    errors: joinErrors(parts),
    failure: parts.find(({ failure }) => failure !== null)?.failure ?? null,
  }
}

/**
 * Deliveries that should have come.
 * @returns null when nobody can know: others publish, or there are no receivers
 */
export function expectedDeliveries(
  plan: Pick<LoadPlan, 'scenario'>,
  fanOut: number,
  accepted: number,
  parts: readonly { readonly expected: number | null }[],
): number | null {
  if (parts.some(({ expected }) => expected !== null)) {
    return parts.reduce((sum, { expected }) => sum + (expected ?? 0), 0)
  }
  return plan.scenario === 'sub' || fanOut === 0 ? null : accepted * fanOut
}

function joinSteps(parts: readonly PartResult[]): (LoadStep & { rate: number })[] {
  const first = parts[0]?.steps ?? []
  return first.map(({ name }, i) => {
    const count = parts.reduce((sum, { steps }) => sum + (steps[i]?.count ?? 0), 0)
    const seconds = Math.max(...parts.map(({ steps }) => steps[i]?.seconds ?? 0))
    return { name, count, seconds, rate: seconds === 0 ? 0 : count / seconds }
  })
}

function joinErrors(parts: readonly PartResult[]): Record<string, number> {
  const joined: Record<string, number> = {}
  for (const { errors } of parts) {
    for (const [text, count] of Object.entries(errors)) joined[text] = (joined[text] ?? 0) + count
  }
  return joined
}

function curveOf(histogram: LatencyHistogram): CurvePoint[] {
  if (histogram.count === 0) return []
  return CURVE.map((percentile) => ({ percentile, ms: histogram.percentileMs(percentile) }))
}
