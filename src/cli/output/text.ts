import type { Publish } from '../../codec/packets/publish.ts'
import type { ByteTarget, MessageFormat } from './message-format.ts'

const SPACE = Buffer.from(' ')
const NEWLINE = Buffer.from('\n')

/** The payload as it came, with the topic before it and a newline behind it if wanted: what mosquitto_sub prints, but for empty payloads. */
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

/** As mosquitto_sub: an empty payload is not printed, and beside its topic the word (null); without newline that, too, is left out. */
export class MosquittoTextFormat extends TextFormat {
  readonly #showsEmpty: boolean

  constructor(withTopic: boolean, withNewline: boolean) {
    super(withTopic, withNewline)
    this.#showsEmpty = withTopic && withNewline
  }

  override append(publish: Publish, target: ByteTarget): void {
    if (publish.message.payloadBytes > 0) super.append(publish, target)
    else if (this.#showsEmpty) target.text(`${publish.message.topicName} (null)\n`)
  }
}
