import { TopicFilterFault, topicFilterFault } from '../topic/topic-filter.ts'
import { AccessFileError } from './file-error.ts'
import { inOrderOfJudgement, Right, type Rule, type RuleSets } from './rules.ts'

const rights: Readonly<Record<string, Right>> = {
  read: Right.READ,
  write: Right.WRITE,
  readwrite: Right.READ_AND_WRITE,
  deny: Right.NONE,
}

/** A user name or Client Identifier with one of these would change the meaning of a pattern (semantics C-17). */
const NO_SINGLE_LEVEL = /[+#/]/

const NO_RULES: readonly Rule[] = []

/** Who may use which topics, as an ACL file of mosquitto says. */
export class AccessRules {
  readonly #anonymous: readonly Rule[]
  readonly #users: ReadonlyMap<string, readonly Rule[]>
  readonly #patterns: readonly Rule[]

  constructor(anonymous: readonly Rule[], users: ReadonlyMap<string, readonly Rule[]>, patterns: readonly Rule[]) {
    this.#anonymous = inOrderOfJudgement(anonymous)
    this.#users = new Map([...users].map(([name, rules]) => [name, inOrderOfJudgement(rules)]))
    this.#patterns = inOrderOfJudgement(patterns)
  }

  /** Rules of all kinds, as they stand in the file. */
  get size(): number {
    let size = this.#anonymous.length + this.#patterns.length
    for (const rules of this.#users.values()) size += rules.length
    return size
  }

  /** The rules of one client: its user's own, then the patterns with its names in them. */
  of(identity: string | null, clientId: string): RuleSets {
    const own = identity === null ? this.#anonymous : this.#users.get(identity)
    return [own ?? NO_RULES, this.#patterns.flatMap((pattern) => filledIn(pattern, identity, clientId) ?? [])]
  }
}

// null: the pattern is not for this client. Both names go in at once: a user name may itself hold the text `%c`.
function filledIn(pattern: Rule, identity: string | null, clientId: string): Rule | null {
  const { topicFilter } = pattern
  if (topicFilter.includes('%u') && (identity === null || NO_SINGLE_LEVEL.test(identity))) return null
  if (topicFilter.includes('%c') && NO_SINGLE_LEVEL.test(clientId)) return null
  return { ...pattern, topicFilter: topicFilter.replaceAll(/%[uc]/g, (name) => (name === '%u' ? identity! : clientId)) }
}

/**
 * Reads an ACL file of mosquitto: `user NAME`, `topic [read|write|readwrite|deny] FILTER`, `pattern ...`. `topic` lines above
 * the first `user` are for clients without user name, `pattern` lines for everybody.
 *
 * @param path for messages
 * @throws AccessFileError
 */
export function parseAclFile(text: string, path: string): AccessRules {
  const anonymous: Rule[] = []
  const users = new Map<string, Rule[]>()
  const patterns: Rule[] = []
  let current = anonymous
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1
    const written = raw.trim()
    if (written === '' || written.startsWith('#')) continue
    const [, keyword, rest] = /^(\S+)\s*(.*)$/.exec(written)!
    if (rest === '') throw new AccessFileError(path, line, `${keyword} needs a value`)
    if (keyword === 'user') {
      current = users.get(rest!) ?? []
      users.set(rest!, current)
    } else if (keyword === 'topic') {
      current.push(parseRule(rest!, path, line))
    } else if (keyword === 'pattern') {
      patterns.push(parseRule(rest!, path, line))
    } else {
      throw new AccessFileError(path, line, `unknown word ${JSON.stringify(keyword)}; expected user, topic or pattern`)
    }
  }
  return new AccessRules(anonymous, users, patterns)
}

/**
 * Reads `read a/#`, or `a/#` alone for both ways.
 * @throws AccessFileError
 */
export function parseRule(text: string, path: string, line: number): Rule {
  const [, first, second] = /^(\S+)\s*(.*)$/.exec(text)!
  const right = second === '' ? Right.READ_AND_WRITE : rights[first!]
  if (right === undefined) {
    const expected = Object.keys(rights).join(', ')
    throw new AccessFileError(path, line, `${JSON.stringify(first)} is no kind of access; expected one of ${expected}`)
  }
  const topicFilter = second === '' ? first! : second!
  if (topicFilterFault(topicFilter.replaceAll(/%[uc]/g, 'x')) !== TopicFilterFault.NONE) {
    throw new AccessFileError(path, line, `${JSON.stringify(topicFilter)} is no valid Topic Filter`)
  }
  return { right, topicFilter, line }
}
