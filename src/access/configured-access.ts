/**
 * The access room: who may connect, and what for. Password files, rules about topics, tokens and a service that is asked; each
 * file knows one of them and how it is written, and ConfiguredAccess puts together what an operator has configured. It reads
 * no file itself and knows nothing of packets and sockets. Start here.
 */
import { SCRAM_SHA_256 } from '../authentication/scram.ts'
import type { Access, Authentication, Controller, Credentials, EnhancedExchange } from '../broker/access.ts'
import { ScramUsers } from '../broker/scram-users.ts'
import { UserAccess } from '../broker/user-access.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { Rights } from '../session/rights.ts'
import type { AccessRules } from './acl-file.ts'
import { judgeTopicFilter, judgeTopicName, Right, type RuleSets } from './rules.ts'

/** What a source of users answers. `grants` are rules that come with the identity and are asked before those of the ACL file. */
export type SourceAnswer =
  | { readonly identity: string | null; readonly grants?: RuleSets; readonly expiresAtMs?: number }
  | { readonly refused: number; readonly reason?: string }
  /** not one of its users: the next source is asked */
  | null

/** Knows some of the users. */
export interface UserSource {
  authenticate(credentials: Credentials): SourceAnswer | Promise<SourceAnswer>
}

/** What an operator has configured. */
export interface AccessSettings {
  /** passwords by user name: they may use SCRAM, too */
  readonly users: ReadonlyMap<string, string>
  /** asked in turn for everybody who is none of {@link users} */
  readonly sources: readonly UserSource[]
  /** null: everybody may use all topics */
  readonly rules: AccessRules | null
  readonly allowAnonymous: boolean
  /** users that may control the broker, whatever the rules say; default none */
  readonly admins?: ReadonlySet<string>
}

/** Access as configured; the configuration may be replaced while the broker runs. */
export class ConfiguredAccess implements Access {
  #settings!: AccessSettings
  #users!: UserAccess
  #scram!: ScramUsers
  #generation = 0

  constructor(settings: AccessSettings) {
    this.replace(settings)
  }

  /** Puts another configuration in the place of the present one. Tell the broker by {@link Broker.accessChanged}. */
  replace(settings: AccessSettings): void {
    this.#settings = settings
    this.#users = new UserAccess(settings.users, settings.allowAnonymous)
    this.#scram = new ScramUsers(settings.users)
    this.#generation++
  }

  /** Counts replacements, so that what was concluded from an older configuration can be told. */
  get generation(): number {
    return this.#generation
  }

  /** May clients without user name connect? */
  get allowsAnonymous(): boolean {
    return this.#settings.allowAnonymous
  }

  authenticate(credentials: Credentials): Authentication | Promise<Authentication> {
    const { users, sources } = this.#settings
    const { userName, password } = credentials
    const isNobody = userName === null && password === null
    if (sources.length === 0 || isNobody || (userName !== null && users.has(userName))) {
      return this.#users.authenticate(credentials)
    }
    return this.#ask(sources, credentials)
  }

  async #ask(sources: readonly UserSource[], credentials: Credentials): Promise<Authentication> {
    for (const source of sources) {
      const answer = await source.authenticate(credentials)
      if (answer !== null) return answer
    }
    return { refused: ReasonCode.BAD_USER_NAME_OR_PASSWORD }
  }

  beginEnhanced(authenticationMethod: string): EnhancedExchange | null {
    return authenticationMethod === SCRAM_SHA_256 ? this.#scram.begin() : null
  }

  rightsOf(identity: string | null, clientId: string, grants: unknown): Rights {
    return new ConfiguredRights(this, identity, clientId, (grants as RuleSets | undefined) ?? null)
  }

  /** Administrators; with rules, who may write the topic; with neither, who connects from this machine. */
  mayControl({ identity, clientId, grants, isLocal }: Controller, topicName: string): boolean {
    const { admins } = this.#settings
    if (identity !== null && admins?.has(identity)) return true
    const rules = this.rulesOf(identity, clientId, (grants as RuleSets | undefined) ?? null)
    if (rules !== null) return judgeTopicName(rules, topicName, Right.WRITE).allowed
    return isLocal && (admins === undefined || admins.size === 0)
  }

  /** For the rights of a client: its rules now; null: everything is allowed. */
  rulesOf(identity: string | null, clientId: string, grants: RuleSets | null): RuleSets | null {
    const own = this.#settings.rules?.of(identity, clientId) ?? null
    if (grants === null) return own
    return own === null ? grants : [...grants, ...own]
  }
}

/** Topic Names per client whose judgement is remembered. */
const MAXIMUM_REMEMBERED = 64

/** The rights of one client; they follow the configuration. */
class ConfiguredRights implements Rights {
  readonly #access: ConfiguredAccess
  readonly #identity: string | null
  readonly #clientId: string
  readonly #grants: RuleSets | null
  #generation = -1
  #rules: RuleSets | null = null
  // Hot: a publisher asks the same few questions again and again.
  readonly #published = new Map<string, boolean>()

  constructor(access: ConfiguredAccess, identity: string | null, clientId: string, grants: RuleSets | null) {
    this.#access = access
    this.#identity = identity
    this.#clientId = clientId
    this.#grants = grants
  }

  mayPublish(topicName: string): boolean {
    const rules = this.#current()
    if (rules === null) return true
    const known = this.#published.get(topicName)
    if (known !== undefined) return known
    const { allowed } = judgeTopicName(rules, topicName, Right.WRITE)
    if (this.#published.size >= MAXIMUM_REMEMBERED) this.#published.clear()
    this.#published.set(topicName, allowed)
    return allowed
  }

  maySubscribe(topicFilter: string): boolean {
    const rules = this.#current()
    return rules === null || judgeTopicFilter(rules, topicFilter).allowed
  }

  mayReceive(topicName: string): boolean {
    const rules = this.#current()
    return rules === null || judgeTopicName(rules, topicName, Right.READ).allowed
  }

  #current(): RuleSets | null {
    if (this.#generation !== this.#access.generation) {
      this.#generation = this.#access.generation
      this.#rules = this.#access.rulesOf(this.#identity, this.#clientId, this.#grants)
      this.#published.clear()
    }
    return this.#rules
  }
}
