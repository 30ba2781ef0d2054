import { describe, expect, it } from 'vitest'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { describePacket } from '../../support/recording-output.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker, type TestBroker } from '../../support/test-broker.ts'
import { keeping } from '../../support/versions.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK } = PacketType
const { V3_1, V3_1_1 } = ProtocolVersion

/** CONNECT of 3.1: flags, then what follows Keep Alive 0. */
function connect(flags: string, payload: string, level = '03', name = '4d5149736470'): string {
  const body = `${(name.length / 2).toString(16).padStart(4, '0')}${name}${level}${flags}0000${payload}`.replaceAll(
    ' ',
    '',
  )
  return `10${(body.length / 2).toString(16).padStart(2, '0')}${body}`
}

/** What a server answers to the first bytes of a connection, up to its end if it ends it. */
async function answerTo(test: TestBroker, bytes: string, ends: boolean): Promise<string> {
  const client = await test.open(V3_1)
  client.sendBytes(bytes)
  if (ends) await client.closed()
  else await client.next()
  return client.received.toString('hex')
}

describe('CONNECT of MQTT 3.1', () => {
  it('[V31-01] names MQIsdp, level 3', async () => {
    expect(await answerTo(await startBroker(), connect('02', '0001 61'), false)).toBe('20020000')
  })

  it('[V31-03] may mark a bridge by bit 7 of the level', async () => {
    expect(await answerTo(await startBroker(), connect('02', '0001 61', '83'), false)).toBe('20020000')
  })

  it('[V31-04] is accepted with a client id of more than 23 characters', async () => {
    const { client } = await startBroker()

    for (const length of [1, 23, 24, 300]) {
      expect((await client({ version: V3_1, clientId: 'x'.repeat(length) })).connack.code).toBe(0)
    }
  })

  it.each(['00', '02'])('[V31-05] with an empty client id is refused with return code 2, flags %s', async (flags) => {
    expect(await answerTo(await startBroker(), connect(flags, '0000'), true)).toBe('20020002')
  })

  it('[V31-10] may have bit 0 of its flags set', async () => {
    expect(await answerTo(await startBroker(), connect('03', '0001 61'), false)).toBe('20020000')
  })

  it.each([
    ['User Name and Password', 'c2', '0001 61'],
    ['User Name', '82', '0001 61'],
    ['Password', 'c2', '0001 61 0001 75'],
  ])('[V31-11] may end before a %s that its flags announce', async (_, flags, payload) => {
    expect(await answerTo(await startBroker(), connect(flags, payload), false)).toBe('20020000')
  })

  it('[V31-12] may have any bytes for a password', async () => {
    const passwords: string[] = []
    const access = testAccess({
      authenticate: ({ password }: { password: Buffer | null }) => {
        passwords.push(password?.toString('hex') ?? '')
        return { identity: 'u' }
      },
    })
    const test = await startBroker({ access })

    expect(await answerTo(test, connect('c2', '0001 61 0001 75 0004 00 ff c3 28'), false)).toBe('20020000')
    expect(passwords).toEqual(['00ffc328'])
  })

  it('[V31-13] with a password but no user name is closed', async () => {
    expect(await answerTo(await startBroker(), connect('42', '0001 61 0001 70'), true)).toBe('')
  })

  it('[V31-15] with a client id that is no UTF-8 is closed', async () => {
    expect(await answerTo(await startBroker(), connect('02', '0002 c3 28'), true)).toBe('')
  })

  it.each([
    ['MQIsdp with level 4', connect('02', '0001 61', '04'), '20020001'],
    ['MQTT with level 3', connect('02', '0001 61', '03', '4d515454'), '20020001'],
    ['an unknown name', connect('02', '0001 61', '03', '4d5149736471'), ''],
  ])('[V31-23] with %s is closed', async (_, bytes, answer) => {
    expect(await answerTo(await startBroker(), bytes, true)).toBe(answer)
  })
})

describe('CONNACK of MQTT 3.1', () => {
  it('[V31-06] has 0 in its first byte, also when the session goes on', async () => {
    const { client } = await startBroker()
    const before = await client(keeping(V3_1, 'id'))
    await before.subscribe('t')
    await before.end()
    const after = await client(keeping(V3_1, 'id'))

    expect(after.received.toString('hex')).toBe('20020000')
    await (await client()).publishAndWait('t', 'x', { qos: 1 })
    expect(await after.message()).toMatchObject({ payload: 'x' })
  })
})

describe('fixed headers of MQTT 3.1', () => {
  it.each([
    ['SUBSCRIBE 8A', '8a 06 00 05 00 01 74 00', SUBACK, 5],
    ['UNSUBSCRIBE AA', 'aa 05 00 06 00 01 74', UNSUBACK, 6],
    ['PUBREL 6A', '6a 02 00 07', PUBCOMP, 7],
  ] as const)('[V31-08, V31-19] may have DUP set: %s', async (_, bytes, packetType, packetId) => {
    const { client } = await startBroker()
    const repeating = await client({ version: V3_1 })
    for (let i = 0; i < 2; i++) {
      repeating.sendBytes(bytes)
      expect(await repeating.expect(packetType)).toMatchObject({ packetId })
    }
    const strict = await client({ version: V3_1_1 })
    strict.sendBytes(bytes)
    await strict.closed()
  })

  it('[V31-19] may have DUP set on a PUBLISH that is repeated on the same connection, which is delivered once at QoS 2', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version: V3_1 })
    await subscriber.subscribe('t')
    const publisher = await client({ version: V3_1 })
    for (const dup of [false, true]) {
      publisher.publish('t', 'x', { qos: 2, packetId: 3, dup })
      await publisher.expect(PUBREC)
    }
    for (let i = 0; i < 2; i++) {
      publisher.acknowledge(PUBREL, 3)
      await publisher.expect(PUBCOMP)
    }

    expect(await subscriber.message()).toMatchObject({ payload: 'x' })
    await subscriber.quiet()
  })

  it.each(['80', '84', '86', 'a0', 'a4', 'a6', '60', '64', '66'])(
    '[V31-09] have QoS 1 where it is fixed: %s closes',
    async (first) => {
      const { client } = await startBroker()
      const broken = await client({ version: V3_1 })
      const body = { 8: '06 00 05 00 01 74 00', a: '05 00 06 00 01 74', 6: '02 00 07' }[first[0]!]
      const before = broken.received.length
      broken.sendBytes(`${first} ${body}`)
      await broken.closed()

      expect(broken.received.length).toBe(before)
    },
  )

  it('[V31-16] with DUP on a QoS 0 PUBLISH close, as in 3.1.1', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version: V3_1 })
    await subscriber.subscribe('t')
    const publisher = await client({ version: V3_1 })
    publisher.sendBytes('38 04 00 01 74 78')
    await publisher.closed()

    await subscriber.quiet()
  })
})

describe('messages of MQTT 3.1', () => {
  it('[V31-14] of a will are sent on without their length', async () => {
    const { client, open } = await startBroker()
    const watcher = await client({ version: V3_1 })
    await watcher.subscribe('w')
    const before = watcher.received.length
    const dying = await open(V3_1)
    dying.sendBytes(connect('06', '0001 61 0001 77 0003 62 79 65'))
    await dying.next()
    dying.cut()
    await watcher.message()

    expect(watcher.received.subarray(before).toString('hex')).toBe('3006000177627965')
  })

  it('[V31-25] on $ topics do not match a filter that begins with a wildcard', async () => {
    const { client } = await startBroker()
    const subscriber = await client({ version: V3_1 })
    await subscriber.subscribe(['#', '+/x'])
    await (await client({ version: V3_1 })).publishAndWait('$own/x', 'x', { qos: 1 })

    await subscriber.quiet()
  })

  it('[V31-24] follow the flows of 3.1.1, and the connection its end', async () => {
    const { client, clock } = await startBroker()
    const subscriber = await client({ version: V3_1, keepAliveSeconds: 10 })
    await subscriber.subscribe({ topicFilter: '+/b', qos: 2 })
    const publisher = await client({ version: V3_1 })
    await publisher.publishAndWait('a/b', 'one', { qos: 1 })
    await publisher.publishAndWait('a/b', 'two', { qos: 2 })
    const [one, two] = [await subscriber.message(), await subscriber.message()]
    subscriber.acknowledge(PUBACK, one.packetId)
    subscriber.acknowledge(PUBREC, two.packetId)
    expect(describePacket(await subscriber.next())).toBe(`PUBREL #${two.packetId}`)
    await subscriber.quiet()
    clock.advance(15_000)
    await subscriber.closed()

    expect(subscriber.waiting).toEqual([])
  })
})
