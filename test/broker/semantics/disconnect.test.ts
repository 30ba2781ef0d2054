import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Limits } from '../../../src/broker/limits.ts'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Disconnect } from '../../../src/codec/packets/disconnect.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { publish } from '../../support/packets.ts'
import { connectPacket, type RawClient } from '../../support/raw-client.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

const { V3_1, V5 } = ProtocolVersion

/** What a client does, the code of the DISCONNECT that 5.0 is told, and what has to be said in its Reason String. */
const faults: readonly [
  what: string,
  provoke: (client: RawClient) => unknown,
  reasonCode: number,
  said: readonly string[],
][] = [
  ['a packet that cannot be parsed', (client) => client.sendBytes('c1 00'), 0x81, ['PINGREQ']],
  ['a packet type that only servers send', (client) => client.sendBytes('d0 00'), 0x82, ['PINGRESP']],
  ['a forbidden value', (client) => client.sendBytes('82 02 00 01'), 0x81, ['SUBSCRIBE']],
  ['a second CONNECT', (client) => client.send(connectPacket({ version: client.version })), 0x82, ['CONNECT']],
  ['a Topic Name with a wildcard', (client) => client.sendBytes('30 09 00 07 53 45 43 52 45 54 23'), 0x90, ['PUBLISH']],
  ['a Topic Filter that is none', (client) => client.send(subscribe('SECRET#')), 0x8f, ['SUBSCRIBE']],
  ['a packet that is too large', (client) => client.publish('SECRET', 'x'.repeat(1000)), 0x95, ['PUBLISH', '1000']],
  ['a message above the Maximum QoS', (client) => client.publish('SECRET', 'SECRET', { qos: 2 }), 0x9b, ['PUBLISH']],
  [
    'a retained message where none are kept',
    (client) => client.publish('SECRET', 'SECRET', { retain: true }),
    0x9a,
    ['PUBLISH'],
  ],
]
const limits: Partial<Limits> = { maximumPacketBytes: 1000, maximumQos: 1 }

describe.each(EACH_VERSION)('a client of MQTT %s', (_name, version) => {
  const isV5 = version === V5

  it.each(faults)(
    'X-01 [v5:MQTT-4.13.1-1] [U5-4.13.1-2] [v5:MQTT-4.13.2-1] [v5:MQTT-3.14.2-1] [v5:MQTT-3.14.4-2] [v311:MQTT-4.8.0-1] that sends %s is told so in 5.0 and closed in all',
    async (_what, provoke, reasonCode) => {
      const { client } = await startBroker({ limits, retainAvailable: false })
      const other = await client()
      const faulty = await client({ version })
      await provoke(faulty)
      await faulty.closesWith(reasonCode)
      await other.quiet()
    },
  )

  it('X-01 [v5:MQTT-3.14.4-1] is told once and nothing after it, however much is wrong and though the server stops', async () => {
    const { client, broker, logged } = await startBroker()
    const faulty = await client({ version, clientId: 'c' })
    faulty.sendBytes('00 00 00 00 c0 00 82 00')
    await logged('disconnect', 'c')
    const stopped = broker.stop()
    await faulty.closesWith(0x81)
    faulty.socket.destroy()
    await stopped
  })

  it('X-01 is told that the server stops by 0x8B in 5.0, and just closed before', async () => {
    const { client, broker } = await startBroker()
    const one = await client({ version })
    const stopped = broker.stop()
    await one.closesWith(0x8b)
    one.socket.destroy()
    await stopped
  })

  it('X-01 [v5:MQTT-3.14.0-1] is sent no DISCONNECT before a successful CONNACK', async () => {
    const { open, broker } = await startBroker()
    const early = await open(version)
    const malformed = await open(version)
    malformed.sendBytes('10 03 00 04 4d')
    await malformed.closed()
    const stopped = broker.stop()
    await early.closed()
    expect(early.received.length + malformed.received.length).toBe(0)
    early.socket.destroy()
    malformed.socket.destroy()
    await stopped
  })

  it('B-20 has nothing processed that comes in the same segment behind its DISCONNECT', async () => {
    const { client, logged } = await startBroker()
    const observer = await client()
    await observer.subscribe('a')
    const leaving = await client({ version, clientId: 'c' })
    leaving.sendBytes(
      Buffer.concat(
        [publish('a', 'before'), new Disconnect(), publish('a', 'behind')].map((one) => encodePacket(one, version)),
      ),
    )
    await logged('disconnect', 'c')
    expect(await observer.message()).toMatchObject({ payload: 'before' })
    await observer.quiet()
    await leaving.closed()
    expect(leaving.waiting).toEqual([])
  })

  it('B-20 has nothing processed that comes behind what broke a rule', async () => {
    const { client } = await startBroker()
    const observer = await client()
    await observer.subscribe('a')
    const faulty = await client({ version })
    faulty.sendBytes(Buffer.concat([Buffer.from('0000', 'hex'), encodePacket(publish('a', 'behind'), version)]))
    await faulty.closesWith(0x81)
    await observer.quiet()
  })

  it.each([
    ['its own DISCONNECT', 'e0 00', ''],
    ['what broke a rule', '00 00', isV5 ? 'e0' : ''],
  ])(
    'X-02 [U5-3.14.4-1] [U311-3.14.4-1] [v5:MQTT-3.14.4-2] that does not close is closed by the server after %s, half at once and wholly a moment later',
    async (_what, bytes, told) => {
      const { url, clock, client } = await startBroker()
      const observer = await client()
      const socket = connect({ port: Number(new URL(url).port), host: '127.0.0.1', allowHalfOpen: true })
      const received: Buffer[] = []
      socket.on('data', (chunk) => received.push(chunk))
      const ended = once(socket, 'end')
      socket.write(encodePacket(connectPacket({ version }), version))
      socket.write(Buffer.from(bytes.replaceAll(' ', ''), 'hex'))
      await ended
      const after = Buffer.concat(received)
      expect(after[after[1]! + 2]?.toString(16) ?? '').toBe(told)

      const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
      socket.on('error', () => {})
      clock.advance(1999)
      // the first write to a connection that is gone brings a reset, the next one shows it
      for (let i = 0; i < 3; i++) {
        socket.write('still open')
        await observer.quiet()
      }
      expect(socket.destroyed).toBe(false)
      clock.advance(1)
      // a connection that is gone answers by reset
      while (!socket.destroyed) {
        socket.write('anybody?')
        await observer.quiet()
      }
      await closed
    },
  )

  it('X-02 gets the code although much of what it sent is unread', async () => {
    const { client } = await startBroker()
    const faulty = await client({ version })
    faulty.sendBytes('00 00')
    for (let i = 0; i < 64; i++) faulty.sendBytes(Buffer.alloc(65_536))
    await faulty.closesWith(0x81)
  })
})

describe('DISCONNECT of a 5.0 client', () => {
  it.each([
    ['with reserved flags', 'e1 00', 0x81],
    ['with the flags of PUBREL', 'e2 00', 0x81],
    ['with an unknown Reason Code', 'e0 01 01', 0x82],
    ['with a Reason Code that only servers send', 'e0 01 8e', 0x82],
    ['with a property that it may not hold', 'e0 05 00 03 13 00 0a', 0x81],
    ['with bytes left over', 'e0 03 00 00 00', 0x81],
  ])(
    'X-03 [v5:MQTT-3.14.1-1] [v5:MQTT-3.14.2-1] %s is no normal end: it is told, and the will is published',
    async (_what, bytes, reasonCode) => {
      const { client } = await startBroker()
      const observer = await client()
      await observer.subscribe('gone')
      const leaving = await client({ will: willOf('gone', 'x') })
      leaving.sendBytes(bytes)
      await leaving.closesWith(reasonCode)
      expect(await observer.message()).toMatchObject({ payload: 'x' })
    },
  )

  it.each([
    ['no Reason Code', 'e0 00'],
    ['Reason Code 0x00 and no properties', 'e0 01 00'],
    ['Reason Code 0x00 and empty properties', 'e0 02 00 00'],
    ['a Reason String and a User Property', 'e0 0e 00 0c 1f 00 02 6f 6b 26 00 01 61 00 01 62'],
  ])('X-04 [U5-3.14.2.1-1] [v5:MQTT-3.14.4-3] with %s is a normal end', async (_what, bytes) => {
    const { client } = await startBroker()
    const observer = await client()
    await observer.subscribe('gone')
    const leaving = await client({ will: willOf('gone', 'x') })
    leaving.sendBytes(bytes)
    await leaving.closed()
    expect(leaving.waiting).toEqual([])
    await observer.quiet()
  })
})

describe('the DISCONNECT of the server in MQTT 5.0', () => {
  it.each(faults)(
    'X-05 says why in one sentence with packet and limit, and in none of the words of the client: %s',
    async (_what, provoke, _code, said) => {
      const { client } = await startBroker({ limits, retainAvailable: false })
      const faulty = await client()
      await provoke(faulty)
      const { properties } = (await lastPacket(faulty)) as Disconnect
      expect(Object.keys(properties)).toEqual(['reasonString'])
      const text = properties.reasonString!
      for (const word of said) expect(text).toContain(word)
      expect(text).not.toContain('SECRET')
      expect(text).not.toMatch(/[\n\r]|[.!?]\s/)
    },
  )

  it.each(faults)(
    'X-05 [v5:MQTT-3.14.2-3] [v5:MQTT-3.14.2-4] [v5:MQTT-3.1.2-24] has no Reason String when the client takes no packet so large: %s',
    async (_what, provoke, reasonCode) => {
      const { client } = await startBroker({
        limits: { ...limits, receiveMaximum: 65_535, maximumTopicAliases: 0 },
        retainAvailable: false,
      })
      const faulty = await client({ properties: { maximumPacketBytes: 40 } })
      await provoke(faulty)
      expect(await lastPacket(faulty)).toEqual(new Disconnect(reasonCode))
    },
  )

  it.each([
    [
      '0x93 too many in flight from the client',
      0x93,
      (client: RawClient) => {
        for (let i = 0; i < 3; i++) client.publish('a', 'x', { qos: 2 })
      },
    ],
    ['0x94 a Topic Alias above the maximum', 0x94, (client: RawClient) => client.publish('a', 'x', { topicAlias: 3 })],
    ['0x94 a Topic Alias of 0', 0x94, (client: RawClient) => client.sendBytes('30 07 00 01 61 03 23 00 00')],
  ])('X-02 [v5:MQTT-4.13.2-1] tells %s', async (_what, reasonCode, provoke) => {
    const { client } = await startBroker({ limits: { receiveMaximum: 2, maximumTopicAliases: 2 } })
    const faulty = await client()
    provoke(faulty)
    expect(await lastPacket(faulty)).toMatchObject({ packetType: PacketType.DISCONNECT, reasonCode })
  })
})

function subscribe(topicFilter: string): Subscribe {
  return new Subscribe(1, [{ topicFilter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }])
}

async function lastPacket(client: RawClient) {
  await client.closed()
  return client.waiting.at(-1)
}

describe.each(EACH_VERSION)('what is refused without closing in MQTT %s', (_name, version) => {
  const isV5 = version === V5
  const access = testAccess({ maySubscribe: (_identity, _clientId, topicFilter) => topicFilter !== 'forbidden' })

  it.each([
    ['a filter that is not allowed', 'forbidden', 0x87],
    ['a subscription too many', 'second', 0x97],
  ])('X-01 M-04 answers %s in SUBACK', async (_what, topicFilter, reasonCode) => {
    const { client } = await startBroker({ access, limits: { maximumSubscriptions: 1 } })
    const one = await client({ version })
    await one.subscribe('first')
    const suback = await one.subscribe({ topicFilter, qos: 1 })
    expect(suback.codes).toEqual([isV5 ? reasonCode : version === V3_1 ? 1 : 0x80])
    one.publish(topicFilter, 'x')
    await one.quiet()
  })

  it.each([
    ['a Topic Name of a Shared Subscription', '$share/g/a', false, 0x90],
    ['a retained message too many', 'a', true, 0x97],
  ])('X-01 answers %s in PUBACK and PUBREC', async (_what, topicName, retain, reasonCode) => {
    const { client } = await startBroker({ limits: { maximumRetainedMessages: 0 } })
    const one = await client({ version })
    for (const qos of [1, 2] as const) {
      const acknowledgement = await one.publishAndWait(topicName, 'x', { qos, retain })
      expect(acknowledgement).toMatchObject({ reasonCode: isV5 ? reasonCode : 0 })
    }
  })
})
