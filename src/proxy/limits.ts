/** How large anything may grow in a proxy. */
export interface ProxyLimits {
  /** connections at a time; further ones are closed at once */
  readonly connections: number
  /** bytes that wait in one direction of one connection, held back or not taken by the reader; with more its sender has to wait */
  readonly waitingBytes: number
  /** bytes of a packet that is sent twice; a larger one is sent once */
  readonly duplicatedBytes: number
  /** bytes of packets that are not whole yet, kept to be shown, all connections together; beyond it the packet is shown as cut */
  readonly shownBytes: number
  /** milliseconds for TLS and the request for a WebSocket, and for connecting to the broker */
  readonly connectMs: number
  /** milliseconds that one side may take to close when the other one has closed */
  readonly closeMs: number
}

export const defaultProxyLimits: ProxyLimits = {
  connections: 10_000,
  waitingBytes: 1_048_576,
  duplicatedBytes: 1_048_576,
  shownBytes: 67_108_864,
  connectMs: 10_000,
  closeMs: 10_000,
}

/** What keeping a piece of bytes costs beside them. */
export const PIECE_BYTES = 128
