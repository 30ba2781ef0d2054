import type { Message } from '../codec/message.ts'
import type { SessionState } from '../session/session-state.ts'
import { Journal, type JournalHost } from '../store/journal.ts'
import { MAXIMUM_SESSION_NUMBER, retainedKey } from '../store/keys.ts'
import { writeMessage } from '../store/records/message-record.ts'
import { RecordWriter } from '../store/records/record-writer.ts'
import type { SessionRecord } from '../store/records/session-record.ts'
import { checkStamp, type Restored, restore } from '../store/restore.ts'
import type { Store, StoreError } from '../store/store.ts'
import { StoredDeliveries } from '../store/stored-deliveries.ts'
import { StoredSession } from '../store/stored-session.ts'
import type { ClientRecord } from './client-record.ts'
import type { Clock } from './clock.ts'
import type { BrokerEvent } from './configuration.ts'

const FAILED =
  'QoS 1 and 2 messages, subscriptions and sessions that have to be kept are refused until it works again; that is tried every second'

/** What a broker has to say to its store: which sessions are kept, and what became of them, of their wills, of retained messages. */
export class DurableState implements JournalHost {
  readonly journal: Journal
  readonly deliveries: StoredDeliveries
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: (event: BrokerEvent) => void
  readonly #writer = new RecordWriter()
  #lastSession = 0

  /** @throws StoreError of {@link checkStamp} */
  static async open(store: Store, clock: Clock, log: (event: BrokerEvent) => void): Promise<DurableState> {
    await checkStamp(store)
    return new DurableState(store, clock, log)
  }

  private constructor(store: Store, clock: Clock, log: (event: BrokerEvent) => void) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.journal = new Journal(store, this)
    this.deliveries = new StoredDeliveries(store, this.journal, this)
  }

  /** @throws StoreError damaged, naming the entry */
  async restore(makeState: (record: SessionRecord) => SessionState): Promise<Restored> {
    const restored = await restore(this.#store, this.deliveries, makeState, this.wallMinusMonotonicMs)
    for (const { number } of restored.sessions) this.#lastSession = Math.max(this.#lastSession, number)
    return restored
  }

  get wallMinusMonotonicMs(): number {
    return this.#clock.wallMs() - this.#clock.nowMs()
  }

  storeFailed(error: StoreError): void {
    this.#log({ event: 'error', detail: `${error.message}; ${FAILED}` })
  }

  storeRecovered(): void {
    this.#log({ event: 'store', detail: 'it works again, and has all that was acknowledged' })
  }

  deliveryUnreadable(error: StoreError): void {
    this.#log({ event: 'error', detail: `a queued message is passed over: ${error.message}` })
  }

  // ---- sessions

  /** A client has connected; a session that outlives its connection, or leaves a will behind, is kept from now on. */
  connected(record: ClientRecord): void {
    const { session, will } = record
    const outlives = session.state.sessionExpiryIntervalSeconds > 0
    if (record.stored === null && !outlives && will === null) return
    record.stored ??= new StoredSession(this.#nextSession(), session.state, this.deliveries)
    if (outlives) session.keeper = record.stored
    record.stored.willSet(will)
    this.#sessionSet(record, 0)
  }

  /** The connection of a client has ended, or did so before this process began. */
  disconnected(record: ClientRecord): void {
    if (record.stored === null) return
    if (record.will === null) record.stored.willSet(null)
    this.#sessionSet(record, this.#clock.wallMs())
  }

  willGone({ stored }: ClientRecord): void {
    stored?.willSet(null)
  }

  /** To be called before the session forgets what it has. */
  ended({ stored }: ClientRecord): void {
    stored?.ended()
  }

  #sessionSet({ stored, session }: ClientRecord, endedAtWallMs: number): void {
    const { clientId, owner, sessionExpiryIntervalSeconds } = session.state
    stored!.sessionSet({ clientId, owner, sessionExpiryIntervalSeconds, endedAtWallMs })
  }

  #nextSession(): number {
    this.#lastSession = this.#lastSession === MAXIMUM_SESSION_NUMBER ? 1 : this.#lastSession + 1
    return this.#lastSession
  }

  // ---- retained messages

  /** @param message what is retained now; null: nothing */
  retainedChanged(topicName: string, message: Message | null): void {
    // the broker's own values are of this run
    if (topicName.startsWith('$SYS/')) return
    const key = retainedKey(topicName)
    if (message === null) return this.journal.delete(key, true)
    this.#writer.start()
    writeMessage(this.#writer, message, this.wallMinusMonotonicMs)
    // at QoS 0 nobody waits for it
    this.journal.put(key, this.#writer.value, message.qos > 0)
  }

  /** Writes what is not written yet. Nothing may change any more. */
  end(): Promise<void> {
    return this.journal.end()
  }
}
