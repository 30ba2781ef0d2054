// How long the command line takes to start, against bare Node: medians of wall-clock time, measured alternately so that
// a machine that slows down slows all of them. Run with: npm run build && npm run bench:start
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ROUNDS = 15
const PROGRAM = fileURLToPath(new URL('../bin/mqtt-kit.cjs', import.meta.url))
const READY = /^mqtt-kit ready mqtt:\/\/127\.0\.0\.1:(\d+)/

const broker = spawn(process.execPath, [PROGRAM, 'serve', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
try {
  const port = await readyPort()
  report(
    measure({
      'node -e 0': ['-e', '0'],
      'mqtt-kit --version': [PROGRAM, '--version'],
      'mqtt-kit pub -m x -t t': [PROGRAM, 'pub', '-p', port, '-m', 'x', '-t', 't'],
    }),
  )
} finally {
  broker.kill()
}

/** @returns {Promise<string>} */
async function readyPort() {
  const lines = createInterface({ input: broker.stdout })
  const [line] = await Promise.race([once(lines, 'line'), once(broker, 'exit').then(() => [''])])
  const port = READY.exec(line)?.[1]
  if (port === undefined) throw new Error(`the broker did not start: ${line || 'no ready line'}`)
  return port
}

/**
 * @param {Record<string, string[]>} commands name -> arguments of node
 * @returns {Map<string, number>} name -> median in milliseconds
 */
function measure(commands) {
  /** @type {Map<string, number[]>} */
  const samples = new Map(Object.keys(commands).map((name) => [name, []]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, args] of Object.entries(commands)) {
      const elapsedMs = run(name, args)
      if (round >= 0) samples.get(name)?.push(elapsedMs) // round -1 fills the caches
    }
  }
  return new Map([...samples].map(([name, values]) => [name, median(values)]))
}

/**
 * @param {string} name
 * @param {string[]} args
 */
function run(name, args) {
  const start = performance.now()
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`)
  return performance.now() - start
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.slice(Math.ceil(sorted.length / 2) - 1, Math.floor(sorted.length / 2) + 1)
  return middle.reduce((sum, value) => sum + value, 0) / middle.length
}

/** @param {Map<string, number>} medians */
function report(medians) {
  const bare = medians.get('node -e 0') ?? Number.NaN
  console.log(`Node ${process.version}, medians of ${ROUNDS}`)
  for (const [name, ms] of medians) {
    console.log(`${name.padEnd(24)} ${ms.toFixed(1).padStart(7)} ms  ${(ms / bare).toFixed(2).padStart(5)} x bare node`)
  }
}
