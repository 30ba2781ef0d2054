import { readFile } from 'node:fs/promises'
import { type AccessRules, parseAclFile } from '../../access/acl-file.ts'
import type { AccessSettings, UserSource } from '../../access/configured-access.ts'
import { AccessFileError } from '../../access/file-error.ts'
import { PasswordFile } from '../../access/password-file.ts'
import { PasswordSource } from '../../access/password-source.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure } from '../failure.ts'
import { isAuthenticating } from '../options/broker-options.ts'
import type { Typed } from '../options/option-row.ts'
import type { serveRows } from '../options/serve.ts'

const DEFAULT_TIMEOUT_SECONDS = 5
const DEFAULT_CACHE_SECONDS = 60

/**
 * Reads the files that decide about access.
 * @throws Failure USAGE naming the file, and the line of a mistake
 */
export async function readAccessSettings(typed: Typed<typeof serveRows>): Promise<AccessSettings> {
  const sources: UserSource[] = []
  if (typed.passwordFile !== undefined) {
    const file = await readAs('--password-file', typed.passwordFile, (text, path) => new PasswordFile(text, path))
    sources.push(new PasswordSource(file, typed.jwtKeys === undefined && typed.authUrl === undefined))
  }
  if (typed.jwtKeys !== undefined) sources.push(await readJwtSource(typed, typed.jwtKeys))
  if (typed.authUrl !== undefined) sources.push(await httpSource(typed, typed.authUrl))
  const rules: AccessRules | null = typed.acl === undefined ? null : await readAs('--acl', typed.acl, parseAclFile)
  return {
    users: new Map((typed.user ?? []).map(({ name, password }) => [name, password])),
    sources,
    rules,
    admins: new Set(typed.admin),
    allowAnonymous: typed.allowAnonymous ?? !isAuthenticating(typed),
  }
}

// What reads tokens, and what asks a service, is loaded when one is configured.
async function readJwtSource(typed: Typed<typeof serveRows>, path: string): Promise<UserSource> {
  const { JwtSource } = await import('../../access/jwt-source.ts')
  const terms = {
    ...(typed.jwtIssuer === undefined ? {} : { issuer: typed.jwtIssuer }),
    ...(typed.jwtAudience === undefined ? {} : { audience: typed.jwtAudience }),
  }
  return readAs('--jwt-keys', path, (text) => JwtSource.open(text, path, terms))
}

async function httpSource(typed: Typed<typeof serveRows>, url: string): Promise<UserSource> {
  const { HttpSource } = await import('../../access/http-source.ts')
  const timeoutMs = (typed.authTimeout ?? DEFAULT_TIMEOUT_SECONDS) * 1000
  return new HttpSource({ url, timeoutMs, cacheMs: (typed.authCache ?? DEFAULT_CACHE_SECONDS) * 1000 })
}

async function readAs<T>(
  option: string,
  path: string,
  parse: (text: string, path: string) => T | Promise<T>,
): Promise<T> {
  try {
    return await parse(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof AccessFileError) throw new Failure(ExitCode.USAGE, error.message, error)
    throw new Failure(ExitCode.USAGE, `cannot read ${option} ${path}: ${(error as Error).message}`, error)
  }
}
