import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  hasWildcard,
  isSharedFilter,
  matches,
  parseSharedFilter,
  TopicFilterFault,
  topicFilterFault,
} from '../../src/topic/topic-filter.ts'

const { NONE, EMPTY, NUL, HASH_MISPLACED, PLUS_MISPLACED, SHARE_NAME_EMPTY, SHARE_NAME_INVALID } = TopicFilterFault

describe('matching', () => {
  it.each<[filter: string, topicName: string, matching: boolean]>([
    ['sport/#', 'sport', true],
    ['sport/#', 'sport/', true],
    ['sport/#', 'sport/a/b', true],
    ['sport/#', 'sports', false],
    ['sport/#', 'spor', false],
    ['#', '/', true],
    ['#', 'a', true],
    ['#', '$SYS/x', false],
    ['+/x', '$SYS/x', false],
    ['+/#', '$SYS/x', false],
    ['$SYS/#', '$SYS', true],
    ['$SYS/#', '$SYS/x/y', true],
    ['$SYS/+', '$SYS/x', true],
    ['$SYS/+', '$SYS', false],
    ['a/+/b', 'a//b', true],
    ['a/+/b', 'a/b', false],
    ['+/#', 'a', true],
    ['+/#', '/', true],
    ['a/b/', 'a/b', false],
    ['a/b', 'a/b/', false],
    ['+', 'finance', true],
    ['+', '/finance', false],
    ['/+', '/finance', true],
    ['+/+', '/finance', true],
    ['+/+', '/', true],
    ['+/+/+', '//', true],
    ['+/+', '//', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['sport/+', 'sport/a/b', false],
    ['+/+/#', 'a', false],
    ['+/+/#', 'a/b', true],
    ['/#', '/', true],
    ['/#', 'a', false],
    ['a//b', 'a/b', false],
    ['a/#', 'A/x', false],
    ['/a', 'a', false],
    ['a', 'a/', false],
    ['/a', '//a', false],
    ['\u{e9}', 'e\u{301}', false],
    ['\u{feff}a', 'a', false],
    ['__proto__/+', '__proto__/constructor', true],
    ['a/$x', 'a/$x', true],
    ['+/$x', 'a/$x', true],
  ])('of %s and %s is %s', (filter, topicName, matching) => {
    expect(topicFilterFault(filter)).toBe(NONE)
    expect(matches(filter, topicName)).toBe(matching)
  })

  it('takes a level of 60,000 characters and 32,000 levels like any other', () => {
    const long = 'x'.repeat(60_000)
    const deep = '/'.repeat(32_000)

    expect(matches(`+/${long}`, `a/${long}`)).toBe(true)
    expect(matches(`+/${long}`, `a/${long}x`)).toBe(false)
    expect(matches(deep, deep)).toBe(true)
    expect(matches(`+${'/+'.repeat(32_000)}`, deep)).toBe(true)
    expect(matches(`+${'/+'.repeat(31_999)}`, deep)).toBe(false)
    expect(matches('#', deep)).toBe(true)
  })

  it('is what comparing level by level gives, for all valid filters and names', () => {
    const level = fc.constantFrom('', 'a', 'b', 'ab', '$', '$a', 'é', ' ')
    const topicName = fc.array(level, { minLength: 1, maxLength: 6 }).map((levels) => levels.join('/'))
    const filterLevels = fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 6 })
    const filter = fc
      .tuple(filterLevels, fc.boolean())
      .map(([levels, open]) => (open ? [...levels, '#'] : levels).join('/'))
      .filter((text) => text !== '')

    fc.assert(
      fc.property(
        filter,
        topicName.filter((text) => text !== ''),
        (oneFilter, oneName) => {
          expect(topicFilterFault(oneFilter)).toBe(NONE)
          expect(matches(oneFilter, oneName)).toBe(matchesByLevels(oneFilter, oneName))
        },
      ),
      { numRuns: 5000 },
    )
  })
})

/** The rules of section 4.7 as they are written, level by level. */
function matchesByLevels(filter: string, topicName: string): boolean {
  const filterLevels = filter.split('/')
  const nameLevels = topicName.split('/')
  const startsWithWildcard = filterLevels[0] === '+' || filterLevels[0] === '#'
  if (startsWithWildcard && topicName.startsWith('$')) return false
  if (filterLevels.at(-1) === '#') {
    const parents = filterLevels.slice(0, -1)
    return (
      nameLevels.length >= parents.length && parents.every((one, index) => one === '+' || one === nameLevels[index])
    )
  }
  if (filterLevels.length !== nameLevels.length) return false
  return filterLevels.every((one, index) => one === '+' || one === nameLevels[index])
}

describe('a Topic Filter', () => {
  it.each<[string, TopicFilterFault]>([
    ['a', NONE],
    ['#', NONE],
    ['+', NONE],
    ['/', NONE],
    ['/#', NONE],
    ['+/', NONE],
    ['+/+/#', NONE],
    ['a/+/b/#', NONE],
    ['$SYS/#', NONE],
    ['$shared/x', NONE],
    ['$SHARE//x', NONE],
    ['x$share//a', NONE],
    ['$share/g/a', NONE],
    ['$share/g/#', NONE],
    ['$share/g//', NONE],
    ['$share/g/+/a', NONE],
    ['$share/$share/$share/a', NONE],
    ['', EMPTY],
    ['\0', NUL],
    ['a/\0/#', NUL],
    ['$share/\0/a', NUL],
    ['$share/g/\0', NUL],
    ['a#', HASH_MISPLACED],
    ['#a', HASH_MISPLACED],
    ['#/', HASH_MISPLACED],
    ['a/#/b', HASH_MISPLACED],
    ['##', HASH_MISPLACED],
    ['+#', PLUS_MISPLACED],
    ['#+', HASH_MISPLACED],
    ['a+', PLUS_MISPLACED],
    ['+a', PLUS_MISPLACED],
    ['a/+b', PLUS_MISPLACED],
    ['++', PLUS_MISPLACED],
    ['$share/', SHARE_NAME_EMPTY],
    ['$share//', SHARE_NAME_EMPTY],
    ['$share//a', SHARE_NAME_EMPTY],
    ['$share/g', SHARE_NAME_INVALID],
    ['$share/g/', SHARE_NAME_INVALID],
    ['$share/+/a', SHARE_NAME_INVALID],
    ['$share/#', SHARE_NAME_INVALID],
    ['$share/a+/b', SHARE_NAME_INVALID],
    ['$share/g#/a', SHARE_NAME_INVALID],
    ['$share/g/a#', HASH_MISPLACED],
    ['$share/g/#/a', HASH_MISPLACED],
    ['$share/g/a+', PLUS_MISPLACED],
  ])('%j is judged %i', (filter, fault) => {
    expect(topicFilterFault(filter)).toBe(fault)
  })

  it('is valid when each of its levels is, and only then', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '/', '+', '#'), minLength: 1, maxLength: 8 })
    const validByLevels = (filter: string): boolean => {
      const levels = filter.split('/')
      return levels.every(
        (level, index) =>
          level === '+' ||
          (level === '#' && index === levels.length - 1) ||
          !(level.includes('+') || level.includes('#')),
      )
    }

    fc.assert(
      fc.property(text, (filter) => {
        expect(topicFilterFault(filter) === NONE).toBe(validByLevels(filter))
      }),
      { numRuns: 5000 },
    )
  })

  it('tells whether it has a wildcard', () => {
    expect(['a', '$share/g/a', '/'].map(hasWildcard)).toEqual([false, false, false])
    expect(['#', '+', 'a/+', '$share/g/#'].map(hasWildcard)).toEqual([true, true, true, true])
  })
})

describe('the filter of a Shared Subscription', () => {
  it('is taken apart into ShareName and Topic Filter', () => {
    expect(parseSharedFilter('$share/g/a/b')).toEqual({ shareName: 'g', topicFilter: 'a/b' })
    expect(parseSharedFilter('$share/g//a')).toEqual({ shareName: 'g', topicFilter: '/a' })
    expect(parseSharedFilter('$share/$share/#')).toEqual({ shareName: '$share', topicFilter: '#' })
  })

  it('is none of another filter', () => {
    expect(['a', '$SYS/#', '$shared/g/a', 'x/$share/g/a', '$SHARE/g/a'].map(parseSharedFilter)).toEqual(
      Array.from({ length: 5 }, () => null),
    )
    expect(['a', '$shared/g/a', '/$share/g/a'].map(isSharedFilter)).toEqual([false, false, false])
    expect(['$share/g/a', '$share/'].map(isSharedFilter)).toEqual([true, true])
  })
})
