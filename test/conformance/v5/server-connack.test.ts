import { describe, expect, it } from 'vitest'
import type { BrokerOptions } from '../../../src/broker/configuration.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import type { Properties } from '../../../src/codec/property.ts'
import { connectPacket } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'

const { CONNACK, DISCONNECT } = PacketType

describe('CONNACK', () => {
  it.each<[string, BrokerOptions, Properties, Properties]>([
    [
      '[U5-3.2.2.3.4-1] Maximum QoS: 0, 1, or left out for 2',
      { limits: { maximumQos: 0 } },
      { maximumQos: 0 },
      { maximumQos: 1 },
    ],
    [
      '[U5-3.2.2.3.5-1] Retain Available: 0, or left out where messages are retained',
      { retainAvailable: false },
      { retainAvailable: 0 },
      { retainAvailable: 1 },
    ],
    [
      '[U5-3.1.2.11.3-1] Receive Maximum: never 0, left out for 65,535',
      { limits: { receiveMaximum: 1 } },
      { receiveMaximum: 1 },
      { receiveMaximum: 65_535 },
    ],
    [
      '[U5-3.1.2.11.5-1] Topic Alias Maximum: left out for 0',
      { limits: { maximumTopicAliases: 7 } },
      { topicAliasMaximum: 7 },
      { topicAliasMaximum: 0 },
    ],
    [
      '[U5-3.1.2.11.4-1] Maximum Packet Size: never 0, left out where there is none',
      { limits: { maximumPacketBytes: 128 } },
      { maximumPacketBytes: 128 },
      { maximumPacketBytes: 268_435_460 },
    ],
  ])('%s', async (_, options, told, nothing) => {
    const { client } = await startBroker(options)
    expect((await client()).connack.properties).toMatchObject(told)

    const unlimited = { receiveMaximum: 65_535, maximumTopicAliases: 0, maximumPacketBytes: 268_435_460 }
    const { client: freely } = await startBroker({ limits: unlimited })
    for (const key of Object.keys(nothing)) expect((await freely()).connack.properties).not.toHaveProperty(key)
  })

  it('[U5-3.2.2.3.7-1] names an Assigned Client Identifier to those that brought none, and only to them', async () => {
    const { client } = await startBroker()

    expect((await client({ clientId: 'mine' })).connack.properties).not.toHaveProperty('assignedClientIdentifier')
    expect((await client({ clientId: '' })).connack.properties.assignedClientIdentifier).toMatch(/./)
  })

  it('[U5-3.2.2.3.14-1] names a Server Keep Alive once, where it is not that of CONNECT', async () => {
    const { client } = await startBroker({ limits: { maximumKeepAliveSeconds: 60 } })

    expect((await client({ keepAliveSeconds: 61 })).connack.properties.serverKeepAliveSeconds).toBe(60)
    expect((await client({ keepAliveSeconds: 60 })).connack.properties).not.toHaveProperty('serverKeepAliveSeconds')
  })

  it.each<[Properties, boolean]>([
    [{}, false],
    [{ requestResponseInformation: 0 }, false],
    [{ requestResponseInformation: 1 }, true],
  ])('[MQTT-3.1.2-28, U5-3.2.2.3.15-1] has Response Information for %j: %s', async (properties, isTold) => {
    const { client } = await startBroker()

    expect('responseInformation' in (await client({ properties })).connack.properties).toBe(isTold)
  })

  it('[MQTT-4.12.0-6] names no authentication method to a client that named none', async () => {
    const { client } = await startBroker({ users: new Map([['ann', 'secret']]) })
    const { connack } = await client({ userName: 'ann', password: Buffer.from('secret') })

    expect(connack).toMatchObject({ code: 0 })
    expect(connack.properties).not.toHaveProperty('authenticationMethod')
  })

  it.each([
    ['[U5-3.2.2.3.11-1] wildcards', 'wildcardSubscriptionAvailable', 'a/#'],
    ['[U5-3.2.2.3.13-1] Shared Subscriptions', 'sharedSubscriptionAvailable', '$share/g/a'],
    ['[U5-3.2.2.3.12-1] Subscription Identifiers', 'subscriptionIdentifierAvailable', 'a'],
  ] as const)('%s are told to be missing by 0 only, and are there', async (_, key, topicFilter) => {
    const { client } = await startBroker()
    const subscriber = await client()
    expect(subscriber.connack.properties[key] ?? 1).toBe(1)

    expect((await subscriber.subscribe(topicFilter, { subscriptionIdentifiers: [5] })).codes).toEqual([0])
  })

  it('[U5-3.2.2.3.16-1] and DISCONNECT of a server that has not moved hold no Server Reference', async () => {
    const { client, broker } = await startBroker({ limits: { maximumClientIdBytes: 23 } })
    const refused = await client({ clientId: 'x'.repeat(24) })
    const connected = await client()
    const stopped = broker.stop()
    const goodbye = await connected.expect(DISCONNECT)
    for (const { socket } of [refused, connected]) socket.destroy()
    await stopped

    for (const { properties } of [refused.connack, connected.connack, goodbye]) {
      expect(properties).not.toHaveProperty('serverReference')
    }
  })

  it('[MQTT-4.13.2-1, MQTT-3.2.2-7] with a code of 0x80 or more ends the connection', async () => {
    const { open } = await startBroker({ users: new Map([['ann', 'secret']]) })
    const refused = await open()
    refused.send(connectPacket({ userName: 'eve', password: Buffer.from('x') }))
    expect((await refused.expect(CONNACK)).code).toBeGreaterThanOrEqual(0x80)
    await refused.closed()
  })
})

describe('what CONNACK has told', () => {
  it('[U5-3.2.2.3.4-2] a PUBLISH above the Maximum QoS closes with 0x9B', async () => {
    const { client } = await startBroker({ limits: { maximumQos: 0 } })
    const publisher = await client()
    publisher.publish('t', 'x', { qos: 1 })

    expect(await publisher.next()).toMatchObject({ packetType: DISCONNECT, reasonCode: 0x9b })
    await publisher.closed()
  })

  it('[U5-3.2.2.3.6-1] a packet above the Maximum Packet Size closes with 0x95, one of that size does not', async () => {
    const { client } = await startBroker({ limits: { maximumPacketBytes: 128 } })
    const publisher = await client()
    const packetOf = (bytes: number): Buffer =>
      Buffer.from(`30${(bytes - 2).toString(16)}00017400${'78'.repeat(bytes - 6)}`, 'hex')
    publisher.sendBytes(packetOf(128))
    await publisher.quiet()
    publisher.sendBytes(packetOf(129))

    expect(await publisher.next()).toMatchObject({ packetType: DISCONNECT, reasonCode: 0x95 })
    await publisher.closed()
  })

  it('[U5-3.3.4-5] one PUBLISH more than the Receive Maximum closes with 0x93', async () => {
    const { client } = await startBroker({ limits: { receiveMaximum: 2 } })
    const publisher = await client()
    for (const packetId of [1, 2]) {
      publisher.publish('t', 'x', { qos: 2, packetId })
      await publisher.expect(PacketType.PUBREC)
    }
    publisher.publish('t', 'x', { qos: 2, packetId: 3 })

    expect(await publisher.next()).toMatchObject({ packetType: DISCONNECT, reasonCode: 0x93 })
    await publisher.closed()
  })
})
