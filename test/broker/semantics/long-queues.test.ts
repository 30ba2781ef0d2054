import { expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { type DurableBroker, startDurable } from '../../support/durable-broker.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { testAccess } from '../../support/test-access.ts'
import { keeping } from '../../support/versions.ts'

const { V5 } = ProtocolVersion
const COUNT = 300
const LONG = 'x'.repeat(200)
const all = Array.from({ length: COUNT }, (_, i) => `${i} ${LONG}`)

async function subscribed(broker: DurableBroker, clientId: string, topicFilter: string): Promise<void> {
  const client = await broker.client(keeping(V5, clientId))
  await client.subscribe({ topicFilter, qos: 1 })
  client.disconnect()
  await client.closed()
}

async function publishAll(broker: DurableBroker, payloads = all, expirySeconds?: number): Promise<void> {
  const publisher = await broker.client()
  const properties = expirySeconds === undefined ? {} : { messageExpiryIntervalSeconds: expirySeconds }
  for (const payload of payloads) await publisher.publishAndWait('a', payload, { qos: 1, properties })
}

/** Takes and acknowledges `count` messages. */
async function take(client: RawClient, count: number): Promise<string[]> {
  const payloads: string[] = []
  while (payloads.length < count) {
    const { payload, packetId } = await client.message()
    payloads.push(payload)
    client.acknowledge(PacketType.PUBACK, packetId)
  }
  return payloads
}

it('U-02 a queue that is longer than its head in memory is drained in order, before and after a restart', async () => {
  const broker = await startDurable()
  await subscribed(broker, 'sub', 'a')
  await subscribed(broker, 'other', 'a')
  await publishAll(broker)
  const sub = await broker.client({ ...keeping(V5, 'sub'), cleanStart: false })
  expect(await take(sub, COUNT)).toEqual(all)
  await sub.quiet()
  sub.disconnect()
  await sub.closed()

  const next = await broker.stopped()
  const other = await next.client({
    ...keeping(V5, 'other'),
    cleanStart: false,
    properties: { sessionExpiryIntervalSeconds: 1000, receiveMaximum: 7 },
  })
  // what comes meanwhile stands behind
  const first = take(other, COUNT + 50)
  await publishAll(next, all.slice(0, 50))
  expect(await first).toEqual([...all, ...all.slice(0, 50)])
  await other.quiet()
  const last = await next.stopped()
  expect(last.broker.gauges.clientsTotal).toBe(2)
  await (await last.client({ ...keeping(V5, 'other'), cleanStart: false })).quiet()
})

it('S-08 nothing of a long queue stays in the store when its session ends', async () => {
  const broker = await startDurable()
  await subscribed(broker, 'sub', 'a')
  await subscribed(broker, 'other', 'a')
  await publishAll(broker, [...all, ...all])
  for (const clientId of ['sub', 'other']) {
    const client = await broker.client({ version: V5, clientId, cleanStart: true })
    client.disconnect()
    await client.closed()
  }
  await broker.broker.stop()
  expect(broker.store.committed.size).toBe(1)
})

it('E-02 what has expired in a full queue makes room, though it is in the store alone', async () => {
  const broker = await startDurable({ limits: { maximumQueuedMessages: COUNT } })
  await subscribed(broker, 'sub', 'a')
  await publishAll(broker, all, 10)
  broker.clock.advance(10_000)
  await publishAll(broker, all.slice(0, 100))
  const sub = await broker.client({ ...keeping(V5, 'sub'), cleanStart: false })
  expect(await take(sub, 100)).toEqual(all.slice(0, 100))
  await sub.quiet()
})

it('G-08 a long queue of a Shared Subscription goes to another member when its session ends', async () => {
  const broker = await startDurable()
  await subscribed(broker, 'sub', '$share/g/a')
  await publishAll(broker)
  const heir = await broker.client(keeping(V5, 'heir'))
  await heir.subscribe({ topicFilter: '$share/g/a', qos: 1 })
  await broker.client({ version: V5, clientId: 'sub', cleanStart: true })
  expect(await take(heir, COUNT)).toEqual(all)
})

it('S-17 what may no longer be read is not delivered, though it was in the store alone', async () => {
  let mayReceive = true
  const broker = await startDurable({ access: testAccess({ mayReceive: () => mayReceive }) })
  await subscribed(broker, 'sub', 'a')
  await publishAll(broker)
  mayReceive = false
  broker.broker.accessChanged()
  const sub = await broker.client({ ...keeping(V5, 'sub'), cleanStart: false })
  await sub.quiet()
})
