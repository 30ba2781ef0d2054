/**
 * The proxy room stands between MQTT clients and a broker: bytes pass unchanged and in order unless a fault was asked for, and
 * a tap hears of them. It prints nothing, writes no file, and acts on no packet: how packets are framed is all it knows of MQTT,
 * but for the tap that shows them (packet-tap.ts). Start with MqttProxy below, then relay.ts and passage.ts.
 */
import { type Clock, SystemClock } from '../broker/clock.ts'
import type { Address } from '../transport/address.ts'
import { dial } from '../transport/dial.ts'
import { type Listener, listen } from '../transport/listen.ts'
import type { TlsClientTerms, TlsServerTerms } from '../transport/tls-terms.ts'
import type { Arrival, Transport } from '../transport/transport.ts'
import { TransportError } from '../transport/transport-error.ts'
import type { Faults } from './faults.ts'
import { defaultProxyLimits, type ProxyLimits } from './limits.ts'
import { Relay, type RelayEnd } from './relay.ts'
import type { Tap } from './tap.ts'

/** Where a proxy listens and what it does. */
export interface ProxyOptions {
  readonly listen: readonly Address[]
  readonly to: Address
  /** for listeners of TLS */
  readonly serverTls: TlsServerTerms | null
  /** for a broker behind TLS */
  readonly clientTls: TlsClientTerms
  readonly faults: Faults
  readonly limits?: ProxyLimits
  readonly observer: ProxyObserver
}

/** Hears what happens to connections. */
export interface ProxyObserver {
  /** A client is connected to the broker. @returns hears what they say to each other */
  opened(stream: number, client: Transport): Tap
  closed(stream: number, end: RelayEnd): void
  /** A client was turned away, for the broker cannot be reached. */
  unreachable(stream: number, client: string, error: TransportError): void
  /** A client did not come so far that it could be connected. @param reason in words */
  refused(client: string, reason: string): void
  /** A listener has trouble, and goes on. */
  trouble(error: TransportError): void
}

/** Listens, and connects each client that comes to the broker. */
export class MqttProxy {
  readonly #options: ProxyOptions
  readonly #limits: ProxyLimits
  readonly #startMs: number
  readonly #relays = new Set<Relay>()
  readonly #arrivals = new Map<Arrival, NodeJS.Timeout>()
  readonly #giveUp = new AbortController()
  #listeners: Listener[] = []
  #streams = 0
  #dialling = 0
  #isHeld = false

  private constructor(options: ProxyOptions, clock: Clock) {
    this.#options = options
    this.#limits = options.limits ?? defaultProxyLimits
    this.#startMs = clock.nowMs()
  }

  /** Opens all listeners, or none. @throws TransportError */
  static async open(options: ProxyOptions): Promise<MqttProxy> {
    const proxy = new MqttProxy(options, new SystemClock())
    try {
      for (const address of options.listen) proxy.#listeners.push(await proxy.#listen(address))
    } catch (error) {
      await proxy.close()
      throw error
    }
    return proxy
  }

  /** Where it listens, with the real ports. */
  get urls(): string[] {
    return this.#listeners.map(({ url }) => url)
  }

  /** Takes in no more bytes, from anybody, until it is told otherwise: whoever shows the packets is slow. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    for (const relay of this.#relays) relay.hold(isHeld)
  }

  /** Closes listeners and connections; their ends have been told when it resolves. */
  async close(): Promise<void> {
    this.#giveUp.abort(new Error('the proxy has ended'))
    await Promise.all(this.#listeners.map((listener) => listener.close()))
    for (const relay of this.#relays) relay.stop()
    while (this.#relays.size > 0) await new Promise((resolve) => setImmediate(resolve))
  }

  #listen(address: Address): Promise<Listener> {
    const { serverTls, observer } = this.#options
    const handler = {
      accept: (client: Transport, arrival: Arrival | null) => {
        this.#leave(arrival)
        void this.#connect(client)
      },
      arrive: (arrival: Arrival) => {
        const late = (): void => arrival.cut(`${arrival.step} was not over within ${this.#limits.connectMs / 1000} s`)
        this.#arrivals.set(arrival, setTimeout(late, this.#limits.connectMs))
      },
      failed: (arrival: Arrival, reason: string) => {
        this.#leave(arrival)
        if (!this.#giveUp.signal.aborted) observer.refused(arrival.remoteAddress, reason)
      },
      error: (error: TransportError) => observer.trouble(error),
    }
    return listen(address, handler, serverTls === null ? {} : { tls: serverTls })
  }

  #leave(arrival: Arrival | null): void {
    if (arrival === null) return
    clearTimeout(this.#arrivals.get(arrival))
    this.#arrivals.delete(arrival)
  }

  async #connect(client: Transport): Promise<void> {
    const { to, clientTls, observer } = this.#options
    if (this.#relays.size + this.#dialling >= this.#limits.connections) {
      client.destroy()
      return observer.refused(client.remoteAddress, `there are ${this.#limits.connections} connections already`)
    }
    const stream = this.#streams++
    const { remoteAddress } = client
    this.#dialling++
    try {
      const { signal } = this.#giveUp
      this.#relay(stream, client, await dial(to, { timeoutMs: this.#limits.connectMs, tls: clientTls, signal }))
    } catch (error) {
      client.destroy()
      if (!(error instanceof TransportError)) throw error
      if (!this.#giveUp.signal.aborted) observer.unreachable(stream, remoteAddress, error)
    } finally {
      this.#dialling--
    }
  }

  #relay(stream: number, client: Transport, broker: Transport): void {
    const { faults, observer } = this.#options
    const relay = new Relay({
      stream,
      client,
      broker,
      faults,
      limits: this.#limits,
      makeClock: () => new SystemClock(),
      startMs: this.#startMs,
      tap: observer.opened(stream, client),
      ended: (end) => {
        this.#relays.delete(relay)
        observer.closed(stream, end)
      },
    })
    this.#relays.add(relay)
    relay.start()
    if (this.#isHeld) relay.hold(true)
    if (this.#giveUp.signal.aborted) relay.stop()
  }
}
