import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { describe, expect, it } from 'vitest'
import { startBroker } from '../support/test-broker.ts'

const versions = [
  { name: '3.1', options: { protocolId: 'MQIsdp', protocolVersion: 3 } },
  { name: '3.1.1', options: { protocolId: 'MQTT', protocolVersion: 4 } },
  { name: '5.0', options: { protocolId: 'MQTT', protocolVersion: 5 } },
] as const

function connect(url: string, options: IClientOptions): Promise<MqttClient> {
  return mqtt.connectAsync(url, { reconnectPeriod: 0, ...options })
}

function firstMessage(client: MqttClient): Promise<[topic: string, payload: Buffer, packet: IPublishPacket]> {
  return new Promise((resolve) => client.once('message', (...message) => resolve(message)))
}

describe.each(versions)('npm mqtt at $name', ({ options }) => {
  it.each([0, 1, 2] as const)('publishes and receives at QoS %i', async (qos) => {
    const { url } = await startBroker()
    const client = await connect(url, { ...options, clientId: 'js' })
    await client.subscribeAsync('a/#', { qos })
    const arrived = firstMessage(client)
    await client.publishAsync('a/b', Buffer.from([0, 255, 10, 65]), { qos })
    const [topic, payload, packet] = await arrived
    expect(topic).toBe('a/b')
    expect([...payload]).toEqual([0, 255, 10, 65])
    expect(packet.qos).toBe(qos)
    await client.endAsync()
  })

  it('gets retained messages and wills', async () => {
    const { url } = await startBroker()
    const will = { topic: 'state', payload: Buffer.from('offline'), qos: 1 as const, retain: true }
    const dying = await connect(url, { ...options, clientId: 'dying', will })
    await dying.publishAsync('state', 'online', { qos: 1, retain: true })
    const watcher = await connect(url, { ...options, clientId: 'watcher' })
    const seen: string[] = []
    const both = new Promise<void>((resolve) => {
      watcher.on('message', (_topic, payload, packet) => {
        seen.push(`${payload.toString()} ${packet.retain}`)
        if (seen.length === 2) resolve()
        else dying.stream.destroy()
      })
    })
    await watcher.subscribeAsync('state', { qos: 1 })
    await both
    expect(seen).toEqual(['online true', 'offline false'])
    await watcher.endAsync()
    await dying.endAsync(true)
  })

  it('finds its offline messages in order', async () => {
    const { url } = await startBroker()
    const expiry = options.protocolVersion === 5 ? { properties: { sessionExpiryInterval: 3600 } } : {}
    const session = { ...options, ...expiry, clientId: 'sleeper', clean: false }
    const first = await connect(url, session)
    await first.subscribeAsync('mail', { qos: 2 })
    await first.endAsync()
    const publisher = await connect(url, { ...options, clientId: 'publisher' })
    for (let i = 0; i < 20; i++) await publisher.publishAsync('mail', String(i), { qos: 1 })
    await publisher.endAsync()
    const again = mqtt.connect(url, { ...session, reconnectPeriod: 0 })
    const seen: string[] = []
    await new Promise<void>((resolve) => {
      again.on('message', (_topic, payload) => {
        if (seen.push(payload.toString()) === 20) resolve()
      })
    })
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => String(i)))
    await again.endAsync()
  })
})

describe('npm mqtt at 5.0', () => {
  it('sees properties, subscription identifiers and reason codes', async () => {
    const { url } = await startBroker()
    const client = await connect(url, { protocolVersion: 5, clientId: 'js5' })
    await client.subscribeAsync('p', { qos: 1, properties: { subscriptionIdentifier: 7 } })
    const arrived = firstMessage(client)
    const properties = {
      userProperties: { a: ['1', '2'] },
      contentType: 'text/plain',
      correlationData: Buffer.from([1, 0]),
    }
    await client.publishAsync('p', 'x', { qos: 1, properties })
    const [, , packet] = await arrived
    expect(packet.properties).toMatchObject({ ...properties, subscriptionIdentifier: 7 })
    await client.endAsync()
  })
})
