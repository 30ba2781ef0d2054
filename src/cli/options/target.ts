import { type Address, AddressError, defaultPorts, parseAddress, type Scheme } from '../../transport/address.ts'
import { UsageError } from '../failure.ts'
import type { connectionOptions } from './connection.ts'
import { longName, type OptionRows, type Typed } from './option-row.ts'
import type { Environment, Parsed } from './parse.ts'
import type { tlsClientOptions } from './tls.ts'

/** What says where to connect. */
export type TargetRows = Pick<
  typeof connectionOptions,
  'host' | 'port' | 'unix' | 'url' | 'user' | 'password' | 'passwordFile' | 'passwordEnv'
> &
  typeof tlsClientOptions

/** Where a value was found, the strongest place first; the last but one is the url of a profile. */
export type Origin = 'flags' | 'url' | 'environment' | 'profile' | 'profile url' | 'default'

/** Where the password is: in a file, a variable or here, or in the head of the user. */
export interface PasswordSource {
  readonly kind: 'text' | 'file' | 'variable' | 'terminal'
  /** the password itself, or the name of the file or variable */
  readonly text: string
}

/** Where to connect, and as whom. */
export interface Target {
  readonly address: Address
  readonly userName: string | null
  readonly password: PasswordSource | null
  /** the path of the URL; not checked */
  readonly topic: string | null
  readonly origins: Readonly<Record<'host' | 'port' | 'unix' | 'user' | 'password' | 'topic', Origin>>
  /** how messages name the URL that counts, the one of a profile excepted; null: there is none */
  readonly urlName: string | null
}

const DEFAULT_HOST = 'localhost'
/** Stand for what a URL does not say. */
const NO_HOST = ''
const NO_PORT = -1

interface FoundUrl {
  readonly name: string
  readonly address: Address
  readonly username: string | null
  readonly password: string | null
  readonly topic: string | null
}

/**
 * Finds out where to connect. Each value comes from the first place that has it: flag, URL, environment, profile, default. The
 * url of a profile counts when there is no other one.
 * @throws UsageError for a bad URL, two URLs, an argument that is no URL
 */
export function targetOf(parsed: Parsed<TargetRows>, environment: Environment): Target {
  const { flags, environment: variables, profile } = parsed
  const url = urlOf(parsed, environment)
  const profileUrl = url === null && profile.url !== undefined ? parseUrl(profile.url, 'the url of the profile') : null
  const first = <T>(of: (typed: Typed<TargetRows>) => T | undefined, inUrl: (url: FoundUrl) => T | null) =>
    firstOf<T>(
      ['flags', of(flags)],
      ['url', url === null ? null : inUrl(url)],
      ['environment', of(variables)],
      ['profile', of(profile)],
      ['profile url', profileUrl === null ? null : inUrl(profileUrl)],
    )
  const unix = unixOf(parsed, url, profileUrl)
  const host = first(
    (typed) => typed.host,
    ({ address }) => (address.host === NO_HOST ? null : address.host),
  )
  const port = first(
    (typed) => typed.port,
    ({ address }) => (address.port === NO_PORT || address.scheme === 'unix' ? null : address.port),
  )
  const address: Address =
    unix === null
      ? networkAddress(parsed, (url ?? profileUrl)?.address, url !== null, host?.value, port?.value)
      : { scheme: 'unix', host: '', port: 0, path: unix.value }
  // what the environment says for every connection need not fit this one
  checkTls(address, url === null && flags.unix === undefined ? { ...profile, ...flags } : flags)
  const user = first(
    (typed) => typed.user,
    ({ username }) => username,
  )
  const password = first<PasswordSource>(passwordIn, (one) =>
    one.password === null ? null : { kind: 'text', text: one.password },
  )
  const topic = firstOf(['url', url?.topic], ['profile url', profileUrl?.topic])
  return {
    address,
    userName: user?.value ?? null,
    password: password?.value ?? null,
    topic: topic?.value ?? null,
    origins: {
      host: host?.origin ?? 'default',
      port: port?.origin ?? 'default',
      unix: unix?.origin ?? 'default',
      user: user?.origin ?? 'default',
      password: password?.origin ?? 'default',
      topic: topic?.origin ?? 'default',
    },
    urlName: url?.name ?? null,
  }
}

/**
 * Takes away the topic of the environment or of a profile where a URL has one: that is stronger.
 * @param typed what was merged from `parsed`
 */
export function preferUrl<Rows extends OptionRows & { topic: unknown }>(
  typed: Typed<Rows>,
  { flags }: Parsed<Rows>,
  { topic, origins }: Target,
): void {
  if (topic !== null && origins.topic === 'url' && flags.topic === undefined) delete typed.topic
}

interface Found<T> {
  readonly origin: Origin
  readonly value: T
}

function firstOf<T>(...candidates: (readonly [Origin, T | null | undefined])[]): Found<T> | null {
  for (const [origin, value] of candidates) if (value !== null && value !== undefined) return { origin, value }
  return null
}

function namesHost({ host, port }: Typed<TargetRows>): boolean {
  return host !== undefined || port !== undefined
}

// A place that names a host or a port does not mean the socket of a weaker one.
function unixOf(
  { flags, environment, profile }: Parsed<TargetRows>,
  url: FoundUrl | null,
  profileUrl: FoundUrl | null,
): Found<string> | null {
  const path = (one: FoundUrl | null) => (one?.address.scheme === 'unix' ? one.address.path : null)
  if (flags.unix !== undefined) return { origin: 'flags', value: flags.unix }
  if (namesHost(flags)) return null
  if (url !== null) return firstOf(['url', path(url)])
  if (environment.unix !== undefined) return { origin: 'environment', value: environment.unix }
  if (namesHost(environment)) return null
  if (profile.unix !== undefined) return { origin: 'profile', value: profile.unix }
  return namesHost(profile) ? null : firstOf(['profile url', path(profileUrl)])
}

const withTls: Readonly<Record<Scheme, Scheme>> = { mqtt: 'mqtts', mqtts: 'mqtts', ws: 'wss', wss: 'wss', unix: 'unix' }

function networkAddress(
  { flags, environment, profile }: Parsed<TargetRows>,
  named: Address | undefined,
  isUrlGiven: boolean,
  host: string | undefined,
  port: number | undefined,
): Address {
  const base = named === undefined || named.scheme === 'unix' ? { scheme: 'mqtt' as const, path: '' } : named
  // a URL says itself whether there is TLS: beside it only what was typed, or asks for TLS by name, changes that
  const implied = [flags, ...(isUrlGiven ? [] : [environment, profile])]
  const isSecure = implied.some(wantsTls) || environment.tls === true || profile.tls === true
  const scheme = isSecure ? withTls[base.scheme] : base.scheme
  return { scheme, host: host ?? DEFAULT_HOST, port: port ?? defaultPorts[scheme], path: base.path }
}

// As in mosquitto's clients: whoever says whom to believe must not be connected in the clear.
function wantsTls({ tls, ca, systemCa, trust, psk }: Typed<TargetRows>): boolean {
  return tls === true || ca !== undefined || systemCa === true || trust !== undefined || psk !== undefined
}

function checkTls({ scheme }: Address, typed: Typed<TargetRows>): void {
  if (scheme === 'mqtts' || scheme === 'wss') return
  if (scheme === 'unix' && wantsTls(typed)) throw new UsageError('there is no TLS on unix sockets: leave out --tls')
  const { cert, key, keyPassword, servername, insecure, alpn, tlsVersion, ciphers, pskIdentity } = typed
  const others = { cert, key, keyPassword, servername, insecure, alpn, tlsVersion, ciphers, pskIdentity }
  const [orphan] = Object.entries(others).find(([, value]) => value !== undefined) ?? []
  if (orphan !== undefined)
    throw new UsageError(`--${longName(orphan)} needs TLS: add --tls, or use mqtts:// or wss://`)
}

function passwordIn({ password, passwordFile, passwordEnv }: Typed<TargetRows>): PasswordSource | undefined {
  const given = [password, passwordFile, passwordEnv].filter((source) => source !== undefined)
  if (given.length > 1) throw new UsageError('give one of -P, --password-file and --password-env')
  if (passwordFile !== undefined) return { kind: 'file', text: passwordFile }
  if (passwordEnv !== undefined) return { kind: 'variable', text: passwordEnv }
  if (password === undefined) return undefined
  return password === '-' ? { kind: 'terminal', text: '' } : { kind: 'text', text: password }
}

function urlOf({ operands, flags }: Parsed<TargetRows>, environment: Environment): FoundUrl | null {
  const [operand, ...more] = operands
  const { url } = flags
  if (operand !== undefined && !/:\/\/|^unix:|:\d+$/.test(operand)) {
    throw new UsageError(`unexpected argument ${JSON.stringify(operand)}; a broker looks like mqtt://localhost:1883`)
  }
  if (more.length > 0) throw new UsageError(`unexpected argument ${JSON.stringify(more[0])}`)
  if (operand !== undefined && url !== undefined) throw new UsageError('there is a URL as argument and one with -L')
  if (operand !== undefined) return parseUrl(operand, 'the URL')
  if (url !== undefined) return parseUrl(url, '-L')
  const variable = environment['MQTT_URL']
  return variable === undefined || variable === '' ? null : parseUrl(variable, 'MQTT_URL')
}

function parseUrl(text: string, name: string): FoundUrl {
  try {
    return { name, ...parseAddress(text, { host: NO_HOST, port: NO_PORT }) }
  } catch (error) {
    if (error instanceof AddressError) throw new UsageError(`${name}: ${error.message}`)
    throw error
  }
}
