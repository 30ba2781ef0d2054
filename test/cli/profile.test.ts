import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { locate } from '../../src/cli/configuration/toml-file.ts'
import { type Outcome, run, start } from '../support/program.ts'
import { startBroker } from '../support/test-broker.ts'

const folder = mkdtempSync(join(tmpdir(), 'mqtt-kit-profile-'))
const config = join(folder, 'mqtt-kit', 'config.toml')
mkdirSync(join(folder, 'mqtt-kit'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

function written(text: string, mode = 0o600): void {
  rmSync(config, { force: true })
  writeFileSync(config, text)
  chmodSync(config, mode)
}

/** Runs it where the configuration file is the one that was written. */
function configured(args: readonly string[], environment: Record<string, string> = {}): Promise<Outcome> {
  return run(args, { environment: { XDG_CONFIG_HOME: folder, HOME: '/nowhere', ...environment } })
}

/** Lines of --show-config by the name of the option: value and origin. */
async function shown(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Record<string, [value: string, origin: string]>> {
  const { exitCode, stdout, stderr } = await configured([...args, '--show-config'], environment)
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  const lines = stdout.trimEnd().split('\n')
  return Object.fromEntries(
    lines.map((line) => {
      const [name = '', value = '', origin = ''] = line.split(/ {2,}/)
      return [name, [value, origin]]
    }),
  )
}

const FROM_PROFILE = `profile lab in ${config}`

describe('--profile', () => {
  it('says where to connect and as whom, to all clients', async () => {
    const { url, client } = await startBroker({ users: new Map([['ann', 'secret']]) })
    const { port } = new URL(url)
    const subscriber = await client({ userName: 'ann', password: Buffer.from('secret') })
    await subscriber.subscribe('from/profile')
    written(`
      [profile.lab]
      port = ${port}
      host = "127.0.0.1"
      user = "ann"
      password = "secret"
      topic = "from/profile"
      qos = 1
      retain-as-published = true
      until = "payload == 1"
      duration = "100ms"
      warmup = 0
      serve = "cat"
      `)

    expect(await configured(['pub', '--profile', 'lab', '-m', 'x'])).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await subscriber.message()).toMatchObject({ topic: 'from/profile', payload: 'x' })
    const waited = await configured(['sub', '--profile', 'lab', '-E'], { MQTT_KIT_PROFILE: 'lab' })
    expect(waited).toMatchObject({ exitCode: 0, stderr: '' })
    const doctor = await configured(['doctor', '--profile', 'lab', '--no-messages'])
    expect(doctor).toMatchObject({ exitCode: 0, stderr: '' })
  })

  it('is told to the broker as far as nothing stronger speaks', async () => {
    const { url, client } = await startBroker()
    const subscriber = await client()
    await subscriber.subscribe('a')
    written(`[profile.lab]\nurl = "${url}"\ntopic = "a"\nqos = 0\nretain = true\nkeepalive = 5\nid = "profile"`)

    const pub = ['pub', '--profile', 'lab', '-m', 'x', '-d', '-k', '9']
    const { exitCode, stderr } = await configured(pub, { MQTT_KIT_QOS: '1', MQTT_KIT_KEEPALIVE: '7' })

    expect(exitCode).toBe(0)
    expect(stderr).toContain('-> CONNECT 5.0 client-id="profile" clean-start keep-alive=9s')
    expect(stderr).toContain('-> PUBLISH id=1 qos=1 retain topic="a"')
  })

  it('has options that only some clients have', async () => {
    const { url, client } = await startBroker()
    const answering = await client()
    await answering.subscribe('ask')
    written(`[profile.lab]\nurl = "${url}"\nclients = 1\nmessages = 100\nwarmup = 0\n[profile.ask]\nurl = "${url}/ask"`)

    const bench = await configured(['bench', '--profile', 'lab', '--json', '--quiet'])
    expect(bench).toMatchObject({ exitCode: 0, stderr: '' })
    expect(JSON.parse(bench.stdout)).toMatchObject({ config: { clients: 1 }, environment: { embeddedBroker: false } })
    start(['rr', '--profile', 'ask', '-m', 'x'], { environment: { XDG_CONFIG_HOME: folder } })
    expect((await answering.message()).topic).toBe('ask')
  })

  it('is weaker than environment, URL and flags, in this order', async () => {
    written(
      '[profile.lab]\nuser = "profile"\nkeepalive = 1\nqos = 1\nhost = "profile"\nport = 4\nid = "profile"\ntopic = "profile"',
    )
    const variables = {
      MQTT_KIT_KEEPALIVE: '2',
      MQTT_KIT_USER: 'environment',
      MQTT_KIT_HOST: 'environment',
      MQTT_KIT_TOPIC: 'e',
    }

    expect(await shown(['pub', '--profile', 'lab', '-m', 'x'])).toMatchObject({
      broker: ['mqtt://profile:4', ''],
      user: ['profile', FROM_PROFILE],
      keepalive: ['1', FROM_PROFILE],
      topic: ['profile', FROM_PROFILE],
      'will-qos': ['0', 'default'],
    })
    expect(await shown(['pub', '--profile', 'lab', '-m', 'x'], variables)).toMatchObject({
      host: ['environment', 'MQTT_KIT_HOST'],
      port: ['4', FROM_PROFILE],
      user: ['environment', 'MQTT_KIT_USER'],
      keepalive: ['2', 'MQTT_KIT_KEEPALIVE'],
      topic: ['e', 'MQTT_KIT_TOPIC'],
    })
    expect(await shown(['pub', '--profile', 'lab', '-m', 'x', 'mqtt://url@url/u'], variables)).toMatchObject({
      host: ['url', 'URL'],
      port: ['4', FROM_PROFILE],
      user: ['url', 'URL'],
      topic: ['u', 'URL'],
      qos: ['1', FROM_PROFILE],
    })
    const flags = ['-u', 'flag', '-h', 'flag', '-t', 'f', '-k', '3', '-I', 'prefix']
    const all = await shown(['pub', '--profile', 'lab', '-m', 'x', 'mqtt://url@url/u', ...flags], variables)
    expect(all).toMatchObject({
      host: ['flag', '-h'],
      user: ['flag', '-u'],
      topic: ['f', '-t'],
      keepalive: ['3', '-k'],
      'id-prefix': ['prefix', '-I'],
    })
    expect(all).not.toHaveProperty('id')
  })

  it('gives a URL of which another one takes the place, password and all', async () => {
    written('[profile.lab]\nurl = "mqtts://ann:secret@lab:8884/a"')

    const own = await shown(['sub', '--profile', 'lab'])
    expect(own).toMatchObject({
      broker: ['mqtts://lab:8884', ''],
      url: ['mqtts://ann:(hidden)@lab:8884/a', FROM_PROFILE],
      user: ['ann', `url of ${FROM_PROFILE}`],
      password: ['(hidden)', `url of ${FROM_PROFILE}`],
      topic: ['a', `url of ${FROM_PROFILE}`],
    })
    const other = await shown(['sub', '--profile', 'lab', '-t', 'x'], { MQTT_URL: 'mqtt://bob:pw@other' })
    expect(other).toMatchObject({
      broker: ['mqtt://other:1883', ''],
      url: ['mqtt://bob:(hidden)@other', 'MQTT_URL'],
      password: ['(hidden)', 'MQTT_URL'],
    })
    const plain = await shown(['sub', '--profile', 'lab', '-t', 'x', 'mqtt://other'])
    expect(plain).not.toHaveProperty('password')
    expect(plain).not.toHaveProperty('user')
  })

  it('implies TLS with a CA, as the option does, and reads files beside it', async () => {
    written('[profile.lab]\nca = "ca.crt"')

    expect(await shown(['sub', '--profile', 'lab', '-t', 'x'])).toMatchObject({
      broker: ['mqtts://localhost:8883', ''],
      ca: [join(folder, 'mqtt-kit', 'ca.crt'), FROM_PROFILE],
    })
  })

  it.each([
    ['[profile.lab]\n\n  qoss = 1', '3:3: unknown key "qoss"; did you mean qos?'],
    ['[profile.lab]\nqos = 3', '2:1: qos "3": expected 0 (at most once)'],
    ['[profile]\nlab.qos = 3', '2:1: qos "3": expected 0 (at most once)'],
    ['profile = { lab = { qos = 3 } }', '1:1: qos "3": expected'],
    ['[profile.other]\nqos = 3\n[profile."lab"]\nretain = 1', '4:1: retain: expected true or false'],
    ['[profile.lab]\ntopic = ["a", "b"]', '2:1: topic: expected one value, not an array'],
    ['[profile.lab]\nclients = "many"', '2:1: clients "many": expected a whole number'],
    ['[profile.lab]\npsk = "secret"', '2:1: psk: expected a key in hexadecimal'],
    ['[profile.lab]\nprofile = "x"', '2:1: unknown key "profile"'],
    ['[profile.lab]\nqos = ', '2:7: not valid TOML'],
    ['[profil.lab]\nqos = 1', '1:1: unknown key "profil"; did you mean profile?'],
    ['[profile]\nqos = 1', '2:1: profile.qos: expected a table'],
  ])('with %j ends with 2 and the place', async (text, message) => {
    written(text)

    const { exitCode, stdout, stderr } = await configured(['pub', '--profile', 'lab', '-t', 'a', '-m', 'x'])

    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
    expect(stderr).toContain(`mqtt-kit pub: ${config}:${message}`)
  })

  it('that is not there ends with 2 and the names of those that are', async () => {
    written('[profile.lab]\nqos = 1\n[profile.office]\nqos = 2')

    expect(await configured(['sub', '--profile', 'ofice', '-t', 'a'])).toMatchObject({
      exitCode: 2,
      stderr: `mqtt-kit sub: --profile ofice: ${config} has no such profile; it has lab, office; did you mean office? (mqtt-kit sub --help)\n`,
    })
    rmSync(config)
    expect(await configured(['sub', '--profile', 'lab', '-t', 'a'])).toMatchObject({
      exitCode: 2,
      stderr: `mqtt-kit sub: --profile lab: there is no ${config}; begin one with [profile.lab]\n`,
    })
  })

  it('is looked for in ~/.config without XDG_CONFIG_HOME, and with a relative one', async () => {
    const message = 'there is no /nowhere/.config/mqtt-kit/config.toml'

    for (const XDG_CONFIG_HOME of ['', 'relative']) {
      expect((await configured(['sub', '--profile', 'lab', '-t', 'a'], { XDG_CONFIG_HOME })).stderr).toContain(message)
    }
    const { exitCode, stderr } = await configured(['sub', '--profile', 'lab', '-t', 'a'], {
      XDG_CONFIG_HOME: '',
      HOME: '',
    })
    expect({ exitCode, stderr }).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('neither XDG_CONFIG_HOME nor HOME'),
    })
  })

  it.each([
    ['password = "secret"', 0o644, true],
    ['url = "mqtt://ann:secret@lab"', 0o640, true],
    ['key-password = "secret"', 0o604, true],
    ['password = "secret"', 0o600, false],
    ['password = "-"', 0o644, false],
    ['url = "mqtt://ann@lab"', 0o644, false],
    ['password-file = "pw"', 0o644, false],
  ])('warns of %j in a file of mode %o: %j', async (line, mode, isWarned) => {
    written(`[profile.lab]\nqos = 1\n[profile.other]\n${line}`, mode)
    const sub = ['sub', '--profile', 'lab', '-t', 'a', '--show-config']

    const { exitCode, stderr } = await configured(sub)

    expect(exitCode).toBe(0)
    const warning = `mqtt-kit sub: warning: ${config} holds a password, and other users can read it: chmod 600 ${config}\n`
    expect(stderr).toBe(isWarned ? warning : '')
    expect((await configured([...sub, '--quiet'])).stderr).toBe('')
  })

  it('names are offered to shells, and a bad file offers none', async () => {
    written('[profile.lab]\nqos = 1\n[profile."my office"]\nqos = 2')
    expect(await configured(['completion', 'profiles'])).toMatchObject({ exitCode: 0, stdout: 'lab\nmy office\n' })
    written('[[[')
    expect(await configured(['completion', 'profiles'])).toMatchObject({ exitCode: 0, stdout: '', stderr: '' })
  })
})

describe('--show-config', () => {
  it('hides every secret', async () => {
    const psk = '00112233'
    const { stdout } = await configured(
      [
        'pub',
        'mqtts://ann:hunter2@lab',
        '-t',
        'a',
        '-m',
        'x',
        '--key-password',
        'hunter2',
        '--psk',
        psk,
        '--show-config',
      ].concat(['--prop', 'connect.authentication-data=hunter2', '-D', 'connect', 'authentication-data', 'hunter2']),
      { MQTT_KIT_PASSWORD: 'hunter2' },
    )

    expect(stdout).toMatch(/^password +\(hidden\) +URL$/m)
    expect(stdout).not.toMatch(/hunter2|00112233/)
  })

  it.each([
    [['-P', '-'], {}, 'password', ['(asked for)', '-P']],
    [[], { MQTT_KIT_PASSWORD_FILE: '/pw' }, 'password-file', ['/pw', 'MQTT_KIT_PASSWORD_FILE']],
    [['--password-env', 'PW'], { MQTT_KIT_PASSWORD_FILE: '/pw' }, 'password-env', ['PW', '--password-env']],
    [['mqtt://ann:pw@h'], { MQTT_KIT_PASSWORD_FILE: '/pw' }, 'password', ['(hidden)', 'URL']],
    [['--unix', '/s'], {}, 'unix', ['/s', '--unix']],
    [[], { MQTT_KIT_RETAIN: 'yes' }, 'retain', ['true', 'MQTT_KIT_RETAIN']],
  ])('with %j and %j tells %s', async (args, environment, name, expected) => {
    expect((await shown(['pub', '-t', 'a', '-m', 'x', ...args], environment))[name]).toEqual(expected)
  })

  it('of bench tells that it has a broker of its own', async () => {
    expect((await shown(['bench', 'fanin']))['broker']).toEqual(['its own', ''])
    expect((await shown(['bench', 'fanin', 'mqtt://lab']))['broker']).toEqual(['mqtt://lab:1883', ''])
  })

  it('ends with 2 for what is wrong anyway', async () => {
    expect((await configured(['sub', 'http://lab', '--show-config'])).exitCode).toBe(2)
    expect((await configured(['sub', '-q', '3', '--show-config'])).exitCode).toBe(2)
  })

  it('of serve tells file and line, and opens nothing', async () => {
    const file = join(folder, 'kit.toml')
    writeFileSync(
      file,
      'max-queued = 5\nuser = ["ann:secret"]\n[limits]\nmax-inflight = 7\n[[listener]]\nurl = "mqtt://127.0.0.1:1"\nws-origin = "https://a"\n',
    )

    const all = await shown(['serve', '--config', file, '--max-queued', '6'], { MQTT_KIT_MAX_RETAINED: '9' })

    expect(all).toMatchObject({
      config: [file, '--config'],
      'max-queued': ['6', '--max-queued'],
      'max-inflight': ['7', `${file}:4`],
      'max-retained': ['9', 'MQTT_KIT_MAX_RETAINED'],
      user: ['(hidden)', `${file}:2`],
      durability: ['process', 'default'],
    })
    expect(all).not.toHaveProperty('port')
    const { stdout } = await configured(['serve', '--config', file, '--show-config'])
    expect(stdout).toMatch(
      /^listener mqtt:\/\/127\.0\.0\.1:1 +\S+kit\.toml\n {2}ws-origin +https:\/\/a +\S+kit\.toml:5$/m,
    )
  })
})

describe('the place of a key', () => {
  const text = 'a = 1\n[t]\n  "b c" = 2\nd.e = 3\n[[l]]\nf = 4\n'

  it.each([
    [['a'], 1, 1],
    [['t'], 2, 1],
    [['t', 'b c'], 3, 3],
    [['t', 'd', 'e'], 4, 1],
    [['l', 'f'], 6, 1],
    [['t', 'nowhere'], 2, 1],
    [['nowhere'], 1, 1],
  ])('%j is %i:%i', (path, line, column) => {
    expect(locate(text, path)).toEqual({ line, column })
  })
})
