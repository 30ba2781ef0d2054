import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { asMosquitto } from '../../src/cli/mosquitto.ts'
import { Program } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

const BINARY = fileURLToPath(new URL('../../bin/mqtt-kit.cjs', import.meta.url))

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

describe('a link named as a client of mosquitto', () => {
  it.each([
    ['mosquitto_pub', ['pub', '-V', 'mqttv311', '-m', 'x']],
    ['mosquitto_sub', ['sub', '-V', 'mqttv311', '--mosquitto-output', '-m', 'x']],
    ['mosquitto_rr', ['rr', '--mosquitto-output', '-m', 'x']],
    ['mosquitto_passwd', null],
    ['mqtt-kit', null],
  ])('%s means %j', (name, expected) => {
    expect(asMosquitto(name, ['-m', 'x'], {})).toEqual(expected)
  })

  it('reads the options that stand in its file, before those of the command line', () => {
    const home = folder()
    writeFileSync(
      join(home, 'mosquitto_pub'),
      '# mine\n-h broker.lan\n-q 1\n--nodelay\n-D publish user-property a b\n-m two words\n',
    )

    expect(asMosquitto('mosquitto_pub', ['-t', 'a'], { XDG_CONFIG_HOME: home })).toEqual(
      ['pub', '-V', 'mqttv311', '-h', 'broker.lan', '-q', '1', '--nodelay'].concat([
        '-D',
        'publish',
        'user-property',
        'a',
        'b',
        '-m',
        'two words',
        '-t',
        'a',
      ]),
    )
  })

  it('prints as that client does', async () => {
    const path = join(folder(), 'mosquitto_sub')
    symlinkSync(BINARY, path)
    const { url, client, broker } = await startBroker()
    const publisher = await client()
    const args = ['-L', `${url}/a`, '-C', '2', '-v', '-d']
    const program = new Program(process.execPath, [path, ...args], { environment: { XDG_CONFIG_HOME: '/nowhere' } })
    await program.says('<- SUBACK')

    publisher.publish('a', '')
    publisher.publish('a', 'x')

    expect((await program.finished()).stdout).toBe('a (null)\na x\n')
    expect(program.stderr).toContain('-> CONNECT 3.1.1')
    expect(broker.url).toBe(url)
  })
})
