import { describe, expect, it } from 'vitest'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { Message } from '../../../src/codec/message.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { PINGREQ } from '../../../src/codec/packets/ping.ts'
import { Publish } from '../../../src/codec/packets/publish.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { connectPacket } from '../../support/raw-client.ts'
import { describePacket } from '../../support/recording-output.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { CONNACK, DISCONNECT, PUBLISH } = PacketType
const { V3_1, V3_1_1, V5 } = ProtocolVersion

describe.each(EACH_VERSION)('CONNECT, MQTT %s', (_, version) => {
  const isV5 = version === V5

  it('[v5:MQTT-3.1.0-1, v311:MQTT-3.1.0-1] is the first packet, or the connection is closed without a byte', async () => {
    const { open } = await startBroker()
    const client = await open(version)
    client.send(PINGREQ)
    await client.closed()

    expect(client.received).toHaveLength(0)
  })

  it('[v5:MQTT-3.1.0-2, v5:MQTT-3.2.0-2, v311:MQTT-3.1.0-2] closes when it comes twice, and is not answered again', async () => {
    const { client } = await startBroker()
    const twice = await client({ version, clientId: 'twice' })
    twice.send(connectPacket({ version, clientId: 'twice' }))
    await twice.closed()

    expect(twice.waiting.map(describePacket)).toEqual(isV5 ? ['DISCONNECT 0x82'] : [])
  })

  it('[v5:MQTT-3.1.4-5, v5:MQTT-3.2.0-1, v311:MQTT-3.1.4-4, v311:MQTT-3.2.0-1] is answered first, before all that waits', async () => {
    const { client, open } = await startBroker()
    const first = await client(keeping(version, 'sleeper'))
    await first.subscribe({ topicFilter: 't', qos: 1 })
    await first.end()
    await (await client()).publishAndWait('t', 'waiting', { qos: 1 })
    const second = await open(version)
    second.send(connectPacket(keeping(version, 'sleeper')))

    expect(await second.expect(CONNACK)).toMatchObject({ code: 0 })
    expect(await second.message()).toMatchObject({ payload: 'waiting' })
  })

  it('[v5:MQTT-3.1.4-3, v311:MQTT-3.1.4-2, V31-24] evicts the older connection of its Client Identifier', async () => {
    const { client } = await startBroker()
    const older = await client({ version, clientId: 'one' })
    const newer = await client({ version, clientId: 'one' })
    await older.closed()

    expect(older.waiting.map(describePacket)).toEqual(isV5 ? ['DISCONNECT 0x8e'] : [])
    await newer.quiet()
  })

  it('[v5:MQTT-3.1.3-5, v311:MQTT-3.1.3-5] is accepted with ids of 1 to 23 letters and digits', async () => {
    const { client } = await startBroker()
    const ids = ['0', 'Z', '0123456789abcdefghijklm', 'nopqrstuvwxyzABCDEFGHIJ', 'KLMNOPQRSTUVWXYZ']

    for (const clientId of ids) expect((await client({ version, clientId })).connack.code).toBe(0)
  })

  it('[v5:MQTT-3.1.3-8, v5:MQTT-3.2.2-7, v311:MQTT-3.1.3-9, v311:MQTT-3.2.2-5] is refused with an id that is too long, and closed', async () => {
    const { client } = await startBroker({ limits: { maximumClientIdBytes: 23 } })
    const refused = await client({ version, clientId: 'x'.repeat(24) })
    await refused.closed()

    expect(refused.connack).toMatchObject({ code: isV5 ? 0x85 : 2, sessionPresent: false })
    expect((await client({ version, clientId: 'x'.repeat(23) })).connack.code).toBe(0)
  })

  it('[v5:MQTT-3.1.4-2, v5:MQTT-3.2.2-6, v311:MQTT-3.2.2-4] is refused with a wrong password: no Session Present, closed', async () => {
    const { client } = await startBroker({ users: new Map([['ann', 'right']]) })
    const named = { ...keeping(version, 'anns'), userName: 'ann' }
    await (await client({ ...named, password: Buffer.from('right') })).end()
    const refused = await client({ ...named, password: Buffer.from('wrong') })
    await refused.closed()

    expect(refused.connack).toMatchObject({ code: isV5 ? 0x86 : 4, sessionPresent: false })
    const accepted = await client({ ...named, password: Buffer.from('right') })
    expect(accepted.connack).toMatchObject({ code: 0, sessionPresent: version !== V3_1 })
  })

  it('[v5:MQTT-3.1.4-6, v311:MQTT-3.1.4-5] takes what follows it with it when it is refused', async () => {
    const { client, open } = await startBroker({ limits: { maximumClientIdBytes: 23 } })
    const watcher = await client()
    await watcher.subscribe('#')
    const refused = await open(version)
    const publish = new Publish(Message.create('t', 'ignored', { qos: 1 }), 1, false, 1)
    refused.sendBytes(
      Buffer.concat([
        encodePacket(connectPacket({ version, clientId: 'x'.repeat(24) }), version),
        encodePacket(publish, version),
      ]),
    )
    await refused.closed()

    expect(refused.waiting.map((packet) => packet.packetType)).toEqual([CONNACK])
    await watcher.quiet()
  })

  it('[v5:U5-3.1.4-1, v311:U311-3.1.4-1] is waited for 10 s', async () => {
    const { open, clock } = await startBroker()
    const silent = await open(version)
    const talking = await open(version)
    await talking.connect()
    clock.advance(9_999)
    await talking.quiet()
    expect(silent.socket.closed).toBe(false)
    clock.advance(1)
    await silent.closed()

    expect(silent.received).toHaveLength(0)
    await talking.quiet()
  })

  it('[v5:MQTT-3.1.3-2, v311:MQTT-3.1.3-2] names the session: two ids have two', async () => {
    const { client } = await startBroker()
    for (const id of ['a', 'b']) {
      const sleeper = await client(keeping(version, id))
      await sleeper.subscribe({ topicFilter: `for/${id}`, qos: 1 })
      await sleeper.end()
    }
    const publisher = await client()
    for (const id of ['b', 'a']) await publisher.publishAndWait(`for/${id}`, id, { qos: 1 })

    for (const id of ['a', 'b']) {
      const awake = await client(keeping(version, id))
      expect(await awake.message()).toMatchObject({ topic: `for/${id}`, payload: id })
      await awake.quiet()
    }
  })

  it('[v5:MQTT-3.1.2-22, v5:MQTT-3.2.2-22, v311:MQTT-3.1.2-24] sets the silence after which the connection has failed', async () => {
    const { client, clock } = await startBroker()
    const watcher = await client()
    await watcher.subscribe('will')
    const will = { topicName: 'will', payload: Buffer.from('gone'), qos: 0, retain: false, properties: {} } as const
    const silent = await client({ version, keepAliveSeconds: 10, will })
    clock.advance(14_999)
    await silent.quiet()
    clock.advance(14_999)
    await watcher.quiet()
    clock.advance(1)
    await silent.closed()

    expect(silent.waiting.map(describePacket)).toEqual(isV5 ? ['DISCONNECT 0x8d'] : [])
    expect(await watcher.message()).toMatchObject({ payload: 'gone' })
  })

  it('[v5:MQTT-4.2-1, v311:MQTT-7.1.1-1] comes over TCP, in any pieces', async () => {
    const { open } = await startBroker()
    const client = await open(version)
    for (const byte of encodePacket(connectPacket({ version }), version)) client.sendBytes(Buffer.from([byte]))

    expect(await client.expect(CONNACK)).toMatchObject({ code: 0 })
  })

  it('[v5:MQTT-3.12.4-1, v311:MQTT-3.12.4-1] opens a connection on which PINGREQ is answered by PINGRESP', async () => {
    const { client } = await startBroker()
    const pinging = await client({ version })
    const before = pinging.received.length
    await pinging.quiet()

    expect(pinging.received.subarray(before).toString('hex')).toBe('d000')
  })
})

describe('CONNECT with an empty Client Identifier', () => {
  it.each([V3_1_1, V5])('[v5:MQTT-3.1.3-6, v311:MQTT-3.1.3-6] gets an id of its own, level %i', async (version) => {
    const { client, broker } = await startBroker()
    const first = await client({ version, clientId: '' })
    const second = await client({ version, clientId: '' })

    expect([first.connack.code, second.connack.code]).toEqual([0, 0])
    await first.quiet()
    await second.quiet()
    expect(broker.gauges.clientsTotal).toBe(2)
  })

  it('[v5:MQTT-3.1.3-7, v5:MQTT-3.2.2-16] is told the id, which no other has and which counts from then on', async () => {
    const { client } = await startBroker()
    const clients = [await client({ clientId: '' }), await client({ clientId: '', cleanStart: false })]
    const [id, other] = clients.map(({ connack }) => connack.properties.assignedClientIdentifier)
    expect([id, other]).toEqual([expect.stringMatching(/^[0-9a-zA-Z]+$/), expect.stringMatching(/^[0-9a-zA-Z]+$/)])
    expect(id).not.toBe(other)

    await client({ clientId: id! })
    expect(await clients[0]!.expect(DISCONNECT)).toMatchObject({ reasonCode: 0x8e })
    await clients[1]!.quiet()
  })

  it('[v311:MQTT-3.1.3-8] is refused with return code 2 when the session is to be kept, and closed', async () => {
    const { open } = await startBroker()
    const client = await open(V3_1_1)
    client.send(connectPacket({ version: V3_1_1, clientId: '', cleanStart: false }))
    await client.closed()

    expect(client.received.toString('hex')).toBe('20020002')
  })
})

describe('CONNECT of another protocol', () => {
  it('[v5:MQTT-3.1.2-1, v311:MQTT-3.1.2-1] is closed and never handled as MQTT', async () => {
    const { open, broker } = await startBroker()
    for (const level of ['04', '05']) {
      const client = await open(level === '04' ? V3_1_1 : V5)
      client.sendBytes(`10 0e 00 04 4d 51 54 58 ${level} 02 00 00 ${level === '05' ? '00 00 01 61' : '00 02 61 62'}`)
      await client.closed()
      expect(client.received).toHaveLength(0)
    }
    expect(broker.gauges.clientsTotal).toBe(0)
  })

  it('[v5:MQTT-3.1.2-2, v311:MQTT-3.1.2-2] is told return code 1 when only the level is unknown, and closed', async () => {
    const { open } = await startBroker()
    const client = await open(V5)
    client.sendBytes('10 0d 00 04 4d 51 54 54 06 02 00 00 00 01 61')
    await client.closed()

    expect(client.received.toString('hex')).toBe('20020001')
  })
})

describe('fields of CONNECT that no flag announces', () => {
  const connect = (level: string, flags: string, payload: string): string => {
    const body = `0004 4d515454 ${level} ${flags} 0000 ${level === '05' ? '00' : ''} 0001 61 ${payload}`.replaceAll(
      ' ',
      '',
    )
    return `10 ${(body.length / 2).toString(16).padStart(2, '0')} ${body}`
  }

  it.each([
    ['[v311:MQTT-3.1.2-18] a User Name', '04', '02', '0001 75'],
    ['[v5:MQTT-3.1.2-16] a User Name', '05', '02', '0001 75'],
    ['[v311:MQTT-3.1.2-20] a Password', '04', '82', '0001 75 0001 70'],
    ['[v5:MQTT-3.1.2-18] a Password', '05', '82', '0001 75 0001 70'],
    ['[v311:MQTT-3.1.2-11] a will', '04', '02', '0001 77 0001 78'],
    ['a will', '05', '02', '00 0001 77 0001 78'],
  ])('%s closes', async (_, level, flags, payload) => {
    const { open, broker } = await startBroker()
    const client = await open(level === '05' ? V5 : V3_1_1)
    client.sendBytes(connect(level, flags, payload))
    await client.closed()

    expect(client.waiting.map(describePacket)).toEqual(level === '05' ? ['CONNACK 0x81'] : [])
    expect(broker.gauges.clientsTotal).toBe(0)
  })
})

describe('CONNACK', () => {
  it.each([V3_1_1, V5])(
    '[v311:U311-3.2.2.1-1, v311:U311-3.2.2.3-1, v5:MQTT-3.2.2-1, v5:MQTT-3.2.2-8] has flags 0 or 1 and a code of its table, level %i',
    async (version) => {
      const { client, open } = await startBroker({ limits: { maximumClientIdBytes: 23 } })
      const head = ({ received }: { received: Buffer }): string => {
        const front = version === V5 ? 3 : 2
        return received.subarray(front - (version === V5 ? 1 : 0), front + (version === V5 ? 1 : 2)).toString('hex')
      }
      const created = await client(keeping(version, 'id'))
      expect(head(created)).toBe('0000')
      await created.end()
      expect(head(await client(keeping(version, 'id')))).toBe('0100')
      const refused = await open(version)
      await refused.connect({ clientId: 'x'.repeat(24) })
      expect(head(refused)).toBe(version === V5 ? '0085' : '0002')
    },
  )

  it('[v311:MQTT-3.2.2-6] is not sent when no return code fits', async () => {
    const { open } = await startBroker({ limits: { maximumQos: 0 } })
    const client = await open(V3_1_1)
    const will = { topicName: 'w', payload: Buffer.alloc(0), qos: 1, retain: false, properties: {} } as const
    client.send(connectPacket({ version: V3_1_1, will }))
    await client.closed()

    expect(client.received).toHaveLength(0)
  })

  it('[v5:MQTT-3.14.0-1] with a code of 0x80 or more is not followed by DISCONNECT', async () => {
    const { client } = await startBroker({ limits: { maximumClientIdBytes: 23 } })
    const refused = await client({ clientId: 'x'.repeat(24) })
    await refused.closed()

    expect(refused.waiting.filter(({ packetType }) => packetType !== PUBLISH)).toEqual([])
  })
})
