import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createServer } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { hasOpenssl, TestAuthority } from '../support/certificates.ts'
import { run, start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

/** A broker with TLS and WebSocket with TLS. */
async function secureBroker() {
  const authority = new TestAuthority()
  onTestFinished(() => authority.remove())
  const { cert, key } = authority.issue('broker', 'DNS:localhost,IP:127.0.0.1')
  const listen = ['mqtts://127.0.0.1:0', 'wss://127.0.0.1:0/mqtt']
  const { broker, client } = await startBroker({ listen, tls: { cert, key } })
  return { authority, client, mqtts: broker.listeners[1]!, wss: broker.listeners[2]! }
}

const PUB = ['pub', '-t', 'a', '-m', 'x', '-q', '1']

describe.skipIf(!hasOpenssl)('a client with TLS', () => {
  it('uses TLS when it is told whom to believe, a file or a folder', async () => {
    const { authority, mqtts } = await secureBroker()
    const port = new URL(mqtts).port

    for (const ca of [authority.ca.certFile, dirname(authority.ca.certFile)]) {
      const { exitCode, stderr } = await run([...PUB, '-h', '127.0.0.1', '-p', port, '--cafile', ca])
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    }
  })

  it.each(['1.2', 'tlsv1.3'])(
    'speaks TLS %s only when told so, and writes its secrets to SSLKEYLOGFILE',
    async (version) => {
      const { authority, mqtts } = await secureBroker()
      const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
      onTestFinished(() => rmSync(folder, { recursive: true }))
      const environment = { SSLKEYLOGFILE: join(folder, 'keys') }
      const args = [mqtts, '--ca', authority.ca.certFile, '--tls-version', version, '--alpn', 'mqtt']

      expect(await run([...PUB, ...args], { environment })).toMatchObject({ exitCode: 0, stderr: '' })
      const secret = version === '1.2' ? /^CLIENT_RANDOM / : /^\w+_TRAFFIC_SECRET_?\w* /m
      expect(readFileSync(environment.SSLKEYLOGFILE, 'utf8')).toMatch(secret)
    },
  )

  it('asks and answers over TLS and secure WebSocket', async () => {
    const { authority, mqtts, wss } = await secureBroker()
    const ca = ['--ca', authority.ca.certFile]
    const responder = start(['rr', mqtts, ...ca, '-t', 'up', '--serve', 'tr a-z A-Z'])
    await responder.says('answering requests')

    const outcomes = await Promise.all([mqtts, wss].map((url) => run(['rr', url, ...ca, '-t', 'up', '-m', 'hello'])))

    expect(outcomes.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual([
      [0, 'HELLO\n'],
      [0, 'HELLO\n'],
    ])
  })

  it.each([
    [['--tls-version', '1.1'], '1.2 or 1.3; older ones are broken'],
    [['--psk', 'xyz', '--psk-identity', 'me'], 'a key in hexadecimal'],
    [['--psk', 'ab'], '--psk needs the name of the key'],
    [['--tls', '--psk-identity', 'me'], '--psk-identity needs its key'],
    [['--tls', '--ciphers', 'NONSENSE'], '--ciphers NONSENSE cannot be used'],
    [['--ca', 'a', '--system-ca'], 'give either --ca or --system-ca'],
  ])('refuses %j', async (args, message) => {
    const { exitCode, stderr } = await run([...PUB, '-p', '1', ...args])

    expect(exitCode).toBe(2)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('xyz')
  })
})

describe('a pre-shared key', () => {
  async function pskServer(version: 'TLSv1.2' | 'TLSv1.3'): Promise<number> {
    const server = createServer(
      {
        minVersion: version,
        maxVersion: version,
        ciphers: 'PSK:TLS_AES_128_GCM_SHA256:@SECLEVEL=1',
        pskCallback: (_, identity) => (identity === 'me' ? Buffer.from('c0ffee', 'hex') : null),
      },
      (socket) => {
        socket.on('error', () => {})
        socket.once('data', () => socket.write(Buffer.from('2003000000', 'hex')))
      },
    )
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    return (server.address() as AddressInfo).port
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('stands for certificates at %s', async (version) => {
    const port = String(await pskServer(version))
    const args = ['pub', '-h', '127.0.0.1', '-p', port, '-t', 'a', '-m', 'x', '--psk', 'c0ffee']

    expect(await run([...args, '--psk-identity', 'me'])).toMatchObject({ exitCode: 0, stderr: '' })
    expect((await run([...args, '--psk-identity', 'you'])).exitCode).toBe(8)
  })
})

it('--reauthenticate proves the password again and again', async () => {
  const { url } = await startBroker({ users: new Map([['ann', 'secret']]) })
  const args = [
    '-t',
    'a',
    '-u',
    'ann',
    '-P',
    'secret',
    '--auth-method',
    'scram-sha-256',
    '--reauthenticate',
    '50ms',
    '-d',
  ]
  const program = start(['sub', url, ...args])

  await program.says('-> AUTH 0x19')
  await program.says('<- AUTH 0x00')
  program.kill('SIGINT')
  expect((await program.finished()).exitCode).toBe(0)
})
