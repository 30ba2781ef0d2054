import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parseMosquittoFile } from '../../src/cli/configuration/mosquitto-file.ts'
import { needingRestart } from '../../src/cli/configuration/serve-configuration.ts'
import { collectSettings } from '../../src/cli/configuration/setting.ts'
import { parseTomlFile } from '../../src/cli/configuration/toml-file.ts'
import { serveRows } from '../../src/cli/options/serve.ts'
import { parseAddress } from '../../src/transport/address.ts'
import { type Certificate, hasOpenssl, TestAuthority } from '../support/certificates.ts'
import { type Program, run, start } from '../support/program.ts'
import { RawClient } from '../support/raw-client.ts'

const tomlFile = (...lines: string[]) => parseTomlFile(lines.join('\n'), '/etc/kit.toml', serveRows)
const toml = (...lines: string[]) => collectSettings(tomlFile(...lines).settings, serveRows, '/etc/kit.toml')

function mosquitto(...lines: string[]) {
  const { settings, warnings } = parseMosquittoFile(lines.join('\n'), '/etc/m.conf', serveRows)
  return { ...collectSettings(settings, serveRows, '/etc/m.conf'), warnings }
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'mqtt-kit-'))
  onTestFinished(() => rmSync(path, { recursive: true }))
  return path
}

describe('a TOML file', () => {
  it('has every long option for a key, at the top or under its group', () => {
    const typed = toml(
      'port = 0',
      'listen = ["mqtt://127.0.0.1:1884", "unix:/run/mqtt.sock"]',
      'user = "ann:a:b" # one is enough',
      'allow-anonymous = false',
      'acl = "rules"',
      '[limits]',
      'max-queued = 1_000',
      'no-retain = true',
      'queue-overflow = "drop-oldest"',
      '[output]',
      'verbose = true',
    )

    expect(typed).toEqual({
      port: 0,
      listen: ['mqtt://127.0.0.1:1884', 'unix:/run/mqtt.sock'],
      user: [{ name: 'ann', password: 'a:b' }],
      acl: '/etc/rules',
      maxQueued: 1000,
      noRetain: true,
      queueOverflow: 'drop-oldest',
      verbose: true,
    })
  })

  it.each([
    [['port = 1', 'max-queue = 5'], '2:1: unknown key "max-queue"; did you mean max-queued?'],
    [['[limit]'], '1:1: unknown key "limit"; did you mean limits?'],
    [['[limits]', '  max-queued = -1'], '2:3: max-queued "-1": expected a whole number from 0 up'],
    [['max-qos = 3'], '1:1: max-qos "3": expected a whole number from 0 to 2'],
    [['', 'user = ["secret"]'], '2:1: user: expected NAME:PASSWORD'],
    [['verbose = 1'], '1:1: verbose: expected true or false'],
    [['port = [1, 2]'], '1:1: port: expected one value, not an array'],
    [['port = 2026-01-01'], '1:1: port: expected text or a number'],
    [['port = 1', '[listening]', 'port = 2'], '3:1: port stands in the file twice'],
    [['port = 1', 'host = localhost'], '2:8: not valid TOML: '],
    [['config = "other.toml"'], '1:1: unknown key "config"'],
    [['', '[[listener]]', 'tls-cert = "a"'], '2:1: listener: expected a url like "mqtts://:8883"'],
    [['[[listener]]', 'url = "gopher://a"'], '1:1: listener: unknown scheme in "gopher://a"'],
    [
      ['[[listener]]', 'url = "mqtts://:1"', 'tls-crt = "a"'],
      '1:1: listener mqtts://:1: unknown key "tls-crt"; did you mean tls-cert?',
    ],
    [['[[listener]]', 'url = "mqtts://:1"', 'max-qos = 1'], '1:1: listener mqtts://:1: unknown key "max-qos"'],
  ])('with a mistake is refused with its place: %j', (lines, message) => {
    expect(() => toml(...lines)).toThrow(`/etc/kit.toml:${message}`)
  })
})

it('a [[listener]] of a TOML file has options of its own', () => {
  const { listeners } = tomlFile(
    '[[listener]]',
    'url = "mqtts://127.0.0.1:8883"',
    'tls-cert = "a.crt"',
    'proxy-protocol = ["10.0.0.0/8", "::1"]',
    '[[listener]]',
    'url = "mqtt://127.0.0.1:1883"',
  )

  expect(listeners.map(({ url, settings }) => [url, ...settings.map(({ name, text }) => `${name} ${text}`)])).toEqual([
    ['mqtts://127.0.0.1:8883', 'tls-cert a.crt', 'proxy-protocol 10.0.0.0/8', 'proxy-protocol ::1'],
    ['mqtt://127.0.0.1:1883'],
  ])
})

describe('a mosquitto.conf', () => {
  it('has certificates for each listener', () => {
    const { settings, listeners, warnings } = parseMosquittoFile(
      [
        'allow_anonymous true',
        'listener 1883',
        'listener 8883',
        'certfile a.crt',
        'keyfile a.key',
        'listener 8884 ::1',
        'protocol websockets',
        'certfile b.crt',
        'keyfile b.key',
        'require_certificate true',
        'cafile ca.crt',
        'listener 8885',
        'psk_file keys',
      ].join('\n'),
      '/etc/m.conf',
      serveRows,
    )

    expect(settings.filter(({ key }) => key === 'listen').map(({ text }) => text)).toEqual(['mqtt://:1883'])
    expect(listeners.map(({ url, settings }) => [url, ...settings.map(({ key, text }) => `${key} ${text}`)])).toEqual([
      ['mqtts://:8883', 'tlsCert a.crt', 'tlsKey a.key'],
      ['wss://[::1]:8884', 'tlsCert b.crt', 'tlsKey b.key', 'requireClientCert ', 'tlsCa ca.crt'],
      ['mqtts://:8885', 'pskFile keys'],
    ])
    expect(warnings).toEqual([])
  })

  it('is done as far as there are options', () => {
    expect(
      mosquitto(
        '# mine',
        'listener 1883',
        'listener 1884 127.0.0.1',
        'listener 0 /run/mqtt.sock',
        'allow_anonymous true',
        'password_file users',
        'acl_file /etc/acl',
        'max_inflight_messages 0',
        'max_queued_messages 10',
        'max_connections -1',
        'persistent_client_expiration 14d',
        'queue_qos0_messages true',
        'retain_available false',
        'per_listener_settings false',
      ),
    ).toEqual({
      listen: ['mqtt://:1883', 'mqtt://127.0.0.1:1884', 'unix:/run/mqtt.sock'],
      allowAnonymous: true,
      passwordFile: '/etc/users',
      acl: '/etc/acl',
      maxInflight: 65_535,
      maxQueued: 10,
      maxSessionExpiry: 14 * 86_400,
      queueQos0: true,
      noRetain: true,
      warnings: [],
    })
  })

  it('joins bind_address and port, and warns of what is not supported', () => {
    expect(
      mosquitto('bind_address ::1', 'log_dest file /var/log/m.log', '  connection bridge', 'allow_anonymous true'),
    ).toEqual({
      listen: ['mqtt://[::1]:1883'],
      allowAnonymous: true,
      warnings: [
        '/etc/m.conf:2:1: log_dest is not supported and has no effect',
        '/etc/m.conf:3:3: connection is not supported and has no effect',
      ],
    })
  })

  it('keeps data where it says so, in whatever order, and does not claim to where it does not', () => {
    const location = 'persistence_location /var/lib/m'

    expect(mosquitto(location, 'persistence true')).toEqual({ data: '/var/lib/m', warnings: [] })
    expect(mosquitto('persistence false', location)).toEqual({ warnings: [] })
    expect(mosquitto(location)).toEqual({ warnings: [] })
    expect(mosquitto('', 'persistence true')).toEqual({
      warnings: ['/etc/m.conf:2:1: persistence is off, for there is no persistence_location'],
    })
  })

  it('lets clients in by their certificates', () => {
    const lines = ['listener 8883', 'certfile a', 'keyfile b', 'cafile c', 'require_certificate true']

    const { listeners } = parseMosquittoFile(
      [...lines, 'use_identity_as_username true'].join('\n'),
      '/etc/m.conf',
      serveRows,
    )
    expect(listeners[0]!.settings.map(({ key }) => key)).toEqual([
      'tlsCert',
      'tlsKey',
      'tlsCa',
      'requireClientCert',
      'certUser',
    ])
    expect(() => mosquitto(...lines)).toThrow('nobody may connect')
  })

  it.each([
    [['listener'], '1:1: listener: expected a port'],
    [['allow_anonymous maybe'], '1:1: allow_anonymous: expected true or false'],
    [['max_qos 5'], '1:1: max_qos "5": expected a whole number from 0 to 2'],
    [['', 'listener 1883'], '2:1: nobody may connect: say password_file or allow_anonymous true'],
    [['persistent_client_expiration soon'], '1:1: persistent_client_expiration: expected a time like 12h or 14d'],
  ])('with a mistake is refused with its place: %j', (lines, message) => {
    expect(() => mosquitto(...lines)).toThrow(`/etc/m.conf:${message}`)
  })
})

it('a change of what a running broker cannot take over is named', () => {
  const before = { port: 1, maxQueued: 1, acl: 'a' }

  expect(needingRestart(before, { port: 1, maxQueued: 2, acl: 'b' })).toEqual([])
  expect(needingRestart(before, { port: 2, noRetain: true })).toEqual(['--port', '--no-retain'])
})

describe('serve --config', () => {
  async function serving(path: string, ...args: string[]): Promise<{ program: Program; url: string }> {
    const program = start(['serve', '-p', '0', '--config', path, ...args])
    await program.says('mqtt-kit ready')
    return { program, url: program.stdout.trim().split(' ').at(-1)! }
  }

  it('takes the file, and the command line over it', async () => {
    const path = join(folder(), 'kit.toml')
    writeFileSync(path, 'max-qos = 0\nno-retain = true\n')

    const { url } = await serving(path, '--max-qos', '1')
    const client = await RawClient.connected(url)

    expect(client.connack.properties).toMatchObject({ maximumQos: 1, retainAvailable: 0 })
    client.socket.destroy()
  })

  it.skipIf(!hasOpenssl)('gives each listener the certificate that it names', async () => {
    const authority = new TestAuthority()
    onTestFinished(() => authority.remove())
    const [one, two] = ['one', 'two'].map((name) => authority.issue(name, 'IP:127.0.0.1'))
    const path = join(folder(), 'kit.toml')
    const section = ({ certFile, keyFile }: Certificate) =>
      `[[listener]]\nurl = "mqtts://127.0.0.1:0"\ntls-cert = ${JSON.stringify(certFile)}\ntls-key = ${JSON.stringify(keyFile)}\n`
    writeFileSync(path, section(one!) + section(two!))
    const { program } = await serving(path)
    const names: string[] = []
    for (const url of program.stdout.trim().split(' ').slice(-2)) {
      const { host, port } = parseAddress(url).address
      const socket = tls.connect({ host, port, ca: authority.ca.cert })
      onTestFinished(() => void socket.destroy())
      await once(socket, 'secureConnect')
      names.push(String(socket.getPeerCertificate().subject.CN))
    }

    expect(names).toEqual(['one', 'two'])
  })

  it('is checked with all its files by --check-config', async () => {
    const path = join(folder(), 'kit.toml')
    writeFileSync(path, 'acl = "rules"\n')
    const check = () => run(['serve', '--config', path, '--check-config'])

    expect(await check()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('cannot read --acl') })
    writeFileSync(join(path, '..', 'rules'), 'topic read a\nuser\n')
    expect(await check()).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('rules:2: user needs a value') })
    writeFileSync(join(path, '..', 'rules'), 'topic read a\n')
    expect(await check()).toMatchObject({ exitCode: 0, stdout: 'the configuration has no mistakes\n', stderr: '' })
  })

  it('is read anew on SIGHUP: users, rules and limits change, nobody is dropped, and a mistake changes nothing', async () => {
    const directory = folder()
    const path = join(directory, 'kit.toml')
    const acl = join(directory, 'rules')
    writeFileSync(path, 'user = "ann:one"\nallow-anonymous = true\nacl = "rules"\n')
    writeFileSync(acl, 'topic a\ntopic b\n')
    const { program, url } = await serving(path)
    const subscriber = await RawClient.connected(url)
    await subscriber.subscribe(['a', 'b'])
    const publish = (topic: string, ...args: string[]) =>
      run(['pub', url, '-t', topic, '-m', topic, '-q', '1', ...args]).then(({ exitCode }) => exitCode)
    expect(await publish('a')).toBe(0)
    expect(await subscriber.message()).toMatchObject({ topic: 'a' })

    writeFileSync(
      path,
      'user = "ann:two"\nallow-anonymous = true\nacl = "rules"\nmax-qos = 0\nmax-connections = 2\nsys-interval = 5\n',
    )
    writeFileSync(acl, 'topic b\nuser ann\ntopic write b\n')
    program.kill('SIGHUP')
    await program.says('configuration read anew; --sys-interval will count after a restart')

    expect(await publish('a', '-q', '0', '-V', '5')).toBe(0)
    expect(await publish('b', '-q', '0', '-u', 'ann', '-P', 'one')).toBe(5)
    expect(await publish('b', '-q', '0', '-u', 'ann', '-P', 'two')).toBe(0)
    expect(await subscriber.message()).toMatchObject({ topic: 'b' })

    writeFileSync(path, 'user = "ann:three"\nmax-qos = 9\n')
    program.kill('SIGHUP')
    await program.says('the configuration stays as it was')
    expect(program.stderr).toContain('kit.toml:2:1: max-qos "9": expected a whole number from 0 to 2')
    expect(await publish('b', '-q', '0', '-u', 'ann', '-P', 'two')).toBe(0)
    expect(await subscriber.message()).toMatchObject({ topic: 'b' })
    subscriber.socket.destroy()
  })
})
