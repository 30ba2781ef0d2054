import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import type { ConnectFields } from '../../../src/codec/packets/connect.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { keeping } from '../../support/versions.ts'

const { V3_1_1, V5 } = ProtocolVersion
const NO_LOCAL = { topicFilter: 'a/#', qos: 1, noLocal: true } as const
const LARGEST_IDENTIFIER = 268_435_455

function identified(identifier: number) {
  return { subscriptionIdentifiers: [identifier] }
}

describe('No Local', () => {
  it('T-11 [v5:MQTT-3.8.3-3] holds back what the client published itself, and nothing else', async () => {
    const { client } = await startBroker()
    const own = await client({ clientId: 'own' })
    await own.subscribe(NO_LOCAL)
    const other = await client({ clientId: 'other' })
    for (const qos of [0, 1, 2] as const) await own.publishAndWait('a/b', `own ${qos}`, { qos })
    await other.publishAndWait('a/b', 'from another', { qos: 1 })
    expect((await own.message()).payload).toBe('from another')
    await own.quiet()
  })

  it('T-11 [v5:MQTT-3.8.3-3] holds back own messages after a takeover', async () => {
    const { client } = await startBroker()
    const first = await client(keeping(V5, 'own'))
    await first.subscribe(NO_LOCAL)
    const second = await client(keeping(V5, 'own'))
    expect(second.connack.sessionPresent).toBe(true)
    await second.publishAndWait('a/b', 'own', { qos: 1 })
    await second.quiet()
  })

  it('T-11 W-11 holds back the own will, also from the queue of the session', async () => {
    const { client, logged } = await startBroker()
    const will = {
      topicName: 'a/will',
      payload: Buffer.from('own will'),
      qos: 1,
      retain: false,
      properties: {},
    } as const
    const first = await client({ ...keeping(V5, 'own'), will })
    await first.subscribe(NO_LOCAL)
    await first.publishAndWait('a/b', 'own', { qos: 1 })
    first.cut()
    await logged('disconnect', 'own')
    const other = await client()
    await other.publishAndWait('a/b', 'while away', { qos: 1 })
    const resumed = await client(keeping(V5, 'own'))
    expect((await resumed.message()).payload).toBe('while away')
    await resumed.quiet()
  })

  it('T-11 is kept for a session that a 3.1.1 client resumes', async () => {
    const { client } = await startBroker()
    const first = await client(keeping(V5, 'own'))
    await first.subscribe(NO_LOCAL)
    const older = await client(keeping(V3_1_1, 'own'))
    await older.publishAndWait('a/b', 'own', { qos: 1 })
    await older.quiet()
  })

  it('T-11 holds back own retained messages too', async () => {
    const { client } = await startBroker()
    const own = await client({ clientId: 'own' })
    const other = await client({ clientId: 'other' })
    await own.publishAndWait('a/own', 'own', { qos: 1, retain: true })
    await other.publishAndWait('a/other', 'of another', { qos: 1, retain: true })
    await own.publishAndWait('a/both', 'own', { qos: 1, retain: true })
    await other.publishAndWait('a/both', 'of another, later', { qos: 1, retain: true })
    await own.subscribe(NO_LOCAL)
    expect((await own.message()).payload).toBe('of another')
    expect((await own.message()).payload).toBe('of another, later')
    await own.quiet()
    await other.subscribe(NO_LOCAL)
    expect((await other.message()).payload).toBe('own')
    await other.quiet()
  })

  it('T-08 follows the newer SUBSCRIBE', async () => {
    const { client } = await startBroker()
    const own = await client()
    for (const noLocal of [true, false, true]) {
      await own.subscribe({ ...NO_LOCAL, noLocal })
      own.publish('a/b', 'own')
      if (!noLocal) expect((await own.message()).payload).toBe('own')
      await own.quiet()
    }
  })
})

describe('Subscription Identifier', () => {
  it.each([1, 127, 128, 16_384, LARGEST_IDENTIFIER])(
    'T-12 [v5:MQTT-3.3.4-3] %i comes back in live, retained and queued messages, and after a resume',
    async (identifier) => {
      const { client } = await startBroker()
      const publisher = await client()
      await publisher.publishAndWait('a', 'retained', { qos: 1, retain: true })
      const properties = identified(identifier)
      const first = await client(keeping(V5, 'subscriber'))
      await first.subscribe({ topicFilter: 'a', qos: 1 }, properties)
      await publisher.publishAndWait('a', 'live', { qos: 1 })
      for (const payload of ['retained', 'live']) {
        const message = await first.message()
        expect(message).toMatchObject({ payload, properties })
        first.acknowledge(PacketType.PUBACK, message.packetId)
      }
      first.disconnect()
      await first.closed()
      await publisher.publishAndWait('a', 'queued', { qos: 1 })
      const resumed = await client(keeping(V5, 'subscriber'))
      await publisher.publishAndWait('a', 'resumed', { qos: 1 })
      for (const payload of ['queued', 'resumed']) {
        expect(await resumed.message()).toMatchObject({ payload, properties })
      }
    },
  )

  it('T-12 T-08 goes with a SUBSCRIBE that has none, and is replaced by one that has another', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    for (const given of [5, null, 6, 7, null]) {
      await subscriber.subscribe('a', given === null ? {} : identified(given))
      subscriber.publish('a', 'x')
      expect((await subscriber.message()).properties).toEqual(given === null ? {} : identified(given))
    }
  })

  it('T-12 belongs to every filter of its SUBSCRIBE, shared ones too', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe(['a', 'b', '$share/g/c'], identified(9))
    await subscriber.subscribe('d')
    for (const topic of ['a', 'b', 'c', 'd']) {
      subscriber.publish(topic, 'x')
      expect((await subscriber.message()).properties).toEqual(topic === 'd' ? {} : identified(9))
    }
  })

  it('T-12 stays with the message that was queued under it when the subscription is replaced', async () => {
    const { client } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const subscriber = await client()
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 }, identified(1))
    const publisher = await client()
    for (const payload of ['first', 'second']) await publisher.publishAndWait('a', payload, { qos: 1 })
    const { packetId } = await subscriber.message()
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
    subscriber.acknowledge(PacketType.PUBACK, packetId)
    expect(await subscriber.message()).toMatchObject({ payload: 'second', properties: identified(1) })
  })

  it('T-12 [v5:MQTT-3.8.4-3] [U5-3.8.2.1.2-1] closes on 0 and on two of them', async () => {
    const { client } = await startBroker()
    for (const bytes of ['82 09 0001 02 0b00 0001 61 00', '82 0b 0001 04 0b01 0b02 0001 61 00']) {
      const subscriber = await client()
      subscriber.sendBytes(bytes)
      await subscriber.closesWith(0x82)
    }
  })
})

describe('answers within the Maximum Packet Size of a client', () => {
  const tight: Partial<ConnectFields> = { properties: { maximumPacketBytes: 40 } }

  it('[v5:MQTT-3.9.2-1] [v5:MQTT-3.9.2-2] F-10 SUBACK for refused filters carries no Reason String and no User Property that would not fit', async () => {
    const { client } = await startBroker({ access: testAccess({ maySubscribe: () => false }) })
    const subscriber = await client(tight)
    const before = subscriber.received.length
    const suback = await subscriber.subscribe(['a', 'b', 'c'])
    expect(suback).toMatchObject({ codes: [0x87, 0x87, 0x87], properties: {} })
    expect(subscriber.received.length - before).toBeLessThanOrEqual(40)
  })

  it('[v5:MQTT-3.11.2-1] [v5:MQTT-3.11.2-2] F-10 UNSUBACK carries no Reason String and no User Property that would not fit', async () => {
    const { client } = await startBroker()
    const subscriber = await client(tight)
    const before = subscriber.received.length
    const unsuback = await subscriber.unsubscribe('a', 'b', 'c')
    expect(unsuback).toMatchObject({ codes: [0x11, 0x11, 0x11], properties: {} })
    expect(subscriber.received.length - before).toBeLessThanOrEqual(40)
  })
})
