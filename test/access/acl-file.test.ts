import { describe, expect, it } from 'vitest'
import { type AccessRules, parseAclFile } from '../../src/access/acl-file.ts'
import { judgeTopicFilter, judgeTopicName, Right } from '../../src/access/rules.ts'

const parse = (...lines: string[]): AccessRules => parseAclFile(lines.join('\n'), 'acl')

function may(rules: AccessRules, user: string | null, clientId = 'c1') {
  const sets = rules.of(user, clientId)
  return {
    read: (topicName: string) => judgeTopicName(sets, topicName, Right.READ).allowed,
    write: (topicName: string) => judgeTopicName(sets, topicName, Right.WRITE).allowed,
    subscribe: (topicFilter: string) => judgeTopicFilter(sets, topicFilter).allowed,
  }
}

describe('an ACL file', () => {
  const rules = parse(
    '# who may what',
    'topic read public/#',
    '',
    'user ann',
    'topic a/#',
    'topic deny a/secret/#',
    'topic read  logs of today/+  ',
    'user bob smith',
    'topic write b',
    'user ann',
    'topic read more',
    'pattern read clients/%c/in',
    'pattern write users/%u/%c',
  )

  it('gives what stands above the first user to clients without name', () => {
    expect(may(rules, null).read('public/x')).toBe(true)
    expect(may(rules, null).write('public/x')).toBe(false)
    expect(may(rules, null).read('a/x')).toBe(false)
    expect(may(rules, 'ann').read('public/x')).toBe(false)
  })

  it('gives both ways when no kind of access is named, and joins the parts of a user', () => {
    const ann = may(rules, 'ann')
    expect([ann.read('a'), ann.read('a/b'), ann.write('a/b'), ann.read('more'), ann.write('more')]).toEqual([
      true,
      true,
      true,
      true,
      false,
    ])
  })

  it('denies before it allows, whatever the order of the lines', () => {
    expect(may(rules, 'ann').read('a/secret/x')).toBe(false)
    expect(may(rules, 'ann').write('a/secret')).toBe(false)
  })

  it('takes names and topics with spaces', () => {
    expect(may(rules, 'ann').read('logs of today/1')).toBe(true)
    expect(may(rules, 'bob smith').write('b')).toBe(true)
  })

  it('denies what no line mentions, and all to an unknown user', () => {
    expect(may(rules, 'ann').write('b')).toBe(false)
    expect(may(rules, 'eve').read('public/x')).toBe(false)
  })

  it('puts user name and Client Identifier into patterns, for everybody', () => {
    expect(may(rules, 'ann').read('clients/c1/in')).toBe(true)
    expect(may(rules, null).read('clients/c1/in')).toBe(true)
    expect(may(rules, 'ann').read('clients/c2/in')).toBe(false)
    expect(may(rules, 'ann').write('users/ann/c1')).toBe(true)
    expect(may(rules, 'eve').write('users/ann/c1')).toBe(false)
    expect(may(rules, null).write('users//c1')).toBe(false)
  })

  it.each(['+', '#', 'a/b', '+/c1', 'ann/c1'])('C-17 never matches a pattern for the name %s', (name) => {
    const one = parse('pattern readwrite users/%u', 'pattern readwrite clients/%c')
    for (const topicName of ['users/x', `users/${name}`, 'clients/x', `clients/${name}`]) {
      if (/[+#]/.test(topicName)) continue
      expect(may(one, name, 'c').read(topicName)).toBe(false)
      expect(may(one, 'u', name).read(topicName)).toBe(false)
    }
  })

  it('reads names as text, also those that look like a pattern or a replacement', () => {
    const one = parse('pattern read %u/%c')
    expect(may(one, '%c', 'c1').read('%c/c1')).toBe(true)
    expect(may(one, '%c', 'c1').read('c1/c1')).toBe(false)
    expect(may(one, '$&', 'c1').read('$&/c1')).toBe(true)
  })

  it('does not give topics that begin with $ by a leading wildcard', () => {
    const one = parse('topic #', 'topic read $SYS/broker/uptime')
    expect(may(one, null).read('$SYS/broker/version')).toBe(false)
    expect(may(one, null).read('$SYS/broker/uptime')).toBe(true)
  })

  it('grants a subscription when a part of it may be read, and refuses it when nothing may', () => {
    const one = parse('topic read a/#', 'topic deny a/secret/#', 'topic write b/#')
    const { subscribe } = may(one, null)
    expect([subscribe('#'), subscribe('a/+'), subscribe('+/secret')]).toEqual([true, true, true])
    expect([subscribe('b/#'), subscribe('c'), subscribe('a/secret/x'), subscribe('a/secret/#')]).toEqual([
      false,
      false,
      false,
      false,
    ])
  })

  it.each([
    [['user ann', 'topic often a'], 'acl:2: "often" is no kind of access'],
    [['topic read a/#/b'], 'acl:1: "a/#/b" is no valid Topic Filter'],
    [['', 'topics a'], 'acl:2: unknown word "topics"; expected user, topic or pattern'],
    [['user'], 'acl:1: user needs a value'],
    [['pattern deny a/%u+'], 'acl:1: "a/%u+" is no valid Topic Filter'],
  ])('with mistakes is refused with the line: %j', (lines, message) => {
    expect(() => parse(...lines)).toThrow(message)
  })
})
