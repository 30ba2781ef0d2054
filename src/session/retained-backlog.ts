import type { Message } from '../codec/message.ts'
import type { Subscription } from './session-state.ts'

interface Source {
  subscription: Subscription
  readonly messages: Iterator<Message>
  /** order of arrival when the subscription was made */
  readonly sinceSequence: number
}

/** One retained message to be sent because of a subscription. */
export interface RetainedDelivery {
  readonly message: Message
  readonly subscription: Subscription
}

/** Knows what is retained now. */
export interface RetainedSource {
  /** False when the message was replaced, deleted, or has expired. */
  isRetained(message: Message): boolean
}

/**
 * Retained messages that a session still has to get for its new subscriptions. They are looked up one by one as the peer
 * takes them, so 100,000 matching topics cost one iterator (semantics R-14).
 */
export class RetainedBacklog {
  readonly #retained: RetainedSource
  readonly #sources: Source[] = []
  #next: RetainedDelivery | null = null

  constructor(retained: RetainedSource) {
    this.#retained = retained
  }

  get isEmpty(): boolean {
    return this.#next === null && this.#sources.length === 0
  }

  /** @param sinceSequence messages that arrived later were delivered live and are left out (semantics R-05) */
  add(subscription: Subscription, messages: Iterator<Message>, sinceSequence: number): void {
    this.#sources.push({ subscription, messages, sinceSequence })
  }

  /** The subscription was replaced by one that asks for nothing itself: what is left for its filter is sent as the new one says. */
  replace(subscription: Subscription): void {
    const { topicFilter } = subscription
    if (this.#next?.subscription.topicFilter === topicFilter) this.#next = { message: this.#next.message, subscription }
    for (const source of this.#sources) {
      if (source.subscription.topicFilter === topicFilter) source.subscription = subscription
    }
  }

  /** Forgets what is left for a filter: the subscription was removed, or all is to be sent anew. */
  cancel(topicFilter: string): void {
    if (this.#next?.subscription.topicFilter === topicFilter) this.#next = null
    for (let i = this.#sources.length - 1; i >= 0; i--) {
      if (this.#sources[i]!.subscription.topicFilter === topicFilter) this.#sources.splice(i, 1)
    }
  }

  /** Forgets the message that waits if it is no longer allowed; those behind it are judged when they are looked up. */
  review(isAllowed: (message: Message) => boolean): void {
    if (this.#next !== null && !isAllowed(this.#next.message)) this.#next = null
  }

  clear(): void {
    this.#sources.length = 0
    this.#next = null
  }

  /** The message to send next, not taken yet; null when all were sent. */
  peek(nowMs: number): RetainedDelivery | null {
    // it had to wait, and a newer one may have passed it meanwhile (semantics R-05)
    if (this.#next !== null && !this.#retained.isRetained(this.#next.message)) this.#next = null
    while (this.#next === null && this.#sources.length > 0) {
      const source = this.#sources[0]!
      const { done, value } = source.messages.next()
      if (done) this.#sources.shift()
      else if (value.sequence <= source.sinceSequence && !value.isExpired(nowMs)) {
        this.#next = { message: value, subscription: source.subscription }
      }
    }
    return this.#next
  }

  take(): void {
    this.#next = null
  }
}
