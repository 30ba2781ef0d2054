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

/**
 * Reads the files that decide about access.
 * @throws Failure USAGE naming the file, and the line of a mistake
 */
export async function readAccessSettings(typed: Typed<typeof serveRows>): Promise<AccessSettings> {
  const sources: UserSource[] = []
  if (typed.passwordFile !== undefined) {
    const file = await readAs('--password-file', typed.passwordFile, (text, path) => new PasswordFile(text, path))
    sources.push(new PasswordSource(file, true))
  }
  const rules: AccessRules | null = typed.acl === undefined ? null : await readAs('--acl', typed.acl, parseAclFile)
  return {
    users: new Map((typed.user ?? []).map(({ name, password }) => [name, password])),
    sources,
    rules,
    allowAnonymous: typed.allowAnonymous ?? !isAuthenticating(typed),
  }
}

async function readAs<T>(option: string, path: string, parse: (text: string, path: string) => T): Promise<T> {
  try {
    return parse(await readFile(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof AccessFileError) throw new Failure(ExitCode.USAGE, error.message, error)
    throw new Failure(ExitCode.USAGE, `cannot read ${option} ${path}: ${(error as Error).message}`, error)
  }
}
