import { describe, expect, it } from 'vitest'
import { covers, overlaps } from '../../src/topic/filter-relation.ts'
import { matches } from '../../src/topic/topic-filter.ts'

const LEVELS = ['a', 'b', '$x', '']

/** All filters of up to three levels, and all names of up to four, over a small alphabet. */
function combinations(levels: readonly string[], longest: number): string[] {
  let rows = [...levels]
  const all = [...rows]
  for (let length = 2; length <= longest; length++) {
    rows = rows.flatMap((row) => levels.map((level) => `${row}/${level}`))
    all.push(...rows)
  }
  return all.filter((text) => text !== '')
}

const names = combinations(LEVELS, 4)
const filters = combinations([...LEVELS, '+'], 3).flatMap((filter) => [filter, `${filter}/#`])
filters.push('#')

// every third one against all: about 30,000 pairs
const some = filters.filter((_, index) => index % 3 === 0)
const matched = new Map(filters.map((filter) => [filter, new Set(names.filter((name) => matches(filter, name)))]))

describe('two Topic Filters', () => {
  it('overlap exactly when a Topic Name matches both', () => {
    for (const one of some) {
      const ours = matched.get(one)!
      for (const other of filters) {
        const isCommon = [...matched.get(other)!].some((name) => ours.has(name))
        if (overlaps(one, other) !== isCommon)
          expect([one, other, overlaps(one, other)]).toEqual([one, other, isCommon])
      }
    }
  })

  it('cover each other only when every Topic Name of the one matches the other', () => {
    for (const wide of some) {
      const outer = matched.get(wide)!
      for (const narrow of filters) {
        if (!covers(wide, narrow)) continue
        const outside = [...matched.get(narrow)!].find((name) => !outer.has(name))
        if (outside !== undefined) expect([wide, narrow, outside]).toEqual([wide, narrow, undefined])
      }
    }
  })

  it.each([
    ['#', 'a/b', true],
    ['#', '#', true],
    ['#', '+/+', true],
    ['a/#', 'a', true],
    ['a/#', 'a/+/c', true],
    ['a/+', 'a/b', true],
    ['a/+', 'a/#', false],
    ['a/b', 'a/+', false],
    ['#', '$SYS/#', false],
    ['$SYS/#', '$SYS/a', true],
  ])('%s covers %s: %s', (wide, narrow, expected) => {
    expect(covers(wide, narrow)).toBe(expected)
  })
})
