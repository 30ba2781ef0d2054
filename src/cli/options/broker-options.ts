import { isIP, isIPv4 } from 'node:net'
import type { BrokerOptions, ListenerOptions } from '../../broker/configuration.ts'
import type { LimitName, Limits } from '../../broker/limits.ts'
import { defaultPorts, formatAddress, parseAddress } from '../../transport/address.ts'
import { UsageError } from '../failure.ts'
import { limitKeys } from './limits.ts'
import type { Typed } from './option-row.ts'
import type { serveRows } from './serve.ts'
import type { tlsServerOptions } from './tls.ts'

const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_PORT = 1883
/** Addresses that stand for every interface. */
const WILDCARDS = new Set(['', '0.0.0.0', '::'])

/**
 * Turns what was typed into the options of the broker, all but access.
 * @param inherited listeners that somebody else has opened
 * @param ofFile listeners with options of their own, which are added later
 * @throws UsageError for an address that other machines reach without any authentication
 */
export function brokerOptions(
  typed: Typed<typeof serveRows>,
  inherited: readonly ListenerOptions[] = [],
  ofFile: readonly {
    readonly url: string
    readonly typed: { readonly tlsCert?: string; readonly pskFile?: string; readonly certUser?: boolean }
  }[] = [],
): BrokerOptions {
  const host = typed.host ?? DEFAULT_HOST
  const listen = typed.listen ?? []
  const hasPort =
    typed.port !== undefined || typed.host !== undefined || listen.length + inherited.length + ofFile.length === 0
  const unproven = [
    ...listen.filter((url) => !(typed.certUser && isSecure(url))),
    ...ofFile.filter((one) => !(one.typed.certUser ?? typed.certUser) || !isSecure(one.url)).map(({ url }) => url),
  ]
  const hosts = [...(hasPort ? [host] : []), ...unproven.map(hostOf)]
  const open = hosts.find((candidate) => candidate !== null && !isLoopback(candidate))
  if (open !== undefined && !isAuthenticating(typed) && !typed.allowAnonymous) {
    throw new UsageError(
      `other machines can reach ${open === '' ? 'a listener on every interface' : open}, and everybody there could use ` +
        'the broker: add --user NAME:PASSWORD or --password-file, or --allow-anonymous if that is wanted',
    )
  }
  if (inherited.length > 0 && !isAuthenticating(typed) && !typed.allowAnonymous) {
    throw new UsageError(
      'the sockets that were handed over (LISTEN_FDS) may be reached by others, and everybody there could use the broker: ' +
        'add --user NAME:PASSWORD or --password-file, or --allow-anonymous if that is wanted',
    )
  }
  if (typed.admin !== undefined && !isAuthenticating(typed)) {
    throw new UsageError('--admin names a user, and nobody has to prove a name here: add --user or --password-file')
  }
  const named = [...listen, ...shortForms(typed, host)]
  const isDevelopment = typed.tlsDev && ![...named, ...[...inherited, ...ofFile].map(({ url }) => url)].some(isSecure)
  const all = isDevelopment
    ? [...named, formatAddress({ scheme: 'mqtts', host, port: defaultPorts.mqtts, path: '' })]
    : named
  const withoutOwn = ofFile.filter(({ typed: { tlsCert, pskFile } }) => tlsCert === undefined && pskFile === undefined)
  checkCertificate(typed, [...all, ...[...inherited, ...withoutOwn].map(({ url }) => url)])
  return {
    host,
    port: hasPort ? (typed.port ?? DEFAULT_PORT) : null,
    listen: [...inherited, ...all],
    ...(typed.proxyProtocol === undefined ? {} : { proxies: typed.proxyProtocol }),
    ...(typed.wsOrigin === undefined ? {} : { webSocketOrigins: typed.wsOrigin }),
    limits: limitsOf(typed),
    control: isControlled(typed),
    sessionsHaveOwners: !typed.noSessionOwners,
    retainAvailable: !typed.noRetain,
    wildcardSubscriptionAvailable: !typed.noWildcards,
    sharedSubscriptionAvailable: !typed.noShared,
    subscriptionIdentifierAvailable: !typed.noSubscriptionIds,
    checkPayloadFormat: typed.checkPayloadFormat ?? false,
    queueQos0: typed.queueQos0 ?? false,
    queueOverflow: typed.queueOverflow ?? 'reject',
    ...(typed.sysInterval === undefined ? {} : { sysIntervalSeconds: typed.sysInterval }),
  }
}

function shortForms({ wsPort, tlsPort, wssPort }: Typed<typeof serveRows>, host: string): string[] {
  const forms = [
    ['ws', wsPort, '/mqtt'],
    ['mqtts', tlsPort, ''],
    ['wss', wssPort, '/mqtt'],
  ] as const
  return forms.flatMap(([scheme, port, path]) =>
    port === undefined ? [] : [formatAddress({ scheme, host, port, path })],
  )
}

function isSecure(url: string): boolean {
  return ['mqtts', 'wss'].includes(parseAddress(url).address.scheme)
}

/** @throws UsageError for listeners with TLS that have no certificate, and for options that do not go together */
export function checkCertificate(typed: Typed<typeof tlsServerOptions>, urls: readonly string[]): void {
  const { tlsCert, tlsKey, tlsDev, tlsName, pskFile, requireClientCert, certUser } = typed
  if (tlsDev && (tlsCert !== undefined || tlsKey !== undefined)) {
    throw new UsageError('--tls-dev makes a certificate: leave out --tls-cert and --tls-key')
  }
  if (tlsName !== undefined && !tlsDev) throw new UsageError('--tls-name is for the certificate of --tls-dev: add it')
  const secured = urls.find(isSecure)
  const needsCertificate = secured !== undefined && !tlsDev && (pskFile === undefined || tlsCert !== undefined)
  if (needsCertificate && (tlsCert === undefined || tlsKey === undefined)) {
    const missing = [tlsCert === undefined ? '--tls-cert FILE' : '', tlsKey === undefined ? '--tls-key FILE' : '']
    throw new UsageError(
      `${secured} needs a certificate and its key: add ${missing.filter(Boolean).join(' and ')}, or --tls-dev`,
    )
  }
  if (secured === undefined && (requireClientCert || certUser)) {
    throw new UsageError(
      `${requireClientCert ? '--require-client-cert' : '--cert-user'} needs a listener with TLS: add --tls-port PORT or --listen mqtts://HOST`,
    )
  }
}

/** Names that the certificate of --tls-dev has to hold, beside those it always has. */
export function developmentNames(typed: Pick<Typed<typeof serveRows>, 'host' | 'listen' | 'tlsName'>): string[] {
  const hosts = [typed.host ?? DEFAULT_HOST, ...(typed.listen ?? []).map(hostOf)]
  const isNamed = (host: string | null): host is string => host !== null && !WILDCARDS.has(host)
  return [...hosts.filter(isNamed), ...(typed.tlsName ?? [])]
}

/** Does the broker take requests about itself? */
export function isControlled({ http, admin }: Pick<Typed<typeof serveRows>, 'http' | 'admin'>): boolean {
  return http !== undefined || admin !== undefined
}

/** Must clients say who they are? */
export function isAuthenticating({ user, passwordFile, jwtKeys, authUrl }: Typed<typeof serveRows>): boolean {
  return [user, passwordFile, jwtKeys, authUrl].some((given) => given !== undefined)
}

function limitsOf(typed: Typed<typeof serveRows>): Partial<Limits> {
  const limits: { -readonly [Name in LimitName]?: number } = {}
  for (const [name, key] of Object.entries(limitKeys) as [LimitName, (typeof limitKeys)[LimitName]][]) {
    const value = typed[key]
    if (value !== undefined) limits[name] = value
  }
  return limits
}

// null: not on the network
function hostOf(url: string): string | null {
  const { address } = parseAddress(url)
  return address.scheme === 'unix' ? null : address.host
}

/** Can no other machine reach it? @param host name or IP address, with or without brackets */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (isIP(bare) === 0) return bare === 'localhost' || bare.endsWith('.localhost')
  return isIPv4(bare) ? bare.startsWith('127.') : bare === '::1' || bare.startsWith('::ffff:127.')
}
