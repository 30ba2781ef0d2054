import { X509Certificate } from 'node:crypto'
import net from 'node:net'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type Address, parseAddress } from '../../src/transport/address.ts'
import { dial } from '../../src/transport/dial.ts'
import { listen } from '../../src/transport/listen.ts'
import type { TlsClientTerms, TlsServerTerms } from '../../src/transport/tls-terms.ts'
import { TransportError } from '../../src/transport/transport-error.ts'
import { type Certificate, hasOpenssl, TestAuthority } from '../support/certificates.ts'
import { RecordingHandler } from '../support/recording-handler.ts'

const fingerprintOf = (cert: string): string => new X509Certificate(cert).fingerprint256

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

  async function open(url: string, { cert, key }: Partial<Certificate>, more: TlsServerTerms = {}): Promise<Address> {
    const accept = (transport: { destroy(): void }): void => onTestFinished(() => transport.destroy())
    const handler = { accept, error: () => {} }
    const listener = await listen(parseAddress(url).address, handler, {
      tls: { ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }), ...more },
    })
    onTestFinished(() => listener.close())
    return listener.address
  }

  describe.each(['mqtts://127.0.0.1:0', 'wss://127.0.0.1:0'])('%s', (url) => {
    it('believes the CA that it is given', async () => {
      const transport = await dial(await open(url, good), { timeoutMs: 10_000, tls: { ca: authority.ca.cert } })

      expect(transport.remoteAddress).toMatch(/^127\.0\.0\.1:\d+$/)
      transport.destroy()
    })

    it('can be broken off, without error for its owner', async () => {
      const transport = await dial(await open(url, good), { timeoutMs: 10_000, tls: { ca: authority.ca.cert } })
      const handler = new RecordingHandler()
      transport.start(handler)
      transport.breakOff()
      await handler.until(({ isClosed }) => isClosed)

      expect(handler.error).toBeNull()
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

    it('believes the CA whose fingerprint is pinned, and the certificate itself', async () => {
      const chain = { ...good, cert: good.cert + authority.ca.cert }
      const address = await open(url, chain)
      for (const trustedFingerprint of [fingerprintOf(authority.ca.cert), fingerprintOf(good.cert)]) {
        const transport = await dial(address, { timeoutMs: 10_000, tls: { trustedFingerprint } })
        transport.destroy()
      }
    })

    it('believes no other when one is pinned, whoever has signed it', async () => {
      const stranger = new TestAuthority()
      onTestFinished(() => stranger.remove())
      const address = await open(url, { ...good, cert: good.cert + authority.ca.cert })
      const error = await failure(address, { trustedFingerprint: fingerprintOf(stranger.ca.cert) })

      expect(error).toMatchObject({ code: 'CERT_NOT_TRUSTED', isTls: true })
      expect(error.message).toContain('no certificate it shows has the trusted fingerprint, but ')
    })

    it('does not believe a certificate that only stands beside the pinned CA', async () => {
      const stranger = new TestAuthority()
      onTestFinished(() => stranger.remove())
      const foreign = stranger.issue('good', 'DNS:localhost,IP:127.0.0.1')
      const address = await open(url, { ...foreign, cert: foreign.cert + authority.ca.cert })
      const error = await failure(address, { trustedFingerprint: fingerprintOf(authority.ca.cert) })

      expect(error).toMatchObject({ code: 'CERT_NOT_TRUSTED' })
      expect(error.message).toContain('is not signed by the trusted CA')
    })

    it('verifies name and dates below a pinned CA', async () => {
      const trustedFingerprint = fingerprintOf(authority.ca.cert)
      const elsewhere = authority.issue('elsewhere2', 'DNS:elsewhere.example')
      const expired = authority.issue('expired2', 'IP:127.0.0.1', -1)
      const withCa = ({ cert, key }: Certificate) => ({ cert: cert + authority.ca.cert, key })

      expect(await failure(await open(url, withCa(elsewhere)), { trustedFingerprint })).toMatchObject({
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      })
      const error = await failure(await open(url, withCa(expired)), { trustedFingerprint })
      expect(error).toMatchObject({ code: 'CERT_NOT_TRUSTED' })
      expect(error.message).toContain('its certificate is valid from')
    })

    it('speaks the version that is asked for, and none that the peer is too new for', async () => {
      const address = await open(url, good, { minimumVersion: 'TLSv1.3' })
      const { cert: ca } = authority.ca
      const transport = await dial(address, { timeoutMs: 10_000, tls: { ca, version: 'TLSv1.3' } })
      transport.destroy()

      expect(await failure(address, { ca, version: 'TLSv1.2' })).toMatchObject({ isTls: true })
    })

    it('uses the ciphers that are asked for, and logs keys', async () => {
      const lines: string[] = []
      const keyLog = (line: Buffer): void => void lines.push(line.toString())
      const address = await open(url, good, { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384', keyLog })
      const tls = { ca: authority.ca.cert, version: 'TLSv1.2', keyLog } as const
      const transport = await dial(address, { timeoutMs: 10_000, tls })
      transport.destroy()

      expect(lines.filter((line) => line.startsWith('CLIENT_RANDOM '))).toHaveLength(2)
      expect(lines[0]).toBe(lines[1])
      expect(await failure(address, { ...tls, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).toMatchObject({
        isTls: true,
      })
    })

    it.each(['TLSv1.2', 'TLSv1.3'] as const)('does without certificates when both have a key, %s', async (version) => {
      const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
      const address = await open(url, {}, { preSharedKeys: new Map([['me', key]]) })
      const tls = { version, preSharedKey: { identity: 'me', key } }
      const transport = await dial(address, { timeoutMs: 10_000, tls })
      transport.destroy()

      for (const preSharedKey of [
        { identity: 'me', key: Buffer.alloc(16) },
        { identity: 'you', key },
      ]) {
        expect(await failure(address, { version, preSharedKey })).toMatchObject({ isTls: true })
      }
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
