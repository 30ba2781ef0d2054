import {
  type Connection,
  type Message,
  type ModelLimits,
  newDelivery,
  type RetainedDelivery,
  type Session,
  type Subscription,
  sharedFilter,
} from './model-state.ts'
import { applies, type Publications } from './publications.ts'
import type { FilterFields, QoS } from './wire.ts'

/** What SUBACK says, and what comes behind it. */
export interface Subscribed {
  /** per filter, the codes that it may have */
  readonly codes: readonly (readonly number[])[]
  readonly retained: readonly RetainedDelivery[]
}

/** SUBSCRIBE of a connected client, filter by filter. @param identifier 0 for none */
export function subscribe(
  publications: Publications,
  limits: ModelLimits,
  connection: Connection,
  filters: readonly FilterFields[],
  identifier: number,
): Subscribed {
  const session = connection.session!
  const retained: RetainedDelivery[] = []
  // those among the session's that this packet changes
  const changed: RetainedDelivery[] = []
  const codes = filters.map((request) => {
    const replaced = session.subscriptions.get(request.filter)
    const refusal = refusalCodes(request, connection, limits)
    if (refusal !== null) return refusal
    const subscription = subscriptionFor(request, connection, identifier)
    session.subscriptions.set(request.filter, subscription)
    const isWanted = request.retainHandling === 0 || (request.retainHandling === 1 && replaced === undefined)
    if (isWanted) askForRetained(publications, session, subscription, retained)
    else changed.push(...askAgain(publications, connection, subscription, retained))
    return [request.qos]
  })
  session.retained.push(...retained)
  return { codes, retained: [...changed, ...retained] }
}

/** UNSUBSCRIBE of a connected client. What is on its way may still come (O-13). */
export function unsubscribe(connection: Connection, filters: readonly string[]): readonly (readonly number[])[] {
  const { subscriptions, retained } = connection.session!
  const codes = filters.map((filter) => [subscriptions.delete(filter) ? 0 : 0x11])
  for (const pending of retained) if (filters.includes(pending.filter)) pending.isDue = false
  return connection.version === 5 ? codes : []
}

// Depth and number have limits (T-13); MQTT 3.1 has no failure code (M-04).
function refusalCodes(
  { filter, qos }: FilterFields,
  { session, version }: Connection,
  limits: ModelLimits,
): number[] | null {
  const { subscriptions } = session!
  const isTooDeep = (sharedFilter(filter) ?? filter).split('/').length > limits.maximumTopicLevels
  const isOneTooMany = !subscriptions.has(filter) && subscriptions.size >= limits.maximumSubscriptions
  if (!isTooDeep && !isOneTooMany) return null
  if (version === 5) return isTooDeep ? [0x97, 0x8f] : [0x97]
  return [version === 4 ? 0x80 : qos]
}

// A bridge sees RETAIN as published and never its own messages (C-03).
function subscriptionFor(request: FilterFields, { isBridge }: Connection, identifier: number): Subscription {
  return {
    filter: request.filter,
    qos: request.qos,
    noLocal: request.noLocal || isBridge,
    retainAsPublished: request.retainAsPublished || isBridge,
    identifier,
  }
}

function askForRetained(
  publications: Publications,
  session: Session,
  subscription: Subscription,
  retained: RetainedDelivery[],
): void {
  for (const pending of [...session.retained, ...retained])
    if (pending.filter === subscription.filter) pending.isDue = false
  for (const message of publications.retained.values()) {
    if (applies(subscription, message, session))
      retained.push(retainedDelivery(subscription, message, publications.order, true))
  }
}

// What was asked for before and is still to come does come in its turn, with the options of now. @returns the new forms of those
// that the session has from before
function askAgain(
  publications: Publications,
  connection: Connection,
  subscription: Subscription,
  retained: RetainedDelivery[],
): RetainedDelivery[] {
  const session = connection.session!
  const changed: RetainedDelivery[] = []
  for (const list of [session.retained, retained]) {
    for (const pending of list.filter(({ filter }) => filter === subscription.filter)) {
      const { delivery, isStale, isForbidden } = pending
      const isUnclear = delivery.maybeSent || connection.isBehind || connection.isUnsettled
      const isOpen = pending.isDue && pending.isActive && !isUnclear
      const isDue = isOpen && applies(subscription, delivery.message, session)
      const plain = retainedDelivery(subscription, delivery.message, publications.order, isDue)
      const again = { ...plain, isStale, isForbidden }
      list.splice(list.indexOf(pending), 0, again)
      if (list === session.retained) changed.push(again)
      pending.isDue = false
    }
  }
  return changed
}

function retainedDelivery(
  subscription: Subscription,
  message: Message,
  order: number,
  isDue: boolean,
): RetainedDelivery {
  const qos = Math.min(message.qos, subscription.qos) as QoS
  // RETAIN is 1 whatever Retain As Published says
  const delivery = newDelivery([], order, message, qos, true, [subscription.identifier], null)
  return { delivery, filter: subscription.filter, isActive: false, isDue, isStale: false, isForbidden: false }
}
