import { describe, expect, it } from 'vitest'
import { Message, type MessageOptions } from '../../src/codec/message.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Acknowledgement, type AcknowledgementType } from '../../src/codec/packets/acknowledgement.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { QoS } from '../../src/codec/qos.ts'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import { Delivery } from '../../src/session/delivery.ts'
import { InFlight } from '../../src/session/in-flight.ts'
import { MessageQueue, OverflowPolicy } from '../../src/session/message-queue.ts'
import { PacketIds } from '../../src/session/packet-ids.ts'
import { DropReason, PauseReason, type PeerLimits, QosSender } from '../../src/session/qos-sender.ts'
import { RecordingOutput } from '../support/recording-output.ts'

const { PUBACK, PUBREC, PUBCOMP } = PacketType
const { V3_1_1, V5 } = ProtocolVersion
const VERSIONS = [
  ['3.1.1', V3_1_1],
  ['5.0', V5],
] as const
const PLENTY = Number.MAX_SAFE_INTEGER
const REASONS = Object.keys(DropReason)

/** A sender with an owner that writes down what it hears. */
class Sending {
  readonly output = new RecordingOutput()
  readonly heard: string[] = []
  readonly inFlight = new InFlight()
  readonly requests = new Set<number>()
  readonly sender: QosSender
  onDone: (() => void) | null = null

  constructor({ messages = PLENTY, bytes = PLENTY } = {}) {
    const queue = new MessageQueue(messages, bytes, OverflowPolicy.REJECT_NEWEST)
    const qos0Queue = new MessageQueue(PLENTY, bytes, OverflowPolicy.DROP_OLDEST)
    this.sender = new QosSender(this, this.inFlight, queue, qos0Queue, new PacketIds(), this.requests)
  }

  connect(limits: Partial<PeerLimits> = {}, nowMs = 0): string[] {
    const defaults = { version: V5, receiveMaximum: 65_535, maximumPacketBytes: PLENTY, topicAliasMaximum: 0 }
    this.sender.connectionLost()
    this.sender.connected(this.output, { ...defaults, ...limits }, nowMs)
    return this.output.take()
  }

  publish(payload: string, qos: QoS, options: MessageOptions = {}, nowMs = 0): string[] {
    const message = Message.create('t', payload, { ...options, qos })
    const retain = options.retain ?? false
    if (qos === 0) this.sender.publishQos0(message, retain, null, nowMs)
    else this.sender.publish(new Delivery(message, qos, retain, null), nowMs)
    return this.output.take()
  }

  receive(packetType: AcknowledgementType, packetId: number, reasonCode = 0): string[] {
    this.sender.receiveAcknowledgement(new Acknowledgement(packetType, packetId, reasonCode), 0)
    return this.output.take()
  }

  drain(nowMs = 0): string[] {
    this.output.full = false
    this.sender.drain(nowMs)
    return this.output.take()
  }

  deliveryDone(delivery: Delivery, reasonCode: number): void {
    this.heard.push(`done ${delivery.message.payload} 0x${reasonCode.toString(16)}`)
    this.onDone?.()
  }

  deliveryDropped(delivery: Delivery | null, reason: DropReason, count: number): void {
    this.heard.push(`dropped ${delivery?.message.payload ?? '?'} ${REASONS[reason]} ${count}`)
  }
}

describe.each(VERSIONS)('QosSender, MQTT %s', (_, version) => {
  const connected = (limits: Partial<PeerLimits> = {}): Sending => {
    const sending = new Sending()
    sending.connect({ version, ...limits })
    return sending
  }

  it('sends QoS 0 without id and forgets it', () => {
    const sending = connected()

    expect(sending.publish('a', 0)).toEqual(['PUBLISH t "a" q0'])
    expect([sending.inFlight.size, sending.heard]).toEqual([0, []])
  })

  it('O-06 [v5:MQTT-4.3.2-2] [v311:MQTT-4.3.2-1] sends QoS 1 with a new id and DUP 0, and is done with PUBACK', () => {
    const sending = connected()

    expect([sending.publish('a', 1), sending.publish('b', 1)]).toEqual([
      ['PUBLISH t "a" q1 #1'],
      ['PUBLISH t "b" q1 #2'],
    ])
    expect(sending.receive(PUBACK, 1)).toEqual([])
    expect([sending.heard, sending.inFlight.inOrder().map(({ packetId }) => packetId)]).toEqual([['done a 0x0'], [2]])
  })

  it('[v5:MQTT-4.3.3-4] [v311:MQTT-4.3.3-1] answers PUBREC with PUBREL, and is done with PUBCOMP', () => {
    const sending = connected()
    sending.publish('a', 2)

    expect(sending.receive(PUBREC, 1)).toEqual(['PUBREL #1'])
    expect(sending.heard).toEqual([])
    expect(sending.receive(PUBCOMP, 1)).toEqual([])
    expect([sending.heard, sending.inFlight.size]).toEqual([['done a 0x0'], 0])
  })

  it('O-10 repeats PUBREL for a repeated PUBREC and ignores a repeated PUBCOMP', () => {
    const sending = connected()
    sending.publish('a', 2)
    sending.receive(PUBREC, 1)

    expect(sending.receive(PUBREC, 1)).toEqual(['PUBREL #1'])
    sending.receive(PUBCOMP, 1)
    expect([sending.receive(PUBCOMP, 1), sending.heard]).toEqual([[], ['done a 0x0']])
  })

  it('O-09 ignores what acknowledges nothing, but answers PUBREC', () => {
    const sending = connected()

    expect([sending.receive(PUBACK, 5), sending.receive(PUBCOMP, 5)]).toEqual([[], []])
    expect(sending.receive(PUBREC, 5)).toEqual([version === V5 ? 'PUBREL #5 0x92' : 'PUBREL #5'])
  })

  it.each([
    ['PUBACK for QoS 2', 2, PUBACK],
    ['PUBREC for QoS 1', 1, PUBREC],
    ['PUBCOMP for QoS 1', 1, PUBCOMP],
    ['PUBCOMP before PUBREC', 2, PUBCOMP],
  ] as const)('O-09 [v5:MQTT-2.2.1-5] [v311:MQTT-2.3.1-6] refuses %s', (_title, qos, packetType) => {
    const sending = connected()
    sending.publish('a', qos)

    expect(() => sending.receive(packetType, 1)).toThrow(
      expect.objectContaining({ violation: 'ACKNOWLEDGEMENT_OF_WRONG_KIND', packetType, version }),
    )
  })

  it('S-14 [v5:MQTT-4.4.0-1] sends nothing again on a live connection', () => {
    const sending = connected()
    sending.publish('a', 1)

    expect([sending.drain(1e9), sending.publish('b', 1, {}, 1e9)]).toEqual([[], ['PUBLISH t "b" q1 #2']])
  })

  it('S-11 S-12 [v5:MQTT-4.6.0-1] [v311:MQTT-4.6.0-1] resends in the order of first sending, with DUP 1 or as PUBREL, then sends what waits', () => {
    const sending = connected({ receiveMaximum: 4 })
    sending.publish('a', 1)
    sending.publish('b', 2)
    sending.publish('c', 2)
    sending.publish('d', 1)
    sending.publish('e', 1)
    sending.receive(PUBREC, 2)
    sending.sender.connectionLost()
    sending.publish('f', 2)

    expect(sending.connect({ version })).toEqual([
      'PUBLISH t "a" q1 #1 dup',
      'PUBREL #2',
      'PUBLISH t "c" q2 #3 dup',
      'PUBLISH t "d" q1 #4 dup',
      'PUBLISH t "e" q1 #5',
      'PUBLISH t "f" q2 #6',
    ])
  })

  it('S-12 [v5:MQTT-4.3.3-6] never sends a PUBLISH again for which PUBREL went out', () => {
    const sending = connected()
    sending.publish('a', 2)
    sending.receive(PUBREC, 1)

    expect([sending.connect({ version }), sending.connect({ version })]).toEqual([['PUBREL #1'], ['PUBREL #1']])
    sending.receive(PUBCOMP, 1)
    expect(sending.connect({ version })).toEqual([])
  })

  it('O-06 keeps RETAIN and takes DUP away from what is sent for the first time after a reconnect', () => {
    const sending = new Sending()
    sending.publish('a', 1, { retain: true })

    expect(sending.connect({ version })).toEqual(['PUBLISH t "a" q1 #1 retain'])
  })

  it('F-01 F-04 [v5:MQTT-3.3.4-9] keeps to the Receive Maximum, and sends one more for each that is done', () => {
    const sending = connected({ receiveMaximum: 3 })
    const sent = Array.from({ length: 8 }, (_v, i) => sending.publish(`${i}`, 1)).flat()

    expect(sent).toEqual(['PUBLISH t "0" q1 #1', 'PUBLISH t "1" q1 #2', 'PUBLISH t "2" q1 #3'])
    expect(sending.sender.pauseReason).toBe(PauseReason.IN_FLIGHT_FULL)
    expect(sending.receive(PUBACK, 2)).toEqual(['PUBLISH t "3" q1 #4'])
    const more = [1, 3, 4, 5, 6, 7, 8].map((packetId) => sending.receive(PUBACK, packetId))
    expect(more.map(({ length }) => length)).toEqual([1, 1, 1, 1, 0, 0, 0])
    expect(sending.heard).toHaveLength(8)
    expect([sending.sender.quota, sending.sender.pauseReason]).toEqual([3, PauseReason.NONE])
  })

  it('F-02 frees a place with PUBCOMP, not with PUBREC', () => {
    const sending = connected({ receiveMaximum: 1 })
    sending.publish('a', 2)
    sending.publish('b', 2)

    expect(sending.receive(PUBREC, 1)).toEqual(['PUBREL #1'])
    expect(sending.receive(PUBCOMP, 1)).toEqual(['PUBLISH t "b" q2 #2'])
  })

  it('F-03 [v5:MQTT-4.9.0-3] lets QoS 0 and PUBREL pass a full window', () => {
    const sending = connected({ receiveMaximum: 1 })
    sending.publish('a', 2)
    sending.publish('b', 1)

    expect(sending.publish('c', 0)).toEqual(['PUBLISH t "c" q0'])
    expect(sending.receive(PUBREC, 1)).toEqual(['PUBREL #1'])
  })

  it('F-05 [v5:U5-4.9.0-1] starts with a full window on each connection, and resends within it', () => {
    const sending = connected()
    for (const payload of ['a', 'b', 'c']) sending.publish(payload, 1)

    expect(sending.connect({ version, receiveMaximum: 1 })).toEqual(['PUBLISH t "a" q1 #1 dup'])
    expect(sending.publish('d', 1)).toEqual([])
    expect(sending.receive(PUBACK, 1)).toEqual(['PUBLISH t "b" q1 #2 dup'])
    expect(sending.receive(PUBACK, 2)).toEqual(['PUBLISH t "c" q1 #3 dup'])
    expect(sending.receive(PUBACK, 3)).toEqual(['PUBLISH t "d" q1 #4'])
  })

  it('F-05 needs no place for PUBREL, and gets none back for it', () => {
    const sending = connected()
    sending.publish('a', 2)
    sending.receive(PUBREC, 1)
    sending.publish('b', 1)

    expect(sending.connect({ version, receiveMaximum: 1 })).toEqual(['PUBREL #1', 'PUBLISH t "b" q1 #2 dup'])
    sending.receive(PUBCOMP, 1)
    expect([sending.sender.quota, sending.publish('c', 1)]).toEqual([0, []])
  })

  it('waits while the peer does not read, in order, and goes on when it does', () => {
    const sending = connected()
    sending.output.full = true
    for (const [payload, qos] of [
      ['a', 1],
      ['b', 0],
      ['c', 2],
      ['d', 0],
    ] as const) {
      expect(sending.publish(payload, qos)).toEqual([])
    }

    expect(sending.sender.pauseReason).toBe(PauseReason.SOCKET_FULL)
    expect(sending.drain()).toEqual([
      'PUBLISH t "b" q0',
      'PUBLISH t "d" q0',
      'PUBLISH t "a" q1 #1',
      'PUBLISH t "c" q2 #2',
    ])
    expect(sending.heard).toEqual(['done b 0x0', 'done d 0x0'])
  })

  it('lets no QoS 0 message overtake those that wait', () => {
    const sending = connected()
    sending.output.full = true
    sending.publish('a', 0)
    sending.output.full = false

    expect([sending.sender.takesQos0, sending.publish('b', 0)]).toEqual([false, []])
    expect(sending.drain()).toEqual(['PUBLISH t "a" q0', 'PUBLISH t "b" q0'])
  })

  it('sends the QoS 0 messages that wait before it is ended, full or not', () => {
    const sending = connected()
    sending.output.full = true
    sending.publish('a', 0)
    sending.sender.flushQos0(0)

    expect(sending.output.take()).toEqual(['PUBLISH t "a" q0'])
  })

  it('goes on resending when the peer reads again', () => {
    const sending = connected()
    sending.publish('a', 1)
    sending.publish('b', 1)
    sending.output.full = true
    expect(sending.connect({ version })).toEqual([])

    expect(sending.drain()).toEqual(['PUBLISH t "a" q1 #1 dup', 'PUBLISH t "b" q1 #2 dup'])
  })

  it.each([
    [[], 'nothing'],
    [['b'], 'another message'],
  ])('O-05 lets nothing new overtake what is still to be resent, with %s waiting', (waiting) => {
    const sending = connected()
    sending.publish('a', 1)
    sending.sender.connectionLost()
    for (const payload of waiting) sending.publish(payload, 1)
    // the peer does not read, and reads again behind our back
    let looks = 0
    Object.defineProperty(sending.output, 'full', { get: () => looks++ < 2 })

    expect(sending.connect({ version })).toEqual([])
    expect(sending.publish('c', 1)).toEqual([])
    sending.sender.drain(0)
    expect(sending.output.take().map((line) => line.split(' ')[2])).toEqual(
      ['a', ...waiting, 'c'].map((one) => `"${one}"`),
    )
  })

  it('O-04 leaves out ids that requests have open, and waits when none is free', () => {
    const sending = connected()
    sending.requests.add(1).add(2)
    expect(sending.publish('a', 1)).toEqual(['PUBLISH t "a" q1 #3'])

    for (let packetId = 4; packetId <= 65_535; packetId++) sending.requests.add(packetId)
    expect(sending.publish('b', 1)).toEqual([])
    sending.requests.delete(9)
    expect(sending.drain()).toEqual(['PUBLISH t "b" q1 #9'])
  })

  it('drops QoS 0 while offline and says so', () => {
    const sending = new Sending()

    expect(sending.publish('a', 0)).toEqual([])
    expect(sending.heard).toEqual(['dropped ? OFFLINE 1'])
  })

  it('refuses what its queue cannot hold', () => {
    const sending = new Sending({ messages: 1 })
    sending.publish('a', 1)
    sending.publish('b', 1)

    expect(sending.heard).toEqual(['dropped b QUEUE_FULL 1'])
  })

  it('stops at once when its owner ends the connection in the middle of sending', () => {
    const sending = new Sending()
    for (const payload of ['a', 'b']) sending.publish(payload, 1)
    sending.sender.keepQos0(new Delivery(Message.create('t', 'x'), 0, false, null))
    sending.sender.keepQos0(new Delivery(Message.create('t', 'y'), 0, false, null))
    sending.onDone = () => sending.sender.connectionLost()

    expect(sending.connect({ version })).toEqual(['PUBLISH t "x" q0'])
    expect([sending.sender.pauseReason, sending.sender.queue.length]).toEqual([PauseReason.OFFLINE, 2])
  })

  it('takes a message that its owner publishes when another is done', () => {
    const sending = connected({ receiveMaximum: 1 })
    sending.publish('a', 1)
    sending.publish('b', 1)
    sending.onDone = () => {
      sending.onDone = null
      sending.sender.publish(new Delivery(Message.create('t', 'c'), 1, false, null), 0)
    }

    expect(sending.receive(PUBACK, 1)).toEqual(['PUBLISH t "b" q1 #2'])
    expect(sending.receive(PUBACK, 2)).toEqual(['PUBLISH t "c" q1 #3'])
  })
})

describe('QosSender, Reason Codes', () => {
  it.each([
    ['PUBACK', 1, PUBACK],
    ['PUBREC', 2, PUBREC],
  ] as const)('O-11 [v5:MQTT-4.4.0-2] ends an exchange with a %s of 0x80 or more', (_, qos, packetType) => {
    const sending = new Sending()
    sending.connect({ receiveMaximum: 1 })
    sending.publish('a', qos)
    sending.publish('b', qos)

    expect(sending.receive(packetType, 1, ReasonCode.NOT_AUTHORIZED)).toEqual([`PUBLISH t "b" q${qos} #2`])
    expect(sending.heard).toEqual(['done a 0x87'])
    expect(sending.connect()).toEqual([`PUBLISH t "b" q${qos} #2 dup`])
  })

  it('does not end an exchange with a PUBREC below 0x80', () => {
    const sending = new Sending()
    sending.connect()
    sending.publish('a', 2)

    expect(sending.receive(PUBREC, 1, ReasonCode.NO_MATCHING_SUBSCRIBERS)).toEqual(['PUBREL #1'])
  })

  it('tells the code of PUBREC, and success when PUBCOMP knows the id no more', () => {
    const sending = new Sending()
    sending.connect()
    sending.publish('a', 2)
    sending.publish('b', 2)
    sending.receive(PUBREC, 1, ReasonCode.NO_MATCHING_SUBSCRIBERS)
    sending.receive(PUBREC, 2)
    sending.connect()
    sending.receive(PUBREC, 1)
    sending.receive(PUBCOMP, 1)
    sending.receive(PUBCOMP, 2, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)

    expect(sending.heard).toEqual(['done a 0x10', 'done b 0x0'])
  })

  it('does not answer a PUBREC of 0x80 or more for an unknown id', () => {
    const sending = new Sending()
    sending.connect()

    expect(sending.receive(PUBREC, 5, ReasonCode.NOT_AUTHORIZED)).toEqual([])
  })
})

describe('QosSender, Maximum Packet Size', () => {
  // 2 bytes of header, 3 of topic, 1 of Property Length, the payload; QoS 1 has 2 bytes more
  const LIMIT = 20

  it.each([
    [0, 14],
    [1, 12],
    [2, 12],
  ] as const)(
    'F-08 F-11 [v5:MQTT-3.1.2-24] sends at QoS %i what is as large as the limit, and nothing larger',
    (qos, room) => {
      const sending = new Sending()
      sending.connect({ maximumPacketBytes: LIMIT, receiveMaximum: 1 })

      expect(sending.publish('x'.repeat(room + 1), qos)).toEqual([])
      expect(sending.heard[0]).toBe('dropped ? PACKET_TOO_LARGE 1')
      expect(sending.publish('x'.repeat(room), qos)).toHaveLength(1)
    },
  )

  it('F-08 [v5:MQTT-3.1.2-25] takes a message that is too large for done, and its place is free', () => {
    const sending = new Sending()
    sending.connect({ maximumPacketBytes: LIMIT, receiveMaximum: 1 })
    sending.publish('x'.repeat(50), 2)

    expect(sending.heard[1]).toMatch(/^done x+ 0x95$/)
    expect([sending.sender.quota, sending.inFlight.size]).toEqual([1, 0])
  })

  it('gives up what is in flight and too large for the next connection, and goes on with the rest', () => {
    const sending = new Sending()
    sending.connect()
    sending.publish('x'.repeat(50), 1)
    sending.publish('a', 1)

    expect(sending.connect({ maximumPacketBytes: LIMIT })).toEqual(['PUBLISH t "a" q1 #2 dup'])
    expect(sending.inFlight.inOrder().map(({ packetId }) => packetId)).toEqual([2])
  })

  it('F-09 judges the packet with alias and expiry', () => {
    const sending = new Sending()
    sending.connect({ maximumPacketBytes: LIMIT, topicAliasMaximum: 1 })
    const fits = (payload: string, options: MessageOptions = {}) =>
      sending.sender.fits(Message.create('t', payload, options), 0, null, 0)

    expect([fits('x'.repeat(11)), fits('x'.repeat(12))]).toEqual([true, false])
    expect(fits('x'.repeat(7), { properties: { messageExpiryIntervalSeconds: 9 } })).toBe(false)
  })

  it('uses up no alias for a packet that is too large (A-05)', () => {
    const sending = new Sending()
    sending.connect({ maximumPacketBytes: LIMIT, topicAliasMaximum: 1 })
    sending.publish('x'.repeat(50), 0)

    expect(sending.publish('a', 0)).toEqual(['PUBLISH t "a" q0 alias=1'])
    expect(sending.publish('b', 0)).toEqual(['PUBLISH t "b" q0 alias=1 no-topic'])
  })
})

describe('QosSender, Topic Aliases', () => {
  it('A-06 [v5:MQTT-3.3.2-7] sends the topic again on a new connection', () => {
    const sending = new Sending()
    sending.connect({ topicAliasMaximum: 5 })
    sending.publish('a', 1)

    expect(sending.publish('b', 1)).toEqual(['PUBLISH t "b" q1 #2 alias=1 no-topic'])
    expect(sending.connect({ topicAliasMaximum: 5 })).toEqual([
      'PUBLISH t "a" q1 #1 dup alias=1',
      'PUBLISH t "b" q1 #2 dup alias=1 no-topic',
    ])
  })

  it('A-05 [v5:MQTT-3.1.2-27] uses none when the peer takes none', () => {
    const sending = new Sending()
    sending.connect({ topicAliasMaximum: 0 })

    expect([sending.publish('a', 0), sending.publish('b', 0)]).toEqual([['PUBLISH t "a" q0'], ['PUBLISH t "b" q0']])
  })
})

describe('QosSender, Message Expiry Interval', () => {
  const expiring = { properties: { messageExpiryIntervalSeconds: 10 } }

  it('E-01 [v5:MQTT-3.3.2-6] sends the seconds that are left', () => {
    const sending = new Sending()
    sending.publish('a', 1, expiring)

    expect(sending.connect({}, 2_200)).toEqual(['PUBLISH t "a" q1 #1 expires=8'])
  })

  it('E-02 [v5:MQTT-3.3.2-5] drops what has expired before its first sending, at every QoS', () => {
    const sending = new Sending()
    sending.connect()
    sending.output.full = true
    for (const qos of [0, 1, 2] as const) sending.publish(`${qos}`, qos, expiring)
    sending.publish('stays', 1)

    expect(sending.drain(10_000)).toEqual(['PUBLISH t "stays" q1 #1'])
    expect(sending.heard).toEqual(['dropped 0 EXPIRED 1', 'dropped 1 EXPIRED 1', 'dropped 2 EXPIRED 1'])
  })

  it('E-03 [v5:MQTT-4.3.3-7] resends what has expired since its first sending', () => {
    const sending = new Sending()
    sending.connect()
    sending.publish('a', 2, expiring)

    expect(sending.connect({}, 60_000)).toEqual(['PUBLISH t "a" q2 #1 dup expires=0'])
  })
})
