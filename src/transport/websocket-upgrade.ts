import { type IncomingHttpHeaders, type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { endpointText, KEEP_ALIVE_MS } from './tcp.ts'
import { WebSocketTransport } from './websocket.ts'
import type { Subprotocol } from './websocket-terms.ts'

const PREFERRED: readonly Subprotocol[] = ['mqtt', 'mqttv3.1']

/** By which a proxy says that it speaks for somebody else. */
const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

/** Makes Transports of HTTP requests for a WebSocket that somebody has looked at and found right. */
export class WebSocketUpgrade {
  readonly #sockets: WebSocketServer

  /** @param maximumMessageBytes of a whole message of a Client */
  constructor(maximumMessageBytes: number) {
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: maximumMessageBytes,
      skipUTF8Validation: true,
      handleProtocols: (offered) => PREFERRED.find((name) => offered.has(name)) ?? false,
    })
  }

  /**
   * Answers the request with 101.
   * @param remoteAddress where the client is
   * @param isForeign as {@link Transport.isForeign}
   */
  accept(
    request: IncomingMessage,
    head: Buffer,
    remoteAddress: string,
    isForeign: boolean,
    done: (transport: WebSocketTransport) => void,
  ): void {
    const socket: Socket = request.socket
    socket.setNoDelay(true)
    socket.setKeepAlive(true, KEEP_ALIVE_MS)
    const local = endpointText(socket.localAddress, socket.localPort)
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) =>
      done(new WebSocketTransport(webSocket, remoteAddress, local, isForeign)),
    )
  }
}

/** Does the request offer a subprotocol of MQTT? [MQTT-6.0.0-3] (semantics N-01) */
export function offersMqtt(headers: IncomingHttpHeaders): boolean {
  const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
  return PREFERRED.some((name) => offered.includes(name))
}

/** Does the request say that it comes through a proxy? */
export function isForwarded(headers: IncomingHttpHeaders): boolean {
  return FORWARDING.some((name) => headers[name] !== undefined)
}

/** Answers with an error and closes. */
export function refuseUpgrade(socket: Duplex, status: number, text: string): void {
  socket.once('finish', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\n` +
      `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
  )
}
