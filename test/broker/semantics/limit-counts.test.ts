import { expect, it } from 'vitest'
import { type LimitName, type Limits, limitRows } from '../../../src/broker/limits.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { willOf } from '../../support/will.ts'

const filters = (count: number): string[] => Array.from({ length: count }, (_, i) => `a/${i}`)

/** Limits whose reaching is counted, how low they are set, and how a client comes up against them. */
const provocations: readonly [LimitName, Partial<Limits>, (broker: TestBroker) => Promise<unknown>][] = [
  [
    'maximumSessions',
    { maximumSessions: 1 },
    async ({ client, open }) => {
      await client()
      expect(await (await open()).connect()).toMatchObject({ code: 0x97 })
      expect(await (await open(4)).connect()).toMatchObject({ code: 3 })
    },
  ],
  [
    'maximumConnections',
    { maximumConnections: 1 },
    async ({ client, open }) => {
      await client()
      await (await open()).connect()
    },
  ],
  [
    'maximumClientIdBytes',
    { maximumClientIdBytes: 23 },
    async ({ open }) => (await open()).connect({ clientId: 'x'.repeat(24) }),
  ],
  [
    'maximumQos',
    { maximumQos: 0 },
    async ({ open }) => (await open()).connect({ will: { ...willOf('a', 'x'), qos: 1 } }),
  ],
  [
    'maximumPacketBytes',
    { maximumPacketBytes: 128 },
    async ({ client }) => {
      const sender = await client()
      sender.publish('a', 'x'.repeat(128))
      await sender.closesWith(0x95)
    },
  ],
  [
    'maximumFiltersPerPacket',
    { maximumFiltersPerPacket: 2 },
    async ({ client }) => {
      expect((await (await client()).subscribe(filters(4))).codes).toEqual([0, 0, 0x97, 0x97])
      expect((await (await client({ version: 4 })).subscribe(filters(3))).codes).toEqual([0, 0, 0x80])
    },
  ],
  [
    'maximumSubscriptions',
    { maximumSubscriptions: 2 },
    async ({ client }) => expect((await (await client()).subscribe(filters(3))).codes).toEqual([0, 0, 0x97]),
  ],
  [
    'maximumTopicBytes',
    { maximumTopicBytes: 4 },
    async ({ client }) => {
      const sender = await client()
      expect((await sender.subscribe(['ääa', 'ää', '$share/group/ää', 'abcd'])).codes).toEqual([0x97, 0, 0, 0])
      expect(await sender.publishAndWait('ääa', 'x', { qos: 1 })).toMatchObject({ reasonCode: 0x90 })
    },
  ],
  [
    'maximumTopicLevels',
    { maximumTopicLevels: 2 },
    async ({ client }) =>
      expect(await (await client()).publishAndWait('a/b/c', 'x', { qos: 1 })).toMatchObject({ reasonCode: 0x90 }),
  ],
  [
    'maximumRetainedMessages',
    { maximumRetainedMessages: 0 },
    async ({ client }) => (await client()).publishAndWait('a', 'x', { qos: 1, retain: true }),
  ],
  [
    'maximumRetainedBytes',
    { maximumRetainedBytes: 0 },
    async ({ client }) => (await client()).publishAndWait('a', 'x', { qos: 1, retain: true }),
  ],
  [
    'maximumTopicAliases',
    { maximumTopicAliases: 1 },
    async ({ client }) => {
      const sender = await client()
      sender.publish('a', 'x', { topicAlias: 2 })
      await sender.closesWith(0x94)
    },
  ],
  [
    'receiveMaximum',
    { receiveMaximum: 1 },
    async ({ client }) => {
      const sender = await client()
      for (const packetId of [1, 2]) sender.publish('a', 'x', { qos: 2, packetId })
      await sender.expect(PacketType.PUBREC)
      await sender.closesWith(0x93)
    },
  ],
  [
    'connectTimeoutSeconds',
    {},
    async ({ open, clock, broker }) => {
      const silent = await open()
      while (broker.metrics.connectionsOpened === 0) await new Promise((resolve) => setImmediate(resolve))
      clock.advance(10_000)
      await silent.closed()
    },
  ],
]

it.each(provocations)(
  '%s: who comes up against it is counted and told, in a line a minute',
  async (name, limits, provoke) => {
    const broker = await startBroker({ limits })
    await provoke(broker)

    expect(new Map(broker.broker.limitCounts()).get(name)).toBeGreaterThan(0)
    const lines = broker.events.filter(({ event }) => event === 'limit')
    expect(lines).toHaveLength(1)
    expect(lines[0]!.detail).toMatch(/^[a-z0-9-]+ is reached: \d+ \w/)
  },
)

it('every limit has a unit, a default within its bounds, and a line that says what happens', () => {
  for (const [name, row] of Object.entries(limitRows)) {
    expect(row.default, name).toBeGreaterThanOrEqual(row.minimum)
    expect(row.default, name).toBeLessThanOrEqual(row.maximum)
    expect(row.help, name).toMatch(/^[a-zQ][^\n]{10,}$/)
  }
})
