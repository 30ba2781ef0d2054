// kill -9 at random moments under load, and an account of what had been acknowledged.
//
//   npm run drills -- kill                      50 rounds of ours, then of mosquitto
//   npm run drills -- kill --rounds 3 --broker ours
//   npm run drills -- kill --seed 7             the same moments again, as far as the machine's clock allows
//
// Four publishers (two at QoS 1, two at QoS 2) come back after each kill and finish what was in flight. One subscriber does the
// same; another is away most of the time, comes every third round to drain its queue, and is cut off while it drains. Beside
// them retained messages change, and five sessions subscribe and unsubscribe. A message counts as acknowledged when its
// PUBACK or PUBREC was read. Ends with 1 when ours has lost anything or repeated a QoS 2 message.
import { parseArgs } from 'node:util'
import { brokerNames, KilledBroker } from './lib/brokers.mjs'
import { DrillClient } from './lib/drill-client.mjs'
import { Keeper } from './lib/keeper.mjs'
import { Ledger } from './lib/ledger.mjs'
import { randomFrom } from './lib/random.mjs'
import { Roster } from './lib/roster.mjs'
import { pause, until } from './lib/until.mjs'

export const summary = 'kill -9 at random moments under load: what was acknowledged must be there'

const STREAMS = /** @type {const} */ ([
  ['load/a', 1],
  ['load/b', 1],
  ['load/c', 2],
  ['load/d', 2],
])
const RECEIVERS = ['steady', 'sleeper']
const WINDOW = 20
/** each publisher sends up to so many messages at once, and then waits */
const BURST = 8
const BURST_EVERY_MS = 8
const SLEEPER_WAKES_EVERY = 3
/** one kill in so many comes while the broker starts */
const EARLY_EVERY = 4
const EARLIEST_MS = 300
const LATEST_MS = 500
const PATIENCE_MS = 20_000

/** @typedef {import('./lib/ledger.mjs').Account} Account */
/** @typedef {Record<string, number>} Figures printed row by row, in this order */

/** @param {string[]} args */
export async function run(args) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '50' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      broker: { type: 'string' },
      durability: { type: 'string', default: 'process' },
    },
  })
  const rounds = Number(values.rounds)
  const wanted = brokerNames.filter((name) => name === (values.broker ?? name) && (values.broker || name !== 'memory'))
  if (wanted.length === 0) throw new Error(`--broker takes one of ${brokerNames.join(', ')}`)
  console.log(`${rounds} rounds of kill -9, --seed ${values.seed}`)
  /** @type {Map<string, Figures>} */
  const results = new Map()
  for (const name of wanted) {
    const broker = await KilledBroker.prepare(name, ['--durability', values.durability])
    if (broker === null) console.log(`${name} is not installed`)
    else results.set(name, await drill(broker, rounds, randomFrom(Number(values.seed))))
  }
  print(results)
  const ours = results.get('ours')
  return ours === undefined || MUST_BE_0.every((figure) => ours[figure] === 0)
}

const MUST_BE_0 = [
  'acknowledged, lost by a subscriber',
  'QoS 2 messages repeated',
  'out of order',
  'corrupt',
  'retained wrong',
  'sessions lost',
  'subscriptions lost',
  'ended subscriptions back',
  'never acknowledged',
]

/** @param {KilledBroker} broker @param {number} rounds @param {() => number} random */
async function drill(broker, rounds, random) {
  const load = new Load(broker.port)
  const roster = new Roster(broker.port)
  const keeper = new Keeper(broker.port)
  const missing = { sessions: 0, subscriptions: 0, ghosts: 0, retained: 0 }
  /** @type {number[]} */
  const restartsMs = []

  const check = async () => {
    const found = await roster.check()
    missing.sessions += found.sessions
    missing.subscriptions += found.subscriptions
    missing.ghosts += found.ghosts
    missing.retained += await keeper.check()
  }
  const everybodyIsBack = async () => {
    const isBack = () => load.isConnected && roster.isConnected && keeper.client.isConnected
    if (!(await until(() => !broker.isRunning || isBack(), PATIENCE_MS)))
      throw new Error(`${broker.name} lets not everybody in`)
    broker.assertRuns()
  }

  try {
    broker.start()
    await load.begin()
    roster.start()
    keeper.start()
    await everybodyIsBack()
    for (let round = 1; round <= rounds; round++) {
      await pause(random() * LATEST_MS)
      await broker.kill()
      if (round % SLEEPER_WAKES_EVERY === 0) load.sleeper.start()
      else load.sleeper.stop()
      const startedAtMs = performance.now()
      broker.start()
      if (round % EARLY_EVERY === 0) {
        await pause(random() * EARLIEST_MS)
        await broker.kill()
        broker.start()
      }
      await everybodyIsBack()
      restartsMs.push(performance.now() - startedAtMs)
      await check()
      if (round % 10 === 0) console.error(`${broker.name}: round ${round}, ${load.ledger.acknowledged} acknowledged`)
    }
    await load.finish()
    await check()
  } finally {
    load.stop()
    roster.stop()
    keeper.stop()
    await broker.remove()
  }
  return figuresOf(load, missing, restartsMs)
}

/** Publishers and subscribers of the numbered streams. */
class Load {
  ledger = new Ledger()
  sleeper
  #steady
  /** @type {DrillClient[]} */
  #publishers = []
  #finisher
  /** @type {NodeJS.Timeout | undefined} */
  #timer
  #ended = new Set()
  lostSessions = 0

  /** @param {number} port */
  constructor(port) {
    for (const [topic, qos] of STREAMS) this.ledger.addStream(topic, qos)
    this.#publishers = STREAMS.map(([topic]) => new DrillClient({ port, clientId: `pub-${topic}`, window: WINDOW }))
    this.#steady = this.#receiver(port, 'steady')
    this.sleeper = this.#receiver(port, 'sleeper')
    this.#finisher = new DrillClient({ port, clientId: 'finisher' })
  }

  /** @param {number} port @param {string} name */
  #receiver(port, name) {
    let isFirst = true
    this.ledger.addReceiver(name)
    const client = new DrillClient(
      { port, clientId: name },
      {
        connected: (sessionPresent) => {
          if (sessionPresent) return
          if (!isFirst) this.lostSessions++
          client.subscribe('load/#', 2).then(
            () => (isFirst = false),
            () => {},
          )
        },
        message: ({ topic, payload }) => {
          if (topic === 'load/end') this.#ended.add(name)
          else this.ledger.received(name, topic, payload)
        },
      },
    )
    return client
  }

  get isConnected() {
    return this.#steady.isConnected && this.#publishers.every((client) => client.isConnected)
  }

  /** Both receivers subscribe; then one leaves, and the publishers begin. */
  async begin() {
    this.#steady.start()
    this.sleeper.start()
    await until(() => this.#steady.isConnected && this.sleeper.isConnected, PATIENCE_MS)
    await Promise.all([this.#steady.subscribe('load/#', 2), this.sleeper.subscribe('load/#', 2)])
    this.sleeper.stop()
    for (const client of this.#publishers) client.start()
    this.#timer = setInterval(() => this.#burst(), BURST_EVERY_MS)
  }

  #burst() {
    this.#publishers.forEach((client, index) => {
      const [topic, qos] = /** @type {(typeof STREAMS)[number]} */ (STREAMS[index])
      for (let i = 0; i < BURST && client.hasRoom; i++) {
        const { payload, taken } = this.ledger.next(topic)
        client.publish(topic, payload, { qos }, taken)
      }
    })
  }

  /** No more is sent; what is in flight is finished, and both receivers get what waits for them. */
  async finish() {
    clearInterval(this.#timer)
    await until(() => this.#publishers.every(({ inFlight }) => inFlight === 0), PATIENCE_MS)
    this.sleeper.start()
    this.#finisher.start()
    // whoever has got this one has got all that was before it
    this.#finisher.publish('load/end', '', { qos: 2 })
    const received = () => RECEIVERS.map((name) => this.ledger.total(name)).join()
    await until(() => this.#ended.size === RECEIVERS.length, PATIENCE_MS, received)
  }

  stop() {
    clearInterval(this.#timer)
    for (const client of [this.#steady, this.sleeper, this.#finisher, ...this.#publishers]) client.stop()
  }
}

/**
 * @param {Load} load
 * @param {{ sessions: number, subscriptions: number, ghosts: number, retained: number }} missing
 * @param {number[]} restartsMs
 * @returns {Figures}
 */
function figuresOf({ ledger, lostSessions }, missing, restartsMs) {
  const accounts = RECEIVERS.map((name) => ledger.account(name))
  /** @param {keyof Account} key */
  const sum = (key) => accounts.reduce((total, account) => total + account[key], 0)
  const sorted = [...restartsMs].sort((a, b) => a - b)
  return {
    'messages sent': ledger.sent,
    'never acknowledged': ledger.sent - ledger.acknowledged,
    'acknowledged, lost by a subscriber': sum('lost'),
    'QoS 2 messages repeated': sum('duplicates2'),
    'QoS 1 messages repeated (allowed)': sum('duplicates1'),
    'out of order': sum('outOfOrder'),
    corrupt: sum('corrupt'),
    'retained wrong': missing.retained,
    'sessions lost': lostSessions + missing.sessions,
    'subscriptions lost': missing.subscriptions,
    'ended subscriptions back': missing.ghosts,
    'restart until all are back, median ms': Math.round(sorted[sorted.length >> 1] ?? 0),
    'the longest, ms': Math.round(sorted.at(-1) ?? 0),
  }
}

/** @param {Map<string, Figures>} results */
function print(results) {
  const figures = Object.keys([...results.values()][0] ?? {})
  const widest = Math.max(...figures.map((figure) => figure.length))
  console.log([''.padEnd(widest), ...[...results.keys()].map((name) => name.padStart(10))].join('  '))
  for (const figure of figures) {
    const cells = [...results.values()].map((result) => String(result[figure]).padStart(10))
    console.log([figure.padEnd(widest), ...cells].join('  '))
  }
}
