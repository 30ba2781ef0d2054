import { readFile } from 'node:fs/promises'
import { parse as parseToml, TomlError, type TomlTable, type TomlValue } from 'smol-toml'
import type { Credentials } from '../../load/plan.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { benchRows } from '../options/bench.ts'
import { type Parsed, parse } from '../options/parse.ts'

/**
 * Reads a file of --save.
 * @throws Failure (rejects) USAGE when it is none
 */
export async function readRuns(path: string): Promise<object[]> {
  const text = await readText(path)
  try {
    const { runs } = JSON.parse(text) as { runs?: unknown }
    if (Array.isArray(runs) && runs.every((run) => typeof run === 'object' && run !== null)) return runs
  } catch (error) {
    throw new Failure(ExitCode.USAGE, `${path} is not JSON: ${(error as Error).message}`, error)
  }
  throw new UsageError(`${path} holds no runs: it is to be a file of bench --save`)
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new Failure(ExitCode.USAGE, `cannot read ${path}: ${(error as Error).message}`, error)
  }
}

/**
 * Reads user names and passwords (RFC 4180); a line without a comma has no password.
 * @throws Failure (rejects) USAGE
 */
export async function readCredentials(path: string): Promise<Credentials[]> {
  const lines = (await readText(path)).split(/\r?\n/).filter((line) => line !== '')
  if (lines.length === 0) throw new UsageError(`${path} holds no credentials: one user,password per line`)
  return lines.map((line, i) => {
    const match = /^("(?:[^"]|"")*"|[^",]*)(?:,("(?:[^"]|"")*"|[^"]*))?$/.exec(line)
    if (match === null) throw new UsageError(`${path}:${i + 1}: expected user,password`)
    return { userName: unquoted(match[1]!), password: match[2] === undefined ? null : unquoted(match[2]) }
  })
}

function unquoted(field: string): string {
  return field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field
}

/** Loads that run at once. */
export interface Phase {
  readonly name: string
  readonly loads: readonly Parsed<typeof benchRows>[]
}

/** These say how the command as a whole runs, not one load. */
const NOT_IN_PHASES = new Set([
  'file',
  'sweep',
  'until',
  'repeat',
  'save',
  'baseline',
  'report',
  'csv',
  'junit',
  'help',
])

/** A load that names a broker by one of them has nothing of the others from the command line. */
const PLACES = ['url', 'host', 'port', 'unix'] as const

/**
 * Reads phases; keys are long options, `scenario` and `name`.
 * @param parsed what stood on the command line: it holds for every load that does not say otherwise
 * @throws Failure (rejects) USAGE, naming file and phase
 */
export async function readPhases(path: string, parsed: Parsed<typeof benchRows>): Promise<Phase[]> {
  const text = await readText(path)
  const file = tableOf(text, path)
  const { phase: phases, ...common } = file
  if (!isTables(phases)) throw new UsageError(`${path} has no phase: begin one with [[phase]]`)
  return phases.map((table, i) => {
    const { name = `phase ${i + 1}`, load: loads, ...own } = table
    const where = `${path}, ${String(name)}`
    const tables = isTables(loads) ? loads : [{}]
    return { name: String(name), loads: tables.map((one) => loadOf({ ...common, ...own, ...one }, parsed, where)) }
  })
}

function tableOf(text: string, path: string): TomlTable {
  try {
    return parseToml(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    throw new UsageError(`${path}:${error.line}:${error.column}: not valid TOML: ${error.message.split('\n')[0]}`)
  }
}

function isTables(value: TomlValue | undefined): value is TomlTable[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'object' && !Array.isArray(one))
  )
}

function loadOf(table: TomlTable, parsed: Parsed<typeof benchRows>, where: string): Parsed<typeof benchRows> {
  const { scenario = 'p2p', ...options } = table
  const argv = Object.entries(options).flatMap(([name, value]) => {
    if (NOT_IN_PHASES.has(name)) throw new UsageError(`${where}: ${name} stands on the command line only`)
    if (typeof value === 'boolean') return value ? [`--${name}`] : []
    return [value].flat().map((one) => `--${name}=${String(one)}`)
  })
  try {
    const own = parse(argv, benchRows, {})!
    const isElsewhere = PLACES.some((name) => own.flags[name] !== undefined)
    const words = isElsewhere ? [] : parsed.operands.filter((word) => word.includes(':'))
    const elsewhere = Object.fromEntries(PLACES.map((name) => [name, undefined]))
    return {
      ...parsed,
      flags: { ...parsed.flags, ...(isElsewhere && elsewhere), ...own.flags },
      operands: [...words, String(scenario)],
    }
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${where}: ${error.message}`)
    throw error
  }
}
