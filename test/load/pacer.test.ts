import { expect, it } from 'vitest'
import { Pacer } from '../../src/load/pacer.ts'

it('intends message n at n / rate, whenever it is asked', () => {
  const pacer = new Pacer(1000, 3)

  expect([pacer.take(), pacer.take(), pacer.take(), pacer.take()]).toEqual([1000, 334_333, 667_666, 1_001_000])
})

it('owes all messages of a pause, each with its own intended moment', () => {
  const pacer = new Pacer(0, 1000)
  const taken: number[] = []
  while (pacer.isDue(50_000)) taken.push(pacer.take())

  expect(taken).toHaveLength(51)
  expect(taken.at(-1)).toBe(50_000)
})

it('does not drift over ten million messages', () => {
  const pacer = new Pacer(0, 300_000)
  pacer.taken = 10_000_000

  expect(pacer.take()).toBe(33_333_333)
})
