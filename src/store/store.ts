/**
 * The store room: what a broker keeps on disk. Below is the port to an embedded database, an ordered map from bytes to bytes
 * and nothing more; keys.ts and records/ say what MQTT makes of it, journal.ts when it is written. memory-store.ts is the
 * reference model of the port.
 */

/** One entry, as iteration gives it. */
export type StoreEntry = readonly [key: Buffer, value: Buffer]

/** Changes that come to be together, or not at all. */
export interface StoreBatch {
  /** Operations so far. */
  readonly length: number
  /** Sets the value of a key. Both are copied before the call returns. The last operation on a key counts. */
  put(key: Buffer, value: Buffer): void
  /** Removes a key; one that is not there is no error. The key is copied. */
  delete(key: Buffer): void
  /**
   * Makes all operations last, as the store was opened to: beyond the end of the process, or of the machine's power.
   * @param done called once, in a later turn; with an error nothing of the batch was done, and a later batch may well succeed
   */
  commit(done: (error: StoreError | null) => void): void
}

/** An ordered map of bytes, kept somewhere. Keys are compared byte by byte, a prefix comes before what it begins. */
export interface Store {
  /** Begins a batch. One at a time: not before the last one was committed and that is done. */
  batch(): StoreBatch
  /**
   * The value of a key; null when there is none. While a commit is under way its keys may have the old value or the new one.
   * @throws StoreError damaged or io
   */
  getSync(key: Buffer): Buffer | null
  /**
   * All entries from `from` (inclusive) to `until` (exclusive; null: to the end) in the order of keys, in chunks, as they
   * were when iteration began.
   * @throws StoreError damaged or io, when the iterator is asked for more
   */
  entries(from: Buffer, until: Buffer | null): AsyncIterable<readonly StoreEntry[]>
  /** Ends it once a commit that is under way is done. */
  close(): Promise<void>
}

/**
 * What went wrong with a store.
 * - full: no room on the disk, or a quota is reached; goes away when there is room
 * - damaged: bytes that cannot be what was written
 * - busy: another process has it open
 * - foreign: the directory holds something that is no store of ours
 * - version: made by another version, which this one cannot read
 * - io: the disk or the file system failed; may go away
 */
export type StoreErrorKind = 'full' | 'damaged' | 'busy' | 'foreign' | 'version' | 'io'

/** The store cannot do what it was asked for. The message is for people: what happened, to what, what to try. */
export class StoreError extends Error {
  readonly kind: StoreErrorKind

  constructor(kind: StoreErrorKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'StoreError'
    this.kind = kind
  }
}
