import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { remoteEndpoint } from '../transport/tcp.ts'
import type { Transport } from '../transport/transport.ts'
import { isForwarded, offersMqtt, refuseUpgrade, WebSocketUpgrade } from '../transport/websocket-upgrade.ts'
import { type PageAccess, type PageRefusal, socketRefusal } from './page-guard.ts'

/** Where the pages find their broker. */
export const SOCKET_PATH = '/mqtt'
/** Pages, and whoever else connects here, at once: room is left for who wants numbers. */
const MAXIMUM_SOCKETS = 192

/** What becomes of a WebSocket. */
export interface SocketOwner {
  accept(transport: Transport): void
  /** @param detail why there is none, in words */
  refused(remoteAddress: string, detail: string): void
}

/** MQTT by WebSocket on the HTTP server of the pages. */
export class PageSockets {
  readonly #access: PageAccess
  readonly #owner: SocketOwner
  readonly #upgrade: WebSocketUpgrade
  readonly #open = new Set<Duplex>()

  constructor(access: PageAccess, maximumMessageBytes: number, owner: SocketOwner) {
    this.#access = access
    this.#owner = owner
    this.#upgrade = new WebSocketUpgrade(maximumMessageBytes)
  }

  serve(server: Server): void {
    server.on('upgrade', (request, socket, head) => this.#upgraded(request, socket, head))
  }

  /** Cuts all off. */
  close(): void {
    for (const socket of this.#open) socket.destroy()
  }

  #upgraded(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const remoteAddress = remoteEndpoint(request.socket, null)
    const refusal = this.#refusal(request)
    if (refusal !== null) {
      this.#owner.refused(
        remoteAddress,
        `its request for a WebSocket was answered with ${refusal.status}: ${refusal.reason}`,
      )
      refuseUpgrade(socket, refusal.status, `${refusal.reason}\n`)
      return
    }
    this.#open.add(socket)
    socket.once('close', () => this.#open.delete(socket))
    this.#upgrade.accept(request, head, remoteAddress, isForwarded(request.headers), (transport) =>
      this.#owner.accept(transport),
    )
  }

  #refusal({ url, headers }: IncomingMessage): PageRefusal | null {
    if (url?.split('?', 1)[0] !== SOCKET_PATH)
      return { status: 404, reason: `there is a WebSocket at ${SOCKET_PATH} only` }
    if (this.#open.size >= MAXIMUM_SOCKETS)
      return { status: 503, reason: `${MAXIMUM_SOCKETS} WebSockets are open here` }
    if (!offersMqtt(headers)) return { status: 400, reason: 'it does not offer the subprotocol mqtt' }
    return socketRefusal(headers, this.#access)
  }
}
