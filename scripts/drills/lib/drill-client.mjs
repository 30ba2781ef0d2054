// A client for drills: MQTT 3.1.1 with a session that outlives its connections, which it makes anew until it is told to stop.
// The packets are made and read by mqtt-packet, so that nothing of what is judged takes part in judging.
import { connect } from 'node:net'
import { generate, parser } from 'mqtt-packet'

const RECONNECT_DELAY_MS = 20
const MAXIMUM_PACKET_ID = 65_535

/** @typedef {0 | 1 | 2} QoS */

/**
 * @typedef {{
 *   connected?: (sessionPresent: boolean) => void
 *   message?: (message: import('mqtt-packet').IPublishPacket) => void
 *   lost?: () => void
 * }} Handler
 */

/** One publication on its way; the server has taken it over when `taken` is called. */
class Outgoing {
  isTaken = false
  /**
   * @param {import('mqtt-packet').IPublishPacket} packet
   * @param {() => void} taken
   */
  constructor(packet, taken) {
    this.packet = packet
    this.taken = taken
  }
}

export class DrillClient {
  /** true between CONNACK and the loss of the connection */
  isConnected = false
  #port
  #clientId
  #clean
  #window
  /** @type {Handler} */
  #handler
  /** @type {import('node:net').Socket | null} */
  #socket = null
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  #stopped = true
  #lastPacketId = 0
  /** @type {Map<number, Outgoing>} */
  #outgoing = new Map()
  /** @type {Set<number>} ids of QoS 2 messages that the server has not released */
  #incoming = new Set()
  /** @type {Map<number, { resolve: () => void, reject: (error: Error) => void }>} */
  #requests = new Map()

  /**
   * @param {{ port: number, clientId: string, clean?: boolean, window?: number }} options window: publications in flight
   * @param {Handler} handler
   */
  constructor({ port, clientId, clean = false, window = 20 }, handler = {}) {
    this.#port = port
    this.#clientId = clientId
    this.#clean = clean
    this.#window = window
    this.#handler = handler
  }

  get inFlight() {
    return this.#outgoing.size
  }

  get hasRoom() {
    return this.isConnected && this.#outgoing.size < this.#window
  }

  /** Connects, and again after each loss. */
  start() {
    if (!this.#stopped) return
    this.#stopped = false
    this.#open()
  }

  /** Leaves with DISCONNECT; the session stays with the server. */
  stop() {
    this.#stopped = true
    clearTimeout(this.#timer)
    if (this.isConnected) this.#send({ cmd: 'disconnect' })
    this.#socket?.end()
    this.#lost()
  }

  /**
   * @param {string} topic
   * @param {Buffer | string} payload
   * @param {{ qos: QoS, retain?: boolean }} options
   * @param {() => void} taken called once, when the server has said that the message is its own: PUBACK or PUBREC
   */
  publish(topic, payload, { qos, retain = false }, taken = () => {}) {
    const messageId = this.#packetId()
    const outgoing = new Outgoing({ cmd: 'publish', topic, payload, qos, retain, dup: false, messageId }, taken)
    this.#outgoing.set(messageId, outgoing)
    if (this.isConnected) this.#send(outgoing.packet)
  }

  /**
   * @param {string} topic
   * @param {QoS} qos
   * @returns {Promise<void>} rejects when the connection is lost before SUBACK
   */
  subscribe(topic, qos) {
    return this.#request((messageId) => ({ cmd: 'subscribe', messageId, subscriptions: [{ topic, qos }] }))
  }

  /**
   * @param {string} topic
   * @returns {Promise<void>} rejects when the connection is lost before UNSUBACK
   */
  unsubscribe(topic) {
    return this.#request((messageId) => ({ cmd: 'unsubscribe', messageId, unsubscriptions: [topic] }))
  }

  /** @param {(messageId: number) => import('mqtt-packet').Packet} make @returns {Promise<void>} */
  #request(make) {
    if (!this.isConnected) return Promise.reject(new Error('not connected'))
    const messageId = this.#packetId()
    return new Promise((resolve, reject) => {
      this.#requests.set(messageId, { resolve, reject })
      this.#send(make(messageId))
    })
  }

  #packetId() {
    do {
      this.#lastPacketId = (this.#lastPacketId % MAXIMUM_PACKET_ID) + 1
    } while (this.#outgoing.has(this.#lastPacketId) || this.#requests.has(this.#lastPacketId))
    return this.#lastPacketId
  }

  #open() {
    const socket = connect(this.#port, '127.0.0.1')
    const packets = parser({ protocolVersion: 4 })
    this.#socket = socket
    packets.on('packet', (packet) => this.#receive(packet))
    packets.on('error', (error) => socket.destroy(error))
    socket.setNoDelay(true)
    socket.on('connect', () => {
      this.#send({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clientId: this.#clientId,
        clean: this.#clean,
      })
    })
    socket.on('data', (chunk) => packets.parse(chunk))
    // a broker that is not there, or that has just been killed: what this drill is about
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#lost()
      if (!this.#stopped) this.#timer = setTimeout(() => this.#open(), RECONNECT_DELAY_MS)
    })
  }

  #lost() {
    this.#socket = null
    const wasConnected = this.isConnected
    this.isConnected = false
    for (const { reject } of this.#requests.values()) reject(new Error('the connection was lost'))
    this.#requests.clear()
    if (wasConnected) this.#handler.lost?.()
  }

  /** @param {import('mqtt-packet').Packet} packet */
  #send(packet) {
    this.#socket?.write(generate(packet))
  }

  /** @param {import('mqtt-packet').Packet} packet */
  #receive(packet) {
    const messageId = packet.messageId ?? 0
    switch (packet.cmd) {
      case 'connack':
        if (packet.returnCode !== 0) throw new Error(`CONNECT of ${this.#clientId} was refused: ${packet.returnCode}`)
        return this.#connected(packet.sessionPresent)
      case 'publish':
        return this.#receivePublish(packet)
      case 'puback':
        return this.#finished(messageId)
      case 'pubrec':
        this.#taken(messageId)
        return this.#send({ cmd: 'pubrel', messageId })
      case 'pubrel':
        this.#incoming.delete(messageId)
        return this.#send({ cmd: 'pubcomp', messageId })
      case 'pubcomp':
        return this.#finished(messageId)
      case 'suback':
      case 'unsuback':
        this.#requests.get(messageId)?.resolve()
        return this.#requests.delete(messageId)
      default:
        throw new Error(`a server must not send ${packet.cmd}`)
    }
  }

  /** @param {boolean} sessionPresent */
  #connected(sessionPresent) {
    this.isConnected = true
    if (!sessionPresent) this.#incoming.clear()
    for (const [messageId, { packet, isTaken }] of this.#outgoing) {
      if (!isTaken) this.#send({ ...packet, dup: sessionPresent })
      else if (sessionPresent) this.#send({ cmd: 'pubrel', messageId })
      else this.#outgoing.delete(messageId)
    }
    this.#handler.connected?.(sessionPresent)
  }

  /** @param {import('mqtt-packet').IPublishPacket} packet */
  #receivePublish(packet) {
    const { qos, messageId = 0 } = packet
    if (qos === 1) this.#send({ cmd: 'puback', messageId })
    if (qos === 2) this.#send({ cmd: 'pubrec', messageId })
    if (qos === 2 && this.#incoming.has(messageId)) return
    if (qos === 2) this.#incoming.add(messageId)
    this.#handler.message?.(packet)
  }

  /** @param {number} messageId */
  #taken(messageId) {
    const outgoing = this.#outgoing.get(messageId)
    if (outgoing === undefined || outgoing.isTaken) return
    outgoing.isTaken = true
    outgoing.taken()
  }

  /** @param {number} messageId */
  #finished(messageId) {
    this.#taken(messageId)
    this.#outgoing.delete(messageId)
  }
}
