// The brokers that drills kill and start again, always on the same port and the same data.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../lib/free-port.mjs'

const BINARY = fileURLToPath(new URL('../../../bin/mqtt-kit.cjs', import.meta.url))
const MOSQUITTO = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/usr/bin/mosquitto'].find(existsSync)

/** Names for --broker: the command line of each, given a port and a folder of its own; null when it is not installed. */
const COMMANDS = {
  /** @param {number} port @param {string} folder @param {string[]} args */
  ours: (port, folder, args) => [...ourCommand(port), '--data', join(folder, 'data'), ...args],
  /** @param {number} port */
  memory: (port) => ourCommand(port),
  mosquitto,
}

/** @typedef {keyof typeof COMMANDS} BrokerName */
export const brokerNames = /** @type {BrokerName[]} */ (Object.keys(COMMANDS))

/** @param {number} port */
function ourCommand(port) {
  return [process.execPath, BINARY, 'serve', '-p', String(port), '--sys-interval', '0', '--max-queued', '10000000']
}

/** mosquitto with its most careful settings. @param {number} port @param {string} folder */
function mosquitto(port, folder) {
  if (MOSQUITTO === undefined) return null
  mkdirSync(join(folder, 'data'))
  const file = join(folder, 'mosquitto.conf')
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${join(folder, 'data')}/`,
    'autosave_on_changes true',
    'autosave_interval 1',
    'max_queued_messages 0',
    'max_queued_bytes 0',
    'log_type error',
    // else it gives up its rights when it is started by root, and cannot write
    'user root',
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  return [MOSQUITTO, '-c', file]
}

/** A broker with data of its own below the temporary folder. */
export class KilledBroker {
  /** @type {import('node:child_process').ChildProcess | null} */
  #child = null
  #stderr = ''

  /** @param {BrokerName} name @param {number} port @param {string} folder @param {string[]} command */
  constructor(name, port, folder, command) {
    this.name = name
    this.port = port
    this.folder = folder
    this.command = command
  }

  /**
   * @param {BrokerName} name
   * @param {string[]} args more arguments for ours
   * @returns {Promise<KilledBroker | null>} null when it is not installed
   */
  static async prepare(name, args = []) {
    const port = await freePort()
    const folder = mkdtempSync(join(tmpdir(), `mqtt-kit-drill-${name}-`))
    const command = COMMANDS[name](port, folder, args)
    return command === null ? null : new KilledBroker(name, port, folder, command)
  }

  /** Starts it and does not wait. */
  start() {
    const [program, ...args] = /** @type {[string, ...string[]]} */ (this.command)
    this.#stderr = ''
    this.#child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child.stderr?.setEncoding('utf8').on('data', (text) => (this.#stderr += text))
    this.#child.on('error', (error) => (this.#stderr += error.message))
  }

  get isRunning() {
    return this.#child !== null && this.#child.exitCode === null
  }

  /** @throws when it has ended by itself, with what it said */
  assertRuns() {
    if (!this.isRunning) throw new Error(`${this.name} ended by itself: ${this.#stderr.trim()}`)
  }

  /** kill -9, and waits until the process is gone. */
  async kill() {
    this.assertRuns()
    await this.#end('SIGKILL')
  }

  /** Stops it and throws its data away. */
  async remove() {
    if (this.isRunning) await this.#end('SIGTERM')
    rmSync(this.folder, { recursive: true, force: true })
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#child
    this.#child = null
    if (child === null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
}
