import type { ListenerOptions } from '../../broker/configuration.ts'
import { parseAddress } from '../../transport/address.ts'
import { UsageError } from '../failure.ts'
import type { Typed } from '../options/option-row.ts'
import type { Environment } from '../options/parse.ts'
import { serveRows } from '../options/serve.ts'
import type { Setting } from './setting.ts'
import { readServerTls } from './tls-files.ts'

/** Options that one listener may have for itself, beside its URL. */
const OWN_KEYS = [
  'tlsCert',
  'tlsKey',
  'tlsCa',
  'requireClientCert',
  'certUser',
  'tlsMinVersion',
  'tlsCiphers',
  'pskFile',
  'proxyProtocol',
  'wsOrigin',
] as const

type OwnKey = (typeof OWN_KEYS)[number]

/** A listener of a configuration file, with what it says about itself. */
export interface ListenerSettings {
  readonly url: string
  readonly typed: Pick<Typed<typeof serveRows>, OwnKey>
}

/** One that was read and not yet understood. */
export interface ListenerSection {
  readonly url: string
  readonly settings: readonly Setting[]
}

/** The rows that may stand in the section of a listener. */
export const listenerRows: Pick<typeof serveRows, OwnKey> = Object.fromEntries(
  OWN_KEYS.map((key) => [key, serveRows[key]]),
) as Pick<typeof serveRows, OwnKey>

/**
 * What a listener of a file means: its own options, and for TLS those of the whole broker where it has none.
 * @throws Failure USAGE for a file that cannot be read or used, UsageError for TLS options without TLS
 */
export async function listenerOptions(
  { url, typed }: ListenerSettings,
  general: Typed<typeof serveRows>,
  environment: Environment,
): Promise<ListenerOptions> {
  const { proxyProtocol, wsOrigin, ...tls } = typed
  const isSecure = ['mqtts', 'wss'].includes(parseAddress(url).address.scheme)
  const hasOwnTls = Object.keys(tls).length > 0
  if (hasOwnTls && !isSecure) throw new UsageError(`${url} does not speak TLS: write mqtts:// or wss://`)
  // a certificate of its own stands in place of one that would be made
  const base = tls.tlsCert === undefined ? general : { ...general, tlsDev: false }
  const read = hasOwnTls ? await readServerTls({ ...base, ...tls }, environment) : null
  if (hasOwnTls && read === null) throw new UsageError(`${url} needs a certificate and its key: tls-cert and tls-key`)
  return {
    url,
    ...(read === null ? {} : { tls: read.terms }),
    ...(proxyProtocol === undefined ? {} : { proxies: proxyProtocol }),
    ...(wsOrigin === undefined ? {} : { webSocketOrigins: wsOrigin }),
  }
}
