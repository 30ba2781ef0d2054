import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../../src/codec/packets/acknowledgement.ts'
import { MemoryClient } from '../../support/memory-client.ts'
import { publish } from '../../support/packets.ts'
import { take } from '../../support/taking.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const KILOBYTE = 1024
/** the smallest bound that the broker takes */
const OUTPUT = { maximumOutputBytes: 128 * KILOBYTE }
const numbers = Array.from({ length: 40 }, (_, i) => String(i))
const payload = (number: string): string => number.padEnd(20 * KILOBYTE)

describe.each(EACH_VERSION)('subscribers of MQTT %s', (_name, version) => {
  it.each([0, 1, 2] as const)(
    'O-12 get everything at QoS %d beside one that does not read, and the publisher is not held up',
    async (qos) => {
      const broker = await startBroker({ limits: OUTPUT })
      const stuck = await MemoryClient.connected(broker, { version })
      await stuck.subscribe('a', 2)
      stuck.stopReading()
      const reader = await broker.client({ version })
      await reader.subscribe({ topicFilter: 'a', qos: 2 })
      const publisher = await broker.client()
      for (const number of numbers) await publisher.publishAndWait('a', payload(number), { qos })
      await publisher.quiet()

      expect((await take(reader, numbers.length)).map((message) => message.payload.trim())).toEqual(numbers)
      expect(stuck.payloads()).toEqual([])
      // it was held up, not forgotten
      await stuck.readAgain()
      expect(stuck.payloads().map((text) => text.trim())).toEqual(numbers)
    },
  )

  it.each([1, 2] as const)(
    'O-12 get everything at QoS %d beside one that is dead in the middle of a message',
    async (qos) => {
      const broker = await startBroker({ limits: OUTPUT })
      const dying = await MemoryClient.connected(broker, keeping(version, 'dying'))
      await dying.subscribe('a', 2)
      dying.roomBytes = 30 * KILOBYTE
      const reader = await broker.client({ version })
      await reader.subscribe({ topicFilter: 'a', qos: 2 })
      const publisher = await broker.client()
      for (const number of numbers.slice(0, 20)) await publisher.publishAndWait('a', payload(number), { qos })
      expect(dying.payloads().map((text) => text.trim())).toEqual(['0'])
      dying.close()
      for (const number of numbers.slice(20)) await publisher.publishAndWait('a', payload(number), { qos })
      expect((await take(reader, numbers.length)).map((message) => message.payload.trim())).toEqual(numbers)
      const back = await broker.client(keeping(version, 'dying'))
      expect((await take(back, numbers.length)).map((message) => message.payload.trim())).toEqual(numbers)
    },
  )

  it('O-12 Z-06 that do not read lose the oldest QoS 0 messages, within a bound, and are told nothing of others', async () => {
    const broker = await startBroker({ limits: { ...OUTPUT, maximumQos0QueuedBytes: 100 * KILOBYTE } })
    const stuck = await MemoryClient.connected(broker, { version })
    await stuck.subscribe('a', 0)
    stuck.stopReading()
    const publisher = await broker.client()
    for (const number of numbers) publisher.publish('a', payload(number))
    await publisher.quiet()
    await stuck.readAgain()
    const got = stuck.payloads().map((text) => text.trim())
    const lost = broker.broker.metrics.messagesDropped[0]!
    expect(lost).toBeGreaterThan(0)
    expect(got).toHaveLength(numbers.length - lost)
    // the first were on their way, the last are the newest
    const onTheWay = got.findIndex((number, i) => number !== String(i))
    expect(got).toEqual([...numbers.slice(0, onTheWay), ...numbers.slice(onTheWay + lost)])
  })

  it.each([0, 1] as const)(
    'O-14 get a burst of 1,000 messages at QoS %d in a few writes, and the last without any further event',
    async (qos) => {
      const broker = await startBroker()
      const subscriber = await MemoryClient.connected(broker, { version })
      await subscriber.subscribe('a', qos)
      const publisher = await MemoryClient.connected(broker)
      const writesBefore = subscriber.writes.length
      const one = encodePacket(publish('a', 'x', { qos: 1, packetId: 1 }), publisher.version)
      publisher.sendBytes(Buffer.alloc(one.length * 1000, one))
      await subscriber.turn()
      expect(subscriber.payloads()).toHaveLength(1000)
      expect(subscriber.writes.length - writesBefore).toBeLessThanOrEqual(3)
      expect(publisher.packets()).toHaveLength(1000)
    },
  )

  it('O-14 get over a socket, one after another, each message that is followed by nothing', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
    const publisher = await client()
    for (const number of numbers) {
      publisher.publish('a', number, { qos: 1 })
      expect(await subscriber.message()).toMatchObject({ payload: number })
    }
  })
})

describe.each(EACH_VERSION)('a client of MQTT %s that does not read the answers', (_name, version) => {
  it('F-07 is not read itself after a while, so that its answers need no unbounded memory, and loses nothing', async () => {
    const broker = await startBroker({ limits: OUTPUT })
    const subscriber = await broker.client({ version })
    await subscriber.subscribe('a')
    const flooder = await MemoryClient.connected(broker, { version })
    flooder.stopReading()
    const exchange = Buffer.concat([
      encodePacket(publish('a', 'x', { qos: 2, packetId: 1 }), version),
      encodePacket(new Acknowledgement(PacketType.PUBREL, 1), version),
    ])
    const burst = Buffer.alloc(exchange.length * 2000, exchange)
    let bursts = 0
    while (!flooder.isPaused && bursts < 100) {
      flooder.sendBytes(burst)
      bursts++
      await flooder.turn()
    }
    expect(flooder.isPaused).toBe(true)
    const answerBytes = bursts * 2000 * 8
    expect(answerBytes).toBeLessThan(2 * OUTPUT.maximumOutputBytes)
    flooder.sendBytes(burst)
    await flooder.readAgain()
    expect(flooder.isPaused).toBe(false)
    await flooder.turn()
    expect(flooder.packets()).toHaveLength((bursts + 1) * 4000)
    for (let i = 0; i < (bursts + 1) * 2000; i++) await subscriber.message()
    await subscriber.quiet()
  })
})
