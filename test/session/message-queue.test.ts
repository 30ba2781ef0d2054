import { describe, expect, it } from 'vitest'
import { Message } from '../../src/codec/message.ts'
import { QoS } from '../../src/codec/qos.ts'
import { Delivery } from '../../src/session/delivery.ts'
import { MessageQueue, OverflowPolicy, REJECTED } from '../../src/session/message-queue.ts'

const PLENTY = Number.MAX_SAFE_INTEGER

function delivery(name: string, payloadBytes = 0): Delivery {
  return new Delivery(Message.create(name, Buffer.alloc(payloadBytes)), QoS.AT_LEAST_ONCE, false, null)
}

function queue(maximumMessages: number, maximumBytes = PLENTY, policy: OverflowPolicy = OverflowPolicy.REJECT_NEWEST) {
  return new MessageQueue(maximumMessages, maximumBytes, policy)
}

function names(deliveries: Iterable<Delivery>): string[] {
  return [...deliveries].map(({ message }) => message.topicName)
}

/** Bytes that a queue counts for a message of one byte of topic and no payload. */
const LEAST = (() => {
  const one = queue(1)
  one.push(delivery('a'))
  return one.bytes
})()

describe('MessageQueue', () => {
  it('gives back what came first, first', () => {
    const waiting = queue(10)
    for (const name of ['a', 'b', 'c']) waiting.push(delivery(name))

    expect(waiting.peek()?.message.topicName).toBe('a')
    expect([waiting.shift(), waiting.shift(), waiting.shift()].map((one) => one?.message.topicName)).toEqual([
      'a',
      'b',
      'c',
    ])
    expect([waiting.shift(), waiting.peek()]).toEqual([null, null])
  })

  it('weighs topic, payload and what a delivery costs, and is empty at 0 again', () => {
    const waiting = queue(10)
    waiting.push(delivery('abc', 100))

    expect(waiting.bytes).toBe(LEAST + 102)
    waiting.shift()
    expect([waiting.bytes, waiting.length]).toEqual([0, 0])
  })

  it('refuses the newest above its number of messages', () => {
    const waiting = queue(2)

    expect(['a', 'b', 'c'].map((name) => waiting.push(delivery(name)))).toEqual([0, 0, REJECTED])
    expect(names(waiting)).toEqual(['a', 'b'])
  })

  it('refuses the newest above its bytes, and takes one that just fits', () => {
    const waiting = queue(10, LEAST * 2)

    expect([waiting.push(delivery('a')), waiting.push(delivery('b', 1)), waiting.push(delivery('c'))]).toEqual([
      0,
      REJECTED,
      0,
    ])
  })

  it('drops as many of the oldest as the newest needs', () => {
    const waiting = queue(3, LEAST * 3 + 10, OverflowPolicy.DROP_OLDEST)
    for (const name of ['a', 'b', 'c']) waiting.push(delivery(name))

    expect(waiting.push(delivery('d', LEAST))).toBe(2)
    expect(names(waiting)).toEqual(['c', 'd'])
  })

  it('drops nothing for a message that would not fit into the empty queue', () => {
    const waiting = queue(3, LEAST * 2, OverflowPolicy.DROP_OLDEST)
    waiting.push(delivery('a'))

    expect(waiting.push(delivery('b', LEAST * 2))).toBe(REJECTED)
    expect(names(waiting)).toEqual(['a'])
  })

  it.each(Object.entries(OverflowPolicy))('takes nothing when it may hold nothing: %s', (_, policy) => {
    expect(queue(0, PLENTY, policy).push(delivery('a'))).toBe(REJECTED)
  })

  it('puts deliveries in front, above its bounds, and keeps its account', () => {
    const waiting = queue(2)
    waiting.push(delivery('c'))
    waiting.shift()
    for (const name of ['c', 'd']) waiting.push(delivery(name))
    waiting.unshift([delivery('a'), delivery('b')])

    expect(names(waiting)).toEqual(['a', 'b', 'c', 'd'])
    expect([waiting.length, waiting.bytes]).toEqual([4, LEAST * 4])
    expect(waiting.push(delivery('e'))).toBe(REJECTED)
  })

  it('takes out what is not wanted and keeps the order of the rest', () => {
    const waiting = queue(10)
    for (const name of ['a', 'b', 'c', 'd']) waiting.push(delivery(name))
    waiting.shift()
    const removed = waiting.removeIf(({ message }) => message.topicName === 'c')

    expect([names(removed), names(waiting), waiting.bytes]).toEqual([['c'], ['b', 'd'], LEAST * 2])
  })

  it('holds its account over many thousands of messages in and out', () => {
    const waiting = queue(PLENTY)
    const taken: string[] = []
    const take = (): boolean => {
      const one = waiting.shift()
      if (one !== null) taken.push(one.message.topicName)
      return one !== null
    }
    for (let i = 0; i < 20_000; i++) {
      waiting.push(delivery(`t${i}`))
      if (i % 3 === 0) take()
    }
    while (take()) {}

    expect(taken).toEqual(Array.from({ length: 20_000 }, (_, i) => `t${i}`))
    expect([waiting.length, waiting.bytes]).toEqual([0, 0])
  })
})
