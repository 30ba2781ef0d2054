// Our broker as a process of its own, and what the system says of it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../../bin/mqtt-kit.cjs', import.meta.url))
const TICKS_PER_SECOND = 100

export class Served {
  /** what it has said on stderr */
  log = ''
  #child

  /** @param {import('node:child_process').ChildProcess} child @param {string[]} urls */
  constructor(child, urls) {
    this.#child = child
    this.urls = urls
    child.stderr?.on('data', (chunk) => (this.log += chunk))
  }

  /**
   * Starts `serve` on a free port.
   * @param {string[]} options
   * @param {number} [descriptors] how many it may have open
   */
  static async start(options = [], descriptors) {
    const command = [process.execPath, PROGRAM, 'serve', '-p', '0', ...options]
    const [program = '', ...args] =
      descriptors === undefined ? command : ['sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', ...command]
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const [line] = await Promise.race([
      once(/** @type {import('node:stream').Readable} */ (child.stdout), 'data'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`serve ended with ${code}`))),
    ])
    return new Served(child, String(line).trim().split(' ').slice(2))
  }

  get pid() {
    return /** @type {number} */ (this.#child.pid)
  }

  /** Port of the listener with this scheme. @param {string} scheme */
  port(scheme = 'mqtt') {
    const url = this.urls.find((one) => one.startsWith(`${scheme}://`))
    if (url === undefined) throw new Error(`no listener for ${scheme}`)
    return Number(new URL(url).port)
  }

  get residentMib() {
    return this.#statusKib('VmRSS') / 1024
  }

  /** The most that it ever had. */
  get peakMib() {
    return this.#statusKib('VmHWM') / 1024
  }

  /** @param {string} name */
  #statusKib(name) {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8')
    return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1])
  }

  get descriptors() {
    return readdirSync(`/proc/${this.pid}/fd`).length
  }

  /** Processor time used so far. */
  get cpuSeconds() {
    const stat = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  }

  /** A figure of /metrics; needs --http 0. @param {string} name with its labels, without mqtt_kit_ */
  async metric(name) {
    const url = this.urls.find((one) => one.startsWith('http://'))
    const text = await (await fetch(`${url}/metrics`)).text()
    const line = text.split('\n').find((one) => one.startsWith(`mqtt_kit_${name} `))
    return Number(line?.split(' ').at(-1))
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    this.#child.kill(signal)
  }

  async stop() {
    if (this.#child.exitCode !== null) return
    const exit = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exit
  }
}
