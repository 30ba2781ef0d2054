/** Takes payloads as they are cut. */
export interface PayloadSink {
  /** @param bytes a view, good during the call */
  payload(bytes: Buffer): void
}

/** A payload is longer than it may be. */
export class PayloadTooLong extends Error {
  constructor(maximumBytes: number) {
    super(`longer than the ${maximumBytes} bytes that MQTT allows`)
  }
}

/**
 * Cuts a stream into payloads at a separator byte, which belongs to none of them. Every other byte stays as it is. Holds
 * one unfinished payload at most.
 */
export class LineSplitter {
  readonly #separator: number
  readonly #maximumBytes: number
  #unfinished: Buffer[] = []
  #unfinishedBytes = 0

  constructor(separator: number, maximumBytes: number) {
    this.#separator = separator
    this.#maximumBytes = maximumBytes
  }

  /** @throws PayloadTooLong as soon as the limit is passed, separator or not */
  push(chunk: Buffer, sink: PayloadSink): void {
    let start = 0
    for (let end = chunk.indexOf(this.#separator); end >= 0; end = chunk.indexOf(this.#separator, start)) {
      if (this.#unfinishedBytes === 0) this.#emit(chunk.subarray(start, end), sink)
      else this.#emit(this.#completed(chunk.subarray(start, end)), sink)
      start = end + 1
    }
    if (start === chunk.length) return
    this.#unfinished.push(chunk.subarray(start))
    this.#unfinishedBytes += chunk.length - start
    if (this.#unfinishedBytes > this.#maximumBytes) throw new PayloadTooLong(this.#maximumBytes)
  }

  /** The stream has ended: bytes without a separator behind them are the last payload. */
  end(sink: PayloadSink): void {
    if (this.#unfinishedBytes > 0) this.#emit(this.#completed(Buffer.alloc(0)), sink)
  }

  #completed(rest: Buffer): Buffer {
    const whole = Buffer.concat([...this.#unfinished, rest])
    this.#unfinished = []
    this.#unfinishedBytes = 0
    return whole
  }

  #emit(payload: Buffer, sink: PayloadSink): void {
    if (payload.length > this.#maximumBytes) throw new PayloadTooLong(this.#maximumBytes)
    sink.payload(payload)
  }
}
