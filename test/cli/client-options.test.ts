import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/cli/failure.ts'
import { clientOptions } from '../../src/cli/options/client-options.ts'
import { merged, parse } from '../../src/cli/options/parse.ts'
import { publishRows } from '../../src/cli/options/publish.ts'
import { targetOf } from '../../src/cli/options/target.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'
import { formatAddress } from '../../src/transport/address.ts'

function target(line: string, environment: Record<string, string> = {}) {
  const { address, userName, password, topic } = targetOf(parse(words(line), publishRows, environment)!, environment)
  return { address: formatAddress(address), userName, password, topic }
}

function options(line: string) {
  const parsed = parse(words(line), publishRows, {})!
  const typed = merged(parsed)
  const properties = [...(typed.property ?? []), ...(typed.prop ?? [])]
  const target = targetOf(parsed, {})
  const password = target.password === null ? null : Buffer.from(target.password.text)
  return clientOptions(typed, { target, password, properties, reconnects: false, needsV5: false })
}

function words(line: string): string[] {
  return line === '' ? [] : line.split(' ')
}

describe('where to connect', () => {
  it.each([
    ['', {}, 'mqtt://localhost:1883'],
    ['-h broker -p 1884', {}, 'mqtt://broker:1884'],
    ['-h ::1', {}, 'mqtt://[::1]:1883'],
    ['mqtt://broker', {}, 'mqtt://broker:1883'],
    ['tcp://broker:1885', {}, 'mqtt://broker:1885'],
    ['broker:1885', {}, 'mqtt://broker:1885'],
    ['-L mqtt://broker:1885', {}, 'mqtt://broker:1885'],
    ['unix:/run/mqtt.sock', {}, 'unix:/run/mqtt.sock'],
    ['--unix /run/mqtt.sock', {}, 'unix:/run/mqtt.sock'],
    ['mqtt://broker:1885 -p 1', {}, 'mqtt://broker:1'],
    ['mqtt://broker:1885 -h other', {}, 'mqtt://other:1885'],
    ['', { MQTT_URL: 'mqtt://broker:1885' }, 'mqtt://broker:1885'],
    ['mqtt://given', { MQTT_URL: 'mqtt://broker:1885' }, 'mqtt://given:1883'],
    ['-p 1', { MQTT_URL: 'mqtt://broker:1885' }, 'mqtt://broker:1'],
    ['', { MQTT_KIT_HOST: 'broker', MQTT_KIT_PORT: '1885' }, 'mqtt://broker:1885'],
    ['-h other', { MQTT_KIT_HOST: 'broker', MQTT_KIT_PORT: '1885' }, 'mqtt://other:1885'],
    ['mqtt://given', { MQTT_KIT_HOST: 'broker', MQTT_KIT_PORT: '1885' }, 'mqtt://given:1885'],
    ['', { MQTT_KIT_UNIX: '/a.sock' }, 'unix:/a.sock'],
    ['mqtts://broker', {}, 'mqtts://broker:8883'],
    ['mqtts://broker -p 1', {}, 'mqtts://broker:1'],
    ['mqtts://broker -h other', {}, 'mqtts://other:8883'],
    ['--tls', {}, 'mqtts://localhost:8883'],
    ['--tls -p 1883', {}, 'mqtts://localhost:1883'],
    ['--tls mqtt://broker', {}, 'mqtts://broker:8883'],
    ['--tls mqtt://broker:1885', {}, 'mqtts://broker:1885'],
    ['--tls ws://broker/a', {}, 'wss://broker:443/a'],
    ['wss://broker --insecure', {}, 'wss://broker:443/mqtt'],
    ['', { MQTT_KIT_TLS: '1', MQTT_KIT_HOST: 'broker' }, 'mqtts://broker:8883'],
    ['mqtt://broker', { MQTT_KIT_CA: 'file' }, 'mqtt://broker:1883'],
    ['-h broker', { MQTT_KIT_CA: 'file' }, 'mqtts://broker:8883'],
    ['', { MQTT_KIT_CA: 'file', MQTT_URL: 'mqtt://broker' }, 'mqtt://broker:1883'],
    ['-h ::1', { MQTT_URL: 'unix:/a.sock' }, 'mqtt://[::1]:1883'],
    ['ws://broker', {}, 'ws://broker:80/mqtt'],
    ['-h other', { MQTT_KIT_UNIX: '/a.sock' }, 'mqtt://other:1883'],
  ])('is, with %j and %j, %s', (line, environment, expected) => {
    expect(target(line, environment).address).toBe(expected)
  })

  it('takes user, password and topic from a URL, decoded', () => {
    expect(target('mqtt://ann:p%40ss@[::1]:1884/a/b/#')).toEqual({
      address: 'mqtt://[::1]:1884',
      userName: 'ann',
      password: { kind: 'text', text: 'p@ss' },
      topic: 'a/b/#',
    })
  })

  it('prefers the user of an option to that of a URL, and that to the environment', () => {
    const environment = { MQTT_KIT_USER: 'eve' }

    expect(target('mqtt://ann@h -u bob', environment).userName).toBe('bob')
    expect(target('mqtt://ann@h', environment).userName).toBe('ann')
    expect(target('mqtt://h', environment).userName).toBe('eve')
  })

  it.each([
    ['hello', 'unexpected argument "hello"; a broker looks like mqtt://localhost:1883'],
    ['mqtt://a mqtt://b', 'unexpected argument "mqtt://b"'],
    ['mqtt://a -L mqtt://b', 'there is a URL as argument and one with -L'],
    ['mqtt://a:x', 'the URL: a port that is no number'],
    ['-L http://a', '-L: unknown scheme in "http://a"'],
    ['mqtt://a --cert file', '--cert needs TLS: add --tls, or use mqtts:// or wss://'],
    ['--unix /s --ca file', 'there is no TLS on unix sockets'],
    ['-h a --alpn mqtt', '--alpn needs TLS'],
    ['-h a --psk-identity me', '--psk-identity needs TLS'],
    ['ws://a --insecure', '--insecure needs TLS'],
    ['-h a --key-password secret', '--key-password needs TLS'],
    ['unix:/a --tls', 'there is no TLS on unix sockets'],
  ])('is refused for %j', (line, message) => {
    expect(() => target(line)).toThrow(UsageError)
    expect(() => target(line)).toThrow(message)
  })

  it('names MQTT_URL when that is wrong', () => {
    expect(() => target('', { MQTT_URL: 'mqtt://a:x' })).toThrow(/^MQTT_URL: /)
  })
})

describe('the options of the client', () => {
  it('have the defaults of the standard tools', () => {
    expect(options('')).toMatchObject({
      version: ProtocolVersion.V5,
      clientId: '',
      cleanStart: true,
      keepAliveSeconds: 60,
      userName: null,
      password: null,
      will: null,
      connectProperties: {},
      connectTimeoutMs: 10_000,
      reconnect: null,
      fallbackToV311: true,
    })
  })

  it('keep a session for ever with -c, and as long as -x says', () => {
    const never = { sessionExpiryIntervalSeconds: 0xffff_ffff }

    expect(options('-c -i me')).toMatchObject({ cleanStart: false, connectProperties: never })
    expect(options('-c -i me -x 60').connectProperties).toEqual({ sessionExpiryIntervalSeconds: 60 })
    expect(options('-c -i me -V 3.1.1')).toMatchObject({ cleanStart: false, connectProperties: {} })
  })

  it('hold the will with its properties', () => {
    const line = '--will-topic w --will-payload gone --will-qos 1 --will-retain -D will content-type text'

    expect(options(line).will).toEqual({
      topicName: 'w',
      payload: Buffer.from('gone'),
      qos: 1,
      retain: true,
      properties: { contentType: 'text' },
    })
  })

  it('make a client identifier of at most 23 characters for MQTT 3.1, and one from a prefix', () => {
    expect(options('-V 3.1').clientId).toMatch(/^[0-9a-z-]{1,23}$/)
    expect(options('-I pre-').clientId).toMatch(/^pre-[0-9a-f]{10}$/)
    expect(options('-I pre-').clientId).not.toBe(options('-I pre-').clientId)
  })

  it('fall back to 3.1.1 only when nothing was asked for that it cannot do', () => {
    expect(options('-V 5').fallbackToV311).toBe(false)
    expect(options('-x 5').fallbackToV311).toBe(false)
    expect(options('--prop content-type=a').fallbackToV311).toBe(false)
    expect(options('-c -i me').fallbackToV311).toBe(true)
  })

  it('reconnect as often as --max-reconnect says', () => {
    expect(options('--max-reconnect 3').reconnect).toMatchObject({ maximumAttempts: 3 })
    expect(options('--max-reconnect 0').reconnect).toBeNull()
    expect(options('--no-reconnect').reconnect).toBeNull()
  })

  it.each([
    ['-V 3.1.1 --prop content-type=a', 'properties need MQTT 5.0, and -V asks for MQTT 3.1.1'],
    ['-V 3.1 -x 5', '-x needs MQTT 5.0'],
    ['-V 3.1.1 -P secret', 'a password needs a user name (-u) in MQTT 3.1.1'],
    ['-i a -I b', 'give either -i or -I, not both'],
    ['-c', '-c needs the client identifier of the session: add -i ID'],
    ['--will-payload x', '--will-payload needs a will: add --will-topic TOPIC'],
    ['--will-retain', '--will-retain needs a will'],
    ['--will-on-exit', '--will-on-exit needs a will'],
    ['--prop will.content-type=a', 'a property of the will needs a will'],
    ['-x 5 --prop connect.session-expiry-interval=6', 'session expiry is given twice'],
    ['--no-reconnect --max-reconnect 3', 'give either --no-reconnect or --max-reconnect, not both'],
  ])('are refused for %j', (line, message) => {
    expect(() => options(line)).toThrow(UsageError)
    expect(() => options(line)).toThrow(message)
  })
})
