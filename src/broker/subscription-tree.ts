import type { ServerSession } from '../session/server-session.ts'
import type { Subscription } from '../session/session-state.ts'
import { startsWithDollar } from '../topic/topic-name.ts'
import type { SharedGroup } from './shared-subscriptions.ts'

/** Subscriptions of one Topic Filter. */
export class FilterNode {
  readonly children = new Map<string, FilterNode>()
  readonly parent: FilterNode | null
  readonly level: string
  /** normal subscriptions by session */
  readonly subscribers = new Map<ServerSession, Subscription>()
  /** Shared Subscriptions by ShareName */
  readonly groups = new Map<string, SharedGroup>()

  constructor(parent: FilterNode | null, level: string) {
    this.parent = parent
    this.level = level
  }

  get isEmpty(): boolean {
    return this.children.size === 0 && this.subscribers.size === 0 && this.groups.size === 0
  }
}

/** All Topic Filters of the broker, one level per edge; `+` and `#` are edges like any other. */
export class SubscriptionTree {
  readonly #root = new FilterNode(null, '')

  /** The node of a filter, made when missing. */
  at(topicFilter: string): FilterNode {
    let node = this.#root
    for (const level of topicFilter.split('/')) {
      let child = node.children.get(level)
      if (child === undefined) {
        child = new FilterNode(node, level)
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
      node = node.children.get(level)
      if (node === undefined) return null
    }
    return node
  }

  /** Removes a node that holds nothing any more, and its empty ancestors. */
  prune(node: FilterNode): void {
    let empty = node
    while (empty.parent !== null && empty.isEmpty) {
      empty.parent.children.delete(empty.level)
      empty = empty.parent
    }
  }

  /** Calls `visit` for every filter that matches a Topic Name, each once. */
  match(topicName: string, visit: (node: FilterNode) => void): void {
    matchLevels(this.#root, topicName.split('/'), 0, startsWithDollar(topicName), visit)
  }
}

// The depth is that of the filters held, which is bounded by maximumTopicLevels.
function matchLevels(
  node: FilterNode,
  levels: readonly string[],
  depth: number,
  dollar: boolean,
  visit: (node: FilterNode) => void,
): void {
  // [MQTT-4.7.2-1] a leading wildcard does not match topics that begin with $
  const wildcards = !(dollar && depth === 0)
  if (wildcards) {
    // `#` stands for this level and all below, its parent included
    const all = node.children.get('#')
    if (all !== undefined) visit(all)
  }
  if (depth === levels.length) {
    visit(node)
    return
  }
  const exact = node.children.get(levels[depth]!)
  if (exact !== undefined) matchLevels(exact, levels, depth + 1, dollar, visit)
  if (wildcards) {
    const any = node.children.get('+')
    if (any !== undefined) matchLevels(any, levels, depth + 1, dollar, visit)
  }
}
