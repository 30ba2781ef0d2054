import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { Message } from '../../../src/codec/message.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Publish } from '../../../src/codec/packets/publish.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { DropReason } from '../../../src/session/qos-sender.ts'
import type { TransportHandler } from '../../../src/transport/transport.ts'
import { FakeTransport } from '../../support/fake-transport.ts'
import { connectPacket, type RawClient } from '../../support/raw-client.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V3_1, V5 } = ProtocolVersion
const { QUEUE_FULL } = DropReason
const MIB = 1_048_576
const COUNT = 1500
const BATCH = 50
const PADDING = 'x'.repeat(10_000)
/** Little on its way to one client, so that 15 MB are a lot. */
const tight = { maximumOutputBytes: 131_072, maximumQos0QueuedBytes: MIB }

/** Publishes 15 MB of numbered messages, 500 kB at a time. @param taken awaited when the broker has taken so many more */
async function flood(publisher: RawClient, qos: 0 | 1, taken?: (count: number) => Promise<void>): Promise<void> {
  for (let first = 0; first < COUNT; first += BATCH) {
    const packets = numbers(first, first + BATCH).map((number) => {
      const message = Message.create('load', `${number} ${PADDING}`, { qos })
      return encodePacket(new Publish(message, qos, false, qos * (number + 1)), publisher.version)
    })
    publisher.sendBytes(Buffer.concat(packets))
    const answers = await publisher.untilPong()
    expect(answers.map((packet) => packet.packetType)).toEqual(Array(qos * BATCH).fill(PacketType.PUBACK))
    await taken?.(BATCH)
  }
}

/** The numbers of so many messages, QoS 1 acknowledged as they come. */
async function takeNumbers(subscriber: RawClient, count: number): Promise<number[]> {
  const numbers: number[] = []
  while (numbers.length < count) {
    const { payload, packetId } = await subscriber.message()
    if (packetId > 0) subscriber.acknowledge(PacketType.PUBACK, packetId)
    numbers.push(Number.parseInt(payload, 10))
  }
  return numbers
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)

describe.each(EACH_VERSION)('a client of MQTT %s that does not read', (_name, version) => {
  async function stalledAndReading(qos: 0 | 1) {
    const broker = await startBroker({ limits: tight })
    const stalled = await broker.client(keeping(version, 'stalled'))
    await stalled.subscribe({ topicFilter: 'load', qos })
    stalled.socket.pause()
    const reading = await broker.client({ version })
    await reading.subscribe({ topicFilter: 'load', qos })
    const publisher = await broker.client({ version })
    return { ...broker, stalled, reading, publisher }
  }

  it('L-01 O-12 loses the oldest QoS 0 messages above the limit, and nobody else loses anything', async () => {
    const { broker, stalled, reading, publisher } = await stalledAndReading(0)
    const numbersRead: number[] = []
    await flood(publisher, 0, async (count) => void numbersRead.push(...(await takeNumbers(reading, count))))
    expect(numbersRead).toEqual(numbers(0, COUNT))

    const lost = broker.metrics.messagesDropped[QUEUE_FULL]!
    expect(lost).toBeGreaterThan(0)
    stalled.socket.resume()
    const rest = await takeNumbers(stalled, COUNT - lost)
    await stalled.quiet()
    // what was on its way, then the newest
    const gap = rest.findIndex((number, i) => number !== i)
    expect(rest).toEqual([...numbers(0, gap), ...numbers(gap + lost, COUNT)])
    expect((rest.length - gap) * PADDING.length).toBeLessThan(MIB)
    expect(broker.metrics.messagesDropped[QUEUE_FULL]).toBe(lost)
  })

  it('L-01 O-12 gets all QoS 1 messages when it reads again, in order and once', async () => {
    const { broker, stalled, reading, publisher } = await stalledAndReading(1)
    const numbersRead: number[] = []
    await flood(publisher, 1, async (count) => void numbersRead.push(...(await takeNumbers(reading, count))))
    expect(numbersRead).toEqual(numbers(0, COUNT))
    expect(broker.metrics.messagesSent[1]).toBeLessThan(2 * COUNT)
    stalled.socket.resume()
    expect(await takeNumbers(stalled, COUNT)).toEqual(numbers(0, COUNT))
    await stalled.quiet()
    expect([...broker.metrics.messagesDropped]).toEqual([0, 0, 0, 0, 0, 0, 0])
  })

  it('L-03 is closed after 60 s in which it neither reads nor acknowledges; its session stays', async () => {
    const { broker, client, clock, logged, stalled, publisher } = await stalledAndReading(1)
    await flood(publisher, 1)
    clock.advance(59_999)
    expect(broker.gauges.clientsConnected).toBe(3)
    // the first message was sent with id 1
    stalled.acknowledge(PacketType.PUBACK, 1)
    while (broker.metrics.packetsReceived[PacketType.PUBACK] === 0) await publisher.quiet()
    clock.advance(59_999)
    expect(broker.gauges.clientsConnected).toBe(3)
    clock.advance(1)
    expect(broker.gauges.clientsConnected).toBe(2)
    expect((await logged('disconnect', 'stalled')).detail).toContain('neither reads nor acknowledges')

    stalled.socket.resume()
    await stalled.closed()
    const last = stalled.waiting.at(-1)
    if (version === V5) expect(last).toMatchObject({ packetType: PacketType.DISCONNECT, reasonCode: 0x97 })
    else expect(last?.packetType).toBe(PacketType.PUBLISH)

    const back = await client(keeping(version, 'stalled'))
    expect(back.connack.sessionPresent).toBe(version !== V3_1)
    expect(await back.message()).toMatchObject({ packetId: 2, dup: true })
    expect(await takeNumbers(back, COUNT - 2)).toEqual(numbers(2, COUNT))
  })
})

/** A socket of which the test decides what the kernel takes. */
class ScriptedTransport extends FakeTransport {
  handler: TransportHandler | null = null

  override start(handler: TransportHandler): void {
    super.start(handler)
    this.handler = handler
  }

  override destroy(): void {
    super.destroy()
    const { handler } = this
    this.handler = null
    handler?.closed(null)
  }
}

it('L-03 goes on as long as a client takes something now and then', async () => {
  const { broker, client, clock } = await startBroker({ limits: tight })
  const transport = new ScriptedTransport()
  broker.accept(transport)
  const options = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  transport.handler!.data(encodePacket(connectPacket({ clientId: 'slow' }), V5))
  transport.handler!.data(encodePacket(new Subscribe(1, [{ topicFilter: 'load', qos: 0, ...options }]), V5))
  const publisher = await client()
  await publisher.quiet()
  try {
    transport.roomBytes = 0
    await flood(publisher, 0)
    expect(transport.bufferedBytes).toBeGreaterThan(0)
    for (let i = 0; i < 5; i++) {
      clock.advance(59_999)
      expect(broker.gauges.clientsConnected).toBe(2)
      transport.makeRoom(transport.bufferedBytes)
      expect(transport.bufferedBytes).toBeGreaterThan(0)
    }
    clock.advance(59_999)
    expect(broker.gauges.clientsConnected).toBe(2)
    clock.advance(1)
    expect(broker.gauges.clientsConnected).toBe(1)
  } finally {
    transport.destroy()
  }
})

describe.each(EACH_VERSION)('a full queue of MQTT %s', (_name, version) => {
  /** A client that is away and has room for three messages. */
  async function away(options: Parameters<typeof startBroker>[0]): Promise<TestBroker> {
    const broker = await startBroker({ limits: { maximumQueuedMessages: 3 }, ...options })
    const leaving = await broker.client(keeping(version, 'away'))
    await leaving.subscribe({ topicFilter: 'a', qos: 1 })
    leaving.disconnect()
    await leaving.closed()
    return broker
  }

  async function codesOf(publisher: RawClient): Promise<number[]> {
    const codes: number[] = []
    for (let i = 1; i <= 5; i++) codes.push((await publisher.publishAndWait('a', String(i), { qos: 1 }))!.reasonCode)
    return codes
  }

  async function queued({ client }: TestBroker): Promise<string[]> {
    const back = await client(keeping(version, 'away'))
    const payloads = (await back.untilPong()).map((packet) => {
      return packet.packetType === PacketType.PUBLISH ? packet.message.payload.toString() : ''
    })
    back.disconnect()
    await back.closed()
    return payloads
  }

  it('L-02 P-20 refuses the newest message with 0x97 when nobody took it', async () => {
    const broker = await away({})
    const publisher = await broker.client({ version })
    const no = version === V5 ? 0x97 : 0
    expect(await codesOf(publisher)).toEqual([0, 0, 0, no, no])
    expect(broker.broker.metrics.messagesDropped[QUEUE_FULL]).toBe(2)
    expect(await queued(broker)).toEqual(['1', '2', '3'])
    await publisher.quiet()
  })

  it('L-02 says nothing to the publisher when somebody else took the message', async () => {
    const broker = await away({})
    const taker = await broker.client({ version })
    await taker.subscribe('a')
    expect(await codesOf(await broker.client())).toEqual([0, 0, 0, 0, 0])
    expect(broker.broker.metrics.messagesDropped[QUEUE_FULL]).toBe(2)
    expect(await queued(broker)).toEqual(['1', '2', '3'])
  })

  it('L-02 gives up the oldest when it is told to', async () => {
    const broker = await away({ queueOverflow: 'drop-oldest' })
    expect(await codesOf(await broker.client())).toEqual([0, 0, 0, 0, 0])
    expect(broker.broker.metrics.messagesDropped[QUEUE_FULL]).toBe(2)
    expect(await queued(broker)).toEqual(['3', '4', '5'])
  })

  it('L-02 is full by bytes too', async () => {
    const broker = await away({ limits: { maximumQueuedBytes: 2000 } })
    const publisher = await broker.client()
    const payload = 'x'.repeat(700)
    const codes: number[] = []
    for (let i = 0; i < 3; i++) codes.push((await publisher.publishAndWait('a', payload, { qos: 1 }))!.reasonCode)
    expect(codes).toEqual([0, 0, 0x97])
    expect(await queued(broker)).toEqual([payload, payload])
  })

  it('L-02 tells the log at most once a minute, and the loss of each client when it goes', async () => {
    const events: string[] = []
    const broker = await away({ log: ({ event, clientId, detail }) => events.push(`${event} ${clientId}: ${detail}`) })
    const told = () => events.filter((line) => line.startsWith('dropped away: a message is lost')).length
    const publisher = await broker.client()
    await codesOf(publisher)
    expect(told()).toBe(1)
    broker.clock.advance(60_000)
    await codesOf(publisher)
    expect(told()).toBe(2)
    await queued(broker)
    expect(events.at(-1)).toBe('disconnect away: client disconnected; dropped for this session: 7 queue-full')
  })
})
