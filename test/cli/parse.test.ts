import { describe, expect, it } from 'vitest'
import { UsageError } from '../../src/cli/failure.ts'
import { merged, parse } from '../../src/cli/options/parse.ts'
import { propertiesFor } from '../../src/cli/options/property-argument.ts'
import { publishRows } from '../../src/cli/options/publish.ts'
import { serveRows } from '../../src/cli/options/serve.ts'
import { subscribeRows } from '../../src/cli/options/subscribe.ts'
import { PacketType } from '../../src/codec/packet-type.ts'
import { WILL_PROPERTIES } from '../../src/codec/property.ts'
import { ProtocolVersion } from '../../src/codec/protocol-version.ts'

function pub(argv: string[], environment: Record<string, string> = {}) {
  return parse(argv, publishRows, environment)!
}

function message(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return 'no error'
}

describe('the parser', () => {
  it.each([
    [['-t', 'a/b', '-m', 'x'], { topic: 'a/b', message: ['x'] }],
    [['-ta/b', '-mx'], { topic: 'a/b', message: ['x'] }],
    [['--topic=a/b', '--message', 'x'], { topic: 'a/b', message: ['x'] }],
    [['-rn'], { retain: true, null: true }],
    [['-rq1'], { retain: true, qos: 1 }],
    [['-rq', '1', '-d'], { retain: true, qos: 1, debug: true }],
    [['-m', '-5'], { message: ['-5'] }],
    [['-m', '--help'], { message: ['--help'] }],
    [['-m', ''], { message: [''] }],
    [['--message='], { message: [''] }],
    [['-x', '-1'], { sessionExpiry: 0xffff_ffff }],
    [['-x', 'never'], { sessionExpiry: 0xffff_ffff }],
    [['-x', '∞'], { sessionExpiry: 0xffff_ffff }],
    [['-x', '3600'], { sessionExpiry: 3600 }],
    [['-W', '0.5'], { timeout: 500 }],
    [['-W', '500ms'], { timeout: 500 }],
    [['-W', '2m'], { timeout: 120_000 }],
    [['-W.25'], { timeout: 250 }],
    [['-p1884', '-h', '::1'], { port: 1884, host: '::1' }],
    [['-q', '0', '-q', '2'], { qos: 2 }],
    [['--no-reconnect'], { noReconnect: true }],
  ])('reads %j', (argv, expected) => {
    expect(pub(argv).flags).toEqual(expected)
  })

  it.each(['5', '5.0', 'mqttv5', 'MQTTv5'])('reads -V %s as MQTT 5.0', (typed) => {
    expect(pub(['-V', typed]).flags.protocolVersion).toBe(ProtocolVersion.V5)
  })

  it.each(['4', '311', '3.1.1', 'mqttv311'])('reads -V %s as MQTT 3.1.1', (typed) => {
    expect(pub(['-V', typed]).flags.protocolVersion).toBe(ProtocolVersion.V3_1_1)
  })

  it.each(['31', '3.1', 'mqttv31'])('reads -V %s as MQTT 3.1', (typed) => {
    expect(pub(['-V', typed]).flags.protocolVersion).toBe(ProtocolVersion.V3_1)
  })

  it.each([
    ['--hostname', 'host'],
    ['--client-id', 'id'],
    ['--username', 'user'],
    ['--pw', 'password'],
    ['--will-message', 'willPayload'],
  ])('takes %s of other tools', (name, key) => {
    expect(pub([name, 'x']).flags).toEqual({ [key]: 'x' })
  })

  it.each([
    ['--no-clean', 'persistent'],
    ['--disable-clean-session', 'persistent'],
    ['--stdin-line', 'lines'],
  ])('takes the switch %s of other tools', (name, key) => {
    expect(pub([name]).flags).toEqual({ [key]: true })
  })

  it('keeps operands in order and takes what follows -- as operands', () => {
    expect(pub(['mqtt://a', '-r', 'b', '--', '-t', '--nonsense']).operands).toEqual([
      'mqtt://a',
      'b',
      '-t',
      '--nonsense',
    ])
  })

  it('collects repeatable options in order', () => {
    expect(parse(['-t', 'a/#', '-q', '1', '-t', '+/b'], subscribeRows, {})!.flags).toEqual({
      topic: ['a/#', '+/b'],
      qos: [1],
    })
  })

  it('answers null when help is asked for, whatever else is wrong', () => {
    expect(parse(['-q', '9', '--help'], publishRows, {})).toBeNull()
  })

  it.each([
    [['--hsot', 'x'], 'unknown option --hsot; did you mean --host?'],
    [['--will-tpoic=x'], 'unknown option --will-tpoic; did you mean --will-topic?'],
    [['--zzzzzz'], 'unknown option --zzzzzz'],
    [['-Z'], 'unknown option -Z'],
    [['-rZ'], 'unknown option -Z'],
    [['--retain=1'], '--retain takes no value'],
    [['-t'], '-t needs a value: -t TOPIC'],
    [['-h'], '-h needs a value: -h HOST; help is --help'],
    [['-q', '3'], '-q "3": expected 0 (at most once), 1 (at least once) or 2 (exactly once)'],
    [['-V', '3'], '-V "3": expected 3.1 or 3.1.1: a bare 3 may mean either'],
    [['-p', '0'], '-p "0": expected a whole number from 1 to 65535'],
    [['-p', '1e3'], '-p "1e3": expected a whole number from 1 to 65535'],
    [['-W', 'soon'], '-W "soon": expected seconds (decimals are welcome), or 500ms, 2m, 1h'],
    [['-W', '-1'], '-W "-1": expected seconds (decimals are welcome), or 500ms, 2m, 1h'],
    [['-x', '-2'], '-x "-2": expected whole seconds from 0 to 4294967295, or -1 for never'],
    [['-t', 'a/#'], '-t "a/#": expected a topic name: the wildcards + and # stand in filters only'],
    [['-t', ''], '-t "": expected a topic name of at least one character'],
    [['-t', 'x'.repeat(65_536)], 'expected text of at most 65,535 bytes'],
    [['-pw', 'secret'], '-pw is an option of another tool; here it is -P, --password'],
    [['-Wt', 'x'], '-Wt is an option of another tool; here it is --will-topic'],
    [['-up', 'a:b'], '-up is an option of another tool; here it is --prop user-property=NAME=VALUE'],
  ])('refuses %j', (argv, expected) => {
    expect(message(() => pub(argv))).toContain(expected)
  })

  it('does not repeat a secret in its message', () => {
    const text = message(() => parse(['--user', 'hunter2'], serveRows, {}))

    expect(text).toBe('--user: expected NAME:PASSWORD')
  })
})

describe('environment variables', () => {
  it('give values, and switches by 1 and 0', () => {
    const environment = { MQTT_KIT_QOS: '1', MQTT_KIT_RETAIN: 'yes', MQTT_KIT_DEBUG: '0', MQTT_KIT_WILL_TOPIC: 'w' }

    expect(pub([], environment).environment).toEqual({ qos: 1, retain: true, willTopic: 'w' })
  })

  it('are weaker than options', () => {
    expect(merged(pub(['-q', '2'], { MQTT_KIT_QOS: '1', MQTT_KIT_ID: 'me' }))).toEqual({ qos: 2, id: 'me' })
  })

  it('fall silent when the command line has an option that excludes theirs', () => {
    const parsed = pub(['-I', 'pre'], { MQTT_KIT_ID: 'me' })

    expect(merged(parsed, [['id', 'idPrefix']])).toEqual({ idPrefix: 'pre' })
  })

  it('are stronger than a profile, of which they silence what excludes them', () => {
    const profile = { qos: 0, keepalive: 5, idPrefix: 'pre', willTopic: 'w' } as const
    const parsed = { ...pub(['-q', '2'], { MQTT_KIT_ID: 'me', MQTT_KIT_QOS: '1', MQTT_KIT_KEEPALIVE: '7' }), profile }

    expect(merged(parsed, [['id', 'idPrefix']])).toEqual({ qos: 2, keepalive: 7, id: 'me', willTopic: 'w' })
  })

  it('do not give a payload', () => {
    expect(pub([], { MQTT_KIT_MESSAGE: 'x', MQTT_KIT_NULL: '1' }).environment).toEqual({})
  })

  it('are named when they are wrong', () => {
    expect(message(() => pub([], { MQTT_KIT_QOS: '7' }))).toMatch(/^MQTT_KIT_QOS "7": expected/)
    expect(message(() => pub([], { MQTT_KIT_RETAIN: 'maybe' }))).toBe('MQTT_KIT_RETAIN "maybe": expected 1 or 0')
  })
})

describe('properties', () => {
  it('are cut from the arguments with as many words as they have', () => {
    const { flags, operands } = pub([
      ...['-D', 'publish', 'content-type', 'text/plain'],
      ...['-D', 'publish', 'user-property', 'unit', '-t'],
      ...['--property', 'connect', 'receive-maximum', '10', 'mqtt://a'],
      ...['-D', 'will', 'will-delay-interval', '5'],
    ])

    expect(propertiesFor(PacketType.PUBLISH, flags.property!)).toEqual({
      contentType: 'text/plain',
      userProperties: [['unit', '-t']],
    })
    expect(propertiesFor(PacketType.CONNECT, flags.property!)).toEqual({ receiveMaximum: 10 })
    expect(propertiesFor(WILL_PROPERTIES, flags.property!)).toEqual({ willDelayIntervalSeconds: 5 })
    expect(operands).toEqual(['mqtt://a'])
  })

  it('are read from --prop, for the own packet or a named one', () => {
    const { flags } = pub([
      '--prop',
      'user-property=a=b=c',
      '--prop=user-property=a=',
      '--prop',
      'correlation-data=1=2',
      '--prop',
      'connect.session-expiry-interval=9',
    ])

    expect(propertiesFor(PacketType.PUBLISH, flags.prop!)).toEqual({
      userProperties: [
        ['a', 'b=c'],
        ['a', ''],
      ],
      correlationData: Buffer.from('1=2'),
    })
    expect(propertiesFor(PacketType.CONNECT, flags.prop!)).toEqual({ sessionExpiryIntervalSeconds: 9 })
  })

  it.each([
    [['-D', 'publish', 'content-type'], '-D needs a value: -D CMD NAME VALUE'],
    [['-D', 'publish', 'user-property', 'a'], '-D needs a value: -D CMD NAME VALUE'],
    [['-D', 'subscribe', 'user-property', 'a', 'b'], 'a packet that this command sends: publish, connect'],
    [['-D', 'publish', 'contnet-type', 'x'], 'did you mean content-type?'],
    [['-D', 'publish', 'receive-maximum', '5'], 'receive-maximum may stand in CONNECT, CONNACK only'],
    [['--prop', 'session-expiry-interval=5'], 'may stand in CONNECT, CONNACK, DISCONNECT only'],
    [['--prop', 'will-delay-interval=5'], 'may stand in the will only'],
    [['--prop', 'content-type'], 'NAME=VALUE, as in content-type=text/plain'],
    [['--prop', 'user-property=a'], 'user-property=NAME=VALUE'],
    [['--prop', 'payload-format-indicator=2'], 'a number from 0 to 1'],
    [['--prop', 'connect.receive-maximum=0'], 'a number from 1 to 65535'],
    [['--prop', 'topic-alias=1'], 'topic-alias belongs to one connection'],
    [['--prop', 'subscription-identifier=1'], 'from the broker only'],
  ])('are refused in %j', (argv, expected) => {
    expect(message(() => pub(argv))).toContain(expected)
  })

  it('are refused when one that may not repeat stands twice', () => {
    const { flags } = pub(['--prop', 'content-type=a', '--prop', 'content-type=b'])

    expect(() => propertiesFor(PacketType.PUBLISH, flags.prop!)).toThrow('content-type is given twice for PUBLISH')
  })
})
