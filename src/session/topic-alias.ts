import type { Message } from '../codec/message.ts'
import { PacketType } from '../codec/packet-type.ts'
import type { Publish } from '../codec/packets/publish.ts'
import { ProtocolVersion } from '../codec/protocol-version.ts'
import { ProtocolViolation, type ViolationName } from '../codec/violation.ts'

interface AliasedTopic {
  readonly topicName: string
  readonly topic: Buffer
}

/** Topic Aliases that the peer sets (5.0 section 3.3.2.3.4). Lives as long as the Network Connection [MQTT-3.3.2-7]. */
export class IncomingTopicAliases {
  readonly #maximum: number
  /** null until there is one: most clients set none, and an empty Map weighs 186 bytes */
  #topics: Map<number, AliasedTopic> | null = null

  /** @param maximum the Topic Alias Maximum that we stated */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /**
   * Gives a PUBLISH its full topic, and learns or replaces the alias.
   * @throws ProtocolViolation TOPIC_ALIAS_ABOVE_MAXIMUM, TOPIC_ALIAS_UNKNOWN
   */
  resolve(publish: Publish): Message {
    const { message, topicAlias } = publish
    if (topicAlias === 0) return message
    if (topicAlias > this.#maximum)
      throw violation('TOPIC_ALIAS_ABOVE_MAXIMUM', `alias ${topicAlias}, the maximum is ${this.#maximum}`)
    if (message.topicName.length > 0) {
      this.#topics ??= new Map()
      this.#topics.set(topicAlias, { topicName: message.topicName, topic: Buffer.from(message.topic) })
      return message
    }
    const aliased = this.#topics?.get(topicAlias)
    if (aliased === undefined) throw violation('TOPIC_ALIAS_UNKNOWN', `alias ${topicAlias}`)
    return message.withTopic(aliased.topicName, aliased.topic)
  }
}

/**
 * Topic Aliases that we set: the first topics of a connection get one each, until the peer's maximum or ours is reached.
 * Lives as long as the Network Connection.
 */
export class OutgoingTopicAliases {
  readonly #maximum: number
  /** null until there is one */
  #aliases: Map<string, number> | null = null

  /** @param maximum the smaller of the peer's Topic Alias Maximum and our own bound */
  constructor(maximum: number) {
    this.#maximum = maximum
  }

  /** The alias that the peer knows for a topic; 0 when there is none. */
  known(topicName: string): number {
    return this.#aliases?.get(topicName) ?? 0
  }

  /** The alias that a topic may be given next; 0 when all are taken. */
  get next(): number {
    const size = this.#aliases?.size ?? 0
    return size < this.#maximum ? size + 1 : 0
  }

  /** Remembers an alias whose PUBLISH is really on its way. */
  set(topicName: string, alias: number): void {
    this.#aliases ??= new Map()
    this.#aliases.set(topicName, alias)
  }
}

function violation(name: ViolationName, detail: string): ProtocolViolation {
  return new ProtocolViolation(name, {
    version: ProtocolVersion.V5,
    packetType: PacketType.PUBLISH,
    field: 'Topic Alias',
    detail,
  })
}
