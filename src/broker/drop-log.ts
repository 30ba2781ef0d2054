import { DropReason } from '../session/qos-sender.ts'
import type { Clock } from './clock.ts'
import type { BrokerEvent } from './configuration.ts'

const SILENCE_MS = 60_000

/** What is told of a loss, by DropReason; null where it is no news: a message that expired, or QoS 0 for a client that is away. */
const texts: Readonly<Record<DropReason, string | null>> = {
  [DropReason.QUEUE_FULL]: 'a message is lost: too many wait for this client',
  [DropReason.EXPIRED]: null,
  [DropReason.PACKET_TOO_LARGE]: 'a message is not sent: it is larger than the Maximum Packet Size of this client',
  [DropReason.OFFLINE]: null,
  [DropReason.SESSION_ENDED]: null,
  [DropReason.UNREADABLE]: 'a message is not delivered: the store cannot read it; it stays there',
  [DropReason.RIGHT_LOST]: 'a message is not delivered: this client may no longer read its topic',
}

/** Tells the log of messages that were given up: a line a minute for each reason, for a slow client may lose thousands. */
export class DropLog {
  readonly #clock: Clock
  readonly #log: (event: BrokerEvent) => void
  readonly #silentUntilMs = new Map<DropReason, number>()

  constructor(clock: Clock, log: (event: BrokerEvent) => void) {
    this.#clock = clock
    this.#log = log
  }

  dropped(clientId: string, reason: DropReason): void {
    const text = texts[reason]
    if (text === null) return
    const nowMs = this.#clock.nowMs()
    if (nowMs < (this.#silentUntilMs.get(reason) ?? nowMs)) return
    this.#silentUntilMs.set(reason, nowMs + SILENCE_MS)
    this.#log({ event: 'dropped', clientId, detail: text })
  }
}
