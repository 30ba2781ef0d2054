import type { BrokerOptions } from '../../src/broker/configuration.ts'
import { ControlledStore } from './controlled-store.ts'
import { FakeClock } from './fake-clock.ts'
import { startBroker, type TestBroker } from './test-broker.ts'

/** A broker with a store. */
export interface DurableBroker extends TestBroker {
  readonly store: ControlledStore
  /**
   * What a broker finds that is started `downMs` after this one was killed in this very moment: only what is committed. The
   * clock that does not jump begins anew, the wall clock goes on.
   */
  killed(downMs?: number, options?: BrokerOptions): Promise<DurableBroker>
  /** The same after an orderly stop. */
  stopped(downMs?: number): Promise<DurableBroker>
}

export async function startDurable(
  options: BrokerOptions = {},
  store = ControlledStore.inMemory(),
  clock = new FakeClock(),
): Promise<DurableBroker> {
  const running = await startBroker({ ...options, store, clock })
  const later = (downMs: number): FakeClock => {
    const next = new FakeClock()
    next.shiftWall(clock.wallMs() + downMs - next.wallMs())
    next.advance(123_456.5)
    next.shiftWall(-123_456.5)
    return next
  }
  return {
    ...running,
    clock,
    store,
    killed(downMs = 0, changed = {}) {
      return startDurable({ ...options, ...changed }, ControlledStore.on(store.committed.copy()), later(downMs))
    },
    async stopped(downMs = 0) {
      await running.broker.stop()
      return startDurable(options, ControlledStore.on(store.committed.copy()), later(downMs))
    },
  }
}
