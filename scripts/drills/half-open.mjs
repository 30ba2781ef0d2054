// A peer whose packets get lost from one moment on, while its connection stays open (semantics K-01, N-08, L-03).
import { connected } from './lib/raw-connection.mjs'
import { Relay } from './lib/relay.mjs'
import { Served } from './lib/served.mjs'
import { pause } from './lib/until.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary = 'a dead wire, both ways and one way: found by keep alive, the will comes in time'

const KEEP_ALIVE_SECONDS = 2
/** K-01: 1.5 times Keep Alive, and a second at most */
const LATEST_SECONDS = 1.5 * KEEP_ALIVE_SECONDS + 1
/** of timers on a busy machine */
const GRACE_SECONDS = 1
const PATIENCE_MS = 10_000

export async function run() {
  const verdict = new Verdict()
  const broker = await Served.start(['--sys-interval', '0'])
  try {
    const heir = await connected(broker.port(), 'heir')
    await heir.subscribe(['wills'], 1)
    for (const [name, dead] of /** @type {[string, Partial<Relay>][]} */ ([
      ['both ways dead', { isDeadToBroker: true, isDeadToClient: true }],
      ['dead towards the broker', { isDeadToBroker: true }],
    ])) {
      const relay = await Relay.start(broker.port())
      const will = { topic: 'wills', payload: Buffer.from(name), qos: /** @type {const} */ (1), retain: false }
      await connected(relay.port, name.replaceAll(' ', '-'), { keepalive: KEEP_ALIVE_SECONDS, will })
      await pause(200)
      const startedAtMs = performance.now()
      Object.assign(relay, dead)
      const heard = await Promise.race([heir.next(), pause(PATIENCE_MS)])
      const seconds = (performance.now() - startedAtMs) / 1000
      const isRight = heard?.cmd === 'publish' && heard.payload.toString() === name
      verdict.demand(`${name}: the will came`, isRight, 'has to come', isRight)
      // what the client sent last was its CONNECT, up to a moment before
      verdict.atMost(`${name}: after`, seconds, LATEST_SECONDS + GRACE_SECONDS, 's')
      verdict.demand(`${name}: not before`, seconds, 'at least 2.5 s', seconds >= 2.5)
      relay.stop()
    }
    await towardsClient(broker, verdict)
  } finally {
    await broker.stop()
  }
  return verdict.isPassed
}

// The broker hears everything, so it may not let the client go; what the client asks for is still done.
/** @param {Served} broker @param {Verdict} verdict */
async function towardsClient(broker, verdict) {
  const relay = await Relay.start(broker.port())
  const client = await connected(relay.port, 'deaf', { keepalive: KEEP_ALIVE_SECONDS })
  const heir = await connected(broker.port(), 'listener')
  await heir.subscribe(['from/deaf'], 0)
  relay.isDeadToClient = true
  for (let i = 0; i < 4; i++) {
    await pause(1500)
    client.send({ cmd: 'pingreq' })
  }
  client.send({ cmd: 'publish', topic: 'from/deaf', payload: 'still here', qos: 0, retain: false, dup: false })
  const packet = await Promise.race([heir.next(), pause(PATIENCE_MS)])
  const isThere = packet?.cmd === 'publish'
  verdict.demand('dead towards the client: still served after 6 s of its PINGREQ', isThere, 'has to be', isThere)
  relay.stop()
}
