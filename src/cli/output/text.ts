import type { Publish } from '../../codec/packets/publish.ts'
import type { ByteTarget, MessageFormat } from './message-format.ts'

const SPACE = Buffer.from(' ')
const NEWLINE = Buffer.from('\n')

/** The payload as it came, with the topic before it and a newline behind it if wanted: what mosquitto_sub prints. */
export class TextFormat implements MessageFormat {
  readonly #withTopic: boolean
  readonly #withNewline: boolean

  constructor(withTopic: boolean, withNewline: boolean) {
    this.#withTopic = withTopic
    this.#withNewline = withNewline
  }

  append({ message }: Publish, target: ByteTarget): void {
    if (this.#withTopic) {
      target.text(message.topicName)
      target.bytes(SPACE)
    }
    target.bytes(message.payload)
    if (this.#withNewline) target.bytes(NEWLINE)
  }
}
