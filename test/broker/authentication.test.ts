import { describe, expect, it } from 'vitest'
import { SCRAM_SHA_256, ScramClient } from '../../src/authentication/scram.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Auth } from '../../src/codec/packets/auth.ts'
import { PINGREQ } from '../../src/codec/packets/ping.ts'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import type { RawClient } from '../support/raw-client.ts'
import { connectPacket } from '../support/raw-client.ts'
import { startBroker, type TestBroker } from '../support/test-broker.ts'

const users = new Map([
  ['ann', 'secret'],
  ['bob', 'hidden'],
])

function auth(reasonCode: number, data: Buffer, method = SCRAM_SHA_256): Auth {
  return new Auth(reasonCode, { authenticationMethod: method, authenticationData: data })
}

/** Sends CONNECT with the first SCRAM message. */
async function begin(broker: TestBroker, userName = 'ann', password = 'secret') {
  const client = await broker.open()
  const scram = new ScramClient(userName, Buffer.from(password), 'nonceoftheclient')
  const properties = { authenticationMethod: SCRAM_SHA_256, authenticationData: scram.first() }
  client.send(connectPacket({ clientId: 'c', properties }))
  return { client, scram }
}

async function challenge(client: RawClient): Promise<Buffer> {
  const packet = await client.expect(PacketType.AUTH)
  expect(packet).toMatchObject({ reasonCode: 0x18, properties: { authenticationMethod: SCRAM_SHA_256 } })
  return packet.properties.authenticationData!
}

async function connected(broker: TestBroker) {
  const { client, scram } = await begin(broker)
  client.send(auth(0x18, await scram.final(await challenge(client))))
  const connack = await client.expect(PacketType.CONNACK)
  return { client, scram, connack }
}

describe('enhanced authentication', () => {
  it('H-01 [v5:MQTT-4.12.0-1] refuses a method that is not offered with 0x8C', async () => {
    const broker = await startBroker({ users })
    const client = await broker.open()
    const connack = await client.connect({ properties: { authenticationMethod: 'GS2-KRB5' } })
    expect(connack).toMatchObject({ code: 0x8c, sessionPresent: false })
    await client.closed()
  })

  it('[v5:MQTT-4.12.0-2] [v5:MQTT-4.12.0-3] [v5:MQTT-4.12.0-5] lets a client in that proves its password by SCRAM', async () => {
    const broker = await startBroker({ users })
    const { client, scram, connack } = await connected(broker)
    expect(connack).toMatchObject({ code: 0, properties: { authenticationMethod: SCRAM_SHA_256 } })
    scram.verify(connack.properties.authenticationData!)
    await client.quiet()
  })

  it('[v5:MQTT-4.12.0-4] refuses a wrong password in the last step', async () => {
    const broker = await startBroker({ users })
    const { client, scram } = await begin(broker, 'ann', 'wrong')
    client.send(auth(0x18, await scram.final(await challenge(client))))
    expect(await client.expect(PacketType.CONNACK)).toMatchObject({ code: 0x86 })
    await client.closed()
  })

  it('treats an unknown user like one with a wrong password', async () => {
    const broker = await startBroker({ users })
    const { client, scram } = await begin(broker, 'eve')
    client.send(auth(0x18, await scram.final(await challenge(client))))
    expect(await client.expect(PacketType.CONNACK)).toMatchObject({ code: 0x86 })
  })

  it('H-02 [v5:MQTT-3.1.2-30] takes nothing but AUTH and DISCONNECT until CONNACK', async () => {
    const broker = await startBroker({ users })
    const { client } = await begin(broker)
    await challenge(client)
    client.send(PINGREQ)
    expect(await client.expect(PacketType.CONNACK)).toMatchObject({ code: ReasonCode.PROTOCOL_ERROR })
    await client.closed()
  })

  it('[v5:MQTT-3.1.4-6] looks at nothing that comes behind CONNECT in the same segment before it has answered', async () => {
    const broker = await startBroker({ users })
    const { client, scram } = await begin(broker)
    client.send(auth(0x18, await scram.final(await challenge(client))))
    client.send(PINGREQ)
    expect((await client.expect(PacketType.CONNACK)).code).toBe(0)
    await client.expect(PacketType.PINGRESP)
  })

  it('lets a client give up with DISCONNECT without a word and without its will', async () => {
    const broker = await startBroker({ users })
    const { client } = await begin(broker)
    await challenge(client)
    client.disconnect()
    await client.closed()
    expect(client.waiting).toEqual([])
  })

  it('H-02 [v5:MQTT-4.12.0-5] refuses another method in AUTH than in CONNECT', async () => {
    const broker = await startBroker({ users })
    const { client, scram } = await begin(broker)
    client.send(auth(0x18, await scram.final(await challenge(client)), 'PLAIN'))
    expect(await client.expect(PacketType.CONNACK)).toMatchObject({ code: ReasonCode.PROTOCOL_ERROR })
  })

  it('H-03 [v5:MQTT-4.12.0-6] [v5:MQTT-4.12.0-7] closes with 0x82 on AUTH when CONNECT named no method, and sends none itself', async () => {
    const broker = await startBroker()
    const client = await broker.client()
    expect(client.connack.properties.authenticationMethod).toBeUndefined()
    client.send(auth(0x19, Buffer.alloc(0)))
    expect(await client.expect(PacketType.DISCONNECT)).toMatchObject({ reasonCode: 0x82 })
    await client.closed()
  })

  it('H-05 counts the whole exchange in the time for CONNECT', async () => {
    const broker = await startBroker({ users })
    const { client } = await begin(broker)
    await challenge(client)
    broker.clock.advance(10_000)
    await client.closed()
  })

  it('goes on without harm when the client closes while its proof is being checked', async () => {
    const broker = await startBroker({ users })
    const { client } = await begin(broker)
    client.cut()
    const other = await connected(broker)
    expect(other.connack).toMatchObject({ code: 0, sessionPresent: false })
  })
})

describe('re-authentication', () => {
  async function again(broker: TestBroker, userName: string, password: string) {
    const { client } = await connected(broker)
    const scram = new ScramClient(userName, Buffer.from(password), 'secondnonce')
    client.send(auth(0x19, scram.first()))
    const serverFirst = await challenge(client)
    return { client, scram, serverFirst }
  }

  it('H-04 [v5:MQTT-4.12.1-1] [v5:U5-4.12.1-1] answers success with AUTH 0x00, while other packets flow', async () => {
    const { client, scram, serverFirst } = await again(await startBroker({ users }), 'ann', 'secret')
    await client.quiet()
    client.send(auth(0x18, await scram.final(serverFirst)))
    const answer = await client.expect(PacketType.AUTH)
    expect(answer.reasonCode).toBe(0)
    scram.verify(answer.properties.authenticationData!)
    await client.quiet()
  })

  it('H-04 [v5:MQTT-4.12.1-2] ends the connection with 0x87 when it fails, and publishes the will', async () => {
    const broker = await startBroker({ users, allowAnonymous: true })
    const watcher = await broker.client({ clientId: 'w' })
    await watcher.subscribe('will')
    const { client: first, scram } = await begin(broker)
    first.send(auth(0x18, await scram.final(await challenge(first))))
    await first.expect(PacketType.CONNACK)
    first.disconnect()
    const client = await broker.open()
    const good = new ScramClient('ann', Buffer.from('secret'), 'n1')
    const properties = { authenticationMethod: SCRAM_SHA_256, authenticationData: good.first() }
    const will = { topicName: 'will', payload: Buffer.from('gone'), qos: 0, retain: false, properties: {} } as const
    client.send(connectPacket({ clientId: 'd', will, properties }))
    client.send(auth(0x18, await good.final(await challenge(client))))
    await client.expect(PacketType.CONNACK)
    const bad = new ScramClient('ann', Buffer.from('wrong'), 'n2')
    client.send(auth(0x19, bad.first()))
    client.send(auth(0x18, await bad.final(await challenge(client))))
    expect(await client.expect(PacketType.DISCONNECT)).toMatchObject({ reasonCode: 0x87 })
    await client.closed()
    expect(await watcher.message()).toMatchObject({ topic: 'will', payload: 'gone' })
  })

  it('H-04 refuses to become another user', async () => {
    const { client, scram, serverFirst } = await again(await startBroker({ users }), 'bob', 'hidden')
    client.send(auth(0x18, await scram.final(serverFirst)))
    expect(await client.expect(PacketType.DISCONNECT)).toMatchObject({ reasonCode: 0x87 })
  })

  it('H-04 [v5:MQTT-4.12.1-1] refuses another method than the first one', async () => {
    const { client } = await connected(await startBroker({ users }))
    client.send(auth(0x19, Buffer.alloc(0), 'PLAIN'))
    expect(await client.expect(PacketType.DISCONNECT)).toMatchObject({ reasonCode: 0x82 })
  })

  it('closes with 0x82 on AUTH 0x18 that nothing asked for', async () => {
    const { client } = await connected(await startBroker({ users }))
    client.send(auth(0x18, Buffer.alloc(0)))
    expect(await client.expect(PacketType.DISCONNECT)).toMatchObject({ reasonCode: 0x82 })
  })
})
