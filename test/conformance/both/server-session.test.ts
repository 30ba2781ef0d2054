import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { describePacket } from '../../support/recording-output.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP, PUBLISH } = PacketType
const { V3_1, V5 } = ProtocolVersion
const DAY_MS = 86_400_000

describe.each(EACH_VERSION)('the session, MQTT %s', (_, version) => {
  const tellsPresence = version !== V3_1

  it('[v5:MQTT-3.2.2-3, v5:MQTT-3.1.2-6, v311:MQTT-3.2.2-3, v311:MQTT-3.1.2-4] is made when there is none', async () => {
    const { client, broker } = await startBroker()
    const first = await client(keeping(version, 'id'))
    expect(first.connack).toMatchObject({ code: 0, sessionPresent: false })
    await first.end()

    expect(broker.gauges).toMatchObject({ clientsConnected: 0, clientsTotal: 1 })
  })

  it('[v5:MQTT-3.1.2-5, v5:MQTT-3.2.2-3, v5:MQTT-3.1.4-4, v311:MQTT-3.2.2-2, v311:MQTT-3.1.2-4, v311:MQTT-3.1.4-3] goes on when it is taken up', async () => {
    const { client } = await startBroker()
    const before = await client(keeping(version, 'id'))
    await before.subscribe('t')
    await before.end()
    const after = await client(keeping(version, 'id'))
    expect(after.connack).toMatchObject({ code: 0, sessionPresent: tellsPresence })

    await (await client()).publishAndWait('t', 'still there', { qos: 1 })
    expect(await after.message()).toMatchObject({ payload: 'still there' })
  })

  it('[v5:MQTT-3.1.2-4, v5:MQTT-3.2.2-2, v5:MQTT-3.1.4-4, v311:MQTT-3.1.2-6, v311:MQTT-3.2.2-1, v311:MQTT-3.1.4-3] is thrown away by a clean start', async () => {
    const { client } = await startBroker()
    const before = await client(keeping(version, 'id'))
    await before.subscribe({ topicFilter: 't', qos: 1 })
    await before.end()
    const publisher = await client()
    await publisher.publishAndWait('t', 'queued', { qos: 1 })
    const clean = await client({ version, clientId: 'id', cleanStart: true })
    expect(clean.connack).toMatchObject({ code: 0, sessionPresent: false })

    await publisher.publishAndWait('t', 'live', { qos: 1 })
    await clean.quiet()
  })

  it('[v311:MQTT-3.1.2-6] that began with a clean start is never taken up', async () => {
    const { client } = await startBroker()
    const clean = await client({ version, clientId: 'id', cleanStart: true })
    await clean.subscribe({ topicFilter: 't', qos: 1 })
    await clean.end()
    await (await client()).publishAndWait('t', 'x', { qos: 1 })
    const after = await client(keeping(version, 'id'))

    expect(after.connack.sessionPresent).toBe(false)
    await after.quiet()
  })

  it('[v5:MQTT-3.1.2-23, v5:MQTT-4.5.0-1, v5:U5-4.1.0-1, v311:MQTT-3.1.2-5, v311:MQTT-4.1.0-1, v311:MQTT-4.5.0-1] queues QoS 1 and 2 while its client is away', async () => {
    const { client } = await startBroker()
    const sleepers: RawClient[] = []
    for (const id of ['one', 'two']) {
      const sleeper = await client(keeping(version, id))
      await sleeper.subscribe({ topicFilter: 't/#', qos: 2 })
      sleepers.push(sleeper)
    }
    await sleepers[0]!.end()
    const publisher = await client()
    await publisher.publishAndWait('t/1', 'first', { qos: 1 })
    await publisher.publishAndWait('t/2', 'second', { qos: 2 })
    expect(await sleepers[1]!.message()).toMatchObject({ payload: 'first' })
    expect(await sleepers[1]!.message()).toMatchObject({ payload: 'second' })

    const awake = await client(keeping(version, 'one'))
    expect(await awake.message()).toMatchObject({ topic: 't/1', payload: 'first', qos: 1, dup: false })
    expect(await awake.message()).toMatchObject({ topic: 't/2', payload: 'second', qos: 2, dup: false })
    await awake.quiet()
  })

  it('[v5:MQTT-4.1.0-1, v311:MQTT-4.1.0-2] lasts as long as its connection at least', async () => {
    const { client, clock } = await startBroker()
    const subscriber = await client({ version, cleanStart: true })
    await subscriber.subscribe('t')
    clock.advance(400 * DAY_MS)
    await (await client()).publishAndWait('t', 'x', { qos: 1 })

    expect(await subscriber.message()).toMatchObject({ payload: 'x' })
  })

  it('[v311:MQTT-3.1.2-7, v311:U311-4.1-1] ends without its retained messages', async () => {
    const { client, clock } = await startBroker()
    const publisher = await client({ version, cleanStart: true })
    await publisher.publishAndWait('t', 'kept', { qos: 1, retain: true })
    await publisher.end()
    clock.advance(400 * DAY_MS)
    const subscriber = await client({ version })
    await subscriber.subscribe('t')

    expect(await subscriber.message()).toMatchObject({ payload: 'kept', retain: true })
  })

  it('[v5:MQTT-4.4.0-1, v5:MQTT-3.3.1-1, v5:MQTT-4.3.2-3, v5:MQTT-4.3.3-3, v5:MQTT-4.3.3-5, v5:MQTT-4.3.3-6, v311:MQTT-4.4.0-1, v311:MQTT-3.3.1-1, v311:MQTT-2.3.1-4, v311:MQTT-4.3.2-1, v311:MQTT-4.3.3-1, V31-24] sends again what is unacknowledged, with DUP and the same ids', async () => {
    const { client } = await startBroker()
    const before = await client(keeping(version, 'id'))
    await before.subscribe({ topicFilter: 't', qos: 2 })
    const publisher = await client()
    for (const [payload, qos] of [
      ['a', 1],
      ['b', 2],
      ['c', 2],
      ['d', 1],
    ] as const) {
      await publisher.publishAndWait('t', payload, { qos })
    }
    const ids: number[] = []
    for (let i = 0; i < 4; i++) ids.push((await before.message()).packetId)
    before.acknowledge(PUBREC, ids[2]!)
    expect(await before.expect(PUBREL)).toMatchObject({ packetId: ids[2] })
    await before.end()

    const after = await client(keeping(version, 'id'))
    expect(await after.message()).toMatchObject({ payload: 'a', qos: 1, dup: true, packetId: ids[0] })
    expect(await after.message()).toMatchObject({ payload: 'b', qos: 2, dup: true, packetId: ids[1] })
    expect(await after.expect(PUBREL)).toMatchObject({ packetId: ids[2] })
    expect(await after.message()).toMatchObject({ payload: 'd', qos: 1, dup: true, packetId: ids[3] })
    for (const id of [ids[0]!, ids[3]!]) after.acknowledge(PUBACK, id)
    after.acknowledge(PUBREC, ids[1]!)
    await after.expect(PUBREL)
    for (const id of [ids[1]!, ids[2]!]) after.acknowledge(PUBCOMP, id)
    await after.quiet()
    await after.end()

    await (await client(keeping(version, 'id'))).quiet()
  })

  it('[v5:MQTT-4.4.0-1, v311:U311-4.4-1] sends nothing again on a connection that lives', async () => {
    const { client, clock } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: 't', qos: 2 })
    const publisher = await client()
    await publisher.publishAndWait('t', 'a', { qos: 1 })
    await publisher.publishAndWait('t', 'b', { qos: 2 })
    await subscriber.message()
    subscriber.acknowledge(PUBREC, (await subscriber.message()).packetId)
    await subscriber.expect(PUBREL)
    clock.advance(DAY_MS)

    await subscriber.quiet()
  })
})

describe('the session, MQTT 5.0', () => {
  it.each([
    [10, 9_999, true],
    [10, 10_000, false],
    [undefined, 0, false],
    [0, 0, false],
    [0xffff_ffff, 4_294_967_296_000, true],
  ])(
    '[v5:MQTT-4.1.0-2, v5:U5-3.1.2.11.2-2] with an expiry of %s s, its client %i ms away: Session Present is %s',
    async (sessionExpiryIntervalSeconds, awayMs, sessionPresent) => {
      const { client, clock } = await startBroker()
      const properties = sessionExpiryIntervalSeconds === undefined ? {} : { sessionExpiryIntervalSeconds }
      await (await client({ clientId: 'id', properties })).end()
      clock.advance(awayMs)

      expect((await client({ clientId: 'id', cleanStart: false })).connack.sessionPresent).toBe(sessionPresent)
    },
  )

  it.each([
    [5, 5_000, false],
    [20, 15_000, true],
    [undefined, 9_999, true],
    [0, 0, false],
  ])(
    '[v5:U5-3.14.2.2.2-2] expires %s s after a DISCONNECT that says so, and 10 s after one that does not',
    async (seconds, awayMs, sessionPresent) => {
      const { client, clock } = await startBroker()
      const leaving = await client({ clientId: 'id', properties: { sessionExpiryIntervalSeconds: 10 } })
      leaving.disconnect(0, seconds === undefined ? {} : { sessionExpiryIntervalSeconds: seconds })
      await leaving.closed()
      clock.advance(awayMs)

      expect((await client({ clientId: 'id', cleanStart: false })).connack.sessionPresent).toBe(sessionPresent)
    },
  )

  it('[v5:U5-3.14.2.2.2-1] that ends with its connection cannot be kept by DISCONNECT, and its will is published', async () => {
    const { client } = await startBroker()
    const watcher = await client()
    await watcher.subscribe('will')
    const will = { topicName: 'will', payload: Buffer.from('gone'), qos: 0, retain: false, properties: {} } as const
    const leaving = await client({ will })
    leaving.disconnect(0, { sessionExpiryIntervalSeconds: 10 })
    await leaving.closed()

    expect(leaving.waiting.map(describePacket)).toEqual(['DISCONNECT 0x82'])
    expect(await watcher.message()).toMatchObject({ payload: 'gone' })
  })

  it('[v5:MQTT-4.4.0-2] does not send again what was answered with 0x80 or more', async () => {
    const { client } = await startBroker()
    const before = await client(keeping(V5, 'id'))
    await before.subscribe({ topicFilter: 't', qos: 2 })
    const publisher = await client()
    await publisher.publishAndWait('t', 'a', { qos: 1 })
    await publisher.publishAndWait('t', 'b', { qos: 2 })
    before.acknowledge(PUBACK, (await before.message()).packetId, 0x83)
    before.acknowledge(PUBREC, (await before.message()).packetId, 0x97)
    await before.quiet()
    await before.end()
    const after = await client(keeping(V5, 'id'))

    await after.quiet()
    expect(after.waiting.filter(({ packetType }) => packetType === PUBLISH)).toEqual([])
  })
})
