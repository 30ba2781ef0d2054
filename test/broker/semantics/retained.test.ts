import { describe, expect, it } from 'vitest'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import type { QoS } from '../../../src/codec/qos.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

const { V5 } = ProtocolVersion

/** What a new subscriber finds retained, as `payload` at its QoS. */
async function retained({ client }: TestBroker, topicFilter = '#'): Promise<string[]> {
  const reader = await client()
  await reader.subscribe({ topicFilter, qos: 2 })
  const packets = await reader.untilPong()
  reader.disconnect()
  await reader.closed()
  return packets.map((packet) => {
    if (!('message' in packet)) throw new Error(`packet type ${packet.packetType}`)
    if (!packet.message.retain || packet.dup) throw new Error('RETAIN is 0 or DUP is 1')
    return `${packet.message.topicName} ${packet.message.payload.toString()} at ${packet.qos}`
  })
}

describe.each(EACH_VERSION)('retained messages in MQTT %s', (_name, version) => {
  it('R-01 [v5:MQTT-3.3.1-5] [v311:MQTT-3.3.1-5] [v311:MQTT-3.3.1-6] [v311:MQTT-3.3.1-7] keeps the last one of each topic, a QoS 0 one in place of a QoS 2 one', async () => {
    const broker = await startBroker()
    const publisher = await broker.client({ version })
    for (const qos of [2, 1, 0, 2, 0] as const) {
      await publisher.publishAndWait('a', `a${qos}`, { qos, retain: true })
      await publisher.publishAndWait('b', 'b', { qos: 1, retain: true })
      await publisher.quiet()
      expect(await retained(broker)).toEqual([`a a${qos} at ${qos}`, 'b b at 1'])
      expect(broker.broker.gauges.retainedMessages).toBe(2)
    }
  })

  const pairs = ([0, 1, 2] as const).flatMap((kept) => ([0, 1, 2] as const).map((granted) => [kept, granted] as const))

  it.each(pairs)(
    'R-01 O-01 one kept at QoS %i is delivered to a subscription of QoS %i at the smaller',
    async (kept, granted) => {
      const { client } = await startBroker()
      const publisher = await client({ version })
      await publisher.publishAndWait('a', 'x', { qos: kept, retain: true })
      await publisher.quiet()
      const subscriber = await client({ version })
      await subscriber.subscribe({ topicFilter: 'a', qos: granted })
      const qos = Math.min(kept, granted)
      expect(await subscriber.message()).toMatchObject({ payload: 'x', qos, retain: true, dup: false })
    },
  )

  it('R-02 [v5:MQTT-3.3.1-6] [v5:MQTT-3.3.1-7] [v311:MQTT-3.3.1-10] [v311:MQTT-3.3.1-11] an empty one removes it, is delivered as a live message and is not kept', async () => {
    const broker = await startBroker()
    const publisher = await broker.client({ version })
    const subscriber = await broker.client({ version })
    await subscriber.subscribe('a')
    for (const qos of [0, 1, 2] as const) {
      await publisher.publishAndWait('a', 'x', { qos: 1, retain: true })
      expect(await subscriber.message()).toMatchObject({ topic: 'a', payload: 'x', retain: false })
      await publisher.publishAndWait('a', '', { qos, retain: true })
      await publisher.quiet()
      expect(await subscriber.message()).toMatchObject({ topic: 'a', payload: '', retain: false })
      expect(await retained(broker)).toEqual([])
      expect(broker.broker.gauges).toMatchObject({ retainedMessages: 0, retainedBytes: 0 })
    }
    // where there is nothing to remove
    await publisher.publishAndWait('never/there', '', { qos: 1, retain: true })
    expect(broker.broker.gauges).toMatchObject({ retainedMessages: 0, retainedBytes: 0 })
  })

  it('R-03 [v5:MQTT-3.3.1-8] [v311:MQTT-3.3.1-12] RETAIN 0 touches no retained message, not even when it is empty', async () => {
    const broker = await startBroker()
    const publisher = await broker.client({ version })
    await publisher.publishAndWait('a', 'kept', { qos: 1, retain: true })
    for (const payload of ['other', '']) {
      await publisher.publishAndWait('a', payload, { qos: 1 })
      await publisher.publishAndWait('b', payload, { qos: 1 })
    }
    expect(await retained(broker)).toEqual(['a kept at 1'])
  })

  it('R-04 shows the new value to everybody who subscribes once the publisher has its last acknowledgement', async () => {
    const broker = await startBroker()
    const publisher = await broker.client({ version })
    for (let i = 0; i < 10; i++) {
      const qos = i % 2 === 0 ? 1 : 2
      await publisher.publishAndWait('a', String(i), { qos, retain: true })
      expect(await retained(broker)).toEqual([`a ${i} at ${qos}`])
    }
  })

  it('R-12 [v311:MQTT-3.1.2-7] [U311-4.1-1] outlives a clean start and the end of the session that published it', async () => {
    const broker = await startBroker()
    const first = await broker.client(keeping(version, 'publisher'))
    await first.publishAndWait('a', 'x', { qos: 1, retain: true })
    first.disconnect()
    await first.closed()
    const clean = await broker.client({ version, clientId: 'publisher', cleanStart: true })
    expect(await retained(broker)).toEqual(['a x at 1'])
    clean.cut()
    await broker.logged('disconnect', 'publisher')
    broker.clock.advance(100 * 365 * 86_400_000)
    expect(await retained(broker)).toEqual(['a x at 1'])
  })

  it('R-13 P-12 keeps nothing of a publisher that has no right to the topic; what is kept stays when the right is taken away', async () => {
    let mayPublish = true
    const broker = await startBroker({ access: testAccess({ mayPublish: () => mayPublish }) })
    const publisher = await broker.client({ version })
    await publisher.publishAndWait('a', 'allowed', { qos: 1, retain: true })
    mayPublish = false
    for (const payload of ['forbidden', '']) {
      for (const qos of [0, 1, 2] as const) await publisher.publishAndWait('a', payload, { qos, retain: true })
      await publisher.publishAndWait('b', payload, { qos: 1, retain: true })
    }
    expect(await retained(broker)).toEqual(['a allowed at 1'])
  })

  it('R-15 delivers a message that cannot be kept, answers 0x97, and removes the old one rather than leaving it stale', async () => {
    const broker = await startBroker({ limits: { maximumRetainedMessages: 2, maximumRetainedBytes: 2000 } })
    const subscriber = await broker.client({ version })
    await subscriber.subscribe({ topicFilter: '#', qos: 0 })
    const publisher = await broker.client({ version })
    const tooMuch = version === V5 ? 0x97 : 0
    const publish = async (topic: string, payload: string, qos: QoS, reasonCode: number) => {
      const answer = await publisher.publishAndWait(topic, payload, { qos, retain: true })
      await publisher.quiet()
      if (qos > 0) expect(answer!.reasonCode).toBe(reasonCode)
      expect((await subscriber.message()).payload).toBe(payload)
    }
    await publish('a', 'a1', 1, 0)
    await publish('b', 'b1', 2, 0)
    await publish('c', 'one too many', 1, tooMuch)
    await publish('c', 'one too many', 2, tooMuch)
    await publish('c', 'one too many', 0, 0)
    expect(await retained(broker)).toEqual(['a a1 at 1', 'b b1 at 2'])
    // in place of one that is there, there is room
    await publish('b', 'b2', 1, 0)
    expect(await retained(broker)).toEqual(['a a1 at 1', 'b b2 at 1'])
    const large = 'x'.repeat(2000)
    await publish('b', large, 1, tooMuch)
    expect(await retained(broker)).toEqual(['a a1 at 1'])
    await publish('c', 'c1', 1, 0)
    expect(await retained(broker)).toEqual(['a a1 at 1', 'c c1 at 1'])
    expect(broker.broker.gauges.retainedMessages).toBe(2)
  })

  it('R-15 W-05 holds for a retained will too', async () => {
    const broker = await startBroker({ limits: { maximumRetainedMessages: 1 } })
    const subscriber = await broker.client({ version })
    await subscriber.subscribe('will')
    const publisher = await broker.client({ version })
    await publisher.publishAndWait('a', 'x', { qos: 1, retain: true })
    const dying = await broker.client({ version, will: willOf('will', 'gone', { retain: true }) })
    dying.cut()
    expect((await subscriber.message()).payload).toBe('gone')
    expect(await retained(broker)).toEqual(['a x at 1'])
  })
})

describe('retained messages in MQTT 5.0', () => {
  it('R-01 D-04 keeps all properties of a message', async () => {
    const { client } = await startBroker()
    const publisher = await client()
    const properties = {
      payloadFormatIndicator: 1,
      contentType: 'text/plain',
      responseTopic: 'answers',
      correlationData: Buffer.from([0, 1, 255]),
      userProperties: [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ] as [string, string][],
    }
    await publisher.publishAndWait('a', 'x', { qos: 1, retain: true, properties })
    const subscriber = await client()
    await subscriber.subscribe('a')
    expect((await subscriber.message()).properties).toEqual(properties)
  })

  it('R-02 an empty one carries RETAIN 1 where Retain As Published is set', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe({ topicFilter: 'a', qos: 0, retainAsPublished: true })
    const publisher = await client()
    for (const payload of ['x', '']) {
      publisher.publish('a', payload, { retain: true })
      expect(await subscriber.message()).toMatchObject({ payload, retain: true })
    }
  })

  it('R-10 [U5-3.3.1.3-1] [v5:MQTT-3.3.2-6] sends what is left of the interval, and neither sends nor counts one that has expired', async () => {
    const broker = await startBroker()
    const publisher = await broker.client()
    const properties = { messageExpiryIntervalSeconds: 100 }
    await publisher.publishAndWait('a', 'x', { qos: 1, retain: true, properties })
    await publisher.publishAndWait('b', 'for ever', { qos: 1, retain: true })
    const { retainedBytes } = broker.broker.gauges
    broker.clock.advance(2200)
    const subscriber = await broker.client()
    await subscriber.subscribe('#')
    expect(await subscriber.message()).toMatchObject({ payload: 'x', properties: { messageExpiryIntervalSeconds: 98 } })
    expect(await subscriber.message()).toMatchObject({ payload: 'for ever', properties: {} })

    broker.clock.advance(97_799)
    expect(broker.broker.gauges.retainedMessages).toBe(2)
    broker.clock.advance(1)
    // nobody subscribed in between
    expect(broker.broker.gauges.retainedMessages).toBe(1)
    expect(broker.broker.gauges.retainedBytes).toBeLessThan(retainedBytes)
    expect(await retained(broker)).toEqual(['b for ever at 1'])
  })

  it('R-10 lets the interval of the newest one count', async () => {
    const broker = await startBroker()
    const publisher = await broker.client()
    for (const messageExpiryIntervalSeconds of [10, 100]) {
      const properties = { messageExpiryIntervalSeconds }
      await publisher.publishAndWait('a', 'expires', { qos: 1, retain: true, properties })
      await publisher.publishAndWait('b', 'expires', { qos: 1, retain: true, properties })
    }
    await publisher.publishAndWait('b', 'for ever', { qos: 1, retain: true })
    broker.clock.advance(10_000)
    expect(await retained(broker)).toEqual(['a expires at 1', 'b for ever at 1'])
    broker.clock.advance(90_000)
    expect(await retained(broker)).toEqual(['b for ever at 1'])
  })

  it('R-10 has room for another one as soon as one has expired', async () => {
    const broker = await startBroker({ limits: { maximumRetainedMessages: 1 } })
    const publisher = await broker.client()
    const properties = { messageExpiryIntervalSeconds: 5 }
    await publisher.publishAndWait('a', 'x', { qos: 1, retain: true, properties })
    expect((await publisher.publishAndWait('b', 'y', { qos: 1, retain: true }))!.reasonCode).toBe(0x97)
    broker.clock.advance(5000)
    expect((await publisher.publishAndWait('b', 'y', { qos: 1, retain: true }))!.reasonCode).toBe(0x10)
    expect(await retained(broker)).toEqual(['b y at 1'])
  })
})
