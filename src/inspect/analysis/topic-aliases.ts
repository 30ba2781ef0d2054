import type { Publish } from '../../codec/packets/publish.ts'

type Report = (name: 'TOPIC_ALIAS_ABOVE_MAXIMUM' | 'TOPIC_ALIAS_UNKNOWN', detail: string) => void

/** Which Topic Aliases one sender has set; they last as long as the Network Connection. */
export class TopicAliases {
  /** Topic Alias Maximum of the receiver */
  maximum = 0
  #set: Set<number> | null = null

  check({ topicAlias, message }: Publish, report: Report): void {
    if (topicAlias === 0) return
    if (topicAlias > this.maximum) {
      report('TOPIC_ALIAS_ABOVE_MAXIMUM', `alias ${topicAlias}, maximum ${this.maximum}`)
    } else if (message.topicName !== '') {
      this.#set ??= new Set()
      this.#set.add(topicAlias)
    } else if (this.#set === null || !this.#set.has(topicAlias)) report('TOPIC_ALIAS_UNKNOWN', `alias ${topicAlias}`)
  }
}
