// The broker is stopped for longer than every keep alive, as when a laptop sleeps, and goes on (semantics K-08).
import { connected } from './lib/raw-connection.mjs'
import { Served } from './lib/served.mjs'
import { pause } from './lib/until.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary =
  'SIGSTOP for longer than keep alive: those whose packets wait stay, those who were silent go, once'

const KEEP_ALIVE_SECONDS = 1
const ASLEEP_SECONDS = 6
const CLIENTS = 200
const PATIENCE_MS = 5000

export async function run() {
  const verdict = new Verdict()
  const broker = await Served.start(['--sys-interval', '0'])
  try {
    const heir = await connected(broker.port(), 'heir')
    await heir.subscribe(['wills/+'], 0)
    /** @type {string[]} */
    const wills = []
    heir.onPacket = (packet) => {
      if (packet.cmd === 'publish') wills.push(packet.topic)
    }
    const lively = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => withWill(broker.port(), `lively-${i}`)))
    const silent = await Promise.all(Array.from({ length: CLIENTS }, (_, i) => withWill(broker.port(), `silent-${i}`)))
    broker.signal('SIGSTOP')
    for (let second = 0; second < ASLEEP_SECONDS; second += 0.5) {
      await pause(500)
      for (const client of lively) client.send({ cmd: 'pingreq' })
    }
    broker.signal('SIGCONT')
    const beat = setInterval(() => {
      for (const client of lively) client.send({ cmd: 'pingreq' })
    }, 500)
    const wokeAtMs = performance.now()
    while (wills.length < CLIENTS && performance.now() - wokeAtMs < PATIENCE_MS) await pause(20)
    const seconds = (performance.now() - wokeAtMs) / 1000
    await pause(1000)
    clearInterval(beat)
    verdict.equals(
      'clients whose PINGREQ waited, still connected',
      lively.filter(({ isClosed }) => !isClosed).length,
      CLIENTS,
    )
    verdict.equals('clients that were silent, gone', silent.filter(({ isClosed }) => isClosed).length, CLIENTS)
    verdict.equals('wills', wills.length, CLIENTS)
    verdict.equals(
      'wills of silent clients, each once',
      new Set(wills.filter((one) => one.includes('silent'))).size,
      CLIENTS,
    )
    verdict.atMost('the last of them came after', seconds, 3, 's')
  } finally {
    broker.signal('SIGCONT')
    await broker.stop()
  }
  return verdict.isPassed
}

/** @param {number} port @param {string} clientId */
async function withWill(port, clientId) {
  const will = { topic: `wills/${clientId}`, payload: Buffer.from('x'), qos: /** @type {const} */ (0), retain: false }
  const client = await connected(port, clientId, { keepalive: KEEP_ALIVE_SECONDS, will })
  client.onPacket = () => {}
  return client
}
