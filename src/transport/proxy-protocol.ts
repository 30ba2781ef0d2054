import { BlockList, isIP, isIPv4, isIPv6, type Socket } from 'node:net'
import { AddressError, formatHostAndPort } from './address.ts'

/** Where a proxy has a connection from. */
export interface ProxyHeader {
  /** of the header itself, in bytes; what follows is the client's */
  readonly length: number
  /** as {@link Transport.remoteAddress}; null when the proxy speaks for itself, or does not know */
  readonly remoteAddress: string | null
}

/** The first bytes are no PROXY header. The message completes `the PROXY header ...`. */
export class ProxyHeaderError extends Error {
  override readonly name = 'ProxyHeaderError'
}

/** The longest line of version 1, with its end (section 2.1 of the PROXY protocol's specification). */
const MAXIMUM_LINE_BYTES = 107
const LINE = /^PROXY (TCP4|TCP6) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/
const UNKNOWN_LINE = /^PROXY UNKNOWN(?: .*)?$/

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const FIXED_BYTES = 16
/** Version 2 could announce 65,535 bytes of addresses and extensions; proxies send some hundred. */
const MAXIMUM_HEADER_BYTES = 4096

const LOCAL = 0x20
const PROXY = 0x21
const UNSPECIFIED = 0x00

/** Bytes of both addresses and ports, by family and protocol. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 17: 12, 33: 36, 49: 216 }
const UNIX = 0x31

/**
 * Reads a header of the PROXY protocol, version 1 or 2.
 *
 * @param bytes all that has come, from the beginning of the connection
 * @returns null when the header is not complete yet
 * @throws ProxyHeaderError as soon as it cannot become one
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader | null {
  if (bytes.length === 0) return null
  if (bytes[0] === SIGNATURE[0]) return readBinary(bytes)
  const start = bytes.toString('latin1', 0, Math.min(bytes.length, 6))
  if (!'PROXY '.startsWith(start)) throw new ProxyHeaderError('is missing')
  return readLine(bytes)
}

function readLine(bytes: Buffer): ProxyHeader | null {
  const end = bytes.subarray(0, MAXIMUM_LINE_BYTES).indexOf('\r\n')
  if (end < 0) {
    if (bytes.length >= MAXIMUM_LINE_BYTES) throw new ProxyHeaderError(`is longer than ${MAXIMUM_LINE_BYTES} bytes`)
    return null
  }
  const line = bytes.toString('latin1', 0, end)
  const length = end + 2
  if (UNKNOWN_LINE.test(line)) return { length, remoteAddress: null }
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = ''] = LINE.exec(line) ?? []
  const isAddress = family === 'TCP4' ? isIPv4 : isIPv6
  const isRight =
    family !== undefined &&
    isAddress(source) &&
    isAddress(destination) &&
    Number(sourcePort) <= 65_535 &&
    Number(destinationPort) <= 65_535
  if (!isRight) throw new ProxyHeaderError('is malformed')
  return { length, remoteAddress: remoteText(source, Number(sourcePort)) }
}

function readBinary(bytes: Buffer): ProxyHeader | null {
  const known = Math.min(bytes.length, SIGNATURE.length)
  if (!bytes.subarray(0, known).equals(SIGNATURE.subarray(0, known))) throw new ProxyHeaderError('is missing')
  if (bytes.length < FIXED_BYTES) return null
  const command = bytes[12]!
  const family = bytes[13]!
  const length = FIXED_BYTES + bytes.readUInt16BE(14)
  if (command !== LOCAL && command !== PROXY) throw new ProxyHeaderError('has an unknown version or command')
  if (length > MAXIMUM_HEADER_BYTES) throw new ProxyHeaderError(`is longer than ${MAXIMUM_HEADER_BYTES} bytes`)
  const addressBytes = ADDRESS_BYTES[family] ?? 0
  // a proxy that asks whether we are alive speaks for itself
  const isSilent = command === LOCAL || family === UNSPECIFIED
  if (!isSilent && addressBytes === 0) throw new ProxyHeaderError('is not for TCP or a unix socket')
  if (!isSilent && length < FIXED_BYTES + addressBytes) throw new ProxyHeaderError('is malformed')
  if (bytes.length < length) return null
  return { length, remoteAddress: isSilent ? null : remoteOf(family, bytes.subarray(FIXED_BYTES, length)) }
}

function remoteOf(family: number, addresses: Buffer): string {
  if (family === UNIX) return `unix:${addresses.subarray(0, 108).toString('utf8').replace(/\0.*$/s, '')}`
  if (family === 0x11) return remoteText(addresses.subarray(0, 4).join('.'), addresses.readUInt16BE(8))
  const groups = Array.from({ length: 8 }, (_, i) => addresses.readUInt16BE(2 * i).toString(16))
  // URL knows how an IPv6 address is shortened
  const short = new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
  return remoteText(mapped(short, addresses), addresses.readUInt16BE(32))
}

// an IPv4 address in the clothes of IPv6 is shown as what it is
function mapped(text: string, addresses: Buffer): string {
  return text.startsWith('::ffff:') ? addresses.subarray(12, 16).join('.') : text
}

function remoteText(host: string, port: number): string {
  return formatHostAndPort(host.replace(/^::ffff:(?=\d+\.)/i, ''), port)
}

/** Those who may speak for others: the proxies in front of a listener. */
export class Proxies {
  readonly #networks = new BlockList()
  #hasNetworks = false
  #hasUnix = false

  /**
   * @param names IP addresses, networks like 10.0.0.0/8, and `unix` for whoever connects to a unix socket
   * @throws AddressError for anything else
   */
  constructor(names: readonly string[]) {
    for (const name of names) this.#add(name)
  }

  #add(name: string): void {
    if (name === 'unix') {
      this.#hasUnix = true
      return
    }
    const [address = '', prefix, ...rest] = name.split('/')
    const version = isIP(address)
    const longest = version === 4 ? 32 : 128
    const bits = prefix === undefined ? longest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.POSITIVE_INFINITY
    if (version === 0 || bits > longest || rest.length > 0) {
      throw new AddressError('no address of a proxy', name, '127.0.0.1, 10.0.0.0/8, ::1 or unix')
    }
    this.#hasNetworks = true
    this.#networks.addSubnet(address, bits, version === 4 ? 'ipv4' : 'ipv6')
  }

  /** Do connections of such a listener begin with a PROXY header? */
  areBefore(listener: { readonly isUnix: boolean }): boolean {
    return listener.isUnix ? this.#hasUnix : this.#hasNetworks
  }

  /** Is this connection from one of them? */
  includes({ remoteAddress, remoteFamily }: Socket, isUnix: boolean): boolean {
    if (isUnix) return this.#hasUnix
    if (remoteAddress === undefined) return false
    return this.#networks.check(remoteAddress, remoteFamily === 'IPv6' ? 'ipv6' : 'ipv4')
  }
}
