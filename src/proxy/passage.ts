import type { Clock } from '../broker/clock.ts'
import type { Role } from '../codec/packet-type.ts'
import type { Transport, TransportHandler } from '../transport/transport.ts'
import type { TransportError } from '../transport/transport-error.ts'
import { DelayLine } from './delay-line.ts'
import type { DirectionFaults, Verdict } from './faults.ts'
import type { ProxyLimits } from './limits.ts'
import { type FrameSink, PacketFramer } from './packet-framer.ts'
import { DROPPED, type Injected, type Tap, UNTOUCHED } from './tap.ts'

/** The connection that a direction belongs to. */
export interface PassageOwner {
  /** Counts bytes. @returns how many of them may pass before the connection is cut */
  admit(sender: Role, byteCount: number): number
  /** Something was written, taken or ended. */
  moved(): void
  /** The connection of one side is gone. */
  sideClosed(sender: Role, error: TransportError | null): void
}

/** What a direction is made of. */
export interface PassageParts {
  readonly sender: Role
  readonly source: Transport
  readonly sink: Transport
  readonly faults: DirectionFaults
  readonly limits: ProxyLimits
  readonly clock: Clock
  /** of {@link clock}: when the proxy was started */
  readonly startMs: number
  readonly tap: Tap
}

/** One direction of a connection: reads from one side, does the faults, writes to the other side, waits when that is slow. */
export class Passage implements TransportHandler, FrameSink {
  /** bytes that were passed on */
  passedBytes = 0
  isSourceClosed = false
  /** the other direction: what is told about writes to our source is its to hear */
  opposite!: Passage
  readonly #parts: PassageParts
  readonly #owner: PassageOwner
  readonly #line: DelayLine
  readonly #framer = new PacketFramer()
  #verdict: Verdict | null = null
  #packetBytes = 0
  /** of the packet under way, when it is to be sent twice */
  #copied: Buffer[] | null = null
  #chunkBytes = 0
  #isSourceEnded = false
  #isBroken = false
  #isSinkEnded = false
  #isStopped = false
  #isFull = false
  #isHeld = false

  constructor(parts: PassageParts, owner: PassageOwner) {
    this.#parts = parts
    this.#owner = owner
    const write = (bytes: Buffer): void => parts.sink.write(bytes)
    this.#line = new DelayLine(parts.clock, write, () => this.#moved())
  }

  start(): void {
    this.#parts.source.start(this)
  }

  /** Nothing waits, here or for the system to take it. */
  get isIdle(): boolean {
    return this.#line.isEmpty && this.#parts.sink.bufferedBytes === 0
  }

  // ---- the source tells

  data(bytes: Buffer): void {
    if (this.#isStopped) return
    this.#chunkBytes = bytes.length
    if (this.#parts.faults.looksAtPackets) this.#framer.push(bytes, this)
    else this.#pass(bytes, 0, false)
    this.#throttle()
  }

  drained(): void {
    this.opposite.#moved()
  }

  ended(): void {
    if (!this.#isSourceEnded && !this.#isStopped) this.#parts.tap.ended(this.#parts.sender)
    this.#isSourceEnded = true
    this.#moved()
  }

  closed(error: TransportError | null): void {
    this.isSourceClosed = true
    this.#isSourceEnded = true
    this.#isBroken = error !== null
    this.opposite.#stop()
    this.#owner.sideClosed(this.#parts.sender, error)
    this.#moved()
  }

  // ---- the framer tells

  packetBegins(packetType: number): void {
    this.#verdict = this.#parts.faults.judge(packetType)
    this.#packetBytes = 0
    this.#copied = this.#verdict.isDuplicated ? [] : null
  }

  packetBytes(bytes: Buffer, isLast: boolean): void {
    if (this.#isStopped) return
    const { isDropped, delayMs } = this.#verdict!
    if (isDropped) this.#parts.tap.bytes(this.#parts.sender, bytes, DROPPED)
    else this.#pass(bytes, delayMs, false)
    if (this.#copied === null) return
    this.#packetBytes += bytes.length
    if (this.#packetBytes > this.#parts.limits.duplicatedBytes) this.#copied = null
    else {
      this.#copied.push(bytes)
      if (isLast) this.#pass(Buffer.concat(this.#copied), delayMs, true)
    }
  }

  // ---- the connection tells

  /** Takes in no more until it is told otherwise: whoever shows the packets is slow. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    this.#readOrWait()
  }

  /** The connection is to be cut: what was taken in still passes, and nothing more is taken in. */
  cut(): void {
    this.#isStopped = true
    this.#parts.source.pause()
  }

  // Nobody is there to write to: reads on, for the end of the source is told while reading only.
  #stop(): void {
    this.#isStopped = true
    this.#line.clear()
    this.#isFull = false
    this.#isHeld = false
    this.#parts.source.resume()
  }

  #pass(bytes: Buffer, delayMs: number, isCopy: boolean): void {
    const { sender, faults, clock, startMs, tap } = this.#parts
    const length = this.#owner.admit(sender, bytes.length)
    if (length === 0) return
    const passed = length < bytes.length ? bytes.subarray(0, length) : bytes
    const nowMs = clock.nowMs()
    const dueMs = nowMs + faults.holdMs(nowMs - startMs, delayMs)
    const heldMs = this.#line.push(passed, dueMs, this.#chunkBytes) - nowMs
    this.passedBytes += length
    const injected: Injected = isCopy || heldMs > 0 ? { isDropped: false, isCopy, heldMs } : UNTOUCHED
    tap.bytes(sender, passed, injected)
    this.#owner.moved()
  }

  #moved(): void {
    this.#throttle()
    this.#passEnd()
    this.#owner.moved()
  }

  #throttle(): void {
    const { sink, limits } = this.#parts
    const waitingBytes = this.#line.waitingBytes + sink.bufferedBytes
    if (this.#isStopped || waitingBytes > limits.waitingBytes === this.#isFull) return
    // not back and forth around the limit
    if (this.#isFull && waitingBytes > limits.waitingBytes / 2) return
    this.#isFull = !this.#isFull
    this.#readOrWait()
  }

  #readOrWait(): void {
    if (this.#isStopped) return
    if (this.#isFull || this.#isHeld) this.#parts.source.pause()
    else this.#parts.source.resume()
  }

  // The end of the source is passed on when all before it was written; a reset would throw away what the system has not taken.
  #passEnd(): void {
    const { sink } = this.#parts
    if (!this.#isSourceEnded || this.#isSinkEnded || !this.#line.isEmpty) return
    if (this.#isBroken && sink.bufferedBytes > 0) return
    this.#isSinkEnded = true
    if (this.#isBroken) sink.breakOff()
    else sink.end()
  }
}
