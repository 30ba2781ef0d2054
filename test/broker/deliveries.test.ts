import { describe, expect, it } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { DropReason } from '../../src/session/qos-sender.ts'
import { type FilterOptions, RawClient } from '../support/raw-client.ts'
import { take } from '../support/taking.ts'
import { startBroker, type TestBroker } from '../support/test-broker.ts'
import { keeping } from '../support/versions.ts'

const SHARED = '$share/g/a'

/** A member of the group that is away, and for which messages wait. */
async function memberAway({ client }: TestBroker, clientId: string, filter: FilterOptions): Promise<void> {
  const member = await client(keeping(5, clientId))
  await member.subscribe(filter)
  await member.end()
}

async function publishMany({ client }: TestBroker, count: number): Promise<number[]> {
  const publisher = await client()
  const codes: number[] = []
  for (let i = 0; i < count; i++) codes.push((await publisher.publishAndWait('a', String(i), { qos: 1 }))!.reasonCode)
  return codes
}

/** A clean start ends the session. */
async function endSession({ client }: TestBroker, clientId: string): Promise<void> {
  await (await client({ clientId, cleanStart: true })).end()
}

// startBroker asserts the balance of every test; here the sides of the equation are known
describe('deliveries', () => {
  it('are in what is out, queued and dropped', async () => {
    const broker = await startBroker({ limits: { maximumQueuedMessages: 2 } })
    await memberAway(broker, 'away', { topicFilter: 'a', qos: 1 })
    const reader = await broker.client()
    await reader.subscribe(['a', '+'])
    await publishMany(broker, 3)
    await take(reader, 3)

    expect(broker.broker.deliveryCounts).toEqual({ in: 6, out: 3, queued: 2, dropped: 1 })
    await endSession(broker, 'away')
    expect(broker.broker.deliveryCounts).toEqual({ in: 6, out: 3, queued: 0, dropped: 3 })
  })

  it('count once what is sent again after a reconnect', async () => {
    const broker = await startBroker()
    const first = await broker.client(keeping(5, 'c'))
    await first.subscribe({ topicFilter: 'a', qos: 1 })
    await publishMany(broker, 1)
    await first.message()
    await first.end()
    const second = await broker.client(keeping(5, 'c'))
    expect(await second.message()).toMatchObject({ dup: true })

    expect(broker.broker.deliveryCounts).toEqual({ in: 1, out: 1, queued: 0, dropped: 0 })
  })

  it('G-08 go on to another member of a Shared Subscription when a session ends, and are not counted as dropped', async () => {
    const broker = await startBroker()
    await memberAway(broker, 'first', { topicFilter: SHARED, qos: 1 })
    await publishMany(broker, 3)
    const other = await broker.client()
    await other.subscribe({ topicFilter: SHARED, qos: 1 })
    await endSession(broker, 'first')

    expect((await take(other, 3)).map(({ payload }) => payload)).toEqual(['0', '1', '2'])
    expect(broker.broker.deliveryCounts).toEqual({ in: 3, out: 3, queued: 0, dropped: 0 })
  })

  it('G-08 are dropped when the session of the last member ends', async () => {
    const broker = await startBroker()
    await memberAway(broker, 'only', { topicFilter: SHARED, qos: 1 })
    await publishMany(broker, 3)
    await endSession(broker, 'only')

    expect(broker.broker.deliveryCounts).toEqual({ in: 3, out: 0, queued: 0, dropped: 3 })
    expect(broker.broker.metrics.messagesDropped[DropReason.SESSION_ENDED]).toBe(3)
  })

  it('G-06 are no loss of a member whose queue is full as long as another has room, and one loss when none has', async () => {
    const broker = await startBroker({ limits: { maximumQueuedMessages: 1 } })
    for (const clientId of ['first', 'second']) await memberAway(broker, clientId, { topicFilter: SHARED, qos: 1 })

    expect(await publishMany(broker, 3)).toEqual([0, 0, 0x97])
    expect(broker.broker.deliveryCounts).toEqual({ in: 3, out: 0, queued: 2, dropped: 1 })
    expect(broker.broker.metrics.messagesDropped[DropReason.QUEUE_FULL]).toBe(1)
  })

  it('F-08 are lost when they went out once and may not be sent again', async () => {
    const broker = await startBroker()
    const first = await broker.client(keeping(5, 'c'))
    await first.subscribe({ topicFilter: 'a', qos: 1 })
    const publisher = await broker.client()
    await publisher.publishAndWait('a', 'x'.repeat(200), { qos: 1 })
    await first.message()
    await first.end()
    const properties = { sessionExpiryIntervalSeconds: 60, maximumPacketBytes: 100 }
    await (await broker.client({ clientId: 'c', cleanStart: false, properties })).quiet()

    expect(broker.broker.deliveryCounts).toEqual({ in: 1, out: 0, queued: 0, dropped: 1 })
  })

  it('L-02 that were dropped are told by reason when the client goes', async () => {
    const broker = await startBroker({ limits: { maximumQueuedMessages: 2 } })
    await memberAway(broker, 'away', { topicFilter: 'a', qos: 1 })
    await publishMany(broker, 3)
    ;(await broker.client()).publish('a', 'x')
    const publisher = await broker.client()
    publisher.publish('a', 'nobody is there at QoS 0')
    await publisher.quiet()
    const back = await RawClient.connected(broker.url, { clientId: 'away', cleanStart: false })
    await back.expect(PacketType.PUBLISH)
    back.disconnect()
    await back.closed()

    // the first time it went nothing was lost
    const details = broker.events.filter(({ event, clientId }) => event === 'disconnect' && clientId === 'away')
    expect(details.at(-1)!.detail).toBe('client disconnected; dropped for this session: 1 queue-full, 2 offline')
  })
})
