import { once } from 'node:events'
import type net from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BrokerEvent } from '../../../src/broker/configuration.ts'
import { type Certificate, hasOpenssl, TestAuthority } from '../../support/certificates.ts'
import { climb, openSocket } from '../../support/layered-client.ts'
import { startBroker } from '../../support/test-broker.ts'

const CLIENT_HELLO = Buffer.from('16030100a5010000a10303', 'hex')
const UPGRADE = 'GET /mqtt HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'

describe('the time limit of CONNECT', () => {
  let authority: TestAuthority | undefined
  let server: Certificate | undefined

  beforeAll(() => {
    if (!hasOpenssl) return
    authority = new TestAuthority()
    server = authority.issue('server', 'DNS:localhost,IP:127.0.0.1')
  })

  afterAll(() => authority?.remove())

  const ca = (): string => authority?.ca.cert ?? ''

  async function listening(url: string) {
    const details: string[] = []
    const log = ({ event, detail }: BrokerEvent): void => {
      if (event === 'closed') details.push(detail)
    }
    const tls = server === undefined ? {} : { tls: { cert: server.cert, key: server.key } }
    const test = await startBroker({ port: null, listen: [url], ...tls, log })
    /** Connects; on return the broker has accepted it, for connections are accepted in their order. */
    const arrive = async (): Promise<{ socket: net.Socket; closed: Promise<unknown> }> => {
      const socket = await openSocket(test.broker.url)
      const closed = once(socket, 'close')
      const before = test.broker.metrics.connectionsOpened
      const witness = await openSocket(test.broker.url)
      await climb(witness, test.broker.url, ca())
      while (test.broker.metrics.connectionsOpened === before) await new Promise((resolve) => setImmediate(resolve))
      return { socket, closed }
    }
    return { ...test, arrive, details }
  }

  const secure = hasOpenssl ? ['mqtts://127.0.0.1:0', 'wss://127.0.0.1:0/mqtt'] : []
  it.each(['ws://127.0.0.1:0/mqtt', ...secure])(
    'C-15 counts from accept on %s, however late the client has done all but CONNECT',
    async (url) => {
      const { broker, clock, arrive, details } = await listening(url)
      const { socket, closed } = await arrive()
      clock.advance(9000)
      const { connectionsOpened } = broker.metrics
      await climb(socket, broker.url, ca())
      while (broker.metrics.connectionsOpened === connectionsOpened) {
        await new Promise((resolve) => setImmediate(resolve))
      }
      clock.advance(999)
      expect(details).toEqual([])
      clock.advance(1)
      await closed

      // the witness has done nothing either
      expect(details).toEqual(['no complete CONNECT within 10 s', 'no complete CONNECT within 10 s'])
    },
  )

  it.each([
    ...secure.map((url) => [url, Array.from(CLIENT_HELLO, (byte) => Buffer.of(byte)), 'the TLS handshake'] as const),
    ['ws://127.0.0.1:0/mqtt', UPGRADE.split(/(?<=\n)/), 'the request for a WebSocket'] as const,
  ])('C-15 N-06 is not stretched by dripping on %s', async (url, drops, step) => {
    const { clock, arrive, details } = await listening(url)
    const { socket, closed } = await arrive()
    for (const drop of drops.slice(0, 9)) {
      clock.advance(1000)
      socket.write(drop)
      await new Promise((resolve) => setImmediate(resolve))
    }
    clock.advance(10_000 - 1000 * Math.min(drops.length, 9) - 1)
    expect(details).toEqual([])
    clock.advance(1)
    await closed

    expect(details).toContain(`no complete CONNECT within 10 s: it got no further than ${step}`)
  })
})
