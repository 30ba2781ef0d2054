import { describe, expect, it } from 'vitest'
import type { Authentication, Credentials } from '../../../src/broker/access.ts'
import { encodePacket } from '../../../src/codec/encoder.ts'
import { Message } from '../../../src/codec/message.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import type { ConnectFields } from '../../../src/codec/packets/connect.ts'
import { PINGREQ } from '../../../src/codec/packets/ping.ts'
import { Publish } from '../../../src/codec/packets/publish.ts'
import { Subscribe } from '../../../src/codec/packets/subscribe.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { connectPacket, type RawClient } from '../../support/raw-client.ts'
import { SlowAuthentication, testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'
import { willOf } from '../../support/will.ts'

const { V5 } = ProtocolVersion

/** Ann and Bob may come in by the password `secret`. */
function authenticate({ userName, password }: Credentials): Authentication | Promise<Authentication> {
  if (userName === 'broken') return Promise.reject(new Error('the user data base is down'))
  if (userName === null) return { refused: ReasonCode.NOT_AUTHORIZED }
  if (userName === 'eve') return { refused: ReasonCode.BANNED }
  const isRight = ['ann', 'bob'].includes(userName) && password?.toString() === 'secret'
  return isRight ? { identity: userName } : { refused: ReasonCode.BAD_USER_NAME_OR_PASSWORD }
}

const access = testAccess({ authenticate, mayPublish: (_identity, _clientId, topicName) => topicName !== 'forbidden' })
const ann = { userName: 'ann', password: Buffer.from('secret') }
const bob = { userName: 'bob', password: Buffer.from('secret') }

/** What is wrong, its Reason Code, and the return code of older versions; null where they have none and are just closed. */
const refusals: readonly [
  what: string,
  fields: Partial<ConnectFields>,
  reasonCode: number,
  returnCode: number | null,
][] = [
  ['C-09 a wrong password', { ...ann, password: Buffer.from('Secret') }, 0x86, 4],
  ['C-09 an empty password', { ...ann, password: Buffer.alloc(0) }, 0x86, 4],
  ['C-09 an unknown user name', { ...ann, userName: 'zoe' }, 0x86, 4],
  ['C-09 no user name where one is needed', {}, 0x87, 5],
  ['C-09 a banned user', { ...ann, userName: 'eve' }, 0x8a, 5],
  ['C-09 an authentication that fails itself', { ...ann, userName: 'broken' }, 0x88, 3],
  ['C-09 S-16 the id of a session of another user', bob, 0x87, 5],
  ['C-09 W-08 a will on a topic that is not allowed', { ...ann, will: willOf('forbidden', 'x') }, 0x87, 5],
  ['C-09 W-08 a will on a topic of the Server', { ...ann, will: willOf('$SYS/broker/x', 'x') }, 0x87, 5],
  ['C-09 C-14 a will on a Shared Subscription', { ...ann, will: willOf('$share/g/a', 'x') }, 0x90, null],
  ['C-09 C-14 a will with a wildcard', { ...ann, will: willOf('a/#', 'x') }, 0x90, null],
  [
    'C-09 C-13 [v5:MQTT-3.2.2-12] a will above the Maximum QoS',
    { ...ann, will: willOf('a', 'x', { qos: 2 }) },
    0x9b,
    null,
  ],
  [
    'C-09 C-13 [v5:MQTT-3.2.2-13] a retained will without retained messages',
    { ...ann, will: willOf('a', 'x', { retain: true }) },
    0x9a,
    null,
  ],
]

const SUBSCRIBE_ALL = { topicFilter: '#', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const

/** CONNECT with packets right behind it, in one segment. */
function withFollowers(fields: Partial<ConnectFields>, version: ProtocolVersion): Buffer {
  const followers = [
    new Subscribe(1, [SUBSCRIBE_ALL]),
    new Publish(Message.create('sent/behind', 'CONNECT'), 0, false, 0),
    PINGREQ,
  ]
  return Buffer.concat([connectPacket({ version, ...fields }), ...followers].map((one) => encodePacket(one, version)))
}

describe.each(EACH_VERSION)('a refused CONNECT in MQTT %s', (_name, version) => {
  const limits = { maximumQos: 1 }

  it.each(refusals)(
    '%s is told by its code, followed by close, and nothing else changes',
    async (_what, fields, reasonCode, returnCode) => {
      const { client, open } = await startBroker({ access, limits, retainAvailable: false })
      const observer = await client(ann)
      await observer.subscribe('#')
      const living = await client({ ...keeping(version, 'c'), ...ann, will: willOf('gone', 'of the living') })
      await living.subscribe({ topicFilter: 'news', qos: 1 })

      const refused = await open(version)
      refused.sendBytes(
        withFollowers({ clientId: 'c', cleanStart: true, will: willOf('gone', 'of the refused'), ...fields }, version),
      )
      await refused.closed()
      const code = version === V5 ? reasonCode : returnCode
      expect(refused.waiting).toMatchObject(
        code === null ? [] : [{ packetType: PacketType.CONNACK, code, sessionPresent: false }],
      )

      await observer.quiet()
      await living.quiet()
      observer.publish('news', 'to the living')
      expect(await living.message()).toMatchObject({ payload: 'to the living' })
      await observer.message()
      living.cut()
      expect(await observer.message()).toMatchObject({ topic: 'gone', payload: 'of the living' })
      const resumed = await client({ ...keeping(version, 'c'), ...ann })
      expect(resumed.connack.sessionPresent).toBe(version !== ProtocolVersion.V3_1)
      await observer.quiet()
    },
  )

  it('C-11 B-19 [v5:MQTT-3.1.4-2] [v5:MQTT-3.1.4-6] [v5:MQTT-3.2.2-6] [v5:MQTT-3.2.2-7] [v5:MQTT-3.2.2-8] [v5:MQTT-4.13.2-1] [v311:MQTT-3.1.4-5] [v311:MQTT-3.2.2-4] [v311:MQTT-3.2.2-5] [U311-3.2.2.3-1] throws away unprocessed what comes behind it, though a session was there', async () => {
    const { client, open } = await startBroker({ access })
    const observer = await client(ann)
    await observer.subscribe('#')
    const stored = await client({ ...keeping(version, 'c'), ...ann })
    await stored.end()
    const refused = await open(version)
    refused.sendBytes(withFollowers({ ...keeping(version, 'c'), ...ann, password: Buffer.from('wrong') }, version))
    await refused.closed()
    expect(refused.waiting).toMatchObject([
      { packetType: PacketType.CONNACK, code: version === V5 ? 0x86 : 4, sessionPresent: false },
    ])
    expect(refused.received[2]).toBe(0)
    await observer.quiet()
  })

  it('C-11 [v311:MQTT-3.2.2-6] is just closed before 5.0 when no return code fits', async () => {
    const { open } = await startBroker({ limits })
    const refused = await open(version)
    refused.send(connectPacket({ version, will: willOf('a', 'x', { qos: 2 }) }))
    await refused.closed()
    expect(refused.received.length > 0).toBe(version === V5)
  })

  it('C-09 judges format, then limits, then authentication, then authorisation', async () => {
    let asked = 0
    const counting = testAccess({
      ...access,
      authenticate: (credentials) => {
        asked++
        return authenticate(credentials)
      },
    })
    const { open } = await startBroker({ access: counting, limits: { maximumQos: 1, maximumClientIdBytes: 23 } })
    const refuse = async (fields: Partial<ConnectFields>) => {
      const refused = await open(version)
      refused.send(connectPacket({ version, clientId: 'c', ...fields }))
      await refused.closed()
      return refused.waiting[0]
    }
    const nobody = { userName: 'zoe', password: Buffer.from('') }
    const malformed = await refuse({ ...nobody, clientId: 'x'.repeat(24), will: willOf('a/#', 'x', { qos: 2 }) })
    const tooLong = await refuse({ ...nobody, clientId: 'x'.repeat(24) })
    const aboveQos = await refuse({ ...nobody, will: willOf('forbidden', 'x', { qos: 2 }) })
    expect(asked).toBe(0)
    const unknown = await refuse({ ...nobody, will: willOf('forbidden', 'x') })
    expect(asked).toBe(1)
    const answers =
      version === V5
        ? [{ code: 0x90 }, { code: 0x85 }, { code: 0x9b }, { code: 0x86 }]
        : [undefined, { code: 2 }, undefined, { code: 4 }]
    expect([malformed, tooLong, aboveQos, unknown]).toMatchObject(answers)
  })

  it('C-09 a server that is full refuses by 0x89 or 0x03, and lets in who takes over its own id', async () => {
    const { client, open } = await startBroker({ limits: { maximumConnections: 1 } })
    const first = await client({ version, clientId: 'c' })
    const refused = await open(version)
    expect(await refused.connect({ clientId: 'd' })).toMatchObject({
      code: version === V5 ? 0x89 : 3,
      sessionPresent: false,
    })
    await refused.closed()
    await first.quiet()
    const second = await client({ version, clientId: 'c' })
    await second.quiet()
  })
})

describe.each(EACH_VERSION)('a CONNECT that is judged slowly, in MQTT %s', (_name, version) => {
  async function startSlowly() {
    const slow = new SlowAuthentication()
    const broker = await startBroker({
      access: testAccess({
        authenticate: (credentials) =>
          credentials.userName === 'slow' ? slow.authenticate(credentials) : { identity: null },
        mayPublish: (_identity, _clientId, topicName) => topicName !== 'bulk',
      }),
    })
    const observer = await broker.client()
    await observer.subscribe('#')
    const witness = await broker.client()
    const client = await broker.open(version)
    return { ...broker, slow, observer, witness, client }
  }
  const fields = { userName: 'slow', password: Buffer.from('') }

  async function expectOrder(client: RawClient): Promise<void> {
    await client.expect(PacketType.CONNACK)
    await client.expect(PacketType.SUBACK)
    expect(await client.message()).toMatchObject({ topic: 'sent/behind', payload: 'CONNECT' })
    await client.expect(PacketType.PINGRESP)
    await client.quiet()
  }

  it('B-19 C-10 processes what came behind CONNECT in order, once it is accepted', async () => {
    const { slow, observer, client } = await startSlowly()
    client.sendBytes(withFollowers(fields, version))
    const answer = await slow.asked()
    await observer.quiet()
    expect(client.received.length).toBe(0)
    await answer({ identity: 'slow' })
    await expectOrder(client)
    expect(await observer.message()).toMatchObject({ topic: 'sent/behind' })
  })

  it('B-19 processes what came behind CONNECT in order when it is accepted at once, byte by byte too', async () => {
    const { witness, client, open } = await startSlowly()
    client.sendBytes(withFollowers({}, version))
    await expectOrder(client)
    const slicer = await open(version)
    for (const byte of withFollowers({}, version)) {
      slicer.sendBytes(Buffer.of(byte))
      // a round trip of somebody else: the byte travels alone
      await witness.quiet()
    }
    await expectOrder(slicer)
  })

  it('B-19 [v5:MQTT-3.1.4-6] [v311:MQTT-3.1.4-5] throws away what came behind CONNECT, once it is refused', async () => {
    const { slow, observer, client } = await startSlowly()
    client.sendBytes(withFollowers({ ...fields, will: willOf('gone', 'x') }, version))
    const answer = await slow.asked()
    await answer({ refused: ReasonCode.NOT_AUTHORIZED })
    expect(await client.expect(PacketType.CONNACK)).toMatchObject({ code: version === V5 ? 0x87 : 5 })
    await client.closed()
    expect(client.waiting).toEqual([])
    await observer.quiet()
  })

  it.each(['end', 'cut'] as const)(
    'C-10 makes no session and publishes no will when the client closes meanwhile: %s',
    async (how) => {
      const { slow, observer, client, broker, logged } = await startSlowly()
      const connect = { ...keeping(version, 'c'), ...fields, will: willOf('gone', 'x') }
      client.sendBytes(withFollowers(connect, version))
      const answer = await slow.asked()
      // what comes now lies before the end of the stream
      client.publish('sent/later', 'x')
      await client[how]()
      await logged('closed', 'c')
      await answer({ identity: 'slow' })
      await observer.quiet()
      expect(broker.gauges.clientsTotal).toBe(2)
    },
  )

  it('C-10 keeps only so many bytes of a client whose CONNECT is being judged', async () => {
    const { slow, observer, client, broker } = await startSlowly()
    client.send(connectPacket({ version, ...fields }))
    const answer = await slow.asked()
    const before = broker.metrics.bytesReceived
    for (let i = 0; i < 32; i++) client.publish('bulk', Buffer.alloc(1_048_576))
    // each round trip is a turn of the event loop in which the broker could read on
    for (let i = 0; i < 100; i++) await observer.quiet()
    expect(client.socket.writableLength).toBeGreaterThan(0)
    expect(broker.metrics.bytesReceived - before).toBeLessThan(262_144)
    await answer({ identity: 'slow' })
    await client.expect(PacketType.CONNACK)
    await client.quiet()
    expect(broker.metrics.messagesReceived[0]).toBe(32)
  })

  it('C-10 C-15 counts the judging in the time limit of CONNECT', async () => {
    const { slow, observer, client, broker, clock } = await startSlowly()
    client.send(connectPacket({ ...keeping(version, 'c'), ...fields, will: willOf('gone', 'x') }))
    const answer = await slow.asked()
    clock.advance(10_000)
    await client.closed()
    expect(client.received.length).toBe(0)
    await answer({ identity: 'slow' })
    await observer.quiet()
    expect(broker.gauges.clientsTotal).toBe(2)
  })

  it('C-10 answers by 0x88 or 0x03 when the server stops meanwhile', async () => {
    const { slow, client, broker } = await startSlowly()
    client.send(connectPacket({ version, ...fields }))
    await slow.asked()
    const stopped = broker.stop()
    expect(await client.expect(PacketType.CONNACK)).toMatchObject({
      code: version === V5 ? 0x88 : 3,
      sessionPresent: false,
    })
    await client.closed()
    client.socket.destroy()
    await stopped
  })
})
