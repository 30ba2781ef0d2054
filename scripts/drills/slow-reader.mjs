// A subscriber that reads a kilobyte a second, beside one that reads all (semantics L-01, L-02, O-12).
import { connected } from './lib/raw-connection.mjs'
import { Served } from './lib/served.mjs'
import { pause, until } from './lib/until.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary =
  'one subscriber reads 1 kB/s: nothing is lost at QoS 1 within its limits, others go on at full speed'

const MESSAGES = 2000
const BYTES = 500
const SLOW_BYTES = 1000
const PATIENCE_MS = 20_000

/** @param {string[]} args seconds of slow reading, if not 30 */
export async function run([seconds = '30']) {
  const verdict = new Verdict()
  const broker = await Served.start(['--sys-interval', '0', '--http', '0'])
  try {
    const slow = await connected(broker.port(), 'slow', { clean: false })
    await slow.subscribe(['load'], 1)
    const slowly = acknowledging(slow)
    const fast = await connected(broker.port(), 'fast')
    await fast.subscribe(['load'], 1)
    const quickly = acknowledging(fast)
    slow.socket.pause()
    const publisher = await connected(broker.port(), 'publisher')
    publisher.onPacket = () => {}
    for (let number = 0; number < MESSAGES; number++) {
      await publisher.push({
        cmd: 'publish',
        topic: 'load',
        payload: `${number} `.padEnd(BYTES, 'x'),
        qos: 1,
        retain: false,
        dup: false,
        messageId: number + 1,
      })
    }
    const startedAtMs = performance.now()
    await until(
      () => quickly.length === MESSAGES,
      PATIENCE_MS,
      () => quickly.length,
    )
    verdict.equals('messages of the fast reader', quickly.length, MESSAGES)
    verdict.tell('all of them there after the last was sent, ms', performance.now() - startedAtMs)
    // a kilobyte a second: the socket is read in small bites
    for (let second = 0; second < Number(seconds); second++) {
      // tells 'data' itself
      slow.socket.read(SLOW_BYTES)
      await pause(1000)
    }
    verdict.tell('messages of the slow reader while it was slow', slowly.length)
    verdict.demand('the slow reader is still connected', !slow.isClosed, 'has to be', !slow.isClosed)
    slow.socket.resume()
    await until(
      () => slowly.length >= MESSAGES,
      PATIENCE_MS,
      () => slowly.length,
    )
    verdict.equals('messages of the slow reader in the end', slowly.length, MESSAGES)
    const inOrder = slowly.every((number, i) => number === i)
    verdict.demand('in order, each once', inOrder, 'has to be', inOrder)
    verdict.equals('dropped', await broker.metric('deliveries_dropped'), 0)
  } finally {
    await broker.stop()
  }
  return verdict.isPassed
}

/** @param {import('./lib/raw-connection.mjs').RawConnection} connection @returns {number[]} numbers of what came, as it comes */
function acknowledging(connection) {
  /** @type {number[]} */
  const numbers = []
  connection.onPacket = (packet) => {
    if (packet.cmd !== 'publish') return
    numbers.push(Number.parseInt(packet.payload.toString(), 10))
    connection.send({ cmd: 'puback', messageId: packet.messageId })
  }
  return numbers
}
