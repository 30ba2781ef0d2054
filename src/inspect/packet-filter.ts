import { PacketType, packetTypeNames, Role } from '../codec/packet-type.ts'
import { ProtocolVersion, protocolVersionName } from '../codec/protocol-version.ts'
import { matches, TopicFilterFault, topicFilterFault } from '../topic/topic-filter.ts'
import type { InspectedPacket } from './inspected-packet.ts'

/** A packet and the client of its connection, as filters see them. */
export interface Candidate {
  readonly packet: InspectedPacket
  /** Client Identifier; null as long as nothing told it */
  readonly clientId: string | null
}

/** Does a packet pass? */
export type PacketFilter = (candidate: Candidate) => boolean

/** The text is no filter. The message says what was expected, and where. */
export class FilterSyntaxError extends Error {}

type Value = string | number | boolean | readonly string[]
type Read = (candidate: Candidate) => Value | null

/** What a filter may ask about; a name alone asks whether there is something. */
const fields: Readonly<Record<string, Read>> = {
  type: ({ packet }) => packetTypeNames[packet.packetType]!.toLowerCase(),
  topic: ({ packet }) => topicsOf(packet),
  id: ({ packet: { packet } }) => (packet !== null && 'packetId' in packet ? packet.packetId : null),
  qos: ({ packet: { packet } }) => (packet?.packetType === PacketType.PUBLISH ? packet.qos : null),
  retain: ({ packet: { packet } }) => packet?.packetType === PacketType.PUBLISH && packet.message.retain,
  dup: ({ packet: { packet } }) => packet?.packetType === PacketType.PUBLISH && packet.dup,
  payload: ({ packet: { packet } }) =>
    packet?.packetType === PacketType.PUBLISH ? packet.message.payload.toString() : null,
  code: ({ packet }) => codeOf(packet),
  client: ({ clientId }) => clientId,
  dir: ({ packet }) => (packet.sender === Role.CLIENT ? 'c2s' : 's2c'),
  version: ({ packet }) => (packet.version === ProtocolVersion.V5 ? '5' : protocolVersionName(packet.version)),
  stream: ({ packet }) => packet.stream,
  frame: ({ packet }) => packet.frame,
  size: ({ packet }) => packet.bytes.length,
  offset: ({ packet }) => packet.offset,
  issue: ({ packet }) => packet.issues.map(({ id }) => id),
}

/** Names that a filter may use. */
export const filterNames: readonly string[] = Object.keys(fields)

const typeNames = packetTypeNames.map((name) => name.toLowerCase())

/**
 * Reads an expression such as `publish && topic ~ "a/#" && (qos > 0 || retain)`: comparisons `== != < <= > >=`, `~` (a Topic
 * Filter matches, or the text is contained), `&&`, `||`, `!`, parentheses; `and`, `or`, `not` and `=` are understood too. The
 * name of a packet type alone stands for `type == name`.
 * @throws FilterSyntaxError
 */
export function parsePacketFilter(text: string): PacketFilter {
  return new Parser(text).parse()
}

interface Token {
  readonly text: string
  readonly at: number
  readonly isQuoted: boolean
}

const TOKEN = /\s*(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(&&|\|\||[!=<>]=|[()!<>=~])|([^\s()!=<>~&|"']+))/y
const NOTATIONS: Readonly<Record<string, string>> = { and: '&&', or: '||', not: '!', '=': '==' }

class Parser {
  readonly #text: string
  readonly #tokens: Token[] = []
  #next = 0

  constructor(text: string) {
    this.#text = text
    TOKEN.lastIndex = 0
    for (let at = 0; text.slice(at).trim() !== ''; at = TOKEN.lastIndex) {
      TOKEN.lastIndex = at
      const match = TOKEN.exec(text)
      if (match === null)
        throw new FilterSyntaxError(`character ${at + 1} (${JSON.stringify(text[at])}) is no part of a filter`)
      const [, double, single, operator, word] = match
      const quoted = double ?? single
      const start = at + match[0].search(/\S/)
      const plain = operator ?? word ?? ''
      this.#tokens.push(
        quoted === undefined
          ? { text: NOTATIONS[plain.toLowerCase()] ?? plain, at: start, isQuoted: false }
          : { text: quoted.replaceAll(/\\(.)/g, '$1'), at: start, isQuoted: true },
      )
    }
  }

  parse(): PacketFilter {
    const filter = this.#either()
    if (this.#peek() !== null) throw this.#unexpected('&& or ||')
    return filter
  }

  #either(): PacketFilter {
    const left = this.#both()
    if (!this.#take('||')) return left
    const right = this.#either()
    return (candidate) => left(candidate) || right(candidate)
  }

  #both(): PacketFilter {
    const left = this.#term()
    if (!this.#take('&&')) return left
    const right = this.#both()
    return (candidate) => left(candidate) && right(candidate)
  }

  #term(): PacketFilter {
    if (this.#take('!')) {
      const term = this.#term()
      return (candidate) => !term(candidate)
    }
    if (this.#take('(')) {
      const inner = this.#either()
      if (!this.#take(')')) throw this.#unexpected(')')
      return inner
    }
    return this.#comparison()
  }

  #comparison(): PacketFilter {
    const token = this.#peek()
    const name = token?.text.toLowerCase() ?? ''
    const typeCode = token?.isQuoted === true ? -1 : typeNames.indexOf(name)
    if (typeCode >= 0) {
      this.#next++
      return ({ packet }) => packet.packetType === typeCode
    }
    const read = token?.isQuoted === true ? undefined : fields[name]
    if (read === undefined) throw this.#unexpected(`a packet type or one of ${filterNames.join(', ')}`)
    this.#next++
    const operator = this.#peek()?.text ?? ''
    if (!(operator in comparisons)) return (candidate) => isPresent(read(candidate))
    this.#next++
    const wanted = this.#peek()
    if (wanted === null || (!wanted.isQuoted && /^[()!=<>~&|]/.test(wanted.text))) throw this.#unexpected('a value')
    this.#next++
    return comparison(read, operator as Operator, wanted.text)
  }

  #peek(): Token | null {
    return this.#tokens[this.#next] ?? null
  }

  #take(text: string): boolean {
    const token = this.#peek()
    if (token === null || token.isQuoted || token.text !== text) return false
    this.#next++
    return true
  }

  #unexpected(expected: string): FilterSyntaxError {
    const token = this.#peek()
    const where = token === null ? 'at the end' : `at character ${token.at + 1}, not ${JSON.stringify(token.text)}`
    return new FilterSyntaxError(`${expected} is expected ${where} of ${JSON.stringify(this.#text)}`)
  }
}

function isPresent(value: Value | null): boolean {
  return value !== null && value !== false && (!Array.isArray(value) || value.length > 0)
}

const comparisons = {
  '==': (order: number) => order === 0,
  '!=': (order: number) => order !== 0,
  '<': (order: number) => order < 0,
  '<=': (order: number) => order <= 0,
  '>': (order: number) => order > 0,
  '>=': (order: number) => order >= 0,
  '~': () => false,
} as const
type Operator = keyof typeof comparisons

function comparison(read: Read, operator: Operator, wanted: string): PacketFilter {
  const isFilter = topicFilterFault(wanted) === TopicFilterFault.NONE && /(?:^|\/)[+#](?:\/|$)/.test(wanted)
  const holds = (value: string | number | boolean): boolean => {
    if (operator === '~') return isFilter ? matches(wanted, String(value)) : String(value).includes(wanted)
    const number = typeof value === 'number' ? Number(wanted) : Number.NaN
    const order = typeof value === 'number' ? value - number : String(value).localeCompare(wanted, 'en')
    return comparisons[operator](order)
  }
  return (candidate) => {
    const value = read(candidate)
    if (value === null) return operator === '!='
    if (typeof value !== 'object') return holds(value)
    return operator === '!=' ? value.every(holds) : value.some(holds)
  }
}

function topicsOf({ packet, topicName }: InspectedPacket): readonly string[] {
  switch (packet?.packetType) {
    case PacketType.PUBLISH:
      return [topicName ?? '']
    case PacketType.SUBSCRIBE:
      return packet.requests.map(({ topicFilter }) => topicFilter)
    case PacketType.UNSUBSCRIBE:
      return packet.topicFilters
    case PacketType.CONNECT:
      return packet.will === null ? [] : [packet.will.topicName]
    default:
      return []
  }
}

function codeOf({ packet }: InspectedPacket): number | null {
  if (packet === null) return null
  if ('reasonCode' in packet) return packet.reasonCode
  if ('code' in packet) return packet.code
  return 'codes' in packet ? Math.max(...packet.codes) : null
}
