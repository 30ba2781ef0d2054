import { once } from 'node:events'
import { createConnection, createServer, type Server, Socket } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { Broker } from '../../../src/broker/broker.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { PINGREQ } from '../../../src/codec/packets/ping.ts'
import { RawClient } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

describe.each(EACH_VERSION)('a socket with a client of MQTT %s', (_name, version) => {
  it('N-07 that is half-closed is closed when all that came before was processed', async () => {
    const { client, logged } = await startBroker()
    const watcher = await client({ version })
    await watcher.subscribe({ topicFilter: '#', qos: 1 })
    const will = willOf('will', 'gone', { qos: 1 })
    const leaving = await client({ ...keeping(version, 'leaving'), will })
    for (let i = 0; i < 50; i++) leaving.publish('a', String(i), { qos: 1 })
    leaving.send(PINGREQ)
    leaving.socket.end()
    await leaving.closed()
    await logged('disconnect', 'leaving')
    // it could still read, and has its answers
    for (let i = 0; i < 50; i++) await leaving.expect(PacketType.PUBACK)
    await leaving.expect(PacketType.PINGRESP)
    await expect(leaving.next()).rejects.toThrow('the server closed the connection')
    for (let i = 0; i < 50; i++) expect((await watcher.message()).payload).toBe(String(i))
    expect(await watcher.message()).toMatchObject({ topic: 'will', payload: 'gone' })
    const back = await client(keeping(version, 'leaving'))
    await back.quiet()
  })

  it('N-07 X-04 that is half-closed behind DISCONNECT is a normal end', async () => {
    const { client, logged } = await startBroker()
    const watcher = await client({ version })
    await watcher.subscribe('will')
    const leaving = await client({ version, clientId: 'leaving', will: willOf('will', 'gone') })
    leaving.disconnect()
    leaving.socket.end()
    await leaving.closed()
    await logged('disconnect', 'leaving')
    await watcher.quiet()
  })
})

it('N-08 is asked for a sign of life by TCP, so that a peer without keep alive that vanished is found', async () => {
  const keepAlive = vi.spyOn(Socket.prototype, 'setKeepAlive')
  try {
    const { client } = await startBroker()
    await client({ keepAliveSeconds: 0 })
    // the raw client does not ask, so it is the broker's side
    expect(keepAlive.mock.calls).toEqual([[true, expect.any(Number)]])
    expect(keepAlive.mock.calls[0]![1]).toBeLessThanOrEqual(600_000)
  } finally {
    keepAlive.mockRestore()
  }
})

describe('a listener', () => {
  async function occupied(): Promise<{ server: Server; port: number }> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return { server, port: address.port }
  }

  it('N-10 takes any free port for 0, and tells the real ones in the order of the options', async () => {
    const events: string[] = []
    const broker = await Broker.start({
      port: 0,
      listen: ['mqtt://127.0.0.1:0', 'mqtt://[::1]:0'],
      sysIntervalSeconds: 0,
      log: ({ event, detail }) => events.push(`${event} ${detail}`),
    })
    try {
      const ports = broker.listeners.map((url) => Number(new URL(url).port))
      expect(new Set(ports).size).toBe(3)
      expect(ports.every((port) => port > 0)).toBe(true)
      expect(broker.listeners.map((url) => new URL(url).hostname)).toEqual(['127.0.0.1', '127.0.0.1', '[::1]'])
      expect(broker.url).toBe(broker.listeners[0])
      expect(events).toEqual(broker.listeners.map((url) => `listening ${url}`))
      for (const url of broker.listeners) {
        const client = await RawClient.connected(url)
        client.socket.destroy()
      }
    } finally {
      await broker.stop()
    }
  })

  it('N-10 can be opened again on the same port at once, though connections that the server closed are left over', async () => {
    const first = await Broker.start({ port: 0, sysIntervalSeconds: 0 })
    const { url } = first
    const port = Number(new URL(url).port)
    const clients = [await RawClient.connected(first.url), await RawClient.connected(first.url)]
    const stopped = first.stop()
    for (const client of clients) {
      // the server closes first and keeps the port in TIME_WAIT
      await client.closed()
      client.socket.destroy()
    }
    await stopped
    const second = await Broker.start({ port, sysIntervalSeconds: 0 })
    try {
      expect(second.url).toBe(url)
      const client = await RawClient.connected(second.url)
      await client.quiet()
      client.socket.destroy()
    } finally {
      await second.stop()
    }
  })

  it('N-10 says so when the port is taken, and leaves no other one open', async () => {
    const { server, port } = await occupied()
    const free = await occupied()
    free.server.close()
    await once(free.server, 'close')
    const listen = [`mqtt://127.0.0.1:${free.port}`, `mqtt://127.0.0.1:${port}`]
    await expect(Broker.start({ port: null, listen, sysIntervalSeconds: 0 })).rejects.toMatchObject({
      kind: 'listen',
      code: 'EADDRINUSE',
    })
    const probe = createConnection(free.port, '127.0.0.1')
    const [error] = await once(probe, 'error')
    expect(error).toMatchObject({ code: 'ECONNREFUSED' })
    server.close()
  })
})
