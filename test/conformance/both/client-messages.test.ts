import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { publish } from '../../support/packets.ts'
import { filter, TestClientSession } from '../../support/test-client-session.ts'
import { EACH_VERSION } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
const { V5 } = ProtocolVersion

describe.each(EACH_VERSION)('messages of a client, MQTT %s', (_, version) => {
  const properties = version === V5 ? { sessionExpiryIntervalSeconds: 60 } : {}
  const keeping = { version, cleanStart: false, properties }

  function connected(): TestClientSession {
    const client = new TestClientSession({ holdsSession: true })
    client.connected(keeping, {}, false)
    client.takeHeard()
    return client
  }

  function reconnect(client: TestClientSession): string[] {
    // 3.1 does not tell whether the session is there
    return client.connected(keeping, {}, version >= 4)
  }

  it('[v5:MQTT-4.3.1-1, v311:MQTT-4.3.1-1] go out at QoS 0 with DUP 0, once', () => {
    const client = connected()

    expect(client.publish('x', 0)).toEqual(['PUBLISH t "x" q0'])
    expect(reconnect(client)).toEqual([])
  })

  it('[v5:MQTT-4.3.2-1, v5:MQTT-4.3.3-1, v311:MQTT-4.3.2-1, v311:MQTT-4.3.3-1] get ids that nothing in flight has', () => {
    const client = connected()
    const ids = new Set<string>()
    for (let i = 0; i < 20; i++) ids.add(client.publish(`${i}`, i % 2 === 0 ? 1 : 2)[0]!.match(/#(\d+)/)![1]!)
    client.subscribe([filter('f')])

    expect(ids.size).toBe(20)
    expect(ids.has('0')).toBe(false)
    expect(client.publish('next', 1)).toEqual(['PUBLISH t "next" q1 #22'])
  })

  it('[v5:MQTT-4.3.2-2, v5:MQTT-4.3.2-3, v311:MQTT-4.3.2-1] at QoS 1 go out with DUP 0 and stay unacknowledged until PUBACK', () => {
    const client = connected()
    expect(client.publish('x', 1)).toEqual(['PUBLISH t "x" q1 #1'])
    expect([client.session.unfinishedMessages, client.takeHeard()]).toEqual([1, []])
    client.acknowledge(PUBACK, 1)

    expect([client.session.unfinishedMessages, client.takeHeard()]).toEqual([0, ['done x 0x00']])
  })

  it('[v5:MQTT-4.3.3-2, v5:MQTT-4.3.3-3, v5:MQTT-4.3.3-4, v5:MQTT-4.3.3-5, v311:MQTT-4.3.3-1] at QoS 2 go out with DUP 0, are released by PUBREL after PUBREC, and are done with PUBCOMP', () => {
    const client = connected()
    expect(client.publish('x', 2)).toEqual(['PUBLISH t "x" q2 #1'])
    expect(client.takeHeard()).toEqual([])
    expect(client.acknowledge(PUBREC, 1)).toEqual(['PUBREL #1'])
    expect([client.session.unfinishedMessages, client.takeHeard()]).toEqual([1, []])
    client.acknowledge(PUBCOMP, 1)

    expect([client.session.unfinishedMessages, client.takeHeard()]).toEqual([0, ['done x 0x00']])
  })

  it('[v5:MQTT-4.4.0-1, v5:MQTT-3.3.1-1, v5:MQTT-4.6.0-1, v5:MQTT-4.3.3-6, v5:MQTT-3.1.2-23, v311:MQTT-4.4.0-1, v311:MQTT-3.3.1-1, v311:MQTT-4.6.0-1, v311:MQTT-2.3.1-3, v311:MQTT-4.3.3-1, v311:MQTT-3.1.2-4] are sent again after a reconnect in their order, with DUP and their ids; what was released is not', () => {
    const client = connected()
    for (const [payload, qos] of [
      ['a', 1],
      ['b', 2],
      ['c', 2],
      ['d', 1],
      ['e', 1],
    ] as const) {
      client.publish(payload, qos)
    }
    client.acknowledge(PUBREC, 3)
    client.acknowledge(PUBACK, 4)

    expect(reconnect(client)).toEqual([
      'PUBLISH t "a" q1 #1 dup',
      'PUBLISH t "b" q2 #2 dup',
      'PUBREL #3',
      'PUBLISH t "e" q1 #5 dup',
    ])
  })

  it('[v5:MQTT-4.4.0-1, v311:U311-4.4-1] are not sent again on a connection that lives', () => {
    const client = connected()
    client.publish('a', 1)
    client.publish('b', 2)
    client.nowMs = 86_400_000
    client.session.tick(client.nowMs)
    client.session.drained(client.nowMs)

    expect(client.output.take().filter((line) => line !== 'PINGREQ')).toEqual([])
  })

  it('[v5:MQTT-3.3.4-1, v311:MQTT-3.3.4-1] that come are answered by their QoS', () => {
    const client = connected()

    expect(client.receivePublish(publish('x', 'a'))).toEqual([])
    expect(client.receivePublish(publish('x', 'b', { qos: 1, packetId: 5 }))).toEqual(['PUBACK #5'])
    expect(client.receivePublish(publish('x', 'c', { qos: 2, packetId: 6 }))).toEqual(['PUBREC #6'])
  })

  it('[v5:MQTT-4.3.2-4, v5:MQTT-4.3.2-5, v311:MQTT-4.3.2-2] that come at QoS 1 are acknowledged each time, and then their id means a new one', () => {
    const client = connected()
    for (const dup of [false, true]) {
      expect(client.receivePublish(publish('x', 'a', { qos: 1, packetId: 9, dup }))).toEqual(['PUBACK #9'])
    }

    expect(client.takeHeard()).toEqual(['message x a q1', 'message x a q1'])
  })

  it('[v5:MQTT-4.3.3-8, v5:MQTT-4.3.3-10, v5:MQTT-4.3.3-11, v5:MQTT-4.3.3-12, v311:MQTT-4.3.3-2] that come at QoS 2 are told once until PUBREL, and after PUBCOMP their id means a new one', () => {
    const client = connected()
    for (const round of ['first', 'second']) {
      for (const dup of [false, true, true]) {
        expect(client.receivePublish(publish('x', round, { qos: 2, packetId: 9, dup }))).toEqual(['PUBREC #9'])
      }
      expect(client.acknowledge(PUBREL, 9)).toEqual(['PUBCOMP #9'])
    }

    expect(client.takeHeard()).toEqual(['message x first q2', 'message x second q2'])
  })

  it('[v5:MQTT-4.6.0-2, v5:MQTT-4.6.0-3, v5:MQTT-4.6.0-4, v311:MQTT-4.6.0-2, v311:MQTT-4.6.0-3, v311:MQTT-4.6.0-4] are acknowledged in the order in which they came', () => {
    const client = connected()
    const came = [7, 3, 65_535, 1]
    const answers = came.flatMap((packetId) => [
      ...client.receivePublish(publish('x', 'a', { qos: 1, packetId })),
      ...client.receivePublish(publish('x', 'b', { qos: 2, packetId })),
    ])
    expect(answers).toEqual(came.flatMap((packetId) => [`PUBACK #${packetId}`, `PUBREC #${packetId}`]))

    for (let i = 0; i < 4; i++) client.publish(`${i}`, 2)
    expect([3, 1, 4, 2].flatMap((packetId) => client.acknowledge(PUBREC, packetId))).toEqual([
      'PUBREL #3',
      'PUBREL #1',
      'PUBREL #4',
      'PUBREL #2',
    ])
  })

  it('[v5:MQTT-4.1.0-1, v311:MQTT-4.1.0-1, v311:MQTT-4.1.0-2] are remembered as long as the session lasts: sent, released, received', () => {
    const client = connected()
    client.publish('sent', 1)
    client.publish('released', 2)
    client.acknowledge(PUBREC, 2)
    client.receivePublish(publish('x', 'once', { qos: 2, packetId: 5 }))
    client.nowMs = 1e12
    client.takeHeard()

    expect(reconnect(client)).toEqual(['PUBLISH t "sent" q1 #1 dup', 'PUBREL #2'])
    expect(client.receivePublish(publish('x', 'once', { qos: 2, packetId: 5, dup: true }))).toEqual(['PUBREC #5'])
    expect(client.takeHeard().filter((line) => line.startsWith('message'))).toEqual([])
  })
})

describe('messages of a client, MQTT 5.0', () => {
  function connected(granted = {}, connectProperties = {}): TestClientSession {
    const client = new TestClientSession()
    client.connected({ properties: connectProperties }, granted)
    client.takeHeard()
    return client
  }

  it('[v5:MQTT-3.3.4-8, v5:MQTT-4.9.0-1, v5:MQTT-4.9.0-2, v5:MQTT-4.9.0-3] at QoS 1 and 2 wait at the Receive Maximum, and nothing else does', () => {
    const client = connected({ receiveMaximum: 2 })
    expect([client.publish('a', 1), client.publish('b', 2), client.publish('c', 1)]).toEqual([
      ['PUBLISH t "a" q1 #1'],
      ['PUBLISH t "b" q2 #2'],
      [],
    ])

    expect(client.publish('zero', 0)).toEqual(['PUBLISH t "zero" q0'])
    expect(client.subscribe([filter('f')])).toEqual(['SUBSCRIBE #3 f:0'])
    expect(client.receivePublish(publish('x', 'y', { qos: 1, packetId: 4 }))).toEqual(['PUBACK #4'])
    expect(client.acknowledge(PUBREC, 2)).toEqual(['PUBREL #2'])
    expect(client.acknowledge(PUBACK, 1)).toEqual(['PUBLISH t "c" q1 #4'])
  })

  it('[v5:U5-4.9.0-1] wait until PUBACK, PUBCOMP, or PUBREC of 0x80 or more; the quota starts anew with each connection', () => {
    const client = connected({ receiveMaximum: 1 }, { sessionExpiryIntervalSeconds: 60 })
    client.publish('a', 2)
    for (const payload of ['b', 'c', 'd', 'e']) client.publish(payload, payload === 'b' ? 1 : 2)
    expect(client.acknowledge(PUBREC, 1, 0x97)).toEqual(['PUBLISH t "b" q1 #2'])
    expect(client.acknowledge(PUBACK, 2)).toEqual(['PUBLISH t "c" q2 #3'])
    expect(client.acknowledge(PUBREC, 3)).toEqual(['PUBREL #3'])
    // nothing is open under this id: no place becomes free
    expect(client.acknowledge(PUBACK, 2)).toEqual([])
    expect(client.acknowledge(PUBCOMP, 3, 0x92)).toEqual(['PUBLISH t "d" q2 #4'])

    const again = { cleanStart: false, properties: { sessionExpiryIntervalSeconds: 60 } }
    expect(client.connected(again, { receiveMaximum: 2 }, true)).toEqual([
      'PUBLISH t "d" q2 #4 dup',
      'PUBLISH t "e" q2 #5',
    ])
  })

  it('[v5:MQTT-4.4.0-2] are not sent again when they were answered with 0x80 or more', () => {
    const client = connected({}, { sessionExpiryIntervalSeconds: 60 })
    client.publish('a', 1)
    client.publish('b', 2)
    client.acknowledge(PUBACK, 1, 0x83)
    expect(client.acknowledge(PUBREC, 2, 0x97)).toEqual([])

    const again = { cleanStart: false, properties: { sessionExpiryIntervalSeconds: 60 } }
    expect(client.connected(again, {}, true)).toEqual([])
    expect(client.takeHeard()).toEqual(['done a 0x83', 'done b 0x97', 'connected present'])
  })

  it('[v5:MQTT-4.3.3-9] free their id for a new one when they were refused with PUBREC', () => {
    const client = connected()
    client.publish('a', 2)
    client.acknowledge(PUBREC, 1, 0x97)
    client.session.state.packetIds.allocate(client.session.state.inFlight)
    for (let i = 0; i < 65_533; i++) client.session.state.packetIds.allocate(client.session.state.inFlight)

    expect(client.publish('b', 2)).toEqual(['PUBLISH t "b" q2 #1'])
  })

  it('[v5:MQTT-3.3.2-10] may come with every Topic Alias from 1 to the maximum that CONNECT told', () => {
    const client = connected({}, { topicAliasMaximum: 300 })
    for (let topicAlias = 1; topicAlias <= 300; topicAlias++)
      client.receivePublish(publish(`t${topicAlias}`, 'x', { topicAlias }))
    client.takeHeard()
    for (const topicAlias of [300, 1, 256]) client.receivePublish(publish('', 'y', { topicAlias }))

    expect(client.takeHeard()).toEqual(['message t300 y q0', 'message t1 y q0', 'message t256 y q0'])
  })

  it('[v5:U5-3.3.4-3] may set a Topic Alias anew', () => {
    const client = connected({}, { topicAliasMaximum: 1 })
    for (const topicName of ['old', 'new', '']) client.receivePublish(publish(topicName, 'x', { topicAlias: 1 }))

    expect(client.takeHeard()).toEqual(['message old x q0', 'message new x q0', 'message new x q0'])
  })

  it('[v5:U5-3.3.4-2] must not use a Topic Alias that was never set', () => {
    const client = connected({}, { topicAliasMaximum: 1 })

    expect(() => client.receivePublish(publish('', 'x', { topicAlias: 1 }))).toThrow(
      expect.objectContaining({ violation: 'TOPIC_ALIAS_UNKNOWN', reasonCode: 0x82 }),
    )
  })
})
