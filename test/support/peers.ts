import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** Is this program of another project here? With MQTT_KIT_REQUIRE_PEERS=1 a missing one is a failure, not a skip. */
export function findPeer(name: string, command: string, args: readonly string[]): boolean {
  // its exit code says nothing: mosquitto_pub --help ends with 1
  if (spawnSync(command, [...args], { stdio: 'ignore' }).error === undefined) return true
  if (process.env['MQTT_KIT_REQUIRE_PEERS'] === '1')
    throw new Error(`${name} is missing, and MQTT_KIT_REQUIRE_PEERS is set`)
  process.stderr.write(`skipped: ${name} is not installed\n`)
  return false
}

/** The first Python that can import paho.mqtt; null when there is none. */
export function pythonWithPaho(): string | null {
  for (const python of ['python3', '/usr/bin/python3']) {
    if (spawnSync(python, ['-c', 'import paho.mqtt.client'], { stdio: 'ignore' }).status === 0) return python
  }
  if (process.env['MQTT_KIT_REQUIRE_PEERS'] === '1')
    throw new Error('paho-mqtt is missing, and MQTT_KIT_REQUIRE_PEERS is set')
  process.stderr.write('skipped: no python3 with paho-mqtt is installed\n')
  return null
}

/** What a finished program left behind. */
export interface Finished {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A program of another project that runs beside a test. */
export class Peer {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  #wake: (() => void)[] = []
  readonly #closed: Promise<unknown>

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, [...args], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#closed = once(this.child, 'close')
    this.child.stdout!.setEncoding('latin1').on('data', (text: string) => this.#heard('stdout', text))
    this.child.stderr!.setEncoding('latin1').on('data', (text: string) => this.#heard('stderr', text))
    this.child.stdin!.on('error', (error) => {
      this.stderr += error.message
    })
  }

  #heard(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Waits until stdout or stderr holds the text. */
  async says(text: string): Promise<void> {
    while (!this.stdout.includes(text) && !this.stderr.includes(text)) {
      if (this.child.exitCode !== null)
        throw new Error(`ended before it said ${JSON.stringify(text)}: ${this.stdout}${this.stderr}`)
      await Promise.race([new Promise<void>((resolve) => this.#wake.push(resolve)), once(this.child, 'exit')])
    }
  }

  async finished(): Promise<Finished> {
    await this.#closed
    return { exitCode: this.child.exitCode, stdout: this.stdout, stderr: this.stderr }
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.child.kill(signal)
  }
}

/** Runs a program to its end. */
export function run(command: string, ...args: string[]): Promise<Finished> {
  const peer = new Peer(command, args)
  peer.child.stdin!.end()
  return peer.finished()
}
