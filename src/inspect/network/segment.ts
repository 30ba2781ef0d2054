/** One TCP segment. */
export interface Segment {
  readonly frame: number
  readonly timeSeconds: number | null
  /**
   * Addresses of sender and receiver, then both ports, as they stand in the packet, a character per byte: 12 characters
   * for IPv4, 36 for IPv6. Hot: looking a connection up by it needs no text.
   */
  readonly flow: string
  readonly sequence: number
  readonly syn: boolean
  readonly ack: boolean
  readonly fin: boolean
  readonly reset: boolean
  /** a view into the frame */
  readonly payload: Buffer
  /** bytes that the capture left out behind {@link payload} (snap length) */
  readonly missingBytes: number
}

const IPV4_FLOW_CHARACTERS = 12

/** The flow of the other direction. */
export function reversed(flow: string): string {
  const address = (flow.length - 4) / 2
  const ports = flow.slice(-4)
  return flow.slice(address, -4) + flow.slice(0, address) + ports.slice(2) + ports.slice(0, 2)
}

/** The sending side of a flow: `127.0.0.1:1883` or `[::1]:1883`. */
export function senderOf(flow: string): string {
  const bytes = Buffer.from(flow, 'latin1')
  const address = bytes.subarray(0, (bytes.length - 4) / 2)
  const text = flow.length === IPV4_FLOW_CHARACTERS ? address.join('.') : ipv6(address)
  return `${text}:${senderPortOf(flow)}`
}

/** Port of the sending side. */
export function senderPortOf(flow: string): number {
  return (flow.charCodeAt(flow.length - 4) << 8) | flow.charCodeAt(flow.length - 3)
}

function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16)).join(':')
  return `[${groups.replace(/(?:^|:)0(?::0)+(?:$|:)/, '::')}]`
}
