import { describe, expect, it } from 'vitest'
import { describePacket, packetLine, timeOfDay } from '../../src/cli/output/packet-line.ts'
import type { AnyPacket } from '../../src/codec/control-packet.ts'
import { Message } from '../../src/codec/message.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../src/codec/packets/acknowledgement.ts'
import { Auth } from '../../src/codec/packets/auth.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import { Connect } from '../../src/codec/packets/connect.ts'
import { Disconnect } from '../../src/codec/packets/disconnect.ts'
import { PINGREQ } from '../../src/codec/packets/ping.ts'
import { Publish } from '../../src/codec/packets/publish.ts'
import { Suback } from '../../src/codec/packets/suback.ts'
import { RetainHandling, Subscribe } from '../../src/codec/packets/subscribe.ts'
import { Unsuback } from '../../src/codec/packets/unsuback.ts'
import { Unsubscribe } from '../../src/codec/packets/unsubscribe.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'

const { V5, V3_1_1 } = ProtocolVersion

const connect = new Connect({
  version: V5,
  clientId: 'me',
  cleanStart: false,
  keepAliveSeconds: 60,
  userName: 'ann',
  password: Buffer.from('secret'),
  properties: { sessionExpiryIntervalSeconds: 5, authenticationData: Buffer.from('secret') },
  will: { topicName: 'w', payload: Buffer.from('gone'), qos: 1, retain: true, properties: { contentType: 'text' } },
})

function publish(): Publish {
  const message = Message.create('a/\u001b\u009b"', 'hello', {
    qos: 1,
    retain: true,
    properties: { userProperties: [['a', 'b']], correlationData: Buffer.from([1, 255]) },
  })
  const packet = new Publish(message, 1, true, 7)
  packet.topicAlias = 3
  packet.subscriptionIdentifiers = [8]
  return packet
}

const request = { topicFilter: 'a/#', qos: 1, noLocal: true, retainAsPublished: true } as const

describe('a packet in one line', () => {
  it.each<[AnyPacket, ProtocolVersion, string]>([
    [
      connect,
      V5,
      'CONNECT 5.0 client-id="me" keep-alive=60s session-expiry-interval=5 authentication-data=*** ' +
        'will="w" will-payload=4 B will-qos=1 will-retain content-type="text" user="ann" password=***',
    ],
    [new Connack(true, 0), V5, 'CONNACK 0x00 Success session-present'],
    [new Connack(false, 0x87, { reasonString: 'no' }), V5, 'CONNACK 0x87 Not authorized reason-string="no"'],
    [new Connack(false, 5), V3_1_1, 'CONNACK return code 5 Not authorized'],
    [
      publish(),
      V5,
      'PUBLISH id=7 qos=1 dup retain topic="a/\\u001b\\u009b\\"" correlation-data=0x01ff user-property="a":"b" ' +
        'topic-alias=3 subscription-identifier=8 payload=5 B',
    ],
    [new Acknowledgement(PacketType.PUBREC, 7, 0x10), V5, 'PUBREC id=7 0x10 No matching subscribers'],
    [new Acknowledgement(PacketType.PUBACK, 7), V3_1_1, 'PUBACK id=7'],
    [
      new Subscribe(2, [{ ...request, retainHandling: RetainHandling.NEVER }], { subscriptionIdentifiers: [9] }),
      V5,
      'SUBSCRIBE id=2 "a/#" (qos=1 no-local retain-as-published retain-handling=never) subscription-identifier=9',
    ],
    [new Suback(2, [0, 0x87]), V5, 'SUBACK id=2 0x00 Granted QoS 0 | 0x87 Not authorized'],
    [new Unsubscribe(3, ['a', 'b']), V5, 'UNSUBSCRIBE id=3 "a" "b"'],
    [new Unsuback(3, [0, 0x11]), V5, 'UNSUBACK id=3 0x00 Success | 0x11 No subscription existed'],
    [new Unsuback(3, []), V3_1_1, 'UNSUBACK id=3'],
    [PINGREQ, V5, 'PINGREQ'],
    [new Disconnect(4), V5, 'DISCONNECT 0x04 Disconnect with Will Message'],
    [new Disconnect(), V3_1_1, 'DISCONNECT'],
    [
      new Auth(0x18, { authenticationMethod: 'SCRAM' }),
      V5,
      'AUTH 0x18 Continue authentication authentication-method="SCRAM"',
    ],
  ])('reads %#', (packet, version, line) => {
    expect(describePacket(packet, version)).toBe(line)
  })

  it('has time, direction and size around it', () => {
    const time = timeOfDay(new Date(2026, 0, 2, 3, 4, 5, 67))

    expect(packetLine(time, '->', PINGREQ, V5, 2)).toBe('03:04:05.067 -> PINGREQ, 2 bytes')
  })
})
