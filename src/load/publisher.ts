import { Message } from '../codec/message.ts'
import { QoS } from '../codec/qos.ts'
import type { TurnClock } from './clock.ts'
import type { LoadClient } from './load-client.ts'
import type { LoadPlan } from './plan.ts'
import type { StampFormat } from './stamp.ts'
import type { Tally } from './tally.ts'

/** A message that is sent again and again: the token of its publications, so that none is made per packet. */
export class Slot {
  readonly message: Message
  readonly publisher: LoadPublisher
  sentUs = 0
  next: Slot | null = null

  constructor(message: Message, publisher: LoadPublisher) {
    this.message = message
    this.publisher = publisher
  }
}

/** What is the same for all publishers of a run. */
export interface PublisherTerms {
  readonly plan: LoadPlan
  readonly format: StampFormat
  readonly tally: Tally
  readonly clock: TurnClock
}

const US_PER_MS = 1000
/** A burst is at least this part of what may be on its way, so that bursts do not depend on how finely a broker answers. */
const BURSTS_PER_WINDOW = 2

/** Sends stamped messages and knows how many are on their way. Hot: {@link send} makes no object, promise or closure. */
export class LoadPublisher {
  readonly number: number
  readonly client: LoadClient
  readonly #terms: PublisherTerms
  readonly #receivers: number
  readonly #quota: number
  readonly #window: number
  readonly #inFlight: number
  readonly #quantum: number
  #free: Slot | null = null
  /** messages sent; the sequence number of the next one */
  sent = 0
  #unacknowledged = 0
  /** messages that all receivers here have, or that will not come */
  #delivered = 0
  #arrivals = 0
  /** for the run: in its list of publishers to look at */
  isWaiting = false

  /**
   * @param receivers in this part of the generator; 0: none, and nothing is waited for
   * @param quota messages to send; Infinity
   */
  constructor(
    number: number,
    client: LoadClient,
    topic: string,
    receivers: number,
    quota: number,
    terms: PublisherTerms,
  ) {
    const { plan, format } = terms
    this.number = number
    this.client = client
    this.#terms = terms
    this.#receivers = receivers
    this.#quota = quota
    this.#window = receivers === 0 || plan.rate !== null || plan.window === 0 ? Number.POSITIVE_INFINITY : plan.window
    this.#inFlight = plan.qos === QoS.AT_MOST_ONCE ? Number.POSITIVE_INFINITY : plan.inFlight
    this.#quantum = Math.max(1, Math.floor(Math.min(this.#window, this.#inFlight) / BURSTS_PER_WINDOW))
    const { qos, retain, publishProperties: properties } = plan
    // at QoS 0 a message is written when publish() returns
    const slots = qos === QoS.AT_MOST_ONCE ? 1 : plan.inFlight
    for (let i = 0; i < slots; i++) {
      const slot = new Slot(Message.create(topic, format.newPayload(number), { qos, retain, properties }), this)
      slot.next = this.#free
      this.#free = slot
    }
  }

  /** Hot: can the next message of an open loop go out? */
  get canSend(): boolean {
    return this.#free !== null && this.sent < this.#quota && this.client.hasRoom
  }

  get isDone(): boolean {
    return this.sent >= this.#quota
  }

  /** Messages without their last acknowledgement. */
  get unacknowledged(): number {
    return this.#unacknowledged
  }

  /** Hot, closed loop: sends what window, places in flight and the socket allow, in bursts. */
  refill(): void {
    let room = this.#quota - this.sent
    const outstanding = this.sent - this.#delivered
    const windowRoom = this.#window - outstanding
    if (windowRoom < this.#quantum && outstanding > 0) return
    const inFlightRoom = this.#inFlight - this.#unacknowledged
    if (inFlightRoom < this.#quantum && this.#unacknowledged > 0) return
    room = Math.min(room, windowRoom, inFlightRoom)
    if (room <= 0) return
    const nowUs = this.#terms.clock.us
    for (; room > 0 && this.client.hasRoom; room--) this.send(nowUs, nowUs)
  }

  /** Hot. There must be a free slot. @param intendedUs when it should have left, whole microseconds */
  send(intendedUs: number, nowUs: number): void {
    const { format, tally } = this.#terms
    const slot = this.#free!
    this.#free = slot.next
    const { message } = slot
    const delayUs = Math.max(0, Math.floor(nowUs - intendedUs))
    format.write(message.bytes, message.payloadStart, this.number, this.sent, Math.floor(intendedUs), delayUs)
    slot.sentUs = nowUs
    this.sent++
    this.#unacknowledged++
    tally.published++
    this.client.publish(message, slot, nowUs / US_PER_MS)
  }

  /** Hot: the last acknowledgement came, at QoS 0 the message is written. */
  settle(slot: Slot, reasonCode: number): void {
    slot.next = this.#free
    this.#free = slot
    this.#unacknowledged--
    const { tally, plan, clock } = this.#terms
    if (reasonCode >= 0x80) tally.refused++
    else if (reasonCode >= 0 && plan.qos !== QoS.AT_MOST_ONCE) {
      tally.acknowledged++
      tally.latenciesOf(slot.sentUs).acknowledge.record(Math.max(0, Math.floor(clock.us - slot.sentUs)))
    }
  }

  /** Hot: a first copy of message `sequence` arrived at a receiver of this part. */
  arrived(sequence: number): void {
    this.#arrivals++
    // a lost message does not shrink the window of one receiver: the next one says where the broker is
    const delivered = this.#receivers === 1 ? sequence + 1 : Math.floor(this.#arrivals / this.#receivers)
    if (delivered > this.#delivered) this.#delivered = delivered
  }

  /** Nothing comes any more: opens the window again. */
  forgetOutstanding(): void {
    this.#delivered = this.sent
    this.#arrivals = this.sent * this.#receivers
  }
}
