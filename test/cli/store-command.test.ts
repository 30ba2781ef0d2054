import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Program, run, shell, start } from '../support/program.ts'

const SLEEPER = ['-i', 'sleeper', '-c', '-x', '3600', '-t', 'mail/#', '-q', '2']

/** A store as text: a session with a QoS 2 message that waits, one in bytes, a will that was never due, two retained ones. */
const FIXTURE = [
  { kind: 'session', clientId: 'sleeper', subscriptions: [{ topicFilter: 'mail/#', qos: 2 }], incomingQos2: [7] },
  { kind: 'message', clientId: 'sleeper', topic: 'mail/1', payload: 'first', qos: 2 },
  { kind: 'message', clientId: 'sleeper', topic: 'mail/2', payloadBase64: 'AP8=', qos: 1 },
  { kind: 'retained', topic: 'state/1', payload: 'on', qos: 1, properties: { contentType: 'text/plain' } },
  { kind: 'retained', topic: 'state/2', payload: 'off' },
].map((line) => JSON.stringify(line))

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

async function imported(lines = FIXTURE): Promise<string> {
  const data = join(newFolder(), 'data')
  const outcome = await run(['store', 'import', data], { input: lines.join('\n') })
  expect(outcome).toMatchObject({ exitCode: 0, stdout: '' })
  return data
}

async function serve(...args: string[]): Promise<{ program: Program; url: string }> {
  const program = start(['serve', '-p', '0', ...args])
  await program.says('mqtt-kit ready')
  return { program, url: /mqtt:\S+/.exec(program.stdout)![0] }
}

async function stopped(program: Program): Promise<void> {
  program.kill('SIGTERM')
  expect((await program.finished()).exitCode).toBe(0)
}

/** What a client gets that takes up the session of the fixture, and one that asks for what is retained. */
async function taken(url: string): Promise<{ waiting: string; retained: string }> {
  const hex = ['-F', '%t %x', '-W', '10']
  const waiting = await run(['sub', url, ...SLEEPER, '-C', '2', ...hex])
  const retained = await run(['sub', url, '-t', 'state/#', '-C', '2', ...hex])
  return { waiting: waiting.stdout, retained: retained.stdout }
}

const TAKEN = {
  waiting: 'mail/1 6669727374\nmail/2 00ff\n',
  retained: 'state/1 6f6e\nstate/2 6f6666\n',
}

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

describe('store', () => {
  it('import tells what a directory has now, and list what is in it', async () => {
    const data = join(newFolder(), 'data')

    const outcome = await run(['store', 'import', data], { input: FIXTURE.join('\n') })
    expect(outcome).toMatchObject({ exitCode: 0, stdout: '' })
    expect(outcome.stderr).toContain(`${data} has 1 session, 2 messages, 2 retained messages\n`)
    const text = await run(['store', data])
    expect(text).toMatchObject({ exitCode: 0, stderr: '' })
    expect(text.stdout).toMatch(/^sleeper: 1 subscription, 2 waiting, 0 in flight, .*\n2 retained messages\n$/)
    expect((await run(['store', 'list', data])).stdout).toBe(text.stdout)
    expect(linesOf((await run(['store', 'list', data, '--json'])).stdout)).toMatchObject([
      { clientId: 'sleeper', owner: null, subscriptions: 1, queued: 2, inFlight: 0, will: false },
      { retained: 2 },
    ])
  })

  it('show prints all of one session, and nothing of others', async () => {
    const data = await imported([...FIXTURE, JSON.stringify({ kind: 'session', clientId: 'other' })])

    const { exitCode, stdout } = await run(['store', 'show', data, 'sleeper'])
    expect(exitCode).toBe(0)
    expect(linesOf(stdout)).toMatchObject([
      { kind: 'session', clientId: 'sleeper', incomingQos2: [7] },
      { kind: 'message', topic: 'mail/1', payload: 'first', qos: 2 },
      { kind: 'message', topic: 'mail/2', payloadBase64: 'AP8=', qos: 1 },
    ])
    expect(await run(['store', 'show', data, 'nobody'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining('there is no session of "nobody"'),
    })
  })

  it('export and import are each the reverse of the other, also for what a broker wrote', async () => {
    const data = join(newFolder(), 'data')
    const { program, url } = await serve('--data', data)
    await run(['sub', url, ...SLEEPER, '-E'])
    await run(['pub', url, '-t', 'mail/1', '-m', 'first', '-q', '2', '-D', 'publish', 'user-property', 'a', 'b'])
    await run(['pub', url, '-t', 'mail/2', '-f', '-', '-q', '1'], { input: Buffer.from([0, 255]) })
    await run(['pub', url, '-t', 'state/1', '-m', 'on', '-q', '1', '-r'])
    await run(['pub', url, '-t', 'state/2', '-m', 'off', '-q', '1', '-r'])
    program.kill('SIGKILL')
    await program.finished()

    const first = await run(['store', 'export', data])
    expect(first.exitCode).toBe(0)
    expect(linesOf(first.stdout).map(({ kind }) => kind)).toEqual([
      'session',
      'message',
      'message',
      'retained',
      'retained',
    ])
    const copy = await imported([first.stdout])
    expect((await run(['store', 'export', copy])).stdout).toBe(first.stdout)

    const next = await serve('--data', copy)
    expect(await taken(next.url)).toEqual(TAKEN)
  })

  it('ends quietly when its reader has enough', async () => {
    const data = await imported()

    const { exitCode, stdout, stderr } = await shell(`mqtt-kit store export '${data}' | head -n 1`).finished()
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(linesOf(stdout)).toHaveLength(1)
  })
})

describe('serve --state', () => {
  it('starts with what a file says, in memory: the file stays as it is', async () => {
    const file = join(newFolder(), 'fixture.jsonl')
    writeFileSync(file, FIXTURE.join('\n'))
    const { program, url } = await serve('--state', file)

    expect(await taken(url)).toEqual(TAKEN)
    await stopped(program)
    expect(readFileSync(file, 'utf8')).toBe(FIXTURE.join('\n'))
    // what was taken is there again
    const again = await serve('--state', file)
    expect(await taken(again.url)).toEqual(TAKEN)
  })

  it('reads what store export wrote', async () => {
    const file = join(newFolder(), 'export.jsonl')
    writeFileSync(file, (await run(['store', 'export', await imported()])).stdout)
    const { url } = await serve('--state', file)

    expect(await taken(url)).toEqual(TAKEN)
  })

  it.each([
    ['no JSON', '{"kind":', /line 2: /],
    ['an unknown kind', '{"kind":"topic"}', /line 2: .*kind/],
    ['a message of nobody', '{"kind":"message","clientId":"nobody","topic":"a"}', /line 2: /],
    ['a Topic Name with a wildcard', '{"kind":"retained","topic":"a/#"}', /line 2: .*Topic Name holds/],
  ])('is refused with the line that is wrong: %s', async (_, line, message) => {
    const file = join(newFolder(), 'fixture.jsonl')
    writeFileSync(file, `{"kind":"session","clientId":"a"}\n${line}\n`)
    const data = join(newFolder(), 'data')

    expect(await run(['serve', '-p', '0', '--state', file])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(message),
    })
    const outcome = await run(['store', 'import', data], { input: readFileSync(file) })
    expect(outcome).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(/; nothing was imported/) })
    expect(outcome.stderr).toMatch(message)
    expect((await run(['store', 'list', data])).stdout).toBe('0 retained messages\n')
  })

  it('is refused beside --data, and when the file is not there', async () => {
    const folder = newFolder()

    expect(await run(['serve', '-p', '0', '--state', join(folder, 'none'), '--data', folder])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('one of --data and --state'),
    })
    expect(await run(['serve', '-p', '0', '--state', join(folder, 'none')])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('ENOENT'),
    })
  })
})

describe('a directory that store cannot use', () => {
  const VERBS = [['list'], ['show', 'sleeper'], ['export'], ['import']]
  // one that reads and the one that writes
  const TWO_VERBS = [['list'], ['import']]
  const commandFor = ([verb, ...more]: readonly string[], folder: string): string[] => ['store', verb!, folder, ...more]

  async function refused(folder: string, message: RegExp, verbs = VERBS): Promise<void> {
    for (const verb of verbs) {
      const outcome = await run(commandFor(verb, folder), { input: FIXTURE.join('\n') })
      expect({ verb, ...outcome }).toMatchObject({ verb, exitCode: 2, stdout: '' })
      expect(outcome.stderr).toMatch(message)
    }
  }

  it('is not there: nothing is made', async () => {
    const folder = newFolder()

    await refused(join(folder, 'none'), /cannot read the store .*none: ENOENT/, VERBS.slice(0, 3))
    expect(readdirSync(folder)).toEqual([])
  })

  it('belongs to something else, and stays as it is', async () => {
    const folder = newFolder()
    writeFileSync(join(folder, 'letter.txt'), 'dear')

    await refused(folder, /is not empty and no store of mqtt-kit: it has letter\.txt/, TWO_VERBS)
    expect(readdirSync(folder)).toEqual(['letter.txt'])
  })

  it('is damaged, and stays as it is', async () => {
    const data = await imported()
    const current = join(data, 'level', 'CURRENT')
    writeFileSync(current, 'nonsense')

    await refused(data, /is damaged: CURRENT: it names no manifest/)
    expect(readFileSync(current, 'utf8')).toBe('nonsense')
  })

  it('is in use by a broker, which goes on', async () => {
    const data = await imported()
    const { url } = await serve('--data', data)

    await refused(data, /is in use by/, TWO_VERBS)
    expect(await taken(url)).toEqual(TAKEN)
  })

  it('has something already where import would write', async () => {
    const data = await imported()
    const before = (await run(['store', 'export', data])).stdout

    await refused(data, /store .*(empty|has)/, [['import']])
    expect((await run(['store', 'export', data])).stdout).toBe(before)
  })
})

describe('mistakes', () => {
  it.each([
    [['store'], /expected list, show, export, import and the directory/],
    [['store', 'show', 'x'], /expected the client identifier/],
    [['store', 'list', 'x', 'y'], /unexpected argument "y"/],
    [['store', 'show', 'x', 'y', 'z'], /unexpected argument "z"/],
  ])('%j is refused', async (args, message) => {
    expect(await run(args)).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(message) })
  })
})
