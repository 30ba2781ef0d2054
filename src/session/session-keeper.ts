import type { Delivery } from './delivery.ts'
import type { Subscription } from './session-state.ts'

/**
 * Keeps a session beyond the life of the process: a session tells it of each change, at once and before whatever it sends
 * because of it. That must leave only when the keeper has the change; seeing to it is up to whoever carries the bytes.
 */
export interface SessionKeeper {
  /** A delivery is in the queue or in flight and was not before, or its exchange has gone on. */
  deliveryChanged(delivery: Delivery): void
  /** A delivery is neither in the queue nor in flight any more. */
  deliveryRemoved(delivery: Delivery): void
  /** A QoS 2 message came: its Packet Identifier is not free until PUBREL. */
  incomingAdded(packetId: number): void
  incomingRemoved(packetId: number): void
  /** Reads deliveries that it has, by their numbers. @returns them in order; without those that it cannot read */
  load(numbers: readonly number[]): Delivery[]
  /** Deliveries that nobody has read are over. */
  parkedRemoved(numbers: readonly number[]): void
  subscriptionSet(subscription: Subscription): void
  subscriptionRemoved(topicFilter: string): void
}
