import type { ServerSession } from '../session/server-session.ts'
import type { Subscription } from '../session/session-state.ts'
import { startsWithDollar } from '../topic/topic-name.ts'
import type { SharedGroup } from './shared-subscriptions.ts'

/** Subscriptions of one Topic Filter. */
export class FilterNode {
  // Most nodes are leaves with one subscriber, and an empty Map weighs 186 bytes.
  children: Map<string, FilterNode> | null = null
  readonly parent: FilterNode | null
  readonly level: string
  /** normal subscriptions by session */
  subscribers: Map<ServerSession, Subscription> | null = null
  /** Shared Subscriptions by ShareName */
  groups: Map<string, SharedGroup> | null = null

  constructor(parent: FilterNode | null, level: string) {
    this.parent = parent
    this.level = level
  }

  get isEmpty(): boolean {
    return !this.children?.size && !this.subscribers?.size && !this.groups?.size
  }
}

/** Who wants to know which filters match. */
export interface FilterVisitor {
  visit(node: FilterNode): void
}

/** All Topic Filters of the broker, one level per edge; `+` and `#` are edges like any other. */
export class SubscriptionTree {
  readonly #root = new FilterNode(null, '')

  /** The node of a filter, made when missing. */
  at(topicFilter: string): FilterNode {
    let node = this.#root
    for (const level of topicFilter.split('/')) {
      let child = node.children?.get(level)
      if (child === undefined) {
        child = new FilterNode(node, level)
        node.children ??= new Map()
        node.children.set(level, child)
      }
      node = child
    }
    return node
  }

  /** The node of a filter; null when nobody holds it. */
  find(topicFilter: string): FilterNode | null {
    let node: FilterNode | undefined = this.#root
    for (const level of topicFilter.split('/')) {
      node = node.children?.get(level)
      if (node === undefined) return null
    }
    return node
  }

  /** Removes a node that holds nothing any more, and its empty ancestors. */
  prune(node: FilterNode): void {
    let empty = node
    while (empty.parent !== null && empty.isEmpty) {
      empty.parent.children?.delete(empty.level)
      empty = empty.parent
    }
  }

  /** Tells `visitor` every filter that matches a Topic Name, each once. */
  match(topicName: string, visitor: FilterVisitor): void {
    matchLevels(this.#root, topicName.split('/'), 0, startsWithDollar(topicName), visitor)
  }
}

// The depth is that of the filters held, which is bounded by maximumTopicLevels.
function matchLevels(
  node: FilterNode,
  levels: readonly string[],
  depth: number,
  dollar: boolean,
  visitor: FilterVisitor,
): void {
  // [MQTT-4.7.2-1] a leading wildcard does not match topics that begin with $
  const wildcards = !(dollar && depth === 0)
  if (wildcards) {
    // `#` stands for this level and all below, its parent included
    const all = node.children?.get('#')
    if (all !== undefined) visitor.visit(all)
  }
  if (depth === levels.length) {
    visitor.visit(node)
    return
  }
  const { children } = node
  if (children === null) return
  const exact = children.get(levels[depth]!)
  if (exact !== undefined) matchLevels(exact, levels, depth + 1, dollar, visitor)
  if (wildcards) {
    const any = children.get('+')
    if (any !== undefined) matchLevels(any, levels, depth + 1, dollar, visitor)
  }
}
