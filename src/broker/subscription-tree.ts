import { hasWildcard } from '../topic/topic-filter.ts'
import { startsWithDollar } from '../topic/topic-name.ts'
import { ReceiverList } from './receiver-list.ts'
import type { SharedGroup } from './shared-subscriptions.ts'

/** Subscriptions of one Topic Filter: its normal ones are the list itself, for each object more is a cache miss more. */
export class FilterSubscriptions extends ReceiverList {
  /** Shared Subscriptions by ShareName */
  groups: Map<string, SharedGroup> | null = null

  get isEmpty(): boolean {
    return this.items.length === 0 && !this.groups?.size
  }
}

/** A level of one or more filters with wildcards. */
class Level {
  readonly parent: Level | null
  /** as the filter writes it */
  readonly text: string
  /** below: levels that are no wildcard */
  literals: Map<string, Level> | null = null
  /** below: `+` */
  single: Level | null = null
  /** below: `#`, the end of its filter */
  multi: Level | null = null
  /** of the filter that ends here */
  subscriptions: FilterSubscriptions | null = null

  constructor(parent: Level | null, text: string) {
    this.parent = parent
    this.text = text
  }

  get isEmpty(): boolean {
    return this.subscriptions === null && this.single === null && this.multi === null && this.literals === null
  }

  below(text: string): Level | null {
    if (text === '+') return this.single
    if (text === '#') return this.multi
    return this.literals?.get(text) ?? null
  }

  /** @param level null: takes away what is there */
  setBelow(text: string, level: Level | null): void {
    if (text === '+') this.single = level
    else if (text === '#') this.multi = level
    else if (level !== null) {
      this.literals ??= new Map()
      this.literals.set(text, level)
    } else {
      this.literals?.delete(text)
      if (this.literals?.size === 0) this.literals = null
    }
  }
}

/** Who wants to know which filters match. */
export interface FilterVisitor {
  visit(subscriptions: FilterSubscriptions): void
}

/**
 * All Topic Filters of the broker. Those without wildcards, most of them in practice, are found by the whole Topic Name at
 * once; only those with wildcards stand in a tree with one level per edge.
 */
export class SubscriptionTree {
  readonly #exact = new Map<string, FilterSubscriptions>()
  readonly #root = new Level(null, '')

  /** The subscriptions of a filter, made when missing. */
  at(topicFilter: string): FilterSubscriptions {
    if (hasWildcard(topicFilter)) {
      const level = this.#levelAt(topicFilter)
      level.subscriptions ??= new FilterSubscriptions()
      return level.subscriptions
    }
    let subscriptions = this.#exact.get(topicFilter)
    if (subscriptions === undefined) {
      subscriptions = new FilterSubscriptions()
      this.#exact.set(topicFilter, subscriptions)
    }
    return subscriptions
  }

  #levelAt(topicFilter: string): Level {
    let level = this.#root
    for (const text of topicFilter.split('/')) {
      let below = level.below(text)
      if (below === null) {
        below = new Level(level, text)
        level.setBelow(text, below)
      }
      level = below
    }
    return level
  }

  /** The subscriptions of a filter; null when nobody holds it. */
  find(topicFilter: string): FilterSubscriptions | null {
    if (!hasWildcard(topicFilter)) return this.#exact.get(topicFilter) ?? null
    return this.#findLevel(topicFilter)?.subscriptions ?? null
  }

  #findLevel(topicFilter: string): Level | null {
    let level: Level | null = this.#root
    for (const text of topicFilter.split('/')) {
      level = level.below(text)
      if (level === null) return null
    }
    return level
  }

  /** Gives up a filter if nobody holds it any more. */
  prune(topicFilter: string): void {
    if (!hasWildcard(topicFilter)) {
      if (this.#exact.get(topicFilter)?.isEmpty) this.#exact.delete(topicFilter)
      return
    }
    let level = this.#findLevel(topicFilter)
    if (level === null) return
    if (level.subscriptions?.isEmpty) level.subscriptions = null
    while (level.parent !== null && level.isEmpty) {
      level.parent.setBelow(level.text, null)
      level = level.parent
    }
  }

  /** Tells `visitor` every filter that matches a Topic Name, each once. */
  match(topicName: string, visitor: FilterVisitor): void {
    const exact = this.#exact.get(topicName)
    if (exact !== undefined) visitor.visit(exact)
    if (!startsWithDollar(topicName)) {
      matchBelow(this.#root, topicName, 0, visitor)
      return
    }
    // [MQTT-4.7.2-1] a leading wildcard does not match topics that begin with $
    const end = levelEnd(topicName, 0)
    const first = this.#root.below(topicName.slice(0, end))
    if (first !== null) matchBelow(first, topicName, end + 1, visitor)
  }
}

function levelEnd(topicName: string, start: number): number {
  const slash = topicName.indexOf('/', start)
  return slash < 0 ? topicName.length : slash
}

// `start` is where the next level of the Topic Name begins, or behind the name when there is none. The depth is that of the
// filters held, which is bounded by maximumTopicLevels.
function matchBelow(level: Level, topicName: string, start: number, visitor: FilterVisitor): void {
  // `#` stands for all levels below, and for none: its parent is included
  const { multi, single, literals } = level
  if (multi !== null) visitor.visit(multi.subscriptions!)
  if (start > topicName.length) {
    if (level.subscriptions !== null) visitor.visit(level.subscriptions)
    return
  }
  if (single === null && literals === null) return
  const end = levelEnd(topicName, start)
  if (single !== null) matchBelow(single, topicName, end + 1, visitor)
  const literal = literals?.get(topicName.slice(start, end))
  if (literal !== undefined) matchBelow(literal, topicName, end + 1, visitor)
}
