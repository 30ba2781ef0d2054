/** What can be wrong with a Topic Filter; each has a row of its own in the codec's table of violations. */
export const TopicFilterFault = {
  NONE: 0,
  EMPTY: 1,
  NUL: 2,
  HASH_MISPLACED: 3,
  PLUS_MISPLACED: 4,
  SHARE_NAME_EMPTY: 5,
  SHARE_NAME_INVALID: 6,
} as const
export type TopicFilterFault = (typeof TopicFilterFault)[keyof typeof TopicFilterFault]

const NUL = 0
const DOLLAR = 0x24
const HASH = 0x23
const PLUS = 0x2b
const SLASH = 0x2f
const SHARE_PREFIX = '$share/'

/** A filter of a Shared Subscription taken apart: `$share/{shareName}/{topicFilter}` (5.0 section 4.8.2). */
export interface SharedFilter {
  readonly shareName: string
  readonly topicFilter: string
}

/** True for a filter that asks for a Shared Subscription; it may still be malformed. */
export function isSharedFilter(filter: string): boolean {
  return filter === '$share' || filter.startsWith(SHARE_PREFIX)
}

/** Takes a valid shared filter apart; null for a filter that is not shared. */
export function parseSharedFilter(filter: string): SharedFilter | null {
  if (!filter.startsWith(SHARE_PREFIX)) return null
  const slash = filter.indexOf('/', SHARE_PREFIX.length)
  if (slash < 0) return null
  return { shareName: filter.slice(SHARE_PREFIX.length, slash), topicFilter: filter.slice(slash + 1) }
}

/** True when the filter has a wildcard level. */
export function hasWildcard(topicFilter: string): boolean {
  return topicFilter.includes('#') || topicFilter.includes('+')
}

/** Judges a Topic Filter as SUBSCRIBE and UNSUBSCRIBE carry it, shared ones included. */
export function topicFilterFault(filter: string): TopicFilterFault {
  if (!isSharedFilter(filter)) return plainFilterFault(filter, 0)
  const slash = filter.indexOf('/', SHARE_PREFIX.length)
  // [MQTT-4.8.2-1] a ShareName of at least one character; [MQTT-4.8.2-2] no wildcard in it, then a slash and a filter
  if (filter.length <= SHARE_PREFIX.length || slash === SHARE_PREFIX.length) return TopicFilterFault.SHARE_NAME_EMPTY
  if (slash < 0) return TopicFilterFault.SHARE_NAME_INVALID
  for (let i = SHARE_PREFIX.length; i < slash; i++) {
    const code = filter.charCodeAt(i)
    if (code === HASH || code === PLUS) return TopicFilterFault.SHARE_NAME_INVALID
    if (code === NUL) return TopicFilterFault.NUL
  }
  if (slash === filter.length - 1) return TopicFilterFault.SHARE_NAME_INVALID
  return plainFilterFault(filter, slash + 1)
}

function plainFilterFault(filter: string, start: number): TopicFilterFault {
  if (filter.length === start) return TopicFilterFault.EMPTY
  for (let i = start; i < filter.length; i++) {
    const code = filter.charCodeAt(i)
    if (code === NUL) return TopicFilterFault.NUL
    if (code !== HASH && code !== PLUS) continue
    const opensLevel = i === start || filter.charCodeAt(i - 1) === SLASH
    const last = i === filter.length - 1
    if (code === HASH && !(opensLevel && last)) return TopicFilterFault.HASH_MISPLACED
    if (code === PLUS && !(opensLevel && (last || filter.charCodeAt(i + 1) === SLASH))) {
      return TopicFilterFault.PLUS_MISPLACED
    }
  }
  return TopicFilterFault.NONE
}

/**
 * Does one filter match one Topic Name (3.1.1 and 5.0 section 4.7)? Both must be valid; a shared filter is taken apart
 * before. Walks both strings once and allocates nothing; levels are compared as they came [MQTT-4.7.3-4].
 */
export function matches(topicFilter: string, topicName: string): boolean {
  const first = topicFilter.charCodeAt(0)
  // [MQTT-4.7.2-1] a leading wildcard does not match topics that begin with $
  if ((first === HASH || first === PLUS) && topicName.charCodeAt(0) === DOLLAR) return false
  let f = 0
  let t = 0
  while (f < topicFilter.length) {
    const code = topicFilter.charCodeAt(f)
    if (code === HASH) return true
    if (code === PLUS) {
      while (t < topicName.length && topicName.charCodeAt(t) !== SLASH) t++
      f++
      continue
    }
    if (t === topicName.length) {
      // `sport/#` matches `sport` too: `#` stands for the parent level as well
      return code === SLASH && f === topicFilter.length - 2 && topicFilter.charCodeAt(f + 1) === HASH
    }
    if (code !== topicName.charCodeAt(t)) return false
    f++
    t++
  }
  return t === topicName.length
}
