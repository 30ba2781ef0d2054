import { chmod, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { AccessFileError } from '../../access/file-error.ts'
import { PasswordFile, parsePlainPasswords, userNameFault } from '../../access/password-file.ts'
import { DEFAULT_ITERATIONS, hashPassword } from '../../access/password-hash.ts'
import type { Context } from '../context.ts'
import { ExitCode } from '../exit-code.ts'
import { Failure, UsageError } from '../failure.ts'
import type { Typed } from '../options/option-row.ts'
import { merged, type Parsed } from '../options/parse.ts'
import type { passwdRows } from '../options/passwd.ts'
import { askPassword } from './password.ts'

type PasswdOptions = Typed<typeof passwdRows>

/** Longest password that CONNECT can carry. */
const MAXIMUM_PASSWORD_BYTES = 65_535

/** For the owner only, as mosquitto wants it. */
const NEW_FILE_MODE = 0o600

/** `mqtt-kit passwd`: sets, removes or hashes the users of a password file. */
export async function run(parsed: Parsed<typeof passwdRows>, context: Context): Promise<ExitCode> {
  const typed = merged(parsed)
  const { path, name, password } = understand(typed, parsed.operands)
  try {
    if (typed.upgrade) await replace(path, await upgraded(await read(path), path, typed))
    else if (typed.delete) await replace(path, without(await read(path), path, name))
    else await setUser(path, name, password, typed, context)
    return ExitCode.DONE
  } catch (error) {
    if (error instanceof AccessFileError) throw new Failure(ExitCode.USAGE, error.message, error)
    throw error
  }
}

interface Task {
  readonly path: string
  /** empty for an upgrade */
  readonly name: string
  /** null: to be asked for */
  readonly password: string | null
}

function understand(typed: PasswdOptions, operands: readonly string[]): Task {
  const [path, name, password] = operands
  const tasks = [typed.create, typed.delete, typed.upgrade].filter((task) => task)
  if (tasks.length > 1) throw new UsageError('give one of -c, -D and -U')
  if (typed.batch && typed.passwordEnv !== undefined) throw new UsageError('give one of -b and --password-env')
  if (typed.batch && (typed.delete || typed.upgrade)) throw new UsageError('-b sets a password; -D and -U need none')
  const wanted = typed.upgrade ? 1 : typed.batch ? 3 : 2
  if (operands.length !== wanted || path === undefined) {
    const names = ['FILE', 'USER', 'PASSWORD'].slice(0, wanted).join(', ')
    throw new UsageError(`expected ${names}${wanted === 2 && operands.length === 3 ? '; with -b, PASSWORD too' : ''}`)
  }
  const fault = name === undefined ? null : userNameFault(name)
  if (fault !== null) throw new UsageError(fault)
  return { path, name: name ?? '', password: password ?? null }
}

async function setUser(
  path: string,
  name: string,
  given: string | null,
  typed: PasswdOptions,
  context: Context,
): Promise<void> {
  const file = new PasswordFile(typed.create ? '' : await read(path), path)
  const password = given === null ? await getPassword(typed, context) : Buffer.from(given)
  if (password.length === 0) throw new UsageError('the password is empty')
  if (password.length > MAXIMUM_PASSWORD_BYTES) {
    throw new UsageError(`a password has at most ${MAXIMUM_PASSWORD_BYTES} bytes`)
  }
  await replace(path, file.withUser(name, await hashPassword(password, iterationsOf(typed))))
}

function iterationsOf(typed: PasswdOptions): number {
  if (typed.hash === 'sha512') return 0
  return typed.iterations ?? DEFAULT_ITERATIONS
}

async function getPassword(typed: PasswdOptions, context: Context): Promise<Buffer> {
  const { passwordEnv } = typed
  if (passwordEnv !== undefined) {
    const value = context.environment[passwordEnv]
    if (value === undefined) throw new UsageError(`--password-env: there is no environment variable ${passwordEnv}`)
    return Buffer.from(value)
  }
  if (!context.streams.stdin.isTTY) return firstLine(context)
  const first = await askPassword(context, 'password: ')
  const second = await askPassword(context, 'once more: ')
  if (!first.equals(second)) throw new UsageError('the two passwords differ; nothing was changed')
  return first
}

async function firstLine(context: Context): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of context.streams.stdin) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if ((chunk as Buffer).includes(0x0a) || size > MAXIMUM_PASSWORD_BYTES) break
  }
  const [line = ''] = Buffer.concat(chunks).toString('latin1').split(/\r?\n/)
  return Buffer.from(line, 'latin1')
}

async function upgraded(text: string, path: string, typed: PasswdOptions): Promise<string> {
  let result = ''
  for (const [name, password] of parsePlainPasswords(text, path)) {
    if (/^\$\d\$/.test(password)) throw new UsageError(`${path}: the password of ${name} is hashed already`)
    result = new PasswordFile(result, path).withUser(
      name,
      await hashPassword(Buffer.from(password), iterationsOf(typed)),
    )
  }
  return result
}

function without(text: string, path: string, name: string): string {
  const file = new PasswordFile(text, path)
  if (!file.has(name)) throw new UsageError(`${path} has no user ${JSON.stringify(name)}`)
  return file.withoutUser(name)
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const hint = (error as NodeJS.ErrnoException).code === 'ENOENT' ? '; -c makes a new file' : ''
    throw new Failure(ExitCode.USAGE, `cannot read ${path}: ${(error as Error).message}${hint}`, error)
  }
}

// Whoever reads the file meanwhile sees the old one or the new one, and its mode stays.
async function replace(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`
  try {
    const mode = await stat(path).then(
      (found) => found.mode & 0o777,
      () => NEW_FILE_MODE,
    )
    await rm(unfinished, { force: true })
    await writeFile(unfinished, text, { mode: NEW_FILE_MODE })
    await chmod(unfinished, mode)
    await rename(unfinished, path)
  } catch (error) {
    throw new Failure(ExitCode.OUTPUT, `cannot write ${path}: ${(error as Error).message}`, error)
  }
}
