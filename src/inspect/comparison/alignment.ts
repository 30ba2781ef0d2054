/** Two places that belong together; null where one side has nothing. */
export type Pair = readonly [left: number | null, right: number | null]

/** What makes an item recognisable, from strict to loose. */
export type Keys<T> = readonly ((item: T) => string)[]

/** Cells of the table in which a longest common subsequence is looked for; larger stretches are cut at what is unique first. */
const TABLE_CELLS = 4 * 1024 * 1024

/**
 * Puts two lists side by side, keeping the order of each: first what is alike by the strict key, then, in the gaps that are left,
 * what is alike by the next one. What has no partner stands alone, left before right.
 */
export function align<T>(left: readonly T[], right: readonly T[], keys: Keys<T>): Pair[] {
  const pairs: Pair[] = []
  const whole: Stretch = { left: 0, leftEnd: left.length, right: 0, rightEnd: right.length }
  alignStretch(left, right, keys, whole, pairs)
  return pairs
}

interface Stretch {
  readonly left: number
  readonly leftEnd: number
  readonly right: number
  readonly rightEnd: number
}

function alignStretch<T>(
  left: readonly T[],
  right: readonly T[],
  [key, ...looser]: Keys<T>,
  stretch: Stretch,
  pairs: Pair[],
): void {
  const { leftEnd, rightEnd } = stretch
  let [leftAt, rightAt] = [stretch.left, stretch.right]
  const fill = (leftTo: number, rightTo: number): void => {
    const gap = { left: leftAt, leftEnd: leftTo, right: rightAt, rightEnd: rightTo }
    if (key !== undefined && leftAt < leftTo && rightAt < rightTo) alignStretch(left, right, looser, gap, pairs)
    else {
      for (let i = leftAt; i < leftTo; i++) pairs.push([i, null])
      for (let j = rightAt; j < rightTo; j++) pairs.push([null, j])
    }
  }
  if (key !== undefined) {
    const matches = commonSubsequence(left.slice(leftAt, leftEnd).map(key), right.slice(rightAt, rightEnd).map(key))
    for (const [i, j] of matches) {
      fill(stretch.left + i, stretch.right + j)
      pairs.push([stretch.left + i, stretch.right + j])
      leftAt = stretch.left + i + 1
      rightAt = stretch.right + j + 1
    }
  }
  fill(leftEnd, rightEnd)
}

type Match = readonly [left: number, right: number]

/** Places of equal words, rising on both sides: the longest such list, or a long one where that would take too long. */
export function commonSubsequence(left: readonly string[], right: readonly string[]): Match[] {
  let start = 0
  while (start < left.length && start < right.length && left[start] === right[start]) start++
  let tail = 0
  const shorter = Math.min(left.length, right.length) - start
  while (tail < shorter && left.at(-1 - tail) === right.at(-1 - tail)) tail++
  const middle = { left: left.slice(start, left.length - tail), right: right.slice(start, right.length - tail) }
  const inner = middle.left.length * middle.right.length <= TABLE_CELLS ? byTable(middle) : byUniqueWords(middle)
  return [
    ...Array.from({ length: start }, (_, i): Match => [i, i]),
    ...inner.map(([i, j]): Match => [i + start, j + start]),
    ...Array.from({ length: tail }, (_, i): Match => [left.length - tail + i, right.length - tail + i]),
  ]
}

interface Sides {
  readonly left: readonly string[]
  readonly right: readonly string[]
}

function byTable({ left, right }: Sides): Match[] {
  const width = right.length + 1
  // the longest list from (i, j) to the ends
  const lengths = new Uint32Array((left.length + 1) * width)
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      const at = i * width + j
      lengths[at] =
        left[i] === right[j] ? lengths[at + width + 1]! + 1 : Math.max(lengths[at + width]!, lengths[at + 1]!)
    }
  }
  const matches: Match[] = []
  for (let i = 0, j = 0; i < left.length && j < right.length; ) {
    const at = i * width + j
    if (left[i] === right[j]) matches.push([i++, j++])
    else if (lengths[at + width]! >= lengths[at + 1]!) i++
    else j++
  }
  return matches
}

// As in patience diff: words that stand once on both sides hold the rest in place.
function byUniqueWords({ left, right }: Sides): Match[] {
  const places = uniquePlaces(right)
  const candidates = [...uniquePlaces(left)]
    .map(([word, i]): [number, number | undefined] => [i, places.get(word)])
    .filter((match): match is [number, number] => match[1] !== undefined)
    .sort(([a], [b]) => a - b)
  const anchors = longestRising(candidates)
  if (anchors.length === 0) return byPlace({ left, right })
  const matches: Match[] = []
  let [leftAt, rightAt] = [0, 0]
  for (const [i, j] of [...anchors, [left.length, right.length] as const]) {
    const between = commonSubsequence(left.slice(leftAt, i), right.slice(rightAt, j))
    for (const [inLeft, inRight] of between) matches.push([leftAt + inLeft, rightAt + inRight])
    if (i < left.length) matches.push([i, j])
    leftAt = i + 1
    rightAt = j + 1
  }
  return matches
}

function uniquePlaces(words: readonly string[]): Map<string, number> {
  const places = new Map<string, number>()
  const repeated = new Set<string>()
  for (const [place, word] of words.entries()) {
    if (places.has(word)) repeated.add(word)
    else places.set(word, place)
  }
  for (const word of repeated) places.delete(word)
  return places
}

// The longest list of matches that rises on the right, too; they come in the order of the left.
function longestRising(matches: readonly Match[]): Match[] {
  // index of the match that ends the best list of each length, and what comes before each match
  const ends: number[] = []
  const before: number[] = []
  for (const [index, [, place]] of matches.entries()) {
    let [low, high] = [0, ends.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (matches[ends[middle]!]![1] < place) low = middle + 1
      else high = middle
    }
    before.push(low === 0 ? -1 : ends[low - 1]!)
    ends[low] = index
  }
  const result: Match[] = []
  for (let index = ends.at(-1) ?? -1; index >= 0; index = before[index]!) result.push(matches[index]!)
  return result.reverse()
}

function byPlace({ left, right }: Sides): Match[] {
  return left.flatMap((word, place): Match[] => (word === right[place] ? [[place, place]] : []))
}
