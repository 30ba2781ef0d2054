import type { CommandSpec } from '../options/command-spec.ts'
import { longName, type ValueKind } from '../options/option-row.ts'

/** What a shell offers at one place. */
export interface Offer {
  /** one that ends in = is the beginning of a word */
  readonly words: readonly string[]
  /** and what it finds by itself */
  readonly from: 'files' | 'directories' | 'profiles' | null
}

/** One option as shells see it. */
export interface OfferedOption {
  /** a letter; null: there is none */
  readonly short: string | null
  readonly long: string
  /** long names that are understood and not offered */
  readonly aliases: readonly string[]
  readonly help: string
  readonly repeatable: boolean
  /** as help calls it; null: a switch */
  readonly valueName: string | null
  /** one for each word of the value */
  readonly values: readonly Offer[]
}

/** One command as shells see it. */
export interface OfferedCommand {
  /** one word, or two with a space for a command within a command */
  readonly name: string
  readonly summary: string
  readonly options: readonly OfferedOption[]
  /** the last one holds for all further arguments */
  readonly operands: readonly Offer[]
}

/** A place for a word that only the user knows. */
export const NOTHING: Offer = { words: [], from: null }

/** Kinds of values that are something in the file system. */
const FOUND: Readonly<Record<string, Offer['from']>> = {
  FILE: 'files',
  PATH: 'files',
  DIR: 'directories',
  PROFILE: 'profiles',
}

/** What there is to offer for all commands, `help` among them. */
export function offersOf(specs: readonly CommandSpec[]): OfferedCommand[] {
  const names = specs.map(({ name }) => name)
  const help = { words: names.filter((name) => !name.includes(' ')), from: null }
  return [
    ...specs.map(({ name, summary, rows, operands = [] }) => ({
      name,
      summary,
      options: Object.entries(rows).map(([key, row]) => ({
        short: row.short ?? null,
        long: longName(key),
        aliases: row.aliases ?? [],
        help: row.help,
        repeatable: row.repeatable,
        valueName: row.value?.name ?? null,
        values: row.value === null ? [] : valuesOf(row.value),
      })),
      operands: withCommands(
        within(name, names),
        operands.map(({ words = [], from = null }) => ({ words, from })),
      ),
    })),
    { name: 'help', summary: 'options and examples of a command', options: [], operands: [help, NOTHING] },
  ]
}

/** The second words of the commands within this one. */
function within(name: string, names: readonly string[]): string[] {
  return names.filter((one) => one.startsWith(`${name} `)).map((one) => one.slice(name.length + 1))
}

function withCommands(commands: readonly string[], operands: readonly Offer[]): readonly Offer[] {
  if (commands.length === 0) return operands
  const [{ words, from } = NOTHING, ...others] = operands
  // the last one holds for all that follow, and the commands stand first only
  const rest = others.length > 0 ? others : [{ words, from }]
  return [{ words: [...commands, ...words], from }, ...rest]
}

function valuesOf({ name, choices, furtherChoices = [] }: ValueKind<unknown>): Offer[] {
  const first = choices === undefined ? { words: [], from: FOUND[name] ?? null } : { words: choices, from: null }
  return [first, ...furtherChoices.map((words) => ({ words, from: null }))]
}

/** All names of an option as they are typed. */
export function namesOf({ short, long, aliases }: OfferedOption): string[] {
  return [...(short === null ? [] : [`-${short}`]), ...[long, ...aliases].map((name) => `--${name}`)]
}

/** Members by the key they have in common, in the order of the first of each. */
export function grouped<T>(members: readonly T[], keyOf: (member: T) => string): T[][] {
  const groups = new Map<string, T[]>()
  for (const member of members) groups.set(keyOf(member), [...(groups.get(keyOf(member)) ?? []), member])
  return [...groups.values()]
}
