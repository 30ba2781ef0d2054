import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { take } from '../../support/taking.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
const { V5 } = ProtocolVersion

describe.each(EACH_VERSION)('exchanges with a subscriber of MQTT %s', (_name, version) => {
  async function subscribed(): Promise<TestBroker & { subscriber: RawClient; publisher: RawClient }> {
    const broker = await startBroker()
    const subscriber = await broker.client(keeping(version, 'subscriber'))
    await subscriber.subscribe([
      { topicFilter: 'a', qos: 2 },
      { topicFilter: 'low', qos: 0 },
    ])
    return { ...broker, subscriber, publisher: await broker.client() }
  }

  async function publishWhileAway(options: { queueQos0?: boolean }) {
    const { client, broker } = await startBroker(options)
    const subscriber = await client(keeping(version, 'subscriber'))
    await subscriber.subscribe([
      { topicFilter: 'a', qos: 2 },
      { topicFilter: 'low', qos: 0 },
    ])
    await subscriber.end()
    const publisher = await client()
    for (const [i, [topicName, qos]] of (
      [
        ['a', 0],
        ['a', 1],
        ['low', 2],
        ['a', 2],
        ['a', 0],
      ] as const
    ).entries()) {
      await publisher.publishAndWait(topicName, String(i), { qos })
    }
    await publisher.quiet()
    return { broker, back: await client(keeping(version, 'subscriber')) }
  }

  it('O-08 [v311:MQTT-3.1.2-5] [v311:MQTT-4.5.0-1] [v5:MQTT-4.5.0-1] queues QoS 1 and 2 for a session that is offline, by the lower of published and granted QoS, and no QoS 0', async () => {
    const { back, broker } = await publishWhileAway({})
    expect(await take(back, 2)).toMatchObject([
      { payload: '1', qos: 1, dup: false },
      { payload: '3', qos: 2, dup: false },
    ])
    await back.quiet()
    expect([...broker.metrics.messagesDropped]).toEqual([0, 0, 0, 3, 0, 0, 0])
  })

  it('O-08 queues QoS 0 as well when told to, in the order of arrival', async () => {
    const { back, broker } = await publishWhileAway({ queueQos0: true })
    expect((await take(back, 5)).map(({ payload, qos }) => [payload, qos])).toEqual([
      ['0', 0],
      ['1', 1],
      ['2', 0],
      ['3', 2],
      ['4', 0],
    ])
    await back.quiet()
    expect([...broker.metrics.messagesDropped]).toEqual([0, 0, 0, 0, 0, 0, 0])
  })

  it.each([
    ['PUBACK for a QoS 2 id', 2, PUBACK],
    ['PUBREC for a QoS 1 id', 1, PUBREC],
    ['PUBCOMP for a QoS 1 id', 1, PUBCOMP],
    ['PUBCOMP before PUBREC', 2, PUBCOMP],
  ] as const)(
    'O-09 [v311:MQTT-2.3.1-6] [v5:MQTT-2.2.1-5] closes on %s, and the message is still open on the next connection',
    async (_case, qos, type) => {
      const { client, subscriber, publisher } = await subscribed()
      await publisher.publishAndWait('a', 'x', { qos })
      const { packetId } = await subscriber.message()
      subscriber.acknowledge(type, packetId)
      await subscriber.closesWith(0x82)
      const back = await client(keeping(version, 'subscriber'))
      expect(await back.message()).toMatchObject({ packetId, payload: 'x', qos, dup: true })
    },
  )

  it('O-09 closes on PUBACK for a QoS 2 id that waits for PUBCOMP', async () => {
    const { client, subscriber, publisher } = await subscribed()
    await publisher.publishAndWait('a', 'x', { qos: 2 })
    const { packetId } = await subscriber.message()
    subscriber.acknowledge(PUBREC, packetId)
    await subscriber.expect(PUBREL)
    subscriber.acknowledge(PUBACK, packetId)
    await subscriber.closesWith(0x82)
    const back = await client(keeping(version, 'subscriber'))
    expect(await back.expect(PUBREL)).toMatchObject({ packetId })
  })

  it('O-09 ignores and counts PUBACK and PUBCOMP of an id that is not open, and answers PUBREC with PUBREL', async () => {
    const { broker, subscriber } = await subscribed()
    subscriber.acknowledge(PUBACK, 7)
    subscriber.acknowledge(PUBCOMP, 8)
    await subscriber.quiet()
    subscriber.acknowledge(PUBREC, 9)
    expect(await subscriber.expect(PUBREL)).toMatchObject({ packetId: 9, reasonCode: version === V5 ? 0x92 : 0 })
    await subscriber.quiet()
    expect(broker.metrics.acknowledgementsUnknown).toBe(3)
  })

  it('O-10 [v311:MQTT-4.3.3-1] [v5:MQTT-4.3.3-4] [v5:MQTT-4.3.3-5] repeats PUBREL for each PUBREC and ignores a repeated PUBCOMP', async () => {
    const { broker, subscriber, publisher } = await subscribed()
    await publisher.publishAndWait('a', 'x', { qos: 2 })
    const { packetId } = await subscriber.message()
    for (let i = 0; i < 3; i++) {
      subscriber.acknowledge(PUBREC, packetId)
      expect(await subscriber.expect(PUBREL)).toMatchObject({ packetId, reasonCode: 0 })
    }
    for (let i = 0; i < 3; i++) subscriber.acknowledge(PUBCOMP, packetId)
    await subscriber.quiet()
    expect(broker.metrics.acknowledgementsUnknown).toBe(2)
  })

  it.each([1, 2] as const)(
    'O-13 [v311:MQTT-3.10.4-2] [v311:MQTT-3.10.4-3] [v311:U311-3.10.4-1] [v5:MQTT-3.10.4-2] [v5:MQTT-3.10.4-3] stops new messages with UNSUBSCRIBE, completes what is in flight at QoS %d and delivers what is queued',
    async (qos) => {
      const { client } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
      const subscriber = await client(keeping(version, 'subscriber'))
      await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
      const publisher = await client()
      await publisher.publishAndWait('a', 'in flight', { qos })
      await publisher.publishAndWait('a', 'queued', { qos })
      const { packetId } = await subscriber.message()
      await subscriber.unsubscribe('a')
      await publisher.publishAndWait('a', 'new', { qos })
      await subscriber.end()

      const back = await client(keeping(version, 'subscriber'))
      const messages = await take(back, 2)
      expect(messages).toMatchObject([
        { payload: 'in flight', dup: true, packetId },
        { payload: 'queued', dup: false },
      ])
      await back.quiet()
    },
  )
})

describe('error codes of a subscriber in MQTT 5.0', () => {
  it.each([
    ['PUBACK', 1, PUBACK],
    ['PUBREC', 2, PUBREC],
  ] as const)(
    'O-11 [v5:MQTT-4.4.0-2] is done with a message that %s refuses: no PUBREL, no resend, and the next goes out',
    async (_packet, qos, type) => {
      const { client, broker } = await startBroker()
      const fields = keeping(V5, 'subscriber')
      const narrow = { ...fields, properties: { ...fields.properties, receiveMaximum: 1 } }
      const subscriber = await client(narrow)
      await subscriber.subscribe({ topicFilter: 'a', qos })
      const publisher = await client()
      for (const payload of ['first', 'second', 'third']) await publisher.publishAndWait('a', payload, { qos })
      const first = await subscriber.message()
      await subscriber.quiet()
      subscriber.acknowledge(type, first.packetId, 0x83)
      const second = await subscriber.message()
      expect([first.payload, second.payload]).toEqual(['first', 'second'])
      await subscriber.quiet()
      subscriber.acknowledge(type, second.packetId, 0x80)
      expect(await subscriber.message()).toMatchObject({ payload: 'third', dup: false })
      // the ids are free: another acknowledgement finds nothing
      subscriber.acknowledge(PUBACK, second.packetId)
      await subscriber.quiet()
      expect(broker.metrics.acknowledgementsUnknown).toBe(1)
      await subscriber.end()

      const back = await client(narrow)
      expect(await take(back, 1)).toMatchObject([{ payload: 'third', dup: true }])
      await back.quiet()
    },
  )
})
