import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { PINGREQ } from '../../../src/codec/packets/ping.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { binary, hex, packet, utf8 } from '../../support/hex.ts'
import { connectPacket, type RawClient } from '../../support/raw-client.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion

/** Name and level, as each version begins its CONNECT. */
const beginnings = {
  [V3_1]: hex(utf8('MQIsdp'), '03'),
  [V3_1_1]: hex(utf8('MQTT'), '04'),
  [V5]: hex(utf8('MQTT'), '05'),
}

/** A CONNECT from its flags on, with Keep Alive 0 and no properties of CONNECT; payload as given. */
function connectBytes(version: ProtocolVersion, flags: string, ...payload: (string | Uint8Array)[]): Buffer {
  return packet('10', beginnings[version], flags, '00 00', version === V5 ? '00' : '', ...payload)
}

/** Fails unless the server closed and has sent exactly these bytes since `from`. */
async function closedAfter(client: RawClient, bytes: string, from = 0): Promise<void> {
  await client.closed()
  expect(client.received.subarray(from).toString('hex')).toBe(bytes.replaceAll(' ', ''))
}

describe.each(EACH_VERSION)('CONNECT in MQTT %s', (_name, version) => {
  it.each([
    ['PINGREQ', 'c0 00'],
    ['PUBLISH', '30 03 00 01 61'],
    ['SUBSCRIBE', '82 06 00 01 00 01 61 00'],
    ['DISCONNECT', 'e0 00'],
    ['CONNACK', '20 02 00 00'],
    ['the reserved type 0', '00 00'],
    ['AUTH', 'f0 00'],
  ])(
    'C-01 [v5:MQTT-3.1.0-1] [v311:MQTT-3.1.0-1] [v5:MQTT-3.14.0-1] closes without a byte when the first packet is %s',
    async (_name, bytes) => {
      const { open } = await startBroker()
      const client = await open(version)
      client.sendBytes(bytes)
      client.send(connectPacket({ version }))
      await closedAfter(client, '')
    },
  )

  it.each(EACH_VERSION)(
    'C-01 [v5:MQTT-3.1.0-2] [v311:MQTT-3.1.0-2] [v5:MQTT-4.13.1-1] [v311:MQTT-4.8.0-1] closes on a second CONNECT of MQTT %s and publishes the will',
    async (_second, secondVersion) => {
      const { client } = await startBroker()
      const observer = await client()
      await observer.subscribe('gone')
      const twice = await client({ version, will: willOf('gone', 'x') })
      twice.sendBytes(connectBytes(secondVersion, '02', utf8('other')))
      twice.publish('gone', 'too late')
      await twice.closesWith(0x82)
      expect(await observer.message()).toMatchObject({ topic: 'gone', payload: 'x' })
      await observer.quiet()
    },
  )

  it('C-01 [v5:MQTT-3.14.2-1] closes on a second CONNECT with an unknown level by a code that DISCONNECT has', async () => {
    const { client } = await startBroker()
    const twice = await client({ version })
    twice.sendBytes(packet('10', utf8('MQTT'), '09 02 00 00 00 00'))
    await twice.closesWith(0x82)
  })

  it('C-02 [v5:MQTT-3.1.4-5] [v311:MQTT-3.1.4-4] [V31-01] accepts its name and level', async () => {
    const { open } = await startBroker()
    const client = await open(version)
    client.sendBytes(connectBytes(version, '02', utf8('c')))
    expect(await client.expect(PacketType.CONNACK)).toMatchObject({ code: 0, sessionPresent: false })
    await client.quiet()
  })

  it.each([
    ['[v5:MQTT-3.1.2-11] [v311:MQTT-3.1.2-11] [v311:MQTT-3.1.2-13]', 'will QoS 1 without Will Flag', '0a', []],
    ['[v5:MQTT-3.1.2-11] [v311:MQTT-3.1.2-13]', 'will QoS 2 without Will Flag', '12', []],
    ['[v5:MQTT-3.1.2-13] [v311:MQTT-3.1.2-11] [v311:MQTT-3.1.2-15]', 'Will Retain without Will Flag', '22', []],
    ['[v5:MQTT-3.1.2-12] [v311:MQTT-3.1.2-14]', 'will QoS 3', '1e', ['will']],
    ['[v5:MQTT-3.1.2-12] [v311:MQTT-3.1.2-14]', 'will QoS 3 without Will Flag', '1a', []],
    ['[v5:MQTT-3.1.2-9] [v311:MQTT-3.1.2-9]', 'a Will Flag without will', '06', []],
  ])('C-05 %s closes on %s', async (_ids, _what, flags, fields) => {
    const { open } = await startBroker()
    const client = await open(version)
    const will = fields.length > 0 ? hex(version === V5 ? '00' : '', utf8('gone'), binary(Buffer.from('x'))) : ''
    client.sendBytes(connectBytes(version, flags, utf8('c'), will))
    await client.closed()
    expect(client.waiting).toMatchObject(version === V5 ? [{ packetType: PacketType.CONNACK, code: 0x81 }] : [])
  })

  it('C-06 [v311:MQTT-3.1.2-22] [V31-13] takes a password without user name in 5.0 only', async () => {
    const { open } = await startBroker()
    const client = await open(version)
    client.sendBytes(connectBytes(version, '42', utf8('c'), binary(Buffer.from('secret'))))
    if (version === V5) expect(await client.expect(PacketType.CONNACK)).toMatchObject({ code: 0 })
    else await closedAfter(client, '')
  })

  it.each([
    ['[v5:MQTT-3.1.2-16] [v311:MQTT-3.1.2-18] a user name that is not flagged', '02', 'left over'],
    ['[v5:MQTT-3.1.2-18] [v311:MQTT-3.1.2-20] a password that is not flagged', '82', 'left over'],
  ])('C-05 %s closes the connection', async (_what, flags) => {
    const { open } = await startBroker()
    const client = await open(version)
    client.sendBytes(connectBytes(version, flags, utf8('c'), flags === '82' ? utf8('ann') : '', utf8('left over')))
    await client.closed()
    expect(client.waiting).toMatchObject(version === V5 ? [{ packetType: PacketType.CONNACK, code: 0x81 }] : [])
  })

  it('C-11 [v5:MQTT-3.2.0-1] [v311:MQTT-3.2.0-1] [v5:MQTT-3.2.0-2] [v5:MQTT-3.2.2-1] [U311-3.2.2.1-1] sends CONNACK first, once, with reserved flags 0, though messages wait', async () => {
    const { client, open } = await startBroker()
    const first = await client(keeping(version, 'c'))
    await first.subscribe({ topicFilter: 'a', qos: 1 })
    await first.end()
    const publisher = await client()
    await publisher.publishAndWait('a', 'waits', { qos: 1 })
    const second = await open(version)
    second.send(connectPacket({ keepAliveSeconds: 0, ...keeping(version, 'c') }))
    second.send(PINGREQ)
    expect(await second.expect(PacketType.CONNACK)).toMatchObject({ code: 0 })
    expect(second.received[2]! & 0xfe).toBe(0)
    expect(await second.message()).toMatchObject({ payload: 'waits' })
    await second.expect(PacketType.PINGRESP)
    await second.quiet()
  })

  it.each([
    ['empty', ''],
    ['with +', 'a/+'],
    ['with #', '#'],
    ['with U+0000', 'a\0b'],
  ])(
    'C-14 [v5:MQTT-4.7.0-1] [v311:MQTT-4.7.1-1] [v5:MQTT-4.7.3-2] [v311:MQTT-4.7.3-2] refuses a Will Topic that is %s',
    async (_what, topicName) => {
      const { open } = await startBroker()
      const client = await open(version)
      client.sendBytes(connectBytes(version, '06', utf8('c'), version === V5 ? '00' : '', utf8(topicName), utf8('x')))
      await client.closed()
      expect(client.waiting).toMatchObject(version === V5 ? [{ packetType: PacketType.CONNACK, code: 0x90 }] : [])
    },
  )

  it('C-15 [U5-3.1.4-1] [U311-3.1.4-1] closes 10 s after accept when no CONNECT is complete, however it drips', async () => {
    const { clock, open, client } = await startBroker()
    const witness = await client()
    const dripping = await open(version)
    const silent = await open(version)
    await witness.quiet()
    for (const byte of connectBytes(version, '02', utf8('a long client id')).subarray(0, 9)) {
      clock.advance(1000)
      dripping.sendBytes(Buffer.of(byte))
      await witness.quiet()
    }
    clock.advance(999)
    dripping.sendBytes('00')
    await witness.quiet()
    expect([dripping, silent].map(({ hasEnded }) => hasEnded)).toEqual([false, false])
    clock.advance(1)
    await closedAfter(dripping, '')
    await closedAfter(silent, '')
  })
})

describe('CONNECT of other kinds', () => {
  // MQTT 3.1 leaves the flag unused and does not check it: M-03
  it.each(EACH_VERSION.slice(1))(
    'C-04 [v5:MQTT-3.1.2-3] [v311:MQTT-3.1.2-3] closes without CONNACK when the reserved flag of MQTT %s is 1',
    async (_name, version) => {
      const { open } = await startBroker()
      const client = await open(version)
      client.sendBytes(connectBytes(version, '03', utf8('c')))
      await closedAfter(client, '')
    },
  )

  it.each([
    ['MQTT with level 6', 'MQTT', '06'],
    ['MQTT with level 0', 'MQTT', '00'],
    ['MQTT with level 3', 'MQTT', '03'],
    ['MQIsdp with level 4', 'MQIsdp', '04'],
    ['MQIsdp with level 5', 'MQIsdp', '05'],
    ['MQTT with level 0x85', 'MQTT', '85'],
  ])(
    'C-02 [v5:MQTT-3.1.2-2] [v311:MQTT-3.1.2-2] [V31-23] answers %s by CONNACK 1 in the oldest form and closes',
    async (_what, name, level) => {
      const { open } = await startBroker()
      const client = await open(V3_1_1)
      client.sendBytes(packet('10', utf8(name), level, '02 00 3c', utf8('c')))
      await closedAfter(client, '20 02 00 01')
    },
  )

  it.each(['mqtt', 'MQTt', 'MQISDP', 'MQIsd', 'HTTP', ''])(
    'C-02 [v5:MQTT-3.1.2-1] [v311:MQTT-3.1.2-1] closes without an answer on the protocol name "%s"',
    async (name) => {
      const { open } = await startBroker()
      for (const level of ['03', '04', '05']) {
        const client = await open(V3_1_1)
        client.sendBytes(packet('10', utf8(name), level, '02 00 3c', utf8('c')))
        await closedAfter(client, '')
      }
    },
  )

  it.each([
    ['0x83', V3_1],
    ['0x84', V3_1_1],
  ] as const)(
    'C-03 [V31-03] takes level %s for a bridge: it sees RETAIN as published and not its own messages',
    async (_level, version) => {
      const { client } = await startBroker()
      const bridge = await client({ version, bridge: true })
      await bridge.subscribe('#')
      bridge.publish('a', 'its own')
      const other = await client()
      other.publish('a', 'kept', { retain: true })
      other.publish('a', 'passing')
      expect(await bridge.message()).toMatchObject({ payload: 'kept', retain: true })
      expect(await bridge.message()).toMatchObject({ payload: 'passing', retain: false })
      await bridge.quiet()
    },
  )
})
