import { describe, expect, it } from 'vitest'
import { Client } from '../../../src/client/client.ts'
import { ClientErrorKind } from '../../../src/client/client-error.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Connack } from '../../../src/codec/packets/connack.ts'
import { Disconnect } from '../../../src/codec/packets/disconnect.ts'
import { Suback } from '../../../src/codec/packets/suback.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { publish } from '../../support/packets.ts'
import { ScriptedBroker, type ScriptedPeer } from '../../support/scripted-broker.ts'
import { TestClient } from '../../support/test-client.ts'
import { filter } from '../../support/test-client-session.ts'
import { EACH_VERSION } from '../../support/versions.ts'

const { CONNECT, CONNACK, SUBSCRIBE } = PacketType
const { V3_1, V3_1_1, V5 } = ProtocolVersion
const NOWHERE = { scheme: 'mqtt', host: '127.0.0.1', port: 1, path: '' } as const

/** Writes down the bytes that a peer gets. */
function listen(peer: ScriptedPeer): () => string {
  const chunks: Buffer[] = []
  peer.socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)))
  return () => Buffer.concat(chunks).toString('hex')
}

describe.each(EACH_VERSION)('a client, MQTT %s', (_, version) => {
  const isV5 = version === V5

  async function connected(): Promise<TestClient & { peer: ScriptedPeer; bytes: () => string }> {
    const broker = await ScriptedBroker.start()
    const test = new TestClient(broker.address, { version, keepAliveSeconds: 0 })
    const done = test.client.connect()
    const peer = await broker.connection()
    await peer.expect(CONNECT)
    const bytes = listen(peer)
    peer.send(new Connack(false, 0))
    await done
    return Object.assign(test, { peer, bytes })
  }

  it('[v5:MQTT-3.1.0-1, v5:MQTT-4.2-1, v311:MQTT-3.1.0-1, v311:MQTT-7.1.2-1] sends CONNECT first, over TCP, whatever it is asked for before', async () => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address, { version })
    client.publish('t', 'x').catch(() => {})
    client.subscribe([filter('f')]).catch(() => {})
    const done = client.connect()
    const peer = await broker.connection()
    expect(await peer.lines(1)).toEqual(['CONNECT "id" clean'])
    peer.send(new Connack(false, 0))
    await done

    expect(await peer.lines(2)).toEqual(['SUBSCRIBE #1 f:0', 'PUBLISH t "x" q0'])
  })

  it('[v5:MQTT-2.2.1-2, v5:MQTT-2.2.2-1, v5:MQTT-4.3.1-1, v311:MQTT-2.3.1-5, v311:MQTT-4.3.1-1, v311:U311-3.3.2.2-1] sends PUBLISH with a packet id at QoS 1 and 2 only, and Property Length 0 where there are no properties', async () => {
    const { client, peer, bytes } = await connected()
    await client.publish('t', 'x')
    for (const qos of [1, 2] as const) client.publish('t', 'x', { qos }).catch(() => {})
    await peer.lines(3)

    const properties = isV5 ? '00' : ''
    const length = (count: number): string => `0${count + properties.length / 2}`
    expect(bytes()).toBe(
      [
        `30${length(4)}000174${properties}78`,
        `32${length(6)}0001740001${properties}78`,
        `34${length(6)}0001740002${properties}78`,
      ].join(''),
    )
  })

  it('[v5:MQTT-3.14.4-2, v311:MQTT-3.14.4-1] closes the connection when it has sent DISCONNECT', async () => {
    const { client, peer, closed } = await connected()
    const leaving = client.disconnect()

    expect(await peer.rest()).toEqual(['DISCONNECT'])
    await leaving
    expect(await closed).toBeNull()
  })

  it('[v5:MQTT-1.5.4-3, v311:MQTT-1.5.3-3, v311:U311-1.5.3-1] tells a topic as it was sent, with U+FEFF and control characters', async () => {
    const test = await connected()
    for (const topicName of ['\ufeffa\ufeff', 'a\u0001\u007f\u009f']) test.peer.send(publish(topicName, 'x'))

    expect(await test.hear('message')).toBe('message \ufeffa\ufeff x q0')
    expect(await test.hear('message')).toBe('message a\u0001\u007f\u009f x q0')
  })

  it.each([
    ['[v5:MQTT-4.7.1-1, v311:MQTT-4.7.1-2] a#', 'a#'],
    ['[v5:MQTT-4.7.1-1, v311:MQTT-4.7.1-2] a/#/b', 'a/#/b'],
    ['[v5:MQTT-4.7.1-2, v311:MQTT-4.7.1-3] a+/b', 'a+/b'],
    ['[v5:MQTT-4.7.1-2, v311:MQTT-4.7.1-3] ++', '++'],
    ['[v5:MQTT-4.7.3-1, v311:MQTT-4.7.3-1] an empty one', ''],
    ['[v5:MQTT-4.7.3-2, v311:MQTT-4.7.3-2] U+0000', 'a\0'],
    ['[v5:MQTT-4.7.3-3, v311:MQTT-4.7.3-3] one of 65,536 bytes', 'x'.repeat(65_536)],
  ])('%s is never sent as a filter', async (_title, topicFilter) => {
    const { client, peer } = await connected()
    await expect(client.subscribe([filter(topicFilter)])).rejects.toMatchObject({ ours: true })
    await expect(client.unsubscribe([topicFilter])).rejects.toMatchObject({ ours: true })
    void client.disconnect()

    expect(await peer.rest()).toEqual(['DISCONNECT'])
  })

  it.each([
    ['[v5:MQTT-3.3.2-2, v5:MQTT-4.7.0-1, v311:MQTT-3.3.2-2, v311:MQTT-4.7.1-1] a wildcard', 'a/+'],
    ['[v5:MQTT-4.7.3-1, v311:MQTT-4.7.3-1] no character', ''],
    ['[v5:MQTT-4.7.3-2, v5:MQTT-1.5.4-2, v311:MQTT-4.7.3-2, v311:MQTT-1.5.3-2] U+0000', 'a\0'],
    ['[v5:MQTT-1.5.4-1, v311:MQTT-1.5.3-1] half a surrogate pair', 'a\ud800'],
    ['[v5:MQTT-4.7.3-3, v311:MQTT-4.7.3-3] 65,536 bytes', 'x'.repeat(65_536)],
  ])('%s is never sent in a topic', async (_title, topicName) => {
    const { client, peer } = await connected()
    await expect(client.publish(topicName, 'x')).rejects.toMatchObject({ ours: true })
    void client.disconnect()

    expect(await peer.rest()).toEqual(['DISCONNECT'])
  })

  it('[v5:MQTT-4.7.3-3, v311:MQTT-4.7.3-3] sends a topic of 65,535 bytes', async () => {
    const { client, peer } = await connected()
    const topicName = 'x'.repeat(65_535)
    await client.publish(topicName, 'x')

    expect((await peer.expect(PacketType.PUBLISH)).message.topicName).toBe(topicName)
  })

  it('[v5:MQTT-3.1.3-2, v311:MQTT-3.1.3-2] takes its session up under the same Client Identifier', async () => {
    const broker = await ScriptedBroker.start()
    const reconnect = { minimumDelayMs: 1, maximumDelayMs: 1, jitter: 0, maximumAttempts: 3 }
    const connectProperties = isV5 ? { sessionExpiryIntervalSeconds: 60 } : {}
    const { client } = new TestClient(broker.address, {
      version,
      clientId: 'mine',
      cleanStart: false,
      reconnect,
      connectProperties,
    })
    const [first] = await Promise.all([broker.accept(), client.connect()])
    client.publish('t', 'x', { qos: 1 }).catch(() => {})
    expect(await first.lines(1)).toEqual(['PUBLISH t "x" q1 #1'])
    first.reset()
    const second = await broker.accept({}, version !== V3_1)

    expect([first.connect?.clientId, second.connect?.clientId]).toEqual(['mine', 'mine'])
    expect(second.connect?.cleanStart).toBe(false)
    expect(await second.lines(1)).toEqual(['PUBLISH t "x" q1 #1 dup'])
  })

  it('[v5:U5-3.8.4-2, v311:U311-3.8.4-1] takes matching messages that come before SUBACK', async () => {
    const test = await connected()
    const { client, peer } = test
    const granted = client.subscribe([filter('f', 1)])
    const { packetId } = await peer.expect(SUBSCRIBE)
    peer.send(publish('f', 'early', { qos: 1, packetId: 1 }))
    expect(await peer.lines(1)).toEqual(['PUBACK #1'])
    peer.send(new Suback(packetId, [1]))

    expect((await granted).codes).toEqual([1])
    expect(test.heard).toContain('message f early q1')
  })
})

describe('a client, MQTT 3.1.1', () => {
  it('[v311:MQTT-3.1.3-7] has no empty Client Identifier beside a session', () => {
    const options = { address: NOWHERE, version: V3_1_1, clientId: '' }

    expect(() => new Client({ ...options, cleanStart: false })).toThrow(RangeError)
    expect(() => new Client({ ...options, cleanStart: true })).not.toThrow()
  })
})

describe('a client, MQTT 5.0', () => {
  async function connected(connectProperties = {}, granted = {}) {
    const broker = await ScriptedBroker.start()
    const test = new TestClient(broker.address, { connectProperties })
    const [peer] = await Promise.all([broker.accept(granted), test.client.connect()])
    return { test, client: test.client, peer }
  }

  it.each([
    ['of length 0', 'e0 00'],
    ['of length 1', 'e0 01 8b'],
    ['of length 2', 'e0 02 8b 00'],
  ])(
    '[v5:U5-3.14.4-1, v5:U5-3.14.2.1-1, v5:MQTT-4.13.2-1] closes when DISCONNECT comes, %s, and says nothing',
    async (_, bytes) => {
      const { test, peer } = await connected()
      peer.holdsOpen = true
      peer.sendBytes(bytes)

      expect(await peer.rest()).toEqual([])
      peer.end()
      expect(await test.closed).toMatchObject({
        kind: ClientErrorKind.DISCONNECTED,
        reasonCode: bytes === 'e0 00' ? 0 : 0x8b,
      })
    },
  )

  it('[v5:MQTT-4.13.2-1] closes when CONNACK refuses', async () => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address)
    const outcome = client.connect().catch((error: unknown) => error)
    const peer = await broker.connection()
    peer.holdsOpen = true
    await peer.expect(CONNECT)
    peer.send(new Connack(false, 0x87))

    expect(await peer.rest()).toEqual([])
    peer.end()
    expect(await outcome).toMatchObject({ reasonCode: 0x87 })
  })

  it('[v5:U5-3.15.2.1-1] reads AUTH of length 0 as one without method, which CONNECT must have named', async () => {
    const { test, peer } = await connected()
    peer.sendBytes('f0 00')

    expect(await peer.rest()).toEqual(['DISCONNECT 0x82'])
    expect(await test.closed).toMatchObject({ kind: ClientErrorKind.PROTOCOL })
  })

  it.each(['', '00', '0000'])('[v5:U5-3.4.2.1-1] understands acknowledgements that end with "%s"', async (form) => {
    const { client, peer } = await connected()
    const answer = (first: string, packetId: string): void => {
      const body = `${packetId}${form}`
      peer.sendBytes(`${first}0${body.length / 2}${body}`)
    }
    const one = client.publish('t', 'x', { qos: 1 })
    await peer.lines(1)
    answer('40', '0001')
    expect(await one).toMatchObject({ reasonCode: 0 })
    const two = client.publish('t', 'x', { qos: 2 })
    await peer.lines(1)
    answer('50', '0002')
    expect(await peer.lines(1)).toEqual(['PUBREL #2'])
    answer('70', '0002')
    expect(await two).toMatchObject({ reasonCode: 0 })
    peer.send(publish('t', 'y', { qos: 2, packetId: 9 }))
    expect(await peer.lines(1)).toEqual(['PUBREC #9'])
    answer('62', '0009')

    expect(await peer.lines(1)).toEqual(['PUBCOMP #9'])
  })

  it('[v5:U5-3.1.2.11.4-2] ends a connection with 0x95 when a packet is larger than its Maximum Packet Size, and takes one of that size', async () => {
    const { test, peer } = await connected({ maximumPacketBytes: 20 })
    peer.sendBytes(`3012000174 00 ${'78'.repeat(14)}`)
    await test.hear('message t')
    peer.sendBytes(`3013000174 00 ${'78'.repeat(15)}`)

    expect(await peer.rest()).toEqual(['DISCONNECT 0x95'])
    expect(await test.closed).toMatchObject({ kind: ClientErrorKind.PROTOCOL, reasonCode: 0x95 })
  })

  it('[v5:U5-3.3.2.3.2-1] takes a payload marked as text without checking it, as it may', async () => {
    const { test, peer } = await connected()
    peer.sendBytes('32 09 00 01 74 00 05 02 01 01 ff')

    expect(await peer.lines(1)).toEqual(['PUBACK #5'])
    expect(test.heard.filter((line) => line.startsWith('message'))).toHaveLength(1)
  })

  it('[v5:MQTT-3.3.4-6] sends no Subscription Identifier with PUBLISH, even when it is given one', async () => {
    const { client, peer } = await connected()
    const bytes = listen(peer)
    await client.publish('t', 'x', { properties: { subscriptionIdentifiers: [1] } })
    await peer.lines(1)

    expect(bytes()).toBe('30050001740078')
  })

  it('[v5:MQTT-3.8.3-4] is not let ask for No Local on a Shared Subscription', async () => {
    const { client, peer } = await connected()
    const request = { ...filter('$share/g/t'), noLocal: true }
    await expect(client.subscribe([request])).rejects.toMatchObject({ ours: true })
    void client.disconnect()

    expect(await peer.rest()).toEqual(['DISCONNECT'])
  })

  it('[v5:MQTT-3.2.2-14] sends nothing to be retained where Retain Available is 0', async () => {
    const { client, peer } = await connected({}, { retainAvailable: 0 })
    await expect(client.publish('t', 'x', { retain: true })).rejects.toMatchObject({ reasonCode: 0x9a })
    await client.publish('t', 'y')

    expect(await peer.lines(1)).toEqual(['PUBLISH t "y" q0'])
  })

  it('[v5:MQTT-3.1.2-30, v5:MQTT-4.12.0-7] sends nothing between a CONNECT with an authentication method and CONNACK, and never AUTH without one', async () => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address, { connectProperties: { authenticationMethod: 'x' } })
    client.publish('t', 'x').catch(() => {})
    const done = client.connect()
    const peer = await broker.connection()
    await peer.expect(CONNECT)
    void client.disconnect()
    expect(await peer.rest()).toEqual(['DISCONNECT'])
    await done.catch(() => {})

    const plain = await connected()
    plain.peer.send(new Disconnect(0))
    expect(await plain.peer.rest()).toEqual([])
  })

  it('[v5:MQTT-3.14.2-3, v5:MQTT-3.14.2-4] leaves Reason String and User Properties out of a DISCONNECT that would be too large', async () => {
    for (const properties of [
      { reasonString: 'a long story' },
      { userProperties: [['name', 'value']] as [string, string][] },
    ]) {
      const { client, peer } = await connected({}, { maximumPacketBytes: 12 })
      void client.disconnect(0x04, properties)
      const disconnect = await peer.expect(PacketType.DISCONNECT)
      expect(disconnect).toMatchObject({ reasonCode: 0x04, properties: {} })
    }
  })

  it.each([
    ['[v5:MQTT-3.4.2-2, v5:MQTT-3.4.2-3] PUBACK', '32 07 00 01 74 00 05 00 78', '40020005'],
    ['[v5:MQTT-3.5.2-2, v5:MQTT-3.5.2-3] PUBREC', '34 07 00 01 74 00 05 00 78', '50020005'],
    ['[v5:MQTT-3.6.2-2, v5:MQTT-3.6.2-3] PUBREL', '50 02 00 09', '6203000992'],
    ['[v5:MQTT-3.7.2-2, v5:MQTT-3.7.2-3] PUBCOMP', '62 02 00 09', '7003000992'],
  ])(
    '%s goes out without Reason String and User Properties, for which there may be no room',
    async (_, bytes, answer) => {
      const { client, peer } = await connected({}, { maximumPacketBytes: 5 })
      const sent = listen(peer)
      peer.sendBytes(bytes)
      await peer.next()

      expect(sent()).toBe(answer)
      client.destroy()
    },
  )
})

describe('CONNACK', () => {
  it('[v5:MQTT-3.2.0-2] that comes twice ends the connection', async () => {
    const broker = await ScriptedBroker.start()
    const { client, closed } = new TestClient(broker.address)
    const [peer] = await Promise.all([broker.accept(), client.connect()])
    peer.send(new Connack(false, 0))

    expect(await peer.rest()).toEqual(['DISCONNECT 0x82'])
    expect(await closed).toMatchObject({ cause: { violation: 'SECOND_CONNACK', packetType: CONNACK } })
  })
})
