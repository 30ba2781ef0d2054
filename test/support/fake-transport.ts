import type { Transport, TransportHandler } from '../../src/transport/transport.ts'

/** A Transport without a network: the test decides how many bytes the kernel takes, and when. */
export class FakeTransport implements Transport {
  readonly remoteAddress = 'fake:1'
  readonly localAddress = 'fake:2'
  /** Every write as it came, not copied. */
  readonly writes: Buffer[] = []
  isEnded = false
  /** How many bytes the kernel takes before the transport is behind. */
  roomBytes = Number.POSITIVE_INFINITY
  onDrained: (() => void) | null = null
  #handler: TransportHandler | null = null
  readonly #taken: Buffer[] = []
  #waiting: Buffer[] = []

  get bufferedBytes(): number {
    return this.#waiting.reduce((sum, bytes) => sum + bytes.length, 0)
  }

  /** What the kernel has taken, copied at that moment. */
  get taken(): Buffer {
    return Buffer.concat(this.#taken)
  }

  start(handler: TransportHandler): void {
    this.#handler = handler
  }

  write(bytes: Buffer): void {
    if (this.isEnded) throw new Error('written after end()')
    this.writes.push(bytes)
    this.#waiting.push(bytes)
    this.#take()
  }

  /** The kernel takes this many bytes more; tells `drained` when that was all. */
  makeRoom(byteCount: number): void {
    const wasBehind = this.bufferedBytes > 0
    this.roomBytes += byteCount
    this.#take()
    if (!wasBehind || this.bufferedBytes > 0) return
    this.#handler?.drained()
    this.onDrained?.()
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    this.isEnded = true
  }

  destroy(): void {
    this.isEnded = true
    this.#waiting = []
  }

  breakOff(): void {
    this.destroy()
  }

  #take(): void {
    while (this.roomBytes > 0 && this.#waiting.length > 0) {
      const bytes = this.#waiting.shift()!
      const length = Math.min(bytes.length, this.roomBytes)
      this.#taken.push(Buffer.from(bytes.subarray(0, length)))
      this.roomBytes -= length
      if (length < bytes.length) this.#waiting.unshift(bytes.subarray(length))
    }
  }
}
