import type { Publish } from '../codec/packets/publish.ts'
import type { LoadPublisher } from './publisher.ts'
import { Arrival, SequenceCheck } from './sequence-check.ts'
import { Stamp, type StampFormat, sinceUs } from './stamp.ts'
import type { Tally } from './tally.ts'

/** One for all: read into, looked at, forgotten. */
const stamp = new Stamp()

/** What has come from each publisher: of one subscriber, or of all members of a shared subscription. */
export class Arrivals {
  readonly #format: StampFormat
  readonly #publishers: readonly LoadPublisher[]
  readonly #tally: Tally
  readonly #isShared: boolean
  readonly #hasResponse: boolean
  readonly #checks: (SequenceCheck | undefined)[] = []

  /**
   * @param isShared order is not judged: members of a shared subscription are not as fast as each other
   * @param hasResponse intended moments mean something: the rate was given
   */
  constructor(
    format: StampFormat,
    publishers: readonly LoadPublisher[],
    tally: Tally,
    isShared: boolean,
    hasResponse: boolean,
  ) {
    this.#format = format
    this.#publishers = publishers
    this.#tally = tally
    this.#isShared = isShared
    this.#hasResponse = hasResponse
  }

  /**
   * Hot: judges and counts one message.
   * @param measureFromUs latencies of messages that were to leave before it are not recorded
   * @returns its publisher when it is the first copy
   */
  take({ message }: Publish, nowUs: number, measureFromUs: number): LoadPublisher | null {
    const { delivery } = this.#tally
    if (!this.#format.read(message.bytes, message.payloadStart, message.payloadEnd, stamp)) {
      delivery.corrupted++
      return null
    }
    const publisher = this.#publishers[stamp.publisher]
    if (publisher === undefined || stamp.sequence >= publisher.sent) {
      delivery.corrupted++
      return null
    }
    const check = this.#checks[stamp.publisher] ?? this.#newCheck(stamp.publisher)
    const arrival = check.arrive(stamp.sequence)
    if (arrival === Arrival.DUPLICATE) {
      delivery.duplicated++
      return null
    }
    if (arrival === Arrival.OUT_OF_ORDER && !this.#isShared) delivery.outOfOrder++
    delivery.received++
    delivery.bytes += message.payloadEnd - message.payloadStart
    publisher.arrived++
    const responseUs = Math.floor(sinceUs(stamp.intendedUs, nowUs))
    if (nowUs - responseUs >= measureFromUs) {
      this.#tally.service.second.record(Math.max(0, responseUs - stamp.delayUs))
      if (this.#hasResponse) this.#tally.response.second.record(responseUs)
    }
    return publisher
  }

  #newCheck(publisher: number): SequenceCheck {
    const check = new SequenceCheck()
    this.#checks[publisher] = check
    return check
  }
}
