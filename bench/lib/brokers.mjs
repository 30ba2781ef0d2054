// Starts the brokers that are compared, each on processor 0 where taskset exists; the generator has processor 1.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../scripts/lib/free-port.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PEERS = join(ROOT, 'node_modules/.cache/bench-peers')
const AEDES = '1.2.0'
const pinned = spawnSync('taskset', ['--version']).status === 0

/**
 * `taskset -c CPU command...` where it can be had.
 * @param {number} processor
 * @param {string[]} command
 */
export function onProcessor(processor, command) {
  return pinned ? ['taskset', '-c', String(processor), ...command] : command
}

/** @param {number} port */
async function accepting(port) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const [event] = await Promise.race([
      once(socket, 'connect').then(() => ['connect']),
      once(socket, 'error').then(() => ['error']),
    ]).catch(() => ['error'])
    socket.destroy()
    if (event === 'connect') return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing accepts connections on port ${port}`)
}

/** @param {string} name @param {string[]} command @param {number} port */
async function start(name, command, port) {
  const [program, ...args] = onProcessor(0, command)
  const child = spawn(/** @type {string} */ (program), args, { stdio: ['ignore', 'ignore', 'inherit'], cwd: ROOT })
  child.on('error', (error) => console.error(`${name}: ${error.message}`))
  await accepting(port)
  return {
    name,
    port,
    pid: child.pid,
    async stop() {
      if (child.exitCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** Our own broker as it was built, with default limits but one: as many messages in flight as mosquitto may have here. @param {boolean} [keeps] with a store, in a fresh directory */
export async function startOurs(keeps = false) {
  const port = await freePort()
  const data = keeps ? ['--data', mkdtempSync(join(tmpdir(), 'mqtt-kit-bench-'))] : []
  return start(
    'mqtt-kit',
    [
      process.execPath,
      'bin/mqtt-kit.cjs',
      'serve',
      '-p',
      String(port),
      '--sys-interval',
      '10',
      '--max-inflight',
      '65535',
      ...data,
    ],
    port,
  )
}

/** mosquitto with its limits on queues taken away, so that it drops nothing. @returns null when it is not installed */
export async function startMosquitto() {
  const program = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/usr/bin/mosquitto'].find(existsSync)
  if (program === undefined) return null
  const port = await freePort()
  const file = join(mkdtempSync(join(tmpdir(), 'mqtt-kit-bench-')), 'mosquitto.conf')
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'max_queued_messages 0',
    'max_inflight_messages 0',
    'log_type none',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return start('mosquitto', [program, '-c', file], port)
}

/** aedes over node:net, installed on first use below node_modules/.cache. @returns null when it cannot be installed */
export async function startAedes() {
  if (!existsSync(join(PEERS, 'node_modules/aedes'))) {
    mkdirSync(PEERS, { recursive: true })
    const installed = spawnSync('npm', ['install', '--no-save', '--prefix', PEERS, `aedes@${AEDES}`], {
      stdio: 'ignore',
    })
    if (installed.status !== 0) return null
  }
  const file = join(PEERS, 'aedes.mjs')
  writeFileSync(
    file,
    `import { Aedes } from 'aedes'
import { createServer } from 'node:net'
const aedes = await Aedes.createBroker({ concurrency: 0, queueLimit: 1e9 })
createServer({ noDelay: true }, aedes.handle).listen(Number(process.argv[2]), '127.0.0.1')
`,
  )
  const port = await freePort()
  return start('aedes', [process.execPath, file, String(port)], port)
}

/** A server that only accepts sockets: what a connection costs in this Node without any MQTT. */
export async function startBareServer() {
  const port = await freePort()
  const code = `require('node:net').createServer((s) => { s.on('data', (d) => { if (d[0] === 0x10) s.write(Buffer.from([0x20, 2, 0, 0])) }); s.on('error', () => {}) }).listen(${port}, '127.0.0.1', 4096)`
  return start('bare net.Socket server', [process.execPath, '-e', code], port)
}
