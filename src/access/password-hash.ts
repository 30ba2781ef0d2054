import { createHash, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify(pbkdf2)

const HASH_BYTES = 64
const SALT_BYTES = 12
/** A file may ask for this many at most: above, one CONNECT would keep a thread busy for seconds. */
const MAXIMUM_ITERATIONS = 10_000_000

/** How new passwords are hashed unless told otherwise: as mosquitto 2.0 does, which reads both. */
export const DEFAULT_ITERATIONS = 101

/** What is kept of a password: `$7$` is PBKDF2 with SHA-512, `$6$` one SHA-512 of password and salt. */
export interface PasswordHash {
  /** 0 for `$6$` */
  readonly iterations: number
  readonly salt: Buffer
  readonly hash: Buffer
}

/** Reads what stands behind the user name in a password file; null when it is neither `$6$` nor `$7$`. */
export function parsePasswordHash(text: string): PasswordHash | null {
  const parts = /^\$(?:6|7\$(\d{1,8}))\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$/.exec(text)
  if (parts === null) return null
  const iterations = Number(parts[1] ?? 0)
  const salt = Buffer.from(parts[2]!, 'base64')
  const hash = Buffer.from(parts[3]!, 'base64')
  if (parts[1] !== undefined && (iterations < 1 || iterations > MAXIMUM_ITERATIONS)) return null
  return hash.length === HASH_BYTES ? { iterations, salt, hash } : null
}

/** The text for a password file. */
export function formatPasswordHash({ iterations, salt, hash }: PasswordHash): string {
  const kind = iterations === 0 ? '$6' : `$7$${iterations}`
  return `${kind}$${salt.toString('base64')}$${hash.toString('base64')}`
}

/** Hashes a new password with a salt of its own, off the event loop. @param iterations 0 for `$6$` */
export async function hashPassword(password: Buffer, iterations: number): Promise<PasswordHash> {
  const salt = randomBytes(SALT_BYTES)
  return { iterations, salt, hash: await compute(password, salt, iterations) }
}

/** Compares in constant time; hashes off the event loop. */
export async function isPassword(password: Buffer, expected: PasswordHash): Promise<boolean> {
  return timingSafeEqual(await compute(password, expected.salt, expected.iterations), expected.hash)
}

async function compute(password: Buffer, salt: Buffer, iterations: number): Promise<Buffer> {
  if (iterations > 0) return derive(password, salt, iterations, HASH_BYTES, 'sha512')
  return createHash('sha512').update(password).update(salt).digest()
}
