// 10,000 clients that connect, subscribe, publish and break off, beside a client that goes on (semantics L-07).
import { latencyDuring } from './lib/latency.mjs'
import { RawConnection } from './lib/raw-connection.mjs'
import { Served } from './lib/served.mjs'
import { pause, until } from './lib/until.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary =
  '10,000 clients connect, subscribe and break off; nothing of them stays, and others hardly notice'

const CLIENTS = 10_000
const AT_A_TIME = 50
const CALM_MS = 10_000
/** a lively crowd, and a broker with time for others */
const CLIENTS_PER_SECOND = 1000
const SATURATED_MS = 50

export async function run() {
  const verdict = new Verdict()
  for (const ids of [50, CLIENTS]) {
    const broker = await Served.start(['--http', '0'])
    const neighbour = await Served.start(['--http', '0'])
    try {
      console.log(`${CLIENTS} clients with ${ids} ids`)
      await drill(broker, neighbour, ids, verdict)
    } finally {
      await broker.stop()
      await neighbour.stop()
    }
  }
  return verdict.isPassed
}

// The crowd itself takes more processor time than the broker. On two processors a bystander waits for one now and then, whichever
// broker it has: a bare net.Server and mosquitto show it as well. So the broker counts as calm while the same crowd visits another one.
/** @param {Served} broker @param {Served} neighbour @param {number} ids @param {Verdict} verdict */
async function drill(broker, neighbour, ids, verdict) {
  // what the runtime takes once, it keeps
  for (const one of [broker, neighbour]) await flap(one.port(), CLIENTS / 2, ids, Number.POSITIVE_INFINITY)
  await pause(500)
  const before = { descriptors: broker.descriptors, residentMib: broker.residentMib }
  const idle = await latencyDuring(broker.port(), () => pause(CALM_MS))
  verdict.tell('p99 of a bystander while nothing else runs, ms', idle.p99Ms)
  const calm = await latencyDuring(broker.port(), () => flap(neighbour.port(), CLIENTS, ids, CLIENTS_PER_SECOND))
  verdict.tell(`the same while ${CLIENTS_PER_SECOND} clients per second come and go next door, ms`, calm.p99Ms)
  const paced = await latencyDuring(broker.port(), () => flap(broker.port(), CLIENTS, ids, CLIENTS_PER_SECOND))
  verdict.atMost(
    `the same while ${CLIENTS_PER_SECOND} clients per second come and go here`,
    paced.p99Ms,
    2 * calm.p99Ms,
    'ms',
  )
  let seconds = 0
  const fastest = await latencyDuring(broker.port(), async () => {
    const startedAtMs = performance.now()
    await flap(broker.port(), CLIENTS, ids, Number.POSITIVE_INFINITY)
    seconds = (performance.now() - startedAtMs) / 1000
  })
  // the broker has nothing left to give, and three busy processes wait for two processors
  verdict.tell('clients per second at most', Math.round(CLIENTS / seconds))
  verdict.atMost('p99 of a bystander meanwhile', fastest.p99Ms, SATURATED_MS, 'ms')
  await until(() => broker.descriptors <= before.descriptors, 5000)
  verdict.atMost('descriptors afterwards', broker.descriptors, before.descriptors)
  verdict.equals('clients connected', await broker.metric('clients_connected'), 0)
  verdict.equals('sessions', await broker.metric('sessions'), 0)
  verdict.equals('subscriptions', await broker.metric('subscriptions'), 0)
  verdict.atMost('memory more than before', broker.residentMib - before.residentMib, 24, 'MiB')
}

/** @param {number} port @param {number} count @param {number} ids @param {number} perSecond */
async function flap(port, count, ids, perSecond) {
  let next = 0
  const startedAtMs = performance.now()
  const lane = async () => {
    while (next < count) {
      const number = next++
      const dueMs = startedAtMs + (number * 1000) / perSecond - performance.now()
      if (dueMs > 0) await pause(dueMs)
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
