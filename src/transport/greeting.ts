/** What somebody speaks who does not begin as a listener expects. */
export type Greeting = 'MQTT' | 'TLS' | 'HTTP' | 'PROXY'

const HTTP_METHODS = /^(?:GET|HEAD|POST|PUT|DELETE|OPTIONS|PATCH|TRACE|CONNECT|PRI) /
const PROXY_SIGNATURES = ['PROXY ', '\r\n\r\n\0\r\nQUIT\n']
const PROTOCOL_NAMES = ['\0\x04MQTT', '\0\x06MQIsdp']
const CONNECT = 0x10
const LONGEST_GREETING_BYTES = 16

/** Recognises what a peer speaks by the first bytes it sends, however few; null when they are none of these. */
export function greetingOf(bytes: Buffer): Greeting | null {
  const start = bytes.toString('latin1', 0, LONGEST_GREETING_BYTES)
  // a record of TLS with a handshake (RFC 8446 section 5.1): no packet of MQTT has these flags
  if (bytes[0] === 0x16 && (bytes.length === 1 || bytes[1] === 0x03)) return 'TLS'
  if (HTTP_METHODS.test(start)) return 'HTTP'
  if (PROXY_SIGNATURES.some((signature) => start.startsWith(signature))) return 'PROXY'
  if (bytes[0] === CONNECT && PROTOCOL_NAMES.some((name) => start.includes(name))) return 'MQTT'
  return null
}
