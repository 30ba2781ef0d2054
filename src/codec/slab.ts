/**
 * Memory that short messages share: a Buffer each would weigh more than what is in it. A slab stays in memory as long as one
 * message in it does, so those that live long have slabs of their own kind, and small ones.
 */
export class Slab {
  /** what is longer needs memory of its own */
  readonly longestBytes: number
  /** where {@link place} makes room; another one from time to time */
  bytes: Buffer = Buffer.alloc(0)
  readonly #slabBytes: number
  #end = 0

  constructor(slabBytes: number, longestBytes: number) {
    this.#slabBytes = slabBytes
    this.longestBytes = longestBytes
  }

  /** Makes room in {@link bytes}. @returns where it begins */
  place(byteCount: number): number {
    if (this.#end + byteCount > this.bytes.length) {
      this.bytes = Buffer.allocUnsafeSlow(this.#slabBytes)
      this.#end = 0
    }
    const place = this.#end
    this.#end += byteCount
    return place
  }
}
