interface ForeignProtocol {
  /** how its answer begins */
  readonly prefix: Buffer
  readonly name: string
  /** what to try, a clause; '' for nothing */
  readonly hint: string
}

function starts(prefix: string, name: string, hint = ''): ForeignProtocol {
  return { prefix: Buffer.from(prefix, 'latin1'), name, hint }
}

const TLS_HINT = 'use the port without TLS, or an address with mqtts://'
const HTTP_HINT = 'use the port for MQTT, or an address with ws://'

const protocols: readonly ForeignProtocol[] = [
  starts('HTTP/', 'HTTP', HTTP_HINT),
  starts('<', 'HTML or XML', HTTP_HINT),
  starts('\x15\x03', 'a TLS alert', TLS_HINT),
  starts('\x16\x03', 'a TLS handshake', TLS_HINT),
  starts('SSH-', 'SSH'),
  starts('220', 'SMTP or FTP'),
  starts('+OK', 'POP3'),
  starts('* OK', 'IMAP'),
  starts('-ERR', 'Redis'),
  starts('AMQP', 'AMQP'),
  starts('RFB ', 'VNC'),
]

const SHOWN_BYTES = 8

/**
 * What speaks there, judged by how its answer begins; null for what may be MQTT or is unknown. None of the prefixes begins
 * like CONNACK or AUTH, which a Server sends first.
 */
export function nameForeignProtocol(opening: Buffer): string | null {
  const found = protocols.find(({ prefix }) => opening.subarray(0, prefix.length).equals(prefix))
  if (found === undefined) return null
  return found.hint === '' ? found.name : `${found.name}; ${found.hint}`
}

/** True when more bytes are needed to tell. */
export function mayBecomeForeign(opening: Buffer): boolean {
  return protocols.some(
    ({ prefix }) => opening.length < prefix.length && prefix.subarray(0, opening.length).equals(opening),
  )
}

/** First bytes for people: `48 54 54 50`. */
export function showOpening(opening: Buffer): string {
  const shown = opening
    .subarray(0, SHOWN_BYTES)
    .toString('hex')
    .replaceAll(/(..)(?!$)/g, '$1 ')
  return `the bytes ${shown}${opening.length > SHOWN_BYTES ? ' ...' : ''}`
}
