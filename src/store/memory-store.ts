import type { Store, StoreBatch, StoreEntry, StoreError } from './store.ts'

/** Entries that iteration gives at once. */
const CHUNK_ENTRIES = 1000

/**
 * The reference model of {@link Store}: everything is in memory and gone with the process. A batch comes to be one turn after
 * its commit, like in a store that has to wait for a disk.
 */
export class MemoryStore implements Store {
  // a latin1 string has one character per byte, so strings and bytes have the same order
  readonly #values = new Map<string, Buffer>()
  #sortedKeys: readonly string[] | null = null
  #underWay = 0
  #whenDone: (() => void) | null = null

  get size(): number {
    return this.#values.size
  }

  batch(): StoreBatch {
    return new MemoryBatch((operations, done) => this.#commit(operations, done))
  }

  #commit(operations: Operations, done: (error: StoreError | null) => void): void {
    this.#underWay++
    setImmediate(() => {
      this.#apply(operations)
      this.#underWay--
      done(null)
      if (this.#underWay === 0) this.#whenDone?.()
    })
  }

  #apply(operations: Operations): void {
    for (const [key, value] of operations) {
      if (value === null ? this.#values.delete(key) : !this.#values.has(key)) this.#sortedKeys = null
      if (value !== null) this.#values.set(key, value)
    }
  }

  getSync(key: Buffer): Buffer | null {
    return this.#values.get(key.toString('latin1')) ?? null
  }

  async *entries(from: Buffer, until: Buffer | null): AsyncIterable<readonly StoreEntry[]> {
    const keys = this.#keysBetween(from.toString('latin1'), until?.toString('latin1') ?? null)
    const values = keys.map((key) => this.#values.get(key)!)
    for (let start = 0; start < keys.length; start += CHUNK_ENTRIES) {
      const chunk = keys.slice(start, start + CHUNK_ENTRIES)
      yield chunk.map((key, i) => [Buffer.from(key, 'latin1'), values[start + i]!] as const)
    }
  }

  #keysBetween(from: string, until: string | null): readonly string[] {
    this.#sortedKeys ??= [...this.#values.keys()].sort()
    const keys = this.#sortedKeys
    return keys.slice(firstFrom(keys, from), until === null ? keys.length : firstFrom(keys, until))
  }

  /** What a process would find that starts after this one was killed: all that is committed, and nothing else. */
  copy(): MemoryStore {
    const copy = new MemoryStore()
    for (const [key, value] of this.#values) copy.#values.set(key, value)
    return copy
  }

  async close(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#whenDone = resolve))
  }
}

/** Keys with their new value; null: removed. */
type Operations = ReadonlyMap<string, Buffer | null>
type Commit = (operations: Operations, done: (error: StoreError | null) => void) => void

class MemoryBatch implements StoreBatch {
  readonly #operations = new Map<string, Buffer | null>()
  readonly #commit: Commit
  length = 0

  constructor(commit: Commit) {
    this.#commit = commit
  }

  put(key: Buffer, value: Buffer): void {
    this.length++
    this.#operations.set(key.toString('latin1'), Buffer.from(value))
  }

  delete(key: Buffer): void {
    this.length++
    this.#operations.set(key.toString('latin1'), null)
  }

  commit(done: (error: StoreError | null) => void): void {
    this.#commit(this.#operations, done)
  }
}

/** The first index whose key is not below `bound`. */
function firstFrom(keys: readonly string[], bound: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (keys[middle]! < bound) low = middle + 1
    else high = middle
  }
  return low
}
