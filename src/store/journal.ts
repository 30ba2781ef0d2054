import type { Delivery } from '../session/delivery.ts'
import { Kept } from '../session/kept.ts'
import { Gathering, type Held, type Owner } from './gathering.ts'
import { deliveryKey, KeyKind, messageKey } from './keys.ts'
import { sharedSequenceOf, writeDelivery, writeExchange } from './records/delivery-record.ts'
import { writeMessage } from './records/message-record.ts'
import { RecordWriter } from './records/record-writer.ts'
import type { Store, StoreBatch, StoreError } from './store.ts'

/** Changes that nobody waits for are written after this time at the latest. */
const LATE_MS = 50

/** After a commit that failed the next one is tried after this time. */
const RETRY_MS = 1000

/** Deliveries that are removed unread with one batch: each has to be looked up. */
const SWEPT_AT_ONCE = 500

/** A message of fewer bytes costs less written twice than as an entry of its own. */
const SHARE_FROM_BYTES = 128

/** What a journal needs of its broker. */
export interface JournalHost {
  /** what makes the broker's time one that outlives it */
  readonly wallMinusMonotonicMs: number
  /** A commit failed, the first after one that did not; it is tried again until it succeeds. */
  storeFailed(error: StoreError): void
  storeRecovered(): void
  /** A delivery that was acknowledged cannot be read, and is passed over. */
  deliveryUnreadable(error: StoreError): void
}

/**
 * When changes are written. They are gathered while the events of a turn are handled and while the last commit is under way,
 * and then become one batch; so there is one commit at a time, one a turn at most, and it carries the more the longer the disk
 * takes. A delivery that is over before its batch begins was never there.
 *
 * What promises a change waits for it: {@link hold}. What nobody waits for rides along, or goes after {@link LATE_MS}.
 */
export class Journal {
  readonly #store: Store
  readonly #host: JournalHost
  readonly #writer = new RecordWriter()
  readonly #deliveryKey = Buffer.allocUnsafe(11)
  /** deliveries written for each shared message, by its sequence */
  readonly #shares = new Map<number, number>()
  /** deliveries to be removed unread, bit by bit */
  readonly #leftovers: { readonly session: number; readonly numbers: number[] }[] = []
  #gathering = new Gathering()
  #underWay: Gathering | null = null
  #lastNumber = 0
  #immediate: NodeJS.Immediate | null = null
  #timer: NodeJS.Timeout | null = null
  #isFailing = false
  #whenIdle: (() => void) | null = null

  constructor(store: Store, host: JournalHost) {
    this.#store = store
    this.#host = host
  }

  /** The last commit failed: nothing new can be promised. */
  get isFailing(): boolean {
    return this.#isFailing
  }

  // ---- changes

  /** A delivery of a session is new, or its exchange has gone on. */
  deliveryChanged(owner: Owner, delivery: Delivery): void {
    const gathering = this.#gathering
    switch (delivery.kept) {
      case Kept.NOTHING:
        delivery.kept = Kept.GATHERED
        delivery.keptNumber = ++this.#lastNumber
        gathering.add(delivery, owner)
        return this.#changed(delivery.qos > 0)
      case Kept.GATHERED:
        return
      default:
        if (delivery.keptExchange !== Kept.GATHERED) gathering.change(delivery, owner.number)
        // a QoS 1 message may come again, so its PUBLISH need not wait (semantics U-04)
        return this.#changed(delivery.qos === 2)
    }
  }

  /** A delivery is over. Nobody waits for that: at worst it comes again, and its exchange ends as it did. */
  deliveryRemoved(session: number, delivery: Delivery): void {
    switch (delivery.kept) {
      case Kept.GATHERED:
        delivery.kept = Kept.CANCELLED
        return
      case Kept.WITH_MESSAGE:
        delivery.kept = Kept.REMOVED_WITH_MESSAGE
        break
      case Kept.SHARING_MESSAGE:
        delivery.kept = Kept.REMOVED_SHARING_MESSAGE
        break
      default:
        return
    }
    this.#gathering.remove(delivery, session)
    this.#changed(false)
  }

  /** Deliveries of a session are over that nobody has in memory. */
  parkedRemoved(session: number, numbers: readonly number[]): void {
    if (numbers.length === 0) return
    this.#leftovers.push({ session, numbers: [...numbers] })
    this.#changed(false)
  }

  /** Sets an entry that is no delivery. @param value copied */
  put(key: Buffer, value: Buffer, isUrgent: boolean): void {
    this.#gathering.entries.set(key.toString('latin1'), Buffer.from(value))
    this.#changed(isUrgent)
  }

  delete(key: Buffer, isUrgent: boolean): void {
    this.#gathering.entries.set(key.toString('latin1'), null)
    this.#changed(isUrgent)
  }

  /** A delivery was there at the start: what comes later has higher numbers. */
  restored({ kept, keptNumber, message }: Delivery): void {
    if (kept === Kept.SHARING_MESSAGE) this.#share(message.sequence, 1)
    this.#lastNumber = Math.max(this.#lastNumber, keptNumber)
  }

  /** A delivery was read that had been in the store alone. */
  loaded(delivery: Delivery, number: number, sharesMessage: boolean): void {
    delivery.keptNumber = number
    delivery.kept = sharesMessage ? Kept.SHARING_MESSAGE : Kept.WITH_MESSAGE
  }

  /** Does a delivery name this message? */
  isShared(sequence: number): boolean {
    return this.#shares.has(sequence)
  }

  // ---- promises

  /** Keeps output back until everything that was changed up to now is written; free when nothing is outstanding. */
  hold(held: Held): void {
    const gathering = this.#gathering
    if (held.heldBy === gathering) return
    if (gathering.isUrgent) {
      held.heldBy = gathering
      gathering.held.push(held)
    } else if (this.#underWay?.isUrgent) {
      if (held.heldBy !== this.#underWay) this.#underWay.held.push(held)
      held.heldBy = this.#underWay
      held.seal()
    }
  }

  // ---- commits

  #changed(isUrgent: boolean): void {
    if (isUrgent) {
      if (this.#gathering.isUrgent) return
      this.#gathering.isUrgent = true
      this.#schedule()
    } else if (this.#timer === null && !this.#gathering.isUrgent) {
      this.#timer = setTimeout(this.#late, LATE_MS).unref()
    }
  }

  readonly #late = (): void => {
    this.#timer = null
    if (this.#underWay === null && this.#hasWork) this.#commit()
  }

  // When the turn's events are handled, and the last commit is done.
  #schedule(): void {
    if (this.#immediate !== null || this.#underWay !== null || this.#isFailing) return
    this.#immediate = setImmediate(this.#turnEnded)
  }

  readonly #turnEnded = (): void => {
    this.#immediate = null
    if (this.#underWay === null) this.#commit()
  }

  #commit(): void {
    const gathering = this.#gathering
    this.#gathering = new Gathering()
    this.#underWay = gathering
    this.#stopTimer()
    for (const held of gathering.held) held.seal()
    const batch = this.#store.batch()
    this.#write(gathering, batch)
    // all that there was is over already
    if (batch.length === 0) this.#committed(null)
    else batch.commit(this.#committed)
  }

  readonly #committed = (error: StoreError | null): void => {
    const gathering = this.#underWay!
    this.#underWay = null
    if (error !== null) return this.#failed(gathering, error)
    if (this.#isFailing) {
      this.#isFailing = false
      this.#host.storeRecovered()
    }
    let owner: Owner | null = null
    for (const next of gathering.addedOf) {
      if (next !== owner) next.written()
      owner = next
    }
    for (const held of gathering.held) {
      if (held.heldBy === gathering) held.heldBy = null
      held.release()
    }
    this.#goOn()
  }

  #goOn(): void {
    if (this.#gathering.isUrgent) this.#schedule()
    else if (this.#whenIdle !== null) this.#finish()
    else if (this.#hasWork && this.#timer === null) this.#changed(false)
  }

  get #hasWork(): boolean {
    return !this.#gathering.isEmpty || this.#leftovers.length > 0
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }

  // ---- the batch

  #write(gathering: Gathering, batch: StoreBatch): void {
    this.#writeAdded(gathering, batch)
    const { changed, changedOf, removed, removedOf } = gathering
    for (let i = 0; i < changed.length; i++) {
      const delivery = changed[i]!
      if (delivery.kept !== Kept.WITH_MESSAGE && delivery.kept !== Kept.SHARING_MESSAGE) continue
      delivery.keptExchange = Kept.WITH_MESSAGE
      writeExchange(this.#writer, delivery)
      batch.put(this.#keyOf(KeyKind.EXCHANGE, changedOf[i]!, delivery), this.#writer.value)
    }
    for (let i = 0; i < removed.length; i++) {
      const delivery = removed[i]!
      batch.delete(this.#keyOf(KeyKind.DELIVERY, removedOf[i]!, delivery))
      if (delivery.keptExchange === Kept.WITH_MESSAGE)
        batch.delete(this.#keyOf(KeyKind.EXCHANGE, removedOf[i]!, delivery))
      if (delivery.kept !== Kept.REMOVED_SHARING_MESSAGE) continue
      const { sequence } = delivery.message
      if (this.#share(sequence, -1) === 0) batch.delete(messageKey(sequence))
    }
    this.#sweep(gathering, batch)
    for (const [key, value] of gathering.entries) {
      if (value === null) batch.delete(Buffer.from(key, 'latin1'))
      else batch.put(Buffer.from(key, 'latin1'), value)
    }
  }

  #writeAdded({ added, addedOf }: Gathering, batch: StoreBatch): void {
    const { wallMinusMonotonicMs } = this.#host
    for (let i = 0; i < added.length; i++) {
      const delivery = added[i]!
      if (delivery.kept !== Kept.GATHERED) continue
      const { message } = delivery
      const shares = message.storedBytes >= SHARE_FROM_BYTES && this.#isShared(message.sequence, added, i)
      if (shares && this.#share(message.sequence, 1) === 1) {
        this.#writer.start()
        writeMessage(this.#writer, message, wallMinusMonotonicMs)
        batch.put(messageKey(message.sequence), this.#writer.value)
      }
      writeDelivery(this.#writer, delivery, shares, wallMinusMonotonicMs)
      batch.put(this.#keyOf(KeyKind.DELIVERY, addedOf[i]!.number, delivery), this.#writer.value)
      delivery.kept = shares ? Kept.SHARING_MESSAGE : Kept.WITH_MESSAGE
    }
  }

  #sweep({ swept }: Gathering, batch: StoreBatch): void {
    while (swept.length < SWEPT_AT_ONCE && this.#leftovers.length > 0) {
      const { session, numbers } = this.#leftovers[0]!
      const number = numbers.pop()
      if (number === undefined) {
        this.#leftovers.shift()
        continue
      }
      const key = deliveryKey(KeyKind.DELIVERY, session, number, this.#deliveryKey)
      const value = this.#store.getSync(key)
      if (value === null) continue
      const sequence = sharedSequenceOf(key, value)
      swept.push({ session, number, sequence })
      batch.delete(key)
      if (sequence > 0 && this.#share(sequence, -1) === 0) batch.delete(messageKey(sequence))
    }
  }

  // The deliveries of one message stand side by side, for it is routed in one go.
  #isShared(sequence: number, added: readonly Delivery[], index: number): boolean {
    if (this.#shares.has(sequence)) return true
    let next = index + 1
    while (next < added.length && added[next]!.kept !== Kept.GATHERED) next++
    return next < added.length && added[next]!.message.sequence === sequence
  }

  // @returns how many there are now
  #share(sequence: number, change: 1 | -1): number {
    const count = (this.#shares.get(sequence) ?? 0) + change
    if (count > 0) this.#shares.set(sequence, count)
    else this.#shares.delete(sequence)
    return count
  }

  #keyOf(kind: KeyKind, session: number, delivery: Delivery): Buffer {
    return deliveryKey(kind, session, delivery.keptNumber, this.#deliveryKey)
  }

  // ---- failure

  // Nothing of the batch was done: it is put in front of what was gathered since, and tried again.
  #failed(failed: Gathering, error: StoreError): void {
    const later = this.#gathering
    const next = new Gathering()
    this.#gathering = next
    next.isUrgent = true
    this.#takeBackAdded(failed, next)
    for (const { kept, message } of failed.removed) {
      if (kept === Kept.REMOVED_SHARING_MESSAGE) this.#share(message.sequence, 1)
    }
    for (const { session, number, sequence } of failed.swept) {
      if (sequence > 0) this.#share(sequence, 1)
      this.#leftovers.push({ session, numbers: [number] })
    }
    for (const [i, delivery] of later.added.entries()) next.add(delivery, later.addedOf[i]!)
    for (const gathering of [failed, later]) next.takeFrom(gathering)
    this.#tryAgain(error)
  }

  #takeBackAdded({ added, addedOf }: Gathering, next: Gathering): void {
    for (const [i, delivery] of added.entries()) {
      const { kept, message } = delivery
      if (kept === Kept.SHARING_MESSAGE || kept === Kept.REMOVED_SHARING_MESSAGE) this.#share(message.sequence, -1)
      const isAlive = kept === Kept.WITH_MESSAGE || kept === Kept.SHARING_MESSAGE
      delivery.kept = isAlive ? Kept.GATHERED : Kept.CANCELLED
      if (isAlive) next.add(delivery, addedOf[i]!)
    }
  }

  #tryAgain(error: StoreError): void {
    const isFirst = !this.#isFailing
    this.#isFailing = true
    if (isFirst) this.#host.storeFailed(error)
    if (this.#whenIdle !== null) return this.#finish()
    this.#stopTimer()
    this.#timer = setTimeout(this.#late, RETRY_MS).unref()
  }

  // ---- the end

  /** Writes what is gathered, or tries to once when the store fails. @returns when that is done; nothing may be changed any more */
  async end(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve
      if (this.#underWay === null) this.#finish()
    })
  }

  #finish(): void {
    const done = this.#whenIdle!
    if (!this.#hasWork || this.#isFailing) {
      this.#stopTimer()
      if (this.#immediate !== null) clearImmediate(this.#immediate)
      this.#immediate = null
      this.#whenIdle = null
      done()
    } else {
      this.#commit()
    }
  }
}
