import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ClientOptions } from '../../src/client/client.ts'
import { ClientErrorKind } from '../../src/client/client-error.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../src/codec/packets/acknowledgement.ts'
import { Disconnect } from '../../src/codec/packets/disconnect.ts'
import { PINGRESP } from '../../src/codec/packets/ping.ts'
import { Suback } from '../../src/codec/packets/suback.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { parseAddress } from '../../src/transport/address.ts'
import { publish } from '../support/packets.ts'
import { ScriptedBroker, type ScriptedPeer } from '../support/scripted-broker.ts'
import { startBroker } from '../support/test-broker.ts'
import { TestClient } from '../support/test-client.ts'
import { filter } from '../support/test-client-session.ts'

const { V3_1_1, V5 } = ProtocolVersion
const { CONNECTION_LOST, DISCONNECTED, TAKEN_OVER, PROTOCOL, CLOSED } = ClientErrorKind
const AT_ONCE = { minimumDelayMs: 1, maximumDelayMs: 1, jitter: 0, maximumAttempts: Number.POSITIVE_INFINITY }
const EXPIRING = { connectProperties: { sessionExpiryIntervalSeconds: 60 } }

afterEach(() => {
  vi.useRealTimers()
})

async function connected(
  options: Partial<ClientOptions> = {},
): Promise<{ broker: ScriptedBroker; test: TestClient; peer: ScriptedPeer }> {
  const broker = await ScriptedBroker.start()
  const test = new TestClient(broker.address, options)
  const [peer] = await Promise.all([broker.accept(), test.client.connect()])
  test.heard.length = 0
  return { broker, test, peer }
}

describe('a connection that is lost', () => {
  it.each<[string, (peer: ScriptedPeer) => void, object]>([
    [
      'the Server closes it',
      (peer) => peer.end(),
      { kind: CONNECTION_LOST, message: expect.stringMatching(/closed the connection$/) },
    ],
    ['the Server resets it', (peer) => peer.reset(), { kind: CONNECTION_LOST, cause: { code: 'ECONNRESET' } }],
    [
      'the Server sends DISCONNECT',
      (peer) => peer.send(new Disconnect(0x8b, { reasonString: 'bye' })),
      {
        kind: DISCONNECTED,
        reasonCode: 0x8b,
        reasonString: 'bye',
        message: 'the server ended the connection: 0x8B Server shutting down ("bye")',
      },
    ],
    ['another client takes it over', (peer) => peer.send(new Disconnect(0x8e)), { kind: TAKEN_OVER, reasonCode: 0x8e }],
    [
      'the Server breaks a rule',
      (peer) => peer.sendBytes('c0 00'),
      { kind: PROTOCOL, cause: { violation: 'PACKET_FROM_WRONG_SIDE' } },
    ],
  ])('ends the client with one error when %s', async (_, act, details) => {
    const { test, peer } = await connected()
    act(peer)
    const error = await test.closed

    expect(error).toMatchObject(details)
    expect(test.errors).toEqual([error])
    expect(test.heard).toEqual([`lost ${error?.kind} for good`, `closed ${error?.kind}`])
  })

  it('ends everything that waits with that error', async () => {
    const { test, peer } = await connected()
    const outcomes = [
      test.client.publish('t', 'x', { qos: 1 }),
      test.client.subscribe([filter('a')]),
      test.client.unsubscribe(['a']),
    ].map((outcome) => outcome.catch((reason: unknown) => reason))
    await peer.lines(3)
    peer.end()

    const error = await test.closed
    expect(await Promise.all(outcomes)).toEqual([error, error, error])
  })

  it.each<[string, string, number]>([
    ['[v5:U5-4.13.1-1] a malformed packet', '43 02 00 01', 0x81],
    ['[v5:U5-3.3.4-1] a Topic Alias above the maximum', '30 07 00 01 74 03 23 00 01', 0x94],
    ['[v5:MQTT-3.3.2-2] a wildcard in a Topic Name', '30 04 00 01 23 00', 0x90],
    ['[v5:MQTT-2.2.1-6] a SUBACK for nothing', '90 04 00 07 00 00', 0x82],
    ['[v5:U5-3.1.2.11.4-2] a packet above the Maximum Packet Size', '30 64', 0x95],
  ])('[v5:MQTT-4.13.2-1] is told why: %s', async (_, hex, reasonCode) => {
    const { test, peer } = await connected({ connectProperties: { maximumPacketBytes: 100 } })
    peer.sendBytes(hex)

    expect(await peer.next()).toMatchObject({
      packetType: PacketType.DISCONNECT,
      reasonCode,
      properties: { reasonString: expect.any(String) },
    })
    expect(await peer.next()).toBeNull()
    expect(await test.closed).toMatchObject({ kind: PROTOCOL, reasonCode })
  })

  it('[v311:MQTT-4.8.0-1] is just closed when a Server of 3.1.1 breaks a rule', async () => {
    const { test, peer } = await connected({ version: V3_1_1 })
    peer.sendBytes('90 03 00 07 00')

    expect(await peer.rest()).toEqual([])
    expect(await test.closed).toMatchObject({ kind: PROTOCOL, cause: { violation: 'ACKNOWLEDGEMENT_WITHOUT_REQUEST' } })
  })

  it.each(['e0 01 8b', 'c0 00'])('B-20 looks at nothing behind DISCONNECT or a broken packet: %s', async (first) => {
    const broker = await ScriptedBroker.start()
    const traced: number[] = []
    const trace = (direction: string, { packetType }: { packetType: number }) => {
      if (direction === 'received') traced.push(packetType)
    }
    const test = new TestClient(broker.address, {}, { trace })
    const [peer] = await Promise.all([broker.accept(), test.client.connect()])
    peer.sendBytes(`${first} 30 05 00 01 74 00 78`)
    await test.closed

    expect(test.heard.filter((line) => line.startsWith('message'))).toEqual([])
    expect(traced).not.toContain(PacketType.PUBLISH)
  })

  it('is cut off when the Server does not close its side', async () => {
    const { test, peer } = await connected()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    peer.holdsOpen = true
    peer.send(new Disconnect(0x8b))
    expect(await peer.rest()).toEqual([])
    vi.advanceTimersByTime(2_000)

    expect(await test.closed).toMatchObject({ kind: DISCONNECTED })
  })
})

describe('a silent Server', () => {
  it('[v5:MQTT-3.1.2-20] [v311:MQTT-3.1.2-23] is pinged in time and, when it does not answer, given up', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const { test, peer } = await connected({ keepAliveSeconds: 10 })
    vi.advanceTimersByTime(9_000)
    await peer.expect(PacketType.PINGREQ)
    peer.send(PINGRESP)
    peer.send(publish('t', 'x'))
    // PINGRESP was read when this was
    await test.hear('message')
    vi.advanceTimersByTime(9_000)
    await peer.expect(PacketType.PINGREQ)
    vi.advanceTimersByTime(5_000)

    expect(await test.closed).toMatchObject({
      kind: CONNECTION_LOST,
      message: expect.stringMatching(/no PINGRESP in time$/),
    })
    expect(await peer.rest()).toEqual([])
  })

  it('is not given up while we do not read', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const { test, peer } = await connected({ keepAliveSeconds: 10 })
    test.client.pauseMessages()
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(9_000)
      await peer.expect(PacketType.PINGREQ)
      peer.send(PINGRESP)
    }
    test.client.resumeMessages()
    peer.send(publish('t', 'x'))
    await test.hear('message')

    expect(test.errors).toEqual([])
  })
})

describe('reconnecting', () => {
  it('comes back, goes on with the Session and finishes what was begun', async () => {
    const { broker, test, peer } = await connected({ reconnect: AT_ONCE, ...EXPIRING })
    const outcome = test.client.publish('t', 'x', { qos: 1 })
    await peer.expect(PacketType.PUBLISH)
    peer.reset()
    await test.hear('lost CONNECTION_LOST')
    const again = await broker.accept({}, true)

    expect(again.connect).toMatchObject({ clientId: 'id', cleanStart: false })
    expect(await again.lines(1)).toEqual(['PUBLISH t "x" q1 #1 dup'])
    again.send(new Acknowledgement(PacketType.PUBACK, 1))
    expect(await outcome).toMatchObject({ reasonCode: 0 })
    await test.hear('connected 1 present')
  })

  it.each<[string, Partial<ClientOptions>, boolean]>([
    ['5.0, no expiry', { version: V5 }, true],
    ['5.0 with expiry', { version: V5, ...EXPIRING }, false],
    ['3.1.1, Clean Session', { version: V3_1_1 }, true],
    ['3.1.1 with a session', { version: V3_1_1, cleanStart: false }, false],
  ])('starts clean where nothing outlives the connection: %s', async (_, options, cleanStart) => {
    const { broker, peer } = await connected({ reconnect: AT_ONCE, ...options })
    peer.end()

    expect((await broker.accept()).connect?.cleanStart).toBe(cleanStart)
  })

  it('comes back under the Client Identifier that the Server made', async () => {
    const broker = await ScriptedBroker.start()
    const test = new TestClient(broker.address, { clientId: '', reconnect: AT_ONCE, ...EXPIRING })
    const [peer] = await Promise.all([broker.accept({ assignedClientIdentifier: 'made' }), test.client.connect()])
    peer.end()

    expect((await broker.accept()).connect?.clientId).toBe('made')
  })

  it('subscribes again when the Server has lost the Session, and tells what it said', async () => {
    const { broker, test, peer } = await connected({ reconnect: AT_ONCE, ...EXPIRING })
    const subscribed = test.client.subscribe([filter('a', 1), filter('b')])
    await peer.expect(PacketType.SUBSCRIBE)
    peer.send(new Suback(1, [1, 0]))
    await subscribed
    peer.end()
    const again = await broker.accept()

    expect(await again.lines(1)).toEqual(['SUBSCRIBE #2 a:1 b:0'])
    again.send(new Suback(2, [1, 0x87]))
    expect(await test.hear('resubscribed')).toBe('resubscribed a,b 1,135')
  })

  it('sends a SUBSCRIBE again that was not answered', async () => {
    const { broker, test, peer } = await connected({ reconnect: AT_ONCE })
    const subscribed = test.client.subscribe([filter('a')])
    await peer.expect(PacketType.SUBSCRIBE)
    peer.reset()
    const again = await broker.accept()
    const { packetId } = await again.expect(PacketType.SUBSCRIBE)
    again.send(new Suback(packetId, [0]))

    expect((await subscribed).codes).toEqual([0])
  })

  it('counts its attempts, waits longer each time, and gives up after the last', async () => {
    const policy = { minimumDelayMs: 2, maximumDelayMs: 5, jitter: 0, maximumAttempts: 3 }
    const { broker, test, peer } = await connected({ reconnect: policy })
    await broker.stop()
    peer.reset()
    const error = await test.closed

    expect(test.heard).toEqual([
      'lost CONNECTION_LOST',
      'failed CANNOT_CONNECT',
      'failed CANNOT_CONNECT',
      'failed CANNOT_CONNECT for good',
      'closed CANNOT_CONNECT',
    ])
    expect(test.delaysMs).toEqual([2, 4, 5, null])
    expect(error).toBe(test.errors.at(-1))
  })

  it('tells how many attempts it took, and begins to count anew', async () => {
    const { broker, test, peer } = await connected({ reconnect: AT_ONCE })
    peer.reset()
    for (let i = 0; i < 2; i++) (await broker.connection()).reset()
    const again = await broker.accept()
    await test.hear('connected 3')
    again.reset()
    await broker.accept()

    expect(await test.hear('connected')).toBe('connected 1')
  })

  it('waits as long as the policy says', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const policy = { ...AT_ONCE, minimumDelayMs: 1_000, maximumDelayMs: 1_000 }
    const { broker, test, peer } = await connected({ reconnect: policy })
    peer.reset()
    await test.hear('lost')
    vi.advanceTimersByTime(999)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(1)

    await broker.accept()
    await test.hear('connected 1')
  })

  it.each<[string, (peer: ScriptedPeer) => void, string]>([
    ['a takeover', (peer) => peer.send(new Disconnect(0x8e)), TAKEN_OVER],
    ['a broken rule', (peer) => peer.sendBytes('c0 00'), PROTOCOL],
    ['DISCONNECT 0x87', (peer) => peer.send(new Disconnect(0x87)), DISCONNECTED],
  ])('is not tried after %s', async (_, act, kind) => {
    const { broker, test, peer } = await connected({ reconnect: AT_ONCE })
    act(peer)

    expect(await test.closed).toMatchObject({ kind })
    expect([test.delaysMs, broker.connectionCount]).toEqual([[null], 1])
  })

  it.each(['disconnect', 'destroy'] as const)('stops for good when %s() is called while it waits', async (method) => {
    const { broker, test, peer } = await connected({
      reconnect: { ...AT_ONCE, minimumDelayMs: 1e6, maximumDelayMs: 1e6 },
    })
    const outcome = test.client.publish('t', 'x', { qos: 1 }).catch((reason: unknown) => reason)
    peer.reset()
    await test.hear('lost')
    await test.client[method]()

    expect([await test.closed, test.heard, broker.connectionCount]).toEqual([null, ['closed'], 1])
    expect(await outcome).toMatchObject({ kind: CLOSED })
  })

  it('stops for good when its handler says so', async () => {
    const broker = await ScriptedBroker.start()
    const test: TestClient = new TestClient(
      broker.address,
      { reconnect: AT_ONCE },
      { connectionLost: () => test.client.destroy() },
    )
    const [peer] = await Promise.all([broker.accept(), test.client.connect()])
    peer.end()

    expect(await test.closed).toBeNull()
    expect(broker.connectionCount).toBe(1)
  })

  it('keeps what is published meanwhile, and sends it in order', async () => {
    const { broker, test, peer } = await connected({ reconnect: AT_ONCE })
    peer.reset()
    await test.hear('lost')
    for (const qos of [1, 0, 2, 0] as const) void test.client.publish('t', `${qos}`, { qos }).catch(() => {})
    const again = await broker.accept()

    expect(await again.lines(4)).toEqual([
      'PUBLISH t "0" q0',
      'PUBLISH t "0" q0',
      'PUBLISH t "1" q1 #1',
      'PUBLISH t "2" q2 #2',
    ])
  })

  it('tells that nobody knows about QoS 2 when the Server has lost the Session', async () => {
    const { broker, test, peer } = await connected({ reconnect: AT_ONCE, ...EXPIRING })
    const outcome = test.client.publish('t', 'x', { qos: 2 }).catch((reason: unknown) => reason)
    await peer.expect(PacketType.PUBLISH)
    peer.reset()
    await broker.accept()

    expect(await outcome).toMatchObject({
      kind: CONNECTION_LOST,
      message: expect.stringMatching(/has lost the session/),
    })
    expect(test.client.inFlight).toBe(0)
  })
})

describe('a Client and a broker', () => {
  it('part when another client takes the id', async () => {
    const { url } = await startBroker()
    const { address } = parseAddress(url)
    const first = new TestClient(address, { reconnect: AT_ONCE })
    await first.client.connect()
    const second = new TestClient(address)
    await second.client.connect()

    expect(await first.closed).toMatchObject({ kind: TAKEN_OVER, reasonCode: 0x8e })
    await second.client.disconnect()
  })

  it('part when the broker stops', async () => {
    const { broker, url } = await startBroker()
    const test = new TestClient(parseAddress(url).address)
    await test.client.connect()
    await broker.stop()

    expect(await test.closed).toMatchObject({ kind: DISCONNECTED, reasonCode: 0x8b })
  })
})
