import { describe, expect, it } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Suback } from '../../src/codec/packets/suback.ts'
import { Unsuback } from '../../src/codec/packets/unsuback.ts'
import type { Properties } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { filter, TestClientSession } from '../support/test-client-session.ts'

const { V3_1_1, V5 } = ProtocolVersion
const expiring = { properties: { sessionExpiryIntervalSeconds: 60 } }
const resumed = { ...expiring, cleanStart: false }

function connected(granted: Properties = {}, version: ProtocolVersion = V5): TestClientSession {
  const client = new TestClientSession()
  client.connected({ ...expiring, version }, granted)
  client.takeHeard()
  return client
}

/** A session with the subscriptions a:1 and b:2. */
function subscribed(): TestClientSession {
  const client = connected()
  client.subscribe([filter('a', 1), filter('b', 2)])
  client.receive(new Suback(1, [1, 2]))
  client.takeHeard()
  return client
}

describe('SUBSCRIBE and UNSUBSCRIBE', () => {
  it('[v5:MQTT-2.2.1-3] [v311:MQTT-2.3.1-2] share their ids with PUBLISH', () => {
    const client = connected()

    expect([
      client.publish('x', 1),
      client.subscribe([filter('f')]),
      client.publish('y', 2),
      client.unsubscribe(['f']),
    ]).toEqual([['PUBLISH t "x" q1 #1'], ['SUBSCRIBE #2 f:0'], ['PUBLISH t "y" q2 #3'], ['UNSUBSCRIBE #4 f']])
  })

  it('are answered in any order', () => {
    const client = connected()
    client.subscribe([filter('a')])
    client.subscribe([filter('b'), filter('c', 1)])
    client.unsubscribe(['d', 'e'])
    client.receive(new Unsuback(3, [0, 0x11]))
    client.receive(new Suback(2, [0, 0x87]))
    client.receive(new Suback(1, [0x80]))

    expect(client.takeHeard()).toEqual(['unsubscribed d,e 0x00,0x11', 'subscribed b,c 0x00,0x87', 'subscribed a 0x80'])
  })

  it('take an UNSUBACK of 3.1.1, which has no codes', () => {
    const client = connected({}, V3_1_1)
    client.unsubscribe(['a', 'b'])
    client.receive(new Unsuback(1))

    expect(client.takeHeard()).toEqual(['unsubscribed a,b '])
  })

  it.each([
    [
      '[v5:MQTT-2.2.1-6] SUBACK for an id that asked for nothing',
      new Suback(9, [0]),
      'ACKNOWLEDGEMENT_WITHOUT_REQUEST',
    ],
    [
      '[v5:MQTT-2.2.1-6] UNSUBACK for an id that asked for nothing',
      new Unsuback(9, [0]),
      'ACKNOWLEDGEMENT_WITHOUT_REQUEST',
    ],
    ['SUBACK for UNSUBSCRIBE', new Suback(2, [0]), 'ACKNOWLEDGEMENT_OF_WRONG_KIND'],
    ['UNSUBACK for SUBSCRIBE', new Unsuback(1, [0]), 'ACKNOWLEDGEMENT_OF_WRONG_KIND'],
    ['SUBACK for PUBLISH', new Suback(3, [0]), 'ACKNOWLEDGEMENT_OF_WRONG_KIND'],
    ['[v5:MQTT-3.8.4-6] SUBACK with a code too few', new Suback(1, [0]), 'SUBACK_CODE_COUNT'],
    ['[v5:MQTT-3.8.4-6] SUBACK with a code too many', new Suback(1, [0, 0, 0]), 'SUBACK_CODE_COUNT'],
    ['UNSUBACK with a code too many', new Unsuback(2, [0, 0]), 'SUBACK_CODE_COUNT'],
  ])('refuse %s', (_, packet, violation) => {
    const client = connected()
    client.subscribe([filter('a'), filter('b')])
    client.unsubscribe(['c'])
    client.publish('x', 1)

    expect(() => client.receive(packet)).toThrow(
      expect.objectContaining({ violation, packetType: packet.packetType, version: V5 }),
    )
  })

  it('refuse a second SUBACK', () => {
    const client = subscribed()

    expect(() => client.receive(new Suback(1, [1, 2]))).toThrow(
      expect.objectContaining({ violation: 'ACKNOWLEDGEMENT_WITHOUT_REQUEST' }),
    )
  })

  it('wait while no id is free', () => {
    const client = connected()
    for (let i = 0; i < 65_535; i++) client.publish('x', 1)
    expect([client.subscribe([filter('a')]), client.unsubscribe(['b'])]).toEqual([[], []])

    expect(client.acknowledge(PacketType.PUBACK, 7)).toEqual(['SUBSCRIBE #7 a:0'])
    expect(client.acknowledge(PacketType.PUBACK, 9)).toEqual(['UNSUBSCRIBE #9 b'])
  })
})

describe('filters that the Server cannot serve', () => {
  it.each([
    ['wildcards', { wildcardSubscriptionAvailable: 0 }, ['a/#', '+', '$share/g/b/+'], '0xa2'],
    ['Shared Subscriptions', { sharedSubscriptionAvailable: 0 }, ['$share/g/a'], '0x9e'],
  ] as const)('are answered here when it has no %s, and the others are asked for', (_, granted, topicFilters, code) => {
    const client = connected(granted)

    expect(client.subscribe([...topicFilters, 'plain'].map((one) => filter(one, 1)))).toEqual(['SUBSCRIBE #1 plain:1'])
    client.receive(new Suback(1, [1]))
    expect(client.takeHeard()).toEqual([
      `subscribed ${[...topicFilters, 'plain']} ${[...topicFilters.map(() => code), '0x01']}`,
    ])
  })

  it('are answered at once when nothing is left to ask for', () => {
    const client = connected({ wildcardSubscriptionAvailable: 0 })

    expect(client.subscribe([filter('#')])).toEqual([])
    expect(client.takeHeard()).toEqual(['subscribed # 0xa2'])
  })

  it('are those with a Subscription Identifier when it has none', () => {
    const client = connected({ subscriptionIdentifierAvailable: 0 })

    expect(client.subscribe([filter('a')], { subscriptionIdentifiers: [3] })).toEqual([])
    expect([client.subscribe([filter('b')]), client.takeHeard()]).toEqual([['SUBSCRIBE #1 b:0'], ['subscribed a 0xa1']])
  })

  it('[v5:MQTT-3.2.2-15] are never sent in a packet that is too large for it', () => {
    const client = connected({ maximumPacketBytes: 30 })
    const long = 'x'.repeat(30)

    expect([client.subscribe([filter(long)]), client.unsubscribe([long]), client.subscribe([filter('a')])]).toEqual([
      [],
      [],
      [expect.stringMatching(/^SUBSCRIBE #\d a:0$/)],
    ])
    expect(client.takeHeard()).toEqual([
      `subscribed ${long} 0x83 not sent: larger than the Maximum Packet Size of the server`,
      `unsubscribed ${long} 0x83`,
    ])
  })
})

describe('after a reconnect', () => {
  it('subscriptions are left alone when the Server still has the Session', () => {
    expect(subscribed().connected(resumed, {}, true)).toEqual([])
  })

  it('subscriptions are made again when it has not, before anything is published', () => {
    const client = subscribed()
    client.session.connectionLost()
    client.publish('x', 1)

    expect(client.connected(resumed)).toEqual(['SUBSCRIBE #2 a:1 b:2', 'PUBLISH t "x" q1 #3'])
    client.receive(new Suback(2, [1, 0x87]))
    expect(client.takeHeard()).toEqual(['connected', 'resubscribed a,b 0x01,0x87'])
  })

  it('what was refused or unsubscribed is not asked for again', () => {
    const client = subscribed()
    client.subscribe([filter('refused')])
    client.receive(new Suback(2, [0x87]))
    client.unsubscribe(['a'])
    client.receive(new Unsuback(3, [0]))

    expect(client.connected(resumed)).toEqual(['SUBSCRIBE #4 b:2'])
  })

  it('a subscription that was refused when it was made again is given up', () => {
    const client = subscribed()
    client.connected(resumed)
    client.receive(new Suback(2, [0x87, 2]))

    expect(client.connected(resumed)).toEqual(['SUBSCRIBE #3 b:2'])
  })

  it('a filter that was subscribed to twice is asked for once, as it was last', () => {
    const client = subscribed()
    client.subscribe([filter('a', 0)])
    client.receive(new Suback(2, [0]))

    expect(client.connected(resumed)).toEqual(['SUBSCRIBE #3 a:0 b:2'])
  })

  it('an UNSUBSCRIBE that the Server refused changes nothing', () => {
    const client = subscribed()
    client.unsubscribe(['a'])
    client.receive(new Unsuback(2, [0x87]))

    expect(client.connected(resumed)).toEqual(['SUBSCRIBE #3 a:1 b:2'])
  })

  it('what was not answered is sent again, in its order, with new ids', () => {
    const client = connected()
    client.subscribe([filter('a')])
    client.unsubscribe(['a'])
    client.session.connectionLost()
    client.subscribe([filter('b')])

    const again = ['SUBSCRIBE #3 a:0', 'UNSUBSCRIBE #4 a', 'SUBSCRIBE #5 b:0']
    expect(client.connected(resumed, {}, true)).toEqual(again)
    for (const packet of [new Suback(3, [0]), new Unsuback(4, [0]), new Suback(5, [0])]) client.receive(packet)
    expect(client.connected(resumed)).toEqual(['SUBSCRIBE #6 b:0'])
  })

  it('a renewal that was cut off is made anew, not twice', () => {
    const client = subscribed()
    client.connected(resumed)

    expect(client.connected(resumed)).toEqual(['SUBSCRIBE #3 a:1 b:2'])
    expect(client.connected(resumed, {}, true)).toEqual(['SUBSCRIBE #4 a:1 b:2'])
    client.receive(new Suback(4, [1, 2]))
    expect(client.connected(resumed, {}, true)).toEqual([])
  })

  it('subscriptions with an identifier are made again with it', () => {
    const client = connected()
    for (const [topicFilter, identifier] of [
      ['a', 1],
      ['b', 1],
      ['c', 2],
    ] as const) {
      client.subscribe([filter(topicFilter)], { subscriptionIdentifiers: [identifier] })
    }
    for (const packetId of [1, 2, 3]) client.receive(new Suback(packetId, [0]))

    expect(client.connected(resumed)).toEqual([
      'SUBSCRIBE #4 a:0 identifier=1',
      'SUBSCRIBE #5 b:0 identifier=1',
      'SUBSCRIBE #6 c:0 identifier=2',
    ])
  })

  it.each([
    [undefined, [50]],
    [200, [13, 13, 13, 11]],
  ])('subscriptions are packed so that the Server takes them (Maximum Packet Size %s)', (maximumPacketBytes, sizes) => {
    const client = connected()
    client.subscribe(Array.from({ length: 50 }, (_, i) => filter(`filter/${i + 10}/x`)))
    client.receive(
      new Suback(
        1,
        Array.from({ length: 50 }, () => 0),
      ),
    )
    const sent = client.connected(resumed, maximumPacketBytes === undefined ? {} : { maximumPacketBytes })

    expect(sent.map((line) => line.split(' ').length - 2)).toEqual(sizes)
  })
})
