import type { Clock } from './clock.ts'

/** Something that is due at some time: keep alive, connect timeout, will delay, session and message expiry, $SYS. */
export interface Deadline {
  /** monotonic ms; Infinity for never. May move on without telling: it is looked at again when the old time comes. */
  readonly deadlineMs: number
  deadlinePassed(nowMs: number): void
}

interface Entry {
  readonly atMs: number
  readonly item: Deadline
}

/** Stale entries that the heap may hold beside as many as there are live ones. */
const STALE_ENTRIES = 64

/**
 * One wake-up for all deadlines of a broker, in order of their time. A packet that pushes a keep alive ahead costs nothing
 * here: the entry in the heap is looked at when it comes up, and put back if it is early.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #scheduled = new Map<Deadline, number>()
  #heap: Entry[] = []
  #wakeAtMs = Number.POSITIVE_INFINITY
  #stopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Watches an item, or looks again at one whose deadline came nearer. */
  watch(item: Deadline): void {
    const atMs = item.deadlineMs
    const scheduled = this.#scheduled.get(item)
    if (atMs === Number.POSITIVE_INFINITY || this.#stopped || (scheduled !== undefined && scheduled <= atMs)) return
    this.#scheduled.set(item, atMs)
    this.#push({ atMs, item })
    this.#compact()
    this.#arm()
  }

  forget(item: Deadline): void {
    // its entry in the heap has become stale and is skipped
    this.#scheduled.delete(item)
    this.#compact()
  }

  // What was forgotten must not stay in memory until its time comes: that may be years ahead.
  #compact(): void {
    if (this.#heap.length <= 2 * this.#scheduled.size + STALE_ENTRIES) return
    const entries = Array.from(this.#scheduled, ([item, atMs]) => ({ atMs, item }))
    // in order of time it is a heap
    this.#heap = entries.sort((a, b) => a.atMs - b.atMs)
  }

  /** Items being watched. */
  get size(): number {
    return this.#scheduled.size
  }

  stop(): void {
    this.#stopped = true
    this.#scheduled.clear()
    this.#heap = []
    this.#clock.stop()
  }

  /** Handles everything that is due, in order. */
  tick(nowMs: number): void {
    this.#wakeAtMs = Number.POSITIVE_INFINITY
    while (this.#heap.length > 0 && this.#heap[0]!.atMs <= nowMs) {
      const { atMs, item } = this.#pop()
      if (this.#scheduled.get(item) !== atMs) continue
      this.#scheduled.delete(item)
      if (item.deadlineMs <= nowMs) item.deadlinePassed(nowMs)
      // one that still names a time that has passed is over: an expired session, a retained message that is gone
      if (item.deadlineMs > nowMs) this.watch(item)
    }
    this.#arm()
  }

  #arm(): void {
    const next = this.#heap[0]
    if (next === undefined || next.atMs >= this.#wakeAtMs || this.#stopped) return
    this.#wakeAtMs = next.atMs
    this.#clock.wakeAt(next.atMs, () => this.tick(this.#clock.nowMs()))
  }

  #push(entry: Entry): void {
    const heap = this.#heap
    let i = heap.length
    heap.push(entry)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (heap[parent]!.atMs <= entry.atMs) break
      heap[i] = heap[parent]!
      i = parent
    }
    heap[i] = entry
  }

  #pop(): Entry {
    const heap = this.#heap
    const top = heap[0]!
    const last = heap.pop()!
    if (heap.length === 0) return top
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && heap[child + 1]!.atMs < heap[child]!.atMs) child++
      if (heap[child]!.atMs >= last.atMs) break
      heap[i] = heap[child]!
      i = child
    }
    heap[i] = last
    return top
  }
}
