import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { JwtSource, type JwtTerms } from '../../src/access/jwt-source.ts'

const SECRET = Buffer.alloc(64, 7)
const HOUR_SECONDS = 3600

interface Issuer {
  readonly jwk: JWK
  sign(claims: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>
}

/** Somebody who signs, and the key by which that is checked. */
async function issuer(alg: string, kid?: string): Promise<Issuer> {
  const isSecret = alg.startsWith('HS')
  const pair = isSecret ? { privateKey: SECRET, publicKey: SECRET } : await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(pair.publicKey)
  return {
    jwk: { ...jwk, ...(kid === undefined ? {} : { kid }) },
    sign: (claims, header = {}) =>
      new SignJWT(claims)
        .setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }), ...header })
        .sign(pair.privateKey),
  }
}

function source(keys: readonly JWK[], terms?: JwtTerms): Promise<JwtSource> {
  return JwtSource.open(JSON.stringify({ keys }), 'keys.json', terms)
}

function login(target: JwtSource, token: string, userName: string | null = null) {
  return target.authenticate({ clientId: 'c', userName, password: Buffer.from(token), remoteAddress: '' })
}

const now = (): number => Math.floor(Date.now() / 1000)

describe.each(['HS256', 'HS512', 'RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'])('tokens signed by %s', (alg) => {
  it('make a user of their sub, until they expire', async () => {
    const one = await issuer(alg)
    const exp = now() + HOUR_SECONDS
    const answer = await login(await source([one.jwk]), await one.sign({ sub: 'ann', exp }))
    expect(answer).toEqual({ identity: 'ann', expiresAtMs: (exp + 5) * 1000 })
  })

  it('are refused when a bit of them has changed, or when another key signed them', async () => {
    const [one, other] = [await issuer(alg), await issuer(alg === 'ES256' ? 'RS256' : 'ES256')]
    const target = await source([one.jwk])
    const token = await one.sign({ sub: 'ann' })
    const [head, , signature] = token.split('.')
    const forged = Buffer.from('{"sub":"admin"}').toString('base64url')
    expect(await login(target, `${head}.${forged}.${signature}`)).toMatchObject({ refused: 0x86 })
    expect(await login(target, await other.sign({ sub: 'ann' }))).toMatchObject({ refused: 0x86 })
  })
})

describe('tokens', () => {
  it('choose among keys by kid', async () => {
    const [first, second] = [await issuer('ES256', 'a'), await issuer('ES256', 'b')]
    const target = await source([first.jwk, second.jwk])
    expect(await login(target, await second.sign({ sub: 'ann' }))).toEqual({ identity: 'ann' })
    expect(await login(target, await second.sign({ sub: 'ann' }, { kid: 'a' }))).toMatchObject({ refused: 0x86 })
    expect(await login(target, await second.sign({ sub: 'ann' }, { kid: 'c' }))).toMatchObject({ refused: 0x86 })
  })

  it('without signature are never taken, nor an HMAC made with a public key', async () => {
    const one = await issuer('RS256')
    const target = await source([one.jwk])
    const none = [{ alg: 'none' }, { sub: 'ann' }].map((part) =>
      Buffer.from(JSON.stringify(part)).toString('base64url'),
    )
    expect(await login(target, `${none.join('.')}.`)).toMatchObject({ refused: 0x86 })
    const confused = await new SignJWT({ sub: 'ann' })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(Buffer.from(JSON.stringify(one.jwk)))
    expect(await login(target, confused)).toMatchObject({ refused: 0x86 })
  })

  it('have to be of the user that CONNECT names, if it names one', async () => {
    const one = await issuer('HS256')
    const target = await source([one.jwk])
    const token = await one.sign({ sub: 'ann' })
    expect(await login(target, token, 'ann')).toEqual({ identity: 'ann' })
    expect(await login(target, token, '')).toEqual({ identity: 'ann' })
    expect(await login(target, token, 'bob')).toMatchObject({ refused: 0x86 })
    expect(await login(target, await one.sign({}))).toMatchObject({
      refused: 0x87,
      reason: `the token's claim "sub" does not fit`,
    })
  })

  it('that have expired, or are for later, are refused as not authorized', async () => {
    const one = await issuer('HS256')
    const target = await source([one.jwk])
    expect(await login(target, await one.sign({ sub: 'a', exp: now() - 60 }))).toMatchObject({
      refused: 0x87,
      reason: 'the token has expired',
    })
    expect(await login(target, await one.sign({ sub: 'a', nbf: now() + 60 }))).toMatchObject({ refused: 0x87 })
  })

  it('have to be of the issuer and for the audience that are wanted', async () => {
    const one = await issuer('HS256')
    const target = await source([one.jwk], { issuer: 'https://id.example', audience: 'mqtt' })
    expect(await login(target, await one.sign({ sub: 'a', iss: 'https://id.example', aud: ['mqtt', 'x'] }))).toEqual({
      identity: 'a',
    })
    expect(await login(target, await one.sign({ sub: 'a', iss: 'https://id.example' }))).toMatchObject({
      refused: 0x87,
    })
    expect(await login(target, await one.sign({ sub: 'a', iss: 'https://other.example', aud: 'mqtt' }))).toMatchObject({
      refused: 0x87,
    })
  })

  it('leave a password that is no token to other sources', async () => {
    const target = await source([(await issuer('HS256')).jwk])
    expect(await login(target, 'secret')).toBeNull()
    expect(await target.authenticate({ clientId: 'c', userName: 'a', password: null, remoteAddress: '' })).toBeNull()
  })
})

it.each([
  ['{', 'keys.json: it is no JSON: '],
  ['{"keys":[]}', 'keys.json: it is no JSON Web Key Set: {"keys": [...]}'],
  ['{"keys":[{"kty":"what"}]}', 'keys.json: key 1 cannot be used: its kind is what, not oct, RSA, EC or OKP'],
  ['{"keys":[{"kty":"RSA","n":"AQAB"}]}', 'keys.json: key 1 cannot be used: '],
])('a key file like %s is refused: %s', async (text, message) => {
  await expect(JwtSource.open(text, 'keys.json')).rejects.toThrow(message)
})
