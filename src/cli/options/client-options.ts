import type { ClientOptions } from '../../client/client.ts'
import { PacketType } from '../../codec/packet-type.ts'
import type { Will } from '../../codec/packets/connect.ts'
import { WILL_PROPERTIES } from '../../codec/property.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import { UsageError } from '../failure.ts'
import type { connectionOptions, sessionOptions, willOptions } from './connection.ts'
import type { clientOutputOptions } from './general.ts'
import type { Typed } from './option-row.ts'
import { type PropertyArgument, propertiesFor } from './property-argument.ts'
import type { Target } from './target.ts'
import type { tlsClientOptions } from './tls.ts'

/** What both client commands share of what was typed. */
export type ClientRows = typeof connectionOptions &
  typeof tlsClientOptions &
  typeof sessionOptions &
  typeof willOptions &
  typeof clientOutputOptions

const RECONNECT_MINIMUM_MS = 1000
const RECONNECT_MAXIMUM_MS = 30_000
const RECONNECT_JITTER = 0.25
const NEVER_EXPIRES = 0xffff_ffff

/** Options that exclude each other: one in a strong place silences all of them in weaker places. */
export const exclusiveClientOptions = [
  ['id', 'idPrefix'],
  ['noReconnect', 'maxReconnect'],
  ['password', 'passwordFile', 'passwordEnv'],
] as const

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
