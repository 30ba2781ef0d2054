import type { Message } from '../codec/message.ts'
import type { QoS } from '../codec/qos.ts'
import { Kept } from './kept.ts'

/** What an outgoing message waits for (section 4.3). */
export const DeliveryState = { QUEUED: 0, AWAITING_PUBACK: 1, AWAITING_PUBREC: 2, AWAITING_PUBCOMP: 3 } as const
export type DeliveryState = (typeof DeliveryState)[keyof typeof DeliveryState]

/** One message on its way to one peer: plain data, part of the Session State while its QoS is above 0. */
export class Delivery {
  readonly message: Message
  /** the QoS of this delivery, at most that of the message */
  readonly qos: QoS
  /** RETAIN as it goes out */
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[] | null
  /** 0 until first sent, and at QoS 0 */
  packetId = 0
  /** its place in the order of first sendings, kept by InFlight */
  sendingOrder = 0
  state: DeliveryState = DeliveryState.QUEUED
  /** what PUBREC said; from then on the message is the peer's */
  receivedCode = 0
  /** takes a place of the peer's Receive Maximum on the present Network Connection */
  holdsSlot = false
  /** its keeper's number for it, rising in the order of arrival; 0 where nothing is kept */
  keptNumber = 0
  kept: Kept = Kept.NOTHING
  /** how much its keeper has of a step that was taken after the delivery was written */
  keptExchange: typeof Kept.NOTHING | typeof Kept.GATHERED | typeof Kept.WITH_MESSAGE = Kept.NOTHING
  /** the Shared Subscription it was chosen for, as `$share/{ShareName}/{filter}`; null for a normal one */
  readonly sharedFilter: string | null
  /** what the owner of the sender wants to find again when the exchange has ended */
  readonly token: unknown

  constructor(
    message: Message,
    qos: QoS,
    retain: boolean,
    subscriptionIdentifiers: readonly number[] | null,
    sharedFilter: string | null = null,
    token: unknown = null,
  ) {
    this.message = message
    this.qos = qos
    this.retain = retain
    this.subscriptionIdentifiers = subscriptionIdentifiers
    this.sharedFilter = sharedFilter
    this.token = token
  }
}
