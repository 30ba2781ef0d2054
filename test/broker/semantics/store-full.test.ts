import { describe, expect, it, onTestFinished } from 'vitest'
import type { BrokerEvent } from '../../../src/broker/configuration.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { StoreError } from '../../../src/store/store.ts'
import { startDurable } from '../../support/durable-broker.ts'
import { connectPacket } from '../../support/raw-client.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V5, V3_1 } = ProtocolVersion
const FULL = new StoreError('full', 'the disk of data is full')

/** A broker whose disk can be filled; an absent subscriber of `a`, kept; a reader of `free`, not kept. */
async function withSubscribers(version: ProtocolVersion) {
  const events: BrokerEvent[] = []
  const broker = await startDurable({ log: (event) => events.push(event) })
  // who is held back to the end is cut off after closeTimeoutSeconds
  onTestFinished(async () => {
    let isStopped = false
    const stopped = broker.broker.stop().then(() => (isStopped = true))
    while (!isStopped) {
      broker.clock.advance(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await stopped
  })
  const absent = await broker.client(keeping(version, 'absent'))
  await absent.subscribe({ topicFilter: 'a', qos: 2 })
  absent.disconnect()
  await absent.closed()
  const reader = await broker.client({ version })
  await reader.subscribe({ topicFilter: 'free', qos: 2 })
  const publisher = await broker.client(keeping(version, 'pub'))
  await publisher.publishAndWait('a', 'before', { qos: 2 })
  /** Fills the disk, and lets the broker notice: who notices is held back. */
  const fill = async () => {
    broker.store.failure = FULL
    const unlucky = await broker.client({ version })
    unlucky.publish('a', 'held back', { qos: 1 })
    while (!events.some(({ event }) => event === 'error')) await new Promise((resolve) => setImmediate(resolve))
    return unlucky
  }
  const empty = async () => {
    broker.store.failure = null
    while (!events.some(({ event, detail }) => event === 'store' && detail.includes('works again')))
      await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return { broker, events, reader, publisher, fill, empty }
}

describe.each(EACH_VERSION)('a store without room, in MQTT %s', (_, version) => {
  it('L-05 acknowledges nothing that it cannot keep, loses nothing that it acknowledged, and goes on when there is room', async () => {
    const { broker, events, publisher, fill, empty } = await withSubscribers(version)
    const unlucky = await fill()
    expect(unlucky.waiting).toEqual([])
    for (const [topic, options] of [
      ['a', { qos: 1 }],
      ['r', { qos: 1, retain: true }],
      ['nobody', { qos: 2 }],
    ] as const) {
      if (version === V5) {
        expect(await publisher.publishAndWait(topic, 'refused', options)).toMatchObject({ reasonCode: 0x97 })
      } else if (topic === 'a') {
        publisher.publish(topic, 'refused', options)
        await publisher.closesWith(0x97)
      }
    }
    expect(unlucky.waiting).toEqual([])

    await empty()
    await unlucky.expect(PacketType.PUBACK)
    const again = await broker.client({ ...keeping(version, 'pub'), cleanStart: false })
    await again.publishAndWait('a', 'after', { qos: 2 })
    const errors = events.filter(({ event }) => event === 'error')
    expect(errors).toHaveLength(1)
    expect(errors[0]!.detail).toContain('the disk of data is full')

    const next = await broker.killed()
    const absent = await next.client({ ...keeping(version, 'absent'), cleanStart: false })
    const packets = await absent.untilPong()
    const payloads = packets.map(
      (packet) => packet.packetType === PacketType.PUBLISH && packet.message.payload.toString(),
    )
    expect(payloads).toEqual(['before', 'held back', 'after'])
  })

  it('L-05 lets everything go on that needs no store', async () => {
    const { broker, publisher, reader, fill } = await withSubscribers(version)
    await fill()
    const other = await broker.client({ version })
    await other.subscribe({ topicFilter: 'free', qos: 2 })
    await other.unsubscribe('free')
    publisher.publish('free', 'QoS 0')
    expect(await reader.message()).toMatchObject({ payload: 'QoS 0' })
    expect((await other.publishAndWait('free', 'QoS 1', { qos: 1 }))!.reasonCode).toBe(0)
    expect(await reader.message()).toMatchObject({ payload: 'QoS 1' })
    await other.publishAndWait('free', 'QoS 2', { qos: 2 })
    expect(await reader.message()).toMatchObject({ payload: 'QoS 2' })
    // a session that is there can be taken up again, and gets what waits for it
    const absent = await broker.client({ ...keeping(version, 'absent'), cleanStart: false })
    expect(absent.connack.code).toBe(0)
  })

  it('L-05 refuses subscriptions and sessions that it cannot keep', async () => {
    const { broker, publisher, fill } = await withSubscribers(version)
    await fill()
    const suback = await publisher.subscribe({ topicFilter: 'b', qos: 1 })
    // MQTT 3.1 has no failure code (semantics M-04)
    expect(suback.codes).toEqual([version === V5 ? 0x97 : version === V3_1 ? 1 : 0x80])
    const comer = await broker.open(version)
    comer.send(connectPacket({ version, ...keeping(version, 'new') }))
    expect((await comer.expect(PacketType.CONNACK)).code).toBe(version === V5 ? 0x97 : 3)
    expect(broker.broker.gauges.clientsTotal).toBe(5 - 1)
  })
})

it('L-05 a QoS 2 message that was refused with its connection is taken when it comes again', async () => {
  const { broker, publisher, fill, empty } = await withSubscribers(ProtocolVersion.V3_1_1)
  await fill()
  const packetId = publisher.publish('a', 'again', { qos: 2 })
  await publisher.closesWith(0x97)
  await empty()
  const back = await broker.client({ ...keeping(ProtocolVersion.V3_1_1, 'pub'), cleanStart: false })
  back.publish('a', 'again', { qos: 2, packetId, dup: true })
  await back.expect(PacketType.PUBREC)
  const absent = await broker.client({ ...keeping(ProtocolVersion.V3_1_1, 'absent'), cleanStart: false })
  const payloads = (await absent.untilPong()).map(
    (packet) => packet.packetType === PacketType.PUBLISH && packet.message.payload.toString(),
  )
  expect(payloads).toEqual(['before', 'held back', 'again'])
})
