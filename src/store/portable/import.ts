import { Message } from '../../codec/message.ts'
import type { RetainHandling } from '../../codec/packets/subscribe.ts'
import type { Properties, UserProperty } from '../../codec/property.ts'
import type { QoS } from '../../codec/qos.ts'
import { ProtocolViolation } from '../../codec/violation.ts'
import { Delivery, type DeliveryState } from '../../session/delivery.ts'
import { MAXIMUM_PACKET_ID } from '../../session/packet-ids.ts'
import { NEVER_EXPIRES_SECONDS, type Subscription } from '../../session/session-state.ts'
import { TopicFilterFault, topicFilterFault } from '../../topic/topic-filter.ts'
import {
  deliveryKey,
  incomingKey,
  KeyKind,
  MAXIMUM_NUMBER,
  messageKey,
  retainedKey,
  sessionKey,
  subscriptionKey,
} from '../keys.ts'
import { writeDelivery } from '../records/delivery-record.ts'
import { writeMessage } from '../records/message-record.ts'
import { RecordWriter } from '../records/record-writer.ts'
import { writeSession, writeSubscription, writeWill } from '../records/session-record.ts'
import { checkStamp } from '../restore.ts'
import { type Store, type StoreBatch, StoreError } from '../store.ts'
import { awaitedPackets } from './export.ts'
import { Fields, LineError } from './fields.ts'

const LINES_PER_COMMIT = 1000
/** a message of so many bytes stands once, however many sessions it waits for */
const SHARE_FROM_BYTES = 128
const MAXIMUM_UINT32 = 0xffff_ffff
const MAXIMUM_IDENTIFIER = 268_435_455

/** How much came in. */
export interface Imported {
  readonly sessions: number
  readonly messages: number
  readonly retained: number
}

/**
 * Fills a new store from lines as {@link exportLines} gives them; what a person leaves out has a default.
 * @param lines JSON, one object each; empty ones are passed over
 * @param nowWallMs arrival of messages that do not tell theirs, ms since 1970
 * @throws LineError (rejects) with the number of the line; StoreError foreign when the store is not empty, and of commits
 */
export async function importLines(store: Store, lines: AsyncIterable<string>, nowWallMs: number): Promise<Imported> {
  for await (const chunk of store.entries(Buffer.alloc(0), null)) {
    if (chunk.length > 0)
      throw new StoreError('foreign', 'the store has entries already; lines are imported into a new one')
  }
  await checkStamp(store)
  const importer = new Importer(nowWallMs)
  let batch = store.batch()
  let number = 0
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    try {
      importer.take(JSON.parse(line), batch)
    } catch (error) {
      throw lineError(error, number)
    }
    if (number % LINES_PER_COMMIT > 0) continue
    await commit(batch)
    batch = store.batch()
  }
  await commit(batch)
  return importer
}

function commit(batch: StoreBatch): Promise<void> {
  return new Promise((resolve, reject) => batch.commit((error) => (error === null ? resolve() : reject(error))))
}

function lineError(error: unknown, line: number): unknown {
  const isOfTheLine = error instanceof LineError || error instanceof SyntaxError || error instanceof ProtocolViolation
  return isOfTheLine ? new LineError(`line ${line}: ${error.message}`) : error
}

class Importer implements Imported {
  sessions = 0
  messages = 0
  retained = 0
  readonly #nowWallMs: number
  readonly #writer = new RecordWriter()
  readonly #numbers = new Map<string, number>()
  #lastSequence = 0

  constructor(nowWallMs: number) {
    this.#nowWallMs = nowWallMs
  }

  take(value: unknown, batch: StoreBatch): void {
    const fields = new Fields(value, 'it')
    const kind = fields.text('kind')
    switch (kind) {
      case 'session':
        this.#session(fields, batch)
        break
      case 'will':
        this.#will(fields, batch)
        break
      case 'message':
        this.#delivery(fields, batch)
        break
      case 'retained':
        this.#retained(fields, batch)
        break
      default:
        throw new LineError(`kind has to be session, will, message or retained, not ${JSON.stringify(kind)}`)
    }
    fields.end()
  }

  #session(fields: Fields, batch: StoreBatch): void {
    const clientId = fields.text('clientId')
    if (clientId === '') throw new LineError('clientId is empty')
    if (this.#numbers.has(clientId)) throw new LineError(`there is a session of ${JSON.stringify(clientId)} already`)
    const number = ++this.sessions
    this.#numbers.set(clientId, number)
    writeSession(this.#writer, {
      clientId,
      owner: fields.textOrNull('owner'),
      sessionExpiryIntervalSeconds: fields.integer(
        'sessionExpiryIntervalSeconds',
        0,
        MAXIMUM_UINT32,
        NEVER_EXPIRES_SECONDS,
      ),
      endedAtWallMs: fields.time('disconnectedAt') ?? 0,
    })
    batch.put(sessionKey(KeyKind.SESSION, number), this.#writer.value)
    for (const value of fields.list('subscriptions')) {
      const subscription = readSubscription(new Fields(value, 'a subscription'))
      writeSubscription(this.#writer, subscription)
      batch.put(subscriptionKey(number, subscription.topicFilter), this.#writer.value)
    }
    for (const id of fields.list('incomingQos2')) {
      const packetId = new Fields({ incomingQos2: id }, 'it').integer('incomingQos2', 1, MAXIMUM_PACKET_ID)
      batch.put(incomingKey(number, packetId), Buffer.alloc(0))
    }
  }

  #will(fields: Fields, batch: StoreBatch): void {
    const session = this.#sessionOf(fields)
    const delaySeconds = fields.integer('delaySeconds', 0, MAXIMUM_UINT32, 0)
    const restartDelaySeconds = fields.integer('restartDelaySeconds', 0, MAXIMUM_UINT32, delaySeconds)
    const message = this.#message(fields, 0)
    writeWill(this.#writer, { delaySeconds, restartDelaySeconds, message })
    batch.put(sessionKey(KeyKind.WILL, session), this.#writer.value)
  }

  #delivery(fields: Fields, batch: StoreBatch): void {
    const session = this.#sessionOf(fields)
    const message = this.#message(fields, this.#nowWallMs)
    const identifiers = fields.has('subscriptionIdentifiers') ? readIdentifiers(fields) : null
    const delivery = new Delivery(
      message,
      fields.integer('deliveryQos', 0, 2, message.qos) as QoS,
      fields.boolean('deliveryRetain', false),
      identifiers,
      fields.textOrNull('sharedSubscription'),
    )
    if (fields.has('exchange')) readExchange(fields.object('exchange'), delivery)
    const isShared = message.storedBytes >= SHARE_FROM_BYTES
    if (isShared) {
      this.#writer.start()
      writeMessage(this.#writer, message, 0)
      batch.put(messageKey(message.sequence), this.#writer.value)
    }
    writeDelivery(this.#writer, delivery, isShared, 0)
    batch.put(deliveryKey(KeyKind.DELIVERY, session, ++this.messages), this.#writer.value)
  }

  #retained(fields: Fields, batch: StoreBatch): void {
    const message = this.#message(fields, this.#nowWallMs, true)
    this.#writer.start()
    writeMessage(this.#writer, message, 0)
    batch.put(retainedKey(message.topicName), this.#writer.value)
    this.retained++
  }

  #sessionOf(fields: Fields): number {
    const clientId = fields.text('clientId')
    const number = this.#numbers.get(clientId)
    if (number !== undefined) return number
    throw new LineError(`there is no session of ${JSON.stringify(clientId)} before it`)
  }

  #message(fields: Fields, arrivedAtMs: number, retain = false): Message {
    const payload = fields.bytes('payload') ?? Buffer.alloc(0)
    const properties = readProperties(fields.object('properties'))
    const message = Message.create(fields.text('topic'), payload, {
      qos: fields.integer('qos', 0, 2, 1) as QoS,
      retain: fields.boolean('retain', retain),
      properties,
    })
    const sequence = fields.integer('sequence', 1, MAXIMUM_NUMBER, this.#lastSequence + 1)
    this.#lastSequence = Math.max(this.#lastSequence, sequence)
    message.publisher = fields.textOrNull('publisher')
    // a will has not arrived yet
    if (arrivedAtMs === 0) return message
    message.arrive(fields.time('arrivedAt') ?? arrivedAtMs, sequence)
    return message
  }
}

function readSubscription(fields: Fields): Subscription {
  const topicFilter = fields.text('topicFilter')
  if (topicFilterFault(topicFilter) !== TopicFilterFault.NONE) {
    throw new LineError(`${JSON.stringify(topicFilter)} is no Topic Filter`)
  }
  const subscription = {
    topicFilter,
    qos: fields.integer('qos', 0, 2, 1) as QoS,
    noLocal: fields.boolean('noLocal', false),
    retainAsPublished: fields.boolean('retainAsPublished', false),
    retainHandling: fields.integer('retainHandling', 0, 2, 0) as RetainHandling,
    subscriptionIdentifier: fields.integer('subscriptionIdentifier', 0, MAXIMUM_IDENTIFIER, 0),
  }
  fields.end()
  return subscription
}

function readIdentifiers(fields: Fields): number[] {
  return fields
    .list('subscriptionIdentifiers')
    .map((id) => new Fields({ identifier: id }, 'it').integer('identifier', 1, MAXIMUM_IDENTIFIER))
}

function readExchange(fields: Fields, delivery: Delivery): void {
  const awaits = fields.text('awaits')
  const isQos1 = awaits === 'PUBACK'
  for (const [state, name] of awaitedPackets) if (name === awaits) delivery.state = state as DeliveryState
  if (delivery.state === 0 || delivery.qos !== (isQos1 ? 1 : 2)) {
    throw new LineError(`a message at QoS ${delivery.qos} does not await ${awaits}`)
  }
  delivery.packetId = fields.integer('packetId', 1, MAXIMUM_PACKET_ID)
  delivery.receivedCode = fields.integer('receivedCode', 0, 255, 0)
  fields.end()
}

// Those that a PUBLISH carries and a server forwards.
function readProperties(fields: Fields): Properties {
  const properties: Properties = {}
  const integers = [
    ['payloadFormatIndicator', 1],
    ['messageExpiryIntervalSeconds', MAXIMUM_UINT32],
  ] as const
  for (const [name, maximum] of integers) if (fields.has(name)) properties[name] = fields.integer(name, 0, maximum)
  for (const name of ['contentType', 'responseTopic'] as const) {
    if (fields.has(name)) properties[name] = fields.text(name)
  }
  const correlationData = fields.bytes('correlationData')
  if (correlationData !== null) properties.correlationData = correlationData
  if (fields.has('userProperties')) properties.userProperties = fields.list('userProperties').map(readUserProperty)
  fields.end()
  return properties
}

function readUserProperty(value: unknown): UserProperty {
  if (!Array.isArray(value) || value.length !== 2 || value.some((part) => typeof part !== 'string')) {
    throw new LineError('a user property has to be a list of name and value')
  }
  return value as unknown as UserProperty
}
