// How long the command line takes to start, against bare Node: medians of wall-clock time, measured alternately so that
// a machine that slows down slows all of them. Run with: npm run build && npm run bench:start
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const ROUNDS = 15
const PROGRAM = fileURLToPath(new URL('../bin/mqtt-kit.cjs', import.meta.url))
const READY = /^mqtt-kit ready mqtt:\/\/127\.0\.0\.1:(\d+)/
/** MQTT 3.1.1, Clean Session, empty Client Identifier */
const CONNECT = Buffer.from([0x10, 12, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 0, 0, 0])
const CONNACK = 0x20

const broker = serve()
try {
  const port = await readyPort(broker)
  const medians = await measure({
    'node -e 0': () => run(['-e', '0']),
    'mqtt-kit --version': () => run([PROGRAM, '--version']),
    'mqtt-kit pub -m x -t t': () => run([PROGRAM, 'pub', '-p', port, '-m', 'x', '-t', 't']),
    'serve, to first CONNACK': serveToConnack,
  })
  report(medians)
} finally {
  broker.kill()
}

function serve() {
  return spawn(process.execPath, [PROGRAM, 'serve', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** @param {ReturnType<typeof serve>} child @returns {Promise<string>} */
async function readyPort(child) {
  const lines = createInterface({ input: child.stdout })
  const [line] = await Promise.race([once(lines, 'line'), once(child, 'exit').then(() => [''])])
  const port = READY.exec(line)?.[1]
  if (port === undefined) throw new Error(`the broker did not start: ${line || 'no ready line'}`)
  return port
}

/**
 * @param {Record<string, () => void | Promise<number>>} tasks each resolves with milliseconds, or is timed as a whole
 * @returns {Promise<Map<string, number>>} name -> median in milliseconds
 */
async function measure(tasks) {
  /** @type {Map<string, number[]>} */
  const samples = new Map(Object.keys(tasks).map((name) => [name, []]))
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, task] of Object.entries(tasks)) {
      const start = performance.now()
      const elapsedMs = (await task()) ?? performance.now() - start
      if (round >= 0) samples.get(name)?.push(elapsedMs) // round -1 fills the caches
    }
  }
  return new Map([...samples].map(([name, values]) => [name, median(values)]))
}

/** @param {string[]} args */
function run(args) {
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`)
}

// What follows CONNACK is not part of the time.
async function serveToConnack() {
  const start = performance.now()
  const child = serve()
  const socket = connect(Number(await readyPort(child)), '127.0.0.1')
  socket.write(CONNECT)
  const [bytes] = await once(socket, 'data')
  const elapsedMs = performance.now() - start
  if (bytes[0] !== CONNACK) throw new Error(`the broker answered CONNECT with 0x${bytes[0].toString(16)}`)
  socket.destroy()
  child.kill()
  await once(child, 'exit')
  return elapsedMs
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
