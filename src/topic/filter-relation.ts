import { startsWithDollar } from './topic-name.ts'

/** Is there a Topic Name that both filters match? Both must be valid and not shared. */
export function overlaps(one: string, other: string): boolean {
  if (startApart(one, other)) return false
  const left = one.split('/')
  const right = other.split('/')
  for (let i = 0; ; i++) {
    const a = left[i]
    const b = right[i]
    // `#` stands for its parent level as well, so the other may have ended here
    if (a === '#' || b === '#') return true
    if (a === undefined || b === undefined) return a === b
    if (a !== b && a !== '+' && b !== '+') return false
  }
}

/** Does the first filter match every Topic Name that the second one matches? Both must be valid and not shared. */
export function covers(wide: string, narrow: string): boolean {
  if (startApart(wide, narrow)) return false
  const outer = wide.split('/')
  const inner = narrow.split('/')
  for (let i = 0; ; i++) {
    const a = outer[i]
    const b = inner[i]
    if (a === '#') return true
    if (a === undefined || b === undefined) return a === b
    if (b === '#' || (a !== b && a !== '+')) return false
  }
}

// [MQTT-4.7.2-1] a leading wildcard does not match topics that begin with $
function startApart(one: string, other: string): boolean {
  return (startsWithWildcard(one) && startsWithDollar(other)) || (startsWithWildcard(other) && startsWithDollar(one))
}

function startsWithWildcard(topicFilter: string): boolean {
  return topicFilter.startsWith('+') || topicFilter.startsWith('#')
}
