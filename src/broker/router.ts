import type { Message } from '../codec/message.ts'
import type { QoS } from '../codec/qos.ts'
import type { ServerSession } from '../session/server-session.ts'
import type { Subscription } from '../session/session-state.ts'
import { hasWildcard, parseSharedFilter } from '../topic/topic-filter.ts'
import type { Limits } from './limits.ts'
import { SharedGroup } from './shared-subscriptions.ts'
import { type FilterNode, type FilterVisitor, SubscriptionTree } from './subscription-tree.ts'

/** Receivers that are searched one by one for a session; above, a map is made. */
const LINEAR_SEARCH = 8

/** How a session gets the messages of one Topic Name: all its matching subscriptions as one. */
class Grant {
  qos: QoS
  retainAsPublished: boolean
  subscriptionIdentifiers: number[] | null

  constructor(qos: QoS, retainAsPublished: boolean, subscriptionIdentifiers: number[] | null) {
    this.qos = qos
    this.retainAsPublished = retainAsPublished
    this.subscriptionIdentifiers = subscriptionIdentifiers
  }

  static of({ qos, retainAsPublished, subscriptionIdentifier }: Subscription): Grant {
    return new Grant(qos, retainAsPublished, subscriptionIdentifier === 0 ? null : [subscriptionIdentifier])
  }

  // One copy at the highest granted QoS with every Subscription Identifier (semantics O-02, O-03).
  add(subscription: Subscription): void {
    this.qos = Math.max(this.qos, subscription.qos) as QoS
    this.retainAsPublished ||= subscription.retainAsPublished
    if (subscription.subscriptionIdentifier === 0) return
    if (this.subscriptionIdentifiers === null) this.subscriptionIdentifiers = [subscription.subscriptionIdentifier]
    else this.subscriptionIdentifiers.push(subscription.subscriptionIdentifier)
  }

  copy(): Grant {
    return new Grant(this.qos, this.retainAsPublished, this.subscriptionIdentifiers?.slice() ?? null)
  }
}

class Receiver {
  readonly session: ServerSession
  readonly fromOthers: Grant
  /**
   * for the session's own messages: without its No Local subscriptions, the same object when there are none; null when none
   * is left
   */
  fromItself: Grant | null

  constructor(session: ServerSession, subscription: Subscription) {
    this.session = session
    this.fromOthers = Grant.of(subscription)
    this.fromItself = subscription.noLocal ? null : this.fromOthers
  }

  add(subscription: Subscription): void {
    if (subscription.noLocal) {
      if (this.fromItself === this.fromOthers) this.fromItself = this.fromOthers.copy()
    } else if (this.fromItself === null) this.fromItself = Grant.of(subscription)
    else if (this.fromItself !== this.fromOthers) this.fromItself.add(subscription)
    this.fromOthers.add(subscription)
  }
}

/** A group, without those of its members who may not read the topic; null: all may. */
interface SharedRoute {
  readonly group: SharedGroup
  readonly barred: ReadonlySet<ServerSession> | null
}

/** Who gets the messages of one Topic Name. */
class Route implements FilterVisitor {
  readonly receivers: Receiver[] = []
  readonly groups: SharedRoute[] = []
  readonly #topicName: string
  /** receivers by session, once there are so many that a search would be slow */
  #bySession: Map<ServerSession, Receiver> | null = null

  constructor(topicName: string) {
    this.#topicName = topicName
  }

  /** Takes in the subscriptions of one more filter that matches, of those who may read the topic (semantics S-17). */
  visit({ subscribers, groups }: FilterNode): void {
    if (subscribers !== null) this.#addSubscribers(subscribers)
    if (groups === null) return
    for (const group of groups.values()) {
      const barred = group.barredFrom(this.#topicName)
      if (barred === null || barred.size < group.size) this.groups.push({ group, barred })
    }
  }

  #addSubscribers(subscribers: ReadonlyMap<ServerSession, Subscription>): void {
    // within one filter each session stands once
    const isFirst = this.receivers.length === 0
    for (const [session, subscription] of subscribers) {
      const known = isFirst ? undefined : this.#find(session)
      if (known !== undefined) known.add(subscription)
      else if (session.rights.mayReceive(this.#topicName)) this.#append(new Receiver(session, subscription))
    }
  }

  #append(receiver: Receiver): void {
    this.receivers.push(receiver)
    this.#bySession?.set(receiver.session, receiver)
  }

  #find(session: ServerSession): Receiver | undefined {
    const { receivers } = this
    if (receivers.length <= LINEAR_SEARCH) return receivers.find((receiver) => receiver.session === session)
    this.#bySession ??= new Map(receivers.map((receiver) => [receiver.session, receiver]))
    return this.#bySession.get(session)
  }

  /** No more filters will come: what only finding them needed is given up. */
  complete(): void {
    this.#bySession = null
  }
}

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
    const node = this.#tree.at(topicFilter)
    if (shared === null) {
      node.subscribers ??= new Map()
      node.subscribers.set(session, subscription)
    } else {
      node.groups ??= new Map()
      let group = node.groups.get(shared.shareName)
      if (group === undefined) {
        group = new SharedGroup(subscription.topicFilter)
        node.groups.set(shared.shareName, group)
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
    const node = this.#tree.find(topicFilter)
    if (node === null) return
    if (shared === null) node.subscribers?.delete(session)
    else {
      const group = node.groups?.get(shared.shareName)
      group?.remove(session)
      if (group?.isEmpty) node.groups?.delete(shared.shareName)
    }
    this.#count--
    if (shared !== null) this.#sharedCount--
    this.#tree.prune(node)
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
    const { receivers, groups } = this.#routes.get(message.topicName) ?? this.#findRoute(message.topicName)
    let matched = 0
    let taken = 0
    let unclaimed = 0
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
      const { group, barred } = groups[i]!
      if (group.forward(message, nowMs, barred)) taken++
      else unclaimed++
    }
    result.matched = matched
    result.taken = taken
    result.unclaimed = unclaimed
  }

  #findRoute(topicName: string): Route {
    const route = new Route(topicName)
    this.#tree.match(topicName, route)
    route.complete()
    const { maximumCachedRoutes } = this.#limits
    if (maximumCachedRoutes > 0) {
      if (this.#routes.size >= maximumCachedRoutes) this.#routes.clear()
      this.#routes.set(topicName, route)
    }
    return route
  }

  /** Somebody's rights have changed. */
  forgetAllRoutes(): void {
    this.#routes.clear()
  }

  #forgetRoutes(topicFilter: string): void {
    if (hasWildcard(topicFilter)) this.#routes.clear()
    else this.#routes.delete(topicFilter)
  }
}
