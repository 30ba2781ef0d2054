import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PasswordFile } from '../../src/access/password-file.ts'
import { hasMosquitto, Mosquitto } from '../support/mosquitto.ts'
import { findPeer, run as runPeer } from '../support/peers.ts'
import { run } from '../support/program.ts'

const present = findPeer('mosquitto_passwd', 'mosquitto_passwd', []) && hasMosquitto

function inFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, name)
}

/** Dozens of programs are started, which takes its time on a busy machine. */
const MANY_PROGRAMS_MS = 60_000

describe.skipIf(!present)('files of mosquitto', () => {
  it('with users are read as mosquitto_passwd writes them', async () => {
    const path = inFolder('users')
    await runPeer('mosquitto_passwd', '-c', '-b', path, 'ann', 'secret')
    await runPeer('mosquitto_passwd', '-H', 'sha512', '-b', path, 'bob', 'two words')
    const file = new PasswordFile(readFileSync(path, 'utf8'), path)

    expect(await file.verify('ann', Buffer.from('secret'))).toBe(true)
    expect(await file.verify('bob', Buffer.from('two words'))).toBe(true)
    expect(await file.verify('bob', Buffer.from('secret'))).toBe(false)
  })

  it.each([[[]], [['-H', 'sha512']], [['-I', '1000']]])(
    'with users are read by mosquitto as passwd %j writes them',
    async (options) => {
      const path = inFolder('users')
      await run(['passwd', '-c', '-b', ...options, path, 'ann', 'secret'])
      const mosquitto = await Mosquitto.start(`allow_anonymous false\npassword_file ${path}`)
      onTestFinished(() => mosquitto.stop())
      const publish = (password: string) =>
        run(['pub', '-p', String(mosquitto.address.port), '-t', 'a', '-m', 'x', '-u', 'ann', '-P', password])

      expect((await publish('secret')).exitCode).toBe(0)
      expect((await publish('wrong')).exitCode).toBe(5)
    },
  )

  it(
    'with rules mean what they mean to mosquitto',
    async () => {
      const path = inFolder('acl')
      writeFileSync(
        path,
        [
          'topic read open/#',
          'user ann',
          'topic a/#',
          'topic deny a/secret',
          'topic read b c',
          'pattern write %u/%c',
          'pattern deny %u/x/#',
        ].join('\n'),
      )
      const mosquitto = await Mosquitto.start(`allow_anonymous true\nacl_file ${path}`)
      onTestFinished(() => mosquitto.stop())
      // what a publisher is told by mosquitto, against what acl check says
      for (const topic of ['open/a', 'a', 'a/b', 'a/secret', 'b c', 'ann/me', 'ann/you', 'ann/x/y', '/me']) {
        for (const user of [[], ['-u', 'ann']]) {
          const told = await run([
            'pub',
            '-p',
            String(mosquitto.address.port),
            '-i',
            'me',
            '-t',
            topic,
            '-m',
            'x',
            '-q',
            '1',
            ...user,
          ])
          const said = await run(['acl', 'check', path, '-i', 'me', ...user, 'write', topic])
          expect([topic, user, said.exitCode]).toEqual([topic, user, told.exitCode])
        }
      }
    },
    MANY_PROGRAMS_MS,
  )
})
