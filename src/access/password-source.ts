import type { Credentials } from '../broker/access.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { SourceAnswer, UserSource } from './configured-access.ts'
import type { PasswordFile } from './password-file.ts'

const NO_PASSWORD = Buffer.alloc(0)

/** The users of a password file. */
export class PasswordSource implements UserSource {
  readonly #file: PasswordFile
  readonly #isLast: boolean

  /** @param isLast no other source may know a user that this one does not */
  constructor(file: PasswordFile, isLast: boolean) {
    this.#file = file
    this.#isLast = isLast
  }

  async authenticate({ userName, password }: Credentials): Promise<SourceAnswer> {
    if (userName === null || (!this.#isLast && !this.#file.has(userName))) return null
    const isRight = await this.#file.verify(userName, password ?? NO_PASSWORD)
    return isRight ? { identity: userName } : { refused: ReasonCode.BAD_USER_NAME_OR_PASSWORD }
  }
}
