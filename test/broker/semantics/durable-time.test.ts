import { describe, expect, it } from 'vitest'
import type { Properties } from '../../../src/codec/property.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { startDurable } from '../../support/durable-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

const { V5, V3_1_1 } = ProtocolVersion

describe('time that passes while the server is down', () => {
  it('E-07 D-04 E-01 counts for queued and retained messages', async () => {
    const broker = await startDurable()
    const subscriber = await broker.client(keeping(V5, 'sub'))
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
    subscriber.disconnect()
    await subscriber.closed()
    const publisher = await broker.client()
    const publish = (payload: string, topic: string, retain: boolean, properties: Properties) =>
      publisher.publishAndWait(topic, payload, { qos: 1, retain, properties })
    const forwarded: Properties = {
      payloadFormatIndicator: 1,
      contentType: 'text/plain',
      responseTopic: 'answer',
      correlationData: Buffer.from([1, 2]),
      userProperties: [
        ['b', '1'],
        ['a', '2'],
      ],
    }
    await publish('short', 'a', false, { messageExpiryIntervalSeconds: 10 })
    await publish('long', 'a', false, { ...forwarded, messageExpiryIntervalSeconds: 100 })
    await publish('short', 'r/short', true, { messageExpiryIntervalSeconds: 10 })
    await publish('long', 'r/long', true, { ...forwarded, messageExpiryIntervalSeconds: 100 })
    broker.clock.advance(2000)

    const next = await broker.killed(28_000)
    expect(next.broker.gauges.retainedMessages).toBe(1)
    const again = await next.client({ ...keeping(V5, 'sub'), cleanStart: false })
    const expected = { payload: 'long', properties: { ...forwarded, messageExpiryIntervalSeconds: 70 } }
    expect(await again.message()).toMatchObject(expected)
    await again.subscribe('r/#')
    expect(await again.message()).toMatchObject(expected)
    await again.quiet()
  })

  it('E-07 counts for the Session Expiry Interval, from the end of the connection', async () => {
    const broker = await startDurable()
    for (const clientId of ['gone', 'open']) {
      const client = await broker.client({
        clientId,
        cleanStart: true,
        properties: { sessionExpiryIntervalSeconds: 60 },
      })
      await client.subscribe({ topicFilter: clientId, qos: 1 })
      if (clientId !== 'gone') continue
      client.disconnect()
      await client.closed()
    }
    broker.clock.advance(20_000)

    const early = await broker.killed(30_000)
    expect(early.broker.gauges).toMatchObject({ clientsTotal: 2, subscriptions: 2 })
    early.clock.advance(10_000)
    expect(early.broker.gauges).toMatchObject({ clientsTotal: 1, subscriptions: 1 })
    // the one that was open when the server was killed: from the restart on
    early.clock.advance(49_999)
    expect(early.broker.gauges.clientsTotal).toBe(1)
    early.clock.advance(1)
    expect(early.broker.gauges.clientsTotal).toBe(0)

    const late = await broker.killed(1_000_000)
    expect(late.broker.gauges).toMatchObject({ clientsTotal: 1, subscriptions: 1 })
  })

  it('K-07 is not counted by a wall clock that goes back', async () => {
    const broker = await startDurable()
    const client = await broker.client({
      clientId: 'c',
      cleanStart: true,
      properties: { sessionExpiryIntervalSeconds: 60 },
    })
    client.disconnect()
    await client.closed()
    const next = await broker.killed(-3_600_000)
    expect(next.broker.gauges.clientsTotal).toBe(1)
  })
})

describe('a will and a restart', () => {
  async function observed(willDelaySeconds: number, version: ProtocolVersion, clean: boolean) {
    const broker = await startDurable()
    const observer = await broker.client(keeping(V5, 'observer'))
    await observer.subscribe({ topicFilter: 'gone', qos: 1 })
    const properties = willDelaySeconds === 0 ? {} : { willDelayIntervalSeconds: willDelaySeconds }
    const will = willOf('gone', 'x', { qos: 1, properties })
    const fields = clean ? { version, clientId: 'c', cleanStart: true } : keeping(version, 'c')
    const client = await broker.client({ ...fields, will })
    return { broker, client, observer: { ...keeping(V5, 'observer'), cleanStart: false } }
  }

  it.each([
    ['5.0 without delay', V5, 0, false, 0],
    ['5.0 with a delay of 30 s', V5, 30, false, 30],
    ['5.0 with a delay of 30 s and a session that ended with the connection', V5, 30, true, 0],
    ['3.1.1', V3_1_1, 0, false, 10],
    ['3.1.1 with Clean Session', V3_1_1, 0, true, 10],
  ])(
    'W-10 of an open connection is published after the server was killed: %s',
    async (_, version, delay, clean, due) => {
      const { broker, observer } = await observed(delay, version, clean)
      let next = await broker.killed(5000)
      let reader = await next.client(observer)
      if (due > 0) {
        await reader.quiet()
        next.clock.advance(2000)
        // a further restart changes nothing
        next = await next.killed(3000)
        reader = await next.client(observer)
        next.clock.advance(due * 1000 - 5001)
        await reader.quiet()
        next.clock.advance(1)
      }
      expect(await reader.message()).toMatchObject({ topic: 'gone', payload: 'x' })

      // once
      const last = await next.stopped()
      last.clock.advance(100_000)
      const again = await last.client(observer)
      expect((await again.message()).dup).toBe(true)
      await again.quiet()
    },
  )

  it.each(EACH_VERSION)(
    'W-10 is published when the server stops in order and starts again, MQTT %s',
    async (_, version) => {
      const { broker, observer } = await observed(0, version, false)
      const next = await broker.stopped()
      next.clock.advance(10_000)
      const reader = await next.client(observer)
      expect(await reader.message()).toMatchObject({ topic: 'gone', payload: 'x' })
    },
  )

  it.each([
    ['kept', false],
    ['over', true],
  ])('W-10 is cancelled when the client is back in time, its session being %s', async (_, clean) => {
    const { broker, observer } = await observed(0, V3_1_1, clean)
    const next = await broker.killed()
    const reader = await next.client(observer)
    const back = await next.client({ version: V3_1_1, clientId: 'c', cleanStart: false })
    expect(back.connack.sessionPresent).toBe(!clean)
    next.clock.advance(100_000)
    await reader.quiet()
    expect(next.broker.gauges.clientsTotal).toBe(2)
  })

  it('W-10 is not published when the client sent DISCONNECT before', async () => {
    const { broker, client, observer } = await observed(30, V5, false)
    client.disconnect()
    await client.closed()
    // the change is written, though nobody waits for it
    await (await broker.client(keeping(V5, 'other'))).subscribe('y')
    const next = await broker.killed(100_000)
    next.clock.advance(100_000)
    await (await next.client(observer)).quiet()
  })

  it('W-09 E-07 keeps its time when its delay was running as the server was killed', async () => {
    const { broker, client, observer } = await observed(60, V5, false)
    client.cut()
    await broker.logged('disconnect', 'c')
    broker.clock.advance(10_000)
    await (await broker.client(keeping(V5, 'other'))).subscribe('y')
    const next = await broker.killed(20_000)
    const reader = await next.client(observer)
    next.clock.advance(29_999)
    await reader.quiet()
    next.clock.advance(1)
    expect(await reader.message()).toMatchObject({ topic: 'gone', payload: 'x' })
  })
})
