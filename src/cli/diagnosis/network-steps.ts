import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { ClientOptions } from '../../client/client.ts'
import type { Address } from '../../transport/address.ts'
import { dial } from '../../transport/dial.ts'
import type { ShownCertificate, TlsSight } from '../../transport/tls-look.ts'
import { codeOf, TransportError, transportError } from '../../transport/transport-error.ts'
import { ExitCode } from '../exit-code.ts'
import { adviceFor } from './advice.ts'
import { type Finding, failure, finding, ProbeTimeout, since, within } from './finding.ts'

const DAY_MS = 86_400_000
/** A certificate with less life is worth a note. */
const SOON_DAYS = 30

/** What is below MQTT, step by step up to the first failure. @param timeoutMs for each step */
export async function* networkSteps(options: ClientOptions, timeoutMs: number): AsyncGenerator<Finding> {
  const { address } = options
  const { scheme, host } = address
  if (scheme !== 'unix') yield await lookUp(host, timeoutMs)
  yield await reach(options, timeoutMs)
  if (scheme === 'mqtts' || scheme === 'wss') yield* shake(options, timeoutMs)
  if (scheme === 'ws' || scheme === 'wss') yield await upgrade(options, timeoutMs)
}

async function lookUp(host: string, timeoutMs: number): Promise<Finding> {
  if (isIP(host) !== 0) return finding('DNS', 'skipped', `${host} is an address and needs no look-up`)
  const name = host === '' ? 'localhost' : host
  const startMs = performance.now()
  try {
    const found = await within(lookup(name, { all: true }), timeoutMs)
    const addresses = found.map(({ address }) => address)
    return finding('DNS', 'ok', `${name} is ${addresses.join(', ')}`, { ms: since(startMs), details: { addresses } })
  } catch (error) {
    const code = error instanceof ProbeTimeout ? 'EAI_AGAIN' : codeOf(error)
    return transportFailure('DNS', transportError('connect', name, codeError(code)), startMs, {})
  }
}

function codeError(code: string): Error {
  return Object.assign(new Error('the look-up failed'), { code })
}

async function reach(options: ClientOptions, timeoutMs: number): Promise<Finding> {
  const { address } = options
  const isUnix = address.scheme === 'unix'
  const step = isUnix ? 'socket' : 'TCP'
  return tryToDial(step, isUnix ? address : { ...address, scheme: 'mqtt', path: '' }, options, timeoutMs)
}

async function upgrade(options: ClientOptions, timeoutMs: number): Promise<Finding> {
  return tryToDial('WebSocket', options.address, options, timeoutMs)
}

async function* shake(options: ClientOptions, timeoutMs: number): AsyncGenerator<Finding> {
  const address: Address = { ...options.address, scheme: 'mqtts', path: '' }
  const startMs = performance.now()
  const { lookAtTls } = await import('../../transport/tls-look.ts')
  let sight: TlsSight
  try {
    sight = await lookAtTls(address, options.tls ?? {}, timeoutMs, options.bindAddress)
  } catch (error) {
    yield transportFailure('TLS', error, startMs, options)
    return
  }
  const details = { protocol: sight.protocol, cipher: sight.cipher }
  yield finding('TLS', 'ok', `${sight.protocol}, ${sight.cipher}`, { ms: since(startMs), details })
  for (const [index, certificate] of sight.chain.entries()) yield describe(certificate, index, Date.now())
  if (options.tls?.insecure === true) {
    yield finding('trust', 'note', 'not verified (--insecure)', {
      cause: 'With --insecure any certificate is believed: anybody on the way can listen.',
      remedy: 'Leave --insecure out.',
    })
    return
  }
  yield await tryToDial('trust', address, options, timeoutMs)
}

function describe(shown: ShownCertificate, index: number, nowMs: number): Finding {
  const { subject, issuer, names, validFromMs, validToMs, fingerprint } = shown
  const days = Math.floor((validToMs - nowMs) / DAY_MS)
  const life =
    validToMs < nowMs
      ? `expired ${day(validToMs)}`
      : validFromMs > nowMs
        ? `not valid before ${day(validFromMs)}`
        : `valid until ${day(validToMs)}, ${days} ${days === 1 ? 'day' : 'days'}`
  const whose = names.length === 0 ? subject : `${subject} (${names.join(', ')})`
  const isCurrent = validFromMs <= nowMs && nowMs <= validToMs
  const details = {
    subject,
    issuer,
    names,
    validFrom: new Date(validFromMs).toISOString(),
    validTo: new Date(validToMs).toISOString(),
    fingerprint,
  }
  const text = `${whose}, by ${issuer}, ${life}${index === 0 ? `, SHA-256 ${fingerprint}` : ''}`
  if (isCurrent && days >= SOON_DAYS) return finding('certificate', 'ok', text, { details })
  if (!isCurrent) return finding('certificate', 'note', text, { details })
  const advice = {
    cause: 'The certificate expires soon.',
    remedy: 'Renew it in time, and let the broker read it again.',
  }
  return finding('certificate', 'note', text, { ...advice, details })
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}

/** Success of each step that is dialled. */
const reached: Readonly<Record<string, (remote: string) => string>> = {
  TCP: (remote) => `connected to ${remote}`,
  socket: (remote) => `connected to ${remote}`,
  trust: () => 'chain, name and dates of the certificate are in order',
  WebSocket: () => 'the upgrade is accepted, subprotocol mqtt',
}

async function tryToDial(step: string, address: Address, options: ClientOptions, timeoutMs: number): Promise<Finding> {
  const { bindAddress, tls } = options
  const startMs = performance.now()
  try {
    const transport = await dial(address, {
      timeoutMs,
      ...(bindAddress === undefined ? {} : { bindAddress }),
      ...(tls === undefined ? {} : { tls }),
    })
    const { remoteAddress } = transport
    transport.destroy()
    return finding(step, 'ok', reached[step]!(remoteAddress), { ms: since(startMs) })
  } catch (error) {
    return transportFailure(step, error, startMs, options)
  }
}

/** @throws what is no TransportError: a fault of our own */
function transportFailure(step: string, error: unknown, startMs: number, { tls }: Pick<ClientOptions, 'tls'>): Finding {
  if (!(error instanceof TransportError)) throw error
  return failure(step, error.isTls ? ExitCode.TLS : ExitCode.CANNOT_CONNECT, error.message, {
    ...adviceFor(error.code, error.isTls && tls?.cert !== undefined),
    ms: since(startMs),
    details: { code: error.code },
  })
}
