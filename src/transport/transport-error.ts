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
const SCHEME_HINT = 'use mqtt://, ws:// or unix:'

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
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', { said: 'it sent a WebSocket message above the size limit' }],
  ['UNSUPPORTED', { said: 'this version has no transport for it', connect: SCHEME_HINT, listen: SCHEME_HINT }],
])

const PREFIX: Record<TransportErrorKind, string> = {
  connect: 'cannot connect to ',
  listen: 'cannot listen on ',
  accept: 'cannot accept a connection on ',
  connection: 'lost the connection to ',
}

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
  /** The system's name of the error (`ECONNREFUSED`), `UNSUPPORTED` for a scheme without transport, `UNKNOWN` for no name. */
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
