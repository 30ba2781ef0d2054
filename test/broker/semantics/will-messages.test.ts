import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import type { Properties, UserProperty } from '../../../src/codec/property.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { connectPacket } from '../../support/raw-client.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

const { V5 } = ProtocolVersion

describe.each(EACH_VERSION)('the message of a will in MQTT %s', (_name, version) => {
  it.each([
    [0, 'passes', false],
    [1, 'is kept', true],
  ])(
    'W-05 [v5:MQTT-3.1.2-14] [v5:MQTT-3.1.2-15] [v311:MQTT-3.1.2-16] [v311:MQTT-3.1.2-17] with Will Retain %d %s',
    async (_flag, _what, retain) => {
      const { client } = await startBroker()
      const observer = await client()
      await observer.subscribe({ topicFilter: 'gone', retainAsPublished: true })
      const dying = await client({ version, will: willOf('gone', 'x', { retain }) })
      await dying.end()
      expect(await observer.message()).toMatchObject({ payload: 'x', retain })
      const later = await client()
      await later.subscribe('gone')
      if (retain) expect(await later.message()).toMatchObject({ payload: 'x', retain: true })
      await later.quiet()
    },
  )

  it('W-05 removes the retained message with Will Retain 1 and an empty payload', async () => {
    const { client, broker } = await startBroker()
    const publisher = await client()
    await publisher.publishAndWait('gone', 'old', { qos: 1, retain: true })
    const observer = await client()
    await observer.subscribe('gone')
    await observer.message()
    const dying = await client({ version, will: willOf('gone', '', { retain: true }) })
    await dying.end()
    expect(await observer.message()).toMatchObject({ payload: '', retain: false })
    expect(broker.gauges.retainedMessages).toBe(0)
  })

  it('W-05 leaves the retained message alone with Will Retain 0', async () => {
    const { client, broker } = await startBroker()
    const publisher = await client()
    await publisher.publishAndWait('gone', 'old', { qos: 1, retain: true })
    const dying = await client({ version, will: willOf('gone', '') })
    await dying.end()
    expect(broker.gauges.retainedMessages).toBe(1)
  })

  it('W-06 [V31-14] has exactly the bytes of the Will Payload, whatever they are', async () => {
    const { client } = await startBroker()
    const observer = await client()
    await observer.subscribe('gone')
    const payload = Buffer.from('00ff80c328e29800', 'hex')
    const dying = await client({ version, will: willOf('gone', '', { payload }) })
    await dying.end()
    expect((await observer.message()).publish.message.payload).toEqual(payload)
  })

  it.each([
    [0, 2, 0],
    [1, 0, 0],
    [1, 2, 1],
    [2, 1, 1],
    [2, 2, 2],
  ] as const)('W-11 with Will QoS %d reaches a subscription of QoS %d at QoS %d', async (willQos, granted, qos) => {
    const { client } = await startBroker()
    const observer = await client()
    await observer.subscribe({ topicFilter: 'gone', qos: granted })
    const dying = await client({ version, will: willOf('gone', 'x', { qos: willQos }) })
    await dying.end()
    expect(await observer.message()).toMatchObject({ payload: 'x', qos, dup: false })
  })

  it('W-11 goes to one member of a Shared Subscription, in turn', async () => {
    const { client } = await startBroker()
    const members = [await client(), await client()]
    for (const member of members) await member.subscribe('$share/g/gone')
    for (let i = 0; i < 4; i++) {
      const dying = await client({ version, will: willOf('gone', 'x') })
      await dying.end()
    }
    for (const member of members) {
      await member.message()
      await member.message()
      await member.quiet()
    }
  })

  it('W-11 is queued for a session that is offline', async () => {
    const { client } = await startBroker()
    const sleeper = await client(keeping(version, 'sleeper'))
    await sleeper.subscribe({ topicFilter: 'gone', qos: 1 })
    await sleeper.end()
    const dying = await client({ version, will: willOf('gone', 'x', { qos: 1 }) })
    await dying.end()
    const awake = await client(keeping(version, 'sleeper'))
    expect(await awake.message()).toMatchObject({ payload: 'x', qos: 1 })
  })

  it('W-11 is not matched by a wildcard first in a filter when its topic begins with $', async () => {
    const { client } = await startBroker()
    const observer = await client()
    await observer.subscribe(['#', '+/gone', '$own/gone'])
    const dying = await client({ version, will: willOf('$own/gone', 'x') })
    await dying.end()
    await observer.message()
    await observer.quiet()
  })

  it('W-11 is counted like any other message', async () => {
    const { client, broker } = await startBroker()
    const observer = await client()
    await observer.subscribe('gone')
    await (await client({ version, will: willOf('gone', 'x') })).end()
    await observer.message()
    expect(broker.metrics.messagesSent[0]).toBe(1)
    expect(broker.metrics.messagesWithoutSubscriber).toBe(0)
    await (await client({ version, will: willOf('unheard', 'x') })).end()
    expect(broker.metrics.messagesWithoutSubscriber).toBe(1)
  })

  it('W-08 is checked by the identity of its client at CONNECT, and again when it is published', async () => {
    let isOpen = true
    const asked: unknown[] = []
    const access = testAccess({
      mayPublish: (identity, clientId, topicName) => {
        asked.push([identity, clientId, topicName])
        return isOpen
      },
    })
    const { client, broker } = await startBroker({ access })
    const observer = await client()
    await observer.subscribe('gone')
    const ann = { userName: 'ann', password: Buffer.from('') }
    const dying = await client({ version, clientId: 'c', ...ann, will: willOf('gone', 'x', { retain: true }) })
    expect(asked).toEqual([['ann', 'c', 'gone']])
    isOpen = false
    await dying.end()
    expect(asked).toEqual([
      ['ann', 'c', 'gone'],
      ['ann', 'c', 'gone'],
    ])
    await observer.quiet()
    expect(broker.gauges.retainedMessages).toBe(0)
    expect(broker.metrics.messagesRefused).toBe(1)
  })

  it('W-08 is refused at CONNECT when its topic has too many levels', async () => {
    const { open } = await startBroker({ limits: { maximumTopicLevels: 3 } })
    const client = await open(version)
    client.send(connectPacket({ version, will: willOf('a/b/c/d', 'x') }))
    await client.closed()
    expect(client.waiting).toMatchObject(version === V5 ? [{ packetType: PacketType.CONNACK, code: 0x90 }] : [])
  })
})

describe('the message of a will in MQTT 5.0', () => {
  const userProperties: UserProperty[] = [
    ['a', '1'],
    ['b', '2'],
    ['a', '3'],
  ]
  const forwarded: Properties = {
    payloadFormatIndicator: 1,
    contentType: 'text/plain',
    responseTopic: 'answer/here',
    correlationData: Buffer.from([0, 255]),
    userProperties,
  }

  it('W-06 [v5:MQTT-3.1.3-10] [v5:MQTT-3.1.2-9] carries the properties of the will, in their order, without Will Delay Interval', async () => {
    const { client, clock } = await startBroker()
    const observer = await client()
    await observer.subscribe('gone')
    const properties = { ...forwarded, willDelayIntervalSeconds: 5 }
    const dying = await client({ ...keeping(V5, 'c'), will: willOf('gone', 'x', { properties }) })
    await dying.end()
    clock.advance(5000)
    expect((await observer.message()).properties).toEqual(forwarded)
  })

  it('W-06 begins to expire when it is published, not at CONNECT and not when the connection ends', async () => {
    const { client, clock } = await startBroker()
    const observer = await client()
    await observer.subscribe('gone')
    const properties = { messageExpiryIntervalSeconds: 10, willDelayIntervalSeconds: 60 }
    const dying = await client({ ...keeping(V5, 'c'), will: willOf('gone', 'x', { retain: true, properties }) })
    clock.advance(1_000_000)
    await dying.end()
    clock.advance(60_000)
    expect((await observer.message()).properties).toEqual({ messageExpiryIntervalSeconds: 10 })
    clock.advance(4000)
    const later = await client()
    await later.subscribe('gone')
    expect((await later.message()).properties).toEqual({ messageExpiryIntervalSeconds: 6 })
    clock.advance(6000)
    const tooLate = await client()
    await tooLate.subscribe('gone')
    await tooLate.quiet()
  })

  it('W-11 is held back from its own session by No Local, and from nobody else', async () => {
    const { client } = await startBroker()
    const dying = await client({ ...keeping(V5, 'c'), will: willOf('gone', 'x', { qos: 1 }) })
    const other = await client(keeping(V5, 'd'))
    for (const one of [dying, other]) await one.subscribe({ topicFilter: 'gone', qos: 1, noLocal: true })
    await dying.end()
    expect(await other.message()).toMatchObject({ payload: 'x' })
    const back = await client(keeping(V5, 'c'))
    await back.quiet()
  })

  it.each([
    ['of text that is no UTF-8', 'c328'],
    ['of text that is', '78'],
  ])('W-06 [U5-3.1.3.2.3-2] may say that it is text: %s, it is passed on as it is', async (_what, bytes) => {
    const { client } = await startBroker()
    const observer = await client()
    await observer.subscribe('gone')
    const payload = Buffer.from(bytes, 'hex')
    const will = willOf('gone', '', { payload, properties: { payloadFormatIndicator: 1 } })
    const dying = await client({ will })
    await dying.end()
    const { publish, properties } = await observer.message()
    expect(publish.message.payload).toEqual(payload)
    expect(properties).toEqual({ payloadFormatIndicator: 1 })
  })
})
