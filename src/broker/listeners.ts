import { parseAddress } from '../transport/address.ts'
import { type Listener, type ListenOptions, listen } from '../transport/listen.ts'
import type { Transport } from '../transport/transport.ts'
import type { TransportError } from '../transport/transport-error.ts'

/** The open listeners of a broker: the one place where this room touches more of transport than its interfaces. */
export class Listeners {
  readonly #accept: (transport: Transport) => void
  readonly #error: (error: TransportError) => void
  #open: Listener[] = []

  readonly #options: ListenOptions

  constructor(accept: (transport: Transport) => void, error: (error: TransportError) => void, options: ListenOptions) {
    this.#accept = accept
    this.#error = error
    this.#options = options
  }

  /** URLs with the real ports. */
  get urls(): string[] {
    return this.#open.map((listener) => listener.url)
  }

  /** Opens all, or none. @throws TransportError, AddressError */
  async open(urls: readonly string[]): Promise<void> {
    const handler = { accept: this.#accept, error: this.#error }
    try {
      for (const url of urls) this.#open.push(await listen(parseAddress(url).address, handler, this.#options))
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = []
    await Promise.all(open.map((listener) => listener.close()))
  }
}
