import { appendFileSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { SecureContextOptions } from 'node:tls'
import type { TlsClientTerms, TlsServerTerms } from '../../transport/tls-terms.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import { developmentNames } from '../options/broker-options.ts'
import type { Typed } from '../options/option-row.ts'
import type { Environment } from '../options/parse.ts'
import type { serveRows } from '../options/serve.ts'
import type { tlsClientOptions, tlsServerOptions } from '../options/tls.ts'
import type { DevelopmentCertificate } from './tls-dev.ts'

/** What a broker with TLS has read. */
export interface ServerTls {
  readonly terms: TlsServerTerms
  /** null without --tls-dev */
  readonly development: DevelopmentCertificate | null
}

/** What was typed about TLS, and where it is for. */
export type ServerTlsOptions = Typed<typeof tlsServerOptions> & Pick<Typed<typeof serveRows>, 'host' | 'listen'>

/**
 * Reads the files of a broker with TLS.
 * @returns null without a certificate and without --psk-file
 * @throws Failure USAGE for one that cannot be read or used
 */
export async function readServerTls(typed: ServerTlsOptions, environment: Environment): Promise<ServerTls | null> {
  const { tlsCert, tlsKey, tlsCa, tlsDev, tlsMinVersion, tlsCiphers, pskFile } = typed
  const hasCertificate = tlsCert !== undefined && tlsKey !== undefined
  if (!tlsDev && !hasCertificate && pskFile === undefined) return null
  const development = tlsDev ? await developmentCertificateFor(typed, environment) : null
  const identity = hasCertificate
    ? { cert: await readPem('tls-cert', tlsCert), key: await readPem('tls-key', tlsKey) }
    : development === null
      ? {}
      : { cert: development.cert, key: development.key }
  const files = { ...identity, ...(tlsCa === undefined ? {} : { ca: await readPem('tls-ca', tlsCa) }) }
  if (hasCertificate) await check(files, `--tls-cert ${tlsCert} and --tls-key ${tlsKey}`)
  if (tlsCiphers !== undefined) await check({ ciphers: tlsCiphers }, `--tls-ciphers ${tlsCiphers}`)
  const terms: TlsServerTerms = {
    ...files,
    ...(tlsMinVersion === undefined ? {} : { minimumVersion: `TLSv${tlsMinVersion}` }),
    ...(tlsCiphers === undefined ? {} : { ciphers: tlsCiphers }),
    ...(pskFile === undefined ? {} : { preSharedKeys: await readPskFile(pskFile) }),
    ...keyLogTo(environment),
    requireClientCertificate: typed.requireClientCert ?? false,
    namesClients: namesClients(typed),
  }
  return { terms, development }
}

// A certificate that nobody asks for proves nothing.
function namesClients({ certUser, requireClientCert, pskFile }: Typed<typeof serveRows>): boolean {
  if (certUser && !requireClientCert && pskFile === undefined) {
    throw new UsageError('--cert-user needs names that are proven: add --require-client-cert or --psk-file')
  }
  return certUser ?? false
}

async function developmentCertificateFor(
  typed: ServerTlsOptions,
  environment: Environment,
): Promise<DevelopmentCertificate> {
  const { developmentCertificate } = await import('./tls-dev.ts')
  return developmentCertificate(developmentNames(typed), environment, Date.now())
}

/**
 * Reads the files of a client with TLS.
 * @param environment SSLKEYLOGFILE names a file that gets the secrets of the connection, for tools that decipher captures
 * @throws Failure USAGE for one that cannot be read or used, and for what does not go together
 */
export async function readTlsClientTerms(
  typed: Typed<typeof tlsClientOptions>,
  environment: Environment,
): Promise<TlsClientTerms> {
  const { ca, systemCa, cert, key, keyPassword, servername, insecure, trust, alpn, tlsVersion, ciphers } = typed
  if (cert !== undefined && key === undefined) throw new UsageError('--cert needs its key: add --key FILE')
  if (key !== undefined && cert === undefined) throw new UsageError('--key needs its certificate: add --cert FILE')
  if (ca !== undefined && systemCa) throw new UsageError('give either --ca or --system-ca, not both')
  if (trust !== undefined && (insecure || ca !== undefined || systemCa)) {
    throw new UsageError(
      `--trust and ${insecure ? '--insecure' : systemCa ? '--system-ca' : '--ca'} exclude each other`,
    )
  }
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
    ...(trust === undefined ? {} : { trustedFingerprint: trust }),
    ...(alpn === undefined ? {} : { alpn }),
    ...(tlsVersion === undefined ? {} : { version: tlsVersion }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...preSharedKeyOf(typed),
    ...keyLogTo(environment),
    insecure: insecure ?? false,
  }
}

function preSharedKeyOf({
  psk,
  pskIdentity,
  cert,
}: Typed<typeof tlsClientOptions>): Pick<TlsClientTerms, 'preSharedKey'> {
  if (psk === undefined && pskIdentity === undefined) return {}
  if (psk === undefined) throw new UsageError('--psk-identity needs its key: add --psk HEX')
  if (pskIdentity === undefined) throw new UsageError('--psk needs the name of the key: add --psk-identity NAME')
  if (cert !== undefined) throw new UsageError('give either --psk or --cert, not both')
  return { preSharedKey: { identity: pskIdentity, key: psk } }
}

/** With SSLKEYLOGFILE the secrets of each connection go to that file, from which Wireshark decrypts a capture. */
function keyLogTo(environment: Environment): Pick<TlsClientTerms, 'keyLog'> {
  const path = environment['SSLKEYLOGFILE']
  if (path === undefined || path === '') return {}
  try {
    appendFileSync(path, '', { mode: 0o600 })
  } catch (error) {
    throw new Failure(ExitCode.USAGE, `cannot write SSLKEYLOGFILE ${path}: ${(error as Error).message}`, error)
  }
  return { keyLog: (line) => appendFileSync(path, line, { mode: 0o600 }) }
}

async function readPskFile(path: string): Promise<ReadonlyMap<string, Buffer>> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new Failure(ExitCode.USAGE, `cannot read --psk-file ${path}: ${error.message}`, error)
  })
  const keys = new Map<string, Buffer>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue
    const [, identity = '', key] = /^([^:]+):((?:[\da-f]{2})+)$/i.exec(line.trim()) ?? []
    if (key === undefined) throw new UsageError(`${path}:${index + 1}: expected identity:key, the key in hexadecimal`)
    keys.set(identity, Buffer.from(key, 'hex'))
  }
  return keys
}

async function readAuthorities(path: string): Promise<Buffer> {
  const found = await stat(path).catch(() => null)
  if (found === null || !found.isDirectory()) return readPem('ca', path)
  const names = (await readdir(path)).toSorted()
  const files = await Promise.all(names.map((name) => readFileIn(path, name)))
  const authorities = files.filter((content) => content?.includes('-----BEGIN CERTIFICATE-----')) as Buffer[]
  if (authorities.length === 0) throw new UsageError(`--ca ${path} holds no PEM file with a certificate`)
  return Buffer.concat(authorities.flatMap((content) => [content, Buffer.from('\n')]))
}

// Folders in it, and links that lead nowhere, are passed over.
async function readFileIn(folder: string, name: string): Promise<Buffer | null> {
  return readFile(join(folder, name)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EISDIR' || error.code === 'ENOENT') return null
    throw new Failure(ExitCode.USAGE, `cannot read ${name} of --ca ${folder}: ${error.message}`, error)
  })
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
