import { covers, overlaps } from '../topic/filter-relation.ts'
import { matches } from '../topic/topic-filter.ts'

/** What a rule gives, as bits; a rule that gives nothing denies. */
export const Right = { NONE: 0, READ: 1, WRITE: 2, READ_AND_WRITE: 3 } as const
export type Right = (typeof Right)[keyof typeof Right]

/** One rule about topics. */
export interface Rule {
  readonly right: Right
  /** in a pattern, `%u` and `%c` stand for user name and Client Identifier */
  readonly topicFilter: string
  /** where it stands in its file, from 1; 0 when it is of no file */
  readonly line: number
}

/** What a set of rules says to one question: allowed, or not, and the rule that decided; null: none was for it. */
export interface Verdict {
  readonly allowed: boolean
  readonly rule: Rule | null
}

/** Rules of one client: sets that are asked in turn. Inside a set what denies comes before what allows. */
export type RuleSets = readonly (readonly Rule[])[]

const UNMENTIONED: Verdict = { allowed: false, rule: null }

/** Denying rules first, whatever their order in the file: so does mosquitto. */
export function inOrderOfJudgement(rules: readonly Rule[]): Rule[] {
  return [...rules.filter(({ right }) => right === Right.NONE), ...rules.filter(({ right }) => right !== Right.NONE)]
}

/** May a Topic Name be read or written? What no rule mentions is denied. */
export function judgeTopicName(sets: RuleSets, topicName: string, asked: Right): Verdict {
  for (const rules of sets) {
    for (const rule of rules) {
      const speaks = rule.right === Right.NONE || (rule.right & asked) !== 0
      if (speaks && matches(rule.topicFilter, topicName)) return { allowed: rule.right !== Right.NONE, rule }
    }
  }
  return UNMENTIONED
}

/**
 * May a Topic Filter be subscribed to? Yes when some of its topics may be read: each message is judged again when it is
 * delivered. No when none may be, because no rule overlaps it or a denying one covers it.
 */
export function judgeTopicFilter(sets: RuleSets, topicFilter: string): Verdict {
  for (const rules of sets) {
    for (const rule of rules) {
      if (rule.right === Right.NONE) {
        if (covers(rule.topicFilter, topicFilter)) return { allowed: false, rule }
      } else if ((rule.right & Right.READ) !== 0 && overlaps(rule.topicFilter, topicFilter)) {
        return { allowed: true, rule }
      }
    }
  }
  return UNMENTIONED
}
