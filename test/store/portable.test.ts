import { describe, expect, it } from 'vitest'
import { Message } from '../../src/codec/message.ts'
import { Delivery, DeliveryState } from '../../src/session/delivery.ts'
import {
  deliveryKey,
  incomingKey,
  KeyKind,
  messageKey,
  retainedKey,
  sessionKey,
  subscriptionKey,
} from '../../src/store/keys.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { exportLines } from '../../src/store/portable/export.ts'
import { type Imported, importLines } from '../../src/store/portable/import.ts'
import type { StoreLine } from '../../src/store/portable/lines.ts'
import { writeDelivery, writeExchange } from '../../src/store/records/delivery-record.ts'
import { writeMessage } from '../../src/store/records/message-record.ts'
import { RecordWriter } from '../../src/store/records/record-writer.ts'
import { writeSession, writeSubscription, writeWill } from '../../src/store/records/session-record.ts'
import { checkStamp } from '../../src/store/restore.ts'
import { committed } from './store-suite.ts'

const NOW_MS = 1_800_000_000_000

async function linesOf(store: MemoryStore): Promise<StoreLine[]> {
  const lines: StoreLine[] = []
  for await (const line of exportLines(store)) lines.push(line)
  return lines
}

async function* asText(lines: readonly unknown[]): AsyncGenerator<string> {
  for (const line of lines) yield JSON.stringify(line)
}

async function imported(lines: readonly unknown[]): Promise<MemoryStore & { counts: Imported }> {
  const store = new MemoryStore()
  const counts = await importLines(store, asText(lines), NOW_MS)
  return Object.assign(store, { counts })
}

function message(sequence: number, payload: Buffer | string): Message {
  const created = Message.create('a/ä', payload, {
    qos: 2,
    properties: {
      messageExpiryIntervalSeconds: 60,
      contentType: 'x',
      responseTopic: 'r',
      correlationData: Buffer.from([0xff, 0]),
      userProperties: [
        ['b', '2'],
        ['a', '1'],
        ['b', '1'],
      ],
    },
  })
  created.publisher = 'somebody'
  created.arrive(NOW_MS, sequence)
  return created
}

/** A store with everything that there is, two sessions, and what belongs to no session any more. */
async function fullStore(): Promise<MemoryStore> {
  const store = new MemoryStore()
  await checkStamp(store)
  const writer = new RecordWriter()
  const batch = store.batch()
  const put = (key: Buffer, write: () => void) => {
    writer.start()
    write()
    batch.put(key, writer.value)
  }
  const session = { clientId: 'one', owner: 'ann', sessionExpiryIntervalSeconds: 100, endedAtWallMs: NOW_MS }
  put(sessionKey(KeyKind.SESSION, 3), () => writeSession(writer, session))
  put(sessionKey(KeyKind.SESSION, 7), () =>
    writeSession(writer, { ...session, clientId: 'two', owner: null, endedAtWallMs: 0 }),
  )
  const subscription = { topicFilter: '$share/g/a/#', qos: 2, noLocal: false, retainAsPublished: true } as const
  put(subscriptionKey(7, subscription.topicFilter), () =>
    writeSubscription(writer, { ...subscription, retainHandling: 2, subscriptionIdentifier: 5 }),
  )
  put(sessionKey(KeyKind.WILL, 3), () =>
    writeWill(writer, { message: Message.create('gone', 'x'), delaySeconds: 5, restartDelaySeconds: 10 }),
  )
  batch.put(incomingKey(3, 4711), Buffer.alloc(0))
  batch.put(incomingKey(5, 1), Buffer.alloc(0))
  const large = message(9, Buffer.alloc(300, 0xfe))
  const awaiting = new Delivery(large, 2, true, [1, 2], '$share/g/a/#')
  put(messageKey(9), () => writeMessage(writer, large, 0))
  put(deliveryKey(KeyKind.DELIVERY, 7, 20), () => writeDelivery(writer, awaiting, true, 0))
  Object.assign(awaiting, { state: DeliveryState.AWAITING_PUBCOMP, packetId: 12, receivedCode: 0x10 })
  put(deliveryKey(KeyKind.EXCHANGE, 7, 20), () => writeExchange(writer, awaiting))
  put(deliveryKey(KeyKind.DELIVERY, 7, 21), () =>
    writeDelivery(writer, new Delivery(message(10, ''), 1, false, null), false, 0),
  )
  put(retainedKey('a/ä'), () => writeMessage(writer, message(11, Buffer.from([0, 0xff])), 0))
  await committed(batch)
  return store
}

describe('a store as lines', () => {
  it('loses nothing on the way out and in', async () => {
    const before = await linesOf(await fullStore())
    const store = await imported(before)

    expect(await linesOf(store)).toEqual(before)
    expect(store.counts).toMatchObject({ sessions: 2, messages: 2, retained: 1 })
  })

  it('tells a session before its will and its messages, in their order, and retained messages last', async () => {
    const lines = await linesOf(await fullStore())

    expect(lines.map((line) => [line.kind, 'clientId' in line ? line.clientId : line.topic])).toEqual([
      ['session', 'one'],
      ['will', 'one'],
      ['session', 'two'],
      ['message', 'two'],
      ['message', 'two'],
      ['retained', 'a/ä'],
    ])
    expect(lines[3]).toMatchObject({ exchange: { awaits: 'PUBCOMP', packetId: 12, receivedCode: 0x10 } })
  })

  it('has a default for all that a person leaves out', async () => {
    const store = await imported([
      { kind: 'session', clientId: 'c', subscriptions: [{ topicFilter: 'a' }] },
      { kind: 'message', clientId: 'c', topic: 'a' },
      { kind: 'retained', topic: 'b', payload: 'on' },
    ])
    const [session, waiting, retained] = await linesOf(store)

    expect(session).toMatchObject({ owner: null, sessionExpiryIntervalSeconds: 4_294_967_295, disconnectedAt: null })
    expect(waiting).toMatchObject({ deliveryQos: 1, qos: 1, payload: '', sequence: 1 })
    expect(retained).toMatchObject({ retain: true, sequence: 2, arrivedAt: new Date(NOW_MS).toISOString() })
  })

  it.each([
    [[7], 'line 1: it is no object'],
    [[{ kind: 'session' }], 'line 1: clientId has to be a text'],
    [[{ kind: 'session', clientId: 'c', cleint: 1 }], 'line 1: there is no field cleint'],
    [
      [
        { kind: 'retained', topic: 'a' },
        { kind: 'message', clientId: 'c', topic: 'a' },
      ],
      'line 2: there is no session of "c"',
    ],
    [[{ kind: 'retained', topic: 'a/#' }], 'line 1: '],
    [[{ kind: 'retained', topic: 'a', payloadBase64: '?' }], 'line 1: payloadBase64 is no base64'],
    [[{ kind: 'retained', topic: 'a', qos: 3 }], 'line 1: qos has to be a whole number from 0 to 2'],
  ])('refuses %j, naming the line', async (lines, start) => {
    await expect(imported(lines)).rejects.toThrow(start)
  })

  it('fills only a store that is empty', async () => {
    await expect(importLines(await fullStore(), asText([]), NOW_MS)).rejects.toMatchObject({ kind: 'foreign' })
  })
})
