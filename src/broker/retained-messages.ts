import type { Message } from '../codec/message.ts'
import { startsWithDollar } from '../topic/topic-name.ts'
import { type Deadline, type Deadlines, NOT_WATCHED } from './deadlines.ts'
import type { Limits } from './limits.ts'

class TopicNode {
  readonly children = new Map<string, TopicNode>()
  readonly parent: TopicNode | null
  readonly level: string
  message: Message | null = null
  /** null unless the message expires */
  expiry: Deadline | null = null

  constructor(parent: TopicNode | null, level: string) {
    this.parent = parent
    this.level = level
  }
}

/** Told what is retained for a topic now, at each change; null: nothing. */
export type RetainedListener = (topicName: string, message: Message | null) => void

type RetainedLimits = Pick<Limits, 'maximumRetainedMessages' | 'maximumRetainedBytes'>

/** What a retained message weighs beside its own bytes: node, map entry, strings. Measured as heap growth per message. */
const NODE_OVERHEAD_BYTES = 400

/** Retained messages by Topic Name, one each, found by filter level by level (section 3.3.1.3). */
export class RetainedMessages {
  /** null: nobody */
  listener: RetainedListener | null = null
  readonly #root = new TopicNode(null, '')
  readonly #limits: RetainedLimits
  readonly #deadlines: Deadlines
  #count = 0
  #bytes = 0

  /** @param limits may change */
  constructor(limits: RetainedLimits, deadlines: Deadlines) {
    this.#limits = limits
    this.#deadlines = deadlines
  }

  get count(): number {
    return this.#count
  }

  /** Weight of all, in bytes. */
  get bytes(): number {
    return this.#bytes
  }

  get(topicName: string): Message | null {
    return this.#find(topicName)?.message ?? null
  }

  /**
   * Keeps an owned message in place of the one before.
   * @returns false when there is no room: the old one, which would be stale, is removed (semantics R-15)
   */
  set(message: Message): boolean {
    const replaced = this.#remove(message.topicName)
    const weight = weigh(message)
    const { maximumRetainedMessages, maximumRetainedBytes } = this.#limits
    if (this.#count >= maximumRetainedMessages || this.#bytes + weight > maximumRetainedBytes) {
      if (replaced) this.listener?.(message.topicName, null)
      return false
    }
    this.#insert(message, weight)
    this.listener?.(message.topicName, message)
    return true
  }

  /** Keeps an owned message of a topic that has none, whatever the bounds: one that was restored. */
  restore(message: Message): void {
    this.#insert(message, weigh(message))
  }

  #insert(message: Message, weight: number): void {
    let node = this.#root
    for (const level of message.topicName.split('/')) {
      let child = node.children.get(level)
      if (child === undefined) {
        child = new TopicNode(node, level)
        node.children.set(level, child)
      }
      node = child
    }
    node.message = message
    this.#count++
    this.#bytes += weight
    if (message.messageExpiryIntervalSeconds >= 0) this.#watch(node, message)
  }

  // An expired one frees its room without waiting for a subscriber (semantics R-10).
  #watch(node: TopicNode, message: Message): void {
    node.expiry = {
      deadlinePlace: NOT_WATCHED,
      deadlineMs: message.arrivedAtMs + message.messageExpiryIntervalSeconds * 1000,
      deadlinePassed: () => this.delete(message.topicName),
    }
    this.#deadlines.watch(node.expiry)
  }

  /** @returns true when there was one */
  delete(topicName: string): boolean {
    const wasThere = this.#remove(topicName)
    if (wasThere) this.listener?.(topicName, null)
    return wasThere
  }

  #remove(topicName: string): boolean {
    const node = this.#find(topicName)
    if (node === null || node.message === null) return false
    this.#count--
    this.#bytes -= weigh(node.message)
    node.message = null
    if (node.expiry !== null) this.#deadlines.forget(node.expiry)
    node.expiry = null
    let empty = node
    while (empty.parent !== null && empty.message === null && empty.children.size === 0) {
      empty.parent.children.delete(empty.level)
      empty = empty.parent
    }
    return true
  }

  /**
   * The messages that match a filter, looked up one at a time; what is set or deleted meanwhile may or may not be seen.
   * Shared filters have none and are not asked for here.
   */
  *match(topicFilter: string): IterableIterator<Message> {
    const levels = topicFilter.split('/')
    if (!levels.includes('+') && !levels.includes('#')) {
      const message = this.get(topicFilter)
      if (message !== null) yield message
      return
    }
    // An explicit stack: a topic may have as many levels as its limit allows, and the walk is left and taken up again.
    const stack: Step[] = [{ node: this.#root, depth: 0, below: null }]
    while (stack.length > 0) {
      const step = stack[stack.length - 1]!
      if (step.below === null) {
        step.below = nodesBelow(step.node, levels, step.depth)
        const message = messageAt(step.node, levels, step.depth)
        if (message !== null) yield message
      }
      const { done, value } = step.below.next()
      if (done) stack.pop()
      else {
        const inside = levels[step.depth] === '#'
        stack.push({ node: value, depth: inside ? step.depth : step.depth + 1, below: null })
      }
    }
  }

  #find(topicName: string): TopicNode | null {
    let node: TopicNode | undefined = this.#root
    for (const level of topicName.split('/')) {
      node = node.children.get(level)
      if (node === undefined) return null
    }
    return node
  }
}

interface Step {
  readonly node: TopicNode
  /** levels of the filter that are matched by the way to this node */
  readonly depth: number
  below: Iterator<TopicNode> | null
}

function messageAt(node: TopicNode, levels: readonly string[], depth: number): Message | null {
  return depth === levels.length || levels[depth] === '#' ? node.message : null
}

// Map iterators stay valid while the map changes, so a walk may take as long as it likes.
function* nodesBelow(node: TopicNode, levels: readonly string[], depth: number): IterableIterator<TopicNode> {
  if (depth === levels.length) return
  const level = levels[depth]!
  if (level !== '#' && level !== '+') {
    const child = node.children.get(level)
    if (child !== undefined) yield child
    return
  }
  for (const child of node.children.values()) {
    // [MQTT-4.7.2-1] a leading wildcard does not match topics that begin with $
    if (node.parent === null && startsWithDollar(child.level)) continue
    yield child
  }
}

function weigh(message: Message): number {
  return message.storedBytes + NODE_OVERHEAD_BYTES
}
