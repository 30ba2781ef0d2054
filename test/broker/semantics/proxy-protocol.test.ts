import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Access } from '../../../src/broker/access.ts'
import type { BrokerEvent, BrokerOptions } from '../../../src/broker/configuration.ts'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { ALL_RIGHTS } from '../../../src/session/rights.ts'
import { type Certificate, hasOpenssl, TestAuthority } from '../../support/certificates.ts'
import { climb, openSocket } from '../../support/layered-client.ts'
import { connectPacket } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'

const { V3_1_1 } = ProtocolVersion
const CONNACK = Buffer.from('20020000', 'hex')
const LINE = Buffer.from('PROXY TCP4 192.0.2.1 127.0.0.1 56000 1883\r\n')
const BINARY = Buffer.from(
  '0d0a0d0a000d0a515549540a21210024 20010db8000000000000000000000001 00000000000000000000000000000001 dac0075b'.replaceAll(
    ' ',
    '',
  ),
  'hex',
)
const LOOPBACK = ['127.0.0.0/8', '::1']

const connect = (clientId: string): Buffer => encodePacket(connectPacket({ version: V3_1_1, clientId }), V3_1_1)

async function expectConnack(stream: Duplex): Promise<void> {
  const [bytes] = await once(stream, 'data')
  expect(bytes).toEqual(CONNACK)
}

/** Lets in everybody, and notes from where. */
function notingAccess(): { access: Access; addresses: string[] } {
  const addresses: string[] = []
  const access: Access = {
    authenticate: ({ remoteAddress }) => {
      addresses.push(remoteAddress)
      return { identity: null }
    },
    beginEnhanced: () => null,
    rightsOf: () => ALL_RIGHTS,
  }
  return { access, addresses }
}

/** A broker behind a proxy, and what it says of connections that never got to CONNECT. */
async function proxiedBroker(url: string, options: BrokerOptions = {}) {
  const events: BrokerEvent[] = []
  let wake: () => void = () => {}
  const log = (event: BrokerEvent): void => {
    events.push(event)
    wake()
  }
  const test = await startBroker({ port: null, listen: [url], proxies: LOOPBACK, ...options, log })
  const closed = async (): Promise<string> => {
    for (;;) {
      const found = events.find(({ event }) => event === 'closed')
      if (found !== undefined) return `${found.remoteAddress?.replace(/:\d+$/, '')} ${found.detail}`
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return { ...test, closed, events }
}

describe('a listener behind a proxy', () => {
  let authority: TestAuthority | undefined
  let server: Certificate | undefined
  const tls = (): BrokerOptions => (server === undefined ? {} : { tls: { cert: server.cert, key: server.key } })
  const ca = (): string => authority?.ca.cert ?? ''

  beforeAll(() => {
    if (!hasOpenssl) return
    authority = new TestAuthority()
    server = authority.issue('server', 'DNS:localhost,IP:127.0.0.1')
  })

  afterAll(() => authority?.remove())

  const secure = hasOpenssl ? ['mqtts://127.0.0.1:0', 'wss://127.0.0.1:0/mqtt'] : []
  describe.each(['mqtt://127.0.0.1:0', 'ws://127.0.0.1:0/mqtt', ...secure])('on %s', (url) => {
    it.each([
      ['version 1', LINE, '192.0.2.1:56000'],
      ['version 2', BINARY, '[2001:db8::1]:56000'],
    ])("N-09 has the client's address from a header of %s, for the log and for access", async (_, header, address) => {
      const { access, addresses } = notingAccess()
      const { broker, logged } = await proxiedBroker(url, { access, ...tls() })
      const socket = await openSocket(broker.url)
      socket.write(header)
      const stream = await climb(socket, broker.url, ca())
      stream.write(connect('behind'))
      await expectConnack(stream)

      expect(await logged('connect', 'behind')).toMatchObject({ remoteAddress: address })
      expect(addresses).toEqual([address])
      stream.destroy()
      socket.destroy()
      expect(await logged('disconnect', 'behind')).toMatchObject({ remoteAddress: address })
    })

    it('N-09 takes a header that comes byte by byte', async () => {
      const { broker, logged } = await proxiedBroker(url, tls())
      const socket = await openSocket(broker.url)
      for (const byte of BINARY) {
        socket.write(Buffer.of(byte))
        await new Promise((resolve) => setImmediate(resolve))
      }
      const stream = await climb(socket, broker.url, ca())
      stream.write(connect('dripping'))
      await expectConnack(stream)

      expect(await logged('connect', 'dripping')).toMatchObject({ remoteAddress: '[2001:db8::1]:56000' })
    })

    it('N-09 closes a connection without header, and tells whose it is', async () => {
      const { broker, closed } = await proxiedBroker(url, tls())
      const socket = await openSocket(broker.url)
      socket.write(connect('direct'))
      await once(socket.resume(), 'close')

      expect(await closed()).toBe('127.0.0.1 the PROXY header is missing')
    })

    it('N-09 closes a connection with a malformed header', async () => {
      const { broker, closed } = await proxiedBroker(url, tls())
      const socket = await openSocket(broker.url)
      socket.write('PROXY TCP4 192.0.2.1 127.0.0.1 99999 1883\r\n')
      await once(socket.resume(), 'close')

      expect(await closed()).toBe('127.0.0.1 the PROXY header is malformed')
    })

    it('N-09 lets nobody else say where a client is', async () => {
      const { broker, closed } = await proxiedBroker(url, { ...tls(), proxies: ['192.0.2.0/24'] })
      const socket = await openSocket(broker.url)
      socket.write(LINE)
      await once(socket.resume(), 'close')

      expect(await closed()).toMatch(/^127\.0\.0\.1 it may not connect here/)
    })

    it('N-09 without proxies takes the header for the bad beginning that it is', async () => {
      const { broker, closed, events } = await proxiedBroker(url, { ...tls(), proxies: [] })
      const socket = await openSocket(broker.url)
      socket.write(LINE)
      await once(socket.resume(), 'close')

      expect(await closed()).toMatch(
        /^127\.0\.0\.1 (it begins with a PROXY header|TLS handshake failed: .* not speak TLS)/,
      )
      expect(events.filter(({ event }) => event === 'connect')).toEqual([])
    })

    it('N-09 C-15 waits for the header no longer than for CONNECT', async () => {
      const { broker, clock, closed } = await proxiedBroker(url, tls())
      const socket = await openSocket(broker.url)
      const ended = once(socket.resume(), 'close')
      socket.write(LINE.subarray(0, 10))
      const witness = await openSocket(broker.url)
      witness.write(LINE)
      await climb(witness, broker.url, ca())
      clock.advance(10_000)
      await ended

      expect(await closed()).toBe('127.0.0.1 no complete CONNECT within 10 s: it got no further than the PROXY header')
    })
  })

  it('N-09 has the address from the header when CONNECT comes in the same chunk', async () => {
    const { broker, logged } = await proxiedBroker('mqtt://127.0.0.1:0')
    const socket = await openSocket(broker.url)
    socket.write(Buffer.concat([LINE, connect('joined')]))
    await expectConnack(socket)

    expect(await logged('connect', 'joined')).toMatchObject({ remoteAddress: '192.0.2.1:56000' })
  })

  it('N-09 keeps the address of a proxy that speaks for itself', async () => {
    const { broker, logged } = await proxiedBroker('mqtt://127.0.0.1:0')
    const socket = await openSocket(broker.url)
    socket.write(Buffer.concat([Buffer.from('PROXY UNKNOWN\r\n'), connect('probe')]))
    await expectConnack(socket)

    expect(await logged('connect', 'probe')).toMatchObject({ remoteAddress: `127.0.0.1:${socket.localPort}` })
  })

  it.skipIf(process.platform === 'win32')('N-09 stands before a unix socket when that is asked for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-proxy-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const url = `unix:${join(folder, 'socket')}`
    const { broker, logged } = await proxiedBroker(url, { proxies: ['unix'] })
    const socket = await openSocket(broker.url)
    socket.write(Buffer.concat([LINE, connect('inside')]))
    await expectConnack(socket)

    expect(await logged('connect', 'inside')).toMatchObject({ remoteAddress: '192.0.2.1:56000' })
  })
})
