import { appendFileSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import type { TlsClientTerms, TlsServerTerms } from '../../transport/tls-terms.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import type { Typed } from '../options/option-row.ts'
import type { Environment } from '../options/parse.ts'
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
 * @param environment SSLKEYLOGFILE names a file that gets the secrets of the connection, for tools that decipher captures
 * @throws Failure USAGE for one that cannot be read or used, and for options of which one needs another
 */
export async function readTlsClientTerms(
  typed: Typed<typeof tlsClientOptions>,
  environment: Environment,
): Promise<TlsClientTerms> {
  const { ca, systemCa, cert, key, keyPassword, servername, insecure, alpn, tlsVersion, ciphers } = typed
  if (cert !== undefined && key === undefined) throw new UsageError('--cert needs its key: add --key FILE')
  if (key !== undefined && cert === undefined) throw new UsageError('--key needs its certificate: add --cert FILE')
  if (ca !== undefined && systemCa) throw new UsageError('give either --ca or --system-ca, not both')
  const files = {
    ...(ca === undefined ? {} : { ca: await readAuthorities(ca) }),
    ...(systemCa ? { ca: await readSystemAuthorities() } : {}),
    ...(cert === undefined ? {} : { cert: await readPem('cert', cert) }),
    ...(key === undefined ? {} : { key: await readPem('key', key) }),
  }
  if (cert !== undefined) {
    await check({ ...files, passphrase: keyPassword }, `--cert ${cert} and --key ${key}`)
  }
  if (ciphers !== undefined) await check({ ciphers }, `--ciphers ${ciphers}`)
  return {
    ...files,
    ...(keyPassword === undefined ? {} : { keyPassword }),
    ...(servername === undefined ? {} : { serverName: servername }),
    ...(alpn === undefined ? {} : { alpn }),
    ...(tlsVersion === undefined ? {} : { version: tlsVersion }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...presharedKey(typed),
    ...keyLog(environment),
    insecure: insecure ?? false,
  }
}

function presharedKey({ psk, pskIdentity, cert }: Typed<typeof tlsClientOptions>): Pick<TlsClientTerms, 'psk'> {
  if (psk === undefined && pskIdentity === undefined) return {}
  if (psk === undefined) throw new UsageError('--psk-identity needs its key: add --psk HEX')
  if (pskIdentity === undefined) throw new UsageError('--psk needs a name: add --psk-identity NAME')
  if (cert !== undefined) throw new UsageError('give either --psk or --cert, not both')
  return { psk: { key: psk, identity: pskIdentity } }
}

function keyLog({ SSLKEYLOGFILE: path }: Environment): Pick<TlsClientTerms, 'keyLog'> {
  if (path === undefined || path === '') return {}
  try {
    appendFileSync(path, '')
  } catch (error) {
    throw new UsageError(`cannot write to SSLKEYLOGFILE: ${(error as Error).message}`)
  }
  return { keyLog: (line) => appendFileSync(path, line) }
}

async function readAuthorities(path: string): Promise<Buffer> {
  const found = await stat(path).catch(() => null)
  if (found === null || !found.isDirectory()) return readPem('ca', path)
  const names = (await readdir(path)).toSorted()
  const files = await Promise.all(names.map((name) => readFile(join(path, name)).catch(() => Buffer.alloc(0))))
  const authorities = files.filter((content) => content.includes('-----BEGIN CERTIFICATE-----'))
  if (authorities.length === 0) throw new UsageError(`--ca ${path} holds no PEM file with a certificate`)
  return Buffer.concat(authorities.flatMap((content) => [content, Buffer.from('\n')]))
}

/** Where Linux distributions and BSDs keep all authorities in one file. */
const SYSTEM_AUTHORITIES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]

async function readSystemAuthorities(): Promise<Buffer> {
  for (const path of SYSTEM_AUTHORITIES) {
    const content = await readFile(path).catch(() => null)
    if (content !== null) return content
  }
  throw new UsageError(`--system-ca: there is none of ${SYSTEM_AUTHORITIES.join(', ')}; give the file with --ca`)
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
