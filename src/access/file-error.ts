/** A file of users, rules or keys that cannot be used. The message names the file, and the line where there is one. */
export class AccessFileError extends Error {
  override readonly name = 'AccessFileError'

  /** @param line from 1; 0 for the file as a whole */
  constructor(path: string, line: number, what: string) {
    super(`${path}${line === 0 ? '' : `:${line}`}: ${what}`)
  }
}
