import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Address, parseAddress } from '../../src/transport/address.ts'
import { dial } from '../../src/transport/dial.ts'
import { type Listener, listen } from '../../src/transport/listen.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { TransportError } from '../../src/transport/transport-error.ts'
import { RecordingHandler } from '../support/recording-handler.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mqtt-kit-'))
})

afterAll(() => rm(folder, { recursive: true }))

const anyPort = parseAddress('mqtt://127.0.0.1:0').address

function unixAddress(name: string): Address {
  return { scheme: 'unix', host: '', port: 0, path: join(folder, name) }
}

/** A listener that notes what it accepts. */
async function open(address: Address): Promise<Listener & { accepted: Transport[] }> {
  const accepted: Transport[] = []
  const listener = await listen(address, {
    accept: (transport) => accepted.push(transport),
    error: (error) => {
      throw error
    },
  })
  return { ...listener, accepted }
}

async function failure(address: Address): Promise<TransportError> {
  const outcome = await open(address).catch((error: unknown) => error)
  expect(outcome).toBeInstanceOf(TransportError)
  return outcome as TransportError
}

async function connect(listener: Listener): Promise<{ transport: Transport; handler: RecordingHandler }> {
  const transport = await dial(listener.address, { timeoutMs: 10_000 })
  const handler = new RecordingHandler()
  transport.start(handler)
  return { transport, handler }
}

/** Connects, has the listener's side say hello, and hangs up: the listener lives. */
async function expectToAccept(listener: Listener & { accepted: Transport[] }): Promise<void> {
  const { transport, handler } = await connect(listener)
  while (listener.accepted.length === 0) await new Promise((resolve) => setImmediate(resolve))
  for (const accepted of listener.accepted.splice(0)) {
    accepted.write(Buffer.from('hello'))
    accepted.destroy()
  }
  await handler.until((one) => one.isEnded)
  expect(handler.received.toString()).toBe('hello')
  transport.destroy()
}

/** Leaves a socket file behind as a killed process does. */
async function leaveSocketFile(path: string): Promise<void> {
  const owner = spawn(process.execPath, [
    '-e',
    `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ])
  await once(owner, 'exit')
  expect((await stat(path)).isSocket()).toBe(true)
}

describe('listen', () => {
  it('tells the port it was given and accepts there', async () => {
    const listener = await open(anyPort)

    expect(listener.address.port).toBeGreaterThan(0)
    expect(listener.url).toBe(`mqtt://127.0.0.1:${listener.address.port}`)
    await expectToAccept(listener)
    await listener.close()
  })

  it('listens on every interface without a host, and tells the wildcard address', async () => {
    const listener = await open(parseAddress('mqtt://:0').address)

    expect(listener.url).toMatch(/^mqtt:\/\/(\[::\]|0\.0\.0\.0):\d+$/)
    await expectToAccept({ ...listener, address: { ...listener.address, host: '127.0.0.1' } })
    await listener.close()
  })

  it('keeps the name it was given', async () => {
    const listener = await open(parseAddress('mqtt://localhost:0').address)

    expect(listener.url).toBe(`mqtt://localhost:${listener.address.port}`)
    await listener.close()
  })

  it('reports an address in use by its name', async () => {
    const listener = await open(anyPort)
    const error = await failure(listener.address)

    expect(error.message).toBe(
      `cannot listen on ${listener.url}: address in use (EADDRINUSE): stop the program that listens there, or choose another port`,
    )
    expect(error).toMatchObject({ kind: 'listen', code: 'EADDRINUSE', address: listener.url })
    await expectToAccept(listener)
    await listener.close()
  })

  it('reports an address that is not ours', async () => {
    expect(await failure(parseAddress('mqtt://192.0.2.1:0').address)).toMatchObject({
      kind: 'listen',
      code: 'EADDRNOTAVAIL',
    })
  })

  it.each(['mqtts://localhost:0', 'wss://localhost:0'])('says that %s needs a certificate', async (url) => {
    expect(await failure(parseAddress(url).address)).toMatchObject({ kind: 'listen', code: 'NO_CERTIFICATE' })
  })

  it('frees its port on close() while its connections live on', async () => {
    const listener = await open(anyPort)
    const { transport, handler } = await connect(listener)
    while (listener.accepted.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await listener.close()
    await listener.close()
    const next = await open(listener.address)
    listener.accepted[0]!.write(Buffer.from('still here'))
    await handler.until((one) => one.receivedBytes > 0)

    expect(handler.received.toString()).toBe('still here')
    await expectToAccept(next)
    listener.accepted[0]!.destroy()
    transport.destroy()
    await next.close()
  })

  it('refuses connections after close()', async () => {
    const listener = await open(anyPort)
    await listener.close()

    await expect(dial(listener.address, { timeoutMs: 10_000 })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})

describe.skipIf(process.platform === 'win32')('listen on a unix socket', () => {
  it('accepts, and removes its file on close()', async () => {
    const address = unixAddress('plain')
    const listener = await open(address)

    expect(listener.url).toBe(`unix:${address.path}`)
    expect(listener.address).toEqual(address)
    await expectToAccept(listener)
    await listener.close()
    await expect(stat(address.path)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('replaces the file that a killed process left', async () => {
    const address = unixAddress('stale')
    await leaveSocketFile(address.path)
    const listener = await open(address)

    await expectToAccept(listener)
    await listener.close()
  })

  it('leaves a socket alone that somebody listens on', async () => {
    const listener = await open(unixAddress('live'))

    expect(await failure(listener.address)).toMatchObject({ kind: 'listen', code: 'EADDRINUSE' })
    for (const probe of listener.accepted.splice(0)) probe.destroy()
    await expectToAccept(listener)
    await listener.close()
  })

  it('leaves a file alone that is no socket', async () => {
    const address = unixAddress('file')
    await writeFile(address.path, 'precious')

    expect(await failure(address)).toMatchObject({ kind: 'listen', code: 'EADDRINUSE' })
    expect(await readFile(address.path, 'utf8')).toBe('precious')
  })

  it('reports a folder that does not exist', async () => {
    const error = await failure(unixAddress('missing/socket'))

    expect(error.code).toMatch(/^(ENOENT|EACCES)$/)
  })

  it('reports a path that no unix socket can have', async () => {
    expect(await failure(unixAddress('x'.repeat(200)))).toMatchObject({ kind: 'listen', code: 'ENAMETOOLONG' })
  })
})

describe('a listener in a process without descriptors', () => {
  /** Accepts, keeps, sends back; `free` closes what it has. Prints a line for each event, and its state when asked. */
  const PROGRAM = `
    import { closeSync, openSync } from 'node:fs'
    import { listen } from './src/transport/listen.ts'
    const kept = []
    const listener = await listen({ scheme: 'mqtt', host: '127.0.0.1', port: 0, path: '' }, {
      accept: (transport) => {
        kept.push(transport)
        transport.start({ data: (bytes) => transport.write(bytes), drained() {}, ended() {}, closed() {} })
      },
      error: (error) => console.log('error ' + error.message),
    })
    process.stdin.on('data', (line) => {
      if (String(line).startsWith('free')) for (const transport of kept.splice(0)) transport.destroy()
      let canOpen = true
      try { closeSync(openSync('/dev/null')) } catch { canOpen = false }
      console.log('state ' + JSON.stringify({ kept: kept.length, canOpen }))
    })
    console.log('port ' + listener.address.port)`

  it('turns connections away, says so once, serves those it has, and accepts again when there are some', async (test) => {
    if (process.platform !== 'linux') test.skip('needs a shell with ulimit -n')
    const file = join(folder, 'listener.mjs')
    await build({
      stdin: { contents: PROGRAM, resolveDir: join(import.meta.dirname, '../..'), loader: 'js' },
      outfile: file,
      bundle: true,
      platform: 'node',
      format: 'esm',
    })
    const child = spawn('sh', ['-c', `ulimit -n 64 && exec "${process.execPath}" "${file}"`], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const errors: string[] = []
    const answers: string[] = []
    const lines = createInterface({ input: child.stdout })
    const nextAnswer = async (): Promise<string> => {
      while (answers.length === 0) await once(lines, 'line')
      return answers.shift()!
    }
    lines.on('line', (line) => (line.startsWith('error') ? errors : answers).push(line.replace(/^(state|port) /, '')))
    const port = Number(await nextAnswer())
    const state = async (command: string): Promise<{ kept: number; canOpen: boolean }> => {
      child.stdin.write(`${command}\n`)
      return JSON.parse(await nextAnswer())
    }
    /** Connects and sends a byte: true when it comes back. */
    const isServed = (sockets: net.Socket[]): Promise<boolean> =>
      new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => socket.write('x'))
        sockets.push(socket)
        socket.on('error', () => {})
        socket.once('data', () => resolve(true))
        socket.once('close', () => resolve(false))
      })

    const sockets: net.Socket[] = []
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => isServed(sockets)))
    const servedCount = outcomes.filter(Boolean).length
    expect(servedCount).toBeGreaterThan(20)
    expect(servedCount).toBeLessThan(64)
    // one descriptor is always left, without which accept() fails over and over
    expect(await state('look')).toEqual({ kept: servedCount, canOpen: true })
    expect(errors).toHaveLength(1)
    expect(errors[0]).toContain(`cannot accept a connection on mqtt://127.0.0.1:`)
    expect(errors[0]).toContain('too many open files (EMFILE)')

    // those it has are served
    const first = sockets[outcomes.indexOf(true)]!
    first.write('again')
    expect(String((await once(first, 'data'))[0])).toBe('again')

    for (let i = 0; i < 50; i++) expect(await isServed(sockets)).toBe(false)
    expect(errors).toHaveLength(1)

    expect((await state('free')).kept).toBe(0)
    expect(await isServed(sockets)).toBe(true)
    for (const socket of sockets) socket.destroy()
    child.kill()
    await once(child, 'exit')
  })
})
