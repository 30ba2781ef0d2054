import { isIPv6 } from 'node:net'
import type { Limits } from './limits.ts'
import { RateBucket } from './rate-bucket.ts'

/** A connection that comes too early is not read for this long at most; one that would have to wait longer is refused. */
const LONGEST_WAIT_MS = 1000

/** The connection is to be refused. */
export const TOO_MANY = -1

/** Connections per second and address (semantics L-09). An IPv6 address counts as its /64: that is what one host has. */
export class ConnectionRate {
  readonly #limits: Limits
  readonly #buckets = new Map<string, RateBucket>()

  /** @param limits may change */
  constructor(limits: Limits) {
    this.#limits = limits
  }

  /**
   * One more connection.
   * @param remoteAddress as {@link Transport.remoteAddress}; a unix socket has no address and is not counted
   * @returns milliseconds that it has to wait before it is read, or {@link TOO_MANY}
   */
  admit(remoteAddress: string, nowMs: number): number {
    const perSecond = this.#limits.maximumConnectionRate
    if (perSecond === 0) return 0
    const network = networkOf(remoteAddress)
    if (network === null) return 0
    let bucket = this.#buckets.get(network)
    if (bucket === undefined) {
      this.#makeRoom(perSecond, nowMs)
      bucket = new RateBucket(perSecond, nowMs)
      this.#buckets.set(network, bucket)
    }
    const waitMs = bucket.waitMs(perSecond, nowMs)
    if (waitMs > LONGEST_WAIT_MS) return TOO_MANY
    bucket.take(1, perSecond, nowMs)
    return waitMs
  }

  // Those who have not come for a second are forgotten first, then who came first.
  #makeRoom(perSecond: number, nowMs: number): void {
    const { maximumRatedAddresses } = this.#limits
    if (this.#buckets.size < maximumRatedAddresses) return
    for (const [network, bucket] of this.#buckets) {
      if (bucket.isFull(perSecond, nowMs)) this.#buckets.delete(network)
    }
    for (const network of this.#buckets.keys()) {
      if (this.#buckets.size < maximumRatedAddresses) return
      this.#buckets.delete(network)
    }
  }
}

function networkOf(remoteAddress: string): string | null {
  const [, ip = ''] = /^\[?(.*?)\]?:\d+$/.exec(remoteAddress) ?? []
  if (!isIPv6(ip)) return ip === '' ? null : ip
  const [head = '', tail = ''] = ip.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === '' ? [] : tail.split(':')
  while (groups.length + rest.length < 8) groups.push('0')
  return [...groups, ...rest].slice(0, 4).join(':')
}
