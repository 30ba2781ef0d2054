import { X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { homedir, hostname } from 'node:os'
import { join } from 'node:path'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'
import type { Environment } from '../options/parse.ts'
import type { Identity } from './development-authority.ts'

/** What --tls-dev made, or found made before. */
export interface DevelopmentCertificate extends Identity {
  /** of the CA, which clients pin with --trust */
  readonly fingerprint: string
  /** the CA, for --ca */
  readonly caFile: string
}

const ALWAYS = ['localhost', '127.0.0.1', '::1']

/** A certificate with less left is made anew. */
const MINIMUM_LEFT_MS = 30 * 86_400_000

/**
 * The certificate of --tls-dev: made once with its CA and kept in the user's data folder, made anew for other names.
 * @param names beside localhost, its addresses and the name of this machine
 * @throws Failure USAGE for a folder that cannot be read or written
 */
export async function developmentCertificate(
  names: readonly string[],
  environment: Environment,
  nowMs: number,
): Promise<DevelopmentCertificate> {
  const folder = developmentFolder(environment)
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return await find(folder, [...new Set([...ALWAYS, hostname(), ...names])], nowMs)
  } catch (error) {
    throw new Failure(ExitCode.USAGE, `--tls-dev cannot use ${folder}: ${(error as Error).message}`, error)
  }
}

function developmentFolder(environment: Environment): string {
  const data = environment['XDG_DATA_HOME']
  const base = data === undefined || data === '' ? join(environment['HOME'] ?? homedir(), '.local', 'share') : data
  return join(base, 'mqtt-kit', 'tls-dev')
}

async function find(folder: string, names: readonly string[], nowMs: number): Promise<DevelopmentCertificate> {
  const keptAuthority = await readIdentity(folder, 'ca')
  const authority = isGood(keptAuthority, nowMs) ? keptAuthority : null
  const kept = authority === null ? null : await readIdentity(folder, 'broker')
  const isKept = isGood(kept, nowMs) && authority !== null && covers(kept, authority, names)
  if (isKept) return describe(kept, authority, folder)
  // the library is loaded only when there is something to make
  const { issue, makeAuthority } = await import('./development-authority.ts')
  const ca = authority ?? (await makeAuthority(nowMs))
  if (authority === null) await writeIdentity(folder, 'ca', ca)
  const made = await issue(ca, names, nowMs)
  await writeIdentity(folder, 'broker', made)
  return describe(made, ca, folder)
}

function describe({ cert, key }: Identity, authority: Identity, folder: string): DevelopmentCertificate {
  return { cert, key, fingerprint: new X509Certificate(authority.cert).fingerprint256, caFile: join(folder, 'ca.crt') }
}

function isGood(identity: Identity | null, nowMs: number): identity is Identity {
  return identity !== null && Date.parse(new X509Certificate(identity.cert).validTo) - nowMs > MINIMUM_LEFT_MS
}

function covers({ cert }: Identity, authority: Identity, names: readonly string[]): boolean {
  const certificate = new X509Certificate(cert)
  return (
    certificate.verify(new X509Certificate(authority.cert).publicKey) &&
    names.every((name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined)
  )
}

async function readIdentity(folder: string, name: string): Promise<Identity | null> {
  try {
    const [cert, key] = await Promise.all(
      ['crt', 'key'].map((extension) => readFile(join(folder, `${name}.${extension}`), 'utf8')),
    )
    return { cert: cert!, key: key! }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

// The key first: a broker that starts meanwhile never finds a certificate without it.
async function writeIdentity(folder: string, name: string, { cert, key }: Identity): Promise<void> {
  await replace(join(folder, `${name}.key`), key, 0o600)
  await replace(join(folder, `${name}.crt`), cert, 0o644)
}

async function replace(path: string, content: string, mode: number): Promise<void> {
  const unfinished = `${path}.${process.pid}`
  await writeFile(unfinished, content, { mode })
  await rename(unfinished, path)
}
