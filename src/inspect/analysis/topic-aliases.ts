import type { Publish } from '../../codec/packets/publish.ts'
import { SeldomMap } from './seldom-map.ts'

type Report = (name: 'TOPIC_ALIAS_ABOVE_MAXIMUM' | 'TOPIC_ALIAS_UNKNOWN', detail: string) => void

/** The Topic Aliases of one sender; they last as long as the Network Connection. */
export class TopicAliases {
  /** Topic Alias Maximum of the receiver */
  maximum = 0
  readonly #topics = new SeldomMap<number, string>()

  check({ topicAlias, message }: Publish, report: Report): void {
    if (topicAlias === 0) return
    if (topicAlias > this.maximum) {
      report('TOPIC_ALIAS_ABOVE_MAXIMUM', `alias ${topicAlias}, maximum ${this.maximum}`)
    } else if (message.topicName !== '') this.#topics.set(topicAlias, message.topicName)
    else if (!this.#topics.has(topicAlias)) report('TOPIC_ALIAS_UNKNOWN', `alias ${topicAlias}`)
  }

  /** The Topic Name of a PUBLISH, which may have been sent with an earlier one; null when that is not in the capture. */
  topicOf({ topicAlias, message }: Publish): string | null {
    return message.topicName !== '' ? message.topicName : (this.#topics.get(topicAlias) ?? null)
  }
}
