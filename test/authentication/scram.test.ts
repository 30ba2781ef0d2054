import { describe, expect, it } from 'vitest'
import {
  ScramClient,
  type ScramCredentials,
  ScramError,
  ScramServer,
  scramCredentials,
} from '../../src/authentication/scram.ts'

const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64')
const decoy = (): Buffer => Buffer.from('never mind')

async function exchange(options: { password?: string; known?: boolean; userName?: string } = {}) {
  const { password = 'pencil', known = true, userName = 'user' } = options
  const credentials = await scramCredentials(Buffer.from('pencil'), salt)
  const client = new ScramClient(userName, Buffer.from(password), 'clientnonce')
  const lookup = async (name: string): Promise<ScramCredentials | null> =>
    known && name === userName ? credentials : null
  const server = await ScramServer.challenge(client.first(), lookup, 'servernonce', decoy)
  const clientFinal = await client.final(server.first)
  return { client, server, clientFinal, serverFinal: server.verify(clientFinal) }
}

describe('SCRAM-SHA-256', () => {
  it('gives the messages of the example in RFC 7677', async () => {
    const client = new ScramClient('user', Buffer.from('pencil'), 'rOprNGfwEbeRWgbNEkqO')
    expect(client.first().toString()).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO')
    const serverFirst = 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'
    const final = await client.final(Buffer.from(serverFirst))
    expect(final.toString()).toBe(
      'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    )
    client.verify(Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='))
  })

  it('proves the password in both directions', async () => {
    const { client, server, serverFinal } = await exchange()
    expect(server.userName).toBe('user')
    client.verify(serverFinal!)
  })

  it('refuses a wrong password', async () => {
    expect((await exchange({ password: 'pen' })).serverFinal).toBeNull()
  })

  it('leads an unknown user through the same steps and refuses in the last', async () => {
    const { server, serverFinal } = await exchange({ known: false })
    expect(server.first.toString()).toMatch(/^r=clientnonceservernonce,s=[\w+/=]+,i=4096$/)
    expect(serverFinal).toBeNull()
  })

  it('carries user names with comma and equals sign', async () => {
    const { client, server, serverFinal } = await exchange({ userName: 'a=b,c' })
    expect(server.userName).toBe('a=b,c')
    client.verify(serverFinal!)
  })

  it('notices a server that does not know the password', async () => {
    const { client } = await exchange()
    expect(() => client.verify(Buffer.from(`v=${Buffer.alloc(32).toString('base64')}`))).toThrow(ScramError)
  })

  it.each([
    ['another nonce', 'r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
    ['its own nonce back', 'r=clientnonce,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'],
    ['no salt', 'r=clientnonceX,i=4096'],
    ['iterations that would take minutes', 'r=clientnonceX,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2000000000'],
    ['nonsense', 'hello'],
  ])('refuses a server that sends %s', async (_, serverFirst) => {
    const client = new ScramClient('user', Buffer.from('pencil'), 'clientnonce')
    client.first()
    await expect(client.final(Buffer.from(serverFirst))).rejects.toThrow(ScramError)
  })

  it.each([['y,,n=user,r=x'], ['n,a=admin,n=user,r=x'], ['n,,n=user'], ['n,,n=us=er,r=x'], ['']])(
    'refuses the first message %j of a client',
    async (clientFirst) => {
      const challenge = ScramServer.challenge(Buffer.from(clientFirst), async () => null, 'n', decoy)
      await expect(challenge).rejects.toThrow(ScramError)
    },
  )

  it('refuses a client that changes the nonce on its way', async () => {
    const { server, clientFinal } = await exchange()
    const changed = clientFinal.toString().replace('r=clientnonce', 'r=clientNonce')
    expect(() => server.verify(Buffer.from(changed))).toThrow(ScramError)
  })
})
