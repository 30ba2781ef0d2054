import { isIP, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { Address } from './address.ts'
import type { TlsClientTerms } from './tls-terms.ts'

/**
 * Makes a TLS connection of an open TCP connection: 1.2 or 1.3, certificate and name verified unless `insecure`.
 *
 * @throws Error of node:tls, with the code of OpenSSL; the socket is destroyed then
 */
export function secure(socket: Socket, address: Address, terms: TlsClientTerms): Promise<TLSSocket> {
  const { ca, cert, key, keyPassword, insecure, serverName } = terms
  const host = serverName ?? (address.host === '' ? 'localhost' : address.host)
  return new Promise((resolve, reject) => {
    const secured = connect({
      socket,
      // what the certificate must name; in the handshake stand names only, no addresses (RFC 6066 section 3)
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      minVersion: 'TLSv1.2',
      rejectUnauthorized: insecure !== true,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(keyPassword === undefined ? {} : { passphrase: keyPassword }),
    })
    // stays: an 'error' without listener ends the process
    secured.on('error', reject)
    secured.once('secureConnect', () => resolve(secured))
  })
}
