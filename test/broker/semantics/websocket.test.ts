import { once } from 'node:events'
import { get } from 'node:http'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { BrokerEvent, BrokerOptions } from '../../../src/broker/configuration.ts'
import type { ControlPacket } from '../../../src/codec/control-packet.ts'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { Message } from '../../../src/codec/message.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Connect } from '../../../src/codec/packets/connect.ts'
import { PINGREQ } from '../../../src/codec/packets/ping.ts'
import { Publish } from '../../../src/codec/packets/publish.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { openSocket } from '../../support/layered-client.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'

/** A WebSocket that a test drives itself, and the bytes that came in binary frames. */
class Peer {
  readonly socket: WebSocket
  received = Buffer.alloc(0)
  #wake: () => void = () => {}

  constructor(url: string, subprotocols: string[] = ['mqtt'], options = {}) {
    this.socket = new WebSocket(url, subprotocols, { perMessageDeflate: false, ...options })
    this.socket.on('message', (bytes: Buffer, isBinary: boolean) => {
      expect(isBinary).toBe(true)
      this.received = Buffer.concat([this.received, bytes])
      this.#wake()
    })
    onTestFinished(() => this.socket.terminate())
  }

  async opened(): Promise<this> {
    await once(this.socket, 'open')
    return this
  }

  /** Awaits that at least so many bytes came. */
  async bytes(count: number): Promise<Buffer> {
    while (this.received.length < count) await new Promise<void>((resolve) => (this.#wake = resolve))
    return this.received
  }

  async closeCode(): Promise<number> {
    const [code] = await once(this.socket, 'close')
    return code as number
  }
}

async function webSocketBroker(options: BrokerOptions = {}): Promise<TestBroker & { wsUrl: string }> {
  const test = await startBroker({ ...options, listen: ['ws://127.0.0.1:0/mqtt'] })
  return { ...test, wsUrl: test.broker.listeners[1]! }
}

const { V3_1_1 } = ProtocolVersion
const encode = (packet: ControlPacket | Publish, version: ProtocolVersion = V3_1_1) => encodePacket(packet, version)
const connect = (clientId: string, fields = {}) =>
  encode(new Connect({ version: V3_1_1, clientId, cleanStart: true, keepAliveSeconds: 0, ...fields }))
const subscribe = (topicFilter: string) =>
  encode(new Subscribe(1, [{ topicFilter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }]))
const publish = (topicName: string, payload: string) =>
  encode(new Publish(Message.create(topicName, payload), 0, false, 0))

const CONNACK = Buffer.from('20020000', 'hex')
const SUBACK = Buffer.from('9003000100', 'hex')
const PINGRESP = Buffer.from('d000', 'hex')

describe('a WebSocket listener', () => {
  it.each([
    ['mqtt', ['mqtt']],
    ['mqtt', ['mqttv3.1', 'mqtt']],
    ['mqttv3.1', ['mqttv3.1']],
  ])('N-01 [v5:MQTT-6.0.0-4, v311:MQTT-6.0.0-4] [V31-17] picks subprotocol %s of %j', async (picked, offered) => {
    const { wsUrl } = await webSocketBroker()
    const { socket } = await new Peer(wsUrl, offered).opened()

    expect(socket.protocol).toBe(picked)
  })

  it.each([
    ['another subprotocol', ['chat'], {}, '/mqtt', 400],
    ['no subprotocol', [], {}, '/mqtt', 400],
    ['another path', ['mqtt'], {}, '/', 404],
    ['a page of another origin', ['mqtt'], { origin: 'https://evil.example' }, '/mqtt', 403],
  ])('N-01 refuses the upgrade with %s', async (_, offered, options, path, status) => {
    const { wsUrl } = await webSocketBroker({ webSocketOrigins: ['https://good.example'] })
    const { socket } = new Peer(wsUrl.replace('/mqtt', path), offered, options)
    const [error] = await once(socket, 'error')

    expect(String(error)).toContain(`Unexpected server response: ${status}`)
  })

  it('N-01 lets in a page of an origin that is listed, and clients that are no browsers', async () => {
    const { wsUrl } = await webSocketBroker({ webSocketOrigins: ['https://good.example'] })
    await new Peer(wsUrl, ['mqtt'], { origin: 'https://good.example' }).opened()
    await new Peer(wsUrl).opened()
  })

  it('N-02 [v5:MQTT-6.0.0-1, v311:MQTT-6.0.0-1] closes on a text frame, and the will is published', async () => {
    const { wsUrl, client } = await webSocketBroker()
    const watcher = await client()
    await watcher.subscribe('will')
    const peer = await new Peer(wsUrl).opened()
    const will = { topicName: 'will', payload: Buffer.from('gone'), qos: 0, retain: false, properties: {} }
    peer.socket.send(connect('text', { will }))
    await peer.bytes(CONNACK.length)
    const code = peer.closeCode()
    peer.socket.send('hello')

    expect(await code).toBe(1003)
    expect((await watcher.expect(PacketType.PUBLISH)).message.payload.toString()).toBe('gone')
  })

  it('N-02 [v5:MQTT-6.0.0-2, v311:MQTT-6.0.0-2] takes packets however frames cut and join them', async () => {
    const { wsUrl } = await webSocketBroker()
    const peer = await new Peer(wsUrl).opened()
    for (const byte of connect('cut')) peer.socket.send(Buffer.from([byte]))
    const joined = Buffer.concat([subscribe('a'), publish('a', 'one'), publish('a', 'two')])
    // one message in three fragments, with a ping and an empty one between
    peer.socket.send(joined.subarray(0, 7), { fin: false })
    peer.socket.ping()
    peer.socket.send(Buffer.alloc(0), { fin: false })
    peer.socket.send(joined.subarray(7), { fin: true })
    const expected = Buffer.concat([CONNACK, SUBACK, publish('a', 'one'), publish('a', 'two')])

    expect((await peer.bytes(expected.length)).toString('hex')).toBe(expected.toString('hex'))
  })

  it('N-03 bounds messages like packets, and negotiates no compression', async () => {
    const { wsUrl } = await webSocketBroker({ limits: { maximumPacketBytes: 2000 } })
    const peer = await new Peer(wsUrl, ['mqtt'], { perMessageDeflate: true }).opened()
    expect(peer.socket.extensions).toBe('')
    peer.socket.send(connect('large'))
    await peer.bytes(CONNACK.length)
    const code = peer.closeCode()
    peer.socket.send(Buffer.alloc(1500), { fin: false })
    peer.socket.send(Buffer.alloc(1500), { fin: true })

    expect(await code).toBe(1009)
  })

  it('N-04 counts a WebSocket ping for no packet: keep alive ends the connection', async () => {
    const { wsUrl, clock, logged } = await webSocketBroker()
    const peer = await new Peer(wsUrl).opened()
    peer.socket.send(connect('quiet', { keepAliveSeconds: 10 }))
    await peer.bytes(CONNACK.length)
    const pong = once(peer.socket, 'pong')
    clock.advance(10_000)
    peer.socket.ping()
    await pong
    const closed = once(peer.socket, 'close')
    clock.advance(5000)
    await closed

    expect((await logged('disconnect', 'quiet')).detail).toContain('no packet for 15 s')
  })

  it('N-04 takes over by TCP what was connected by WebSocket', async () => {
    const { wsUrl, client } = await webSocketBroker()
    const peer = await new Peer(wsUrl).opened()
    peer.socket.send(connect('same'))
    await peer.bytes(CONNACK.length)
    const closed = once(peer.socket, 'close')
    await client({ clientId: 'same' })
    await closed
  })

  it('N-04 keeps a connection that sends PINGREQ', async () => {
    const { wsUrl, clock } = await webSocketBroker()
    const peer = await new Peer(wsUrl).opened()
    peer.socket.send(connect('alive', { keepAliveSeconds: 10 }))
    await peer.bytes(CONNACK.length)
    clock.advance(10_000)
    peer.socket.send(encode(PINGREQ))
    await peer.bytes(CONNACK.length + PINGRESP.length)
    clock.advance(10_000)
    peer.socket.send(encode(PINGREQ))

    expect((await peer.bytes(CONNACK.length + 2 * PINGRESP.length)).subarray(-2)).toEqual(PINGRESP)
  })

  it('answers a plain GET with 426 and what to do', async () => {
    const { wsUrl } = await webSocketBroker()
    const [response] = await once(get(wsUrl.replace('ws:', 'http:')), 'response')
    let text = ''
    for await (const part of response) text += part

    expect(response.statusCode).toBe(426)
    expect(text).toContain('connect by WebSocket, with the subprotocol mqtt')
  })

  it.each([
    ['MQTT', connect('stray'), /^the client speaks MQTT without WebSocket: it needs ws:\/\/ there/],
    [
      'TLS',
      Buffer.from('16030100', 'hex'),
      /^the client speaks TLS, and this listener does not: it needs wss:\/\/ here/,
    ],
    ['something else', Buffer.from('SSH-2.0-x\r\n'), /^it does not speak HTTP \(HPE_/],
    ['a request for a page', Buffer.from('GET /page HTTP/1.0\r\n\r\n'), /^it asks for a page \(GET \/page\)/],
    [
      'a request that is refused',
      Buffer.from('GET /x HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
      /^its request for a WebSocket was answered with 404: the path is \/x, and here it is \/mqtt/,
    ],
  ])('N-05 ends a connection with %s, with one line in the log, and goes on', async (_, bytes, said) => {
    const events: BrokerEvent[] = []
    const { wsUrl, open } = await webSocketBroker({ log: (event) => events.push(event) })
    const stray = await openSocket(wsUrl)
    const remoteAddress = `127.0.0.1:${stray.localPort}`
    stray.write(bytes)
    await once(stray.resume(), 'close')
    await new Peer(wsUrl).opened()
    await open()

    expect(events.filter(({ event }) => event !== 'listening')).toEqual([
      { event: 'closed', remoteAddress, detail: expect.stringMatching(said) },
    ])
  })
})
