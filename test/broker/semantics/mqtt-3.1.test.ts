import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { binary, packet, utf8 } from '../../support/hex.ts'
import { publish } from '../../support/packets.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion

describe('MQTT 3.1', () => {
  const c = keeping(V3_1, 'c')

  it('M-01 [V31-06] has 0 in byte 1 of CONNACK, also when a session is resumed and when it is refused', async () => {
    const { client, open } = await startBroker()
    const first = await client(c)
    await first.subscribe({ topicFilter: 'a', qos: 1 })
    await first.end()
    const publisher = await client()
    await publisher.publishAndWait('a', 'waits', { qos: 1 })
    const second = await client(c)
    expect(second.received.subarray(0, 4).toString('hex')).toBe('20020000')
    expect(await second.message()).toMatchObject({ payload: 'waits' })
    const refused = await open(V3_1)
    await refused.connect({ clientId: '' })
    expect(refused.received.toString('hex')).toBe('20020002')
  })

  it('M-02 [V31-08] [V31-19] lets DUP stand on SUBSCRIBE, UNSUBSCRIBE and PUBREL, and takes repeats on a living connection', async () => {
    const { client } = await startBroker()
    const one = await client(c)
    for (const first of ['82', '8a', '8a']) {
      one.sendBytes(packet(first, '00 07', utf8('a'), '01'))
      expect(await one.expect(PacketType.SUBACK)).toMatchObject({ packetId: 7, codes: [1] })
    }
    one.publish('a', 'once', { qos: 2, packetId: 3 })
    one.publish('a', 'once', { qos: 2, packetId: 3, dup: true })
    expect(await one.message()).toMatchObject({ payload: 'once', qos: 1 })
    for (let i = 0; i < 2; i++) expect(await one.expect(PacketType.PUBREC)).toMatchObject({ packetId: 3 })
    for (const first of ['62', '6a', '6a']) {
      one.sendBytes(packet(first, '00 03'))
      expect(await one.expect(PacketType.PUBCOMP)).toMatchObject({ packetId: 3 })
    }
    for (const first of ['aa', 'a2', 'aa']) {
      one.sendBytes(packet(first, '00 08', utf8('a')))
      expect(await one.expect(PacketType.UNSUBACK)).toMatchObject({ packetId: 8 })
    }
    one.publish('a', 'nobody')
    await one.quiet()
  })

  it.each(EACH_VERSION.slice(1))(
    'M-02 [v311:MQTT-3.8.1-1] [v311:MQTT-3.10.1-1] [v311:MQTT-3.6.1-1] [v5:MQTT-3.8.1-1] [v5:MQTT-3.10.1-1] [v5:MQTT-3.6.1-1] is the only version that does: %s closes',
    async (_name, version) => {
      const { client } = await startBroker()
      const properties = version === V5 ? '00' : ''
      for (const bytes of [
        packet('8a', '00 07', properties, utf8('a'), '01'),
        packet('aa', '00 07', properties, utf8('a')),
        packet('6a', '00 03'),
      ]) {
        const one = await client({ version })
        one.sendBytes(bytes)
        await one.closesWith(0x81)
      }
    },
  )

  it.each([
    ['SUBSCRIBE', packet('80', '00 07', utf8('a'), '01')],
    ['UNSUBSCRIBE', packet('a0', '00 07', utf8('a'))],
    ['PUBREL', packet('60', '00 03')],
  ])('M-02 [V31-09] closes on %s without QoS 1 in its fixed header', async (_packet, bytes) => {
    const { client } = await startBroker()
    const one = await client(c)
    one.sendBytes(bytes)
    await one.closesWith(0x81)
  })

  it('M-02 [V31-09] sends PUBREL with QoS 1 in its fixed header', async () => {
    const { client } = await startBroker()
    const one = await client(c)
    await one.subscribe({ topicFilter: 'a', qos: 2 })
    await (await client()).publishAndWait('a', 'x', { qos: 2 })
    const { packetId } = await one.message()
    const before = one.received.length
    one.acknowledge(PacketType.PUBREC, packetId)
    await one.expect(PacketType.PUBREL)
    expect(one.received[before]).toBe(0x62)
  })

  it.each([
    ['a user name that is flagged and missing', '82', []],
    ['user name and password that are flagged and missing', 'c2', []],
    ['a password that is flagged and missing', 'c2', [utf8('ann')]],
  ])('M-03 [V31-11] takes %s for absent', async (_what, flags, fields) => {
    const identities: unknown[] = []
    const access = testAccess({
      authenticate: ({ userName, password }) => {
        identities.push([userName, password])
        return { identity: userName }
      },
    })
    const { open } = await startBroker({ access })
    const client = await open(V3_1)
    client.sendBytes(packet('10', utf8('MQIsdp'), '03', flags, '00 00', utf8('c'), ...fields))
    expect(await client.expect(PacketType.CONNACK)).toMatchObject({ code: 0 })
    expect(identities).toEqual([[fields.length === 0 ? null : 'ann', null]])
  })

  it.each(EACH_VERSION.slice(1))(
    'M-03 [v311:MQTT-3.1.2-19] [v311:MQTT-3.1.2-21] [v5:MQTT-3.1.2-17] [v5:MQTT-3.1.2-19] is the only version that does: %s closes',
    async (_name, version) => {
      const { open } = await startBroker()
      const properties = version === V5 ? '00' : ''
      for (const fields of [
        ['82', utf8('c')],
        ['c2', utf8('c'), utf8('ann')],
      ] as const) {
        const client = await open(version)
        const [flags, ...payload] = fields
        client.sendBytes(packet('10', utf8('MQTT'), Buffer.of(version), flags, '00 00', properties, ...payload))
        await client.closed()
        expect(client.waiting).toMatchObject(version === V5 ? [{ packetType: PacketType.CONNACK, code: 0x81 }] : [])
      }
    },
  )

  it('M-03 [V31-10] does not check the reserved connect flag', async () => {
    const { open } = await startBroker()
    const client = await open(V3_1)
    client.sendBytes(packet('10', utf8('MQIsdp'), '03', '03', '00 00', utf8('c')))
    expect(await client.expect(PacketType.CONNACK)).toMatchObject({ code: 0 })
    await client.quiet()
  })

  it.each([
    [V3_1, 2],
    [V3_1_1, 0x80],
  ] as const)(
    'M-04 [V31-07] [V31-20] [v311:MQTT-3.9.3-2] answers a filter that is not allowed in level %d by code %d, and delivers nothing',
    async (version, code) => {
      const access = testAccess({ maySubscribe: (_identity, _clientId, topicFilter) => topicFilter !== 'forbidden' })
      const { client } = await startBroker({ access })
      const publisher = await client()
      await publisher.publishAndWait('forbidden', 'retained', { qos: 1, retain: true })
      const one = await client(keeping(version, 'c'))
      const suback = await one.subscribe([
        { topicFilter: 'forbidden', qos: 2 },
        { topicFilter: 'a', qos: 1 },
      ])
      expect(suback.codes).toEqual([code, 1])
      await publisher.publishAndWait('forbidden', 'x', { qos: 1 })
      await one.quiet()
      await one.end()
      await publisher.publishAndWait('forbidden', 'x', { qos: 1 })
      const back = await client(keeping(version, 'c'))
      await back.quiet()
    },
  )

  it.each([1, 2] as const)(
    'M-06 [V31-21] acknowledges a PUBLISH at QoS %d that is not allowed, and routes it to nobody',
    async (qos) => {
      const access = testAccess({ mayPublish: (_identity, _clientId, topicName) => topicName !== 'forbidden' })
      const { client } = await startBroker({ access })
      const observer = await client()
      await observer.subscribe('#')
      const one = await client(c)
      await one.publishAndWait('forbidden', 'x', { qos })
      await one.quiet()
      await observer.quiet()
    },
  )

  it('M-06 [V31-12] takes any bytes as password', async () => {
    const password = Buffer.from('00ff80c328', 'hex')
    const access = testAccess({
      authenticate: (credentials) => (credentials.password?.equals(password) ? { identity: 'ann' } : { refused: 0x86 }),
    })
    const { open } = await startBroker({ access })
    const client = await open(V3_1)
    client.sendBytes(packet('10', utf8('MQIsdp'), '03', 'c2', '00 00', utf8('c'), utf8('ann'), binary(password)))
    expect(await client.expect(PacketType.CONNACK)).toMatchObject({ code: 0 })
  })

  it('M-06 [V31-22] deletes a retained message by an empty one', async () => {
    const { client, broker } = await startBroker()
    const one = await client(c)
    await one.publishAndWait('a', 'x', { qos: 1, retain: true })
    expect(broker.gauges.retainedMessages).toBe(1)
    await one.publishAndWait('a', '', { qos: 1, retain: true })
    expect(broker.gauges.retainedMessages).toBe(0)
  })

  it('M-06 [V31-25] does not match topics that begin with $ by a wildcard first in a filter', async () => {
    const { client } = await startBroker()
    const one = await client(c)
    await one.subscribe(['#', '+/a', '$own/#'])
    one.publish('$own/a', 'x')
    expect(await one.message()).toMatchObject({ topic: '$own/a' })
    await one.quiet()
  })

  it('M-06 [V31-16] closes on DUP at QoS 0, which 3.1 does not rule on, as 3.1.1 does', async () => {
    const { client } = await startBroker()
    const one = await client(c)
    const bytes = encodePacket(publish('a', 'x'), V3_1)
    bytes[0] = 0x38
    one.sendBytes(bytes)
    await one.closesWith(0x81)
  })

  it.each([
    [0, 0],
    [1, 1],
    [2, 2],
    [2, 1],
    [0, 2],
  ] as const)(
    'M-06 [V31-24] carries messages of QoS %d to subscriptions of QoS %d by wildcards, retained ones too',
    async (published, granted) => {
      const { client } = await startBroker()
      const publisher = await client({ version: V3_1 })
      await publisher.publishAndWait('room/1/light', 'kept', { qos: published, retain: true })
      await publisher.quiet()
      const one = await client(c)
      const qos = Math.min(published, granted)
      expect((await one.subscribe({ topicFilter: 'room/+/#', qos: granted })).codes).toEqual([granted])
      expect(await one.message()).toMatchObject({ topic: 'room/1/light', payload: 'kept', qos, retain: true })
      await publisher.publishAndWait('room/2', 'live', { qos: published })
      expect(await one.message()).toMatchObject({ topic: 'room/2', payload: 'live', qos, retain: false, dup: false })
    },
  )
})
