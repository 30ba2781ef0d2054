import type { ViolationName } from '../codec/violation.ts'
import type { Clock } from './clock.ts'
import type { BrokerEvent } from './configuration.ts'
import { type LimitName, type Limits, limitRows } from './limits.ts'

const SILENCE_MS = 60_000

/** Limits that are kept by the codec and the session, by the violation that tells of them. */
const violated: { readonly [name in ViolationName]?: LimitName } = {
  PACKET_TOO_LARGE: 'maximumPacketBytes',
  RECEIVE_MAXIMUM_EXCEEDED: 'receiveMaximum',
  TOPIC_ALIAS_ABOVE_MAXIMUM: 'maximumTopicAliases',
  QOS_NOT_SUPPORTED: 'maximumQos',
}

/** Counts how often each limit was reached, and tells the log: a line a minute for each (semantics section 19). */
export class LimitWatch {
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #log: (event: BrokerEvent) => void
  readonly #counts = new Map<LimitName, number>()
  readonly #silentUntilMs = new Map<LimitName, number>()

  constructor(limits: Limits, clock: Clock, log: (event: BrokerEvent) => void) {
    this.#limits = limits
    this.#clock = clock
    this.#log = log
  }

  /** Somebody has come up against a limit. */
  reached(name: LimitName, clientId: string): void {
    this.#counts.set(name, this.count(name) + 1)
    const nowMs = this.#clock.nowMs()
    if (nowMs < (this.#silentUntilMs.get(name) ?? nowMs)) return
    this.#silentUntilMs.set(name, nowMs + SILENCE_MS)
    const { unit } = limitRows[name]
    this.#log({ event: 'limit', clientId, detail: `${limitLabel(name)} is reached: ${this.#limits[name]} ${unit}` })
  }

  violated(name: ViolationName, clientId: string): void {
    const limit = violated[name]
    if (limit !== undefined) this.reached(limit, clientId)
  }

  /** How often it was reached since the start. */
  count(name: LimitName): number {
    return this.#counts.get(name) ?? 0
  }

  /** All limits with their counts. */
  counts(): [name: LimitName, count: number][] {
    return (Object.keys(limitRows) as LimitName[]).map((name) => [name, this.count(name)])
  }
}

/** `maximumPacketBytes` as `maximum-packet-bytes`: for logs, topics and labels. */
export function limitLabel(name: LimitName): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}
