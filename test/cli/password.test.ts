import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { findPeer } from '../support/peers.ts'
import { Program, run } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

const hasScript = findPeer('script', 'script', ['--version'])
const BINARY = fileURLToPath(new URL('../../bin/mqtt-kit.cjs', import.meta.url))
const CTRL_C = '\u0003'
const BACKSPACE = '\u007f'

/** Starts it on a terminal, on which it has asked for the password. */
async function asked(line: string, environment: Record<string, string> = {}): Promise<Program> {
  // exec: where $SHELL is not set script takes another shell, which would get the Ctrl-C too
  const command = `exec '${process.execPath}' '${BINARY}' ${line}`
  const terminal = new Program('script', ['-qec', command, '/dev/null'], {
    environment: { TERM: 'vt100', ...environment },
  })
  await terminal.says('password: ')
  return terminal
}

async function brokerWithUser() {
  const { url, client } = await startBroker({ users: new Map([['ann', 'sécret']]) })
  const subscriber = await client({ userName: 'ann', password: Buffer.from('sécret') })
  await subscriber.subscribe('#')
  return { url, subscriber }
}

describe.skipIf(!hasScript)('-P - on a terminal', () => {
  it('asks for the password and shows nothing of it', async () => {
    const { url, subscriber } = await brokerWithUser()
    const terminal = await asked(`pub '${url}' -t a -m x -u ann -P -`)

    terminal.child.stdin!.write(`sécretx${BACKSPACE}\r`)

    const { exitCode, stdout } = await terminal.finished()
    expect({ exitCode, said: stdout.replaceAll('\r', '') }).toEqual({ exitCode: 0, said: 'password: \n' })
    expect((await subscriber.message()).payload).toBe('x')
  })

  it('asks when the environment says so, too', async () => {
    const { url } = await brokerWithUser()
    const terminal = await asked(`sub '${url}' -t a -E -u ann`, { MQTT_KIT_PASSWORD: '-' })

    terminal.child.stdin!.write('wrong\r')

    const { exitCode, stdout } = await terminal.finished()
    expect(exitCode).toBe(5)
    expect(stdout).toContain('0x86')
    expect(stdout).not.toContain('wrong')
  })

  it('ends with 130 when Ctrl-C is the answer', async () => {
    const { url } = await brokerWithUser()
    const terminal = await asked(`pub '${url}' -t a -m x -u ann -P -`)

    terminal.child.stdin!.write(`sec${CTRL_C}`)

    expect(await terminal.finished()).toMatchObject({
      exitCode: 130,
      stdout: expect.stringContaining('no password was given'),
    })
  })
})

describe('a password', () => {
  it.each([
    [['-P', 'a', '--password-file', 'b'], {}],
    [['--password-env', 'a', '--password-file', 'b'], {}],
    [[], { MQTT_KIT_PASSWORD: 'a', MQTT_KIT_PASSWORD_FILE: 'b' }],
  ])('is not taken from two places of one kind: %j %j', async (args, environment) => {
    const { exitCode, stderr } = await run(['pub', '-t', 'a', '-m', 'x', ...args], { environment })

    expect(exitCode).toBe(2)
    expect(stderr).toContain('give one of -P, --password-file and --password-env')
  })
})
