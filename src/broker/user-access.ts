import { createHash, timingSafeEqual } from 'node:crypto'
import { SCRAM_SHA_256 } from '../authentication/scram.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ALL_RIGHTS, type Rights } from '../session/rights.ts'
import type { Access, Authentication, Credentials, EnhancedExchange } from './access.ts'
import { ScramUsers } from './scram-users.ts'

/** Access by user name and password given when the broker starts; whoever may connect may use every topic but `$SYS`. */
export class UserAccess implements Access {
  readonly #users: ReadonlyMap<string, Buffer>
  readonly #allowAnonymous: boolean
  readonly #scram: ScramUsers

  /** @param users passwords by user name; hashed at once, so that they are compared in constant time whatever their length */
  constructor(users: ReadonlyMap<string, string>, allowAnonymous: boolean) {
    this.#users = new Map([...users].map(([name, password]) => [name, digest(Buffer.from(password))]))
    this.#allowAnonymous = allowAnonymous
    this.#scram = new ScramUsers(users)
  }

  authenticate({ userName, password }: Credentials): Authentication {
    if (userName === null) {
      return this.#allowAnonymous ? { identity: null } : { refused: ReasonCode.NOT_AUTHORIZED }
    }
    const expected = this.#users.get(userName)
    // without any user there is nothing to check a user name against
    if (expected === undefined && this.#users.size === 0 && this.#allowAnonymous) return { identity: userName }
    const given = digest(password ?? Buffer.alloc(0))
    const right = timingSafeEqual(given, expected ?? digest(Buffer.alloc(0))) && expected !== undefined
    return right ? { identity: userName } : { refused: ReasonCode.BAD_USER_NAME_OR_PASSWORD }
  }

  beginEnhanced(authenticationMethod: string): EnhancedExchange | null {
    return authenticationMethod === SCRAM_SHA_256 ? this.#scram.begin() : null
  }

  rightsOf(): Rights {
    return ALL_RIGHTS
  }
}

function digest(secret: Buffer): Buffer {
  return createHash('sha256').update(secret).digest()
}
