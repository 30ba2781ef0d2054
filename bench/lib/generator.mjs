// Runs mqttload.c, which is compiled on first use, on processor 1.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onProcessor } from './brokers.mjs'

/** @typedef {Awaited<ReturnType<typeof import('./brokers.mjs').startOurs>>} RunningBroker */
/** @typedef {Record<string, any>} Result what mqttload prints with --json, or `error` */

const generator = buildGenerator()

function buildGenerator() {
  const source = fileURLToPath(new URL('../mqttload.c', import.meta.url))
  const folder = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))
  const program = join(folder, 'mqttload')
  mkdirSync(folder, { recursive: true })
  const built = statSync(program, { throwIfNoEntry: false })
  if (built !== undefined && built.mtimeMs > statSync(source).mtimeMs) return program
  const compiled = spawnSync('gcc', ['-O3', '-march=native', '-o', program, source, '-lpthread', '-lm'], {
    stdio: 'inherit',
  })
  if (compiled.status !== 0) throw new Error('the generator needs gcc: install a C compiler')
  return program
}

/** @param {RunningBroker} broker @param {string} args @returns {Promise<Result>} */
export async function measure(broker, args) {
  const command = onProcessor(1, [
    generator,
    ...args.split(' '),
    '--port',
    String(broker.port),
    '--pid',
    String(broker.pid),
    '--json',
  ])
  const [program, ...programArgs] = command
  const child = spawn(/** @type {string} */ (program), programArgs, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let talk = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (talk += chunk))
  const exitCode = await new Promise((resolve) => child.on('close', resolve))
  const line = output.trim().split('\n').at(-1) ?? ''
  if (exitCode === 1 || line === '') return { error: talk.trim() || `mqttload ended with ${exitCode}` }
  return { ...JSON.parse(line), exitCode }
}
