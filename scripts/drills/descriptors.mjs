// No descriptors left (semantics L-04).
import { connected, RawConnection } from './lib/raw-connection.mjs'
import { Served } from './lib/served.mjs'
import { pause, until } from './lib/until.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary = 'ulimit -n 64 and 200 connections: no busy loop, few log lines, and all is well afterwards'

const DESCRIPTORS = 64
const CLIENTS = 200
const WATCHED_MS = 3000

export async function run() {
  const verdict = new Verdict()
  const broker = await Served.start(['--sys-interval', '0'], DESCRIPTORS)
  try {
    const port = broker.port()
    const steady = await connected(port, 'steady')
    const crowd = Array.from({ length: CLIENTS }, () => new RawConnection(port))
    for (const [index, client] of crowd.entries()) void client.connect(`crowd${index}`).catch(() => null)
    await pause(1500)
    const inside = crowd.filter(({ isClosed, receivedBytes }) => !isClosed && receivedBytes > 0).length
    verdict.tell('let in', inside)
    verdict.demand('some were let in, and not all', inside, `1 to ${DESCRIPTORS}`, inside > 0 && inside < DESCRIPTORS)
    const before = broker.cpuSeconds
    await pause(WATCHED_MS)
    verdict.atMost(
      'processor used while there are none left',
      ((broker.cpuSeconds - before) / WATCHED_MS) * 100_000,
      10,
      '%',
    )
    verdict.atMost('lines of log', broker.log.split('\n').length - 1, 9)
    steady.send({ cmd: 'pingreq' })
    const pong = await Promise.race([steady.next(), pause(2000)])
    verdict.demand(
      'who was inside is served',
      pong !== undefined,
      'PINGRESP',
      /** @type {any} */ (pong)?.cmd === 'pingresp',
    )
    for (const client of crowd) client.destroy()
    await until(() => broker.descriptors < DESCRIPTORS - 20, 5000)
    const startedAtMs = performance.now()
    const later = await Promise.race([connected(port, 'later'), pause(5000)])
    verdict.demand('a new client is let in', later !== undefined, 'within 5 s', later !== undefined)
    verdict.tell('it took, ms', performance.now() - startedAtMs)
  } finally {
    await broker.stop()
  }
  return verdict.isPassed
}
