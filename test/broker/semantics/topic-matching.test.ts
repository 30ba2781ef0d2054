import { describe, expect, it, vi } from 'vitest'
import { SubscriptionTree } from '../../../src/broker/subscription-tree.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION } from '../../support/versions.ts'

/** `$dev` stands for any topic with $; that of the Server is below. */
const matching: readonly [topicFilter: string, topicName: string, isDelivered: boolean][] = [
  ['sport/#', 'sport', true],
  ['sport/#', 'sport/', true],
  ['sport/#', 'sport/a/b', true],
  ['sport/#', 'sports', false],
  ['#', '/', true],
  ['#', '$dev/x', false],
  ['+/x', '$dev/x', false],
  ['+/#', '$dev/x', false],
  ['$dev/#', '$dev', true],
  ['$dev/#', '$dev/x/y', true],
  ['$dev/+', '$dev/x', true],
  ['a/+/b', 'a//b', true],
  ['+/#', 'a', true],
  ['a/b/', 'a/b', false],
  ['a/b', 'a/b/', false],
  ['+', 'finance', true],
  ['+', '/finance', false],
  ['/+', '/finance', true],
  ['+/+', '/finance', true],
  ['+/+', '/', true],
  ['+/+/+', '//', true],
  ['sport/+', 'sport', false],
  ['sport/+', 'sport/', true],
  ['a//b', 'a/b', false],
  ['a/#', 'A/x', false],
  ['\u00e9', '\u00e9', true],
  ['\u00e9', 'e\u0301', false],
  ['a/\ufeffb', 'a/b', false],
  ['a/ b', 'a/b', false],
]

const titled = matching.map(([topicFilter, topicName, isDelivered]) => {
  const verb = isDelivered ? 'matches' : 'does not match'
  return {
    title: `${JSON.stringify(topicFilter)} ${verb} ${JSON.stringify(topicName)}`,
    topicFilter,
    topicName,
    isDelivered,
  }
})

/** Ids of the statements about matching, for titles. */
const MATCHING =
  '[v5:MQTT-3.3.2-3] [v311:MQTT-3.3.2-3] [v5:MQTT-4.7.2-1] [v311:MQTT-4.7.2-1] [v5:MQTT-4.7.3-4] [v311:MQTT-4.7.3-4]'

describe.each(EACH_VERSION)('matching in MQTT %s', (_name, version) => {
  describe(`${MATCHING} R-08 live and retained messages`, () => {
    it.each(titled)('$title', async ({ topicFilter, topicName, isDelivered }) => {
      const { client } = await startBroker()
      const publisher = await client({ version })
      await publisher.publishAndWait(topicName, 'retained', { qos: 1, retain: true })
      const subscriber = await client({ version })
      await subscriber.subscribe({ topicFilter, qos: 1 })
      await publisher.publishAndWait(topicName, 'live', { qos: 1 })
      for (const payload of isDelivered ? ['retained', 'live'] : []) {
        expect(await subscriber.message()).toMatchObject({ topic: topicName, payload })
      }
      await subscriber.quiet()
    })
  })

  it.each([
    ['#', 0],
    ['+/broker/version', 0],
    ['+/#', 0],
    ['$SYS/broker/version', 1],
    ['$SYS/broker/+', 1],
    ['$SYS/+/version', 1],
    ['$SYS/#', 1],
  ])('R-08 [v5:MQTT-4.7.2-1] [v311:MQTT-4.7.2-1] %s gets $SYS/broker/version %i times', async (topicFilter, times) => {
    const { client } = await startBroker({ sysIntervalSeconds: 10, version: 'test' })
    const subscriber = await client({ version })
    await subscriber.subscribe(topicFilter)
    const topics = (await subscriber.untilPong()).map((packet) => {
      return packet.packetType === PacketType.PUBLISH ? packet.message.topicName : `packet type ${packet.packetType}`
    })
    expect(topics.filter((topic) => topic === '$SYS/broker/version')).toHaveLength(times)
    if (times === 0) expect(topics).toEqual([])
  })

  it('T-02 [v5:MQTT-4.7.3-4] [v311:MQTT-4.7.3-4] keeps topics apart that differ in slashes only', async () => {
    const topics = ['a', '/a', 'a/', '//a', '/a/', 'a//']
    const { client } = await startBroker()
    const subscriber = await client({ version })
    for (const topic of topics) await subscriber.subscribe({ topicFilter: topic, qos: 1 })
    const publisher = await client({ version })
    for (const topic of topics) await publisher.publishAndWait(topic, `to ${topic}`, { qos: 1, retain: true })
    for (const topic of topics) expect(await subscriber.message()).toMatchObject({ topic, payload: `to ${topic}` })
    await subscriber.quiet()

    const late = await client({ version })
    for (const topic of topics) {
      await late.subscribe(topic)
      expect(await late.message()).toMatchObject({ topic, payload: `to ${topic}` })
    }
    await late.quiet()
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'size'])(
    'T-03 takes %s for a level like any other',
    async (level) => {
      const { client } = await startBroker()
      const both = [level, `${level}/${level}`]
      const expected: readonly (readonly [topicFilter: string, topics: readonly string[]])[] = [
        [level, [level]],
        [`${level}/${level}`, [`${level}/${level}`]],
        [`${level}/+`, [`${level}/${level}`]],
        [`+/${level}`, [`${level}/${level}`]],
        [`${level}/#`, both],
        [`$share/${level}/${level}/#`, both],
        ['x', []],
      ]
      const publisher = await client({ version })
      for (const topic of both) await publisher.publishAndWait(topic, 'retained', { qos: 1, retain: true })
      for (const [topicFilter, topics] of expected) {
        const subscriber = await client({ version })
        await subscriber.subscribe(topicFilter)
        const retained = topicFilter.startsWith('$share/') ? [] : topics
        for (const topic of retained) expect(await subscriber.message()).toMatchObject({ topic, payload: 'retained' })
        for (const topic of [...both, 'x/y']) await publisher.publishAndWait(topic, 'live', { qos: 1 })
        for (const topic of topics) expect(await subscriber.message()).toMatchObject({ topic, payload: 'live' })
        await subscriber.unsubscribe(topicFilter)
        await publisher.publishAndWait(level, 'after', { qos: 1 })
        await subscriber.quiet()
      }
    },
  )

  it('T-03 takes a level of 60,000 bytes, in a topic that is found as a whole and by wildcards', async () => {
    const long = 'x'.repeat(60_000)
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe([`${long}/a`, `+/b`, `c/#`])
    const publisher = await client({ version })
    publisher.publish(`${long}/a`, '1')
    publisher.publish(`${long}/b`, '2')
    publisher.publish(`c/${long}`, '3')
    publisher.publish(`${long.slice(1)}/a`, 'not this')
    await publisher.quiet()
    expect((await subscriber.message()).topic).toBe(`${long}/a`)
    expect((await subscriber.message()).topic).toBe(`${long}/b`)
    expect((await subscriber.message()).topic).toBe(`c/${long}`)
    await subscriber.quiet()
  })

  it('[v5:MQTT-4.7.3-3] [v311:MQTT-4.7.3-3] B-12 takes a topic and a filter of 65,535 bytes, whatever the characters are', async () => {
    const { client } = await startBroker({ limits: { maximumTopicLevels: 4096 } })
    const subscriber = await client({ version })
    // 3 bytes each
    const topic = '\u20ac'.repeat(21_845)
    expect(Buffer.byteLength(topic)).toBe(65_535)
    await subscriber.subscribe({ topicFilter: topic, qos: 1 })
    subscriber.publish(topic, 'x')
    expect((await subscriber.message()).topic).toBe(topic)
  })

  it('T-14 delivers one copy of a topic of 11 levels to a session that holds all 2,048 combinations of + over them', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    const levels = 'abcdefghijk'.split('')
    const filters = Array.from({ length: 2 ** levels.length }, (_, bits) =>
      levels.map((level, i) => ((bits >> i) & 1 ? '+' : level)).join('/'),
    )
    for (let i = 0; i < filters.length; i += 256) {
      const part = filters.slice(i, i + 256)
      const suback = await subscriber.subscribe(part.map((topicFilter) => ({ topicFilter, qos: 1 })))
      expect(suback.codes).toEqual(part.map(() => 1))
    }
    const publisher = await client({ version })
    for (const payload of ['first', 'again']) {
      await publisher.publishAndWait(levels.join('/'), payload, { qos: 1 })
      expect(await subscriber.message()).toMatchObject({ topic: levels.join('/'), payload })
    }
    await publisher.publishAndWait('a/b/c/d/e/f/g/h/i/j/x', 'only where the last level is +', { qos: 1 })
    await publisher.publishAndWait('a/b/c', 'too short', { qos: 1 })
    expect((await subscriber.message()).payload).toBe('only where the last level is +')
    await subscriber.quiet()
  })
})

describe('the tree of subscriptions', () => {
  /** How often the way of one topic through the tree looks for a level. */
  function looksFor(topicName: string, filters: readonly string[]): number {
    const tree = new SubscriptionTree()
    for (const filter of filters) tree.at(filter)
    const looks = vi.spyOn(Map.prototype, 'get')
    try {
      tree.match(topicName, { visit: () => {} })
      return looks.mock.calls.length
    } finally {
      looks.mockRestore()
    }
  }

  it('T-14 looks at no more levels when 20,000 subscriptions do not match than when none does', () => {
    const matching = ['a/b/c/d', 'a/+/c/d', 'a/#', '+/b/+/d']
    const others = Array.from({ length: 20_000 }, (_, i) => `a/b/${i % 2 === 0 ? `c/x${i}` : `x${i}/d`}`)
    expect(looksFor('a/b/c/d', [...matching, ...others])).toBe(looksFor('a/b/c/d', matching))
  })

  it('T-14 looks for at most three levels a node when all combinations of + are held', () => {
    const levels = 'abcdefghijk'.split('')
    const filters = Array.from({ length: 2 ** levels.length }, (_, bits) =>
      levels.map((level, i) => ((bits >> i) & 1 ? '+' : level)).join('/'),
    )
    const nodes = 2 ** (levels.length + 1) - 1
    expect(looksFor(levels.join('/'), filters)).toBeLessThanOrEqual(3 * nodes)
  })
})
