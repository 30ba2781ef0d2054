import type { ServerSession } from '../session/server-session.ts'
import type { Receiver } from './receiver.ts'

/** Receivers that are searched one by one for a session; above, a map knows where each stands. */
const LINEAR_SEARCH = 8

/** Of all empty lists; never pushed to. */
const NONE: Receiver[] = []

/**
 * Receivers, one for each session. Most lists have one or two and some have ten thousand: an array is walked much faster
 * than a Map, and an empty Map alone weighs 186 bytes.
 */
export class ReceiverList {
  items: Receiver[] = NONE
  /** null while there are few */
  #positions: Map<ServerSession, number> | null = null

  /** @returns the place in {@link items}; -1 when the session has none */
  indexOf(session: ServerSession): number {
    const { items } = this
    if (items.length > LINEAR_SEARCH) return this.#positionsOf(items).get(session) ?? -1
    for (let i = 0; i < items.length; i++) if (items[i]!.session === session) return i
    return -1
  }

  #positionsOf(items: readonly Receiver[]): Map<ServerSession, number> {
    this.#positions ??= new Map(items.map(({ session }, index) => [session, index]))
    return this.#positions
  }

  /** Appends a receiver whose session has none yet. */
  append(receiver: Receiver): void {
    this.#positions?.set(receiver.session, this.items.length)
    // push() on an empty array makes room for 17
    if (this.items.length === 0) this.items = [receiver]
    else this.items.push(receiver)
  }

  /** Adds a receiver, or puts it in the place of the one its session has. */
  set(receiver: Receiver): void {
    const index = this.indexOf(receiver.session)
    if (index < 0) this.append(receiver)
    else this.items[index] = receiver
  }

  /** The last one takes the place of the one that goes. */
  remove(session: ServerSession): void {
    const { items } = this
    const index = this.indexOf(session)
    if (index < 0) return
    const last = items.pop()!
    if (index < items.length) {
      items[index] = last
      this.#positions?.set(last.session, index)
    }
    this.#positions?.delete(session)
    if (items.length <= LINEAR_SEARCH) this.#positions = null
  }

  clear(): void {
    this.items = NONE
    this.#positions = null
  }
}
