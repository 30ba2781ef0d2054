import { describe, expect, it } from 'vitest'
import { DelayLine } from '../../src/proxy/delay-line.ts'
import { FakeClock } from '../support/fake-clock.ts'

function delayLine() {
  const clock = new FakeClock()
  const released: string[] = []
  let moves = 0
  const line = new DelayLine(
    clock,
    (bytes) => released.push(bytes.toString()),
    () => moves++,
  )
  const push = (text: string, delayMs: number): number =>
    line.push(Buffer.from(text), clock.nowMs() + delayMs, text.length) - clock.nowMs()
  return { clock, line, released, push, moves: () => moves }
}

describe('a delay line', () => {
  it('releases at once what is due', () => {
    const { line, push, released, moves } = delayLine()

    expect(push('a', 0)).toBe(0)
    expect([released, line.isEmpty, moves()]).toEqual([['a'], true, 0])
  })

  it('releases when it is due, not earlier, and tells that something moved', () => {
    const { clock, line, push, released, moves } = delayLine()
    push('a', 50)
    push('b', 80)
    clock.advance(49)
    expect(released).toEqual([])
    clock.advance(1)
    expect([released, line.isEmpty, moves()]).toEqual([['a'], false, 1])
    clock.advance(30)

    expect([released, line.isEmpty, moves(), line.waitingBytes]).toEqual([['a', 'b'], true, 2, 0])
  })

  it('lets nothing overtake, and says how long that makes it wait', () => {
    const { clock, push, released } = delayLine()
    push('slow', 50)

    expect([push('fast', 10), push('now', 0)]).toEqual([50, 50])
    clock.advance(49)
    expect(released).toEqual([])
    clock.advance(1)
    expect(released).toEqual(['slow', 'fast', 'now'])
  })

  it('copies a small part of a large chunk, and keeps a whole chunk as it is', () => {
    const { clock, line } = delayLine()
    const chunk = Buffer.alloc(1000, 'x')
    line.push(chunk.subarray(0, 10), clock.nowMs() + 1, chunk.length)
    line.push(chunk.subarray(10), clock.nowMs() + 1, chunk.length)
    const before = line.waitingBytes

    expect(before).toBeGreaterThan(1000)
    line.clear()
    clock.advance(10)
    expect([line.waitingBytes, line.isEmpty]).toEqual([0, true])
  })

  it('keeps nothing of thousands of pieces that have passed', () => {
    const { clock, line, push, released } = delayLine()
    for (let i = 0; i < 5000; i++) {
      push(String(i), 20)
      clock.advance(1)
    }
    clock.advance(20)

    expect(released).toEqual(Array.from({ length: 5000 }, (_, i) => String(i)))
    expect([line.waitingBytes, line.isEmpty]).toEqual([0, true])
  })
})
