import { describe, expect, it } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Auth } from '../../src/codec/packets/auth.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import type { ConnectFields } from '../../src/codec/packets/connect.ts'
import { Disconnect } from '../../src/codec/packets/disconnect.ts'
import { PINGRESP } from '../../src/codec/packets/ping.ts'
import type { Properties } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { publish } from '../support/packets.ts'
import { filter, TestClientSession } from '../support/test-client-session.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
const { V3_1, V3_1_1, V5 } = ProtocolVersion
const VERSIONS = [
  ['3.1', V3_1],
  ['3.1.1', V3_1_1],
  ['5.0', V5],
] as const

function connected(fields: Partial<ConnectFields> = {}, granted: Properties = {}): TestClientSession {
  const client = new TestClientSession()
  client.connected(fields, granted)
  client.takeHeard()
  return client
}

describe.each(VERSIONS)('ClientSession, MQTT %s', (_, version) => {
  it('sends CONNECT and nothing else until CONNACK', () => {
    const client = new TestClientSession()

    expect(client.connect({ version })).toEqual(['CONNECT "id" clean'])
    expect([client.publish('a', 0), client.publish('b', 2), client.subscribe([filter('f')])]).toEqual([[], [], []])
    expect(client.receive(new Connack(false, 0))).toEqual([
      'SUBSCRIBE #1 f:0',
      'PUBLISH t "a" q0',
      'PUBLISH t "b" q2 #2',
    ])
    expect(client.takeHeard()).toEqual(['done a 0x00', 'connected'])
  })

  it('tells a refusal and is offline', () => {
    const client = new TestClientSession()
    client.connect({ version })
    client.publish('a', 1)
    const code = version === V5 ? 0x87 : 5

    expect(client.receive(new Connack(false, code))).toEqual([])
    expect([client.takeHeard(), client.session.terms]).toEqual([[`refused 0x${code === 5 ? '05' : '87'}`], null])
    expect(client.connected({ version })).toEqual(['PUBLISH t "a" q1 #1'])
  })

  it('keeps QoS 0 messages until there is a connection, and between connections', () => {
    const client = new TestClientSession()
    client.publish('a', 0)
    client.connect({ version })
    client.session.connectionLost()
    client.publish('b', 0)

    expect(client.connected({ version })).toEqual(['PUBLISH t "a" q0', 'PUBLISH t "b" q0'])
  })

  it('tells the end of each publication once, with its token', () => {
    const client = connected({ version })
    client.publish('zero', 0)
    client.publish('one', 1)
    client.publish('two', 2)
    client.acknowledge(PUBREC, 2)
    client.acknowledge(PUBACK, 1)
    client.acknowledge(PUBCOMP, 2)

    expect(client.takeHeard()).toEqual(['done zero 0x00', 'done one 0x00', 'done two 0x00'])
    expect(client.session.unfinishedMessages).toBe(0)
  })

  it('[v5:MQTT-4.5.0-2] [v311:MQTT-4.5.0-2] acknowledges every message, wanted or not', () => {
    const client = connected({ version })

    expect(client.receivePublish(publish('x', 'a', { qos: 1, packetId: 9 }))).toEqual(['PUBACK #9'])
    expect(client.receivePublish(publish('x', 'b', { qos: 2, packetId: 9 }))).toEqual(['PUBREC #9'])
    expect(client.acknowledge(PUBREL, 9)).toEqual(['PUBCOMP #9'])
    expect(client.takeHeard()).toEqual(['message x a q1', 'message x b q2'])
  })

  it('sends nothing for a message whose receiver ends the connection', () => {
    const client = connected({ version })
    client.onHeard = () => client.session.connectionLost()

    expect(client.receivePublish(publish('x', 'a', { qos: 1, packetId: 9 }))).toEqual([])
  })

  it('P-10 has the same id open in both directions', () => {
    const client = connected({ version })
    client.publish('mine', 2)

    expect(client.receivePublish(publish('x', 'theirs', { qos: 2, packetId: 1 }))).toEqual(['PUBREC #1'])
    expect(client.acknowledge(PUBREC, 1)).toEqual(['PUBREL #1'])
    expect(client.acknowledge(PUBREL, 1)).toEqual(['PUBCOMP #1'])
    client.acknowledge(PUBCOMP, 1)
    expect(client.takeHeard()).toEqual(['message x theirs q2', 'done mine 0x00'])
  })

  it('[v5:MQTT-3.14.4-1] [v311:MQTT-3.14.4-2] sends nothing after DISCONNECT', () => {
    const client = connected({ version })
    client.session.disconnect(0, {})

    expect([client.output.take(), client.publish('a', 0), client.subscribe([filter('f')])]).toEqual([
      ['DISCONNECT'],
      [],
      [],
    ])
    client.session.disconnect(0, {})
    expect(client.output.take()).toEqual([])
  })

  it('tells everybody who waits when the session is ended', () => {
    const client = connected({ version })
    client.publish('flying', 1)
    client.subscribe([filter('f')])
    client.session.connectionLost()
    for (const [payload, qos] of [
      ['kept', 0],
      ['waiting', 2],
    ] as const)
      client.publish(payload, qos)
    client.session.end()

    expect(client.takeHeard()).toEqual(['done flying -1', 'done kept -1', 'done waiting -1', 'abandoned f'])
    expect([client.session.unfinishedMessages, client.session.queuedBytes]).toEqual([0, 0])
  })

  it('refuses what its queue cannot hold', () => {
    const client = new TestClientSession({ maximumQueuedBytes: 200 })
    for (const qos of [0, 1] as const) for (const payload of ['a', 'b']) client.publish(`${payload}${qos}`, qos)

    const reason = '0x97 not sent: too much is waiting to be sent already'
    expect(client.takeHeard()).toEqual([`done b0 ${reason}`, `done b1 ${reason}`])
  })
})

describe('ClientSession, PINGREQ', () => {
  it('[v5:MQTT-3.1.2-20] pings in time and takes PINGRESP for an answer', () => {
    const client = connected({ keepAliveSeconds: 10 })

    expect(client.session.nextDeadlineMs).toBe(9_000)
    expect([client.session.tick(8_999), client.output.take()]).toEqual([true, []])
    expect([client.session.tick(9_000), client.output.take()]).toEqual([true, ['PINGREQ']])
    client.receive(PINGRESP)
    expect([client.session.tick(14_000), client.session.nextDeadlineMs]).toEqual([true, 18_000])
  })

  it('[v311:U311-3.1.2.10-1] gives a Server up that does not answer', () => {
    const client = connected({ keepAliveSeconds: 10, version: V3_1_1 })
    client.session.tick(9_000)

    expect([client.session.tick(13_999), client.session.tick(14_000)]).toEqual([true, false])
  })

  it('does not give a Server up that still sends', () => {
    const client = connected({ keepAliveSeconds: 10 })
    client.session.tick(9_000)
    client.session.received(13_999)

    expect(client.session.tick(14_000)).toBe(true)
  })

  it.each([
    [0, Number.POSITIVE_INFINITY],
    [20, 18_000],
  ])(
    '[v5:MQTT-3.1.2-21] [v5:MQTT-3.2.2-21] uses a Server Keep Alive of %i s instead of its own',
    (seconds, deadlineMs) => {
      const client = connected({ keepAliveSeconds: 10 }, { serverKeepAliveSeconds: seconds })

      expect(client.session.nextDeadlineMs).toBe(deadlineMs)
    },
  )

  it('has nothing to do without a connection', () => {
    const client = connected({ keepAliveSeconds: 10 })
    client.session.connectionLost()

    expect([client.session.nextDeadlineMs, client.session.tick(1e9)]).toEqual([Number.POSITIVE_INFINITY, true])
  })
})

describe('ClientSession, what the Server grants', () => {
  it.each([
    ['[v5:MQTT-3.2.2-11] above the Maximum QoS', { maximumQos: 1 }, 2, {}, /^done a 0x9b not sent: its QoS/],
    ['[v5:MQTT-3.2.2-11] above a Maximum QoS of 0', { maximumQos: 0 }, 1, {}, /^done a 0x9b/],
    [
      '[v5:MQTT-3.2.2-14] to be retained by a Server that cannot',
      { retainAvailable: 0 },
      0,
      { retain: true },
      /^done a 0x9a not sent/,
    ],
    [
      '[v5:MQTT-3.2.2-15] above the Maximum Packet Size',
      { maximumPacketBytes: 5 },
      0,
      {},
      /^done a 0x95 not sent: larger/,
    ],
    [
      '[v5:MQTT-3.2.2-15] above the Maximum Packet Size',
      { maximumPacketBytes: 5 },
      2,
      {},
      /^done a 0x95 not sent: larger/,
    ],
  ] as const)('never sends a message %s', (_, granted, qos, options, heard) => {
    const client = connected({}, granted)

    expect(client.publish('a', qos, options)).toEqual([])
    expect(client.takeHeard()).toEqual([expect.stringMatching(heard)])
    expect(client.session.unfinishedMessages).toBe(0)
  })

  it('judges what waited for a connection by what the next one grants', () => {
    const client = new TestClientSession()
    client.publish('two', 2)
    client.publish('kept', 0, { retain: true })
    client.publish('one', 1)

    expect(client.connected({}, { maximumQos: 1, retainAvailable: 0 })).toEqual(['PUBLISH t "one" q1 #1'])
    expect(client.takeHeard()).toEqual([
      expect.stringMatching(/^done kept 0x9a/),
      expect.stringMatching(/^done two 0x9b/),
      'connected',
    ])
  })

  it('judges what was in flight too, but finishes what the Server has taken', () => {
    const client = connected()
    client.publish('taken', 2)
    client.publish('lost', 2)
    client.acknowledge(PUBREC, 1)

    expect(client.connected({ cleanStart: false }, { maximumQos: 1 }, true)).toEqual(['PUBREL #1'])
    expect(client.takeHeard()[0]).toMatch(/^done lost 0x9b/)
  })

  it('[v5:MQTT-3.3.4-7] keeps to the smaller of Receive Maximum and its own bound', () => {
    const client = new TestClientSession({ bounds: { maximumInFlight: 2 } })
    client.connected({}, { receiveMaximum: 5 })
    expect([...client.publish('a', 1), ...client.publish('b', 1), ...client.publish('c', 1)]).toHaveLength(2)

    client.connected({}, { receiveMaximum: 1 })
    expect(client.session.terms?.receiveMaximum).toBe(1)
  })

  it('[v5:MQTT-3.2.2-17] [v5:MQTT-3.3.2-9] makes aliases up to the smaller of both maxima', () => {
    const client = new TestClientSession({ bounds: { maximumTopicAliases: 1 } })
    client.connected({}, { topicAliasMaximum: 10 })

    expect([...client.publish('a', 0), ...client.publish('b', 0)]).toEqual([
      'PUBLISH t "a" q0 alias=1',
      'PUBLISH t "b" q0 alias=1 no-topic',
    ])
  })

  it('[v5:MQTT-3.2.2-18] makes no alias when the Server takes none', () => {
    const client = new TestClientSession({ bounds: { maximumTopicAliases: 10 } })
    client.connected()

    expect(client.publish('a', 0)).toEqual(['PUBLISH t "a" q0'])
  })

  it('takes the Client Identifier that was assigned, and the expiry that will count', () => {
    const client = new TestClientSession()
    client.connected(
      { clientId: '', properties: { sessionExpiryIntervalSeconds: 60 } },
      { assignedClientIdentifier: 'made' },
    )
    expect([client.session.terms?.clientId, client.session.state.sessionExpiryIntervalSeconds]).toEqual(['made', 60])

    client.connected({ properties: { sessionExpiryIntervalSeconds: 60 } }, { sessionExpiryIntervalSeconds: 5 })
    expect(client.session.state.sessionExpiryIntervalSeconds).toBe(5)
  })

  it('[v5:MQTT-3.14.2-3] leaves a Reason String out that would make DISCONNECT too large', () => {
    const client = connected({}, { maximumPacketBytes: 12 })
    client.session.disconnect(0x82, { reasonString: 'a long story' })

    expect(client.output.take()).toEqual(['DISCONNECT 0x82'])
  })

  it('E-01 counts expiry from the moment of publication', () => {
    const client = new TestClientSession()
    client.nowMs = 50_000
    client.publish('a', 1, { properties: { messageExpiryIntervalSeconds: 10 } })
    client.publish('b', 1, { properties: { messageExpiryIntervalSeconds: 2 } })
    client.nowMs = 53_000

    expect(client.connected()).toEqual(['PUBLISH t "a" q1 #1 expires=7'])
    expect(client.takeHeard()[0]).toMatch(/^done b 0x83 not sent: its Message Expiry Interval/)
  })
})

describe('ClientSession, the Session on both sides', () => {
  const expiring = { properties: { sessionExpiryIntervalSeconds: 60 } }

  it('[v5:MQTT-4.4.0-1] goes on with a Session that the Server still has', () => {
    const client = connected(expiring)
    client.publish('one', 1)
    client.publish('two', 2)
    client.publish('three', 2)
    client.acknowledge(PUBREC, 3)
    client.receivePublish(publish('x', 'once', { qos: 2, packetId: 5 }))

    expect(client.connected({ ...expiring, cleanStart: false }, {}, true)).toEqual([
      'PUBLISH t "one" q1 #1 dup',
      'PUBLISH t "two" q2 #2 dup',
      'PUBREL #3',
    ])
    expect(client.receivePublish(publish('x', 'once', { qos: 2, packetId: 5, dup: true }))).toEqual(['PUBREC #5'])
    expect(client.takeHeard()).toEqual(['message x once q2', 'connected present'])
  })

  it('[v5:MQTT-3.2.2-5] drops its state when the Server has no Session', () => {
    const client = connected(expiring)
    client.receivePublish(publish('x', 'once', { qos: 2, packetId: 5 }))
    client.connected({ ...expiring, cleanStart: false })

    expect(client.receivePublish(publish('x', 'again', { qos: 2, packetId: 5 }))).toEqual(['PUBREC #5'])
    expect(client.takeHeard()).toEqual(['message x once q2', 'connected', 'message x again q2'])
  })

  it('publishes QoS 1 as new when the Session is gone, before all others, and tells what is known of QoS 2', () => {
    const client = connected(expiring)
    client.publish('one', 1)
    client.publish('taken', 2)
    client.publish('unknown', 2)
    client.acknowledge(PUBREC, 2)
    client.session.connectionLost()
    client.publish('later', 1)

    expect(client.connected({ ...expiring, cleanStart: false })).toEqual([
      'PUBLISH t "one" q1 #4',
      'PUBLISH t "later" q1 #5',
    ])
    expect(client.takeHeard()).toEqual(['done taken 0x00', 'done unknown -1', 'connected'])
  })

  it.each([
    ['v5:MQTT-3.2.2-4', V5, true],
    ['v5:MQTT-3.2.2-4', V5, false],
    ['v311:MQTT-3.2.2-1', V3_1_1, true],
    ['v311:MQTT-3.2.2-1', V3_1_1, false],
  ] as const)('[%s] refuses Session Present without state of its own', (_, version, cleanStart) => {
    const client = new TestClientSession()
    client.connect({ version, cleanStart })

    expect(() => client.receive(new Connack(true, 0))).toThrow(
      expect.objectContaining({ violation: 'SESSION_PRESENT_WITHOUT_STATE', version }),
    )
  })

  it('[v5:MQTT-3.1.2-4] [v311:MQTT-3.1.2-6] refuses Session Present after Clean Start', () => {
    const client = connected(expiring)
    client.connect({ ...expiring, cleanStart: true })

    expect(() => client.receive(new Connack(true, 0))).toThrow(
      expect.objectContaining({ violation: 'SESSION_PRESENT_WITHOUT_STATE' }),
    )
  })

  it('takes up a Session that an earlier run of the program left', () => {
    const client = new TestClientSession({ holdsSession: true })
    client.connected({ ...expiring, cleanStart: false }, {}, true)
    // whatever identifiers that run has set
    client.receivePublish(publish('x', 'a', { subscriptionIdentifiers: [77] }))

    expect(client.takeHeard()).toEqual(['connected present', 'message x a q0'])
  })
})

describe('ClientSession, what a Server must not do', () => {
  const early = expect.objectContaining({ violation: 'FIRST_PACKET_NOT_CONNACK' })

  it('[v5:MQTT-3.2.0-1] [v311:MQTT-3.2.0-1] send anything before CONNACK', () => {
    const client = new TestClientSession()
    client.connect()

    expect(() => client.receivePublish(publish('t', 'x'))).toThrow(early)
    expect(() => client.acknowledge(PUBACK, 1)).toThrow(early)
    expect(() => client.receive(PINGRESP)).toThrow(early)
    expect(() => client.receive(new Disconnect(0x8b))).toThrow(early)
  })

  it('[v5:MQTT-3.2.0-2] send CONNACK twice', () => {
    expect(() => connected().receive(new Connack(false, 0))).toThrow(
      expect.objectContaining({ violation: 'SECOND_CONNACK' }),
    )
  })

  it('[v5:U5-3.3.4-6] publish above the Maximum QoS that it stated', () => {
    const client = connected({}, { maximumQos: 1 })
    client.receivePublish(publish('t', 'x', { qos: 1, packetId: 1 }))

    expect(() => client.receivePublish(publish('t', 'x', { qos: 2, packetId: 2 }))).toThrow(
      expect.objectContaining({ violation: 'QOS_NOT_SUPPORTED', statement: 'U5-3.3.4-6', reasonCode: 0x9b }),
    )
  })

  it('[v5:U5-3.3.4-5] publish more than the Receive Maximum that we stated', () => {
    const client = connected({ properties: { receiveMaximum: 1 } })
    client.receivePublish(publish('t', 'x', { qos: 2, packetId: 1 }))

    expect(() => client.receivePublish(publish('t', 'x', { qos: 2, packetId: 2 }))).toThrow(
      expect.objectContaining({ violation: 'RECEIVE_MAXIMUM_EXCEEDED' }),
    )
  })

  it.each([
    [undefined, 1],
    [3, 4],
  ])('[v5:U5-3.3.4-1] use aliases above the maximum that we stated (%s)', (topicAliasMaximum, topicAlias) => {
    const client = connected({ properties: topicAliasMaximum === undefined ? {} : { topicAliasMaximum } })

    expect(() => client.receivePublish(publish('t', 'x', { topicAlias }))).toThrow(
      expect.objectContaining({ violation: 'TOPIC_ALIAS_ABOVE_MAXIMUM', reasonCode: 0x94 }),
    )
  })

  it('A-02 [v5:MQTT-3.3.2-7] use an alias of an earlier connection', () => {
    const client = connected({ properties: { topicAliasMaximum: 3 } })
    client.receivePublish(publish('t', 'x', { topicAlias: 1 }))
    client.receivePublish(publish('', 'y', { topicAlias: 1 }))
    expect(client.takeHeard()).toEqual(['message t x q0', 'message t y q0'])

    client.connected({ properties: { topicAliasMaximum: 3 } })
    expect(() => client.receivePublish(publish('', 'z', { topicAlias: 1 }))).toThrow(
      expect.objectContaining({ violation: 'TOPIC_ALIAS_UNKNOWN' }),
    )
  })

  it('[v5:U5-3.3.4-4] bring back a Subscription Identifier that no SUBSCRIBE has set', () => {
    const client = connected()
    client.subscribe([filter('f')], { subscriptionIdentifiers: [5] })
    client.receivePublish(publish('f', 'x', { subscriptionIdentifiers: [5] }))

    expect(() => client.receivePublish(publish('f', 'x', { subscriptionIdentifiers: [5, 6] }))).toThrow(
      expect.objectContaining({ violation: 'SUBSCRIPTION_IDENTIFIER_UNKNOWN' }),
    )
  })

  it.each([
    ['Reason String', { reasonString: 'x' }],
    ['User Property', { userProperties: [['a', 'b']] as [string, string][] }],
  ])('[v5:U5-3.1.2.11.7-2] send a %s that we asked it not to', (_, properties) => {
    const client = connected({ properties: { requestProblemInformation: 0 } })
    client.publish('a', 1)

    expect(() => client.acknowledge(PUBACK, 1, 0, properties)).toThrow(
      expect.objectContaining({ violation: 'PROBLEM_INFORMATION_UNWANTED', packetType: PUBACK }),
    )
  })

  it('takes a Reason String unless asked not to send it', () => {
    const client = connected()
    client.publish('a', 1)
    client.acknowledge(PUBACK, 1, 0x87, { reasonString: 'no' })

    expect(client.takeHeard()).toEqual(['done a 0x87 no'])
  })

  it('[v5:U5-3.15.0-1] send AUTH although CONNECT named no method', () => {
    const client = new TestClientSession()
    client.connect()

    expect(() => client.receive(new Auth(0x18, { authenticationMethod: 'x' }))).toThrow(
      expect.objectContaining({ violation: 'AUTH_WITHOUT_METHOD' }),
    )
  })

  it('[v5:MQTT-4.12.0-5] change the authentication method', () => {
    const properties = { authenticationMethod: 'ours' }
    const changed = expect.objectContaining({ violation: 'AUTHENTICATION_METHOD_CHANGED' })
    const client = new TestClientSession()
    client.connect({ properties })

    client.receive(new Auth(0x18, properties))
    expect(client.takeHeard()).toEqual(['auth 0x18'])
    expect(() => client.receive(new Auth(0x18, { authenticationMethod: 'theirs' }))).toThrow(changed)
    expect(() => client.receive(new Connack(false, 0))).toThrow(changed)
  })

  it('O-09 [v5:MQTT-2.2.1-5] acknowledge a PUBLISH as if it were of another QoS, or a SUBSCRIBE as if it were one', () => {
    const wrongKind = expect.objectContaining({ violation: 'ACKNOWLEDGEMENT_OF_WRONG_KIND' })
    const client = connected()
    client.publish('a', 1)
    client.subscribe([filter('f')])

    expect(() => client.acknowledge(PUBREC, 1)).toThrow(wrongKind)
    expect(() => client.acknowledge(PUBACK, 2)).toThrow(wrongKind)
  })
})

describe('ClientSession, DISCONNECT of the Server', () => {
  it('is told, and ends the connection', () => {
    const client = connected()
    client.publish('a', 1)
    client.receive(new Disconnect(0x8b))

    expect([client.takeHeard(), client.session.terms, client.publish('b', 0)]).toEqual([
      ['disconnected 0x8b'],
      null,
      [],
    ])
  })
})
