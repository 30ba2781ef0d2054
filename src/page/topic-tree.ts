/** Topics that are kept; messages for others are counted and not shown. */
export const MAXIMUM_TOPICS = 10_000
/** Bytes of a payload that are kept. */
export const MAXIMUM_PAYLOAD_BYTES = 4096
/** Levels of the tree; what is deeper stands in the last one. */
const MAXIMUM_LEVELS = 50

/** The last message of a topic. */
export interface TopicValue {
  readonly topicName: string
  /** its beginning */
  readonly payload: Uint8Array
  readonly payloadBytes: number
  readonly qos: number
  /** milliseconds since 1970 */
  readonly atMs: number
  readonly retained: boolean
  /** messages seen */
  readonly count: number
}

/** One level. */
export class TopicNode {
  readonly level: string
  readonly children = new Map<string, TopicNode>()
  value: TopicValue | null = null
  /** topics at this level and below */
  topics = 0
  /** messages at this level and below */
  messages = 0
  /** topics at this level and below for which a message is retained */
  retained = 0

  constructor(level: string) {
    this.level = level
  }
}

/** What a message tells the tree. */
export interface SeenMessage {
  readonly topicName: string
  readonly payload: Uint8Array
  readonly qos: number
  readonly retain: boolean
}

/** The topics of messages that came, with their last values. It does not grow beyond {@link MAXIMUM_TOPICS}. */
export class TopicTree {
  readonly root = new TopicNode('')
  /** messages whose topics found no place */
  unplaced = 0

  clear(): void {
    this.root.children.clear()
    this.root.topics = 0
    this.root.messages = 0
    this.root.retained = 0
    this.unplaced = 0
  }

  /** @param message its payload is copied */
  see(message: SeenMessage, atMs: number): void {
    const { topicName, payload, qos, retain } = message
    const levels = levelsOf(topicName)
    const known = this.find(topicName)?.value ?? null
    if (known === null && this.root.topics >= MAXIMUM_TOPICS) {
      this.unplaced++
      return
    }
    // with Retain As Published an empty retained message says that nothing is retained any more
    const wasRetained = known?.retained ?? false
    const retained = retain ? payload.length > 0 : wasRetained
    const added = { topics: known === null ? 1 : 0, retained: Number(retained) - Number(wasRetained) }
    let node = this.root
    count(node, added)
    for (const level of levels) {
      let child = node.children.get(level)
      if (child === undefined) {
        child = new TopicNode(level)
        node.children.set(level, child)
      }
      node = child
      count(node, added)
    }
    node.value = {
      topicName,
      payload: new Uint8Array(payload.subarray(0, MAXIMUM_PAYLOAD_BYTES)),
      payloadBytes: payload.length,
      qos,
      atMs,
      retained,
      count: (known?.count ?? 0) + 1,
    }
  }

  find(topicName: string): TopicNode | null {
    let node = this.root
    for (const level of levelsOf(topicName)) {
      const child = node.children.get(level)
      if (child === undefined) return null
      node = child
    }
    return node
  }
}

function count(node: TopicNode, added: { readonly topics: number; readonly retained: number }): void {
  node.messages++
  node.topics += added.topics
  node.retained += added.retained
}

function levelsOf(topicName: string): string[] {
  const levels = topicName.split('/')
  if (levels.length <= MAXIMUM_LEVELS) return levels
  return [...levels.slice(0, MAXIMUM_LEVELS - 1), levels.slice(MAXIMUM_LEVELS - 1).join('/')]
}
