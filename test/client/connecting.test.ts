import { afterEach, describe, expect, it, vi } from 'vitest'
import { Client, type ClientOptions } from '../../src/client/client.ts'
import { ClientErrorKind } from '../../src/client/client-error.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { Auth } from '../../src/codec/packets/auth.ts'
import { Connack } from '../../src/codec/packets/connack.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { ProtocolViolation } from '../../src/codec/violation.ts'
import { TransportError } from '../../src/transport/transport-error.ts'
import { ScriptedBroker } from '../support/scripted-broker.ts'
import { TestClient } from '../support/test-client.ts'

const { V3_1, V3_1_1, V5 } = ProtocolVersion
const { CANNOT_CONNECT, CONNECT_REFUSED, NO_CONNACK, NOT_MQTT, PROTOCOL, CLOSED } = ClientErrorKind
const NOWHERE = { scheme: 'mqtt', host: '127.0.0.1', port: 1, path: '' } as const

afterEach(() => {
  vi.useRealTimers()
})

/** Stops the clock of timers; sockets go on. */
function stopClock(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
}

describe('CONNECT', () => {
  it('says what the options say', async () => {
    const broker = await ScriptedBroker.start()
    const will = { topicName: 'w', payload: Buffer.from('gone'), qos: 1, retain: true, properties: {} } as const
    const { client } = new TestClient(broker.address, {
      clientId: 'me',
      cleanStart: false,
      keepAliveSeconds: 7,
      userName: 'name',
      password: Buffer.from('secret'),
      will,
      connectProperties: { receiveMaximum: 5 },
    })
    const [peer] = await Promise.all([broker.accept(), client.connect()])

    expect(peer.connect).toMatchObject({
      version: V5,
      clientId: 'me',
      cleanStart: false,
      keepAliveSeconds: 7,
      userName: 'name',
      password: Buffer.from('secret'),
      will,
      properties: { receiveMaximum: 5 },
    })
  })

  it.each([V3_1, V3_1_1])('leaves out what level %i does not have', async (version) => {
    const broker = await ScriptedBroker.start()
    const will = {
      topicName: 'w',
      payload: Buffer.from('x'),
      qos: 0,
      retain: false,
      properties: { contentType: 'text' },
    } as const
    const { client } = new TestClient(broker.address, { version, will, connectProperties: { receiveMaximum: 5 } })
    const [peer] = await Promise.all([broker.accept(), client.connect()])

    expect(peer.connect).toMatchObject({ version, properties: {}, will: { topicName: 'w', properties: {} } })
  })

  it.each<[string, Partial<ClientOptions>, string]>([
    ['a property of another packet', { connectProperties: { topicAlias: 1 } }, 'PROPERTY_NOT_ALLOWED'],
    [
      '[v311:MQTT-3.1.2-22] a password without user name',
      { version: V3_1_1, password: Buffer.from('x') },
      'PASSWORD_WITHOUT_USER_NAME',
    ],
    [
      'a wildcard in the will topic',
      { will: { topicName: 'a/#', payload: Buffer.alloc(0), qos: 0, retain: false, properties: {} } },
      'TOPIC_NAME_HAS_WILDCARD',
    ],
    ['a client id with U+0000', { clientId: 'a\0' }, 'STRING_HAS_NUL'],
  ])('is never sent with %s', (_, options, violation) => {
    expect(() => new Client({ address: NOWHERE, ...options })).toThrow(
      expect.objectContaining({ violation, ours: true }),
    )
  })

  it.each<[string, Partial<ClientOptions>]>([
    ['[v311:MQTT-3.1.3-7] an empty client id and a session', { version: V3_1_1, clientId: '', cleanStart: false }],
    ['an empty client id in MQTT 3.1', { version: V3_1, clientId: '' }],
    ['a keep alive of 65,536 s', { keepAliveSeconds: 65_536 }],
    ['no message in flight', { maximumInFlight: 0 }],
    ['half a millisecond to connect', { connectTimeoutMs: 0.5 }],
  ])('is never tried with %s', (_, options) => {
    expect(() => new Client({ address: NOWHERE, ...options })).toThrow(RangeError)
  })
})

describe('the first connection', () => {
  it('tells CONNACK, and the Client Identifier that the Server made', async () => {
    const broker = await ScriptedBroker.start()
    const { client, heard } = new TestClient(broker.address, { clientId: '' })
    const [, connack] = await Promise.all([broker.accept({ assignedClientIdentifier: 'made' }), client.connect()])

    expect(connack.properties.assignedClientIdentifier).toBe('made')
    expect([client.clientId, heard]).toEqual(['made', ['connected 0']])
  })

  it('is made once', async () => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address)
    await Promise.all([broker.accept(), client.connect()])

    await expect(client.connect()).rejects.toThrow('a Client connects once')
  })

  it('fails with what the system says', async () => {
    const broker = await ScriptedBroker.start()
    await broker.stop()
    const { client, closed, heard } = new TestClient(broker.address)
    const error = await client.connect().catch((reason: unknown) => reason)

    expect(error).toMatchObject({ kind: CANNOT_CONNECT, cause: { code: 'ECONNREFUSED' } })
    expect((error as Error).cause).toBeInstanceOf(TransportError)
    expect(await closed).toBe(error)
    expect(heard).toEqual(['closed CANNOT_CONNECT'])
  })

  it.each([
    [
      V5,
      0x87,
      { reasonString: 'no \u001b[31m' },
      { reasonCode: 0x87, returnCode: null, reasonString: 'no \u001b[31m' },
      '0x87 Not authorized ("no \\u001b[31m")',
    ],
    [V5, 0x9d, { serverReference: 'elsewhere' }, { reasonCode: 0x9d }, '0x9D Server moved, it names "elsewhere"'],
    [V3_1_1, 5, {}, { reasonCode: 0x87, returnCode: 5, reasonString: null }, 'return code 5 Not authorized'],
    [V3_1, 2, {}, { reasonCode: 0x85, returnCode: 2 }, 'return code 2 Identifier rejected'],
  ] as const)('fails when a Server of level %i refuses with %i', async (version, code, properties, details, said) => {
    const broker = await ScriptedBroker.start()
    const { client, closed } = new TestClient(broker.address, { version, reconnect: null })
    const outcome = client.connect().catch((reason: unknown) => reason)
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    peer.send(new Connack(false, code, properties))

    expect(await peer.rest()).toEqual([])
    expect(await outcome).toMatchObject({ kind: CONNECT_REFUSED, ...details })
    expect((await closed)?.message).toBe(`the server refuses the connection: ${said}`)
  })

  it('ends the client whatever the policy for later ones', async () => {
    const broker = await ScriptedBroker.start()
    await broker.stop()
    const reconnect = { minimumDelayMs: 1, maximumDelayMs: 1, jitter: 0, maximumAttempts: 5 }
    const { client, heard } = new TestClient(broker.address, { reconnect })

    await expect(client.connect()).rejects.toMatchObject({ kind: CANNOT_CONNECT })
    expect(heard).toEqual(['closed CANNOT_CONNECT'])
  })

  it('[v5:U5-3.2.0-1] [v311:U311-3.2.0-1] is given up when no CONNACK comes in time', async () => {
    stopClock()
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address, { connectTimeoutMs: 5_000 })
    const outcome = client.connect().catch((reason: unknown) => reason)
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    vi.advanceTimersByTime(4_999)
    vi.advanceTimersByTime(1)

    expect(await outcome).toMatchObject({ kind: NO_CONNACK, message: expect.stringMatching(/no CONNACK in time$/) })
    expect(await peer.rest()).toEqual([])
  })

  it.each([
    ['closes', (peer: { end(): void }) => peer.end(), null],
    ['resets', (peer: { reset(): void }) => peer.reset(), 'ECONNRESET'],
  ] as const)('fails when the Server %s it before CONNACK', async (_, act, code) => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address)
    const outcome = client.connect().catch((reason: unknown) => reason)
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    act(peer)

    const error = await outcome
    expect(error).toMatchObject({ kind: NO_CONNACK, message: expect.stringMatching(/before CONNACK$/) })
    expect(((error as Error).cause as TransportError | undefined)?.code ?? null).toBe(code)
  })

  it.each([
    ['disconnect', 'DISCONNECT'],
    ['destroy', null],
  ] as const)('is given up by %s() before CONNACK', async (method, last) => {
    const broker = await ScriptedBroker.start()
    const { client, closed, heard } = new TestClient(broker.address)
    const outcome = client.connect().catch((reason: unknown) => reason)
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    void client[method]()

    expect(await peer.rest()).toEqual(last === null ? [] : [last])
    expect(await outcome).toMatchObject({ kind: CLOSED })
    expect([await closed, heard]).toEqual([null, ['closed']])
  })

  it('sends no DISCONNECT before CONNACK in MQTT 3.1', async () => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address, { version: V3_1 })
    client.connect().catch(() => {})
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    void client.disconnect()

    expect(await peer.rest()).toEqual([])
  })

  it.each(['disconnect', 'destroy'] as const)('is given up by %s() while it is dialled', async (method) => {
    const broker = await ScriptedBroker.start()
    const { client, closed } = new TestClient(broker.address)
    const outcome = client.connect().catch((reason: unknown) => reason)
    void client[method]()

    expect(await outcome).toMatchObject({ kind: CLOSED })
    expect(await closed).toBeNull()
  })

  it('never comes when the client was ended before', async () => {
    const broker = await ScriptedBroker.start()
    const { client, heard } = new TestClient(broker.address)
    await client.disconnect()
    await client.disconnect()
    client.destroy()

    await expect(client.connect()).rejects.toThrow('a Client connects once')
    expect([heard, broker.connectionCount]).toEqual([['closed'], 0])
  })

  it('fails when the Server wants a step of enhanced authentication', async () => {
    const broker = await ScriptedBroker.start()
    const properties = { authenticationMethod: 'SCRAM-SHA-256' }
    const { client } = new TestClient(broker.address, { connectProperties: properties })
    const outcome = client.connect().catch((reason: unknown) => reason)
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    peer.send(new Auth(0x18, properties))

    await peer.rest()
    expect(await outcome).toMatchObject({ kind: CONNECT_REFUSED, reasonCode: 0x8c })
  })
})

describe('a Server that does not know the version', () => {
  const answers: [string, string][] = [
    ['with Reason Code 0x84', '20 03 00 84 00'],
    ['with Reason Code 0x84 and a reason', '20 07 00 84 04 1f 00 01 78'],
    ['as 3.1.1 does', '20 02 00 01'],
  ]

  it.each(answers)('is asked once more at 3.1.1 when it says so %s', async (_, bytes) => {
    const broker = await ScriptedBroker.start()
    const { client, heard } = new TestClient(broker.address, {
      fallbackToV311: true,
      connectProperties: { sessionExpiryIntervalSeconds: 60 },
    })
    const outcome = client.connect()
    const first = await broker.connection()
    expect((await first.expect(PacketType.CONNECT)).version).toBe(V5)
    first.sendBytes(bytes)
    first.end()
    const second = await broker.accept()
    await outcome

    expect(second.connect).toMatchObject({ version: V3_1_1, properties: {}, clientId: 'id' })
    expect([client.version, heard]).toEqual([V3_1_1, ['fallback', 'connected 0']])
  })

  it.each(answers)('ends the client that may not fall back, %s', async (_, bytes) => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address)
    const outcome = client.connect().catch((reason: unknown) => reason)
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    peer.sendBytes(bytes)
    peer.end()

    const isOld = bytes === '20 02 00 01'
    expect(await outcome).toMatchObject({ kind: CONNECT_REFUSED, reasonCode: 0x84, returnCode: isOld ? 1 : null })
  })

  it('ends the client when it refuses 3.1.1 too', async () => {
    const broker = await ScriptedBroker.start()
    const { client, heard } = new TestClient(broker.address, { fallbackToV311: true })
    const outcome = client.connect().catch((reason: unknown) => reason)
    for (let i = 0; i < 2; i++) {
      const peer = await broker.connection()
      await peer.expect(PacketType.CONNECT)
      peer.sendBytes('20 02 00 01')
      peer.end()
    }

    expect(await outcome).toMatchObject({ kind: CONNECT_REFUSED, returnCode: 1 })
    expect([heard, broker.connectionCount]).toEqual([['fallback', 'closed CONNECT_REFUSED'], 2])
  })

  it('ends the client when the second attempt fails in another way', async () => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address, { fallbackToV311: true })
    const outcome = client.connect().catch((reason: unknown) => reason)
    const first = await broker.connection()
    await first.expect(PacketType.CONNECT)
    first.sendBytes('20 02 00 01')
    const second = await broker.connection()
    await second.expect(PacketType.CONNECT)
    second.end()

    expect(await outcome).toMatchObject({ kind: NO_CONNACK })
    expect(broker.connectionCount).toBe(2)
  })

  it.each<[string, Partial<ClientOptions>]>([
    ['a password without user name', { password: Buffer.from('x') }],
    ['an empty client id and a session', { clientId: '', cleanStart: false }],
  ])('is not asked for what 3.1.1 cannot say: %s', async (_, options) => {
    const broker = await ScriptedBroker.start()
    const { client, heard } = new TestClient(broker.address, { fallbackToV311: true, ...options })
    const outcome = client.connect().catch((reason: unknown) => reason)
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    peer.sendBytes('20 02 00 01')
    peer.end()

    expect(await outcome).toMatchObject({ kind: CONNECT_REFUSED })
    expect(heard).toEqual(['closed CONNECT_REFUSED'])
  })
})

describe('what answers', () => {
  const outcomeOf = async (bytes: Buffer, pieces: boolean, end = false): Promise<unknown> => {
    const broker = await ScriptedBroker.start()
    const { client } = new TestClient(broker.address)
    const outcome = client.connect().catch((reason: unknown) => reason)
    const peer = await broker.connection()
    await peer.expect(PacketType.CONNECT)
    for (const piece of pieces ? [...bytes].map((byte) => Buffer.from([byte])) : [bytes]) {
      peer.sendBytes(piece)
      await new Promise((resolve) => setImmediate(resolve))
    }
    if (end) peer.end()
    await peer.rest()
    return outcome
  }

  it.each([
    ['HTTP/1.1 400 Bad Request\r\n\r\n', /does not speak MQTT: it answers with HTTP; .*ws:\/\//],
    ['\x15\x03\x03\x00\x02\x02\x32', /a TLS alert; .*mqtts:\/\//],
    ['220 mail.example ESMTP\r\n', /SMTP or FTP$/],
    ['hello there', /the bytes 68 65 6c 6c 6f 20 74 68 \.\.\.$/],
  ])('is named when it is no MQTT: %j', async (text, message) => {
    for (const pieces of [false, true]) {
      const error = await outcomeOf(Buffer.from(text, 'latin1'), pieces)
      expect(error).toMatchObject({ kind: NOT_MQTT })
      // one byte may be all that a strict decoder waits for
      if (!pieces || !text.startsWith('hello')) expect((error as Error).message).toMatch(message)
    }
  })

  it('is not called MQTT when it closes after a first byte that may be anything', async () => {
    expect(await outcomeOf(Buffer.from('H'), false, true)).toMatchObject({
      kind: NOT_MQTT,
      message: expect.stringMatching(/the bytes 48$/),
    })
  })

  it.each([
    ['another packet first', 'd0 00', 'FIRST_PACKET_NOT_CONNACK'],
    ['[v5:MQTT-3.2.2-1] reserved flags in CONNACK', '20 03 02 00 00', 'CONNACK_FLAGS_RESERVED'],
    ['[v5:MQTT-3.2.2-8] an unknown code in CONNACK', '20 03 00 42 00', 'CONNACK_CODE_INVALID'],
    ['[v5:MQTT-3.2.2-6] Session Present beside a refusal', '20 03 01 87 00', 'CONNACK_SESSION_PRESENT_ON_REFUSAL'],
    ['[v5:MQTT-3.2.2-4] Session Present after Clean Start', '20 03 01 00 00', 'SESSION_PRESENT_WITHOUT_STATE'],
    ['[v5:U5-3.2.2.3.4-1] a Maximum QoS of 2', '20 05 00 00 02 24 02', 'PROPERTY_VALUE_INVALID'],
    ['[v5:U5-3.15.0-1] AUTH', 'f0 00', 'AUTH_WITHOUT_METHOD'],
  ])('is a Server that broke the protocol: %s', async (_, hex, violation) => {
    const error = await outcomeOf(Buffer.from(hex.replaceAll(' ', ''), 'hex'), false)

    expect(error).toMatchObject({ kind: PROTOCOL, cause: { violation } })
    expect((error as Error).cause).toBeInstanceOf(ProtocolViolation)
  })
})
