import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Auth } from '../../../src/codec/packets/auth.ts'
import { describePacket } from '../../support/recording-output.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT } = PacketType

describe('DISCONNECT', () => {
  it('[MQTT-3.14.4-1, MQTT-3.14.4-2, MQTT-3.14.2-2, MQTT-4.13.2-1] is the last that a server sends, and the connection closes', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ clientId: 'id', properties: { sessionExpiryIntervalSeconds: 60 } })
    await subscriber.subscribe({ topicFilter: 't', qos: 1 })
    const publisher = await client()
    subscriber.sendBytes('36 03 00 01 61')
    for (let i = 0; i < 5; i++) publisher.publish('t', `${i}`, { qos: 1 })
    await subscriber.closed()
    for (let i = 0; i < 5; i++) await publisher.expect(PUBACK)
    const lines = subscriber.waiting.map(describePacket)

    expect(lines.at(-1)).toBe('DISCONNECT 0x81')
    expect(lines.filter((line) => line.startsWith('DISCONNECT'))).toHaveLength(1)
    expect(subscriber.waiting.at(-1)).not.toHaveProperty('properties.sessionExpiryIntervalSeconds')
  })

  it.each([
    ['of length 0', 'e0 00'],
    ['of length 1', 'e0 01 00'],
    ['of length 2', 'e0 02 00 00'],
  ])('[U5-3.14.2.1-1, U5-3.14.4-1] %s means 0x00: the will is dropped, the connection closed', async (_, bytes) => {
    const { client } = await startBroker()
    const watcher = await client()
    await watcher.subscribe('will')
    const will = { topicName: 'will', payload: Buffer.from('gone'), qos: 0, retain: false, properties: {} } as const
    const leaving = await client({ will })
    leaving.sendBytes(bytes)
    await leaving.closed()

    expect(leaving.waiting).toEqual([])
    await watcher.quiet()
  })

  it('[v311:U311-3.14.4-1] of a 3.1.1 client closes the connection', async () => {
    const { client } = await startBroker()
    const leaving = await client({ version: 4 })
    leaving.disconnect()
    await leaving.closed()

    expect(leaving.waiting).toEqual([])
  })
})

describe('acknowledgements in their short forms', () => {
  it('B-07 [U5-3.4.2.1-1] are understood with and without code and properties', async () => {
    const { client } = await startBroker()
    for (const [i, form] of ['', '00', '00 00'].entries()) {
      const subscriber = await client(keeping(5, `id${i}`))
      await subscriber.subscribe({ topicFilter: 't', qos: 2 })
      const publisher = await client()
      const send = (first: string, packetId: number): void => {
        const body = `${packetId.toString(16).padStart(4, '0')}${form.replaceAll(' ', '')}`
        subscriber.sendBytes(`${first} 0${body.length / 2} ${body}`)
      }
      await publisher.publishAndWait('t', 'one', { qos: 1 })
      send('40', (await subscriber.message()).packetId)
      await publisher.publishAndWait('t', 'two', { qos: 2 })
      const { packetId } = await subscriber.message()
      send('50', packetId)
      await subscriber.expect(PUBREL)
      send('70', packetId)
      subscriber.publish('x', 'y', { qos: 2, packetId: 5 })
      await subscriber.expect(PUBREC)
      send('62', 5)
      expect(await subscriber.expect(PUBCOMP)).toMatchObject({ packetId: 5, reasonCode: 0 })
      await subscriber.unsubscribe('t')
      await subscriber.end()
      await (await client(keeping(5, `id${i}`))).quiet()
    }
  })

  it('[MQTT-4.3.3-9] with a code of 0x80 or more free the id of a QoS 2 message for a new one', async () => {
    const access = testAccess({
      authenticate: () => ({ identity: null }),
      mayPublish: (_identity: string | null, _clientId: string, topicName: string) => topicName !== 'secret',
    })
    const { client } = await startBroker({ access })
    const subscriber = await client()
    await subscriber.subscribe('#')
    const publisher = await client()
    publisher.publish('secret', 'refused', { qos: 2, packetId: 7 })
    expect(await publisher.expect(PUBREC)).toMatchObject({ packetId: 7, reasonCode: 0x87 })
    publisher.publish('open', 'new', { qos: 2, packetId: 7 })
    expect(await publisher.expect(PUBREC)).toMatchObject({ packetId: 7, reasonCode: 0 })

    expect(await subscriber.message()).toMatchObject({ topic: 'open', payload: 'new' })
  })

  it('[MQTT-4.4.0-2] of 0x80 or more end the exchange: no PUBREL follows', async () => {
    const { client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe({ topicFilter: 't', qos: 2 })
    await (await client()).publishAndWait('t', 'x', { qos: 2 })
    subscriber.acknowledge(PUBREC, (await subscriber.message()).packetId, 0x80)

    await subscriber.quiet()
  })

  it('[MQTT-3.4.2-1, MQTT-3.5.2-1] come with codes of their tables: 0x10 where nobody has subscribed', async () => {
    const { client } = await startBroker()
    const publisher = await client()

    expect(await publisher.publishAndWait('t', 'x', { qos: 1 })).toMatchObject({ packetType: PUBACK, reasonCode: 0x10 })
    expect(await publisher.publishAndWait('t', 'x', { qos: 2 })).toMatchObject({ packetType: PUBREC, reasonCode: 0x10 })
  })
})

describe('AUTH', () => {
  it('[U5-3.15.0-1] of a client whose CONNECT named no method closes with 0x82', async () => {
    const { client } = await startBroker()
    const stranger = await client()
    stranger.send(new Auth(0x18, { authenticationMethod: 'SCRAM-SHA-256' }))

    expect(await stranger.next()).toMatchObject({ packetType: DISCONNECT, reasonCode: 0x82 })
    await stranger.closed()
  })

  it('[U5-3.15.2.1-1] of length 0 is read as one without method, which CONNECT must have named', async () => {
    const { client } = await startBroker()
    const stranger = await client()
    stranger.sendBytes('f0 00')

    expect(await stranger.next()).toMatchObject({ packetType: DISCONNECT, reasonCode: 0x82 })
  })
})
