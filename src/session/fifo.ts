const COMPACT_AFTER = 1024
/** Of all that have never held anything; never written to. */
const NONE: never[] = []

/** First in, first out: an array with a moving head, for `shift()` of a long array costs its length. */
export class Fifo<T> {
  #items: (T | undefined)[] = NONE
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    if (this.#items === NONE) this.#items = [item]
    else this.#items.push(item)
  }

  peek(): T | null {
    return this.#items[this.#head] ?? null
  }

  shift(): T | null {
    const item = this.#items[this.#head]
    if (item === undefined) return null
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) {
      this.#items.length = 0
      this.#head = 0
    } else if (this.#head >= COMPACT_AFTER && this.#head * 2 >= this.#items.length) {
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    return item
  }

  /** Holds these instead, in this order. */
  replace(items: T[]): void {
    this.#items = items.length === 0 ? NONE : items
    this.#head = 0
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let i = this.#head; i < this.#items.length; i++) yield this.#items[i]!
  }
}
