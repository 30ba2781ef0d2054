import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { encodePacket } from '../../src/codec/encoder.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { PINGREQ } from '../../src/codec/packets/ping.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { PacketRule } from '../../src/proxy/faults.ts'
import { parseAddress } from '../../src/transport/address.ts'
import { dial } from '../../src/transport/dial.ts'
import { hasOpenssl, TestAuthority } from '../support/certificates.ts'
import { publish } from '../support/packets.ts'
import { Random } from '../support/random.ts'
import { connectPacket, RawClient } from '../support/raw-client.ts'
import { RecordingHandler } from '../support/recording-handler.ts'
import { startBroker } from '../support/test-broker.ts'
import { openRaw, type RawEnd, startProxy, startRawServer, type TestProxyOptions } from '../support/test-proxy.ts'

const CONNECT = encodePacket(connectPacket({ clientId: 'me' }), ProtocolVersion.V5)
const PING = encodePacket(PINGREQ, ProtocolVersion.V5)
const MEBIBYTE = 1_048_576
/** passes unread */
const NOISE = Buffer.from('GET ')

function publishBytes(topicName: string, payload: string | Buffer, packetId = 0): Buffer {
  return encodePacket(publish(topicName, payload, packetId === 0 ? {} : { qos: 1, packetId }), ProtocolVersion.V5)
}

function rule(packetType: PacketType, sender: Role | null = null): PacketRule {
  return { packetType, sender, probability: 1 }
}

function hash(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** A client, the proxy, and the test as the broker. */
async function between(options: TestProxyOptions = {}, readsAtBroker = true, readsAtClient = true) {
  const server = await startRawServer(readsAtBroker)
  const proxy = await startProxy(server.url, options)
  const client = await openRaw(proxy.url, readsAtClient)
  return { proxy, client, broker: await server.next(), server }
}

/** Makes sure that what was sent both ways has passed. */
async function exchange(client: RawEnd, broker: RawEnd, bytes: Buffer): Promise<void> {
  const [toBroker, toClient] = [broker.bytes, client.bytes]
  client.socket.write(bytes)
  broker.socket.write(bytes)
  await broker.until((end) => end.bytes >= toBroker + bytes.length)
  await client.until((end) => end.bytes >= toClient + bytes.length)
}

describe('a proxy without faults', () => {
  it('passes any bytes unchanged and in order, both ways, however broken they are', async () => {
    const random = new Random(1)
    const { proxy, client, broker } = await between()
    const noise = [CONNECT, ...Array.from({ length: 300 }, () => random.bytes(random.between(1, 2000)))]
    for (const bytes of noise) {
      client.socket.write(bytes)
      broker.socket.write(Buffer.from(bytes).reverse())
    }
    const total = noise.reduce((sum, { length }) => sum + length, 0)
    await broker.until((end) => end.bytes >= total)
    await client.until((end) => end.bytes >= total)

    expect(hash(broker.received)).toBe(hash(Buffer.concat(noise)))
    expect(hash(client.received)).toBe(hash(Buffer.concat(noise.map((bytes) => Buffer.from(bytes).reverse()))))
    expect(proxy.packets.find((packet) => packet.startsWith('>'))).toBe('> CONNECT')
    expect(proxy.inspected.some(({ issues }) => issues.length > 0)).toBe(true)
  })

  it('reads the packets of a whole session, in the version of its CONNECT', async () => {
    const { url } = await startBroker()
    const proxy = await startProxy(url)
    for (const version of [ProtocolVersion.V3_1_1, ProtocolVersion.V5] as const) {
      const client = await RawClient.connected(proxy.url, { version })
      await client.subscribe('b')
      await client.publishAndWait('a', 'hello', { qos: 1 })
      client.disconnect()
      await client.closed()
    }
    await proxy.until(() => proxy.ends.length === 2)

    const packets = ['CONNECT', 'SUBSCRIBE', 'PUBLISH', 'DISCONNECT']
    expect(proxy.packets.filter((packet) => packet.startsWith('>'))).toEqual(
      [...packets, ...packets].map((packet) => `> ${packet}`),
    )
    expect(proxy.inspected.flatMap(({ issues }) => issues)).toEqual([])
    expect([...new Set(proxy.inspected.map(({ stream, version }) => `${stream} ${version}`))]).toEqual(['0 4', '1 5'])
    expect(proxy.ends.map(({ error }) => error)).toEqual([null, null])
  })

  it.each([
    ['a WebSocket', 'TCP', 'ws://127.0.0.1:0/mqtt', 'mqtt://127.0.0.1:0'],
    ['TCP', 'a WebSocket', 'mqtt://127.0.0.1:0', 'ws://127.0.0.1:0/mqtt'],
    ['a unix socket', 'TCP', 'unix', 'mqtt://127.0.0.1:0'],
  ])('carries %s to %s', async (_from, _to, listen, brokerUrl) => {
    const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const { broker } = await startBroker({ port: null, listen: [brokerUrl] })
    const here = listen === 'unix' ? `unix:${join(folder, 'proxy.sock')}` : listen
    const proxy = await startProxy(broker.listeners[0]!, { listen: here })

    expect(await echo(proxy.url, 100_000)).toBe(true)
    expect(proxy.packets.toSorted()).toEqual(
      ['> CONNECT', '> SUBSCRIBE', '> PUBLISH', '< CONNACK', '< SUBACK', '< PUBLISH'].toSorted(),
    )
  })

  it.skipIf(!hasOpenssl)('carries TLS to TLS, each with a certificate of its own', async () => {
    const authority = new TestAuthority()
    onTestFinished(() => authority.remove())
    const [ofBroker, ofProxy] = ['broker', 'proxy'].map((name) => authority.issue(name, 'IP:127.0.0.1'))
    const { broker } = await startBroker({
      port: null,
      listen: ['mqtts://127.0.0.1:0'],
      tls: { cert: ofBroker!.cert, key: ofBroker!.key },
    })
    const proxy = await startProxy(broker.listeners[0]!, {
      listen: 'wss://127.0.0.1:0/mqtt',
      serverTls: { cert: ofProxy!.cert, key: ofProxy!.key },
      clientTls: { ca: authority.ca.cert },
    })

    expect(await echo(proxy.url, 100_000, authority.ca.cert)).toBe(true)
  })

  it('passes a half-close on behind what came before, and still carries the answer', async () => {
    const { client, broker } = await between()
    client.socket.end(CONNECT)
    await broker.until(({ isEnded }) => isEnded)
    expect(hash(broker.received)).toBe(hash(CONNECT))
    expect(client.isEnded).toBe(false)
    broker.socket.end(PING)
    await client.until(({ isEnded }) => isEnded)

    expect(client.received.equals(PING)).toBe(true)
  })

  it('passes the close of a WebSocket on behind what came before, and closes a broker that does not', async () => {
    const server = await startRawServer()
    const proxy = await startProxy(server.url, { listen: 'ws://127.0.0.1:0/mqtt', limits: { closeMs: 50 } })
    const client = await dial(parseAddress(proxy.url).address, { timeoutMs: 10_000 })
    client.start(new RecordingHandler())
    const noise = Buffer.concat([CONNECT, new Random(2).bytes(100_000)])
    client.write(noise)
    client.end()
    const broker = await server.next()
    await broker.until(({ isEnded }) => isEnded)
    expect(hash(broker.received)).toBe(hash(noise))
    await proxy.until(() => proxy.ends.length === 1)

    expect(proxy.ends[0]).toMatchObject({ by: Role.CLIENT, error: null })
  })

  it.each(['client', 'broker'] as const)('passes a reset by the %s on as a reset', async (side) => {
    const { proxy, client, broker } = await between()
    await exchange(client, broker, CONNECT)
    const [one, other] = side === 'client' ? [client, broker] : [broker, client]
    one.socket.resetAndDestroy()
    await other.until(({ isClosed }) => isClosed)
    await proxy.until(() => proxy.ends.length === 1)

    expect(other.error).toBe('ECONNRESET')
    expect(proxy.ends[0]).toMatchObject({
      by: side === 'client' ? Role.CLIENT : Role.SERVER,
      error: { code: 'ECONNRESET' },
      isCut: false,
    })
  })

  it('closes the connection of a client when there is no broker, and serves the next one', async () => {
    const server = await startRawServer()
    const proxy = await startProxy(server.url, { limits: { connectMs: 5000 } })
    const nobody = await startProxy('mqtt://127.0.0.1:1')
    const turnedAway = await openRaw(nobody.url)
    await turnedAway.until(({ isEnded, isClosed }) => isEnded || isClosed)
    await nobody.until(() => nobody.events.length === 1)
    await openRaw(nobody.url)
    await nobody.until(() => nobody.events.length === 2)

    expect(nobody.events).toEqual(['unreachable 0 ECONNREFUSED', 'unreachable 1 ECONNREFUSED'])
    const client = await openRaw(proxy.url)
    await exchange(client, await server.next(), CONNECT)
  })

  it('turns away who comes when the most connections are open', async () => {
    const { proxy, client, broker, server } = await between({ limits: { connections: 1 } })
    const late = await openRaw(proxy.url)
    await late.until(({ isEnded, isClosed }) => isEnded || isClosed)
    expect(proxy.events).toEqual(['opened 0', 'refused there are 1 connections already'])
    client.socket.destroy()
    broker.socket.destroy()
    await proxy.until(() => proxy.ends.length === 1)

    await exchange(await openRaw(proxy.url), await server.next(), CONNECT)
  })

  it.each(['broker', 'client'] as const)('makes a sender wait for a %s that does not read', async (slow) => {
    const { proxy, client, broker, server } = await between({}, slow !== 'broker', slow !== 'client')
    const [sender, reader] = slow === 'broker' ? [client, broker] : [broker, client]
    const payload = Buffer.alloc(MEBIBYTE, 'x')
    const sent = [CONNECT, ...Array.from({ length: 64 }, (_, i) => publishBytes(`topic/${i}`, payload))]
    for (const bytes of sent) sender.socket.write(bytes)
    // another connection is the witness that the proxy had its turns: nothing moves any more
    const witness = await openRaw(proxy.url)
    const atBroker = await server.next()
    if (slow === 'broker') atBroker.read()
    for (let seen = -1; seen !== proxy.packets.length; ) {
      seen = proxy.packets.length
      for (let i = 0; i < 20; i++) await exchange(witness, atBroker, NOISE)
    }
    // without a limit all of it would be in the proxy by now; systems keep some MiB by themselves
    expect(proxy.packets.length).toBeLessThan(30)
    reader.read()
    const all = Buffer.concat(sent)
    await reader.until((end) => end.bytes >= all.length)

    expect(hash(reader.received)).toBe(hash(all))
  })

  it('takes in nothing while whoever shows the packets is slow', async () => {
    const { proxy, client, broker, server } = await between()
    await exchange(client, broker, CONNECT)
    proxy.proxy.hold(true)
    client.socket.write(PING)
    const [direct, atBroker] = [await openRaw(server.url), await server.next()]
    for (let i = 0; i < 20; i++) await exchange(direct, atBroker, NOISE)
    expect(proxy.packets.at(-1)).not.toBe('> PINGREQ')
    proxy.proxy.hold(false)
    await broker.until((end) => end.bytes === CONNECT.length + PING.length)

    expect(proxy.packets.at(-1)).toBe('> PINGREQ')
  })

  it('passes what is no MQTT unread, and says what it is', async () => {
    const { proxy, client, broker } = await between()
    const page = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    client.socket.write(page)
    await broker.until((end) => end.bytes === page.length)

    expect(broker.received.equals(page)).toBe(true)
    expect(proxy.events).toEqual(['opened 0', 'foreign 0 HTTP'])
    expect(proxy.packets).toEqual([])
  })

  it('shows a packet that is too large to keep as cut, and passes it whole', async () => {
    const { proxy, client, broker } = await between({ limits: { shownBytes: 100_000 } })
    const sent = Buffer.concat([CONNECT, publishBytes('a', Buffer.alloc(MEBIBYTE, 'x')), PING])
    client.socket.write(sent)
    await broker.until((end) => end.bytes === sent.length)
    await proxy.until(() => proxy.packets.length === 3)

    expect(hash(broker.received)).toBe(hash(sent))
    expect(proxy.packets).toEqual(['> CONNECT', '> PUBLISH', '> PINGREQ'])
    expect(proxy.inspected.map(({ issues }) => issues.map(({ id }) => id))).toEqual([[], ['inspect-limit'], []])
  })

  it('closes both sides when it ends', async () => {
    const { proxy, client, broker } = await between()
    await exchange(client, broker, CONNECT)
    await proxy.proxy.close()
    await client.until(({ isEnded, isClosed }) => isEnded || isClosed)
    await broker.until(({ isEnded, isClosed }) => isEnded || isClosed)

    expect(proxy.ends).toMatchObject([{ by: null, error: null, isCut: false }])
  })
})

describe('a fault', () => {
  it('drops packets of a type and passes the others', async () => {
    const { proxy, client, broker } = await between({ faults: { drop: [rule(PacketType.PUBLISH)] } })
    client.socket.write(Buffer.concat([CONNECT, publishBytes('a', 'x'), PING, publishBytes('b', 'y'), PING]))
    await broker.until((end) => end.bytes === CONNECT.length + 2 * PING.length)
    await proxy.until(() => proxy.packets.length === 5)

    expect(hash(broker.received)).toBe(hash(Buffer.concat([CONNECT, PING, PING])))
    expect(proxy.packets).toEqual(['> CONNECT', '> PUBLISH dropped', '> PINGREQ', '> PUBLISH dropped', '> PINGREQ'])
  })

  it('drops in one direction only, when its rule says so', async () => {
    const { client, broker } = await between({ faults: { drop: [rule(PacketType.PUBLISH, Role.SERVER)] } })
    const bytes = publishBytes('a', 'x')
    client.socket.write(bytes)
    broker.socket.write(Buffer.concat([bytes, PING]))
    await broker.until((end) => end.bytes === bytes.length)
    await client.until((end) => end.bytes === PING.length)

    expect(client.received.equals(PING)).toBe(true)
  })

  it('sends packets twice, byte by byte the same, though they come in parts', async () => {
    const { proxy, client, broker } = await between({ faults: { duplicate: [rule(PacketType.PUBLISH)] } })
    const message = publishBytes('a', Buffer.alloc(200_000, 'x'), 1)
    client.socket.write(Buffer.concat([CONNECT, message, PING]))
    await broker.until((end) => end.bytes === CONNECT.length + 2 * message.length + PING.length)
    await proxy.until(() => proxy.packets.length === 4)

    expect(hash(broker.received)).toBe(hash(Buffer.concat([CONNECT, message, message, PING])))
    expect(proxy.packets).toEqual(['> CONNECT', '> PUBLISH', '> PUBLISH copy', '> PINGREQ'])
  })

  it('sends once what is too large to be kept for a second time', async () => {
    const faults = { duplicate: [rule(PacketType.PUBLISH)] }
    const { client, broker } = await between({ faults, limits: { duplicatedBytes: 1000 } })
    const message = publishBytes('a', Buffer.alloc(2000, 'x'))
    client.socket.write(Buffer.concat([message, PING]))
    await broker.until((end) => end.bytes === message.length + PING.length)

    expect(hash(broker.received)).toBe(hash(Buffer.concat([message, PING])))
  })

  it('cuts the connection behind exactly so many bytes, also within a packet', async () => {
    const afterBytes = CONNECT.length + 3
    const { proxy, client, broker } = await between({ faults: { cut: [{ afterBytes, sender: null }] } })
    client.socket.write(Buffer.concat([CONNECT, publishBytes('a', 'never')]))
    await broker.until(({ isEnded, isClosed }) => isEnded || isClosed)
    await client.until(({ isEnded, isClosed }) => isEnded || isClosed)
    await proxy.until(() => proxy.ends.length === 1)

    expect(broker.bytes).toBe(afterBytes)
    expect(proxy.ends[0]).toMatchObject({ by: null, isCut: true, passedBytes: [afterBytes, 0] })
    expect(proxy.packets).toEqual(['> CONNECT', '> PUBLISH'])
    expect(proxy.inspected[1]!.issues.map(({ id }) => id)).toEqual(['capture-incomplete'])
  })

  it('holds packets back for as long as it says, in order', async () => {
    const delay = [{ minimumMs: 30, maximumMs: 60, sender: null }]
    const { client, broker } = await between({ faults: { delay } })
    const sent = Array.from({ length: 20 }, (_, i) => publishBytes(`topic/${i}`, 'x'))
    const startMs = performance.now()
    client.socket.write(Buffer.concat(sent))
    const all = Buffer.concat(sent)
    await broker.until((end) => end.bytes === all.length)

    expect(performance.now() - startMs).toBeGreaterThanOrEqual(29)
    expect(hash(broker.received)).toBe(hash(all))
  })

  it('gives what it holds back before it passes the end on', async () => {
    const { client, broker } = await between({ faults: { delay: [{ minimumMs: 50, maximumMs: 50, sender: null }] } })
    client.socket.end(Buffer.concat([CONNECT, PING]))
    await broker.until(({ isEnded }) => isEnded)

    expect(hash(broker.received)).toBe(hash(Buffer.concat([CONNECT, PING])))
  })

  it('makes the sender wait when too much is held back', async () => {
    const delay = [{ minimumMs: 10, maximumMs: 10, sender: null }]
    const { client, broker } = await between({ faults: { delay }, limits: { waitingBytes: 10_000 } })
    const sent = Buffer.concat(Array.from({ length: 20 }, () => publishBytes('a', Buffer.alloc(20_000, 'x'))))
    client.socket.write(sent)
    await broker.until((end) => end.bytes === sent.length)

    expect(hash(broker.received)).toBe(hash(sent))
  })

  it('leaves a connection alone whose lengths do not end', async () => {
    const { client, broker } = await between({ faults: { drop: [rule(PacketType.PUBLISH)] } })
    const broken = Buffer.concat([Buffer.from('10ffffffff', 'hex'), publishBytes('a', 'x'), publishBytes('b', 'y')])
    client.socket.write(broken)
    await broker.until((end) => end.bytes === broken.length)

    expect(hash(broker.received)).toBe(hash(broken))
  })
})

/** Publishes that many bytes to itself through any transport. @returns did they come back as they were? */
async function echo(url: string, byteCount: number, ca?: string): Promise<boolean> {
  const transport = await dial(parseAddress(url).address, {
    timeoutMs: 10_000,
    ...(ca === undefined ? {} : { tls: { ca } }),
  })
  onTestFinished(() => transport.destroy())
  const handler = new RecordingHandler()
  transport.start(handler)
  const payload = Buffer.alloc(byteCount, 'payload ')
  transport.write(CONNECT)
  // SUBSCRIBE to a
  transport.write(Buffer.from('8207000100000161 00'.replaceAll(' ', ''), 'hex'))
  const message = publishBytes('a', payload)
  transport.write(message)
  await handler.until(({ receivedBytes }) => receivedBytes > message.length)
  return handler.received.subarray(-message.length).equals(message)
}
