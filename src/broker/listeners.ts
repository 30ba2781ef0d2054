import { parseAddress } from '../transport/address.ts'
import { type Listener, type ListenHandler, type ListenOptions, listen } from '../transport/listen.ts'
import type { TlsServerTerms } from '../transport/tls-terms.ts'
import type { ListenerOptions } from './configuration.ts'

/** The open listeners of a broker: the one place where this room touches more of transport than its interfaces. */
export class Listeners {
  readonly #handler: ListenHandler
  readonly #options: ListenOptions
  readonly #withOwnTls = new WeakSet<Listener>()
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
  async open(listeners: readonly (string | ListenerOptions)[]): Promise<void> {
    try {
      for (const one of listeners) this.#open.push(await this.#listen(typeof one === 'string' ? { url: one } : one))
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async #listen({ url, webSocketOrigins, ...own }: ListenerOptions): Promise<Listener> {
    const webSocket =
      webSocketOrigins === undefined ? {} : { webSocket: { ...this.#options.webSocket, origins: webSocketOrigins } }
    const listener = await listen(parseAddress(url).address, this.#handler, { ...this.#options, ...webSocket, ...own })
    if (own.tls !== undefined) this.#withOwnTls.add(listener)
    return listener
  }

  /**
   * Those with TLS show another certificate from now on, unless theirs is their own.
   * @throws Error for texts that are none; none has changed then
   */
  renewTls(terms: TlsServerTerms): void {
    for (const listener of this.#open) if (!this.#withOwnTls.has(listener)) listener.renewTls(terms)
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = []
    await Promise.all(open.map((listener) => listener.close()))
  }
}
