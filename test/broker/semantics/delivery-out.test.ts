import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import type { QoS } from '../../../src/codec/qos.ts'
import { take } from '../../support/taking.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType

const EVERY_QOS = [0, 1, 2] as const
const PAIRS = EVERY_QOS.flatMap((published) =>
  EVERY_QOS.map((granted) => [published, granted, Math.min(published, granted) as QoS] as const),
)

describe.each(EACH_VERSION)('delivery to a subscriber of MQTT %s', (_name, version) => {
  it.each(PAIRS)(
    'O-01 [v311:MQTT-3.8.4-6] [v5:MQTT-3.8.4-8] delivers what is published at QoS %d and granted at QoS %d at QoS %d',
    async (published, granted, delivered) => {
      const { client } = await startBroker()
      const subscriber = await client({ version })
      expect((await subscriber.subscribe({ topicFilter: 'a', qos: granted })).codes).toEqual([granted])
      const publisher = await client()
      await publisher.publishAndWait('a', 'x', { qos: published })
      await publisher.quiet()
      expect(await take(subscriber, 1)).toMatchObject([{ payload: 'x', qos: delivered, dup: false }])
      await subscriber.quiet()
    },
  )

  it('O-02 [v311:MQTT-3.3.5-1] [v311:MQTT-3.3.2-3] [v5:MQTT-3.3.4-2] [v5:MQTT-3.3.2-3] sends one copy at the highest granted QoS of overlapping subscriptions', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe([
      { topicFilter: 'a/#', qos: 1 },
      { topicFilter: 'a/b', qos: 0 },
      { topicFilter: '+/b', qos: 2 },
      { topicFilter: '#', qos: 0 },
      { topicFilter: 'b/#', qos: 2 },
    ])
    const publisher = await client()
    await publisher.publishAndWait('a/b', 'two', { qos: 2 })
    await publisher.publishAndWait('a/c', 'one', { qos: 2 })
    await publisher.publishAndWait('c/c', 'none', { qos: 2 })
    const messages = await take(subscriber, 3)
    expect(messages.sort((one, other) => (one.topicName < other.topicName ? -1 : 1))).toMatchObject([
      { topicName: 'a/b', payload: 'two', qos: 2 },
      { topicName: 'a/c', payload: 'one', qos: 1 },
      { topicName: 'c/c', payload: 'none', qos: 0 },
    ])
    await subscriber.quiet()
  })

  it('O-02 sends one copy for 2,048 overlapping subscriptions', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    const levels = 'a/b/c/d/e/f/g/h/i/j/k'.split('/')
    const filters = Array.from({ length: 2048 }, (_, mask) =>
      levels.map((level, i) => ((mask >> i) & 1 ? '+' : level)).join('/'),
    )
    await subscriber.subscribe(filters.map((topicFilter, i) => ({ topicFilter, qos: (i % 3) as QoS })))
    const publisher = await client()
    await publisher.publishAndWait(levels.join('/'), 'x', { qos: 1 })
    expect(await take(subscriber, 1)).toMatchObject([{ payload: 'x', qos: 1 }])
    await subscriber.quiet()
  })

  it('O-05 [v311:MQTT-4.6.0-5] [v311:MQTT-4.6.0-6] [v5:MQTT-4.6.0-5] [v5:MQTT-4.6.0-6] keeps one order of QoS 1 and 2 over a full window, an offline queue and resumes', async () => {
    const { client } = await startBroker({ limits: { maximumInFlightMessages: 5 } })
    let subscriber = await client(keeping(version, 'subscriber'))
    await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
    const publisher = await client()
    let sent = 0
    const publishMore = async (count: number) => {
      for (let i = 0; i < count; i++) {
        sent++
        await publisher.publishAndWait('a', String(sent), { qos: sent % 3 === 0 ? 1 : 2 })
      }
    }
    const order: number[] = []
    const takeSome = async (count: number) => {
      for (const { payload } of await take(subscriber, count)) order.push(Number(payload))
    }
    await publishMore(20)
    await takeSome(8)
    await subscriber.end()
    await publishMore(20)
    subscriber = await client(keeping(version, 'subscriber'))
    await publishMore(20)
    await takeSome(8)
    await subscriber.end()
    subscriber = await client(keeping(version, 'subscriber'))
    while (order.at(-1) !== sent) await takeSome(1)
    // what was sent and cut off unread has come on the next connection; nothing came twice, for what was read was acknowledged
    expect(order).toEqual(Array.from({ length: sent }, (_, i) => i + 1))
    await subscriber.quiet()
  })

  it('O-05 keeps the order of QoS 0', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe('a')
    const publisher = await client()
    for (let i = 0; i < 500; i++) publisher.publish('a', String(i))
    const payloads = (await take(subscriber, 500)).map(({ payload }) => Number(payload))
    expect(payloads).toEqual(Array.from({ length: 500 }, (_, i) => i))
  })

  it('O-06 [v311:MQTT-3.3.1-1] [v311:MQTT-4.3.2-1] [v311:MQTT-4.4.0-1] [v5:MQTT-3.3.1-1] [v5:MQTT-4.3.2-1] [v5:MQTT-4.3.2-2] [v5:MQTT-4.3.2-3] [v5:MQTT-4.4.0-1] sends QoS 1 with DUP 0 first, and with DUP 1 and the same id on the next connection, until PUBACK', async () => {
    const { client } = await startBroker()
    const first = await client(keeping(version, 'subscriber'))
    await first.subscribe({ topicFilter: 'a', qos: 1 })
    const publisher = await client()
    await publisher.publishAndWait('a', 'x', { qos: 1 })
    const { packetId, ...once } = await first.message()
    expect(once).toMatchObject({ dup: false, qos: 1, payload: 'x' })
    await first.end()
    for (let i = 0; i < 2; i++) {
      const again = await client(keeping(version, 'subscriber'))
      expect(await again.message()).toMatchObject({ dup: true, qos: 1, payload: 'x', packetId })
      if (i === 1) again.acknowledge(PUBACK, packetId)
      await again.quiet()
      await again.end()
    }
    const last = await client(keeping(version, 'subscriber'))
    await last.quiet()
  })

  it('O-06 [v311:MQTT-4.3.3-1] [v5:MQTT-4.3.3-1] [v5:MQTT-4.3.3-2] [v5:MQTT-4.3.3-3] [v5:MQTT-4.3.3-4] [v5:MQTT-4.3.3-5] [v5:MQTT-4.3.3-6] sends QoS 2 again until PUBREC, then PUBREL until PUBCOMP, and never PUBLISH after PUBREL', async () => {
    const { client } = await startBroker()
    const resumed = () => client(keeping(version, 'subscriber'))
    const first = await resumed()
    await first.subscribe({ topicFilter: 'a', qos: 2 })
    const publisher = await client()
    await publisher.publishAndWait('a', 'x', { qos: 2 })
    const { packetId, ...once } = await first.message()
    expect(once).toMatchObject({ dup: false, qos: 2, payload: 'x' })
    await first.end()

    const second = await resumed()
    expect(await second.message()).toMatchObject({ dup: true, qos: 2, payload: 'x', packetId })
    second.acknowledge(PUBREC, packetId)
    expect(await second.expect(PUBREL)).toMatchObject({ packetId, reasonCode: 0 })
    await second.quiet()
    await second.end()

    const third = await resumed()
    expect(await third.expect(PUBREL)).toMatchObject({ packetId, reasonCode: 0 })
    third.acknowledge(PUBCOMP, packetId)
    await third.quiet()
    await third.end()

    const last = await resumed()
    await last.quiet()
  })

  it('O-06 [v311:MQTT-3.3.1-2] [v311:MQTT-2.3.1-5] [v311:MQTT-4.3.1-1] [v5:MQTT-3.3.1-2] [v5:MQTT-2.2.1-2] [v5:MQTT-4.3.1-1] sends QoS 0 with DUP 0 and without Packet Identifier', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe('ab')
    const publisher = await client()
    const before = subscriber.received.length
    publisher.publish('ab', 'x', { qos: 2, dup: true })
    await subscriber.message()
    const properties = version === ProtocolVersion.V5 ? '00' : ''
    const body = `00026162${properties}78`
    expect(subscriber.received.subarray(before).toString('hex')).toBe(`300${body.length / 2}${body}`)
  })

  it('O-07 [v311:MQTT-3.3.1-8] [v311:MQTT-3.3.1-9] [v5:MQTT-3.3.1-12] sends RETAIN 0 for a subscription that exists and 1 because of a new one', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe('a')
    const publisher = await client()
    publisher.publish('a', 'kept', { retain: true })
    publisher.publish('a', 'passing')
    expect(await subscriber.message()).toMatchObject({ payload: 'kept', retain: false })
    expect(await subscriber.message()).toMatchObject({ payload: 'passing', retain: false })
    const later = await client({ version })
    await later.subscribe('a')
    expect(await later.message()).toMatchObject({ payload: 'kept', retain: true })
    await later.quiet()
  })
})

describe('delivery of one copy in MQTT 5.0', () => {
  async function twoClients() {
    const { client } = await startBroker()
    return { subscriber: await client({ clientId: 'me' }), publisher: await client() }
  }

  it('O-02 [v5:MQTT-3.3.4-3] [v5:MQTT-3.3.4-4] [v5:U5-3.3.4-4] puts the identifiers of all matching subscriptions on the one copy, and no others', async () => {
    const { subscriber, publisher } = await twoClients()
    await subscriber.subscribe({ topicFilter: 'a/#' }, { subscriptionIdentifiers: [1] })
    await subscriber.subscribe({ topicFilter: 'a/+' }, { subscriptionIdentifiers: [268_435_455] })
    await subscriber.subscribe({ topicFilter: '+/b' })
    await subscriber.subscribe({ topicFilter: 'a/c' }, { subscriptionIdentifiers: [7] })
    publisher.publish('a/b', 'x')
    const { properties } = await subscriber.message()
    expect(new Set(properties.subscriptionIdentifiers)).toEqual(new Set([1, 268_435_455]))
    expect(properties.subscriptionIdentifiers).toHaveLength(2)
    publisher.publish('c/b', 'x')
    expect((await subscriber.message()).properties).toEqual({})
    await subscriber.quiet()
  })

  it('G-03 [v5:MQTT-3.3.4-5] [v5:U5-4.8.2-1] sends the copies of a shared and of a normal subscription with the identifier of each', async () => {
    const { subscriber, publisher } = await twoClients()
    await subscriber.subscribe({ topicFilter: 'a' }, { subscriptionIdentifiers: [1] })
    await subscriber.subscribe({ topicFilter: '$share/g/a' }, { subscriptionIdentifiers: [2] })
    publisher.publish('a', 'x')
    const copies = [await subscriber.message(), await subscriber.message()]
    expect(copies.map(({ properties }) => properties.subscriptionIdentifiers).sort()).toEqual([[1], [2]])
    await subscriber.quiet()
  })

  it.each([
    ['none has it', [false, false], false],
    ['the first has it', [true, false], true],
    ['the second has it', [false, true], true],
  ] as const)(
    'O-03 [v5:MQTT-3.3.1-13] keeps RETAIN in the one copy when one subscription has Retain As Published: %s',
    async (_case, [first, second], retain) => {
      const { subscriber, publisher } = await twoClients()
      await subscriber.subscribe([
        { topicFilter: 'a/#', retainAsPublished: first },
        { topicFilter: 'a/b', retainAsPublished: second },
      ])
      publisher.publish('a/b', 'kept', { retain: true })
      publisher.publish('a/b', 'passing')
      expect(await subscriber.message()).toMatchObject({ payload: 'kept', retain })
      expect(await subscriber.message()).toMatchObject({ payload: 'passing', retain: false })
      await subscriber.quiet()
    },
  )

  it.each([
    ['before', ['own/#', 'own/1']],
    ['behind', ['own/1', 'own/#']],
  ] as const)(
    'O-03 leaves a subscription with No Local out of the copy of an own message, but not one without it %s it',
    async (_case, [noLocal, other]) => {
      const { subscriber, publisher } = await twoClients()
      await subscriber.subscribe(
        { topicFilter: noLocal, noLocal: true, qos: 2, retainAsPublished: true },
        { subscriptionIdentifiers: [1] },
      )
      await subscriber.subscribe({ topicFilter: other, qos: 0 }, { subscriptionIdentifiers: [2] })
      subscriber.publish('own/1', 'mine', { retain: true })
      expect(await subscriber.message()).toMatchObject({
        payload: 'mine',
        qos: 0,
        retain: false,
        properties: { subscriptionIdentifiers: [2] },
      })
      await publisher.publishAndWait('own/1', 'theirs', { qos: 1, retain: true })
      const theirs = await subscriber.message()
      expect(theirs).toMatchObject({ payload: 'theirs', qos: 1, retain: true })
      expect(theirs.properties.subscriptionIdentifiers?.sort()).toEqual([1, 2])
      await subscriber.quiet()
    },
  )
})
