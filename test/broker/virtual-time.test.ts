import { describe, expect, it, onTestFinished } from 'vitest'
import { Broker } from '../../src/broker/broker.ts'
import type { BrokerOptions } from '../../src/broker/configuration.ts'
import { RawClient } from '../support/raw-client.ts'
import { keeping } from '../support/versions.ts'
import { willOf } from '../support/will.ts'

async function started(options: BrokerOptions = { virtualTime: true }): Promise<Broker> {
  const broker = await Broker.start({ port: 0, sysIntervalSeconds: 0, ...options })
  onTestFinished(() => broker.stop())
  return broker
}

async function client(broker: Broker, fields: Parameters<typeof RawClient.connected>[1] = {}) {
  const made = await RawClient.connected(broker.url, fields)
  onTestFinished(() => void made.socket.destroy())
  return made
}

describe('virtual time', () => {
  it('lets a session and its messages expire after a day, in no time', async () => {
    const broker = await started()
    const properties = { sessionExpiryIntervalSeconds: 86_400 }
    const sleeper = await client(broker, { clientId: 'c', cleanStart: false, properties })
    await sleeper.subscribe({ topicFilter: 'a', qos: 1 })
    await sleeper.end()
    await broker.untilDisconnected('c')
    await broker.advance('23h')
    expect(broker.gauges.clientsTotal).toBe(1)
    await broker.advance('1h')
    expect(broker.gauges.clientsTotal).toBe(0)
    expect((await client(broker, { clientId: 'c', cleanStart: false })).connack.sessionPresent).toBe(false)
  })

  it('lets things fall due in their order, and what they cause go out on the way', async () => {
    const broker = await started()
    const watcher = await client(broker)
    await watcher.subscribe('gone/+')
    for (const keepAliveSeconds of [20, 10]) {
      await client(broker, { keepAliveSeconds, will: willOf(`gone/${keepAliveSeconds}`, 'x') })
    }
    await broker.advance('25h')
    expect([(await watcher.message()).topic, (await watcher.message()).topic]).toEqual(['gone/10', 'gone/20'])
  })

  it('is for brokers that were started with it, and takes durations only', async () => {
    const broker = await started()
    for (const duration of ['25', '25 hours', -1, Number.NaN])
      await expect(broker.advance(duration)).rejects.toThrow(RangeError)
    const real = await started({})
    await expect(real.advance('1s')).rejects.toThrow('virtualTime: true')
  })
})

describe('waiting', () => {
  it('ends when a client connects, subscribes and goes, or has done so before', async () => {
    const broker = await started()
    const waits = [broker.untilConnected('c'), broker.untilSubscribed('a/#', 'c'), broker.untilSubscribed('a/#')]
    const one = await client(broker, keeping(5, 'c'))
    await one.subscribe('a/#')
    await Promise.all(waits)
    await broker.untilConnected('c')
    const gone = broker.untilDisconnected('c')
    await one.end()
    await gone
    expect([broker.isConnected('c'), broker.isSubscribed('a/#', 'c'), broker.isSubscribed('b')]).toEqual([
      false,
      true,
      false,
    ])
  })

  it('is in vain after a while, and says for what', async () => {
    const broker = await started()
    await expect(broker.untilConnected('c', 1)).rejects.toThrow('"c" connects within 1 ms: it did not happen')
    await expect(broker.untilSubscribed('a/#', undefined, 1)).rejects.toThrow('somebody subscribes to a/# within 1 ms')
  })
})
