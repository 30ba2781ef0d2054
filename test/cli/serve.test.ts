import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { PacketType } from '../../src/codec/packet-type.ts'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import { type Program, run, start } from '../support/program.ts'
import { RawClient } from '../support/raw-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
afterAll(() => rmSync(folder, { recursive: true }))

const READY = /^mqtt-kit ready (mqtt:\/\/127\.0\.0\.1:\d+)\n$/

/** A running broker and its URL. */
async function serve(...args: string[]): Promise<{ program: Program; url: string }> {
  const program = start(['serve', '-p', '0', ...args])
  await program.says(args.includes('--json') ? '"ready"' : 'mqtt-kit ready')
  return { program, url: READY.exec(program.stdout)?.[1] ?? '' }
}

describe('serve', () => {
  it('prints exactly one line with the real port when it is ready, and ends with 0 on SIGTERM', async () => {
    const { program, url } = await serve()

    const client = await RawClient.connected(url)
    program.kill('SIGTERM')

    expect(await client.next()).toMatchObject({
      packetType: PacketType.DISCONNECT,
      reasonCode: ReasonCode.SERVER_SHUTTING_DOWN,
    })
    client.socket.destroy()
    expect(await program.finished()).toMatchObject({ exitCode: 0, stdout: `mqtt-kit ready ${url}\n`, stderr: '' })
  })

  it('ends with 0 on SIGINT', async () => {
    const { program } = await serve()

    program.kill('SIGINT')

    expect(await program.finished()).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('ends with its standard input when --stdin-guard is given', async () => {
    const { program } = await serve('--stdin-guard')
    const { program: other } = await serve()

    other.child.stdin!.end()
    program.child.stdin!.end('bye')

    expect(await program.finished()).toMatchObject({ exitCode: 0, stderr: '' })
    expect(other.child.exitCode).toBeNull()
  })

  it('ends at once on a second signal, though a client does not go', async () => {
    const { program, url } = await serve('--max-close-time', '60', '-v')
    const client = await RawClient.connected(url)
    client.socket.pause()

    program.kill('SIGINT')
    await program.says('disconnect')
    program.kill('SIGINT')

    expect((await program.finished()).exitCode).toBe(130)
    client.socket.destroy()
  })

  it('prints the ready line as JSON with --json', async () => {
    const { program } = await serve('--json')

    const { event, pid, listeners, ...others } = JSON.parse(program.stdout)

    expect({ event, pid, others }).toEqual({ event: 'ready', pid: program.child.pid, others: {} })
    expect(listeners).toEqual([expect.stringMatching(/^mqtt:\/\/127\.0\.0\.1:\d+$/)])
  })

  it('listens in several places and names them in one line', async () => {
    const socket = join(folder, 'mqtt.sock')
    const { program } = await serve('--listen', 'mqtt://[::1]:0', '--listen', `unix:${socket}`)

    const [, , ...urls] = program.stdout.trimEnd().split(' ')

    expect(urls).toEqual([
      expect.stringMatching(/^mqtt:\/\/127\.0\.0\.1:[1-9]\d*$/),
      expect.stringMatching(/^mqtt:\/\/\[::1\]:[1-9]\d*$/),
      `unix:${socket}`,
    ])
    for (const url of urls) expect((await run(['pub', url, '-t', 'a', '-m', 'x', '-q', '1'])).exitCode).toBe(0)
  })

  it('writes the ready line to a file, in place of what an earlier run left there', async () => {
    const file = join(folder, 'ready')
    writeFileSync(file, 'stale')

    const { program } = await serve('--ready-file', file)

    expect(readFileSync(file, 'utf8')).toBe(program.stdout)
  })

  it('ends with 12 when the ready file cannot be written', async () => {
    const { exitCode, stdout, stderr } = await run(['serve', '-p', '0', '--ready-file', '/nowhere/ready'])

    expect({ exitCode, stdout }).toEqual({ exitCode: 12, stdout: '' })
    expect(stderr).toMatch(/^mqtt-kit serve: cannot write --ready-file \/nowhere\/ready: ENOENT/)
  })

  it('ends with 3 and names the address when the port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0

    const { exitCode, stdout, stderr } = await run(['serve', '-p', String(port)])
    server.close()

    expect({ exitCode, stdout }).toEqual({ exitCode: 3, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(`^mqtt-kit serve: cannot listen on mqtt://127\\.0\\.0\\.1:${port}: address in use.*\\n$`),
    )
  })

  it('refuses to be reached by everybody unless told so', async () => {
    const { exitCode, stderr } = await run(['serve', '-p', '0', '-h', '0.0.0.0'])

    expect(exitCode).toBe(2)
    expect(stderr).toContain('add --user NAME:PASSWORD or --password-file, or --allow-anonymous')
  })

  it('lets in its users only', async () => {
    const { url } = await serve('--user', 'ann:secret')
    const message = ['-t', 'a', '-m', 'x']

    expect((await run(['pub', url, ...message, '-u', 'ann', '-P', 'secret'])).exitCode).toBe(0)
    expect((await run(['pub', url, ...message, '-u', 'ann', '-P', 'wrong'])).exitCode).toBe(5)
    expect((await run(['pub', url, ...message])).exitCode).toBe(5)
  })

  it('applies a limit that was typed', async () => {
    const { url } = await serve('--max-qos', '0')

    expect((await run(['pub', url, '-t', 'a', '-m', 'x', '-q', '1'])).exitCode).toBe(9)
  })

  it('runs a command with MQTT_URL set and ends with its exit code', async () => {
    const { exitCode, stdout } = await run(['serve', '-p', '0', '--exec', 'echo "url $MQTT_URL"; exit 7'])

    const [, url] = /^mqtt-kit ready (\S+)$/m.exec(stdout) ?? []
    expect(exitCode).toBe(7)
    expect(stdout).toContain(`url ${url}\n`)
  })

  it('hands SIGTERM on to the command that it runs', async () => {
    const program = start(['serve', '-p', '0', '--exec', 'trap "exit 5" TERM; echo up; while :; do sleep 0.05; done'])
    await program.says('up\n')

    program.kill('SIGTERM')

    expect((await program.finished()).exitCode).toBe(5)
  })

  it('logs connections with -v, as text and as JSON', async () => {
    const text = await serve('-v')
    await run(['pub', text.url, '-i', 'me', '-t', 'a', '-m', 'x'])
    await text.program.says('disconnect')
    const json = await serve('-v', '--log-format', 'json')
    await run(['pub', json.url, '-i', 'me', '-t', 'a', '-m', 'x'])
    await json.program.says('"disconnect"')

    expect(text.program.stderr).toMatch(/^\d\d:\d\d:\d\d\.\d{3} connect 127\.0\.0\.1:\d+ "me": MQTT 5\.0/m)
    const events = json.program.stderr
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).event)
    expect(events).toEqual(['listening', 'connect', 'disconnect'])
  })

  it('shows every packet with -d', async () => {
    const { program, url } = await serve('-d')
    await run(['pub', url, '-i', 'me', '-t', 'a/b', '-m', 'x', '-q', '1'])
    await program.says('DISCONNECT')

    const packets = program.stderr
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/^\S+ \S+ /, ''))
    expect(packets[0]).toBe('"me" -> CONNECT 5.0 client-id="me" clean-start keep-alive=60s')
    expect(packets.slice(2)).toEqual([
      '"me" -> PUBLISH id=1 qos=1 topic="a/b" payload=1 B',
      '"me" <- PUBACK id=1 0x10 No matching subscribers',
      '"me" -> DISCONNECT 0x00 Normal disconnection',
    ])
  })

  it('leaves nothing behind on a unix socket', async () => {
    const socket = join(folder, 'gone.sock')
    const program = start(['serve', '--listen', `unix:${socket}`])
    await program.says('ready')

    expect(program.stdout).toBe(`mqtt-kit ready unix:${socket}\n`)
    program.kill('SIGTERM')
    await program.finished()

    expect(existsSync(socket)).toBe(false)
  })
})
