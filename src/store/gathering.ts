import type { Delivery } from '../session/delivery.ts'
import { Kept } from '../session/kept.ts'

/** Output of a connection that promises what is not written yet. */
export interface Held {
  /** what it waits for: set by the journal; null: nothing, it may leave */
  heldBy: object | null
  /** What was put out until now is covered by the commit that begins. */
  seal(): void
  /** That commit is done. */
  release(): void
}

/** A session whose deliveries are written. */
export interface Owner {
  readonly number: number
  /** Deliveries of it that were gathered are written now. */
  written(): void
}

/** Deliveries that are removed unread. */
export interface Leftover {
  readonly session: number
  readonly number: number
  /** of the message that it shared; 0: none */
  readonly sequence: number
}

/** Changes that will be one batch. */
export class Gathering {
  readonly added: Delivery[] = []
  readonly addedOf: Owner[] = []
  /** deliveries that were written and whose exchange has gone on */
  readonly changed: Delivery[] = []
  readonly changedOf: number[] = []
  readonly removed: Delivery[] = []
  readonly removedOf: number[] = []
  /** taken from the leftovers as the batch began */
  readonly swept: Leftover[] = []
  /** all else by key (latin1); null: removed */
  readonly entries = new Map<string, Buffer | null>()
  readonly held: Held[] = []
  /** somebody waits for it */
  isUrgent = false

  get isEmpty(): boolean {
    return this.added.length + this.changed.length + this.removed.length + this.entries.size + this.held.length === 0
  }

  add(delivery: Delivery, owner: Owner): void {
    this.added.push(delivery)
    this.addedOf.push(owner)
  }

  change(delivery: Delivery, session: number): void {
    delivery.keptExchange = Kept.GATHERED
    this.changed.push(delivery)
    this.changedOf.push(session)
  }

  remove(delivery: Delivery, session: number): void {
    this.removed.push(delivery)
    this.removedOf.push(session)
  }

  /** Takes over, behind its own, what is to be written all the same after a batch that failed, but for what was added. */
  takeFrom({ changed, changedOf, removed, removedOf, entries, held }: Gathering): void {
    for (const [i, delivery] of changed.entries()) {
      if (delivery.kept !== Kept.CANCELLED) this.change(delivery, changedOf[i]!)
    }
    for (const [i, delivery] of removed.entries()) {
      if (delivery.kept !== Kept.CANCELLED) this.remove(delivery, removedOf[i]!)
    }
    for (const [key, value] of entries) this.entries.set(key, value)
    for (const one of held) {
      if (one.heldBy === this) continue
      one.heldBy = this
      this.held.push(one)
    }
  }
}
