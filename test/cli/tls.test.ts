import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { BrokerOptions } from '../../src/broker/configuration.ts'
import { type Certificate, hasOpenssl, TestAuthority } from '../support/certificates.ts'
import { type Program, run, start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-tls-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** A dozen programs are started, which takes its time on a busy machine. */
const MANY_PROGRAMS_MS = 60_000

/** Waits for the ready line. @returns URLs of its listeners */
async function ready(program: Program): Promise<string[]> {
  await program.says('mqtt-kit ready')
  await program.says('\n')
  return /mqtt-kit ready (.*)/.exec(program.stdout)![1]!.split(' ')
}

const publishTo = (url: string, ...args: string[]) => run(['pub', url, '-t', 'a', '-m', 'x', '-q', '1', ...args])

describe('serve --tls-dev', () => {
  it(
    'makes a CA and a certificate once, and tells clients what to do, which works',
    async () => {
      const environment = { XDG_DATA_HOME: temporaryFolder() }
      const serve = () =>
        start(['serve', '-p', '0', '--tls-dev', '--tls-port', '0', '--wss-port', '0', '--tls-name', 'broker.test'], {
          environment,
        })
      const first = serve()
      const [, mqtts = '', wss = ''] = await ready(first)
      await first.says('--cafile')
      const [, caFile = '', fingerprint = ''] = /development CA (\S+), SHA-256 fingerprint (\S+)/.exec(first.stderr)!
      expect(fingerprint).toMatch(/^(?:[\dA-F]{2}:){31}[\dA-F]{2}$/)
      expect(first.stderr).toContain(`clients: mqtt-kit sub ${mqtts} -t '#' --trust ${fingerprint}`)
      expect(statSync(caFile.replace('ca.crt', 'ca.key')).mode & 0o777).toBe(0o600)

      expect(await publishTo(mqtts, '--trust', fingerprint)).toMatchObject({ exitCode: 0, stderr: '' })
      expect(await publishTo(wss, '--trust', fingerprint.replaceAll(':', '').toLowerCase())).toMatchObject({
        exitCode: 0,
      })
      expect(await publishTo(mqtts, '--ca', caFile, '--servername', 'broker.test')).toMatchObject({ exitCode: 0 })
      const distrusting = await publishTo(mqtts, '--trust', '00'.repeat(32))
      expect(distrusting.exitCode).toBe(8)
      expect(distrusting.stderr).toContain(`has the trusted fingerprint, but`)

      const again = serve()
      await ready(again)
      await again.says('fingerprint')
      expect(again.stderr).toContain(fingerprint)
    },
    MANY_PROGRAMS_MS,
  )

  it(
    'keeps its CA when other names are asked for',
    async () => {
      const environment = { XDG_DATA_HOME: temporaryFolder() }
      const folder = join(environment.XDG_DATA_HOME, 'mqtt-kit', 'tls-dev')
      const files = async (...names: string[]): Promise<string[]> => {
        const options = names.flatMap((name) => ['--tls-name', name])
        const outcome = await run(['serve', '--tls-dev', '--check-config', ...options], { environment })
        expect(outcome).toMatchObject({ exitCode: 0 })
        return ['ca.crt', 'broker.crt'].map((file) => readFileSync(join(folder, file), 'utf8'))
      }
      const [ca, certificate] = await files()
      expect(await files()).toEqual([ca, certificate])
      const [sameCa, other] = await files('more.test', '192.0.2.1')
      expect(sameCa).toBe(ca)
      expect(other).not.toBe(certificate)
      // it covers fewer names too
      expect(await files('more.test')).toEqual([ca, other])
    },
    MANY_PROGRAMS_MS,
  )

  it('is refused beside a certificate', async () => {
    const outcome = await run(['serve', '--tls-dev', '--tls-cert', 'a.crt', '--tls-key', 'a.key'])

    expect(outcome).toMatchObject({ exitCode: 2 })
    expect(outcome.stderr).toContain('--tls-dev makes a certificate')
  })
})

it('serve --psk-file and pub --psk do without certificates', async () => {
  const pskFile = join(temporaryFolder(), 'keys')
  writeFileSync(pskFile, '# identity:key\nsensor:0011223344556677\n')
  const [, url = ''] = await ready(start(['serve', '-p', '0', '--tls-port', '0', '--psk-file', pskFile]))
  const right = ['--psk-identity', 'sensor', '--psk', '0011223344556677']

  expect(await publishTo(url, ...right)).toMatchObject({ exitCode: 0, stderr: '' })
  expect(await publishTo(url, ...right.slice(0, 3), '0011223344556678')).toMatchObject({ exitCode: 8 })
  expect(await publishTo(url, '--psk', '00')).toMatchObject({ exitCode: 2 })
})

describe('serve --cert-user', () => {
  const watcher = async (url: string, ...args: string[]): Promise<Program> => {
    const program = start(['sub', url, '-t', 'from/#', '-v', '-d', ...args])
    await program.says('<- SUBACK')
    return program
  }

  it.skipIf(!hasOpenssl)(
    'takes the user name from the certificate, whatever CONNECT says, and the rules are for it',
    async () => {
      const folder = temporaryFolder()
      const authority = new TestAuthority()
      onTestFinished(() => authority.remove())
      const server = authority.issue('server', 'DNS:localhost,IP:127.0.0.1')
      const acl = join(folder, 'acl')
      writeFileSync(acl, 'user sensor\ntopic write from/sensor\nuser admin\ntopic from/#\n')
      const serve = start([
        ...[
          'serve',
          '-p',
          '0',
          '--tls-port',
          '0',
          '--wss-port',
          '0',
          '--acl',
          acl,
          '--require-client-cert',
          '--cert-user',
        ],
        ...['--tls-cert', server.certFile, '--tls-key', server.keyFile, '--tls-ca', authority.ca.certFile],
      ])
      const [, mqtts = '', wss = ''] = await ready(serve)
      const as = (name: string): string[] => {
        const { certFile, keyFile } = authority.issue(name, 'DNS:client')
        return ['--ca', authority.ca.certFile, '--cert', certFile, '--key', keyFile, '--no-reconnect']
      }
      const subscriber = await watcher(mqtts, ...as('admin'), '-C', '2')
      const sensor = as('sensor')
      const publish = (url: string, topic: string) =>
        run(['pub', url, '-t', topic, '-m', 'x', '-q', '1', '-u', 'admin', '-P', 'guess', ...sensor])

      expect(await publish(mqtts, 'from/sensor')).toMatchObject({ exitCode: 0, stderr: '' })
      expect(await publish(mqtts, 'from/admin')).toMatchObject({ exitCode: 9 })
      expect(await publish(wss, 'from/sensor')).toMatchObject({ exitCode: 0, stderr: '' })
      expect(await subscriber.finished()).toMatchObject({ exitCode: 0, stdout: 'from/sensor x\nfrom/sensor x\n' })
    },
    MANY_PROGRAMS_MS,
  )

  it('takes it from the identity of a key', async () => {
    const folder = temporaryFolder()
    const [pskFile, acl] = [join(folder, 'keys'), join(folder, 'acl')]
    writeFileSync(pskFile, 'sensor:0011\nadmin:2233\n')
    writeFileSync(acl, 'user sensor\ntopic write from/sensor\n')
    const [, url = ''] = await ready(
      start(['serve', '-p', '0', '--tls-port', '0', '--psk-file', pskFile, '--acl', acl, '--cert-user']),
    )
    const publishAs = (identity: string, key: string) =>
      run(['pub', url, '-t', 'from/sensor', '-m', 'x', '-q', '1', '--psk-identity', identity, '--psk', key])

    expect(await publishAs('sensor', '0011')).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await publishAs('admin', '2233')).toMatchObject({ exitCode: 9 })
  })

  it('needs something that proves the name', async () => {
    const outcome = await run(['serve', '-p', '0', '--tls-port', '0', '--tls-dev', '--cert-user'], {
      environment: { XDG_DATA_HOME: temporaryFolder() },
    })

    expect(outcome).toMatchObject({ exitCode: 2, stdout: '' })
    expect(outcome.stderr).toContain('add --require-client-cert or --psk-file')
  })
})

describe.skipIf(!hasOpenssl)('exit codes over TLS and WebSocket', () => {
  let authority: TestAuthority
  let server: Certificate

  beforeAll(() => {
    authority = new TestAuthority()
    server = authority.issue('server', 'DNS:localhost,IP:127.0.0.1')
  })

  afterAll(() => authority.remove())

  async function listening(scheme: string, { cert, key } = server, options: BrokerOptions = {}): Promise<string> {
    const url = `${scheme}://127.0.0.1:0${scheme.startsWith('ws') ? '/mqtt' : ''}`
    const { broker } = await startBroker({ port: null, listen: [url], tls: { cert, key }, ...options })
    return broker.url
  }

  async function expectFailure(url: string, args: string[], exitCode: number, said: RegExp): Promise<void> {
    const outcome = await publishTo(url, ...args)
    expect(outcome.stderr).toMatch(said)
    expect(outcome.stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(outcome).toMatchObject({ exitCode, stdout: '' })
  }

  describe.each(['mqtts', 'wss'])('%s', (scheme) => {
    it('0 comes when all is well', async () => {
      expect(await publishTo(await listening(scheme), '--ca', authority.ca.certFile)).toMatchObject({
        exitCode: 0,
        stderr: '',
      })
    })

    it('8 comes for an unknown CA', async () => {
      await expectFailure(await listening(scheme), [], 8, /signed by an unknown CA .*--ca FILE/)
    })

    it('8 comes for another name', async () => {
      const url = await listening(scheme, authority.issue('elsewhere', 'DNS:elsewhere.example'))
      await expectFailure(url, ['--ca', authority.ca.certFile], 8, /certificate is for another name .*--servername/)
    })

    it('8 comes for an expired certificate', async () => {
      const url = await listening(scheme, authority.issue('expired', 'IP:127.0.0.1', -1))
      await expectFailure(url, ['--ca', authority.ca.certFile], 8, /certificate has expired/)
    })

    it('8 comes for a client without the certificate that is wanted', async () => {
      const { cert, key } = server
      const tls = { cert, key, ca: authority.ca.cert, requireClientCertificate: true }
      const url = await listening(scheme, server, { tls })
      await expectFailure(
        url,
        ['--ca', authority.ca.certFile],
        8,
        /it wants a client certificate, see --cert and --key/,
      )
    })

    it('8 comes when TLS is not spoken there', async () => {
      const url = await listening(scheme === 'wss' ? 'ws' : 'mqtt')
      await expectFailure(
        url.replace(/^(mqtt|ws)/, '$1s'),
        [],
        8,
        /during the TLS handshake \(TLS_HANDSHAKE_ENDED\): .* use mqtt:/,
      )
    })

    it('3 comes when the handshake takes too long', async () => {
      const silent = net.createServer().listen(0, '127.0.0.1')
      await new Promise((resolve) => silent.once('listening', resolve))
      onTestFinished(() => void silent.close())
      const { port } = silent.address() as net.AddressInfo
      const url = `${scheme}://127.0.0.1:${port}`
      await expectFailure(url, ['--connect-timeout', '300ms'], 3, /no answer in time \(ETIMEDOUT\)/)
    })

    it('2 comes for a CA that is none', async () => {
      const file = join(temporaryFolder(), 'none')
      writeFileSync(file, 'none')
      await expectFailure(await listening(scheme), ['--ca', file], 2, /is no PEM file/)
    })
  })

  it('3 comes for MQTT to a port with TLS', async () => {
    const url = await listening('mqtts')
    await expectFailure(url.replace('mqtts', 'mqtt'), [], 3, /closed the connection before CONNACK/)
  })

  it('10 or 3 comes for a WebSocket to a port that speaks MQTT, and for MQTT to a port that speaks HTTP', async () => {
    const plain = await listening('mqtt')
    const outcome = await publishTo(plain.replace('mqtt:', 'ws:'))
    expect([3, 10]).toContain(outcome.exitCode)
    const webSocket = await listening('ws')
    const reverse = await publishTo(webSocket.replace('ws:', 'mqtt:').replace('/mqtt', ''))
    expect([3, 10]).toContain(reverse.exitCode)
  })

  it('SSLKEYLOGFILE gets the secrets of both sides', async () => {
    const file = join(temporaryFolder(), 'keys.log')
    const url = await listening('mqtts')
    const args = ['pub', url, '-t', 'a', '-m', 'x', '--ca', authority.ca.certFile]
    expect(await run(args, { environment: { SSLKEYLOGFILE: file } })).toMatchObject({ exitCode: 0 })

    expect(readFileSync(file, 'utf8')).toMatch(/^(?:[A-Z_0-9]+ [\da-f]{64} [\da-f]+\n)+$/)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })
})
