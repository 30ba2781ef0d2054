import { afterEach, describe, expect, it, vi } from 'vitest'
import { Message } from '../../src/codec/message.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { NEVER_ACKNOWLEDGED } from '../../src/session/client-session.ts'
import { parseAddress } from '../../src/transport/address.ts'
import { publish } from '../support/packets.ts'
import { ScriptedBroker } from '../support/scripted-broker.ts'
import { startBroker } from '../support/test-broker.ts'
import { TestClient } from '../support/test-client.ts'
import { filter } from '../support/test-client-session.ts'

const MIB = 1_048_576

afterEach(() => {
  vi.useRealTimers()
})

async function connected(options: ConstructorParameters<typeof TestClient>[1] = {}) {
  const broker = await ScriptedBroker.start()
  const test = new TestClient(broker.address, options)
  const [peer] = await Promise.all([broker.accept(), test.client.connect()])
  test.heard.length = 0
  return { broker, test, peer }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

describe('backpressure', () => {
  it('says stop when the Server does not read, and go when it has read', async () => {
    const { test, peer } = await connected()
    peer.socket.pause()
    const message = Message.create('t', Buffer.alloc(50_000))
    let sent = 0
    let done = 0
    const count = (): void => void done++
    do sent++
    while (test.client.send(message, count))

    expect(test.client.pendingBytes).toBeGreaterThan(MIB)
    expect(test.client.pendingBytes).toBeLessThan(2 * MIB)
    peer.socket.resume()
    await test.hear('drained')
    expect(test.client.pendingBytes).toBeLessThanOrEqual(MIB / 2)
    for (let i = 0; i < sent; i++) await peer.expect(PacketType.PUBLISH)
    expect(done).toBe(sent)
  })

  it('says stop while messages wait for a connection, refuses what its bound has no room for, and says go', async () => {
    const broker = await ScriptedBroker.start()
    const test = new TestClient(broker.address, { maximumQueuedBytes: 10_000 })
    const message = Message.create('t', Buffer.alloc(1_000))
    const codes: number[] = []
    const answers = Array.from({ length: 12 }, () => test.client.send(message, (code) => codes.push(code)))

    expect(answers.indexOf(false)).toBe(4)
    expect(answers.lastIndexOf(true)).toBe(3)
    expect(codes).toEqual([0x97, 0x97, 0x97, 0x97])
    const [peer] = await Promise.all([broker.accept(), test.client.connect()])
    await test.hear('drained')
    for (let i = 0; i < 8; i++) await peer.expect(PacketType.PUBLISH)
  })

  it('says stop when a message is refused for lack of room, but not when it would never have any', async () => {
    const test = new TestClient((await ScriptedBroker.start()).address, { maximumQueuedBytes: 10_000 })
    const send = (payloadBytes: number) => test.client.send(Message.create('t', Buffer.alloc(payloadBytes)), null)

    expect([send(20_000), send(1_000), send(9_500)]).toEqual([true, true, false])
  })

  it('counts what waits for acknowledgements of earlier messages', async () => {
    const broker = await ScriptedBroker.start()
    const test = new TestClient(broker.address, { maximumInFlight: 1 })
    const [peer] = await Promise.all([broker.accept(), test.client.connect()])
    const message = Message.create('t', Buffer.alloc(200_000), { qos: 1 })
    let sent = 0
    do sent++
    while (test.client.send(message, null))
    expect(test.client.inFlight).toBe(sent)

    for (let i = 1; i <= sent; i++) {
      const { packetId } = await peer.expect(PacketType.PUBLISH)
      peer.sendBytes(Buffer.from([0x40, 2, 0, packetId]))
    }
    await test.hear('drained')
  })

  it('never stops for messages that the kernel takes, however large they are', async () => {
    const { url } = await startBroker()
    const test = new TestClient(parseAddress(url).address)
    await test.client.connect()
    await test.client.subscribe([filter('t', 1)])
    const large = Message.create('t', Buffer.alloc(3 * MIB), { qos: 1 })
    const small = Message.create('t', 'x', { qos: 1 })
    const outcomes = [large, small, small].map(
      (message) => new Promise<number>((resolve) => test.client.send(message, resolve)),
    )

    expect(await Promise.all(outcomes)).toEqual([0, 0, 0])
  })
})

describe('drained', () => {
  it('comes without a word of the Server when send() said stop for one large message', async () => {
    const { test, peer } = await connected()
    const hasRoom = test.client.send(Message.create('t', Buffer.alloc(MIB + MIB / 4)), null)
    if (!hasRoom) await test.hear('drained')

    await peer.expect(PacketType.PUBLISH)
  })
})

describe('pauseMessages', () => {
  it('slows the Server down, and resumeMessages brings all that it had', async () => {
    const { test, peer } = await connected()
    test.client.pauseMessages()
    const message = publish('t', Buffer.alloc(100_000))
    // as much as fits into the kernel's buffers and more
    let sent = 0
    while (sent < 200) {
      sent++
      peer.send(message)
    }
    // a round trip on another way shows that the client had the time to read
    await test.client.publish('up', 'x')
    await peer.expect(PacketType.PUBLISH)
    expect(peer.socket.writableLength).toBeGreaterThan(0)

    test.client.resumeMessages()
    for (let i = 0; i < sent; i++) await test.hear('message')
  })

  it('holds for the next connection too', async () => {
    const policy = { minimumDelayMs: 1, maximumDelayMs: 1, jitter: 0, maximumAttempts: 9 }
    const { broker, test, peer } = await connected({ reconnect: policy })
    test.client.pauseMessages()
    peer.reset()
    test.client.resumeMessages()
    await test.hear('lost')
    test.client.pauseMessages()
    const again = await broker.accept()
    await test.hear('connected')
    again.send(publish('t', 'x'))
    await test.client.publish('up', 'x')
    await again.expect(PacketType.PUBLISH)
    expect(test.heard).toEqual([])

    test.client.resumeMessages()
    await test.hear('message')
  })
})

describe('disconnect', () => {
  it('[v5:MQTT-3.14.4-2] [v311:MQTT-3.14.4-1] sends all that waits for the socket, then DISCONNECT, and closes', async () => {
    const { test, peer } = await connected()
    peer.socket.pause()
    const codes: number[] = []
    const message = Message.create('t', Buffer.alloc(50_000))
    let sent = 0
    do sent++
    while (test.client.send(message, (code) => codes.push(code)))
    // these wait behind the socket
    for (let i = 0; i < 5; i++) test.client.send(message, (code) => codes.push(code))
    const parted = test.client.disconnect()
    peer.socket.resume()

    const lines = await peer.rest()
    await parted
    expect([lines.length, lines.at(-1)]).toEqual([sent + 6, 'DISCONNECT'])
    expect([test.heard.at(-1), codes.every((code) => code === 0), codes.length]).toEqual(['closed', true, sent + 5])
  })

  it('says what it is told to', async () => {
    const { test, peer } = await connected({ connectProperties: { sessionExpiryIntervalSeconds: 5 } })
    const properties = { sessionExpiryIntervalSeconds: 0, reasonString: 'enough' }
    void test.client.disconnect(0x04, properties)

    expect(await peer.expect(PacketType.DISCONNECT)).toMatchObject({ reasonCode: 0x04, properties })
  })

  it('[v5:U5-3.14.2.2.2-1] sets no Session Expiry Interval where CONNECT gave 0', async () => {
    const { test, peer } = await connected()
    void test.client.disconnect(0, { sessionExpiryIntervalSeconds: 60 })

    expect(await peer.expect(PacketType.DISCONNECT)).toMatchObject({ properties: {} })
  })

  it.each([
    ['a code of Servers', 0x8e, {}, 'DISCONNECT_CODE_INVALID'],
    ['a property of CONNECT', 0, { receiveMaximum: 5 }, 'PROPERTY_NOT_ALLOWED'],
  ])('goes on when it is told to say %s', async (_, reasonCode, properties, violation) => {
    const { test, peer } = await connected()

    await expect(test.client.disconnect(reasonCode, properties)).rejects.toMatchObject({ violation, ours: true })
    await test.client.publish('t', 'x')
    expect(await peer.lines(1)).toEqual(['PUBLISH t "x" q0'])
  })

  it('waits for no acknowledgement, and tells those who do', async () => {
    const { test, peer } = await connected()
    const codes: number[] = []
    test.client.send(Message.create('t', 'x', { qos: 1 }), (code) => codes.push(code))
    await test.client.disconnect()

    expect([codes, await peer.rest()]).toEqual([[NEVER_ACKNOWLEDGED], ['PUBLISH t "x" q1 #1', 'DISCONNECT']])
  })

  it('settles for all who called it, and tells `closed` once', async () => {
    const { test } = await connected()
    await Promise.all([test.client.disconnect(), test.client.disconnect()])
    await test.client.disconnect()

    expect(test.heard).toEqual(['closed'])
  })

  it('notices that the Server has closed, though messages are paused', async () => {
    const { test, peer } = await connected()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    test.client.pauseMessages()
    for (let i = 0; i < 100; i++) peer.send(publish('t', Buffer.alloc(1_000)))

    await test.client.disconnect()
    expect(test.heard.at(-1)).toBe('closed')
  })

  it('gives a Server time that reads slowly', async () => {
    const { test, peer } = await connected()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    peer.socket.pause()
    // far more than the kernel's buffers hold
    const sent = 60
    for (let i = 0; i < sent; i++) test.client.send(Message.create('t', Buffer.alloc(500_000)), null)
    const parted = test.client.disconnect()
    const { pendingBytes } = test.client
    peer.socket.resume()
    while (test.client.pendingBytes === pendingBytes) await nextTurn()
    peer.socket.pause()
    vi.advanceTimersByTime(2_000)
    for (let i = 0; i < 3; i++) await nextTurn()
    peer.socket.resume()

    expect((await peer.rest()).length).toBe(sent + 1)
    await parted
  })

  it('cuts a Server off that neither reads nor closes', async () => {
    const { test, peer } = await connected()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    peer.socket.pause()
    while (test.client.send(Message.create('t', Buffer.alloc(500_000)), null)) {}
    const parted = test.client.disconnect()
    await vi.advanceTimersByTimeAsync(2_000)
    await nextTurn()
    await vi.advanceTimersByTimeAsync(2_000)

    await parted
    expect(test.heard).toEqual(['closed'])
  })
})

describe('what a client leaves behind', () => {
  it.each(['disconnect', 'destroy'] as const)('is nothing that keeps the process alive, after %s()', async (method) => {
    const handles = (): string[] =>
      process.getActiveResourcesInfo().filter((name) => /timeout|tcp.*wrap|immediate/i.test(name))
    const { test, peer } = await connected({ keepAliveSeconds: 1 })
    const before = handles()
    await test.client[method]()
    await test.closed
    await peer.rest()

    // the client's socket and its alarm, and the socket of the peer
    const after = handles()
    expect(before.filter((name) => name === 'Timeout').length - after.filter((name) => name === 'Timeout').length).toBe(
      1,
    )
  })

  it('is no socket when it is destroyed in the middle of everything', async () => {
    const { test, peer } = await connected()
    test.client.send(Message.create('t', 'x', { qos: 2 }), null)
    test.client.destroy()
    test.client.destroy()

    await peer.rest()
    expect([await test.closed, test.heard]).toEqual([null, ['closed']])
  })
})
