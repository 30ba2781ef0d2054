import { isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import type { Address } from './address.ts'
import type { TlsClientTerms } from './tls-terms.ts'

/** With and without forward secrecy; those of TLS 1.3 go with any key. */
const PSK_CIPHERS = 'TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:ECDHE-PSK:DHE-PSK:PSK:@SECLEVEL=1'

/**
 * Makes a TLS connection of an open TCP connection: 1.2 or 1.3, certificate and name verified unless `insecure`.
 *
 * @throws Error of node:tls, with the code of OpenSSL; the socket is destroyed then
 */
export function secure(socket: Socket, address: Address, terms: TlsClientTerms): Promise<TLSSocket> {
  const { ca, cert, key, keyPassword, insecure, serverName, alpn, version, ciphers, psk } = terms
  const host = serverName ?? (address.host === '' ? 'localhost' : address.host)
  return new Promise((resolve, reject) => {
    const secured = connect({
      socket,
      // what the certificate must name; in the handshake stand names only, no addresses (RFC 6066 section 3)
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      minVersion: version ?? 'TLSv1.2',
      ...(version === undefined ? {} : { maxVersion: version }),
      rejectUnauthorized: insecure !== true,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
      ...(alpn === undefined ? {} : { ALPNProtocols: [alpn] }),
      ...(ciphers === undefined ? {} : { ciphers }),
      ...(psk === undefined ? {} : presharedKey(psk, ciphers ?? PSK_CIPHERS)),
    })
    if (terms.keyLog !== undefined) secured.on('keylog', (line) => terms.keyLog?.(line))
    // stays: an 'error' without listener ends the process
    secured.on('error', reject)
    secured.once('secureConnect', () => resolve(secured))
  })
}

// There is no certificate to look at: whoever knows the key is the one.
function presharedKey({ key, identity }: NonNullable<TlsClientTerms['psk']>, ciphers: string): ConnectionOptions {
  return { ciphers, pskCallback: () => ({ psk: key, identity }), checkServerIdentity: () => undefined }
}
