/** A line is not one of a store; the message says why, and the importer which line. */
export class LineError extends Error {}

/** Reads the fields of an object from JSON: each is what it has to be, or the line is refused; whatever has no name here too. */
export class Fields {
  readonly #object: Readonly<Record<string, unknown>>
  readonly #unread: Set<string>

  constructor(value: unknown, what: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new LineError(`${what} is no object`)
    this.#object = value as Record<string, unknown>
    this.#unread = new Set(Object.keys(value))
  }

  has(name: string): boolean {
    return this.#object[name] !== undefined && this.#object[name] !== null
  }

  text(name: string): string {
    return this.textOrNull(name) ?? this.#fail(`${name} has to be a text`)
  }

  /** null when it is absent or null */
  textOrNull(name: string): string | null {
    const value = this.#take(name) ?? null
    if (value === null || typeof value === 'string') return value
    return this.#fail(`${name} has to be a text`)
  }

  integer(name: string, minimum: number, maximum: number, fallback?: number): number {
    const value = this.#take(name) ?? fallback
    if (Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum) return value as number
    return this.#fail(`${name} has to be a whole number from ${minimum} to ${maximum}`)
  }

  boolean(name: string, fallback: boolean): boolean {
    const value = this.#take(name) ?? fallback
    if (typeof value === 'boolean') return value
    return this.#fail(`${name} has to be true or false`)
  }

  list(name: string): readonly unknown[] {
    const value = this.#take(name) ?? []
    if (Array.isArray(value)) return value
    return this.#fail(`${name} has to be a list`)
  }

  object(name: string): Fields {
    return new Fields(this.#take(name) ?? {}, name)
  }

  /** Under its name as text, or under `<name>Base64`; null when there is neither. */
  bytes(name: string): Buffer | null {
    const encoded = this.textOrNull(`${name}Base64`)
    const plain = this.textOrNull(name)
    if (encoded === null) return plain === null ? null : Buffer.from(plain)
    const bytes = Buffer.from(encoded, 'base64')
    if (plain !== null || bytes.toString('base64') !== encoded)
      this.#fail(`${name}Base64 is no base64, or ${name} is there too`)
    return bytes
  }

  /** @returns ms since 1970; null when it is absent or null */
  time(name: string): number | null {
    const text = this.textOrNull(name)
    if (text === null) return null
    const ms = Date.parse(text)
    if (ms >= 0) return ms
    return this.#fail(`${name} has to be a time like 2026-01-31T12:00:00.000Z`)
  }

  /** To be called when all is read. */
  end(): void {
    const [unknown] = this.#unread
    if (unknown !== undefined) this.#fail(`there is no field ${unknown}`)
  }

  #fail(what: string): never {
    throw new LineError(what)
  }

  #take(name: string): unknown {
    this.#unread.delete(name)
    return this.#object[name] ?? undefined
  }
}
