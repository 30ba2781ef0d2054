// A subscriber that does not read beside one that does, and 80 MB for both (semantics L-01, O-12).
import { connected } from './lib/raw-connection.mjs'
import { Served } from './lib/served.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary = 'one subscriber stops reading, another gets 8,000 of 8,000 x 10 kB, and memory stays bounded'

const MESSAGES = 8000
const BYTES = 10_000
/** the publisher is so many messages ahead of the reading subscriber at most: 1 MB, far below what a broker keeps at QoS 0 */
const AHEAD = 100
const QUEUE_MIB = 32
const PATIENCE_MS = 20_000
/** what a broker holds on the way to the reading client, and garbage not yet collected */
const SLACK_MIB = 48

export async function run() {
  const verdict = new Verdict()
  for (const qos of /** @type {const} */ ([0, 1])) {
    const calm = await flood(qos, false)
    const stalled = await flood(qos, true)
    console.log(`QoS ${qos}`)
    verdict.equals('messages read beside a stalled subscriber', stalled.read, MESSAGES)
    verdict.equals('of these out of order', stalled.outOfOrder, 0)
    verdict.tell('messages per second without one, with one', `${Math.round(calm.rate)}, ${Math.round(stalled.rate)}`)
    verdict.demand(
      'rate with to rate without',
      stalled.rate / calm.rate,
      'at least 0.7; 0.9 where nothing else runs',
      stalled.rate >= 0.7 * calm.rate,
    )
    verdict.atMost('memory above the run without, peak', stalled.peakMib - calm.peakMib, QUEUE_MIB + SLACK_MIB, 'MiB')
    verdict.demand('deliveries in = out + queued + dropped', stalled.adds, 'has to hold', stalled.adds)
  }
  return verdict.isPassed
}

/** @param {0 | 1} qos @param {boolean} withStalled */
async function flood(qos, withStalled) {
  const broker = await Served.start([
    '--http',
    '0',
    '--max-queued-bytes',
    String(QUEUE_MIB * 1_048_576),
    '--sys-interval',
    '0',
  ])
  try {
    const port = broker.port()
    if (withStalled) {
      const stalled = await connected(port, 'stalled')
      await stalled.subscribe(['load'], qos)
      stalled.socket.pause()
    }
    const reader = await connected(port, 'reader')
    await reader.subscribe(['load'], qos)
    const publisher = await connected(port, 'publisher')
    let [read, outOfOrder] = [0, 0]
    /** @type {() => void} */
    let moved = () => {}
    reader.onPacket = (packet) => {
      if (packet.cmd !== 'publish') return
      if (Number.parseInt(packet.payload.toString(), 10) !== read) outOfOrder++
      if (qos === 1) reader.send({ cmd: 'puback', messageId: packet.messageId })
      read++
      moved()
    }
    publisher.onPacket = () => {}
    /** @param {number} count */
    const untilRead = async (count) => {
      const patience = setTimeout(() => reader.destroy(), PATIENCE_MS)
      while (read < count && !reader.isClosed) {
        await Promise.race([new Promise((resolve) => (moved = () => resolve(undefined))), reader.closed()])
      }
      clearTimeout(patience)
    }
    const startedAtMs = performance.now()
    for (let number = 0; number < MESSAGES; number++) {
      await publisher.push({
        cmd: 'publish',
        topic: 'load',
        payload: `${number} `.padEnd(BYTES, 'x'),
        qos,
        retain: false,
        dup: false,
        ...(qos === 0 ? {} : { messageId: (number % 60_000) + 1 }),
      })
      if (number >= AHEAD && read < number - AHEAD) await untilRead(number - AHEAD)
    }
    await untilRead(MESSAGES)
    const rate = (read * 1000) / (performance.now() - startedAtMs)
    const [all = 0, out = 0, queued = 0, dropped = 0] = await Promise.all(
      ['in', 'out', 'queued', 'dropped'].map((name) => broker.metric(`deliveries_${name}`)),
    )
    return { read, outOfOrder, rate, peakMib: broker.peakMib, adds: all === out + queued + dropped }
  } finally {
    await broker.stop()
  }
}
