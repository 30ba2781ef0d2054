import { ReasonCode } from '../codec/reason-code.ts'
import { type ClientError, ClientErrorKind } from './client-error.ts'

/** When and how often a lost connection is made again. */
export interface ReconnectPolicy {
  /** before the first attempt; doubled before each further one */
  readonly minimumDelayMs: number
  readonly maximumDelayMs: number
  /** 0 to 1: the share of a delay that is left to chance, so that a thousand clients do not come back at once */
  readonly jitter: number
  /** attempts in a row that fail before the client gives up; Infinity: never */
  readonly maximumAttempts: number
}

/** What suits a client that should run for ever. */
export const DEFAULT_RECONNECT_POLICY: ReconnectPolicy = {
  minimumDelayMs: 1_000,
  maximumDelayMs: 30_000,
  jitter: 0.5,
  maximumAttempts: Number.POSITIVE_INFINITY,
}

/**
 * How long to wait before an attempt.
 *
 * @param attempt 1 for the first after a loss
 * @param random 0 to 1, drawn for this attempt
 * @returns milliseconds; null when there were attempts enough
 */
export function reconnectDelayMs(policy: ReconnectPolicy, attempt: number, random: number): number | null {
  if (attempt > policy.maximumAttempts) return null
  const delayMs = Math.min(policy.maximumDelayMs, policy.minimumDelayMs * 2 ** (attempt - 1))
  return delayMs * (1 - policy.jitter * random)
}

/** Codes of CONNACK and DISCONNECT that time may heal. The others say that the same attempt would end in the same way. */
const PASSING: ReadonlySet<number> = new Set([
  ReasonCode.NORMAL_DISCONNECTION,
  ReasonCode.UNSPECIFIED_ERROR,
  ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR,
  ReasonCode.SERVER_UNAVAILABLE,
  ReasonCode.SERVER_BUSY,
  ReasonCode.SERVER_SHUTTING_DOWN,
  ReasonCode.KEEP_ALIVE_TIMEOUT,
  ReasonCode.MESSAGE_RATE_TOO_HIGH,
  ReasonCode.QUOTA_EXCEEDED,
  ReasonCode.ADMINISTRATIVE_ACTION,
  ReasonCode.USE_ANOTHER_SERVER,
  ReasonCode.CONNECTION_RATE_EXCEEDED,
  ReasonCode.MAXIMUM_CONNECT_TIME,
])

/**
 * Is another attempt of use after this error? Not after a takeover: two clients would take each other over for ever. And not
 * when the Server broke the protocol: what made it do so would come again.
 */
export function isWorthRetrying(error: ClientError): boolean {
  switch (error.kind) {
    case ClientErrorKind.CANNOT_CONNECT:
    case ClientErrorKind.NO_CONNACK:
    case ClientErrorKind.CONNECTION_LOST:
      return true
    case ClientErrorKind.CONNECT_REFUSED:
    case ClientErrorKind.DISCONNECTED:
      return error.reasonCode !== null && PASSING.has(error.reasonCode)
    default:
      return false
  }
}
