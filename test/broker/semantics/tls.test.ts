import { once } from 'node:events'
import net from 'node:net'
import tls from 'node:tls'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { BrokerEvent, BrokerOptions } from '../../../src/broker/configuration.ts'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { Connect } from '../../../src/codec/packets/connect.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { type Address, parseAddress } from '../../../src/transport/address.ts'
import type { TlsServerTerms } from '../../../src/transport/tls-terms.ts'
import { type Certificate, hasOpenssl, TestAuthority } from '../../support/certificates.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { TestClient } from '../../support/test-client.ts'

const { V5 } = ProtocolVersion
const NAMES = 'DNS:localhost,IP:127.0.0.1'
const CONNACK = Buffer.from('20020000', 'hex')
const SCHEMES = ['mqtts://127.0.0.1:0', 'wss://127.0.0.1:0/mqtt']

interface SecureBroker extends TestBroker {
  readonly address: Address
  readonly port: number
  /** Awaits the end of a connection that never got to CONNECT. */
  refusal(): Promise<string>
  /** Where that connection came from. */
  refusedAddress(): string
}

describe.skipIf(!hasOpenssl)('TLS', () => {
  let authority: TestAuthority
  let server: Certificate

  beforeAll(() => {
    authority = new TestAuthority()
    server = authority.issue('server', NAMES)
  })

  afterAll(() => authority.remove())

  async function secureBroker(
    url: string,
    terms: Partial<TlsServerTerms> = {},
    options: BrokerOptions = {},
  ): Promise<SecureBroker> {
    const { cert, key } = server
    let remoteAddress = ''
    let tell: (event: BrokerEvent) => void = () => {}
    const refused = new Promise<BrokerEvent>((resolve) => (tell = resolve))
    const log = (event: BrokerEvent): void => {
      if (event.event === 'closed' && event.clientId === undefined) {
        remoteAddress = event.remoteAddress ?? ''
        tell(event)
      }
    }
    const test = await startBroker({ ...options, port: null, listen: [url], tls: { cert, key, ...terms }, log })
    const { address } = parseAddress(test.broker.url)
    const refusal = async (): Promise<string> => {
      return (await refused).detail
    }
    const refusedAddress = (): string => remoteAddress
    return { ...test, address, port: address.port, refusal, refusedAddress }
  }

  const trusted = () => ({ ca: authority.ca.cert })

  /** A TLS connection that a test drives itself. */
  async function handshake(port: number, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
    const socket = tls.connect({ port, host: '127.0.0.1', ...trusted(), ...options })
    onTestFinished(() => void socket.destroy())
    await once(socket, 'secureConnect')
    return socket
  }

  async function plain(port: number): Promise<net.Socket> {
    const socket = net.connect({ port, host: '127.0.0.1' })
    onTestFinished(() => void socket.destroy())
    socket.on('error', () => {})
    await once(socket, 'connect')
    return socket
  }

  async function expectToServe(address: Address): Promise<void> {
    const { client, closed } = new TestClient(address, { tls: trusted() })
    await client.connect()
    await client.disconnect()
    expect(await closed).toBeNull()
  }

  describe.each(SCHEMES)('on %s', (url) => {
    it('carries messages of every size both ways', async () => {
      const { address } = await secureBroker(url)
      const received: string[] = []
      let settle: () => void = () => {}
      const done = new Promise<void>((resolve) => (settle = resolve))
      const { client } = new TestClient(
        address,
        { tls: trusted() },
        {
          message: ({ message }) => {
            received.push(`${message.topicName} ${message.payload.length}`)
            if (received.length === 3) settle()
          },
        },
      )
      await client.connect()
      await client.subscribe([
        { topicFilter: '#', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 },
      ])
      for (const size of [0, 20_000, 1_000_000]) await client.publish('a', Buffer.alloc(size), { qos: 1 })
      await done

      expect(received).toEqual(['a 0', 'a 20000', 'a 1000000'])
    })

    it.each([
      ['in one chunk', 1000],
      ['in chunks of 3 bytes', 3],
      ['byte by byte', 1],
    ])('N-05 bytes without TLS %s end that connection only, with a line in the log', async (_, chunkBytes) => {
      const { address, port, refusal } = await secureBroker(url)
      const socket = await plain(port)
      const connect = new Connect({ version: V5, clientId: 'plain', cleanStart: true, keepAliveSeconds: 0 })
      const bytes = encodePacket(connect, V5)
      socket.resume()
      for (let i = 0; i < bytes.length && !socket.closed; i += chunkBytes) {
        socket.write(bytes.subarray(i, i + chunkBytes))
        await new Promise((resolve) => setImmediate(resolve))
      }
      if (!socket.closed) await once(socket, 'close')

      expect(await refusal()).toMatch(/^TLS handshake failed: the client does not speak TLS \(ERR_SSL_/)
      await expectToServe(address)
    })

    it('N-06 a handshake that stalls is cut by the CONNECT time limit', async () => {
      const { clock, address, port, refusal } = await secureBroker(url)
      const socket = await plain(port)
      // connections are accepted in their order
      await expectToServe(address)
      clock.advance(10_000)
      await once(socket.resume(), 'close')

      expect(await refusal()).toBe('no complete CONNECT within 10 s: it got no further than the TLS handshake')
      await expectToServe(address)
    })

    it('N-06 a new certificate is for those who come; whoever is there stays', async () => {
      const { broker, address, port } = await secureBroker(url)
      const next = authority.issue('next', NAMES)
      const staying = new TestClient(address, { tls: trusted(), clientId: 'staying' })
      await staying.client.connect()
      broker.setTls({ cert: next.cert, key: next.key })
      const socket = await handshake(port)

      expect(socket.getPeerCertificate().subject.CN).toBe('next')
      await staying.client.publish('a', 'still here', { qos: 1 })
    })

    it('N-06 a certificate that is none changes nothing', async () => {
      const { broker, address } = await secureBroker(url)

      expect(() => broker.setTls({ cert: 'none', key: 'none' })).toThrow()
      await expectToServe(address)
    })

    it('N-06 renegotiation is refused', async () => {
      const { port } = await secureBroker(url)
      const socket = await handshake(port, { maxVersion: 'TLSv1.2' })
      const failed = once(socket, 'error')
      socket.renegotiate({}, () => {})
      const [error] = await failed

      expect(error).toMatchObject({ code: 'ERR_SSL_NO_RENEGOTIATION' })
    })

    it.each(['TLSv1', 'TLSv1.1'] as const)('N-06 refuses %s', async (version) => {
      const { port, refusal } = await secureBroker(url)
      const old = { minVersion: version, maxVersion: version, ciphers: 'ALL:@SECLEVEL=0' }
      await expect(handshake(port, old)).rejects.toThrow(/alert/)

      expect(await refusal()).toMatch(/^TLS handshake failed: ERR_SSL_UNSUPPORTED_PROTOCOL/)
    })

    it('lets in a client with the certificate that is required', async () => {
      const { cert, key } = authority.issue('client', 'DNS:client')
      const { address } = await secureBroker(url, { ...trusted(), requireClientCertificate: true })
      const { client } = new TestClient(address, { tls: { ...trusted(), cert, key } })

      await client.connect()
    })

    it.each(['TLSv1.2', 'TLSv1.3'] as const)(
      'refuses a client without the required certificate, %s',
      async (version) => {
        const { port, refusal } = await secureBroker(url, { ...trusted(), requireClientCertificate: true })
        const socket = tls.connect({ port, host: '127.0.0.1', ...trusted(), minVersion: version, maxVersion: version })
        onTestFinished(() => void socket.destroy())
        const [error] = await once(socket.resume(), 'error')

        expect(error).toMatchObject({
          code: expect.stringMatching(/^ERR_SSL_.*(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)/),
        })
        expect(await refusal()).toMatch(/^TLS handshake failed: the client shows no certificate/)
      },
    )

    it('refuses a client with a certificate of somebody else', async () => {
      const stranger = new TestAuthority()
      onTestFinished(() => stranger.remove())
      const { cert, key } = stranger.issue('client', 'DNS:client')
      const { address, refusal, refusedAddress } = await secureBroker(url, {
        ...trusted(),
        requireClientCertificate: true,
      })
      const { client } = new TestClient(address, { tls: { ...trusted(), cert, key } })

      await expect(client.connect()).rejects.toThrow()
      expect(await refusal()).toMatch(/^TLS handshake failed: the certificate of the client is not accepted \(/)
      expect(refusedAddress()).toMatch(/^127\.0\.0\.1:\d+$/)
    })

    it('stops while a handshake is under way', async () => {
      const { broker, port } = await secureBroker(url)
      const socket = await plain(port)
      const closed = once(socket.resume(), 'close')
      await handshake(port)
      await broker.stop()
      await closed
    })
  })

  it('serves raw MQTT over both versions of TLS', async () => {
    const { port } = await secureBroker(SCHEMES[0]!)
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await handshake(port, { minVersion: version, maxVersion: version })
      const { V3_1_1 } = ProtocolVersion
      socket.write(
        encodePacket(
          new Connect({ version: V3_1_1, clientId: version, cleanStart: true, keepAliveSeconds: 0 }),
          V3_1_1,
        ),
      )
      const [bytes] = await once(socket, 'data')
      expect(bytes).toEqual(CONNACK)
      expect(socket.getProtocol()).toBe(version)
    }
  })

  it.each([
    ['TLS, byte by byte', ['16', '0301'], /^the client speaks TLS, and this listener does not/],
    ['HTTP', ['474554202f20485454502f312e310d0a'], /^the client speaks HTTP, and this listener does not: it needs ws:/],
  ])('N-05 a listener without TLS and WebSocket says so when it hears %s', async (_, chunks, said) => {
    const { open, logged } = await startBroker()
    const client = await open()
    for (const chunk of chunks) client.sendBytes(chunk)
    await client.closed()

    expect((await logged('closed', '')).detail).toMatch(said)
  })

  it('N-05 TLS bytes on a listener without TLS end that connection only, with a line in the log', async () => {
    const { broker, client, logged } = await startBroker()
    await expect(handshake(parseAddress(broker.url).address.port)).rejects.toThrow()

    const { detail } = await logged('closed', '')
    expect(detail).toMatch(/^the client speaks TLS, and this listener does not/)
    await client()
  })
})
