import type { Publish } from '../../codec/packets/publish.ts'
import type { LiveView } from './live-view.ts'

/** Topics that are told apart; above it the number stays. */
const MAXIMUM_TOPICS = 100_000

/** How many messages come, and how much: `--rate`. */
export class RateView implements LiveView {
  readonly #topics = new Set<string>()
  #messages = 0
  #bytes = 0
  #newMessages = 0
  #newBytes = 0

  add({ message }: Publish): void {
    this.#newMessages++
    this.#newBytes += message.payloadBytes
    if (this.#topics.size < MAXIMUM_TOPICS) this.#topics.add(message.topicName)
  }

  lines(seconds: number): string[] {
    const { messagesPerSecond, bytesPerSecond, messages, bytes, topics } = this.#next(seconds)
    const rate = `${messagesPerSecond.toLocaleString('en')} messages/s, ${byteText(bytesPerSecond)}/s`
    return [`${rate}; ${messages.toLocaleString('en')} messages, ${byteText(bytes)} on ${topics} topics`]
  }

  json(seconds: number, now: Date): string {
    return JSON.stringify({ time: now.toISOString(), ...this.#next(seconds) })
  }

  #next(seconds: number) {
    const messagesPerSecond = Math.round((this.#newMessages / seconds) * 10) / 10
    const bytesPerSecond = Math.round(this.#newBytes / seconds)
    this.#messages += this.#newMessages
    this.#bytes += this.#newBytes
    this.#newMessages = 0
    this.#newBytes = 0
    return {
      messagesPerSecond,
      bytesPerSecond,
      messages: this.#messages,
      bytes: this.#bytes,
      topics: this.#topics.size,
    }
  }
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** `1.2 MB` */
export function byteText(bytes: number): string {
  const step = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), UNITS.length - 1)
  return `${step === 0 ? bytes : (bytes / 1000 ** step).toFixed(1)} ${UNITS[step]}`
}
