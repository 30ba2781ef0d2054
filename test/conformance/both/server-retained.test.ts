import { describe, expect, it } from 'vitest'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION } from '../../support/versions.ts'

const { V5 } = ProtocolVersion

describe.each(EACH_VERSION)('RETAIN, MQTT %s', (_, version) => {
  /** What a new subscriber gets at once, and nothing more. */
  async function retainedMessages(test: TestBroker, count: number, topicFilter = '#') {
    const late = await test.client({ version })
    await late.subscribe({ topicFilter, qos: 2 })
    const messages: Awaited<ReturnType<RawClient['message']>>[] = []
    for (let i = 0; i < count; i++) messages.push(await late.message())
    await late.quiet()
    return messages.map(({ topic, payload, qos, retain }) => ({ topic, payload, qos, retain }))
  }

  it('[v5:MQTT-3.3.1-5, v311:MQTT-3.3.1-5, v311:MQTT-3.3.1-6, v311:MQTT-3.3.1-8] keeps the last message of each topic, with its QoS, for later subscribers, who get it with RETAIN 1', async () => {
    const test = await startBroker()
    const publisher = await test.client({ version })
    for (const [topicName, payload, qos] of [
      ['a', 'old', 2],
      ['a', 'new', 1],
      ['b', 'other', 2],
    ] as const) {
      await publisher.publishAndWait(topicName, payload, { qos, retain: true })
    }

    expect(await retainedMessages(test, 2)).toEqual([
      { topic: 'a', payload: 'new', qos: 1, retain: true },
      { topic: 'b', payload: 'other', qos: 2, retain: true },
    ])
    expect(await retainedMessages(test, 1, 'b')).toMatchObject([{ topic: 'b' }])
  })

  it('[v311:MQTT-3.3.1-7] of a QoS 0 message discards the one before', async () => {
    const test = await startBroker()
    const publisher = await test.client({ version })
    await publisher.publishAndWait('a', 'old', { qos: 2, retain: true })
    publisher.publish('a', 'new', { qos: 0, retain: true })
    await publisher.quiet()

    expect(await retainedMessages(test, 1)).toMatchObject([{ payload: 'new', qos: 0 }])
  })

  it('[v5:MQTT-3.3.1-12, v311:MQTT-3.3.1-9] is 0 for a subscription that was there', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe('a')
    const publisher = await client({ version })
    await publisher.publishAndWait('a', 'x', { qos: 1, retain: true })

    expect(await subscriber.message()).toMatchObject({ payload: 'x', retain: false })
  })

  it('[v5:MQTT-3.3.1-6, v5:MQTT-3.3.1-7, v311:MQTT-3.3.1-10, v311:MQTT-3.3.1-11, V31-22] with an empty payload is delivered, deletes what was kept, and is not kept itself', async () => {
    const test = await startBroker()
    const publisher = await test.client({ version })
    await publisher.publishAndWait('a', 'x', { qos: 1, retain: true })
    const subscriber = await test.client({ version })
    await subscriber.subscribe('a')
    await subscriber.message()
    await publisher.publishAndWait('a', '', { qos: 1, retain: true })

    expect(await subscriber.message()).toMatchObject({ topic: 'a', payload: '', retain: false })
    expect(await retainedMessages(test, 0)).toEqual([])
    expect(test.broker.gauges.retainedMessages).toBe(0)
  })

  it('[v5:MQTT-3.3.1-8, v311:MQTT-3.3.1-12] of 0 neither keeps nor touches what was kept', async () => {
    const test = await startBroker()
    const publisher = await test.client({ version })
    await publisher.publishAndWait('a', 'kept', { qos: 1, retain: true })
    for (const [topicName, payload] of [
      ['a', 'live'],
      ['a', ''],
      ['b', 'live'],
    ] as const) {
      await publisher.publishAndWait(topicName, payload, { qos: 1 })
    }

    expect(await retainedMessages(test, 1)).toMatchObject([{ topic: 'a', payload: 'kept' }])
  })

  it('[v5:MQTT-3.8.4-3, v5:MQTT-3.8.4-4, v311:MQTT-3.8.4-3] messages come again for a filter that is subscribed to again, which replaces the old subscription', async () => {
    const { client } = await startBroker()
    const publisher = await client({ version })
    await publisher.publishAndWait('a', 'kept', { qos: 2, retain: true })
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
    expect(await subscriber.message()).toMatchObject({ payload: 'kept', qos: 2 })
    await subscriber.subscribe({ topicFilter: 'a', qos: 0 })
    expect(await subscriber.message()).toMatchObject({ payload: 'kept', qos: 0, retain: true })

    await publisher.publishAndWait('a', 'live', { qos: 2 })
    expect(await subscriber.message()).toMatchObject({ payload: 'live', qos: 0 })
    await subscriber.quiet()
  })
})

describe('RETAIN, MQTT 5.0', () => {
  async function kept() {
    const test = await startBroker()
    const publisher = await test.client()
    await publisher.publishAndWait('a', 'kept', { qos: 1, retain: true })
    return { ...test, publisher }
  }

  it('[v5:MQTT-3.3.1-9] messages come with each SUBSCRIBE at Retain Handling 0', async () => {
    const { client } = await kept()
    const subscriber = await client()
    for (let i = 0; i < 2; i++) {
      await subscriber.subscribe({ topicFilter: 'a', retainHandling: 0 })
      await subscriber.message()
    }
    await subscriber.quiet()
  })

  it('[v5:MQTT-3.3.1-10] messages come at Retain Handling 1 only when the subscription is new', async () => {
    const { client } = await kept()
    const subscriber = await client()
    await subscriber.subscribe({ topicFilter: 'a', retainHandling: 1 })
    await subscriber.message()
    await subscriber.subscribe({ topicFilter: 'a', retainHandling: 1 })
    await subscriber.quiet()
    await subscriber.unsubscribe('a')
    await subscriber.subscribe({ topicFilter: 'a', retainHandling: 1 })

    expect(await subscriber.message()).toMatchObject({ payload: 'kept' })
  })

  it('[v5:MQTT-3.3.1-11] messages do not come at Retain Handling 2', async () => {
    const { client } = await kept()
    const subscriber = await client()
    await subscriber.subscribe({ topicFilter: 'a', retainHandling: 2 })

    await subscriber.quiet()
  })

  it('[v5:MQTT-3.3.1-12, v5:MQTT-3.3.1-13] reaches a subscription as published, or as 0, as it asked', async () => {
    const { client, publisher } = await kept()
    const asPublished = await client()
    await asPublished.subscribe({ topicFilter: 'a', retainAsPublished: true, retainHandling: 2 })
    const plain = await client()
    await plain.subscribe({ topicFilter: 'a', retainAsPublished: false, retainHandling: 2 })
    await publisher.publishAndWait('a', 'x', { qos: 1, retain: true })
    await publisher.publishAndWait('a', 'y', { qos: 1, retain: false })

    expect([(await asPublished.message()).retain, (await asPublished.message()).retain]).toEqual([true, false])
    expect([(await plain.message()).retain, (await plain.message()).retain]).toEqual([false, false])
  })

  it('[v5:U5-3.8.3.1-3] is 1 on messages sent for a new subscription, whatever Retain As Published says', async () => {
    const { client } = await kept()
    for (const retainAsPublished of [false, true]) {
      const subscriber = await client()
      await subscriber.subscribe({ topicFilter: 'a', retainAsPublished })
      expect(await subscriber.message()).toMatchObject({ payload: 'kept', retain: true })
    }
  })

  it('[v5:U5-3.8.4-1] messages do not come for a Shared Subscription', async () => {
    const { client } = await kept()
    const subscriber = await client()
    await subscriber.subscribe('$share/g/a')

    await subscriber.quiet()
  })

  it('[v5:U5-3.3.1.3-1] message that has expired is gone', async () => {
    const { client, clock, broker, publisher } = await kept()
    const properties = { messageExpiryIntervalSeconds: 10 }
    await publisher.publishAndWait('b', 'short-lived', { qos: 1, retain: true, properties })
    clock.advance(9_999)
    const early = await client()
    await early.subscribe('b')
    expect(await early.message()).toMatchObject({ payload: 'short-lived' })
    clock.advance(1)
    const late = await client()
    await late.subscribe('b')

    await late.quiet()
    expect(broker.gauges.retainedMessages).toBe(1)
  })

  it('[v5:U5-3.2.2.3.5-2] is refused with 0x9A where nothing is retained, which CONNACK has said', async () => {
    const { client } = await startBroker({ retainAvailable: false })
    const publisher = await client({ version: V5 })
    expect(publisher.connack.properties.retainAvailable).toBe(0)
    publisher.publish('a', 'x', { retain: true })

    expect(await publisher.next()).toMatchObject({ reasonCode: 0x9a })
    await publisher.closed()
  })
})
