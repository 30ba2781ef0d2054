// `npm run bench`: our broker against mosquitto and aedes, in turn, under the loads of lib/loads.mjs, driven by mqttload.c.
//
//   npm run bench                       everything, three rounds, about a quarter of an hour
//   npm run bench -- --only fan-out     rows whose name holds the text
//   npm run bench -- --rounds 1         quicker and less exact
//   npm run bench -- --json out.json    the figures of every run
//   npm run bench -- --markdown         the table as docs/performance.md holds it
//
// A ratio is ours to theirs within one round, the median over the rounds is shown. Ends with 1 when a ratio misses its target.
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { startAedes, startBareServer, startMosquitto, startOurs } from './lib/brokers.mjs'
import { measure } from './lib/generator.mjs'
import { distinctArguments, figureOf, loads } from './lib/loads.mjs'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '3' },
    json: { type: 'string' },
    markdown: { type: 'boolean', default: false },
    'no-aedes': { type: 'boolean', default: false },
    'no-memory': { type: 'boolean', default: false },
  },
})
const AEDES_TARGET = 10
const rounds = Number(options.rounds)
const chosen = loads.filter((load) => load.name.includes(options.only))
/** @typedef {import('./lib/loads.mjs').Load} Load */
/** @typedef {{ name: string, peer: string, ours: number, theirs: number, ratio: number, target: number, versus: 'rate' | 'cost', verdict: string }} Row */
/** @typedef {import('./lib/generator.mjs').Result} Result */

/** @type {{ round: number, broker: string, args: string, result: Result }[]} */
const runs = []

for (let round = 0; round < rounds; round++) {
  for (const args of distinctArguments(chosen)) {
    const withAedes = !options['no-aedes'] && chosen.some((load) => load.args === args && load.aedes)
    for (const begin of [
      () => startOurs(args.includes('--kept')),
      startMosquitto,
      ...(withAedes ? [startAedes] : []),
    ]) {
      const broker = await begin()
      if (broker === null) continue
      const result = await measure(broker, args)
      await broker.stop()
      runs.push({ round, broker: broker.name, args, result })
      process.stderr.write(`${broker.name.padEnd(10)} ${args}: ${summary(result)}\n`)
    }
  }
}

const rows = chosen.flatMap(compare)
if (!options['no-memory'] && 'memory per idle connection'.includes(options.only)) rows.push(await compareMemory())
print(rows)
if (options.json) writeFileSync(options.json, JSON.stringify({ machine: machine(), runs, rows }, null, 1))
if (rows.some((row) => row.verdict === 'MISSED')) process.exitCode = 1

/** @param {Result} result */
function summary(result) {
  if (result.error) return result.error
  const rate = result.rate ?? result.conn_rate ?? result.replay_rate ?? result.drain_rate
  const lost = result.lost ? `, lost ${result.lost}` : ''
  return `${Math.round(rate).toLocaleString('en')}/s, generator at ${Math.round((result.gen_util ?? 0) * 100)} %${lost}`
}

/** @param {Load} load */
function compare(load) {
  const rows = [row(load, 'mosquitto', load.target)]
  if (load.aedes && !options['no-aedes']) rows.push(row(load, 'aedes', AEDES_TARGET))
  return rows
}

/** @param {Load} load @param {string} peer @param {number} target @returns {Row} */
function row(load, peer, target) {
  const ours = figures(load, 'mqtt-kit')
  const theirs = figures(load, peer)
  const ratios = ours.map((value, round) => value / (theirs[round] ?? Number.NaN)).filter(Number.isFinite)
  const ratio = median(ratios)
  const reached = load.versus === 'rate' ? ratio >= target : ratio <= target
  const verdict = ratios.length === 0 ? 'not measured' : reached ? 'ok' : 'MISSED'
  return {
    name: load.name,
    peer,
    ours: median(ours),
    theirs: median(theirs),
    ratio,
    target,
    versus: load.versus,
    verdict,
  }
}

/** @param {Load} load @param {string} broker @returns {number[]} one per round */
function figures(load, broker) {
  const own = runs.filter((run) => run.args === load.args && run.broker === broker)
  return own.map((run) => figureOf(run.result, load.figure) ?? Number.NaN)
}

/** @returns {Promise<Row>} */
async function compareMemory() {
  const perConnection = []
  for (const begin of [startOurs, startBareServer]) {
    const broker = await begin()
    const result = await measure(broker, 'conn --clients 10000 --hold 5 --src-ips 2')
    await broker.stop()
    perConnection.push(result.error ? Number.NaN : ((result.rss_held_kb - result.rss_start_kb) * 1024) / result.clients)
  }
  const [ours = Number.NaN, theirs = Number.NaN] = perConnection
  const above = ours - theirs
  const verdict = Number.isNaN(above) ? 'not measured' : above <= 6 * 1024 ? 'ok' : 'MISSED'
  const name = 'memory per idle connection at 10,000, bytes above a bare server'
  return { name, peer: 'bare net.Socket', ours, theirs, ratio: above, target: 6 * 1024, versus: 'cost', verdict }
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}

function machine() {
  return {
    node: process.version,
    processor: cpus()[0]?.model,
    processors: cpus().length,
    date: new Date().toISOString().slice(0, 10),
  }
}

/** @param {Row[]} table */
function print(table) {
  const { node, processor, processors, date } = machine()
  console.log(`Node ${node}, ${processors} x ${processor}, ${date}, ${rounds} rounds\n`)
  const head = ['load', 'against', 'ours', 'theirs', 'ratio', 'wanted', '']
  const cells = [head]
  for (const { name, peer, ours, theirs, ratio, target, versus, verdict } of table) {
    cells.push([
      name,
      peer,
      number(ours),
      number(theirs),
      number(ratio),
      `${versus === 'rate' ? '>=' : '<='} ${target}`,
      verdict,
    ])
  }
  if (options.markdown) {
    cells.splice(
      1,
      0,
      head.map(() => '---'),
    )
    for (const line of cells) console.log(`| ${line.join(' | ')} |`)
    return
  }
  const widths = head.map((_, column) => Math.max(...cells.map((line) => (line[column] ?? '').length)))
  for (const line of cells) console.log(line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
}

/** @param {number} value */
function number(value) {
  if (Number.isNaN(value)) return '-'
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(2)
}
