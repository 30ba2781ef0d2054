/**
 * The command line: argv in, exit code out. This is the only room that touches process, stdin, stdout, exit codes and
 * colours, and this file the only one that ends the process. It knows nothing of MQTT. Each command and everything it
 * needs is loaded when it is asked for; read program.ts next, then a file of commands/.
 */
import { constants } from 'node:os'
import { basename } from 'node:path'
import { ExitCode } from './exit-code.ts'
import { StandardOutput } from './output/standard-output.ts'
import { version } from './version.ts'

const stdout = new StandardOutput(process.stdout)
const stderr = new StandardOutput(process.stderr)

type InterruptListener = (signal: NodeJS.Signals) => void
let interruptListener: InterruptListener | null = null

// The first signal is the command's to answer, the second ends at once.
function interrupt(signal: NodeJS.Signals): void {
  const listener = interruptListener
  interruptListener = null
  if (listener === null) process.exit(128 + constants.signals[signal])
  listener(signal)
}

/** A link to the program may have the name of another one: mosquitto_sub. */
const OTHER_NAME = /^mosquitto_/

async function run(argv: readonly string[], name: string): Promise<ExitCode> {
  if (OTHER_NAME.test(name)) {
    const { asMosquitto } = await import('./mosquitto.ts')
    argv = asMosquitto(name, argv, process.env) ?? argv
  }
  if (argv.length === 1 && argv[0] === '--version') {
    stdout.write(`${version}\n`)
    return ExitCode.DONE
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  const { runProgram } = await import('./program.ts')
  return runProgram(argv, {
    stdout,
    stderr,
    streams: process,
    environment: process.env,
    onInterrupt: (listener) => {
      interruptListener = listener
    },
    onHangUp: (listener) => {
      process.on('SIGHUP', listener)
    },
  })
}

// Waits for the last byte: process.exit() throws away what a pipe has not taken yet. But it must be called, for stdin or
// a peer that does not close would keep the process alive.
async function leave(exitCode: ExitCode): Promise<void> {
  await stdout.finished()
  if (stdout.error !== null && exitCode === ExitCode.DONE) {
    stderr.write(`mqtt-kit: cannot write to stdout: ${stdout.error.message}\n`)
    process.exitCode = ExitCode.OUTPUT
  } else {
    process.exitCode = exitCode
  }
  await stderr.finished()
  process.exit()
}

run(process.argv.slice(2), basename(process.argv[1] ?? '')).then(leave, (error: unknown) => {
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error)
  stderr.write(`mqtt-kit: this is a fault in mqtt-kit itself, please report it\n${trace}\n`)
  return leave(ExitCode.OWN_FAULT)
})
