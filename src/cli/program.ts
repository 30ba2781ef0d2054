import { type CommandEntry, commands, findCommand, wordsOf } from './commands.ts'
import type { Context, Host } from './context.ts'
import { ExitCode } from './exit-code.ts'
import { Failure, UsageError } from './failure.ts'
import { nearest } from './nearest.ts'
import type { CommandSpec } from './options/command-spec.ts'
import type { OptionRows } from './options/option-row.ts'
import { merged, type Parsed, parse } from './options/parse.ts'
import { Talk } from './output/talk.ts'
import { createPainter, describeTerminal } from './terminal.ts'
import { version } from './version.ts'

/**
 * Runs what the arguments ask for.
 * @param argv without node and the program
 * @returns rejects only for a fault of our own
 */
export async function runProgram(argv: readonly string[], host: Host): Promise<ExitCode> {
  const terminal = describeTerminal(host.streams.stdout, host.streams.stderr, host.environment)
  const command = findCommand(argv)
  const name = command === null ? 'mqtt-kit' : `mqtt-kit ${command.name}`
  const talk = new Talk(host.stderr, name, await createPainter(terminal.stderrColour))
  const context: Context = { ...host, terminal, talk, specs: allSpecs }
  try {
    if (command !== null) return await runCommand(command, argv.slice(wordsOf(command)), context)
    return await runWithoutCommand(argv, context)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    talk.fail(error instanceof UsageError ? `${error.message} (${name} --help)` : error.message)
    return error.exitCode
  } finally {
    host.onInterrupt(null)
  }
}

async function runCommand(command: CommandEntry, argv: readonly string[], context: Context): Promise<ExitCode> {
  if (argv.includes('--version') && argv.length === 1) return printVersion(context)
  const spec = await command.spec()
  const parsed = parse(argv, spec.rows, context.environment)
  if (parsed === null) return printHelp(context, command)
  const complete = await completed(parsed, spec, context)
  // a command without profiles shows its configuration itself
  if (complete.flags['showConfig'] === true && Object.hasOwn(spec.rows, 'profile')) {
    const { shownClient } = await import('./configuration/shown-client.ts')
    context.stdout.write(shownClient(spec, complete, context.environment))
    return ExitCode.DONE
  }
  const { run } = await command.load()
  return run(complete, context)
}

// Adds the profile that was asked for, by a command that knows profiles.
async function completed(
  parsed: Parsed<OptionRows>,
  { rows }: CommandSpec,
  context: Context,
): Promise<Parsed<OptionRows>> {
  const { profile, quiet } = merged(parsed)
  if (profile === undefined) return parsed
  context.talk.quiet = quiet === true
  const { withProfile } = await import('./configuration/profile.ts')
  return withProfile(parsed, String(profile), rows, context)
}

async function runWithoutCommand(argv: readonly string[], context: Context): Promise<ExitCode> {
  const [word, ...rest] = argv
  if (word === '--help' || (word === 'help' && rest.length === 0)) return printHelp(context, null)
  if (word === '--version') return printVersion(context)
  if (word === 'help') return printHelp(context, entryFor(rest))
  if (word === undefined) {
    context.stderr.write(await helpFor(null, context.terminal.stderrColour))
    return ExitCode.USAGE
  }
  if (word === '-h') throw new UsageError('-h is the host everywhere; help is --help')
  if (word.startsWith('-')) throw new UsageError(`a command comes first: mqtt-kit ${names().join('|')} ${word}`)
  throw unknownCommand(word)
}

function allSpecs(): Promise<CommandSpec[]> {
  return Promise.all(commands.map((entry) => entry.spec()))
}

// those that a message has room for: a command within a command is in the help of the other one
function names(): string[] {
  return commands.filter((entry) => wordsOf(entry) === 1).map(({ name }) => name)
}

function entryFor(words: readonly string[]): CommandEntry {
  const entry = findCommand(words)
  if (entry === null) throw unknownCommand(words[0]!)
  return entry
}

function unknownCommand(word: string): UsageError {
  const meant = nearest(word, names())
  const hint = meant === null ? `the commands are ${names().join(', ')}` : `did you mean ${meant}?`
  return new UsageError(`unknown command ${JSON.stringify(word)}; ${hint}`)
}

function printVersion({ stdout }: Context): ExitCode {
  stdout.write(`${version}\n`)
  return ExitCode.DONE
}

async function printHelp(context: Context, command: CommandEntry | null): Promise<ExitCode> {
  context.stdout.write(await helpFor(command, context.terminal.stdoutColour))
  return ExitCode.DONE
}

async function helpFor(command: CommandEntry | null, colour: boolean): Promise<string> {
  const { commandHelp, programHelp } = await import('./manual.ts')
  const painter = await createPainter(colour)
  if (command !== null) return commandHelp(await command.spec(), painter)
  return programHelp(await allSpecs(), painter)
}
