import type { Publish } from '../codec/packets/publish.ts'
import { SeldomMap } from '../codec/seldom-map.ts'
import { OVERHEAD_BYTES } from './limits.ts'

/** What the Topic Aliases of one sender stand for; they last as long as the Network Connection. */
export class TopicNames {
  readonly #names = new SeldomMap<number, string>()
  #heldBytes = 0

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Hot: the Topic Name of a PUBLISH, which may have been sent with an earlier one; null when nobody knows it. */
  of({ topicAlias, message: { topicName } }: Publish): string | null {
    if (topicAlias === 0) return topicName
    const known = this.#names.get(topicAlias)
    if (topicName === '') return known ?? null
    this.#names.set(topicAlias, topicName)
    this.#heldBytes += topicName.length - (known === undefined ? -OVERHEAD_BYTES : known.length)
    return topicName
  }

  /** Forgets all: the connection is another one, or they are too many. */
  clear(): void {
    this.#names.clear()
    this.#heldBytes = 0
  }
}
