import type { KnownMetric, MetricsByAlias, SparkplugPayload, SparkplugTopic } from './sparkplug.ts'
import { dataTypeName } from './sparkplug-value.ts'

/** Metrics that are remembered, all nodes together; with more the node that was born first is forgotten. */
const MAXIMUM_METRICS = 200_000

/** What BIRTH messages have said: which metric an alias stands for, and its data type. Aliases are unique within a node. */
export class SparkplugNodes {
  readonly #nodes = new Map<string, Map<bigint, KnownMetric>>()
  #metrics = 0

  /** Takes what a BIRTH says; other messages say nothing new. */
  learn(topic: SparkplugTopic, payload: SparkplugPayload): void {
    if (!topic.message.endsWith('BIRTH')) return
    const key = keyOf(topic)
    const metrics = topic.message === 'NBIRTH' ? new Map<bigint, KnownMetric>() : (this.#nodes.get(key) ?? new Map())
    this.#metrics -= this.#nodes.get(key)?.size ?? 0
    this.#nodes.delete(key)
    for (const { name, alias, type } of payload.metrics) {
      if (typeof name === 'string' && alias !== undefined) metrics.set(alias, { name, type: dataTypeName(type) })
    }
    this.#nodes.set(key, metrics)
    this.#metrics += metrics.size
    while (this.#metrics > MAXIMUM_METRICS) {
      const [[first, { size }]] = this.#nodes as unknown as [[string, Map<bigint, KnownMetric>]]
      this.#nodes.delete(first)
      this.#metrics -= size
    }
  }

  /** Was there a BIRTH of this node? */
  knows(topic: SparkplugTopic): boolean {
    return this.#nodes.has(keyOf(topic))
  }

  /** The metrics of the node that a topic belongs to. */
  metricsOf(topic: SparkplugTopic | null): MetricsByAlias {
    const metrics = topic === null ? undefined : this.#nodes.get(keyOf(topic))
    return (alias) => metrics?.get(alias)
  }
}

function keyOf({ group, node }: SparkplugTopic): string {
  return `${group}/${node}`
}
