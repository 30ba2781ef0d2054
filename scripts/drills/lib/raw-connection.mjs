// One socket that sends what it is told, and counts what comes; MQTT 3.1.1 by mqtt-packet, which is not ours.
import { once } from 'node:events'
import { connect } from 'node:net'
import { generate, parser } from 'mqtt-packet'

/** @typedef {import('mqtt-packet').Packet} Packet */
/** @typedef {{ clean?: boolean, keepalive?: number, will?: import('mqtt-packet').IConnectPacket['will'] }} Terms */

export class RawConnection {
  isClosed = false
  /** @type {((packet: Packet) => void) | null} gets what comes, in place of {@link next} */
  onPacket = null
  #received = 0
  /** @type {Packet[]} not yet taken by {@link next} */
  #packets = []
  /** @type {(() => void) | null} */
  #wake = null

  /** @param {number} port @param {string} [host] */
  constructor(port, host = '127.0.0.1') {
    this.socket = connect({ port, host, noDelay: true })
    this.#parser = parser({ protocolVersion: 4 })
    this.#parser.on('packet', (packet) => {
      if (this.onPacket !== null) return this.onPacket(packet)
      this.#packets.push(packet)
      this.#wake?.()
    })
    this.socket.on('data', (chunk) => {
      this.#received += chunk.length
      this.#parser.parse(chunk)
    })
    // a refusal of the system is what some drills are about
    this.socket.on('error', () => {})
    this.socket.on('close', () => {
      this.isClosed = true
      this.#wake?.()
    })
  }

  #parser

  get receivedBytes() {
    return this.#received
  }

  /** @param {Packet} packet */
  send(packet) {
    return this.socket.write(generate(packet))
  }

  /** @returns {Promise<Packet | null>} null: closed */
  async next() {
    for (;;) {
      const packet = this.#packets.shift()
      if (packet !== undefined) return packet
      if (this.isClosed) return null
      await new Promise((resolve) => (this.#wake = () => resolve(undefined)))
    }
  }

  /** @param {string} clientId @param {Terms} [terms] @returns {Promise<Packet | null>} CONNACK */
  connect(clientId, { clean = true, keepalive = 0, will } = {}) {
    const connect = { protocolId: /** @type {const} */ ('MQTT'), protocolVersion: /** @type {const} */ (4), clientId }
    this.send({ cmd: 'connect', ...connect, clean, keepalive, ...(will === undefined ? {} : { will }) })
    return this.next()
  }

  /** @param {string[]} topics @param {0 | 1 | 2} qos */
  subscribe(topics, qos) {
    this.send({ cmd: 'subscribe', messageId: 1, subscriptions: topics.map((topic) => ({ topic, qos })) })
    return this.next()
  }

  /** Sends, and goes on when there is room. @param {Packet} packet */
  async push(packet) {
    if (!this.send(packet) && !this.isClosed)
      await Promise.race([once(this.socket, 'drain'), once(this.socket, 'close')])
  }

  async closed() {
    while (!this.isClosed) await new Promise((resolve) => (this.#wake = () => resolve(undefined)))
  }

  destroy() {
    this.socket.destroy()
  }
}

/** @param {number} port @param {string} clientId @param {Terms} [terms] */
export async function connected(port, clientId, terms) {
  const connection = new RawConnection(port)
  const connack = await connection.connect(clientId, terms)
  if (connack?.cmd !== 'connack' || connack.returnCode !== 0) throw new Error(`${clientId} is not let in`)
  return connection
}
