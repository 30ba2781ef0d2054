/** Size of the block that a connection with little to say uses. */
export const SMALL_BLOCK_BYTES = 4096
/** Size of the block that a connection with much to say uses. */
export const LARGE_BLOCK_BYTES = 65_536

const MAXIMUM_FREE_SMALL_BLOCKS = 1024
const MAXIMUM_FREE_LARGE_BLOCKS = 64

/** A piece of memory with output in it, from its start. */
export class Block {
  readonly bytes: Buffer
  /** Bytes in use; 0 until the block is full or left. */
  length: number
  /** Does the pool want it back? Not memory that came from outside, nor a block of unusual size. */
  readonly isPooled: boolean

  constructor(bytes: Buffer, length: number, isPooled: boolean) {
    this.bytes = bytes
    this.length = length
    this.isPooled = isPooled
  }
}

/**
 * Blocks that are in nobody's hands: at most 4 MiB of each size are kept, what is above goes to the garbage collector.
 * Two sizes, because a message to 10,000 connections fills 10,000 blocks a little in one turn.
 */
export class BlockPool {
  readonly #small: Block[] = []
  readonly #large: Block[] = []

  /** Memory kept for later. */
  get freeBytes(): number {
    return this.#small.length * SMALL_BLOCK_BYTES + this.#large.length * LARGE_BLOCK_BYTES
  }

  /** A small or large block; above LARGE_BLOCK_BYTES one of exactly this size. */
  take(byteCount: number): Block {
    if (byteCount <= SMALL_BLOCK_BYTES) return this.#small.pop() ?? newBlock(SMALL_BLOCK_BYTES, true)
    if (byteCount <= LARGE_BLOCK_BYTES) return this.#large.pop() ?? newBlock(LARGE_BLOCK_BYTES, true)
    return newBlock(byteCount, false)
  }

  /** Takes back a block that nobody reads from any more; one that is not from take() is ignored. */
  give(block: Block): void {
    if (!block.isPooled) return
    const isSmall = block.bytes.length === SMALL_BLOCK_BYTES
    const free = isSmall ? this.#small : this.#large
    if (free.length < (isSmall ? MAXIMUM_FREE_SMALL_BLOCKS : MAXIMUM_FREE_LARGE_BLOCKS)) free.push(block)
  }
}

function newBlock(byteCount: number, isPooled: boolean): Block {
  return new Block(Buffer.allocUnsafeSlow(byteCount), 0, isPooled)
}
