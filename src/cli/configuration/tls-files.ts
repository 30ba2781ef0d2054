import { readFile } from 'node:fs/promises'
import type { SecureContextOptions } from 'node:tls'
import type { TlsClientTerms, TlsServerTerms } from '../../transport/tls-terms.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import type { Typed } from '../options/option-row.ts'
import type { tlsClientOptions, tlsServerOptions } from '../options/tls.ts'

/**
 * Reads the files of a broker with TLS.
 * @returns null without --tls-cert and --tls-key
 * @throws Failure USAGE for one that cannot be read or used
 */
export async function readTlsServerTerms(typed: Typed<typeof tlsServerOptions>): Promise<TlsServerTerms | null> {
  const { tlsCert, tlsKey, tlsCa } = typed
  if (tlsCert === undefined || tlsKey === undefined) return null
  const terms = {
    cert: await readPem('tls-cert', tlsCert),
    key: await readPem('tls-key', tlsKey),
    ...(tlsCa === undefined ? {} : { ca: await readPem('tls-ca', tlsCa) }),
  }
  await check(terms, `--tls-cert ${tlsCert} and --tls-key ${tlsKey}`)
  return { ...terms, requireClientCertificate: typed.requireClientCert ?? false }
}

/**
 * Reads the files of a client with TLS.
 * @throws Failure USAGE for one that cannot be read or used, and for a certificate without key or the other way round
 */
export async function readTlsClientTerms(typed: Typed<typeof tlsClientOptions>): Promise<TlsClientTerms> {
  const { ca, cert, key, keyPassword, servername, insecure } = typed
  if (cert !== undefined && key === undefined) throw new UsageError('--cert needs its key: add --key FILE')
  if (key !== undefined && cert === undefined) throw new UsageError('--key needs its certificate: add --cert FILE')
  const files = {
    ...(ca === undefined ? {} : { ca: await readPem('ca', ca) }),
    ...(cert === undefined ? {} : { cert: await readPem('cert', cert) }),
    ...(key === undefined ? {} : { key: await readPem('key', key) }),
  }
  if (cert !== undefined) {
    await check({ ...files, passphrase: keyPassword }, `--cert ${cert} and --key ${key}`)
  }
  return {
    ...files,
    ...(keyPassword === undefined ? {} : { keyPassword }),
    ...(servername === undefined ? {} : { serverName: servername }),
    insecure: insecure ?? false,
  }
}

async function readPem(option: string, path: string): Promise<Buffer> {
  const content = await readFile(path).catch((error: Error) => {
    throw new Failure(ExitCode.USAGE, `cannot read --${option} ${path}: ${error.message}`, error)
  })
  // Node takes a list of authorities without any in silence, and believes nobody
  if (!content.includes('-----BEGIN ')) throw new UsageError(`--${option} ${path} is no PEM file`)
  return content
}

async function check(files: SecureContextOptions, names: string): Promise<void> {
  const { createSecureContext } = await import('node:tls')
  try {
    createSecureContext(files)
  } catch (error) {
    throw new Failure(ExitCode.USAGE, `${names} cannot be used: ${(error as Error).message}`, error)
  }
}
