import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { Unsubscribe } from '../../../src/codec/packets/unsubscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP, PUBLISH, SUBACK, UNSUBACK } = PacketType
const { V3_1, V3_1_1, V5 } = ProtocolVersion
const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const

describe.each(EACH_VERSION)('SUBSCRIBE, MQTT %s', (_, version) => {
  it('[v5:MQTT-3.8.4-1, v5:MQTT-3.8.4-2, v5:MQTT-2.2.1-6, v311:MQTT-3.8.4-1, v311:MQTT-3.8.4-2, v311:MQTT-2.3.1-7] is answered by SUBACK with its packet id', async () => {
    const client = await (await startBroker()).client({ version })
    for (const packetId of [1, 77, 65_535]) {
      client.send(new Subscribe(packetId, [{ ...options, topicFilter: 'a' }]))
      expect(await client.expect(SUBACK)).toMatchObject({ packetId, codes: [0] })
    }
  })

  it('[v5:MQTT-3.8.4-5, v5:MQTT-3.8.4-6, v5:MQTT-3.8.4-7, v5:MQTT-3.9.3-1, v5:MQTT-3.9.3-2, v311:MQTT-3.8.4-4, v311:MQTT-3.8.4-5, v311:MQTT-3.9.3-1, v311:MQTT-3.9.3-2] with many filters is one SUBACK, with a code each in their order', async () => {
    const access = testAccess({
      authenticate: () => ({ identity: null }),
      maySubscribe: (_identity: string | null, _clientId: string, topicFilter: string) => topicFilter !== 'secret',
    })
    const { client } = await startBroker({ access })
    const subscriber = await client({ version })
    const { codes } = await subscriber.subscribe([
      { topicFilter: 'two', qos: 2 },
      { topicFilter: 'secret', qos: 1 },
      { topicFilter: 'none', qos: 0 },
      { topicFilter: 'one', qos: 1 },
    ])
    // 3.1 has no code for a failure
    const failure = version === V5 ? 0x87 : version === V3_1_1 ? 0x80 : 1
    expect(codes).toEqual([2, failure, 0, 1])

    const publisher = await client()
    for (const topicName of ['secret', 'one', 'two', 'none']) await publisher.publishAndWait(topicName, 'x', { qos: 2 })
    const received = [await subscriber.message(), await subscriber.message(), await subscriber.message()]
    expect(received.map(({ topic, qos }) => `${topic} ${qos}`)).toEqual(['one 1', 'two 2', 'none 0'])
    await subscriber.quiet()
  })

  it('[v5:U5-3.8.4-2, v311:U311-3.8.4-1] may be followed by matching messages before SUBACK; here SUBACK comes first', async () => {
    const { client } = await startBroker()
    await (await client()).publishAndWait('a', 'kept', { qos: 1, retain: true })
    const subscriber = await client({ version })
    subscriber.send(new Subscribe(5, [{ ...options, topicFilter: 'a' }]))

    expect([(await subscriber.next()).packetType, (await subscriber.next()).packetType]).toEqual([SUBACK, PUBLISH])
  })
})

describe.each(EACH_VERSION)('UNSUBSCRIBE, MQTT %s', (_, version) => {
  it('[v5:MQTT-3.10.4-4, v5:MQTT-3.10.4-5, v5:MQTT-3.10.4-6, v5:MQTT-2.2.1-6, v5:MQTT-3.11.3-1, v5:MQTT-3.11.3-2, v311:MQTT-3.10.4-4, v311:MQTT-3.10.4-5, v311:MQTT-3.10.4-6, v311:MQTT-2.3.1-7] is answered once with its packet id, also for filters that are unknown', async () => {
    const client = await (await startBroker()).client({ version })
    await client.subscribe(['a', 'c'])
    client.send(new Unsubscribe(700, ['a', 'b', 'c', 'a']))
    expect(await client.expect(UNSUBACK)).toMatchObject({
      packetId: 700,
      codes: version === V5 ? [0, 0x11, 0, 0x11] : [],
    })
    client.send(new Unsubscribe(701, ['never']))

    expect(await client.expect(UNSUBACK)).toMatchObject({ packetId: 701 })
    await client.quiet()
  })

  it('[v5:MQTT-3.10.4-1, v311:MQTT-3.10.4-1] ends the subscription to the same filter, character by character', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe(['a/+', 'b/c', 'd'])
    await subscriber.unsubscribe('a/b', '+/c', 'b/#', 'D', 'd ', '#')
    const publisher = await client()
    for (const topicName of ['a/b', 'b/c', 'd']) await publisher.publishAndWait(topicName, 'x', { qos: 1 })
    for (const topic of ['a/b', 'b/c', 'd']) expect(await subscriber.message()).toMatchObject({ topic })
    await subscriber.unsubscribe('a/+')
    for (const topicName of ['a/b', 'b/c']) await publisher.publishAndWait(topicName, 'y', { qos: 1 })

    expect(await subscriber.message()).toMatchObject({ topic: 'b/c', payload: 'y' })
    await subscriber.quiet()
  })

  it('[v5:MQTT-3.10.4-2, v5:MQTT-3.10.4-3, v311:MQTT-3.10.4-2, v311:MQTT-3.10.4-3] queues nothing new, and what was begun is completed', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
    const publisher = await client()
    await publisher.publishAndWait('a', 'begun 1', { qos: 1 })
    await publisher.publishAndWait('a', 'begun 2', { qos: 2 })
    const one = await subscriber.message()
    const two = await subscriber.message()
    await subscriber.unsubscribe('a')
    await publisher.publishAndWait('a', 'late', { qos: 1 })
    subscriber.acknowledge(PUBACK, one.packetId)
    subscriber.acknowledge(PUBREC, two.packetId)
    expect(await subscriber.expect(PUBREL)).toMatchObject({ packetId: two.packetId, reasonCode: 0 })
    subscriber.acknowledge(PUBCOMP, two.packetId)

    await subscriber.quiet()
  })

  it('[v311:U311-3.10.4-1] lets what is queued already still come', async () => {
    const { client } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
    const publisher = await client()
    await publisher.publishAndWait('a', 'in flight', { qos: 1 })
    await publisher.publishAndWait('a', 'queued', { qos: 1 })
    const first = await subscriber.message()
    await subscriber.unsubscribe('a')
    subscriber.acknowledge(PUBACK, first.packetId)

    expect(await subscriber.message()).toMatchObject({ payload: 'queued' })
  })
})

describe('SUBSCRIBE, MQTT 5.0', () => {
  it('[v5:MQTT-3.2.2-9, v5:MQTT-3.2.2-10, v5:U5-3.2.2.3.4-1] is taken for every QoS by a server that has said it has less', async () => {
    const { client } = await startBroker({ limits: { maximumQos: 1 } })
    const subscriber = await client()
    expect(subscriber.connack.properties.maximumQos).toBe(1)
    const { codes } = await subscriber.subscribe([
      { topicFilter: 'a', qos: 0 },
      { topicFilter: 'b', qos: 1 },
      { topicFilter: 'c', qos: 2 },
    ])

    expect(codes.every((code) => code <= 2)).toBe(true)
    await (await client()).publishAndWait('c', 'x', { qos: 1 })
    expect(await subscriber.message()).toMatchObject({ topic: 'c', qos: 1 })
  })

  it('[v5:MQTT-3.8.3-3] with No Local does not bring back what its client has published', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe({ topicFilter: 'a', noLocal: true })
    await subscriber.publishAndWait('a', 'own', { qos: 1 })
    await (await client()).publishAndWait('a', 'other', { qos: 1 })

    expect(await subscriber.message()).toMatchObject({ payload: 'other' })
    await subscriber.quiet()
  })

  it('[v5:MQTT-3.3.4-3, v5:MQTT-3.3.4-4, v5:U5-3.3.4-4] has its Subscription Identifier sent with what matched, and no other', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    const filters = [
      ['a/#', 1],
      ['a/+', 268_435_455],
      ['+/b', 3],
      ['c', 4],
    ] as const
    for (const [topicFilter, identifier] of filters) {
      await subscriber.subscribe(topicFilter, { subscriptionIdentifiers: [identifier] })
    }
    await subscriber.subscribe('#')
    await (await client()).publishAndWait('a/b', 'x', { qos: 1 })
    const { properties } = await subscriber.message()

    expect(properties.subscriptionIdentifiers?.toSorted((a, b) => a - b)).toEqual([1, 3, 268_435_455])
    await subscriber.quiet()
  })

  it('[v5:MQTT-3.3.4-5, v5:U5-4.8.2-1] of a group and of its own brings two copies, each with the identifier of its subscription', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe('a', { subscriptionIdentifiers: [1] })
    await subscriber.subscribe('$share/g/a', { subscriptionIdentifiers: [2] })
    await (await client()).publishAndWait('a', 'x', { qos: 1 })
    const copies = [await subscriber.message(), await subscriber.message()]

    expect(copies.map(({ properties }) => properties.subscriptionIdentifiers).sort()).toEqual([[1], [2]])
    await subscriber.quiet()
  })

  it('[v5:MQTT-3.8.4-4] that replaces one loses and doubles no message', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
    const publisher = await client()
    for (let i = 0; i < 20; i++) {
      publisher.publish('a', `${i}`, { qos: 1 })
      subscriber.send(new Subscribe(i + 10, [{ ...options, topicFilter: 'a', qos: 1 }]))
    }
    for (let i = 0; i < 20; i++) await publisher.expect(PUBACK)
    const payloads: string[] = []
    let subacks = 0
    while (payloads.length < 20 || subacks < 20) {
      const packet = await subscriber.next()
      if (packet.packetType === SUBACK) subacks++
      else if (packet.packetType === PUBLISH) payloads.push(packet.message.payload.toString())
    }

    expect(payloads).toEqual(Array.from({ length: 20 }, (__, i) => `${i}`))
    await subscriber.quiet()
  })
})

describe('SUBSCRIBE, MQTT 3.1', () => {
  it('[V31-20, V31-07] that is not allowed is answered with the QoS it asked for and brings nothing', async () => {
    const access = testAccess({
      authenticate: () => ({ identity: null }),
      maySubscribe: () => false,
    })
    const { client } = await startBroker({ access })
    const subscriber = await client({ version: V3_1 })
    const { codes } = await subscriber.subscribe([
      { topicFilter: 'a', qos: 0 },
      { topicFilter: 'b', qos: 1 },
      { topicFilter: 'c', qos: 2 },
    ])
    const publisher = await client()
    for (const topicName of ['a', 'b', 'c']) await publisher.publishAndWait(topicName, 'x', { qos: 2 })

    expect(codes).toEqual([0, 1, 2])
    await subscriber.quiet()
  })
})
