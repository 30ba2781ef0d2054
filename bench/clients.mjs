// `npm run bench:clients`: how fast `pub -l` and `sub` are, against mosquitto_pub, mosquitto_sub and the npm `mqtt` program,
// and what the client of the library reaches. The commands talk to lib/line-broker.mjs, which is faster than all of them;
// the library to our own broker. Each client has processor 1, its broker processor 0, where taskset exists.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { onProcessor, startOurs } from './lib/brokers.mjs'

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, messages: { type: 'string', default: '1000000' } },
})
const MESSAGES = Number(options.messages)
const PAYLOAD_BYTES = 32
const rounds = Number(options.rounds)
const here = (/** @type {string} */ path) => fileURLToPath(new URL(path, import.meta.url))
const OURS = [process.execPath, here('../bin/mqtt-kit.cjs')]
const MQTT_JS = [process.execPath, here('../node_modules/mqtt/build/bin/mqtt.js')]
const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-bench-'))
/** what a program that is much slower gets of the messages */
const SMALL_SHARE = 1 / 20

/** @typedef {{ name: string, args: string[], target: number, messages: number }} Entrant */
/** @typedef {{ name: string, entrants: Entrant[], reads: boolean }} Task */

/** @param {string[]} ours @param {string[]} mosquitto @param {string[]} mqttJs @returns {Entrant[]} */
const entrants = (ours, mosquitto, mqttJs) => [
  { name: 'mqtt-kit', args: [...OURS, ...ours], target: 0, messages: MESSAGES },
  { name: 'mosquitto', args: mosquitto, target: 1, messages: MESSAGES },
  { name: 'npm mqtt', args: [...MQTT_JS, ...mqttJs], target: 5, messages: MESSAGES * SMALL_SHARE },
]

/** @param {string} port @param {string} qos @returns {Task} */
function publishing(port, qos) {
  const common = ['-p', port, '-q', qos, '-t', 'bench/lines']
  return {
    name: `pub -l, QoS ${qos}`,
    reads: false,
    entrants: entrants(
      ['pub', '-l', '-V', '3.1.1', ...common],
      ['mosquitto_pub', '-l', ...common],
      ['pub', '-s', '-M', ...common],
    ),
  }
}

/** @param {string} port @returns {Task} */
function subscribing(port) {
  const common = ['-p', port, '-t', 'bench/lines']
  return {
    name: 'sub, QoS 0',
    reads: true,
    entrants: entrants(['sub', '-V', '3.1.1', ...common], ['mosquitto_sub', ...common], ['sub', ...common]),
  }
}

try {
  const broker = await startLineBroker()
  console.log(
    `Node ${process.version}, ${MESSAGES.toLocaleString('en')} messages of ${PAYLOAD_BYTES} bytes, medians of ${rounds}`,
  )
  for (const task of [publishing(broker.port, '0'), publishing(broker.port, '1'), subscribing(broker.port)]) {
    await compare(task, broker)
  }
  broker.stop()
  await measureLibrary()
} finally {
  rmSync(folder, { recursive: true })
}

async function startLineBroker() {
  const [program = '', ...args] = onProcessor(0, [
    process.execPath,
    here('lib/line-broker.mjs'),
    String(MESSAGES),
    String(PAYLOAD_BYTES),
  ])
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const output = createInterface({ input: child.stdout })
  const [first] = await once(output, 'line')
  return {
    port: String(first).replace('port ', ''),
    /** @returns {Promise<number>} messages of the next connection that ends */
    published: async () => Number((await once(output, 'line'))[0].replace('published ', '')),
    stop: () => child.kill(),
  }
}

/** @param {Task} task @param {Awaited<ReturnType<typeof startLineBroker>>} broker */
async function compare(task, broker) {
  const present = task.entrants.filter(({ args }) => isThere(args))
  /** @type {Map<string, number[]>} */
  const rates = new Map(present.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const { name, args, messages } of present) {
      const rate = await (task.reads ? rateSubscriber(args, messages) : ratePublisher(args, messages, broker))
      rates.get(name)?.push(rate)
    }
  }
  const ours = median(rates.get('mqtt-kit') ?? [])
  for (const { name, target } of present) {
    const theirs = median(rates.get(name) ?? [])
    const ratio = target === 0 ? '' : `  ${(ours / theirs).toFixed(2)} x, wanted ${target}`
    console.log(
      `${task.name.padEnd(14)} ${name.padEnd(10)} ${Math.round(theirs).toLocaleString('en').padStart(10)} /s${ratio}`,
    )
  }
}

/** @param {string[]} args */
function isThere(args) {
  const program = args.find((arg) => arg !== process.execPath) ?? ''
  return program.startsWith('/') ? existsSync(program) : spawnSync(program, ['--help']).error === undefined
}

/** @param {string[]} args @param {number} messages @param {Awaited<ReturnType<typeof startLineBroker>>} broker */
async function ratePublisher(args, messages, broker) {
  const lines = join(folder, 'lines')
  writeFileSync(lines, `${'x'.repeat(PAYLOAD_BYTES)}\n`.repeat(messages))
  const start = performance.now()
  const [program = '', ...rest] = onProcessor(1, args)
  const published = broker.published()
  const child = spawn(program, rest, { stdio: [openSync(lines, 'r'), 'ignore', 'inherit'] })
  const [exitCode] = await once(child, 'exit')
  const seconds = (performance.now() - start) / 1000
  const count = await published
  // mosquitto_pub 2.0.11 ends at the end of its input, whatever waits to be sent
  if (count !== messages || exitCode !== 0) {
    console.log(`${args.join(' ')} ended with ${exitCode} and published ${count} of ${messages}`)
  }
  return count / seconds
}

// Not all of them can count, so each is ended when its output has all lines.
/** @param {string[]} args @param {number} messages */
async function rateSubscriber(args, messages) {
  const output = join(folder, 'output')
  const start = performance.now()
  const [program = '', ...rest] = onProcessor(1, args)
  const child = spawn(program, rest, { stdio: ['ignore', openSync(output, 'w'), 'inherit'] })
  const exited = once(child, 'exit')
  while (statSync(output).size < messages * (PAYLOAD_BYTES + 1)) {
    if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended with ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const seconds = (performance.now() - start) / 1000
  child.kill('SIGKILL')
  await exited
  return messages / seconds
}

async function measureLibrary() {
  const broker = await startOurs()
  for (const qos of ['0', '1']) {
    const rates = []
    for (let round = 0; round < rounds; round++) {
      const [program = '', ...args] = onProcessor(1, [
        process.execPath,
        here('lib/library-client.mjs'),
        String(broker.port),
        qos,
        String(MESSAGES),
      ])
      const { stdout, status } = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
      if (status !== 0) throw new Error(`library-client.mjs ended with ${status}`)
      rates.push(Number(stdout))
    }
    const rate = Math.round(median(rates)).toLocaleString('en')
    console.log(`Client.send, 10 clients, QoS ${qos}: ${rate} /s, wanted ${qos === '0' ? '300,000' : '100,000'}`)
  }
  await broker.stop()
}

/** @param {number[]} values */
function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
