import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Certificate, hasOpenssl, TestAuthority } from '../support/certificates.ts'
import { examined, expectExplained, found, statuses } from '../support/doctor-report.ts'
import { start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-doctor-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe.skipIf(!hasOpenssl)('doctor and certificates', () => {
  let authority: TestAuthority
  let ca: string[]

  beforeAll(() => {
    authority = new TestAuthority()
    ca = ['--ca', authority.ca.certFile, '--no-messages']
  })

  afterAll(() => authority.remove())

  async function secured({ cert, key }: Certificate, scheme = 'mqtts'): Promise<string> {
    const url = `${scheme}://127.0.0.1:0${scheme === 'wss' ? '/mqtt' : ''}`
    return (await startBroker({ port: null, listen: [url], tls: { cert, key } })).broker.url
  }

  it.each(['mqtts', 'wss'])('shows name and expiry over %s', async (scheme) => {
    const report = await examined(await secured(authority.issue('good', 'IP:127.0.0.1', 90), scheme), ...ca)

    expect(report.exitCode).toBe(0)
    expect(found(report, 'certificate')).toMatchObject({
      status: 'ok',
      text: expect.stringMatching(/CN=good \(IP Address:127\.0\.0\.1\), by CN=test authority, valid until \d{4}-/),
    })
    expect(found(report, 'trust').status).toBe('ok')
  })

  it('notes that a certificate expires soon', async () => {
    const report = await examined(await secured(authority.issue('soon', 'IP:127.0.0.1', 5)), ...ca)

    expect(report.exitCode).toBe(0)
    expect(found(report, 'certificate').status).toBe('note')
    expectExplained(found(report, 'certificate'))
  })

  it.each([
    ['has expired', 'IP:127.0.0.1', -1, 'CERT_HAS_EXPIRED'],
    ['is for another name', 'DNS:elsewhere.example', 30, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('ends with 8 when it %s, and still shows it', async (_, names, days, code) => {
    const report = await examined(await secured(authority.issue('bad', names, days)), ...ca)

    expect(report.exitCode).toBe(8)
    expect(report.findings.at(-1)).toMatchObject({ step: 'trust', status: 'failed', details: { code } })
    expect(found(report, 'certificate').text).toMatch(days < 0 ? /expired \d{4}-/ : /DNS:elsewhere\.example/)
    expectExplained(report.findings.at(-1)!)
  })

  it('ends with 8 when the CA is unknown', async () => {
    const report = await examined(await secured(authority.issue('good', 'IP:127.0.0.1')))

    expect(report.exitCode).toBe(8)
    expectExplained(report.findings.at(-1)!)
  })

  describe.each(['1.2', '1.3'])('of clients, with TLS %s', (version) => {
    async function demanding(): Promise<string> {
      const { cert, key } = authority.issue('server', 'IP:127.0.0.1')
      const tls = { cert, key, ca: authority.ca.cert, requireClientCertificate: true }
      return (await startBroker({ port: null, listen: ['mqtts://127.0.0.1:0'], tls })).broker.url
    }

    it('goes through with the one that is wanted', async () => {
      const { certFile, keyFile } = authority.issue('client', 'DNS:client')
      const args = ['--tls-version', version, '--cert', certFile, '--key', keyFile]

      const report = await examined(await demanding(), ...ca, ...args)

      expect(report.exitCode).toBe(0)
      expect(found(report, 'trust').status).toBe('ok')
    })

    it('ends with 8 without one, once, and says so', async () => {
      const report = await examined(await demanding(), ...ca, '--tls-version', version)

      expect(report.exitCode).toBe(8)
      const failed = report.findings.filter(({ status }) => status === 'failed')
      expect(failed).toHaveLength(1)
      expectExplained(failed[0]!)
      expect(failed[0]!.remedy).toContain('--cert')
    })

    it('names the certificate when the broker leaves without a word, because another CA has signed it', async () => {
      const stranger = new TestAuthority()
      const { certFile, keyFile } = stranger.issue('client', 'DNS:client')
      const args = ['--tls-version', version, '--cert', certFile, '--key', keyFile]

      const report = await examined(await demanding(), ...ca, ...args)
      stranger.remove()

      // whether the end comes before or after the handshake of TLS 1.3 is a matter of luck
      expect([3, 8]).toContain(report.exitCode)
      const failed = report.findings.find(({ status }) => status === 'failed')!
      expectExplained(failed)
      expect(failed.cause).toContain('may refuse the certificate of --cert')
    })
  })
})

describe('doctor and a key in place of certificates', () => {
  const KEY = '0011223344556677'

  async function withKeys(): Promise<string> {
    const pskFile = join(folder, 'keys')
    writeFileSync(pskFile, `sensor:${KEY}\n`)
    const serving = start(['serve', '-p', '0', '--tls-port', '0', '--psk-file', pskFile])
    await serving.says('mqtt-kit ready')
    return /mqtts:\S+/.exec(serving.stdout)![0]
  }

  it('goes through with the right one', async () => {
    const args = ['--no-messages', '--psk-identity', 'sensor', '--psk', KEY]

    const report = await examined(await withKeys(), ...args)

    expect(report.exitCode).toBe(0)
    expect(report.findings.map(({ status }) => status)).not.toContain('failed')
  })

  it.each([
    ['another key', ['--psk-identity', 'sensor', '--psk', '00']],
    ['a name that is not known', ['--psk-identity', 'nobody', '--psk', KEY]],
    ['certificates', []],
  ])('ends with 8 with %s', async (_, args) => {
    const report = await examined(await withKeys(), ...args)

    expect(report.exitCode).toBe(8)
    expectExplained(report.findings.at(-1)!)
  })
})

describe('doctor and SCRAM', () => {
  const scram = ['--no-messages', '--auth-method', 'scram-sha-256', '-u', 'ann']

  it('proves the password to the broker', async () => {
    const { url } = await startBroker({ users: new Map([['ann', 'secret']]) })

    const report = await examined(url, ...scram, '-P', 'secret')

    expect(report.exitCode).toBe(0)
    expect(statuses(report)).toContain('MQTT 5.0 ok')
  })

  it('ends with 5 when it is wrong, and when the broker does not know the method', async () => {
    const { url } = await startBroker({ users: new Map([['ann', 'secret']]) })
    const { url: without } = await startBroker()

    for (const [where, password] of [
      [url, 'wrong'],
      [without, 'secret'],
    ] as const) {
      const report = await examined(where, ...scram, '-P', password)
      expect(report.exitCode).toBe(5)
      expectExplained(report.findings.find(({ status }) => status === 'failed')!)
    }
  })
})
