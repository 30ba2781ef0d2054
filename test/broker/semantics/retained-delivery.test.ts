import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { RetainHandling } from '../../../src/codec/packets/subscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { DropReason } from '../../../src/session/qos-sender.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V5 } = ProtocolVersion

/** Has `r/1`, `r/2` ... retained, each with its number as payload. */
async function retain(publisher: RawClient, count: number, qos: 0 | 1 | 2 = 1, padding = ''): Promise<void> {
  for (let i = 1; i <= count; i++)
    publisher.publish(`r/${i}`, `${i}${padding}`, { qos: qos === 0 ? 0 : 1, retain: true })
  await publisher.untilPong()
}

/** Takes the next message, which has to be this one, and acknowledges it. */
async function take(subscriber: RawClient, payload: string): Promise<void> {
  const message = await subscriber.message()
  expect(message.payload).toBe(payload)
  subscriber.acknowledge(PacketType.PUBACK, message.packetId)
}

describe.each(EACH_VERSION)('retained messages for a subscriber in MQTT %s', (_name, version) => {
  it('[v311:MQTT-3.3.1-8] [v311:MQTT-3.3.1-9] [v5:MQTT-3.3.1-12] O-07 carry RETAIN 1, and later ones of the same topic RETAIN 0', async () => {
    const { client } = await startBroker()
    const publisher = await client({ version })
    await retain(publisher, 1)
    const subscriber = await client({ version })
    await subscriber.subscribe('r/+')
    expect(await subscriber.message()).toMatchObject({ payload: '1', retain: true, dup: false, packetId: 0 })
    publisher.publish('r/1', 'live', { retain: true })
    expect(await subscriber.message()).toMatchObject({ payload: 'live', retain: false })
  })

  it('R-06 [v311:MQTT-3.8.4-3] [v5:MQTT-3.8.4-4] [v5:MQTT-3.3.1-9] come again with every SUBSCRIBE, also one that replaces a subscription', async () => {
    const { client } = await startBroker()
    await retain(await client(), 2)
    const subscriber = await client({ version })
    for (const qos of [1, 1, 0, 1] as const) {
      await subscriber.subscribe({ topicFilter: 'r/+', qos })
      for (const payload of ['1', '2']) expect(await subscriber.message()).toMatchObject({ payload, qos, retain: true })
      await subscriber.quiet()
    }
  })

  it('R-09 O-04 come with fresh ids and DUP 0, never with one that is open', async () => {
    const { client } = await startBroker()
    await retain(await client(), 3)
    const subscriber = await client({ version })
    const open = new Set<number>()
    for (let round = 1; round <= 3; round++) {
      await subscriber.subscribe({ topicFilter: 'r/+', qos: 2 })
      for (const payload of ['1', '2', '3']) {
        const message = await subscriber.message()
        expect(message).toMatchObject({ payload, dup: false })
        open.add(message.packetId)
      }
      expect(open.size).toBe(3 * round)
    }
    expect(open.has(0)).toBe(false)
  })

  it('R-09 R-14 wait until the subscriber has acknowledged, and none is lost', async () => {
    const { broker, client } = await startBroker({ limits: { maximumInFlightMessages: 10 } })
    await retain(await client(), 500)
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: '#', qos: 1 })
    const inFlight: number[] = []
    for (let i = 1; i <= 10; i++) inFlight.push((await subscriber.message()).packetId)
    await subscriber.quiet()
    expect(broker.metrics.messagesSent[1]).toBe(10)
    const seen: string[] = []
    while (inFlight.length > 0) {
      subscriber.acknowledge(PacketType.PUBACK, inFlight.shift()!)
      if (seen.length === 490) continue
      const message = await subscriber.message()
      expect(message.retain).toBe(true)
      seen.push(message.payload)
      inFlight.push(message.packetId)
    }
    await subscriber.quiet()
    expect(seen).toEqual(Array.from({ length: 490 }, (_, i) => String(i + 11)))
  })

  it('R-14 cost a subscriber that does not read nothing but its output, and others notice nothing', async () => {
    const count = 1500
    const padding = 'x'.repeat(10_000)
    const { broker, client } = await startBroker({ limits: { maximumOutputBytes: 131_072 } })
    await retain(await client(), count, 0, padding)
    const stalled = await client({ version })
    stalled.socket.pause()
    const subscribe = stalled.subscribe('r/#')
    const other = await client({ version })
    await other.subscribe('other')
    // the broker is at work for the stalled one until its socket is full, and answers others between
    for (let i = 0; i < 20; i++) {
      other.publish('other', String(i))
      expect((await other.message()).payload).toBe(String(i))
    }
    const sent = broker.metrics.messagesSent[0]! - 20
    expect(sent).toBeGreaterThan(0)
    expect(sent).toBeLessThan(count)

    stalled.socket.resume()
    await subscribe
    for (let i = 1; i <= count; i++) expect((await stalled.message()).payload.length).toBe(`${i}${padding}`.length)
    await stalled.quiet()
    expect(broker.metrics.messagesDropped[DropReason.QUEUE_FULL]).toBe(0)
  })

  it('R-14 leave others their turn though the subscriber takes all at once', async () => {
    const count = 5000
    const { broker, client } = await startBroker()
    await retain(await client(), count)
    const subscriber = await client({ version })
    const sent = () => broker.metrics.messagesSent[0]!
    let [before, most, isWatching] = [sent(), 0, true]
    const nextTurn = (): void => {
      most = Math.max(most, sent() - before)
      before = sent()
      if (isWatching) setImmediate(nextTurn)
    }
    nextTurn()
    await subscriber.subscribe('r/#')
    for (let i = 1; i <= count; i++) expect((await subscriber.message()).payload).toBe(String(i))
    isWatching = false

    expect(most).toBeGreaterThan(0)
    // what one turn may send, and the rest of what the turn before had begun
    expect(most).toBeLessThanOrEqual(2000)
  })

  /** One retained message at QoS 1 is on its way and unacknowledged, `r/2` is next, `r/3` and `r/4` follow. */
  async function waiting() {
    const broker = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const publisher = await broker.client()
    await retain(publisher, 4)
    const subscriber = await broker.client({ version })
    await subscriber.subscribe({ topicFilter: 'r/+', qos: 1 })
    const first = await subscriber.message()
    await subscriber.quiet()
    return { publisher, subscriber, acknowledge: () => subscriber.acknowledge(PacketType.PUBACK, first.packetId) }
  }

  it.each(['r/2', 'r/3'])('R-05 are dropped when a newer one of %s has passed them at QoS 0', async (topic) => {
    const { publisher, subscriber, acknowledge } = await waiting()
    publisher.publish(topic, 'newer', { retain: true })
    expect(await subscriber.message()).toMatchObject({ topic, payload: 'newer', retain: false })
    acknowledge()
    for (const payload of ['2', '3', '4'].filter((one) => `r/${one}` !== topic)) await take(subscriber, payload)
    await subscriber.quiet()
  })

  it.each(['r/2', 'r/3'])('R-05 are dropped when a newer one of %s waits before them at QoS 1', async (topic) => {
    const { publisher, subscriber, acknowledge } = await waiting()
    await publisher.publishAndWait(topic, 'newer', { qos: 1, retain: true })
    acknowledge()
    await take(subscriber, 'newer')
    for (const payload of ['2', '3', '4'].filter((one) => `r/${one}` !== topic)) await take(subscriber, payload)
    await subscriber.quiet()
  })

  it.each(['r/2', 'r/3'])('R-05 are dropped when %s was removed meanwhile', async (topic) => {
    const { publisher, subscriber, acknowledge } = await waiting()
    publisher.publish(topic, '', { retain: true })
    expect(await subscriber.message()).toMatchObject({ topic, payload: '' })
    acknowledge()
    for (const payload of ['2', '3', '4'].filter((one) => `r/${one}` !== topic)) await take(subscriber, payload)
    await subscriber.quiet()
  })

  it('stop when the subscription goes', async () => {
    const { subscriber, acknowledge } = await waiting()
    await subscriber.unsubscribe('r/+')
    acknowledge()
    await subscriber.quiet()
  })
})

describe('retained messages for a subscriber in MQTT 5.0', () => {
  const { ALWAYS, IF_NEW, NEVER } = RetainHandling

  it.each([
    ['[v5:MQTT-3.3.1-9]', ALWAYS, { first: true, again: true, afterUnsubscribe: true, resumed: true }],
    ['[v5:MQTT-3.3.1-10]', IF_NEW, { first: true, again: false, afterUnsubscribe: true, resumed: false }],
    ['[v5:MQTT-3.3.1-11]', NEVER, { first: false, again: false, afterUnsubscribe: false, resumed: false }],
  ] as const)('R-07 %s follow Retain Handling %i', async (_statement, retainHandling, expected) => {
    const { client } = await startBroker()
    await retain(await client(), 1, 0)
    const request = { topicFilter: 'r/+', qos: 1, retainHandling } as const
    let subscriber = await client(keeping(V5, 'subscriber'))
    const comes = async () => {
      await subscriber.subscribe(request)
      return (await subscriber.untilPong()).length === 1
    }
    const first = await comes()
    const again = await comes()
    await subscriber.unsubscribe('r/+')
    const afterUnsubscribe = await comes()
    subscriber.disconnect()
    await subscriber.closed()
    subscriber = await client(keeping(V5, 'subscriber'))
    const resumed = await comes()
    expect({ first, again, afterUnsubscribe, resumed }).toEqual(expected)
  })

  it.each([true, false])(
    'R-07 [U5-3.8.3.1-3] [v5:MQTT-3.3.1-12] [v5:MQTT-3.3.1-13] carry RETAIN 1 with Retain As Published %s; live ones follow it',
    async (retainAsPublished) => {
      const { client } = await startBroker()
      const publisher = await client()
      await retain(publisher, 1)
      const subscriber = await client()
      await subscriber.subscribe({ topicFilter: 'r/+', qos: 0, retainAsPublished })
      expect(await subscriber.message()).toMatchObject({ payload: '1', retain: true })
      for (const flag of [true, false]) {
        publisher.publish('r/1', `published with ${flag}`, { retain: flag })
        expect(await subscriber.message()).toMatchObject({
          payload: `published with ${flag}`,
          retain: retainAsPublished && flag,
        })
      }
    },
  )

  it('R-09 F-01 obey Receive Maximum', async () => {
    const { client } = await startBroker()
    await retain(await client(), 5)
    const subscriber = await client({ properties: { receiveMaximum: 2 } })
    await subscriber.subscribe({ topicFilter: 'r/+', qos: 1 })
    const first = await subscriber.message()
    await subscriber.message()
    await subscriber.quiet()
    subscriber.acknowledge(PacketType.PUBACK, first.packetId)
    expect((await subscriber.message()).payload).toBe('3')
    await subscriber.quiet()
  })

  it('R-09 F-08 leave out what is larger than the Maximum Packet Size, and the window is not blocked', async () => {
    const { broker, client } = await startBroker()
    const publisher = await client()
    for (const [topic, payload] of [
      ['r/1', 'small'],
      ['r/2', 'x'.repeat(100)],
      ['r/3', 'x'.repeat(100)],
      ['r/4', 'small too'],
    ] as const) {
      await publisher.publishAndWait(topic, payload, { qos: 1, retain: true })
    }
    const subscriber = await client({ properties: { maximumPacketBytes: 60, receiveMaximum: 1 } })
    await subscriber.subscribe({ topicFilter: 'r/+', qos: 1 })
    await take(subscriber, 'small')
    await take(subscriber, 'small too')
    await subscriber.quiet()
    expect(broker.metrics.messagesDropped[DropReason.PACKET_TOO_LARGE]).toBe(2)
  })

  it('R-09 T-12 carry the Subscription Identifier of the subscription that asked alone', async () => {
    const { client } = await startBroker()
    await retain(await client(), 1)
    const subscriber = await client()
    await subscriber.subscribe('r/#', { subscriptionIdentifiers: [1] })
    await subscriber.untilPong()
    await subscriber.subscribe('r/+', { subscriptionIdentifiers: [2] })
    expect((await subscriber.message()).properties).toEqual({ subscriptionIdentifiers: [2] })
    await subscriber.quiet()
  })

  it('R-11 [U5-3.8.4-1] are not sent for a Shared Subscription', async () => {
    const { client } = await startBroker()
    await retain(await client(), 3)
    const subscriber = await client()
    for (const retainHandling of [ALWAYS, IF_NEW, NEVER]) {
      await subscriber.subscribe({ topicFilter: '$share/g/r/#', qos: 1, retainHandling })
      await subscriber.quiet()
    }
  })

  it('R-05 R-10 are dropped when they have expired while they waited', async () => {
    const { client, clock } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const publisher = await client()
    await retain(publisher, 1)
    const properties = { messageExpiryIntervalSeconds: 10 }
    await publisher.publishAndWait('r/2', 'expires', { qos: 1, retain: true, properties })
    const subscriber = await client()
    await subscriber.subscribe({ topicFilter: 'r/+', qos: 1 })
    const first = await subscriber.message()
    clock.advance(10_000)
    subscriber.acknowledge(PacketType.PUBACK, first.packetId)
    await subscriber.quiet()
  })
})
