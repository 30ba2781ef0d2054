/** One field of a packet; offsets are in bytes from the first byte of the packet. */
export interface Field {
  /** as the standard writes it */
  readonly name: string
  readonly start: number
  readonly end: number
  readonly value: number | string | Buffer
}

/** A broken rule; offsets are in bytes from the first byte of the packet. */
export interface Issue {
  /** statement of the standard for the version in use, or the row's name in lower case where it has none */
  readonly id: string
  /** name of the row in codec/violation.ts */
  readonly violation: string
  /** error: a rule is broken; warning: the capture, not the sender, is to blame */
  readonly severity: 'error' | 'warning'
  readonly start: number
  readonly end: number
  readonly message: string
}

export const NO_ISSUES: readonly Issue[] = Object.freeze([])
