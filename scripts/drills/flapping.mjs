// 10,000 clients that connect, subscribe, publish and break off, beside a steady pair (semantics L-07).
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { connected, RawConnection } from './lib/raw-connection.mjs'
import { Served } from './lib/served.mjs'
import { pause, until } from './lib/until.mjs'
import { percentile, Verdict } from './lib/verdict.mjs'

export const summary =
  '10,000 clients connect, subscribe and break off; nothing of them stays, and a steady pair hardly notices'

const CLIENTS = 10_000
const AT_A_TIME = 50
const CALM_MS = 2000
const BEAT_MS = 5

export async function run() {
  const verdict = new Verdict()
  for (const ids of [50, CLIENTS]) {
    const broker = await Served.start(['--http', '0'])
    try {
      console.log(`${CLIENTS} clients with ${ids} ids`)
      await drill(broker, ids, verdict)
    } finally {
      await broker.stop()
    }
  }
  return verdict.isPassed
}

/** @param {Served} broker @param {number} ids @param {Verdict} verdict */
async function drill(broker, ids, verdict) {
  const pair = await SteadyPair.start(broker.port())
  // what the runtime takes once, it keeps
  await flap(broker.port(), CLIENTS / 2, ids)
  await pause(500)
  const before = { descriptors: broker.descriptors, residentMib: broker.residentMib }
  pair.latenciesMs = []
  await pause(CALM_MS)
  const calmMs = percentile(pair.latenciesMs, 0.99)
  pair.latenciesMs = []
  const ownDelay = monitorEventLoopDelay({ resolution: 1 })
  ownDelay.enable()
  const startedAtMs = performance.now()
  await flap(broker.port(), CLIENTS, ids)
  ownDelay.disable()
  const seconds = (performance.now() - startedAtMs) / 1000
  const flappingMs = percentile(pair.latenciesMs, 0.99)
  verdict.tell('clients per second', Math.round(CLIENTS / seconds))
  verdict.tell('p99 of the steady pair when calm, ms', calmMs)
  // the pair lives in this process, which is as busy as the broker
  const ownMs = ownDelay.percentile(99) / 1e6
  verdict.tell('p99 of the delay of this very process, ms', ownMs)
  verdict.atMost('p99 of the steady pair meanwhile', flappingMs, Math.max(2 * calmMs, 25) + 2 * ownMs, 'ms')
  await until(() => broker.descriptors <= before.descriptors, 5000)
  verdict.atMost('descriptors afterwards', broker.descriptors, before.descriptors)
  verdict.equals('clients connected', await broker.metric('clients_connected'), 2)
  verdict.equals('sessions', await broker.metric('sessions'), 2)
  verdict.equals('subscriptions', await broker.metric('subscriptions'), 1)
  verdict.atMost('memory more than before', broker.residentMib - before.residentMib, 24, 'MiB')
  pair.stop()
}

/** @param {number} port @param {number} count @param {number} ids */
async function flap(port, count, ids) {
  let next = 0
  const lane = async () => {
    while (next < count) {
      const number = next++
      const client = new RawConnection(port)
      await client.connect(`flap${number % ids}`)
      await client.subscribe([`own/${number}`, 'all/+'], 1)
      client.send({ cmd: 'publish', topic: `own/${number}`, payload: 'x', qos: 0, retain: false, dup: false })
      if (number % 2 === 0) client.socket.resetAndDestroy()
      else client.destroy()
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, lane))
}

/** Says something every few milliseconds, and notes how long it takes to hear it. */
class SteadyPair {
  /** @type {number[]} */
  latenciesMs = []
  #clients
  #timer

  /** @param {RawConnection} listener @param {RawConnection} speaker */
  constructor(listener, speaker) {
    this.#clients = [listener, speaker]
    listener.onPacket = (packet) => {
      if (packet.cmd === 'publish') this.latenciesMs.push(performance.now() - Number(packet.payload.toString()))
    }
    this.#timer = setInterval(() => {
      const payload = String(performance.now())
      speaker.send({ cmd: 'publish', topic: 'steady', payload, qos: 0, retain: false, dup: false })
    }, BEAT_MS)
  }

  /** @param {number} port */
  static async start(port) {
    const listener = await connected(port, 'listener')
    await listener.subscribe(['steady'], 0)
    return new SteadyPair(listener, await connected(port, 'speaker'))
  }

  stop() {
    clearInterval(this.#timer)
    for (const client of this.#clients) client.destroy()
  }
}
