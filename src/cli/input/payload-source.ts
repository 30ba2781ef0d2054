import type { Readable } from 'node:stream'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'
import { LineSplitter, type PayloadSink, PayloadTooLong } from './line-splitter.ts'

/** Takes payloads, and then the end. */
export interface SourceSink extends PayloadSink {
  /** That was the last payload. */
  ended(): void
  failed(failure: Failure): void
}

/** Gives payloads, as fast as they are taken. */
export interface PayloadSource {
  start(sink: SourceSink): void
  /** No more payloads, except those of the chunk being cut. */
  pause(): void
  resume(): void
  /** No more at all. */
  stop(): void
}

/** One payload, given some times. */
export class RepeatedPayload implements PayloadSource {
  readonly #payload: Buffer
  readonly #times: number
  readonly #delayMs: number
  #sink: SourceSink | null = null
  #given = 0
  #paused = false
  #timer: NodeJS.Timeout | null = null

  constructor(payload: Buffer, times: number, delayMs: number) {
    this.#payload = payload
    this.#times = times
    this.#delayMs = delayMs
  }

  start(sink: SourceSink): void {
    this.#sink = sink
    this.#give()
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    if (this.#timer === null) this.#give()
  }

  stop(): void {
    this.#sink = null
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #give(): void {
    this.#timer = null
    while (this.#sink !== null && !this.#paused && this.#given < this.#times) {
      this.#given++
      this.#sink.payload(this.#payload)
      if (this.#given === this.#times) return this.#sink?.ended()
      if (this.#delayMs > 0) {
        this.#timer = setTimeout(() => this.#give(), this.#delayMs)
        return
      }
    }
  }
}

/** The payloads that a stream holds, cut at a separator. */
export class StreamedPayloads implements PayloadSource {
  readonly #stream: Readable
  readonly #splitter: LineSplitter
  #stopped = false

  constructor(stream: Readable, separator: number, maximumBytes: number) {
    this.#stream = stream
    this.#splitter = new LineSplitter(separator, maximumBytes)
  }

  start(sink: SourceSink): void {
    let count = 0
    const counting = {
      payload: (bytes: Buffer): void => {
        count++
        if (!this.#stopped) sink.payload(bytes)
      },
    }
    this.#stream.on('error', (error) => sink.failed(inputFailure('stdin', error)))
    this.#stream.on('data', (chunk: Buffer) => {
      try {
        this.#splitter.push(chunk, counting)
      } catch (error) {
        if (!(error instanceof PayloadTooLong)) throw error
        this.stop()
        sink.failed(new Failure(ExitCode.USAGE, `message ${count + 1} of stdin is ${error.message}`))
      }
    })
    this.#stream.on('end', () => {
      this.#splitter.end(counting)
      if (!this.#stopped) sink.ended()
    })
  }

  pause(): void {
    this.#stream.pause()
  }

  resume(): void {
    if (!this.#stopped) this.#stream.resume()
  }

  stop(): void {
    this.#stopped = true
    this.#stream.destroy()
  }
}

/**
 * Reads all of a file or stream as one payload.
 * @param name for messages: `stdin` or the path
 * @throws Failure when it cannot be read or is longer than MQTT allows
 */
export async function readWhole(stream: Readable, name: string, maximumBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of stream) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > maximumBytes) throw new PayloadTooLong(maximumBytes)
    }
  } catch (error) {
    throw inputFailure(name, error as Error)
  }
  return Buffer.concat(chunks)
}

function inputFailure(name: string, error: Error): Failure {
  if (error instanceof PayloadTooLong) return new Failure(ExitCode.USAGE, `${name} is ${error.message}`, error)
  return new Failure(ExitCode.USAGE, `cannot read ${name}: ${error.message}`, error)
}
