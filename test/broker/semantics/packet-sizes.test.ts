import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Disconnect } from '../../../src/codec/packets/disconnect.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { DropReason } from '../../../src/session/qos-sender.ts'
import { packet, utf8 } from '../../support/hex.ts'
import { publish } from '../../support/packets.ts'
import { connectPacket } from '../../support/raw-client.ts'
import { take } from '../../support/taking.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION } from '../../support/versions.ts'

const { V5 } = ProtocolVersion

/** PUBLISH at QoS 0 to `a` without properties: fixed header 2, topic 3, Property Length 1. */
const PUBLISH_OVERHEAD = 6
const LIMIT = 64

/** A payload with which PUBLISH has exactly so many bytes, those of properties and packet id left out. */
const filling = (packetBytes: number, othersBytes = 0): string =>
  'x'.repeat(packetBytes - PUBLISH_OVERHEAD - othersBytes)

/** A client that takes packets of {@link LIMIT} bytes at most. */
function limited({ client }: TestBroker, properties = {}) {
  return client({ properties: { maximumPacketBytes: LIMIT, ...properties } })
}

describe('the Maximum Packet Size of a client (5.0)', () => {
  it.each([
    [0, 0],
    [1, 2],
    [2, 2],
  ] as const)(
    'F-08 [v5:MQTT-3.1.2-24] [v5:MQTT-3.1.2-25] passes over a QoS %d PUBLISH that is larger, as if delivered; the one of the very size and those around it come',
    async (qos, packetIdBytes) => {
      const broker = await startBroker()
      const subscriber = await limited(broker, { receiveMaximum: 1 })
      await subscriber.subscribe({ topicFilter: 'a', qos })
      const publisher = await broker.client()
      const fitting = filling(LIMIT, packetIdBytes)
      for (const payload of ['before', fitting, `${fitting}x`, `${fitting}xxx`, 'behind']) {
        const answer = await publisher.publishAndWait('a', payload, { qos })
        expect(answer?.reasonCode ?? 0).toBe(0)
      }
      await publisher.quiet()
      // the window has one place, and what was passed over does not keep it
      expect((await take(subscriber, 3)).map(({ payload }) => payload)).toEqual(['before', fitting, 'behind'])
      await subscriber.quiet()
      expect(broker.broker.metrics.messagesDropped[DropReason.PACKET_TOO_LARGE]).toBe(2)
    },
  )

  it('F-08 [v5:U5-3.1.2.11.4-1] knows no limit for a client that states none', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe('a')
    const publisher = await client()
    publisher.publish('a', 'x'.repeat(1_000_000))
    expect((await subscriber.message()).payload).toHaveLength(1_000_000)
  })

  it('F-08 is told to the log once a minute, with the client it happened to', async () => {
    const events: string[] = []
    const broker = await startBroker({
      log: ({ event, clientId, detail }) => {
        if (event === 'dropped') events.push(`${clientId}: ${detail}`)
      },
    })
    const subscriber = await broker.client({ clientId: 'small', properties: { maximumPacketBytes: LIMIT } })
    await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
    const publisher = await broker.client()
    const publishLarge = () => publisher.publishAndWait('a', filling(LIMIT + 1), { qos: 1 })
    for (let i = 0; i < 3; i++) await publishLarge()
    broker.clock.advance(59_999)
    await publishLarge()
    const line = 'small: a message is not sent: it is larger than the Maximum Packet Size of this client'
    expect(events).toEqual([line])
    broker.clock.advance(1)
    await publishLarge()
    expect(events).toEqual([line, line])
  })

  it('F-08 does not send again what is too large for the next connection of the session', async () => {
    const { client } = await startBroker()
    const fields = { clientId: 'c', cleanStart: false }
    const first = await client({ ...fields, properties: { sessionExpiryIntervalSeconds: 60 } })
    await first.subscribe({ topicFilter: 'a', qos: 2 })
    const publisher = await client()
    for (const payload of ['x'.repeat(LIMIT), 'small']) await publisher.publishAndWait('a', payload, { qos: 2 })
    await first.message()
    await first.end()
    const properties = { sessionExpiryIntervalSeconds: 60, maximumPacketBytes: LIMIT }
    const second = await client({ ...fields, properties })
    expect(await take(second, 1)).toMatchObject([{ payload: 'small', dup: true }])
    await second.quiet()
  })

  it('F-08 goes to another member of a Shared Subscription that takes it, and counts as delivered when none does', async () => {
    const broker = await startBroker()
    const small = await limited(broker)
    await small.subscribe({ topicFilter: '$share/g/a', qos: 1 })
    const publisher = await broker.client()
    const large = filling(LIMIT + 1)
    expect(await publisher.publishAndWait('a', large, { qos: 1 })).toMatchObject({ reasonCode: 0 })
    await small.quiet()
    expect(broker.broker.metrics.messagesDropped[DropReason.PACKET_TOO_LARGE]).toBe(1)

    const big = await broker.client()
    await big.subscribe({ topicFilter: '$share/g/a', qos: 1 })
    for (let i = 0; i < 4; i++) await publisher.publishAndWait('a', large, { qos: 1 })
    await take(big, 4)
    await small.quiet()
    expect(broker.broker.metrics.messagesDropped[DropReason.PACKET_TOO_LARGE]).toBe(1)
  })

  const identifier = { subscriptionIdentifiers: [200] }
  it.each([
    // the property of a Subscription Identifier of 200 has 3 bytes
    ['its Subscription Identifier', identifier, {}, {}, 3],
    ['the remaining Message Expiry Interval', {}, {}, { messageExpiryIntervalSeconds: 9 }, 5],
    ['the first use of a Topic Alias', {}, { topicAliasMaximum: 1 }, {}, 3],
  ])('F-09 is held against the packet with %s', async (_what, subscription, connect, properties, propertyBytes) => {
    const broker = await startBroker()
    const fitting = filling(LIMIT, propertyBytes)
    const publisher = await broker.client()
    for (const [payload, comes] of [
      [fitting, true],
      [`${fitting}x`, false],
    ] as const) {
      const subscriber = await limited(broker, connect)
      await subscriber.subscribe('a', subscription)
      publisher.publish('a', payload, { properties })
      await publisher.quiet()
      if (comes) expect((await subscriber.message()).payload).toBe(payload)
      await subscriber.quiet()
    }
  })

  it('F-09 is held against the packet without its topic once an alias stands for it', async () => {
    const broker = await startBroker()
    const subscriber = await limited(broker, { topicAliasMaximum: 1 })
    const topicName = 'a/rather/long/topic/name'
    await subscriber.subscribe(topicName)
    const publisher = await broker.client()
    const onlyWithAlias = filling(LIMIT, 3 - 1)
    for (const payload of [onlyWithAlias, 'short', onlyWithAlias]) publisher.publish(topicName, payload)
    await publisher.quiet()
    expect(await subscriber.message()).toMatchObject({ topic: topicName, payload: 'short' })
    expect(await subscriber.message()).toMatchObject({ topic: '', payload: onlyWithAlias })
    await subscriber.quiet()
  })

  const CONNACK_BYTES = 5 + 3 + 5 + 3

  it('F-10 [v5:MQTT-3.4.2-2] [v5:MQTT-3.4.2-3] [v5:MQTT-3.5.2-2] [v5:MQTT-3.5.2-3] [v5:MQTT-3.6.2-2] [v5:MQTT-3.6.2-3] [v5:MQTT-3.7.2-2] [v5:MQTT-3.7.2-3] is kept by every answer, with an error or without', async () => {
    const access = testAccess({ mayPublish: (_identity, _clientId, topicName) => topicName !== 'secret' })
    const { client } = await startBroker({ access })
    const small = await client({ properties: { maximumPacketBytes: CONNACK_BYTES } })
    const before = small.received.length
    expect(before).toBeLessThanOrEqual(CONNACK_BYTES)
    for (const qos of [1, 2] as const)
      expect(await small.publishAndWait('secret', 'x', { qos })).toMatchObject({ reasonCode: 0x87, properties: {} })
    small.acknowledge(PacketType.PUBREL, 99)
    expect(await small.expect(PacketType.PUBCOMP)).toMatchObject({ reasonCode: 0x92, properties: {} })
    small.acknowledge(PacketType.PUBREC, 99)
    expect(await small.expect(PacketType.PUBREL)).toMatchObject({ reasonCode: 0x92, properties: {} })
  })

  it('F-10 [v5:MQTT-3.14.2-3] [v5:MQTT-3.14.2-4] leaves the Reason String of DISCONNECT out where it would be too large, and else sends it', async () => {
    const { client } = await startBroker()
    const topicAlias = publish('a', 'x', { topicAlias: 65_535 })
    const large = await client()
    large.send(topicAlias)
    const { properties } = await large.expect(PacketType.DISCONNECT)
    expect(properties.reasonString).toContain('Topic Alias')
    const exactBytes = encodePacket(new Disconnect(0x94, { reasonString: properties.reasonString! }), V5).length
    for (const [maximumPacketBytes, reasonString] of [
      [exactBytes, properties.reasonString],
      [exactBytes - 1, undefined],
    ] as const) {
      const small = await client({ properties: { maximumPacketBytes } })
      small.send(topicAlias)
      const packet = await small.expect(PacketType.DISCONNECT)
      expect([packet.reasonCode, packet.properties.reasonString]).toEqual([0x94, reasonString])
    }
  })

  it('F-10 [v5:MQTT-3.2.2-19] [v5:MQTT-3.2.2-20] leaves the Reason String of a CONNACK that refuses out where it would be too large', async () => {
    const { open } = await startBroker()
    const brokenWill = (maximumPacketBytes: number) => {
      const size = Buffer.alloc(4)
      size.writeUInt32BE(maximumPacketBytes)
      // CONNECT with Will Flag and the Will Topic `#`
      return packet('10', utf8('MQTT'), '05 06 0000', '05 27', size, utf8('c'), '00', utf8('#'), utf8(''))
    }
    const large = await open(V5)
    large.sendBytes(brokenWill(1000))
    expect((await large.expect(PacketType.CONNACK)).properties.reasonString).toContain('Will Topic')
    const small = await open(V5)
    small.sendBytes(brokenWill(30))
    expect(await small.expect(PacketType.CONNACK)).toMatchObject({ code: 0x90, properties: {} })
    await small.closed()
  })

  it('F-10 [v5:MQTT-3.1.2-24] ends a connection that cannot take its SUBACK, which cannot be made shorter', async () => {
    const { client } = await startBroker()
    const small = await client({ properties: { maximumPacketBytes: 20 } })
    const filters = Array.from({ length: 30 }, (_, i) => `a/${i}`)
    await expect(small.subscribe(filters)).rejects.toThrow('expected packet type 9')
    await small.closed()
    expect(small.waiting).toEqual([])
    expect(small.received.at(-1)).toBe(0x95)
  })

  it.each([
    [CONNACK_BYTES - 1, 0x95],
    [4, null],
  ])(
    'F-10 [v5:MQTT-3.1.2-24] refuses a client whose maximum of %d bytes is below CONNACK, in a packet it can take or none, and changes nothing',
    async (maximumPacketBytes, code) => {
      const { client, open, broker } = await startBroker()
      const living = await client({ clientId: 'c' })
      const small = await open(V5)
      small.send(connectPacket({ clientId: 'c', properties: { maximumPacketBytes } }))
      if (code !== null) expect(await small.expect(PacketType.CONNACK)).toMatchObject({ code, properties: {} })
      await small.closed()
      expect(small.waiting).toEqual([])
      await living.quiet()
      expect(broker.metrics.connectionsRefused).toBe(1)
    },
  )
})

describe.each(EACH_VERSION)('the maximum packet size of the broker for MQTT %s', (_name, version) => {
  it('F-11 [v5:U5-3.2.2.3.6-1] counts the whole packet: equal is allowed, one byte more closes', async () => {
    const maximumPacketBytes = 200
    const { client } = await startBroker({ limits: { maximumPacketBytes } })
    const subscriber = await client()
    await subscriber.subscribe('a')
    const publisher = await client({ version })
    if (version === V5) expect(publisher.connack.properties.maximumPacketBytes).toBe(maximumPacketBytes)
    // from 128 bytes on the fixed header has 3
    const payload = 'x'.repeat(maximumPacketBytes - PUBLISH_OVERHEAD - 1 + (version === V5 ? 0 : 1))
    expect(encodePacket(publish('a', payload), version)).toHaveLength(maximumPacketBytes)
    publisher.publish('a', payload)
    await publisher.quiet()
    expect((await subscriber.message()).payload).toBe(payload)
    publisher.publish('a', `${payload}x`)
    await publisher.closesWith(0x95)
    await subscriber.quiet()
  })
})
