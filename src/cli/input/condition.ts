/** The text is no condition; the message says what is wrong with it and where. */
export class ConditionError extends Error {}

/** A name with dots, as its steps: `payload.temperature` is ['payload', 'temperature']. */
export type NamePath = readonly string[]

/** What a condition asks its owner; undefined where there is nothing of that name. */
export type Lookup = (path: NamePath) => unknown

/** True or false of what `lookup` tells. */
export type Condition = (lookup: Lookup) => boolean

type Value = (lookup: Lookup) => unknown

const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*"|'[^']*')|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(&&|\|\||==|!=|<=|>=|=~|!~|[<>!()])|([A-Za-z_$][\w$-]*(?:\.[\w$-]+)*))/y
const WORDS: Readonly<Record<string, unknown>> = { true: true, false: false, null: null }

/**
 * Reads a condition: comparisons (`== != < <= > >=`, `=~` and `!~` with a regular expression in quotes) of names, numbers,
 * strings, true, false and null, joined by `&&`, `||`, `!` and parentheses. A name alone asks whether its value is there and
 * neither false, 0 nor empty.
 *
 * @param names the first steps of the names that there are
 * @throws ConditionError
 */
export function parseCondition(text: string, names: readonly string[]): Condition {
  return new ConditionParser(text, names).parse()
}

class ConditionParser {
  readonly #tokens: RegExpExecArray[] = []
  readonly #names: readonly string[]
  #at = 0

  constructor(text: string, names: readonly string[]) {
    this.#names = names
    TOKEN.lastIndex = 0
    for (let at = 0; text.slice(at).trim() !== ''; at = TOKEN.lastIndex) {
      TOKEN.lastIndex = at
      const token = TOKEN.exec(text)
      if (token === null) throw new ConditionError(`something that can be read at ${JSON.stringify(text.slice(at))}`)
      this.#tokens.push(token)
    }
  }

  parse(): Condition {
    const condition = this.#any()
    const rest = this.#tokens[this.#at]
    if (rest !== undefined) throw new ConditionError(`nothing or && or || before ${rest[0].trim()}`)
    return condition
  }

  #any(): Condition {
    const parts = [this.#all()]
    while (this.#take('||')) parts.push(this.#all())
    return parts.length === 1 ? parts[0]! : (lookup) => parts.some((part) => part(lookup))
  }

  #all(): Condition {
    const parts = [this.#one()]
    while (this.#take('&&')) parts.push(this.#one())
    return parts.length === 1 ? parts[0]! : (lookup) => parts.every((part) => part(lookup))
  }

  #one(): Condition {
    if (this.#take('!')) {
      const inner = this.#one()
      return (lookup) => !inner(lookup)
    }
    if (this.#take('(')) {
      const inner = this.#any()
      if (!this.#take(')')) throw new ConditionError('a ) for each (')
      return inner
    }
    return this.#comparison()
  }

  #comparison(): Condition {
    const left = this.#value()
    const operator = this.#tokens[this.#at]?.[3]
    if (operator === '=~' || operator === '!~') {
      this.#at++
      const pattern = this.#pattern()
      return (lookup) => pattern.test(String(left(lookup) ?? '')) === (operator === '=~')
    }
    const compare = operator === undefined ? undefined : comparisons[operator]
    if (compare === undefined) return (lookup) => Boolean(left(lookup))
    this.#at++
    const right = this.#value()
    return (lookup) => compare(left(lookup), right(lookup))
  }

  #pattern(): RegExp {
    const token = this.#tokens[this.#at++]
    if (token?.[1] === undefined) throw new ConditionError('a regular expression in quotes behind =~')
    try {
      return new RegExp(unquoted(token[1]), 'u')
    } catch (error) {
      throw new ConditionError(`a regular expression: ${(error as Error).message}`)
    }
  }

  #value(): Value {
    const token = this.#tokens[this.#at++]
    if (token === undefined) throw new ConditionError('something to compare with at the end')
    const [whole, string, number, , name] = token
    if (string !== undefined) {
      const value = unquoted(string)
      return () => value
    }
    if (number !== undefined) return () => Number(number)
    if (name === undefined) throw new ConditionError(`a name, a number or a string instead of ${whole.trim()}`)
    if (Object.hasOwn(WORDS, name)) return () => WORDS[name]
    const path = name.split('.')
    if (!this.#names.includes(path[0]!)) {
      throw new ConditionError(`one of ${this.#names.join(', ')}, not ${name} (strings stand in quotes)`)
    }
    return (lookup) => lookup(path)
  }

  #take(operator: string): boolean {
    if (this.#tokens[this.#at]?.[3] !== operator) return false
    this.#at++
    return true
  }
}

const comparisons: Readonly<Record<string, (left: unknown, right: unknown) => boolean>> = {
  '==': isSame,
  '!=': (left, right) => !isSame(left, right),
  '<': (left, right) => ordered(left, right, (order) => order < 0),
  '<=': (left, right) => ordered(left, right, (order) => order <= 0),
  '>': (left, right) => ordered(left, right, (order) => order > 0),
  '>=': (left, right) => ordered(left, right, (order) => order >= 0),
}

// A text that is a number is equal to that number: payloads are often bare numbers.
function isSame(left: unknown, right: unknown): boolean {
  if (typeof left === 'number' || typeof right === 'number') return numberOf(left) === numberOf(right)
  return (left ?? null) === (right ?? null)
}

function ordered(left: unknown, right: unknown, judge: (order: number) => boolean): boolean {
  if (typeof left === 'string' && typeof right === 'string') return judge(left < right ? -1 : left > right ? 1 : 0)
  // NaN is neither less nor more
  return judge(numberOf(left) - numberOf(right))
}

function numberOf(value: unknown): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN
}

function unquoted(token: string): string {
  if (token.startsWith("'")) return token.slice(1, -1)
  try {
    return JSON.parse(token) as string
  } catch {
    throw new ConditionError(`a string as in JSON instead of ${token} (single quotes take everything as it is)`)
  }
}
