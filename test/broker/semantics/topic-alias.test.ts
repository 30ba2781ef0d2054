import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { type PublishFields, publish } from '../../support/packets.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC } = PacketType
const { V5 } = ProtocolVersion

/** Publishes with an alias alone: the Topic Name is empty. */
function publishByAlias(client: RawClient, topicAlias: number, payload: string, fields: PublishFields = {}): void {
  client.send(publish('', payload, { ...fields, topicAlias }))
}

describe('Topic Aliases that a client sets', () => {
  async function twoClients(options = {}) {
    const broker = await startBroker(options)
    const subscriber = await broker.client()
    await subscriber.subscribe('#')
    return { ...broker, subscriber, publisher: await broker.client(keeping(V5, 'publisher')) }
  }

  it('A-01 [v5:U5-3.3.4-3] are set beside a topic, used without, and set anew beside another topic', async () => {
    const { subscriber, publisher } = await twoClients()
    publisher.publish('a', '1', { topicAlias: 5 })
    publishByAlias(publisher, 5, '2')
    publisher.publish('b', '3', { topicAlias: 5 })
    publishByAlias(publisher, 5, '4')
    publisher.publish('a', '5')
    publishByAlias(publisher, 5, '6')
    const topics: string[] = []
    for (let i = 0; i < 6; i++) {
      const { topic, payload } = await subscriber.message()
      topics.push(`${topic}${payload}`)
    }
    expect(topics).toEqual(['a1', 'a2', 'b3', 'b4', 'a5', 'b6'])
  })

  it('A-01 [v5:MQTT-3.3.2-12] are taken from 1 to the maximum that CONNACK states', async () => {
    const { subscriber, publisher } = await twoClients({ limits: { maximumTopicAliases: 40 } })
    const { topicAliasMaximum } = publisher.connack.properties
    expect(topicAliasMaximum).toBe(40)
    for (let alias = 1; alias <= 40; alias++) publisher.publish(`t/${alias}`, 'set', { topicAlias: alias })
    for (let alias = 1; alias <= 40; alias++) publishByAlias(publisher, alias, 'used')
    for (const payload of ['set', 'used']) {
      for (let alias = 1; alias <= 40; alias++) {
        expect(await subscriber.message()).toMatchObject({ topic: `t/${alias}`, payload })
      }
    }
  })

  it.each([
    ['0', '23 00 00', 'a', 32],
    ['one above the maximum', '23 00 21', 'a', 32],
    ['65,535', '23 ff ff', 'a', 32],
    ['1 where the maximum is 0', '23 00 01', 'a', 0],
    ['above the maximum, without topic', '23 00 21', '', 32],
  ])(
    'A-01 [v5:U5-3.3.4-1] end the connection with 0x94 when they are %s',
    async (_case, property, topic, maximumTopicAliases) => {
      const { subscriber, publisher } = await twoClients({ limits: { maximumTopicAliases } })
      expect(publisher.connack.properties.topicAliasMaximum ?? 0).toBe(maximumTopicAliases)
      const length = `0${topic.length}`
      const bytes = `300${7 + topic.length} 00${length} ${Buffer.from(topic).toString('hex')} 03 ${property} 78`
      publisher.sendBytes(bytes)
      await publisher.closesWith(0x94)
      await subscriber.quiet()
    },
  )

  it('A-01 [v5:U5-3.3.4-2] end the connection with 0x82 when nothing was set for them', async () => {
    const { subscriber, publisher } = await twoClients()
    publisher.publish('a', 'x', { topicAlias: 1 })
    publishByAlias(publisher, 2, 'y')
    await publisher.closesWith(0x82)
    expect(await subscriber.message()).toMatchObject({ payload: 'x' })
    await subscriber.quiet()
  })

  it('A-02 [v5:MQTT-3.3.2-7] die with their connection, although the session goes on', async () => {
    const { client, publisher } = await twoClients()
    publisher.publish('a', 'x', { topicAlias: 1 })
    await publisher.end()
    const again = await client(keeping(V5, 'publisher'))
    expect(again.connack.sessionPresent).toBe(true)
    publishByAlias(again, 1, 'y')
    await again.closesWith(0x82)
  })

  it('A-02 belong to one connection and to one direction', async () => {
    const { client, publisher } = await twoClients()
    const both = await client({ properties: { topicAliasMaximum: 5 } })
    await both.subscribe('mine')
    publisher.publish('mine', 'x', { topicAlias: 1 })
    // the broker has set its alias 1 for this client, and the other client has set its own
    expect((await both.message()).properties.topicAlias).toBe(1)
    publishByAlias(both, 1, 'y')
    await both.closesWith(0x82)
  })

  it('A-03 are set by a PUBLISH that access rules refuse', async () => {
    let isAllowed = false
    const { subscriber, publisher } = await twoClients({ access: testAccess({ mayPublish: () => isAllowed }) })
    publisher.publish('a', 'refused', { qos: 1, topicAlias: 1 })
    expect(await publisher.expect(PUBACK)).toMatchObject({ reasonCode: 0x87 })
    isAllowed = true
    publishByAlias(publisher, 1, 'allowed')
    expect(await subscriber.message()).toMatchObject({ topic: 'a', payload: 'allowed' })
    await subscriber.quiet()
  })

  it('A-03 are set by a repeated QoS 2 PUBLISH, and by one whose id is in use', async () => {
    const { subscriber, publisher } = await twoClients()
    publisher.publish('a', 'once', { qos: 2, packetId: 7 })
    publisher.publish('a', 'once', { qos: 2, packetId: 7, dup: true, topicAlias: 1 })
    publisher.publish('b', 'refused', { qos: 1, packetId: 7, topicAlias: 2 })
    await publisher.expect(PUBREC)
    await publisher.expect(PUBREC)
    expect(await publisher.expect(PUBACK)).toMatchObject({ reasonCode: 0x91 })
    publishByAlias(publisher, 1, '1')
    publishByAlias(publisher, 2, '2')
    expect(await subscriber.message()).toMatchObject({ topic: 'a', payload: 'once' })
    expect(await subscriber.message()).toMatchObject({ topic: 'a', payload: '1' })
    expect(await subscriber.message()).toMatchObject({ topic: 'b', payload: '2' })
    await subscriber.quiet()
  })

  it('A-04 are unknown to access rules, routing, queues and retained messages, which see the topic', async () => {
    const asked: string[] = []
    const mayPublish = (_identity: string | null, _clientId: string, topicName: string): boolean => {
      asked.push(topicName)
      return true
    }
    const { client, subscriber, publisher } = await twoClients({ access: testAccess({ mayPublish }) })
    const away = await client(keeping(V5, 'away'))
    await away.subscribe({ topicFilter: 'a/+', qos: 1 })
    await away.end()
    publisher.publish('a/b', 'first', { topicAlias: 1 })
    publishByAlias(publisher, 1, 'second', { qos: 1, packetId: 1, retain: true })
    await publisher.expect(PUBACK)

    expect(asked).toEqual(['a/b', 'a/b'])
    expect(await subscriber.message()).toMatchObject({ topic: 'a/b', payload: 'first' })
    expect(await subscriber.message()).toMatchObject({ topic: 'a/b', payload: 'second' })
    const back = await client(keeping(V5, 'away'))
    expect(await back.message()).toMatchObject({ topic: 'a/b', payload: 'second' })
    const later = await client()
    await later.subscribe('a/b')
    expect(await later.message()).toMatchObject({ topic: 'a/b', payload: 'second', retain: true })
  })

  it('A-07 are not passed on', async () => {
    const { client, subscriber, publisher } = await twoClients()
    const withAliases = await client({ properties: { topicAliasMaximum: 9 } })
    await withAliases.subscribe('a')
    publisher.publish('a', 'x', { topicAlias: 7 })
    expect((await subscriber.message()).properties).toEqual({})
    expect((await withAliases.message()).properties).toEqual({ topicAlias: 1 })
  })
})

describe('Topic Aliases that the broker sets', () => {
  it.each([
    ['none', {}],
    ['0', { topicAliasMaximum: 0 }],
  ])(
    'A-05 [v5:MQTT-3.1.2-27] [v5:U5-3.1.2.11.5-1] are never sent to a client whose Topic Alias Maximum is %s',
    async (_case, properties) => {
      const { client } = await startBroker()
      const subscriber = await client({ properties })
      await subscriber.subscribe('#')
      const publisher = await client()
      for (let i = 0; i < 3; i++) {
        publisher.publish('a', 'x')
        expect(await subscriber.message()).toMatchObject({ topic: 'a', properties: {} })
      }
    },
  )

  it('A-05 [v5:MQTT-3.1.2-26] [v5:MQTT-3.3.2-8] [v5:MQTT-3.3.2-11] are 1 to the maximum of the client: topic and alias first, then the alias alone, and other topics go without', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ properties: { topicAliasMaximum: 2 } })
    await subscriber.subscribe('#')
    const publisher = await client()
    for (const topicName of ['a', 'b', 'c', 'a', 'c', 'b']) publisher.publish(topicName, topicName)
    const seen: [string, string, number | undefined][] = []
    for (let i = 0; i < 6; i++) {
      const { topic, payload, properties } = await subscriber.message()
      seen.push([payload, topic, properties.topicAlias])
    }
    expect(seen).toEqual([
      ['a', 'a', 1],
      ['b', 'b', 2],
      ['c', 'c', undefined],
      ['a', '', 1],
      ['c', 'c', undefined],
      ['b', '', 2],
    ])
  })

  it('A-05 are not set by a packet that was dropped before it was written', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ properties: { topicAliasMaximum: 1, maximumPacketBytes: 60 } })
    await subscriber.subscribe({ topicFilter: '#', qos: 1 })
    const publisher = await client()
    await publisher.publishAndWait('a', 'x'.repeat(60), { qos: 1 })
    await publisher.publishAndWait('b', 'small', { qos: 1 })
    await publisher.publishAndWait('a', 'small', { qos: 1 })
    expect(await subscriber.message()).toMatchObject({ topic: 'b', properties: { topicAlias: 1 } })
    expect(await subscriber.message()).toMatchObject({ topic: 'a', properties: {} })
  })

  it.each([1, 2] as const)(
    'A-06 [v5:MQTT-3.3.2-7] are set anew on the next connection, for what is sent again at QoS %d too',
    async (qos) => {
      const { client } = await startBroker()
      const fields = keeping(V5, 'subscriber')
      const withAliases = { ...fields, properties: { ...fields.properties, topicAliasMaximum: 5 } }
      const first = await client(withAliases)
      await first.subscribe({ topicFilter: '#', qos })
      const publisher = await client()
      const sent = ['a', 'b', 'b']
      for (const [i, topicName] of sent.entries()) await publisher.publishAndWait(topicName, String(i), { qos })
      for (const expected of [
        { topic: 'a', properties: { topicAlias: 1 } },
        { topic: 'b', properties: { topicAlias: 2 } },
        { topic: '', properties: { topicAlias: 2 } },
      ])
        expect(await first.message()).toMatchObject(expected)
      // the first message is done; the topic of the others has to come again
      if (qos === 1) first.acknowledge(PUBACK, 1)
      else first.acknowledge(PUBREC, 1, 0x80)
      await first.end()

      const again = await client(withAliases)
      expect(await again.message()).toMatchObject({ topic: 'b', dup: true, properties: { topicAlias: 1 } })
      expect(await again.message()).toMatchObject({ topic: '', dup: true, properties: { topicAlias: 1 } })
      await again.end()
      const without = await client(fields)
      for (const payload of ['1', '2'])
        expect(await without.message()).toMatchObject({ topic: 'b', payload, dup: true, properties: {} })
    },
  )
})
