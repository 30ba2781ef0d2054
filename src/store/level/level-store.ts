import { statfs } from 'node:fs'
import { ClassicLevel } from 'classic-level'
import { type Store, type StoreBatch, type StoreEntry, StoreError } from '../store.ts'

/**
 * What a commit survives.
 * - process: the end of the process, kill -9 too: the operating system has the data
 * - power: the end of the machine as well: the disk has it (fsync)
 */
export type Durability = 'process' | 'power'

/** How a {@link LevelStore} is opened. */
export interface LevelStoreOptions {
  readonly durability: Durability
  /** bytes that stay free on the disk: a batch that adds something is refused below, so that compaction and removal go on */
  readonly reserveBytes?: number
}

const DEFAULT_RESERVE_BYTES = 64 * 1_048_576
/** the free room is asked for anew after so many bytes */
const ROOM_CHECK_BYTES = 4 * 1_048_576
const WRITE_BUFFER_BYTES = 16 * 1_048_576
/** what LevelDB may write while it opens: its log becomes a table */
const OPENING_BYTES = 2 * WRITE_BUFFER_BYTES
const ITERATE_BYTES = 1_048_576
const ITERATE_ENTRIES = 1000

type Level = ClassicLevel<Buffer, Buffer>
type LevelBatchHandle = ReturnType<Level['batch']>
type Done = (error: StoreError | null) => void

/**
 * A store on LevelDB (docs/decisions/0012-classic-level.md). It opens what it is told to; whether a folder may be opened is
 * judged in store/store-folder.ts.
 */
export class LevelStore implements Store {
  readonly #level: Level
  readonly #sync: boolean
  readonly #reserveBytes: number
  #underWay: Promise<void> = Promise.resolve()
  /** LevelDB writes no more after an error, and its log may end in half a record: it is opened anew before the next batch */
  #failure: StoreError | null = null
  #bytesSinceRoomCheck = Number.POSITIVE_INFINITY
  #isClosed = false

  private constructor(folder: string, { durability, reserveBytes = DEFAULT_RESERVE_BYTES }: LevelStoreOptions) {
    this.#level = new ClassicLevel<Buffer, Buffer>(folder, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      // check.ts reads the blocks as they are, and what waits here does not wait long
      compression: false,
      writeBufferSize: WRITE_BUFFER_BYTES,
    })
    this.#sync = durability === 'power'
    this.#reserveBytes = reserveBytes
  }

  /**
   * Opens a database, and makes it when there is none.
   * @throws StoreError (rejects)
   */
  static async open(folder: string, options: LevelStoreOptions): Promise<LevelStore> {
    const store = new LevelStore(folder, options)
    try {
      await store.#level.open()
    } catch (error) {
      throw storeError(error, folder)
    }
    return store
  }

  /**
   * Makes a database anew of the tables and logs that are in a folder; what it cannot read it moves to `lost` in there.
   * @throws StoreError (rejects)
   */
  static async repair(folder: string): Promise<void> {
    try {
      await ClassicLevel.repair(folder)
    } catch (error) {
      throw storeError(error, folder)
    }
  }

  batch(): StoreBatch {
    const failure = this.#failure
    return failure === null ? this.#begin() : new RefusedBatch((done) => this.#refuse(failure, done))
  }

  #begin(): StoreBatch {
    const handle = this.#level.batch()
    return new LevelBatch(handle, (batch, done) => {
      this.#underWay = this.#commit(handle, batch).then(done)
    })
  }

  async #commit(handle: LevelBatchHandle, { length, putBytes }: LevelBatch): Promise<StoreError | null> {
    if (putBytes > 0) {
      const refusal = await this.#checkRoom(putBytes)
      if (refusal !== null) {
        await handle.close()
        return refusal
      }
    }
    try {
      await (length === 0 ? handle.close() : handle.write({ sync: this.#sync }))
      return null
    } catch (error) {
      this.#failure = storeError(error, this.#level.location)
      return this.#failure
    }
  }

  async #checkRoom(putBytes: number): Promise<StoreError | null> {
    this.#bytesSinceRoomCheck += putBytes
    if (this.#bytesSinceRoomCheck < ROOM_CHECK_BYTES) return null
    const freeBytes = await freeBytesAt(this.#level.location)
    if (freeBytes >= this.#reserveBytes) {
      this.#bytesSinceRoomCheck = 0
      return null
    }
    // asked again at the next batch
    this.#bytesSinceRoomCheck = Number.POSITIVE_INFINITY
    return this.#full(freeBytes, this.#reserveBytes)
  }

  #full(freeBytes: number, neededBytes: number): StoreError {
    const room = `${mebibytes(freeBytes)} are free, ${mebibytes(neededBytes)} are needed`
    const message = `the disk of ${this.#level.location} is full: ${room}; make room, and the broker goes on by itself`
    return new StoreError('full', message)
  }

  #refuse(failure: StoreError, done: Done): void {
    this.#underWay = this.#reopen(failure).then(done)
  }

  // What the refused batch held is gone; the one after it finds the store open again. Until there is room it can be read.
  async #reopen(failure: StoreError): Promise<StoreError> {
    const { location } = this.#level
    const freeBytes = await freeBytesAt(location)
    if (freeBytes < OPENING_BYTES) return this.#full(freeBytes, OPENING_BYTES)
    try {
      await this.#level.close()
      await this.#level.open()
      this.#failure = null
      return new StoreError(failure.kind, `the store ${location} goes on again after this: ${failure.message}`)
    } catch (error) {
      return storeError(error, location)
    }
  }

  getSync(key: Buffer): Buffer | null {
    try {
      return this.#level.getSync(key) ?? null
    } catch (error) {
      throw storeError(error, this.#level.location)
    }
  }

  async *entries(from: Buffer, until: Buffer | null): AsyncIterable<readonly StoreEntry[]> {
    const bounds = until === null ? { gte: from } : { gte: from, lt: until }
    try {
      const iterator = this.#level.iterator({ ...bounds, highWaterMarkBytes: ITERATE_BYTES })
      try {
        for (;;) {
          const chunk = await iterator.nextv(ITERATE_ENTRIES)
          if (chunk.length === 0) return
          yield chunk
        }
      } finally {
        await iterator.close()
      }
    } catch (error) {
      throw storeError(error, this.#level.location)
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#underWay
    await this.#level.close()
  }
}

class LevelBatch implements StoreBatch {
  readonly #handle: LevelBatchHandle
  readonly #commit: (batch: LevelBatch, done: Done) => void
  length = 0
  /** what is added, in bytes of keys and values */
  putBytes = 0

  constructor(handle: LevelBatchHandle, commit: (batch: LevelBatch, done: Done) => void) {
    this.#handle = handle
    this.#commit = commit
  }

  put(key: Buffer, value: Buffer): void {
    this.length++
    this.putBytes += key.length + value.length
    this.#handle.put(key, value)
  }

  delete(key: Buffer): void {
    this.length++
    this.#handle.del(key)
  }

  commit(done: Done): void {
    this.#commit(this, done)
  }
}

/** Begun while the store could not take anything. */
class RefusedBatch implements StoreBatch {
  readonly #refuse: (done: Done) => void
  length = 0

  constructor(refuse: (done: Done) => void) {
    this.#refuse = refuse
  }

  put(): void {
    this.length++
  }

  delete(): void {
    this.length++
  }

  commit(done: Done): void {
    this.#refuse(done)
  }
}

function freeBytesAt(folder: string): Promise<number> {
  return new Promise((resolve) => {
    // where the file system does not tell, the write itself will
    statfs(folder, (error, found) => resolve(error === null ? found.bavail * found.bsize : Number.POSITIVE_INFINITY))
  })
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 1_048_576)} MiB`
}

/** @param error of classic-level: its code is that of the outcome, the cause has that of an attempt to open */
function storeError(error: unknown, folder: string): StoreError {
  if (error instanceof StoreError) return error
  const { code, message, cause } = error as Error & { code?: string }
  if (code === 'LEVEL_DATABASE_NOT_OPEN' && cause instanceof Error) return storeError(cause, folder)
  if (code === 'LEVEL_LOCKED') {
    return new StoreError('busy', `${folder} is in use by another process; stop that one first`, error)
  }
  if (code === 'LEVEL_CORRUPTION') return new StoreError('damaged', `${folder} is damaged: ${message}`, error)
  if (/No space left|quota exceeded|not enough space|File too large/i.test(message)) {
    return new StoreError('full', `the disk of ${folder} is full: ${message}`, error)
  }
  return new StoreError('io', `${folder} cannot be used: ${message}`, error)
}
