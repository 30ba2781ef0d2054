import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { PINGREQ } from '../../../src/codec/packets/ping.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { take } from '../../support/taking.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
const { V5 } = ProtocolVersion

/** CONNECT of the subscriber, whose session is kept, with this Receive Maximum. */
function window(receiveMaximum: number) {
  const fields = keeping(V5, 'subscriber')
  return { ...fields, properties: { ...fields.properties, receiveMaximum } }
}

async function subscribed(receiveMaximum: number) {
  const broker = await startBroker()
  const subscriber = await broker.client(window(receiveMaximum))
  await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
  const publisher = await broker.client()
  const publish = async (qos: 0 | 1 | 2, ...payloads: string[]) => {
    for (const payload of payloads) await publisher.publishAndWait('a', payload, { qos })
    await publisher.quiet()
  }
  return { ...broker, subscriber, publisher, publish }
}

/** Takes exactly these messages and proves that no further one comes. @returns their ids */
async function exactly(subscriber: RawClient, ...payloads: string[]): Promise<number[]> {
  const ids: number[] = []
  for (const payload of payloads) {
    const message = await subscriber.message()
    expect(message.payload).toBe(payload)
    ids.push(message.packetId)
  }
  await subscriber.quiet()
  return ids
}

describe('the Receive Maximum of a client (5.0)', () => {
  it.each([
    ['that come while it is connected', false],
    ['that waited for it', true],
  ])(
    'F-01 [v5:MQTT-3.3.4-9] [v5:MQTT-4.9.0-1] [v5:MQTT-4.9.0-2] lets 3 of 8 messages through %s, one more with each PUBACK, and all in the end',
    async (_case, isAway) => {
      const { client, publish, ...connected } = await subscribed(3)
      let { subscriber } = connected
      if (isAway) await subscriber.end()
      await publish(1, '1', '2', '3', '4', '5', '6', '7', '8')
      if (isAway) subscriber = await client(window(3))
      const open = await exactly(subscriber, '1', '2', '3')
      for (const payload of ['4', '5', '6', '7', '8']) {
        subscriber.acknowledge(PUBACK, open.shift()!)
        open.push(...(await exactly(subscriber, payload)))
      }
      for (const packetId of open) subscriber.acknowledge(PUBACK, packetId)
      await subscriber.quiet()
    },
  )

  it('F-01 counts QoS 1 and 2 together', async () => {
    const { subscriber, publish } = await subscribed(2)
    await publish(1, '1')
    await publish(2, '2')
    await publish(1, '3')
    await publish(2, '4')
    const [first] = await exactly(subscriber, '1', '2')
    subscriber.acknowledge(PUBACK, first!)
    await exactly(subscriber, '3')
  })

  it('F-02 [v5:U5-4.9.0-1] frees a place with PUBCOMP and with a PUBREC of 0x80 or more, not with any other PUBREC', async () => {
    const { subscriber, publish } = await subscribed(1)
    await publish(2, '1', '2', '3')
    const [first] = await exactly(subscriber, '1')
    for (const code of [0x00, 0x10]) {
      subscriber.acknowledge(PUBREC, first!, code)
      await subscriber.expect(PUBREL)
      await subscriber.quiet()
    }
    subscriber.acknowledge(PUBCOMP, first!)
    const [second] = await exactly(subscriber, '2')
    subscriber.acknowledge(PUBREC, second!, 0x97)
    await exactly(subscriber, '3')
  })

  it('F-02 [v5:U5-4.9.0-1] frees a place with PUBACK of any code and PUBCOMP of any code, and only once', async () => {
    const { subscriber, publish } = await subscribed(2)
    await publish(1, '1')
    await publish(2, '2')
    await publish(1, '3', '4', '5', '6')
    const [first, second] = await exactly(subscriber, '1', '2')
    subscriber.acknowledge(PUBACK, first!, 0x83)
    subscriber.acknowledge(PUBACK, first!)
    await exactly(subscriber, '3')
    subscriber.acknowledge(PUBREC, second!)
    await subscriber.expect(PUBREL)
    subscriber.acknowledge(PUBCOMP, second!, 0x92)
    subscriber.acknowledge(PUBCOMP, second!)
    await exactly(subscriber, '4')
  })

  it('F-03 [v5:MQTT-3.3.4-10] [v5:MQTT-4.9.0-3] holds back nothing but QoS 1 and 2 PUBLISH while the window is full', async () => {
    const { subscriber, publisher, publish } = await subscribed(1)
    await publish(2, 'in flight')
    await publish(1, 'waits')
    const [packetId] = await exactly(subscriber, 'in flight')
    await publish(0, 'at once')
    await exactly(subscriber, 'at once')
    expect((await subscriber.subscribe('b')).codes).toEqual([0])
    await publisher.publishAndWait('b', 'granted 0', { qos: 2 })
    await exactly(subscriber, 'granted 0')
    expect((await subscriber.unsubscribe('b')).codes).toEqual([0])
    expect(await subscriber.publishAndWait('c', 'own', { qos: 1 })).toMatchObject({ packetType: PUBACK })
    expect(await subscriber.publishAndWait('c', 'own', { qos: 2 })).toMatchObject({ packetType: PUBREC })
    subscriber.acknowledge(PUBREC, packetId!)
    expect(await subscriber.expect(PUBREL)).toMatchObject({ packetId })
    subscriber.send(PINGREQ)
    await subscriber.expect(PacketType.PINGRESP)
    subscriber.acknowledge(PUBCOMP, packetId!)
    await exactly(subscriber, 'waits')
  })

  it.each([1, 2] as const)('F-04 drops nothing at QoS %d that has to wait for the window', async (qos) => {
    const { broker, subscriber, publish } = await subscribed(1)
    const payloads = Array.from({ length: 300 }, (_, i) => String(i))
    await publish(qos, ...payloads)
    expect((await take(subscriber, 300)).map(({ payload }) => payload)).toEqual(payloads)
    expect([...broker.metrics.messagesDropped]).toEqual([0, 0, 0, 0, 0, 0, 0])
  })

  it('F-05 [v5:U5-4.9.0-1] starts anew with each connection: of 5 in flight a Receive Maximum of 1 lets one be sent again, and the others one by one', async () => {
    const { client, subscriber, publish } = await subscribed(5)
    await publish(1, '1', '2', '3', '4', '5')
    await publish(2, '6')
    const ids = await exactly(subscriber, '1', '2', '3', '4', '5')
    await subscriber.end()

    const narrow = await client(window(1))
    for (const [i, packetId] of ids.entries()) {
      expect(await narrow.message()).toMatchObject({ packetId, payload: String(i + 1), dup: true })
      await narrow.quiet()
      narrow.acknowledge(PUBACK, packetId)
    }
    expect(await take(narrow, 1)).toMatchObject([{ payload: '6', dup: false }])
    await narrow.quiet()
  })

  it('F-05 starts full again, not with what was left', async () => {
    const { client, subscriber, publish } = await subscribed(2)
    await publish(1, '1', '2', '3', '4')
    await exactly(subscriber, '1', '2')
    await subscriber.end()
    const wide = await client(window(4))
    expect((await take(wide, 4)).map(({ payload, dup }) => [payload, dup])).toEqual([
      ['1', true],
      ['2', true],
      ['3', false],
      ['4', false],
    ])
    await publish(1, '5', '6', '7', '8', '9')
    await exactly(wide, '5', '6', '7', '8')
  })

  it('F-05 needs no place for PUBREL that is sent again, nor gives one for its PUBCOMP', async () => {
    const { client, subscriber, publish } = await subscribed(3)
    await publish(2, '1', '2', '3', '4', '5')
    const ids = await exactly(subscriber, '1', '2', '3')
    for (const packetId of ids.slice(0, 2)) {
      subscriber.acknowledge(PUBREC, packetId)
      await subscriber.expect(PUBREL)
    }
    await subscriber.end()

    const narrow = await client(window(1))
    expect(await narrow.expect(PUBREL)).toMatchObject({ packetId: ids[0] })
    expect(await narrow.expect(PUBREL)).toMatchObject({ packetId: ids[1] })
    expect(await exactly(narrow, '3')).toEqual([ids[2]])
    for (const packetId of ids.slice(0, 2)) narrow.acknowledge(PUBCOMP, packetId)
    await narrow.quiet()
    narrow.acknowledge(PUBREC, ids[2]!)
    await narrow.expect(PUBREL)
    narrow.acknowledge(PUBCOMP, ids[2]!)
    await exactly(narrow, '4')
  })
})

describe('the Receive Maximum of the broker (5.0)', () => {
  async function publisherOf(options = {}) {
    const broker = await startBroker({ limits: { receiveMaximum: 2 }, ...options })
    const publisher = await broker.client(keeping(V5, 'publisher'))
    expect(publisher.connack.properties.receiveMaximum).toBe(2)
    return { ...broker, publisher }
  }

  async function open(publisher: RawClient, ...packetIds: number[]): Promise<void> {
    for (const packetId of packetIds) {
      publisher.publish('a', 'x', { qos: 2, packetId })
      expect(await publisher.expect(PUBREC)).toMatchObject({ packetId })
    }
  }

  it.each([1, 2] as const)(
    'F-06 [v5:U5-3.3.4-5] closes when a QoS %d message is one more than it allows, and routes that one not',
    async (qos) => {
      const { client, publisher } = await publisherOf()
      const subscriber = await client()
      await subscriber.subscribe('b')
      await open(publisher, 1, 2)
      publisher.publish('b', 'too much', { qos, packetId: 3 })
      await publisher.closesWith(0x93)
      await subscriber.quiet()
    },
  )

  it('F-06 does not count a repeated PUBLISH, QoS 0, what was released, and what was refused', async () => {
    const access = testAccess({ mayPublish: (_identity, _clientId, topicName) => topicName !== 'secret' })
    const { publisher } = await publisherOf({ access })
    await open(publisher, 1, 2, 2, 1, 2)
    publisher.publish('a', 'x')
    publisher.acknowledge(PUBREL, 1)
    await publisher.expect(PUBCOMP)
    for (let i = 0; i < 3; i++)
      expect(await publisher.publishAndWait('a', 'x', { qos: 1, packetId: 9 })).toMatchObject({ reasonCode: 0x10 })
    publisher.publish('secret', 'x', { qos: 2, packetId: 1 })
    expect(await publisher.expect(PUBREC)).toMatchObject({ reasonCode: 0x87 })
    await open(publisher, 1)
    await publisher.quiet()
  })

  it('F-06 counts anew on the next connection: what was open there, and is sent again, and what is new', async () => {
    const { client, publisher } = await publisherOf()
    await open(publisher, 1, 2)
    await publisher.end()
    const again = await client(keeping(V5, 'publisher'))
    await open(again, 1, 3, 1, 3)
    again.publish('a', 'x', { qos: 2, packetId: 2, dup: true })
    await again.closesWith(0x93)
  })
})

describe.each(EACH_VERSION.slice(0, 2))('a client of MQTT %s, where nothing is negotiated', (_name, version) => {
  it('F-07 may have more QoS 2 messages open than a 5.0 client, is not thrown out and loses none', async () => {
    const { client } = await startBroker({ limits: { receiveMaximum: 2 } })
    const subscriber = await client({ version })
    await subscriber.subscribe('a')
    const publisher = await client({ version })
    for (let packetId = 1; packetId <= 3000; packetId++) publisher.publish('a', String(packetId), { qos: 2, packetId })
    for (let packetId = 1; packetId <= 3000; packetId++) {
      expect(await publisher.expect(PUBREC)).toMatchObject({ packetId })
      publisher.acknowledge(PUBREL, packetId)
    }
    for (let packetId = 1; packetId <= 3000; packetId++) {
      expect(await publisher.expect(PUBCOMP)).toMatchObject({ packetId })
      expect(await subscriber.message()).toMatchObject({ payload: String(packetId) })
    }
    await publisher.quiet()
    await subscriber.quiet()
  })
})
