// WebSocket messages in pieces as small as they get (semantics N-02, N-03).
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'
import { generate, parser } from 'mqtt-packet'
import { Served } from './lib/served.mjs'
import { pause, until } from './lib/until.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary = 'fragments of one byte and of none, pings between, 100 packets in a frame, one that never ends'

const PACKETS = 1000
const PATIENCE_MS = 20_000
const LIMIT_BYTES = 100_000
const OPCODE = { CONTINUATION: 0, BINARY: 2, PING: 9, PONG: 10 }

export async function run() {
  const verdict = new Verdict()
  const broker = await Served.start(['--ws-port', '0', '--sys-interval', '0', '--max-packet-size', String(LIMIT_BYTES)])
  try {
    for (const [name, write] of /** @type {[string, (client: Client, packets: Buffer[]) => void][]} */ ([
      ['fragments of one byte, an empty one and a ping after each hundredth', inFragments],
      ['100 packets in each frame', inLargeFrames],
    ])) {
      const client = await Client.open(broker.port('ws'))
      client.frame(OPCODE.BINARY, true, generate(connectPacket(name)))
      client.frame(
        OPCODE.BINARY,
        true,
        generate({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 0 }] }),
      )
      const packets = Array.from({ length: PACKETS }, (_, i) =>
        generate({ cmd: 'publish', topic: 'a', payload: String(i), qos: 0, retain: false, dup: false }),
      )
      write(client, packets)
      await until(
        () => client.payloads.length >= PACKETS,
        PATIENCE_MS,
        () => client.payloads.length,
      )
      const inOrder = client.payloads.every((payload, i) => payload === String(i))
      verdict.equals(`${name}: messages back`, client.payloads.length, PACKETS)
      verdict.demand(`${name}: in order`, inOrder, 'has to be', inOrder)
      verdict.equals(`${name}: pongs`, client.pongs, client.pings)
      client.socket.destroy()
    }
    await unfinished(broker, verdict)
  } finally {
    await broker.stop()
  }
  return verdict.isPassed
}

// A message whose fragments never end may not grow beyond what a packet may be.
/** @param {Served} broker @param {Verdict} verdict */
async function unfinished(broker, verdict) {
  const before = broker.residentMib
  const clients = await Promise.all(Array.from({ length: 50 }, () => Client.open(broker.port('ws'))))
  for (const client of clients) {
    client.frame(OPCODE.BINARY, false, Buffer.alloc(1))
    for (let i = 0; i < 100 && !client.isClosed; i++) client.frame(OPCODE.CONTINUATION, false, Buffer.alloc(10_000))
  }
  await until(() => clients.every(({ isClosed }) => isClosed), PATIENCE_MS)
  await pause(500)
  verdict.equals(
    'unfinished messages above the limit: connections ended',
    clients.filter((one) => one.isClosed).length,
    50,
  )
  verdict.atMost('unfinished messages: memory', broker.residentMib - before, 48, 'MiB')
}

/** @param {Client} client @param {Buffer[]} packets */
function inFragments(client, packets) {
  const bytes = Buffer.concat(packets)
  client.frame(OPCODE.BINARY, false, bytes.subarray(0, 1))
  for (let at = 1; at < bytes.length; at++) {
    client.frame(OPCODE.CONTINUATION, at === bytes.length - 1, bytes.subarray(at, at + 1))
    // ws lets go of a peer with more than a hundred pings that it has not read the answers of
    if (at % 100 !== 0 || at === bytes.length - 1) continue
    client.frame(OPCODE.CONTINUATION, false, Buffer.alloc(0))
    client.ping()
  }
}

/** @param {Client} client @param {Buffer[]} packets */
function inLargeFrames(client, packets) {
  for (let at = 0; at < packets.length; at += 100) {
    client.frame(OPCODE.BINARY, true, Buffer.concat(packets.slice(at, at + 100)))
  }
}

/** @param {string} name @returns {import('mqtt-packet').IConnectPacket} */
function connectPacket(name) {
  const clientId = name.replaceAll(/\W/g, '')
  return { cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId, clean: true, keepalive: 0 }
}

/** Frames written by hand, for no library makes such. */
class Client {
  isClosed = false
  pings = 0
  pongs = 0
  /** @type {string[]} */
  payloads = []
  #received = Buffer.alloc(0)
  #packets = parser({ protocolVersion: 4 })

  /** @param {import('node:net').Socket} socket */
  constructor(socket) {
    this.socket = socket
    this.#packets.on('packet', (packet) => packet.cmd === 'publish' && this.payloads.push(packet.payload.toString()))
    socket.on('data', (bytes) => this.#take(bytes))
    socket.on('error', () => {})
    socket.on('close', () => (this.isClosed = true))
  }

  /** @param {number} port */
  static async open(port) {
    const socket = connect(port, '127.0.0.1')
    const head = [
      'GET /mqtt HTTP/1.1',
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Protocol: mqtt',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    const [answer] = await once(socket, 'data')
    if (!String(answer).startsWith('HTTP/1.1 101')) throw new Error(`no upgrade: ${answer}`)
    return new Client(socket)
  }

  /** @param {number} opcode @param {boolean} isLast @param {Buffer} payload */
  frame(opcode, isLast, payload) {
    const mask = randomBytes(4)
    const head = Buffer.alloc(payload.length < 126 ? 2 : 4)
    head[0] = (isLast ? 0x80 : 0) | opcode
    head[1] = 0x80 | Math.min(payload.length, 126)
    if (payload.length >= 126) head.writeUInt16BE(payload.length, 2)
    this.socket.write(Buffer.concat([head, mask, payload.map((byte, i) => byte ^ /** @type {number} */ (mask[i % 4]))]))
  }

  ping() {
    this.pings++
    this.frame(OPCODE.PING, true, Buffer.from('drill'))
  }

  /** @param {Buffer} bytes */
  #take(bytes) {
    this.#received = Buffer.concat([this.#received, bytes])
    for (;;) {
      const [first = 0, second = 0] = this.#received
      const head = second === 126 ? 4 : 2
      if (this.#received.length < head) return
      const length = second === 126 ? this.#received.readUInt16BE(2) : second
      if (this.#received.length < head + length) return
      const payload = this.#received.subarray(head, head + length)
      if ((first & 0xf) === OPCODE.BINARY) this.#packets.parse(Buffer.from(payload))
      if ((first & 0xf) === OPCODE.PONG) this.pongs++
      this.#received = this.#received.subarray(head + length)
    }
  }
}
