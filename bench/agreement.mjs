// `npm run bench:agreement`: do `mqtt-kit bench` and mqttload.c measure the same thing? Both put the same load on mosquitto and
// on our broker in turn; then clients of npm mqtt in a loop, as generators made of it are, put ten pairs on our broker.
//
//   npm run bench:agreement                    five rounds of five seconds, about twenty minutes
//   npm run bench:agreement -- --rounds 1 --duration 2
//   npm run bench:agreement -- --only latency  rows whose name holds the text
//   npm run bench:agreement -- --json out.json the figures of every run
//
// A ratio is ours to theirs within one round, for a machine may be a third slower in the next; its median is judged, over the rounds in which
// neither generator was the limit. Ends with 1 when one does not agree. The broker has processor 0 and the generator processor 1, so the
// machine should have nothing else to do.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { onProcessor, startMosquitto, startOurs } from './lib/brokers.mjs'
import { measure } from './lib/generator.mjs'

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    duration: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})
const rounds = Number(options.rounds)
const duration = Number(options.duration)
/**
 * V8 translates hot code meanwhile, on the processor that the generator has. How far it has come depends on the messages, so that a low
 * rate needs longer.
 */
const WARMUP_SECONDS = 3
const LATENCY_WARMUP_SECONDS = 10
const PAYLOAD_BYTES = 64
const PAIRS = 10
const LATENCY_RATE = 1_000
const OPEN_RATES = [5_000, 50_000]
/** a burst of ours is half of what may be on its way, and mqttload has to be told */
const WINDOW = 1_000
const IN_FLIGHT = 100
const BURSTS_PER_WINDOW = 2
/** as bench judges itself */
const LATE_US = 5_000
const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))

/**
 * What one run has measured; rates per second, latencies in milliseconds.
 * @typedef {{ rate: number, p50: number, p90: number, p99: number, isLimit: boolean, lost: number }} Figures
 * @typedef {'rate' | 'p50' | 'p90' | 'p99'} FigureName
 * `apart`: how far from 1 a ratio may be. `brokers`: who is loaded. `warmup`: seconds.
 * @typedef {{ name: string, theirs: string, ours: string[], figures: FigureName[], apart: number, brokers: StartBroker[], warmup: number }} Load
 * @typedef {typeof startMosquitto} StartBroker
 */

/** @type {StartBroker[]} */
const BOTH = [startMosquitto, startOurs]

/** @param {number} qos @param {number} pairs */
const saturated = (qos, pairs, brokers = BOTH) => {
  const quantum = (qos === 0 ? WINDOW : IN_FLIGHT) / BURSTS_PER_WINDOW
  const bounds = `--window ${WINDOW} --inflight ${IN_FLIGHT} --quantum ${quantum}`
  return {
    name: `saturated p2p ${pairs}:${pairs}, QoS ${qos}`,
    theirs: `p2p --clients ${pairs} --qos ${qos} ${bounds}`,
    ours: ['p2p', '-c', `${pairs}`, '-q', `${qos}`, '--window', `${WINDOW}`, '-M', `${IN_FLIGHT}`],
    figures: /** @type {FigureName[]} */ (['rate']),
    apart: 0.1,
    brokers,
    warmup: WARMUP_SECONDS,
  }
}

/** @param {number} rate @param {FigureName[]} figures @param {number} apart @param {string} what @param {number} warmup */
const open = (rate, figures, apart, what, warmup = WARMUP_SECONDS) => ({
  name: `${what} at ${rate.toLocaleString('en')}/s, one pair, QoS 0`,
  theirs: `rtt --spin --rate ${rate}`,
  ours: ['p2p', '-c', '1', '--rate', `${rate}`],
  figures,
  apart,
  brokers: BOTH,
  warmup,
})

/** @type {Load[]} */
const loads = [
  // with one pair a generator has time to spare while mosquitto has none; of ours it takes more than either generator has
  saturated(0, 1, [startMosquitto]),
  saturated(1, 1, [startMosquitto]),
  saturated(2, 1, [startMosquitto]),
  saturated(0, PAIRS),
  saturated(1, PAIRS),
  ...OPEN_RATES.map((rate) => open(rate, ['rate'], 0.1, 'rate')),
  open(LATENCY_RATE, ['p50', 'p90', 'p99'], 0.2, 'latency', LATENCY_WARMUP_SECONDS),
].filter(({ name }) => name.includes(options.only))

/** @type {{ round: number, broker: string, generator: string, load: string, figures: Figures }[]} */
const runs = []
/** @type {string[]} */
const misses = []

for (let round = 0; round < rounds; round++) {
  for (const load of loads) {
    for (const begin of load.brokers) {
      for (const [generator, run] of /** @type {const} */ ([
        ['mqttload', byMqttload],
        ['bench', byBench],
        ['bare sockets', byBareSockets],
      ])) {
        if (run === byBareSockets && !load.figures.includes('p50')) continue
        const broker = await begin()
        if (broker === null) continue
        const figures = await run(broker, load)
        await broker.stop()
        runs.push({ round, broker: broker.name, generator, load: load.name, figures })
        const { rate, p50, p99, isLimit } = figures
        const limit = isLimit ? ', the generator was the limit' : ''
        process.stderr.write(
          `${load.name}, ${broker.name}, ${generator}: ${number(rate)}/s, p50 ${number(p50)}, p99 ${number(p99)} ms${limit}\n`,
        )
      }
    }
  }
}
for (const load of loads) for (const broker of ['mosquitto', 'mqtt-kit']) compare(load, broker)
if ('npm mqtt'.includes(options.only)) await compareWithNpm()
if (options.json) writeFileSync(options.json, JSON.stringify({ runs, misses }, null, 1))
if (misses.length > 0) process.exitCode = 1

/** @typedef {import('./lib/generator.mjs').RunningBroker} RunningBroker */

/** @param {RunningBroker} broker @param {Load} load @returns {Promise<Figures>} */
async function byMqttload(broker, { theirs, warmup }) {
  const times = `--payload ${PAYLOAD_BYTES} --duration ${duration} --warmup ${warmup}`
  const result = await measure(broker, `${theirs} ${times}`)
  if (result.error) throw new Error(result.error)
  const { p50, p90, p99 } = result.lat_us
  // at a rate it spins, and what counts is whether it was late
  const isLimit = result.send_late_us === undefined ? result.gen_util > 0.9 : result.send_late_us.p99 > LATE_US
  return { rate: result.rate, p50: p50 / 1000, p90: p90 / 1000, p99: p99 / 1000, isLimit, lost: result.lost }
}

/** @param {RunningBroker} broker @param {Load} load @returns {Promise<Figures>} */
async function byBench(broker, { ours, warmup }) {
  const times = ['-s', `${PAYLOAD_BYTES}`, '--duration', `${duration}s`, '--warmup', `${warmup}s`]
  const common = ['-V', '3.1.1', '--json', '--quiet']
  const program = [process.execPath, here('../bin/mqtt-kit.cjs'), 'bench', `mqtt://127.0.0.1:${broker.port}`]
  const { deliver, latency, generator } = JSON.parse(await outputOf([...program, ...ours, ...times, ...common]))
  const { p50Ms: p50, p90Ms: p90, p99Ms: p99 } = latency.response ?? latency.service
  return { rate: deliver.rate, p50, p90, p99, isLimit: generator.saturated, lost: deliver.lost }
}

/** What of a latency is Node's own. @param {RunningBroker} broker @param {Load} load @returns {Promise<Figures>} */
async function byBareSockets({ port }, { warmup }) {
  const terms = [port, PAYLOAD_BYTES, LATENCY_RATE, duration, warmup]
  const figures = JSON.parse(await outputOf([process.execPath, here('lib/bare-load.mjs'), ...terms.map(String)]))
  return { ...figures, isLimit: false, lost: 0 }
}

/** @param {string[]} command */
async function outputOf(command) {
  const [program = '', ...args] = onProcessor(1, command)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  const [exitCode] = await once(child, 'close')
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}`)
  return output
}

/** @param {Load} load @param {string} broker */
function compare({ name, figures, apart }, broker) {
  const of = (/** @type {string} */ generator) =>
    runs.filter((run) => run.load === name && run.broker === broker && run.generator === generator)
  const [theirs, ours, bares] = [of('mqttload'), of('bench'), of('bare sockets')]
  if (theirs.length === 0) return
  const pairs = ours.flatMap((run) => {
    const their = theirs.find(({ round }) => round === run.round)
    return their === undefined ? [] : [{ our: run.figures, their: their.figures }]
  })
  // what a generator says of itself when it had no time is nothing to compare
  const fair = pairs.filter(({ our, their }) => !our.isLimit && !their.isLimit)
  const isLimit = fair.length === 0
  const compared = isLimit ? pairs : fair
  const lost = [...theirs, ...ours].reduce((sum, run) => sum + run.figures.lost, 0)
  for (const figure of figures) {
    const our = median(compared.map((pair) => pair.our[figure]))
    const their = median(compared.map((pair) => pair.their[figure]))
    const ratio = median(compared.map((pair) => pair.our[figure] / pair.their[figure]))
    const agrees = Math.abs(ratio - 1) <= apart && lost === 0
    const verdict = isLimit ? 'a generator was the limit' : agrees ? 'ok' : 'APART'
    if (verdict === 'APART') misses.push(`${name}, ${broker}, ${figure}`)
    const both = `bench ${number(our)}, mqttload ${number(their)}`
    const wanted = `ratio ${ratio.toFixed(2)}, wanted 1 +- ${apart}`
    console.log(`${name}, ${broker}, ${figure}: ${both} (${fair.length} of ${rounds} rounds), ${wanted}: ${verdict}`)
    if (bares.length === 0) continue
    const bare = median(bares.map((run) => run.figures[figure]))
    console.log(`  two bare sockets of node:net: ${number(bare)}, bench to them ${(our / bare).toFixed(2)}`)
  }
  if (lost > 0) console.log(`${name}, ${broker}: ${number(lost)} messages were lost`)
}

async function compareWithNpm() {
  const load = saturated(0, PAIRS)
  /** @type {{ npm: number[], bench: number[] }} */
  const rates = { npm: [], bench: [] }
  for (let round = 0; round < rounds; round++) {
    for (const generator of /** @type {const} */ (['npm', 'bench'])) {
      const broker = await startOurs()
      const program = [process.execPath, here('lib/npm-load.mjs'), `${broker.port}`, `${PAIRS}`, `${PAYLOAD_BYTES}`]
      const rate =
        generator === 'npm'
          ? Number(await outputOf([...program, `${WINDOW}`, `${duration}`, `${WARMUP_SECONDS}`]))
          : (await byBench(broker, load)).rate
      await broker.stop()
      rates[generator].push(rate)
      process.stderr.write(`${load.name}, mqtt-kit, ${generator}: ${number(rate)}/s\n`)
    }
  }
  const [ours, theirs] = [median(rates.bench), median(rates.npm)]
  told(`bench against clients of npm mqtt, ${load.name}: ${number(ours)}/s to ${number(theirs)}/s`, ours / theirs, 5)
  told(`bench to serve on two processors, ${load.name}, messages/s`, ours, 250_000)
}

/** @param {string} what @param {number} value @param {number} least */
function told(what, value, least) {
  const verdict = value >= least ? 'ok' : 'MISSED'
  if (verdict !== 'ok') misses.push(what)
  console.log(`${what}: ${number(value)}, wanted ${number(least)}: ${verdict}`)
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const [lower = Number.NaN, upper = Number.NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]]
  return (lower + upper) / 2
}

/** @param {number} value */
function number(value) {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)
}
