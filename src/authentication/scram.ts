/**
 * The authentication room holds methods of enhanced authentication (5.0 section 4.12): what each side says next, given what
 * the other one said. It is a leaf: it knows neither MQTT packets nor sessions, keeps no users and opens no socket. Broker and
 * client carry its bytes in Authentication Data. SCRAM-SHA-256 (RFC 5802, RFC 7677) proves the password in both directions
 * without sending it.
 */
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'

/** Authentication Method, as it stands in CONNECT. */
export const SCRAM_SHA_256 = 'SCRAM-SHA-256'

/** Rounds of PBKDF2 for new credentials; RFC 7677 asks for at least 4,096. */
export const DEFAULT_ITERATIONS = 4096

/** A server that asks for more would keep a client's processor busy for minutes. */
const MAXIMUM_ITERATIONS = 1_000_000

const KEY_BYTES = 32
const NO_CHANNEL_BINDING = 'n,,'

/** What a server keeps of a password: enough to check it, too little to log in with. */
export interface ScramCredentials {
  readonly salt: Buffer
  readonly iterations: number
  readonly storedKey: Buffer
  readonly serverKey: Buffer
}

/** The other side said something that SCRAM does not allow, or did not prove what it had to. */
export class ScramError extends Error {
  override readonly name = 'ScramError'
}

/** Derives what a server keeps; takes a few milliseconds on a thread of its own. */
export async function scramCredentials(
  password: Uint8Array,
  salt: Buffer,
  iterations = DEFAULT_ITERATIONS,
): Promise<ScramCredentials> {
  const salted = await saltPassword(password, salt, iterations)
  return { salt, iterations, storedKey: sha256(hmac(salted, 'Client Key')), serverKey: hmac(salted, 'Server Key') }
}

/** The client's side of one exchange: {@link first}, {@link final}, {@link verify}, each once and in this order. */
export class ScramClient {
  readonly #userName: string
  readonly #password: Uint8Array
  readonly #nonce: string
  #firstBare = ''
  #expectedSignature: Buffer | null = null

  /** @param nonce printable ASCII without comma, from a good source of randomness, at least 18 bytes' worth */
  constructor(userName: string, password: Uint8Array, nonce: string) {
    this.#userName = userName
    this.#password = password
    this.#nonce = nonce
  }

  /** client-first-message */
  first(): Buffer {
    this.#firstBare = `n=${escapeName(this.#userName)},r=${this.#nonce}`
    return Buffer.from(NO_CHANNEL_BINDING + this.#firstBare)
  }

  /** client-final-message, in answer to server-first-message. @throws ScramError */
  async final(serverFirst: Buffer): Promise<Buffer> {
    const text = serverFirst.toString()
    const { r: nonce = '', s: salt = '', i: rounds = '' } = attributes(text)
    if (!nonce.startsWith(this.#nonce) || nonce.length === this.#nonce.length)
      throw new ScramError('the server answers another nonce')
    const iterations = Number(rounds)
    if (!Number.isInteger(iterations) || iterations < 1 || iterations > MAXIMUM_ITERATIONS) {
      throw new ScramError(`the server asks for ${rounds} iterations`)
    }
    if (salt === '') throw new ScramError('the server sends no salt')
    const salted = await saltPassword(this.#password, Buffer.from(salt, 'base64'), iterations)
    const withoutProof = `c=${Buffer.from(NO_CHANNEL_BINDING).toString('base64')},r=${nonce}`
    const authMessage = `${this.#firstBare},${text},${withoutProof}`
    const clientKey = hmac(salted, 'Client Key')
    const proof = xor(clientKey, hmac(sha256(clientKey), authMessage))
    this.#expectedSignature = hmac(hmac(salted, 'Server Key'), authMessage)
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
  }

  /** Checks server-final-message: the server knew the password too. @throws ScramError */
  verify(serverFinal: Buffer): void {
    const { v: signature = '', e: error } = attributes(serverFinal.toString())
    if (error !== undefined) throw new ScramError(`the server refuses: ${error}`)
    const given = Buffer.from(signature, 'base64')
    const expected = this.#expectedSignature
    if (expected === null || given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new ScramError('the server does not know the password')
    }
  }
}

/** The server's side of one exchange: {@link ScramServer.challenge}, then {@link verify}. */
export class ScramServer {
  readonly userName: string
  readonly #credentials: ScramCredentials | null
  readonly #nonce: string
  readonly #firstBare: string
  readonly #serverFirst: string

  private constructor(
    userName: string,
    credentials: ScramCredentials | null,
    nonce: string,
    firstBare: string,
    serverFirst: string,
  ) {
    this.userName = userName
    this.#credentials = credentials
    this.#nonce = nonce
    this.#firstBare = firstBare
    this.#serverFirst = serverFirst
  }

  /**
   * Reads client-first-message.
   *
   * @param lookup credentials by user name; null for an unknown user, who is led through the same steps and fails in the last
   * @param nonce of the server, as in {@link ScramClient}
   * @param decoySalt what an unknown user is told as salt: the same for the same name, so that nobody can tell it is unknown
   * @throws ScramError
   */
  static async challenge(
    clientFirst: Buffer,
    lookup: (userName: string) => Promise<ScramCredentials | null>,
    nonce: string,
    decoySalt: (userName: string) => Buffer,
  ): Promise<ScramServer> {
    const text = clientFirst.toString()
    if (!text.startsWith(NO_CHANNEL_BINDING)) {
      throw new ScramError('channel binding or another identity is not offered')
    }
    const firstBare = text.slice(NO_CHANNEL_BINDING.length)
    const { n: name, r: clientNonce } = attributes(firstBare)
    if (name === undefined || clientNonce === undefined || clientNonce === '') {
      throw new ScramError('user name or nonce is missing')
    }
    const userName = unescapeName(name)
    const credentials = await lookup(userName)
    const salt = credentials?.salt ?? decoySalt(userName)
    const iterations = credentials?.iterations ?? DEFAULT_ITERATIONS
    const serverFirst = `r=${clientNonce}${nonce},s=${salt.toString('base64')},i=${iterations}`
    return new ScramServer(userName, credentials, clientNonce + nonce, firstBare, serverFirst)
  }

  /** server-first-message */
  get first(): Buffer {
    return Buffer.from(this.#serverFirst)
  }

  /** Checks client-final-message. @returns server-final-message; null when the proof is wrong. @throws ScramError */
  verify(clientFinal: Buffer): Buffer | null {
    const text = clientFinal.toString()
    const { c: binding, r: nonce, p: proof = '' } = attributes(text)
    if (binding !== Buffer.from(NO_CHANNEL_BINDING).toString('base64') || nonce !== this.#nonce) {
      throw new ScramError('the client changes nonce or channel binding')
    }
    const credentials = this.#credentials
    const given = Buffer.from(proof, 'base64')
    if (credentials === null || given.length !== KEY_BYTES) return null
    const authMessage = `${this.#firstBare},${this.#serverFirst},${text.slice(0, text.lastIndexOf(',p='))}`
    const clientKey = xor(given, hmac(credentials.storedKey, authMessage))
    if (!timingSafeEqual(sha256(clientKey), credentials.storedKey)) return null
    return Buffer.from(`v=${hmac(credentials.serverKey, authMessage).toString('base64')}`)
  }
}

// `a=1,b=2`: one letter each; the value may hold `=`, never a comma.
function attributes(text: string): Partial<Record<string, string>> {
  const result: Partial<Record<string, string>> = {}
  for (const part of text.split(',')) if (part[1] === '=') result[part[0]!] ??= part.slice(2)
  return result
}

function escapeName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}

function unescapeName(name: string): string {
  if (/=(?!2C|3D)/.test(name)) throw new ScramError('the user name is not escaped as it must be')
  return name.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function saltPassword(password: Uint8Array, salt: Buffer, iterations: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    pbkdf2(password, salt, iterations, KEY_BYTES, 'sha256', (error, key) =>
      error === null ? resolve(key) : reject(error),
    )
  })
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, i) => byte ^ b[i]!))
}
