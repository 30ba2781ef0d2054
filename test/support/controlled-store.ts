import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store, StoreBatch, StoreEntry, StoreError } from '../../src/store/store.ts'

/** A store in memory whose commits a test may hold up, or let fail. */
export class ControlledStore implements Store {
  readonly committed: MemoryStore
  /** each commit fails with this as long as it is set */
  failure: StoreError | null = null
  #isHolding = false
  #waiting: (() => void) | null = null

  constructor(committed = new MemoryStore()) {
    this.committed = committed
  }

  /** From now on commits are not done until {@link letGo}. */
  holdUp(): void {
    this.#isHolding = true
  }

  /** The commit that waits, and all later ones, are done. */
  letGo(): void {
    this.#isHolding = false
    const waiting = this.#waiting
    this.#waiting = null
    waiting?.()
  }

  batch(): StoreBatch {
    const batch = this.committed.batch()
    const commit = batch.commit.bind(batch)
    batch.commit = (done) => {
      const run = () => {
        const { failure } = this
        if (failure === null) commit(done)
        else setImmediate(() => done(failure))
      }
      if (this.#isHolding) this.#waiting = run
      else run()
    }
    return batch
  }

  getSync(key: Buffer): Buffer | null {
    return this.committed.getSync(key)
  }

  entries(from: Buffer, until: Buffer | null): AsyncIterable<readonly StoreEntry[]> {
    return this.committed.entries(from, until)
  }

  close(): Promise<void> {
    return this.committed.close()
  }
}
