import { parse, TomlDate, TomlError, type TomlTable, type TomlValue } from 'smol-toml'
import { AddressError, parseAddress } from '../../transport/address.ts'
import { nearest } from '../nearest.ts'
import { longName, type OptionRow, type OptionRows } from '../options/option-row.ts'
import { type ListenerSection, listenerRows } from './listener-settings.ts'
import { ConfigError, type Position, type Setting } from './setting.ts'

/** These stand on the command line only. */
const NOT_IN_FILES = new Set(['config', 'checkConfig', 'showConfig', 'help'])

/** What a TOML file says. */
export interface TomlFile {
  readonly settings: readonly Setting[]
  /** from its [[listener]] tables */
  readonly listeners: readonly ListenerSection[]
}

/**
 * Reads a TOML file whose keys are long options, at the top or under the name of their group; [[listener]] tables hold a url and
 * what that listener has for itself.
 * @param path for messages
 * @throws ConfigError
 */
export function parseTomlFile(text: string, path: string, rows: OptionRows): TomlFile {
  const keys = new Map(
    Object.entries(rows)
      .filter(([key]) => !NOT_IN_FILES.has(key))
      .map(([key]) => [longName(key), key]),
  )
  const groups = new Set(Object.values(rows).map(({ group }) => group.toLowerCase()))
  const settings: Setting[] = []
  const listeners: ListenerSection[] = []
  const seen = new Set<string>()
  const read = (table: TomlTable, heading: string): void => {
    for (const [name, value] of Object.entries(table)) {
      const position = locate(text, heading === '' ? [name] : [heading, name])
      if (heading === '' && groups.has(name) && isTable(value)) {
        read(value, name)
        continue
      }
      if (heading === '' && name === 'listener' && Array.isArray(value)) {
        listeners.push(...value.map((one) => listenerSection(one, path, position)))
        continue
      }
      const key = keys.get(name)
      if (key === undefined) throw new ConfigError(path, position, unknownKey(name, keys, groups))
      if (seen.has(name)) throw new ConfigError(path, position, `${name} stands in the file twice`)
      seen.add(name)
      settings.push(...settingsOf(key, name, value, rows[key]!, position, path))
    }
  }
  read(parseToml(text, path), '')
  return { settings, listeners }
}

// Mistakes have the place of the first [[listener]]: which of them it is stands in the message.
function listenerSection(value: TomlValue, path: string, position: Position): ListenerSection {
  if (!isTable(value)) throw new ConfigError(path, position, 'listener: expected a table, [[listener]]')
  const { url, ...own } = value
  if (typeof url !== 'string') throw new ConfigError(path, position, 'listener: expected a url like "mqtts://:8883"')
  try {
    parseAddress(url)
  } catch (error) {
    if (error instanceof AddressError) throw new ConfigError(path, position, `listener: ${error.message}`)
    throw error
  }
  const keys = new Map(Object.keys(listenerRows).map((key) => [longName(key), key]))
  const settings = Object.entries(own).flatMap(([name, one]) => {
    const key = keys.get(name)
    if (key === undefined)
      throw new ConfigError(path, position, `listener ${url}: ${unknownKey(name, keys, NO_GROUPS)}`)
    return settingsOf(key, name, one, (listenerRows as OptionRows)[key]!, position, path)
  })
  return { url, settings }
}

const NO_GROUPS: ReadonlySet<string> = new Set()

/** @throws ConfigError for what is no TOML */
export function parseToml(text: string, path: string): TomlTable {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [first = ''] = error.message.split('\n')
    throw new ConfigError(path, error, first.replace(/^Invalid TOML document: /, 'not valid TOML: '))
  }
}

/** What to say of a key that is none. */
export function unknownKey(name: string, keys: ReadonlyMap<string, string>, groups: ReadonlySet<string>): string {
  const meant = nearest(name, [...keys.keys(), ...groups])
  return `unknown key ${JSON.stringify(name)}${meant === null ? '' : `; did you mean ${meant}?`}`
}

/**
 * One key of a table as settings of its option: none for a switch that is off, several for an array.
 * @throws ConfigError for a value of the wrong kind
 */
export function settingsOf(
  key: string,
  name: string,
  value: TomlValue,
  row: OptionRow<unknown>,
  position: Position,
  path: string,
): Setting[] {
  const mistake = (expected: string) => new ConfigError(path, position, `${name}: expected ${expected}`)
  if (row.value === null) {
    if (typeof value !== 'boolean') throw mistake('true or false')
    return value ? [{ key, name, text: '', position }] : []
  }
  if (Array.isArray(value) && !row.repeatable) throw mistake('one value, not an array')
  return (Array.isArray(value) ? value : [value]).map((one) => {
    if (typeof one !== 'string' && typeof one !== 'number' && typeof one !== 'bigint') throw mistake('text or a number')
    return { key, name, text: String(one), position }
  })
}

/** Neither a value nor an array. */
export function isTable(value: TomlValue): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof TomlDate)
}

/**
 * Finds a key, for the parser tells no places of keys that are valid TOML.
 * @param path the names of its tables and its own
 * @returns where it stands, or where the innermost of its tables begins; the start of the file when nothing is found
 */
export function locate(text: string, path: readonly string[]): Position {
  let table: readonly string[] = []
  let best: Position = { line: 1, column: 1 }
  let bestLength = 0
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const [, heading] = /^\s*\[{1,2}\s*([^\]]+?)\s*\]/.exec(line) ?? []
    const [, key] = /^\s*((?:"[^"]*"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[\w-]+))*)\s*=/.exec(line) ?? []
    if (heading !== undefined) table = namesIn(heading)
    if (heading === undefined && key === undefined) continue
    const here = key === undefined ? table : [...table, ...namesIn(key)]
    if (here.length <= bestLength || !here.every((name, i) => name === path[i])) continue
    best = { line: index + 1, column: line.search(/\S/) + 1 }
    bestLength = here.length
  }
  return best
}

// `profile."my lab"` -> profile, my lab
function namesIn(dotted: string): string[] {
  return [...dotted.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map(
    ([, double, single, bare]) => double ?? single ?? bare!,
  )
}
