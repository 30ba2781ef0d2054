import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { DropReason } from '../../../src/session/qos-sender.ts'
import { take } from '../../support/taking.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
const { V5 } = ProtocolVersion

function expiring(messageExpiryIntervalSeconds: number) {
  return { properties: { messageExpiryIntervalSeconds } }
}

/** A session that is offline and has subscribed to `a` at QoS 2, and somebody who publishes to it. */
async function away(version: ProtocolVersion = V5, options = {}) {
  const broker = await startBroker(options)
  const resume = () => broker.client(keeping(version, 'subscriber'))
  const subscriber = await resume()
  await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
  await subscriber.end()
  return { ...broker, resume, publisher: await broker.client() }
}

describe('the Message Expiry Interval on its way', () => {
  it.each([
    ['at once', 100, 0, 100],
    ['after 0.999 s', 100, 999, 100],
    ['after 1 s', 100, 1000, 99],
    ['after 2.2 s', 100, 2200, 98],
    ['after 98 s', 100, 98_000, 2],
    ['when it is the longest', 0xffff_ffff, 5000, 0xffff_ffff - 5],
  ])(
    'E-01 [v5:MQTT-3.3.2-6] is the received value less the whole seconds waited: %s',
    async (_when, seconds, waitedMs, left) => {
      const { clock, resume, publisher } = await away()
      await publisher.publishAndWait('a', 'x', { qos: 1, ...expiring(seconds) })
      clock.advance(waitedMs)
      const back = await resume()
      expect(await back.message()).toMatchObject({ payload: 'x', properties: { messageExpiryIntervalSeconds: left } })
    },
  )

  it('E-01 counts from the arrival at the server, not from the sending', async () => {
    const { clock, client, resume, publisher } = await away()
    clock.advance(50_000)
    await publisher.publishAndWait('a', 'x', { qos: 1, ...expiring(10) })
    const present = await client()
    await present.subscribe('a')
    clock.advance(3000)
    await publisher.publishAndWait('a', 'y', { qos: 0, ...expiring(10) })
    expect((await present.message()).properties).toEqual({ messageExpiryIntervalSeconds: 10 })
    const back = await resume()
    expect((await back.message()).properties).toEqual({ messageExpiryIntervalSeconds: 7 })
  })

  it('E-01 is counted down for a retained message, each time it is sent', async () => {
    const { clock, client } = await startBroker()
    const publisher = await client()
    await publisher.publishAndWait('a', 'x', { qos: 1, retain: true, ...expiring(100) })
    for (const left of [98, 96]) {
      clock.advance(2000)
      const subscriber = await client()
      await subscriber.subscribe('a')
      expect((await subscriber.message()).properties).toEqual({ messageExpiryIntervalSeconds: left })
    }
  })

  it('E-01 is counted down for a message that waits for the window', async () => {
    const { client, clock } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const subscriber = await client()
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
    const publisher = await client()
    for (const payload of ['first', 'second'])
      await publisher.publishAndWait('a', payload, { qos: 1, ...expiring(100) })
    const { packetId, properties } = await subscriber.message()
    expect(properties.messageExpiryIntervalSeconds).toBe(100)
    clock.advance(10_000)
    subscriber.acknowledge(PUBACK, packetId)
    expect((await subscriber.message()).properties.messageExpiryIntervalSeconds).toBe(90)
  })

  it('E-06 is absent where the publisher gave none, and nothing expires', async () => {
    const { clock, resume, publisher } = await away()
    await publisher.publishAndWait('a', 'x', { qos: 1 })
    clock.advance(900_000_000)
    const back = await resume()
    expect((await back.message()).properties).toEqual({})
  })
})

describe.each(EACH_VERSION)('what has expired, for a subscriber of MQTT %s', (_name, version) => {
  it('E-02 E-04 [v5:MQTT-3.3.2-5] is deleted from the queue, counted, and does not hold up what is behind it', async () => {
    const { broker, clock, resume, publisher } = await away(version)
    const publish = (payload: string, seconds: number, qos: 1 | 2) =>
      publisher.publishAndWait('a', payload, { qos, ...expiring(seconds) })
    await publish('expired', 10, 1)
    await publish('in time', 11, 2)
    await publish('expired too', 9, 2)
    await publish('last', 100, 1)
    clock.advance(10_000)
    const back = await resume()
    expect((await take(back, 2)).map(({ payload }) => payload)).toEqual(['in time', 'last'])
    await back.quiet()
    expect(broker.metrics.messagesDropped[DropReason.EXPIRED]).toBe(2)
  })

  it('E-04 is never seen, and of the interval no trace: 3.1 and 3.1.1 have no properties', async () => {
    const { clock, resume, publisher } = await away(version)
    await publisher.publishAndWait('a', 'x', { qos: 1, ...expiring(10) })
    clock.advance(9999)
    const back = await resume()
    const { properties } = await back.message()
    expect(properties).toEqual(version === V5 ? { messageExpiryIntervalSeconds: 1 } : {})
  })

  it('E-02 goes from behind a full window', async () => {
    const { client, clock } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
    const publisher = await client()
    await publisher.publishAndWait('a', 'in flight', { qos: 1 })
    await publisher.publishAndWait('a', 'expires', { qos: 1, ...expiring(5) })
    await publisher.publishAndWait('a', 'stays', { qos: 1 })
    clock.advance(5000)
    const { packetId } = await subscriber.message()
    subscriber.acknowledge(PUBACK, packetId)
    expect(await subscriber.message()).toMatchObject({ payload: 'stays' })
    await subscriber.quiet()
  })

  it('E-02 [v5:U5-3.3.1.3-1] is not sent as a retained message', async () => {
    const { client, clock } = await startBroker()
    const publisher = await client()
    await publisher.publishAndWait('a', 'x', { qos: 1, retain: true, ...expiring(10) })
    clock.advance(9999)
    const early = await client({ version })
    await early.subscribe('a')
    expect(await early.message()).toMatchObject({ payload: 'x' })
    clock.advance(1)
    const late = await client({ version })
    await late.subscribe('a')
    await late.quiet()
  })

  it.each([
    ['at QoS 1 until PUBACK', 1],
    ['at QoS 2 until PUBREC', 2],
  ] as const)('E-03 [v5:MQTT-4.3.3-7] is sent again all the same once it was sent: %s', async (_until, qos) => {
    const { client, clock } = await startBroker()
    const first = await client(keeping(version, 'subscriber'))
    await first.subscribe({ topicFilter: 'a', qos })
    const publisher = await client()
    await publisher.publishAndWait('a', 'x', { qos, ...expiring(10) })
    const { packetId } = await first.message()
    await first.end()
    clock.advance(60_000)
    const second = await client(keeping(version, 'subscriber'))
    expect(await second.message()).toMatchObject({ packetId, payload: 'x', dup: true })
    if (qos === 1) return
    second.acknowledge(PUBREC, packetId)
    await second.expect(PUBREL)
    await second.end()
    clock.advance(60_000)
    const third = await client(keeping(version, 'subscriber'))
    expect(await third.expect(PUBREL)).toMatchObject({ packetId })
    third.acknowledge(PUBCOMP, packetId)
    await third.quiet()
  })

  it('E-05 with an interval of 0 comes to who can take it now, at any QoS', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
    const publisher = await client()
    for (const qos of [0, 1, 2] as const) {
      const answer = await publisher.publishAndWait('a', String(qos), { qos, ...expiring(0) })
      expect(answer?.reasonCode ?? 0).toBe(0)
    }
    const messages = [await subscriber.message(), await subscriber.message(), await subscriber.message()]
    expect(messages).toMatchObject([{ payload: '0' }, { payload: '1' }, { payload: '2' }])
  })

  it('E-05 with an interval of 0 waits for nobody, and takes no place from another in a queue', async () => {
    const { resume, publisher, broker } = await away(version, { limits: { maximumQueuedMessages: 1 } })
    expect(await publisher.publishAndWait('a', 'now', { qos: 1, ...expiring(0) })).toMatchObject({ reasonCode: 0 })
    expect(broker.metrics.messagesDropped[DropReason.EXPIRED]).toBe(1)
    expect(await publisher.publishAndWait('a', 'later', { qos: 1 })).toMatchObject({ reasonCode: 0 })
    const back = await resume()
    expect(await back.message()).toMatchObject({ payload: 'later' })
    await back.quiet()
  })

  it('E-05 with an interval of 0 is retained for nobody, and what was retained before is gone', async () => {
    const { client, broker } = await startBroker()
    const publisher = await client()
    await publisher.publishAndWait('a', 'old', { qos: 1, retain: true })
    await publisher.publishAndWait('a', 'now', { qos: 1, retain: true, ...expiring(0) })
    expect(broker.gauges.retainedMessages).toBe(0)
    const subscriber = await client({ version })
    await subscriber.subscribe('a')
    await subscriber.quiet()
  })
})

describe('expiry and everything else', () => {
  it('E-02 makes room in a full queue for a new message', async () => {
    const { clock, resume, publisher, broker } = await away(V5, { limits: { maximumQueuedMessages: 2 } })
    const publish = (payload: string, seconds: number) =>
      publisher.publishAndWait('a', payload, { qos: 1, ...expiring(seconds) })
    await publish('expires', 10)
    await publish('stays', 100)
    expect(await publish('no room', 100)).toMatchObject({ reasonCode: 0x97 })
    clock.advance(10_000)
    expect(await publish('has room', 100)).toMatchObject({ reasonCode: 0 })
    expect(await publish('no room', 100)).toMatchObject({ reasonCode: 0x97 })
    expect(broker.metrics.messagesDropped[DropReason.EXPIRED]).toBe(1)
    expect((await take(await resume(), 2)).map(({ payload }) => payload)).toEqual(['stays', 'has room'])
  })

  it('E-02 [v5:MQTT-3.3.2-5] holds for what another member of a Shared Subscription gets in place of one whose session has ended', async () => {
    const { client, clock, broker } = await startBroker()
    const fields = { clientId: 'first', properties: { sessionExpiryIntervalSeconds: 60 } }
    const first = await client(fields)
    await first.subscribe({ topicFilter: '$share/g/a', qos: 1 })
    await first.end()
    const publisher = await client()
    await publisher.publishAndWait('a', 'expires', { qos: 1, ...expiring(30) })
    await publisher.publishAndWait('a', 'stays', { qos: 1, ...expiring(90) })
    const second = await client()
    await second.subscribe({ topicFilter: '$share/g/a', qos: 1 })
    clock.advance(60_000)
    expect(await second.message()).toMatchObject({ payload: 'stays', properties: { messageExpiryIntervalSeconds: 30 } })
    await second.quiet()
    expect(broker.metrics.messagesDropped[DropReason.EXPIRED]).toBe(1)
  })

  it('E-03 [v5:MQTT-4.3.3-13] leaves the exchange with the publisher to be completed', async () => {
    const { clock, resume, publisher } = await away()
    publisher.publish('a', 'x', { qos: 2, packetId: 7, ...expiring(5) })
    await publisher.expect(PUBREC)
    clock.advance(60_000)
    publisher.publish('a', 'x', { qos: 2, packetId: 7, dup: true, ...expiring(5) })
    expect(await publisher.expect(PUBREC)).toMatchObject({ packetId: 7, reasonCode: 0 })
    publisher.acknowledge(PUBREL, 7)
    expect(await publisher.expect(PUBCOMP)).toMatchObject({ packetId: 7, reasonCode: 0 })
    await (await resume()).quiet()
  })

  it('does not follow the wall clock while the broker runs', async () => {
    const { clock, resume, publisher } = await away()
    await publisher.publishAndWait('a', 'x', { qos: 1, ...expiring(100) })
    clock.shiftWall(86_400_000)
    clock.advance(10_000)
    clock.shiftWall(-172_800_000)
    const back = await resume()
    expect((await back.message()).properties).toEqual({ messageExpiryIntervalSeconds: 90 })
  })
})
