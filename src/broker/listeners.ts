import { parseAddress } from '../transport/address.ts'
import { type Listener, type ListenHandler, type ListenOptions, listen } from '../transport/listen.ts'
import type { TlsServerTerms } from '../transport/tls-terms.ts'

/** The open listeners of a broker: the one place where this room touches more of transport than its interfaces. */
export class Listeners {
  readonly #handler: ListenHandler
  readonly #options: ListenOptions
  #open: Listener[] = []

  constructor(handler: ListenHandler, options: ListenOptions) {
    this.#handler = handler
    this.#options = options
  }

  /** URLs with the real ports. */
  get urls(): string[] {
    return this.#open.map((listener) => listener.url)
  }

  /** Opens all, or none. @throws TransportError, AddressError */
  async open(urls: readonly string[]): Promise<void> {
    try {
      for (const url of urls) this.#open.push(await listen(parseAddress(url).address, this.#handler, this.#options))
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Those with TLS show another certificate from now on. @throws Error for texts that are none; none has changed then */
  renewTls(terms: TlsServerTerms): void {
    for (const listener of this.#open) listener.renewTls(terms)
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = []
    await Promise.all(open.map((listener) => listener.close()))
  }
}
