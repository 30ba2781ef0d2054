import type { Publish } from '../codec/packets/publish.ts'
import type { Arrivals } from './arrivals.ts'
import type { LoadClient, MessageSink } from './load-client.ts'
import type { LoadPublisher, Slot } from './publisher.ts'

/** What a participant tells the traffic it is part of; hot. */
export interface ParticipantOwner {
  receive(arrivals: Arrivals | null, publish: Publish): void
  acknowledged(publisher: LoadPublisher): void
  progressed(publisher: LoadPublisher | null): void
}

/** What one client of a run does: publishes, receives, or both. */
export class Participant implements MessageSink {
  readonly #owner: ParticipantOwner
  client: LoadClient | null = null
  publisher: LoadPublisher | null = null
  /** null: what it receives is counted only */
  arrivals: Arrivals | null = null

  constructor(owner: ParticipantOwner) {
    this.#owner = owner
  }

  message(publish: Publish): void {
    this.#owner.receive(this.arrivals, publish)
  }

  published(token: unknown, reasonCode: number): void {
    const { publisher } = token as Slot
    publisher.settle(token as Slot, reasonCode)
    // a refusal may be our own and at once: the next message waits for the broker to say something
    if (reasonCode < 0x80) this.#owner.acknowledged(publisher)
  }

  progressed(): void {
    this.#owner.progressed(this.publisher)
  }
}
