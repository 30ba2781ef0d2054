import { describe, expect, it } from 'vitest'
import { Client } from '../../src/client/client.ts'
import { ClientErrorKind } from '../../src/client/client-error.ts'
import { Message } from '../../src/codec/message.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../src/codec/packets/acknowledgement.ts'
import { Suback } from '../../src/codec/packets/suback.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { NEVER_ACKNOWLEDGED } from '../../src/session/client-session.ts'
import { parseAddress } from '../../src/transport/address.ts'
import { publish } from '../support/packets.ts'
import { describePacket } from '../support/recording-output.ts'
import { ScriptedBroker } from '../support/scripted-broker.ts'
import { startBroker } from '../support/test-broker.ts'
import { TestClient } from '../support/test-client.ts'
import { filter } from '../support/test-client-session.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion

describe.each([
  ['3.1', V3_1],
  ['3.1.1', V3_1_1],
  ['5.0', V5],
] as const)('a Client and a broker, MQTT %s', (_, version) => {
  it('subscribe, publish at every QoS, unsubscribe and part', async () => {
    const { url } = await startBroker()
    const { client, heard } = new TestClient(parseAddress(url).address, { version })
    await client.connect()

    expect((await client.subscribe([filter('a/#', 2), filter('b', 1)])).codes).toEqual([2, 1])
    for (const qos of [0, 1, 2] as const) await client.publish('a/b', `m${qos}`, { qos })
    expect((await client.unsubscribe(['a/#'])).codes).toEqual(version === V5 ? [0] : [])
    await client.publish('a/b', 'nobody hears this', { qos: 1 })
    await client.disconnect()

    expect(heard).toEqual(['connected 0', 'message a/b m0 q0', 'message a/b m1 q1', 'message a/b m2 q2', 'closed'])
  })

  it('exchange 3 x 2,000 messages at once, in order', async () => {
    const { url } = await startBroker()
    const { client, heard } = new TestClient(parseAddress(url).address, { version })
    await client.connect()
    await client.subscribe([filter('t/+', 2)])
    const sent = [0, 1, 2].flatMap((qos) => Array.from({ length: 2_000 }, (_v, i) => ({ qos: qos as 0 | 1 | 2, i })))
    await Promise.all(sent.map(({ qos, i }) => client.publish(`t/${qos}`, `${i}`, { qos })))
    // the broker answers in order, so everything has come when this has
    await client.unsubscribe(['t/+'])

    for (const qos of [0, 1, 2]) {
      const payloads = heard.filter((line) => line.startsWith(`message t/${qos} `)).map((line) => line.split(' ')[2])
      expect(payloads).toEqual(Array.from({ length: 2_000 }, (_v, i) => `${i}`))
    }
    expect(client.inFlight).toBe(0)
  })
})

describe('Client.publish', () => {
  it('tells that there was no subscriber', async () => {
    const { url } = await startBroker()
    const { client } = new TestClient(parseAddress(url).address)
    await client.connect()

    for (const qos of [1, 2] as const) expect((await client.publish('t', 'x', { qos })).reasonCode).toBe(0x10)
  })

  it('rejects with code and reason when the Server refuses', async () => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address)
    const [peer] = await Promise.all([broker.accept(), client.connect()])
    const outcome = client.publish('t', 'x', { qos: 1 })
    const { packetId } = await peer.expect(PacketType.PUBLISH)
    peer.send(new Acknowledgement(PacketType.PUBACK, packetId, 0x87, { reasonString: 'not you' }))

    await expect(outcome).rejects.toMatchObject({
      name: 'ClientError',
      kind: ClientErrorKind.PUBLISH_REFUSED,
      reasonCode: 0x87,
      reasonString: 'not you',
      message: 'the message was refused: 0x87 Not authorized ("not you")',
    })
  })

  it('[v5:MQTT-3.2.2-11] rejects without sending when the Server cannot take the message', async () => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address)
    const [peer] = await Promise.all([broker.accept({ maximumQos: 0 }), client.connect()])

    await expect(client.publish('t', 'x', { qos: 1 })).rejects.toMatchObject({
      kind: ClientErrorKind.PUBLISH_REFUSED,
      reasonCode: 0x9b,
    })
    await client.disconnect()
    expect(await peer.rest()).toEqual(['DISCONNECT'])
  })

  it.each([
    ['a wildcard', 'a/#', {}, 'TOPIC_NAME_HAS_WILDCARD'],
    ['an empty topic', '', {}, 'TOPIC_NAME_EMPTY'],
    ['half a surrogate pair', '\ud800', {}, 'STRING_NOT_UTF8'],
    ['a wildcard in the Response Topic', 'a', { properties: { responseTopic: '+' } }, 'RESPONSE_TOPIC_HAS_WILDCARD'],
  ])('rejects %s as our own mistake', async (_, topicName, options, violation) => {
    const client = new Client({ address: parseAddress('mqtt://127.0.0.1:1').address })

    await expect(client.publish(topicName, 'x', options)).rejects.toMatchObject({ violation, ours: true })
  })
})

describe('Client.subscribe', () => {
  it('resolves with refusals in their places', async () => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address)
    const [peer] = await Promise.all([broker.accept({ sharedSubscriptionAvailable: 0 }), client.connect()])
    const answer = client.subscribe([filter('$share/g/a'), filter('b', 2), filter('c')])
    const subscribe = await peer.expect(PacketType.SUBSCRIBE)
    peer.send(new Suback(subscribe.packetId, [1, 0x87]))

    expect(describePacket(subscribe)).toBe('SUBSCRIBE #1 b:2 c:0')
    expect((await answer).codes).toEqual([0x9e, 1, 0x87])
  })

  it.each([
    ['no filter', [], 'SUBSCRIBE_WITHOUT_FILTER'],
    ['a misplaced #', [filter('a#')], 'TOPIC_FILTER_HASH_MISPLACED'],
    [
      '[v5:MQTT-3.8.3-4] No Local on a Shared Subscription',
      [{ ...filter('$share/g/a'), noLocal: true }],
      'NO_LOCAL_ON_SHARED_SUBSCRIPTION',
    ],
  ])('rejects %s as our own mistake', async (_, requests, violation) => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address)
    await Promise.all([broker.accept(), client.connect()])

    await expect(client.subscribe(requests)).rejects.toMatchObject({ violation, ours: true })
    expect(client.inFlight).toBe(0)
  })

  it('rejects properties that SUBSCRIBE may not carry', async () => {
    const client = new Client({ address: parseAddress('mqtt://127.0.0.1:1').address })

    await expect(client.subscribe([filter('a')], { contentType: 'x' })).rejects.toMatchObject({
      violation: 'PROPERTY_NOT_ALLOWED',
      ours: true,
    })
  })
})

describe('Client.send', () => {
  it('keeps messages until there is a connection, in order', async () => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address)
    const done: number[] = []
    for (const qos of [1, 0, 2] as const) {
      client.send(Message.create('t', `${qos}`, { qos }), () => done.push(qos))
    }
    const [peer] = await Promise.all([broker.accept(), client.connect()])

    expect(await peer.lines(3)).toEqual(['PUBLISH t "0" q0', 'PUBLISH t "1" q1 #1', 'PUBLISH t "2" q2 #2'])
    expect([done, client.inFlight]).toEqual([[0], 2])
  })

  it('tells at once when the client has ended', async () => {
    const { client, closed } = new TestClient((await ScriptedBroker.start()).address)
    client.destroy()
    const codes: number[] = []

    expect(client.send(Message.create('t', 'x'), (code) => codes.push(code))).toBe(true)
    expect([codes, await closed]).toEqual([[NEVER_ACKNOWLEDGED], null])
    await expect(client.publish('t', 'x')).rejects.toMatchObject({ kind: ClientErrorKind.CLOSED })
    await expect(client.subscribe([filter('a')])).rejects.toMatchObject({ kind: ClientErrorKind.CLOSED })
    await expect(client.unsubscribe(['a'])).rejects.toMatchObject({ kind: ClientErrorKind.CLOSED })
  })

  it('may be called from the handler of a message', async () => {
    const broker = await ScriptedBroker.start()
    const test: TestClient = new TestClient(
      broker.address,
      {},
      { message: ({ message }) => void test.client.send(Message.create('answer', message.payload), null) },
    )
    const [peer] = await Promise.all([broker.accept(), test.client.connect()])
    peer.send(publish('question', 'x', { qos: 1, packetId: 3 }))

    expect(await peer.lines(2)).toEqual(['PUBLISH answer "x" q0', 'PUBACK #3'])
  })
})

describe('Client.trace', () => {
  it('shows every packet of both directions with its size', async () => {
    const broker = await ScriptedBroker.start()
    const traced: string[] = []
    const trace = (direction: string, packet: Parameters<typeof describePacket>[0], bytes: number) =>
      void traced.push(`${direction} ${describePacket(packet)} ${bytes}`)
    const { client } = new TestClient(broker.address, {}, { trace })
    const [peer] = await Promise.all([broker.accept(), client.connect()])
    peer.send(publish('t', 'hello', { qos: 1, packetId: 3 }))
    await peer.expect(PacketType.PUBACK)
    const outcome = client.publish('t', 'x', { qos: 1, retain: true })
    peer.send(new Acknowledgement(PacketType.PUBACK, (await peer.expect(PacketType.PUBLISH)).packetId))
    await outcome
    await client.disconnect()

    expect(traced).toEqual([
      'sent CONNECT "id" clean 17',
      'received CONNACK 5',
      'received PUBLISH t "hello" q1 #3 13',
      'sent PUBACK #3 4',
      'sent PUBLISH t "x" q1 #1 retain 9',
      'received PUBACK #1 4',
      'sent DISCONNECT 2',
    ])
  })
})
