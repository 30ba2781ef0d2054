import { randomBytes } from 'node:crypto'
import { AccessFileError } from './file-error.ts'
import { formatPasswordHash, isPassword, type PasswordHash, parsePasswordHash } from './password-hash.ts'

/** What mosquitto takes as a user name in its files, in bytes. */
const MAXIMUM_NAME_BYTES = 65_535

/**
 * A password file of mosquitto: `NAME:HASH`, one user a line; empty lines and lines that begin with # are kept and skipped.
 */
export class PasswordFile {
  readonly #lines: string[]
  readonly #users = new Map<string, PasswordHash>()
  readonly #decoy: PasswordHash

  /**
   * @param path for messages
   * @throws AccessFileError
   */
  constructor(text: string, path: string) {
    this.#lines = text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/)
    for (const [index, line] of this.#lines.entries()) {
      if (isSkipped(line)) continue
      const [name, rest] = splitLine(line, path, index + 1)
      const hash = parsePasswordHash(rest.trimEnd())
      if (hash === null) throw new AccessFileError(path, index + 1, unknownHash(rest))
      this.#users.set(name, hash)
    }
    const iterations = Math.max(0, ...[...this.#users.values()].map((hash) => hash.iterations))
    this.#decoy = { iterations, salt: randomBytes(12), hash: randomBytes(64) }
  }

  get names(): readonly string[] {
    return [...this.#users.keys()]
  }

  has(name: string): boolean {
    return this.#users.has(name)
  }

  /** Is this the password of the user? An unknown user takes as long as one with a wrong password. */
  async verify(name: string, password: Buffer): Promise<boolean> {
    const expected = this.#users.get(name)
    const isRight = await isPassword(password, expected ?? this.#decoy)
    return isRight && expected !== undefined
  }

  /** The text of the file with this user set, in its place or at the end. */
  withUser(name: string, hash: PasswordHash): string {
    const line = `${name}:${formatPasswordHash(hash)}`
    const index = this.#indexOf(name)
    return textOf(index < 0 ? [...this.#lines, line] : this.#lines.with(index, line))
  }

  /** The text of the file without this user. */
  withoutUser(name: string): string {
    return textOf(this.#lines.filter((line) => isSkipped(line) || nameOf(line) !== name))
  }

  #indexOf(name: string): number {
    return this.#lines.findIndex((line) => !isSkipped(line) && nameOf(line) === name)
  }
}

/** Lines `NAME:PASSWORD` of a file in which passwords still stand as they are. @throws AccessFileError */
export function parsePlainPasswords(text: string, path: string): [name: string, password: string][] {
  const users: [string, string][] = []
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (!isSkipped(line)) users.push(splitLine(line, path, index + 1))
  }
  return users
}

/** Why a name cannot stand in a password file; null when it can. */
export function userNameFault(name: string): string | null {
  if (name === '') return 'a user name has at least one character'
  if (/[:\r\n\0]/.test(name)) return 'a user name in a password file has no colon and no line break'
  if (name.startsWith('#') || name !== name.trim())
    return 'a user name in a password file begins with no # and no space'
  return Buffer.byteLength(name) > MAXIMUM_NAME_BYTES ? `a user name has at most ${MAXIMUM_NAME_BYTES} bytes` : null
}

function isSkipped(line: string): boolean {
  return line.trim() === '' || line.startsWith('#')
}

function nameOf(line: string): string {
  return line.slice(0, line.indexOf(':'))
}

function splitLine(line: string, path: string, number: number): [name: string, rest: string] {
  const colon = line.indexOf(':')
  if (colon < 1) throw new AccessFileError(path, number, 'expected NAME:HASH')
  return [line.slice(0, colon), line.slice(colon + 1)]
}

function unknownHash(text: string): string {
  const kind = /^\$[\w-]+\$/.exec(text)?.[0]
  return kind === undefined
    ? 'the password is not hashed; mqtt-kit passwd -U hashes all of a file'
    : `hashes of kind ${kind} are not read, $6$ and $7$ are; set the password anew with mqtt-kit passwd`
}

function textOf(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}
