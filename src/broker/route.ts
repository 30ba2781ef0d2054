import type { ServerSession } from '../session/server-session.ts'
import { ReceiverList } from './receiver-list.ts'
import type { SharedGroup } from './shared-subscriptions.ts'
import type { FilterSubscriptions, FilterVisitor } from './subscription-tree.ts'

/** A group, without those of its members who may not read the topic; null: all may. */
export interface SharedRoute {
  readonly group: SharedGroup
  readonly barred: ReadonlySet<ServerSession> | null
}

/** Receivers that weigh as much as the rest of a route. */
const RECEIVERS_PER_PLACE = 16

/** Who gets the messages of one Topic Name: those whose filters match and who may read it (semantics S-17). */
export class Route extends ReceiverList implements FilterVisitor {
  groups: SharedRoute[] | null = null
  #topicName = ''

  /** Begins anew, for another Topic Name; what `items` and `groups` were stays whole for who goes through it. */
  reset(topicName: string): void {
    this.#topicName = topicName
    this.clear()
    this.groups = null
  }

  /** What the route counts for among those remembered: a long one as much as several. */
  get places(): number {
    return 1 + Math.floor(this.items.length / RECEIVERS_PER_PLACE)
  }

  /** Takes in the subscriptions of one more filter that matches. */
  visit({ items, groups }: FilterSubscriptions): void {
    // within one filter each session stands once
    const isFirst = this.items.length === 0
    for (let i = 0; i < items.length; i++) {
      const receiver = items[i]!
      const known = isFirst ? -1 : this.indexOf(receiver.session)
      if (known >= 0) this.items[known] = this.items[known]!.and(receiver)
      else if (receiver.session.rights.mayReceive(this.#topicName)) this.append(receiver)
    }
    if (groups !== null) this.#addGroups(groups)
  }

  #addGroups(groups: ReadonlyMap<string, SharedGroup>): void {
    this.groups ??= []
    for (const group of groups.values()) {
      const barred = group.barredFrom(this.#topicName)
      if (barred === null || barred.size < group.size) this.groups.push({ group, barred })
    }
  }
}
