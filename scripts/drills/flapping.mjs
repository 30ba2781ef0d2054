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
const CALM_MS = 2000
/** of a latency that is no matter: twice next to nothing is next to nothing */
const FLOOR_MS = 10

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
  // what the runtime takes once, it keeps
  await flap(broker.port(), CLIENTS / 2, ids)
  await pause(500)
  const before = { descriptors: broker.descriptors, residentMib: broker.residentMib }
  const calm = await latencyDuring(broker.port(), () => pause(CALM_MS))
  let seconds = 0
  const flapping = await latencyDuring(broker.port(), async () => {
    const startedAtMs = performance.now()
    await flap(broker.port(), CLIENTS, ids)
    seconds = (performance.now() - startedAtMs) / 1000
  })
  verdict.tell('clients per second', Math.round(CLIENTS / seconds))
  verdict.tell('p99 of a bystander when calm, ms', calm.p99Ms)
  // three busy processes on two processors wait for each other, whatever the broker does
  verdict.atMost('p99 of a bystander meanwhile', flapping.p99Ms, Math.max(2 * calm.p99Ms, FLOOR_MS), 'ms')
  await until(() => broker.descriptors <= before.descriptors, 5000)
  verdict.atMost('descriptors afterwards', broker.descriptors, before.descriptors)
  verdict.equals('clients connected', await broker.metric('clients_connected'), 0)
  verdict.equals('sessions', await broker.metric('sessions'), 0)
  verdict.equals('subscriptions', await broker.metric('subscriptions'), 0)
  verdict.atMost('memory more than before', broker.residentMib - before.residentMib, 24, 'MiB')
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
