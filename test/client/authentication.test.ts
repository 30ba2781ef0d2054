import { describe, expect, it } from 'vitest'
import { SCRAM_SHA_256, ScramServer, scramCredentials } from '../../src/authentication/scram.ts'
import type { AuthenticationMethod } from '../../src/client/enhanced-authentication.ts'
import { scramAuthentication } from '../../src/client/scram-authentication.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Auth } from '../../src/codec/packets/auth.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import { parseAddress } from '../../src/transport/address.ts'
import { publish } from '../support/packets.ts'
import { ScriptedBroker, type ScriptedPeer } from '../support/scripted-broker.ts'
import { startBroker } from '../support/test-broker.ts'
import { TestClient } from '../support/test-client.ts'

const { AUTH, CONNECT, DISCONNECT, PUBLISH } = PacketType
const ann = scramAuthentication('ann', Buffer.from('secret'))
const salt = Buffer.from('salt of the server')

/** Says `1` first and `2` when asked, and believes the Server whatever it says. */
const trusting: AuthenticationMethod = {
  name: 'TRUST',
  start: () => ({ first: Buffer.from('1'), answer: async () => Buffer.from('2'), finish: () => {} }),
}

function trust(reasonCode: number, data = ''): Auth {
  return new Auth(reasonCode, { authenticationMethod: 'TRUST', authenticationData: Buffer.from(data) })
}

async function begin(options: ConstructorParameters<typeof TestClient>[1] = { authentication: trusting }) {
  const broker = await ScriptedBroker.start()
  const test = new TestClient(broker.address, { keepAliveSeconds: 0, ...options })
  const connecting = test.client.connect()
  connecting.catch(() => {})
  const peer = await broker.connection()
  const connect = await peer.expect(CONNECT)
  return { ...test, client: test.client, test, connecting, peer, connect }
}

async function connected(properties = {}) {
  const all = await begin()
  all.peer.send(new Connack(false, 0, { authenticationMethod: 'TRUST', ...properties }))
  await all.connecting
  return all
}

/** The server's side of SCRAM up to its last message. */
async function scramServer(peer: ScriptedPeer, first: Buffer, password = 'secret'): Promise<Buffer | null> {
  const credentials = await scramCredentials(Buffer.from(password), salt)
  const server = await ScramServer.challenge(
    first,
    async () => credentials,
    'nonce-of-the-server',
    () => salt,
  )
  peer.send(new Auth(0x18, { authenticationMethod: SCRAM_SHA_256, authenticationData: server.first }))
  const { properties } = await peer.expect(AUTH)
  return server.verify(properties.authenticationData!)
}

describe('enhanced authentication of the client', () => {
  it('[v5:MQTT-4.12.0-3, v5:MQTT-3.15.2-2, v5:MQTT-3.15.2-3] answers AUTH with AUTH 0x18, without Reason String and User Properties', async () => {
    const { peer, connect, connecting } = await begin()
    expect(connect.properties).toEqual({ authenticationMethod: 'TRUST', authenticationData: Buffer.from('1') })
    peer.send(trust(0x18, 'question'))

    expect(await peer.expect(AUTH)).toEqual(trust(0x18, '2'))
    peer.send(new Connack(false, 0, { authenticationMethod: 'TRUST' }))
    await connecting
  })

  it('proves the password by SCRAM to a server that proves it too', async () => {
    const { peer, connect, connecting } = await begin({ authentication: ann })
    const authenticationData = (await scramServer(peer, connect.properties.authenticationData!))!
    peer.send(new Connack(false, 0, { authenticationMethod: SCRAM_SHA_256, authenticationData }))
    await connecting
  })

  it.each([
    ['proves nothing', Buffer.from('')],
    ['proves another password', Buffer.from(`v=${Buffer.alloc(32).toString('base64')}`)],
  ])('leaves a server that accepts but %s, and sends it nothing', async (_, authenticationData) => {
    const { client, peer, connect, connecting } = await begin({ authentication: ann })
    client.publish('t', 'x', { qos: 1 }).catch(() => {})
    await scramServer(peer, connect.properties.authenticationData!)
    peer.send(new Connack(false, 0, { authenticationMethod: SCRAM_SHA_256, authenticationData }))

    await expect(connecting).rejects.toMatchObject({ kind: 'CONNECT_REFUSED', reasonCode: 0x87 })
    expect(await peer.rest()).toEqual([])
  })

  it('[v5:MQTT-4.12.1-1] re-authenticates with the method of CONNECT', async () => {
    const { client, peer } = await connected()
    const done = client.reauthenticate()

    expect(await peer.expect(AUTH)).toEqual(trust(0x19, '1'))
    peer.send(trust(0x18))
    expect(await peer.expect(AUTH)).toEqual(trust(0x18, '2'))
    peer.send(trust(0))
    await done
  })

  it('[v5:U5-4.12.1-1] sends and takes other packets during re-authentication', async () => {
    const { client, peer, test } = await connected()
    const done = client.reauthenticate()
    await peer.expect(AUTH)
    await client.publish('out', 'x')
    peer.send(publish('in', 'y'))

    await peer.expect(PUBLISH)
    await test.hear('message in y')
    peer.send(trust(0))
    await done
  })

  it('[v5:MQTT-4.12.1-2] ends the connection with DISCONNECT when the server fails in re-authentication', async () => {
    const { peer, connect, connecting, client, closed } = await begin({ authentication: ann })
    const authenticationData = (await scramServer(peer, connect.properties.authenticationData!))!
    peer.send(new Connack(false, 0, { authenticationMethod: SCRAM_SHA_256, authenticationData }))
    await connecting
    const done = client.reauthenticate()
    done.catch(() => {})
    await peer.expect(AUTH)
    peer.send(new Auth(0, { authenticationMethod: SCRAM_SHA_256 }))

    expect(await peer.expect(DISCONNECT)).toMatchObject({ reasonCode: 0x80 })
    expect(await peer.rest()).toEqual([])
    await expect(done).rejects.toMatchObject({ reasonCode: 0x87 })
    expect(await closed).toMatchObject({ reasonCode: 0x87 })
  })

  it.each([
    ['AUTH 0x18 that nobody asked for', 0x18],
    ['AUTH 0x00 that nobody asked for', 0x00],
  ])('takes %s for a violation', async (_, reasonCode) => {
    const { peer, closed } = await connected()
    peer.send(trust(reasonCode))

    expect(await closed).toMatchObject({ kind: 'PROTOCOL', cause: { violation: 'AUTH_OUT_OF_TURN' } })
  })

  it('rejects a re-authentication when the connection ends', async () => {
    const { client, peer } = await connected()
    const done = client.reauthenticate()
    await expect(client.reauthenticate()).rejects.toThrow('runs already')
    peer.end()

    await expect(done).rejects.toMatchObject({ kind: 'CONNECTION_LOST' })
  })

  it('gives up when a step is too large for the server', async () => {
    const { client } = await connected({ maximumPacketBytes: 10 })

    await expect(client.reauthenticate()).rejects.toThrow('too large for the server')
  })

  it('gets along with the broker of the house, twice', async () => {
    const { url } = await startBroker({ users: new Map([['ann', 'secret']]) })
    const { address } = parseAddress(url)
    const { client } = new TestClient(address, { authentication: ann })
    await client.connect()
    await client.reauthenticate()

    const wrong = new TestClient(address, { authentication: scramAuthentication('ann', Buffer.from('wrong')) })
    await expect(wrong.client.connect()).rejects.toMatchObject({ kind: 'CONNECT_REFUSED', reasonCode: 0x86 })
  })
})
