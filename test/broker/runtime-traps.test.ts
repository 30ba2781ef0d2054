import { connect } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { SystemClock } from '../../src/broker/clock.ts'
import { Alarm } from '../../src/client/alarm.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { Message } from '../../src/codec/message.ts'
import { Role } from '../../src/codec/packet-type.ts'
import type { Publish } from '../../src/codec/packets/publish.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { matches } from '../../src/topic/topic-filter.ts'
import { hex, packet } from '../support/hex.ts'
import { startBroker } from '../support/test-broker.ts'

const { V5 } = ProtocolVersion
const LONGEST_TIMER_MS = 2_147_483_647
const MAX_UINT32 = 0xffff_ffff

afterEach(() => {
  vi.useRealTimers()
})

/** Things of the runtime that have bitten others; what is shown is that they do not bite here. */
describe('timers', () => {
  it.each([
    ['the clock of the broker', (atMs: number, wake: () => void) => new SystemClock().wakeAt(atMs, wake)],
    ['the alarm of a client', (atMs: number, wake: () => void) => new Alarm(wake).set(atMs)],
  ])('Z-01 are never given more than they take: %s', (_, wakeAt) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] })
    const wake = vi.fn()
    wakeAt(performance.now() + MAX_UINT32 * 1000, wake)
    vi.advanceTimersByTime(LONGEST_TIMER_MS - 1)
    expect(wake).not.toHaveBeenCalled()
    vi.advanceTimersByTime(2)

    // too early, and then whoever set it looks again
    expect(wake).toHaveBeenCalledOnce()
  })
})

describe('a message that outlives its chunk', () => {
  it('Z-03 keeps its own bytes and not the chunk', () => {
    const chunk = Buffer.alloc(65_536)
    packet('31', '00 01 74 00', '78 79').copy(chunk)
    const kept: Message[] = []
    const receivePublish = ({ message }: Publish): void => {
      kept.push(message.own())
    }
    const decoder = new Decoder(Role.CLIENT, 1000, V5)
    decoder.push(chunk.subarray(0, 8), { receivePublish, receiveAcknowledgement() {}, receivePacket() {} })
    chunk.fill(0xff)

    expect(kept.map(({ topic, payload }) => `${topic} ${payload}`)).toEqual(['t xy'])
    expect(kept[0]!.bytes.buffer).not.toBe(chunk.buffer)
  })
})

describe('keys that strangers choose', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']

  it.each(names)('Z-04 are only keys: %s as client id, topic, level and share name', async (name) => {
    const { client } = await startBroker()
    const first = await client({ clientId: name, cleanStart: false, properties: { sessionExpiryIntervalSeconds: 60 } })
    expect(first.connack.sessionPresent).toBe(false)
    await first.subscribe([name, `+/${name}`, `$share/${name}/shared`])
    const publisher = await client()
    for (const topicName of [name, `x/${name}`, 'shared', 'other']) {
      await publisher.publishAndWait(topicName, topicName, { qos: 1, retain: true })
    }
    for (const topic of [name, `x/${name}`, 'shared']) expect(await first.message()).toMatchObject({ topic })
    await first.quiet()
    await first.subscribe(name)

    expect(await first.message()).toMatchObject({ topic: name, retain: true })
  })
})

describe('numbers of 32 bits', () => {
  it('Z-05 are unsigned: the largest expiry and packet size are no negative ones', async () => {
    const { client } = await startBroker()
    for (const largest of [0x8000_0000, MAX_UINT32]) {
      const properties = { sessionExpiryIntervalSeconds: largest, maximumPacketBytes: largest }
      const subscriber = await client({ clientId: `c${largest}`, cleanStart: false, properties })
      await subscriber.subscribe({ topicFilter: 't', qos: 1 })
      const publisher = await client()
      const messageExpiryIntervalSeconds = largest
      await publisher.publishAndWait('t', 'live', { qos: 1, properties: { messageExpiryIntervalSeconds } })
      expect((await subscriber.message()).properties).toEqual({ messageExpiryIntervalSeconds })
      await subscriber.end()

      expect((await client({ clientId: `c${largest}`, cleanStart: false })).connack.sessionPresent).toBe(true)
    }
  })

  it('Z-05 are unsigned in a message of one of our own too', () => {
    const properties = { messageExpiryIntervalSeconds: MAX_UINT32 }

    expect(Message.create('t', '', { properties }).remainingExpirySeconds(1000)).toBe(MAX_UINT32 - 1)
  })
})

describe('errors of sockets', () => {
  it('Z-07 end nothing but their connection: resets at once, in the middle of CONNECT, and after it', async () => {
    const { broker, client } = await startBroker()
    const witness = await client()
    const { hostname, port } = new URL(broker.url)
    for (const bytes of ['', '10', '10 0d 00 04 4d 51 54 54 05 02 00 00 00 00 00', 'ff']) {
      const socket = connect({ host: hostname, port: Number(port) })
      await new Promise<void>((resolve) => socket.once('connect', resolve))
      socket.write(hex(bytes))
      socket.resetAndDestroy()
      await new Promise<void>((resolve) => socket.once('close', () => resolve()))
    }
    const late = await client()
    late.cut()

    await witness.quiet()
  })
})

describe('deep topics', () => {
  it.each([
    ['#', true],
    [`${'+/'.repeat(32_766)}+`, true],
    [`${'+/'.repeat(32_766)}#`, true],
    [`${'+/'.repeat(20_000)}+`, false],
  ])('Z-09 of 32,767 levels are matched without recursion (filter %#)', (filter, isMatch) => {
    expect(matches(filter, `${'a/'.repeat(32_766)}a`)).toBe(isMatch)
  })
})
