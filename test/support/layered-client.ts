import { once } from 'node:events'
import net from 'node:net'
import type { Duplex } from 'node:stream'
import tls from 'node:tls'
import { onTestFinished } from 'vitest'
import { createWebSocketStream, WebSocket } from 'ws'
import { type Address, parseAddress } from '../../src/transport/address.ts'

/** A TCP connection, destroyed after the test. */
export async function openSocket(url: string): Promise<net.Socket> {
  const { host, port, path, scheme } = parseAddress(url).address
  const socket = scheme === 'unix' ? net.connect({ path }) : net.connect({ host, port, noDelay: true })
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

/**
 * Does what the scheme of the URL asks for on an open connection: TLS, WebSocket, both or nothing.
 * @param ca who has signed the certificate
 * @returns bytes of MQTT in and out
 */
export async function climb(socket: net.Socket, url: string, ca: string): Promise<Duplex> {
  const { address } = parseAddress(url)
  const isSecure = address.scheme === 'mqtts' || address.scheme === 'wss'
  const carrier = isSecure ? tls.connect({ socket, ca, host: address.host }) : socket
  carrier.on('error', () => {})
  if (isSecure) await once(carrier, 'secureConnect')
  return address.scheme === 'ws' || address.scheme === 'wss' ? upgraded(carrier, address) : carrier
}

async function upgraded(carrier: net.Socket, { port, path }: Address): Promise<Duplex> {
  const webSocket = new WebSocket(`ws://127.0.0.1:${port}${path}`, ['mqtt'], {
    createConnection: () => carrier,
    perMessageDeflate: false,
  })
  const stream = createWebSocketStream(webSocket)
  stream.on('error', () => {})
  await once(webSocket, 'open')
  return stream
}
