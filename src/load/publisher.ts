import type { Client, PublishDone } from '../client/client.ts'
import { Message } from '../codec/message.ts'
import { QoS } from '../codec/qos.ts'
import type { StampFormat } from './stamp.ts'
import type { Tally } from './tally.ts'

/** A message that is sent again and again, with the callback for its acknowledgement: neither is made per packet. */
class Slot {
  readonly message: Message
  readonly done: PublishDone
  sentUs = 0
  next: Slot | null = null

  constructor(message: Message, publisher: LoadPublisher) {
    this.message = message
    this.done = (reasonCode) => publisher.settle(this, reasonCode)
  }
}

/** What a publisher tells the run. */
export interface PublisherOwner {
  /** microseconds on the run's clock */
  nowUs(): number
  /** The publisher may be able to send again. */
  ready(publisher: LoadPublisher): void
}

/** Sends stamped messages and knows how many are on their way. Hot: `send` makes no object, promise or closure. */
export class LoadPublisher {
  readonly number: number
  readonly #client: Client
  readonly #format: StampFormat
  readonly #fanOut: number
  readonly #tally: Tally
  readonly #owner: PublisherOwner
  readonly #qos: QoS
  #free: Slot | null = null
  /** messages sent; the sequence number of the next one */
  sent = 0
  /** deliveries that came */
  arrived = 0
  /** messages whose deliveries will not come */
  #written = 0
  unacknowledged = 0
  isConnected = true
  isBackedUp = false
  /** for the run: in its list of publishers to look at */
  isWaiting = false

  constructor(
    number: number,
    client: Client,
    topic: string,
    qos: QoS,
    slots: number,
    format: StampFormat,
    fanOut: number,
    tally: Tally,
    owner: PublisherOwner,
  ) {
    this.number = number
    this.#client = client
    this.#format = format
    this.#fanOut = fanOut
    this.#tally = tally
    this.#owner = owner
    this.#qos = qos
    for (let i = 0; i < slots; i++) {
      const slot = new Slot(Message.create(topic, format.newPayload(), { qos }), this)
      slot.next = this.#free
      this.#free = slot
    }
  }

  get canSend(): boolean {
    return this.isConnected && !this.isBackedUp && this.#free !== null
  }

  /** Messages whose deliveries have not all come. */
  get outstanding(): number {
    return this.#fanOut === 0 ? 0 : this.#written - this.arrived / this.#fanOut
  }

  /** Forgets deliveries that do not come, so that the window opens again. */
  forgetOutstanding(): void {
    this.#written = Math.ceil(this.arrived / this.#fanOut)
  }

  /** Hot. {@link canSend} must hold. */
  send(intendedUs: number, nowUs: number): void {
    const slot = this.#free!
    this.#free = slot.next
    const { message } = slot
    const delayUs = Math.max(0, Math.floor(nowUs - intendedUs))
    this.#format.write(message.bytes, message.payloadStart, this.number, this.sent, intendedUs, delayUs)
    slot.sentUs = nowUs
    this.sent++
    this.#written++
    this.unacknowledged++
    this.#tally.published++
    this.#tally.expected += this.#fanOut
    if (!this.#client.send(message, slot.done)) this.isBackedUp = true
  }

  /** For Slot: the last acknowledgement came, at QoS 0 the message is written. */
  settle(slot: Slot, reasonCode: number): void {
    slot.next = this.#free
    this.#free = slot
    if (reasonCode < 0) return
    this.unacknowledged--
    if (reasonCode >= 0x80) {
      this.#tally.refused++
      this.#tally.expected -= this.#fanOut
      this.#written--
      return
    }
    if (this.#qos === QoS.AT_MOST_ONCE) return
    this.#tally.acknowledged++
    this.#tally.acknowledge.record(Math.floor(this.#owner.nowUs() - slot.sentUs))
    this.#owner.ready(this)
  }
}
