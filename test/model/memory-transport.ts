import { setImmediate } from 'node:timers/promises'
import type { Transport, TransportHandler } from '../../src/transport/transport.ts'
import { TransportError } from '../../src/transport/transport-error.ts'

/**
 * The event loop of connections in memory: what happens on one side is told to the other from here, in order, never from
 * within a call. Nothing waits for time.
 */
export class MemoryNetwork {
  #events: (() => void)[] = []
  #isBusy = false

  /** For MemoryTransport: something to be told once nobody is calling anybody. */
  later(event: () => void): void {
    this.#events.push(event)
  }

  /** For MemoryTransport: something moved, so more may follow. */
  stirred(): void {
    this.#isBusy = true
  }

  /**
   * Lets everything happen that can: tells all events, and gives the turn its end, where output is written, until a turn has
   * passed in which nothing moved.
   */
  async settle(): Promise<void> {
    do {
      this.#isBusy = false
      this.runEvents()
      // the end of a turn is a setImmediate too, set before this one
      await setImmediate()
    } while (this.#isBusy || this.#events.length > 0)
  }

  /** Tells what has happened, without ending the turn: its output stays where it is. */
  runEvents(): void {
    for (let events = this.#events; events.length > 0; events = this.#events) {
      this.#isBusy = true
      this.#events = []
      for (const event of events) event()
    }
  }
}

/** One connection in memory. The broker holds it as a Transport; the test is the other side of it. */
export class MemoryTransport implements Transport {
  readonly remoteAddress: string
  readonly localAddress = 'memory'
  /** How many bytes the client takes from now on; Infinity for one that reads everything at once. */
  #appetiteBytes = Number.POSITIVE_INFINITY
  readonly #network: MemoryNetwork
  readonly #receive: (bytes: Buffer) => void
  #handler: TransportHandler | null = null
  // written and not taken; not copied, for Transport.write promises that the memory stays as it is until then
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isBehind = false
  #arrived: Buffer[] = []
  #isPaused = false
  #clientHasEnded = false
  #endIsTold = false
  #brokerHasEnded = false
  #isClosed = false

  /** @param receive takes what the client reads; the bytes are its own */
  constructor(network: MemoryNetwork, name: string, receive: (bytes: Buffer) => void) {
    this.#network = network
    this.remoteAddress = name
    this.#receive = receive
  }

  // ---- the broker's side: Transport

  get bufferedBytes(): number {
    return this.#waitingBytes
  }

  start(handler: TransportHandler): void {
    this.#handler = handler
  }

  write(bytes: Buffer): void {
    if (this.#brokerHasEnded || this.#isClosed) return
    this.#network.stirred()
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.#feedClient()
    this.#isBehind = this.#waitingBytes > 0
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#arrived.length > 0 || this.#clientHasEnded) this.#network.later(() => this.#feedBroker())
  }

  end(): void {
    if (this.#isClosed || this.#brokerHasEnded) return
    this.#network.stirred()
    this.#brokerHasEnded = true
    this.#closeWhenBothEnded()
  }

  destroy(): void {
    this.#close(null)
  }

  breakOff(): void {
    this.destroy()
  }

  // ---- the client's side

  /** The broker has said that it will send no more, and everything before was read. */
  get isEndedByBroker(): boolean {
    return this.#brokerHasEnded && this.#waitingBytes === 0
  }

  /** The connection is gone. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The client takes everything as it comes. */
  get isReading(): boolean {
    return this.#appetiteBytes === Number.POSITIVE_INFINITY
  }

  /** One segment for the broker; the bytes are the broker's from now on. */
  send(bytes: Buffer): void {
    if (this.#isClosed || this.#clientHasEnded || bytes.length === 0) return
    this.#network.later(() => {
      this.#arrived.push(bytes)
      this.#feedBroker()
    })
  }

  /** FIN: the client sends no more but still reads. */
  finish(): void {
    if (this.#isClosed || this.#clientHasEnded) return
    this.#network.later(() => {
      this.#clientHasEnded = true
      this.#feedBroker()
    })
  }

  /** RST: the client is gone. What it sent before is read first. */
  reset(): void {
    if (this.#isClosed) return
    this.#network.later(() => this.#close(new TransportError('connection', 'ECONNRESET', this.remoteAddress, null)))
  }

  /** From now on the client takes so many bytes; Infinity: all. */
  read(byteCount: number): void {
    this.#appetiteBytes = byteCount
    this.#feedClient()
    if (!this.#isBehind || this.#waitingBytes > 0) return
    this.#isBehind = false
    this.#network.later(() => {
      if (!this.#isClosed && this.#waitingBytes === 0) this.#handler!.drained()
    })
  }

  #feedClient(): void {
    while (this.#appetiteBytes > 0 && this.#waiting.length > 0) {
      const bytes = this.#waiting[0]!
      const taken = Math.min(bytes.length, this.#appetiteBytes)
      this.#appetiteBytes -= taken
      this.#waitingBytes -= taken
      if (taken === bytes.length) this.#waiting.shift()
      else this.#waiting[0] = bytes.subarray(taken)
      this.#receive(Buffer.from(bytes.subarray(0, taken)))
    }
  }

  #feedBroker(): void {
    while (!this.#isPaused && !this.#isClosed && this.#arrived.length > 0) this.#handler!.data(this.#arrived.shift()!)
    if (this.#isPaused || this.#isClosed || !this.#clientHasEnded || this.#endIsTold) return
    this.#endIsTold = true
    this.#handler!.ended()
    this.#closeWhenBothEnded()
  }

  #closeWhenBothEnded(): void {
    if (!this.#brokerHasEnded || !this.#endIsTold) return
    // the client that has ended takes what is left, or will never know
    this.#network.later(() => this.#close(null))
  }

  #close(error: TransportError | null): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#waiting = []
    this.#waitingBytes = 0
    this.#network.later(() => this.#handler?.closed(error))
  }
}
