import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { type Clock, SystemClock } from '../../../src/broker/clock.ts'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { PINGREQ } from '../../../src/codec/packets/ping.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { publish } from '../../support/packets.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

const DAY_MS = 86_400_000

/** Packets of a client by which it shows that it is there. */
const signs: readonly [name: string, show: (client: RawClient) => Promise<unknown>][] = [
  ['PINGREQ', (client) => client.quiet()],
  ['PUBLISH at QoS 0', async (client) => client.publish('other', 'x')],
  ['PUBLISH at QoS 1', (client) => client.publishAndWait('other', 'x', { qos: 1 })],
  ['PUBLISH and PUBREL', (client) => client.publishAndWait('other', 'x', { qos: 2 })],
  ['PUBACK', async (client) => client.acknowledge(PacketType.PUBACK, 77)],
  ['PUBREC', async (client) => client.acknowledge(PacketType.PUBREC, 77)],
  ['SUBSCRIBE', (client) => client.subscribe('more')],
  ['UNSUBSCRIBE', (client) => client.unsubscribe('more')],
]

describe.each(EACH_VERSION)('keep alive in MQTT %s', (_name, version) => {
  const isV5 = version === ProtocolVersion.V5

  it.each([1, 2, 10, 60, 65_535])(
    'K-01 [v5:MQTT-3.1.2-22] [v311:MQTT-3.1.2-24] [V31-24] of %d s closes after 1.5 times as long, to the millisecond, and publishes the will',
    async (keepAliveSeconds) => {
      const { client, clock } = await startBroker()
      const observer = await client()
      await observer.subscribe('gone')
      const silent = await client({ version, keepAliveSeconds, will: willOf('gone', 'x') })
      clock.advance(keepAliveSeconds * 1500 - 1)
      await observer.quiet()
      expect(silent.hasEnded).toBe(false)
      clock.advance(1)
      await silent.closesWith(0x8d)
      expect(await observer.message()).toMatchObject({ payload: 'x' })
    },
  )

  it.each(signs)('K-02 starts anew with %s', async (_packet, show) => {
    const broker = await startBroker()
    const observer = await broker.client()
    const client = await broker.client({ version, keepAliveSeconds: 10 })
    broker.clock.advance(14_000)
    const before = received(broker)
    await show(client)
    for (let rounds = 1; received(broker) <= before + rounds - 1; rounds++) await observer.quiet()
    broker.clock.advance(14_999)
    await observer.quiet()
    expect(client.hasEnded).toBe(false)
    broker.clock.advance(1)
    await client.closed()
  })

  it('K-02 does not start anew by what the server sends', async () => {
    const { client, clock } = await startBroker()
    const publisher = await client()
    const subscriber = await client({ version, keepAliveSeconds: 10 })
    await subscriber.subscribe('a')
    for (let ms = 100; ms < 15_000; ms += 100) {
      clock.advance(100)
      publisher.publish('a', String(ms))
      expect(await subscriber.message()).toMatchObject({ payload: String(ms) })
    }
    clock.advance(100)
    await subscriber.closesWith(0x8d)
  })

  it('K-03 does not start anew by half a packet: a client that drips is dropped', async () => {
    const { client, clock } = await startBroker()
    const witness = await client()
    const dripping = await client({ version, keepAliveSeconds: 10 })
    for (const byte of encodePacket(publish('a/long/topic', 'and a payload'), version).subarray(0, 14)) {
      clock.advance(1000)
      dripping.sendBytes(Buffer.of(byte))
      await witness.quiet()
    }
    expect(dripping.hasEnded).toBe(false)
    clock.advance(1000)
    await dripping.closesWith(0x8d)
  })

  it('K-04 of 0 never drops for silence', async () => {
    const { client, clock } = await startBroker()
    const silent = await client({ version, keepAliveSeconds: 0 })
    clock.advance(1000 * DAY_MS)
    await silent.quiet()
  })

  it.each([
    ['longer', 100, 20],
    ['none', 0, 20],
    ['shorter', 10, 10],
  ])(
    'K-05 [v5:MQTT-3.2.2-21] [v5:MQTT-3.2.2-22] counts as Server Keep Alive says it in 5.0 and as asked before, when the client asks for one that is %s',
    async (_what, keepAliveSeconds, inForce) => {
      const { client, clock } = await startBroker({ limits: { maximumKeepAliveSeconds: 20 } })
      const silent = await client({ version, keepAliveSeconds })
      const told = inForce === keepAliveSeconds ? undefined : inForce
      expect(silent.connack.properties.serverKeepAliveSeconds).toBe(isV5 ? told : undefined)
      const counts = isV5 ? inForce : keepAliveSeconds
      if (counts === 0) {
        clock.advance(DAY_MS)
        await silent.quiet()
        return
      }
      clock.advance(counts * 1500 - 1)
      await silent.quiet()
      clock.advance(counts * 1500)
      await silent.closesWith(0x8d)
    },
  )

  it('K-06 [v311:MQTT-3.12.4-1] [v5:MQTT-3.12.4-1] is answered by PINGRESP while the in-flight window is full and a queue waits', async () => {
    const { client } = await startBroker({ limits: { maximumInFlightMessages: 1 } })
    const publisher = await client()
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
    for (let i = 0; i < 100; i++) await publisher.publishAndWait('a', 'x', { qos: 1 })
    await subscriber.message()
    for (let i = 0; i < 3; i++) await subscriber.quiet()
  })

  it('K-06 is answered before a long backlog to a client that reads late', async () => {
    const { client, broker } = await startBroker()
    const publisher = await client()
    const reader = await client({ version })
    await reader.subscribe({ topicFilter: 'a', qos: 1 })
    reader.socket.pause()
    const payload = Buffer.alloc(65_536)
    for (let i = 0; i < 200; i++) await publisher.publishAndWait('a', payload, { qos: 1 })
    reader.send(PINGREQ)
    while (broker.metrics.packetsReceived[PacketType.PINGREQ] === 0)
      await publisher.publishAndWait('other', '', { qos: 1 })
    reader.socket.resume()
    let before = 0
    for (let next = await reader.next(); next.packetType !== PacketType.PINGRESP; next = await reader.next()) before++
    expect(before).toBeLessThan(200)
    for (let i = before; i < 200; i++) await reader.message()
  })

  it.each([
    ['forwards', 1],
    ['backwards', -1],
  ])('K-07 is not touched by a system clock that jumps a day %s, nor are sessions and wills', async (_where, sign) => {
    const { client, clock, broker } = await startBroker()
    const observer = await client()
    await observer.subscribe('#')
    const delayed = { properties: { willDelayIntervalSeconds: 60 } }
    const left = await client({ ...keeping(version, 'left'), will: isV5 ? willOf('gone', 'x', delayed) : null })
    await left.end()
    const silent = await client({ version, keepAliveSeconds: 10, will: willOf('gone', 'y') })
    clock.shiftWall(sign * DAY_MS)
    clock.advance(14_999)
    await observer.quiet()
    expect(silent.hasEnded).toBe(false)
    expect(broker.gauges.clientsTotal).toBe(3)
    clock.advance(1)
    await silent.closesWith(0x8d)
  })
})

function received({ broker }: TestBroker): number {
  return broker.metrics.packetsReceived.reduce((sum, count) => sum + count, 0)
}

describe('the clock of the machine', () => {
  it('K-07 Z-08 does not follow the system clock', () => {
    const clock = new SystemClock()
    const before = clock.nowMs()
    const now = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + DAY_MS)
    try {
      expect(clock.nowMs() - before).toBeLessThan(DAY_MS / 2)
      expect(clock.wallMs()).toBe(Date.now())
    } finally {
      now.mockRestore()
    }
  })

  it('K-08 wakes after what waits in the sockets was read, though the time passed before', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const accepted = once(server, 'connection')
    const sender = connect(port, '127.0.0.1')
    const [receiver] = await accepted
    const clock = new SystemClock()
    const order: string[] = []
    receiver.on('data', () => order.push('read'))
    const woken = new Promise<void>((resolve) => {
      clock.wakeAt(clock.nowMs() + 1, () => {
        order.push('wake')
        resolve()
      })
    })
    sender.write('x')
    sleep(20)
    await woken
    expect(order).toEqual(['read', 'wake'])
    sender.destroy()
    receiver.destroy()
    server.close()
  })

  it('K-08 lets a client live whose PINGREQ waits in the socket when the machine wakes', async () => {
    const { client } = await startBroker({ clock: new FastClock(), limits: { connectTimeoutSeconds: 3600 } })
    const alive = await client({ keepAliveSeconds: 40 })
    alive.send(PINGREQ)
    // more than 1.5 times its keep alive, on a clock that runs a hundred times as fast
    sleep(700)
    await alive.expect(PacketType.PINGRESP)
  })

  it('K-08 handles what passed meanwhile once, in the order of its time', async () => {
    const { client, clock } = await startBroker()
    const observer = await client()
    await observer.subscribe('#')
    for (const seconds of [30, 10, 20]) {
      const properties = { sessionExpiryIntervalSeconds: 3600 }
      const will = willOf(`after/${seconds}`, 'x', { properties: { willDelayIntervalSeconds: seconds } })
      const one = await client({ properties, will })
      await one.end()
    }
    const silent = await client({ keepAliveSeconds: 10, will: willOf('after/15', 'x') })
    clock.sleep(DAY_MS)
    const topics: string[] = []
    for (let i = 0; i < 4; i++) topics.push((await observer.message()).topic)
    expect(topics).toEqual(['after/10', 'after/15', 'after/20', 'after/30'])
    await silent.closesWith(0x8d)
    clock.advance(DAY_MS)
    await observer.quiet()
  })
})

/** Nothing of this process goes on meanwhile, as when the machine sleeps. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

/** The clock of the machine, a hundred times as fast. */
class FastClock implements Clock {
  readonly #clock = new SystemClock()

  nowMs(): number {
    return this.#clock.nowMs() * 100
  }

  wallMs(): number {
    return this.#clock.wallMs()
  }

  wakeAt(atMs: number, wake: () => void): void {
    this.#clock.wakeAt(atMs / 100, wake)
  }

  stop(): void {
    this.#clock.stop()
  }
}
