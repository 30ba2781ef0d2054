import type { ReadStream } from 'node:tty'
import type { CommandSpec } from './options/command-spec.ts'
import type { Environment } from './options/parse.ts'
import type { StandardOutput } from './output/standard-output.ts'
import type { Talk } from './output/talk.ts'
import type { Terminal, TerminalStream } from './terminal.ts'

/** The outside world, as main.ts hands it in. */
export interface Host {
  readonly stdout: StandardOutput
  readonly stderr: StandardOutput
  /** looked at when needed: making stdin a stream costs time */
  readonly streams: {
    readonly stdin: ReadStream
    readonly stdout: TerminalStream
    readonly stderr: TerminalStream
    readonly pid: number
  }
  readonly environment: Environment
  /** The listener gets the first SIGINT or SIGTERM; null: the signal ends the process. */
  onInterrupt(listener: ((signal: NodeJS.Signals) => void) | null): void
  /** The listener gets every SIGHUP from now on; without one it ends the process. */
  onHangUp(listener: () => void): void
}

/** The outside world of one command. */
export interface Context extends Host {
  readonly terminal: Terminal
  readonly talk: Talk
  /** what is known about all commands, in the order of help */
  specs(): Promise<readonly CommandSpec[]>
}
