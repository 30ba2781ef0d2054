import { describe, expect, it } from 'vitest'
import { AddressError } from '../../src/transport/address.ts'
import { Proxies, ProxyHeaderError, readProxyHeader } from '../../src/transport/proxy-protocol.ts'

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1')

/** Version 2: signature, version and command, family and protocol, length, and what is in it. */
function binary(command: number, family: number, rest: string): Buffer {
  const content = Buffer.from(rest.replaceAll(' ', ''), 'hex')
  const fixed = Buffer.from([command, family, content.length >> 8, content.length & 0xff])
  return Buffer.concat([latin1('\r\n\r\n\0\r\nQUIT\n'), fixed, content])
}

const IPV4 = 'c0000201 7f000001 dac0 075b'
const IPV6 = `20010db8000000000000000000000001 ${'00'.repeat(15)}01 dac0 075b`
const MAPPED = `00000000000000000000ffffc0000201 ${'00'.repeat(15)}01 dac0 075b`
const UNIX = latin1('/run/client.sock'.padEnd(108, '\0') + '/run/mqtt.sock'.padEnd(108, '\0')).toString('hex')

const right: [string, Buffer, string | null][] = [
  ['version 1, IPv4', latin1('PROXY TCP4 192.0.2.1 127.0.0.1 56000 1883\r\n'), '192.0.2.1:56000'],
  ['version 1, IPv6', latin1('PROXY TCP6 2001:db8::1 ::1 56000 1883\r\n'), '[2001:db8::1]:56000'],
  ['version 1, IPv4 in IPv6', latin1('PROXY TCP6 ::ffff:192.0.2.1 ::1 56000 1883\r\n'), '192.0.2.1:56000'],
  ['version 1, unknown', latin1('PROXY UNKNOWN\r\n'), null],
  ['version 1, unknown with more', latin1(`PROXY UNKNOWN ${'f'.repeat(91)}\r\n`), null],
  ['version 2, IPv4', binary(0x21, 0x11, IPV4), '192.0.2.1:56000'],
  ['version 2, IPv4 with extensions', binary(0x21, 0x11, `${IPV4} 040003010203`), '192.0.2.1:56000'],
  ['version 2, IPv6', binary(0x21, 0x21, IPV6), '[2001:db8::1]:56000'],
  ['version 2, IPv4 in IPv6', binary(0x21, 0x21, MAPPED), '192.0.2.1:56000'],
  ['version 2, unix', binary(0x21, 0x31, UNIX), 'unix:/run/client.sock'],
  ['version 2, the proxy itself', binary(0x20, 0x11, IPV4), null],
  ['version 2, unspecified', binary(0x21, 0x00, ''), null],
  ['version 2 of 4096 bytes', binary(0x21, 0x11, IPV4 + '00'.repeat(4096 - 16 - 12)), '192.0.2.1:56000'],
]

const wrong: [string, Buffer, string][] = [
  ['a CONNECT', Buffer.from('100c00044d515454040200000000', 'hex'), 'is missing'],
  ['TLS', Buffer.from('160301', 'hex'), 'is missing'],
  ['line breaks', latin1('\r\n\r\nGET'), 'is missing'],
  ['another protocol', latin1('PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n'), 'is malformed'],
  ['a name for an address', latin1('PROXY TCP4 localhost 127.0.0.1 1 2\r\n'), 'is malformed'],
  ['the wrong family', latin1('PROXY TCP4 ::1 ::1 1 2\r\n'), 'is malformed'],
  ['a port that is none', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 65536 2\r\n'), 'is malformed'],
  ['a port too few', latin1('PROXY TCP4 1.2.3.4 1.2.3.4 2\r\n'), 'is malformed'],
  ['a line without end', latin1(`PROXY UNKNOWN ${'f'.repeat(93)}`), 'is longer than 107 bytes'],
  ['another version', binary(0x31, 0x11, IPV4), 'has an unknown version or command'],
  ['another command', binary(0x22, 0x11, IPV4), 'has an unknown version or command'],
  ['UDP', binary(0x21, 0x12, IPV4), 'is not for TCP or a unix socket'],
  ['too short for its addresses', binary(0x21, 0x21, IPV4), 'is malformed'],
  ['more than 4096 bytes', binary(0x21, 0x11, IPV4 + '00'.repeat(4097 - 16 - 12)), 'is longer than 4096 bytes'],
]

describe('readProxyHeader', () => {
  it.each(right)('reads %s, whatever comes behind it', (_, header, remoteAddress) => {
    const length = header.length

    expect(readProxyHeader(header)).toEqual({ length, remoteAddress })
    expect(readProxyHeader(Buffer.concat([header, latin1('PROXY \r\n')]))).toEqual({ length, remoteAddress })
    for (let i = 0; i < length; i++) expect(readProxyHeader(header.subarray(0, i))).toBeNull()
  })

  it.each(wrong)('refuses %s', (_, header, said) => {
    expect(() => readProxyHeader(header)).toThrow(ProxyHeaderError)
    expect(() => readProxyHeader(header)).toThrow(said)
  })

  it('refuses a header that is too long when its length is known, not when it has come', () => {
    const header = binary(0x21, 0x11, IPV4 + '00'.repeat(60_000))

    expect(() => readProxyHeader(header.subarray(0, 16))).toThrow('is longer than 4096 bytes')
  })
})

describe('Proxies', () => {
  const from = (remoteAddress: string, remoteFamily: string) => ({ remoteAddress, remoteFamily }) as never

  it('are single addresses and networks of both families', () => {
    const proxies = new Proxies(['192.0.2.1', '10.0.0.0/8', '2001:db8::/32'])

    expect(proxies.includes(from('192.0.2.1', 'IPv4'), false)).toBe(true)
    expect(proxies.includes(from('192.0.2.2', 'IPv4'), false)).toBe(false)
    expect(proxies.includes(from('10.200.3.4', 'IPv4'), false)).toBe(true)
    // on a listener for both families
    expect(proxies.includes(from('::ffff:10.200.3.4', 'IPv6'), false)).toBe(true)
    expect(proxies.includes(from('2001:db8:1::1', 'IPv6'), false)).toBe(true)
    expect(proxies.includes(from('2001:db9::1', 'IPv6'), false)).toBe(false)
    expect(proxies.includes({} as never, false)).toBe(false)
  })

  it('stand before network listeners and unix sockets apart', () => {
    expect(new Proxies(['::1']).areBefore({ isUnix: true })).toBe(false)
    expect(new Proxies(['::1']).areBefore({ isUnix: false })).toBe(true)
    expect(new Proxies(['unix']).areBefore({ isUnix: true })).toBe(true)
    expect(new Proxies(['unix']).areBefore({ isUnix: false })).toBe(false)
  })

  it.each(['proxy.example', '10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/8/8', ''])('refuses %j', (name) => {
    expect(() => new Proxies([name])).toThrow(AddressError)
  })
})
