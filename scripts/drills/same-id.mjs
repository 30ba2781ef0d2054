// 300 connections that race for one Client Identifier, for which 1,000 messages wait (semantics S-01, S-03).
import { connected, RawConnection } from './lib/raw-connection.mjs'
import { Served } from './lib/served.mjs'
import { pause } from './lib/until.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary = '300 connections race for one id: one is left, it works, and has all that waited'

const RACERS = 300
const MESSAGES = 1000

export async function run() {
  const verdict = new Verdict()
  const broker = await Served.start(['--http', '0'])
  try {
    const port = broker.port()
    const first = await connected(port, 'one', { clean: false })
    await first.subscribe(['load'], 2)
    first.send({ cmd: 'disconnect' })
    await first.closed()
    const publisher = await connected(port, 'publisher')
    for (let number = 0; number < MESSAGES; number++) {
      const qos = number % 2 === 0 ? 1 : 2
      await publisher.push({
        cmd: 'publish',
        topic: 'load',
        payload: String(number),
        qos,
        retain: false,
        dup: false,
        messageId: number + 1,
      })
    }
    // PUBACK and PUBREC come before this answer
    publisher.send({ cmd: 'pingreq' })
    for (let packet = await publisher.next(); packet?.cmd !== 'pingresp'; packet = await publisher.next());

    const racers = Array.from({ length: RACERS }, () => new Racer(port))
    const open = () => racers.filter(({ connection }) => !connection.isClosed)
    const deadlineMs = performance.now() + 20_000
    while (open().length > 1 && performance.now() < deadlineMs) await pause(50)
    await pause(1000)
    verdict.equals('connections left', open().length, 1)
    verdict.equals('clients connected, with the publisher', await broker.metric('clients_connected'), 2)
    const last = open()[0]
    const counts = [...(last?.counts.values() ?? [])]
    verdict.equals('messages that the last one got', counts.length, MESSAGES)
    verdict.equals('of QoS 2 more than once', last?.repeated ?? -1, 0)
    last?.connection.send({ cmd: 'pingreq' })
    await pause(200)
    verdict.demand('the last one works', last?.isAnswered ?? false, 'PINGRESP', last?.isAnswered ?? false)
  } finally {
    await broker.stop()
  }
  return verdict.isPassed
}

class Racer {
  /** @type {Map<string, number>} */
  counts = new Map()
  /** QoS 2 messages that came again without being sent again */
  repeated = 0
  isAnswered = false

  /** @param {number} port */
  constructor(port) {
    this.connection = new RawConnection(port)
    this.connection.onPacket = (packet) => this.#receive(packet)
    this.connection.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 4,
      clientId: 'one',
      clean: false,
      keepalive: 0,
    })
  }

  // It acknowledges nothing: so the one that comes next has to get everything again.
  /** @param {import('mqtt-packet').Packet} packet */
  #receive(packet) {
    if (packet.cmd === 'pingresp') this.isAnswered = true
    if (packet.cmd !== 'publish') return
    const number = packet.payload.toString()
    const count = (this.counts.get(number) ?? 0) + 1
    this.counts.set(number, count)
    if (count > 1 && packet.qos === 2) this.repeated++
  }
}
