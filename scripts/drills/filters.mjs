// Filters that overlap by the thousand (semantics O-02, T-14).
import { connected } from './lib/raw-connection.mjs'
import { Served } from './lib/served.mjs'
import { Verdict } from './lib/verdict.mjs'

export const summary = '2,048 filters of one client match each message: one copy, in well under a millisecond'

const LEVELS = 11
const MESSAGES = 2000

export async function run() {
  const verdict = new Verdict()
  const broker = await Served.start(['--sys-interval', '0'])
  try {
    const reader = await connected(broker.port(), 'reader')
    const levels = Array.from({ length: LEVELS }, (_, i) => `level${i}`)
    const filters = Array.from({ length: 2 ** LEVELS }, (_, mask) =>
      levels.map((level, i) => ((mask >> i) & 1 ? '+' : level)).join('/'),
    )
    await reader.subscribe(filters, 1)
    const publisher = await connected(broker.port(), 'publisher')
    verdict.tell('filters', filters.length)
    for (const [name, topicOf] of /** @type {[string, (i: number) => string][]} */ ([
      ['one topic', () => levels.join('/')],
      ['a new topic each', (i) => [...levels.slice(0, -1), `other${i}`].join('/')],
    ])) {
      let received = 0
      const finished = new Promise((resolve) => {
        reader.onPacket = (packet) => {
          if (packet.cmd !== 'publish') return
          received++
          if (packet.payload.toString() === 'last') resolve(undefined)
        }
      })
      const before = broker.cpuSeconds
      for (let i = 0; i < MESSAGES; i++)
        await publisher.push({
          cmd: 'publish',
          topic: topicOf(i),
          payload: i === MESSAGES - 1 ? 'last' : 'x',
          qos: 0,
          retain: false,
          dup: false,
        })
      await finished
      verdict.equals(`${name}: copies of ${MESSAGES} messages`, received, MESSAGES)
      verdict.atMost(`${name}: processor time per message`, ((broker.cpuSeconds - before) / MESSAGES) * 1e6, 1000, 'us')
    }
  } finally {
    await broker.stop()
  }
  return verdict.isPassed
}
