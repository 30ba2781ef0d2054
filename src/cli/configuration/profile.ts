import { readFile, stat } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import type { TomlTable, TomlValue } from 'smol-toml'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { nearest } from '../nearest.ts'
import { longName, type OptionRows } from '../options/option-row.ts'
import type { Environment, Parsed } from '../options/parse.ts'
import { ConfigError, collectSettings, type Position, type Setting, settingText } from './setting.ts'
import { isTable, locate, parseToml, settingsOf, unknownKey } from './toml-file.ts'

/** These stand on the command line only; `prop` takes in one word what `property` takes in several. */
const NOT_IN_PROFILES = new Set(['profile', 'showConfig', 'help', 'property'])

/** May be read by others than the owner. */
const READABLE_BY_OTHERS = 0o044

/**
 * Adds what a profile says to what was typed. Warns of a file that others can read and that holds a password.
 * @param rows of the command
 * @throws Failure (rejects) USAGE for a file that cannot be read, a profile that is not there, and a key or a value that no
 *   client takes, with its place
 */
export async function withProfile<Rows extends OptionRows>(
  parsed: Parsed<Rows>,
  name: string,
  rows: Rows,
  { environment, talk }: Context,
): Promise<Parsed<Rows>> {
  const path = configPath(environment)
  const text = await readConfig(path, name)
  const profiles = profilesIn(text, path)
  const profile = profiles[name]
  if (profile === undefined) throw new UsageError(noProfile(name, Object.keys(profiles), path))
  const settings = await settingsIn(profile, rows, path, (key) => locate(text, ['profile', name, key]))
  if (Object.values(profiles).some(holdsSecret) && (await isReadableByOthers(path))) {
    talk.say(`warning: ${path} holds a password, and other users can read it: chmod 600 ${path}`)
  }
  const texts: Record<string, readonly string[]> = {}
  for (const setting of settings) {
    texts[setting.key] = [...(texts[setting.key] ?? []), settingText(setting, rows[setting.key]!, path)]
  }
  return { ...parsed, profile: collectSettings(settings, rows, path), texts: { ...parsed.texts, profile: texts } }
}

/** The names of all profiles; none when there is no file, or nothing that can be read as one. */
export async function profileNames(environment: Environment): Promise<string[]> {
  try {
    const path = configPath(environment)
    return Object.keys(profilesIn(await readFile(path, 'utf8'), path))
  } catch {
    // nobody asked for a profile: a shell only wants to know
    return []
  }
}

/**
 * Where profiles are kept.
 * @throws UsageError when the environment names no home
 */
export function configPath({ XDG_CONFIG_HOME: folder = '', HOME: home = '' }: Environment): string {
  // a relative one is to be ignored, says the XDG Base Directory Specification
  if (isAbsolute(folder)) return join(folder, 'mqtt-kit', 'config.toml')
  if (home === '') throw new UsageError('--profile: neither XDG_CONFIG_HOME nor HOME says where the configuration is')
  return join(home, '.config', 'mqtt-kit', 'config.toml')
}

async function readConfig(path: string, name: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const problem = code === 'ENOENT' ? `there is no ${path}; begin one with [profile.${name}]` : message
    throw new Failure(ExitCode.USAGE, `--profile ${name}: ${problem}`, error)
  }
}

function profilesIn(text: string, path: string): Readonly<Record<string, TomlTable>> {
  const { profile: profiles = {}, ...others } = parseToml(text, path)
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) {
    const what = unknownKey(unknown, new Map(), new Set(['profile']))
    throw new ConfigError(path, locate(text, [unknown]), `${what}; profiles are tables like [profile.lab]`)
  }
  if (!isTable(profiles)) {
    throw new ConfigError(path, locate(text, ['profile']), 'profile: expected tables like [profile.lab]')
  }
  for (const [name, profile] of Object.entries(profiles)) {
    if (isTable(profile)) continue
    const what = `profile.${name}: expected a table; a key stands below the name of its profile, as in [profile.lab]`
    throw new ConfigError(path, locate(text, ['profile', name]), what)
  }
  return profiles as Record<string, TomlTable>
}

function noProfile(name: string, names: readonly string[], path: string): string {
  const meant = nearest(name, names)
  const hint =
    meant === null ? (names.length === 0 ? 'none' : names.join(', ')) : `${names.join(', ')}; did you mean ${meant}?`
  return `--profile ${name}: ${path} has no such profile; it has ${hint}`
}

async function settingsIn(
  profile: TomlTable,
  rows: OptionRows,
  path: string,
  place: (key: string) => Position,
): Promise<Setting[]> {
  const others = await clientRows()
  const known = new Map(others.flatMap((all) => Object.keys(all).map((key): [string, string] => [longName(key), key])))
  for (const key of NOT_IN_PROFILES) known.delete(longName(key))
  return Object.entries(profile).flatMap(([name, value]) => {
    const key = known.get(name)
    if (key === undefined) throw new ConfigError(path, place(name), unknownKey(name, known, new Set()))
    const read = (all: OptionRows): Setting[] => settingsOf(key, name, value, all[key]!, place(name), path)
    if (Object.hasOwn(rows, key)) return read(rows)
    checkForOthers(
      others.filter((all) => Object.hasOwn(all, key)),
      read,
      path,
    )
    return []
  })
}

// It is an option of other clients: one of them has to take the value.
function checkForOthers(others: readonly OptionRows[], read: (rows: OptionRows) => Setting[], path: string): void {
  let mistake: unknown = null
  for (const rows of others) {
    try {
      collectSettings(read(rows), rows, path)
      return
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      mistake ??= error
    }
  }
  throw mistake
}

/** The options of all commands that take profiles. */
async function clientRows(): Promise<readonly OptionRows[]> {
  const [{ publishRows }, { subscribeRows }, { requestRows }, { benchRows }, { doctorRows }] = await Promise.all([
    import('../options/publish.ts'),
    import('../options/subscribe.ts'),
    import('../options/request.ts'),
    import('../options/bench.ts'),
    import('../options/doctor.ts'),
  ])
  return [publishRows, subscribeRows, requestRows, benchRows, doctorRows]
}

function holdsSecret(profile: TomlTable): boolean {
  const isSecret = (name: string, value: TomlValue): boolean => {
    if (name === 'url') return /^[^/]*\/\/[^/@]*:[^/]*@/.test(String(value))
    return ['password', 'key-password', 'psk'].includes(name) && value !== '-'
  }
  return Object.entries(profile).some(([name, value]) => isSecret(name, value))
}

async function isReadableByOthers(path: string): Promise<boolean> {
  const { mode } = await stat(path)
  return process.platform !== 'win32' && (mode & READABLE_BY_OTHERS) !== 0
}
