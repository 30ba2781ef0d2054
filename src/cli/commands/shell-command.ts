import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Context } from '../context.ts'

/** One run of a command of the user. */
export interface ShellRun {
  /** given to the shell as it was typed: nothing of a message is ever put into it */
  readonly command: string
  readonly input: Buffer
  /** added to the environment of the program */
  readonly environment: Readonly<Record<string, string>>
}

/** A command in a shell: /bin/sh with a process group of its own, so that all that it starts can be ended. */
export class ShellJob {
  /** null when it is that of the program */
  readonly stdout: Readable | null
  readonly #child: ChildProcess | null
  #isOver = false

  /**
   * @param stdout 'pipe': the caller reads it; 'inherit': it is that of the program
   * @param ended called once and later, with what went wrong or null: `ended with 3`, `died of SIGTERM`, `cannot be started: ...`
   */
  constructor(run: ShellRun, context: Context, stdout: 'pipe' | 'inherit', ended: (failure: string | null) => void) {
    const end = (failure: string | null): void => {
      if (this.#isOver) return
      this.#isOver = true
      ended(failure)
    }
    this.#child = spawned(run, context, stdout, (error) => end(`cannot be started: ${error.message}`))
    this.stdout = this.#child?.stdout ?? null
    this.#child?.on('close', (exitCode, signal) => {
      end(exitCode === 0 ? null : signal === null ? `ended with ${exitCode}` : `died of ${signal}`)
    })
  }

  /** Ends the command and all that it has started. */
  stop(): void {
    const child = this.#child
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    process.kill(-child.pid, 'SIGTERM')
  }
}

function spawned(
  { command, input, environment }: ShellRun,
  context: Context,
  stdout: 'pipe' | 'inherit',
  failed: (error: Error) => void,
): ChildProcess | null {
  try {
    const child = spawn('/bin/sh', ['-c', command], {
      stdio: ['pipe', stdout, 'inherit'],
      env: { ...context.environment, ...environment },
      detached: true,
    })
    child.on('error', failed)
    // a command need not read its input
    child.stdin!.on('error', () => {})
    child.stdin!.end(input)
    return child
  } catch (error) {
    // spawn throws what it does not emit, as when the environment is too large
    process.nextTick(failed, error as Error)
    return null
  }
}
