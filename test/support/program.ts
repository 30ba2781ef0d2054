import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

const BINARY = fileURLToPath(new URL('../../bin/mqtt-kit.cjs', import.meta.url))

/** What a finished program left behind. */
export interface Outcome {
  /** exit code, or the signal that ended the process */
  readonly exitCode: number | NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
  readonly stdoutBytes: Buffer
}

/** How to start the program, beside its arguments. */
export interface ProgramOptions {
  readonly environment?: Readonly<Record<string, string>>
  /** what stands on stdin, which ends then; absent: stdin stays open and empty */
  readonly input?: Buffer | string
  /** false: nobody reads its stdout until {@link Program.readStdout} */
  readonly readStdout?: boolean
}

/** The real command line in a process of its own; killed after the test if it still runs. */
export class Program {
  readonly child: ChildProcess
  readonly #stdout: Buffer[] = []
  #stderr = ''
  #wake: (() => void)[] = []
  readonly #closed: Promise<void>
  #isClosed = false

  constructor(command: string, args: readonly string[], options: ProgramOptions) {
    const { environment, input } = options
    const inherited = Object.entries(process.env).filter(([name]) => !/^(MQTT_|NO_COLOR|FORCE_COLOR)/.test(name))
    this.child = spawn(command, [...args], {
      env: { ...Object.fromEntries(inherited), ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    onTestFinished(async () => {
      this.child.kill('SIGKILL')
      await this.#closed
    })
    this.#closed = once(this.child, 'close').then(() => {
      this.#isClosed = true
    })
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text
      this.#heard()
    })
    // it may end without reading what it was given
    this.child.stdin!.on('error', () => {})
    if (input !== undefined) this.child.stdin!.end(input)
    if (options.readStdout !== false) this.readStdout()
  }

  /** Begins to read its stdout. */
  readStdout(): void {
    this.child.stdout!.on('data', (bytes: Buffer) => {
      this.#stdout.push(bytes)
      this.#heard()
    })
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString()
  }

  get stderr(): string {
    return this.#stderr
  }

  #heard(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }

  /** Waits until stdout or stderr holds the text, so many times. */
  async says(text: string, times = 1): Promise<void> {
    while (occurrences(this.stdout, text) < times && occurrences(this.#stderr, text) < times) {
      if (this.#isClosed) {
        throw new Error(`ended before it said ${JSON.stringify(text)}: ${this.stdout}${this.#stderr}`)
      }
      await Promise.race([new Promise<void>((resolve) => this.#wake.push(resolve)), this.#closed])
    }
  }

  async finished(): Promise<Outcome> {
    await this.#closed
    const stdoutBytes = Buffer.concat(this.#stdout)
    const { exitCode, signalCode } = this.child
    return { exitCode: exitCode ?? signalCode, stdout: stdoutBytes.toString(), stderr: this.#stderr, stdoutBytes }
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }
}

/** Starts `mqtt-kit` with these arguments. */
export function start(args: readonly string[], options: ProgramOptions = {}): Program {
  return new Program(process.execPath, [BINARY, ...args], options)
}

/** Starts `mqtt-kit` with these arguments as the program of another one, which leaves it in its own place, as `strace -D` does. */
export function startUnder([tool, ...options]: readonly [string, ...string[]], args: readonly string[]): Program {
  return new Program(tool, [...options, process.execPath, BINARY, ...args], {})
}

/** Runs `mqtt-kit` to its end; stdin is empty unless given. */
export function run(args: readonly string[], options: ProgramOptions = {}): Promise<Outcome> {
  return start(args, { input: '', ...options }).finished()
}

/**
 * Starts a line of shell in which `mqtt-kit` is the program.
 * @param line for bash, with pipefail
 */
export function shell(line: string, options: ProgramOptions = {}): Program {
  const prelude = `set -o pipefail; mqtt-kit() { ${quoted(process.execPath)} ${quoted(BINARY)} "$@"; }; `
  return new Program('bash', ['-c', prelude + line], { input: '', ...options })
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

function occurrences(said: string, text: string): number {
  return said.split(text).length - 1
}
