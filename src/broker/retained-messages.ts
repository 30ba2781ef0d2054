import type { Message } from '../codec/message.ts'
import { SeldomMap } from '../codec/seldom-map.ts'
import { startsWithDollar } from '../topic/topic-name.ts'
import { type Deadline, type Deadlines, NOT_WATCHED } from './deadlines.ts'
import type { Limits } from './limits.ts'

class TopicNode {
  readonly children = new SeldomMap<string, TopicNode>()
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
   * Puts a message, which is kept ({@link Message.keep}), in place of the one before.
   * @returns false when there is no room: the old one, which would be stale, is removed (semantics R-15)
   */
  set(message: Message): boolean {
    const node = this.#nodeAt(message.topicName)
    const replaced = this.#empty(node)
    const weight = weigh(message)
    const { maximumRetainedMessages, maximumRetainedBytes } = this.#limits
    if (this.#count >= maximumRetainedMessages || this.#bytes + weight > maximumRetainedBytes) {
      prune(node)
      if (replaced) this.listener?.(message.topicName, null)
      return false
    }
    this.#fill(node, message, weight)
    this.listener?.(message.topicName, message)
    return true
  }

  /** Adds a kept message of a topic that has none, whatever the bounds: one that was restored. */
  restore(message: Message): void {
    this.#fill(this.#nodeAt(message.topicName), message, weigh(message))
  }

  #nodeAt(topicName: string): TopicNode {
    let node = this.#root
    for (const level of topicName.split('/')) {
      let child = node.children.get(level)
      if (child === undefined) {
        child = new TopicNode(node, level)
        node.children.set(level, child)
      }
      node = child
    }
    return node
  }

  #fill(node: TopicNode, message: Message, weight: number): void {
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
    const node = this.#find(topicName)
    if (node === null || !this.#empty(node)) return false
    prune(node)
    this.listener?.(topicName, null)
    return true
  }

  // @returns false when there was no message
  #empty(node: TopicNode): boolean {
    if (node.message === null) return false
    this.#count--
    this.#bytes -= weigh(node.message)
    node.message = null
    if (node.expiry !== null) this.#deadlines.forget(node.expiry)
    node.expiry = null
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
    const stack: Step[] = [{ depth: 0, below: nodesBelow(this.#root, levels, 0) }]
    while (stack.length > 0) {
      const { depth: from, below } = stack[stack.length - 1]!
      const { done, value: node } = below.next()
      if (done) {
        stack.pop()
        continue
      }
      const depth = levels[from] === '#' ? from : from + 1
      if (node.message !== null && (depth === levels.length || levels[depth] === '#')) yield node.message
      // most topics are leaves
      if (node.children.size > 0) stack.push({ depth, below: nodesBelow(node, levels, depth) })
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
  /** levels of the filter that are matched by the way to this node */
  readonly depth: number
  readonly below: Iterator<TopicNode>
}

/** Takes away what leads to nothing any more. */
function prune(node: TopicNode): void {
  let last = node
  while (last.parent !== null && last.message === null && last.children.size === 0) {
    last.parent.children.delete(last.level)
    last = last.parent
  }
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
