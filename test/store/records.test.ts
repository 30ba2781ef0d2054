import { describe, expect, it } from 'vitest'
import { Hold, Message } from '../../src/codec/message.ts'
import { QoS } from '../../src/codec/qos.ts'
import { Delivery, DeliveryState } from '../../src/session/delivery.ts'
import type { Subscription } from '../../src/session/session-state.ts'
import {
  deliveryKey,
  deliveryNumberOf,
  describeKey,
  incomingKey,
  KeyKind,
  MAXIMUM_NUMBER,
  MAXIMUM_SESSION_NUMBER,
  messageKey,
  packetIdOf,
  rangeOf,
  rangeOfSession,
  retainedKey,
  STAMP_KEY,
  sequenceOf,
  sessionKey,
  sessionOf,
  subscriptionKey,
  topicFilterOf,
  topicNameOf,
} from '../../src/store/keys.ts'
import {
  decodeDelivery,
  decodeExchange,
  sharedSequenceOf,
  writeDelivery,
  writeExchange,
} from '../../src/store/records/delivery-record.ts'
import { decodeMessage, writeMessage } from '../../src/store/records/message-record.ts'
import { RecordWriter } from '../../src/store/records/record-writer.ts'
import {
  decodeSession,
  decodeSubscription,
  decodeWill,
  writeSession,
  writeSubscription,
  writeWill,
} from '../../src/store/records/session-record.ts'
import { StoreError } from '../../src/store/store.ts'

const writer = new RecordWriter()
const WALL_MINUS_MONOTONIC = 1_700_000_000_000

function written(write: () => void): Buffer {
  writer.start()
  write()
  return Buffer.from(writer.value)
}

function message(payload: string, properties = {}): Message {
  const made = Message.create('a/ä', payload, { qos: QoS.EXACTLY_ONCE, retain: true, properties })
  made.arrive(5000, 4711)
  made.publisher = 'pübl'
  return made
}

const PROPERTIES = {
  payloadFormatIndicator: 1,
  messageExpiryIntervalSeconds: 60,
  contentType: 'text/plain',
  userProperties: [
    ['b', '1'],
    ['a', '2'],
  ],
}

function fieldsOf(one: Message): object {
  const { topicName, qos, retain, sequence, arrivedAtMs, publisher, messageExpiryIntervalSeconds, properties } = one
  const topic = one.topic.toString()
  const payload = one.payload.toString()
  return {
    topicName,
    topic,
    payload,
    qos,
    retain,
    sequence,
    arrivedAtMs,
    publisher,
    messageExpiryIntervalSeconds,
    properties,
  }
}

function delivery(fields: Partial<Delivery> = {}): Delivery {
  const made = new Delivery(message('payload', PROPERTIES), QoS.EXACTLY_ONCE, true, [1, 268_435_455], '$share/g/a/#')
  return Object.assign(made, fields)
}

function damageOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    expect(error.kind).toBe('damaged')
    return error.message
  }
  return 'nothing was found'
}

describe('keys', () => {
  it('keep the order of their numbers and give them back', () => {
    const numbers = [1, 255, 256, 65_536, 2 ** 32, MAXIMUM_NUMBER]
    const keys = numbers.map((number) => deliveryKey(KeyKind.DELIVERY, 7, number))

    expect(keys.toSorted(Buffer.compare)).toEqual(keys)
    expect(keys.map(deliveryNumberOf)).toEqual(numbers)
    expect(sequenceOf(messageKey(MAXIMUM_NUMBER))).toBe(MAXIMUM_NUMBER)
    expect(packetIdOf(incomingKey(3, 65_535))).toBe(65_535)
    expect(topicFilterOf(subscriptionKey(3, '$share/g/ä/+'))).toBe('$share/g/ä/+')
    expect(topicNameOf(retainedKey('a/ä'))).toBe('a/ä')
  })

  it('of a session lie in its range, those of the next one do not', () => {
    for (const session of [1, 255, 65_535, MAXIMUM_SESSION_NUMBER]) {
      const [from, until] = rangeOfSession(KeyKind.DELIVERY, session)
      for (const number of [0, MAXIMUM_NUMBER]) {
        const key = deliveryKey(KeyKind.DELIVERY, session, number)
        expect(Buffer.compare(from, key)).toBeLessThanOrEqual(0)
        expect(Buffer.compare(key, until)).toBeLessThan(0)
        expect(sessionOf(key)).toBe(session)
      }
      if (session === MAXIMUM_SESSION_NUMBER) expect(until).toEqual(Buffer.from([KeyKind.DELIVERY + 1, 0, 0, 0, 0]))
      else expect(deliveryKey(KeyKind.DELIVERY, session + 1, 0).subarray(0, 5)).toEqual(until)
    }
    const [from, until] = rangeOf(KeyKind.RETAINED)
    expect([from, retainedKey('a'), until].toSorted(Buffer.compare)).toEqual([from, retainedKey('a'), until])
  })

  it('are named for people', () => {
    const keys = [
      STAMP_KEY,
      sessionKey(KeyKind.SESSION, 7),
      subscriptionKey(7, 'a/+'),
      incomingKey(7, 9),
      deliveryKey(KeyKind.DELIVERY, 7, 11),
      messageKey(12),
      retainedKey('a/b'),
      Buffer.from([0xff, 0x01]),
    ]

    expect(keys.map(describeKey)).toEqual(['v', 's 7', 'u 7 a/+', 'i 7 9', 'd 7 11', 'm 12', 'r a/b', '0xff01'])
  })

  it('of the wrong length are damage', () => {
    const short = Buffer.from('d123')
    expect(damageOf(() => sessionOf(short))).toContain('0x64313233')
    expect(damageOf(() => deliveryNumberOf(short))).toContain('broken key')
    expect(damageOf(() => packetIdOf(short))).toContain('broken key')
    expect(damageOf(() => sequenceOf(short))).toContain('broken key')
  })
})

describe('records', () => {
  it.each([
    ['with everything', message('payload', PROPERTIES)],
    ['with nothing', message('')],
  ])('[U-08] keep a message %s, its arrival in wall time', (_, original) => {
    const value = written(() => writeMessage(writer, original, WALL_MINUS_MONOTONIC))
    // a later start of the machine: the monotonic clock began anew 1 h ago
    const later = WALL_MINUS_MONOTONIC + 3_600_000
    const read = decodeMessage(messageKey(4711), value, later)

    expect(fieldsOf(read)).toEqual({ ...fieldsOf(original), arrivedAtMs: 5000 - 3_600_000 })
    expect(read.hold).toBe(Hold.KEPT)
  })

  it.each([
    ['queued', delivery()],
    ['sent', delivery({ state: DeliveryState.AWAITING_PUBREC, packetId: 65_535 })],
    ['half done', delivery({ state: DeliveryState.AWAITING_PUBCOMP, packetId: 1, receivedCode: 0x10 })],
  ])('[U-08] keep a delivery that is %s, with its message or without', (_, original) => {
    const key = deliveryKey(KeyKind.DELIVERY, 1, 2)
    for (const isShared of [false, true]) {
      const value = written(() => writeDelivery(writer, original, isShared, 0))
      const { delivery: read, sharesMessage } = decodeDelivery(
        key,
        value,
        (sequence) => (sequence === 4711 ? original.message : null),
        0,
      )

      expect(sharesMessage).toBe(isShared)
      expect(sharedSequenceOf(key, value)).toBe(isShared ? 4711 : 0)
      expect({ ...read, message: fieldsOf(read.message) }).toEqual({
        ...original,
        message: fieldsOf(original.message),
      })
    }
  })

  it('keep how far an exchange has come', () => {
    const sent = delivery({ state: DeliveryState.AWAITING_PUBCOMP, packetId: 77, receivedCode: 0x10 })
    const read = delivery()
    decodeExchange(
      Buffer.from('x'),
      written(() => writeExchange(writer, sent)),
      read,
    )

    expect(read).toEqual(sent)
  })

  it('keep session, will and subscription', () => {
    const session = {
      clientId: 'cliänt',
      owner: 'me',
      sessionExpiryIntervalSeconds: 0xffff_ffff,
      endedAtWallMs: 1_700_000_000_001,
    }
    const key = sessionKey(KeyKind.SESSION, 1)
    for (const one of [session, { ...session, owner: null, endedAtWallMs: 0 }, { ...session, owner: '' }]) {
      expect(
        decodeSession(
          key,
          written(() => writeSession(writer, one)),
        ),
      ).toEqual(one)
    }
    const will = { message: message('gone', PROPERTIES), delaySeconds: 30, restartDelaySeconds: 10 }
    const read = decodeWill(
      key,
      written(() => writeWill(writer, will)),
    )
    expect({ ...read, message: fieldsOf(read.message) }).toEqual({ ...will, message: fieldsOf(will.message) })

    for (const retainHandling of [0, 1, 2] as const) {
      const subscription: Subscription = {
        topicFilter: '$share/g/a/+',
        qos: QoS.EXACTLY_ONCE,
        noLocal: retainHandling === 1,
        retainAsPublished: retainHandling === 2,
        retainHandling,
        subscriptionIdentifier: 268_435_455,
      }
      const value = written(() => writeSubscription(writer, subscription))
      expect(decodeSubscription(subscriptionKey(1, '$share/g/a/+'), value)).toEqual(subscription)
    }
  })
})

describe('a damaged record', () => {
  const key = deliveryKey(KeyKind.DELIVERY, 7, 8)
  const whole = written(() => writeDelivery(writer, delivery({ state: 2, packetId: 5 }), true, 0))

  it('is found wherever it is cut, and named', () => {
    for (let length = 0; length < whole.length; length++) {
      const found = damageOf(() => decodeDelivery(key, whole.subarray(0, length), () => message('x'), 0))
      expect(found).toMatch(/^the entry 'd 7 8' of the store is damaged: it ends within its /)
    }
    const session = written(() =>
      writeSession(writer, { clientId: 'c', owner: 'o', sessionExpiryIntervalSeconds: 1, endedAtWallMs: 1 }),
    )
    for (let length = 0; length < session.length; length++)
      expect(damageOf(() => decodeSession(sessionKey(KeyKind.SESSION, 1), session.subarray(0, length)))).toContain(
        "'s 1'",
      )
  })

  it.each<[string, () => unknown, string]>([
    ['a byte too many', () => decodeDelivery(key, Buffer.concat([whole, Buffer.alloc(1)]), () => null, 0), 'too many'],
    ['a message that is gone', () => decodeDelivery(key, whole, () => null, 0), 'its message 4711 is not there'],
    ['unused flags', () => decodeDelivery(key, Buffer.from([0x80]), () => null, 0), 'flags 0x80'],
    ['QoS 3', () => decodeDelivery(key, Buffer.from([0x03]), () => null, 0), 'flags 0x3'],
    [
      'Packet Identifier 0',
      () =>
        decodeExchange(
          key,
          written(() => writeExchange(writer, delivery({ state: 2 }))),
          delivery(),
        ),
      'Packet Identifier 0 in state 2',
    ],
    [
      'a state of another QoS',
      () =>
        decodeExchange(
          key,
          written(() => writeExchange(writer, delivery({ state: 1, packetId: 1 }))),
          delivery(),
        ),
      'QoS 2 with',
    ],
    ['Retain Handling 3', () => decodeSubscription(subscriptionKey(1, 'a'), Buffer.from([0x30, 0, 0, 0, 0])), '0x30'],
    ['a filter that is none', () => decodeSubscription(subscriptionKey(1, 'a#'), Buffer.alloc(5)), 'Topic Filter'],
    ['an empty topic', () => decodeMessage(messageKey(1), Buffer.alloc(30), 0), 'Topic Name'],
    ['an empty client id', () => decodeSession(sessionKey(KeyKind.SESSION, 1), Buffer.alloc(30)), 'Client Identifier'],
  ])('is found by %s', (_, decode, what) => {
    expect(damageOf(decode)).toContain(what)
  })
})
