import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { Unsubscribe } from '../../../src/codec/packets/unsubscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V3_1, V5 } = ProtocolVersion
const wrongFilters = ['', 'a#', 'a/#/b', '#/a', '##', 'a/b#', '#+', 'a+', 'a+/b', '+a', 'a/+b', 'a/++', '/+#']

/** What SUBACK says for a filter that is refused: 3.1 has no failure, there it is the QoS that was asked for. */
function refusal(version: ProtocolVersion, reasonCode: number, requestedQos: number): number {
  if (version === V5) return reasonCode
  return version === V3_1 ? requestedQos : 0x80
}

/** What UNSUBACK says: before 5.0 nothing. */
function unsubscribed(version: ProtocolVersion, ...codes: number[]): number[] {
  return version === V5 ? codes : []
}

async function payloads(subscriber: RawClient): Promise<string[]> {
  const packets = await subscriber.untilPong()
  return packets.flatMap((packet) => (packet.packetType === PacketType.PUBLISH ? [String(packet.message.payload)] : []))
}

describe.each(EACH_VERSION)('subscriptions in MQTT %s', (_name, version) => {
  const STATEMENTS =
    '[v5:MQTT-4.7.1-1] [v5:MQTT-4.7.1-2] [v5:MQTT-4.7.3-1] [v311:MQTT-4.7.1-2] [v311:MQTT-4.7.1-3] [v311:MQTT-4.7.3-1]'

  it.each(wrongFilters)(`T-01 ${STATEMENTS} closes on SUBSCRIBE to %j`, async (topicFilter) => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    subscriber.send(new Subscribe(1, [{ topicFilter, ...options }]))
    await subscriber.closesWith(0x8f)
  })

  it.each(wrongFilters)(`T-01 ${STATEMENTS} closes on UNSUBSCRIBE from %j`, async (topicFilter) => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    subscriber.send(new Unsubscribe(1, [topicFilter]))
    await subscriber.closesWith(0x8f)
  })

  it('T-01 [v5:MQTT-4.7.1-1] [v5:MQTT-4.7.1-2] takes wildcards where they may stand', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    const filters = ['#', '+', '/', '/#', '/+', '+/', '+/+/#', 'a/+/b/#', ' ', '$dev/#', '$']
    const suback = await subscriber.subscribe(filters)
    expect(suback.codes).toEqual(filters.map(() => 0))
  })

  it.each([
    ['[v5:MQTT-3.8.3-2] [U5-3.8.3-1] [v311:MQTT-3.8.3-3]', 'SUBSCRIBE', '82'],
    ['[v5:MQTT-3.10.3-2] [U5-3.10.3-1] [v311:MQTT-3.10.3-2]', 'UNSUBSCRIBE', 'a2'],
  ])('T-04 %s closes on %s without a filter', async (_statements, _packet, firstByte) => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    subscriber.sendBytes(version === V5 ? `${firstByte} 03 0001 00` : `${firstByte} 02 0001`)
    await subscriber.closesWith(0x82)
  })

  const options: readonly [byte: string, reasonCode: number][] =
    version === V5
      ? [
          ['03', 0x82],
          ['07', 0x82],
          ['30', 0x82],
          ['3e', 0x82],
          ['40', 0x81],
          ['80', 0x81],
        ]
      : [
          ['03', 0x81],
          ['04', 0x81],
          ['08', 0x81],
          ['10', 0x81],
          ['80', 0x81],
        ]

  it.each(options)(
    'T-05 [v5:MQTT-3.8.3-5] [U5-3.8.3.1-1] [U5-3.8.3.1-2] [v311:MQTT-3.8.3-4] closes on option byte %s',
    async (byte, reasonCode) => {
      const { client } = await startBroker()
      const subscriber = await client({ version })
      subscriber.sendBytes(version === V5 ? `82 07 0001 00 0001 61 ${byte}` : `82 06 0001 0001 61 ${byte}`)
      await subscriber.closesWith(reasonCode)
    },
  )

  it('T-06 [v5:MQTT-3.8.4-1] [v5:MQTT-3.8.4-2] [v5:MQTT-3.8.4-5] [v5:MQTT-3.8.4-6] [v5:MQTT-3.8.4-7] [v5:MQTT-3.9.3-1] [v5:MQTT-3.9.3-2] [v311:MQTT-3.8.4-1] [v311:MQTT-3.8.4-2] [v311:MQTT-3.8.4-4] [v311:MQTT-3.8.4-5] [v311:MQTT-3.9.3-1] [v311:MQTT-3.9.3-2] M-04 answers with one code per filter in their order; one that is refused leaves the others alone', async () => {
    const access = testAccess({ maySubscribe: (_identity, _clientId, filter) => !filter.startsWith('secret') })
    const { client } = await startBroker({ access })
    const subscriber = await client({ version })
    const filters = [
      { topicFilter: 'a', qos: 2 },
      { topicFilter: 'secret/#', qos: 1 },
      { topicFilter: 'b', qos: 0 },
      { topicFilter: 'c', qos: 1 },
    ] as const
    subscriber.nextPacketId()
    const suback = await subscriber.subscribe(filters)
    expect(suback).toMatchObject({ packetId: 2, codes: [2, refusal(version, 0x87, 1), 0, 1], properties: {} })

    const publisher = await client()
    for (const topic of ['a', 'secret/x', 'b', 'c']) await publisher.publishAndWait(topic, topic, { qos: 1 })
    expect(await payloads(subscriber)).toEqual(['a', 'b', 'c'])
  })

  it('T-06 [v5:MQTT-3.10.4-1] [v5:MQTT-3.10.4-4] [v5:MQTT-3.10.4-5] [v5:MQTT-3.10.4-6] [v5:MQTT-3.11.3-1] [v5:MQTT-3.11.3-2] [v311:MQTT-3.10.4-1] [v311:MQTT-3.10.4-4] [v311:MQTT-3.10.4-5] [v311:MQTT-3.10.4-6] answers one UNSUBSCRIBE with one UNSUBACK, also for filters that nobody held', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe(['a', 'b/#', 'c'])
    const unsuback = await subscriber.unsubscribe('b/#', 'b/+', 'a', 'a')
    expect(unsuback).toMatchObject({ packetId: 2, codes: unsubscribed(version, 0, 0x11, 0, 0x11) })
    expect(await subscriber.unsubscribe('nothing')).toMatchObject({ codes: unsubscribed(version, 0x11) })
    const publisher = await client()
    for (const topic of ['a', 'b/x', 'c']) await publisher.publishAndWait(topic, topic, { qos: 1 })
    expect(await payloads(subscriber)).toEqual(['c'])
  })

  it('T-07 sends SUBACK before the retained messages, and every message published after it', async () => {
    const { client } = await startBroker()
    const publisher = await client()
    for (const topic of ['r/1', 'r/2', 's/1']) await publisher.publishAndWait(topic, topic, { qos: 1, retain: true })
    const subscriber = await client({ version })
    // the next packet has to be SUBACK
    await subscriber.subscribe(['r/#', 's/1'])
    await publisher.publishAndWait('r/1', 'live', { qos: 1 })
    expect(await payloads(subscriber)).toEqual(['r/1', 'r/2', 's/1', 'live'])
  })

  it('T-08 [v5:MQTT-3.8.4-3] [v311:MQTT-3.8.4-3] replaces a subscription with the same filter', async () => {
    const { broker, client } = await startBroker()
    const subscriber = await client({ version })
    const publisher = await client()
    for (const qos of [0, 2, 1, 0] as const) {
      expect((await subscriber.subscribe({ topicFilter: 'a/+', qos })).codes).toEqual([qos])
      await publisher.publishAndWait('a/b', `at ${qos}`, { qos: 2 })
      expect(await subscriber.message()).toMatchObject({ payload: `at ${qos}`, qos })
      await subscriber.quiet()
      expect(broker.gauges.subscriptions).toBe(1)
    }
    await subscriber.unsubscribe('a/+')
    await publisher.publishAndWait('a/b', 'gone', { qos: 2 })
    await subscriber.quiet()
  })

  it('T-08 [v5:MQTT-3.8.4-4] [v311:MQTT-3.8.4-3] loses and doubles no live message while a subscription is replaced again and again', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: 'n', qos: 1 })
    const publisher = await client()
    const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    for (let i = 0; i < 300; i++) {
      publisher.publish('n', String(i), { qos: 1 })
      if (i % 7 === 0)
        subscriber.send(new Subscribe(subscriber.nextPacketId(), [{ topicFilter: 'n', qos: 1, ...options }]))
      // lets the broker take turns between the two
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await publisher.untilPong()
    expect(await payloads(subscriber)).toEqual(Array.from({ length: 300 }, (_, i) => String(i)))
  })

  it('T-09 takes the second of two equal filters in one SUBSCRIBE, and answers both', async () => {
    const { broker, client } = await startBroker()
    const subscriber = await client({ version })
    const publisher = await client()
    await publisher.publishAndWait('t', 'retained', { qos: 2, retain: true })
    const filters = [
      { topicFilter: 't', qos: 0 },
      { topicFilter: 't', qos: 2 },
    ] as const
    expect((await subscriber.subscribe(filters)).codes).toEqual([0, 2])
    expect(broker.gauges.subscriptions).toBe(1)
    expect(await subscriber.message()).toMatchObject({ payload: 'retained', qos: 2 })
    await publisher.publishAndWait('t', 'live', { qos: 2 })
    expect(await subscriber.message()).toMatchObject({ payload: 'live', qos: 2 })
    await subscriber.quiet()
    expect((await subscriber.unsubscribe('t', 't')).codes).toEqual(unsubscribed(version, 0, 0x11))
  })

  it.each([
    ['a/+', 'a/b'],
    ['a/b', 'a/+'],
    ['a/#', 'a/b'],
    ['#', 'a/b'],
    ['a/b', '$share/g/a/b'],
    ['$share/g/a/b', 'a/b'],
    ['$share/g/a/b', '$share/h/a/b'],
    ['a/b/', 'a/b'],
    ['A/B', 'a/b'],
  ])('T-10 [v5:MQTT-3.10.4-1] [v311:MQTT-3.10.4-1] UNSUBSCRIBE from %s does not touch %s', async (removed, kept) => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe([removed, kept])
    await subscriber.unsubscribe(removed)
    const publisher = await client()
    await publisher.publishAndWait('a/b', 'x', { qos: 1 })
    expect((await subscriber.message()).payload).toBe('x')
    await subscriber.quiet()
  })

  it('T-10 O-13 [v5:MQTT-3.10.4-2] [v5:MQTT-3.10.4-3] [v311:MQTT-3.10.4-2] [v311:MQTT-3.10.4-3] completes what is in flight after UNSUBSCRIBE and sends nothing new', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
    const publisher = await client()
    await publisher.publishAndWait('a', 'begun', { qos: 2 })
    const { packetId } = await subscriber.message()
    await subscriber.unsubscribe('a')
    await publisher.publishAndWait('a', 'new', { qos: 2 })
    subscriber.acknowledge(PacketType.PUBREC, packetId)
    expect(await subscriber.expect(PacketType.PUBREL)).toMatchObject({ packetId, reasonCode: 0 })
    subscriber.acknowledge(PacketType.PUBCOMP, packetId)
    await subscriber.quiet()
  })

  it('T-10 O-13 delivers what was queued before UNSUBSCRIBE, and queues nothing after it', async () => {
    const { client } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
    const publisher = await client()
    for (const payload of ['in flight', 'queued']) await publisher.publishAndWait('a', payload, { qos: 1 })
    const first = await subscriber.message()
    await subscriber.unsubscribe('a')
    await publisher.publishAndWait('a', 'too late', { qos: 1 })
    subscriber.acknowledge(PacketType.PUBACK, first.packetId)
    const second = await subscriber.message()
    expect(second.payload).toBe('queued')
    subscriber.acknowledge(PacketType.PUBACK, second.packetId)
    await subscriber.quiet()
  })

  it('T-13 refuses a filter with too many levels, and goes on', async () => {
    const { client } = await startBroker({ limits: { maximumTopicLevels: 3 } })
    const subscriber = await client({ version })
    const filters = ['a/b/c', 'a/b/c/d', '////', '+/+/#', '+/+/+/#', '$share/g/a/b/c', '$share/g/a/b/c/d']
    const no = refusal(version, 0x97, 0)
    expect((await subscriber.subscribe(filters)).codes).toEqual([0, no, no, 0, no, 0, no])
    const publisher = await client()
    await publisher.publishAndWait('a/b/c', 'x', { qos: 1 })
    // of the filters that match, the shared one brings a copy of its own
    expect(await payloads(subscriber)).toEqual(['x', 'x'])
  })

  it('T-13 L-08 refuses a PUBLISH to a topic with too many levels with 0x90, and goes on', async () => {
    const { client } = await startBroker({ limits: { maximumTopicLevels: 3 } })
    const subscriber = await client({ version })
    await subscriber.subscribe('#')
    const publisher = await client({ version })
    for (const qos of [0, 1, 2] as const) {
      const answer = await publisher.publishAndWait('a/b/c/d', 'deep', { qos, retain: true })
      if (qos > 0) expect(answer!.reasonCode).toBe(version === V5 ? 0x90 : 0)
    }
    await publisher.publishAndWait('a/b/c', 'level', { qos: 1 })
    expect(await payloads(subscriber)).toEqual(['level'])
    const late = await client({ version })
    await late.subscribe('#')
    await late.quiet()
  })

  it('T-13 L-08 refuses subscriptions above their maximum, replaces those held, and has room again after UNSUBSCRIBE', async () => {
    const { broker, client } = await startBroker({ limits: { maximumSubscriptions: 1000 } })
    const subscriber = await client({ ...keeping(version, 'greedy') })
    const no = refusal(version, 0x97, 0)
    const filters = Array.from({ length: 20_000 }, (_, i) => `f/${i}`)
    const { codes } = await subscriber.subscribe(filters)
    expect(codes).toEqual(filters.map((_, i) => (i < 1000 ? 0 : no)))
    expect((await subscriber.subscribe([{ topicFilter: 'f/7', qos: 1 }, 'f/1000'])).codes).toEqual([1, no])
    await subscriber.unsubscribe('f/7')
    expect((await subscriber.subscribe(['f/1000', 'f/7'])).codes).toEqual([0, no])
    expect(broker.gauges.subscriptions).toBe(1000)
    const other = await client({ version })
    expect((await other.subscribe('f/1')).codes).toEqual([0])
  })
})
