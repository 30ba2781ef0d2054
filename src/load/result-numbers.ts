/**
 * The numbers of a result by which thresholds may ask for them, dotted as in JSON; the schema of results has the same ones.
 */
const LATENCY = ['count', 'minMs', 'meanMs', 'p50Ms', 'p90Ms', 'p99Ms', 'p999Ms', 'maxMs'] as const

const groups: Readonly<Record<string, readonly string[]>> = {
  connect: ['count', 'failed', 'lost', 'rate'],
  'connect.latency': LATENCY,
  publish: ['count', 'rate', 'refused', 'acknowledged'],
  ack: LATENCY,
  deliver: ['count', 'expected', 'lost', 'duplicated', 'outOfOrder', 'corrupted', 'rate', 'mbPerSecond'],
  'latency.service': LATENCY,
  'latency.response': LATENCY,
  generator: ['cpu', 'eventLoopLagP99Ms', 'sendDelayP99Ms', 'clockErrorMs', 'saturated', 'parts'],
  broker: ['cpu', 'residentMb', 'heapMb'],
  failure: ['reasonCode', 'isTls'],
}

/** Of lists: their elements have a number in between. */
const elements: Readonly<Record<string, readonly string[]>> = {
  steps: ['count', 'seconds', 'rate'],
  samples: ['seconds', 'published', 'delivered', 'p50Ms', 'p99Ms'],
  curve: ['percentile', 'ms'],
}

/** What was asked for, and what went wrong: their names are not of ours to list. */
const OPEN = /^(?:config|environment|errors)\../

/** All names that do not depend on the run. */
export const resultNumbers: readonly string[] = [
  'seconds',
  ...Object.entries(groups).flatMap(([group, names]) => names.map((name) => `${group}.${name}`)),
]

/** Can a result have a number of this name? @param name `latency.response.p99Ms`, `steps.0.rate` */
export function isResultNumber(name: string): boolean {
  if (resultNumbers.includes(name) || OPEN.test(name)) return true
  const [list, place, field, ...more] = name.split('.')
  return more.length === 0 && /^\d+$/.test(place ?? '') && (elements[list!]?.includes(field ?? '') ?? false)
}
