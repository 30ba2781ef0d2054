import type { IncomingMessage, Server, ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { PEER_ENDED, type SocketArrival } from './arrival.ts'
import { greetingOf } from './greeting.ts'
import { codeOf } from './transport-error.ts'
import type { WebSocketTerms } from './websocket-terms.ts'
import { isForwarded, offersMqtt, refuseUpgrade, WebSocketUpgrade } from './websocket-upgrade.ts'

const UPGRADE_REQUIRED = 426
const HINT = 'This is an MQTT broker: connect by WebSocket, with the subprotocol mqtt.\n'

/** How much of a path stands in a log. */
const SHOWN_CHARACTERS = 100

/** How the HTTP server of serveWebSockets is made: Node's limits on time are out of the way of the owner's. */
export const httpOptions: ServerOptions = { headersTimeout: 0, requestTimeout: 0 }

/**
 * From here on an HTTP server takes nothing but upgrades to WebSocket.
 *
 * @param server with {@link httpOptions}
 * @param isSecure is there TLS below?
 * @returns takes a connection
 */
export function serveWebSockets(
  server: Server,
  terms: WebSocketTerms,
  isSecure: boolean,
): (socket: Socket, arrival: SocketArrival) => void {
  const arrivals = new WeakMap<Duplex, SocketArrival>()
  const upgrade = new WebSocketUpgrade(terms.maximumMessageBytes)
  server.on('request', ({ method, url, socket }, response) => {
    // semantics N-05
    arrivals.get(socket)?.refuse(`it asks for a page (${method} ${shown(url)}), and this listener is for WebSockets`)
    response.writeHead(UPGRADE_REQUIRED, { Upgrade: 'websocket', Connection: 'close', 'Content-Type': 'text/plain' })
    response.end(HINT)
  })
  server.on('clientError', (error: Error & { rawPacket?: Buffer }, socket) => {
    arrivals.get(socket)?.cut(mistakeOf(error, isSecure))
    socket.destroy()
  })
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const arrival = arrivals.get(socket)
    const refusal = refusalOf(request, terms)
    if (refusal !== null) {
      arrival?.refuse(`its request for a WebSocket was answered with ${refusal.status}: ${refusal.reason}`)
      return refuseUpgrade(socket, refusal.status, HINT)
    }
    if (arrival === undefined) return socket.destroy()
    // only browsers send an Origin
    const isForeign = request.headers.origin !== undefined || isForwarded(request.headers)
    upgrade.accept(request, head, arrival.remoteAddress, isForeign, (transport) => arrival.accept(transport))
  })
  return (socket, arrival) => {
    arrivals.set(socket, arrival)
    arrival.step = 'the request for a WebSocket'
    // a server with TLS has it already
    if (!isSecure) server.emit('connection', socket)
  }
}

interface Refusal {
  readonly status: number
  readonly reason: string
}

function refusalOf({ url, headers }: IncomingMessage, { path, origins }: WebSocketTerms): Refusal | null {
  if (url?.split('?', 1)[0] !== path)
    return { status: 404, reason: `the path is ${shown(url)}, and here it is ${path}` }
  // only browsers send an Origin, and what it protects from is a page that the owner does not know
  if (origins !== null && headers.origin !== undefined && !origins.includes(headers.origin)) {
    return { status: 403, reason: `pages of ${shown(headers.origin)} may not connect` }
  }
  if (offersMqtt(headers)) return null
  return { status: 400, reason: 'it does not offer the subprotocol mqtt' }
}

function shown(text = ''): string {
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}...`
}

function mistakeOf(error: Error & { rawPacket?: Buffer }, isSecure: boolean): string {
  const code = codeOf(error)
  if (code === 'ECONNRESET') return PEER_ENDED
  const scheme = isSecure ? 'wss' : 'ws'
  switch (greetingOf(error.rawPacket ?? Buffer.alloc(0))) {
    case 'MQTT':
      return `the client speaks MQTT without WebSocket: it needs ${scheme}:// there, or another port`
    case 'TLS':
      return 'the client speaks TLS, and this listener does not: it needs wss:// here, or ws:// there'
    case 'PROXY':
      return 'it begins with a PROXY header, which is not taken here: see --proxy-protocol'
    default:
      return `it does not speak HTTP (${code})`
  }
}
