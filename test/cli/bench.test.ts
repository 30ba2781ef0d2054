import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { run, start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

const schema = JSON.parse(readFileSync(new URL('../../schema/bench-result.schema.json', import.meta.url), 'utf8'))

interface Schema {
  readonly $ref?: string
  readonly type?: string | string[]
  readonly properties?: Record<string, Schema>
  readonly required?: string[]
  readonly items?: Schema
  readonly additionalProperties?: boolean | Schema
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

/** What of a value is not as its schema says; as much of JSON Schema as ours uses. */
function breaches(value: unknown, node: Schema, place = '$'): string[] {
  if (node.$ref !== undefined) return breaches(value, schema.$defs[node.$ref.split('/').at(-1)!], place)
  const types = [node.type ?? []].flat()
  if (types.length > 0 && !types.includes(typeOf(value))) return [`${place} is ${typeOf(value)}, not ${types}`]
  if (Array.isArray(value)) return value.flatMap((one, i) => breaches(one, node.items ?? {}, `${place}[${i}]`))
  if (typeof value !== 'object' || value === null) return []
  const missing = (node.required ?? [])
    .filter((name) => !Object.hasOwn(value, name))
    .map((name) => `${place}.${name} is missing`)
  const inner = Object.entries(value).flatMap(([name, one]) => {
    const known = node.properties?.[name]
    if (known !== undefined) return breaches(one, known, `${place}.${name}`)
    if (node.additionalProperties === false) return [`${place}.${name} is in no schema`]
    return typeof node.additionalProperties === 'object'
      ? breaches(one, node.additionalProperties, `${place}.${name}`)
      : []
  })
  return [...missing, ...inner]
}

describe('bench', () => {
  it('starts a broker of its own, and prints one JSON object as the schema has it', async () => {
    const { exitCode, stdout, stderr } = await run(['bench', '-n', '200', '-q', '1', '-c', '2', '--json'])
    const result = JSON.parse(stdout)

    expect({ exitCode, stderr: stderr.replace(/^.*the generator was the bottleneck.*\n/, '') }).toEqual({
      exitCode: 0,
      stderr: '',
    })
    expect(breaches(result, schema)).toEqual([])
    expect(result.deliver).toMatchObject({ count: 200, expected: 200, lost: 0 })
    expect(result.environment.embeddedBroker).toBe(true)
    expect(result.broker.residentMb).toBeGreaterThan(1)
  })

  it('prints a table without colour into a pipe, and nothing while it runs', async () => {
    const { url } = await startBroker()
    const { exitCode, stdout, stderr } = await run(['bench', url, 'rtt', '-n', '50', '--rate', '1000', '--quiet'])

    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/^ check +clean +nothing lost, repeated, reordered or changed$/m)
    expect(stdout).toMatch(/^ response +[\d.]+ /m)
    expect(stdout).not.toContain('\u001b')
  })

  it('ends with 99 when a threshold does not hold, and says which', async () => {
    const { url } = await startBroker()
    const asserted = ['--assert', 'deliver.count == 50', '--assert', 'latency.service.maxMs < 0']
    const { exitCode, stderr } = await run(['bench', url, '-c', '1', '-n', '50', ...asserted])

    expect(exitCode).toBe(99)
    expect(stderr).toMatch(/latency\.service\.maxMs < 0 does not hold: it is [\d.]+/)
    expect(stderr).not.toContain('deliver.count')
  })

  it('ends with 3 when nobody listens', async () => {
    const { exitCode, stdout, stderr } = await run(['bench', 'mqtt://127.0.0.1:1', '--json'])

    expect(exitCode).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({ connect: { count: 0 }, publish: { count: 0 } })
    expect(stderr).toContain('connection refused (ECONNREFUSED)')
  })

  it('ends with 5 when the broker refuses', async () => {
    const { url } = await startBroker({ users: new Map([['ann', 'secret']]) })
    const { exitCode, stderr } = await run(['bench', url, '-u', 'ann', '-P', 'wrong'])

    expect(exitCode).toBe(5)
    expect(stderr).toMatch(/the server refuses the connection: .*0x8[67]/)
  })

  it('ends with 7 when the broker dies, and tells what it has measured', async () => {
    const { url, broker } = await startBroker()
    const program = start(['bench', url, '--rate', '500', '--duration', '10m', '-v', '--json'])
    await program.says('1/601 s')
    await broker.stop()
    const { exitCode, stdout } = await program.finished()

    expect(exitCode).toBe(7)
    const result = JSON.parse(stdout)
    expect(result.connect.lost).toBe(20)
    expect(result.publish.count).toBeGreaterThan(0)
    expect(result.failure.kind).toBe('DISCONNECTED')
  })

  it('tells what it has measured when the broker that it looks at is killed', async () => {
    const serve = start(['serve', '-p', '0', '--json'])
    await serve.says('"event":"ready"')
    const [url] = JSON.parse(serve.stdout).listeners
    const watched = ['--pid', String(serve.child.pid)]
    const program = start(['bench', url, '-q', '1', '--duration', '10m', '-v', '--json', ...watched])
    await program.says('1/601 s')
    serve.kill('SIGKILL')
    const { exitCode, stdout, stderr } = await program.finished()

    expect(exitCode).toBe(7)
    expect(stderr).toContain(url.slice('mqtt://'.length))
    const { connect, publish, broker, failure } = JSON.parse(stdout)
    expect(connect).toMatchObject({ count: 20, lost: 20 })
    expect(publish.count).toBeGreaterThan(0)
    expect(broker.source).toBe(`/proc/${serve.child.pid}, which has ended`)
    expect(failure.kind).toBe('CONNECTION_LOST')
  })

  it('prints what it has on Ctrl-C, and ends with 130', async () => {
    const { url } = await startBroker()
    const program = start(['bench', url, '--rate', '500', '--duration', '10m', '-v'])
    await program.says('1/601 s')
    program.kill('SIGINT')
    const { exitCode, stdout } = await program.finished()

    expect(exitCode).toBe(130)
    expect(stdout).toMatch(/^ check +clean/m)
  })

  it('ends with 10 when something else answers', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const { exitCode } = await run(['bench', `mqtt://127.0.0.1:${port}`, '-c', '1'])

    expect(exitCode).toBe(10)
  })

  it.each([
    [['p2q'], 'unknown scenario "p2q"; did you mean p2p?'],
    [['p2p', 'rtt'], 'one scenario at a time'],
    [['--assert', 'fast'], "a comparison, as in 'latency.response.p99Ms < 20'"],
    [
      ['--assert', 'latency.p99Ms < 5'],
      'there are connect.latency.p99Ms, ack.p99Ms, latency.service.p99Ms, latency.resp',
    ],
    [['--assert', 'latency.response.p99 < 5'], 'did you mean latency.response.p99Ms?'],
    [['--assert', 'speed > 5'], 'and speed is none: there are seconds, connect.count,'],
    [['--pid', '1', '--sys'], 'give one of --pid, --metrics and --sys'],
    [['--metrics', 'localhost:9090'], 'an address, as in http://localhost:9090/metrics'],
    [['-V', '3.1.1', '--topic-alias', '1'], '--topic-alias needs MQTT 5.0'],
    [['-i', 'me'], 'gives all clients one identifier: add %i'],
    [['-t', 'one'], 'is one topic for all: add %i'],
    [['fanin', '--subscribers', '2', '-t', '%c'], 'is one topic for all: add %i'],
    [['fanout', '-t', 'x/y%c'], 'in fanout %c and %u are levels of their own'],
    [['fanin', '--publishers', '1', '--subscribers', '2'], 'at least as many publishers as subscribers'],
    [['-V', '3.1.1', '--prop', 'content-type=x'], 'properties need MQTT 5.0'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stderr } = await run([
      'bench',
      ...args,
      ...(args.includes('p2q') ? [] : ['-h', '127.0.0.1', '-p', '1']),
    ])

    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
  })

  it('shares the load out over workers', async () => {
    const { url } = await startBroker()
    const { exitCode, stdout } = await run([
      'bench',
      url,
      '-c',
      '4',
      '-n',
      '400',
      '-q',
      '1',
      '--workers',
      '2',
      '--json',
    ])

    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      generator: { parts: 2 },
      deliver: { count: 400, expected: 400, lost: 0 },
    })
  })

  it('shares the load out over agents, one run after the other', async () => {
    const { url } = await startBroker()
    const agents = [start(['bench', 'agent', url, '--group', 'g']), start(['bench', 'agent', url, '--group', 'g'])]
    for (const agent of agents) await agent.says('waits on')
    for (const scenario of ['p2p', 'fanout']) {
      const args = ['bench', url, scenario, '--group', 'g', '--agents', '2', '-n', '100', '--json', '--publishers', '2']
      const { exitCode, stdout, stderr } = await run(args)

      expect({ exitCode, stderr: stderr.replace(/^.*bottleneck.*\n/, '') }).toEqual({ exitCode: 0, stderr: '' })
      expect(JSON.parse(stdout)).toMatchObject({
        generator: { parts: 2 },
        publish: { count: 100 },
        deliver: { lost: 0 },
      })
      expect(JSON.parse(stdout).latency.service.count).toBe(JSON.parse(stdout).deliver.count)
    }
    for (const agent of agents) agent.kill('SIGTERM')
    expect((await agents[0]!.finished()).exitCode).toBe(0)
  })

  it('ends with 7 when an agent is killed, whatever broker it was met on, and lets the others go', async () => {
    const { url } = await startBroker()
    const { url: coordinator } = await startBroker({ users: new Map([['ann', 's@']]) })
    const met = coordinator.replace('//', '//ann:s%40@')
    const agents = [start(['bench', 'agent', met]), start(['bench', 'agent', met])]
    for (const agent of agents) await agent.says('waits on')
    const long = ['--rate', '500', '--duration', '10m', '-v']
    const program = start(['bench', url, '--coordinator', met, '--agents', '2', ...long])
    await program.says('1/601 s')
    agents[0]!.kill('SIGKILL')
    const { exitCode, stderr } = await program.finished()

    expect(exitCode).toBe(7)
    expect(stderr).toMatch(/there is no result: agent \S+ is gone, and what it has counted with it/)
    await agents[1]!.says('is over')
  })

  it.skipIf(process.platform !== 'linux')('ends with 1 when a worker is killed', async () => {
    const { url } = await startBroker()
    const program = start(['bench', url, '--workers', '2', '--rate', '500', '--duration', '10m', '-v'])
    await program.says('1/601 s')
    const { pid } = program.child
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
    process.kill(Number(child), 'SIGKILL')
    const { exitCode, stderr } = await program.finished()

    expect(exitCode).toBe(1)
    expect(stderr).toContain('there is no result: a worker ended with SIGKILL')
  })

  it('saves runs, compares with them, and writes all kinds of files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = (name: string): string => join(folder, name)
    const { url } = await startBroker()
    const common = ['bench', url, '-c', '1', '-n', '20', '--repeat', '4', '--quiet']
    const outputs = ['report', 'csv', 'junit', 'save'].flatMap((name) => [`--${name}`, file(name)])
    const environment = { GITHUB_STEP_SUMMARY: file('summary') }
    expect((await run([...common, ...outputs, '--github', '--json'], { environment })).exitCode).toBe(0)
    const read = (name: string): string => readFileSync(file(name), 'utf8')
    const { runs } = JSON.parse(read('save'))
    expect(runs).toHaveLength(4)
    expect(read('report')).toMatch(/^<!doctype html>[\s\S]*<li>holds: nothing is lost<\/li>[\s\S]*<\/html>\n$/)
    expect(read('csv')).toMatch(/^run,scenario,seconds,published,delivered,p50Ms,p99Ms\r\n/)
    expect(read('junit').match(/<testcase /g)).toHaveLength(16)
    expect(read('summary')).toContain('### mqtt-kit bench p2p: passed')

    const faster = runs.map((one: { deliver: { rate: number } }) => ({ deliver: { rate: one.deliver.rate * 100 } }))
    writeFileSync(file('faster'), JSON.stringify({ runs: faster }))
    const worse = await run(['bench', 'compare', file('faster'), file('save')])
    expect(worse.exitCode).toBe(99)
    expect(worse.stderr).toContain('worse than the baseline, Mann-Whitney U test at 5 %: deliver.rate -99')
    expect((await run(['bench', 'compare', file('save'), file('save')])).exitCode).toBe(0)
    expect((await run([...common, '--baseline', file('faster')])).exitCode).toBe(99)
    writeFileSync(file('one'), JSON.stringify({ runs: [{}] }))
    expect((await run(['bench', 'compare', file('one'), file('save')])).stderr).toContain('1 and 4 runs are too few')
  })

  it('finds the rate from which a threshold breaks', async () => {
    const { url } = await startBroker()
    const until = ['--sweep', '100..1k', '--until', 'publish.count > 30']
    const { exitCode, stdout } = await run(['bench', url, ...until, '--duration', '100ms', '--warmup', '0', '--json'])
    const { runs, sweep } = JSON.parse(stdout)

    expect(exitCode).toBe(0)
    expect(sweep.best).toBeLessThan(sweep.broken)
    expect(runs.length).toBeGreaterThan(4)
  })

  it('runs the phases of a file, loads of one phase at once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const { url } = await startBroker()
    const path = join(folder, 'phases.toml')
    writeFileSync(
      path,
      'messages = 10\n[[phase]]\n[[phase]]\nname = "both"\nqos = 1\n[[phase.load]]\nscenario = "rtt"\n[[phase.load]]\nscenario = "fanin"\n',
    )
    const { exitCode, stdout } = await run(['bench', url, '--file', path, '--json'])
    const { runs, phases } = JSON.parse(stdout)

    expect(exitCode).toBe(0)
    expect(phases).toEqual([
      { name: 'phase 1', runs: [0] },
      { name: 'both', runs: [1, 2] },
    ])
    expect(runs.map(({ config }: { config: { qos: number } }) => config.qos)).toEqual([0, 1, 1])
    const { url: other } = await startBroker()
    writeFileSync(path, `messages = 10\n[[phase]]\n[[phase]]\nurl = "${other}"\n`)
    for (const broker of [[url], []]) {
      const elsewhere = JSON.parse((await run(['bench', ...broker, '--file', path, '--json', '--quiet'])).stdout)
      expect(elsewhere.runs[1]).toMatchObject({ config: { broker: other }, environment: { embeddedBroker: false } })
      expect(elsewhere.runs[0].environment.embeddedBroker).toBe(broker.length === 0)
    }
    writeFileSync(path, 'messages = 10\n[[phase]]\n[[phase]]\nname = "late"\ntopic = "one"\n')
    const late = await run(['bench', url, '--file', path])
    expect(late).toMatchObject({ exitCode: 2, stdout: '' })
    expect(late.stderr).toContain(`${path}, late: -t "one" is one topic for all`)
    writeFileSync(path, '[[phase]]\nname = "odd"\nspeed = 1\n')
    const wrong = await run(['bench', url, '--file', path])
    expect(wrong).toMatchObject({ exitCode: 2 })
    expect(wrong.stderr).toContain(`${path}, odd: unknown option --speed`)
  })

  it('connects each client with a line of --credentials', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'users.csv')
    writeFileSync(path, 'ann,secret\n"b,b","s""2"\n')
    const { url } = await startBroker({
      users: new Map([
        ['ann', 'secret'],
        ['b,b', 's"2'],
      ]),
    })

    expect((await run(['bench', url, '--credentials', path, '-c', '2', '-n', '10'])).exitCode).toBe(0)
  })
})
