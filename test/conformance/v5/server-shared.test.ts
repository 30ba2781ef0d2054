import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { startBroker } from '../../support/test-broker.ts'
import { keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
const FILTER = '$share/group/t'

/** One member with a session, and a publisher; more members may follow. */
async function group(qos: 0 | 1 | 2) {
  const test = await startBroker()
  const member = await test.client(keeping(5, 'member'))
  await member.subscribe({ topicFilter: FILTER, qos })
  return { ...test, member, publisher: await test.client() }
}

describe('a Shared Subscription', () => {
  it.each([0, 1, 2] as const)(
    '[MQTT-4.8.2-3] gives the message at the QoS granted to the member it chose, here %i',
    async (qos) => {
      const { member, publisher } = await group(qos)
      await publisher.publishAndWait('t', 'x', { qos: 2 })

      expect(await member.message()).toMatchObject({ qos })
    },
  )

  it('[MQTT-4.8.2-4] finishes a QoS 2 delivery with the member it began with', async () => {
    const { client, member, publisher } = await group(2)
    await publisher.publishAndWait('t', 'x', { qos: 2 })
    const { packetId } = await member.message()
    const other = await client()
    await other.subscribe({ topicFilter: FILTER, qos: 2 })
    await member.end()
    await other.quiet()
    const again = await client(keeping(5, 'member'))
    expect(await again.message()).toMatchObject({ payload: 'x', dup: true, packetId })
    again.acknowledge(PUBREC, packetId)
    expect(await again.expect(PUBREL)).toMatchObject({ packetId })
    again.acknowledge(PUBCOMP, packetId)
    await again.quiet()

    await other.quiet()
  })

  it('[MQTT-4.8.2-5] gives a QoS 2 message to nobody else when the session of its member ends', async () => {
    const { client, member, publisher } = await group(2)
    await publisher.publishAndWait('t', 'x', { qos: 2 })
    await member.message()
    const other = await client()
    await other.subscribe({ topicFilter: FILTER, qos: 2 })
    member.disconnect(0, { sessionExpiryIntervalSeconds: 0 })
    await member.closed()

    await other.quiet()
  })

  it('[U5-4.8.2-2] gives a QoS 1 message that was not acknowledged to another member when the session of the first ends', async () => {
    const { client, member, publisher } = await group(1)
    await publisher.publishAndWait('t', 'x', { qos: 1 })
    await member.message()
    const other = await client()
    await other.subscribe({ topicFilter: FILTER, qos: 1 })
    member.disconnect(0, { sessionExpiryIntervalSeconds: 0 })

    expect(await other.message()).toMatchObject({ payload: 'x', dup: false })
  })

  it.each([
    [1, PUBACK],
    [2, PUBREC],
  ] as const)(
    '[MQTT-4.8.2-6] drops a QoS %i message that its member answers with an error',
    async (qos, packetType) => {
      const { client, member, publisher } = await group(qos)
      await publisher.publishAndWait('t', 'x', { qos })
      const { packetId } = await member.message()
      const other = await client()
      await other.subscribe({ topicFilter: FILTER, qos })
      member.acknowledge(packetType, packetId, 0x83)
      await member.quiet()
      await member.end()

      await other.quiet()
      await (await client(keeping(5, 'member'))).quiet()
    },
  )

  it('[U5-3.10.4-1] ends for a member by UNSUBSCRIBE, and with its last member', async () => {
    const { client, member, publisher } = await group(1)
    const other = await client()
    await other.subscribe({ topicFilter: FILTER, qos: 1 })
    await other.unsubscribe('t')
    await member.unsubscribe(FILTER)
    for (const payload of ['a', 'b']) {
      await publisher.publishAndWait('t', payload, { qos: 1 })
      expect(await other.message()).toMatchObject({ payload })
    }
    await other.unsubscribe(FILTER)

    expect((await publisher.publishAndWait('t', 'c', { qos: 1 }))?.reasonCode).toBe(0x10)
    await member.quiet()
    await other.quiet()
  })
})
