import { describe, expect, it } from 'vitest'
import { ProtocolVersion } from '../../../src/codec/protocol-version.ts'
import { testAccess } from '../../support/test-access.ts'
import { startBroker } from '../../support/test-broker.ts'
import { EACH_VERSION, keeping } from '../../support/versions.ts'

/** Credentials by name; null is nobody. */
function as(userName: string | null) {
  return { userName, password: userName === null ? null : Buffer.from('') }
}

describe.each(EACH_VERSION)('the owner of a session in MQTT %s', (_name, version) => {
  const isV5 = version === ProtocolVersion.V5

  it.each([
    ['ann', 'bob'],
    ['ann', null],
    [null, 'ann'],
    ['ann', 'Ann'],
    ['', null],
  ])('S-16 is who made it: of %j, so %j is refused, and nothing changes', async (owner, other) => {
    const { client, open } = await startBroker()
    const publisher = await client()
    for (const isLiving of [true, false]) {
      const mine = await client({ ...keeping(version, 'c'), ...as(owner) })
      await mine.subscribe({ topicFilter: 'a', qos: 1 })
      if (!isLiving) await mine.end()
      for (const cleanStart of [true, false]) {
        const refused = await open(version)
        const connack = await refused.connect({ ...keeping(version, 'c'), cleanStart, ...as(other) })
        expect(connack).toMatchObject({ code: isV5 ? 0x87 : 5, sessionPresent: false })
        await refused.closed()
      }
      await publisher.publishAndWait('a', 'x', { qos: 1 })
      const present = isLiving ? mine : await client({ ...keeping(version, 'c'), ...as(owner) })
      expect(await present.message()).toMatchObject({ payload: 'x' })
      await present.quiet()
      // leaves nothing for the next round
      const last = await client({ version, clientId: 'c', cleanStart: true, ...as(owner) })
      await last.end()
    }
  })

  it('S-16 is forgotten with the session', async () => {
    const { client } = await startBroker()
    const first = await client({ version, clientId: 'c', cleanStart: true, ...as('ann') })
    await first.end()
    const second = await client({ ...keeping(version, 'c'), ...as('bob') })
    expect(second.connack).toMatchObject({ code: 0, sessionPresent: false })
  })

  it('S-16 does not matter when that is switched off; then who is there has its own rights', async () => {
    const access = testAccess({ mayPublish: (identity, _clientId, topicName) => topicName !== `for ${identity} not` })
    const { client } = await startBroker({ access, sessionsHaveOwners: false })
    const observer = await client()
    await observer.subscribe('#')
    const first = await client({ ...keeping(version, 'c'), ...as('ann') })
    await first.subscribe({ topicFilter: 'mine', qos: 1 })
    await first.end()
    const second = await client({ ...keeping(version, 'c'), ...as('bob') })
    expect(second.connack.sessionPresent).toBe(version !== ProtocolVersion.V3_1)
    second.publish('for bob not', 'x')
    second.publish('for ann not', 'x')
    expect(await observer.message()).toMatchObject({ topic: 'for ann not' })
    await observer.quiet()
    observer.publish('mine', 'x')
    expect(await second.message()).toMatchObject({ topic: 'mine' })
  })
})
