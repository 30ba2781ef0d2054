import type { Message } from '../codec/message.ts'
import type { QoS } from '../codec/qos.ts'
import type { ServerSession } from '../session/server-session.ts'
import type { Subscription } from '../session/session-state.ts'
import { hasWildcard, parseSharedFilter } from '../topic/topic-filter.ts'
import { SharedGroup } from './shared-subscriptions.ts'
import { type FilterNode, SubscriptionTree } from './subscription-tree.ts'

/** How a session gets the messages of one Topic Name: all its matching subscriptions as one. */
class Grant {
  qos: QoS
  retainAsPublished: boolean
  subscriptionIdentifiers: number[] | null

  constructor(subscription: Subscription) {
    this.qos = subscription.qos
    this.retainAsPublished = subscription.retainAsPublished
    this.subscriptionIdentifiers =
      subscription.subscriptionIdentifier === 0 ? null : [subscription.subscriptionIdentifier]
  }

  // One copy at the highest granted QoS with every Subscription Identifier (semantics O-02, O-03).
  add(subscription: Subscription): void {
    this.qos = Math.max(this.qos, subscription.qos) as QoS
    this.retainAsPublished ||= subscription.retainAsPublished
    if (subscription.subscriptionIdentifier === 0) return
    if (this.subscriptionIdentifiers === null) this.subscriptionIdentifiers = [subscription.subscriptionIdentifier]
    else this.subscriptionIdentifiers.push(subscription.subscriptionIdentifier)
  }
}

class Receiver {
  readonly session: ServerSession
  readonly fromOthers: Grant
  /** for the session's own messages: without its No Local subscriptions; null when none is left */
  fromItself: Grant | null

  constructor(session: ServerSession, subscription: Subscription) {
    this.session = session
    this.fromOthers = new Grant(subscription)
    this.fromItself = subscription.noLocal ? null : new Grant(subscription)
  }

  add(subscription: Subscription): void {
    this.fromOthers.add(subscription)
    if (subscription.noLocal) return
    if (this.fromItself === null) this.fromItself = new Grant(subscription)
    else this.fromItself.add(subscription)
  }
}

/** Who gets the messages of one Topic Name. */
class Route {
  readonly receivers: Receiver[] = []
  readonly groups: SharedGroup[] = []
}

/** What became of a routed message. */
export interface RouteResult {
  /** sessions that it was for, shared groups counted once */
  matched: number
  /** of those, how many took it */
  taken: number
}

/**
 * Takes a message to the sessions whose subscriptions match. Who they are is remembered per Topic Name until a subscription
 * changes.
 */
export class Router {
  readonly #tree = new SubscriptionTree()
  readonly #routes = new Map<string, Route>()
  readonly #maximumCachedRoutes: number
  #count = 0

  /** @param maximumCachedRoutes Topic Names whose receivers are remembered */
  constructor(maximumCachedRoutes: number) {
    this.#maximumCachedRoutes = maximumCachedRoutes
  }

  /** Subscriptions held, shared ones included. */
  get subscriptionCount(): number {
    return this.#count
  }

  /** Adds or replaces a subscription. @param isNew false when it replaces one with the same filter */
  add(session: ServerSession, subscription: Subscription, isNew: boolean): void {
    const shared = parseSharedFilter(subscription.topicFilter)
    const topicFilter = shared?.topicFilter ?? subscription.topicFilter
    const node = this.#tree.at(topicFilter)
    if (shared === null) node.subscribers.set(session, subscription)
    else {
      let group = node.groups.get(shared.shareName)
      if (group === undefined) {
        group = new SharedGroup(subscription.topicFilter)
        node.groups.set(shared.shareName, group)
      }
      group.set(session, subscription)
    }
    if (isNew) this.#count++
    this.#forgetRoutes(topicFilter)
  }

  remove(session: ServerSession, filter: string): void {
    const shared = parseSharedFilter(filter)
    const topicFilter = shared?.topicFilter ?? filter
    const node = this.#tree.find(topicFilter)
    if (node === null) return
    if (shared === null) node.subscribers.delete(session)
    else {
      const group = node.groups.get(shared.shareName)
      group?.remove(session)
      if (group?.isEmpty) node.groups.delete(shared.shareName)
    }
    this.#count--
    this.#tree.prune(node)
    this.#forgetRoutes(topicFilter)
  }

  /** The group of a Shared Subscription; null when it has no member. */
  group(sharedFilter: string): SharedGroup | null {
    const shared = parseSharedFilter(sharedFilter)
    if (shared === null) return null
    return this.#tree.find(shared.topicFilter)?.groups.get(shared.shareName) ?? null
  }

  /**
   * Hot: forwards a message to everybody who subscribed.
   * @param publisher for No Local: its Client Identifier counts, not its connection; null for the Server itself
   * @param keepOffline false: offline sessions are passed over ($SYS)
   * @param result filled in
   */
  route(message: Message, publisher: string | null, keepOffline: boolean, nowMs: number, result: RouteResult): void {
    const { receivers, groups } = this.#routes.get(message.topicName) ?? this.#findRoute(message.topicName)
    let matched = 0
    let taken = 0
    for (let i = 0; i < receivers.length; i++) {
      const receiver = receivers[i]!
      const { session } = receiver
      const grant = session.clientId === publisher ? receiver.fromItself : receiver.fromOthers
      if (grant === null || !(keepOffline || session.isConnected)) continue
      matched++
      // [MQTT-3.8.4-6 v311, MQTT-3.8.4-8 v5] the lower of published and granted QoS
      const qos = Math.min(message.qos, grant.qos) as QoS
      const retain = grant.retainAsPublished && message.retain
      if (session.forward(message, qos, retain, grant.subscriptionIdentifiers, null, nowMs)) taken++
    }
    for (let i = 0; i < groups.length; i++) {
      matched++
      if (groups[i]!.forward(message, nowMs)) taken++
    }
    result.matched = matched
    result.taken = taken
  }

  #findRoute(topicName: string): Route {
    const route = new Route()
    const bySession = new Map<ServerSession, Receiver>()
    this.#tree.match(topicName, (node) => collect(node, route, bySession))
    if (this.#maximumCachedRoutes > 0) {
      if (this.#routes.size >= this.#maximumCachedRoutes) this.#routes.clear()
      this.#routes.set(topicName, route)
    }
    return route
  }

  #forgetRoutes(topicFilter: string): void {
    if (hasWildcard(topicFilter)) this.#routes.clear()
    else this.#routes.delete(topicFilter)
  }
}

function collect(node: FilterNode, route: Route, bySession: Map<ServerSession, Receiver>): void {
  for (const [session, subscription] of node.subscribers) {
    const receiver = bySession.get(session)
    if (receiver !== undefined) {
      receiver.add(subscription)
      continue
    }
    const added = new Receiver(session, subscription)
    bySession.set(session, added)
    route.receivers.push(added)
  }
  for (const group of node.groups.values()) route.groups.push(group)
}
