import { describe, expect, it } from 'vitest'
import { SCRAM_SHA_256, ScramClient } from '../../../src/authentication/scram.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Auth } from '../../../src/codec/packets/auth.ts'
import { connectPacket } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'

describe('AUTH', () => {
  it('[MQTT-3.15.2-2, MQTT-3.15.2-3] from the server has no Reason String and no User Properties, for which there may be no room', async () => {
    const { open } = await startBroker({ users: new Map([['ann', 'secret']]) })
    const client = await open()
    const scram = new ScramClient('ann', Buffer.from('secret'), 'nonceoftheclient')
    const method = { authenticationMethod: SCRAM_SHA_256 }
    const maximumPacketBytes = 200
    client.send(connectPacket({ properties: { ...method, authenticationData: scram.first(), maximumPacketBytes } }))
    const challenge = await client.expect(PacketType.AUTH)
    expect(Object.keys(challenge.properties).sort()).toEqual(['authenticationData', 'authenticationMethod'])
    expect(client.received.length).toBeLessThanOrEqual(maximumPacketBytes)
    client.send(
      new Auth(0x18, { ...method, authenticationData: await scram.final(challenge.properties.authenticationData!) }),
    )

    expect(await client.expect(PacketType.CONNACK)).toMatchObject({ code: 0 })
  })
})
