import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { commands } from '../../src/cli/commands.ts'
import { run, shell } from '../support/program.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

const NAMES = commands.map(({ name }) => name).filter((name) => !name.includes(' '))

describe('mqtt-kit', () => {
  it.each([['--version'], ['pub', '--version']])('prints its version for %s %s', async (...args) => {
    const words = args.filter((word) => word !== undefined)

    expect(await run(words)).toMatchObject({ exitCode: 0, stdout: `${version}\n`, stderr: '' })
  })

  it.each([['--help'], ['help']])('prints help on stdout for %s', async (...args) => {
    const { exitCode, stdout, stderr } = await run(args)

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: mqtt-kit COMMAND/)
  })

  it.each(['serve', 'pub', 'sub', 'inspect', 'inspect proxy'])('prints the help of %s in two ways', async (command) => {
    const { exitCode, stdout } = await run([...command.split(' '), '--help'])

    expect(exitCode).toBe(0)
    expect(stdout).toMatch(new RegExp(`^Usage: mqtt-kit ${command}`))
    expect((await run(['help', ...command.split(' ')])).stdout).toBe(stdout)
  })

  it('prints help on stderr when nothing is asked for', async () => {
    const { exitCode, stdout, stderr } = await run([])

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toMatch(/^Usage: mqtt-kit COMMAND/)
  })

  it.each([
    [['pubb'], 'mqtt-kit: unknown command "pubb"; did you mean pub? (mqtt-kit --help)\n'],
    [
      ['frobnicate'],
      `mqtt-kit: unknown command "frobnicate"; the commands are ${NAMES.join(', ')} (mqtt-kit --help)\n`,
    ],
    [['help', 'subb'], 'mqtt-kit: unknown command "subb"; did you mean sub? (mqtt-kit --help)\n'],
    [['-h'], 'mqtt-kit: -h is the host everywhere; help is --help (mqtt-kit --help)\n'],
    [['-t', 'x'], `mqtt-kit: a command comes first: mqtt-kit ${NAMES.join('|')} -t (mqtt-kit --help)\n`],
    [['pub', '--tpoic', 'x'], 'mqtt-kit pub: unknown option --tpoic; did you mean --topic? (mqtt-kit pub --help)\n'],
    [
      ['serve', 'x'],
      'mqtt-kit serve: unexpected argument "x"; to listen on a URL use --listen (mqtt-kit serve --help)\n',
    ],
  ])('answers %j with exit code 2 and one line', async (args, stderr) => {
    expect(await run(args)).toMatchObject({ exitCode: 2, stdout: '', stderr })
  })

  it('says an error in colour when told to, and help too', async () => {
    const environment = { FORCE_COLOR: '1' }

    expect((await run(['nonsense'], { environment })).stderr).toContain('\u001b[31mmqtt-kit:\u001b[39m')
    expect((await run(['--help'], { environment })).stdout).toContain('\u001b[1mUsage:\u001b[22m')
  })

  it('ends quietly when nobody reads its help', async () => {
    expect(await shell('mqtt-kit pub --help | true').finished()).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('ends with exit code 12 when the disk is full', async () => {
    const { exitCode, stderr } = await shell('mqtt-kit --help > /dev/full').finished()

    expect(exitCode).toBe(12)
    expect(stderr).toMatch(/^mqtt-kit: cannot write to stdout: ENOSPC/)
  })
})
