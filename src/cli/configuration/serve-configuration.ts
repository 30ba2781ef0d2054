import { readFile } from 'node:fs/promises'
import type { AccessSettings } from '../../access/configured-access.ts'
import type { BrokerOptions } from '../../broker/configuration.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'
import { brokerOptions, isControlled } from '../options/broker-options.ts'
import { longName, type Typed } from '../options/option-row.ts'
import { type Environment, merged, type Parsed } from '../options/parse.ts'
import { serveRows } from '../options/serve.ts'
import { readAccessSettings } from './access-settings.ts'
import { inheritedListeners } from './inherited-listeners.ts'
import { type ListenerSection, type ListenerSettings, listenerOptions, listenerRows } from './listener-settings.ts'
import { parseMosquittoFile } from './mosquitto-file.ts'
import { collectSettings, type Setting } from './setting.ts'
import type { DevelopmentCertificate } from './tls-dev.ts'
import { readServerTls } from './tls-files.ts'
import { parseTomlFile } from './toml-file.ts'

type ServeOptions = Typed<typeof serveRows>

/** All that a broker is told, read at one time. */
export interface ServeConfiguration {
  /** the command line, the environment and the file as one */
  readonly typed: ServeOptions
  readonly options: BrokerOptions
  readonly access: AccessSettings
  /** what the file asks for and there is not, one line each */
  readonly warnings: readonly string[]
  /** as it stands in the file, for --show-config */
  readonly settings: readonly Setting[]
  readonly listeners: readonly ListenerSection[]
  /** what --tls-dev made; null without */
  readonly development: DevelopmentCertificate | null
}

/**
 * Reads the configuration file, if there is one, and the files that decide about access.
 * @param environment HOME, XDG_DATA_HOME, SSLKEYLOGFILE and what systemd says
 * @param pid of this process
 * @throws Failure USAGE for the first mistake, with its place
 */
export async function readServeConfiguration(
  parsed: Parsed<typeof serveRows>,
  environment: Environment,
  pid: number,
): Promise<ServeConfiguration> {
  const given = merged(parsed)
  const { fromFile, listeners, warnings, file } =
    given.config === undefined ? NOTHING : await readConfigFile(given.config)
  const typed = { ...fromFile, ...given }
  const withoutFiles = brokerOptions(typed, inheritedListeners(environment, pid), listeners)
  const tls = await readServerTls(typed, environment)
  const own = await Promise.all(listeners.map((listener) => listenerOptions(listener, typed, environment)))
  const listen = [...(withoutFiles.listen ?? []), ...own]
  const options = { ...withoutFiles, listen, ...(tls === null ? {} : { tls: tls.terms }) }
  const development = tls?.development ?? null
  return { typed, options, access: await readAccessSettings(typed), warnings, development, ...file }
}

interface FileContent {
  readonly fromFile: ServeOptions
  /** those with options of their own */
  readonly listeners: readonly ListenerSettings[]
  readonly warnings: readonly string[]
  readonly file: Pick<ServeConfiguration, 'settings' | 'listeners'>
}

const NOTHING: FileContent = { fromFile: {}, listeners: [], warnings: [], file: { settings: [], listeners: [] } }

async function readConfigFile(path: string): Promise<FileContent> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new Failure(ExitCode.USAGE, `cannot read --config ${path}: ${error.message}`, error)
  })
  const file = path.endsWith('.conf')
    ? parseMosquittoFile(text, path, serveRows)
    : { ...parseTomlFile(text, path, serveRows), warnings: [] }
  const listeners = file.listeners.map(({ url, settings }) => ({
    url,
    typed: collectSettings(settings, listenerRows, path),
  }))
  return { fromFile: collectSettings(file.settings, serveRows, path), listeners, warnings: file.warnings, file }
}

/**
 * What a running broker takes over: everything in the group Access but the owners of sessions, every number in Limits, and
 * the files of TLS.
 */
function isReloadable(key: keyof typeof serveRows): boolean {
  const row = serveRows[key]
  if (row.group === 'TLS') return ['tlsCert', 'tlsKey', 'tlsCa', 'tlsMinVersion', 'tlsCiphers'].includes(key)
  if (row.group === 'Access') return key !== 'noSessionOwners'
  return row.group === 'Limits' && row.value !== null && key !== 'queueOverflow'
}

/** Long names of options that have changed and count only after a restart. */
export function needingRestart(before: ServeOptions, after: ServeOptions): string[] {
  const keys = Object.keys(serveRows) as (keyof typeof serveRows)[]
  return keys
    .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
    .filter((key) => !isReloadable(key) || (key === 'admin' && !isControlled(before)))
    .map((key) => `--${longName(key)}`)
}
