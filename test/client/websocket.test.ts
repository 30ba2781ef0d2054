import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import { ClientErrorKind } from '../../src/client/client-error.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encoder.ts'
import { Message } from '../../src/codec/message.ts'
import { PacketType, Role } from '../../src/codec/packet-type.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import { Publish } from '../../src/codec/packets/publish.ts'
import { ProtocolVersion, protocolVersionName } from '../../src/codec/protocol-version.ts'
import { parseAddress } from '../../src/transport/address.ts'
import { TestClient } from '../support/test-client.ts'

/** A WebSocket server that waits for CONNECT and then does what the test says. */
async function server(version: ProtocolVersion, answer: (socket: WebSocket) => void) {
  const offered: string[] = []
  const listener = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: (names) => {
      offered.push(...names)
      return [...names][0] ?? false
    },
  })
  listener.on('connection', (socket) => {
    const decoder = new Decoder(Role.CLIENT, 100_000)
    const ignore = (): void => {}
    socket.on('message', (bytes: Buffer) =>
      decoder.push(bytes, {
        receivePublish: ignore,
        receiveAcknowledgement: ignore,
        receivePacket: (packet) => {
          if (packet.packetType === PacketType.CONNECT) answer(socket)
        },
      }),
    )
  })
  await once(listener, 'listening')
  onTestFinished(() => {
    for (const socket of listener.clients) socket.terminate()
    listener.close()
  })
  const { port } = listener.address() as AddressInfo
  const client = new TestClient(parseAddress(`ws://127.0.0.1:${port}/mqtt`).address, { version })
  return { client, offered }
}

const connack = (version: ProtocolVersion) => encodePacket(new Connack(false, 0), version)

describe.each(Object.values(ProtocolVersion))('a client by WebSocket, level %s', (version) => {
  const name = protocolVersionName(version)

  it(`[v5:MQTT-6.0.0-3, v311:MQTT-6.0.0-3] [V31-17] offers the subprotocol of MQTT ${name}`, async () => {
    const { client, offered } = await server(version, (socket) => socket.send(connack(version)))
    await client.client.connect()
    await client.hear('connected')

    expect(offered).toEqual([version === ProtocolVersion.V3_1 ? 'mqttv3.1' : 'mqtt'])
  })

  it('[v5:MQTT-6.0.0-2, v311:MQTT-6.0.0-2] takes packets however frames cut and join them', async () => {
    const publish = (text: string) => encodePacket(new Publish(Message.create('a', text), 0, false, 0), version)
    const { client } = await server(version, (socket) => {
      for (const byte of connack(version)) socket.send(Buffer.from([byte]))
      const joined = Buffer.concat([publish('one'), publish('two')])
      socket.send(joined.subarray(0, 5), { fin: false })
      socket.ping()
      socket.send(joined.subarray(5), { fin: true })
    })
    await client.client.connect()

    expect(await client.hear('message')).toBe('message a one q0')
    expect(await client.hear('message')).toBe('message a two q0')
  })

  it('[v5:MQTT-6.0.0-1, v311:MQTT-6.0.0-1] closes on a text frame, and says that the server broke the rule', async () => {
    const { client } = await server(version, (socket) => {
      socket.send(connack(version))
      // nothing but the kind of its frame is wrong with it
      socket.send(encodePacket(new Publish(Message.create('a', 'text'), 0, false, 0), version), { binary: false })
    })
    await client.client.connect()

    const error = await client.closed
    expect(error?.kind).toBe(ClientErrorKind.PROTOCOL)
    expect(error?.message).toContain('it sent a text frame')
    expect(client.heard.filter((line) => line.startsWith('message'))).toEqual([])
  })
})
