import type { CryptoKey, JWK, JWTVerifyOptions, ProtectedHeaderParameters } from 'jose'
import type { Credentials } from '../broker/access.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { SourceAnswer, UserSource } from './configured-access.ts'
import { AccessFileError } from './file-error.ts'

/** What tokens have to say beside their signature. */
export interface JwtTerms {
  /** `iss` has to be this; undefined: anything */
  readonly issuer?: string
  /** `aud` has to hold this; undefined: anything */
  readonly audience?: string
}

type Jose = typeof import('jose')

/** How far the clock of an issuer may be off, in seconds. */
const CLOCK_TOLERANCE_SECONDS = 5

const LOOKS_LIKE_JWT = /^[\w-]+\.[\w-]+\.[\w-]*$/

/** One key, ready for each algorithm that it may check: a public key never checks an HMAC. */
interface Key {
  readonly id: string | undefined
  readonly byAlgorithm: ReadonlyMap<string, CryptoKey | Uint8Array>
}

/**
 * Users who show a JSON Web Token (RFC 7519) in place of a password: the user is `sub`, and a user name in CONNECT has to be
 * the same. Signatures are HS, RS, PS and ES with 256 to 512 bits, and EdDSA, by the keys of a JSON Web Key Set (RFC 7517).
 */
export class JwtSource implements UserSource {
  readonly #jose: Jose
  readonly #keys: readonly Key[]
  readonly #options: JWTVerifyOptions

  private constructor(jose: Jose, keys: readonly Key[], { issuer, audience }: JwtTerms) {
    this.#jose = jose
    this.#keys = keys
    this.#options = {
      requiredClaims: ['sub'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      ...(issuer === undefined ? {} : { issuer }),
      ...(audience === undefined ? {} : { audience }),
    }
  }

  /**
   * @param text a JSON Web Key Set: `{"keys": [...]}`
   * @param path names the file in errors
   * @throws AccessFileError when it is none, or holds a key that cannot be used
   */
  static async open(text: string, path: string, terms: JwtTerms = {}): Promise<JwtSource> {
    const jose = await import('jose')
    const keys: Key[] = []
    for (const [index, jwk] of parseKeySet(text, path).entries()) {
      if (jwk.use === 'enc') continue
      keys.push(
        await importKey(jose, jwk).catch((error: Error) => {
          throw new AccessFileError(path, 0, `key ${index + 1} cannot be used: ${error.message}`)
        }),
      )
    }
    return new JwtSource(jose, keys, terms)
  }

  async authenticate({ userName, password }: Credentials): Promise<SourceAnswer> {
    const token = password?.toString('latin1') ?? ''
    // another source may know this user
    if (!LOOKS_LIKE_JWT.test(token)) return null
    try {
      const { payload } = await this.#jose.jwtVerify(token, (header) => this.#keyFor(header), this.#options)
      if (userName !== null && userName !== '' && userName !== payload.sub) {
        return wrong('the token is of another user than CONNECT names')
      }
      const expiresAtMs = payload.exp === undefined ? undefined : (payload.exp + CLOCK_TOLERANCE_SECONDS) * 1000
      return { identity: payload.sub!, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) }
    } catch (error) {
      return this.#refusal(error)
    }
  }

  #refusal(error: unknown): SourceAnswer {
    const { JOSEError, JWTClaimValidationFailed, JWTExpired } = this.#jose.errors
    if (error instanceof JWTExpired) return { refused: ReasonCode.NOT_AUTHORIZED, reason: 'the token has expired' }
    if (error instanceof JWTClaimValidationFailed) {
      return {
        refused: ReasonCode.NOT_AUTHORIZED,
        reason: `the token's claim ${JSON.stringify(error.claim)} does not fit`,
      }
    }
    if (error instanceof JOSEError) return wrong(`the token does not hold: ${error.message}`)
    throw error
  }

  // [RFC 7515 section 4.1.4] the key that the token names, of the kind that its algorithm needs
  #keyFor({ alg = '', kid }: ProtectedHeaderParameters): CryptoKey | Uint8Array {
    for (const { id, byAlgorithm } of this.#keys) {
      const key = byAlgorithm.get(alg)
      if (key !== undefined && (kid === undefined || kid === id)) return key
    }
    throw new this.#jose.errors.JWKSNoMatchingKey()
  }
}

async function importKey(jose: Jose, jwk: JWK): Promise<Key> {
  const byAlgorithm = new Map<string, CryptoKey | Uint8Array>()
  const algorithms = jwk.alg === undefined ? algorithmsFor(jwk) : [jwk.alg]
  for (const algorithm of algorithms) byAlgorithm.set(algorithm, await jose.importJWK(jwk, algorithm))
  return { id: jwk.kid, byAlgorithm }
}

function wrong(reason: string): SourceAnswer {
  return { refused: ReasonCode.BAD_USER_NAME_OR_PASSWORD, reason }
}

function parseKeySet(text: string, path: string): JWK[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new AccessFileError(path, 0, `it is no JSON: ${(error as Error).message}`)
  }
  const { keys } = (parsed ?? {}) as { keys?: unknown }
  if (!Array.isArray(keys) || keys.length === 0)
    throw new AccessFileError(path, 0, 'it is no JSON Web Key Set: {"keys": [...]}')
  return keys as JWK[]
}

function algorithmsFor({ kty, crv }: JWK): string[] {
  switch (kty) {
    case 'oct':
      return ['HS256', 'HS384', 'HS512']
    case 'RSA':
      return ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']
    case 'EC':
      return [crv === 'P-384' ? 'ES384' : crv === 'P-521' ? 'ES512' : 'ES256']
    case 'OKP':
      return ['EdDSA']
    default:
      throw new Error(`its kind is ${kty}, not oct, RSA, EC or OKP`)
  }
}
