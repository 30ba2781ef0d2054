/**
 * The topic room knows how Topic Names and Topic Filters look and when one matches the other. It is a leaf: it imports
 * nothing, keeps nothing, and judges strings only; bytes are the codec's matter. Start here, then topic-filter.ts.
 */

/** The longest Topic Name or Topic Filter, in bytes of UTF-8 [MQTT-4.7.3-3]. */
export const MAXIMUM_TOPIC_BYTES = 65_535

/** What can be wrong with a Topic Name; each has a row of its own in the codec's table of violations. */
export const TopicNameFault = { NONE: 0, EMPTY: 1, WILDCARD: 2, NUL: 3 } as const
export type TopicNameFault = (typeof TopicNameFault)[keyof typeof TopicNameFault]

const NUL = 0
const HASH = 0x23
const PLUS = 0x2b
const SLASH = 0x2f

/** Judges a Topic Name [MQTT-3.3.2-2, MQTT-4.7.3-1, MQTT-4.7.3-2]. An empty one is legal only beside a Topic Alias. */
export function topicNameFault(topicName: string): TopicNameFault {
  if (topicName.length === 0) return TopicNameFault.EMPTY
  for (let i = 0; i < topicName.length; i++) {
    const code = topicName.charCodeAt(i)
    if (code === HASH || code === PLUS) return TopicNameFault.WILDCARD
    if (code === NUL) return TopicNameFault.NUL
  }
  return TopicNameFault.NONE
}

/** Number of levels: separators plus one. Counts without splitting, for limits on depth. */
export function levelCount(topic: string): number {
  let count = 1
  for (let i = 0; i < topic.length; i++) if (topic.charCodeAt(i) === SLASH) count++
  return count
}

/** Topics that begin with `$` are not matched by a leading wildcard [MQTT-4.7.2-1] and belong to the Server. */
export function startsWithDollar(topic: string): boolean {
  return topic.charCodeAt(0) === 0x24
}
