import { describe, expect, it } from 'vitest'
import { ConnectionRate, TOO_MANY } from '../../../src/broker/connection-rate.ts'
import { completeLimits } from '../../../src/broker/limits.ts'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { PINGREQ } from '../../../src/codec/packets/ping.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { MemoryClient } from '../../support/memory-client.ts'
import { publish } from '../../support/packets.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION } from '../../support/versions.ts'

const { V5 } = ProtocolVersion

function numbered(count: number, version: ProtocolVersion): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, i) => encodePacket(publish('a', String(i)), version)))
}

describe.each(EACH_VERSION)('a client of MQTT %s above its rate', (_name, version) => {
  it('L-09 is slowed down by not being read, loses nothing and is not thrown out', async () => {
    const broker = await startBroker({ limits: { maximumMessageRate: 10 } })
    const { clock } = broker
    const reader = await MemoryClient.connected(broker, { version })
    await reader.subscribe('a', 0)
    const fast = await MemoryClient.connected(broker, { version, keepAliveSeconds: 1 })
    fast.sendBytes(Buffer.concat([numbered(35, version), encodePacket(PINGREQ, version)]))
    await reader.turn()
    // what one second allows, and one that has to be paid for
    expect(reader.payloads()).toEqual(Array.from({ length: 11 }, (_, i) => String(i)))
    expect(fast.isPaused).toBe(true)

    const arrived: string[] = []
    for (let tenth = 0; tenth < 24; tenth++) {
      expect(fast.packets()).toEqual([])
      clock.advance(100)
      await reader.turn()
      const news = reader.payloads()
      expect(news.length).toBeLessThanOrEqual(1)
      arrived.push(...news)
    }
    expect(arrived).toEqual(Array.from({ length: 24 }, (_, i) => String(11 + i)))
    // PINGREQ stood behind them, and keep alive has passed over a client that was not read
    clock.advance(100)
    await fast.turn()
    expect(fast.packets()).toMatchObject([{ packetType: PacketType.PINGRESP }])
    expect(fast.isPaused).toBe(false)
    clock.advance(1500)
    expect(broker.broker.gauges.clientsConnected).toBe(1)
    expect(broker.events.filter(({ event }) => event === 'limit')).toMatchObject([
      { detail: 'maximum-message-rate is reached: 10 messages per second' },
    ])
  })

  it('L-09 of bytes is not read until they are paid for', async () => {
    const broker = await startBroker({ limits: { maximumByteRate: 1000 } })
    const fast = await MemoryClient.connected(broker, { version })
    const other = await MemoryClient.connected(broker, { version })
    await other.subscribe('a', 0)
    fast.send(publish('a', 'x'.repeat(2900)))
    await other.turn()
    expect(other.payloads()).toHaveLength(1)
    expect(fast.isPaused).toBe(true)
    broker.clock.advance(1800)
    expect(fast.isPaused).toBe(true)
    broker.clock.advance(200)
    expect(fast.isPaused).toBe(false)
  })

  it('L-09 takes another rate while the broker runs', async () => {
    const broker = await startBroker({ limits: { maximumMessageRate: 1 } })
    const fast = await MemoryClient.connected(broker, { version })
    fast.sendBytes(numbered(2, version))
    expect(fast.isPaused).toBe(true)
    broker.broker.setLimits({})
    broker.clock.advance(1000)
    fast.sendBytes(numbered(100, version))
    expect(fast.isPaused).toBe(false)
  })

  it('L-09 C-09 connects too often: waits to be read, and is refused when it would have to wait longer than 1 s', async () => {
    const broker = await startBroker({ limits: { maximumConnectionRate: 2 } })
    for (let i = 0; i < 2; i++) await broker.client({ version })
    const early = await Promise.all([broker.open(version), broker.open(version)])
    const answers = early.map((client) => client.connect())
    const refused = await broker.open(version)
    if (version === V5) expect(await refused.connect()).toMatchObject({ code: 0x9f })
    else await expect(refused.connect()).rejects.toThrow('closed the connection')
    await refused.closed()
    expect(broker.broker.gauges.clientsConnected).toBe(2)
    // each waits for half a second more than the one before
    broker.clock.advance(500)
    await answers[0]
    expect(broker.broker.gauges.clientsConnected).toBe(3)
    broker.clock.advance(500)
    await answers[1]
    broker.clock.advance(1000)
    await broker.client({ version })
    expect(broker.events.find(({ event }) => event === 'refused')!.detail).toContain(
      'more than 2 connections per second',
    )
  })
})

it('L-09 U-09 a connection that waits for its turn does not keep the broker from stopping', async () => {
  const broker = await startBroker({ limits: { maximumConnectionRate: 1 } })
  await broker.client()
  const early = await broker.open()
  while (broker.broker.metrics.connectionsOpened < 2) await new Promise((resolve) => setImmediate(resolve))
  await broker.broker.stop()
  await early.closed()
})

describe('connections are counted', () => {
  const rate = (limits = {}) => new ConnectionRate(completeLimits({ maximumConnectionRate: 1, ...limits }))

  it('by address, an IPv6 address by its /64, and a unix socket not at all', () => {
    const connections = rate()
    const waits = [
      '127.0.0.1:1',
      '127.0.0.1:2',
      '127.0.0.2:1',
      '[2001:db8::1]:1',
      '[2001:db8:0:0:7::9]:1',
      '[2001:db8:0:1::]:1',
      'unix:/run/mqtt.sock',
      'unix:/run/mqtt.sock',
    ].map((address) => connections.admit(address, 0))
    expect(waits).toEqual([0, 1000, 0, 0, 1000, 0, 0, 0])
  })

  it('for a bounded number of addresses: those that are at rest are forgotten first, then the oldest', () => {
    const connections = rate({ maximumRatedAddresses: 2 })
    connections.admit('10.0.0.1:1', 0)
    connections.admit('10.0.0.2:1', 900)
    connections.admit('10.0.0.3:1', 1000)
    expect([connections.admit('10.0.0.2:2', 1000), connections.admit('10.0.0.2:3', 1000)]).toEqual([900, TOO_MANY])
    connections.admit('10.0.0.4:1', 1000)
    expect(connections.admit('10.0.0.2:4', 1000)).toBe(0)
  })
})
