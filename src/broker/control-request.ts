import { isUtf8 } from 'node:buffer'

/** A request that cannot be answered; its message is for who asked. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
}

/** Items of one answer when the request does not say. */
const DEFAULT_ITEMS = 100
/** Items of one answer at most. */
export const MAXIMUM_ITEMS = 500
/** Bytes of a request. */
const MAXIMUM_REQUEST_BYTES = 65_536

/** What a request may hold, by name, and how a value is checked. */
const fields = {
  clientId: isString,
  match: isString,
  reason: isString,
  connected: isBoolean,
  endSession: isBoolean,
  offset: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  limit: wholeNumber(1, MAXIMUM_ITEMS),
} as const

type FieldName = keyof typeof fields

/** The JSON object of a request; what is absent was not said. */
export class ControlRequest {
  readonly #values: { readonly [name: string]: unknown }

  /**
   * @param payload a JSON object, or nothing
   * @param allowed what this operation takes
   * @throws ControlError saying what is wrong with it
   */
  constructor(payload: Buffer, allowed: readonly FieldName[]) {
    this.#values = payload.length === 0 ? {} : objectOf(payload)
    for (const [name, value] of Object.entries(this.#values)) {
      if (!allowed.includes(name as FieldName)) {
        throw new ControlError(`${JSON.stringify(name)} is not known here; there is ${allowed.join(', ') || 'nothing'}`)
      }
      const expected = fields[name as FieldName](value)
      if (expected !== null) throw new ControlError(`${name} has to be ${expected}`)
    }
  }

  /** @throws ControlError when it is missing */
  get clientId(): string {
    const { givenClientId } = this
    if (givenClientId === undefined) throw new ControlError('clientId is missing')
    return givenClientId
  }

  get givenClientId(): string | undefined {
    return this.#values['clientId'] as string | undefined
  }

  get match(): string {
    return (this.#values['match'] as string | undefined) ?? ''
  }

  get reason(): string | null {
    return (this.#values['reason'] as string | undefined) ?? null
  }

  get connected(): boolean | undefined {
    return this.#values['connected'] as boolean | undefined
  }

  get endSession(): boolean {
    return this.#values['endSession'] === true
  }

  get offset(): number {
    return (this.#values['offset'] as number | undefined) ?? 0
  }

  get limit(): number {
    return (this.#values['limit'] as number | undefined) ?? DEFAULT_ITEMS
  }
}

function objectOf(payload: Buffer): { readonly [name: string]: unknown } {
  if (payload.length > MAXIMUM_REQUEST_BYTES) {
    throw new ControlError(`a request has ${MAXIMUM_REQUEST_BYTES} bytes at most`)
  }
  if (!isUtf8(payload)) throw new ControlError('a request is a JSON object in UTF-8')
  let value: unknown
  try {
    value = JSON.parse(payload.toString())
  } catch (error) {
    throw new ControlError(`a request is a JSON object: ${(error as Error).message}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ControlError('a request is a JSON object')
  }
  return value as { readonly [name: string]: unknown }
}

// Each check returns what it expects, or null when that is there.

function isString(value: unknown): string | null {
  return typeof value === 'string' ? null : 'a string'
}

function isBoolean(value: unknown): string | null {
  return typeof value === 'boolean' ? null : 'true or false'
}

function wholeNumber(least: number, most: number) {
  return (value: unknown): string | null => {
    const isIt = Number.isInteger(value) && (value as number) >= least && (value as number) <= most
    return isIt ? null : `a whole number from ${least} to ${most}`
  }
}
