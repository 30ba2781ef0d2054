import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { Address } from '../../src/transport/address.ts'
import { dial } from '../../src/transport/dial.ts'
import { listen } from '../../src/transport/listen.ts'
import { TcpTransport } from '../../src/transport/tcp.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { RecordingHandler } from '../support/recording-handler.ts'
import { type TransportPair, transportSuite } from '../support/transport-suite.ts'

const tcpAddress: Address = { scheme: 'mqtt', host: '127.0.0.1', port: 0, path: '' }

async function pair(address: Address, sharesInput = false): Promise<TransportPair> {
  let accepted: (transport: Transport) => void = () => {}
  const server = new Promise<Transport>((resolve) => {
    accepted = resolve
  })
  const listener = await listen(address, {
    accept: (transport) => accepted(transport),
    error: (error) => {
      throw error
    },
  })
  const client = await dial(listener.address, { timeoutMs: 10_000, sharesInput })
  return { client, server: await server, sharesInput, close: () => listener.close() }
}

async function unixPair(sharesInput = false): Promise<TransportPair> {
  const folder = await mkdtemp(join(tmpdir(), 'mqtt-kit-'))
  const opened = await pair({ scheme: 'unix', host: '', port: 0, path: join(folder, 'socket') }, sharesInput)
  return {
    ...opened,
    close: async () => {
      await opened.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** A raw server socket and a TcpTransport on the client's side of the same connection. */
async function rawPair(): Promise<{ peer: net.Socket; socket: net.Socket; transport: Transport }> {
  const server = net.createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = net.connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [[peer]] = await Promise.all([once(server, 'connection'), once(socket, 'connect')])
  server.close()
  return { peer, socket, transport: new TcpTransport(socket, null) }
}

transportSuite('a TCP transport', () => pair(tcpAddress))
transportSuite('a unix socket transport', () => unixPair())
transportSuite('a TCP transport whose input is shared', () => pair(tcpAddress, true))
transportSuite('a unix socket transport whose input is shared', () => unixPair(true))

describe('a transport whose input is shared', () => {
  it('reads what came before it was started, and nothing while it is paused', async () => {
    const { client, server, close } = await pair(tcpAddress, true)
    const [atClient, atServer] = [new RecordingHandler(true), new RecordingHandler()]
    server.start(atServer)
    server.write(Buffer.from('early'))
    client.pause()
    client.start(atClient)
    client.write(Buffer.from('?'))
    await atServer.until((handler) => handler.receivedBytes === 1)

    expect(atClient.calls).toEqual([])
    client.resume()
    await atClient.until((handler) => handler.receivedBytes === 5)
    client.pause()
    server.write(Buffer.from('late'))
    client.write(Buffer.from('?'))
    await atServer.until((handler) => handler.receivedBytes === 2)

    expect(atClient.received.toString()).toBe('early')
    client.resume()
    await atClient.until((handler) => handler.receivedBytes === 9)

    expect(atClient.received.toString()).toBe('earlylate')
    client.destroy()
    server.destroy()
    await close()
  })

  it('has the memory of all others, so that many connections need no more', async () => {
    const pairs = await Promise.all([pair(tcpAddress, true), pair(tcpAddress, true)])
    const memory: ArrayBufferLike[] = []
    for (const { client, server } of pairs) {
      const handler = new RecordingHandler()
      client.start(handler)
      server.start(new RecordingHandler())
      server.write(Buffer.from('hello'))
      await handler.until((one) => one.receivedBytes === 5)
      memory.push(handler.chunks[0]!.buffer)
    }

    expect(memory[0]).toBe(memory[1])
    for (const { client, server, close } of pairs) {
      client.destroy()
      server.destroy()
      await close()
    }
  })
})

describe('a TCP transport', () => {
  it('names both ends, each as the other sees it', async () => {
    const { client, server, close } = await pair(tcpAddress)

    expect(client.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/)
    expect(client.localAddress).toBe(server.remoteAddress)
    expect(server.localAddress).toBe(client.remoteAddress)
    client.destroy()
    server.destroy()
    await close()
  })

  it('names an IPv4 peer of a dual-stack listener by its IPv4 address', async () => {
    const { client, server, close } = await pair({ ...tcpAddress, host: '' })

    // localhost is either; what matters is that no ::ffff: is seen
    expect(server.remoteAddress).toMatch(/^(127\.0\.0\.1|\[::1\]):\d+$/)
    client.destroy()
    server.destroy()
    await close()
  })

  it('sends small writes at once and watches idle peers', async () => {
    const { peer, socket, transport } = await rawPair()
    const setNoDelay = vi.spyOn(net.Socket.prototype, 'setNoDelay')
    const setKeepAlive = vi.spyOn(net.Socket.prototype, 'setKeepAlive')
    new TcpTransport(socket, null)

    expect(setNoDelay).toHaveBeenCalledWith(true)
    expect(setKeepAlive).toHaveBeenCalledWith(true, 60_000)
    vi.restoreAllMocks()
    transport.destroy()
    peer.destroy()
  })

  it('hands out what lay in the socket before what is read after it', async () => {
    const { peer, socket, transport } = await rawPair()
    const handler = new RecordingHandler()
    socket.unshift(Buffer.from('first '))
    transport.start(handler)
    // as Node does when bytes come
    socket.push(Buffer.from('then'))
    await handler.until(({ receivedBytes }) => receivedBytes === 10)

    expect(handler.received.toString()).toBe('first then')
    transport.destroy()
    peer.destroy()
  })

  it('lets others have their turn when its owner is kept busy by full reads', async () => {
    const { peer, transport } = await rawPair()
    const handler = new RecordingHandler()
    const bytes = 4 * 1_048_576
    peer.write(Buffer.alloc(bytes))
    let [turn, nowMs] = [0, 0]
    let isRunning = true
    const nextTurn = (): void => {
      turn++
      if (isRunning) setImmediate(nextTurn)
    }
    nextTurn()
    // a full read takes 6 ms by this clock
    vi.spyOn(performance, 'now').mockImplementation(() => (nowMs += 6))
    const fullReads = new Map<number, number>()
    handler.onData = () => {
      if (handler.chunks.at(-1)!.length < 65_536) return
      fullReads.set(turn, (fullReads.get(turn) ?? 0) + 1)
    }
    transport.start(handler)
    await handler.until((one) => one.receivedBytes === bytes)
    isRunning = false
    vi.restoreAllMocks()

    const all = [...fullReads.values()]
    expect(all.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(10)
    // two, and the one that was read when it was asked to stop
    expect(Math.max(...all)).toBeLessThanOrEqual(3)
    transport.destroy()
    peer.destroy()
  })

  it('tells of a reset by the peer with its code and address', async () => {
    const { peer, transport } = await rawPair()
    const handler = new RecordingHandler()
    transport.start(handler)
    peer.resetAndDestroy()
    await handler.until((one) => one.isClosed)

    expect(handler.calls).toEqual(['closed'])
    expect(handler.error).toMatchObject({ kind: 'connection', code: 'ECONNRESET', address: transport.remoteAddress })
    expect(handler.error?.message).toBe(
      `lost the connection to ${transport.remoteAddress}: reset by the peer (ECONNRESET)`,
    )
    expect(handler.error?.cause).toBeInstanceOf(Error)
  })

  it('breaks off by a reset, which the peer sees and its owner does not', async () => {
    const { peer, transport } = await rawPair()
    const handler = new RecordingHandler()
    transport.start(handler)
    const [error] = await Promise.all([once(peer, 'error'), transport.breakOff()])
    await handler.until((one) => one.isClosed)

    expect(error[0]).toMatchObject({ code: 'ECONNRESET' })
    expect([handler.calls, handler.error]).toEqual([['closed'], null])
  })

  it('keeps a loss before start() for the handler that comes later', async () => {
    const { peer, socket, transport } = await rawPair()
    peer.resetAndDestroy()
    await new Promise((resolve) => socket.once('close', resolve))
    const handler = new RecordingHandler()
    transport.start(handler)
    expect(handler.calls).toEqual([])
    await handler.until((one) => one.isClosed)

    expect(handler.error?.code).toBe('ECONNRESET')
  })

  it('keeps bytes and end that come before start() for the handler that comes later', async () => {
    const { peer, transport } = await rawPair()
    peer.end('early')
    await once(peer, 'finish')
    const handler = new RecordingHandler()
    transport.start(handler)
    await handler.until((one) => one.isEnded)

    expect(handler.received.toString()).toBe('early')
    transport.end()
    await handler.until((one) => one.isClosed)
    expect(handler.calls).toEqual(['data', 'ended', 'closed'])
  })

  it('stays paused when it was paused before start()', async () => {
    const { peer, transport } = await rawPair()
    const handler = new RecordingHandler()
    transport.pause()
    transport.start(handler)
    peer.write('wait')
    // a full round trip: had it been reading, it would have read by now
    const answered = once(peer, 'data')
    transport.write(Buffer.from('ping'))
    await answered
    expect(handler.calls).toEqual([])

    transport.resume()
    await handler.until((one) => one.receivedBytes === 4)
    transport.destroy()
    peer.destroy()
    await handler.until((one) => one.isClosed)
  })

  it('keeps back what it had read in several pieces when it is destroyed at the first', async () => {
    const { peer, socket, transport } = await rawPair()
    const handler = new RecordingHandler()
    handler.onData = () => transport.destroy()
    transport.pause()
    transport.start(handler)
    for (const piece of ['one', 'two', 'three']) socket.push(piece)
    transport.resume()
    await handler.until((one) => one.isClosed)

    expect(handler.received.toString()).toBe('one')
    expect(handler.calls).toEqual(['data', 'closed'])
    peer.destroy()
  })

  it('reports the reset, not the destroy() that follows it', async () => {
    const { peer, socket, transport } = await rawPair()
    const handler = new RecordingHandler()
    transport.start(handler)
    socket.prependOnceListener('close', () => transport.destroy())
    peer.resetAndDestroy()
    await handler.until((one) => one.isClosed)

    expect(handler.error?.code).toBe('ECONNRESET')
  })
})

describe('connections and listeners that were closed', () => {
  it('leave no handle behind', async () => {
    const openHandles = (): string[] => process.getActiveResourcesInfo().filter((name) => /TCP|Pipe/.test(name))
    const before = openHandles()
    const { client, server, close } = await pair(tcpAddress)
    const handlers = [client, server].map((transport) => {
      const handler = new RecordingHandler()
      transport.start(handler)
      return handler
    })
    client.end()
    await handlers[1]!.until((handler) => handler.isEnded)
    server.end()
    await Promise.all(handlers.map((handler) => handler.until((one) => one.isClosed)))
    await close()
    // libuv forgets a closed handle at the end of a turn; if one stays this never ends
    while (openHandles().length > before.length) await new Promise((resolve) => setImmediate(resolve))

    expect(openHandles()).toEqual(before)
  })
})
