/** What was tried: to reach a peer, to open a listener, to take in a connection; or the connection was there and broke. */
export type TransportErrorKind = 'connect' | 'listen' | 'accept' | 'connection'

interface Explanation {
  /** What happened, in words. */
  said: string
  /** What to try; absent where there is nothing to suggest. */
  connect?: string
  listen?: string
}

const DESCRIPTOR_HINT = 'raise the limit on open files (ulimit -n) or close some connections'
const PATH_HINT = 'use a shorter path'
const CA_HINT = 'give the CA that signed it with --ca FILE'
const CERTIFICATE_SAID = 'it does not accept our certificate'

const explanations = new Map<string, Explanation>([
  ['ECONNREFUSED', { said: 'connection refused', connect: 'is a broker running there?' }],
  ['ENOENT', { said: 'no such file', connect: 'is a broker running there?', listen: 'does the folder exist?' }],
  ['ENOTFOUND', { said: 'no such host', connect: 'check the host name', listen: 'check the host name' }],
  ['EAI_AGAIN', { said: 'no name server answers', connect: 'check the network, or use an IP address' }],
  ['ETIMEDOUT', { said: 'no answer in time', connect: 'check host, port and firewall' }],
  ['EHOSTUNREACH', { said: 'host unreachable', connect: 'check the address and the network' }],
  ['ENETUNREACH', { said: 'network unreachable', connect: 'check the address and the network' }],
  ['ECONNRESET', { said: 'reset by the peer', connect: 'does something else listen there?' }],
  ['EPIPE', { said: 'closed by the peer' }],
  ['ECONNABORTED', { said: 'aborted' }],
  ['EADDRINUSE', { said: 'address in use', listen: 'stop the program that listens there, or choose another port' }],
  ['EADDRNOTAVAIL', { said: 'not an address of this machine', listen: 'use 127.0.0.1, ::1, or 0.0.0.0 for all' }],
  ['EACCES', { said: 'permission denied', listen: 'ports below 1024 and folders of others need privileges' }],
  ['EPERM', { said: 'not permitted', connect: 'check the firewall' }],
  ['EINVAL', { said: 'invalid address' }],
  ['ENAMETOOLONG', { said: 'path of the socket too long', connect: PATH_HINT, listen: PATH_HINT }],
  ['EMFILE', { said: 'too many open files', connect: DESCRIPTOR_HINT, listen: DESCRIPTOR_HINT }],
  ['ENFILE', { said: 'too many open files on this system', connect: DESCRIPTOR_HINT, listen: DESCRIPTOR_HINT }],
  ['ABORT_ERR', { said: 'given up' }],
  ['WEBSOCKET_TEXT_FRAME', { said: 'it sent a text frame, and MQTT travels in binary frames [MQTT-6.0.0-1]' }],
  ['WEBSOCKET_PONGS_UNREAD', { said: 'it sends pings of WebSocket and does not read the answers' }],
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', { said: 'it sent a WebSocket message above the size limit' }],
  ['NO_CERTIFICATE', { said: 'TLS needs a certificate and its key', listen: 'give both (--tls-cert, --tls-key)' }],
  ['CERT_HAS_EXPIRED', { said: 'its certificate has expired', connect: 'renew it there, or check the clock here' }],
  ['CERT_NOT_YET_VALID', { said: 'its certificate is not valid yet', connect: 'check the clocks' }],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID',
    { said: 'its certificate is for another name', connect: 'use that name as the host, or say it with --servername' },
  ],
  ['SELF_SIGNED_CERT_IN_CHAIN', { said: 'its certificate is signed by an unknown CA', connect: CA_HINT }],
  ['UNABLE_TO_GET_ISSUER_CERT', { said: 'its certificate is signed by an unknown CA', connect: CA_HINT }],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', { said: 'its certificate is signed by an unknown CA', connect: CA_HINT }],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', { said: 'its certificate is signed by an unknown CA', connect: CA_HINT }],
  ['CERT_SIGNATURE_FAILURE', { said: 'the signature of its certificate is wrong', connect: CA_HINT }],
  [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    { said: 'its certificate is signed by itself', connect: 'if it is the right one, give it with --ca FILE' },
  ],
  ['ERR_SSL_WRONG_VERSION_NUMBER', { said: 'it does not speak TLS', connect: 'use mqtt:// or ws://, or another port' }],
  [
    'ERR_SSL_PACKET_LENGTH_TOO_LONG',
    { said: 'it does not speak TLS', connect: 'use mqtt:// or ws://, or another port' },
  ],
  [
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    { said: 'it speaks neither TLS 1.2 nor 1.3', connect: 'bring the broker up to date' },
  ],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', { said: 'it wants a client certificate, see --cert and --key' }],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', { said: 'it refuses the TLS handshake', connect: 'see --cert and --key' }],
  ['ERR_SSL_TLSV1_ALERT_DECRYPT_ERROR', { said: 'it does not take our key', connect: 'see --psk' }],
  [
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_PSK_IDENTITY',
    { said: 'it does not know our identity', connect: 'see --psk-identity' },
  ],
  [
    'TLS_HANDSHAKE_ENDED',
    {
      said: 'it ended the connection during the TLS handshake',
      connect: 'if it does not speak TLS, use mqtt:// or ws://, or another port',
    },
  ],
  ['ERR_SSL_NO_PROTOCOLS_AVAILABLE', { said: 'no version of TLS is left', connect: 'see --tls-version' }],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', { said: CERTIFICATE_SAID, connect: 'see --cert' }],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', { said: CERTIFICATE_SAID, connect: 'see --cert' }],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', { said: CERTIFICATE_SAID, connect: 'see --cert' }],
])

const PREFIX: Record<TransportErrorKind, string> = {
  connect: 'cannot connect to ',
  listen: 'cannot listen on ',
  accept: 'cannot accept a connection on ',
  connection: 'lost the connection to ',
}

/** How Node and OpenSSL name what fails in TLS. */
const TLS_CODE =
  /^(?:TLS_|ERR_SSL_|ERR_TLS_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA$|INVALID_PURPOSE$|HOSTNAME_MISMATCH$|PATH_LENGTH_EXCEEDED$|EPROTO$)/

/** When several addresses of one host fail, each its own way: the failure that says most comes first. */
const MOST_TELLING = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EACCES',
  'EPERM',
  'EMFILE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]

/** The outside world failed. The message says what happened, to what, and what to try. */
export class TransportError extends Error {
  readonly kind: TransportErrorKind
  /** The system's name of the error (`ECONNREFUSED`) or that of Node (`CERT_HAS_EXPIRED`), `UNKNOWN` for no name. */
  readonly code: string
  /** What it happened to: a URL for connect, listen and accept, the peer's address for connection. Holds no password. */
  readonly address: string

  /** @param cause the error underneath; null when there is none */
  constructor(kind: TransportErrorKind, code: string, address: string, cause: unknown) {
    super(messageFor(kind, code, address, cause), cause === null ? undefined : { cause })
    this.name = 'TransportError'
    this.kind = kind
    this.code = code
    this.address = address
  }

  /** Did TLS fail, and not the network below it? */
  get isTls(): boolean {
    return TLS_CODE.test(this.code)
  }
}

/** The TransportError for an error of the system; of several in an AggregateError the code of the most telling one. */
export function transportError(kind: TransportErrorKind, address: string, cause: unknown): TransportError {
  return new TransportError(kind, codeOf(cause), address, cause)
}

/** The system's code of an error, of an AggregateError the most telling one; `UNKNOWN` when it has none. */
export function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const codes = error.errors.map(codeOf)
    return MOST_TELLING.find((code) => codes.includes(code)) ?? codes[0] ?? 'UNKNOWN'
  }
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return 'UNKNOWN'
}

/** Did the peer break the rules of WebSocket, or those of MQTT for it? Trying again would not help. */
export function isFramingBroken({ code }: TransportError): boolean {
  return code === 'WEBSOCKET_TEXT_FRAME' || code.startsWith('WS_ERR_')
}

function messageFor(kind: TransportErrorKind, code: string, address: string, cause: unknown): string {
  const row = explanations.get(code)
  const said = row?.said ?? (cause instanceof Error && cause.message !== '' ? cause.message : 'unknown reason')
  const hint = kind === 'connection' ? undefined : kind === 'connect' ? row?.connect : row?.listen
  return `${PREFIX[kind]}${address}: ${said} (${code})${hint === undefined ? '' : `: ${hint}`}`
}
