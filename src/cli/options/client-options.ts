import type { ClientOptions } from '../../client/client.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Will } from '../../codec/packets/connect.ts'
import { WILL_PROPERTIES } from '../../codec/property.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import { type Address, AddressError, defaultPorts, parseAddress, type Scheme } from '../../transport/address.ts'
import { UsageError } from '../failure.ts'
import type { connectionOptions, sessionOptions, willOptions } from './connection.ts'
import type { clientOutputOptions } from './general.ts'
import { longName, type Typed } from './option-row.ts'
import type { Environment, Parsed } from './parse.ts'
import { type PropertyArgument, propertiesFor } from './property-argument.ts'
import type { tlsClientOptions } from './tls.ts'

/** What both client commands share of what was typed. */
export type ClientRows = typeof connectionOptions &
  typeof tlsClientOptions &
  typeof sessionOptions &
  typeof willOptions &
  typeof clientOutputOptions

/** What says where to connect. */
export type TargetRows = Pick<typeof connectionOptions, 'host' | 'port' | 'unix' | 'url' | 'user' | 'password'> &
  typeof tlsClientOptions

/** Options that exclude each other: one on the command line silences the environment variables of the others. */
export const exclusiveClientOptions = [
  ['id', 'idPrefix'],
  ['noReconnect', 'maxReconnect'],
  ['password', 'passwordFile', 'passwordEnv'],
] as const

/** Where to connect, from flags, URL and environment. */
export interface Target {
  readonly address: Address
  readonly userName: string | null
  /** of the URL or -P; files, variables and the prompt are read later */
  readonly password: string | null
  /** the path of the URL; not checked */
  readonly topic: string | null
}

const DEFAULT_HOST = 'localhost'
/** Stands for the port of the scheme, until that is known. */
const NO_PORT = -1
const RECONNECT_MINIMUM_MS = 1000
const RECONNECT_MAXIMUM_MS = 30_000
const RECONNECT_JITTER = 0.25
const NEVER_EXPIRES = 0xffff_ffff

/**
 * Finds out where to connect. Each value comes from the first place that has it: flag, URL, environment, default.
 * @throws UsageError for a bad URL, two URLs, an argument that is no URL
 */
export function targetOf(parsed: Parsed<TargetRows>, environment: Environment): Target {
  const { flags, environment: fromEnvironment } = parsed
  const url = urlOf(parsed, environment)
  const host = fromEnvironment.host ?? DEFAULT_HOST
  const port = fromEnvironment.port ?? NO_PORT
  const fromUrl = url === null ? null : parseUrl(url.text, url.name, host, port)
  const unix = flags.unix ?? (fromUrl === null && !namesHost(flags) ? fromEnvironment.unix : undefined)
  const named = fromUrl?.address ?? { scheme: 'mqtt', host, port, path: '' }
  const plain: Address =
    unix === undefined ? withFlags(named, flags) : { scheme: 'unix', host: '', port: 0, path: unix }
  const address = complete(plain, wantsTls(flags) || fromEnvironment.tls === true)
  checkTlsFlags(address, flags)
  return {
    address,
    userName: flags.user ?? fromUrl?.username ?? fromEnvironment.user ?? null,
    password: flags.password ?? fromUrl?.password ?? fromEnvironment.password ?? null,
    topic: fromUrl?.topic ?? null,
  }
}

function namesHost(flags: Typed<TargetRows>): boolean {
  return flags.host !== undefined || flags.port !== undefined
}

function withFlags(named: Address, flags: Typed<TargetRows>): Address {
  if (!namesHost(flags)) return named
  const base: Address =
    named.scheme === 'unix' ? { scheme: 'mqtt', host: DEFAULT_HOST, port: NO_PORT, path: '' } : named
  return { ...base, host: flags.host ?? base.host, port: flags.port ?? base.port }
}

const withTls: Readonly<Record<Scheme, Scheme>> = { mqtt: 'mqtts', mqtts: 'mqtts', ws: 'wss', wss: 'wss', unix: 'unix' }

function complete(address: Address, usesTls: boolean): Address {
  const scheme = usesTls ? withTls[address.scheme] : address.scheme
  return { ...address, scheme, port: address.port === NO_PORT ? defaultPorts[scheme] : address.port }
}

// As in mosquitto's clients: whoever says whom to believe must not be connected in the clear.
function wantsTls({ tls, ca, systemCa, trust, psk }: Typed<TargetRows>): boolean {
  return tls === true || ca !== undefined || systemCa === true || trust !== undefined || psk !== undefined
}

function checkTlsFlags({ scheme }: Address, flags: Typed<TargetRows>): void {
  if (scheme === 'mqtts' || scheme === 'wss') return
  if (scheme === 'unix' && wantsTls(flags)) throw new UsageError('there is no TLS on unix sockets: leave out --tls')
  const { cert, key, keyPassword, servername, insecure, alpn, tlsVersion, ciphers, pskIdentity } = flags
  const others = { cert, key, keyPassword, servername, insecure, alpn, tlsVersion, ciphers, pskIdentity }
  const [orphan] = Object.entries(others).find(([, value]) => value !== undefined) ?? []
  if (orphan !== undefined)
    throw new UsageError(`--${longName(orphan)} needs TLS: add --tls, or use mqtts:// or wss://`)
}

function urlOf(parsed: Parsed<TargetRows>, environment: Environment): { text: string; name: string } | null {
  const [operand, ...more] = parsed.operands
  const { url } = parsed.flags
  if (operand !== undefined && !/:\/\/|^unix:|:\d+$/.test(operand)) {
    throw new UsageError(`unexpected argument ${JSON.stringify(operand)}; a broker looks like mqtt://localhost:1883`)
  }
  if (more.length > 0) throw new UsageError(`unexpected argument ${JSON.stringify(more[0])}`)
  if (operand !== undefined && url !== undefined) throw new UsageError('there is a URL as argument and one with -L')
  if (operand !== undefined) return { text: operand, name: 'the URL' }
  if (url !== undefined) return { text: url, name: '-L' }
  const fromEnvironment = environment['MQTT_URL']
  return fromEnvironment === undefined || fromEnvironment === '' ? null : { text: fromEnvironment, name: 'MQTT_URL' }
}

function parseUrl(text: string, name: string, host: string, port: number) {
  try {
    return parseAddress(text, { host, port })
  } catch (error) {
    if (error instanceof AddressError) throw new UsageError(`${name}: ${error.message}`)
    throw error
  }
}

/** Everything else that the client has to know. */
export interface ClientExtras {
  readonly target: Target
  readonly password: Buffer | null
  readonly properties: readonly PropertyArgument[]
  /** reconnect when the connection is lost, as long as nothing else was typed */
  readonly reconnects: boolean
  /** the command was asked for something that 5.0 alone can do: no falling back to 3.1.1 */
  readonly needsV5: boolean
}

/**
 * Turns what was typed into the options of the client.
 * @throws UsageError for what does not fit together
 */
export function clientOptions(typed: Typed<ClientRows>, extras: ClientExtras): ClientOptions {
  const { target, password, properties, reconnects, needsV5 } = extras
  const version = typed.protocolVersion ?? ProtocolVersion.V5
  const connect = propertiesFor(PacketType.CONNECT, properties)
  check(typed, version, extras)
  if (typed.sessionExpiry !== undefined && connect.sessionExpiryIntervalSeconds !== undefined) {
    throw new UsageError('session expiry is given twice: by -x and as a property')
  }
  const expiry = typed.sessionExpiry ?? (typed.persistent && version === ProtocolVersion.V5 ? NEVER_EXPIRES : undefined)
  if (expiry !== undefined) connect.sessionExpiryIntervalSeconds ??= expiry
  return {
    address: target.address,
    version,
    clientId: clientIdOf(typed, version),
    cleanStart: typed.persistent !== true,
    keepAliveSeconds: typed.keepalive ?? 60,
    userName: target.userName,
    password,
    will: willOf(typed, properties),
    connectProperties: connect,
    connectTimeoutMs: typed.connectTimeout ?? 10_000,
    ...(typed.maxInflight === undefined ? {} : { maximumInFlight: typed.maxInflight }),
    ...(typed.bind === undefined ? {} : { bindAddress: typed.bind }),
    reconnect: reconnectPolicy(typed, reconnects),
    fallbackToV311:
      typed.protocolVersion === undefined && properties.length === 0 && typed.sessionExpiry === undefined && !needsV5,
  }
}

function check(
  typed: Typed<ClientRows>,
  version: ProtocolVersion,
  { target, password, properties }: ClientExtras,
): void {
  if (version !== ProtocolVersion.V5) {
    const name = `MQTT ${protocolVersionName(version)}`
    if (properties.length > 0) throw new UsageError(`properties need MQTT 5.0, and -V asks for ${name}`)
    if (typed.sessionExpiry !== undefined) {
      throw new UsageError(`-x needs MQTT 5.0, and -V asks for ${name}: -c keeps the session there`)
    }
    if (password !== null && target.userName === null)
      throw new UsageError(`a password needs a user name (-u) in ${name}`)
  }
  if (typed.id !== undefined && typed.idPrefix !== undefined) throw new UsageError('give either -i or -I, not both')
  if (typed.persistent && (typed.id ?? '') === '') {
    throw new UsageError('-c needs the client identifier of the session: add -i ID')
  }
}

const RANDOM_ID_DIGITS = 10

// Need not be secret, only unlike others: node:crypto would take 6 ms to load.
function randomId(): string {
  return Math.floor(Math.random() * 16 ** RANDOM_ID_DIGITS)
    .toString(16)
    .padStart(RANDOM_ID_DIGITS, '0')
}

function clientIdOf(typed: Typed<ClientRows>, version: ProtocolVersion): string {
  if (typed.idPrefix !== undefined) return typed.idPrefix + randomId()
  // MQTT 3.1 has no empty identifier, and none longer than 23 characters
  if (typed.id === undefined && version === ProtocolVersion.V3_1) {
    return `mqtt-kit-${randomId()}`
  }
  return typed.id ?? ''
}

function willOf(typed: Typed<ClientRows>, properties: readonly PropertyArgument[]): Will | null {
  const willProperties = propertiesFor(WILL_PROPERTIES, properties)
  if (typed.willTopic !== undefined) {
    return {
      topicName: typed.willTopic,
      payload: Buffer.from(typed.willPayload ?? ''),
      qos: typed.willQos ?? 0,
      retain: typed.willRetain ?? false,
      properties: willProperties,
    }
  }
  const orphan =
    typed.willPayload !== undefined
      ? '--will-payload'
      : typed.willQos !== undefined
        ? '--will-qos'
        : typed.willRetain
          ? '--will-retain'
          : typed.willOnExit
            ? '--will-on-exit'
            : Object.keys(willProperties).length > 0
              ? 'a property of the will'
              : null
  if (orphan !== null) throw new UsageError(`${orphan} needs a will: add --will-topic TOPIC`)
  return null
}

function reconnectPolicy(typed: Typed<ClientRows>, reconnects: boolean): ClientOptions['reconnect'] {
  if (typed.noReconnect && typed.maxReconnect !== undefined) {
    throw new UsageError('give either --no-reconnect or --max-reconnect, not both')
  }
  if (typed.noReconnect || typed.maxReconnect === 0) return null
  if (!reconnects && typed.maxReconnect === undefined) return null
  return {
    minimumDelayMs: RECONNECT_MINIMUM_MS,
    maximumDelayMs: RECONNECT_MAXIMUM_MS,
    jitter: RECONNECT_JITTER,
    maximumAttempts: typed.maxReconnect ?? Number.POSITIVE_INFINITY,
  }
}
