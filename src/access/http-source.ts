import { createHash } from 'node:crypto'
import type { Credentials } from '../broker/access.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { SourceAnswer, UserSource } from './configured-access.ts'

/** How a service is asked. */
export interface HttpTerms {
  readonly url: string
  /** milliseconds until the answer has to be there, waiting for a turn included */
  readonly timeoutMs: number
  /** milliseconds for which an answer counts; 0: it is asked for each CONNECT */
  readonly cacheMs: number
}

/** Requests under way at a time; more wait. */
const MAXIMUM_REQUESTS = 32
/** Those that wait for their turn; more are refused with 0x88 at once. */
const MAXIMUM_WAITING = 10_000
/** Answers that are remembered; the oldest are forgotten. */
const MAXIMUM_REMEMBERED = 10_000
/** Bytes of an answer that are read. */
const MAXIMUM_ANSWER_BYTES = 65_536

interface Remembered {
  readonly answer: SourceAnswer
  readonly untilMs: number
}

/**
 * Users whom a service knows. It gets a POST with `{"clientId", "userName", "password", "remoteAddress"}` (`passwordBase64` in
 * place of `password` when it is no text; null where CONNECT has none) and answers with its status: 2xx yes, 401 wrong
 * password (0x86), 403 not allowed (0x87), 404 not my user: the next source is asked. Any other answer, or none in time, is a
 * refusal with 0x88, and is not remembered. `{"result": "deny"}` in a 2xx answer is a no, too.
 */
export class HttpSource implements UserSource {
  readonly #terms: HttpTerms
  readonly #nowMs: () => number
  /** answers by digest of what was asked, in the order of their coming */
  readonly #remembered = new Map<string, Remembered>()
  /** the same question is asked once at a time */
  readonly #asked = new Map<string, Promise<SourceAnswer>>()
  readonly #waiting: (() => void)[] = []
  #requests = 0

  constructor(terms: HttpTerms, nowMs: () => number = () => performance.now()) {
    this.#terms = terms
    this.#nowMs = nowMs
  }

  authenticate(credentials: Credentials): SourceAnswer | Promise<SourceAnswer> {
    const key = digestOf(credentials)
    const known = this.#remembered.get(key)
    if (known !== undefined && this.#nowMs() < known.untilMs) return known.answer
    let asked = this.#asked.get(key)
    if (asked === undefined) {
      asked = this.#askAndRemember(key, credentials).finally(() => this.#asked.delete(key))
      this.#asked.set(key, asked)
    }
    return asked
  }

  async #askAndRemember(key: string, credentials: Credentials): Promise<SourceAnswer> {
    if (this.#waiting.length >= MAXIMUM_WAITING)
      return unavailable(`${MAXIMUM_WAITING} clients wait for the service already`)
    const signal = AbortSignal.timeout(this.#terms.timeoutMs)
    try {
      await this.#turn()
      const answer = await this.#ask(credentials, signal)
      if (this.#terms.cacheMs > 0) this.#remember(key, answer)
      return answer
    } catch (error) {
      return unavailable(
        `${this.#terms.url} ${signal.aborted ? `did not answer in ${this.#terms.timeoutMs} ms` : causeOf(error)}`,
      )
    } finally {
      this.#requests--
      this.#waiting.shift()?.()
    }
  }

  // At most so many requests at a time, in the order of their coming.
  async #turn(): Promise<void> {
    this.#requests++
    if (this.#requests > MAXIMUM_REQUESTS) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  async #ask(credentials: Credentials, signal: AbortSignal): Promise<SourceAnswer> {
    signal.throwIfAborted()
    const response = await fetch(this.#terms.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(questionOf(credentials)),
      redirect: 'error',
      signal,
    })
    const text = await readText(response)
    if (response.ok) return accepted(text, credentials)
    if (response.status === 401)
      return { refused: ReasonCode.BAD_USER_NAME_OR_PASSWORD, reason: 'the service answers 401' }
    if (response.status === 403) return { refused: ReasonCode.NOT_AUTHORIZED, reason: 'the service answers 403' }
    if (response.status === 404) return null
    throw new Error(`answers ${response.status}`)
  }

  #remember(key: string, answer: SourceAnswer): void {
    this.#remembered.delete(key)
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size < MAXIMUM_REMEMBERED) break
      this.#remembered.delete(oldest)
    }
    this.#remembered.set(key, { answer, untilMs: this.#nowMs() + this.#terms.cacheMs })
  }
}

// What the service sees and nothing else decides; the password itself is not kept.
function digestOf(credentials: Credentials): string {
  return createHash('sha256')
    .update(JSON.stringify({ ...questionOf(credentials), remoteAddress: hostOf(credentials.remoteAddress) }))
    .digest('base64')
}

// Each connection has a port of its own.
function hostOf(remoteAddress: string): string {
  return remoteAddress.replace(/:\d+$/, '')
}

function questionOf({ clientId, userName, password, remoteAddress }: Credentials): Record<string, string | null> {
  const text = password?.toString('utf8') ?? null
  const isText = text === null || Buffer.from(text).equals(password!)
  return {
    clientId,
    userName,
    ...(isText ? { password: text } : { passwordBase64: password!.toString('base64') }),
    remoteAddress,
  }
}

async function readText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let byteCount = 0
  for await (const chunk of response.body ?? []) {
    byteCount += chunk.length
    if (byteCount > MAXIMUM_ANSWER_BYTES) throw new Error(`answers with more than ${MAXIMUM_ANSWER_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

function accepted(text: string, { userName }: Credentials): SourceAnswer {
  const result = resultOf(text)
  if (result === 'allow') return { identity: userName }
  if (result === 'deny') return { refused: ReasonCode.NOT_AUTHORIZED, reason: 'the service denies it' }
  if (result === 'ignore') return null
  throw new Error(`answers with the unknown result ${JSON.stringify(result)}`)
}

// No body, or one without a result, leaves it at the status.
function resultOf(text: string): unknown {
  if (text.trim() === '') return 'allow'
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    return 'allow'
  }
  return typeof body === 'object' && body !== null && 'result' in body ? body.result : 'allow'
}

function unavailable(reason: string): SourceAnswer {
  return { refused: ReasonCode.SERVER_UNAVAILABLE, reason }
}

// fetch hides why behind "fetch failed".
function causeOf(error: unknown): string {
  const { message, cause } = error as Error
  return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message
}
