import type { RetainHandling } from '../codec/packets/subscribe.ts'
import type { QoS } from '../codec/qos.ts'
import { SeldomMap } from '../codec/seldom-map.ts'
import { InFlight } from './in-flight.ts'
import type { MessageQueue } from './message-queue.ts'
import { PacketIds } from './packet-ids.ts'

/** Session Expiry Interval that never ends (5.0 section 3.1.2.11.2). */
export const NEVER_EXPIRES_SECONDS = 0xffff_ffff

/** One subscription of a session (5.0 section 3.8.3.1). */
export interface Subscription {
  /** as the client wrote it, `$share/...` included */
  readonly topicFilter: string
  /** granted */
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: RetainHandling
  /** 0 when there is none */
  readonly subscriptionIdentifier: number
}

/**
 * What outlives a Network Connection (5.0 section 4.1): plain data that a store can hold. Deliveries and subscriptions are
 * immutable but for a delivery's place in its exchange.
 */
export class SessionState {
  readonly clientId: string
  /** identity that made the session, or that resumed it where sessions have no owners: user name, or null for anonymous (semantics S-16) */
  owner: string | null
  sessionExpiryIntervalSeconds = 0
  readonly subscriptions = new SeldomMap<string, Subscription>()
  /** outgoing QoS 1 and 2 exchanges by Packet Identifier, in the order of their first sending */
  readonly inFlight = new InFlight()
  readonly queue: MessageQueue
  /** incoming QoS 2 ids not yet released */
  readonly incomingQos2 = new SeldomMap<number, number>()
  readonly packetIds = new PacketIds()

  constructor(clientId: string, owner: string | null, queue: MessageQueue) {
    this.clientId = clientId
    this.owner = owner
    this.queue = queue
  }
}
