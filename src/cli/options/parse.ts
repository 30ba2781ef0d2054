import { Command, CommanderError, Option } from 'commander'
import { UsageError } from '../failure.ts'
import { nearest } from '../nearest.ts'
import { foreignOptions, needlessOptions } from './foreign-options.ts'
import {
  environmentName,
  longName,
  type OptionRow,
  type OptionRows,
  shortestName,
  type Typed,
  ValueError,
} from './option-row.ts'

/** Where options may stand, the weakest first. */
export const places = ['profile', 'environment', 'flags'] as const

/** What was said in each place, by key, as it was written there: one text for each time. */
export type Texts = Readonly<Record<(typeof places)[number], Readonly<Record<string, readonly string[]>>>>

/** What stood on the command line, in the environment and in a profile, read but not yet understood. */
export interface Parsed<Rows extends OptionRows> {
  readonly flags: Typed<Rows>
  readonly environment: Typed<Rows>
  /** empty until configuration/profile.ts has read one */
  readonly profile: Typed<Rows>
  readonly texts: Texts
  /** arguments that are no options, in order */
  readonly operands: readonly string[]
}

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the arguments of one command.
 * @param argv what follows the name of the command
 * @returns null when help was asked for; then nothing else is judged
 * @throws UsageError for unknown options and bad values, naming what was probably meant
 */
export function parse<Rows extends OptionRows>(
  argv: readonly string[],
  rows: Rows,
  environment: Environment,
): Parsed<Rows> | null {
  const names = new OptionNames(rows)
  const { occurrences, operands } = runCommander(joinWords(argv, names), names)
  if (occurrences.some(({ key }) => key === 'help')) return null
  const flags: Record<string, unknown> = {}
  const typed: Record<string, string[]> = {}
  for (const { key, text } of occurrences) {
    flags[key] = collect(rows[key]!, flags[key], text, () => shortestName(key, rows[key]!))
    typed[key] = [...(typed[key] ?? []), text.replaceAll('\0', ' ')]
  }
  const variables = readEnvironment(rows, environment)
  return {
    flags: flags as Typed<Rows>,
    environment: variables.values as Typed<Rows>,
    profile: {},
    texts: { flags: typed, environment: variables.texts, profile: {} },
    operands,
  }
}

/** Finds rows by the names of their options. */
class OptionNames {
  /** every long name without dashes, those of other tools included -> key */
  readonly long = new Map<string, string>()
  readonly short = new Map<string, string>()
  readonly rows: OptionRows

  constructor(rows: OptionRows) {
    this.rows = rows
    for (const [key, row] of Object.entries(rows)) {
      for (const name of [longName(key), ...(row.aliases ?? [])]) this.long.set(name, key)
      if (row.short !== undefined) this.short.set(row.short, key)
    }
  }

  takesValue(key: string): boolean {
    return this.rows[key]!.value !== null
  }
}

/**
 * Walks over argv as commander will, to do what commander cannot: values of several words become one, options of other
 * tools and unknown ones get an error that helps.
 */
function joinWords(argv: readonly string[], names: OptionNames): string[] {
  const result: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!
    if (word === '--') return [...result, ...argv.slice(i)]
    if (needlessOptions.has(word)) continue
    const key = word.length > 1 && word.startsWith('-') ? keyAwaitingValue(word, names) : null
    if (key === null) {
      result.push(word)
      continue
    }
    const following = argv.slice(i + 1)
    const wanted = names.rows[key]!.value!.words?.(following) ?? 1
    if (following.length < wanted) throw missingValue(key, names.rows[key]!)
    i += wanted
    if (wanted === 1) result.push(word, following[0]!)
    else result.push(`--${longName(key)}=${following.slice(0, wanted).join('\0')}`)
  }
  return result
}

function missingValue(key: string, row: OptionRow<unknown>): UsageError {
  const hint = row.missing === undefined ? '' : `; ${row.missing}`
  return new UsageError(`${shortestName(key, row)} needs a value: ${shortestName(key, row)} ${row.value!.name}${hint}`)
}

// The key of the option whose value is still to come in the next word; null when the word is complete in itself.
function keyAwaitingValue(word: string, names: OptionNames): string | null {
  if (word.startsWith('--')) {
    const equals = word.indexOf('=')
    const key = names.long.get(equals < 0 ? word.slice(2) : word.slice(2, equals))
    if (key === undefined) throw unknownOption(equals < 0 ? word : word.slice(0, equals), names)
    if (equals < 0) return names.takesValue(key) ? key : null
    if (!names.takesValue(key)) throw new UsageError(`${word.slice(0, equals)} takes no value`)
    return null
  }
  const ours = foreignOptions.get(word)
  if (ours !== undefined) throw new UsageError(`${word} is an option of another tool; here it is ${ours}`)
  for (let i = 1; i < word.length; i++) {
    const key = names.short.get(word[i]!)
    if (key === undefined) throw unknownOption(`-${word[i]}`, names)
    if (names.takesValue(key)) return i === word.length - 1 ? key : null
  }
  return null
}

function unknownOption(name: string, names: OptionNames): UsageError {
  const meant = name.startsWith('--') ? nearest(name.slice(2), names.long.keys()) : null
  return new UsageError(`unknown option ${name}${meant === null ? '' : `; did you mean --${meant}?`}`)
}

interface Occurrence {
  readonly key: string
  readonly text: string
}

function runCommander(argv: readonly string[], names: OptionNames): { occurrences: Occurrence[]; operands: string[] } {
  const occurrences: Occurrence[] = []
  const command = new Command()
    .helpOption(false)
    .exitOverride()
    .argument('[operand...]')
    .action(() => {})
  command.configureOutput({ writeErr: () => {} })
  for (const [name, key] of names.long) {
    const row = names.rows[key]!
    const short = row.short !== undefined && name === longName(key) ? `-${row.short}, ` : ''
    command.addOption(new Option(`${short}--${name}${row.value === null ? '' : ' <value>'}`))
    command.on(`option:${name}`, (text: string | undefined) => occurrences.push({ key, text: text ?? '' }))
  }
  try {
    command.parse(argv, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) throw new UsageError(error.message.replace(/^error: /, ''))
    throw error
  }
  return { occurrences, operands: command.args }
}

function collect(row: OptionRow<unknown>, before: unknown, text: string, name: () => string): unknown {
  try {
    return row.collect(before, text)
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    const shown = row.secret === true ? '' : ` ${JSON.stringify(text.replaceAll('\0', ' '))}`
    throw new UsageError(`${name()}${shown}: expected ${error.message}`)
  }
}

/** Options that exclude each other. */
export type Exclusive<Rows extends OptionRows> = readonly (readonly (keyof Rows)[])[]

/**
 * Flags over environment over profile. Options that exclude each other count as one: where a place has one of them, weaker
 * places have none.
 */
export function merged<Rows extends OptionRows>(parsed: Parsed<Rows>, exclusive: Exclusive<Rows> = []): Typed<Rows> {
  const result: Typed<Rows> = {}
  for (const place of places) {
    for (const group of exclusive) {
      if (group.some((key) => parsed[place][key] !== undefined)) for (const key of group) delete result[key]
    }
    Object.assign(result, parsed[place])
  }
  return result
}

const YES = new Set(['1', 'true', 'yes', 'on'])
const NO = new Set(['', '0', 'false', 'no', 'off'])

interface Variables {
  readonly values: Readonly<Record<string, unknown>>
  readonly texts: Readonly<Record<string, readonly string[]>>
}

function readEnvironment(rows: OptionRows, environment: Environment): Variables {
  const values: Record<string, unknown> = {}
  const texts: Record<string, readonly string[]> = {}
  for (const [key, row] of Object.entries(rows)) {
    const name = environmentName(key)
    const text = environment[name]
    if (row.environment === false || text === undefined || text === '') continue
    if (row.value !== null) values[key] = collect(row, undefined, text, () => name)
    else if (YES.has(text.toLowerCase())) values[key] = true
    else if (!NO.has(text.toLowerCase())) throw new UsageError(`${name} ${JSON.stringify(text)}: expected 1 or 0`)
    if (key in values) texts[key] = [text]
  }
  return { values, texts }
}
