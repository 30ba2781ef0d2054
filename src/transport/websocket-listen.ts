import { type IncomingMessage, type Server, type ServerOptions, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { endpointText, KEEP_ALIVE_MS } from './tcp.ts'
import type { Transport } from './transport.ts'
import { WebSocketTransport } from './websocket.ts'
import type { Subprotocol, WebSocketTerms } from './websocket-terms.ts'

const PREFERRED: readonly Subprotocol[] = ['mqtt', 'mqttv3.1']

/** How often Node looks for requests that take too long. */
const CHECK_INTERVAL_MS = 1000

const UPGRADE_REQUIRED = 426
const HINT = 'This is an MQTT broker: connect by WebSocket, with the subprotocol mqtt.\n'

/** How the HTTP server of serveWebSockets is made. */
export function httpOptions(handshakeTimeoutMs: number): ServerOptions {
  return {
    headersTimeout: handshakeTimeoutMs,
    requestTimeout: handshakeTimeoutMs,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_MS,
  }
}

/**
 * From here on an HTTP server takes nothing but upgrades to WebSocket.
 *
 * @param server with {@link httpOptions}
 * @param noise told about connections that do not speak HTTP
 */
export function serveWebSockets(
  server: Server,
  terms: WebSocketTerms,
  accept: (transport: Transport) => void,
  noise: (error: Error) => void,
): void {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: terms.maximumMessageBytes,
    skipUTF8Validation: true,
    handleProtocols: (offered) => PREFERRED.find((name) => offered.has(name)) ?? false,
  })
  server.on('request', (_request, response) => {
    // semantics N-05
    response.writeHead(UPGRADE_REQUIRED, { Upgrade: 'websocket', Connection: 'close', 'Content-Type': 'text/plain' })
    response.end(HINT)
  })
  server.on('clientError', (error, socket) => {
    noise(error)
    socket.destroy()
  })
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const status = refusalOf(request, terms)
    if (status !== null) return refuse(socket, status)
    const connection = socket as Socket
    const remote = endpointText(connection.remoteAddress, connection.remotePort)
    const local = endpointText(connection.localAddress, connection.localPort)
    sockets.handleUpgrade(request, socket, head, (webSocket) =>
      accept(new WebSocketTransport(webSocket, remote, local)),
    )
  })
}

// @returns the HTTP status that says no, or null
function refusalOf({ url, headers }: IncomingMessage, { path, origins }: WebSocketTerms): number | null {
  if (url?.split('?', 1)[0] !== path) return 404
  // only browsers send an Origin, and what it protects from is a page that the owner does not know
  if (origins !== null && headers.origin !== undefined && !origins.includes(headers.origin)) return 403
  // [MQTT-6.0.0-3] (semantics N-01)
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  return PREFERRED.some((name) => offered.includes(name)) ? null : 400
}

function refuse(socket: Duplex, status: number): void {
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\n` +
      `Content-Length: ${HINT.length}\r\n\r\n${HINT}`,
  )
}
