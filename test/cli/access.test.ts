import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SignJWT } from 'jose'
import { describe, expect, it, onTestFinished } from 'vitest'
import { run, start } from '../support/program.ts'

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

function file(text: string): string {
  const path = join(folder(), 'file')
  writeFileSync(path, text)
  return path
}

describe('passwd', () => {
  it('makes a file for its owner only, sets users in it and removes them', async () => {
    const path = join(folder(), 'users')

    expect(await run(['passwd', '-c', path, 'ann'], { input: 'secret\n' })).toMatchObject({ exitCode: 0, stderr: '' })
    expect(readFileSync(path, 'utf8')).toMatch(/^ann:\$7\$101\$[\w+/]{16}\$[\w+/=]{88}\n$/)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect((await run(['passwd', '-b', '-H', 'sha512', path, 'bob', 'x'])).exitCode).toBe(0)
    expect(
      (await run(['passwd', '-I', '5', '--password-env', 'P', path, 'ann'], { environment: { P: 'y' } })).exitCode,
    ).toBe(0)
    expect(readFileSync(path, 'utf8')).toMatch(/^ann:\$7\$5\$.*\nbob:\$6\$.*\n$/)
    expect((await run(['passwd', '-D', path, 'ann'])).exitCode).toBe(0)
    expect(readFileSync(path, 'utf8')).toMatch(/^bob:\$6\$.*\n$/)
  })

  it('hashes a file of plain passwords', async () => {
    const path = file('# mine\nann:se:cret\nbob: x \n')

    expect((await run(['passwd', '-U', path])).exitCode).toBe(0)
    expect(readFileSync(path, 'utf8')).toMatch(/^ann:\$7\$101\$.*\nbob:\$7\$101\$.*\n$/)
    const again = await run(['passwd', '-U', path])
    expect(again).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('the password of ann is hashed already'),
    })
  })

  it.each([
    [['passwd', '/nowhere/users', 'ann'], 'cannot read /nowhere/users: ENOENT', '-c makes a new file'],
    [['passwd', '-c', '/nowhere/users', 'ann'], 'cannot write /nowhere/users: ENOENT', ''],
    [['passwd', 'users'], 'expected FILE, USER', ''],
    [['passwd', 'users', 'ann', 'secret'], 'expected FILE, USER; with -b, PASSWORD too', ''],
    [['passwd', '-b', 'users', 'a:b', 'x'], 'has no colon', ''],
    [['passwd', '-c', '-D', 'users', 'ann'], 'give one of -c, -D and -U', ''],
  ])('%j ends with one line that helps', async (args, ...texts) => {
    const { exitCode, stderr } = await run(args, { input: 'secret' })

    expect([2, 12]).toContain(exitCode)
    expect(stderr).toMatch(/^mqtt-kit passwd: .*\n$/)
    for (const text of texts) expect(stderr).toContain(text)
  })
})

describe('acl check', () => {
  const rules = 'topic read open/#\nuser ann\ntopic home/#\ntopic deny home/safe\npattern write in/%c\n'

  it('says that a file is in order, or where it is not', async () => {
    const good = file(rules)
    const bad = file('user ann\ntopic reed a\n')

    expect(await run(['acl', 'check', good])).toMatchObject({ exitCode: 0, stdout: `${good}: 4 rules, no mistakes\n` })
    expect(await run(['acl', 'check', bad])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`${bad}:2: `),
    })
  })

  it.each([
    [['-u', 'ann', 'write', 'home/door'], 0, 'allowed: FILE:3: readwrite home/#'],
    [['-u', 'ann', 'write', 'home/safe'], 9, 'denied: FILE:4: deny home/safe'],
    [['write', 'open/x'], 9, 'denied: no rule mentions it'],
    [['read', 'open/x'], 0, 'allowed: FILE:1: read open/#'],
    [['-i', 'c1', 'write', 'in/c1'], 0, 'allowed: FILE:5: write in/c1'],
    [['-u', 'ann', 'subscribe', '$share/g/#'], 0, 'allowed: FILE:3: readwrite home/#'],
    [['-u', 'ann', 'subscribe', 'home/safe'], 6, 'denied: FILE:4: deny home/safe'],
    [['-u', 'eve', 'read', 'open/x'], 6, 'denied: no rule mentions it'],
  ])('answers %j with %i', async (question, exitCode, answer) => {
    const path = file(rules)

    expect(await run(['acl', 'check', path, ...question])).toMatchObject({
      exitCode,
      stdout: `${answer.replace('FILE', path)}\n`,
    })
  })
})

describe('serve with files of users and rules', () => {
  it('lets users in by their password, and to their topics', async () => {
    const users = join(folder(), 'users')
    await run(['passwd', '-c', '-b', users, 'ann', 'secret'])
    const acl = file('user ann\ntopic read $SYS/#\ntopic a\n')
    const server = start(['serve', '-p', '0', '--password-file', users, '--acl', acl])
    await server.says('mqtt-kit ready')
    const url = server.stdout.trim().split(' ').at(-1)!
    const publish = (topic: string, ...args: string[]) => run(['pub', url, '-t', topic, '-m', 'x', '-q', '1', ...args])

    expect((await publish('a', '-u', 'ann', '-P', 'secret')).exitCode).toBe(0)
    expect((await publish('a', '-u', 'ann', '-P', 'wrong')).exitCode).toBe(5)
    expect((await publish('a')).exitCode).toBe(5)
    expect((await publish('b', '-u', 'ann', '-P', 'secret')).exitCode).toBe(9)
  })

  it.each([
    [['--password-file', '/nowhere/users'], 'cannot read --password-file /nowhere/users: ENOENT'],
    [['--acl', '/nowhere/acl'], 'cannot read --acl /nowhere/acl: ENOENT'],
  ])('does not start with %j', async (args, text) => {
    expect(await run(['serve', '-p', '0', ...args])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(text),
    })
  })
})

describe('serve asks about users', () => {
  it('by the keys of --jwt-keys, and says which option names a file that is none', async () => {
    const key = { kty: 'oct', k: Buffer.alloc(32, 7).toString('base64url') }
    const program = start([
      'serve',
      '-p',
      '0',
      '-v',
      '--jwt-keys',
      file(JSON.stringify({ keys: [key] })),
      '--jwt-audience',
      'mqtt',
    ])
    await program.says('mqtt-kit ready')
    const url = /mqtt:\S+/.exec(program.stdout)![0]
    const sign = (aud: string) =>
      new SignJWT({ sub: 'ann', aud }).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.alloc(32, 7))

    const pub = async (password: string) =>
      run(['pub', url, '-u', 'ann', '-P', password, '-t', 'a', '-m', 'x', '-q', '1'])
    expect((await pub(await sign('mqtt'))).exitCode).toBe(0)
    expect(await pub(await sign('http'))).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('0x87') })
    expect(program.stderr).toContain(`the token's claim "aud" does not fit, 0x87 Not authorized`)

    const { exitCode, stderr } = await run(['serve', '-p', '0', '--jwt-keys', file('{}')])
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('it is no JSON Web Key Set'),
    })
  })

  it('at the service of --auth-url', async () => {
    const server = createServer((request, response) => {
      request.on('data', (body) => response.writeHead(String(body).includes('secret') ? 204 : 401).end())
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const program = start(['serve', '-p', '0', '--auth-url', `http://127.0.0.1:${port}/`])
    await program.says('mqtt-kit ready')
    const url = /mqtt:\S+/.exec(program.stdout)![0]

    const pub = (password: string) => run(['pub', url, '-u', 'ann', '-P', password, '-t', 'a', '-m', 'x', '-q', '1'])
    expect((await pub('secret')).exitCode).toBe(0)
    expect(await pub('wrong')).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('0x86') })
    server.closeAllConnections()
  })
})
