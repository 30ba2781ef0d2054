import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { DropReason } from '../../../src/session/qos-sender.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V5 } = ProtocolVersion
const INTERVAL_MS = 10_000

/** The values that have come, the newest of each topic. */
async function takeValues(watcher: RawClient): Promise<Map<string, string>> {
  const values = new Map<string, string>()
  for (const packet of await watcher.untilPong()) {
    if (packet.packetType === PacketType.PUBLISH)
      values.set(packet.message.topicName, packet.message.payload.toString())
  }
  return values
}

describe.each(EACH_VERSION)('topics that begin with $ in MQTT %s', (_name, version) => {
  it('Y-01 [U311-4.7.2-1] refuses a PUBLISH to $SYS, keeps the connection, and neither delivers nor retains it', async () => {
    const { client } = await startBroker({ sysIntervalSeconds: 10 })
    const watcher = await client()
    await watcher.subscribe(['$SYS/x', '$SYS/broker/version', '$SYS'])
    await watcher.untilPong()
    const publisher = await client({ version })
    for (const topic of ['$SYS/x', '$SYS/broker/version', '$SYS']) {
      for (const qos of [0, 1, 2] as const) {
        for (const payload of ['forged', '']) {
          const answer = await publisher.publishAndWait(topic, payload, { qos, retain: true })
          if (qos > 0) expect(answer!.reasonCode).toBe(version === V5 ? 0x87 : 0)
        }
      }
    }
    await publisher.quiet()
    await watcher.quiet()
    const late = await client({ version })
    await late.subscribe(['$SYS/x', '$SYS/broker/version'])
    expect(await late.message()).toMatchObject({ topic: '$SYS/broker/version', payload: 'mqtt-kit', retain: true })
    await late.quiet()
  })

  it.each(['$dev/x', '$', '$$', '$sys/x', '$SYSTEM/x', '$shared/x'])('Y-01 takes %s like any topic', async (topic) => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: topic, qos: 1 })
    await subscriber.publishAndWait(topic, 'x', { qos: 0, retain: true })
    expect(await subscriber.message()).toMatchObject({ topic, payload: 'x', retain: false })
    const late = await client({ version })
    await late.subscribe(topic)
    expect(await late.message()).toMatchObject({ topic, payload: 'x', retain: true })
  })

  it.each(['$share/g/a', '$share/', '$share/a'])('Y-04 refuses a PUBLISH to %s', async (topic) => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe(['$share/g/a', 'a', '#'])
    const publisher = await client({ version })
    for (const qos of [0, 1, 2] as const) {
      const answer = await publisher.publishAndWait(topic, 'x', { qos, retain: true })
      if (qos > 0) expect(answer!.reasonCode).toBe(version === V5 ? 0x90 : 0)
    }
    await publisher.quiet()
    await subscriber.quiet()
  })

  it('Y-02 gives the present state with one SUBSCRIBE, and new values each interval', async () => {
    const { client, clock } = await startBroker({ sysIntervalSeconds: INTERVAL_MS / 1000, version: 'test' })
    const watcher = await client({ version })
    await watcher.subscribe('$SYS/#')
    const first = await takeValues(watcher)
    expect(first.get('$SYS/broker/version')).toBe('test')
    expect(first.get('$SYS/broker/uptime')).toBe('0 seconds')
    expect(first.get('$SYS/broker/clients/connected')).toBe('0')
    clock.advance(INTERVAL_MS - 1)
    await watcher.quiet()
    clock.advance(1)
    const second = await takeValues(watcher)
    expect(second.get('$SYS/broker/uptime')).toBe('10 seconds')
    expect(second.get('$SYS/broker/clients/connected')).toBe('1')
    expect([...second.keys(), '$SYS/broker/version'].sort()).toEqual([...first.keys()].sort())
  })

  it('Y-02 never lets a counter go down or below 0', async () => {
    const gauges =
      /clients\/(\w*connected|\w*active|total)|subscriptions\/count|retained|stor(e|ed)\b|load\/|heap\/|queued/
    const { client, clock } = await startBroker({ sysIntervalSeconds: INTERVAL_MS / 1000 })
    const watcher = await client()
    await watcher.subscribe('$SYS/#')
    let before = await takeValues(watcher)
    for (let round = 0; round < 3; round++) {
      const busy = await client(keeping(version, 'busy'))
      await busy.subscribe({ topicFilter: 'a', qos: 1 })
      for (const qos of [0, 1, 2] as const) await busy.publishAndWait('b', 'x', { qos, retain: round === 0 })
      await busy.publishAndWait('b', '', { qos: 1, retain: round === 1 })
      await busy.unsubscribe('a')
      busy.disconnect()
      await busy.closed()
      clock.advance(INTERVAL_MS)
      const now = await takeValues(watcher)
      expect(Number(now.get('$SYS/broker/messages/received'))).toBeGreaterThan(
        Number(before.get('$SYS/broker/messages/received')),
      )
      for (const [topic, value] of now) {
        const number = Number.parseInt(value, 10)
        if (!gauges.test(topic)) expect(number, topic).toBeGreaterThanOrEqual(Number.parseInt(before.get(topic)!, 10))
        expect(number, topic).toBeGreaterThanOrEqual(0)
      }
      before = now
    }
  })

  it('Y-03 queues no $SYS publication for a client that is away', async () => {
    const { client, clock, logged } = await startBroker({ sysIntervalSeconds: INTERVAL_MS / 1000 })
    const first = await client(keeping(version, 'away'))
    await first.subscribe({ topicFilter: '$SYS/#', qos: 2 })
    await first.untilPong()
    first.disconnect()
    await logged('disconnect', 'away')
    for (let i = 0; i < 3; i++) clock.advance(INTERVAL_MS)
    const back = await client(keeping(version, 'away'))
    await back.quiet()
    clock.advance(INTERVAL_MS)
    expect((await takeValues(back)).size).toBeGreaterThan(0)
  })
})

it('Y-03 counts $SYS publications neither as received, nor as lost, nor as without a subscriber', async () => {
  const { broker, clock } = await startBroker({ sysIntervalSeconds: INTERVAL_MS / 1000 })
  for (let i = 0; i < 3; i++) clock.advance(INTERVAL_MS)
  const { metrics } = broker
  expect([...metrics.messagesReceived]).toEqual([0, 0, 0])
  expect(metrics.messagesDropped[DropReason.OFFLINE]).toBe(0)
  expect(metrics.messagesWithoutSubscriber).toBe(0)
  expect(metrics.publishBytesReceived).toBe(0)
})

it('Y-02 says nothing with an interval of 0', async () => {
  const { client } = await startBroker({ sysIntervalSeconds: 0 })
  const watcher = await client()
  await watcher.subscribe('$SYS/#')
  await watcher.quiet()
})
