import { describe, expect, it } from 'vitest'
import { PasswordFile, userNameFault } from '../../src/access/password-file.ts'
import { formatPasswordHash, hashPassword, parsePasswordHash } from '../../src/access/password-hash.ts'

/** Made by mosquitto_passwd 2.0.11. */
const ANN =
  'ann:$7$101$QUjHmaXyLXAwROEa$eSD06IRr3NBs1IONmHzuRV7DChqv4rXRH6RP9NeTvHJUVYdR8EoHL/NLCK28grLdhG/w90px2O0sB8u0ZwWwMA=='
const BOB =
  'bob:$6$0C248SH1mZ4eCcdA$T0kber0yL9cvck30/gJB2LwLh0f1vEUDQ4O7QUTzl9Z2HbMHYBaD8sGBQeCiZYJ864YGLmAHIwes8hflV+CqTA=='

const verify = (file: PasswordFile, name: string, password: string) => file.verify(name, Buffer.from(password))

describe('a password file', () => {
  it.each(['\n', '\r\n'])('of mosquitto is read, both kinds of hashes: lines end with %j', async (end) => {
    const file = new PasswordFile(['# users', ANN, '', BOB, ''].join(end), 'users')

    expect(file.names).toEqual(['ann', 'bob'])
    expect(await verify(file, 'ann', 'secret')).toBe(true)
    expect(await verify(file, 'bob', 's3')).toBe(true)
    expect(await verify(file, 'ann', 's3')).toBe(false)
    expect(await verify(file, 'bob', '')).toBe(false)
    expect(await verify(file, 'eve', 'secret')).toBe(false)
    expect(await verify(file, '', '')).toBe(false)
  })

  it('lets nobody in when it is empty', async () => {
    expect(await verify(new PasswordFile('', 'users'), 'ann', '')).toBe(false)
  })

  it.each([0, 1, 101])('takes new passwords of any bytes, hashed in %i rounds', async (iterations) => {
    const password = Buffer.from('00ff0ac328', 'hex')
    const text = new PasswordFile(`${ANN}\n# end`, 'users').withUser('new', await hashPassword(password, iterations))
    const file = new PasswordFile(text, 'users')

    expect(text.startsWith(`${ANN}\n# end\nnew:$`)).toBe(true)
    expect(await file.verify('new', password)).toBe(true)
    expect(await verify(file, 'ann', 'secret')).toBe(true)
  })

  it('replaces a user in place, and removes one', async () => {
    const file = new PasswordFile(`${ANN}\n${BOB}\n`, 'users')
    const text = file.withUser('ann', await hashPassword(Buffer.from('new'), 5))

    expect(text).toMatch(/^ann:\$7\$5\$.*\nbob:.*\n$/)
    expect(new PasswordFile(text, 'users').withoutUser('ann')).toBe(`${BOB}\n`)
    expect(new PasswordFile(`${BOB}\n`, 'users').withoutUser('bob')).toBe('')
  })

  it('has another salt for each password', async () => {
    const [one, other] = await Promise.all([hashPassword(Buffer.from('a'), 1), hashPassword(Buffer.from('a'), 1)])

    expect(formatPasswordHash(one)).not.toBe(formatPasswordHash(other))
  })

  it.each([
    ['ann', 'users:2: expected NAME:HASH'],
    [':x', 'users:2: expected NAME:HASH'],
    ['ann:secret', 'users:2: the password is not hashed; mqtt-kit passwd -U hashes all of a file'],
    ['ann:$argon2id$v=19$x', 'users:2: hashes of kind $argon2id$ are not read, $6$ and $7$ are'],
    ['ann:$7$0$AAAA$AAAA', 'users:2: hashes of kind $7$'],
  ])('with %j in it is refused, with the line', (line, message) => {
    expect(() => new PasswordFile(`${BOB}\n${line}`, 'users')).toThrow(message)
  })

  it('asks no thread for hours of work', () => {
    expect(parsePasswordHash(ANN.slice(4).replace('$101$', '$99999999$'))).toBeNull()
  })

  it.each(['', 'a:b', 'a\nb', '#a', ' a', 'a ', 'x'.repeat(65_536)])('has no user %j', (name) => {
    expect(userNameFault(name)).not.toBeNull()
  })
})
