import { describe, expect, it } from 'vitest'
import type { SparkplugPayload, SparkplugTopic } from '../../src/inspect/payload/sparkplug.ts'
import { SparkplugNodes } from '../../src/inspect/payload/sparkplug-nodes.ts'

const LIMIT = 200_000

describe('what Sparkplug nodes have said at their birth is forgotten from the first on', () => {
  const birthOf = (node: number): SparkplugTopic => ({ message: 'NBIRTH', group: 'g', node: `${node}`, device: null })
  const saying = (metrics: number): SparkplugPayload => ({
    timestamp: undefined,
    seq: 0n,
    uuid: undefined,
    body: undefined,
    metrics: Array.from({ length: metrics }, (_, i) => ({ name: `m${i}`, alias: BigInt(i) })),
  })
  const known = (nodes: SparkplugNodes, count: number) =>
    Array.from({ length: count }, (_, i) => birthOf(i)).filter((topic) => nodes.knows(topic)).length

  it('when there are too many metrics', () => {
    const nodes = new SparkplugNodes()
    for (let node = 0; node < 30; node++) nodes.learn(birthOf(node), saying(10_000))

    expect(known(nodes, 30)).toBeLessThanOrEqual(LIMIT / 10_000)
    expect(nodes.knows(birthOf(0))).toBe(false)
    expect(nodes.metricsOf(birthOf(29))(9999n)).toMatchObject({ name: 'm9999' })
  })

  it('when there are too many nodes, though they have no metrics', () => {
    const nodes = new SparkplugNodes()
    for (let node = 0; node <= LIMIT; node++) nodes.learn(birthOf(node), saying(0))

    expect(nodes.knows(birthOf(0))).toBe(false)
    expect(nodes.knows(birthOf(LIMIT))).toBe(true)
    expect(known(nodes, LIMIT + 1)).toBeLessThanOrEqual(LIMIT)
  })
})
