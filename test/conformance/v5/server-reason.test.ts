import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import type { Properties } from '../../../src/codec/property.ts'
import type { RawClient } from '../../support/raw-client.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'

const { CONNACK, DISCONNECT, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK } = PacketType
const access = testAccess({
  authenticate: () => ({ identity: null }),
  mayPublish: () => false,
  maySubscribe: () => false,
})

/** What makes the server answer with a code that has a reason to tell. */
const answers: readonly [string, PacketType, (client: RawClient) => void][] = [
  ['[MQTT-3.4.2-2, MQTT-3.4.2-3] PUBACK', PUBACK, (client) => client.publish('t', 'x', { qos: 1 })],
  ['[MQTT-3.5.2-2, MQTT-3.5.2-3] PUBREC', PUBREC, (client) => client.publish('t', 'x', { qos: 2 })],
  ['[MQTT-3.6.2-2, MQTT-3.6.2-3] PUBREL', PUBREL, (client) => client.acknowledge(PUBREC, 9)],
  ['[MQTT-3.7.2-2, MQTT-3.7.2-3] PUBCOMP', PUBCOMP, (client) => client.acknowledge(PUBREL, 9)],
  ['[MQTT-3.9.2-1, MQTT-3.9.2-2] SUBACK', SUBACK, (client) => client.sendBytes('82 07 00 01 00 00 01 61 00')],
  ['[MQTT-3.11.2-1, MQTT-3.11.2-2] UNSUBACK', UNSUBACK, (client) => client.sendBytes('a2 06 00 01 00 00 01 61')],
  ['[MQTT-3.14.2-3, MQTT-3.14.2-4] DISCONNECT', DISCONNECT, (client) => client.sendBytes('36 03 00 01 61')],
]

async function answer(packetType: PacketType, provoke: (client: RawClient) => void, properties: Properties) {
  const { client } = await startBroker({ access })
  const provoking = await client({ properties })
  const before = provoking.received.length
  provoke(provoking)
  const packet = (await provoking.expect(packetType)) as { properties?: Properties }
  return { properties: packet.properties ?? {}, bytes: provoking.received.length - before }
}

describe('Reason String and User Properties', () => {
  it.each(answers)('%s has none that would break the Maximum Packet Size', async (_, packetType, provoke) => {
    // room for CONNACK, and for no sentence
    const { properties, bytes } = await answer(packetType, provoke, { maximumPacketBytes: 40 })

    expect(bytes).toBeLessThanOrEqual(40)
    expect(properties).not.toHaveProperty('reasonString')
    expect(properties).not.toHaveProperty('userProperties')
  })

  it('[MQTT-3.14.2-3] DISCONNECT has a Reason String where there is room', async () => {
    const [, packetType, provoke] = answers.at(-1)!

    expect((await answer(packetType, provoke, {})).properties.reasonString).toMatch(/PUBLISH/)
  })

  it.each(answers.slice(0, -1))(
    '[MQTT-3.1.2-29] %s has none without Request Problem Information',
    async (title, packetType, provoke) => {
      const { properties } = await answer(packetType, provoke, { requestProblemInformation: 0 })

      expect([title, properties]).toEqual([title, {}])
    },
  )

  it('[MQTT-3.2.2-19, MQTT-3.2.2-20] CONNACK has none that would break the Maximum Packet Size', async () => {
    const { open } = await startBroker()
    // behind a Maximum Packet Size of 20 a Client Identifier that is no UTF-8
    const connect = '10 14 00 04 4d 51 54 54 05 02 00 00 05 27 00 00 00 14 00 02 c3 28'
    const refused = await open()
    refused.sendBytes(connect)
    await refused.closed()

    expect(refused.received.length).toBeLessThanOrEqual(20)
    expect(refused.waiting).toMatchObject([{ packetType: CONNACK, code: 0x81, properties: {} }])
    expect(refused.received.length).toBe(5)
  })
})
