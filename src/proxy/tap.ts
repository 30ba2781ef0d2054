import type { Role } from '../codec/packet-type.ts'

/** What was done to some bytes on their way. */
export interface Injected {
  /** they did not pass */
  readonly isDropped: boolean
  /** they repeat the packet before */
  readonly isCopy: boolean
  /** how long they are held back */
  readonly heldMs: number
}

export const UNTOUCHED: Injected = { isDropped: false, isCopy: false, heldMs: 0 }
export const DROPPED: Injected = { isDropped: true, isCopy: false, heldMs: 0 }

/** Listens to one connection. Bytes have been passed on before it hears of them. */
export interface Tap {
  /** @param bytes of one side, in order; the tap's to look at, not to change */
  bytes(sender: Role, bytes: Buffer, injected: Injected): void
  /** One side sends no more. */
  ended(sender: Role): void
  /**
   * The connection is over; nothing more is told.
   * @param sender who closed it first; null: the proxy has
   * @param isReset it was broken off
   */
  closed(sender: Role | null, isReset: boolean): void
}
