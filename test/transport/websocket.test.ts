import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { type Address, parseAddress } from '../../src/transport/address.ts'
import { dial } from '../../src/transport/dial.ts'
import { type ListenOptions, listen } from '../../src/transport/listen.ts'
import type { Transport } from '../../src/transport/transport.ts'
import { RecordingHandler } from '../support/recording-handler.ts'
import { numberedBytes, type TransportPair, transportSuite } from '../support/transport-suite.ts'

const anyPort: Address = { scheme: 'ws', host: '127.0.0.1', port: 0, path: '/mqtt' }
const PATIENT = { timeoutMs: 10_000 }

async function pair(options: ListenOptions = {}): Promise<TransportPair> {
  const { promise, resolve } = withResolvers<Transport>()
  const fail = (error: Error): void => {
    throw error
  }
  const listener = await listen(anyPort, { accept: resolve, error: fail }, options)
  const client = await dial(listener.address, PATIENT)
  return { client, server: await promise, close: () => listener.close() }
}

function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

transportSuite('a WebSocket transport', pair, false)

describe('a WebSocket transport', () => {
  it('sends what is pending before its end, which closes both sides without error', async () => {
    const { client, server, close } = await pair()
    const atClient = new RecordingHandler()
    const atServer = new RecordingHandler()
    client.start(atClient)
    server.start(atServer)
    client.write(numberedBytes(3_000_000))
    client.end()
    client.write(Buffer.from('after the end'))
    await atServer.until((handler) => handler.isClosed)
    await atClient.until((handler) => handler.isClosed)

    expect(atServer.received.equals(numberedBytes(3_000_000))).toBe(true)
    expect([atClient.error, atServer.error]).toEqual([null, null])
    await close()
  })

  it('ends with a message above the bound, and says so', async () => {
    const { client, server, close } = await pair({ webSocket: { maximumMessageBytes: 1000 } })
    const atClient = new RecordingHandler()
    const atServer = new RecordingHandler()
    client.start(atClient)
    server.start(atServer)
    client.write(numberedBytes(1000))
    client.write(numberedBytes(1001))
    await atServer.until((handler) => handler.isClosed)
    await atClient.until((handler) => handler.isClosed)

    expect(atServer.receivedBytes).toBe(1000)
    expect(atServer.error?.message).toContain('a WebSocket message above the size limit')
    await close()
  })
})

it('says why a peer is cut off that pings and does not read the answers', async () => {
  const { promise, resolve } = withResolvers<Transport>()
  const listener = await listen(anyPort, { accept: resolve, error: () => {} })
  const peer = new WebSocket(`ws://127.0.0.1:${listener.address.port}/mqtt`, 'mqtt')
  peer.on('error', () => {})
  const atServer = new RecordingHandler()
  ;(await promise).start(atServer)
  await once(peer, 'open')
  peer.pause()

  const payload = Buffer.alloc(125)
  while (!atServer.isClosed && peer.readyState === WebSocket.OPEN) {
    for (let i = 0; i < 1000; i++) peer.ping(payload)
    await new Promise((resolveSent) => peer.ping(payload, true, resolveSent))
  }

  await atServer.until((handler) => handler.isClosed)
  expect(atServer.error?.message).toContain('it sends pings of WebSocket and does not read the answers')
  peer.terminate()
  await listener.close()
})

describe('dialling by WebSocket', () => {
  it.each([
    ['another path', (port: number) => `ws://127.0.0.1:${port}/other`, '404 Not Found'],
    ['a server that is no WebSocket listener', null, '418'],
  ])('says what the server answered: %s', async (_, urlFor, said) => {
    const listener = await listen(anyPort, { accept: () => {}, error: () => {} })
    const teapot = createServer((_request, response) => response.writeHead(418).end()).listen(0, '127.0.0.1')
    await once(teapot, 'listening')
    onTestFinished(async () => {
      teapot.close()
      await listener.close()
    })
    const url = urlFor?.(listener.address.port) ?? `ws://127.0.0.1:${(teapot.address() as AddressInfo).port}/mqtt`
    const failure = dial(parseAddress(url).address, PATIENT)

    await expect(failure).rejects.toMatchObject({ kind: 'connect', code: 'HTTP_REFUSED' })
    await expect(failure).rejects.toThrow(`cannot connect to ${url}: the answer is ${said}`)
  })

  it('gives up when the upgrade is not answered in time', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    silent.on('upgrade', () => {})
    await once(silent, 'listening')
    onTestFinished(() => {
      silent.closeAllConnections()
      silent.close()
    })
    const { port } = silent.address() as AddressInfo

    await expect(dial({ ...anyPort, port }, { timeoutMs: 100 })).rejects.toMatchObject({ code: 'ETIMEDOUT' })
  })
})
