import { describe, expect, it } from 'vitest'
import { parseAclFile } from '../../src/access/acl-file.ts'
import { type AccessSettings, ConfiguredAccess } from '../../src/access/configured-access.ts'
import { PasswordFile } from '../../src/access/password-file.ts'
import { formatPasswordHash, hashPassword } from '../../src/access/password-hash.ts'
import { PasswordSource } from '../../src/access/password-source.ts'

async function passwordSource(name: string, password: string): Promise<PasswordSource> {
  const hash = await hashPassword(Buffer.from(password), 1)
  return new PasswordSource(new PasswordFile(`${name}:${formatPasswordHash(hash)}`, 'users'), true)
}

function access(settings: Partial<AccessSettings>): ConfiguredAccess {
  return new ConfiguredAccess({ users: new Map(), sources: [], rules: null, allowAnonymous: false, ...settings })
}

function login(target: ConfiguredAccess, userName: string | null, password: string | null) {
  return target.authenticate({
    clientId: 'c',
    userName,
    password: password === null ? null : Buffer.from(password),
    remoteAddress: '',
  })
}

describe('configured access', () => {
  it('asks the users of the command line first, then the password file', async () => {
    const both = access({ users: new Map([['ann', 'one']]), sources: [await passwordSource('bob', 'two')] })

    expect(await login(both, 'ann', 'one')).toEqual({ identity: 'ann' })
    expect(await login(both, 'ann', 'two')).toEqual({ refused: 0x86 })
    expect(await login(both, 'bob', 'two')).toEqual({ identity: 'bob' })
    expect(await login(both, 'bob', null)).toEqual({ refused: 0x86 })
    expect(await login(both, 'eve', 'two')).toEqual({ refused: 0x86 })
    expect(await login(both, null, null)).toEqual({ refused: 0x87 })
  })

  it('lets clients without name in when told to, and no wrong name even then', async () => {
    const open = access({ sources: [await passwordSource('bob', 'two')], allowAnonymous: true })

    expect(await login(open, null, null)).toEqual({ identity: null })
    expect(await login(open, 'eve', '')).toEqual({ refused: 0x86 })
  })

  it('changes all answers when its rules are replaced, remembered ones too', () => {
    const changing = access({ rules: parseAclFile('topic a', 'acl') })
    const rights = changing.rightsOf(null, 'c', undefined)
    expect([rights.mayPublish('a'), rights.mayReceive('a'), rights.mayPublish('b')]).toEqual([true, true, false])

    changing.replace({ users: new Map(), sources: [], rules: parseAclFile('topic b', 'acl'), allowAnonymous: true })
    expect([rights.mayPublish('a'), rights.mayReceive('a'), rights.mayPublish('b')]).toEqual([false, false, true])

    changing.replace({ users: new Map(), sources: [], rules: null, allowAnonymous: true })
    expect([rights.mayPublish('a'), rights.maySubscribe('#'), rights.mayPublish('c')]).toEqual([true, true, true])
  })

  it('asks rules that come with an identity before those of the file', () => {
    const target = access({ rules: parseAclFile('user ann\ntopic deny a/b\ntopic read c', 'acl') })
    const rights = target.rightsOf('ann', 'c', [[{ right: 3, topicFilter: 'a/#', line: 0 }]])

    expect([rights.mayPublish('a/b'), rights.mayReceive('c'), rights.mayPublish('d')]).toEqual([true, true, false])
  })

  it('remembers a bounded number of topics, and answers rightly past it', () => {
    const rights = access({ rules: parseAclFile('topic write a/+', 'acl') }).rightsOf(null, 'c', undefined)

    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 200; i++) {
        expect(rights.mayPublish(`a/${i}`)).toBe(true)
        expect(rights.mayPublish(`b/${i}`)).toBe(false)
      }
    }
  })
})
