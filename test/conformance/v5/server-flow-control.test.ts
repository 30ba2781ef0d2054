import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { DropReason } from '../../../src/session/qos-sender.ts'
import { startBroker } from '../../support/test-broker.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP, PUBLISH } = PacketType

describe('Receive Maximum of a client', () => {
  /** A subscriber with a Receive Maximum to whom some messages of each QoS were published. */
  async function flooded(receiveMaximum: number | undefined, qos: readonly (0 | 1 | 2)[]) {
    const { client } = await startBroker()
    const properties = receiveMaximum === undefined ? {} : { receiveMaximum }
    const subscriber = await client({ properties })
    await subscriber.subscribe({ topicFilter: 't', qos: 2 })
    const publisher = await client()
    for (const [i, one] of qos.entries()) await publisher.publishAndWait('t', `${i}`, { qos: one })
    return { subscriber, publisher }
  }

  it('[MQTT-3.3.4-9, MQTT-4.9.0-1, MQTT-4.9.0-2] bounds what is sent and not acknowledged; the rest waits', async () => {
    const { subscriber } = await flooded(3, [1, 2, 1, 2, 1, 2, 1, 1])
    const open: { packetId: number; qos: number }[] = []
    for (let i = 0; i < 3; i++) open.push(await subscriber.message())
    await subscriber.quiet()
    for (let i = 3; i < 8; i++) {
      const { packetId, qos } = open.shift()!
      if (qos === 1) {
        subscriber.acknowledge(PUBACK, packetId)
      } else {
        subscriber.acknowledge(PUBREC, packetId)
        await subscriber.expect(PUBREL)
        await subscriber.quiet()
        subscriber.acknowledge(PUBCOMP, packetId)
      }
      const next = await subscriber.message()
      expect(next.payload).toBe(`${i}`)
      open.push(next)
      await subscriber.quiet()
    }
  })

  it('[U5-4.9.0-1] is free again by PUBACK, by PUBCOMP, and by PUBREC of 0x80 or more, and rises no higher', async () => {
    const { subscriber } = await flooded(1, [1, 2, 2, 1, 1])
    subscriber.acknowledge(PUBACK, (await subscriber.message()).packetId)
    const refused = await subscriber.message()
    subscriber.acknowledge(PUBREC, refused.packetId, 0x97)
    const taken = await subscriber.message()
    expect(taken.payload).toBe('2')
    subscriber.acknowledge(PUBREC, taken.packetId)
    await subscriber.expect(PUBREL)
    await subscriber.quiet()
    // of an exchange that is over: nothing becomes free
    subscriber.acknowledge(PUBACK, refused.packetId)
    subscriber.acknowledge(PUBCOMP, refused.packetId)
    await subscriber.quiet()
    subscriber.acknowledge(PUBCOMP, taken.packetId)
    expect((await subscriber.message()).payload).toBe('3')

    await subscriber.quiet()
  })

  it('[MQTT-3.3.4-10, MQTT-4.9.0-3] holds back nothing but PUBLISH of QoS 1 and 2', async () => {
    const { subscriber, publisher } = await flooded(1, [2, 1])
    const { packetId } = await subscriber.message()
    await publisher.publishAndWait('t', 'zero', { qos: 0 })
    expect(await subscriber.message()).toMatchObject({ payload: 'zero', qos: 0 })
    await subscriber.subscribe('other')
    await subscriber.unsubscribe('other')
    subscriber.acknowledge(PUBREC, packetId)
    expect(await subscriber.expect(PUBREL)).toMatchObject({ packetId })
    expect((await subscriber.publishAndWait('x', 'x', { qos: 1 }))?.packetType).toBe(PUBACK)

    await subscriber.quiet()
  })

  it('[U5-3.1.2.11.3-1] of 65,535 when CONNECT told none', async () => {
    const { subscriber } = await flooded(
      undefined,
      Array.from({ length: 300 }, () => 1 as const),
    )

    for (let i = 0; i < 300; i++) expect((await subscriber.message()).payload).toBe(`${i}`)
  })
})

describe('Maximum Packet Size of a client', () => {
  it('[MQTT-3.1.2-24, MQTT-3.1.2-25] keeps larger messages away, which count as delivered, and no others', async () => {
    const { client, broker } = await startBroker()
    const subscriber = await client({ properties: { maximumPacketBytes: 60, receiveMaximum: 1 } })
    await subscriber.subscribe({ topicFilter: 't', qos: 1 })
    const publisher = await client()
    // fixed header 2, topic 3, packet id 2, property length 1
    for (const bytes of [52, 53, 10]) await publisher.publishAndWait('t', 'x'.repeat(bytes), { qos: 1 })
    for (const bytes of [52, 10]) {
      const { payload, packetId } = await subscriber.message()
      expect(payload).toHaveLength(bytes)
      subscriber.acknowledge(PUBACK, packetId)
    }

    await subscriber.quiet()
    expect(subscriber.waiting.filter(({ packetType }) => packetType === PUBLISH)).toEqual([])
    expect(broker.metrics.messagesDropped[DropReason.PACKET_TOO_LARGE]).toBe(1)
  })
})
