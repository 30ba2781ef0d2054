import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { packetTypeNames, Role } from '../../src/codec/packet-type.ts'
import { ClientTrace } from '../../src/insight/client-trace.ts'
import type { InspectedPacket } from '../../src/inspect/inspected-packet.ts'
import { CaptureReader } from '../../src/inspect/network/capture-file.ts'
import { CaptureInspector } from '../../src/inspect/network/capture-inspector.ts'
import { RawClient } from '../support/raw-client.ts'
import { startBroker } from '../support/test-broker.ts'
import { EACH_VERSION } from '../support/versions.ts'

async function tracing(clientId: string, maximumBytes = 10_000_000) {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'out.pcapng')
  const told: string[] = []
  const trace = await ClientTrace.open({ clientId, path, maximumBytes, ended: (why) => told.push(why) })
  const broker = await startBroker({ tap: (transport) => trace.tap(transport), listen: ['mqtt://[::1]:0'] })
  const captured = async (): Promise<InspectedPacket[]> => {
    await trace.close()
    return inspected(readFileSync(path))
  }
  return { ...broker, told, captured, size: () => readFileSync(path).length, close: () => trace.close() }
}

function inspected(file: Buffer): InspectedPacket[] {
  const packets: InspectedPacket[] = []
  const inspector = new CaptureInspector((packet) => packets.push(packet))
  const reader = new CaptureReader()
  reader.push(file, (frame) => inspector.add(frame))
  reader.end()
  inspector.end()
  expect(reader.damage).toBeNull()
  return packets
}

/** `> CONNECT` from the client, `< CONNACK` from the broker. */
function told(packets: readonly InspectedPacket[]): string[] {
  return packets.map(({ sender, packetType }) => `${sender === Role.CLIENT ? '>' : '<'} ${packetTypeNames[packetType]}`)
}

it.each(EACH_VERSION)(
  'a capture holds both directions of the one client, MQTT %s, and nothing of others',
  async (_name, version) => {
    const { client, captured } = await tracing('me')
    const other = await client({ version, clientId: 'other' })
    await other.subscribe('a')
    const me = await client({ version, clientId: 'me' })
    await me.subscribe('b')
    other.publish('b', 'hello')
    await me.message()
    // more than one segment holds
    await me.publishAndWait('a', 'x'.repeat(100_000), { qos: 1 })
    me.disconnect()
    await me.closed()
    const again = await client({ version, clientId: 'me' })
    await again.quiet()

    const packets = await captured()
    expect(told(packets)).toEqual([
      '> CONNECT',
      '< CONNACK',
      '> SUBSCRIBE',
      '< SUBACK',
      '< PUBLISH',
      '> PUBLISH',
      '< PUBACK',
      '> DISCONNECT',
      '> CONNECT',
      '< CONNACK',
      '> PINGREQ',
      '< PINGRESP',
    ])
    expect(packets.flatMap(({ issues }) => issues)).toEqual([])
    expect(packets.map(({ version: seen }) => seen)).toEqual(Array(12).fill(version))
    expect(new Set(packets.slice(0, 8).map(({ stream }) => stream)).size).toBe(1)
    expect(packets[8]!.stream).not.toBe(packets[0]!.stream)
  },
)

it('a CONNECT that comes in pieces, over IPv6, is captured from its first byte', async () => {
  const { broker, captured } = await tracing('me')
  const me = await RawClient.open(broker.listeners[1]!, 4)
  const connect = Buffer.from('101000044d5154540402000000046d6565', 'hex')
  // the id is "me" and what follows is another packet
  const bytes = Buffer.concat([connect.subarray(0, 12), Buffer.from('00026d65', 'hex')])
  bytes[1] = bytes.length - 2
  for (const byte of bytes) {
    me.sendBytes(Buffer.from([byte]))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await me.next()
  await me.quiet()
  me.socket.destroy()
  expect(told(await captured())).toEqual(['> CONNECT', '< CONNACK', '> PINGREQ', '< PINGRESP'])
})

it('a capture ends with a word when it is as large as it may be, and the broker goes on', async () => {
  const { client, told: words, captured, size } = await tracing('me', 5000)
  const me = await client({ clientId: 'me' })
  for (let i = 0; i < 10; i++) await me.publishAndWait('a', 'x'.repeat(1000), { qos: 1 })
  expect(words).toEqual(['it has reached 5000 bytes'])
  const packets = await captured()
  expect(size()).toBeLessThanOrEqual(5000)
  expect(packets.length).toBeGreaterThan(5)
  await me.quiet()
})

it('a file that cannot be made is told at once', async () => {
  const opening = ClientTrace.open({ clientId: 'me', path: '/nowhere/x', maximumBytes: 1000, ended: () => {} })
  await expect(opening).rejects.toThrow('ENOENT')
})
