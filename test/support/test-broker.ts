import { onTestFinished } from 'vitest'
import { Broker } from '../../src/broker/broker.ts'
import type { BrokerEvent, BrokerOptions } from '../../src/broker/configuration.ts'
import type { ConnectFields } from '../../src/codec/packets/connect.ts'
import { FakeClock } from './fake-clock.ts'
import { RawClient } from './raw-client.ts'

/** A broker on a free port with a clock that stands still, and raw clients that are cleaned up after the test. */
export interface TestBroker {
  readonly broker: Broker
  readonly clock: FakeClock
  readonly url: string
  /** what the broker has told its log so far */
  readonly events: readonly BrokerEvent[]
  /** A connected client. */
  client(fields?: Partial<ConnectFields>): ReturnType<typeof RawClient.connected>
  /** A TCP connection on which nothing was sent. */
  open(version?: ConnectFields['version']): Promise<RawClient>
  /** Awaits that the broker has told its log, now or before, that this happened to this client. */
  logged(event: BrokerEvent['event'], clientId: string): Promise<BrokerEvent>
}

/** Starts a broker for one test; `$SYS` is off unless asked for. */
export async function startBroker(options: BrokerOptions = {}): Promise<TestBroker> {
  const clock = new FakeClock()
  const events: BrokerEvent[] = []
  const waiting: (() => void)[] = []
  const log = (event: BrokerEvent): void => {
    events.push(event)
    options.log?.(event)
    for (const wake of waiting.splice(0)) wake()
  }
  const broker = await Broker.start({ port: 0, sysIntervalSeconds: 0, clock, ...options, log })
  const clients: RawClient[] = []
  // not afterEach: test files share this module, and a hook of a module counts for the first of them only
  onTestFinished(async () => {
    broker.assertBalance()
    for (const client of clients) client.socket.destroy()
    await broker.stop()
  })
  return {
    broker,
    clock,
    url: broker.url,
    events,
    async client(fields) {
      const client = await RawClient.connected(broker.url, fields)
      clients.push(client)
      return client
    },
    async open(version) {
      const client = await RawClient.open(broker.url, version)
      clients.push(client)
      return client
    },
    async logged(event, clientId) {
      for (;;) {
        const found = events.find((one) => one.event === event && one.clientId === clientId)
        if (found !== undefined) return found
        await new Promise<void>((resolve) => waiting.push(resolve))
      }
    },
  }
}
