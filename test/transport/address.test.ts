import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Address,
  type AddressDefaults,
  AddressError,
  defaultPorts,
  formatAddress,
  formatHostAndPort,
  parseAddress,
  type Scheme,
} from '../../src/transport/address.ts'

const parsed = (scheme: Scheme, host: string, port: number, path = '') => ({ scheme, host, port, path })

function messageOf(text: string, defaults?: AddressDefaults): string {
  try {
    parseAddress(text, defaults)
  } catch (error) {
    expect(error).toBeInstanceOf(AddressError)
    return (error as AddressError).message
  }
  throw new Error(`${text} was read`)
}

describe('an address', () => {
  it.each<[string, Address]>([
    ['mqtt://localhost', parsed('mqtt', 'localhost', 1883)],
    ['tcp://localhost', parsed('mqtt', 'localhost', 1883)],
    ['mqtts://example.org', parsed('mqtts', 'example.org', 8883)],
    ['ssl://example.org', parsed('mqtts', 'example.org', 8883)],
    ['tls://example.org', parsed('mqtts', 'example.org', 8883)],
    ['ws://localhost', parsed('ws', 'localhost', 80, '/mqtt')],
    ['wss://localhost', parsed('wss', 'localhost', 443, '/mqtt')],
    ['MQTT://Example.ORG:1884', parsed('mqtt', 'Example.ORG', 1884)],
    ['mqtt://10.0.0.1:1', parsed('mqtt', '10.0.0.1', 1)],
    ['mqtt://[::1]', parsed('mqtt', '::1', 1883)],
    ['mqtt://[::1]:1884', parsed('mqtt', '::1', 1884)],
    ['mqtt://[fe80::1%25eth0]:1884', parsed('mqtt', 'fe80::1%eth0', 1884)],
    ['mqtt://[fe80::1%eth0]', parsed('mqtt', 'fe80::1%eth0', 1883)],
    ['mqtt://[::ffff:127.0.0.1]:1', parsed('mqtt', '::ffff:127.0.0.1', 1)],
    ['mqtt://bücher.example:65535', parsed('mqtt', 'bücher.example', 65535)],
    ['mqtt://my_broker-1:0', parsed('mqtt', 'my_broker-1', 0)],
    ['localhost', parsed('mqtt', 'localhost', 1883)],
    ['localhost:1885', parsed('mqtt', 'localhost', 1885)],
    ['mqtt:1883', parsed('mqtt', 'mqtt', 1883)],
    ['[::1]:1885', parsed('mqtt', '::1', 1885)],
    [':1885', parsed('mqtt', '', 1885)],
    ['mqtt://:1885', parsed('mqtt', '', 1885)],
    ['ws://:8083/mqtt', parsed('ws', '', 8083, '/mqtt')],
    ['ws://localhost/', parsed('ws', 'localhost', 80, '/')],
    ['ws://localhost/a%20b/c?token=x%2Fy', parsed('ws', 'localhost', 80, '/a%20b/c?token=x%2Fy')],
    ['wss://localhost:8084?token=x', parsed('wss', 'localhost', 8084, '/mqtt?token=x')],
    ['unix:/run/mqtt.sock', parsed('unix', '', 0, '/run/mqtt.sock')],
    ['unix:///run/mqtt.sock', parsed('unix', '', 0, '/run/mqtt.sock')],
    ['unix:mqtt.sock', parsed('unix', '', 0, 'mqtt.sock')],
    ['unix:./a b/c#d?e%25', parsed('unix', '', 0, './a b/c#d?e%')],
    ['unix:////srv/x', parsed('unix', '', 0, '//srv/x')],
    ['UNIX:/run/x', parsed('unix', '', 0, '/run/x')],
  ])('is read from %s', (text, address) => {
    expect(parseAddress(text)).toEqual({ address, username: null, password: null, topic: null })
  })

  it.each<[string, string | null, string | null]>([
    ['mqtt://user:p%40ss@localhost', 'user', 'p@ss'],
    ['mqtt://user@localhost', 'user', null],
    ['mqtt://user:@localhost', 'user', ''],
    ['mqtt://:secret@localhost', null, 'secret'],
    ['mqtt://@localhost', null, null],
    ['mqtt://a:b:c@localhost', 'a', 'b:c'],
    ['mqtt://me@example.org:pw@localhost', 'me@example.org', 'pw'],
    ['ws://%C3%BC%2F:%23%3F@localhost/x', 'ü/', '#?'],
    ['user:pw@localhost', 'user', 'pw'],
    ['unix://user:p%2Fw@/run/mqtt.sock', 'user', 'p/w'],
  ])('gives user name and password of %s decoded and apart', (text, username, password) => {
    expect(parseAddress(text)).toMatchObject({ username, password })
    const { address } = parseAddress(text)
    expect(JSON.stringify(address)).not.toMatch(/secret|pw|p@ss/)
  })

  it.each<[string, string | null]>([
    ['mqtt://localhost/a/b/#', 'a/b/#'],
    ['mqtt://localhost/a/b', 'a/b'],
    ['mqtt://localhost/+/x', '+/x'],
    ['mqtt://localhost/', null],
    ['mqtt://localhost/#', '#'],
    ['mqtt://localhost#', '#'],
    ['mqtt://localhost//a', '/a'],
    ['mqtt://localhost/a/', 'a/'],
    ['mqtts://localhost/$SYS/#', '$SYS/#'],
    ['mqtt://localhost/a%2Fb%20c%3F%25', 'a/b c?%'],
    ['mqtt://localhost/my topic', 'my topic'],
    ['mqtt://localhost/t%C3%BCr', 'tür'],
    ['mqtt://user:pw@[::1]:1884/a/b/#', 'a/b/#'],
    ['localhost/a', 'a'],
    ['ws://localhost/a', null],
    ['unix:/a/b', null],
  ])('gives the topic of %s', (text, topic) => {
    expect(parseAddress(text).topic).toBe(topic)
  })

  it('takes what the text leaves out from the defaults', () => {
    const defaults = { scheme: 'ws', host: 'broker', port: 9001 } as const

    expect(parseAddress('mqtt://', defaults).address).toEqual(parsed('mqtt', 'broker', 9001))
    expect(parseAddress('localhost', defaults).address).toEqual(parsed('ws', 'localhost', 9001, '/mqtt'))
    expect(parseAddress(':1', defaults).address).toEqual(parsed('ws', 'broker', 1, '/mqtt'))
    expect(parseAddress('/run/x', { scheme: 'unix' }).address).toEqual(parsed('unix', '', 0, '/run/x'))
  })

  it.each<[string, string, string]>([
    ['', 'no host', 'mqtt://localhost:1883'],
    ['mqtt://', 'no host', 'mqtt://localhost:1883'],
    ['mqtt:///topic', 'no host', 'mqtt://localhost:1883'],
    ['http://localhost', 'unknown scheme', 'known: mqtt, tcp, mqtts, ssl, tls, ws, wss, unix'],
    ['mqtt://localhost:', 'no port after the colon', 'mqtt://localhost:1883'],
    ['mqtt://localhost:65536', 'a port that is no number from 0 to 65535', 'mqtt://localhost:1883'],
    ['mqtt://localhost:-1', 'a port that is no number from 0 to 65535', 'mqtt://localhost:1883'],
    ['mqtt://localhost:1883 ', 'a port that is no number from 0 to 65535', 'mqtt://localhost:1883'],
    ['mqtt:localhost', 'a port that is no number from 0 to 65535', 'mqtt://localhost:1883'],
    ['mqtt://::1', 'an IPv6 address without brackets', 'mqtt://[::1]:1883'],
    ['mqtt://[::1', 'a bad IPv6 address', 'mqtt://[::1]:1883'],
    ['mqtt://[localhost]', 'a bad IPv6 address', 'mqtt://[::1]:1883'],
    ['mqtt://[::1]1883', 'a bad IPv6 address', 'mqtt://[::1]:1883'],
    ['mqtt://my host', 'a bad host name', 'mqtt://localhost:1883'],
    ['mqtt://ho\nst', 'a bad host name', 'mqtt://localhost:1883'],
    ['mqtt://*:1883', 'a bad host name', 'mqtt://localhost:1883'],
    ['mqtt://localhost?clientId=x', 'a query (?)', '%3F'],
    ['mqtt://localhost/a?b', 'a query (?)', '%3F'],
    ['mqtt://localhost/100%', 'a bad percent encoding in the topic', '%25'],
    ['mqtt://localhost/%ff', 'a bad percent encoding in the topic', '%25'],
    ['mqtt://us%er@localhost', 'a bad percent encoding in the user name', '%25'],
    ['mqtt://user:100%@localhost', 'a bad percent encoding in the password', '%25'],
    ['ws://localhost/a#b', 'a fragment (#)', 'ws://localhost:8083/mqtt'],
    ['ws://localhost/a\r\nb', 'white space or a control character', 'ws://localhost:8083/mqtt'],
    ['unix:', 'no path', 'unix:/run/mqtt.sock'],
    ['unix://', 'no path', 'unix:/run/mqtt.sock'],
    ['unix://run/mqtt.sock', 'a host name', 'unix:/run/mqtt.sock'],
    ['unix:/a%00b', 'a zero byte', 'unix:/run/mqtt.sock'],
  ])('is refused: %j has %s', (text, problem, example) => {
    const message = messageOf(text)

    expect(message.startsWith(`${problem} in "`)).toBe(true)
    expect(message).toContain(example)
  })

  it.each([
    'mqtt://user:hidden@localhost:x',
    'mqtt://user:hid/hidden@localhost:1883x',
    'mqtt://user:hidden#hidden@localhost',
    'mqtt://user:hidden%@localhost',
    'mqtt://hidden%zz@localhost',
    'mqtt://user:hidden',
    'mqtt://user:hidden/hidden',
    'user:hidden',
    'http://user:hidden@localhost',
    'ws://user:hidden@localhost/#',
    'unix://user:hidden@host/run/x',
    'unix://user:hid%den@/run/x',
    'mqtt://user:hidden@localhost?x',
    'mqtt://user:hidden\n@localhost:x',
  ])('keeps user name and password out of the error for %j', (text) => {
    expect(messageOf(text)).not.toMatch(/hid/)
  })

  it('shows the rest of the text in the error', () => {
    expect(messageOf('mqtt://user:secret@localhost:x/topic')).toContain('"mqtt://***@localhost:***"')
    expect(messageOf('mqtt://user:secret@localhost?x')).toContain('"mqtt://***@localhost?x"')
    expect(messageOf('mqtt://localhost:1883?x')).toContain('"mqtt://localhost:1883?x"')
    expect(messageOf('mqtt://fe80::1')).toContain('"mqtt://fe80::1"')
  })

  it('tells how to write a password with special characters when the port makes no sense', () => {
    expect(messageOf('mqtt://user:a/b@localhost')).toContain('%2F')
  })

  it('has a default port for each scheme', () => {
    expect(defaultPorts).toEqual({ mqtt: 1883, mqtts: 8883, ws: 80, wss: 443, unix: 0 })
  })
})

describe('an address as text', () => {
  it.each<[Address, string]>([
    [parsed('mqtt', '127.0.0.1', 1883), 'mqtt://127.0.0.1:1883'],
    [parsed('mqtts', '::1', 8883), 'mqtts://[::1]:8883'],
    [parsed('ws', 'localhost', 80, '/mqtt?x=1'), 'ws://localhost:80/mqtt?x=1'],
    [parsed('mqtt', '', 1883), 'mqtt://:1883'],
    [parsed('unix', '', 0, '/run/a b%.sock'), 'unix:/run/a%20b%25.sock'],
    [parsed('unix', '', 0, '//srv/x'), 'unix:////srv/x'],
  ])('is written with all that counts: %j is %s', (address, text) => {
    expect(formatAddress(address)).toBe(text)
  })

  it('has brackets around IPv6', () => {
    expect(formatHostAndPort('::1', 1)).toBe('[::1]:1')
    expect(formatHostAndPort('host', 1)).toBe('host:1')
  })

  it('is read back as the same address', () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.constant(''))
    const tcp = fc.record({
      scheme: fc.constantFrom<Scheme>('mqtt', 'mqtts'),
      host,
      port: fc.nat(65_535),
      path: fc.constant(''),
    })
    const ws = fc.record({
      scheme: fc.constantFrom<Scheme>('ws', 'wss'),
      host,
      port: fc.nat(65_535),
      path: fc.string({ unit: fc.constantFrom(...'aZ0/%?=&.:@~-') }).map((path) => `/${path}`),
    })
    const unix = fc.record({
      scheme: fc.constant<Scheme>('unix'),
      host: fc.constant(''),
      port: fc.constant(0),
      path: fc.string({ minLength: 1, unit: 'binary' }).filter((path) => !path.includes('\0')),
    })
    fc.assert(
      fc.property(fc.oneof(tcp, ws, unix), (address) => {
        expect(parseAddress(formatAddress(address)).address).toEqual(address)
      }),
    )
  })

  it('reads any text or refuses it with an AddressError', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'mqtws:/[]@#?%1a. \n') }))
    fc.assert(
      fc.property(text, (anything) => {
        try {
          parseAddress(anything)
        } catch (error) {
          expect(error).toBeInstanceOf(AddressError)
        }
      }),
    )
  })
})
