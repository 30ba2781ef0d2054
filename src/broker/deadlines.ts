import type { Clock } from './clock.ts'

/** The place of an item that nobody watches. */
export const NOT_WATCHED = -1

/** Something that is due at some time: keep alive, connect timeout, will delay, session and message expiry, $SYS. */
export interface Deadline {
  /** monotonic ms; Infinity for never. May move on without telling: it is looked at again when the old time comes. */
  readonly deadlineMs: number
  /** kept by {@link Deadlines}; {@link NOT_WATCHED} at first */
  deadlinePlace: number
  deadlinePassed(nowMs: number): void
}

/**
 * One wake-up for all deadlines of a broker, in order of their time. A packet that pushes a keep alive ahead costs nothing
 * here: the item is looked at when it comes up, and put back if it is early.
 *
 * A heap whose items know their places. A Map from item to place would keep what left it long ago alive: a table that a Map
 * has outgrown still names whoever was in it then, which the garbage collector takes for granted until a full collection.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #heap: Deadline[] = []
  /** when the item at the same place of the heap is looked at, monotonic ms */
  readonly #times: number[] = []
  #wakeAtMs = Number.POSITIVE_INFINITY
  #stopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Watches an item, or looks again at one whose deadline came nearer. */
  watch(item: Deadline): void {
    const atMs = item.deadlineMs
    if (atMs === Number.POSITIVE_INFINITY || this.#stopped) return
    const place = item.deadlinePlace
    if (place === NOT_WATCHED) this.#rise(item, atMs, this.#heap.length)
    else if (atMs < this.#times[place]!) this.#rise(item, atMs, place)
    else return
    this.#arm()
  }

  /** Nothing here holds the item any more. */
  forget(item: Deadline): void {
    if (item.deadlinePlace !== NOT_WATCHED) this.#remove(item)
  }

  /** Items being watched. */
  get size(): number {
    return this.#heap.length
  }

  stop(): void {
    this.#stopped = true
    for (const item of this.#heap) item.deadlinePlace = NOT_WATCHED
    this.#heap.length = 0
    this.#times.length = 0
    this.#clock.stop()
  }

  /** Handles everything that is due, in order. */
  tick(nowMs: number): void {
    this.#wakeAtMs = Number.POSITIVE_INFINITY
    while (this.#heap.length > 0 && this.#times[0]! <= nowMs) {
      const item = this.#heap[0]!
      this.#remove(item)
      if (item.deadlineMs <= nowMs) item.deadlinePassed(nowMs)
      // one that still names a time that has passed is over: an expired session, a retained message that is gone
      if (item.deadlineMs > nowMs) this.watch(item)
    }
    this.#arm()
  }

  #arm(): void {
    const nextMs = this.#times[0]
    if (nextMs === undefined || nextMs >= this.#wakeAtMs || this.#stopped) return
    this.#wakeAtMs = nextMs
    this.#clock.wakeAt(nextMs, () => this.tick(this.#clock.nowMs()))
  }

  #remove(item: Deadline): void {
    const place = item.deadlinePlace
    item.deadlinePlace = NOT_WATCHED
    const last = this.#heap.pop()!
    const lastMs = this.#times.pop()!
    if (last === item) return
    // the last one takes the free place, and may belong higher or lower
    const isHigher = place > 0 && this.#times[(place - 1) >> 1]! > lastMs
    if (isHigher) this.#rise(last, lastMs, place)
    else this.#sink(last, lastMs, place)
  }

  #rise(item: Deadline, atMs: number, from: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (this.#times[parent]! <= atMs) break
      this.#put(this.#heap[parent]!, this.#times[parent]!, place)
      place = parent
    }
    this.#put(item, atMs, place)
  }

  #sink(item: Deadline, atMs: number, from: number): void {
    const times = this.#times
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= times.length) break
      if (child + 1 < times.length && times[child + 1]! < times[child]!) child++
      if (times[child]! >= atMs) break
      this.#put(this.#heap[child]!, times[child]!, place)
      place = child
    }
    this.#put(item, atMs, place)
  }

  #put(item: Deadline, atMs: number, place: number): void {
    this.#heap[place] = item
    this.#times[place] = atMs
    item.deadlinePlace = place
  }
}
