import { vi } from 'vitest'
import { Broker } from '../../src/broker/broker.ts'
import type { Limits } from '../../src/broker/limits.ts'
import type { Store } from '../../src/store/store.ts'
import type { ControlledStore } from '../support/controlled-store.ts'
import { FakeClock } from '../support/fake-clock.ts'
import type { Storage } from '../support/storage.ts'
import { MemoryNetwork } from './memory-transport.ts'

/** The clock that does not jump begins anew with each process, and with no whole number. */
const UPTIME_MS = 123_456.5

/** One process of the broker: itself, its clock, its network, the store that it has open. */
export class RunningBroker {
  readonly broker: Broker
  readonly network = new MemoryNetwork()
  readonly #clock: FakeClock
  readonly #store: ControlledStore<Store> | null
  readonly #limits: Partial<Limits>
  readonly #storage: Storage | null

  private constructor(
    broker: Broker,
    clock: FakeClock,
    store: ControlledStore<Store> | null,
    limits: Partial<Limits>,
    storage: Storage | null,
  ) {
    this.broker = broker
    this.#clock = clock
    this.#store = store
    this.#limits = limits
    this.#storage = storage
  }

  /**
   * With a storage, timers of Node must be fake: what nobody waits for is written when {@link writeAll} says so.
   * @param storage null: there is no store
   */
  static async start(
    limits: Partial<Limits>,
    storage: Storage | null,
    clock = new FakeClock(),
  ): Promise<RunningBroker> {
    const store = storage === null ? null : await storage.open()
    const options = { port: null, sysIntervalSeconds: 0, clock, limits }
    const broker = await Broker.start(store === null ? options : { ...options, store })
    return new RunningBroker(broker, clock, store, limits, storage)
  }

  /** The time that goes on from one process to the next, ms. */
  get now(): number {
    return this.#clock.wallMs()
  }

  advance(ms: number): void {
    this.#clock.advance(ms)
  }

  /** Lets everything happen that can, short of what is held up. */
  async settle(): Promise<void> {
    do await this.network.settle()
    while (this.#store !== null && (await this.#store.idle()))
  }

  /** Has everything committed, also what nobody waits for. */
  async writeAll(): Promise<void> {
    await this.settle()
    while (vi.getTimerCount() > 0) {
      vi.runOnlyPendingTimers()
      await this.settle()
    }
  }

  holdCommits(): void {
    this.#store!.holdUp()
  }

  letCommitsGo(): void {
    this.#store?.letGo()
  }

  /** What is started after this one has ended, or as if it were killed now. */
  next(awayMs: number): Promise<RunningBroker> {
    vi.clearAllTimers()
    const clock = new FakeClock()
    clock.shiftWall(this.now + awayMs - clock.wallMs())
    clock.advance(UPTIME_MS)
    clock.shiftWall(-UPTIME_MS)
    return RunningBroker.start(this.#limits, this.#storage, clock)
  }
}
