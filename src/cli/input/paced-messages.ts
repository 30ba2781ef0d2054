import type { Message } from '../../codec/message.ts'
import type { MessageSource, OutgoingSink } from './message-source.ts'

/**
 * When a message is due, in milliseconds after the first one.
 * @param index from 0 up
 */
export type Schedule = (message: Message, index: number) => number

interface Waiting {
  readonly message: Message
  readonly dueMs: number
}

/** Gives the messages of another source at their times. Holds what one chunk of that source brings, and no more. */
export class PacedMessages implements MessageSource, OutgoingSink {
  readonly #source: MessageSource
  readonly #schedule: Schedule
  #sink: OutgoingSink | null = null
  #waiting: Waiting[] = []
  /** place of the next one in waiting */
  #next = 0
  #count = 0
  #startedAtMs = 0
  #timer: NodeJS.Timeout | null = null
  #isPaused = false
  #isSourceAtEnd = false

  constructor(source: MessageSource, schedule: Schedule) {
    this.#source = source
    this.#schedule = schedule
  }

  start(sink: OutgoingSink): void {
    this.#sink = sink
    this.#source.start(this)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#timer === null) this.#give()
  }

  stop(): void {
    this.#sink = null
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#source.stop()
  }

  message(message: Message): void {
    if (this.#count === 0) this.#startedAtMs = performance.now()
    this.#waiting.push({ message, dueMs: this.#schedule(message, this.#count++) })
    if (this.#waiting.length > 1) return
    this.#source.pause()
    this.#give()
  }

  ended(): void {
    this.#isSourceAtEnd = true
    if (this.#waiting.length === 0) this.#sink?.ended()
  }

  failed(failure: Parameters<OutgoingSink['failed']>[0]): void {
    this.#sink?.failed(failure)
  }

  #give(): void {
    this.#timer = null
    while (this.#next < this.#waiting.length) {
      if (this.#sink === null || this.#isPaused) return
      const { message, dueMs } = this.#waiting[this.#next]!
      const waitMs = dueMs - (performance.now() - this.#startedAtMs)
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#give(), Math.min(Math.ceil(waitMs), LONGEST_TIMER_MS))
        return
      }
      this.#next++
      this.#sink.message(message)
    }
    this.#waiting = []
    this.#next = 0
    if (this.#isSourceAtEnd) this.#sink?.ended()
    else this.#source.resume()
  }
}

/** setTimeout fires at once above this. */
const LONGEST_TIMER_MS = 2_147_483_647
