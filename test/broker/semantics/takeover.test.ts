import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../../src/codec/packets/acknowledgement.ts'
import type { ConnectFields } from '../../../src/codec/packets/connect.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { publish } from '../../support/packets.ts'
import { connectPacket, type RawClient } from '../../support/raw-client.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion

const C = { clientId: 'c' }
const HOUR = { sessionExpiryIntervalSeconds: 3600 }

/** How the second client comes, the columns of the table. */
const comers = [
  ['3.1.1, clean session 1', { version: V3_1_1, cleanStart: true }],
  ['3.1.1, clean session 0', { version: V3_1_1, cleanStart: false }],
  ['5.0, clean start 1', { version: V5, cleanStart: true, properties: HOUR }],
  ['5.0, clean start 0', { version: V5, cleanStart: false, properties: HOUR }],
] as const satisfies readonly (readonly [string, Partial<ConnectFields>])[]

type Prepare = (broker: TestBroker) => Promise<unknown>

/** A session whose connection has ended, with a subscription or none. */
function stored(fields: Partial<ConnectFields>, filters: string[] = []): Prepare {
  return async ({ client }) => {
    const maker = await client({ ...C, ...fields })
    for (const topicFilter of filters) await maker.subscribe({ topicFilter, qos: 1 })
    await maker.end()
  }
}

function living(fields: Partial<ConnectFields>): Prepare {
  return async ({ client }) => {
    const holder = await client({ ...C, ...fields })
    await holder.subscribe({ topicFilter: 'mine', qos: 1 })
  }
}

const lasting311 = { version: V3_1_1, cleanStart: false }
const lasting5 = { version: V5, cleanStart: true, properties: HOUR }
const passing311 = { version: V3_1_1, cleanStart: true }
const passing5 = { version: V5, cleanStart: false }

/** What is there before, what session present the columns get, and whether the old subscription goes on where it is 1. */
const befores: readonly [before: string, prepare: Prepare, present: readonly number[], isSubscribed: boolean][] = [
  ['nothing', async () => {}, [0, 0, 0, 0], false],
  ['a stored session of 3.1.1', stored(lasting311, ['mine']), [0, 1, 0, 1], true],
  ['a stored session of 5.0', stored(lasting5, ['mine']), [0, 1, 0, 1], true],
  ['a stored session of 3.1.1 without subscription', stored(lasting311), [0, 1, 0, 1], false],
  ['a stored session of 5.0 without subscription', stored(lasting5), [0, 1, 0, 1], false],
  [
    'a stored session that has expired',
    async (broker) => {
      await stored(lasting5, ['mine'])(broker)
      broker.clock.advance(3_600_000)
    },
    [0, 0, 0, 0],
    false,
  ],
  ['a living connection of 3.1.1 with clean session 0', living(lasting311), [0, 1, 0, 1], true],
  ['a living connection of 5.0 with an expiry above 0', living(lasting5), [0, 1, 0, 1], true],
  ['a living connection of 3.1.1 with clean session 1', living(passing311), [0, 0, 0, 0], false],
  ['a living connection of 5.0 with expiry 0', living(passing5), [0, 0, 0, 0], false],
]

describe.each(befores)('after %s', (_before, prepare, present, isSubscribed) => {
  const rows = comers.map(([comer, fields], i) => [comer, present[i]!, fields] as const)

  it.each(rows)(
    'S-01 [v5:MQTT-3.1.2-4] [v5:MQTT-3.1.2-5] [v5:MQTT-3.1.2-6] [v5:MQTT-3.2.2-2] [v5:MQTT-3.2.2-3] [v5:MQTT-3.1.4-4] [v311:MQTT-3.1.2-4] [v311:MQTT-3.1.2-6] [v311:MQTT-3.2.2-1] [v311:MQTT-3.2.2-2] [v311:MQTT-3.2.2-3] [v311:MQTT-3.1.4-3] a client of %s gets session present %d, and the old session goes on or is gone',
    async (_comer, sessionPresent, fields) => {
      const broker = await startBroker()
      await prepare(broker)
      const comer = await broker.client({ ...C, ...fields })
      expect(comer.connack).toMatchObject({ code: 0, sessionPresent: sessionPresent === 1 })
      const publisher = await broker.client()
      await publisher.publishAndWait('mine', 'x', { qos: 1 })
      if (sessionPresent === 1 && isSubscribed) expect(await comer.message()).toMatchObject({ topic: 'mine' })
      await comer.quiet()
      expect(broker.broker.gauges.clientsTotal).toBe(2)
    },
  )

  it('M-01 [V31-06] a client of 3.1 gets CONNACK with a first byte of 0, whether the session goes on or not', async () => {
    const broker = await startBroker()
    await prepare(broker)
    const comer = await broker.client({ ...C, version: V3_1, cleanStart: false })
    expect(comer.received.toString('hex')).toBe('20020000')
    const publisher = await broker.client()
    await publisher.publishAndWait('mine', 'x', { qos: 1 })
    if (present[1] === 1 && isSubscribed) expect(await comer.message()).toMatchObject({ topic: 'mine' })
    await comer.quiet()
  })
})

// Until the broker has read what somebody sent on a connection whose packets it no longer answers.
async function untilRead({ broker }: TestBroker, byteCount: number, witness: RawClient): Promise<void> {
  const before = broker.metrics.bytesReceived
  for (let rounds = 0; broker.metrics.bytesReceived < before + byteCount + 2 * rounds; rounds++) {
    if (rounds === 1000) throw new Error('the broker has not read it')
    await witness.quiet()
  }
}

describe.each(EACH_VERSION)('takeover in MQTT %s', (_name, version) => {
  it('S-01 [v5:MQTT-3.1.4-3] [v311:MQTT-3.1.4-2] [v5:MQTT-3.14.4-2] [V31-24] closes the old connection with 0x8E and lets the new one in', async () => {
    const { client, broker } = await startBroker()
    const old = await client({ ...C, version })
    const comer = await client({ ...C, version })
    await old.closesWith(0x8e)
    await comer.quiet()
    expect(broker.gauges.clientsConnected).toBe(1)
  })

  it.each(EACH_VERSION)(
    'S-01 [v5:MQTT-3.1.4-3] is the same when the new client speaks MQTT %s',
    async (_newName, newVersion) => {
      const { client } = await startBroker()
      const old = await client({ ...C, version })
      const comer = await client({ ...C, version: newVersion })
      await old.closesWith(0x8e)
      await comer.quiet()
    },
  )

  it('S-01 leaves exactly one of 300 connections that race for one id, and it works', async () => {
    const addresses: (string | undefined)[] = []
    let allAreIn = () => {}
    const { open, broker } = await startBroker({
      log: ({ event, remoteAddress }) => {
        if (event === 'connect' && addresses.push(remoteAddress) === 300) allAreIn()
      },
    })
    const clients = await Promise.all(Array.from({ length: 300 }, () => open(version)))
    await new Promise<void>((resolve) => {
      allAreIn = resolve
      for (const one of clients) one.send(connectPacket(keeping(version, 'c')))
    })
    const isLast = ({ socket }: RawClient) => addresses.at(-1) === `${socket.localAddress}:${socket.localPort}`
    const last = clients.find(isLast)!
    await Promise.all(clients.filter((one) => one !== last).map((one) => one.closed()))
    expect(await last.expect(PacketType.CONNACK)).toMatchObject({ code: 0 })
    await last.subscribe('a')
    last.publish('a', 'alive')
    expect(await last.message()).toMatchObject({ payload: 'alive' })
    expect(broker.gauges).toMatchObject({ clientsConnected: 1, clientsTotal: 1 })
  })

  it('S-02 B-20 [v5:MQTT-3.14.4-1] counts nothing that the old connection still sends: no acknowledgement, no message, no subscription', async () => {
    const broker = await startBroker()
    const { client, open, logged } = broker
    const observer = await client()
    await observer.subscribe('a')
    const old = await client(keeping(version, 'c'))
    await old.subscribe({ topicFilter: 'mine', qos: 1 })
    await observer.publishAndWait('mine', 'x', { qos: 1 })
    const { packetId } = await old.message()

    const comer = await open(version)
    comer.send(connectPacket(keeping(version, 'c')))
    await logged('disconnect', 'c')
    const late = Buffer.concat(
      [
        new Acknowledgement(PacketType.PUBACK, packetId),
        publish('a', 'too late'),
        new Subscribe(9, [{ topicFilter: 'a', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }]),
      ].map((packet) => encodePacket(packet, version)),
    )
    old.sendBytes(late)
    await untilRead(broker, late.length, observer)
    await observer.quiet()

    await comer.expect(PacketType.CONNACK)
    expect(await comer.message()).toMatchObject({ payload: 'x', dup: true, packetId })
    observer.publish('a', 'to the observer only')
    await observer.message()
    await comer.quiet()
    const third = await client(keeping(version, 'c'))
    expect(await third.message()).toMatchObject({ payload: 'x', dup: true, packetId })
  })

  it.each([1, 2] as const)(
    'S-03 [v5:MQTT-3.3.1-1] [v311:MQTT-3.3.1-1] has in flight again at QoS %d what the old connection did not acknowledge, before anything else',
    async (qos) => {
      const { client } = await startBroker({ limits: { maximumInFlightMessages: 2 } })
      const publisher = await client()
      const old = await client(keeping(version, 'c'))
      await old.subscribe({ topicFilter: 'a', qos })
      for (const payload of ['1', '2', '3']) await publisher.publishAndWait('a', payload, { qos })
      const before = [await old.message(), await old.message()]
      expect(before).toMatchObject([
        { payload: '1', dup: false },
        { payload: '2', dup: false },
      ])
      await old.quiet()

      const comer = await client(keeping(version, 'c'))
      await publisher.publishAndWait('a', '4', { qos })
      const again = [await comer.message(), await comer.message()]
      expect(again).toMatchObject(before.map(({ payload, packetId }) => ({ payload, packetId, dup: true, qos })))
      await comer.quiet()
      const packetIds = again.map(({ packetId }) => packetId)
      await finish(comer, packetIds, qos)
      expect([await comer.message(), await comer.message()]).toMatchObject([
        { payload: '3', dup: false },
        { payload: '4', dup: false },
      ])
    },
  )

  it('S-04 never delivers into a new clean session what matched the subscriptions of the old one', async () => {
    const { client, open } = await startBroker()
    const publisher = await client()
    for (let round = 0; round < 20; round++) {
      const old = await client(keeping(version, 'c'))
      await old.subscribe({ topicFilter: 'a', qos: 2 })
      if (round % 3 === 0) await old.end()
      if (round % 3 === 1) publisher.publish('a', 'in flight', { qos: 2 })
      const comer = await open(version)
      const connect = connectPacket({ ...keeping(version, 'c'), cleanStart: true })
      if (round % 2 === 0) {
        publisher.publish('a', 'before', { qos: 1 })
        comer.send(connect)
      } else {
        comer.send(connect)
        publisher.publish('a', 'behind', { qos: 1 })
      }
      await comer.expect(PacketType.CONNACK)
      await comer.quiet()
      await comer.end()
    }
  })
})

async function finish(client: RawClient, packetIds: readonly number[], qos: 1 | 2): Promise<void> {
  for (const packetId of packetIds) client.acknowledge(qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packetId)
  if (qos === 1) return
  for (const _ of packetIds) await client.expect(PacketType.PUBREL)
  for (const packetId of packetIds) client.acknowledge(PacketType.PUBCOMP, packetId)
}
