import { createHmac, randomBytes } from 'node:crypto'
import { type ScramCredentials, ScramError, ScramServer, scramCredentials } from '../authentication/scram.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { EnhancedExchange, EnhancedStep } from './access.ts'

const SALT_BYTES = 16
const NONCE_BYTES = 18

/** Users who may prove their password by SCRAM-SHA-256. What is derived from a password is made when the user first comes. */
export class ScramUsers {
  readonly #passwords: ReadonlyMap<string, string>
  readonly #credentials = new Map<string, Promise<ScramCredentials>>()
  readonly #decoyKey = randomBytes(SALT_BYTES)

  constructor(passwords: ReadonlyMap<string, string>) {
    this.#passwords = passwords
  }

  begin(): EnhancedExchange {
    return new ScramExchange(this)
  }

  async lookup(userName: string): Promise<ScramCredentials | null> {
    const password = this.#passwords.get(userName)
    if (password === undefined) return null
    let credentials = this.#credentials.get(userName)
    if (credentials === undefined) {
      credentials = scramCredentials(Buffer.from(password), randomBytes(SALT_BYTES))
      this.#credentials.set(userName, credentials)
    }
    return credentials
  }

  /** What an unknown user is told as salt: always the same for one name. */
  decoySalt(userName: string): Buffer {
    return createHmac('sha256', this.#decoyKey).update(userName).digest().subarray(0, SALT_BYTES)
  }
}

class ScramExchange implements EnhancedExchange {
  readonly #users: ScramUsers
  #server: ScramServer | null = null

  constructor(users: ScramUsers) {
    this.#users = users
  }

  async step(data: Buffer): Promise<EnhancedStep> {
    try {
      return this.#server === null ? await this.#challenge(data) : this.#verify(this.#server, data)
    } catch (error) {
      if (error instanceof ScramError) return { refused: ReasonCode.NOT_AUTHORIZED }
      throw error
    }
  }

  async #challenge(data: Buffer): Promise<EnhancedStep> {
    const nonce = randomBytes(NONCE_BYTES).toString('base64')
    const users = this.#users
    this.#server = await ScramServer.challenge(
      data,
      (userName) => users.lookup(userName),
      nonce,
      (userName) => users.decoySalt(userName),
    )
    return { challenge: this.#server.first }
  }

  #verify(server: ScramServer, data: Buffer): EnhancedStep {
    const serverFinal = server.verify(data)
    if (serverFinal === null) return { refused: ReasonCode.BAD_USER_NAME_OR_PASSWORD }
    return { identity: server.userName, data: serverFinal }
  }
}
