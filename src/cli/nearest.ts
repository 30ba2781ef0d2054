const LARGEST_DISTANCE = 3

/**
 * The word that a mistyped one was probably meant to be: by edit distance (insert, delete, replace, swap), at most 3 and
 * less than half of what was typed.
 * @returns null when nothing is near
 */
export function nearest(typed: string, words: Iterable<string>): string | null {
  let best: string | null = null
  let bestDistance = Math.min(LARGEST_DISTANCE, Math.ceil(typed.length / 2) - 1) + 1
  for (const word of words) {
    const distance = word.startsWith(typed) && typed.length > 2 ? 1 : editDistance(typed, word)
    if (distance < bestDistance) {
      best = word
      bestDistance = distance
    }
  }
  return best
}

function editDistance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, column) => column)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = last[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      const swapped = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1] ? beforeLast[j - 2]! + 1 : replaced
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, replaced, swapped))
    }
    beforeLast = last
    last = row
  }
  return last[to.length]!
}
