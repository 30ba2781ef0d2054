import type { OptionRow, OptionRows } from '../options/option-row.ts'
import { longName } from '../options/option-row.ts'
import type { Exclusive } from '../options/parse.ts'

/** One value as --show-config prints it. */
export interface Shown {
  /** of the option, long */
  readonly name: string
  /** without secrets */
  readonly value: string
  /** where it was found, as people say it */
  readonly origin: string
}

/** A place where options stand. */
export interface Source {
  /** by key, as they were written: one text for each time */
  readonly texts: Readonly<Record<string, readonly string[]>>
  /** how people call the place where the option stands there */
  originOf(key: string): string
}

/** These ask for something to be shown and say nothing themselves. */
const NOT_SHOWN = new Set(['help', 'showConfig', 'checkConfig'])
const HIDDEN = '(hidden)'
const WIDEST_VALUE = 50

/**
 * All options that have a value, given or by default, in the order of their rows.
 * @param sources the weakest first
 */
export function shownSettings<Rows extends OptionRows>(
  rows: Rows,
  sources: readonly Source[],
  exclusive: Exclusive<Rows> = [],
): Map<string, Shown> {
  const found = new Map<string, Shown>()
  for (const { texts, originOf } of sources) {
    for (const group of exclusive as readonly (readonly string[])[]) {
      if (group.some((key) => texts[key] !== undefined)) for (const key of group) found.delete(key)
    }
    for (const [key, written] of Object.entries(texts)) {
      found.set(key, { name: longName(key), value: shownValue(rows[key]!, written), origin: originOf(key) })
    }
  }
  const entries = Object.entries(rows).flatMap(([key, row]): [string, Shown][] => {
    const shown = found.get(key)
    if (NOT_SHOWN.has(key)) return []
    if (shown !== undefined) return [[key, shown]]
    return row.default === undefined ? [] : [[key, { name: longName(key), value: row.default, origin: 'default' }]]
  })
  return new Map(entries)
}

function shownValue(row: OptionRow<unknown>, written: readonly string[]): string {
  if (row.value === null) return 'true'
  if (row.secret === true) return HIDDEN
  return written.map(withoutSecrets).join(', ')
}

/** A text without the password of a URL in it, and without the data of an authentication. */
export function withoutSecrets(text: string): string {
  return text
    .replace(/(\/\/[^/?#\s:]*):[^/?#\s]*@/g, `$1:${HIDDEN}@`)
    .replace(/(authentication-data[ =]).*/s, `$1${HIDDEN}`)
}

/** A line for each value, in columns. */
export function shownText(values: Iterable<Shown>): string {
  const all = [...values]
  const nameWidth = Math.max(0, ...all.map(({ name }) => name.length))
  const valueWidth = Math.min(WIDEST_VALUE, Math.max(0, ...all.map(({ value }) => value.length)))
  return all
    .map(({ name, value, origin }) => `${name.padEnd(nameWidth)}  ${value.padEnd(valueWidth)}  ${origin}`.trimEnd())
    .map((line) => `${line}\n`)
    .join('')
}
