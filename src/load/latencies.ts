import { LatencyHistogram } from './histogram.ts'

/** Latencies of the present second and of all before. */
export class SecondByHistogram {
  readonly second = new LatencyHistogram()
  readonly #before = new LatencyHistogram()

  /** Ends the second. */
  roll(): void {
    this.#before.merge(this.second)
    this.second.clear()
  }

  /** All seconds; those so far are joined. */
  get all(): LatencyHistogram {
    this.roll()
    return this.#before
  }
}

/** The latencies of one stretch of a run. */
export class Latencies {
  /** from sending to the last acknowledgement */
  readonly acknowledge = new LatencyHistogram()
  /** from sending to the receiver */
  readonly service = new SecondByHistogram()
  /** from the intended moment of sending to the receiver */
  readonly response = new SecondByHistogram()
  /** from the intended to the real moment of sending while the broker took messages: the generator's own lateness */
  readonly sendDelay = new LatencyHistogram()

  /** Ends a second. */
  roll(): void {
    this.service.roll()
    this.response.roll()
  }
}
