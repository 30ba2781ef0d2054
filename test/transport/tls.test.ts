import net from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Address, parseAddress } from '../../src/transport/address.ts'
import { dial } from '../../src/transport/dial.ts'
import { listen } from '../../src/transport/listen.ts'
import type { TlsClientTerms } from '../../src/transport/tls-terms.ts'
import { TransportError } from '../../src/transport/transport-error.ts'
import { type Certificate, hasOpenssl, TestAuthority } from '../support/certificates.ts'

async function failure(address: Address, tls: TlsClientTerms, timeoutMs = 10_000): Promise<TransportError> {
  const outcome = await dial(address, { timeoutMs, tls }).catch((error: unknown) => error)
  expect(outcome).toBeInstanceOf(TransportError)
  return outcome as TransportError
}

describe.skipIf(!hasOpenssl)('dialling with TLS', () => {
  let authority: TestAuthority
  let good: Certificate

  beforeAll(() => {
    authority = new TestAuthority()
    good = authority.issue('good', 'DNS:localhost,IP:127.0.0.1')
  })

  afterAll(() => authority.remove())

  async function open(url: string, { cert, key }: Certificate): Promise<Address> {
    const accept = (transport: { destroy(): void }): void => onTestFinished(() => transport.destroy())
    const handler = { accept, error: () => {} }
    const listener = await listen(parseAddress(url).address, handler, { tls: { cert, key } })
    onTestFinished(() => listener.close())
    return listener.address
  }

  describe.each(['mqtts://127.0.0.1:0', 'wss://127.0.0.1:0'])('%s', (url) => {
    it('believes the CA that it is given', async () => {
      const transport = await dial(await open(url, good), { timeoutMs: 10_000, tls: { ca: authority.ca.cert } })

      expect(transport.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/)
      transport.destroy()
    })

    it('does not believe an unknown CA', async () => {
      const error = await failure(await open(url, good), {})

      expect(error).toMatchObject({ kind: 'connect', isTls: true })
      expect(error.message).toMatch(/its certificate is signed by an unknown CA \(.*\): give the CA .* with --ca FILE$/)
    })

    it('does not believe a certificate for another name', async () => {
      const address = await open(url, authority.issue('elsewhere', 'DNS:elsewhere.example'))
      const { ca } = { ca: authority.ca.cert }
      const error = await failure(address, { ca })

      expect(error.message).toContain(
        'its certificate is for another name (ERR_TLS_CERT_ALTNAME_INVALID): use that name',
      )
      const transport = await dial(address, { timeoutMs: 10_000, tls: { ca, serverName: 'elsewhere.example' } })
      transport.destroy()
    })

    it('does not believe an expired certificate', async () => {
      const address = await open(url, authority.issue('expired', 'IP:127.0.0.1', -1))
      const error = await failure(address, { ca: authority.ca.cert })

      expect(error).toMatchObject({ code: 'CERT_HAS_EXPIRED', isTls: true })
      expect(error.message).toContain('its certificate has expired (CERT_HAS_EXPIRED): renew it there')
    })

    it('believes all of them when that is asked for', async () => {
      const address = await open(url, authority.issue('old', 'DNS:elsewhere.example', -1))
      const transport = await dial(address, { timeoutMs: 10_000, tls: { insecure: true } })
      transport.destroy()
    })

    it('says that the peer does not speak TLS', async () => {
      const server = net.createServer((socket) => void socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n'))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => void server.close())
      const { port } = server.address() as net.AddressInfo
      const error = await failure({ ...parseAddress(url).address, port }, {})

      expect(error).toMatchObject({ isTls: true })
      expect(error.message).toContain('it does not speak TLS')
    })

    it('gives up when the handshake takes too long', async () => {
      const sockets: net.Socket[] = []
      const server = net.createServer((socket) => void sockets.push(socket))
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      onTestFinished(() => {
        for (const socket of sockets) socket.destroy()
        server.close()
      })
      const { port } = server.address() as net.AddressInfo
      const error = await failure({ ...parseAddress(url).address, port }, {}, 100)

      expect(error).toMatchObject({ code: 'ETIMEDOUT', isTls: false })
    })
  })
})
