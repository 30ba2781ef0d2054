import { performance } from 'node:perf_hooks'
import { Client, type ClientOptions } from '../../client/client.ts'
import { ClientError, ClientErrorKind } from '../../client/client-error.ts'
import type { Connack } from '../../codec/packets/connack.ts'
import { ProtocolVersion, protocolVersionName } from '../../codec/protocol-version.ts'
import { ReasonCode } from '../../codec/reason-code.ts'
import { formatAddress } from '../../transport/address.ts'
import { TransportError } from '../../transport/transport-error.ts'
import { farewell } from '../commands/client-run.ts'
import { explain } from '../commands/explain.ts'
import { type Advice, adviceFor } from './advice.ts'
import { type Finding, failure, finding, since } from './finding.ts'

/** What the broker said to the newest version that it takes. */
export interface Welcome {
  readonly version: ProtocolVersion
  readonly connack: Connack
}

/** What became of CONNECT at each version. */
export interface Greeting {
  readonly findings: readonly Finding[]
  /** null when no version is accepted */
  readonly welcome: Welcome | null
}

const VERSIONS = [ProtocolVersion.V5, ProtocolVersion.V3_1_1, ProtocolVersion.V3_1]
const RANDOM_ID_DIGITS = 8

const byReason = new Map<number | null, Advice>([
  [
    ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    { cause: 'The broker is older, or told not to speak this version.', remedy: 'Use a version it accepts (-V).' },
  ],
  [
    ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
    {
      cause: 'The client identifier breaks a rule of the broker, or it wants one.',
      remedy: 'Give the one it expects with -i ID.',
    },
  ],
  [
    ReasonCode.BAD_USER_NAME_OR_PASSWORD,
    {
      cause: 'User name or password is wrong or missing.',
      remedy: 'Give both with -u NAME and --password-file FILE; a line break or a percent sign in a URL changes them.',
    },
  ],
  [
    ReasonCode.NOT_AUTHORIZED,
    {
      cause: 'The broker wants a user name, or this user, address or client identifier may not connect.',
      remedy: 'Give -u NAME and --password-file FILE; look at the access rules of the broker.',
    },
  ],
  [
    ReasonCode.BAD_AUTHENTICATION_METHOD,
    {
      cause: 'The broker wants another method of authentication.',
      remedy: 'Try --auth-method scram-sha-256, or leave it out.',
    },
  ],
  [
    ReasonCode.BANNED,
    { cause: 'An administrator has shut out this client, user or address.', remedy: 'Ask whoever runs the broker.' },
  ],
  [
    ReasonCode.CONNECTION_RATE_EXCEEDED,
    { cause: 'Connections are made too fast for the broker.', remedy: 'Wait a minute, then try again.' },
  ],
])

const byKind: Partial<Record<ClientErrorKind, Advice>> = {
  [ClientErrorKind.NO_CONNACK]: {
    cause:
      'Something listens but says nothing to CONNECT: no MQTT broker, a port for TLS, a proxy without a broker behind it, or a broker that is overloaded or drops strangers silently.',
    remedy: 'Check the port, try mqtts://, look into the log of the broker.',
  },
  [ClientErrorKind.NOT_MQTT]: {
    cause: 'What answers at this port speaks another protocol.',
    remedy: 'Use the port for MQTT, or the scheme that fits: ws:// for a web server, mqtts:// for TLS.',
  },
  [ClientErrorKind.PROTOCOL]: {
    cause: 'What answers breaks the rules of MQTT: a fault of the broker, or of a proxy that changes bytes.',
    remedy: 'Look at the packets with mqtt-kit sub -d, and report it to the maker of the broker.',
  },
}

/**
 * CONNECT at 5.0, 3.1.1 and 3.1, each on a connection of its own. A refusal that another version would get too ends the row:
 * wrong passwords are not tried three times.
 */
export async function greet(options: ClientOptions): Promise<Greeting> {
  const findings: Finding[] = []
  let welcome: Welcome | null = null
  let isRefused = false
  for (const version of VERSIONS) {
    const step = `MQTT ${protocolVersionName(version)}`
    const obstacle = isRefused
      ? 'refused before for a reason that the version does not change'
      : unfit(options, version)
    if (obstacle !== null) {
      findings.push(finding(step, 'skipped', obstacle))
      continue
    }
    const startMs = performance.now()
    const client = new Client(forVersion(options, version))
    try {
      const connack = await client.connect()
      welcome ??= { version, connack }
      findings.push(finding(step, 'ok', 'CONNECT accepted', { ms: since(startMs) }))
      await farewell(client, { willOnExit: false, properties: {} })
    } catch (error) {
      findings.push(refusal(step, error, options, startMs))
      isRefused = isFinal(error)
    } finally {
      client.destroy()
    }
  }
  return { findings: welcome === null ? findings : findings.map(asNote), welcome }
}

/** The same options for a connection at another version. */
export function forVersion(options: ClientOptions, version: ProtocolVersion): ClientOptions {
  const isV5 = version === ProtocolVersion.V5
  const { clientId = '' } = options
  return {
    ...options,
    version,
    // MQTT 3.1 has no empty identifier
    clientId: clientId === '' && version === ProtocolVersion.V3_1 ? randomClientId() : clientId,
    ...(isV5 ? {} : { authentication: null }),
  }
}

function randomClientId(): string {
  return `doctor-${Math.random().toString(16).slice(2).padEnd(RANDOM_ID_DIGITS, '0').slice(0, RANDOM_ID_DIGITS)}`
}

// What a version cannot say is not tried with it.
function unfit({ authentication, userName, password }: ClientOptions, version: ProtocolVersion): string | null {
  if (version === ProtocolVersion.V5) return null
  if (authentication != null) return 'has no enhanced authentication (--auth-method)'
  return password != null && userName == null ? 'has no password without a user name' : null
}

function isFinal(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false
  // a certificate of ours that is missing or refused: with TLS 1.3 that is told after the handshake
  if (isOfTls(error)) return true
  if (error.kind !== ClientErrorKind.CONNECT_REFUSED) return false
  return error.reasonCode !== ReasonCode.UNSUPPORTED_PROTOCOL_VERSION
}

function isOfTls({ cause }: ClientError): boolean {
  return cause instanceof TransportError && cause.isTls
}

// Another version is accepted: what this one met is no obstacle.
function asNote(one: Finding): Finding {
  return one.status === 'failed' ? { ...one, status: 'note', exitCode: 0 } : one
}

/** @throws what is no ClientError: a fault of our own */
function refusal(step: string, error: unknown, options: ClientOptions, startMs: number): Finding {
  const { exitCode, message } = explain(error, formatAddress(options.address))
  const { kind, reasonCode, returnCode, reasonString } = error as ClientError
  return failure(step, exitCode, message, {
    ...adviceOn(error as ClientError, options.tls?.cert !== undefined),
    ms: since(startMs),
    details: { kind, reasonCode, returnCode, reasonString },
  })
}

function adviceOn(error: ClientError, showsCertificate: boolean): Advice {
  const { kind, reasonCode, cause } = error
  if (kind === ClientErrorKind.CONNECT_REFUSED) return byReason.get(reasonCode) ?? adviceFor('UNKNOWN')
  if (cause instanceof TransportError && cause.isTls) return adviceFor(cause.code, showsCertificate)
  if (kind === ClientErrorKind.NO_CONNACK && showsCertificate) return adviceFor('CLOSED', true)
  return byKind[kind] ?? adviceFor(cause instanceof TransportError ? cause.code : 'UNKNOWN')
}
