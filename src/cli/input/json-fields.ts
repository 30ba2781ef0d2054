import { packetTypeNames } from '../../codec/packet-type.ts'
import {
  mayStandIn,
  type Properties,
  type PropertyPlace,
  type PropertyRow,
  PropertyType,
  properties as propertyTable,
  WILL_PROPERTIES,
} from '../../codec/property.ts'
import { ValueError } from '../options/option-row.ts'
import { mqttText } from '../options/values.ts'

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2,3}={0,2})?$/

/**
 * Takes the members of a JSON object one by one, each as what it has to be; what is left over at the end is a mistake of
 * whoever wrote the object. Everything throws a ValueError that says what was expected at which member: `a string at "will.topic"`.
 */
export class JsonFields {
  readonly #values: Readonly<Record<string, unknown>>
  readonly #path: string
  readonly #known = new Set<string>()

  /** @param path in front of the names of members in messages: `will.` */
  constructor(value: unknown, path = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new ValueError(path === '' ? 'a JSON object' : `an object at "${path.slice(0, -1)}"`)
    }
    this.#values = value as Readonly<Record<string, unknown>>
    this.#path = path
  }

  /** The member as it is; undefined when it is absent or null. */
  take(key: string): unknown {
    this.#known.add(key)
    return Object.hasOwn(this.#values, key) ? (this.#values[key] ?? undefined) : undefined
  }

  /** Is the member there, and not null? */
  has(key: string): boolean {
    return this.take(key) !== undefined
  }

  /** @param otherwise absent: the member must be there */
  text(key: string, otherwise?: string): string {
    const value = this.take(key) ?? otherwise
    if (typeof value !== 'string') throw this.wrong('a string', key)
    return mqttText(key).read(value)
  }

  /** @param otherwise absent: the member must be there */
  integer(key: string, minimum: number, maximum: number, otherwise?: number): number {
    return this.#integerOf(this.take(key) ?? otherwise, key, minimum, maximum)
  }

  /** A number, or text as in "0x87". */
  code(key: string, otherwise?: number): number {
    return this.#codeOf(this.take(key) ?? otherwise, key)
  }

  /** At least one. */
  codes(key: string): number[] {
    return this.list(key).map((item, index) => this.#codeOf(item, `${key}[${index}]`))
  }

  flag(key: string, otherwise: boolean): boolean {
    const value = this.take(key) ?? otherwise
    if (typeof value !== 'boolean') throw this.wrong('true or false', key)
    return value
  }

  /** Bytes: UTF-8 at the name itself, or as nameBase64 or nameHex; undefined when there is none of them. */
  bytes(key: string): Buffer | undefined {
    const given = [key, `${key}Base64`, `${key}Hex`].map((name) => ({ name, value: this.take(name) }))
    const [first, second] = given.filter(({ value }) => value !== undefined)
    if (first === undefined) return undefined
    if (second !== undefined) throw new ValueError(`either "${first.name}" or "${second.name}", not both`)
    const { name, value } = first
    if (typeof value !== 'string') throw this.wrong('a string', name)
    if (name === key) return Buffer.from(value)
    if (name === `${key}Base64`) {
      if (!BASE64.test(value)) throw this.wrong('base64', name)
      return Buffer.from(value, 'base64')
    }
    return hexBytes(value) ?? fail(this.wrong('hex digits, two for each byte,', name))
  }

  /** @param minimum how many there have to be */
  list(key: string, minimum = 1): readonly unknown[] {
    const value = this.take(key)
    if (!Array.isArray(value)) throw this.wrong('a list', key)
    if (value.length < minimum) throw this.wrong(`a list of at least ${minimum}`, key)
    return value
  }

  /** The object at a member; null when there is none. */
  object(key: string): JsonFields | null {
    const value = this.take(key)
    return value === undefined ? null : this.inside(value, key)
  }

  /** @param key of a member, or of one of its items: `subscriptions[0]` */
  inside(value: unknown, key: string): JsonFields {
    return new JsonFields(value, `${this.#path}${key}.`)
  }

  properties(place: PropertyPlace): Properties {
    const fields = this.object('properties')
    if (fields === null) return {}
    const result: Record<string, unknown> = {}
    for (const row of propertyTable) {
      if (!mayStandIn(row, place)) continue
      const value = fields.#property(row)
      if (value !== undefined) result[row.key] = value
    }
    fields.end(`a property of ${place === WILL_PROPERTIES ? 'a will' : packetTypeNames[place]}`)
    return result as Properties
  }

  /** Nothing else may be there. @param what is allowed instead; absent: the names that were asked for */
  end(what?: string): void {
    const unknown = Object.keys(this.#values).find((key) => !this.#known.has(key))
    if (unknown === undefined) return
    const allowed =
      what ?? `one of the keys ${[...this.#known].filter((key) => !/(?:Base64|Hex)$/.test(key)).join(', ')}`
    throw new ValueError(`${allowed}, not ${JSON.stringify(`${this.#path}${unknown}`)}`)
  }

  /** For what only the caller knows to be wrong. */
  wrong(expected: string, key: string): ValueError {
    return new ValueError(`${expected} at "${this.#path}${key}"`)
  }

  #property(row: PropertyRow): unknown {
    if (row.type === PropertyType.BINARY) return this.bytes(row.key)
    if (!this.has(row.key)) return undefined
    if (row.type === PropertyType.STRING) return this.text(row.key)
    if (row.type === PropertyType.STRING_PAIR)
      return this.list(row.key, 0).map((pair, index) => this.#pair(pair, `${row.key}[${index}]`))
    const maximum = Math.min(row.maximum, row.type === PropertyType.UINT16 ? 0xffff : 0xffff_ffff)
    if (!row.list) return this.integer(row.key, row.minimum, maximum)
    return this.list(row.key, 0).map((item, index) =>
      this.#integerOf(item, `${row.key}[${index}]`, row.minimum, maximum),
    )
  }

  #pair(pair: unknown, key: string): string[] {
    if (!Array.isArray(pair) || pair.length !== 2) throw this.wrong('[name, value]', key)
    return pair.map((part) => {
      if (typeof part !== 'string') throw this.wrong('[name, value], both strings,', key)
      return mqttText(key).read(part)
    })
  }

  #integerOf(value: unknown, key: string, minimum: number, maximum: number): number {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < minimum || value > maximum) {
      throw this.wrong(`a number from ${minimum} to ${maximum}`, key)
    }
    return value
  }

  #codeOf(value: unknown, key: string): number {
    const code = typeof value === 'string' && /^0x[0-9a-f]{1,2}$/i.test(value) ? Number(value) : value
    if (typeof code !== 'number' || !Number.isInteger(code) || code < 0 || code > 0xff) {
      throw this.wrong('a code from 0 to 255, or as in "0x87",', key)
    }
    return code
  }
}

/** Reads hex as `inspect --json` writes it; null when it is none. */
export function hexBytes(text: string): Buffer | null {
  return text.length % 2 === 0 && /^[0-9a-f]*$/i.test(text) ? Buffer.from(text, 'hex') : null
}

function fail(error: ValueError): never {
  throw error
}
