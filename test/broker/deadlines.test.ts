import { describe, expect, it } from 'vitest'
import type { Clock } from '../../src/broker/clock.ts'
import { type Deadline, Deadlines, NOT_WATCHED } from '../../src/broker/deadlines.ts'
import { collected } from '../support/memory.ts'
import { Random } from '../support/random.ts'

class Item implements Deadline {
  deadlineMs: number
  deadlinePlace = NOT_WATCHED
  readonly passed: number[] = []

  constructor(deadlineMs: number) {
    this.deadlineMs = deadlineMs
  }

  deadlinePassed(nowMs: number): void {
    this.passed.push(nowMs)
    this.deadlineMs = Number.POSITIVE_INFINITY
  }
}

function deadlines(): { deadlines: Deadlines; wakeUps: number[] } {
  const wakeUps: number[] = []
  const clock = { nowMs: () => 0, wakeAt: (atMs: number) => void wakeUps.push(atMs), stop: () => {} }
  return { deadlines: new Deadlines(clock as unknown as Clock), wakeUps }
}

describe('deadlines', () => {
  it('passes each item when it is due, whatever was watched, moved and forgotten before', () => {
    const random = new Random(7)
    const { deadlines: all } = deadlines()
    const items = Array.from({ length: 500 }, () => new Item(random.below(1000)))
    for (const item of items) all.watch(item)
    const forgotten = items.filter(() => random.below(3) === 0)
    for (const item of forgotten) all.forget(item)
    const nearer = items.filter((item) => !forgotten.includes(item) && random.below(2) === 0)
    for (const item of nearer) {
      item.deadlineMs = random.below(item.deadlineMs + 1)
      all.watch(item)
    }
    expect(all.size).toBe(items.length - forgotten.length)
    const dueAt = new Map(items.map((item) => [item, item.deadlineMs]))

    for (let nowMs = 0; nowMs <= 1000; nowMs++) all.tick(nowMs)

    for (const item of items) expect(item.passed).toEqual(forgotten.includes(item) ? [] : [dueAt.get(item)])
    expect(all.size).toBe(0)
  })

  it('looks again at an item whose deadline has moved on', () => {
    const { deadlines: all, wakeUps } = deadlines()
    const item = new Item(10)
    all.watch(item)
    item.deadlineMs = 50

    all.tick(10)

    expect(item.passed).toEqual([])
    expect(wakeUps).toEqual([10, 50])
    all.tick(50)
    expect(item.passed).toEqual([50])
  })

  it('holds nothing of an item that is forgotten', async () => {
    const { deadlines: all } = deadlines()
    const references = Array.from({ length: 100 }, (_, index) => {
      const item = new Item(1_000_000 + index)
      all.watch(item)
      return new WeakRef(item)
    })
    for (const reference of references.slice(1)) all.forget(reference.deref()!)

    // a reference keeps its item for the rest of the turn
    await collected()

    expect(references.filter((reference) => reference.deref() !== undefined)).toHaveLength(1)
    expect(all.size).toBe(1)
  })
})
