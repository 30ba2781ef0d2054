import { describe, expect, it } from 'vitest'
import type { Publish } from '../../src/codec/packets/publish.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import { SeldomMap } from '../../src/codec/seldom-map.ts'
import { QosReceiver } from '../../src/session/qos-receiver.ts'
import { publish } from '../support/packets.ts'
import { RecordingOutput } from '../support/recording-output.ts'

const { V3_1_1, V5 } = ProtocolVersion
const VERSIONS = [
  ['3.1.1', V3_1_1],
  ['5.0', V5],
] as const

class Receiving {
  readonly output = new RecordingOutput()
  readonly delivered: string[] = []
  readonly ids = new SeldomMap<number, number>()
  answer: number = ReasonCode.SUCCESS
  readonly receiver: QosReceiver

  constructor(version: ProtocolVersion = V5, receiveMaximum = 65_535) {
    this.receiver = new QosReceiver({ deliver: (given) => this.#deliver(given) }, this.ids)
    this.connect(version, receiveMaximum)
  }

  connect(version: ProtocolVersion = V5, receiveMaximum = 65_535): void {
    this.receiver.connectionLost()
    this.receiver.connected(this.output, version, receiveMaximum)
  }

  publish(payload: string, qos: 0 | 1 | 2, packetId = 0, dup = false): string[] {
    this.receiver.receivePublish(publish('t', payload, { qos, packetId, dup }), 0)
    return this.output.take()
  }

  release(packetId: number): string[] {
    this.receiver.receivePubrel(packetId)
    return this.output.take()
  }

  #deliver({ message }: Publish): number {
    this.delivered.push(message.payload.toString())
    return this.answer
  }
}

describe.each(VERSIONS)('QosReceiver, MQTT %s', (_, version) => {
  it('[v5:MQTT-3.3.4-1] [v311:MQTT-3.3.4-1] answers QoS 0 with nothing, 1 with PUBACK, 2 with PUBREC', () => {
    const receiving = new Receiving(version)

    expect([receiving.publish('a', 0), receiving.publish('b', 1, 7), receiving.publish('c', 2, 8)]).toEqual([
      [],
      ['PUBACK #7'],
      ['PUBREC #8'],
    ])
    expect(receiving.delivered).toEqual(['a', 'b', 'c'])
  })

  it('P-03 [v5:MQTT-4.3.2-5] [v311:MQTT-4.3.2-2] takes a QoS 1 id for a new message once it was acknowledged, DUP or not', () => {
    const receiving = new Receiving(version)
    receiving.publish('same', 1, 7, true)
    receiving.publish('same', 1, 7, true)

    expect(receiving.delivered).toEqual(['same', 'same'])
  })

  it.each([
    [true, 'DUP 1'],
    [false, 'DUP 0'],
  ])(
    'P-04 [v5:MQTT-4.3.3-10] [v311:MQTT-4.3.3-2] answers each repeat of a QoS 2 id and delivers it once (DUP %s)',
    (dup) => {
      const receiving = new Receiving(version)
      receiving.publish('once', 2, 7)
      const answers = Array.from({ length: 50 }, () => receiving.publish('once', 2, 7, dup))

      expect(answers).toEqual(answers.map(() => ['PUBREC #7']))
      expect(receiving.delivered).toEqual(['once'])
    },
  )

  it('P-05 [v5:MQTT-4.3.3-12] frees a QoS 2 id with PUBCOMP', () => {
    const receiving = new Receiving(version)
    receiving.publish('first', 2, 7)

    expect(receiving.release(7)).toEqual(['PUBCOMP #7'])
    receiving.publish('second', 2, 7)
    expect(receiving.delivered).toEqual(['first', 'second'])
  })

  it('P-08 [v5:MQTT-4.3.3-11] answers PUBREL for an id that is not open', () => {
    expect(new Receiving(version).release(9)).toEqual([version === V5 ? 'PUBCOMP #9 0x92' : 'PUBCOMP #9'])
  })

  it('S-13 knows open QoS 2 ids on the next connection', () => {
    const receiving = new Receiving(version)
    receiving.publish('once', 2, 7)
    receiving.connect(version)

    expect(receiving.publish('once', 2, 7, true)).toEqual(['PUBREC #7'])
    expect(receiving.delivered).toEqual(['once'])
    expect(receiving.release(7)).toEqual(['PUBCOMP #7'])
  })

  it('P-11 does not take a QoS 1 message under an id that QoS 2 has open', () => {
    const receiving = new Receiving(version)
    receiving.publish('two', 2, 7)

    if (version === V5) expect(receiving.publish('one', 1, 7)).toEqual(['PUBACK #7 0x91'])
    else {
      expect(() => receiving.publish('one', 1, 7)).toThrow(expect.objectContaining({ violation: 'PACKET_ID_IN_USE' }))
    }
    expect(receiving.delivered).toEqual(['two'])
    expect(receiving.release(7)).toEqual(['PUBCOMP #7'])
  })

  it('sends no acknowledgement when the message made its owner end the connection', () => {
    const output = new RecordingOutput()
    const receiver: QosReceiver = new QosReceiver(
      {
        deliver: () => {
          receiver.connectionLost()
          return ReasonCode.SUCCESS
        },
      },
      new SeldomMap(),
    )
    receiver.connected(output, version, 10)
    receiver.receivePublish(publish('t', 'x', { qos: 1, packetId: 1 }), 0)

    expect(output.take()).toEqual([])
  })

  it('forgets open ids with the session', () => {
    const receiving = new Receiving(version)
    receiving.publish('old', 2, 7)
    receiving.receiver.reset()
    receiving.publish('new', 2, 7)

    expect(receiving.delivered).toEqual(['old', 'new'])
  })
})

describe('QosReceiver, Reason Codes', () => {
  it.each([
    [1, 'PUBACK #7 0x10'],
    [2, 'PUBREC #7 0x10'],
  ] as const)('passes on the code of its owner at QoS %i', (qos, answer) => {
    const receiving = new Receiving()
    receiving.answer = ReasonCode.NO_MATCHING_SUBSCRIBERS

    expect(receiving.publish('a', qos, 7)).toEqual([answer])
  })

  it('P-07 [v5:MQTT-4.3.3-9] frees a QoS 2 id at once when it refuses the message', () => {
    const receiving = new Receiving()
    receiving.answer = ReasonCode.NOT_AUTHORIZED

    expect(receiving.publish('a', 2, 7)).toEqual(['PUBREC #7 0x87'])
    expect([receiving.receiver.open, receiving.release(7)]).toEqual([0, ['PUBCOMP #7 0x92']])
  })
})

describe('QosReceiver, Receive Maximum', () => {
  const exceeded = expect.objectContaining({
    violation: 'RECEIVE_MAXIMUM_EXCEEDED',
    reasonCode: ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
  })

  it.each([1, 2] as const)('F-06 [v5:U5-3.3.4-5] refuses one QoS %i message more than it stated', (qos) => {
    const receiving = new Receiving(V5, 2)
    receiving.publish('a', 2, 1)
    receiving.publish('b', 2, 2)

    expect(() => receiving.publish('c', qos, 3)).toThrow(exceeded)
    expect(receiving.delivered).toEqual(['a', 'b'])
  })

  it('F-06 does not count a repeat, QoS 0, or what was acknowledged', () => {
    const receiving = new Receiving(V5, 1)
    for (const packetId of [1, 2, 3]) receiving.publish('one', 1, packetId)
    receiving.publish('two', 2, 4)
    receiving.publish('two', 2, 4, true)
    receiving.publish('zero', 0)
    receiving.release(4)
    receiving.publish('three', 2, 5)

    expect(receiving.delivered).toEqual(['one', 'one', 'one', 'two', 'zero', 'three'])
  })

  it('F-05 counts from 0 on a new connection, and a first repeat on it', () => {
    const receiving = new Receiving(V5, 2)
    receiving.publish('a', 2, 1)
    receiving.publish('b', 2, 2)
    receiving.connect(V5, 1)

    expect(receiving.publish('a', 2, 1, true)).toEqual(['PUBREC #1'])
    expect(receiving.receiver.open).toBe(1)
    expect(() => receiving.publish('b', 2, 2, true)).toThrow(exceeded)
  })

  it('F-05 gives no place back for an id that took none on this connection', () => {
    const receiving = new Receiving(V5, 1)
    receiving.publish('a', 2, 1)
    receiving.connect(V5, 1)
    receiving.release(1)
    receiving.publish('b', 2, 2)

    expect(receiving.receiver.open).toBe(1)
    expect(() => receiving.publish('c', 2, 3)).toThrow(exceeded)
  })

  it('F-07 knows no such limit in 3.1.1', () => {
    const receiving = new Receiving(V3_1_1, 1)
    for (const packetId of [1, 2, 3]) receiving.publish(`${packetId}`, 2, packetId)

    expect(receiving.delivered).toEqual(['1', '2', '3'])
  })
})
