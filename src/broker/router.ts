import type { Message } from '../codec/message.ts'
import type { QoS } from '../codec/qos.ts'
import type { ServerSession } from '../session/server-session.ts'
import type { Subscription } from '../session/session-state.ts'
import { hasWildcard, parseSharedFilter } from '../topic/topic-filter.ts'
import type { Limits } from './limits.ts'
import { Receiver } from './receiver.ts'
import { Route } from './route.ts'
import { SharedGroup } from './shared-subscriptions.ts'
import { SubscriptionTree } from './subscription-tree.ts'

/**
 * A full cache of routes is emptied after as many misses times this. Where more topics are in use than it holds, filling it
 * again and again costs more than it saves; so it stays as it is for long, and what is not in it is looked up.
 */
const MISSES_PER_ROUTE = 8

/** What became of a routed message. */
export interface RouteResult {
  /** sessions that it was for, shared groups counted once */
  matched: number
  /** of those, how many took it */
  taken: number
  /** shared groups of which no member took it */
  unclaimed: number
}

/**
 * Takes a message to the sessions whose subscriptions match. Who they are is remembered per Topic Name until a subscription
 * changes.
 */
export class Router {
  readonly #tree = new SubscriptionTree()
  readonly #routes = new Map<string, Route>()
  /** of #routes */
  #places = 0
  /** while there is no place */
  #misses = 0
  /** for those that are not remembered */
  readonly #passing = new Route()
  readonly #limits: Pick<Limits, 'maximumCachedRoutes'>
  #count = 0
  #sharedCount = 0

  /** @param limits may change */
  constructor(limits: Pick<Limits, 'maximumCachedRoutes'>) {
    this.#limits = limits
  }

  /** Subscriptions held, shared ones included. */
  get subscriptionCount(): number {
    return this.#count
  }

  /** Shared subscriptions held. */
  get sharedSubscriptionCount(): number {
    return this.#sharedCount
  }

  /** Adds or replaces a subscription. @param isNew false when it replaces one with the same filter */
  add(session: ServerSession, subscription: Subscription, isNew: boolean): void {
    const shared = parseSharedFilter(subscription.topicFilter)
    const topicFilter = shared?.topicFilter ?? subscription.topicFilter
    const subscriptions = this.#tree.at(topicFilter)
    if (shared === null) subscriptions.set(Receiver.of(session, subscription))
    else {
      subscriptions.groups ??= new Map()
      let group = subscriptions.groups.get(shared.shareName)
      if (group === undefined) {
        group = new SharedGroup(subscription.topicFilter)
        subscriptions.groups.set(shared.shareName, group)
      }
      group.set(session, subscription)
    }
    if (isNew) this.#count++
    if (isNew && shared !== null) this.#sharedCount++
    this.#forgetRoutes(topicFilter)
  }

  remove(session: ServerSession, filter: string): void {
    const shared = parseSharedFilter(filter)
    const topicFilter = shared?.topicFilter ?? filter
    const subscriptions = this.#tree.find(topicFilter)
    if (subscriptions === null) return
    if (shared === null) subscriptions.remove(session)
    else {
      const group = subscriptions.groups?.get(shared.shareName)
      group?.remove(session)
      if (group?.isEmpty) subscriptions.groups?.delete(shared.shareName)
    }
    this.#count--
    this.#tree.prune(topicFilter)
    if (shared !== null) this.#sharedCount--
    this.#forgetRoutes(topicFilter)
  }

  /** The group of a Shared Subscription; null when it has no member. */
  group(sharedFilter: string): SharedGroup | null {
    const shared = parseSharedFilter(sharedFilter)
    if (shared === null) return null
    return this.#tree.find(shared.topicFilter)?.groups?.get(shared.shareName) ?? null
  }

  /**
   * Hot: forwards a message to everybody who subscribed.
   * @param publisher for No Local: its Client Identifier counts, not its connection; null for the Server itself
   * @param keepOffline false: offline sessions are passed over ($SYS)
   * @param result filled in
   */
  route(message: Message, publisher: string | null, keepOffline: boolean, nowMs: number, result: RouteResult): void {
    const route = this.#routes.get(message.topicName) ?? this.#findRoute(message.topicName)
    // forward() may lead back to here: what is gone through is not the route's any more then
    const { items, groups } = route
    let matched = 0
    let taken = 0
    let unclaimed = 0
    for (let i = 0; i < items.length; i++) {
      const receiver = items[i]!
      const { session } = receiver
      const grant = session.clientId === publisher ? receiver.fromItself : receiver.fromOthers
      if (grant === null || !(keepOffline || session.isConnected)) continue
      matched++
      // [MQTT-3.8.4-6 v311, MQTT-3.8.4-8 v5] the lower of published and granted QoS
      const qos = Math.min(message.qos, grant.qos) as QoS
      const retain = grant.retainAsPublished && message.retain
      if (session.forward(message, qos, retain, grant.subscriptionIdentifiers, null, nowMs)) taken++
    }
    if (groups !== null) {
      for (let i = 0; i < groups.length; i++) {
        matched++
        const { group, barred } = groups[i]!
        if (group.forward(message, nowMs, barred)) taken++
        else unclaimed++
      }
    }
    result.matched = matched
    result.taken = taken
    result.unclaimed = unclaimed
  }

  /** Would a message of this topic at QoS 1 or 2 get to a session that is kept beyond the process? */
  reachesKept(topicName: string): boolean {
    const { items, groups } = this.#routes.get(topicName) ?? this.#findRoute(topicName)
    return (
      items.some(({ session, fromOthers }) => session.keeper !== null && fromOthers.qos > 0) ||
      (groups?.some(({ group }) => group.hasKeptMember) ?? false)
    )
  }

  #findRoute(topicName: string): Route {
    const isRemembered = this.#makesRoom()
    const route = isRemembered ? new Route() : this.#passing
    route.reset(topicName)
    this.#tree.match(topicName, route)
    if (isRemembered) {
      this.#routes.set(topicName, route)
      this.#places += route.places
    }
    return route
  }

  // @returns true when there is room for one more route
  #makesRoom(): boolean {
    const { maximumCachedRoutes } = this.#limits
    if (this.#places < maximumCachedRoutes) return true
    if (++this.#misses <= maximumCachedRoutes * MISSES_PER_ROUTE) return false
    this.forgetAllRoutes()
    return maximumCachedRoutes > 0
  }

  /** Somebody's rights have changed. */
  forgetAllRoutes(): void {
    this.#routes.clear()
    this.#places = 0
    this.#misses = 0
  }

  #forgetRoutes(topicFilter: string): void {
    if (hasWildcard(topicFilter)) {
      this.forgetAllRoutes()
      return
    }
    const route = this.#routes.get(topicFilter)
    if (route === undefined) return
    this.#routes.delete(topicFilter)
    this.#places -= route.places
  }
}
