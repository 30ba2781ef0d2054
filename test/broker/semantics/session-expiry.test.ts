import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import type { ConnectFields } from '../../../src/codec/packets/connect.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion

const HOUR_MS = 3_600_000
const CENTURY_MS = 100 * 365 * 24 * HOUR_MS
const NEVER = 0xffff_ffff

/** CONNECT of 5.0 without clean start; undefined leaves the Session Expiry Interval out. */
function resuming(seconds: number | undefined): Partial<ConnectFields> {
  const properties = seconds === undefined ? {} : { sessionExpiryIntervalSeconds: seconds }
  return { clientId: 'c', cleanStart: false, properties }
}

async function leave(broker: TestBroker, fields: Partial<ConnectFields>): Promise<void> {
  const client = await broker.client(fields)
  await client.end()
}

/** Fails unless the session of `c` is there and ends `seconds` from now, to the millisecond; null: never. */
async function expectEnd({ broker, clock }: TestBroker, seconds: number | null): Promise<void> {
  const others = broker.gauges.clientsTotal - 1
  if (seconds === null) {
    clock.advance(CENTURY_MS)
    expect(broker.gauges.clientsTotal - others).toBe(1)
    return
  }
  if (seconds > 0) {
    clock.advance(seconds * 1000 - 1)
    expect(broker.gauges.clientsTotal - others).toBe(1)
    clock.advance(1)
  }
  expect(broker.gauges.clientsTotal - others).toBe(0)
}

describe('a 5.0 session whose predecessor had a Session Expiry Interval of 0', () => {
  it.each([
    ['was seen closing before', true],
    ['is still open', false],
  ])('S-05 [v5:MQTT-4.1.0-2] begins anew with clean start 0, when the old socket %s', async (_when, closesBefore) => {
    const { client } = await startBroker()
    const publisher = await client()
    const old = await client(resuming(undefined))
    await old.subscribe({ topicFilter: 'a', qos: 1 })
    await publisher.publishAndWait('a', 'not acknowledged', { qos: 1 })
    if (closesBefore) await old.end()
    const comer = await client(resuming(3600))
    expect(comer.connack.sessionPresent).toBe(false)
    await publisher.publishAndWait('a', 'x', { qos: 1 })
    await comer.quiet()
  })
})

describe('the Session Expiry Interval', () => {
  it.each([
    ['absent is 0', undefined, 0],
    ['of 0 ends with its connection', 0, 0],
    ['of 1 lasts a second', 1, 1],
    ['of an hour lasts an hour', 3600, 3600],
    ['beyond what a timer can wait lasts as long', 3_000_000, 3_000_000],
    ['one below the largest does end', NEVER - 1, NEVER - 1],
    ['of 0xFFFFFFFF never ends', NEVER, null],
  ])('S-06 S-09 [v5:MQTT-3.1.2-23] [v5:MQTT-4.1.0-2] [U5-3.1.2.11.2-2] %s', async (_what, seconds, lasts) => {
    const broker = await startBroker()
    const client = await broker.client(resuming(seconds))
    expect(broker.broker.gauges.clientsTotal).toBe(1)
    client.cut()
    await broker.logged('disconnect', 'c')
    if (lasts === 0) expect(broker.broker.gauges.clientsTotal).toBe(0)
    else await expectEnd(broker, lasts)
  })

  it('S-06 [v5:MQTT-4.1.0-1] [v311:MQTT-4.1.0-2] starts when the connection ends, not before', async () => {
    const broker = await startBroker()
    const client = await broker.client(resuming(60))
    await client.subscribe('a')
    broker.clock.advance(CENTURY_MS)
    client.publish('a', 'still here')
    expect(await client.message()).toMatchObject({ payload: 'still here' })
    await client.end()
    await expectEnd(broker, 60)
  })

  it.each([
    ['an hour by nothing: it ends at the next close', 3600, undefined, 0],
    ['an hour by a minute', 3600, 60, 60],
    ['a minute by an hour', 60, 3600, 3600],
    ['never by a minute', NEVER, 60, 60],
    ['a minute by never', 60, NEVER, null],
  ])('S-06 is replaced by each CONNECT: %s', async (_what, first, second, lasts) => {
    const broker = await startBroker()
    await leave(broker, resuming(first))
    broker.clock.advance(59_000)
    const resumed = await broker.client(resuming(second))
    expect(resumed.connack.sessionPresent).toBe(true)
    broker.clock.advance(2_000_000)
    await resumed.end()
    if (lasts === 0) expect(broker.broker.gauges.clientsTotal).toBe(0)
    else await expectEnd(broker, lasts)
  })

  it('S-07 counts as CONNACK told it when the server caps it', async () => {
    const broker = await startBroker({ limits: { maximumSessionExpirySeconds: 60 } })
    const client = await broker.client(resuming(NEVER))
    expect(client.connack.properties.sessionExpiryIntervalSeconds).toBe(60)
    await client.end()
    await expectEnd(broker, 60)
  })

  it.each([
    ['an hour to 0: the session ends now', 3600, 0, 0],
    ['an hour to a minute', 3600, 60, 60],
    ['a minute to an hour', 60, 3600, 3600],
    ['an hour to never', 3600, NEVER, null],
    ['an hour to nothing said: it stays', 3600, undefined, 3600],
  ])('S-08 [U5-3.14.2.2.2-2] is changed by DISCONNECT from %s', async (_what, first, second, lasts) => {
    const broker = await startBroker()
    const client = await broker.client(resuming(first))
    client.disconnect(0, second === undefined ? {} : { sessionExpiryIntervalSeconds: second })
    await client.closed()
    if (lasts === 0) expect(broker.broker.gauges.clientsTotal).toBe(0)
    else await expectEnd(broker, lasts)
  })

  it('S-08 S-07 is capped in DISCONNECT too', async () => {
    const broker = await startBroker({ limits: { maximumSessionExpirySeconds: 60 } })
    const client = await broker.client(resuming(30))
    client.disconnect(0, { sessionExpiryIntervalSeconds: NEVER })
    await client.closed()
    await expectEnd(broker, 60)
  })

  it.each([undefined, 0])(
    'S-08 [U5-3.14.2.2.2-1] [v5:MQTT-3.14.2-2] is not raised by DISCONNECT when CONNECT said %s: 0x82, and the will is published',
    async (seconds) => {
      const { client, broker } = await startBroker()
      const observer = await client()
      await observer.subscribe('gone')
      const raising = await client({ ...resuming(seconds), will: willOf('gone', 'x') })
      raising.disconnect(0, { sessionExpiryIntervalSeconds: 60 })
      const disconnect = await raising.expect(PacketType.DISCONNECT)
      expect(disconnect.reasonCode).toBe(0x82)
      expect(disconnect.properties.sessionExpiryIntervalSeconds).toBeUndefined()
      await raising.closed()
      expect(await observer.message()).toMatchObject({ payload: 'x' })
      expect(broker.gauges.clientsTotal).toBe(1)
    },
  )

  it('S-08 of 0 may be said again by DISCONNECT', async () => {
    const { client } = await startBroker()
    const observer = await client()
    await observer.subscribe('gone')
    const one = await client({ ...resuming(0), will: willOf('gone', 'x') })
    one.disconnect(0, { sessionExpiryIntervalSeconds: 0 })
    await one.closed()
    expect(one.waiting).toEqual([])
    await observer.quiet()
  })
})

describe('an expired session', () => {
  it('S-09 is gone for every purpose, without anybody connecting', async () => {
    const { client, clock, broker } = await startBroker()
    const publisher = await client()
    const member = await client()
    await member.subscribe({ topicFilter: '$share/g/shared', qos: 1 })
    const other = await client(resuming(60))
    await other.subscribe([
      { topicFilter: 'a', qos: 1 },
      { topicFilter: '$share/g/shared', qos: 1 },
    ])
    await other.end()
    const stored = await publisher.publishAndWait('a', 'stored', { qos: 1 })
    expect(stored!.reasonCode).toBe(0)
    expect(broker.gauges).toMatchObject({ clientsTotal: 3, subscriptions: 3 })

    clock.advance(60_000)
    expect(broker.gauges).toMatchObject({ clientsTotal: 2, subscriptions: 1 })
    const unheard = await publisher.publishAndWait('a', 'unheard', { qos: 1 })
    expect(unheard!.reasonCode).toBe(0x10)
    for (const payload of ['1', '2', '3', '4']) {
      publisher.publish('shared', payload)
      expect(await member.message()).toMatchObject({ payload })
    }
    const back = await client(resuming(60))
    expect(back.connack.sessionPresent).toBe(false)
    await back.quiet()
  })

  it('S-09 ends each at its own time when many do', async () => {
    const broker = await startBroker()
    for (const seconds of [30, 10, 20, 40, 10])
      await leave(broker, { ...resuming(seconds), clientId: `c${seconds}${broker.broker.gauges.clientsTotal}` })
    const left = [10, 20, 30, 40].map(() => {
      broker.clock.advance(10_000)
      return broker.broker.gauges.clientsTotal
    })
    expect(left).toEqual([3, 2, 1, 0])
  })
})

describe('sessions before 5.0', () => {
  it.each([V3_1, V3_1_1])(
    'S-10 [v311:MQTT-4.1.0-1] [v311:MQTT-3.1.2-4] last for ever with clean session 0 in level %d, unless limited',
    async (version) => {
      const forever = await startBroker()
      await leave(forever, keeping(version, 'c'))
      await expectEnd(forever, null)
      const limited = await startBroker({ limits: { maximumSessionExpirySeconds: 3600 } })
      await leave(limited, keeping(version, 'c'))
      await expectEnd(limited, 3600)
    },
  )

  it.each([V3_1, V3_1_1])(
    'S-10 [v311:MQTT-3.1.2-6] end with their connection with clean session 1 in level %d',
    async (version) => {
      const { client, broker } = await startBroker()
      const one = await client({ version, cleanStart: true })
      await one.end()
      expect(broker.gauges.clientsTotal).toBe(0)
    },
  )
})

describe.each(EACH_VERSION)('a session made in MQTT %s', (_maker, making) => {
  it.each(EACH_VERSION)('S-10 [v311:MQTT-3.1.2-5] is resumed in MQTT %s, with its queue', async (_comer, coming) => {
    const { client } = await startBroker()
    const maker = await client(keeping(making, 'c'))
    await maker.subscribe({ topicFilter: 'a', qos: 2 })
    await maker.end()
    const publisher = await client()
    for (const qos of [1, 2] as const) await publisher.publishAndWait('a', `QoS ${qos}`, { qos })
    const comer = await client(keeping(coming, 'c'))
    expect(comer.connack.sessionPresent).toBe(coming !== V3_1)
    expect(await comer.message()).toMatchObject({ payload: 'QoS 1', qos: 1, dup: false })
    expect(await comer.message()).toMatchObject({ payload: 'QoS 2', qos: 2, dup: false })
  })
})

it('S-10 keeps subscription options that 3.1.1 does not know', async () => {
  const { client } = await startBroker()
  const maker = await client(keeping(V5, 'c'))
  await maker.subscribe({ topicFilter: 'a', noLocal: true, retainAsPublished: true }, { subscriptionIdentifiers: [7] })
  await maker.end()
  const publisher = await client()

  const older = await client(keeping(V3_1_1, 'c'))
  older.publish('a', 'its own')
  publisher.publish('a', 'retained', { retain: true })
  expect(await older.message()).toMatchObject({ payload: 'retained', retain: true })
  await older.quiet()
  await older.end()

  const again = await client(keeping(V5, 'c'))
  again.publish('a', 'its own')
  publisher.publish('a', 'again')
  expect(await again.message()).toMatchObject({ payload: 'again', properties: { subscriptionIdentifiers: [7] } })
  await again.quiet()
})
