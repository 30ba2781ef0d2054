import { generateKeyPair, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import { promisify } from 'node:util'
import forge from 'node-forge'

/** A certificate and its key, both PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

const DAY_MS = 86_400_000
const AUTHORITY_DAYS = 3650
/** No client takes a certificate for longer than this (CA/Browser Forum, ballot SC22). */
const CERTIFICATE_DAYS = 397
const MODULUS_BITS = 2048
/** at most 20 (RFC 5280 section 4.1.2.2) */
const SERIAL_BYTES = 17
/** Clocks of clients may be behind. */
const EARLIER_MS = DAY_MS

const DNS_NAME = 2
const IP_ADDRESS = 7

/** Makes a CA that signs certificates of servers and nothing below them. @param nowMs since 1970 */
export async function makeAuthority(nowMs: number): Promise<Identity> {
  const suffix = randomBytes(3).toString('hex')
  const name = [{ shortName: 'CN', value: `mqtt-kit development CA ${suffix}` }]
  return sign({ subject: name, issuer: name, issuerKey: null, days: AUTHORITY_DAYS, nowMs }, [
    { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
    { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    { name: 'subjectKeyIdentifier' },
  ])
}

/**
 * Makes a certificate for a server; the CA stands behind it, so that a client sees both.
 * @param names host names and IP addresses, at least one
 */
export async function issue(authority: Identity, names: readonly string[], nowMs: number): Promise<Identity> {
  const ca = forge.pki.certificateFromPem(authority.cert)
  const altNames = names.map((name) =>
    isIP(name) === 0 ? { type: DNS_NAME, value: name } : { type: IP_ADDRESS, ip: name },
  )
  const subject = [{ shortName: 'CN', value: 'mqtt-kit development broker' }]
  const terms = { subject, issuer: ca.subject.attributes, issuerKey: authority.key, days: CERTIFICATE_DAYS, nowMs }
  const { cert, key } = await sign(terms, [
    { name: 'basicConstraints', critical: true, cA: false },
    { name: 'keyUsage', critical: true, digitalSignature: true, keyEncipherment: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames },
    { name: 'subjectKeyIdentifier' },
    { name: 'authorityKeyIdentifier', keyIdentifier: ca.generateSubjectKeyIdentifier().getBytes() },
  ])
  return { cert: cert + authority.cert, key }
}

interface Terms {
  readonly subject: forge.pki.CertificateField[]
  readonly issuer: forge.pki.CertificateField[]
  /** PEM; null: its own */
  readonly issuerKey: string | null
  readonly days: number
  readonly nowMs: number
}

async function sign({ subject, issuer, issuerKey, days, nowMs }: Terms, extensions: object[]): Promise<Identity> {
  const { publicKey, privateKey: key } = await promisify(generateKeyPair)('rsa', {
    modulusLength: MODULUS_BITS,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.publicKeyFromPem(publicKey)
  certificate.serialNumber = serialNumber()
  certificate.validity.notBefore = new Date(nowMs - EARLIER_MS)
  certificate.validity.notAfter = new Date(nowMs + days * DAY_MS)
  certificate.setSubject(subject)
  certificate.setIssuer(issuer)
  certificate.setExtensions(extensions)
  certificate.sign(forge.pki.privateKeyFromPem(issuerKey ?? key), forge.md.sha256.create())
  return { cert: forge.pki.certificateToPem(certificate).replaceAll('\r', ''), key }
}

// Positive and with no leading zeros, which DER does not allow: OpenSSL refuses the certificate otherwise.
function serialNumber(): string {
  const bytes = randomBytes(SERIAL_BYTES)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString('hex')
}
