import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { Unsubscribe } from '../../../src/codec/packets/unsubscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V5 } = ProtocolVersion
const SHARED = { topicFilter: '$share/g/a', qos: 1 } as const
const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const

/** Takes what has come, and acknowledges QoS 1. @returns payloads */
async function takeAll(member: RawClient): Promise<string[]> {
  const packets = await member.untilPong()
  return packets.map((packet) => {
    if (packet.packetType !== PacketType.PUBLISH) throw new Error(`packet type ${packet.packetType}`)
    if (packet.qos === 1) member.acknowledge(PacketType.PUBACK, packet.packetId)
    return packet.message.payload.toString()
  })
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i))
const inOrder = (payloads: readonly string[]): string[] => [...payloads].sort((a, b) => Number(a) - Number(b))

describe.each(EACH_VERSION)('Shared Subscriptions in MQTT %s', (_name, version) => {
  const wrongFilters = [
    '$share',
    '$share/',
    '$share/x',
    '$share//a',
    '$share/a+/b',
    '$share/+/b',
    '$share/#',
    '$share/#/b',
    '$share/g#/b',
    '$share/g/',
    '$share/g/a#',
    '$share/g/a/#/b',
  ]

  it.each(wrongFilters)('G-01 [v5:MQTT-4.8.2-1] [v5:MQTT-4.8.2-2] closes on SUBSCRIBE to %s', async (topicFilter) => {
    const { client } = await startBroker()
    const member = await client({ version })
    member.send(new Subscribe(1, [{ topicFilter, ...options }]))
    await member.closesWith(0x8f)
  })

  it.each(wrongFilters)(
    'G-01 [v5:MQTT-4.8.2-1] [v5:MQTT-4.8.2-2] closes on UNSUBSCRIBE from %s',
    async (topicFilter) => {
      const { client } = await startBroker()
      const member = await client({ version })
      member.send(new Unsubscribe(1, [topicFilter]))
      await member.closesWith(0x8f)
    },
  )

  it('G-01 takes any other name and filter', async () => {
    const { client } = await startBroker()
    const member = await client({ version })
    const filters = ['$share/g/a', '$share/$g/#', '$share/share/+', '$share/ /a', '$share/g//', '$SHARE/g/a', '$shared']
    expect((await member.subscribe(filters)).codes).toEqual(filters.map(() => 0))
  })

  it('G-02 gives each message to one member of each group, and to every other subscription', async () => {
    const { client } = await startBroker()
    const members: RawClient[] = []
    for (const topicFilter of [
      '$share/g/a',
      '$share/g/a',
      '$share/h/a',
      '$share/h/a',
      '$share/g/+',
      'a',
      'a',
      '$share/g/b',
    ]) {
      const member = await client({ version })
      await member.subscribe({ topicFilter, qos: 1 })
      members.push(member)
    }
    const publisher = await client({ version })
    for (const payload of numbers(10)) await publisher.publishAndWait('a', payload, { qos: 1 })
    const got: string[][] = []
    for (const member of members) got.push(await takeAll(member))
    const all = numbers(10)
    expect(inOrder([...got[0]!, ...got[1]!])).toEqual(all)
    expect(inOrder([...got[2]!, ...got[3]!])).toEqual(all)
    expect(got.slice(4)).toEqual([all, all, all, []])
  })

  it('G-03 [U5-4.8.2-1] gives a client in a group its normal copy too', async () => {
    const { client } = await startBroker()
    const both = await client({ version })
    await both.subscribe(['$share/g/a', 'a', '+'])
    const publisher = await client({ version })
    await publisher.publishAndWait('a', 'x', { qos: 1 })
    expect(await takeAll(both)).toEqual(['x', 'x'])
  })

  it('G-04 [v5:MQTT-4.8.2-3] delivers at the QoS granted to the member chosen', async () => {
    const { client } = await startBroker()
    const members: RawClient[] = []
    for (const qos of [0, 1, 2] as const) {
      const member = await client({ version })
      await member.subscribe({ topicFilter: '$share/g/a', qos })
      members.push(member)
    }
    const publisher = await client({ version })
    for (const published of [2, 1, 0] as const) {
      for (const [granted, member] of members.entries()) {
        await publisher.publishAndWait('a', 'x', { qos: published })
        await publisher.quiet()
        expect((await member.message()).qos).toBe(Math.min(published, granted))
      }
    }
  })

  it('G-06 G-11 gives three equal members 100 of 300 messages each, in turn', async () => {
    const { client } = await startBroker()
    const members: RawClient[] = []
    for (let i = 0; i < 3; i++) {
      const member = await client({ version })
      await member.subscribe(SHARED)
      members.push(member)
    }
    const publisher = await client({ version })
    for (const payload of numbers(300)) publisher.publish('a', payload, { qos: 1 })
    await publisher.untilPong()
    const got: string[][] = []
    for (const member of members) got.push(await takeAll(member))
    expect(got.map((payloads) => payloads.length)).toEqual([100, 100, 100])
    expect(inOrder(got.flat())).toEqual(numbers(300))
  })

  it('G-06 passes over a member whose window is full as long as another can take the message', async () => {
    const { client } = await startBroker({ limits: { maximumInFlightMessages: 2 } })
    const stuck = await client({ version })
    await stuck.subscribe(SHARED)
    const ready = await client({ version })
    await ready.subscribe(SHARED)
    const publisher = await client({ version })
    const got: string[] = []
    for (const payload of numbers(10)) {
      await publisher.publishAndWait('a', payload, { qos: 1 })
      got.push(...(await takeAll(ready)))
    }
    // the stuck one never acknowledges
    expect(await stuck.message()).toMatchObject({ payload: '0' })
    expect(await stuck.message()).toMatchObject({ payload: '2' })
    await stuck.quiet()
    expect(got).toEqual(numbers(10).filter((payload) => payload !== '0' && payload !== '2'))
  })

  it('G-06 passes over a member that does not read as long as another can take the message', async () => {
    const { client } = await startBroker({ limits: { maximumOutputBytes: 131_072 } })
    const stuck = await client({ version })
    await stuck.subscribe('$share/g/a')
    stuck.socket.pause()
    const ready = await client({ version })
    await ready.subscribe('$share/g/a')
    const publisher = await client({ version })
    const padding = 'x'.repeat(100_000)
    const got: number[] = []
    for (let i = 0; i < 300; i++) {
      await publisher.publishAndWait('a', `${i} ${padding}`, { qos: 1 })
      for (const payload of await takeAll(ready)) got.push(Number.parseInt(payload, 10))
    }
    // 30 MB: at first every second one, and all when the other's socket is full
    const last = Array.from({ length: 50 }, (_, i) => 250 + i)
    expect(got.slice(-50)).toEqual(last)
  })

  it('G-06 gives a message to an offline member that keeps it rather than to one that is stuck', async () => {
    const { client, logged } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const stuck = await client({ version })
    await stuck.subscribe(SHARED)
    const away = await client(keeping(version, 'away'))
    await away.subscribe(SHARED)
    away.disconnect()
    await logged('disconnect', 'away')
    const publisher = await client({ version })
    for (const payload of numbers(4)) await publisher.publishAndWait('a', payload, { qos: 1 })
    const first = await stuck.message()
    expect(first.payload).toBe('0')
    stuck.acknowledge(PacketType.PUBACK, first.packetId)
    await stuck.quiet()
    const back = await client(keeping(version, 'away'))
    for (const payload of ['1', '2', '3']) {
      const message = await back.message()
      expect(message).toMatchObject({ payload, dup: false })
      back.acknowledge(PacketType.PUBACK, message.packetId)
    }
    await back.quiet()
  })

  it('G-06 gives a message to a stuck member when nobody else can take it, QoS 0 too', async () => {
    const { client, logged } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const stuck = await client({ version })
    await stuck.subscribe(SHARED)
    const away = await client(keeping(version, 'away'))
    await away.subscribe({ ...SHARED, qos: 0 })
    away.disconnect()
    await logged('disconnect', 'away')
    const publisher = await client({ version })
    for (const payload of ['first', 'waits']) await publisher.publishAndWait('a', payload, { qos: 1 })
    await publisher.publishAndWait('a', 'at QoS 0', { qos: 0 })
    const first = await stuck.message()
    expect(first.payload).toBe('first')
    expect((await stuck.message()).payload).toBe('at QoS 0')
    stuck.acknowledge(PacketType.PUBACK, first.packetId)
    expect((await stuck.message()).payload).toBe('waits')
  })

  it('G-06 keeps a message for a group whose members are all offline, and for nobody when it has none', async () => {
    const { client, logged } = await startBroker()
    const away = await client(keeping(version, 'away'))
    await away.subscribe(SHARED)
    away.disconnect()
    await logged('disconnect', 'away')
    const publisher = await client()
    expect((await publisher.publishAndWait('a', 'kept', { qos: 1 }))!.reasonCode).toBe(0)
    const back = await client(keeping(version, 'away'))
    expect((await back.message()).payload).toBe('kept')
    await back.unsubscribe('$share/g/a')
    expect((await publisher.publishAndWait('a', 'for nobody', { qos: 1 }))!.reasonCode).toBe(0x10)
  })

  it('G-07 [v5:MQTT-4.8.2-4] [v5:MQTT-4.8.2-5] completes QoS 2 with the member it was begun with', async () => {
    const { client, logged } = await startBroker()
    const first = await client(keeping(version, 'first'))
    await first.subscribe({ ...SHARED, qos: 2 })
    const publisher = await client({ version })
    await publisher.publishAndWait('a', 'sent', { qos: 2 })
    await publisher.publishAndWait('a', 'received', { qos: 2 })
    const sent = await first.message()
    const received = await first.message()
    first.acknowledge(PacketType.PUBREC, received.packetId)
    await first.expect(PacketType.PUBREL)
    const other = await client({ version })
    await other.subscribe({ ...SHARED, qos: 2 })
    first.cut()
    await logged('disconnect', 'first')
    await other.quiet()

    const back = await client(keeping(version, 'first'))
    expect(await back.message()).toMatchObject({ payload: 'sent', dup: true, packetId: sent.packetId })
    expect(await back.expect(PacketType.PUBREL)).toMatchObject({ packetId: received.packetId })
    for (const { packetId } of [sent, received]) {
      if (packetId === sent.packetId) {
        back.acknowledge(PacketType.PUBREC, packetId)
        await back.expect(PacketType.PUBREL)
      }
      back.acknowledge(PacketType.PUBCOMP, packetId)
    }
    await back.quiet()
    await other.quiet()
  })

  it('G-08 [U5-4.8.2-2] gives QoS 1 that was not acknowledged, and all that was never sent, to another when the session ends', async () => {
    const { client, logged } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const leaving = await client({ version, clientId: 'leaving' })
    await leaving.subscribe({ ...SHARED, qos: 2 })
    const publisher = await client({ version })
    await publisher.publishAndWait('a', 'unacknowledged', { qos: 1 })
    await publisher.publishAndWait('a', 'queued at 1', { qos: 1 })
    await publisher.publishAndWait('a', 'queued at 2', { qos: 2 })
    await leaving.message()
    const heir = await client({ version })
    await heir.subscribe({ ...SHARED, qos: 2 })
    leaving.cut()
    await logged('disconnect', 'leaving')

    for (const payload of ['unacknowledged', 'queued at 1']) {
      const message = await heir.message()
      expect(message).toMatchObject({ payload, qos: 1, dup: false })
      heir.acknowledge(PacketType.PUBACK, message.packetId)
    }
    expect(await heir.message()).toMatchObject({ payload: 'queued at 2', qos: 2, dup: false })
  })

  it('G-08 [v5:MQTT-4.8.2-5] gives QoS 2 that was sent to nobody else when the session ends', async () => {
    const { client, logged } = await startBroker()
    const leaving = await client({ version, clientId: 'leaving' })
    await leaving.subscribe({ ...SHARED, qos: 2 })
    const publisher = await client({ version })
    await publisher.publishAndWait('a', 'sent', { qos: 2 })
    await leaving.message()
    const heir = await client({ version })
    await heir.subscribe({ ...SHARED, qos: 2 })
    leaving.cut()
    await logged('disconnect', 'leaving')
    await heir.quiet()
    await publisher.publishAndWait('a', 'new', { qos: 2 })
    expect((await heir.message()).payload).toBe('new')
  })

  it('G-10 [U5-3.10.4-1] is gone with its last member', async () => {
    const { broker, client, logged } = await startBroker()
    const first = await client({ version, clientId: 'first' })
    await first.subscribe(SHARED)
    const second = await client({ version, clientId: 'second' })
    await second.subscribe(SHARED)
    const publisher = await client()
    await first.unsubscribe('$share/g/a')
    for (const payload of numbers(3)) await publisher.publishAndWait('a', payload, { qos: 1 })
    expect(await takeAll(second)).toEqual(numbers(3))
    await first.quiet()
    second.cut()
    await logged('disconnect', 'second')
    expect(broker.gauges.subscriptions).toBe(0)
    expect((await publisher.publishAndWait('a', 'x', { qos: 1 }))!.reasonCode).toBe(0x10)
  })

  it('G-10 loses and doubles nothing while members join and leave', async () => {
    const { client } = await startBroker()
    const steady = await client({ version })
    await steady.subscribe(SHARED)
    const fickle = await client({ version })
    const publisher = await client({ version })
    for (const [i, payload] of numbers(300).entries()) {
      publisher.publish('a', payload, { qos: 1 })
      if (i % 10 === 3) fickle.send(new Subscribe(i + 1, [{ ...options, ...SHARED }]))
      if (i % 10 === 8) fickle.send(new Unsubscribe(i + 1, ['$share/g/a']))
      if (i % 5 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await publisher.untilPong()
    const got: string[] = []
    for (const member of [fickle, steady]) {
      for (const packet of await member.untilPong()) {
        if (packet.packetType === PacketType.PUBLISH) got.push(packet.message.payload.toString())
      }
    }
    expect(inOrder(got)).toEqual(numbers(300))
  })

  it('W-11 a will is given to one member', async () => {
    const { client } = await startBroker()
    const members = [await client({ version }), await client({ version })]
    for (const member of members) await member.subscribe(SHARED)
    const will = { topicName: 'a', payload: Buffer.from('gone'), qos: 1, retain: false, properties: {} } as const
    const dying = await client({ version, clientId: 'dying', will })
    dying.cut()
    expect((await members[0]!.message()).payload).toBe('gone')
    await members[1]!.quiet()
  })
})

describe('Shared Subscriptions in MQTT 5.0', () => {
  it('G-05 [v5:MQTT-3.8.3-4] close on No Local', async () => {
    const { client } = await startBroker()
    const member = await client()
    member.send(new Subscribe(1, [{ ...options, topicFilter: '$share/g/a', noLocal: true }]))
    await member.closesWith(0x82)
  })

  it.each([
    [1, PacketType.PUBACK],
    [2, PacketType.PUBREC],
  ] as const)(
    'G-09 O-11 [v5:MQTT-4.8.2-6] a message at QoS %i that the member refuses is done',
    async (qos, answer) => {
      const { broker, client } = await startBroker()
      const first = await client(keeping(V5, 'first'))
      await first.subscribe({ ...SHARED, qos })
      const publisher = await client()
      await publisher.publishAndWait('a', 'refused', { qos })
      const { packetId } = await first.message()
      const second = await client()
      await second.subscribe({ ...SHARED, qos })
      first.acknowledge(answer, packetId, 0x83)
      await first.quiet()
      await second.quiet()
      const resumed = await client(keeping(V5, 'first'))
      await resumed.quiet()
      await second.quiet()
      expect(broker.gauges.clientsConnected).toBe(3)
    },
  )

  it('G-08 gives nothing that has expired to another member', async () => {
    const { client, clock, logged } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const leaving = await client({ clientId: 'leaving' })
    await leaving.subscribe(SHARED)
    const publisher = await client()
    const properties = { messageExpiryIntervalSeconds: 10 }
    for (const payload of ['in flight', 'queued']) await publisher.publishAndWait('a', payload, { qos: 1, properties })
    const heir = await client()
    await heir.subscribe(SHARED)
    clock.advance(10_000)
    leaving.cut()
    await logged('disconnect', 'leaving')
    await heir.quiet()
  })
})
