import type { Message } from '../../codec/message.ts'
import { Failure } from '../failure.ts'
import type { PayloadSource } from './payload-source.ts'

/** Takes messages, and then the end. */
export interface OutgoingSink {
  /** @param message owned: it may be kept */
  message(message: Message): void
  /** That was the last message. */
  ended(): void
  failed(failure: Failure): void
}

/** Gives messages, as fast as they are taken. */
export interface MessageSource {
  start(sink: OutgoingSink): void
  /** No more messages, except those of the chunk being cut. */
  pause(): void
  resume(): void
  /** No more at all. */
  stop(): void
}

/**
 * Makes the message of one payload of a source.
 * @param bytes a view, good during the call
 * @param index from 1 up
 * @throws Failure when there is no message in it
 */
export type MessageMaker = (bytes: Buffer, index: number) => Message

/** The messages that a maker sees in the payloads of a source. */
export class MadeMessages implements MessageSource {
  readonly #source: PayloadSource
  readonly #make: MessageMaker
  #count = 0

  constructor(source: PayloadSource, make: MessageMaker) {
    this.#source = source
    this.#make = make
  }

  start(sink: OutgoingSink): void {
    this.#source.start({
      payload: (bytes) => {
        const message = this.#makeNext(bytes, sink)
        if (message !== null) sink.message(message)
      },
      ended: () => sink.ended(),
      failed: (failure) => sink.failed(failure),
    })
  }

  pause(): void {
    this.#source.pause()
  }

  resume(): void {
    this.#source.resume()
  }

  stop(): void {
    this.#source.stop()
  }

  #makeNext(bytes: Buffer, sink: OutgoingSink): Message | null {
    try {
      return this.#make(bytes, ++this.#count)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      this.#source.stop()
      sink.failed(error)
      return null
    }
  }
}
