import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClientOptions } from '../../src/client/client.ts'
import type { SubscriptionRequest } from '../../src/codec/packets/subscribe.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { QoS } from '../../src/codec/qos.ts'
import { hasMosquitto, Mosquitto } from '../support/mosquitto.ts'
import { TestClient } from '../support/test-client.ts'
import { EACH_VERSION } from '../support/versions.ts'
import { willOf } from '../support/will.ts'

const { V3_1, V5 } = ProtocolVersion

function request(topicFilter: string, qos: QoS): SubscriptionRequest {
  return { topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 }
}

describe.skipIf(!hasMosquitto)('our client through mosquitto', () => {
  let mosquitto: Mosquitto

  beforeAll(async () => {
    mosquitto = await Mosquitto.start()
  })

  afterAll(() => mosquitto.stop())

  async function connected(clientId: string, options: Partial<ClientOptions>): Promise<TestClient> {
    const peer = new TestClient(mosquitto.address, { ...options, clientId })
    await peer.client.connect()
    return peer
  }

  describe.each(EACH_VERSION)('at %s', (name, version) => {
    it.each([0, 1, 2] as const)('publishes and receives at QoS %i, by a wildcard', async (qos) => {
      const topic = `room/${qos}/${name}`
      const subscriber = await connected(`subscriber ${name}`, { version })
      const suback = await subscriber.client.subscribe([request(`room/+/${name}`, qos)])
      expect(suback.codes).toEqual([qos])
      const publisher = await connected(`publisher ${name}`, { version })
      const { reasonCode } = await publisher.client.publish(topic, 'hello', { qos })
      expect(reasonCode).toBe(0)
      expect(await subscriber.hear('message')).toBe(`message ${topic} hello q${qos}`)
      await publisher.client.disconnect()
      expect(await publisher.closed).toBeNull()
    })

    it.each([1, 2] as const)('gets 500 messages of QoS %i in order and once', async (qos) => {
      const topic = `many/${qos}/${name}`
      const subscriber = await connected(`subscriber ${name}`, { version })
      await subscriber.client.subscribe([request(topic, qos)])
      const publisher = await connected(`publisher ${name}`, { version })
      const numbers = Array.from({ length: 500 }, (_, i) => String(i))
      const outcomes = await Promise.all(numbers.map((number) => publisher.client.publish(topic, number, { qos })))
      expect(outcomes.map(({ reasonCode }) => reasonCode)).toEqual(numbers.map(() => 0))
      await publisher.client.publish(topic, 'end', { qos })
      const heard: string[] = []
      while (heard.at(-1) !== `message ${topic} end q${qos}`) heard.push(await subscriber.hear('message'))
      expect(heard).toEqual([...numbers, 'end'].map((payload) => `message ${topic} ${payload} q${qos}`))
    })

    it('keeps, fetches and removes a retained message', async () => {
      const topic = `state/${name}`
      const publisher = await connected(`publisher ${name}`, { version })
      await publisher.client.publish(topic, 'on', { qos: 1, retain: true })
      const retains: boolean[] = []
      const handler = {
        message: (publish: { message: { retain: boolean } }) => void retains.push(publish.message.retain),
      }
      const subscriber = new TestClient(mosquitto.address, { version, clientId: `subscriber ${name}` }, handler)
      await subscriber.client.connect()
      await subscriber.client.subscribe([request(topic, 1)])
      await subscriber.hear(`message ${topic} on`)
      await publisher.client.publish(topic, 'off', { qos: 1, retain: true })
      await subscriber.hear(`message ${topic} off`)
      expect(retains).toEqual([true, false])
      await publisher.client.publish(topic, '', { qos: 1, retain: true })
      await subscriber.hear(`message ${topic} `)
      await subscriber.client.subscribe([request(topic, 1), request(`end/${name}`, 1)])
      await publisher.client.publish(`end/${name}`, 'x', { qos: 1 })
      await subscriber.hear(`message end/${name}`)
      expect(retains).toEqual([true, false, false, false])
    })

    it('leaves its will when the connection breaks, and none when it says goodbye', async () => {
      const topic = `will/${name}`
      const watcher = await connected(`watcher ${name}`, { version })
      await watcher.client.subscribe([request(topic, 1)])
      const polite = await connected(`polite ${name}`, { version, will: willOf(topic, 'never', { qos: 1 }) })
      await polite.client.disconnect()
      const dying = await connected(`dying ${name}`, { version, will: willOf(topic, 'gone', { qos: 1 }) })
      dying.client.destroy()
      expect(await watcher.hear('message')).toBe(`message ${topic} gone q1`)
    })

    it('finds in its session what came while it was away', async () => {
      const topic = `mail/${name}`
      const session = {
        version,
        cleanStart: false,
        ...(version === V5 ? { connectProperties: { sessionExpiryIntervalSeconds: 3600 } } : {}),
      }
      const first = await connected(`sleeper ${name}`, session)
      await first.client.subscribe([request(topic, 2)])
      await first.client.disconnect()
      const publisher = await connected(`publisher ${name}`, { version })
      for (const [i, text] of ['one', 'two', 'three'].entries()) {
        await publisher.client.publish(topic, text, { qos: i === 1 ? 1 : 2 })
      }
      const back = await connected(`sleeper ${name}`, session)
      expect(await back.hear('connected')).toBe(`connected 0${version === V3_1 ? '' : ' present'}`)
      expect(await back.hear('message')).toBe(`message ${topic} one q2`)
      expect(await back.hear('message')).toBe(`message ${topic} two q1`)
      expect(await back.hear('message')).toBe(`message ${topic} three q2`)
    })

    it('stops getting messages of a filter that it has unsubscribed from', async () => {
      const both = await connected(`both ${name}`, { version })
      await both.client.subscribe([request(`a/${name}`, 1), request(`b/${name}`, 1)])
      await both.client.unsubscribe([`a/${name}`])
      await both.client.publish(`a/${name}`, 'gone', { qos: 1 })
      await both.client.publish(`b/${name}`, 'kept', { qos: 1 })
      expect(await both.hear('message')).toBe(`message b/${name} kept q1`)
    })

    it('is told when another takes over its id', async () => {
      const first = await connected(`twice ${name}`, { version })
      await connected(`twice ${name}`, { version })
      // mosquitto 2.0.11 closes without a word, newer ones send DISCONNECT 0x8E to 5.0
      expect((await first.closed)!.kind).toMatch(
        version === V5 ? /^(TAKEN_OVER|CONNECTION_LOST)$/ : /^CONNECTION_LOST$/,
      )
    })
  })

  it('carries properties and learns Reason Codes at 5.0', async () => {
    const seen: unknown[] = []
    const handler = {
      message: (publish: { message: { properties: unknown }; subscriptionIdentifiers: number[] | null }) => {
        seen.push({ ...(publish.message.properties as object), identifiers: publish.subscriptionIdentifiers })
      },
    }
    const peer = new TestClient(mosquitto.address, { version: V5, clientId: 'properties' }, handler)
    await peer.client.connect()
    const properties = {
      contentType: 'text/plain',
      responseTopic: 'answers',
      correlationData: Buffer.from([0, 255]),
      userProperties: [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ] as [string, string][],
    }
    expect((await peer.client.publish('p', 'x', { qos: 1, properties })).reasonCode).toBe(0x10)
    await peer.client.subscribe([request('p', 1)], { subscriptionIdentifiers: [7] })
    expect((await peer.client.publish('p', 'x', { qos: 2, properties })).reasonCode).toBe(0)
    await peer.hear('message')
    expect(seen).toEqual([{ ...properties, identifiers: [7] }])
    expect((await peer.client.unsubscribe(['p', 'never'])).codes).toEqual([0, 0x11])
  })
})
