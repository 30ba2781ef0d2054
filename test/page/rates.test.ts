import { describe, expect, it } from 'vitest'
import { type Counters, MAXIMUM_POINTS, Rates } from '../../src/page/rates.ts'

function counters(uptimeSeconds: number, messages: number): Counters {
  return { uptimeSeconds, messagesReceived: messages, messagesSent: 0, bytesReceived: messages * 10, bytesSent: 0 }
}

describe('rates', () => {
  it('are the growth per second by the clock of the broker', () => {
    const rates = new Rates()
    for (const [seconds, messages] of [
      [10, 100],
      [11, 150],
      [13, 160],
    ] as const)
      rates.add(counters(seconds, messages))

    expect(rates.of('messagesReceived')).toEqual([50, 5])
    expect(rates.of('bytesReceived')).toEqual([500, 50])
  })

  it('begin anew with a broker that has started again, and at the same moment say nothing', () => {
    const rates = new Rates()
    rates.add(counters(100, 100))
    rates.add(counters(1, 5))
    rates.add(counters(1, 5))
    rates.add(counters(2, 7))

    expect(rates.of('messagesReceived')).toEqual([2])
  })

  it('are kept for two minutes', () => {
    const rates = new Rates()
    for (let second = 0; second <= MAXIMUM_POINTS + 5; second++) rates.add(counters(second, second * second))

    expect(rates.of('messagesReceived')).toHaveLength(MAXIMUM_POINTS)
    expect(rates.of('messagesReceived').at(-1)).toBe(2 * MAXIMUM_POINTS + 9)
  })
})
