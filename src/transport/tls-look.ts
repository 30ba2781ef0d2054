import type { X509Certificate } from 'node:crypto'
import net from 'node:net'
import { type Address, formatAddress } from './address.ts'
import { endpointOf } from './endpoint.ts'
import { secure } from './tls-dial.ts'
import type { TlsClientTerms } from './tls-terms.ts'
import { TransportError, transportError } from './transport-error.ts'

/** One certificate of a chain, as the server shows it; nothing of it is verified. */
export interface ShownCertificate {
  /** one line: `CN=broker.example, O=Example` */
  readonly subject: string
  readonly issuer: string
  /** of the Subject Alternative Name, as Node writes them: `DNS:broker.example`, `IP Address:127.0.0.1` */
  readonly names: readonly string[]
  /** milliseconds since 1970 */
  readonly validFromMs: number
  readonly validToMs: number
  /** SHA-256, hex in upper case with colons */
  readonly fingerprint: string
}

/** What a server shows in the TLS handshake, whether it is to be believed or not. */
export interface TlsSight {
  /** `TLSv1.3` */
  readonly protocol: string
  readonly cipher: string
  /** the server's own certificate first; empty with a key shared beforehand */
  readonly chain: readonly ShownCertificate[]
}

/** Certificates of a chain that are looked at. */
const MAXIMUM_CHAIN = 10

/**
 * Shakes hands without verifying anything, notes what the server shows, and leaves: for diagnosis only.
 *
 * @throws TransportError (rejects) when there is no connection or no TLS, ETIMEDOUT after `timeoutMs`
 */
export async function lookAtTls(
  address: Address,
  terms: TlsClientTerms,
  timeoutMs: number,
  bindAddress?: string,
): Promise<TlsSight> {
  const { trustedFingerprint: _, ...others } = terms
  const url = formatAddress(address)
  const local = bindAddress === undefined ? {} : { localAddress: bindAddress, family: net.isIP(bindAddress) }
  const socket = net.connect({ ...endpointOf('connect', address), autoSelectFamily: true, ...local })
  const timer = setTimeout(() => socket.destroy(new TransportError('connect', 'ETIMEDOUT', url, null)), timeoutMs)
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      // stays: what fails later is told by the handshake
      socket.on('error', reject)
    })
    const secured = await secure(socket, address, { ...others, insecure: true })
    return {
      protocol: secured.getProtocol() ?? 'unknown',
      cipher: secured.getCipher().name,
      chain: chainOf(secured.getPeerX509Certificate()),
    }
  } catch (error) {
    throw error instanceof TransportError ? error : transportError('connect', url, error)
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

function chainOf(own: X509Certificate | undefined): ShownCertificate[] {
  const chain: ShownCertificate[] = []
  for (let one = own; one !== undefined && chain.length < MAXIMUM_CHAIN; one = one.issuerCertificate) {
    chain.push({
      subject: oneLineName(one.subject),
      issuer: oneLineName(one.issuer),
      names: one.subjectAltName?.split(', ') ?? [],
      validFromMs: Date.parse(one.validFrom),
      validToMs: Date.parse(one.validTo),
      fingerprint: one.fingerprint256,
    })
  }
  return chain
}

// Node gives one part of the name per line, and undefined for an empty one whatever its types say.
function oneLineName(name: string | undefined): string {
  return (name ?? '').split('\n').join(', ')
}
