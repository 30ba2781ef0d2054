/** Messages and bytes of one Topic Name. */
export interface TopicCount {
  readonly topicName: string
  messages: number
  /** of the packets */
  bytes: number
}

/** Topic Names that are counted; with more, the half with fewest messages is forgotten. */
const MAXIMUM_TOPICS = 10_000

/** Which topics carry most. */
export class TopicCounts {
  #counts = new Map<string, TopicCount>()
  /** false: so many topics came that small ones were forgotten, and counts are the least there was */
  isExact = true

  add(topicName: string, bytes: number): void {
    const count = this.#counts.get(topicName)
    if (count === undefined) {
      this.#counts.set(topicName, { topicName, messages: 1, bytes })
      if (this.#counts.size > MAXIMUM_TOPICS) this.#forgetSmall()
      return
    }
    count.messages++
    count.bytes += bytes
  }

  /** The topics with most messages, most first. */
  top(count: number): TopicCount[] {
    return this.#sorted().slice(0, count)
  }

  #sorted(): TopicCount[] {
    return [...this.#counts.values()].sort((a, b) => b.messages - a.messages || b.bytes - a.bytes)
  }

  #forgetSmall(): void {
    const kept = this.#sorted().slice(0, MAXIMUM_TOPICS / 2)
    this.#counts = new Map(kept.map((count) => [count.topicName, count]))
    this.isExact = false
  }
}
