import { Block, BlockPool, LARGE_BLOCK_BYTES, SMALL_BLOCK_BYTES } from './block-pool.ts'
import type { Transport } from './transport.ts'

/**
 * append() copies what is shorter and passes on what is not: copying is cheaper far beyond a kilobyte, but a long message to
 * many connections that are behind must not be in memory many times.
 */
export const PASS_ON_BYTES = 32_768

/** Blocks that wait are written by one system call as far as they come to this much. */
export const GATHER_BYTES = 262_144

const NO_BYTES = Buffer.alloc(0)

/**
 * One turn of the event loop, shared by the connections of a broker or client: what they put out while the turn's events are
 * handled goes to the sockets together, in one write per connection, when they have been handled.
 */
export class Turn {
  readonly #pool = new BlockPool()
  #buffers: OutputBuffer[] = []
  #isScheduled = false
  readonly #turnEnded = (): void => {
    this.#isScheduled = false
    this.flush()
  }

  /** Memory kept for the next output; bounded. */
  get freeBytes(): number {
    return this.#pool.freeBytes
  }

  /** For OutputBuffer: blocks of all connections. */
  get pool(): BlockPool {
    return this.#pool
  }

  /** For OutputBuffer: has this one flushed at the end of the turn. */
  add(buffer: OutputBuffer): void {
    this.#buffers.push(buffer)
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(this.#turnEnded)
  }

  /** Writes what was put out so far without waiting for the end of the turn: for who knows that nothing follows soon. */
  flush(): void {
    const buffers = this.#buffers
    this.#buffers = []
    for (const buffer of buffers) buffer.turnEnded()
  }
}

/**
 * The output of one connection: packets are written straight into memory that goes to the Transport at the end of the turn.
 * While the Transport has not taken the last write, output waits here, in blocks that are filled before a new one is begun;
 * so a peer that does not read costs what pendingBytes says. An idle connection holds no memory.
 *
 * Output that promises something may have to wait until that is safe: as long as {@link heldBy} is set, nothing leaves but
 * what {@link release} lets go. Then blocks do not leave as they fill.
 *
 * The owner hands on `drained` and `closed` of the Transport: they call {@link drained} and {@link discard}.
 */
export class OutputBuffer {
  /** Where reserve()'s offset points into; another one after each reserve(). */
  bytes: Buffer = NO_BYTES
  readonly #transport: Transport
  readonly #turn: Turn

  // The current block: `bytes` is its memory, null when none is held.
  #block: Block | null = null
  /** Bytes reserved in the current block. */
  #end = 0
  /** Up to here reserve() need not ask: 0 unless there is a block and the turn knows of this buffer. */
  #limit = 0

  // Output in order: the queue, then the current block. The first of them may be written in part.
  #queue: Block[] = []
  /** Bytes of the first block that are written. */
  #start = 0

  // Counted from when all was written last.
  /** Bytes before the current block. */
  #before = 0
  #written = 0
  /** Bytes that may be written. */
  #released = 0
  /** Bytes that {@link release} lets go. */
  #sealed = 0

  /** Written to the last byte, but the Transport may still read them. */
  readonly #lent: Block[] = []
  #heldBy: object | null = null
  #isInTurn = false
  #isEnding = false
  #wantsLargeBlock = false

  constructor(transport: Transport, turn: Turn) {
    this.#transport = transport
    this.#turn = turn
  }

  /**
   * What has to be done before output may leave that comes from now on; null: nothing. Whoever sets it calls {@link seal} and
   * {@link release}.
   */
  get heldBy(): object | null {
    return this.#heldBy
  }

  set heldBy(holder: object | null) {
    if (this.#heldBy === null) this.#released = this.#before + this.#end
    this.#heldBy = holder
  }

  /** Bytes that the kernel has not taken: reserved and not written, and those that wait in the Transport. */
  get pendingBytes(): number {
    return this.#before + this.#end - this.#written + this.#transport.bufferedBytes
  }

  /**
   * Makes room for `byteCount` bytes and has them sent when the turn ends. They must be written before anything else is
   * asked of this buffer.
   *
   * @returns the offset in `bytes` where they belong
   */
  reserve(byteCount: number): number {
    const offset = this.#end
    const end = offset + byteCount
    if (end > this.#limit) return this.#reserveSlowly(byteCount)
    this.#end = end
    return offset
  }

  /**
   * Sends bytes that exist already. Below PASS_ON_BYTES they are copied and the caller's again; from there on they are passed
   * on as they are and must not be changed any more.
   */
  append(bytes: Buffer): void {
    if (bytes.length < PASS_ON_BYTES) {
      const offset = this.reserve(bytes.length)
      this.bytes.set(bytes, offset)
      return
    }
    this.#joinTurn()
    this.#retireBlock()
    this.#queue.push(new Block(bytes, bytes.length, false))
    this.#before += bytes.length
    this.#writeFilled()
  }

  /** Gives all output to the Transport now, even if it is behind; not what is held. */
  flush(): void {
    if (this.#heldBy === null) this.#released = this.#before + this.#end
    this.#write(true)
  }

  /** Gives output to the Transport now as long as that keeps up; not what is held. */
  push(): void {
    if (this.#heldBy === null) this.#released = this.#before + this.#end
    this.#write(false)
  }

  /** Half-closes the Transport after all output, that which is held included. Nothing may follow. */
  end(): void {
    this.#isEnding = true
    this.flush()
  }

  /** The Transport has taken everything: what was waiting for that is written. To be called by the owner. */
  drained(): void {
    this.#write(false)
  }

  /** Forgets all output that is not written, for a connection that is closed. To be called by the owner. */
  discard(): void {
    // A block that is written in part may be in the Transport's hands: it is left to the garbage collector.
    if (this.#start === 0) {
      for (const block of this.#queue) this.#turn.pool.give(block)
      if (this.#block !== null) this.#turn.pool.give(this.#block)
    }
    this.#queue = []
    this.#leaveBlock()
    this.#start = 0
    this.#lent.length = 0
    this.#restartCounts()
  }

  /** For Turn: writes what may leave. */
  turnEnded(): void {
    this.#isInTurn = false
    this.#limit = 0
    if (this.#heldBy === null) this.#released = this.#before + this.#end
    this.#write(this.#isEnding)
  }

  /** Marks what was put out so far: {@link release} lets that much go. */
  seal(): void {
    this.#sealed = this.#before + this.#end
  }

  /** Writes what is sealed; all that there is unless it is held again. */
  release(): void {
    if (this.#heldBy === null) this.#released = this.#before + this.#end
    else if (this.#sealed > this.#released) this.#released = this.#sealed
    this.#write(this.#isEnding)
  }

  #reserveSlowly(byteCount: number): number {
    this.#joinTurn()
    if (this.#block === null) this.#takeBlock(byteCount)
    else if (this.#end + byteCount > this.bytes.length) this.#makeRoom(byteCount)
    this.#limit = this.bytes.length
    const offset = this.#end
    this.#end += byteCount
    return offset
  }

  #joinTurn(): void {
    if (this.#isInTurn) return
    this.#isInTurn = true
    this.#turn.add(this)
  }

  #takeBlock(byteCount: number): void {
    this.#block = this.#turn.pool.take(this.#wantsLargeBlock ? Math.max(byteCount, LARGE_BLOCK_BYTES) : byteCount)
    this.bytes = this.#block.bytes
  }

  #makeRoom(byteCount: number): void {
    this.#wantsLargeBlock = true
    if (this.bytes.length === SMALL_BLOCK_BYTES && this.#end + byteCount <= LARGE_BLOCK_BYTES) {
      this.#growBlock()
    } else {
      this.#retireBlock()
      this.#writeFilled()
      this.#takeBlock(byteCount)
    }
  }

  #growBlock(): void {
    const small = this.#block!
    this.#takeBlock(LARGE_BLOCK_BYTES)
    small.bytes.copy(this.bytes, 0, 0, this.#end)
    if (this.#start === 0) this.#turn.pool.give(small)
  }

  #retireBlock(): void {
    if (this.#block === null) return
    this.#block.length = this.#end
    this.#queue.push(this.#block)
    this.#leaveBlock()
  }

  #leaveBlock(): void {
    this.#before += this.#end
    this.#end = 0
    this.#limit = 0
    this.#block = null
    this.bytes = NO_BYTES
  }

  /** The blocks of the queue need not wait for the end of the turn. */
  #writeFilled(): void {
    if (this.#heldBy !== null) return
    this.#released = this.#before
    this.#write(false)
  }

  #write(evenIfBehind: boolean): void {
    const transport = this.#transport
    while (this.#written < this.#released && (evenIfBehind || transport.bufferedBytes === 0)) {
      this.#takeBack()
      let bytes = this.#takeReleased()
      for (let gathered = bytes.length; this.#written < this.#released && gathered < GATHER_BYTES; ) {
        transport.write(bytes, true)
        bytes = this.#takeReleased()
        gathered += bytes.length
      }
      transport.write(bytes)
    }
    this.#takeBack()
    if (this.#written < this.#before + this.#end) return
    this.#restartCounts()
    if (!this.#isEnding) return
    this.#isEnding = false
    transport.end()
  }

  /** The next bytes to write; from here on they count as written. */
  #takeReleased(): Buffer {
    const queued = this.#queue[0]
    const block = queued ?? this.#block!
    const length = queued === undefined ? this.#end : queued.length
    const start = this.#start
    const end = Math.min(length, start + this.#released - this.#written)
    this.#written += end - start
    this.#start = end
    if (end === length) {
      this.#start = 0
      if (block.isPooled) this.#lent.push(block)
      if (queued !== undefined) this.#queue.shift()
      else this.#leaveBlock()
      if (length <= SMALL_BLOCK_BYTES) this.#wantsLargeBlock = false
    }
    return block.bytes.subarray(start, end)
  }

  #takeBack(): void {
    if (this.#lent.length === 0 || this.#transport.bufferedBytes > 0) return
    // setting the length of an array costs 4 % of the rate at QoS 0
    for (let block = this.#lent.pop(); block !== undefined; block = this.#lent.pop()) this.#turn.pool.give(block)
  }

  #restartCounts(): void {
    this.#before = 0
    this.#written = 0
    this.#released = 0
    this.#sealed = 0
  }
}
