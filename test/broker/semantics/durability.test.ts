import { describe, expect, it } from 'vitest'
import { Message } from '../../../src/codec/message.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Acknowledgement, type AcknowledgementType } from '../../../src/codec/packets/acknowledgement.ts'
import { Publish } from '../../../src/codec/packets/publish.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { Unsubscribe } from '../../../src/codec/packets/unsubscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import type { QoS } from '../../../src/codec/qos.ts'
import { type DurableBroker, startDurable } from '../../support/durable-broker.ts'
import { MemoryClient } from '../../support/memory-client.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V5 } = ProtocolVersion
const { PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK } = PacketType

/** A client whose session is kept, subscribed and gone. */
async function absentSubscriber(broker: DurableBroker, version: ProtocolVersion, filter = 'a/#', qos: QoS = 2) {
  const subscriber = await broker.client(keeping(version, 'sub'))
  await subscriber.subscribe({ topicFilter: filter, qos })
  subscriber.disconnect()
  await subscriber.closed()
}

/** Takes and acknowledges what comes until nothing is left. */
async function takeAll(client: RawClient): Promise<string[]> {
  const payloads: string[] = []
  for (let isEmpty = false; !isEmpty; ) {
    const packets = await client.untilPong()
    isEmpty = packets.length === 0
    for (const packet of packets) {
      if (packet.packetType === PUBREL) client.acknowledge(PUBCOMP, packet.packetId)
      if (packet.packetType !== PUBLISH) continue
      payloads.push(packet.message.payload.toString())
      if (packet.qos === 1) client.acknowledge(PUBACK, packet.packetId)
      if (packet.qos === 2) client.acknowledge(PUBREC, packet.packetId)
    }
  }
  return payloads
}

describe.each(EACH_VERSION)('a broker with a store, in MQTT %s', (_, version) => {
  it.each([1, 2] as const)(
    'U-02 P-19 has every QoS %i message that it acknowledged after it was killed, in order and once',
    async (qos) => {
      const broker = await startDurable()
      await absentSubscriber(broker, version)
      const publisher = await broker.client(keeping(version, 'pub'))
      for (let i = 0; i < 20; i++) await publisher.publishAndWait(`a/${i % 3}`, `${i}`, { qos })

      const next = await broker.killed()
      const subscriber = await next.client({ ...keeping(version, 'sub'), cleanStart: false })
      expect(subscriber.connack.sessionPresent).toBe(version !== ProtocolVersion.V3_1)
      expect(await takeAll(subscriber)).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`))

      // what is acknowledged by the subscriber is written late, but it is
      const last = await next.stopped()
      const again = await last.client({ ...keeping(version, 'sub'), cleanStart: false })
      expect(await takeAll(again)).toEqual([])
    },
  )

  it('U-02 U-08 has the subscriptions that it acknowledged, with their options', async () => {
    const broker = await startDurable()
    const subscriber = await broker.client(keeping(version, 'sub'))
    await subscriber.subscribe([{ topicFilter: 'a/+', qos: 1 }, 'gone', { topicFilter: 'b', qos: 2, noLocal: true }])
    await subscriber.unsubscribe('gone')

    const next = await broker.killed()
    expect(next.broker.gauges).toMatchObject({ subscriptions: 2, clientsTotal: 1, clientsConnected: 0 })
    const again = await next.client({ ...keeping(version, 'sub'), cleanStart: false })
    for (const topic of ['a/x', 'b', 'gone']) await (await next.client()).publishAndWait(topic, topic, { qos: 2 })
    again.publish('b', 'own')
    const seen = (await again.untilPong()).map(
      (packet) => packet.packetType === PUBLISH && [packet.message.topicName, packet.qos],
    )
    expect(seen).toEqual(
      version === V5
        ? [
            ['a/x', 1],
            ['b', 2],
          ]
        : [
            ['a/x', 1],
            ['b', 2],
            ['b', 0],
          ],
    )
  })

  it('U-03 takes a QoS 2 message once, though its PUBLISH is repeated after the server was killed', async () => {
    const broker = await startDurable()
    await absentSubscriber(broker, version)
    const publisher = await broker.client(keeping(version, 'pub'))
    const packetId = publisher.publish('a/1', 'once', { qos: 2 })
    await publisher.expect(PUBREC)

    const next = await broker.killed()
    const again = await next.client({ ...keeping(version, 'pub'), cleanStart: false })
    again.publish('a/1', 'once', { qos: 2, packetId, dup: true })
    await again.expect(PUBREC)
    again.acknowledge(PUBREL, packetId)
    await again.expect(PUBCOMP)
    const subscriber = await next.client({ ...keeping(version, 'sub'), cleanStart: false })
    expect(await takeAll(subscriber)).toEqual(['once'])

    // the id is free: what comes with it now is another message
    const last = await next.killed()
    const third = await last.client({ ...keeping(version, 'pub'), cleanStart: false })
    await third.publishAndWait('a/1', 'another', { qos: 2, packetId })
    const reader = await last.client({ ...keeping(version, 'sub'), cleanStart: false })
    expect((await takeAll(reader)).filter((payload) => payload === 'another')).toHaveLength(1)
  })

  it('U-04 goes on with PUBREL, not with PUBLISH, after PUBREC came before it was killed', async () => {
    const broker = await startDurable()
    const subscriber = await broker.client(keeping(version, 'sub'))
    await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
    const publisher = await broker.client()
    await publisher.publishAndWait('a', 'x', { qos: 2 })
    const { packetId } = await subscriber.message()
    subscriber.acknowledge(PUBREC, packetId)
    await subscriber.expect(PUBREL)

    const next = await broker.killed()
    const again = await next.client({ ...keeping(version, 'sub'), cleanStart: false })
    expect(await again.expect(PUBREL)).toMatchObject({ packetId })
    again.acknowledge(PUBCOMP, packetId)
    await again.quiet()
  })

  it.each([1, 2] as const)(
    'U-04 [v5:MQTT-3.3.1-1] [v311:MQTT-3.3.1-1] sends an open QoS %i exchange again with its id and DUP after it was killed',
    async (qos) => {
      const broker = await startDurable()
      const subscriber = await broker.client(keeping(version, 'sub'))
      await subscriber.subscribe({ topicFilter: 'a', qos })
      const publisher = await broker.client()
      await publisher.publishAndWait('a', 'x', { qos })
      const { packetId } = await subscriber.message()

      const next = await broker.killed()
      const again = await next.client({ ...keeping(version, 'sub'), cleanStart: false })
      expect(await again.message()).toMatchObject({ packetId, dup: true, payload: 'x', qos })
      // the next message gets another id
      await (await next.client()).publishAndWait('a', 'y', { qos })
      expect((await again.message()).packetId).not.toBe(packetId)
    },
  )

  it('R-12 U-02 has the retained messages that it acknowledged', async () => {
    const broker = await startDurable()
    const publisher = await broker.client({ version })
    await publisher.publishAndWait('kept', 'old', { qos: 1, retain: true })
    await publisher.publishAndWait('kept', 'new', { qos: 2, retain: true })
    await publisher.publishAndWait('removed', 'x', { qos: 1, retain: true })
    await publisher.publishAndWait('removed', '', { qos: 1, retain: true })

    const next = await broker.killed()
    expect(next.broker.gauges.retainedMessages).toBe(1)
    const subscriber = await next.client({ version })
    await subscriber.subscribe('#')
    expect(await subscriber.message()).toMatchObject({ topic: 'kept', payload: 'new', retain: true })
    await subscriber.quiet()
  })

  it('U-09 has all that was under way after it stopped in order', async () => {
    const broker = await startDurable()
    const subscriber = await broker.client(keeping(version, 'sub'))
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
    const publisher = await broker.client()
    await publisher.publishAndWait('a', 'acknowledged', { qos: 1 })
    subscriber.acknowledge(PUBACK, (await subscriber.message()).packetId)
    publisher.publish('retained at QoS 0', 'x', { retain: true })
    await publisher.publishAndWait('a', 'open', { qos: 1 })
    await subscriber.message()

    const next = await broker.stopped()
    expect(next.broker.gauges).toMatchObject({ retainedMessages: 1, clientsTotal: 1 })
    const again = await next.client({ ...keeping(version, 'sub'), cleanStart: false })
    expect(await takeAll(again)).toEqual(['open'])
  })

  it('keeps nothing of a session that ends with its connection, or was thrown away', async () => {
    const broker = await startDurable()
    const brief = await broker.client({ version, clientId: 'brief', cleanStart: true })
    await brief.subscribe({ topicFilter: '#', qos: 2 })
    await absentSubscriber(broker, version)
    const publisher = await broker.client({ version })
    await publisher.publishAndWait('a/1', 'x'.repeat(1000), { qos: 2 })
    await brief.message()
    const fresh = await broker.client({ version, clientId: 'sub', cleanStart: true })
    fresh.disconnect()
    await fresh.closed()
    await broker.stopped()

    // the stamp
    expect(broker.store.committed.size).toBe(1)
  })
})

async function turns(client: MemoryClient): Promise<void> {
  for (let i = 0; i < 5; i++) await client.turn()
}

describe('promises', () => {
  const request = { topicFilter: 'a', qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const publish = (qos: QoS, packetId: number, topic = 'a') =>
    new Publish(Message.create(topic, 'x', { qos }), qos, false, packetId)
  const acknowledgement = (type: AcknowledgementType, packetId: number) => new Acknowledgement(type, packetId, 0)
  const types = (client: MemoryClient) => client.packets().map((packet) => packet.packetType)

  async function withStore() {
    const broker = await startDurable()
    const client = await MemoryClient.connected(broker, keeping(V5, 'c'))
    await turns(client)
    client.packets()
    return { broker, client }
  }

  it('U-01 SUBACK, UNSUBACK, PUBACK, PUBREC and PUBCOMP leave when the store has what they promise', async () => {
    const { broker, client } = await withStore()
    const step = async (packet: Parameters<MemoryClient['send']>[0], answer: PacketType) => {
      broker.store.holdUp()
      client.send(packet)
      await turns(client)
      expect(types(client)).not.toContain(answer)
      broker.store.letGo()
      await turns(client)
      expect(types(client)).toContain(answer)
    }
    await step(new Subscribe(1, [request], {}), SUBACK)
    await step(publish(1, 2), PUBACK)
    await step(publish(2, 3), PUBREC)
    await step(acknowledgement(PUBREL, 3), PUBCOMP)
    await step(new Unsubscribe(4, ['a']), UNSUBACK)
  })

  it('U-01 CONNACK leaves when the store has the session', async () => {
    const { broker } = await withStore()
    broker.store.holdUp()
    const client = await MemoryClient.connected(broker, keeping(V5, 'd'))
    await turns(client)
    expect(client.taken).toHaveLength(0)
    broker.store.letGo()
    await turns(client)
    expect(types(client)).toEqual([PacketType.CONNACK])
  })

  it('U-04 the QoS 2 PUBLISH and the PUBREL to a subscriber wait for the store, QoS 1 does not', async () => {
    const { broker, client } = await withStore()
    await client.subscribe('a', 2)
    await turns(client)
    client.packets()
    const publisher = await MemoryClient.connected(broker, { clientId: 'p', cleanStart: true })
    broker.store.holdUp()
    publisher.send(publish(1, 1))
    await turns(client)
    expect(types(client)).toEqual([PUBLISH])
    publisher.send(publish(2, 2))
    await turns(client)
    expect(types(client)).toEqual([])
    broker.store.letGo()
    await turns(client)
    const [sent] = client.packets() as Publish[]
    broker.store.holdUp()
    client.send(acknowledgement(PUBREC, sent!.packetId))
    await turns(client)
    expect(types(client)).toEqual([])
    broker.store.letGo()
    await turns(client)
    expect(types(client)).toEqual([PUBREL])
  })

  it('nobody waits who was promised nothing', async () => {
    const { broker, client } = await withStore()
    await client.subscribe('a', 1)
    const other = await MemoryClient.connected(broker, { clientId: 'other', cleanStart: true })
    await other.subscribe('free', 0)
    await turns(client)
    other.packets()
    broker.store.holdUp()
    client.send(publish(1, 1))
    client.send(publish(0, 0, 'free'))
    other.send(publish(0, 0, 'free'))
    await turns(client)
    // the one who waits gets QoS 0 in its order, later
    expect(types(other)).toEqual([PUBLISH, PUBLISH])
    broker.store.letGo()
    await turns(client)
    expect(types(client)).toEqual([PUBLISH, PUBACK])
  })

  it('a message that was acknowledged before its commit began is never written', async () => {
    const { broker, client } = await withStore()
    await client.subscribe('a', 1)
    await turns(client)
    client.packets()
    const before = broker.store.committed.size
    broker.store.holdUp()
    // a commit is under way, and what comes meanwhile gathers
    client.send(new Subscribe(2, [{ ...request, topicFilter: 'b' }], {}))
    await turns(client)
    client.send(publish(1, 3))
    await turns(client)
    const sent = client.packets().find(({ packetType }) => packetType === PUBLISH)
    expect(sent).toBeUndefined()
    client.send(acknowledgement(PUBACK, 1))
    broker.store.letGo()
    await turns(client)

    expect(types(client)).toEqual([SUBACK, PUBLISH, PUBACK])
    expect(broker.store.committed.size).toBe(before + 1)
  })
})
