import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { packet, utf8 } from '../../support/hex.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
const { V5 } = ProtocolVersion

/** Property Length 0 where the version has properties. */
function noProperties(version: ProtocolVersion): string {
  return version === V5 ? '00' : ''
}

/** Payloads of all messages that come before the server has nothing more to say; QoS 0 only, so that nothing is owed. */
async function payloads(subscriber: RawClient): Promise<string[]> {
  const packets = await subscriber.untilPong()
  return packets.map((one) => (one.packetType === PacketType.PUBLISH ? one.message.payload.toString() : 'no PUBLISH'))
}

describe.each(EACH_VERSION)('publishing to the broker in MQTT %s', (_name, version) => {
  async function publisherAndSubscriber() {
    const broker = await startBroker()
    const subscriber = await broker.client({ version })
    await subscriber.subscribe('#')
    const publisher = await broker.client(keeping(version, 'publisher'))
    return { broker, subscriber, publisher }
  }

  it.each([
    ['PUBLISH at QoS 1', packet('32', `0001 61 0000 ${noProperties(version)} 78`)],
    ['PUBLISH at QoS 2', packet('34', `0001 61 0000 ${noProperties(version)} 78`)],
    ['SUBSCRIBE', packet('82', `0000 ${noProperties(version)} 0001 61 00`)],
    ['UNSUBSCRIBE', packet('a2', `0000 ${noProperties(version)} 0001 61`)],
  ])(
    'P-01 [v311:MQTT-2.3.1-1] [v311:U311-3.3.2.2-1] [v5:MQTT-2.2.1-3] [v5:U5-2.2.1-1] closes on Packet Identifier 0 in %s',
    async (_packet, bytes) => {
      const { publisher, subscriber } = await publisherAndSubscriber()
      publisher.sendBytes(bytes)
      await publisher.closesWith(0x82)
      await subscriber.quiet()
    },
  )

  it.each([
    ['with +', 'a/+', 0x90],
    ['with + inside a level', 'a+', 0x90],
    ['with #', 'a/#', 0x90],
    ['that is # alone', '#', 0x90],
    ['that is empty', '', 0x82],
  ])(
    'P-02 [v311:MQTT-3.3.2-2] [v311:MQTT-4.7.1-1] [v311:MQTT-4.7.3-1] [v311:MQTT-4.8.0-1] [v5:MQTT-3.3.2-2] [v5:MQTT-4.7.0-1] [v5:MQTT-4.7.3-1] [v5:U5-3.3.2.1-1] closes on a Topic Name %s and routes nothing',
    async (_case, topicName, reasonCode) => {
      const { publisher, subscriber } = await publisherAndSubscriber()
      publisher.sendBytes(packet('30', utf8(topicName), noProperties(version), '78'))
      await publisher.closesWith(reasonCode)
      await subscriber.quiet()
    },
  )

  it('P-03 [v311:MQTT-4.3.2-2] [v311:MQTT-3.3.4-1] [v5:MQTT-4.3.2-4] [v5:MQTT-4.3.2-5] [v5:MQTT-3.3.4-1] takes a QoS 1 id for a new message after PUBACK, although DUP is 1', async () => {
    const { publisher, subscriber } = await publisherAndSubscriber()
    for (const payload of ['same', 'same', 'other']) {
      publisher.publish('a', payload, { qos: 1, packetId: 7, dup: true })
      expect(await publisher.expect(PUBACK)).toMatchObject({ packetId: 7, reasonCode: 0 })
    }
    expect(await payloads(subscriber)).toEqual(['same', 'same', 'other'])
  })

  it('P-03 takes two identical QoS 1 packets in one segment for two messages', async () => {
    const { publisher, subscriber } = await publisherAndSubscriber()
    const twice = packet('3a', `0001 61 0007 ${noProperties(version)} 78`)
    publisher.sendBytes(Buffer.concat([twice, twice]))
    expect(await publisher.expect(PUBACK)).toMatchObject({ packetId: 7 })
    expect(await publisher.expect(PUBACK)).toMatchObject({ packetId: 7 })
    expect(await payloads(subscriber)).toEqual(['x', 'x'])
  })

  it.each([
    ['DUP 0', false],
    ['DUP 1', true],
  ])(
    'P-04 [v311:MQTT-4.3.3-2] [v5:MQTT-4.3.3-8] [v5:MQTT-4.3.3-10] answers each of 2,000 repeats of a QoS 2 message with PUBREC and delivers it once (%s)',
    async (_case, dup) => {
      const { publisher, subscriber } = await publisherAndSubscriber()
      publisher.publish('a', 'once', { qos: 2, packetId: 7 })
      for (let i = 0; i < 2000; i++) publisher.publish('a', 'once', { qos: 2, packetId: 7, dup })
      for (let i = 0; i < 2001; i++)
        expect(await publisher.expect(PUBREC)).toMatchObject({ packetId: 7, reasonCode: 0 })
      await publisher.quiet()
      expect(await payloads(subscriber)).toEqual(['once'])
    },
  )

  it('P-04 [v311:MQTT-4.4.0-1] [v5:MQTT-4.3.3-10] delivers once also when the repeat comes on the next connection', async () => {
    const { broker, publisher, subscriber } = await publisherAndSubscriber()
    publisher.publish('a', 'once', { qos: 2, packetId: 7 })
    await publisher.expect(PUBREC)
    await publisher.end()
    const again = await broker.client(keeping(version, 'publisher'))
    again.publish('a', 'once', { qos: 2, packetId: 7, dup: true })
    expect(await again.expect(PUBREC)).toMatchObject({ packetId: 7, reasonCode: 0 })
    again.acknowledge(PUBREL, 7)
    expect(await again.expect(PUBCOMP)).toMatchObject({ packetId: 7, reasonCode: 0 })
    expect(await payloads(subscriber)).toEqual(['once'])
  })

  it('P-05 [v311:MQTT-4.3.3-2] [v5:MQTT-4.3.3-11] [v5:MQTT-4.3.3-12] takes a QoS 2 id for a new message after PUBCOMP', async () => {
    const { publisher, subscriber } = await publisherAndSubscriber()
    for (const payload of ['first', 'second', 'second']) {
      publisher.publish('a', payload, { qos: 2, packetId: 7 })
      expect(await publisher.expect(PUBREC)).toMatchObject({ packetId: 7, reasonCode: 0 })
      publisher.acknowledge(PUBREL, 7)
      expect(await publisher.expect(PUBCOMP)).toMatchObject({ packetId: 7, reasonCode: 0 })
    }
    expect(await payloads(subscriber)).toEqual(['first', 'second', 'second'])
  })

  it('P-06 delivers a QoS 2 message with PUBREC and not with PUBREL, once', async () => {
    const { publisher, subscriber } = await publisherAndSubscriber()
    publisher.publish('a', 'early', { qos: 2, packetId: 7 })
    await publisher.expect(PUBREC)
    expect(await payloads(subscriber)).toEqual(['early'])
    publisher.acknowledge(PUBREL, 7)
    await publisher.expect(PUBCOMP)
    expect(await payloads(subscriber)).toEqual([])
  })

  it('P-06 has published for a client that breaks off and never sends PUBREL', async () => {
    const { broker, publisher, subscriber } = await publisherAndSubscriber()
    publisher.publish('a', 'kept', { qos: 2, packetId: 7 })
    await publisher.expect(PUBREC)
    await publisher.end()
    expect(await payloads(subscriber)).toEqual(['kept'])
    const again = await broker.client(keeping(version, 'publisher'))
    expect(again.connack.sessionPresent).toBe(version !== ProtocolVersion.V3_1)
    expect(await payloads(subscriber)).toEqual([])
  })

  it('P-08 [v311:MQTT-4.3.3-2] [v311:MQTT-2.3.1-6] [v5:MQTT-4.3.3-11] [v5:MQTT-2.2.1-5] answers PUBREL of an unknown id with PUBCOMP', async () => {
    const { publisher } = await publisherAndSubscriber()
    publisher.acknowledge(PUBREL, 99)
    expect(await publisher.expect(PUBCOMP)).toMatchObject({ packetId: 99, reasonCode: version === V5 ? 0x92 : 0 })
    await publisher.quiet()
  })

  it('P-09 acknowledges in the order of the PUBLISH packets, per kind', async () => {
    const { publisher } = await publisherAndSubscriber()
    const ids = [9, 2, 30, 1, 17, 5, 300, 4]
    for (const packetId of ids) {
      publisher.publish('a', 'one', { qos: 1, packetId: packetId + 1000 })
      publisher.publish('a', 'two', { qos: 2, packetId })
    }
    const firsts = await publisher.untilPong()
    for (const packetId of ids) publisher.acknowledge(PUBREL, packetId)
    const lasts = await publisher.untilPong()
    const of = (packets: typeof firsts, type: PacketType) =>
      packets.flatMap((one) => (one.packetType === type && 'packetId' in one ? [one.packetId] : []))
    expect(of(firsts, PUBACK)).toEqual(ids.map((id) => id + 1000))
    expect(of(firsts, PUBREC)).toEqual(ids)
    expect(of(lasts, PUBCOMP)).toEqual(ids)
    expect(firsts.length + lasts.length).toBe(3 * ids.length)
  })

  it.each([
    [1, 1],
    [1, 2],
    [2, 1],
    [2, 2],
  ] as const)(
    'P-10 keeps ids of both sides apart: id 1 is open in both directions, out at QoS %d and in at QoS %d',
    async (qosOut, qosIn) => {
      const { broker } = await publisherAndSubscriber()
      const both = await broker.client({ version })
      await both.subscribe({ topicFilter: 'out', qos: 2 })
      const other = await broker.client({ version })
      await other.publishAndWait('out', 'to you', { qos: qosOut })
      const out = await both.message()
      expect(out).toMatchObject({ packetId: 1, qos: qosOut, payload: 'to you' })

      both.publish('in', 'from you', { qos: qosIn, packetId: 1 })
      const first = await both.expect(qosIn === 1 ? PUBACK : PUBREC)
      expect(first.packetId).toBe(1)
      both.acknowledge(qosOut === 1 ? PUBACK : PUBREC, 1)
      if (qosOut === 2) {
        expect(await both.expect(PUBREL)).toMatchObject({ packetId: 1, reasonCode: 0 })
        both.acknowledge(PUBCOMP, 1)
      }
      if (qosIn === 2) {
        both.acknowledge(PUBREL, 1)
        expect(await both.expect(PUBCOMP)).toMatchObject({ packetId: 1, reasonCode: 0 })
      }
      await both.quiet()
      expect(broker.broker.metrics.acknowledgementsUnknown).toBe(0)
    },
  )

  it('P-11 refuses a QoS 1 PUBLISH with the id of an open QoS 2 exchange, and that exchange goes on', async () => {
    const { broker, publisher, subscriber } = await publisherAndSubscriber()
    publisher.publish('a', 'two', { qos: 2, packetId: 7 })
    await publisher.expect(PUBREC)
    publisher.publish('a', 'one', { qos: 1, packetId: 7 })
    let releasing: RawClient = publisher
    if (version === V5) expect(await publisher.expect(PUBACK)).toMatchObject({ packetId: 7, reasonCode: 0x91 })
    else {
      await publisher.closesWith(0x82)
      releasing = await broker.client(keeping(version, 'publisher'))
      releasing.publish('a', 'two', { qos: 2, packetId: 7, dup: true })
      expect(await releasing.expect(PUBREC)).toMatchObject({ packetId: 7 })
    }
    releasing.acknowledge(PUBREL, 7)
    expect(await releasing.expect(PUBCOMP)).toMatchObject({ packetId: 7, reasonCode: 0 })
    expect(await payloads(subscriber)).toEqual(['two'])
  })

  it('P-17 [v311:MQTT-3.3.1-3] [v5:MQTT-3.3.1-3] never passes DUP of the incoming packet on', async () => {
    const { broker, publisher } = await publisherAndSubscriber()
    const subscriber = await broker.client({ version })
    await subscriber.subscribe({ topicFilter: 'a', qos: 2 })
    publisher.publish('a', 'one', { qos: 1, dup: true })
    publisher.publish('a', 'two', { qos: 2, dup: true })
    expect(await subscriber.message()).toMatchObject({ payload: 'one', qos: 1, dup: false })
    expect(await subscriber.message()).toMatchObject({ payload: 'two', qos: 2, dup: false })
  })

  it('P-18 gives a publisher its own message', async () => {
    const { publisher } = await publisherAndSubscriber()
    await publisher.subscribe('own/+')
    publisher.publish('own/1', 'mine')
    expect(await publisher.message()).toMatchObject({ topic: 'own/1', payload: 'mine' })
    await publisher.quiet()
  })

  it.each([1, 2] as const)(
    'P-19 [v311:MQTT-4.5.0-1] [v5:MQTT-4.5.0-1] acknowledges QoS %d when the message is in the session of every match, connected or not',
    async (qos) => {
      const { broker, publisher } = await publisherAndSubscriber()
      const connected = await broker.client({ version })
      await connected.subscribe({ topicFilter: 'a/+', qos: 2 })
      for (const clientId of ['away1', 'away2']) {
        const away = await broker.client(keeping(version, clientId))
        await away.subscribe({ topicFilter: 'a/#', qos: 2 })
        await away.end()
      }
      publisher.publish('a/b', 'for all', { qos })
      await publisher.expect(qos === 1 ? PUBACK : PUBREC)
      publisher.cut()
      expect(await connected.message()).toMatchObject({ payload: 'for all', qos })
      for (const clientId of ['away1', 'away2']) {
        const back = await broker.client(keeping(version, clientId))
        expect(await back.message()).toMatchObject({ topic: 'a/b', payload: 'for all', qos, dup: false })
      }
    },
  )
})

describe('publishing to the broker in MQTT 5.0 only', () => {
  it('P-18 keeps from a publisher its own message with No Local', async () => {
    const { client } = await startBroker()
    const publisher = await client()
    await publisher.subscribe({ topicFilter: 'own', noLocal: true })
    publisher.publish('own', 'mine')
    await publisher.quiet()
  })

  it.each([
    ['PUBACK', 1, PUBACK],
    ['PUBREC', 2, PUBREC],
  ] as const)('[v5:U5-3.4.2.1-1] takes %s in its forms of length 2, 3 and 4', async (_packet, qos, type) => {
    const { client, broker } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe({ topicFilter: 'a', qos })
    const publisher = await client()
    for (const [length, rest] of [
      ['02', ''],
      ['03', '00'],
      ['04', '00 00'],
    ]) {
      await publisher.publishAndWait('a', 'x', { qos })
      const { packetId } = await subscriber.message()
      subscriber.sendBytes(`${type}0 ${length} 00 0${packetId} ${rest}`)
      if (qos === 1) await subscriber.quiet()
      else expect(await subscriber.expect(PUBREL)).toMatchObject({ packetId, reasonCode: 0 })
    }
    expect(broker.metrics.acknowledgementsUnknown).toBe(0)
  })
})
