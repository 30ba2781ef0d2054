import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import type { ConnectFields } from '../../../src/codec/packets/connect.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { connectPacket, type RawClient } from '../../support/raw-client.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

const { V5 } = ProtocolVersion
const DELAY_SECONDS = 30
const LIMITS = { maximumPacketBytes: 1000 }

type End = (client: RawClient, broker: Pick<TestBroker, 'clock'>) => unknown

/** How a connection ends so that its will is published. */
const abnormalEnds: readonly [how: string, end: End][] = [
  ['its socket is closed without DISCONNECT', (client) => client.end()],
  ['its socket is reset', (client) => client.cut()],
  ['its keep alive passes', (_client, { clock }) => clock.advance(15_000)],
  ['it breaks the protocol', (client) => client.sendBytes('82 02 00 01')],
  ['it sends a malformed packet', (client) => client.sendBytes('00 00')],
  ['it sends a second CONNECT', (client) => client.send(connectPacket({ version: client.version }))],
  ['it sends a packet that is too large', (client) => client.publish('a', 'x'.repeat(1000))],
]

/** DISCONNECT of 5.0 with any code but 0x00. */
const disconnectEnds: readonly [how: string, end: End][] = [
  0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x95, 0x97, 0x98,
].map((code) => [`it sends DISCONNECT 0x${code.toString(16).padStart(2, '0')}`, (client) => client.disconnect(code)])

/** A client `c` with a will whose session is kept, and an observer of the will. */
async function startWithWill(version: ProtocolVersion, delaySeconds: number, more: Partial<ConnectFields> = {}) {
  const broker = await startBroker({ limits: LIMITS })
  const observer = await broker.client()
  await observer.subscribe('gone')
  const properties = delaySeconds === 0 ? {} : { willDelayIntervalSeconds: delaySeconds }
  const fields = { ...keeping(version, 'c'), will: willOf('gone', 'x', { properties }), ...more }
  const client = await broker.client(fields)
  return { ...broker, connect: broker.client, observer, client }
}

async function expectWill(observer: RawClient): Promise<void> {
  expect(await observer.message()).toMatchObject({ topic: 'gone', payload: 'x' })
  await observer.quiet()
}

/** Fails unless the will comes exactly so many seconds from now, once. */
async function expectWillAfter(
  seconds: number,
  observer: RawClient,
  { clock }: Pick<TestBroker, 'clock'>,
): Promise<void> {
  clock.advance(seconds * 1000 - 1)
  await observer.quiet()
  clock.advance(1)
  await expectWill(observer)
  clock.advance(1_000_000)
  await observer.quiet()
}

describe.each(EACH_VERSION)('a will in MQTT %s', (_name, version) => {
  it.each(abnormalEnds)(
    'W-01 X-01 [v5:MQTT-3.1.2-7] [v5:MQTT-3.1.2-8] [v5:MQTT-3.1.2-10] [v311:MQTT-3.1.2-8] [v311:MQTT-3.1.2-10] [V31-24] is published once when %s',
    async (_how, end) => {
      const broker = await startWithWill(version, 0, { keepAliveSeconds: 10 })
      await end(broker.client, broker)
      await expectWill(broker.observer)
      await broker.client.closed()
      // a later connection that ends well does not publish it again
      const later = await broker.connect(keeping(version, 'c'))
      later.disconnect()
      await later.closed()
      broker.clock.advance(1_000_000)
      await broker.observer.quiet()
    },
  )

  it('W-01 X-04 [v5:MQTT-3.14.4-3] [v5:MQTT-3.1.2-10] [v311:MQTT-3.14.4-3] [v311:MQTT-3.1.2-10] is discarded by DISCONNECT', async () => {
    const { client, observer, clock } = await startWithWill(version, 0)
    client.disconnect()
    await client.closed()
    expect(client.waiting).toEqual([])
    clock.advance(1_000_000)
    await observer.quiet()
  })

  it.each([
    ['closes its socket', (client: RawClient) => client.socket.end()],
    ['resets its socket', (client: RawClient) => client.cut()],
  ])('X-04 is discarded when the client sends DISCONNECT and %s at once', async (_how, end) => {
    const { client, observer, logged } = await startWithWill(version, 0)
    await new Promise<void>((resolve) => client.socket.write(Buffer.from('e000', 'hex'), () => resolve()))
    end(client)
    await logged('disconnect', 'c')
    await observer.quiet()
  })

  it('W-01 [v311:MQTT-3.1.2-12] is nothing where there was none', async () => {
    const { client, observer } = await startWithWill(version, 0, { will: null })
    await client.end()
    await observer.quiet()
  })

  it('W-01 is not published by the DISCONNECT of a later connection that brought none', async () => {
    const { client, connect, observer } = await startWithWill(version, 0)
    client.cut()
    await expectWill(observer)
    const later = await connect(keeping(version, 'c'))
    later.cut()
    const last = await connect(keeping(version, 'c'))
    last.disconnect()
    await last.closed()
    await observer.quiet()
  })

  it('W-02 is replaced by the one of the next CONNECT', async () => {
    const { client, connect, observer } = await startWithWill(version, 0)
    client.disconnect()
    await client.closed()
    const next = await connect({ ...keeping(version, 'c'), will: willOf('gone', 'another') })
    await next.end()
    expect(await observer.message()).toMatchObject({ payload: 'another' })
    await observer.quiet()
  })

  it.each([
    ['clean start 0', false],
    ['clean start 1', true],
  ])(
    'W-03 [U5-3.1.4-2] [v311:MQTT-3.1.4-2] is published before CONNACK when a client with %s takes over',
    async (_how, cleanStart) => {
      const { client, open, connect, observer } = await startWithWill(version, 0, {
        will: willOf('gone', 'offline', { retain: true }),
      })
      const comer = await open(version)
      comer.send(connectPacket({ ...keeping(version, 'c'), cleanStart }))
      comer.publish('gone', 'online', { retain: true })
      await comer.expect(PacketType.CONNACK)
      await client.closesWith(0x8e)
      expect(await observer.message()).toMatchObject({ payload: 'offline' })
      expect(await observer.message()).toMatchObject({ payload: 'online' })
      const later = await connect()
      await later.subscribe('gone')
      expect(await later.message()).toMatchObject({ payload: 'online', retain: true })
    },
  )

  it('W-03 reaches the client itself on its next connection, if it subscribed to it', async () => {
    const { client, connect } = await startWithWill(version, 0, { will: willOf('gone', 'x', { qos: 1 }) })
    await client.subscribe({ topicFilter: 'gone', qos: 1 })
    const comer = await connect(keeping(version, 'c'))
    expect(await comer.message()).toMatchObject({ topic: 'gone', payload: 'x', dup: false })
  })

  it.each([
    ['closing', (client: RawClient) => client.socket.end()],
    ['breaking the protocol in the same segment', (client: RawClient) => client.sendBytes('00 00')],
  ])('W-04 comes behind everything that the client sent before %s', async (_how, end) => {
    const { client, observer } = await startWithWill(version, 0)
    client.socket.cork()
    for (let i = 0; i < 50; i++) client.publish('gone', String(i))
    client.publish('gone', 'QoS 2', { qos: 2 })
    client.socket.uncork()
    end(client)
    for (let i = 0; i < 50; i++) expect(await observer.message()).toMatchObject({ payload: String(i) })
    expect(await observer.message()).toMatchObject({ payload: 'QoS 2' })
    await expectWill(observer)
  })
})

describe('a will in MQTT 5.0', () => {
  it.each(disconnectEnds)('W-01 [U5-3.14.0-1] [v5:MQTT-3.1.2-8] is published when %s', async (_how, end) => {
    const broker = await startWithWill(V5, 0)
    await end(broker.client, broker)
    await expectWill(broker.observer)
    await broker.client.closed()
    expect(broker.client.waiting).toEqual([])
  })

  it.each([...abnormalEnds, ...disconnectEnds])(
    'W-09 [v5:MQTT-3.1.2-8] [v5:MQTT-3.1.3-9] with a delay is published after it when %s',
    async (_how, end) => {
      const broker = await startWithWill(V5, DELAY_SECONDS, { keepAliveSeconds: 10 })
      await end(broker.client, broker)
      await broker.logged('disconnect', 'c')
      await expectWillAfter(DELAY_SECONDS, broker.observer, broker)
    },
  )

  it('W-01 [v5:MQTT-3.14.4-3] with a delay is discarded by DISCONNECT 0x00', async () => {
    const { client, observer, clock } = await startWithWill(V5, DELAY_SECONDS)
    client.disconnect(0)
    await client.closed()
    clock.advance(1_000_000)
    await observer.quiet()
  })

  it.each([
    ['taken over by clean start 0 while open', true],
    ['resumed by clean start 0 within the delay', false],
  ])(
    'W-02 [v5:MQTT-3.1.3-9] with a delay is cancelled when the session is %s, and not mixed up with the new one',
    async (_how, isOpen) => {
      const { client, connect, observer, clock } = await startWithWill(V5, DELAY_SECONDS)
      if (!isOpen) {
        await client.end()
        clock.advance(DELAY_SECONDS * 1000 - 1)
      }
      const properties = { willDelayIntervalSeconds: 60 }
      const next = await connect({ ...keeping(V5, 'c'), will: willOf('gone', 'of the new one', { properties }) })
      clock.advance(1_000_000)
      await observer.quiet()
      await next.end()
      clock.advance(59_999)
      await observer.quiet()
      clock.advance(1)
      expect(await observer.message()).toMatchObject({ payload: 'of the new one' })
      clock.advance(1_000_000)
      await observer.quiet()
    },
  )

  it.each([
    ['taken over by clean start 1', true],
    ['replaced by clean start 1 within the delay', false],
  ])(
    'W-07 [v5:MQTT-3.1.2-8] [U5-3.1.4-2] with a delay is published at once when the session is %s',
    async (_how, isOpen) => {
      const { client, connect, observer, clock } = await startWithWill(V5, DELAY_SECONDS)
      if (!isOpen) await client.end()
      await observer.quiet()
      const next = await connect({ ...keeping(V5, 'c'), cleanStart: true })
      expect(next.connack.sessionPresent).toBe(false)
      await expectWill(observer)
      clock.advance(1_000_000)
      await observer.quiet()
    },
  )

  it('W-07 with a delay is published at once when a session of expiry 0 is taken over', async () => {
    const { connect, observer, clock } = await startWithWill(V5, DELAY_SECONDS, { properties: {} })
    await connect(keeping(V5, 'c'))
    await expectWill(observer)
    clock.advance(1_000_000)
    await observer.quiet()
  })

  it.each([undefined, 0])(
    'W-07 with a delay is published at once when the Session Expiry Interval is %s',
    async (seconds) => {
      const properties = seconds === undefined ? {} : { sessionExpiryIntervalSeconds: seconds }
      const { client, observer } = await startWithWill(V5, DELAY_SECONDS, { properties })
      await client.end()
      await expectWill(observer)
    },
  )

  it('W-07 with a delay is published at once when DISCONNECT 0x04 ends the session', async () => {
    const { client, observer } = await startWithWill(V5, DELAY_SECONDS)
    client.disconnect(0x04, { sessionExpiryIntervalSeconds: 0 })
    await client.closed()
    await expectWill(observer)
  })

  it.each([
    ['when the session expires before', 10, 10],
    ['after its delay when the session expires later', 31, 30],
    ['once when both come at the same time', 30, 30],
  ])('W-09 [v5:MQTT-3.1.2-8] with a delay is published %s', async (_when, expirySeconds, after) => {
    const broker = await startWithWill(V5, DELAY_SECONDS, {
      properties: { sessionExpiryIntervalSeconds: expirySeconds },
    })
    await broker.client.end()
    await expectWillAfter(after, broker.observer, broker)
  })

  it('W-09 C-09 has a delay that a refused CONNECT does not prolong', async () => {
    const broker = await startWithWill(V5, DELAY_SECONDS)
    await broker.client.end()
    broker.clock.advance(20_000)
    const refused = await broker.open()
    const connack = await refused.connect({
      clientId: 'c',
      cleanStart: true,
      userName: 'another user',
      password: Buffer.from(''),
    })
    expect(connack.code).toBe(0x87)
    await refused.closed()
    await expectWillAfter(10, broker.observer, broker)
  })

  it.each([
    ['absent', {}],
    ['0', { willDelayIntervalSeconds: 0 }],
  ])('W-09 [U5-3.1.3.2.2-1] has no delay when that is %s', async (_what, properties) => {
    const { client, observer } = await startWithWill(V5, 0, { will: willOf('gone', 'x', { properties }) })
    await client.end()
    await expectWill(observer)
  })
})
