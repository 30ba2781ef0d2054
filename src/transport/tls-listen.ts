import { constants } from 'node:crypto'
import type { Server as HttpServer, ServerOptions } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { createServer, type SecureContextOptions, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import { endpointText, TcpTransport } from './tcp.ts'
import type { TlsServerTerms } from './tls-terms.ts'
import type { Transport } from './transport.ts'
import { codeOf } from './transport-error.ts'

/** Told why a connection ended before TLS was agreed upon. */
export type HandshakeFailed = (remoteAddress: string, reason: string) => void

/** A server of TLS connections; it is not listening yet. */
export function createTlsServer(
  terms: TlsServerTerms,
  handshakeTimeoutMs: number,
  accept: (transport: Transport) => void,
): Server {
  const options = { ...tlsOptions(terms, handshakeTimeoutMs), allowHalfOpen: true }
  return createServer(options, (socket) => accept(new TcpTransport(socket, null)))
}

/** The same with HTTP inside. */
export function createSecureHttpServer(
  terms: TlsServerTerms,
  handshakeTimeoutMs: number,
  options: ServerOptions,
): HttpServer & Server {
  const server = createHttpsServer({ ...options, ...tlsOptions(terms, handshakeTimeoutMs) })
  // Node's own hands the failed handshake to 'clientError', where bad HTTP goes
  server.removeAllListeners('tlsClientError')
  return server
}

/**
 * Keeps an eye on handshakes: tells of those that fail, and can end those that are under way.
 * @returns ends them
 */
export function watchHandshakes(server: Server, failed: HandshakeFailed): () => void {
  const underWay = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const peer = endpointText(socket.remoteAddress, socket.remotePort)
    underWay.set(peer, socket)
    socket.once('close', () => underWay.delete(peer))
  })
  server.on('secureConnection', (socket) => underWay.delete(endpointText(socket.remoteAddress, socket.remotePort)))
  server.on('tlsClientError', (error, socket) => {
    failed(endpointText(socket.remoteAddress, socket.remotePort), reasonOf(error, socket))
    socket.destroy()
  })
  return () => {
    for (const socket of underWay.values()) socket.destroy()
  }
}

/** Connections from now on see the new certificate and authorities; those that are open stay (semantics N-06). */
export function renewTls(server: Server, terms: TlsServerTerms): void {
  server.setSecureContext(contextOptions(terms))
}

function tlsOptions(terms: TlsServerTerms, handshakeTimeout: number): TlsOptions {
  const isRequired = terms.requireClientCertificate === true
  return { ...contextOptions(terms), handshakeTimeout, requestCert: isRequired, rejectUnauthorized: isRequired }
}

function contextOptions({ cert, key, ca }: TlsServerTerms): SecureContextOptions {
  return {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    minVersion: 'TLSv1.2',
    // semantics N-06: a client could keep us busy with it
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  }
}

/** How OpenSSL says that what came was no TLS. */
const NOT_TLS = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_UNKNOWN_PROTOCOL',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
])

function reasonOf(error: Error, socket: TLSSocket): string {
  // the type says Error, and it is a code
  const refused = socket.authorizationError as Error | string | undefined | null
  const code = codeOf(error)
  const said =
    refused != null
      ? `the certificate of the client is not accepted (${String(refused)})`
      : NOT_TLS.has(code)
        ? `the client does not speak TLS (${code})`
        : code === 'ERR_TLS_HANDSHAKE_TIMEOUT'
          ? 'it took too long'
          : code === 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'
            ? `the client shows no certificate (${code})`
            : code === 'ECONNRESET'
              ? 'the client ended the connection'
              : code
  return `TLS handshake failed: ${said}`
}
