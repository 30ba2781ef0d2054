// A million retained messages for one subscriber that reads slowly, and the end of them all (semantics R-14).
import { latencyDuring } from './lib/latency.mjs'
import { connected } from './lib/raw-connection.mjs'
import { Served } from './lib/served.mjs'
import { pause, until } from './lib/until.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary =
  '1,000,000 retained messages for one wildcard: none lost, memory as before, others notice nothing'

const PATIENCE_MS = 30_000
/** what one subscriber may cost, whatever waits for it */
const SUBSCRIBER_MIB = 64

/** @param {string[]} args how many, if not a million */
export async function run([messages = '1000000']) {
  const count = Number(messages)
  const verdict = new Verdict()
  const broker = await Served.start([
    '--http',
    '0',
    '--sys-interval',
    '0',
    '--max-retained',
    String(count),
    '--max-retained-bytes',
    String(4 * 2 ** 30),
  ])
  try {
    const emptyMib = broker.residentMib
    const publisher = await connected(broker.port(), 'publisher')
    publisher.onPacket = () => {}
    for (let i = 0; i < count; i++) await publisher.push(retained(i, 'x'))
    const isStored = await until(() => publisher.socket.writableLength === 0, PATIENCE_MS)
    await pingOf(publisher)
    const storedMib = broker.residentMib
    verdict.demand('messages stored', isStored, 'all were taken', isStored)
    verdict.tell('memory for all of them, MiB', storedMib - emptyMib)
    const calm = await latencyDuring(broker.port(), () => pause(2000))
    let read = 0
    const topics = new Uint8Array(count)
    const reader = await connected(broker.port(), 'reader')
    reader.onPacket = (packet) => {
      if (packet.cmd !== 'publish') return
      read++
      const number = Number(packet.topic.slice(packet.topic.lastIndexOf('/') + 1))
      topics[number] = (topics[number] ?? 0) + 1
    }
    let peakMib = storedMib
    const busy = await latencyDuring(broker.port(), async () => {
      reader.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'many/#', qos: 0 }] })
      await until(
        () => {
          peakMib = Math.max(peakMib, broker.residentMib)
          return read >= count
        },
        PATIENCE_MS,
        () => read,
      )
    })
    verdict.equals('messages read', read, count)
    verdict.equals('topics that came once', topics.filter((times) => times === 1).length, count)
    verdict.atMost('memory more than before, peak', peakMib - storedMib, SUBSCRIBER_MIB, 'MiB')
    verdict.tell('p99 latency of a bystander before, ms', calm.p99Ms)
    verdict.atMost('p99 latency of a bystander meanwhile', busy.p99Ms, 100, 'ms')
    for (let i = 0; i < count; i++) await publisher.push(retained(i, ''))
    await pingOf(publisher)
    verdict.equals('retained messages at the end', await broker.metric('retained_messages'), 0)
    verdict.tell('memory at the end, garbage not collected yet, MiB more than empty', broker.residentMib - emptyMib)
  } finally {
    await broker.stop()
  }
  return verdict.isPassed
}

/** @param {number} number @param {string} payload @returns {import('mqtt-packet').Packet} */
function retained(number, payload) {
  return { cmd: 'publish', topic: `many/${number % 1000}/${number}`, payload, qos: 0, retain: true, dup: false }
}

/** All that was sent before has been dealt with. @param {import('./lib/raw-connection.mjs').RawConnection} connection */
async function pingOf(connection) {
  connection.onPacket = null
  connection.send({ cmd: 'pingreq' })
  await connection.next()
  connection.onPacket = () => {}
}
