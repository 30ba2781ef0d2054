import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
const { V3_1_1, V5 } = ProtocolVersion

describe.each(EACH_VERSION)('PUBLISH, MQTT %s', (_, version) => {
  async function pair(test: TestBroker, topicFilter: string, qos: 0 | 1 | 2 = 0) {
    const subscriber = await test.client({ version })
    await subscriber.subscribe({ topicFilter, qos })
    return { subscriber, publisher: await test.client({ version }) }
  }

  it('[v5:MQTT-3.3.2-3, v311:MQTT-3.3.2-3] goes to those whose filter its topic matches', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), 'a/+/c')
    for (const topicName of ['a/b', 'a/b/c/d', 'b/b/c', 'a/b/c', 'A/b/c']) publisher.publish(topicName, topicName)
    await publisher.quiet()

    expect(await subscriber.message()).toMatchObject({ topic: 'a/b/c', payload: 'a/b/c' })
    await subscriber.quiet()
  })

  it('[v5:MQTT-3.3.4-1, v5:MQTT-2.2.1-5, v311:MQTT-3.3.4-1, v311:MQTT-2.3.1-6] is answered by its QoS, with its id', async () => {
    const publisher = await (await startBroker()).client({ version })
    publisher.publish('t', 'none')
    await publisher.quiet()
    publisher.publish('t', 'one', { qos: 1, packetId: 700 })
    expect(await publisher.expect(PUBACK)).toMatchObject({ packetId: 700 })
    publisher.publish('t', 'two', { qos: 2, packetId: 65_535 })
    expect(await publisher.expect(PUBREC)).toMatchObject({ packetId: 65_535 })
    publisher.acknowledge(PUBREL, 65_535)

    expect(await publisher.expect(PUBCOMP)).toMatchObject({ packetId: 65_535 })
  })

  it('[v5:MQTT-2.2.1-2, v5:MQTT-2.2.2-1, v5:MQTT-4.3.1-1, v311:MQTT-2.3.1-5, v311:MQTT-4.3.1-1, v311:U311-3.3.2.2-1] has a packet id at QoS 1 and 2 only, DUP 0, and Property Length 0 where there are none', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), 't', 2)
    const before = subscriber.received.length
    for (const qos of [0, 1, 2] as const) await publisher.publishAndWait('t', 'x', { qos })
    for (let i = 0; i < 3; i++) await subscriber.message()

    const properties = version === V5 ? '00' : ''
    const length = (bytes: number): string => `0${bytes + properties.length / 2}`
    expect(subscriber.received.subarray(before).toString('hex')).toBe(
      [
        `30${length(4)}000174${properties}78`,
        `32${length(6)}0001740001${properties}78`,
        `34${length(6)}0001740002${properties}78`,
      ].join(''),
    )
  })

  it('[v5:MQTT-3.3.1-3, v5:MQTT-3.3.1-2, v5:MQTT-4.3.2-2, v5:MQTT-4.3.3-2, v311:MQTT-3.3.1-3, v311:MQTT-3.3.1-2] goes out with DUP 0 whatever DUP it came in with', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), 't', 2)
    for (const qos of [1, 2] as const) await publisher.publishAndWait('t', 'again', { qos, dup: true })
    await publisher.publishAndWait('t', 'again', { qos: 0 })

    for (const qos of [1, 2, 0]) expect(await subscriber.message()).toMatchObject({ qos, dup: false })
  })

  it('[v5:MQTT-2.2.1-4, v5:MQTT-4.3.2-1, v5:MQTT-4.3.3-1, v311:MQTT-2.3.1-4, v311:MQTT-4.3.2-1, v311:MQTT-4.3.3-1] goes out with an id that is not 0 and not open', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), 't', 2)
    const open = new Set<number>()
    for (let i = 0; i < 40; i++) {
      await publisher.publishAndWait('t', `${i}`, { qos: i % 2 === 0 ? 1 : 2 })
      const { packetId, qos } = await subscriber.message()
      expect([packetId > 0, open.has(packetId)]).toEqual([true, false])
      open.add(packetId)
      if (i % 4 !== 0) continue
      subscriber.acknowledge(qos === 1 ? PUBACK : PUBREC, packetId)
      open.delete(packetId)
    }
  })

  it('[v5:MQTT-4.3.2-4, v5:MQTT-4.3.2-5, v311:MQTT-4.3.2-2, V31-24] at QoS 1 is acknowledged each time, and then its id means a new message', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), 't')
    for (const dup of [false, true]) {
      publisher.publish('t', 'x', { qos: 1, packetId: 9, dup })
      expect(await publisher.expect(PUBACK)).toMatchObject({ packetId: 9 })
    }

    await subscriber.message()
    await subscriber.message()
    await subscriber.quiet()
  })

  it('[v5:MQTT-4.3.3-8, v5:MQTT-4.3.3-10, v5:MQTT-4.3.3-11, v5:MQTT-4.3.3-12, v311:MQTT-4.3.3-2, V31-24] at QoS 2 is delivered once until PUBREL, and its id means a new message after PUBCOMP', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), 't')
    for (const round of ['first', 'second']) {
      for (const dup of [false, true, true]) {
        publisher.publish('t', round, { qos: 2, packetId: 9, dup })
        expect(await publisher.expect(PUBREC)).toMatchObject({ packetId: 9 })
      }
      publisher.acknowledge(PUBREL, 9)
      expect(await publisher.expect(PUBCOMP)).toMatchObject({ packetId: 9 })
    }

    expect(await subscriber.message()).toMatchObject({ payload: 'first' })
    expect(await subscriber.message()).toMatchObject({ payload: 'second' })
    await subscriber.quiet()
  })

  it('[v5:MQTT-4.3.3-4, v5:MQTT-2.2.1-5, v311:MQTT-4.3.3-1, v311:MQTT-2.3.1-6] at QoS 2 is released by PUBREL when PUBREC came, and only then', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), 't', 2)
    await publisher.publishAndWait('t', 'x', { qos: 2 })
    const { packetId } = await subscriber.message()
    await subscriber.quiet()
    for (let i = 0; i < 2; i++) {
      subscriber.acknowledge(PUBREC, packetId)
      expect(await subscriber.expect(PUBREL)).toMatchObject({ packetId, reasonCode: 0 })
    }
    subscriber.acknowledge(PUBCOMP, packetId)
    await subscriber.quiet()
  })

  it('[v5:MQTT-4.6.0-5, v5:MQTT-4.6.0-6, v311:MQTT-4.6.0-5, v311:MQTT-4.6.0-6] keeps the order of its publisher, topic and QoS, on the way and in the queue', async () => {
    const test = await startBroker()
    const { client } = test
    const live = await client({ version })
    await live.subscribe({ topicFilter: '#', qos: 2 })
    const sleeper = await client(keeping(version, 'sleeper'))
    await sleeper.subscribe({ topicFilter: '#', qos: 2 })
    await sleeper.end()
    const publishers = [await client({ version }), await client({ version })]
    for (let i = 0; i < 60; i++) publishers[i % 2]!.publish(`t/${i % 2}`, `${i}`, { qos: i % 3 === 0 ? 2 : 1 })
    for (const publisher of publishers) {
      for (let i = 0; i < 30; i++) await publisher.next()
    }

    for (const subscriber of [live, await client(keeping(version, 'sleeper'))]) {
      const seen = new Map<string, number[]>()
      for (let i = 0; i < 60; i++) {
        const { topic, qos, payload } = await subscriber.message()
        const key = `${topic} ${qos}`
        seen.set(key, [...(seen.get(key) ?? []), Number(payload)])
      }
      expect(seen.size).toBe(4)
      for (const numbers of seen.values()) expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    }
  })

  it('[v5:MQTT-4.7.2-1, v311:MQTT-4.7.2-1] on a $ topic does not match a filter that begins with a wildcard', async () => {
    const test = await startBroker()
    const { subscriber, publisher } = await pair(test, '#')
    await subscriber.subscribe('+/x')
    const explicit = await test.client({ version })
    await explicit.subscribe('$own/#')
    await publisher.publishAndWait('$own/x', 'x', { qos: 1 })

    expect(await explicit.message()).toMatchObject({ topic: '$own/x' })
    await subscriber.quiet()
  })

  it('[v311:U311-4.7.2-1] by a client on a topic of the server is not passed on', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), '$SYS/#')
    publisher.publish('$SYS/broker/version', 'mine')
    await publisher.quiet()

    await subscriber.quiet()
  })

  it('[v5:MQTT-4.7.3-4, v311:MQTT-4.7.3-4] is matched as it was sent, without normalising', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), 'caf\u00e9/x')
    for (const topicName of [
      'cafe\u0301/x',
      'caf\u00e9//x',
      'caf\u00e9/X',
      '/caf\u00e9/x',
      'caf\u00e9/x/',
      'caf\u00e9/x',
    ]) {
      publisher.publish(topicName, 'x')
    }
    await publisher.quiet()

    expect(await subscriber.message()).toMatchObject({ topic: 'caf\u00e9/x' })
    await subscriber.quiet()
  })

  it('B-09 Z-02 [v5:MQTT-1.5.4-3, v311:MQTT-1.5.3-3] keeps U+FEFF in its topic', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), '\ufeff/a\ufeff')
    publisher.publish('/a', 'without')
    publisher.publish('\ufeff/a\ufeff', 'with')
    const { publish, payload } = await subscriber.message()

    expect(payload).toBe('with')
    expect(publish.message.topic.toString('hex')).toBe('efbbbf2f61efbbbf')
  })

  it('B-10 [v311:U311-1.5.3-1] may have control characters in its topic, which are passed on', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), '#')
    publisher.publish('a\u0001\u001f\u007f\u009f\ufffe', 'x')

    expect(await subscriber.message()).toMatchObject({ topic: 'a\u0001\u001f\u007f\u009f\ufffe' })
  })

  it.each(['', '00', 'c328ff00ed'])('B-11 has bytes for a payload, and so has a will: "%s"', async (hex) => {
    const test = await startBroker()
    const { subscriber, publisher } = await pair(test, '#')
    const payload = Buffer.from(hex, 'hex')
    publisher.publish('t', payload)
    expect((await subscriber.message()).publish.message.payload).toEqual(payload)
    const will = { topicName: 'will', payload, qos: 0, retain: false, properties: {} } as const
    const dying = await test.client({ version, will })
    dying.cut()

    expect((await subscriber.message()).publish.message.payload).toEqual(payload)
  })

  it.each(['', '00', 'c328ff00ed'])('B-11 may come from a client whose password is any bytes: "%s"', async (hex) => {
    const seen: (string | undefined)[] = []
    const access = testAccess({
      authenticate: ({ password }: { password: Buffer | null }) => {
        seen.push(password?.toString('hex'))
        return { identity: null }
      },
    })
    const { client } = await startBroker({ access })
    await client({ version, userName: 'u', password: Buffer.from(hex, 'hex') })
    await client({ version, userName: 'u' })

    // no password and an empty one are not the same
    expect(seen).toEqual([hex, undefined])
  })

  it('[v5:MQTT-4.7.3-3, v311:MQTT-4.7.3-3] passes with a topic of 65,535 bytes', async () => {
    const { subscriber, publisher } = await pair(await startBroker(), '#')
    const topicName = `${'\u00e9'.repeat(32_767)}x`
    publisher.publish(topicName, 'x')

    expect((await subscriber.message()).topic).toBe(topicName)
  })

  it('[v5:MQTT-3.3.4-2, v311:MQTT-3.3.5-1] comes at the highest QoS that overlapping subscriptions were granted', async () => {
    const test = await startBroker()
    const { subscriber, publisher } = await pair(test, 'a/#', 0)
    await subscriber.subscribe([
      { topicFilter: 'a/+', qos: 2 },
      { topicFilter: '+/b', qos: 1 },
    ])
    await publisher.publishAndWait('a/b', 'x', { qos: 2 })

    expect(await subscriber.message()).toMatchObject({ qos: 2 })
    await subscriber.quiet()
  })

  it('[v311:MQTT-3.3.5-2, V31-21] that is not allowed is acknowledged and passed to nobody', async () => {
    const access = testAccess({
      authenticate: () => ({ identity: null }),
      mayPublish: () => false,
    })
    const { subscriber, publisher } = await pair(await startBroker({ access }), '#')
    const answers = [
      await publisher.publishAndWait('t', 'x', { qos: 1 }),
      await publisher.publishAndWait('t', 'x', { qos: 2 }),
    ]

    expect(answers.map((answer) => answer?.reasonCode)).toEqual(version === V5 ? [0x87, 0x87] : [0, 0])
    await subscriber.quiet()
  })

  it.each([
    [0, 0],
    [0, 1],
    [0, 2],
    [1, 0],
    [1, 1],
    [1, 2],
    [2, 0],
    [2, 1],
    [2, 2],
  ] as const)(
    '[v5:MQTT-3.8.4-8, v311:MQTT-3.8.4-6] at QoS %i to a subscription of QoS %i comes at the lower one',
    async (published, granted) => {
      const { subscriber, publisher } = await pair(await startBroker(), 't', granted)
      await publisher.publishAndWait('t', 'x', { qos: published })

      expect((await subscriber.message()).qos).toBe(Math.min(published, granted))
    },
  )
})

describe('a broken PUBLISH', () => {
  it.each([V3_1_1, V5])(
    '[v5:MQTT-4.13.1-1, v311:MQTT-4.8.0-1] closes its own connection and no other, level %i',
    async (version) => {
      const { client } = await startBroker()
      const other = await client({ version })
      const broken = await client({ version })
      broken.sendBytes('30 01 00')
      await broken.closed()

      await other.quiet()
    },
  )
})
