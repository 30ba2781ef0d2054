import dns from 'node:dns'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Address, parseAddress } from '../../src/transport/address.ts'
import { type DialOptions, dial } from '../../src/transport/dial.ts'
import { TransportError } from '../../src/transport/transport-error.ts'

const PATIENT = { timeoutMs: 10_000 }
const BOTH_LOOPBACKS: dns.LookupAddress[] = [
  { address: '::1', family: 6 },
  { address: '127.0.0.1', family: 4 },
]

afterEach(() => {
  vi.restoreAllMocks()
})

async function failure(address: Address, options: DialOptions = PATIENT): Promise<TransportError> {
  const outcome = await dial(address, options).catch((error: unknown) => error)
  expect(outcome).toBeInstanceOf(TransportError)
  return outcome as TransportError
}

function address(host: string, port: number): Address {
  return { scheme: 'mqtt', host, port, path: '' }
}

/** A port of 127.0.0.1 that nobody listens on. */
async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function listening(host: string): Promise<net.Server & { port: number }> {
  const server = net.createServer((socket) => socket.on('error', () => {}).end('hello')).listen(0, host)
  await once(server, 'listening')
  return Object.assign(server, { port: (server.address() as AddressInfo).port })
}

type LookupCallback = (error: Error | null, addresses: dns.LookupAddress[]) => void

/** Has every name looked up by this function instead of the system. */
function lookUpWith(answer: (callback: LookupCallback) => void): void {
  const lookup = (_name: string, _options: unknown, callback: unknown): void => answer(callback as LookupCallback)
  vi.spyOn(dns, 'lookup').mockImplementation(lookup as unknown as typeof dns.lookup)
}

describe('dial', () => {
  it('gives a transport that waits to be started', async () => {
    const server = await listening('127.0.0.1')
    const transport = await dial(address('127.0.0.1', server.port), PATIENT)
    const text = await new Promise<string>((resolve) => {
      transport.start({
        data: (bytes) => resolve(bytes.toString()),
        drained: () => {},
        ended: () => {},
        closed: () => {},
      })
    })

    expect(text).toBe('hello')
    expect(transport.remoteAddress).toBe(`127.0.0.1:${server.port}`)
    transport.destroy()
    server.close()
  })

  it('says that the connection was refused, by what and what to try', async () => {
    const port = await freePort()
    const error = await failure(address('127.0.0.1', port))

    expect(error.message).toBe(
      `cannot connect to mqtt://127.0.0.1:${port}: connection refused (ECONNREFUSED): is a broker running there?`,
    )
    expect(error).toMatchObject({ kind: 'connect', code: 'ECONNREFUSED', address: `mqtt://127.0.0.1:${port}` })
    expect(error.cause).toMatchObject({ code: 'ECONNREFUSED' })
  })

  it.each(['ENOTFOUND', 'EAI_AGAIN'])('names the host that was not found (%s)', async (code) => {
    lookUpWith((callback) => callback(Object.assign(new Error('getaddrinfo'), { code }), []))
    const error = await failure(address('host.invalid', 1883))

    expect(error).toMatchObject({ kind: 'connect', code })
    expect(error.message).toContain('mqtt://host.invalid:1883')
  })

  it('reports the refusal when all addresses of a name fail, and keeps all failures as cause', async () => {
    const port = await freePort()
    lookUpWith((callback) => callback(null, BOTH_LOOPBACKS))
    const error = await failure(address('broker.test', port))

    expect(error.code).toBe('ECONNREFUSED')
    expect(error.cause).toBeInstanceOf(AggregateError)
    expect((error.cause as AggregateError).errors).toHaveLength(2)
  })

  it('goes on to the next address of a name when the first one refuses', async () => {
    const server = await listening('127.0.0.1')
    lookUpWith((callback) => callback(null, BOTH_LOOPBACKS))
    const transport = await dial(address('broker.test', server.port), PATIENT)

    expect(transport.remoteAddress).toBe(`127.0.0.1:${server.port}`)
    transport.destroy()
    server.close()
  })

  it.each(['localhost', 'LOCALHOST', ''])('looks no name up for host %o', async (host) => {
    const server = await listening('127.0.0.1')
    const lookup = vi.spyOn(dns, 'lookup')
    const transport = await dial(address(host, server.port), PATIENT)

    expect(transport.remoteAddress).toBe(`127.0.0.1:${server.port}`)
    expect(lookup).not.toHaveBeenCalled()
    transport.destroy()
    server.close()
  })

  it('finds a broker on localhost that listens on IPv6 only', async (test) => {
    const server = await listening('::1').catch(() => test.skip('there is no IPv6 here'))
    const transport = await dial(address('localhost', server.port), PATIENT)

    expect(transport.remoteAddress).toBe(`[::1]:${server.port}`)
    transport.destroy()
    server.close()
  })

  it('says that localhost refuses when neither of its addresses takes connections', async () => {
    const error = await failure(address('localhost', await freePort()))

    expect(error.code).toBe('ECONNREFUSED')
    expect(error.message).toContain('mqtt://localhost:')
  })

  it('gives up when the name is not found in time', async () => {
    lookUpWith(() => {})
    const error = await failure(address('slow.invalid', 1883), { timeoutMs: 1 })

    expect(error.message).toBe(
      'cannot connect to mqtt://slow.invalid:1883: no answer in time (ETIMEDOUT): check host, port and firewall',
    )
    expect('cause' in error).toBe(false)
  })

  it('gives up when the peer does not answer in time', async (test) => {
    // Linux lets backlog + 1 connections wait to be accepted and ignores who comes then.
    if (process.platform !== 'linux') test.skip('how many connections wait is known on Linux only')
    const deaf = new Worker(
      `const { parentPort } = require('node:worker_threads')
      const server = require('node:net').createServer()
      server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
        const stop = new Int32Array(new SharedArrayBuffer(4))
        parentPort.postMessage({ port: server.address().port, stop })
        setImmediate(() => { Atomics.wait(stop, 0, 0); process.exit() })
      })`,
      { eval: true },
    )
    const [{ port, stop }] = await once(deaf, 'message')
    const waiting = [net.connect(port, '127.0.0.1'), net.connect(port, '127.0.0.1')]
    await Promise.all(waiting.map((socket) => once(socket, 'connect')))
    const error = await failure(address('127.0.0.1', port), { timeoutMs: 20 })

    expect(error).toMatchObject({ kind: 'connect', code: 'ETIMEDOUT' })
    for (const socket of waiting) socket.on('error', () => {}).destroy()
    Atomics.store(stop, 0, 1)
    Atomics.notify(stop, 0)
    await once(deaf, 'exit')
  })

  it('accepts a timeout that no timer can hold', async () => {
    const server = await listening('127.0.0.1')
    const transport = await dial(address('127.0.0.1', server.port), { timeoutMs: 0xffffffff })

    transport.destroy()
    server.close()
  })

  it('gives up when aborted, and at once when aborted before', async () => {
    lookUpWith(() => {})
    const controller = new AbortController()
    const outcome = failure(address('slow.invalid', 1883), { ...PATIENT, signal: controller.signal })
    controller.abort(new Error('changed my mind'))
    const first = await outcome
    const second = await failure(address('slow.invalid', 1883), { ...PATIENT, signal: controller.signal })

    for (const error of [first, second]) {
      expect(error.message).toBe('cannot connect to mqtt://slow.invalid:1883: given up (ABORT_ERR)')
      expect(error.cause).toMatchObject({ message: 'changed my mind' })
    }
    expect(dns.lookup).toHaveBeenCalledTimes(1)
  })

  it('leaves the connection alone when aborted after it is open', async () => {
    const server = await listening('127.0.0.1')
    const controller = new AbortController()
    const transport = await dial(address('127.0.0.1', server.port), { ...PATIENT, signal: controller.signal })
    controller.abort()
    const calls = await new Promise<string[]>((resolve) => {
      const seen: string[] = []
      transport.start({
        data: () => seen.push('data'),
        drained: () => {},
        ended: () => transport.end(),
        closed: (error) => resolve([...seen, `closed ${error}`]),
      })
    })

    expect(calls).toEqual(['data', 'closed null'])
    server.close()
  })

  it('leaves no timer behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    const server = await listening('127.0.0.1')
    const transport = await dial(address('127.0.0.1', server.port), PATIENT)
    await failure(address('127.0.0.1', await freePort()))

    expect(timers()).toBe(before)
    transport.destroy()
    server.close()
  })

  it('connects from the address it is told', async (test) => {
    if (process.platform !== 'linux') test.skip('only Linux has all of 127.0.0.0/8')
    const server = await listening('127.0.0.1')
    const transport = await dial(address('localhost', server.port), { ...PATIENT, bindAddress: '127.0.0.2' })

    expect(transport.localAddress).toMatch(/^127\.0\.0\.2:\d+$/)
    transport.destroy()
    server.close()
  })

  it('refuses a bind address that is none', async () => {
    const error = await failure(address('127.0.0.1', 1883), { ...PATIENT, bindAddress: 'eth0' })

    expect(error.message).toBe('cannot connect to mqtt://127.0.0.1:1883 from eth0: invalid address (EINVAL)')
  })

  it('reports a bind address that is not ours', async () => {
    const error = await failure(address('127.0.0.1', 1883), { ...PATIENT, bindAddress: '192.0.2.1' })

    expect(error.code).toBe('EADDRNOTAVAIL')
  })

  it('reports a unix socket that does not exist', async () => {
    const error = await failure(parseAddress('unix:/nonexistent/mqtt.sock').address)

    expect(error.message).toBe(
      'cannot connect to unix:/nonexistent/mqtt.sock: no such file (ENOENT): is a broker running there?',
    )
  })

  it('reports a path that no unix socket can have', async (test) => {
    if (process.platform === 'win32') test.skip('named pipes have long names')
    const error = await failure(parseAddress(`unix:/${'x'.repeat(107)}`).address)

    expect(error).toMatchObject({ kind: 'connect', code: 'ENAMETOOLONG' })
  })
})
