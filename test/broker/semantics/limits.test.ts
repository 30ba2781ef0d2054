import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { Message } from '../../../src/codec/message.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../../src/codec/packets/acknowledgement.ts'
import { Publish } from '../../../src/codec/packets/publish.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { bufferBytes } from '../../support/memory.ts'
import { RawClient } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion
const MIB = 1_048_576

function openSockets(): number {
  return process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length
}

describe.each(EACH_VERSION)('limits in MQTT %s', (_name, version) => {
  it('L-06 refuses one connection too many, and has room again when one has gone', async () => {
    const { broker, client, open, logged } = await startBroker({ limits: { maximumConnections: 2 } })
    const first = await client({ version, clientId: 'first' })
    await client({ version, clientId: 'second' })
    for (let i = 0; i < 3; i++) {
      const refused = await open(version)
      expect(await refused.connect()).toMatchObject({ code: version === V5 ? 0x89 : 3, sessionPresent: false })
      await refused.closed()
    }
    expect(broker.gauges).toMatchObject({ clientsConnected: 2, clientsTotal: 2 })
    await first.quiet()
    first.disconnect()
    await logged('disconnect', 'first')
    await (await client({ version, clientId: 'third' })).quiet()
  })

  it('L-06 S-01 lets a client take over its own id when there is no other room, and counts it once', async () => {
    const { broker, client } = await startBroker({ limits: { maximumConnections: 1 } })
    let holder = await client(keeping(version, 'mine'))
    for (let i = 0; i < 3; i++) {
      const next = await client(keeping(version, 'mine'))
      expect(next.connack).toMatchObject({ code: 0, sessionPresent: version !== V3_1 })
      await holder.closesWith(0x8e)
      holder = next
      expect(broker.gauges.clientsConnected).toBe(1)
    }
    await holder.quiet()
  })

  it('L-07 keeps no trace of clients that come, subscribe, publish and vanish', async () => {
    const { broker, url } = await startBroker()
    const before = { gauges: { ...broker.gauges }, sockets: openSockets() }
    for (let i = 0; i < 90; i++) {
      const passing = await RawClient.connected(url, { version, clientId: `passing${i}`, keepAliveSeconds: 60_000 })
      await passing.subscribe([`own/${i}`, 'all/+', '$share/g/all/#', `$share/g${i}/all/#`])
      passing.publish('all/of', 'x', { qos: 1 })
      passing.publish(`own/${i}`, 'x', { qos: 2 })
      await passing.quiet().catch(() => null)
      if (i % 3 === 0) passing.cut()
      else if (i % 3 === 1) passing.disconnect()
      await passing.end()
    }
    expect(broker.gauges).toEqual({ ...before.gauges, clientsMaximum: broker.gauges.clientsMaximum })
    expect(broker.gauges.clientsMaximum).toBeLessThanOrEqual(2)
    while (openSockets() > before.sockets) await new Promise((resolve) => setImmediate(resolve))
  })

  it('L-08 T-13 refuses a topic of 32,000 levels, in every packet, and goes on', async () => {
    const topic = '/'.repeat(31_999)
    const { client } = await startBroker()
    const greedy = await client({ version })
    const refused = (code: number, olderCode: number) => (version === V5 ? code : olderCode)
    const suback = await greedy.subscribe([topic, `${topic}#`, `$share/g/${topic}`])
    const code = refused(0x97, version === V3_1 ? 0 : 0x80)
    expect(suback.codes).toEqual([code, code, code])
    expect((await greedy.unsubscribe(topic)).codes).toEqual(version === V5 ? [0x11] : [])
    for (const qos of [0, 1, 2] as const) {
      const answer = await greedy.publishAndWait(topic, 'x', { qos, retain: true })
      if (qos > 0) expect(answer!.reasonCode).toBe(refused(0x90, 0))
    }
    await greedy.quiet()
  })
})

describe('limits in MQTT 3.1.1', () => {
  const version = V3_1_1

  it('L-08 R-14 sends 20,000 retained messages below one wildcard', async () => {
    const count = 20_000
    const { broker, client } = await startBroker()
    const publisher = await client({ version })
    const packets = Array.from({ length: count }, (_, i) => {
      return encodePacket(new Publish(Message.create(`a/${i}/b`, 'x', { retain: true }), 0, false, 0), version)
    })
    publisher.sendBytes(Buffer.concat(packets))
    await publisher.untilPong()
    const subscriber = await client({ version })
    await subscriber.subscribe('a/+/b')
    const topics = new Set<string>()
    for (let i = 0; i < count; i++) topics.add((await subscriber.message()).topic)
    expect(topics.size).toBe(count)
    await subscriber.quiet()
    expect(broker.gauges.retainedMessages).toBe(count)
  })

  it('L-08 P-04 holds 65,535 QoS 2 ids open, which are all there are; each is answered again without a second delivery, and free after PUBREL', async () => {
    const count = 65_535
    const { broker, client } = await startBroker()
    const greedy = await client({ version })
    const message = Message.create('a', 'x', { qos: 2 })
    const all = (dup: boolean) =>
      Buffer.concat(Array.from({ length: count }, (_, i) => encodePacket(new Publish(message, 2, dup, i + 1), version)))
    const releases = Array.from({ length: count }, (_, i) =>
      encodePacket(new Acknowledgement(PacketType.PUBREL, i + 1), version),
    )
    for (const dup of [false, true]) {
      greedy.sendBytes(all(dup))
      const answers = await greedy.untilPong()
      expect(answers.length).toBe(count)
      expect(answers.every((packet) => packet.packetType === PacketType.PUBREC)).toBe(true)
      expect(broker.metrics.messagesWithoutSubscriber).toBe(count)
    }
    greedy.sendBytes(Buffer.concat(releases))
    expect((await greedy.untilPong()).every((packet) => packet.packetType === PacketType.PUBCOMP)).toBe(true)
    greedy.publish('a', 'new', { qos: 2, packetId: 1 })
    await greedy.untilPong()
    expect(broker.metrics.messagesWithoutSubscriber).toBe(count + 1)
  })
})

it('L-08 F-06 more open QoS 2 ids than the Receive Maximum end a 5.0 client with 0x93', async () => {
  const { broker, client } = await startBroker()
  const greedy = await client()
  const receiveMaximum = greedy.connack.properties.receiveMaximum!
  for (let packetId = 1; packetId <= receiveMaximum; packetId++) greedy.publish('a', 'x', { qos: 2, packetId })
  expect((await greedy.untilPong()).length).toBe(receiveMaximum)
  greedy.publish('a', 'x', { qos: 2, packetId: receiveMaximum + 1 })
  await greedy.closesWith(0x93)
  expect(broker.metrics.messagesWithoutSubscriber).toBe(receiveMaximum)
})

it('L-07 R-10 keeps nothing of retained messages that were replaced or removed long before they would have expired', async () => {
  const { broker, client } = await startBroker()
  const publisher = await client()
  const properties = { messageExpiryIntervalSeconds: 0xffff_ffff }
  const payload = Buffer.alloc(100_000)
  const publish = async (count: number) => {
    for (let i = 0; i < count; i++) {
      await publisher.publishAndWait('replaced', payload, { qos: 1, retain: true, properties })
      await publisher.publishAndWait(`removed/${i}`, payload, { qos: 1, retain: true, properties })
      await publisher.publishAndWait(`removed/${i}`, '', { qos: 1, retain: true })
    }
  }
  await publish(10)
  const before = await bufferBytes()
  await publish(200)
  expect(broker.gauges.retainedMessages).toBe(1)
  // 40 MB went through
  expect((await bufferBytes()) - before).toBeLessThan(12 * MIB)
})
