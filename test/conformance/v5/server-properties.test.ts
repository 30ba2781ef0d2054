import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import type { Properties } from '../../../src/codec/property.ts'
import { startBroker } from '../../support/test-broker.ts'
import { keeping } from '../../support/versions.ts'

const { PUBACK } = PacketType

describe('properties of a message', () => {
  async function forwarded(properties: Properties) {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe('t')
    await (await client()).publishAndWait('t', 'x', { qos: 1, properties })
    return (await subscriber.message()).properties
  }

  it.each<[string, Properties]>([
    ['[MQTT-3.3.2-4] a Payload Format Indicator of 1', { payloadFormatIndicator: 1 }],
    ['[MQTT-3.3.2-4] a Payload Format Indicator of 0', { payloadFormatIndicator: 0 }],
    ['[MQTT-3.3.2-4] no Payload Format Indicator', {}],
    ['[MQTT-3.3.2-15] the Response Topic', { responseTopic: 'answers/caf\u00e9' }],
    ['[MQTT-3.3.2-16] Correlation Data', { correlationData: Buffer.from([0, 255, 0xc3, 0x28]) }],
    ['[MQTT-3.3.2-16] empty Correlation Data', { correlationData: Buffer.alloc(0) }],
    ['[MQTT-3.3.2-20] the Content Type', { contentType: 'text/\u00e9' }],
    [
      '[MQTT-3.3.2-17, MQTT-3.3.2-18, MQTT-1.5.7-1] User Properties in their order, with those that repeat',
      {
        userProperties: [
          ['a', '1'],
          ['b', '2'],
          ['a', '3'],
          ['a', '3'],
          ['', ''],
        ],
      },
    ],
  ])('%s: passed on unchanged', async (_, properties) => {
    expect(await forwarded(properties)).toEqual(properties)
  })

  it('[U5-3.3.2.3.2-1] a payload marked as text: passed on unchecked, as it may be', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe('t')
    const payload = Buffer.from([0xff])
    const properties = { payloadFormatIndicator: 1 }
    const puback = await (await client()).publishAndWait('t', payload, { qos: 1, properties })

    expect(puback?.reasonCode).toBe(0)
    expect((await subscriber.message()).publish.message.payload).toEqual(payload)
  })
})

describe('Message Expiry Interval', () => {
  async function away() {
    const test = await startBroker()
    const sleeper = await test.client(keeping(5, 'sleeper'))
    await sleeper.subscribe({ topicFilter: 't', qos: 2 })
    await sleeper.end()
    return test
  }

  it('[MQTT-3.3.2-6] is passed on less the time that the message has waited', async () => {
    const { client, clock } = await away()
    const publisher = await client()
    await publisher.publishAndWait('t', 'x', { qos: 1, properties: { messageExpiryIntervalSeconds: 100 } })
    clock.advance(30_000)
    const awake = await client(keeping(5, 'sleeper'))

    expect((await awake.message()).properties).toEqual({ messageExpiryIntervalSeconds: 70 })
  })

  it('[MQTT-3.3.2-5] deletes a message whose delivery has not begun when it passes', async () => {
    const { client, clock } = await away()
    const publisher = await client()
    await publisher.publishAndWait('t', 'short', { qos: 1, properties: { messageExpiryIntervalSeconds: 10 } })
    await publisher.publishAndWait('t', 'long', { qos: 1 })
    clock.advance(10_000)
    const awake = await client(keeping(5, 'sleeper'))

    expect(await awake.message()).toMatchObject({ payload: 'long' })
    await awake.quiet()
  })

  it('[MQTT-4.3.3-7] does not count any more once PUBLISH was sent', async () => {
    const { client, clock } = await startBroker()
    const subscriber = await client(keeping(5, 'id'))
    await subscriber.subscribe({ topicFilter: 't', qos: 2 })
    await (await client()).publishAndWait('t', 'x', { qos: 2, properties: { messageExpiryIntervalSeconds: 1 } })
    const { packetId } = await subscriber.message()
    await subscriber.end()
    clock.advance(5_000)
    const again = await client(keeping(5, 'id'))

    expect(await again.message()).toMatchObject({ payload: 'x', packetId, dup: true })
  })

  it('[MQTT-4.3.3-13] that has passed does not stop the exchange of its message', async () => {
    const { client, clock } = await startBroker()
    const publisher = await client()
    const packetId = publisher.publish('t', 'x', { qos: 2, properties: { messageExpiryIntervalSeconds: 1 } })
    expect((await publisher.expect(PacketType.PUBREC)).reasonCode).toBeLessThan(0x80)
    clock.advance(5_000)
    publisher.acknowledge(PacketType.PUBREL, packetId)

    expect(await publisher.expect(PacketType.PUBCOMP)).toMatchObject({ packetId, reasonCode: 0 })
  })
})

describe('Topic Alias from a client', () => {
  it('[MQTT-3.3.2-12] is accepted from 1 to the maximum that CONNACK told', async () => {
    const { client } = await startBroker({ limits: { maximumTopicAliases: 5 } })
    const subscriber = await client()
    await subscriber.subscribe('#')
    const publisher = await client()
    expect(publisher.connack.properties.topicAliasMaximum).toBe(5)
    for (let topicAlias = 1; topicAlias <= 5; topicAlias++) publisher.publish(`t/${topicAlias}`, 'set', { topicAlias })
    for (let topicAlias = 5; topicAlias >= 1; topicAlias--)
      publisher.sendBytes(`30 07 00 00 03 23 00 0${topicAlias} 78`)

    for (const i of [1, 2, 3, 4, 5])
      expect(await subscriber.message()).toMatchObject({ topic: `t/${i}`, payload: 'set' })
    for (const i of [5, 4, 3, 2, 1]) expect(await subscriber.message()).toMatchObject({ topic: `t/${i}`, payload: 'x' })
  })

  it.each([
    ['[U5-3.3.4-1] above the maximum', '30 09 00 01 74 03 23 00 06 78 79', 0x94],
    ['[U5-3.3.4-2] that was never set, with an empty topic', '30 07 00 00 03 23 00 01 78', 0x82],
  ])('%s: closes', async (_, bytes, reasonCode) => {
    const { client } = await startBroker({ limits: { maximumTopicAliases: 5 } })
    const publisher = await client()
    publisher.sendBytes(bytes)

    expect(await publisher.next()).toMatchObject({ packetType: PacketType.DISCONNECT, reasonCode })
    await publisher.closed()
  })

  it('[U5-3.3.4-3] that comes with another topic stands for that one from then on', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe('#')
    const publisher = await client()
    publisher.publish('old', '1', { topicAlias: 1 })
    publisher.publish('new', '2', { topicAlias: 1 })
    publisher.sendBytes('30 07 00 00 03 23 00 01 33')

    for (const topic of ['old', 'new', 'new']) expect(await subscriber.message()).toMatchObject({ topic })
  })

  it('[MQTT-3.3.2-7] ends with its connection', async () => {
    const { client } = await startBroker()
    const first = await client(keeping(5, 'id'))
    first.publish('t', 'x', { topicAlias: 1 })
    await first.end()
    const second = await client(keeping(5, 'id'))
    second.sendBytes('30 07 00 00 03 23 00 01 78')

    expect(await second.next()).toMatchObject({ packetType: PacketType.DISCONNECT, reasonCode: 0x82 })
  })
})

describe('Topic Alias to a client', () => {
  async function aliases(topicAliasMaximum: number | undefined) {
    const { client } = await startBroker()
    const subscriber = await client({ properties: topicAliasMaximum === undefined ? {} : { topicAliasMaximum } })
    await subscriber.subscribe({ topicFilter: '#', qos: 1 })
    const publisher = await client()
    for (let i = 0; i < 8; i++) await publisher.publishAndWait(`t/${i % 4}`, 'x', { qos: 1 })
    const seen: (number | undefined)[] = []
    for (let i = 0; i < 8; i++) {
      const { packetId, properties } = await subscriber.message()
      seen.push(properties.topicAlias)
      subscriber.acknowledge(PUBACK, packetId)
    }
    return seen
  }

  it('[MQTT-3.1.2-26, MQTT-3.3.2-11] stays within the maximum that CONNECT told', async () => {
    const seen = await aliases(2)

    expect(Math.max(...seen.map((alias) => alias ?? 0))).toBe(2)
    expect(Math.min(...seen.map((alias) => alias ?? 1))).toBe(1)
  })

  it.each([0, undefined])('[MQTT-3.1.2-27] is not sent with a maximum of %s', async (maximum) => {
    expect(await aliases(maximum)).toEqual(Array.from({ length: 8 }))
  })
})
