import { createHash } from 'node:crypto'
import { oldest } from '../../inspect/oldest.ts'

/** Topics whose last payload is remembered; those that were silent for longest are forgotten first. */
const REMEMBERED_TOPICS = 100_000

/** Knows for each Topic Name whether a payload is another one than the last. Keeps digests, not payloads. */
export class ChangedPayloads {
  readonly #last = new Map<string, string>()

  /** True for the first message of a topic and for each whose payload differs from the one before. */
  isChange(topicName: string, payload: Buffer): boolean {
    const digest = createHash('sha256').update(payload).digest('base64')
    const isSame = this.#last.get(topicName) === digest
    this.#last.delete(topicName)
    this.#last.set(topicName, digest)
    if (this.#last.size > REMEMBERED_TOPICS) {
      for (const topicName of oldest(this.#last.keys(), REMEMBERED_TOPICS)) this.#last.delete(topicName)
    }
    return !isSame
  }
}
