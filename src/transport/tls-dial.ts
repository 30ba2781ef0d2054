import type { X509Certificate } from 'node:crypto'
import { isIP, type Socket } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, connect, type TLSSocket } from 'node:tls'
import type { Address } from './address.ts'
import type { TlsClientTerms } from './tls-terms.ts'

/** With and without forward secrecy; those of TLS 1.3 go with any key. */
const PSK_CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:ECDHE-PSK:DHE-PSK:PSK:@SECLEVEL=1'

/**
 * Makes a TLS connection of an open TCP connection: 1.2 or 1.3, certificate and name verified unless `insecure`.
 *
 * @throws Error of node:tls, with the code of OpenSSL; CERT_NOT_TRUSTED when it is not the pinned one; the socket is destroyed then
 */
export function secure(socket: Socket, address: Address, terms: TlsClientTerms): Promise<TLSSocket> {
  const host = terms.serverName ?? (address.host === '' ? 'localhost' : address.host)
  return new Promise((resolve, reject) => {
    const secured = connect({ socket, ...connectOptions(host, terms) })
    // Stays: an 'error' without listener ends the process. What TLS 1.3 refuses right after the handshake leaves a half-open
    // socket as it is, so it is closed here, with the error for whoever looks later.
    secured.on('error', (error) => {
      reject(whileShaking(error))
      secured.destroy(error)
    })
    if (terms.keyLog !== undefined) secured.on('keylog', terms.keyLog)
    secured.once('secureConnect', () => {
      const { trustedFingerprint } = terms
      const doubt = trustedFingerprint === undefined ? null : doubtOf(secured, host, trustedFingerprint)
      if (doubt === null) resolve(secured)
      else secured.destroy(doubt)
    })
  })
}

// A peer that does not know what TLS is mostly just goes away.
function whileShaking(error: Error & { code?: string }): Error {
  return error.code === 'ECONNRESET' ? Object.assign(error, { code: 'TLS_HANDSHAKE_ENDED' }) : error
}

function connectOptions(host: string, terms: TlsClientTerms): ConnectionOptions {
  const { ca, cert, key, keyPassword, insecure, trustedFingerprint, alpn, version, ciphers, preSharedKey } = terms
  return {
    // what the certificate must name; in the handshake stand names only, no addresses (RFC 6066 section 3)
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    minVersion: version ?? 'TLSv1.2',
    ...(version === undefined ? {} : { maxVersion: version }),
    rejectUnauthorized: insecure !== true && trustedFingerprint === undefined,
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    ...(alpn === undefined ? {} : { ALPNProtocols: [...alpn] }),
    ...(ciphers === undefined ? {} : { ciphers }),
    ...(preSharedKey === undefined ? {} : pskOptions(preSharedKey, ciphers)),
  }
}

function pskOptions({ identity, key }: { identity: string; key: Buffer }, ciphers = PSK_CIPHERS): ConnectionOptions {
  return {
    ciphers,
    pskCallback: () => ({ identity, psk: key }),
    // there is no certificate; that the Server has the key is the proof
    checkServerIdentity: () => undefined,
  }
}

// Why the Server is not who is trusted; null when it is.
function doubtOf(secured: TLSSocket, host: string, trusted: string): Error | null {
  const chain: X509Certificate[] = []
  for (let one = secured.getPeerX509Certificate(); one !== undefined; one = one.issuerCertificate) chain.push(one)
  const [own] = chain
  if (own === undefined) return doubt('it shows no certificate')
  // this very certificate was meant
  if (own.fingerprint256 === trusted) return null
  const at = chain.findIndex(({ fingerprint256 }) => fingerprint256 === trusted)
  const shown = chain.map(({ fingerprint256 }) => fingerprint256).join(', ')
  if (at < 0) return doubt(`no certificate it shows has the trusted fingerprint, but ${shown}`)
  for (let i = 0; i < at; i++) {
    const issuer = chain[i + 1]!
    if (!issuer.ca || !chain[i]!.checkIssued(issuer) || !chain[i]!.verify(issuer.publicKey)) {
      return doubt('its certificate is not signed by the trusted CA')
    }
  }
  const nowMs = Date.now()
  const stale = chain.slice(0, at + 1).find((one) => !isValidAt(one, nowMs))
  if (stale !== undefined) return doubt(`its certificate is valid from ${stale.validFrom} to ${stale.validTo}`)
  return checkServerIdentity(host, own.toLegacyObject()) ?? null
}

function isValidAt({ validFrom, validTo }: X509Certificate, nowMs: number): boolean {
  return Date.parse(validFrom) <= nowMs && nowMs <= Date.parse(validTo)
}

function doubt(said: string): Error {
  return Object.assign(new Error(said), { code: 'CERT_NOT_TRUSTED' })
}
