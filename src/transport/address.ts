import { isIPv6 } from 'node:net'

/** How the bytes travel. Other names for the same are read too: tcp is mqtt, ssl and tls are mqtts. */
export type Scheme = 'mqtt' | 'mqtts' | 'ws' | 'wss' | 'unix'

/** Where to connect or listen. Holds no secret: it may be printed. */
export interface Address {
  readonly scheme: Scheme
  /** Name or IP address, IPv6 without brackets; '' means localhost when dialling and every interface when listening. */
  readonly host: string
  /** 0 to 65,535; 0 means any free port when listening. Always 0 for unix. */
  readonly port: number
  /** ws and wss: path and query of the WebSocket, as in the URL. unix: the socket's file. '' for mqtt and mqtts. */
  readonly path: string
}

/** All that a URL can say. */
export interface ParsedAddress {
  readonly address: Address
  /** Percent-decoded; null when the URL has none. */
  readonly username: string | null
  /** Percent-decoded; null when the URL has none, '' when it has an empty one (`user:@host`). */
  readonly password: string | null
  /** mqtt and mqtts: path and fragment without the first slash, percent-decoded, not checked; null when there is none. */
  readonly topic: string | null
}

/** What to take for the parts that a URL leaves out. */
export interface AddressDefaults {
  readonly scheme?: Scheme
  readonly host?: string
  readonly port?: number
}

/** The text is no address. The message says what is wrong and shows a right one; it never holds user name or password. */
export class AddressError extends Error {
  /** @param text may hold a password: it is shown without */
  constructor(problem: string, text: string, example: string) {
    super(`${problem} in ${JSON.stringify(withoutSecrets(text))}: write it like ${example}`)
    this.name = 'AddressError'
  }
}

/** The port each scheme uses when none is named. */
export const defaultPorts: Readonly<Record<Scheme, number>> = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443, unix: 0 }

const DEFAULT_WEBSOCKET_PATH = '/mqtt'
const MAXIMUM_PORT = 65_535

const schemes = new Map<string, Scheme>([
  ['mqtt', 'mqtt'],
  ['tcp', 'mqtt'],
  ['mqtts', 'mqtts'],
  ['ssl', 'mqtts'],
  ['tls', 'mqtts'],
  ['ws', 'ws'],
  ['wss', 'wss'],
  ['unix', 'unix'],
])

const EXAMPLE = 'mqtt://localhost:1883'
const UNIX_EXAMPLE = 'unix:/run/mqtt.sock'
const SECRETS_EXAMPLE = 'mqtt://user:p%40ss@localhost, with % @ / ? # in user name and password as %25 %40 %2F %3F %23'
const WEBSOCKET_EXAMPLE = 'ws://localhost:8083/mqtt'
const TOPIC_EXAMPLE = 'mqtt://localhost/a/b, with % and ? in the topic as %25 and %3F'

/**
 * Reads the URL of a broker or listener: `mqtt://user:p%40ss@[::1]:1884/a/b/#`, `ws://:8083/mqtt`,
 * `unix:/run/mqtt.sock`. The scheme may be left out: `localhost`, `localhost:1883`, `mqtt:1883` (a host called mqtt).
 *
 * Everything but the WebSocket path is percent-decoded. A query belongs to the WebSocket path and a fragment to the topic;
 * elsewhere both are refused. With unix all that follows `unix:`, `unix://` or `unix://user:password@` is the path.
 *
 * @throws AddressError
 */
export function parseAddress(text: string, defaults: AddressDefaults = {}): ParsedAddress {
  const { scheme, rest } = splitScheme(text, defaults.scheme ?? 'mqtt')
  if (scheme === 'unix') return parseUnix(text, rest)

  const authorityEnd = rest.search(/[/?#]/)
  const authority = authorityEnd < 0 ? rest : rest.slice(0, authorityEnd)
  const tail = authorityEnd < 0 ? '' : rest.slice(authorityEnd)
  const at = authority.lastIndexOf('@')
  const secrets = parseSecrets(text, authority.slice(0, Math.max(at, 0)))
  const { host, port } = parseHostAndPort(text, authority.slice(at + 1))
  const isWebSocket = scheme === 'ws' || scheme === 'wss'
  if (host === '' && port === null && defaults.host === undefined) throw new AddressError('no host', text, EXAMPLE)
  return {
    address: {
      scheme,
      host: host === '' ? (defaults.host ?? '') : host,
      port: port ?? defaults.port ?? defaultPorts[scheme],
      path: isWebSocket ? parseWebSocketPath(text, tail) : '',
    },
    ...secrets,
    topic: isWebSocket ? null : parseTopic(text, tail),
  }
}

/** Writes an address so that parseAddress reads it back: with its port, IPv6 in brackets, tcp as mqtt. */
export function formatAddress(address: Address): string {
  if (address.scheme === 'unix') return `unix:${address.path.startsWith('//') ? '//' : ''}${encodeURI(address.path)}`
  return `${address.scheme}://${formatHostAndPort(address.host, address.port)}${address.path}`
}

/** `127.0.0.1:1883`, `[::1]:1883`. */
export function formatHostAndPort(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function splitScheme(text: string, defaultScheme: Scheme): { scheme: Scheme; rest: string } {
  if (/^unix:/i.test(text)) return { scheme: 'unix', rest: text.slice('unix:'.length) }
  const match = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)
  if (match === null) return { scheme: defaultScheme, rest: text }
  const scheme = schemes.get(match[1]!.toLowerCase())
  if (scheme === undefined) {
    throw new AddressError('unknown scheme', text, `${EXAMPLE} (known: ${[...schemes.keys()].join(', ')})`)
  }
  return { scheme, rest: text.slice(match[0].length) }
}

function parseUnix(text: string, rest: string): ParsedAddress {
  const hasAuthority = rest.startsWith('//')
  const pathStart = hasAuthority ? rest.indexOf('/', 2) : 0
  const authority = hasAuthority ? rest.slice(2, pathStart < 0 ? undefined : pathStart) : ''
  const at = authority.lastIndexOf('@')
  if (at + 1 < authority.length) throw new AddressError('a host name', text, UNIX_EXAMPLE)
  const path = pathStart < 0 ? '' : decode(text, rest.slice(pathStart), 'path', UNIX_EXAMPLE)
  if (path === '') throw new AddressError('no path', text, UNIX_EXAMPLE)
  if (path.includes('\0')) throw new AddressError('a zero byte', text, UNIX_EXAMPLE)
  const secrets = parseSecrets(text, authority.slice(0, Math.max(at, 0)))
  return { address: { scheme: 'unix', host: '', port: 0, path }, ...secrets, topic: null }
}

function parseSecrets(text: string, userInfo: string): { username: string | null; password: string | null } {
  const colon = userInfo.indexOf(':')
  const username = decode(text, colon < 0 ? userInfo : userInfo.slice(0, colon), 'user name', SECRETS_EXAMPLE)
  const password = colon < 0 ? null : decode(text, userInfo.slice(colon + 1), 'password', SECRETS_EXAMPLE)
  return { username: username === '' ? null : username, password }
}

function parseHostAndPort(text: string, authority: string): { host: string; port: number | null } {
  if (authority.startsWith('[')) {
    const end = authority.indexOf(']')
    const host = authority.slice(1, end).replace('%25', '%')
    const after = authority.slice(end + 1)
    if (end < 0 || !isIPv6(host) || (after !== '' && !after.startsWith(':'))) {
      throw new AddressError('a bad IPv6 address', text, 'mqtt://[::1]:1883')
    }
    return { host, port: after === '' ? null : parsePort(text, after.slice(1)) }
  }
  const colon = authority.indexOf(':')
  const host = colon < 0 ? authority : authority.slice(0, colon)
  if (isBareIPv6(authority)) throw new AddressError('an IPv6 address without brackets', text, 'mqtt://[::1]:1883')
  if (!/^[\p{L}\p{M}\p{N}._~-]*$/u.test(host)) throw new AddressError('a bad host name', text, EXAMPLE)
  return { host, port: colon < 0 ? null : parsePort(text, authority.slice(colon + 1)) }
}

// Asked first for a second colon: Node's own question costs 9 ms when it is put for the first time.
function isBareIPv6(authority: string): boolean {
  return authority.indexOf(':') !== authority.lastIndexOf(':') && isIPv6(authority)
}

function parsePort(text: string, digits: string): number {
  if (digits === '') throw new AddressError('no port after the colon', text, EXAMPLE)
  if (!/^\d{1,5}$/.test(digits) || Number(digits) > MAXIMUM_PORT) {
    const example = text.includes('@') ? SECRETS_EXAMPLE : EXAMPLE
    throw new AddressError(`a port that is no number from 0 to ${MAXIMUM_PORT}`, text, example)
  }
  return Number(digits)
}

function parseWebSocketPath(text: string, tail: string): string {
  if (tail.includes('#')) throw new AddressError('a fragment (#)', text, WEBSOCKET_EXAMPLE)
  // The path goes into an HTTP request as it is.
  if (/[\0-\x20\x7f]/.test(tail)) throw new AddressError('white space or a control character', text, WEBSOCKET_EXAMPLE)
  return tail.startsWith('/') ? tail : DEFAULT_WEBSOCKET_PATH + tail
}

function parseTopic(text: string, tail: string): string | null {
  const fragment = tail.indexOf('#')
  if ((fragment < 0 ? tail : tail.slice(0, fragment)).includes('?')) {
    throw new AddressError('a query (?)', text, TOPIC_EXAMPLE)
  }
  const topic = decode(text, tail.startsWith('/') ? tail.slice(1) : tail, 'topic', TOPIC_EXAMPLE)
  return topic === '' ? null : topic
}

function decode(text: string, part: string, name: string, example: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new AddressError(`a bad percent encoding in the ${name}`, text, example)
  }
}

/**
 * The text as far as it may be shown: without what stands before the last `@`, and without what stands where a port would
 * but is none, because that is what is left of `user:password@host` when the host is forgotten.
 */
function withoutSecrets(text: string): string {
  const schemeBytes = /^(?:unix:(?:\/\/)?|[a-z][a-z0-9+.-]*:\/\/)?/i.exec(text)![0].length
  const scheme = text.slice(0, schemeBytes)
  const at = text.lastIndexOf('@')
  const shown = text.slice(Math.max(at + 1, schemeBytes))
  const isHidden = at >= schemeBytes
  const authority = shown.split(/[/?#]/, 1)[0]!
  const port = authority.startsWith('[') || isBareIPv6(authority) ? null : /:(.*)$/s.exec(authority)
  const isPort = port === null || /^\d{0,5}$/.test(port[1]!)
  return `${scheme}${isHidden ? '***@' : ''}${isPort ? shown : `${authority.split(':', 1)[0]}:***`}`
}
