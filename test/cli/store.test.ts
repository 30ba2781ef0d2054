import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Program, run, start } from '../support/program.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

async function serve(...args: string[]): Promise<{ program: Program; url: string }> {
  const program = start(['serve', '-p', '0', ...args])
  await program.says('mqtt-kit ready')
  return { program, url: /mqtt:\S+/.exec(program.stdout)![0] }
}

const killed = async (program: Program) => {
  program.kill('SIGKILL')
  await program.finished()
}

describe('serve --data', () => {
  it.each(['process', 'power'])('has after kill -9 what it had acknowledged: --durability %s', async (durability) => {
    const data = join(newFolder(), 'data')
    const options = ['--data', data, '--durability', durability]
    const session = ['-i', 'sleeper', '-c', '-x', '3600', '-t', 'mail', '-q', '1']
    const first = await serve(...options)
    expect((await run(['sub', first.url, ...session, '-E'])).exitCode).toBe(0)
    expect((await run(['pub', first.url, '-t', 'mail', '-m', 'waits', '-q', '2'])).exitCode).toBe(0)
    expect((await run(['pub', first.url, '-t', 'state', '-m', 'on', '-q', '1', '-r'])).exitCode).toBe(0)
    await killed(first.program)
    const second = await serve(...options)

    expect((await run(['sub', second.url, ...session, '-C', '1', '-W', '10'])).stdout).toBe('waits\n')
    expect((await run(['sub', second.url, '-t', 'state', '-C', '1', '-W', '10'])).stdout).toBe('on\n')
  })

  it('refuses a directory that another broker uses, one of something else, and a damaged one', async () => {
    const folder = newFolder()
    const data = join(folder, 'data')
    const { program } = await serve('--data', data)

    expect(await run(['serve', '-p', '0', '--data', data])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(/is in use by/),
    })
    expect(await run(['serve', '-p', '0', '--data', folder])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/is not empty and no store of mqtt-kit: it has data/),
    })

    await killed(program)
    const current = join(data, 'level', 'CURRENT')
    writeFileSync(current, 'nonsense')
    expect(await run(['serve', '-p', '0', '--data', data])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /is damaged: CURRENT: it names no manifest\. Nothing was changed; with --data-repair/,
      ),
    })

    const repaired = await serve('--data', data, '--data-repair')
    expect(repaired.program.stderr).toMatch(/broken: CURRENT: it names no manifest/)
    expect(readdirSync(data).filter((name) => name.startsWith('set-aside'))).toHaveLength(1)
  })

  it('wants --data where --durability or --data-repair is given', async () => {
    const outcome = await run(['serve', '-p', '0', '--durability', 'power'])

    expect(outcome).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('need --data DIR') })
  })
})
