import type { TransportHandler } from '../../src/transport/transport.ts'
import type { TransportError } from '../../src/transport/transport-error.ts'

/** Notes all that a Transport tells, and lets a test wait for it. */
export class RecordingHandler implements TransportHandler {
  /** The calls in order, runs of the same call once: `data`, `drained`, `ended`, `closed`. */
  readonly calls: string[] = []
  readonly chunks: Buffer[] = []
  receivedBytes = 0
  drainedCount = 0
  closedCount = 0
  error: TransportError | null = null
  /** Runs in data() after the chunk was noted. */
  onData: (() => void) | null = null
  readonly #copies: boolean
  readonly #waiting: { condition: () => boolean; resolve: () => void }[] = []

  /** @param copies for bytes that are good during the call only */
  constructor(copies = false) {
    this.#copies = copies
  }

  get received(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get isEnded(): boolean {
    return this.calls.includes('ended')
  }

  get isClosed(): boolean {
    return this.closedCount > 0
  }

  /** Resolves after the first call that makes the condition true. */
  until(condition: (handler: this) => boolean): Promise<void> {
    if (condition(this)) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ condition: () => condition(this), resolve }))
  }

  data(bytes: Buffer): void {
    this.chunks.push(this.#copies ? Buffer.from(bytes) : bytes)
    this.receivedBytes += bytes.length
    this.onData?.()
    this.#note('data')
  }

  drained(): void {
    this.drainedCount++
    this.#note('drained')
  }

  ended(): void {
    this.#note('ended')
  }

  closed(error: TransportError | null): void {
    this.closedCount++
    this.error = error
    this.#note('closed')
  }

  #note(call: string): void {
    if (this.calls.at(-1) !== call) this.calls.push(call)
    for (const waiter of this.#waiting.filter(({ condition }) => condition())) {
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
      waiter.resolve()
    }
  }
}
