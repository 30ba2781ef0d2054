import type { ClientOptions } from '../../client/client.ts'
import type { Context } from '../context.ts'
import type { Typed } from '../options/option-row.ts'
import type { tlsClientOptions } from '../options/tls.ts'

/**
 * Adds what the files of TLS say, where the address asks for TLS.
 * @param environment SSLKEYLOGFILE
 * @throws Failure (rejects) USAGE for a file that cannot be read or used
 */
export async function withTls(
  options: ClientOptions,
  typed: Typed<typeof tlsClientOptions>,
  { environment }: Context,
): Promise<ClientOptions> {
  const { scheme } = options.address
  if (scheme !== 'mqtts' && scheme !== 'wss') return options
  const { readTlsClientTerms } = await import('../configuration/tls-files.ts')
  return { ...options, tls: await readTlsClientTerms(typed, environment) }
}
