import { afterEach } from 'vitest'
import { Broker } from '../../src/broker/broker.ts'
import type { BrokerOptions } from '../../src/broker/configuration.ts'
import type { ConnectFields } from '../../src/codec/packets/connect.ts'
import { FakeClock } from './fake-clock.ts'
import { RawClient } from './raw-client.ts'

/** A broker on a free port with a clock that stands still, and raw clients that are cleaned up after the test. */
export interface TestBroker {
  readonly broker: Broker
  readonly clock: FakeClock
  readonly url: string
  /** A connected client. */
  client(fields?: Partial<ConnectFields>): ReturnType<typeof RawClient.connected>
  /** A TCP connection on which nothing was sent. */
  open(version?: ConnectFields['version']): Promise<RawClient>
}

const started: { broker: Broker; clients: RawClient[] }[] = []

afterEach(async () => {
  for (const { broker, clients } of started.splice(0)) {
    for (const client of clients) client.socket.destroy()
    await broker.stop()
  }
})

/** Starts a broker for one test; `$SYS` is off unless asked for. */
export async function startBroker(options: BrokerOptions = {}): Promise<TestBroker> {
  const clock = new FakeClock()
  const broker = await Broker.start({ port: 0, sysIntervalSeconds: 0, clock, ...options })
  const clients: RawClient[] = []
  started.push({ broker, clients })
  return {
    broker,
    clock,
    url: broker.url,
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
  }
}
