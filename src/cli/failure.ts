import { ExitCode } from './exit-code.ts'

/**
 * Ends a command: an exit code and one line for the user, without the name of the program in front. The line says what
 * happened, to what, and what to try.
 */
export class Failure extends Error {
  override readonly name: string = 'Failure'
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.exitCode = exitCode
  }
}

/** What was typed makes no sense; nothing was done yet. */
export class UsageError extends Failure {
  override readonly name = 'UsageError'

  constructor(message: string) {
    super(ExitCode.USAGE, message)
  }
}
