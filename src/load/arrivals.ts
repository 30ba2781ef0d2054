import type { Publish } from '../codec/packets/publish.ts'
import type { LoadPublisher } from './publisher.ts'
import { Arrival, SequenceCheck } from './sequence-check.ts'
import { Stamp, type StampFormat, sinceUs } from './stamp.ts'
import type { Tally } from './tally.ts'

/** One for all: read into, looked at, forgotten. */
const stamp = new Stamp()

/** What is the same for all receivers of a run. */
export interface ArrivalTerms {
  readonly format: StampFormat
  readonly tally: Tally
  /** by number; those of other parts of the generator are missing */
  readonly publishers: readonly (LoadPublisher | undefined)[]
  /** of all parts */
  readonly publisherCount: number
  /** false: members of a shared subscription are not as fast as each other */
  readonly judgesOrder: boolean
  /** intended moments mean something: the rate was given */
  readonly hasResponse: boolean
}

/** What has come from each publisher: to one subscriber, or to all members of a shared subscription. */
export class Arrivals {
  readonly #terms: ArrivalTerms
  readonly #checks: (SequenceCheck | undefined)[] = []

  constructor(terms: ArrivalTerms) {
    this.#terms = terms
  }

  /**
   * Hot: judges and counts one message.
   * @param nowUs on the clock of the run
   * @returns its publisher when it is the first copy and the publisher is here
   */
  take({ message }: Publish, nowUs: number): LoadPublisher | null {
    const { format, tally, publishers, publisherCount } = this.#terms
    const { delivery } = tally
    if (
      !format.read(message.bytes, message.payloadStart, message.payloadEnd, stamp) ||
      stamp.publisher >= publisherCount
    ) {
      delivery.corrupted++
      return null
    }
    const publisher = publishers[stamp.publisher] ?? null
    if (publisher !== null && stamp.sequence >= publisher.sent) {
      delivery.corrupted++
      return null
    }
    const check = this.#checks[stamp.publisher] ?? this.#newCheck(stamp.publisher)
    const arrival = check.arrive(stamp.sequence)
    if (arrival === Arrival.DUPLICATE) {
      delivery.duplicated++
      return null
    }
    if (arrival === Arrival.OUT_OF_ORDER && this.#terms.judgesOrder) delivery.outOfOrder++
    delivery.received++
    delivery.lastUs = nowUs
    delivery.bytes += message.payloadEnd - message.payloadStart
    publisher?.arrived(stamp.sequence)
    this.#time(nowUs)
    return publisher
  }

  #time(nowUs: number): void {
    const responseUs = Math.floor(sinceUs(stamp.intendedUs, nowUs))
    const { service, response } = this.#terms.tally.latenciesOf(nowUs - responseUs)
    service.second.record(Math.max(0, responseUs - stamp.delayUs))
    if (this.#terms.hasResponse) response.second.record(responseUs)
  }

  #newCheck(publisher: number): SequenceCheck {
    const check = new SequenceCheck()
    this.#checks[publisher] = check
    return check
  }
}
