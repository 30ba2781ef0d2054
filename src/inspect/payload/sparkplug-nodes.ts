import { oldest } from '../oldest.ts'
import type { KnownMetric, MetricsByAlias, SparkplugPayload, SparkplugTopic } from './sparkplug.ts'
import { dataTypeName } from './sparkplug-value.ts'

/** Metrics and nodes that are remembered, all together; with more the sixteenth of the nodes that was born first is forgotten. */
const MAXIMUM_ENTRIES = 200_000

/** What BIRTH messages have said: which metric an alias stands for, and its data type. Aliases are unique within a node. */
export class SparkplugNodes {
  readonly #nodes = new Map<string, Map<bigint, KnownMetric>>()
  // a node counts too: there may be any number without metrics
  #entries = 0

  /** Takes what a BIRTH says; other messages say nothing new. */
  learn(topic: SparkplugTopic, payload: SparkplugPayload): void {
    if (!topic.message.endsWith('BIRTH')) return
    const key = keyOf(topic)
    const metrics = topic.message === 'NBIRTH' ? new Map<bigint, KnownMetric>() : (this.#nodes.get(key) ?? new Map())
    this.#forget(key)
    for (const { name, alias, type } of payload.metrics) {
      if (typeof name === 'string' && alias !== undefined) metrics.set(alias, { name, type: dataTypeName(type) })
    }
    this.#nodes.set(key, metrics)
    this.#entries += 1 + metrics.size
    while (this.#entries > MAXIMUM_ENTRIES) {
      for (const first of oldest(this.#nodes.keys(), this.#nodes.size)) this.#forget(first)
    }
  }

  #forget(key: string): void {
    const metrics = this.#nodes.get(key)
    if (metrics === undefined) return
    this.#nodes.delete(key)
    this.#entries -= 1 + metrics.size
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
