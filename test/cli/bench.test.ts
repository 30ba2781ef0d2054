import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
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
    [['-i', 'me'], 'gives all clients one identifier: add %i'],
    [['-t', 'one'], 'is one topic for all: add %i'],
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
})
