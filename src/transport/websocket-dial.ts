import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { type Address, formatHostAndPort } from './address.ts'
import { endpointText } from './tcp.ts'
import { codeOf, TransportError } from './transport-error.ts'
import { WebSocketTransport } from './websocket.ts'
import type { WebSocketOffer } from './websocket-terms.ts'

/**
 * Makes a WebSocket of an open TCP connection.
 *
 * @param url for errors
 * @throws TransportError HTTP_REFUSED with the status, NOT_WEBSOCKET for anything else that is answered, or the system's code
 */
export function upgrade(
  socket: Socket,
  address: Address,
  url: string,
  offer: WebSocketOffer,
): Promise<WebSocketTransport> {
  const { host, port, path } = address
  const authority = formatHostAndPort(host === '' ? 'localhost' : host, port)
  const webSocket = new WebSocket(`ws://${authority}${path}`, [offer.subprotocol], {
    createConnection: () => socket,
    perMessageDeflate: false,
    maxPayload: offer.maximumMessageBytes,
    skipUTF8Validation: true,
  })
  return new Promise((resolve, reject) => {
    const fail = (error: TransportError): void => {
      webSocket.removeAllListeners()
      webSocket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
    webSocket.on('unexpected-response', (_request, { statusCode, statusMessage }) => {
      const said = `the answer is ${statusCode} ${statusMessage}; check path and port, is it a WebSocket listener for MQTT?`
      fail(new TransportError('connect', 'HTTP_REFUSED', url, new Error(said)))
    })
    webSocket.on('error', (error) => {
      const code = codeOf(error)
      if (error instanceof TransportError) fail(error)
      else fail(new TransportError('connect', /^(?:E[A-Z]+$|ERR_SSL_)/.test(code) ? code : 'NOT_WEBSOCKET', url, error))
    })
    webSocket.on('open', () => {
      webSocket.removeAllListeners()
      const remote = endpointText(socket.remoteAddress, socket.remotePort)
      resolve(new WebSocketTransport(webSocket, remote, endpointText(socket.localAddress, socket.localPort), false))
    })
  })
}
