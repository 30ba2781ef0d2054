import { DeliveryState } from '../../session/delivery.ts'
import type { Subscription } from '../../session/session-state.ts'
import { KeyKind, messageKey, packetIdOf, rangeOf, sessionOf } from '../keys.ts'
import { decodeDelivery, decodeExchange } from '../records/delivery-record.ts'
import { decodeMessage } from '../records/message-record.ts'
import { decodeSession, decodeSubscription, decodeWill } from '../records/session-record.ts'
import { checkStamp } from '../restore.ts'
import type { Store, StoreEntry } from '../store.ts'
import { type DeliveryLine, describeMessage, type SessionLine, type StoreLine } from './lines.ts'

/** What an exchange waits for, by its state. */
export const awaitedPackets: ReadonlyMap<DeliveryState, string> = new Map([
  [DeliveryState.AWAITING_PUBACK, 'PUBACK'],
  [DeliveryState.AWAITING_PUBREC, 'PUBREC'],
  [DeliveryState.AWAITING_PUBCOMP, 'PUBCOMP'],
])

/**
 * All that a store has, line by line: sessions in the order in which they were made, each with what belongs to it. Memory holds no
 * more than a few chunks of entries, however much there is.
 * @throws StoreError damaged, version or foreign
 */
export async function* exportLines(store: Store): AsyncGenerator<StoreLine> {
  await checkStamp(store)
  const wills = new Cursor(store, KeyKind.WILL)
  const subscriptions = new Cursor(store, KeyKind.SUBSCRIPTION)
  const incoming = new Cursor(store, KeyKind.INCOMING)
  const exchanges = new Cursor(store, KeyKind.EXCHANGE)
  const deliveries = new Cursor(store, KeyKind.DELIVERY)
  const sessions = new Cursor(store, KeyKind.SESSION)
  for (let entry = await sessions.next(); entry !== null; entry = await sessions.next()) {
    const [key, value] = entry
    const session = sessionOf(key)
    const { clientId, owner, sessionExpiryIntervalSeconds, endedAtWallMs } = decodeSession(key, value)
    const line: SessionLine = {
      kind: 'session',
      clientId,
      owner,
      sessionExpiryIntervalSeconds,
      disconnectedAt: endedAtWallMs === 0 ? null : new Date(endedAtWallMs).toISOString(),
      subscriptions: (await subscriptions.allOf(session)).map(([k, v]) =>
        describeSubscription(decodeSubscription(k, v)),
      ),
      incomingQos2: (await incoming.allOf(session)).map(([k]) => packetIdOf(k)),
    }
    yield line
    for (const [k, v] of await wills.allOf(session)) {
      const { message, delaySeconds, restartDelaySeconds } = decodeWill(k, v)
      yield { kind: 'will', clientId, delaySeconds, restartDelaySeconds, ...describeMessage(message) }
    }
    const went = new Map((await exchanges.allOf(session)).map(([k, v]) => [k.toString('latin1', 1), v]))
    for (let next = await deliveries.nextOf(session); next !== null; next = await deliveries.nextOf(session)) {
      yield describeDelivery(store, clientId, next, went.get(next[0].toString('latin1', 1)) ?? null)
    }
  }
  for await (const chunk of store.entries(...rangeOf(KeyKind.RETAINED))) {
    for (const [key, value] of chunk) yield { kind: 'retained', ...describeMessage(decodeMessage(key, value, 0)) }
  }
}

function describeSubscription({ subscriptionIdentifier, ...options }: Subscription): object {
  return subscriptionIdentifier === 0 ? options : { ...options, subscriptionIdentifier }
}

function describeDelivery(
  store: Store,
  clientId: string,
  [key, value]: StoreEntry,
  exchange: Buffer | null,
): DeliveryLine {
  const sharedMessage = (sequence: number) => {
    const shared = messageKey(sequence)
    const found = store.getSync(shared)
    return found === null ? null : decodeMessage(shared, found, 0)
  }
  const { delivery } = decodeDelivery(key, value, sharedMessage, 0)
  if (exchange !== null) decodeExchange(key, exchange, delivery)
  const { message, qos, retain, subscriptionIdentifiers, sharedFilter, state, packetId, receivedCode } = delivery
  const awaits = awaitedPackets.get(state)
  return {
    kind: 'message',
    clientId,
    deliveryQos: qos,
    deliveryRetain: retain,
    ...(subscriptionIdentifiers === null ? {} : { subscriptionIdentifiers }),
    ...(sharedFilter === null ? {} : { sharedSubscription: sharedFilter }),
    ...(awaits === undefined
      ? {}
      : { exchange: { awaits, packetId, ...(receivedCode === 0 ? {} : { receivedCode }) } }),
    ...describeMessage(message),
  }
}

/** Goes through the entries of a kind, which are in the order of the sessions that they belong to. */
class Cursor {
  readonly #chunks: AsyncIterator<readonly StoreEntry[]>
  #chunk: readonly StoreEntry[] = []
  #at = 0

  constructor(store: Store, kind: KeyKind) {
    this.#chunks = store.entries(...rangeOf(kind))[Symbol.asyncIterator]()
  }

  async #peek(): Promise<StoreEntry | null> {
    while (this.#at === this.#chunk.length) {
      const next = await this.#chunks.next()
      if (next.done) return null
      this.#chunk = next.value
      this.#at = 0
    }
    return this.#chunk[this.#at]!
  }

  async next(): Promise<StoreEntry | null> {
    const entry = await this.#peek()
    if (entry !== null) this.#at++
    return entry
  }

  /** The next entry of a session; null when there is no more. What belongs to no session is passed over. */
  async nextOf(session: number): Promise<StoreEntry | null> {
    for (let entry = await this.#peek(); entry !== null; entry = await this.#peek()) {
      const owner = sessionOf(entry[0])
      if (owner > session) return null
      this.#at++
      if (owner === session) return entry
    }
    return null
  }

  async allOf(session: number): Promise<StoreEntry[]> {
    const entries: StoreEntry[] = []
    for (let entry = await this.nextOf(session); entry !== null; entry = await this.nextOf(session)) entries.push(entry)
    return entries
  }
}
