import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { hex } from '../../support/hex.ts'
import { publish } from '../../support/packets.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
const { V5 } = ProtocolVersion

const HANDSHAKES = [
  ['PUBACK', 1, PUBACK],
  ['PUBREC', 2, PUBREC],
] as const

describe.each(EACH_VERSION)('messages the broker refuses in MQTT %s', (_name, version) => {
  /** A broker where nobody may publish below `secret`, and a subscriber to everything. */
  async function withSecret() {
    const access = testAccess({ mayPublish: (_identity, _clientId, topicName) => !topicName.startsWith('secret') })
    const broker = await startBroker({ access })
    const subscriber = await broker.client({ version })
    await subscriber.subscribe('#')
    const publisher = await broker.client(keeping(version, 'publisher'))
    return { broker, subscriber, publisher }
  }

  it.each(HANDSHAKES)(
    'P-12 [v311:MQTT-3.3.5-2] answers what is not authorised with %s (5.0: 0x87), delivers and retains nothing, and goes on',
    async (_packet, qos, type) => {
      const { broker, subscriber, publisher } = await withSecret()
      const packetId = publisher.publish('secret/a', 'no', { qos, retain: true })
      expect(await publisher.expect(type)).toMatchObject({ packetId, reasonCode: version === V5 ? 0x87 : 0 })
      await publisher.publishAndWait('open', 'yes', { qos })
      expect(await subscriber.message()).toMatchObject({ payload: 'yes' })
      const later = await broker.client({ version })
      await later.subscribe('secret/#')
      await later.quiet()
      expect(broker.broker.metrics.messagesRefused).toBe(1)
    },
  )

  it('P-12 drops QoS 0 that is not authorised, counts it, and goes on', async () => {
    const { broker, subscriber, publisher } = await withSecret()
    publisher.publish('secret/a', 'no', { retain: true })
    publisher.publish('open', 'yes')
    await publisher.quiet()
    expect(await subscriber.message()).toMatchObject({ payload: 'yes' })
    await subscriber.subscribe('secret/#')
    await subscriber.quiet()
    expect(broker.broker.metrics.messagesRefused).toBe(1)
  })

  it('P-12 leaves a retained message as it is when an unauthorised one would replace or remove it', async () => {
    let isAllowed = true
    const broker = await startBroker({ access: testAccess({ mayPublish: () => isAllowed }) })
    const publisher = await broker.client({ version })
    await publisher.publishAndWait('a', 'first', { qos: 1, retain: true })
    isAllowed = false
    await publisher.publishAndWait('a', 'second', { qos: 1, retain: true })
    await publisher.publishAndWait('a', '', { qos: 1, retain: true })
    const subscriber = await broker.client({ version })
    await subscriber.subscribe('a')
    expect(await subscriber.message()).toMatchObject({ payload: 'first', retain: true })
  })
})

describe.each(EACH_VERSION.slice(0, 2))('a refusal that MQTT %s has no code for', (_name, version) => {
  it('P-04 [v311:MQTT-4.3.3-2] leaves the QoS 2 exchange open until PUBREL, for PUBREC has told nothing of it', async () => {
    let isAllowed = false
    const { client } = await startBroker({ access: testAccess({ mayPublish: () => isAllowed }) })
    const subscriber = await client({ version })
    await subscriber.subscribe('a')
    const publisher = await client({ version })
    publisher.publish('a', 'once', { qos: 2, packetId: 7 })
    await publisher.expect(PUBREC)
    isAllowed = true
    publisher.publish('a', 'once', { qos: 2, packetId: 7, dup: true })
    await publisher.expect(PUBREC)
    await subscriber.quiet()
    publisher.acknowledge(PUBREL, 7)
    await publisher.expect(PUBCOMP)
    publisher.publish('a', 'new', { qos: 2, packetId: 7 })
    await publisher.expect(PUBREC)
    expect(await subscriber.message()).toMatchObject({ payload: 'new' })
  })
})

describe('what the broker answers in MQTT 5.0', () => {
  it('P-07 [v5:MQTT-4.3.3-9] has ended the exchange with a PUBREC of 0x80 or more: the id is free, and PUBREL finds nothing', async () => {
    let isAllowed = false
    const { client } = await startBroker({ access: testAccess({ mayPublish: () => isAllowed }) })
    const subscriber = await client()
    await subscriber.subscribe('a')
    const publisher = await client()
    publisher.publish('a', 'refused', { qos: 2, packetId: 7 })
    expect(await publisher.expect(PUBREC)).toMatchObject({ packetId: 7, reasonCode: 0x87 })
    publisher.acknowledge(PUBREL, 7)
    expect(await publisher.expect(PUBCOMP)).toMatchObject({ packetId: 7, reasonCode: 0x92 })
    publisher.publish('a', 'refused', { qos: 2, packetId: 7 })
    expect(await publisher.expect(PUBREC)).toMatchObject({ packetId: 7, reasonCode: 0x87 })
    isAllowed = true
    publisher.publish('a', 'new', { qos: 2, packetId: 7 })
    expect(await publisher.expect(PUBREC)).toMatchObject({ packetId: 7, reasonCode: 0 })
    publisher.publish('a', 'newer', { qos: 1, packetId: 7 })
    expect(await publisher.expect(PUBACK)).toMatchObject({ packetId: 7, reasonCode: 0x91 })
    expect(await subscriber.message()).toMatchObject({ payload: 'new' })
    await subscriber.quiet()
  })

  it('P-07 takes an id for QoS 1 that a refused QoS 2 message had', async () => {
    const { client } = await startBroker({
      access: testAccess({ mayPublish: (_identity, _clientId, topicName) => topicName === 'open' }),
    })
    const publisher = await client()
    publisher.publish('closed', 'x', { qos: 2, packetId: 7 })
    expect(await publisher.expect(PUBREC)).toMatchObject({ reasonCode: 0x87 })
    publisher.publish('open', 'x', { qos: 1, packetId: 7 })
    expect(await publisher.expect(PUBACK)).toMatchObject({ packetId: 7, reasonCode: 0x10 })
  })

  it.each(HANDSHAKES)(
    'P-13 tells in %s that nobody has subscribed, retained message or not',
    async (_packet, qos, type) => {
      const { client, broker } = await startBroker()
      const publisher = await client()
      const other = await client()
      await other.subscribe('other/#')
      for (const retain of [false, true, false]) {
        const packetId = publisher.publish('a', 'x', { qos, retain })
        expect(await publisher.expect(type)).toMatchObject({ packetId, reasonCode: 0x10 })
        if (qos === 2) {
          publisher.acknowledge(PUBREL, packetId)
          expect(await publisher.expect(PUBCOMP)).toMatchObject({ packetId, reasonCode: 0 })
        }
      }
      expect(broker.metrics.messagesWithoutSubscriber).toBe(3)
      await other.subscribe('+')
      const packetId = publisher.publish('a', 'x', { qos })
      expect(await publisher.expect(type)).toMatchObject({ packetId, reasonCode: 0 })
    },
  )

  it('P-13 does not count the publisher itself as subscriber where No Local keeps the message from it', async () => {
    const { client } = await startBroker()
    const publisher = await client()
    await publisher.subscribe({ topicFilter: 'a', noLocal: true })
    expect(await publisher.publishAndWait('a', 'x', { qos: 1 })).toMatchObject({ reasonCode: 0x10 })
  })

  it('P-14 [v5:MQTT-3.3.4-6] closes on a Subscription Identifier from a client', async () => {
    const { client } = await startBroker()
    const publisher = await client()
    publisher.send(publish('a', 'x', { subscriptionIdentifiers: [1] }))
    await publisher.closesWith(0x82)
  })

  it.each([
    ['with +', hex('61 2f 2b'), 0x82],
    ['with #', hex('23'), 0x82],
    // malformed like any string that is no UTF-8: MQTT-1.5.4-1
    ['that is no UTF-8', hex('61 c0 80'), 0x81],
  ])(
    'P-14 [v5:MQTT-3.3.2-13] [v5:MQTT-3.3.2-14] closes on a Response Topic %s and routes nothing',
    async (_case, topic, reasonCode) => {
      const { client } = await startBroker()
      const subscriber = await client()
      await subscriber.subscribe('#')
      const publisher = await client()
      const property = Buffer.concat([hex('08 00'), Buffer.from([topic.length]), topic])
      const body = Buffer.concat([hex('00 01 61'), Buffer.from([property.length]), property, hex('78')])
      publisher.sendBytes(Buffer.concat([Buffer.from([0x30, body.length]), body]))
      await publisher.closesWith(reasonCode)
      await subscriber.quiet()
    },
  )

  it.each([
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const)(
    'P-15 [v5:U5-3.2.2.3.4-2] [v5:MQTT-3.2.2-9] says Maximum QoS %d in CONNACK and closes on a PUBLISH of QoS %d',
    async (maximumQos, qos) => {
      const { client } = await startBroker({ limits: { maximumQos } })
      const subscriber = await client()
      await subscriber.subscribe('#')
      const publisher = await client()
      expect(publisher.connack.properties.maximumQos).toBe(maximumQos)
      publisher.publish('a', 'x', { qos })
      await publisher.closesWith(0x9b)
      await subscriber.quiet()
    },
  )

  it('P-15 [v5:MQTT-3.2.2-10] takes subscriptions of every QoS although Maximum QoS is 0', async () => {
    const { client } = await startBroker({ limits: { maximumQos: 0 } })
    const subscriber = await client()
    const filters = ([0, 1, 2] as const).map((qos) => ({ topicFilter: `a/${qos}`, qos }))
    for (const code of (await subscriber.subscribe(filters)).codes) expect(code).toBeLessThanOrEqual(2)
    const publisher = await client()
    publisher.publish('a/2', 'x')
    expect(await subscriber.message()).toMatchObject({ qos: 0, payload: 'x' })
  })

  it('P-15 [v5:U5-3.2.2.3.5-2] says Retain Available 0 in CONNACK and closes on RETAIN', async () => {
    const { client } = await startBroker({ retainAvailable: false })
    const subscriber = await client()
    await subscriber.subscribe('#')
    const publisher = await client()
    expect(publisher.connack.properties.retainAvailable).toBe(0)
    publisher.publish('a', 'x', { retain: true })
    await publisher.closesWith(0x9a)
    await subscriber.quiet()
  })

  const falseText = { properties: { payloadFormatIndicator: 1 } }
  const noText = hex('ff fe')

  it.each([0, 1, 2] as const)('P-16 passes on at QoS %d a payload that is marked as text and is none', async (qos) => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe('a')
    const publisher = await client()
    await publisher.publishAndWait('a', noText, { qos, ...falseText })
    const { publish: received, properties } = await subscriber.message()
    expect([received.message.payload, properties]).toEqual([noText, { payloadFormatIndicator: 1 }])
  })

  it.each(HANDSHAKES)(
    'P-16 [v5:U5-3.3.2.3.2-1] refuses it in %s with 0x99 when told to check',
    async (_packet, qos, type) => {
      const { client, broker } = await startBroker({ checkPayloadFormat: true })
      const subscriber = await client()
      await subscriber.subscribe('#')
      const publisher = await client()
      publisher.publish('a', noText, { ...falseText, retain: true })
      const packetId = publisher.publish('a', noText, { qos, ...falseText, retain: true })
      expect(await publisher.expect(type)).toMatchObject({ packetId, reasonCode: 0x99 })
      expect([broker.metrics.messagesRefused, broker.gauges.retainedMessages]).toEqual([2, 0])
      await publisher.publishAndWait('a', 'text', { qos, ...falseText })
      await publisher.publishAndWait('a', noText, { qos, properties: { payloadFormatIndicator: 0 } })
      await publisher.publishAndWait('a', noText, { qos })
      expect(await subscriber.message()).toMatchObject({ payload: 'text' })
      const [first, second, ...more] = await subscriber.untilPong()
      expect([first, second]).toMatchObject([{ message: { payloadBytes: 2 } }, { message: { payloadBytes: 2 } }])
      expect(more).toEqual([])
    },
  )

  it.each(HANDSHAKES)(
    'P-20 says in %s with 0x97 that nobody has room for the message, and goes on',
    async (_packet, qos, type) => {
      const { client, broker } = await startBroker({ limits: { maximumQueuedMessages: 1 } })
      const away = await client(keeping(V5, 'away'))
      await away.subscribe({ topicFilter: 'a', qos: 2 })
      await away.end()
      const publisher = await client()
      await publisher.publishAndWait('a', 'kept', { qos })
      const packetId = publisher.publish('a', 'lost', { qos })
      expect(await publisher.expect(type)).toMatchObject({ packetId, reasonCode: 0x97 })
      await publisher.quiet()
      const present = await client()
      await present.subscribe({ topicFilter: 'a', qos: 2 })
      const next = publisher.publish('a', 'for one', { qos })
      expect(await publisher.expect(type)).toMatchObject({ packetId: next, reasonCode: 0 })
      expect(await present.message()).toMatchObject({ payload: 'for one' })
      expect(broker.metrics.messagesDropped[0]).toBe(2)
      const back = await client(keeping(V5, 'away'))
      expect(await back.message()).toMatchObject({ payload: 'kept' })
      await back.quiet()
    },
  )

  it.each(HANDSHAKES)(
    'P-20 says in %s with 0x97 that there is no room to retain the message, which is delivered',
    async (_packet, qos, type) => {
      const { client } = await startBroker({ limits: { maximumRetainedMessages: 0 } })
      const subscriber = await client()
      await subscriber.subscribe('a')
      const publisher = await client()
      const packetId = publisher.publish('a', 'x', { qos, retain: true })
      expect(await publisher.expect(type)).toMatchObject({ packetId, reasonCode: 0x97 })
      expect(await subscriber.message()).toMatchObject({ payload: 'x' })
      await publisher.quiet()
    },
  )
})
