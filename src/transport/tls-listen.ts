import { constants } from 'node:crypto'
import type { Server as HttpServer, ServerOptions } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import {
  createServer,
  DEFAULT_CIPHERS,
  type SecureContextOptions,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls'
import { PEER_ENDED, type SocketArrival } from './arrival.ts'
import { endpointText } from './tcp.ts'
import type { TlsServerTerms } from './tls-terms.ts'
import { codeOf } from './transport-error.ts'

/** Names of ciphers with those for keys shared beforehand, which Node leaves out. */
function ciphersWithPsk(): string {
  return `${DEFAULT_CIPHERS.replace(/:!PSK\b/g, '')}:PSK`
}

/** Node's own limit on a handshake is out of the way: the owner of the listener has one for all steps. */
const LONGEST_TIMER_MS = 2_147_483_647

/** A server of TLS connections, which are handed to it as sockets. */
export function createTlsServer(terms: TlsServerTerms): Server {
  return withKeyLog(createServer(tlsOptions(terms)), terms)
}

/** The same with HTTP inside. */
export function createSecureHttpServer(terms: TlsServerTerms, options: ServerOptions): HttpServer & Server {
  const server = createHttpsServer({ ...options, ...tlsOptions(terms) })
  // Node's own hands the failed handshake to 'clientError', where bad HTTP goes
  server.removeAllListeners('tlsClientError')
  return withKeyLog(server, terms)
}

function withKeyLog<S extends Server>(server: S, { keyLog }: TlsServerTerms): S {
  if (keyLog !== undefined) server.on('keylog', keyLog)
  return server
}

/**
 * Has a server of TLS take arrivals.
 * @param terms those of the server: whether they name the client stays as it was
 * @param secured told of each that has gone through the handshake
 * @returns begins the handshake
 */
export function serveTls(
  server: Server,
  { namesClients = false }: TlsServerTerms,
  secured: (socket: TLSSocket, arrival: SocketArrival) => void,
): (arrival: SocketArrival) => void {
  // Node does not tell which socket a TLSSocket is on, but both have the same peer
  const underWay = new Map<string, SocketArrival>()
  let lastClosed: SocketArrival | undefined
  server.on('secureConnection', (socket) => {
    const arrival = underWay.get(peerOf(socket))
    if (arrival === undefined) {
      socket.destroy()
      return
    }
    if (namesClients) arrival.provenName = keyIdentities.get(socket) ?? commonNameOf(socket)
    secured(socket, arrival)
  })
  server.on('tlsClientError', (error, socket) => {
    // a socket that is closed already names no peer, and has been closed by the socket under it in this very moment
    const arrival = underWay.get(peerOf(socket)) ?? lastClosed
    arrival?.cut(reasonOf(error, socket))
    socket.destroy()
  })
  return (arrival) => {
    const { socket } = arrival
    const peer = peerOf(socket)
    underWay.set(peer, arrival)
    socket.once('close', () => {
      lastClosed = arrival
      if (underWay.get(peer) === arrival) underWay.delete(peer)
    })
    server.emit('connection', socket)
  }
}

/** Connections from now on see the new certificate and authorities; those that are open stay (semantics N-06). */
export function renewTls(server: Server, terms: TlsServerTerms): void {
  server.setSecureContext(contextOptions(terms))
}

/** Whoever has used a key of its own; Node tells it at that moment only. */
const keyIdentities = new WeakMap<TLSSocket, string>()

// Two names in one certificate are as good as none: nobody knows which of them counts.
function commonNameOf(socket: TLSSocket): string {
  const name = socket.getPeerCertificate().subject?.CN as string | string[] | undefined
  return typeof name === 'string' ? name : ''
}

function peerOf({ remoteAddress, remotePort }: { remoteAddress?: string; remotePort?: number }): string {
  return endpointText(remoteAddress, remotePort)
}

function tlsOptions(terms: TlsServerTerms): TlsOptions {
  const isRequired = terms.requireClientCertificate === true
  const { preSharedKeys } = terms
  return {
    ...(preSharedKeys === undefined
      ? {}
      : { pskCallback: (socket, identity) => keyOf(preSharedKeys, socket, identity) }),
    ...contextOptions(terms),
    handshakeTimeout: LONGEST_TIMER_MS,
    requestCert: isRequired,
    rejectUnauthorized: isRequired,
  }
}

function keyOf(keys: ReadonlyMap<string, Buffer>, socket: TLSSocket, identity: string): Buffer | null {
  const key = keys.get(identity) ?? null
  if (key !== null) keyIdentities.set(socket, identity)
  return key
}

function contextOptions(terms: TlsServerTerms): SecureContextOptions {
  const { cert, key, ca, minimumVersion, ciphers, preSharedKeys } = terms
  return {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(ca === undefined ? {} : { ca }),
    minVersion: minimumVersion ?? 'TLSv1.2',
    ...(preSharedKeys === undefined ? {} : { ciphers: ciphersWithPsk() }),
    ...(ciphers === undefined ? {} : { ciphers }),
    // semantics N-06: a client could keep us busy with it
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  }
}

const NOT_TLS = 'the client does not speak TLS'

/** What OpenSSL means. */
const REASONS: Readonly<Record<string, string>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_UNKNOWN_PROTOCOL: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_HTTP_REQUEST: 'the client speaks HTTP without TLS',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'the client shows no certificate',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'the client does not know the CA of our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'the client does not accept our certificate',
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'the client does not accept our certificate',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'for the client our certificate has expired',
}

function reasonOf(error: Error, socket: TLSSocket): string {
  // the type says Error, and it is a code
  const refused = socket.authorizationError as Error | string | undefined | null
  const code = codeOf(error)
  const known = REASONS[code]
  const said =
    refused != null
      ? `the certificate of the client is not accepted (${String(refused)})`
      : known !== undefined
        ? `${known} (${code})`
        : code === 'ECONNRESET'
          ? PEER_ENDED
          : code
  return `TLS handshake failed: ${said}`
}
