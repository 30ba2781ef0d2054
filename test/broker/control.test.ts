import { describe, expect, it } from 'vitest'
import { parseAclFile } from '../../src/access/acl-file.ts'
import { ConfiguredAccess } from '../../src/access/configured-access.ts'
import type { BrokerOptions } from '../../src/broker/configuration.ts'
import { SCANNED_PER_TURN } from '../../src/broker/control-page.ts'
import { Message } from '../../src/codec/message.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import type { ConnectFields } from '../../src/codec/packets/connect.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import type { RawClient } from '../support/raw-client.ts'
import { startBroker, type TestBroker } from '../support/test-broker.ts'
import { keeping } from '../support/versions.ts'

const RESPONSE_TOPIC = '$CONTROL/broker/response/test'

interface Controlled extends TestBroker {
  /** A connected client that has subscribed for answers. */
  controller(fields?: Partial<ConnectFields>): Promise<RawClient>
}

async function startControlled(options: BrokerOptions = {}): Promise<Controlled> {
  const started = await startBroker({ control: true, ...options })
  return {
    ...started,
    async controller(fields) {
      const client = await started.client(fields)
      await client.subscribe(RESPONSE_TOPIC)
      return client
    },
  }
}

let requests = 0

/** Sends a request at QoS 1. @returns code of the PUBACK, and the answer if one came with the right correlation data */
async function ask(
  client: RawClient,
  operation: string,
  request: unknown = {},
): Promise<{ code: number; answer: never }> {
  const correlationData = Buffer.from(`request ${++requests}`)
  const payload = typeof request === 'string' ? request : JSON.stringify(request)
  client.publish(`$CONTROL/broker/${operation}`, payload, {
    qos: 1,
    properties: { responseTopic: RESPONSE_TOPIC, correlationData },
  })
  let code = -1
  let answer: unknown
  for (const packet of await client.untilPong()) {
    if (packet.packetType === PacketType.PUBACK) code = packet.reasonCode
    else if (packet.packetType === PacketType.PUBLISH) {
      expect(packet.message.properties).toMatchObject({ correlationData, contentType: 'application/json' })
      expect(packet.message.topicName).toBe(RESPONSE_TOPIC)
      answer = JSON.parse(packet.message.payload.toString())
    }
  }
  return { code, answer: answer as never }
}

const user = (userName: string) => ({ userName, password: Buffer.from('pw') })

function access(settings: { admins?: readonly string[]; rules?: readonly string[] }): ConfiguredAccess {
  return new ConfiguredAccess({
    users: new Map(['ann', 'bob'].map((name) => [name, 'pw'])),
    sources: [],
    rules: settings.rules === undefined ? null : parseAclFile(settings.rules.join('\n'), 'acl'),
    allowAnonymous: true,
    admins: new Set(settings.admins),
  })
}

describe('the control interface', () => {
  it('tells sizes and counters', async () => {
    const { controller, client, broker, clock } = await startControlled({ version: 'kit 1' })
    const other = await client()
    await other.publishAndWait('a', 'x', { qos: 1, retain: true })
    clock.advance(3000)

    const { code, answer } = await ask(await controller(), 'overview')

    expect(code).toBe(0)
    expect(answer).toMatchObject({
      version: 'kit 1',
      uptimeSeconds: 3,
      clientsConnected: 2,
      clientsTotal: 2,
      subscriptions: 1,
      retainedMessages: 1,
      messagesReceived: 2,
      messagesSent: 0,
      messagesDropped: 0,
      connectionsOpened: 2,
      listeners: broker.listeners,
    })
  })

  it('lists clients with and without a connection, in parts, and finds them', async () => {
    const { controller, client, clock } = await startControlled()
    const sleeper = await client(keeping(ProtocolVersion.V5, 'sleeper'))
    await sleeper.subscribe({ topicFilter: 'a', qos: 1 })
    await sleeper.end()
    await client({
      clientId: 'lamp',
      userName: 'ann',
      version: ProtocolVersion.V3_1_1,
      keepAliveSeconds: 30,
      will: { topicName: 'gone', payload: Buffer.from('x'), qos: 0, retain: false, properties: {} },
    })
    const me = await controller({ clientId: 'me' })
    await me.publishAndWait('a', 'x', { qos: 1 })
    clock.advance(2000)

    expect((await ask(me, 'clients')).answer).toEqual({
      total: 3,
      matched: 3,
      complete: true,
      offset: 0,
      items: [
        {
          clientId: 'sleeper',
          userName: null,
          connected: false,
          expiresInSeconds: 999_998,
          sessionExpiryIntervalSeconds: 1_000_000,
          will: null,
          subscriptions: 1,
          inFlight: 0,
          messages: { in: 1, out: 0, queued: 1, dropped: 0 },
        },
        {
          clientId: 'lamp',
          userName: 'ann',
          connected: true,
          remoteAddress: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
          version: '3.1.1',
          keepAliveSeconds: 30,
          connectedSeconds: 2,
          sessionExpiryIntervalSeconds: 0,
          will: 'gone',
          subscriptions: 0,
          inFlight: 0,
          messages: { in: 0, out: 0, queued: 0, dropped: 0 },
        },
        expect.objectContaining({ clientId: 'me' }),
      ],
    })
    const ids = async (request: object) => {
      const { answer } = await ask(me, 'clients', request)
      const { items, matched } = answer as { items: { clientId: string }[]; matched: number }
      return [matched, ...items.map(({ clientId }) => clientId)]
    }
    expect(await ids({ limit: 1, offset: 1 })).toEqual([3, 'lamp'])
    expect(await ids({ offset: 3 })).toEqual([3])
    expect(await ids({ connected: false })).toEqual([1, 'sleeper'])
    expect(await ids({ connected: true, limit: 1, offset: 1 })).toEqual([2, 'me'])
    expect(await ids({ match: 'ann' })).toEqual([1, 'lamp'])
    expect(await ids({ clientId: 'lamp' })).toEqual([1, 'lamp'])
    expect(await ids({ clientId: 'nobody' })).toEqual([0])
  })

  it('lists subscriptions of all and of one, in parts, and finds them', async () => {
    const { controller, client } = await startControlled()
    const other = await client({ clientId: 'other' })
    await other.subscribe(['b/#', { topicFilter: '$share/g/c', qos: 2 }])
    const me = await controller({ clientId: 'me' })

    const filters = async (request: object) => {
      const { answer } = await ask(me, 'subscriptions', request)
      const { items, total, matched } = answer as {
        items: { clientId: string; topicFilter: string }[]
        total: number
        matched: number
      }
      return [total, matched, ...items.map(({ clientId, topicFilter }) => `${clientId} ${topicFilter}`)]
    }
    expect(await filters({})).toEqual([3, 3, 'other b/#', 'other $share/g/c', `me ${RESPONSE_TOPIC}`])
    expect(await filters({ offset: 1, limit: 1 })).toEqual([3, 3, 'other $share/g/c'])
    expect(await filters({ clientId: 'me' })).toEqual([1, 1, `me ${RESPONSE_TOPIC}`])
    expect(await filters({ match: 'b/' })).toEqual([3, 1, 'other b/#'])
    expect(await filters({ clientId: 'nobody' })).toEqual([0, 0])
    expect((await ask(me, 'subscriptions', { match: '$share' })).answer).toMatchObject({
      items: [
        {
          clientId: 'other',
          connected: true,
          topicFilter: '$share/g/c',
          qos: 2,
          noLocal: false,
          retainAsPublished: false,
          retainHandling: 0,
          subscriptionIdentifier: 0,
        },
      ],
    })
  })

  it('disconnects a client with 0x98 and a reason; its session stays and its will is published', async () => {
    const { controller, client, broker } = await startControlled()
    const me = await controller()
    await me.subscribe('gone')
    const other = await client({
      ...keeping(ProtocolVersion.V5, 'other'),
      will: { topicName: 'gone', payload: Buffer.from('away'), qos: 0, retain: false, properties: {} },
    })
    me.publish('$CONTROL/broker/disconnect', '{"clientId":"other","reason":"too loud"}')

    expect(await other.expect(PacketType.DISCONNECT)).toMatchObject({
      reasonCode: 0x98,
      properties: { reasonString: 'too loud' },
    })
    await other.closed()
    expect(await me.message()).toMatchObject({ topic: 'gone', payload: 'away' })
    expect(broker.gauges).toMatchObject({ clientsConnected: 1, clientsTotal: 2 })
    expect((await ask(me, 'disconnect', { clientId: 'other' })).answer).toEqual({
      error: '"other" is not connected; endSession: true ends its session',
    })
    expect((await ask(me, 'disconnect', { clientId: 'other', endSession: true })).answer).toEqual({
      disconnected: false,
      sessionEnded: true,
    })
    expect((await ask(me, 'disconnect', { clientId: 'other', endSession: true })).answer).toEqual({
      error: 'there is no session "other"',
    })
  })

  it('disconnects a client and ends its session with it', async () => {
    const { controller, client, broker } = await startControlled()
    const me = await controller()
    const other = await client(keeping(ProtocolVersion.V3_1_1, 'other'))
    await other.subscribe('a')

    const { answer } = await ask(me, 'disconnect', { clientId: 'other', endSession: true })

    expect(answer).toEqual({ disconnected: true, sessionEnded: true })
    await other.closesWith(0x98)
    expect(broker.gauges.clientsTotal).toBe(1)
    expect(broker.isSubscribed('a')).toBe(false)
  })

  it('disconnects who asks for it', async () => {
    const { controller } = await startControlled()
    const me = await controller({ clientId: 'me' })

    me.publish('$CONTROL/broker/disconnect', '{"clientId":"me"}', {
      qos: 1,
      properties: { responseTopic: RESPONSE_TOPIC },
    })

    await me.closesWith(0x98)
  })

  it.each([
    ['clients', '[]', 'a request is a JSON object'],
    ['clients', 'null', 'a request is a JSON object'],
    ['clients', '{"offset":-1}', 'offset has to be a whole number from 0 to 9007199254740991'],
    ['clients', '{"limit":501}', 'limit has to be a whole number from 1 to 500'],
    ['clients', '{"match":1}', 'match has to be a string'],
    ['clients', '{"connected":"yes"}', 'connected has to be true or false'],
    ['overview', '{"limit":1}', '"limit" is not known here; there is nothing'],
    ['subscriptions', '{"__proto__":1}', '"__proto__" is not known here; there is match, clientId, offset, limit'],
    ['disconnect', '', 'clientId is missing'],
  ])('says what is wrong with a request for %s: %s', async (operation, request, error) => {
    const { controller } = await startControlled()

    expect(await ask(await controller(), operation, request)).toEqual({ code: 0, answer: { error } })
  })

  it('takes a request without response topic, and one from MQTT 3.1.1, and answers neither', async () => {
    const { client, broker } = await startControlled()
    const old = await client({ version: ProtocolVersion.V3_1_1 })
    await old.subscribe('$CONTROL/#')
    const other = await client({ clientId: 'other' })
    await old.publishAndWait('$CONTROL/broker/disconnect', '{"clientId":"other"}', { qos: 1 })

    await other.closesWith(0x98)
    await old.quiet()
    expect(broker.isConnected('other')).toBe(false)
  })

  it('refuses operations that there are not with 0x90, and keeps and routes no request', async () => {
    const { controller, client, broker } = await startControlled()
    const watcher = await client()
    await watcher.subscribe(['$CONTROL/#', '#'])
    const me = await controller()

    for (const operation of ['', 'client', 'toString', 'response/test', 'clients/']) {
      expect(await ask(me, operation)).toEqual({ code: 0x90, answer: undefined })
    }
    await me.publishAndWait('$CONTROL/broker/clients', '{}', { qos: 2, retain: true })
    expect(broker.gauges.retainedMessages).toBe(0)
    await watcher.quiet()
  })

  it('answers nobody but who asked, and only when it has subscribed', async () => {
    const { controller, client } = await startControlled()
    const thief = await client()
    await thief.subscribe([RESPONSE_TOPIC, '#', 'answers'])
    const me = await controller()

    expect((await ask(me, 'overview')).code).toBe(0)
    const properties = { responseTopic: 'answers', correlationData: Buffer.from('x') }
    const { reasonCode } = (await me.publishAndWait('$CONTROL/broker/overview', '', { qos: 1, properties }))!

    expect(reasonCode).toBe(0x10)
    await thief.quiet()
    await me.quiet()
  })

  it('searches long lists while others go on, and answers nobody who is gone meanwhile', async () => {
    const { controller, client } = await startControlled()
    const filters = Array.from({ length: SCANNED_PER_TURN + 10 }, (_, index) => `f/${index}`)
    await (await client()).subscribe(filters)
    const me = await controller(keeping(ProtocolVersion.V5, 'me'))
    const search = (correlationData: Buffer) =>
      me.publish('$CONTROL/broker/subscriptions', `{"match":"f/${SCANNED_PER_TURN + 9}"}`, {
        properties: { responseTopic: RESPONSE_TOPIC, correlationData },
      })
    search(Buffer.from('one'))
    const { payload, properties } = await me.message()
    expect(JSON.parse(payload)).toMatchObject({ total: SCANNED_PER_TURN + 11, matched: 1, complete: true })
    expect(String(properties.correlationData)).toBe('one')

    search(Buffer.from('two'))
    me.disconnect()
    await me.closed()
    const again = await client(keeping(ProtocolVersion.V5, 'me'))
    await again.quiet()
  })

  it('refuses a Response Topic that is none, whatever is subscribed to', async () => {
    const { controller } = await startControlled()
    const me = await controller()
    await me.subscribe('#')

    const properties = { responseTopic: '' }
    const { reasonCode } = (await me.publishAndWait('$CONTROL/broker/overview', '', { qos: 1, properties }))!

    expect(reasonCode).toBe(0x90)
    await me.quiet()
  })

  it('tells the log who has disconnected whom', async () => {
    const { controller, client, logged } = await startControlled()
    await client({ clientId: 'x\ny' })
    await ask(await controller({ clientId: 'me' }), 'disconnect', { clientId: 'x\ny' })

    expect(await logged('control', 'me')).toMatchObject({ detail: 'disconnects "x\\ny"' })
    expect(await logged('disconnect', 'x\ny')).toMatchObject({ detail: 'disconnected by "me"' })
  })

  it('bounds the rate of requests, of all clients together', async () => {
    const { controller, broker, clock } = await startControlled({ limits: { maximumControlRate: 2 } })
    const me = await controller()
    const other = await controller()

    const codes = [await ask(me, 'overview'), await ask(other, 'overview'), await ask(me, 'overview')]

    expect(codes.map(({ code }) => code)).toEqual([0, 0, 0x97])
    expect(Object.fromEntries(broker.limitCounts())).toMatchObject({ maximumControlRate: 1 })
    clock.advance(500)
    expect((await ask(me, 'overview')).code).toBe(0)
  })

  it('is not there unless asked for: its topics are like any', async () => {
    const { client } = await startBroker()
    const other = await client()
    await other.subscribe('$CONTROL/broker/#')

    await (await client()).publishAndWait('$CONTROL/broker/overview', 'x', { qos: 1 })

    expect(await other.message()).toMatchObject({ topic: '$CONTROL/broker/overview' })
  })

  it('keeps the books when the session that asks is slow to take answers', async () => {
    const { controller, broker } = await startControlled()
    const me = await controller({ properties: { receiveMaximum: 1 } })
    await me.subscribe({ topicFilter: RESPONSE_TOPIC, qos: 1 })
    for (let request = 0; request < 3; request++) await ask(me, 'overview')

    expect(broker.deliveryCounts).toEqual({ in: 3, out: 1, queued: 2, dropped: 0 })
  })
})

describe('who may control the broker', () => {
  const codeFor = async (options: BrokerOptions, fields: Partial<ConnectFields>, operation = 'overview') => {
    const { controller } = await startControlled(options)
    const { code, answer } = await ask(await controller(fields), operation)
    return [code, answer !== undefined]
  }

  it('is who connects from this machine, when nobody is named and there are no rules', async () => {
    expect(await codeFor({}, {})).toEqual([0, true])
    expect(await codeFor({ access: access({}) }, user('ann'))).toEqual([0, true])
  })

  it('is a named administrator and nobody else, also where rules say nothing', async () => {
    const options = { access: access({ admins: ['ann'] }) }
    expect(await codeFor(options, user('ann'))).toEqual([0, true])
    expect(await codeFor(options, user('bob'))).toEqual([0x87, false])
    expect(await codeFor(options, {})).toEqual([0x87, false])
    expect(await codeFor({ access: access({ admins: ['ann'], rules: ['topic a'] }) }, user('ann'))).toEqual([0, true])
  })

  it('is whom an ACL file allows to write the topic of the operation; # is not enough', async () => {
    const rules = [
      'topic readwrite #',
      'user bob',
      'topic write $CONTROL/broker/clients',
      'topic read $CONTROL/broker/response/#',
    ]
    const options = { access: access({ rules }) }
    expect(await codeFor(options, user('bob'), 'clients')).toEqual([0, true])
    expect(await codeFor(options, user('bob'), 'overview')).toEqual([0x87, false])
    expect(await codeFor(options, user('ann'), 'clients')).toEqual([0x87, false])
    expect(await codeFor(options, {}, 'clients')).toEqual([0x87, false])
  })

  it('is judged anew when the configuration changes', async () => {
    const changing = access({ admins: ['ann'] })
    const { controller } = await startControlled({ access: changing })
    const ann = await controller(user('ann'))
    expect((await ask(ann, 'overview')).code).toBe(0)

    changing.replace({ users: new Map(), sources: [], rules: null, allowAnonymous: true, admins: new Set(['bob']) })

    expect((await ask(ann, 'overview')).code).toBe(0x87)
  })

  it('is nobody from another address, as a PROXY header tells it', async () => {
    const { client } = await startControlled({ proxies: ['127.0.0.1'] }).then(async (started) => ({
      client: async (address: string) => {
        const raw = await started.open()
        raw.sendBytes(Buffer.from(`PROXY TCP4 ${address} 192.0.2.1 5000 1883\r\n`))
        await raw.connect()
        await raw.subscribe(RESPONSE_TOPIC)
        return raw
      },
    }))

    expect((await ask(await client('127.0.0.1'), 'overview')).code).toBe(0)
    expect((await ask(await client('192.0.2.7'), 'overview')).code).toBe(0x87)
  })

  it('is no will', async () => {
    const { open, broker } = await startControlled()
    const raw = await open()
    const { payload } = Message.create('x', '{"clientId":"a"}')
    const { code } = await raw.connect({
      will: { topicName: '$CONTROL/broker/disconnect', payload, qos: 1, retain: false, properties: {} },
    })

    expect(code).toBe(0x87)
    expect(broker.gauges.clientsTotal).toBe(0)
  })
})
