import { describe, expect, it } from 'vitest'
import type { Limits } from '../../../src/broker/limits.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { Acknowledgement } from '../../../src/codec/packets/acknowledgement.ts'
import type { ConnectFields } from '../../../src/codec/packets/connect.ts'
import type { Properties } from '../../../src/codec/property.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { connectPacket } from '../../support/raw-client.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

/** Limits that are what the standard assumes when CONNACK says nothing. */
const STANDARD: Partial<Limits> = {
  receiveMaximum: 65_535,
  maximumPacketBytes: 268_435_460,
  maximumTopicAliases: 0,
  maximumKeepAliveSeconds: 65_535,
  maximumSessionExpirySeconds: 0xffff_ffff,
  maximumQos: 2,
}

const HOUR: Partial<ConnectFields> = { properties: { sessionExpiryIntervalSeconds: 3600 } }

/** A limit that differs, what the client asks for, and what it is told. */
const told: readonly [what: string, limits: Partial<Limits>, fields: Partial<ConnectFields>, properties: Properties][] =
  [
    ['no limit at all', {}, HOUR, {}],
    ['Receive Maximum', { receiveMaximum: 20 }, {}, { receiveMaximum: 20 }],
    ['Maximum Packet Size', { maximumPacketBytes: 1000 }, {}, { maximumPacketBytes: 1000 }],
    ['Topic Alias Maximum', { maximumTopicAliases: 7 }, {}, { topicAliasMaximum: 7 }],
    ['Maximum QoS 1', { maximumQos: 1 }, {}, { maximumQos: 1 }],
    ['Maximum QoS 0', { maximumQos: 0 }, {}, { maximumQos: 0 }],
    ['no Maximum QoS for 2', { maximumQos: 2 }, {}, {}],
    [
      'a Session Expiry Interval that is shorter',
      { maximumSessionExpirySeconds: 60 },
      HOUR,
      { sessionExpiryIntervalSeconds: 60 },
    ],
    ['a Session Expiry Interval of 0', { maximumSessionExpirySeconds: 0 }, HOUR, { sessionExpiryIntervalSeconds: 0 }],
    ['no Session Expiry Interval that is as asked', { maximumSessionExpirySeconds: 3600 }, HOUR, {}],
    ['no Session Expiry Interval to who asked for none', { maximumSessionExpirySeconds: 60 }, {}, {}],
    ['Server Keep Alive', { maximumKeepAliveSeconds: 60 }, { keepAliveSeconds: 61 }, { serverKeepAliveSeconds: 60 }],
    [
      'Server Keep Alive in place of none',
      { maximumKeepAliveSeconds: 60 },
      { keepAliveSeconds: 0 },
      { serverKeepAliveSeconds: 60 },
    ],
    ['no Server Keep Alive that is as asked', { maximumKeepAliveSeconds: 60 }, { keepAliveSeconds: 60 }, {}],
  ]

describe('CONNACK in MQTT 5.0', () => {
  it.each(told)(
    'C-12 S-07 [v5:MQTT-3.2.2-9] [v5:MQTT-3.2.2-21] [v5:MQTT-3.2.2-22] [U5-3.2.2.3.4-1] tells %s',
    async (_what, limits, fields, properties) => {
      const { client } = await startBroker({ limits: { ...STANDARD, ...limits } })
      expect((await client(fields)).connack.properties).toEqual(properties)
    },
  )

  it('C-12 [U5-3.2.2.3.5-1] tells that retained messages are switched off, and nothing when they are on', async () => {
    const off = await startBroker({ limits: STANDARD, retainAvailable: false })
    expect((await off.client()).connack.properties).toEqual({ retainAvailable: 0 })
    const on = await startBroker({ limits: STANDARD, retainAvailable: true })
    expect((await on.client()).connack.properties).toEqual({})
  })

  it('C-12 [U5-3.2.2.3.7-1] [U5-3.2.2.3.14-1] [U5-3.2.2.3.15-1] tells each property once when all are told', async () => {
    const limits = {
      receiveMaximum: 20,
      maximumPacketBytes: 1000,
      maximumTopicAliases: 7,
      maximumQos: 1,
      maximumSessionExpirySeconds: 60,
      maximumKeepAliveSeconds: 30,
    }
    const { client } = await startBroker({ limits, retainAvailable: false })
    // a property given twice would not get past the decoder of this client
    const { connack } = await client({
      clientId: '',
      properties: { ...HOUR.properties, requestResponseInformation: 1 },
    })
    const assigned = connack.properties.assignedClientIdentifier
    expect(connack.properties).toEqual({
      assignedClientIdentifier: assigned,
      receiveMaximum: 20,
      maximumPacketBytes: 1000,
      topicAliasMaximum: 7,
      maximumQos: 1,
      retainAvailable: 0,
      sessionExpiryIntervalSeconds: 60,
      serverKeepAliveSeconds: 30,
      responseInformation: `response/${assigned}`,
    })
  })

  it.each([
    [0, []],
    [1, [1]],
  ])(
    'C-12 [v5:MQTT-3.2.2-10] takes SUBSCRIBE for every QoS with a Maximum QoS of %d, and delivers by it',
    async (maximumQos, acknowledged) => {
      const { client } = await startBroker({ limits: { maximumQos } })
      const subscriber = await client()
      const filters = [0, 1, 2].map((qos) => ({ topicFilter: `q/${qos}`, qos: qos as 0 | 1 | 2 }))
      const suback = await subscriber.subscribe(filters)
      expect(suback.codes.every((code) => code < 0x80)).toBe(true)
      const qos = maximumQos as 0 | 1
      subscriber.publish('q/2', 'x', { qos })
      expect(await subscriber.message()).toMatchObject({ topic: 'q/2', qos })
      for (const _ of acknowledged) await subscriber.expect(PacketType.PUBACK)
      await subscriber.quiet()
    },
  )

  it('C-12 [U5-3.1.2.11.3-1] takes the Receive Maximum for what the server really uses', async () => {
    const { client } = await startBroker({ limits: { receiveMaximum: 3 } })
    const publisher = await client()
    expect(publisher.connack.properties.receiveMaximum).toBe(3)
    for (let i = 0; i < 3; i++) publisher.publish('a', 'x', { qos: 2 })
    for (let i = 0; i < 3; i++) await publisher.expect(PacketType.PUBREC)
    publisher.publish('a', 'one too many', { qos: 2 })
    await publisher.closesWith(0x93)
  })

  it.each([
    [undefined, undefined],
    [0, undefined],
    [1, 'response/c'],
  ])(
    'C-16 [v5:MQTT-3.1.2-28] [U5-3.1.2.11.6-1] gives for Request Response Information %s the Response Information %s',
    async (requestResponseInformation, responseInformation) => {
      const { client } = await startBroker()
      const properties = requestResponseInformation === undefined ? {} : { requestResponseInformation }
      const { connack } = await client({ clientId: 'c', properties })
      expect(connack.properties.responseInformation).toBe(responseInformation)
    },
  )

  it('C-16 [v5:MQTT-3.1.2-29] [U5-3.1.2.11.7-1] sends Reason Strings and User Properties only in PUBLISH, CONNACK and DISCONNECT when Request Problem Information is 0', async () => {
    const access = testAccess({
      mayPublish: (_i, _c, topicName) => topicName !== 'no',
      maySubscribe: (_i, _c, filter) => filter !== 'no',
    })
    const { client } = await startBroker({ access })
    const one = await client({ properties: { requestProblemInformation: 0 } })
    expect((await one.subscribe(['a', 'no'])).properties).toEqual({})
    expect((await one.unsubscribe('never')).properties).toEqual({})
    expect(await one.publishAndWait('no', 'x', { qos: 1 })).toEqual(new Acknowledgement(PacketType.PUBACK, 3, 0x87))
    expect(await one.publishAndWait('no', 'x', { qos: 2 })).toEqual(new Acknowledgement(PacketType.PUBREC, 4, 0x87))
    one.acknowledge(PacketType.PUBREL, 77)
    expect(await one.expect(PacketType.PUBCOMP)).toEqual(new Acknowledgement(PacketType.PUBCOMP, 77, 0x92))
    one.acknowledge(PacketType.PUBREC, 77)
    expect(await one.expect(PacketType.PUBREL)).toEqual(new Acknowledgement(PacketType.PUBREL, 77, 0x92))
    const userProperties = [['a', '1']] as const
    one.publish('a', 'x', { properties: { userProperties: [...userProperties] } })
    expect((await one.message()).properties).toEqual({ userProperties })
    one.sendBytes('00 00')
    const disconnect = await one.expect(PacketType.DISCONNECT)
    expect(disconnect.properties.reasonString).toBeDefined()
  })

  it('C-11 [v5:MQTT-3.2.2-19] [v5:MQTT-3.2.2-20] leaves the Reason String out when CONNACK would be larger than the client takes', async () => {
    const { open } = await startBroker()
    const refuse = async (properties: Properties) => {
      const client = await open()
      client.send(connectPacket({ will: willOf('a/#', 'x'), properties }))
      const connack = await client.expect(PacketType.CONNACK)
      await client.closed()
      return { connack, byteCount: client.received.length }
    }
    const { connack: full, byteCount } = await refuse({ maximumPacketBytes: 1000 })
    expect(full).toMatchObject({ code: 0x90, sessionPresent: false })
    expect(full.properties.reasonString).toContain('Will Topic')
    const fitting = await refuse({ maximumPacketBytes: byteCount })
    expect(fitting.connack).toEqual(full)
    const short = await refuse({ maximumPacketBytes: byteCount - 1 })
    expect(short.connack.code).toBe(0x90)
    expect(short.connack.properties).toEqual({})
  })
})

describe.each(EACH_VERSION)('CONNACK in MQTT %s', (_name, version) => {
  it('C-12 [v5:MQTT-3.2.2-1] [U311-3.2.2.1-1] has the form of its version', async () => {
    const { client } = await startBroker({ limits: STANDARD })
    const { received } = await client({ version })
    expect(received.toString('hex')).toBe(version === ProtocolVersion.V5 ? '2003000000' : '20020000')
  })
})
