import { MemoryStore } from '../../src/store/memory-store.ts'
import type { Store, StoreBatch, StoreEntry, StoreError } from '../../src/store/store.ts'

/** A store whose commits a test may hold up, or let fail. */
export class ControlledStore<Beneath extends Store = MemoryStore> implements Store {
  /** has what is committed, and nothing of what is held up */
  readonly committed: Beneath
  /** each commit fails with this as long as it is set */
  failure: StoreError | null = null
  #isHolding = false
  #waiting: (() => void) | null = null
  #underWay = 0
  #isStirred = false
  #whenIdle: (() => void)[] = []

  private constructor(committed: Beneath) {
    this.committed = committed
  }

  static inMemory(): ControlledStore {
    return new ControlledStore(new MemoryStore())
  }

  static on<Beneath extends Store>(committed: Beneath): ControlledStore<Beneath> {
    return new ControlledStore(committed)
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

  /** Waits for commits that are under way and not held up. @returns false when there were none since the last call */
  async idle(): Promise<boolean> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
    const isStirred = this.#isStirred
    this.#isStirred = false
    return isStirred
  }

  batch(): StoreBatch {
    const batch = this.committed.batch()
    const commit = batch.commit.bind(batch)
    batch.commit = (done) => {
      const run = () => {
        const { failure } = this
        this.#underWay++
        this.#isStirred = true
        const ended = (error: StoreError | null): void => {
          this.#underWay--
          done(error)
          if (this.#underWay === 0) for (const wake of this.#whenIdle.splice(0)) wake()
        }
        if (failure === null) commit(ended)
        else setImmediate(() => ended(failure))
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
