import type { ClientError, ClientErrorKind } from '../client/client-error.ts'
import { TransportError } from '../transport/transport-error.ts'
import { LatencyHistogram } from './histogram.ts'
import { Latencies } from './latencies.ts'
import { DeliveryCount } from './sequence-check.ts'

/** Errors kept apart by their text; with more kinds than this, the others are counted together. */
const MAXIMUM_ERROR_KINDS = 50

/** A client has no such failure, for it goes on. */
export const SUBSCRIBE_REFUSED = 'SUBSCRIBE_REFUSED'

/** Why a client failed, as plain data. */
export interface LoadFailure {
  readonly kind: ClientErrorKind | typeof SUBSCRIBE_REFUSED
  readonly message: string
  readonly reasonCode: number | null
  /** TLS failed, and not the network below it */
  readonly isTls: boolean
}

/** Everything that is counted in one part of the generator. */
export class Tally {
  readonly connect = new LatencyHistogram()
  /** of the warm-up: in no result, but recorded as what counts is, or V8 would not know this code when it begins to count */
  readonly warmup = new Latencies()
  readonly measured = new Latencies()
  readonly #stretches = [this.warmup, this.measured] as const
  /** when the warm-up ends, on the clock of the run */
  measureFromUs = 0
  readonly delivery = new DeliveryCount()
  readonly errors = new Map<string, number>()
  /** the first one; null when all went well */
  failure: LoadFailure | null = null

  connected = 0
  /** connections that could not be made */
  failed = 0
  /** connections that ended before they should */
  lost = 0
  connectMs = 0

  published = 0
  acknowledged = 0
  refused = 0

  /** Hot. @param leftUs when the message left, or should have */
  latenciesOf(leftUs: number): Latencies {
    // an index and no branch: at the first step into a new one V8 drops the code around it, and p99 at 1,000/s was 0.3 ms instead of 0.2
    return this.#stretches[Number(leftUs >= this.measureFromUs) as 0 | 1]
  }

  /** Counts what a client failed of. */
  fail(error: ClientError): void {
    const { kind, message, reasonCode, cause } = error
    this.failure ??= { kind, message, reasonCode, isTls: cause instanceof TransportError && cause.isTls }
    this.error(message)
  }

  /** Counts a SUBSCRIBE that the broker refused. */
  refuseSubscription(message: string): void {
    this.failure ??= { kind: SUBSCRIBE_REFUSED, message, reasonCode: null, isTls: false }
    this.error(message)
  }

  /** Counts an error. */
  error(text: string): void {
    const kind = this.errors.has(text) || this.errors.size < MAXIMUM_ERROR_KINDS ? text : 'others'
    this.errors.set(kind, (this.errors.get(kind) ?? 0) + 1)
  }
}
