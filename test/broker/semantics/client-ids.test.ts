import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { hex, packet, utf8 } from '../../support/hex.ts'
import { connectPacket } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion

/** What a refused Client Identifier is answered with. */
const refusal = { [V3_1]: 0x02, [V3_1_1]: 0x02, [V5]: 0x85 }

const letters = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

describe.each(EACH_VERSION)('Client Identifiers in MQTT %s', (_name, version) => {
  const tooLongSentence = `is answered with 0x${refusal[version].toString(16).padStart(2, '0')} and closed`

  it.each([
    ['one letter', 'a'],
    ['23 bytes', 'abcdefghijklmnopqrstuvw'],
    ...(letters.match(/.{1,23}/g) ?? []).map((part): [string, string] => [part, part]),
  ])('C-07 [v5:MQTT-3.1.3-5] [v311:MQTT-3.1.3-5] accepts %s', async (_what, clientId) => {
    const { client } = await startBroker()
    const { connack } = await client({ version, clientId })
    expect(connack).toMatchObject({ code: 0 })
    expect(connack.properties.assignedClientIdentifier).toBeUndefined()
  })

  it.each([
    ['24 bytes', 'x'.repeat(24)],
    ['65,535 bytes', 'x'.repeat(65_535)],
    ['other characters', 'Gerät 7/ß-☂ "quoted"'],
    ['a BOM', '\u{feff}c'],
    ['names of built-in properties', '__proto__'],
  ])('C-07 M-05 [V31-04] accepts %s as well', async (_what, clientId) => {
    const { client } = await startBroker()
    const first = await client(keeping(version, clientId))
    await first.end()
    const { connack } = await client(keeping(version, clientId))
    expect(connack).toMatchObject({ code: 0, sessionPresent: version !== V3_1 })
  })

  it(`C-07 [v5:MQTT-3.1.3-8] [v311:MQTT-3.1.3-9] [v311:MQTT-3.2.2-5] longer than the configured limit ${tooLongSentence}`, async () => {
    const { client, open } = await startBroker({ limits: { maximumClientIdBytes: 25 } })
    // bytes count, not characters
    await client({ version, clientId: 'ü'.repeat(12) })
    const refused = await open(version)
    const connack = await refused.connect({ clientId: 'ü'.repeat(13) })
    expect(connack).toMatchObject({ code: refusal[version], sessionPresent: false })
    await refused.closed()
    expect(refused.waiting).toEqual([])
  })

  it.each([
    ['no UTF-8', 'c3 28'],
    ['a surrogate', 'ed a0 80'],
    ['U+0000', '61 00 62'],
  ])('C-07 [v5:MQTT-3.1.3-4] [v311:MQTT-3.1.3-4] [v311:MQTT-3.1.4-1] [V31-15] closes on %s', async (_what, bytes) => {
    const { open } = await startBroker()
    const client = await open(version)
    const clientId = hex(bytes)
    const beginning = version === V3_1 ? utf8('MQIsdp') : utf8('MQTT')
    const properties = version === V5 ? '00' : ''
    client.sendBytes(
      packet('10', beginning, Buffer.of(version), '02 00 00', properties, Buffer.of(0, clientId.length), clientId),
    )
    await client.closed()
    expect(client.waiting).toMatchObject(version === V5 ? [{ packetType: PacketType.CONNACK, code: 0x81 }] : [])
  })

  it('C-07 [v5:MQTT-3.1.3-3] [v311:MQTT-3.1.3-3] closes when there is none', async () => {
    const { open } = await startBroker()
    const client = await open(version)
    const beginning = version === V3_1 ? utf8('MQIsdp') : utf8('MQTT')
    client.sendBytes(packet('10', beginning, Buffer.of(version), '02 00 00', version === V5 ? '00' : ''))
    await client.closed()
    expect(client.waiting).toMatchObject(version === V5 ? [{ packetType: PacketType.CONNACK, code: 0x81 }] : [])
  })

  it('C-17 lets a client in whose id or user name holds wildcards and slashes', async () => {
    const { client } = await startBroker()
    for (const text of ['+', '#', 'a/b', '+/#', '/']) {
      const one = await client({ version, clientId: text, userName: text, password: Buffer.from('') })
      expect(one.connack.code).toBe(0)
      await one.subscribe('t')
      one.publish('t', text)
      expect(await one.message()).toMatchObject({ payload: text })
    }
  })

  it('C-07 [v5:MQTT-3.1.3-2] [v311:MQTT-3.1.3-2] finds the session by its id, letter by letter', async () => {
    const { client } = await startBroker()
    const first = await client(keeping(version, 'Client'))
    await first.subscribe({ topicFilter: 'a', qos: 1 })
    await first.end()
    await client(keeping(version, 'client'))
    await client(keeping(version, 'Client '))
    const publisher = await client()
    await publisher.publishAndWait('a', 'for Client', { qos: 1 })
    const resumed = await client(keeping(version, 'Client'))
    expect(await resumed.message()).toMatchObject({ payload: 'for Client' })
  })
})

describe('empty Client Identifiers', () => {
  it.each([
    ['clean session 1 in 3.1', V3_1, true],
    ['clean session 0 in 3.1', V3_1, false],
    ['clean session 0 in 3.1.1', V3_1_1, false],
  ] as const)(
    'C-07 M-05 [v311:MQTT-3.1.3-8] [V31-05] refuses one with %s by CONNACK 2 and closes',
    async (_what, version, cleanStart) => {
      const { open } = await startBroker()
      const client = await open(version)
      client.send(connectPacket({ version, clientId: '', cleanStart }))
      await client.closed()
      expect(client.received.toString('hex')).toBe('20020002')
    },
  )

  it('C-07 [v311:MQTT-3.1.3-6] accepts one with clean session 1 in 3.1.1', async () => {
    const { client } = await startBroker()
    const one = await client({ version: V3_1_1, clientId: '', cleanStart: true })
    expect(one.received.toString('hex')).toBe('20020000')
    await one.quiet()
  })

  it.each([
    ['clean start 1', true],
    ['clean start 0', false],
  ])(
    'C-07 C-08 [v5:MQTT-3.1.3-6] [v5:MQTT-3.1.3-7] [v5:MQTT-3.2.2-16] assigns a 5.0 client with %s one of letters and digits, tells it, and knows it by it',
    async (_what, cleanStart) => {
      const { client } = await startBroker()
      const first = await client({ ...keeping(V5, ''), cleanStart })
      expect(first.connack.sessionPresent).toBe(false)
      const clientId = first.connack.properties.assignedClientIdentifier!
      expect(clientId).toMatch(/^[0-9a-zA-Z]+$/)
      await first.end()
      const again = await client(keeping(V5, clientId))
      expect(again.connack.sessionPresent).toBe(true)
      expect(again.connack.properties.assignedClientIdentifier).toBeUndefined()
    },
  )

  it('C-08 never gives an id twice, and clients with empty ids never take each other over', async () => {
    const { client, broker } = await startBroker()
    const clients = await Promise.all(Array.from({ length: 40 }, () => client(keeping(V5, ''))))
    const nameless = await Promise.all(Array.from({ length: 10 }, () => client({ version: V3_1_1, clientId: '' })))
    const ids = clients.map(({ connack }) => connack.properties.assignedClientIdentifier)
    expect(new Set(ids).size).toBe(40)
    expect(broker.gauges.clientsTotal).toBe(50)
    for (const one of [...clients, ...nameless]) await one.quiet()
    await clients[0]!.end()
    const later = await client({ clientId: '', cleanStart: false })
    expect(later.connack.sessionPresent).toBe(false)
    expect(ids).not.toContain(later.connack.properties.assignedClientIdentifier)
  })
})
