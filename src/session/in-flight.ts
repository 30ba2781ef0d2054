import type { Delivery } from './delivery.ts'
import type { OpenPacketIds } from './packet-ids.ts'

/** Of all that have never held anything; never written to. */
const NONE: (Delivery | undefined)[] = []
const FIRST_LENGTH = 16
/** A queue of 50,000 for a client that is back makes the ring grow 7 times, not 13. */
const GROWTH = 4

/**
 * Outgoing QoS 1 and 2 exchanges by Packet Identifier. Identifiers are given out in rising order and mostly end in it, so one
 * finds its place in a ring by its low bits; one that is still open when the ring has come round makes others stand aside.
 * A Map takes three times as long (16 ns to add, find and delete one, a Map 60), leaves outgrown tables to the garbage collector,
 * and weighs 186 bytes while it is empty.
 */
export class InFlight implements OpenPacketIds {
  /** its length is a power of 2, at least twice the exchanges in it */
  #ring = NONE
  /** those whose place is taken */
  #aside: Map<number, Delivery> | null = null
  #size = 0
  #lastOrder = 0

  get size(): number {
    return this.#size
  }

  get(packetId: number): Delivery | undefined {
    const delivery = this.#ring[packetId & (this.#ring.length - 1)]
    if (delivery !== undefined && delivery.packetId === packetId) return delivery
    return this.#aside?.get(packetId)
  }

  has(packetId: number): boolean {
    return this.get(packetId) !== undefined
  }

  /** Adds a delivery, as the last in order. @param delivery with a Packet Identifier that is not open, and that it keeps */
  add(delivery: Delivery): void {
    delivery.sendingOrder = ++this.#lastOrder
    if (++this.#size * 2 > this.#ring.length) this.#grow()
    this.#put(delivery)
  }

  /** @returns false when it was not open */
  delete(packetId: number): boolean {
    const place = packetId & (this.#ring.length - 1)
    if (this.#ring[place]?.packetId === packetId) this.#ring[place] = undefined
    else if (!this.#aside?.delete(packetId)) return false
    this.#size--
    return true
  }

  clear(): void {
    this.#ring = NONE
    this.#aside = null
    this.#size = 0
  }

  /** In the order in which they were added: that of their first sending. */
  inOrder(): Delivery[] {
    if (this.#size === 0) return []
    const all = this.#ring.filter((delivery) => delivery !== undefined)
    if (this.#aside !== null) all.push(...this.#aside.values())
    return all.sort((a, b) => a.sendingOrder - b.sendingOrder)
  }

  #put(delivery: Delivery): void {
    const place = delivery.packetId & (this.#ring.length - 1)
    if (this.#ring[place] === undefined) {
      this.#ring[place] = delivery
      return
    }
    this.#aside ??= new Map()
    this.#aside.set(delivery.packetId, delivery)
  }

  #grow(): void {
    const [ring, aside] = [this.#ring, this.#aside]
    this.#ring = Array(Math.max(FIRST_LENGTH, ring.length * GROWTH)).fill(undefined)
    this.#aside = null
    for (let i = 0; i < ring.length; i++) {
      const delivery = ring[i]
      if (delivery !== undefined) this.#put(delivery)
    }
    if (aside !== null) for (const delivery of aside.values()) this.#put(delivery)
  }
}
