import { describe, expect, it } from 'vitest'
import { parseAclFile } from '../../../src/access/acl-file.ts'
import { ConfiguredAccess } from '../../../src/access/configured-access.ts'
import { PacketType } from '../../../src/codec/packet-type.ts'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { DropReason } from '../../../src/session/qos-sender.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

/** A broker whose ACL file a test may change while it runs. */
async function startWithRules(...lines: string[]) {
  const settings = (rules: readonly string[]) => ({
    users: new Map<string, string>(),
    sources: [],
    rules: parseAclFile(rules.join('\n'), 'acl'),
    allowAnonymous: true,
  })
  const access = new ConfiguredAccess(settings(lines))
  const started = await startBroker({ access })
  return {
    ...started,
    change(...rules: string[]) {
      access.replace(settings(rules))
      started.broker.accessChanged()
    },
  }
}

const PUBLISHER = ['user writer', 'topic write #']
const writer = { userName: 'writer', password: Buffer.from('') }

describe.each(EACH_VERSION)('a subscriber of MQTT %s under an ACL file', (_name, version) => {
  it('R-13 gets of a subscription what it may read, live and retained, and of the rest nothing', async () => {
    const { client } = await startWithRules('topic read a/#', 'topic deny a/secret/#', ...PUBLISHER)
    const publisher = await client(writer)
    for (const topicName of ['a/secret/old', 'b', 'a/old']) {
      await publisher.publishAndWait(topicName, 'old', { qos: 1, retain: true })
    }
    const subscriber = await client({ version })
    await subscriber.subscribe('#')
    expect(await subscriber.message()).toMatchObject({ topic: 'a/old' })
    for (const topicName of ['a/secret/new', 'b', 'a/new']) await publisher.publishAndWait(topicName, 'new', { qos: 1 })
    expect(await subscriber.message()).toMatchObject({ topic: 'a/new' })
    await subscriber.quiet()
  })

  it('T-06 is refused a filter of which it may read nothing', async () => {
    const { client } = await startWithRules('topic read a/#', 'topic write b/#')
    const subscriber = await client({ version })
    const { codes } = await subscriber.subscribe(['a/x', 'b/#', '$share/g/c', '$share/g/a/#'])
    const refused = version === ProtocolVersion.V5 ? 0x87 : version === ProtocolVersion.V3_1_1 ? 0x80 : 0
    expect(codes).toEqual([0, refused, refused, 0])
  })

  it('S-17 loses the right to a topic at once, and has it back when it is given back', async () => {
    const { client, change } = await startWithRules('topic read a', 'topic read b', ...PUBLISHER)
    const publisher = await client(writer)
    const subscriber = await client({ version })
    await subscriber.subscribe(['a', 'b'])
    await publisher.publishAndWait('a', '1', { qos: 1 })
    expect(await subscriber.message()).toMatchObject({ payload: '1' })
    change('topic read b', ...PUBLISHER)
    expect(await publisher.publishAndWait('a', '2', { qos: 1 })).toMatchObject({ reasonCode: 0x10 })
    change('topic read a', 'topic read b', ...PUBLISHER)
    await publisher.publishAndWait('a', '3', { qos: 1 })
    expect(await subscriber.message()).toMatchObject({ payload: '3' })
  })

  it('S-17 does not get what is queued and no longer allowed; what is allowed stays, in order', async () => {
    const { client, change, broker } = await startWithRules('topic read a', 'topic read b', ...PUBLISHER)
    const publisher = await client(writer)
    const subscriber = await client(keeping(version, 'c'))
    await subscriber.subscribe([
      { topicFilter: 'a', qos: 1 },
      { topicFilter: 'b', qos: 1 },
    ])
    await subscriber.end()
    for (let i = 0; i < 4; i++) await publisher.publishAndWait(i % 2 === 0 ? 'a' : 'b', `${i}`, { qos: 1 })
    change('topic read b', ...PUBLISHER)
    await publisher.publishAndWait('a', '4', { qos: 1 })
    await publisher.publishAndWait('b', '5', { qos: 1 })
    const again = await client(keeping(version, 'c'))
    for (const payload of ['1', '3', '5']) expect(await again.message()).toMatchObject({ topic: 'b', payload })
    await again.quiet()
    expect(broker.metrics.messagesDropped[DropReason.RIGHT_LOST]).toBe(2)
  })

  it('S-17 is passed over in a shared subscription for what it may not read', async () => {
    const { client, change } = await startWithRules('pattern read %c/#', 'topic read open/#', ...PUBLISHER)
    const publisher = await client(writer)
    const one = await client({ version, clientId: 'one' })
    const two = await client({ version, clientId: 'two' })
    for (const member of [one, two]) await member.subscribe('$share/g/#')
    for (const payload of ['1', '2', '3']) await publisher.publishAndWait('two/x', payload, { qos: 1 })
    for (const payload of ['1', '2', '3']) expect(await two.message()).toMatchObject({ payload })
    change(...PUBLISHER)
    expect(await publisher.publishAndWait('two/x', '4', { qos: 1 })).toMatchObject({ reasonCode: 0x10 })
    await one.quiet()
    await two.quiet()
  })

  it('P-12 may not publish what it could a moment ago', async () => {
    const { client, change, broker } = await startWithRules('topic a')
    const publisher = await client({ version })
    const subscriber = await client()
    await subscriber.subscribe('a')
    await publisher.publishAndWait('a', '1', { qos: 1 })
    change('topic read a')
    expect(await publisher.publishAndWait('a', '2', { qos: 1 })).toMatchObject({
      packetType: PacketType.PUBACK,
      reasonCode: version === ProtocolVersion.V5 ? 0x87 : 0,
    })
    expect(await subscriber.message()).toMatchObject({ payload: '1' })
    await subscriber.quiet()
    expect(broker.metrics.messagesRefused).toBe(1)
  })
})

describe('the right to read', () => {
  it('S-17 is that of the identity that resumes a session, where sessions have no owners', async () => {
    const rules = parseAclFile(['user ann', 'topic read a', 'user bob', 'topic read b', ...PUBLISHER].join('\n'), 'acl')
    const access = new ConfiguredAccess({ users: new Map(), sources: [], rules, allowAnonymous: true })
    const { client } = await startBroker({ access, sessionsHaveOwners: false })
    const publisher = await client(writer)
    const as = (userName: string) => ({ ...keeping(5, 'c'), userName, password: Buffer.from('') })
    const ann = await client(as('ann'))
    await ann.subscribe({ topicFilter: '#', qos: 1 })
    await ann.end()
    await publisher.publishAndWait('a', 'for ann', { qos: 1 })
    const bob = await client(as('bob'))
    await publisher.publishAndWait('a', 'for ann', { qos: 1 })
    await publisher.publishAndWait('b', 'for bob', { qos: 1 })
    expect(await bob.message()).toMatchObject({ payload: 'for bob' })
    await bob.quiet()
  })
})
