import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import type { Properties } from '../../../src/codec/property.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { binary, packet, section, utf8 } from '../../support/hex.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V5 } = ProtocolVersion

const BYTES = Buffer.from([0, 0xff, 0xc0, 0x80, 0])

/** What a publisher may say about a message, and what has to arrive: the same. */
const cases: readonly [what: string, properties: Properties][] = [
  ['[v5:MQTT-3.3.2-4] Payload Format Indicator 0', { payloadFormatIndicator: 0 }],
  ['[v5:MQTT-3.3.2-4] Payload Format Indicator 1', { payloadFormatIndicator: 1 }],
  ['[v5:MQTT-3.3.2-4] no property at all', {}],
  ['[v5:MQTT-3.3.2-19] [v5:MQTT-3.3.2-20] Content Type', { contentType: 'application/json; ☃ 𝄞' }],
  ['[v5:MQTT-3.3.2-20] an empty Content Type', { contentType: '' }],
  ['[v5:MQTT-3.3.2-13] [v5:MQTT-3.3.2-15] Response Topic', { responseTopic: 'réponse/1' }],
  ['[v5:MQTT-3.3.2-16] Correlation Data', { correlationData: BYTES }],
  ['[v5:MQTT-3.3.2-16] empty Correlation Data', { correlationData: Buffer.alloc(0) }],
  [
    '[v5:MQTT-3.3.2-17] [v5:MQTT-3.3.2-18] User Properties with order and repetitions',
    {
      userProperties: [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
        ['a', '3'],
        ['', ''],
        ['__proto__', 'x'],
      ],
    },
  ],
  [
    '[v5:MQTT-3.3.2-15] [v5:MQTT-3.3.2-16] [v5:MQTT-3.3.2-17] [v5:MQTT-3.3.2-18] [v5:MQTT-3.3.2-20] all of them',
    {
      payloadFormatIndicator: 1,
      contentType: 'text/plain',
      responseTopic: 'r',
      correlationData: BYTES,
      userProperties: [
        ['z', '1'],
        ['a', '2'],
      ],
    },
  ],
]

/** The ways of a message from its publisher to a subscriber, the subscription included. */
const ways: readonly [way: string, send: (broker: TestBroker, properties: Properties) => Promise<RawClient>][] = [
  [
    'at once',
    async ({ client }, properties) => {
      const subscriber = await client()
      await subscriber.subscribe('a')
      const publisher = await client()
      publisher.publish('a', 'x', { properties })
      return subscriber
    },
  ],
  [
    'through the queue of a session',
    async ({ client }, properties) => {
      const subscriber = await client(keeping(V5, 'subscriber'))
      await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
      await subscriber.end()
      const publisher = await client()
      await publisher.publishAndWait('a', 'x', { qos: 2, properties })
      return client(keeping(V5, 'subscriber'))
    },
  ],
  [
    'sent again on the next connection',
    async ({ client }, properties) => {
      const subscriber = await client(keeping(V5, 'subscriber'))
      await subscriber.subscribe({ topicFilter: 'a', qos: 1 })
      const publisher = await client()
      await publisher.publishAndWait('a', 'x', { qos: 1, properties })
      await subscriber.message()
      await subscriber.end()
      return client(keeping(V5, 'subscriber'))
    },
  ],
  [
    'retained',
    async ({ client }, properties) => {
      const publisher = await client()
      await publisher.publishAndWait('a', 'x', { qos: 1, retain: true, properties })
      await publisher.end()
      const subscriber = await client()
      await subscriber.subscribe('a')
      return subscriber
    },
  ],
]

describe.each(ways)('D-01 D-04 forwards unchanged, %s,', (_way, send) => {
  it.each(cases)('%s', async (_what, properties) => {
    const broker = await startBroker()
    const subscriber = await send(broker, properties)
    const message = await subscriber.message()
    expect(message.properties).toEqual(properties)
    expect(Object.keys(message.properties).sort()).toEqual(Object.keys(properties).sort())
    expect([message.topic, message.payload]).toEqual(['a', 'x'])
  })
})

describe('what is not forwarded', () => {
  it('D-02 [v5:MQTT-3.3.2-18] takes Topic Alias and Message Expiry Interval out from between the others, whose order stays', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe('a')
    const publisher = await client()
    const properties = section(
      '26',
      utf8('k'),
      utf8('1'),
      '23 00 05',
      '26',
      utf8('k'),
      utf8('2'),
      '02 00 00 00 64',
      '09',
      binary(BYTES),
      '26',
      utf8('j'),
      utf8('3'),
    )
    publisher.sendBytes(packet('30', utf8('a'), properties, '78'))
    expect((await subscriber.message()).properties).toEqual({
      messageExpiryIntervalSeconds: 100,
      correlationData: BYTES,
      userProperties: [
        ['k', '1'],
        ['k', '2'],
        ['j', '3'],
      ],
    })
  })

  it('D-02 [v5:U5-3.3.4-4] sends each subscriber its own Subscription Identifier and never that of another', async () => {
    const { client } = await startBroker()
    const subscribers = [await client(), await client(), await client()]
    for (const [i, subscriber] of subscribers.entries())
      await subscriber.subscribe('a', i === 2 ? {} : { subscriptionIdentifiers: [i + 1] })
    const publisher = await client()
    publisher.publish('a', 'x')
    expect((await subscribers[0]!.message()).properties).toEqual({ subscriptionIdentifiers: [1] })
    expect((await subscribers[1]!.message()).properties).toEqual({ subscriptionIdentifiers: [2] })
    expect((await subscribers[2]!.message()).properties).toEqual({})
  })

  it('D-02 sends nothing of the CONNECT of the publisher', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe('a')
    const publisher = await client({
      userName: 'ann',
      properties: { sessionExpiryIntervalSeconds: 5, receiveMaximum: 9, userProperties: [['from', 'connect']] },
    })
    publisher.publish('a', 'x', { properties: { userProperties: [['from', 'publish']] } })
    expect((await subscriber.message()).properties).toEqual({ userProperties: [['from', 'publish']] })
  })

  it('D-02 sends nothing of the properties of SUBSCRIBE', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe('a', { subscriptionIdentifiers: [3], userProperties: [['from', 'subscribe']] })
    const publisher = await client()
    publisher.publish('a', 'x')
    expect((await subscriber.message()).properties).toEqual({ subscriptionIdentifiers: [3] })
  })
})

const all = cases.at(-1)![1]

describe.each(EACH_VERSION)('between 5.0 and MQTT %s', (_name, version) => {
  it.each([0, 1, 2] as const)('D-03 changes nothing but the properties, which only 5.0 has, at QoS %d', async (qos) => {
    const { client } = await startBroker()
    const subscriber = await client({ version })
    await subscriber.subscribe([{ topicFilter: 'a', qos: 2 }])
    const publisher = await client()
    publisher.publish('a', BYTES, { qos, retain: true, properties: { ...all, messageExpiryIntervalSeconds: 9 } })
    const expected = version === V5 ? { ...all, messageExpiryIntervalSeconds: 9 } : {}
    const live = await subscriber.message()
    expect(live.publish.message.payload).toEqual(BYTES)
    expect(live).toMatchObject({ topic: 'a', qos, retain: false, dup: false })
    expect(live.properties).toEqual(expected)

    const later = await client({ version })
    await later.subscribe([{ topicFilter: 'a', qos: 2 }])
    const retained = await later.message()
    expect(retained.publish.message.payload).toEqual(BYTES)
    expect(retained).toMatchObject({ topic: 'a', qos, retain: true })
    expect(retained.properties).toEqual(expected)
  })

  it.each([0, 1, 2] as const)('D-03 invents no property for a 5.0 subscriber at QoS %d', async (qos) => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe([{ topicFilter: 'a', qos: 2 }])
    const publisher = await client({ version })
    publisher.publish('a', BYTES, { qos, retain: true })
    const live = await subscriber.message()
    expect([live.publish.message.payload, live.qos, live.properties]).toEqual([BYTES, qos, {}])
    const later = await client()
    await later.subscribe([{ topicFilter: 'a', qos: 2 }])
    const retained = await later.message()
    expect([retained.publish.message.payload, retained.qos, retained.properties]).toEqual([BYTES, qos, {}])
  })

  it('D-03 D-04 keeps the properties for a session that was made by one version and is taken up by another', async () => {
    const { client } = await startBroker()
    const first = await client(keeping(version, 'subscriber'))
    await first.subscribe({ topicFilter: 'a', qos: 1 })
    await first.end()
    const publisher = await client()
    await publisher.publishAndWait('a', 'x', { qos: 1, properties: all })
    const older = await client(keeping(version, 'subscriber'))
    expect((await older.message()).properties).toEqual(version === V5 ? all : {})
    await older.end()
    const newer = await client(keeping(V5, 'subscriber'))
    const { properties, dup } = await newer.message()
    expect([properties, dup]).toEqual([all, true])
    newer.acknowledge(PacketType.PUBACK, 1)
    await newer.quiet()
  })
})
