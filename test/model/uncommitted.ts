import { type Delivery, isExpired, type Reply, type Session } from './model-state.ts'
import { Size, sizeFor } from './places.ts'
import type { ReferenceModel } from './reference-model.ts'

/** Packets that promise a change (U-01, U-04). */
const PROMISES: ReadonlySet<Reply['type']> = new Set([
  'CONNACK',
  'PUBACK',
  'PUBREC',
  'PUBREL',
  'PUBCOMP',
  'SUBACK',
  'UNSUBACK',
])

/** While nothing is committed: the answers that come because of a step are marked, if it changes what a store keeps. */
export function markUncommitted(model: ReferenceModel, step: () => void): void {
  const before = keptOf(model)
  const known = new Set([...model.connections].flatMap(({ replies }) => replies))
  step()
  if (keptOf(model) === before) return
  for (const { replies } of model.connections) {
    for (const reply of replies) if (!known.has(reply) && PROMISES.has(reply.type)) reply.isUncommitted = true
  }
}

// It is passed over at once, and nothing of it is kept.
function isTooLarge({ message, qos, identifiers }: Delivery, { connection }: Session): boolean {
  return connection !== null && sizeFor(connection, message, qos, identifiers) !== Size.FITS
}

// What must be written before an answer leaves. A message that a Shared Subscription may have given to a session that is not
// kept need not, nor what expires at once; a retained one at QoS 0 is written later.
function keptOf(model: ReferenceModel): string {
  const sessions = [...model.sessions.values()].filter(({ isKept, will }) => isKept || will !== null)
  const retained = [...model.retained.values()].filter(
    ({ qos, properties }) => qos > 0 && properties.messageExpiry !== 0,
  )
  return JSON.stringify([sessions.map((session) => keptOfSession(session, model.now)), retained])
}

function keptOfSession(session: Session, now: number): unknown {
  const { clientId, isKept, will, subscriptions, incoming, deliveries } = session
  if (!isKept) return [clientId, will]
  const sure = deliveries.filter(
    (one) =>
      one.choice === null && (one.state !== 'waiting' || !(isExpired(one.message, now) || isTooLarge(one, session))),
  )
  const written = sure.map(({ message, order, state }) => [message.topic, order, state === 'released'])
  return [clientId, will, [...subscriptions.values()], [...incoming.keys()], written]
}

/** Everything is written: what was put off until then may be seen at any time from now on, by a slow reader much later. */
export function markCommitted(model: ReferenceModel): void {
  for (const { replies } of model.connections) for (const reply of replies) reply.isUncommitted = false
}
