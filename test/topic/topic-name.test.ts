import { describe, expect, it } from 'vitest'
import { levelCount, startsWithDollar, TopicNameFault, topicNameFault } from '../../src/topic/topic-name.ts'

const { NONE, EMPTY, WILDCARD, NUL } = TopicNameFault

describe('a Topic Name', () => {
  it.each<[string, TopicNameFault]>([
    ['a', NONE],
    ['/', NONE],
    ['//', NONE],
    [' ', NONE],
    ['a b/é/🐙', NONE],
    ['\u{feff}', NONE],
    ['\x01', NONE],
    ['$SYS/x', NONE],
    ['__proto__/constructor', NONE],
    ['x'.repeat(65_535), NONE],
    ['', EMPTY],
    ['+', WILDCARD],
    ['#', WILDCARD],
    ['a/+/b', WILDCARD],
    ['a#', WILDCARD],
    ['\0', NUL],
    ['a/\0', NUL],
  ])('%j is judged %i', (topicName, fault) => {
    expect(topicNameFault(topicName)).toBe(fault)
  })

  it.each([
    ['a', 1],
    ['a/b', 2],
    ['/', 2],
    ['//', 3],
    ['/a/', 3],
  ])('%s has %i levels', (topicName, levels) => {
    expect(levelCount(topicName)).toBe(levels)
  })

  it('belongs to the Server when it begins with $', () => {
    expect(startsWithDollar('$SYS/x')).toBe(true)
    expect(startsWithDollar('a/$SYS')).toBe(false)
    expect(startsWithDollar('')).toBe(false)
  })
})
