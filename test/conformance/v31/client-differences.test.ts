import { describe, expect, it } from 'vitest'
import { Client } from '../../../src/client/client.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Connack } from '../../../src/codec/packets/connack.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { ScriptedBroker } from '../../support/scripted-broker.ts'
import { TestClient } from '../../support/test-client.ts'
import { filter } from '../../support/test-client-session.ts'

const { V3_1 } = ProtocolVersion
const NOWHERE = { scheme: 'mqtt', host: '127.0.0.1', port: 1, path: '' } as const

/** A client whose CONNECT has come, and what it has sent so far. */
async function connecting() {
  const broker = await ScriptedBroker.start()
  const test = new TestClient(broker.address, { version: V3_1, clientId: 'a', keepAliveSeconds: 0 })
  const done = test.client.connect()
  const peer = await broker.connection()
  const chunks: Buffer[] = []
  peer.socket.on('data', (chunk) => chunks.push(Buffer.from(chunk)))
  await peer.expect(PacketType.CONNECT)
  return { client: test.client, peer, done, sent: () => Buffer.concat(chunks).toString('hex') }
}

describe('a client of MQTT 3.1', () => {
  it('[V31-01, V31-02] begins with MQIsdp and level 3', async () => {
    const { client, sent, done } = await connecting()

    expect(sent()).toBe('100f00064d51497364700302000000 0161'.replaceAll(' ', ''))
    client.destroy()
    await done.catch(() => {})
  })

  it('[V31-05] has no empty client id', () => {
    for (const cleanStart of [true, false]) {
      expect(() => new Client({ address: NOWHERE, version: V3_1, clientId: '', cleanStart })).toThrow(RangeError)
    }
  })

  it('[V31-18] sends nothing between CONNECT and CONNACK, not even DISCONNECT', async () => {
    const { client, peer, done } = await connecting()
    client.publish('t', 'x').catch(() => {})
    client.subscribe([filter('f')]).catch(() => {})
    void client.disconnect()

    expect(await peer.rest()).toEqual([])
    await done.catch(() => {})
  })

  it('[V31-09] sends SUBSCRIBE, UNSUBSCRIBE and PUBREL with QoS 1 in the fixed header', async () => {
    const { client, peer, done, sent } = await connecting()
    peer.send(new Connack(false, 0))
    await done
    const before = sent().length
    client.subscribe([filter('f')]).catch(() => {})
    client.unsubscribe(['f']).catch(() => {})
    client.publish('t', 'x', { qos: 2 }).catch(() => {})
    await peer.lines(3)
    peer.sendBytes('50 02 00 03')
    await peer.lines(1)

    expect(sent().slice(before)).toBe('820600010001660 0a205000200016634060001740003 7862020003'.replaceAll(' ', ''))
    client.destroy()
  })
})
