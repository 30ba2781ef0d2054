import { SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { ConfiguredAccess } from '../../src/access/configured-access.ts'
import { JwtSource } from '../../src/access/jwt-source.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { startBroker } from '../support/test-broker.ts'
import { EACH_VERSION } from '../support/versions.ts'
import { willOf } from '../support/will.ts'

const SECRET = Buffer.alloc(32, 7)
const KEYS = JSON.stringify({ keys: [{ kty: 'oct', k: SECRET.toString('base64url') }] })

async function brokerForTokens() {
  const sources = [await JwtSource.open(KEYS, 'keys.json')]
  return startBroker({ access: new ConfiguredAccess({ users: new Map(), sources, rules: null, allowAnonymous: true }) })
}

async function token(sub: string, exp?: number): Promise<Buffer> {
  const claims = { sub, ...(exp === undefined ? {} : { exp }) }
  return Buffer.from(await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(SECRET))
}

describe.each(EACH_VERSION)('a client of MQTT %s with a token', (_name, version) => {
  it('is disconnected with 0x87 when its token expires, and its will is published', async () => {
    const broker = await brokerForTokens()
    const observer = await broker.client()
    await observer.subscribe('gone')
    // the clock of the broker is years ahead of that of the machine, by which the token is checked
    const exp = Math.floor(broker.clock.wallMs() / 1000) + 3600
    const fields = {
      version,
      clientId: 'c',
      userName: 'ann',
      password: await token('ann', exp),
      will: willOf('gone', 'x'),
    }
    const client = await broker.client(fields)
    broker.clock.advance(3_600_000)
    await client.quiet()
    // a clock that somebody sets changes nothing
    broker.clock.shiftWall(86_400_000)
    await client.quiet()
    broker.clock.advance(5_000)
    await client.closesWith(0x87)
    expect(await observer.message()).toMatchObject({ payload: 'x' })
    expect((await broker.logged('disconnect', 'c')).detail).toBe('its authentication has expired')
  })

  it('S-16 resumes its own session only', async () => {
    const broker = await brokerForTokens()
    const fields = {
      version,
      clientId: 'c',
      cleanStart: false,
      properties: version === 5 ? { sessionExpiryIntervalSeconds: 60 } : {},
    }
    const first = await broker.client({ ...fields, userName: 'ann', password: await token('ann') })
    await first.end()
    const other = await broker.open(version)
    const connack = await other.connect({ ...fields, userName: 'bob', password: await token('bob') })
    expect(connack).toMatchObject({ code: version === 5 ? 0x87 : 5, sessionPresent: false })
    const again = await broker.client({ ...fields, userName: 'ann', password: await token('ann') })
    expect(again.connack.sessionPresent).toBe(version !== 3)
  })

  it('C-09 is refused with a wrong one, and the log says why; who holds the id stays', async () => {
    const broker = await brokerForTokens()
    const holder = await broker.client({ version, clientId: 'c' })
    const [head, payload] = String(await token('ann')).split('.')
    const forger = await broker.open(version)
    const password = Buffer.from(`${head}.${payload}.AAAA`)
    expect(await forger.connect({ clientId: 'c', userName: 'ann', password })).toMatchObject({
      code: version === 5 ? 0x86 : 4,
    })
    const refused = broker.events.find(({ event }) => event === 'refused')!
    expect(refused.detail).toMatch(/^the token does not hold: signature verification failed, 0x86/)
    holder.send({ packetType: PacketType.PINGREQ })
    await holder.expect(PacketType.PINGRESP)
  })
})
