import { fstatSync, writeSync } from 'node:fs'

/** Tells its owner what became of what was written. */
export interface OutputHandler {
  /** All that waited is written: `write` may be called again. */
  drained(): void
  /** Nothing more can be written. @param error null when the reader has closed the pipe, which is no fault */
  failed(error: Error | null): void
}

/** Not below the stream's own mark, for `drain` comes only above that. */
const WAITING_LIMIT_BYTES = 64 * 1024

/**
 * Standard output or standard error for bytes that must arrive. Files are written in place and to the last byte (the
 * stream that Node has for them ignores that a full disk takes only a part); pipes and terminals go through Node's
 * stream, whose unwritten bytes are what `write` tells about.
 */
export class StandardOutput {
  readonly #stream: NodeJS.WriteStream & { readonly fd: number }
  readonly #isFile: boolean
  readonly #fd: number
  #handler: OutputHandler | null = null
  #ended = false
  #error: Error | null = null
  #waiters: (() => void)[] = []

  constructor(stream: NodeJS.WriteStream & { readonly fd: number }) {
    this.#stream = stream
    this.#fd = stream.fd
    this.#isFile = isWrittenInPlace(this.#fd, stream.isTTY)
    stream.on('error', (error: Error) => this.#fail(error))
    stream.on('drain', () => this.#handler?.drained())
  }

  /** Why nothing more can be written; null as long as all is well, and after the reader has closed the pipe. */
  get error(): Error | null {
    return this.#error
  }

  /** @param handler told at once when it is too late already */
  set handler(handler: OutputHandler | null) {
    this.#handler = handler
    if (this.#ended) handler?.failed(this.#error)
  }

  /**
   * @param bytes the memory is not the caller's any more, unless {@link isIdle}
   * @returns false when the reader is slow: better wait for `drained`. The bytes are taken in any case.
   */
  write(bytes: Uint8Array | string): boolean {
    if (this.#ended) return true
    if (this.#isFile) {
      this.#writeInPlace(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)
      return true
    }
    this.#stream.write(bytes)
    return this.#stream.writableLength < WAITING_LIMIT_BYTES
  }

  /** True when the system has taken everything: memory that was written may be used again. */
  get isIdle(): boolean {
    return this.#isFile || this.#stream.writableLength === 0
  }

  /** Resolves when everything is written, or nothing more can be. */
  finished(): Promise<void> {
    if (this.#ended || this.isIdle) return Promise.resolve()
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      this.#stream.write('', () => resolve())
    })
  }

  #writeInPlace(bytes: Uint8Array): void {
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(this.#fd, bytes, written)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#ended) return
    this.#ended = true
    this.#error = error.code === 'EPIPE' ? null : error
    for (const resolve of this.#waiters) resolve()
    this.#handler?.failed(this.#error)
  }
}

// A terminal may be slow and is written by its stream; what is neither terminal nor pipe nor socket is a file or like one.
function isWrittenInPlace(fd: number, isTerminal: boolean): boolean {
  const stats = fstatSync(fd)
  return stats.isFile() || (stats.isCharacterDevice() && isTerminal !== true)
}
