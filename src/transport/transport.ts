import type { TransportError } from './transport-error.ts'

/*
 * Bytes over the network: dial, listen, and one connection as a Transport, whatever carries it. The room knows no MQTT:
 * no packet, no keep alive, no limit on how long a peer may be silent or how far it may fall behind; its owner watches
 * `bufferedBytes` and the clock. Nothing here reconnects and nothing prints. Start with Transport below, then tcp.ts.
 */

/**
 * What a Transport tells its owner. Calls come from the event loop, never from within a call to the Transport.
 */
export interface TransportHandler {
  /**
   * Bytes from the peer, at least one, in order.
   * @param bytes the handler's to read, now or later: the memory is not used again, and lives as long as a view of it; where
   *   {@link DialOptions.sharesInput} was asked for, during this call only
   */
  data(bytes: Buffer): void
  /** `bufferedBytes` was above 0 after a write and has fallen to 0: the kernel has taken everything. */
  drained(): void
  /** The peer will send no more (FIN), everything before was delivered; it may still read. `closed` follows our end(). */
  ended(): void
  /**
   * The connection is gone. Called exactly once, and nothing after it.
   * @param error null after destroy() and after both sides ended
   */
  closed(error: TransportError | null): void
}

/**
 * One connection, open when handed out. It reads nothing before start(), and it may be lost before: that is told by
 * `closed` once there is a handler.
 */
export interface Transport {
  /** Where the peer is, for people and logs: `127.0.0.1:51234`, `[::1]:51234`, `unix:/run/mqtt.sock`. */
  readonly remoteAddress: string
  /** Our side of the connection, written like `remoteAddress`. */
  readonly localAddress: string
  /**
   * true: who is behind it is not who the address says, as far as is known: the page of another site in a browser, or whoever a
   * proxy speaks for. What is given to an address is not to be given to it.
   */
  readonly isForeign?: boolean
  /** Bytes written that the kernel has not taken yet; grows without bound when the peer does not read. 0 when closed. */
  readonly bufferedBytes: number
  /** Begins reading. Once only. */
  start(handler: TransportHandler): void
  /**
   * Sends bytes after those written before; ignored after end() and destroy().
   * @param bytes when `bufferedBytes` is 0 after the call the memory is the caller's again at once; otherwise it must
   *   stay as it is until `drained`
   * @param moreFollow another write comes at once, and both may leave by one system call; what `bufferedBytes` says
   *   counts after the last of them
   */
  write(bytes: Buffer, moreFollow?: boolean): void
  /** Stops reading, so that the peer is slowed down; what was read already may be held back until resume(). */
  pause(): void
  resume(): void
  /**
   * Half-close: FIN after what was written. The connection closes when the peer has ended too, and that is noticed only
   * while not paused; a peer that never ends needs destroy().
   */
  end(): void
  /** Closes now; what the kernel has not taken is lost. `closed(null)` follows. May be called again. */
  destroy(): void
  /** As destroy(), and the peer sees that the connection was broken off: RST, where plain TCP carries it. */
  breakOff(): void
}

/** What stands between a new connection and the first byte of MQTT. */
export type ArrivalStep = 'the PROXY header' | 'the TLS handshake' | 'the request for a WebSocket'

/** A peer that has connected to a listener and has steps to do before it is a Transport. */
export interface Arrival {
  /** as {@link Transport.remoteAddress}; '' when the peer was gone at once */
  readonly remoteAddress: string
  /** which one it is at */
  readonly step: ArrivalStep
  /** see {@link TlsServerTerms.namesClients}; '' for a certificate without a name; null where nobody asked */
  readonly provenName: string | null
  /** Ends the connection. @param reason is told to whoever asked to be told of failures */
  cut(reason: string): void
}
