import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
const DAY_MS = 86_400_000

describe.each(EACH_VERSION)('resuming a session in MQTT %s', (_name, version) => {
  const c = keeping(version, 'c')

  it('S-11 S-12 [v5:MQTT-4.4.0-1] [v5:MQTT-4.6.0-1] [v5:MQTT-4.3.3-5] [v5:MQTT-4.3.3-6] [v5:MQTT-4.3.2-3] [v5:MQTT-4.3.3-3] [v311:MQTT-4.4.0-1] [v311:MQTT-4.6.0-1] [v311:MQTT-4.3.2-1] [v311:MQTT-4.3.3-1] [v311:MQTT-3.1.2-5] sends CONNACK, what is unfinished in the order of first sending, what was queued, what is new', async () => {
    const { client } = await startBroker({ limits: { maximumInFlightMessages: 4 } })
    const publisher = await client()
    await publisher.publishAndWait('kept', 'retained', { qos: 1, retain: true })
    const first = await client(c)
    await first.subscribe([
      { topicFilter: 'a', qos: 2 },
      { topicFilter: 'kept', qos: 1 },
    ])
    const { packetId: retainedId } = await first.message()
    first.acknowledge(PUBACK, retainedId)
    const sent: [payload: string, qos: 1 | 2][] = [
      ['1', 1],
      ['2', 2],
      ['3', 2],
      ['4', 1],
      ['5', 1],
    ]
    for (const [payload, qos] of sent) await publisher.publishAndWait('a', payload, { qos })
    const ids: number[] = []
    for (const [payload] of sent.slice(0, 4)) {
      const message = await first.message()
      expect(message).toMatchObject({ payload, dup: false })
      ids.push(message.packetId)
    }
    first.acknowledge(PUBREC, ids[1]!)
    expect(await first.expect(PUBREL)).toMatchObject({ packetId: ids[1] })
    await first.quiet()
    await first.end()
    await publisher.publishAndWait('a', '6', { qos: 2 })

    const second = await client(c)
    expect(await second.message()).toMatchObject({ payload: '1', dup: true, qos: 1, packetId: ids[0] })
    expect(await second.expect(PUBREL)).toMatchObject({ packetId: ids[1] })
    expect(await second.message()).toMatchObject({ payload: '3', dup: true, qos: 2, packetId: ids[2] })
    expect(await second.message()).toMatchObject({ payload: '4', dup: true, qos: 1, packetId: ids[3] })
    await publisher.publishAndWait('a', '7', { qos: 1 })
    second.acknowledge(PUBACK, ids[0]!)
    second.acknowledge(PUBCOMP, ids[1]!)
    second.acknowledge(PUBACK, ids[3]!)
    expect(await second.message()).toMatchObject({ payload: '5', dup: false })
    expect(await second.message()).toMatchObject({ payload: '6', dup: false })
    expect(await second.message()).toMatchObject({ payload: '7', dup: false })
    second.acknowledge(PUBREC, ids[2]!)
    expect(await second.expect(PUBREL)).toMatchObject({ packetId: ids[2] })
    // and 'kept' is not sent again
    await second.quiet()
  })

  it('S-12 [v5:MQTT-4.3.3-6] [v311:MQTT-4.3.3-1] sends PUBREL and never PUBLISH for what PUBREC came for, until PUBCOMP', async () => {
    const { client } = await startBroker()
    const publisher = await client()
    const first = await client(c)
    await first.subscribe({ topicFilter: 'a', qos: 2 })
    await publisher.publishAndWait('a', 'x', { qos: 2 })
    const { packetId } = await first.message()
    first.acknowledge(PUBREC, packetId)
    await first.expect(PUBREL)
    await first.end()
    for (let round = 0; round < 3; round++) {
      const again = await client(c)
      expect(await again.expect(PUBREL)).toMatchObject({ packetId, reasonCode: 0 })
      // a PUBREC that comes again is answered by PUBREL again
      again.acknowledge(PUBREC, packetId)
      expect(await again.expect(PUBREL)).toMatchObject({ packetId, reasonCode: 0 })
      await again.quiet()
      await again.end()
    }
    const last = await client(c)
    await last.expect(PUBREL)
    last.acknowledge(PUBCOMP, packetId)
    await last.quiet()
    await last.end()
    await (await client(c)).quiet()
  })

  it('S-13 [v5:MQTT-4.3.3-10] [v5:MQTT-4.3.3-12] [v311:MQTT-4.3.3-2] knows the ids of incoming QoS 2 messages that were not released', async () => {
    const { client } = await startBroker()
    const observer = await client()
    await observer.subscribe({ topicFilter: 'a', qos: 0 })
    const first = await client(c)
    first.publish('a', 'once', { qos: 2, packetId: 5 })
    await first.expect(PUBREC)
    expect(await observer.message()).toMatchObject({ payload: 'once' })
    first.cut()

    const second = await client(c)
    second.publish('a', 'once', { qos: 2, packetId: 5, dup: true })
    expect(await second.expect(PUBREC)).toMatchObject({ packetId: 5, reasonCode: 0 })
    await observer.quiet()
    await second.end()
    const third = await client(c)
    third.acknowledge(PUBREL, 5)
    expect(await third.expect(PUBCOMP)).toMatchObject({ packetId: 5, reasonCode: 0 })
    third.publish('a', 'another', { qos: 2, packetId: 5 })
    await third.expect(PUBREC)
    expect(await observer.message()).toMatchObject({ payload: 'another' })
  })

  it('S-14 [v5:MQTT-4.4.0-1] [U311-4.4-1] sends nothing again on a living connection, however long an acknowledgement takes', async () => {
    const { client, clock } = await startBroker()
    const publisher = await client()
    const slow = await client(c)
    await slow.subscribe({ topicFilter: 'a', qos: 2 })
    for (const qos of [1, 2] as const) await publisher.publishAndWait('a', 'x', { qos })
    await slow.message()
    const { packetId } = await slow.message()
    slow.acknowledge(PUBREC, packetId)
    await slow.expect(PUBREL)
    for (let day = 0; day < 30; day++) {
      clock.advance(DAY_MS)
      await slow.quiet()
    }
    // nor does a repeated message of others, or a new one, bring the old ones back
    await publisher.publishAndWait('a', 'new', { qos: 1 })
    expect(await slow.message()).toMatchObject({ payload: 'new', dup: false })
    await slow.quiet()
  })

  it('S-15 [v5:MQTT-3.1.2-4] [v311:MQTT-3.1.2-6] [v311:MQTT-3.1.2-7] [U311-4.1-1] throws away with clean start 1 subscriptions, queue, in-flight messages both ways and shared memberships, but no retained message', async () => {
    const { client, broker } = await startBroker({ limits: { maximumInFlightMessages: 2 } })
    const observer = await client()
    await observer.subscribe('up')
    const publisher = await client()
    const old = await client(c)
    await old.subscribe(['a', '$share/g/s'].map((topicFilter) => ({ topicFilter, qos: 2 as const })))
    await old.publishAndWait('up', 'kept', { qos: 1, retain: true })
    await observer.message()
    old.publish('up', 'open', { qos: 2, packetId: 9 })
    await old.expect(PUBREC)
    await observer.message()
    for (const payload of ['in flight', 'released', 'queued']) await publisher.publishAndWait('a', payload, { qos: 2 })
    await old.message()
    const { packetId } = await old.message()
    old.acknowledge(PUBREC, packetId)
    await old.expect(PUBREL)
    await old.end()

    const fresh = await client({ ...c, cleanStart: true })
    expect(fresh.connack.sessionPresent).toBe(false)
    await fresh.quiet()
    expect(broker.gauges.subscriptions).toBe(1)
    await publisher.publishAndWait('a', 'x', { qos: 1 })
    await publisher.publishAndWait('s', 'x', { qos: 1 })
    await fresh.quiet()
    // the same id is a new message now
    fresh.publish('up', 'new', { qos: 2, packetId: 9 })
    await fresh.expect(PUBREC)
    expect(await observer.message()).toMatchObject({ payload: 'new' })
    const late = await client()
    await late.subscribe('up')
    expect(await late.message()).toMatchObject({ payload: 'kept', retain: true })
    await fresh.end()
    const back = await client(c)
    await back.quiet()
  })
})

it('S-03 [v5:MQTT-4.3.3-7] [v5:MQTT-4.3.3-13] sends again a 5.0 message that expired meanwhile, for it was sent before, and finishes the exchange', async () => {
  const { client, clock } = await startBroker()
  const publisher = await client()
  const first = await client(keeping(ProtocolVersion.V5, 'c'))
  await first.subscribe({ topicFilter: 'a', qos: 2 })
  await publisher.publishAndWait('a', 'x', { qos: 2, properties: { messageExpiryIntervalSeconds: 10 } })
  const { packetId } = await first.message()
  await first.end()
  clock.advance(60_000)
  const second = await client(keeping(ProtocolVersion.V5, 'c'))
  expect(await second.message()).toMatchObject({ payload: 'x', dup: true, packetId })
  second.acknowledge(PUBREC, packetId)
  await second.expect(PUBREL)
  second.acknowledge(PUBCOMP, packetId)
  await second.quiet()
})
